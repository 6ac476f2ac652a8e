# The plan of a build. In: for each stage that is needed, base first, the config of its base image
# (not for scratch, nor for an earlier stage), and the lines of dockerfile -s STAGE.
# --arg os, architecture, variant: of scratch. --argjson labels: those of --label, --arg target:
# the number of the stage that becomes the image. Out: lines of fields with 0x1f between them, lists
# in a field with 0x1e, and lists in those with 0x1d:
#   stage NUMBER
#   step KIND LINE END TEXT HISTORY KEY ...  what is to be done: see build.sh; what is in KEY is
#                                            all that the result depends on
#   base IMAGE-HISTORY                       (of the target) and then the rest of the config
#   config BEFORE AFTER                      before and after "created", "history" and "rootfs"

def go_quote: tojson;
def go_list: "[" + (map(go_quote) | join(" ")) + "]";
def clean: gsub("[\u0000-\u001f\u007f-\u009f]"; " ");
def plain(what): if test("[\u0000-\u001f]") then error("\(what) has a control character") else . end;
def list(sep): map(plain("a path")) | join(sep);
def nul: if any(.[]; test("\u0000")) then error("a NUL in a command or variable") else map(. + "\u0000") | add // "" | @base64 end;
def b64: @base64;

# "1h2m3.5s" in nanoseconds.
def nanoseconds: [match("([0-9]+(?:[.][0-9]*)?|[.][0-9]+)(ns|us|µs|ms|s|m|h)"; "g")
	| (.captures[0].string | "0" + . | tonumber) * {ns: 1, us: 1000, "µs": 1000, ms: 1000000, s: 1000000000, m: 60000000000, h: 3600000000000}[.captures[1].string]]
	| add // 0 | floor;

def clean_path: split("/") | reduce .[] as $part ([];
	if $part == "" or $part == "." then . elif $part == ".." then .[:-1] else . + [$part] end)
	| "/" + join("/");
# PATH as seen from the working directory; a slash at its end is kept: it means a directory.
def from_cwd($cwd): . as $path
	| (if startswith("/") then . else ($cwd | if . == "" or . == null then "/" else . end) + "/" + . end | clean_path)
	| if ($path | test("(\\A|/)[.]?\\z")) and . != "/" then . + "/" else . end;

# Of two values with one name the later counts, in the place of the first.
def set_env($pair): ($pair | split("=")[0] + "=") as $name
	| (map(startswith($name)) | index(true)) as $at | if $at == null then . + [$pair] else .[$at] = $pair end;
def command($i; $shell): if $i.form == "exec" then $i.args else $shell + $i.args end;
def shell: .Shell // ["/bin/sh", "-c"];

def health($i; $shell): if $i.args == ["NONE"] then {Test: ["NONE"]} else
	{Test: (if $i.form == "exec" then $i.args else ["CMD-SHELL"] + $i.args[1:] end)}
	+ ([["interval", "Interval"], ["timeout", "Timeout"], ["start-period", "StartPeriod"], ["start-interval", "StartInterval"]]
		| map(select($i.flags[.[0]] != null) | {(.[1]): ($i.flags[.[0]][0] | nanoseconds)} | select(.[] > 0)) | add // {})
	+ (if $i.flags.retries != null and $i.flags.retries[0] != "0" then {Retries: ($i.flags.retries[0] | tonumber)} else {} end) end;

# The config with an instruction that changes nothing but that. In: {config, author, cmd_set}.
def change($i): .config as $c
	| if $i.instruction == "ENV" then .config.Env = reduce $i.args[] as $pair ($c.Env // []; set_env($pair))
	elif $i.instruction == "LABEL" then .config.Labels = ($c.Labels // {}) + ($i.args | map(capture("\\A(?<key>[^=]*)=(?<value>(.|\n)*)\\z")) | from_entries)
	elif $i.instruction == "USER" then .config.User = $i.args[0]
	elif $i.instruction == "STOPSIGNAL" then .config.StopSignal = $i.args[0]
	elif $i.instruction == "MAINTAINER" then .author = $i.args[0]
	elif $i.instruction == "EXPOSE" then .config.ExposedPorts = ($c.ExposedPorts // {}) + ($i.args | map({(.): {}}) | add)
	elif $i.instruction == "VOLUME" then .config.Volumes = ($c.Volumes // {}) + ($i.args | map({(.): {}}) | add)
	elif $i.instruction == "SHELL" then .config.Shell = $i.args
	elif $i.instruction == "CMD" then .config.Cmd = command($i; $c | shell) | .cmd_set = true
	elif $i.instruction == "ENTRYPOINT" then .config.Entrypoint = command($i; $c | shell)
		| if .cmd_set then . else del(.config.Cmd) end
	elif $i.instruction == "HEALTHCHECK" then .config.Healthcheck = health($i; $c | shell)
	elif $i.instruction == "ONBUILD" then .config.OnBuild = ($c.OnBuild // []) + $i.args
	elif $i.instruction == "ARG" then .
	else error("unknown instruction: \($i.instruction)") end;

# As Docker's own builder writes it.
def created_by($i; $shell): ($shell | join(" ")) + " #(nop) " + (
	if $i.instruction == "CMD" or $i.instruction == "ENTRYPOINT" then " \($i.instruction) \(command($i; $shell) | go_list)"
	elif $i.instruction == "SHELL" or $i.instruction == "VOLUME" then " \($i.instruction) [\($i.args | join(" "))]"
	elif $i.instruction == "COPY" or $i.instruction == "ADD" or $i.instruction == "WORKDIR" then $i.original
	elif $i.instruction == "HEALTHCHECK" then " " + $i.original
	else " \($i.instruction) \($i.args | join(" "))" end);

# What a mount is from, as copy_step says it. Names of stages are those of earlier ones.
def mounted_from($stages; $now): if . == null then "" else . as $name
	| ([$stages[] | select(.stage < $now and (.name // "") == ($name | ascii_downcase)) | .stage][-1]
		// (if test("\\A[0-9]+\\z") and ($name | tonumber) < $now then tonumber else null end)) as $n
	| if $n != null then "stage:\($n)" else "image:\($name)" end end;
def mount_fields($stages; $now; $cwd): [.type, (.from | mounted_from($stages; $now)), .source, (.target | if . == null then null else from_cwd($cwd) | rtrimstr("/") end), .id, .sharing,
	(if .readonly == true then "ro" elif .readonly == false then "rw" else "" end),
	(if .required == true then "true" else "" end), .env, .size, .mode, .uid, .gid]
	| map(. // "" | tostring | plain("--mount")) | join("\u001d");

# Mounts with a place for each agent that has none.
def with_agents: reduce .[]? as $m ([]; . + [$m + (if $m.type == "ssh" and $m.target == null
	then {target: "/run/buildkit/ssh_agent.\(map(select(.type == "ssh")) | length)"} else {} end)]);

def run_step($i; $stages): .number as $now | .config as $c | ($c | shell) as $shell
	| (if $i.form == "exec" then $i.args elif $i.script == true then [] else $shell + [$i.command] end) as $argv
	| (reduce ($i.args_in_env[]?) as $pair ($c.Env // []; set_env($pair))) as $env
	| ($i.args_in_env // []) as $args
	| ($i.mounts | with_agents | map(mount_fields($stages; $now; $c.WorkingDir))) as $mounts
	| ([$mounts[] | split("\u001d") | select(.[0] == "ssh") | "SSH_AUTH_SOCK=" + .[3]][:1]
		| if any($env[]; startswith("SSH_AUTH_SOCK=")) then [] else . end) as $agent
	| ((if ($args | length) > 0 then "|\($args | length) \($args | sort | join(" ")) " else "" end)
		+ (if $i.form == "exec" then $i.args | join(" ") else ($shell | join(" ")) + " " + $i.command end)) as $by
	| {kind: "run", by: $by,
		key: {run: $argv, script: (if $i.script == true then $i.command else null end), env: $env, user: $c.User, cwd: $c.WorkingDir, flags: $i.flags},
		fields: [($argv | nul), (($env + $agent + $proxies) | nul), ($c.User // "" | plain("the user")), ($c.WorkingDir // "" | plain("the working directory")),
			($mounts | join("\u001e")), ($i.flags.network[0]? // ""), ($i.flags.security[0]? // ""),
			(if $i.script == true then $i.command | b64 else "" end)]};

def check_destination: if ((.args[:-1] + (.heredocs // [])) | length) > 1 and (.args[-1] | test("(/|(\\A|/)\\.\\.?)\\z") | not)
	then error("line \(.line): when using \(.instruction) with more than one source file, the destination must be a directory and end with a /")
	else . end;

def copy_step($i; $stages): ($i | check_destination) as $_ | .config as $c
	| (if ($i.uses // [] | length) > 0 then "stage:\($i.uses[0])" elif $i.flags.from != null then "image:\($i.flags.from[0])" else "" end) as $from
	| ($i.args[-1] | from_cwd($c.WorkingDir)) as $destination
	| {kind: ($i.instruction | ascii_downcase), by: created_by($i; $c | shell),
		key: {copy: $i.instruction, to: $destination, from: ($from != ""), sources: $i.args[:-1], flags: ($i.flags | del(.from)),
			heredocs: [$i.heredocs[]? | {name, content}]},
		fields: [$from, ($destination | plain("a path")), ($i.args[:-1] | list("\u001e")),
			($i.flags.chown[0]? // "" | plain("--chown")), ($i.flags.chmod[0]? // "" | plain("--chmod")),
			(if $i.flags.parents[0]? == "true" then "true" else "" end), ($i.flags.exclude // [] | list("\u001e")),
			($i.flags.checksum[0]? // "" | plain("--checksum")),
			([$i.heredocs[]? | "\(.name | if test("/") or . == ".." or . == "." then error("here-document \(.): not a file name") else . end)\u001d\(.content | b64)"] | join("\u001e")),
			(if $i.flags.unpack != null then $i.flags.unpack[0] else "" end), (if $i.flags["keep-git-dir"][0]? == "true" then "true" else "" end)]};

# One instruction: the stage goes on to .steps with one more.
def instruction($i; $stages):
	if $i.instruction == "FROM" then .
	elif $i.instruction == "RUN" then run_step($i; $stages) as $step | .steps += [$step + {i: $i}]
	elif $i.instruction == "COPY" or $i.instruction == "ADD" then copy_step($i; $stages) as $step | .steps += [$step + {i: $i}]
	elif $i.instruction == "WORKDIR" then
		.config.WorkingDir as $old | ($i.args[0] | from_cwd($old) | rtrimstr("/") | if . == "" then "/" else . end) as $cwd
		| .config.WorkingDir = $cwd
		| "\(.config | shell | join(" ")) #(nop) WORKDIR \($cwd)" as $by
		| .steps += [{kind: "workdir", by: $by, key: {workdir: $cwd}, fields: [$cwd | plain("a path")], i: $i}]
	else change($i) | created_by($i; .config | shell) as $by | .steps += [{kind: "meta", by: $by, key: null, fields: [], i: $i}] end;

# Whatever comes from an image or a Dockerfile stays within its field.
def line: map(tostring | if test("[\n\u001f]") then error("a control character in an instruction") else . end) | join("\u001f");
def show_step: ["step", .kind, .i.line, .i.end, (.i.original | clean | .[0:2000]),
	({created_by: .by} + (if .kind == "meta" then {empty_layer: true} else {} end) | tojson[1:]), (.key | tojson)] + .fields | line;

# What is in the image beside created, history and rootfs.
def image: .config as $c | .image + {config: ($c | if ($labels | length) > 0 then .Labels = (.Labels // {}) + $labels else . end)}
	+ (if .author then {author: .author} else {} end);

# What a stage begins with: an earlier stage, the config of an image, or nothing. Docker sees to it that there
# is a PATH.
def beginning($stages; $about; $base):
	if $about.base != null then $stages["\($about.base)"]
	elif $base != null then {
		config: ($base.config // {} | del(.OnBuild)), author: $base.author, history: ($base.history // []),
		diff_ids: ($base.rootfs.diff_ids // []),
		image: ($base | {architecture, os, variant, "os.version": .["os.version"], "os.features": .["os.features"]}
			| with_entries(select(.value != null)))}
	else {config: {}, history: [], diff_ids: [],
		image: ({architecture: $architecture, os: $os} + (if $variant == "" then {} else {variant: $variant} end))} end
	| .config.Env |= (. // [] | if any(.[]; startswith("PATH=")) then . else ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"] + . end)
	| . + {cmd_set: false, steps: [], number: $about.stage, base_stage: $about.base};

reduce inputs as $in ({stages: {}, list: [], head: null, base: null, now: null};
	if $in | has("stages") then .head = $in
	elif $in.instruction == "FROM" then
		.now = "\($in.stage)" | .list += [.now]
		| .stages[.now] = beginning(.stages; .head.stages[$in.stage]; .base) | .base = null
	elif $in | has("instruction") then
		if $in.stage == null then . else .head.stages as $s | .stages[.now] |= instruction($in; $s) end
	else .base = $in end)
| . as $all
| $all.list[] | $all.stages[.]
| (["stage", .number] | line),
  (if .base_stage == null then
	(["history", (.history[] | tojson)] | line),
	(["diff-ids", .diff_ids[]] | line) else empty end),
  (.steps[] | show_step),
  (if "\(.number)" == $target then (image | tojson | ["config", .[:-1]] | line) else empty end)
