# What the pictures of skiff show have in common: text that comes from containers, and numbers.

# plain: without what would drive a terminal, turn the direction of writing, or is no character of XML.
# Whatever a picture prints has been through this: see clean.
def plain:
	explode as $all | if all($all[]; . >= 32 and . < 127) then . else $all | map(
		if . < 32 or (. >= 127 and . < 160) or . == 173 or . == 1564 or (. >= 8203 and . <= 8207)
			or (. >= 8232 and . <= 8238) or (. >= 8288 and . <= 8303) or (. >= 55296 and . <= 63743)
			or . == 65279 or (. >= 65529 and . <= 65535) or . >= 917504 then 63 else . end) | implode end;

def clean: walk(if type == "string" then plain else . end);

# columns: how many columns of a terminal a character (a number) takes: none for what is put upon the one
# before, two for those of East Asia and pictures.
def columns:
	if . < 768 or (. >= 9472 and . <= 9631) then 1 # most, and lines of boxes
	elif . < 880 or (. >= 1155 and . <= 1161) or (. >= 1425 and . <= 1479) or (. >= 1552 and . <= 1562)
		or (. >= 1611 and . <= 1631) or (. >= 2304 and . <= 3967 and (. % 128 | . == 60 or . == 77))
		or (. >= 6832 and . <= 6911) or (. >= 7616 and . <= 7679) or (. >= 8400 and . <= 8447)
		or (. >= 65024 and . <= 65039) or (. >= 65056 and . <= 65071) then 0
	elif (. >= 4352 and . <= 4447) or (. >= 8986 and . <= 8987) or (. >= 9193 and . <= 9203)
		or (. >= 11904 and . <= 42191 and . != 12351) or (. >= 44032 and . <= 55203)
		or (. >= 63744 and . <= 64255) or (. >= 65040 and . <= 65049) or (. >= 65072 and . <= 65135)
		or (. >= 65281 and . <= 65376) or (. >= 65504 and . <= 65510) or (. >= 126976 and . <= 129791)
		or (. >= 131072 and . <= 262141) then 2
	else 1 end;

def width: if utf8bytelength == length then length else explode | map(columns) | add // 0 end;

# clip(ROOM; MORE): as much of it as there is room for, MORE (one column) in the place of the rest.
def clip($room; $more):
	if $room <= 0 then "" elif width <= $room then .
	else ([foreach explode[] as $c ({width: 0}; .width += ($c | columns) | .c = $c)
		| select(.width <= $room - 1) | .c] | implode) + $more end;

# decimals(N): the number with as many of them.
def decimals($n): . * ([1, 10, 100][$n]) | round / ([1, 10, 100][$n]) | tostring;

# size: bytes for people.
def size:
	if . == null then "?" else
	{n: ., unit: 0} | until(.n < 1000 or .unit == 5; .n /= 1024 | .unit += 1)
	| "\(if .unit == 0 or .n >= 9.95 then .n | round else .n | decimals(1) end) \(["B", "KiB", "MiB", "GiB", "TiB", "PiB"][.unit])" end;

# plural(ONE; MORE): the number with its word.
def plural($one; $more): "\(.) \(if tostring == "1" then $one else $more end)";

# share(OF): part of the whole, from 0 to 1.
def share($of): if $of == null or $of <= 0 then 0 else ([. / $of, 1] | min) end;

# The bars: what is used, of how much: a limit of the container, or else all that the machine has.
def meters:
	[{name: "cpu", used: (.CPU.Percent / 100), of: (.CPU.Limit // .CPU.Machine), text: (.CPU.Percent / 100 | decimals(2)),
		limit: (if .CPU.Limit then "of \(.CPU.Limit | decimals(2) | plural("CPU"; "CPUs"))"
			else "of \(.CPU.Machine | plural("CPU"; "CPUs")), no limit" end)},
	 {name: "memory", used: .Memory.Used, of: (.Memory.Limit // .Memory.Machine), text: (.Memory.Used | size),
		limit: (if .Memory.Limit then "of \(.Memory.Limit | size)" else "of \(.Memory.Machine | size), no limit" end)},
	 {name: "tasks", used: .Tasks.Used, of: .Tasks.Limit, text: "\(.Tasks.Used)",
		limit: (if .Tasks.Limit then "of \(.Tasks.Limit)" else "no limit" end)}]
	| map(.limited = (.limit | endswith("no limit") | not) | .share = (.of as $of | .used | share($of)));

def is_up: .State == "running" or .State == "paused";

# Of its namespaces: those that are its own, shared with containers, and the host's.
def own: [.Namespaces[] | select(.With == [])];
def shared: [.Namespaces[] | select(.With != [] and (.With | index(["host"]) == null))];
def hosts: [.Namespaces[] | select(.With | index(["host"]))];
