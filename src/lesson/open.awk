# Does this text end within a here-document, or with a backslash? Then there is more to come. Exit status 0 if so.

end != "" {
	line = $0
	if (tabs)
		sub(/^\t+/, "", line)
	if (line == end)
		end = ""
	next
}
{
	last = $0
	text = $0
	gsub(/<<</, "", text)
	if (match(text, /<<-?[ \t]*["'\\]?[A-Za-z_][A-Za-z_0-9]*/)) {
		end = substr(text, RSTART, RLENGTH)
		tabs = end ~ /^<<-/
		sub(/^<<-?[ \t]*["'\\]?/, "", end)
	}
}
END { exit !(end != "" || last ~ /\\$/) }
