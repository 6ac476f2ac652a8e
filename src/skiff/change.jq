# Dockerfile instructions that change the config of an image. Included by import.jq and commit.jq.

# CMD and ENTRYPOINT: a JSON array is the exec form, anything else a shell line.
def command: . as $text | (try fromjson catch null)
	| if type == "array" then . else ["/bin/sh", "-c", $text] end;
# NAME=VALUE pairs (quotes around a value are taken off), or NAME VALUE.
def unquote: if test("^\".*\"$") or test("^'.*'$") then .[1:-1] else . end;
def pairs: if test("^[^ =]+=") then
		[match("([^ =]+)=(\"[^\"]*\"|'[^']*'|[^ ]*)"; "g").captures | {key: .[0].string, value: (.[1].string | unquote)}]
	else [capture("^(?<key>[^ ]+) +(?<value>.*)$")] end;
def words: (try fromjson catch null) as $list | if ($list | type) == "array" then $list else split(" ") - [""] end;

def change($instruction; $value): ($instruction | ascii_upcase) as $what |
	if $what == "CMD" then .Cmd = ($value | command)
	elif $what == "ENTRYPOINT" then .Entrypoint = ($value | command)
	elif $what == "ENV" then .Env += ($value | pairs | map("\(.key)=\(.value)"))
	elif $what == "LABEL" then .Labels += ($value | pairs | from_entries)
	elif $what == "WORKDIR" then .WorkingDir = $value
	elif $what == "USER" then .User = $value
	elif $what == "STOPSIGNAL" then .StopSignal = $value
	elif $what == "EXPOSE" then .ExposedPorts += ($value | words
		| map({key: (if test("/") then . else . + "/tcp" end), value: {}}) | from_entries)
	elif $what == "VOLUME" then .Volumes += ($value | words | map({key: ., value: {}}) | from_entries)
	else error("\($instruction | ascii_downcase) is not a valid change command") end;

# The config with the instructions of TEXT, one a line.
def apply($text): reduce ($text | split("\n")[] | select(test("[^ ]")) | sub("^ +"; "") | sub(" +$"; "")) as $line
	(.; ($line | capture("^(?<i>[A-Za-z]+)[ \t]+(?<v>.*)$") // error("not an instruction: \($line)"))
		as $c | change($c.i; $c.v));
