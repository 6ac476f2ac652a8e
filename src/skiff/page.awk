# The manual page of a verb, in mdoc(7): its help text (standard input), whose options are
# the only list of them, and pages/VERB, which has the sections after them.
# -v verb=VERB -v date="November 24, 2026" -v notes=FILE

function escaped(text) {
	gsub(/\\/, "\\e", text)
	return text ~ /^[.']/ ? "\\\&" text : text
}

# Every sentence begins a line, as mdoc wants it.
function sentences(text) {
	gsub(/[.] /, ".\n", text)
	return escaped(text)
}

# "  -e, --env NAME[=VALUE]   Set it": the names, the value, the text; or the text goes on.
function option_line(line, text) {
	text = line
	sub(/^ +/, "", text)
	if (text !~ /^-/) {
		print sentences(text)
		return
	}
	match(text, /   *[^ ]/)
	names = substr(text, 1, RSTART - 1)
	text = substr(text, RSTART + RLENGTH - 1)
	if (!RSTART) { names = substr($0, 3); text = "" }
	item = ".It"
	count = split(names, word, " ")
	for (i = 1; i <= count; i++) {
		comma = sub(/,$/, "", word[i])
		if (word[i] ~ /^-/) item = item " Fl " substr(word[i], 2) (comma ? " ," : "")
		else item = item " Ar " escaped(word[i])
	}
	print item
	if (text != "") print sentences(text)
}

NR == 1 {
	print ".Dd " date
	print ".Dt SKIFF-" toupper(verb) " 1"
	print ".Os"
}
/^Usage: / { synopsis = substr($0, 8); next }
synopsis != "" && /^ +skiff / && !described { sub(/^ +/, ""); synopsis = synopsis "\n.br\n" $0; next }
!described && NF {
	described = 1
	summary = $0
	sub(/\. .*|\.$/, "", summary)
	print ".Sh NAME\n.Nm skiff-" verb "\n.Nd " escaped(tolower(substr(summary, 1, 1)) substr(summary, 2))
	print ".Sh SYNOPSIS\n" synopsis
	print ".Sh DESCRIPTION"
	print sentences(/[.,:;]$/ || length($0) > 75 ? $0 : $0 ".")
	next
}
/^Options:/ { blank = 0; print ".Bl -tag -width Ds"; listed = 1; next }
listed && /^ +/ { option_line($0); next }
!NF { blank = described; next }
blank && !listed { print ".Pp"; blank = 0 }
{ print sentences($0) }
END {
	if (listed) print ".El"
	while ((getline line <notes) > 0) print line
	print ".Sh SEE ALSO\n.Xr skiff 1 ,\n.Xr skiff-files 5"
}
