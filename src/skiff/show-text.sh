# skiff show as text, once. Sourced.

# terminal: what the terminal, or else a pipe, can show: $columns, $colour, $utf8.
terminal() {
	columns=${COLUMNS:-} colour=false utf8=false
	if [ -t 1 ]; then
		[ -n "${NO_COLOR:-}" ] || [ "${TERM:-dumb}" = dumb ] || colour=true
		terminal_size
	fi
	case $columns in '' | *[!0-9]* | ??????*) columns=80 ;; esac
	[ "$columns" -ge 40 ] || columns=40
	case $charset in *[Uu][Tt][Ff]8* | *[Uu][Tt][Ff]-8*) utf8=true ;; esac
}

# terminal_size: of standard output, into $lines and $columns.
terminal_size() {
	lines=0
	{ size=$(stty size <&5 2>/dev/null) || return 0; } 5<&1
	case $size in 0\ * | *\ 0) return 0 ;; esac
	lines=${size% *} columns=${size#* }
}

# text [ROWS TOP REMARK]: $picture in boxes; for a live picture how many lines there are, and which is to be the first.
text() {
	printf '%s\n' "$picture" | jq -L "$lib" -n -r --argjson columns "$columns" --argjson colour "$colour" \
		--argjson utf8 "$utf8" --argjson stack "$stack" --argjson rows "${1:-0}" --argjson top "${2:-0}" \
		--arg remark "${3:-}" -f "$lib/show-text.jq"
}
