# Containers, as show-gather.jq has them, as a page of HTML with a picture in SVG, or as SVG alone.
# $stack: one container, in detail. $html: false for SVG alone. $nonce: what the style is allowed by.
# $refresh: seconds until the page is to be asked for again, or 0. $remark: below the picture.
#
# The picture is as large as its window. What is in it has a place of its own: text from containers is of
# one width for all characters, and cut where it would leave its place.

include "show-words";

def ink: "#22303c";
# A layer has the same colour wherever it is: one of 48, from its chain ID.
def digit: if . >= 97 then . - 87 else . - 48 end;
def layer_colour: (.Chain | explode | map(digit)) as $d
	| "hsl(\(($d[0] * 16 + $d[1]) % 24 * 15), \(30 + $d[2] % 2 * 14)%, \(78 + $d[3] % 2 * 6)%)";

def style: "
text { font-family: system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: \(ink) }
.m { font-family: 'DejaVu Sans Mono', 'Liberation Mono', Menlo, Consolas, monospace; white-space: pre }
.b { font-weight: bold } .g { fill: #5b6874 } .e { text-anchor: end } .c { text-anchor: middle }
.card { fill: #fffdf9; stroke: #c9cfd4; stroke-width: 2 } .off { fill: #efede8; stroke-dasharray: 8 6 }
.own { fill: #3a7d44 } .with { fill: #f7e3bd; stroke: #b5700a; stroke-width: 2; stroke-dasharray: 5 3 }
.host { fill: #fffdf9; stroke: #b23a48; stroke-width: 2 } .onown { fill: #ffffff } .onwith { fill: #6d4304 } .onhost { fill: #962d3a }
.track { fill: #e1e5e8 } .low { fill: #2f6690 } .high { fill: #d08a1a } .full { fill: #b23a48 }
.up { fill: #3a7d44 } .rest { fill: #d08a1a } .down { fill: #97a1a9 }
.top { fill: #fffdf9; stroke: #b5700a; stroke-width: 2.5; stroke-dasharray: 9 5 } .slab { stroke: #ffffff; stroke-width: 2 }
.frame { fill: #eef5ec; stroke: #3a7d44; stroke-width: 4 } .within { fill: #fffdf9; stroke: #c6d8c4; stroke-width: 2 }
.edge { stroke: #9aa5ad; stroke-width: 2; fill: none }
";

# ---- shapes --------------------------------------------------------------------

def tenths: . * 10 | round / 10;
def box($x; $y; $w; $h; $r; $class):
	"<rect x=\"\($x | tenths)\" y=\"\($y | tenths)\" width=\"\($w | tenths)\" height=\"\($h | tenths)\" rx=\"\($r | tenths)\" class=\"\($class)\"/>";
def text($x; $y; $px; $class): "<text x=\"\($x | tenths)\" y=\"\($y | tenths)\" font-size=\"\($px)\" class=\"\($class)\">\(@html)</text>";

# A character of the other font is 0.602 as wide as it is high. What fonts have not in it may be of any
# width: it is made to fit.
def columns_in($room; $px): $room / ($px * 0.602) | floor;
def mono($x; $y; $px; $room; $class): . as $all | clip(columns_in($room; $px); "…") as $shown
	| (if $shown | test("^[ -~…]*$") then "" else " textLength=\"\($shown | width * $px * 0.602 | decimals(2))\" lengthAdjust=\"spacingAndGlyphs\"" end) as $fit
	| if $all == "" then empty else "<text x=\"\($x | tenths)\" y=\"\($y | tenths)\" font-size=\"\($px)\" class=\"m \($class)\"\($fit)>\($shown | @html)"
	+ (if $shown == $all then "" else "<title>\($all | @html)</title>" end) + "</text>" end;

# bar(X; Y; WIDTH; HEIGHT): of what meters says.
def bar($x; $y; $w; $h): (if .share > 0.9 then "full" elif .share > 0.7 then "high" else "low" end) as $class
	| box($x; $y; $w; $h; $h / 4; "track"),
	(if .share > 0 then box($x; $y; [.share * $w, 3] | max; $h; $h / 4; $class) else empty end);

# chips(X; Y; PX): the namespaces in a row: its own full, shared ones dashed, the host's empty.
def chips($x; $y; $px): ($px * 1.6) as $h
	| foreach .Namespaces[] as $n ({next: $x}; .x = .next | .w = ($n.Type | length) * $px * 0.602 + $px * 0.9 | .next = .x + .w + $px * 0.35 | .n = $n;
		.x as $at | .w as $w | (.n | if .With == [] then "own" elif .With | index(["host"]) then "host" else "with" end) as $kind
		| box($at; $y; $w; $h; $px * 0.4; $kind), (.n.Type | text($at + $w / 2; $y + $px * 1.15; $px; "m c on\($kind)")));

# lines_in(ROOM): words as lines of 16 that are not wider.
def lines_in($room): columns_in($room; 16) as $columns
	| reduce .[] as $word ([""]; if (.[-1] | length) + ($word | length) + 1 > $columns then . + [$word]
		else .[-1] += (if .[-1] == "" then "" else " " end) + $word end);

def names: unique | if length > 4 then .[:3] + ["\(length - 3) more"] else . end | join(", ");
def whose:
	[(shared | group_by(.With)[] | "\(map(.Type) | join(", ")): shared with \(.[0].With | names)"),
	 (hosts | if . == [] then empty else "\(map(.Type) | join(", ")): the host's" end)] | join("; ");

def state_class: {running: "up", paused: "rest", restarting: "rest"}[.] // "down";
def at($address; $port): ($address | if . == "0.0.0.0" or . == "::" or . == "*" then "" elif contains(":") then "[\(.)]:" else "\(.):" end) + "\($port)";
def port: "\(at(.Address; .Port)) → \(.Inside)";
def address: "\(.Address // .Address6 // "no address")  \(.Interface // "") on \(.Name | clip(24; "…"))";
def where: [(.Networks[] | address), (.Ports | map(port) | unique[])] | if . == [] then "" else join("   ") end;

# ---- a card for each container ----------------------------------------------------

# A process, in rows of 27.
def process_rows($most; $x; $y; $w): . as $c
	| (if .ProcessCount > $most and $most > 1 then $most - 1 else $most end) as $rows
	| ([.Processes[:$rows][] | .Inside // 0 | tostring | length] | max // 1 | . * 12.1 | ceil) as $taken
	| (.Processes[:$rows] | to_entries[] | (.key * 27 + $y) as $at | .value
		| "\(.PID)\(if $most == 1 and $c.ProcessCount > 1 then " +\($c.ProcessCount - 1)" else "" end)" as $outside
		| ("\(.Inside // "?")" | text($x + $taken; $at; 20; "m b e")),
		((if .Depth > 0 then (" " * ([.Depth, 6] | min * 2 - 1)) + "└ " else "" end) + .Command
			| mono($x + $taken + 14; $at; 20; $w - $taken - 28 - ($outside | length) * 17 * 0.602; "")),
		($outside | text($x + $w; $at; 17; "m g e"))),
	(if $c.ProcessCount > $rows and $most > 1 then "and \($c.ProcessCount - $rows) more processes" | text($x + $taken + 14; $y + 27 * $rows; 18; "g") else empty end);

def bar_rows($x; $y; $w): meters | to_entries[] | (.key * 29 + $y) as $at | .value
	| (.name | text($x; $at; 19; "g")), bar($x + 92; $at - 15; $w * 0.32; 17),
	("\(.text)\(if .limited then " " + .limit else ", no limit" end)" | mono($x + 104 + $w * 0.32; $at; 17; $w * 0.68 - 104; ""));

# Its layers side by side, the base at the left, the writable one at the right: a layer has one colour.
def layer_row($x; $y; $w): (.Layers | if length > 5 then .[:4] + [{more: (length - 4)}] else . end) as $layers
	| (($w - 130) / ([$layers | length, 1] | max) - 6) as $each
	| ($layers | to_entries[] | ($x + .key * ($each + 6)) as $at | .value
		| if .more then box($at; $y; $each; 32; 5; "track"), ("\(.more) more" | text($at + $each / 2; $y + 22; 14; "c g"))
		else "<rect x=\"\($at | tenths)\" y=\"\($y)\" width=\"\($each | tenths)\" height=\"32\" rx=\"5\" fill=\"\(layer_colour)\"/>",
			(.Size | size | . as $size | first((17, 13) | select(($size | length) * . * 0.602 + 4 <= $each)) as $px
				| text($at + $each / 2; $y + 22; $px; "m c")) end),
	box($x + $w - 124; $y + 1; 123; 30; 5; "top"), ("writable" | text($x + $w - 62; $y + 22; 17; "c"));

def heading($w): ([(.Status | width * 18 * 0.602), $w * 0.5] | min) as $taken
	| (.Name | mono(24; 44; 28; $w - 84 - $taken; "b")),
	"<circle cx=\"\($w - 34 - $taken | tenths)\" cy=\"36\" r=\"7\" class=\"\(.State | state_class)\"/>",
	(.Status | mono($w - 20 - $taken; 42; 18; $taken + 1; "g"));

def card_size: if . > 6 then {w: 500, h: 284, compact: true} else {w: 540, h: 438, compact: false} end;
def card($size): $size.w as $w | ($w - 48) as $in
	| box(1; 1; $w - 2; $size.h - 2; 16; "card" + if is_up then "" else " off" end), heading($w),
	if $size.compact and is_up then
		process_rows(1; 24; 78; $in), chips(24; 92; 16), bar_rows(24; 150; $in),
		(whose | mono(24; 238; 17; $in; "g")), (where | mono(24; 264; 17; $in; ""))
	elif $size.compact then
		("\(.Image)  \(.Command)" | mono(24; 80; 19; $in; "g")), layer_row(24; 228; $in)
	elif is_up then
		("\(.Image)  \(.Command)" | mono(24; 76; 18; $in; "g")),
		process_rows(3; 24; 114; $in), chips(24; 190; 18), (whose | mono(24; 244; 17; $in; "g")),
		bar_rows(24; 280; $in), layer_row(24; 356; $in), (where | mono(24; 418; 18; $in; ""))
	else
		("\(.Image)  \(.Command)" | mono(24; 76; 18; $in; "g")), layer_row(24; 356; $in)
	end;

# cards: in as many columns as make them largest on a screen of 16 to 10.
def cards: . as $all | length as $count | ($count | card_size) as $size | ($size.w + 24) as $dx | ($size.h + 24) as $dy
	| ([range(1; [$count, 12] | min | . + 1) | . as $columns | ($count / $columns | ceil) as $rows
		| {columns: $columns, rows: $rows, scale: ([1280 / ($columns * $dx), 770 / ($rows * $dy)] | min)}] | max_by(.scale)) as $grid
	| {w: ($grid.columns * $dx + 24), h: ($grid.rows * $dy + 24),
		shapes: [range($count) as $i | $all[$i]
			| "<svg x=\"\($i % $grid.columns * $dx + 24)\" y=\"\(($i / $grid.columns | floor) * $dy + 24)\" width=\"\($size.w)\" height=\"\($size.h)\">",
			card($size), "</svg>"]};

# ---- one as a stack ------------------------------------------------------------

# The layers, from the top: writable, then those of the image; with many, those in the middle are counted.
def slabs: (.Layers | length) as $n
	| [{name: "writable", note: "what it has changed"}]
	+ [.Layers | to_entries | reverse[] | .value + {name: "layer \(.key + 1)"}]
	| if length > 8 then .[:6] + [{name: "\(length - 7) more layers", note: ""}] + .[-1:] else . end;
def slab($x; $y; $w; $h): . as $slab | ($y + $h / 2 + 7) as $at
	| (if .Chain then "<rect x=\"\($x)\" y=\"\($y)\" width=\"\($w)\" height=\"\($h)\" rx=\"6\" fill=\"\(layer_colour)\" class=\"slab\"/>"
		else box($x; $y; $w; $h - 2; 6; if .name == "writable" then "top" else "track" end) end),
	(.name | text($x + 20; $at; 20; "b")),
	if .Chain then ("\(.Chain[:12])  \(.Size | size)" | mono($x + 140; $at; 19; 280; "")),
		(if .With == [] then empty else "also in \(.With | names)" | mono($x + 430; $at; 18; $w - 450; "g") end)
	else (.note | text($x + 140; $at; 19; "g")) end;

def stack: . as $c | slabs as $slabs | ($slabs | length) as $n
	| ([[260 / $n, 52] | min, 34] | max | floor) as $high | (780 - 24 - $n * $high) as $floor
	| 24 as $x | 860 as $w | ($floor - 24 - 96) as $room
	| {w: 1280, h: 800, shapes: [
		(.Name | mono($x; 56; 40; 640; "b")),
		(.Status | width * 20 * 0.602) as $taken
		| "<circle cx=\"\(1256 - $taken - 18 | tenths)\" cy=\"46\" r=\"9\" class=\"\($c.State | state_class)\"/>",
		($c.Status | mono(1256 - $taken; 53; 20; $taken + 1; "g")),
		("\($c.Image)  \($c.Command)" | mono($x; 84; 19; 1232; "g")),
		# namespaces around
		(if $c | is_up then
			box($x; 104; $w; $floor - 116; 20; "frame"), ($c | chips($x + 24; 122; 20)),
			($c | whose | mono($x + 24; 180; 18; $w - 48; "g")),
			box($x + 24; 196; $w - 48; $floor - 116 - 92 - 24; 12; "within"),
			("inside" | text($x + 42; 222; 16; "g")), ("on the host" | text($x + $w - 42; 222; 16; "g e")),
			(([($floor - 116 - 92 - 24 - 64 - (($c.Networks + $c.Ports) | if length > 0 then 36 else 0 end)) / 27 | floor, 1] | max) as $rows
				| $c | process_rows($rows; $x + 42; 252; $w - 84)),
			($c | where | if . == "" then empty else
				"<path d=\"M\($x + 42) \($floor - 78) h\($w - 84)\" class=\"edge\"/>", mono($x + 42; $floor - 52; 19; $w - 84; "b") end)
		else
			box($x; 104; $w; $floor - 116; 20; "card off"), ("It does not run: there is nothing but its files." | text($x + 36; 150; 22; "g")) end),
		# layers below
		($slabs | to_entries[] | (.key * $high + $floor) as $y | .value | slab($x; $y; $w; $high)),
		# limits beside
		912 as $x | 344 as $w
		| (if $c | is_up then
			($c | meters | to_entries[] | (.key * 92 + 130) as $y | .value
				| (.name | text($x; $y; 22; "b")), ("\(.text)" | text($x + $w; $y; 22; "m e")),
				bar($x; $y + 12; $w; 22), (.limit | text($x; $y + 56; 17; "g"))),
			($c.Rights // {Capabilities: []} | .names = (.Capabilities | lines_in($w) | if length > 8 then .[:7] + ["\(.[7:] | join(" ") | split(" ") | length) more"] else . end) | .names as $names
			| ($names | length * 23 + 480) as $y
			| ("rights" | text($x; 424; 22; "b")),
			("\(.Capabilities | length) of 41 capabilities" | text($x; 452; 18; "")),
			($names | to_entries[] | (.key * 23 + 477) as $y | .value | mono($x; $y; 16; $w; "g")),
			((if .Seccomp then "a system call filter" else "no system call filter" end)
				+ (if .NoNewPrivileges then ", no new privileges" else "" end) | text($x; $y; 18; "")),
			("user" | text($x; $y + 48; 22; "b")),
			(if $c.IDMap then ("root inside is \($c.IDMap.Outside) outside" | text($x; $y + 76; 18; "")),
				("\($c.IDMap.Count) IDs of its own" | text($x; $y + 101; 18; "g"))
			else ("root inside is root of the host" | text($x; $y + 76; 18; "onhost b")) end))
		else empty end)]};

def picture: if length == 0 then {w: 1280, h: 800,
		shapes: [if $stack then "It is not there any more." else "No container runs." end | text(640; 380; 40; "c g")]}
	elif $stack then .[0] | stack else cards end;

def svg: picture | "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(.w) \(.h)\" role=\"img\">",
	"<title>skiff show</title>",
	"<style\(if $nonce == "" then "" else " nonce=\"\($nonce)\"" end)>\(style)</style>",
	(if $html then empty else "<rect width=\"100%\" height=\"100%\" fill=\"#f4f1ea\"/>" end), .shapes[], "</svg>";

def page:
	"<!DOCTYPE html>", "<html lang=\"en\">", "<head>", "<meta charset=\"utf-8\">",
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'nonce-\($nonce)'\">",
	"<meta name=\"viewport\" content=\"width=device-width\">",
	(if $refresh > 0 then "<meta http-equiv=\"refresh\" content=\"\($refresh)\">" else empty end),
	"<title>\([.[].Name] | if length == 1 then .[0] else "\(length) containers" end | @html) - skiff show</title>",
	"<style nonce=\"\($nonce)\">html, body { margin: 0; height: 100%; background: #f4f1ea }",
	"body > svg { display: block; width: 100vw; height: calc(100vh - 26px) }",
	"p { margin: 0; padding: 0 24px; font: 15px/22px system-ui, 'DejaVu Sans', sans-serif; color: #5b6874; text-align: right }</style>",
	"</head>", "<body>", svg, "<p>\($remark | @html)</p>", "</body>", "</html>";

[inputs | clean] | if $html then page else svg end
