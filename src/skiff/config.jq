# An OCI image config, taken apart: two lines for each file of images/HEX, its name and
# its text, as printf %b writes it. Lists are NUL-separated, as /proc/PID/environ is. What
# a config must not hold (a NUL in a string, a newline in a value of one line, a wrong type)
# is an error here, once, so that nothing later needs to be on its guard.

def text(what): if type == "string" and (explode | any(. == 0) | not) then .
	else error("\(what) is not a string without NUL") end;
def line(what): text(what) | if test("\n") then error("\(what) has a newline") else . end;
def strings(what): if . == null then [] elif type == "array" then map(text(what))
	else error("\(what) is not a list") end;
def names(what): if . == null then {} elif type == "object" then .
	else error("\(what) is not an object") end;

# A HEALTHCHECK: the test as a command, and arguments of health(1). Durations are nanoseconds; 0 is
# "not given".
def health_test($shell): if . == null then [] else .Test | strings("Healthcheck.Test") end
	| if .[0] == "CMD" then .[1:]
	elif .[0] == "CMD-SHELL" then $shell + .[1:2]
	elif .[0] == "NONE" or length == 0 then []
	else error("Healthcheck.Test: CMD, CMD-SHELL or NONE") end;
def health_times: if . == null then [] else
	[(["interval", .Interval], ["timeout", .Timeout], ["start-period", .StartPeriod],
		["start-interval", .StartInterval]) | select(.[1] != null and .[1] != 0)
		| if (.[1] | type) == "number" and .[1] > 0 and .[1] <= 9223372036854775807 then . else error("Healthcheck: not a duration") end
		| "--\(.[0])", "\(.[1] / 1000000 | if . < 1 then 1 else floor end)ms"]
	+ (.Retries // 0 | if type == "number" and . >= 0 and . < 2147483648 then . else error("Healthcheck.Retries") end
		| if . > 0 then ["--retries", "\(floor)"] else [] end) end;

# An RFC 3339 time, in UTC and whole seconds; what lies before 1970 means "no time".
def time(what): text(what) |
	(capture("\\A(?<date>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})([.][0-9]+)?(Z|(?<sign>[+-])(?<h>[0-9]{2}):(?<m>[0-9]{2}))\\z")
		// error("\(what) is not a time"))
	| if .date < "1970-01-02" then 0 else
		(try (.date + "Z" | fromdateiso8601) catch error("\(what) is not a time"))
		- (if .sign == null then 0 else (.sign + "1" | tonumber) * ((.h | tonumber) * 3600 + (.m | tonumber) * 60) end)
	end | todate;

# For printf %b. (No gsub, nor split and join: a long text must not take the square of its length.)
def plain: if contains("\\") or contains("\n") then
		explode | map(if . == 92 then 92, 92 elif . == 10 then 92, 110 else . end) | implode
	else . end;
def list: map(plain + "\\0000") | add // "";
def lines: map(plain + "\\n") | add // "";
def value: plain + "\\n";

def file(name): name, . + "\\c";

def parts: if type != "object" then error("not an object") else . end
| (.config // {} | names("config")) as $c
| (($c.Entrypoint | strings("Entrypoint")) as $entry | ($c.Cmd | strings("Cmd")) as $cmd
| ($entry | list | file("entrypoint")),
  ($cmd | list | file("cmd")),
  ($entry + $cmd | [.[:1][], (.[1:][] | if index(" ") then "'\(.)'" else . end)] | join(" ") | gsub("[\u0001-\u001f\u007f-\u009f]"; " ") | .[0:256] | value | file("command"))),
(($c.Shell | strings("Shell") | if . == [] then ["/bin/sh", "-c"] else . end) as $shell
| ($shell | list | file("shell")),
  ($c.Healthcheck | health_test($shell) | list | file("health-test"))),
($c.Healthcheck | health_times | lines | file("health")),
($c.Env | strings("Env") | list | file("env")),
($c.User // "" | line("User") | value | file("user")),
($c.WorkingDir // "" | line("WorkingDir") | value | file("cwd")),
($c.StopSignal // "" | line("StopSignal") | value | file("stop-signal")),
($c.Labels | names("Labels") | to_entries | map("\(.key | text("Labels"))=\(.value | text("Labels"))") | list | file("labels")),
($c.Volumes | names("Volumes") | keys | map(line("Volumes")) | lines | file("volumes")),
($c.ExposedPorts | names("ExposedPorts") | keys | map(line("ExposedPorts")) | lines | file("ports")),
(.created // "1970-01-01T00:00:00Z" | time("created") | value | file("created")),
(.os // "" | line("os") | value | file("os")),
(.architecture // "" | line("architecture") | value | file("architecture")),
(.variant // "" | line("variant") | value | file("variant")),
(.rootfs.diff_ids | strings("rootfs.diff_ids")
	| map(if test("\\Asha256:[0-9a-f]{64}\\z") then . else error("a diff_id is not a sha256 digest") end)
	| lines | file("diff-ids"));
