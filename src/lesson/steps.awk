# A lesson taken apart, into files of the directory `out`: for each block N that is typed N.text (what is said before it), N.code,
# N.expected and N.heading; then end.text, reset.code, more.text, and title, headings, count.
# tests/lesson.py reads the same form.

function put(name, line) {
	print line >(out "/" name)
}

# clean TEXT: it cannot speak to the terminal itself.
function clean(text) {
	gsub(/[[:cntrl:]]|\*\*/, "", text)
	return text
}

BEGIN {
	part = ""
	steps = 0
	heading = ""
}

fence != "" {
	if ($0 == "```")
		fence = ""
	else if (fence == "code")
		put(target, $0)
	else
		put(target, "    " $0)
	next
}
/^```/ {
	fence = "prose"
	target = (part == "" ? steps + 1 ".text" : part ".text")
	if ($0 == "```sh") {
		fence = "code"
		if (part == "") {
			target = ++steps ".code"
			put(steps ".heading", heading)
		} else if (part == "more")
			target = "reset.code"
	} else if ($0 == "```text" && after == steps && part == "") {
		fence = "code"
		target = steps ".expected"
	}
	after = ($0 == "```sh" ? steps : 0)
	next
}
/^# / && !titled {
	put("title", clean(substr($0, 3)))
	titled = 1
	next
}
/^## / {
	heading = clean(substr($0, 4))
	if (heading == "Exercises")
		part = "end"
	else if (heading == "Reset") {
		part = "more"
		next
	}
}
/[^ \t]/ { after = 0 }
{ put(part == "" ? steps + 1 ".text" : part ".text", $0) }

END { put("count", steps) }
