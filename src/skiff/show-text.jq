# Containers, as show-gather.jq has them, as boxes for a terminal.
# $columns, $colour (true or false), $utf8 (else in ASCII), $stack (one container, in detail); for a live
# picture $rows of the terminal (else 0), $top, the first line to be seen, and $remark for the last line. The first
# line is no part of that: it says how large $top may be.

include "show-words";

def pick($fine; $plain): if $utf8 then $fine else $plain end;
def more: pick("…"; "~");
def times($n): if $n > 0 then . * $n else "" end;

# A line is a list of pieces: a text and how it looks; "done" is a line in itself, as wide as it is to be.
def piece($look; $text): {look: $look, text: $text};
def words($text): piece("plain"; $text);
def dim($text): piece("2"; $text);

def painted: if $colour and .look != "plain" and .look != "done" and .text != "" then "\u001b[\(.look)m\(.text)\u001b[0m" else .text end;

# fit(ROOM): the pieces as text that is just so wide; ends(ROOM; PIECES): with those at the right.
def cut($room): reduce .[] as $p ({left: $room, line: []};
	if .left > 0 then ($p.text | clip($p.room // 9999; more)) as $wanted | .left as $left
		| ($wanted | clip($left; more)) as $text
		| .line += [$p + {text: $text}] | .left -= (if $p.look == "done" then .left else $text | width end) else . end);
def fit($room): cut($room) | (.line | map(painted) | join("")) + (.left as $n | " " | times($n));
def length_of: map(.text | width) | add // 0;
def ends($room; $right): ($right | length_of) as $taken
	| if $taken + 8 > $room then . + [words(" ")] + $right else
		cut($room - $taken - 1) | .left as $n | .line + [words(" " | times($n + 1))] + $right end;

# bar(SHARE; ROOM): full as far as SHARE, 0 to 1, goes.
def bar($share; $room): ($share * $room * 8 | ceil) as $eighths
	| (if $utf8 then [$eighths / 8 | floor, $eighths % 8] else [$eighths / 8 | ceil, 0] end) as [$full, $part]
	| [piece(if $share > 0.9 then "31" elif $share > 0.7 then "33" else "32" end;
		(pick("█"; "#") | times($full)) + (["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][$part])),
	   dim(pick("░"; ".") | times($room - $full - ([$part, 1] | min)))];

# ---- what is told of a container: lists of pieces -----------------------------

def heading($text): piece("36"; $text + (" " | times(12 - ($text | length))));
def headed($text; lines): [lines] | to_entries | map([heading(if .key == 0 then $text else "" end)] + .value) | .[];

# right(ROOM): a number, with blanks before it.
def right($room): tostring | . as $text | (" " | times($room - ($text | length))) + $text;
def indent($depth): if $depth == 0 then "" else (" " | times(3 * $depth - 3)) + pick("└─ "; "`- ") end;

# A process: its ID inside, its place in the tree, its command; and at the right its ID on the host.
def process($room; $remark): ([.Depth, 6] | min) as $depth
	| [piece("1"; .Inside // "?" | right(5)), words("  " + indent($depth) + .Command)]
	| ends($room; [dim($remark)]);
def processes($most; $room):
	(.Processes[:$most] | to_entries[] | .key as $i | .value
		| process($room; "\(.PID)" + if $i == 0 then " on the host" else "            " end)),
	(.ProcessCount - ([.Processes | length, $most] | min) | select(. > 0) | [words("       "), dim("and \(.) more")]);

def types: map(.Type) | join(" ");
def names: unique | if length > 4 then .[:3] + ["\(length - 3) more"] else . end | join(", ");
def namespaces:
	(own | if . == [] then empty else [piece("32"; types), dim("  its own")] end),
	(shared | group_by(.With)[] | [piece("33"; types), dim("  shared with "), words(.[0].With | names)]),
	(hosts | if . == [] then empty else [piece("31"; types), dim("  the host's")] end);

def bars($room): meters[] | . as $m
	| headed($m.name; bar($m.share; $room) + [words("  \($m.text) "), dim($m.limit)]);

def layer_words: [piece("plain"; .Size | size)] + (if .With == [] then [] else [dim(" also in "), words(.With | names)] end);
def root_line:
	(.Layers | map(.Size // 0) | add // 0) as $bytes | ([.Layers[] | select(.With != [])] | length) as $common
	| [words("writable layer over \(.Layers | length | plural("layer"; "layers"))"), dim(" of \($bytes | size)")]
	+ (if $common == 0 then [] else [dim(", shared with "), words([.Layers[].With[]] | names)] end);

def host_address: if . == "0.0.0.0" or . == "::" or . == "*" then "" elif contains(":") then "[\(.)]:" else "\(.):" end;
def networks:
	(.Networks[] | [piece("1"; .Address // "-"), words(if .Address6 then " \(.Address6)" else "" end),
		dim("  \(.Interface // "no interface") on "), words(.Name)]);
def ports: # those of IPv4 and IPv6 look the same
	[.Ports[] | ["\(.Address | host_address)\(.Port)", .Inside]] | unique[]
	| [piece("1"; .[0]), dim(pick(" → "; " -> ")), words(.[1])];

def rights: .Rights | if . == null then empty else
	[words("\(.Capabilities | length) of 41 capabilities")],
	[words(if .Seccomp then "system call filter" else "no system call filter" end)],
	(if .NoNewPrivileges then [words("no new privileges")] else empty end) end;
def users: if .IDMap then .IDMap | [words("root is user \(.Outside) outside")] else [piece("31"; "root is the host's root")] end;

# ---- boxes ---------------------------------------------------------------------

def state_look: if . == "running" then "32" elif . == "paused" then "33" else "2" end;
def frame: pick({h: "─", v: "│", tl: "┌", tr: "┐", bl: "└", br: "┘", ml: "├", mr: "┤"};
	{h: "-", v: "|", tl: "+", tr: "+", bl: "+", br: "+", ml: "+", mr: "+"});

# boxed(ROOM; TITLE; STATUS): the lines in a box that is so wide, with those pieces in its upper edge.
def boxed($room; $title; $status): frame as $f
	| (if $title == [] then [] else [words(" ")] + $title + [words(" ")] end) as $name
	| (if $status == [] then [] else [words(" ")] + $status + [words(" ")] end) as $at_right
	| ($at_right | length_of) as $taken
	| ($name | cut([$room - 4 - $taken, 1] | max)) as $cut
	| $cut.left as $left
	| ([words($f.tl + $f.h)] + $cut.line + [words($f.h | times($left))] + $at_right + [words($f.h + $f.tr)] | fit($room)),
	  (.[] | "\($f.v) " + fit($room - 4) + " \($f.v)"),
	  "\($f.bl)\($f.h | times($room - 2))\($f.br)";

def overview($room): . as $c | ($room - 4) as $inner
	| [ ([words(.Image), dim("  \(.Command)")]),
		(if is_up then
			headed("processes"; processes(5; $inner - 12)),
			headed("namespaces"; namespaces),
			bars([[$inner - 46, 8] | max, 40] | min) else empty end),
		headed("root"; root_line),
		(if is_up then headed("network"; networks), headed("ports"; ports) else empty end)]
	| [boxed($room; [piece("1"; $c.Name)]; [piece($c.State | state_look; $c.Status)])];

# A pile of boxes, one edge between two: each is a line.
def pile($room): frame as $f | length as $count
	| "\($f.tl)\($f.h | times($room - 2))\($f.tr)",
	  (to_entries[] | (.value | "\($f.v) \(fit($room - 4)) \($f.v)"),
		(if .key < $count - 1 then "\($f.ml)\($f.h | times($room - 2))\($f.mr)" else empty end)),
	  "\($f.bl)\($f.h | times($room - 2))\($f.br)";

# One container as a stack: namespaces around, the processes above, the layers below, limits beside.
def stack($columns): . as $c
	| (if $columns >= 90 and is_up then 36 else 0 end) as $beside
	| ($columns - $beside) as $room | ($room - 4) as $inner
	| ([ [words(.Image), dim("  \(.Command)")],
		(if is_up then
			[], headed("namespaces"; namespaces),
			[], headed("processes"; processes(12; $inner - 12)),
			[], headed("network"; networks, ports) else empty end),
		(if is_up and $beside == 0 then
			[], bars([$inner - 46, 40] | min), headed("rights"; rights), headed("user"; users) else empty end),
		[], [heading("root"), dim("the topmost layer that has a file wins")],
		(([[piece("1"; "writable"), dim("  what it has changed")]]
			+ (.Layers | to_entries | reverse | map([words("layer \(.key + 1)"), dim("  \(.value.Chain[:12])  ")] + (.value | layer_words))))
			| pile($inner) | [{look: "done", text: .}])]
	| [boxed($room; [piece("1"; $c.Name)]; [piece($c.State | state_look; $c.Status)])]) as $left
	| [if $beside > 0 then
		[heading("limits")], [],
		(meters[] | . as $m | ([words(.name)] | ends($beside - 2; [piece("1"; $m.text)])),
			bar(.share; $beside - 2), [dim(.limit)], []),
		[heading("rights")], [], rights, users else empty end] as $limits
	| range([($left | length), ($limits | length)] | max) as $i
	| ($left[$i] // (" " | times($room)))
		+ (if $beside > 0 then "  " + ($limits[$i] // [] | fit($beside - 2)) else "" end);

# beside: boxes in rows of $n, those of a row as high as the highest.
def beside($n; $room): if length == 0 then empty else
	.[:$n] as $row | ($row | map(length) | max) as $high
	| (range($high) as $i | $row | map(.[$i] // (" " | times($room))) | join(" ")),
	(.[$n:] | beside($n; $room)) end;

[inputs | clean | if $utf8 then . else walk(if type == "string" then gsub("[^ -~]"; "?") else . end) end] as $all
| ([[$columns / 66 | floor, 1] | max, 3, ([$all | length, 1] | max)] | min) as $n
| ((($columns + 1) / $n | floor) - 1) as $room
| (if $all == [] then [if $stack then "It is not there any more." else "No container runs." end]
	elif $stack then [$all[] | stack([$columns, 120] | min)]
	else [[$all[] | overview([$room, 100] | min)] | beside($n; [$room, 100] | min)] end) as $lines
| if $rows == 0 then $lines[] | sub(" +$"; "") else
	($rows - 1) as $room | ($lines | length) as $count
	| ([$count - $room, 0] | max) as $bottom | ([$top, $bottom] | min) as $from
	| "\($bottom)",
	  ($lines[$from:$from + $room][] | . + "\u001b[K"),
	  (range($room - $count) | "\u001b[K"),
	  ([piece("7"; " skiff show "), dim("  \($remark)  \($all | length | plural("container"; "containers"))"
		+ (if $bottom > 0 then "  lines \($from + 1) to \([$from + $room, $count] | min) of \($count): j, k" else "" end) + "  q: quit")]
		| fit($columns))
	end
