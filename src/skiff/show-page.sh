# skiff show as a page. Sourced.

# page HTML REFRESH: $picture as a page, or, if HTML is false, as SVG alone. The page asks for itself again after
# REFRESH seconds, unless that is 0. Its style is allowed by the $nonce, and nothing else is.
page() {
	printf '%s\n' "$picture" | jq -L "$lib" -n -r --argjson html "$1" --argjson refresh "$2" --argjson stack "$stack" \
		--arg nonce "$nonce" --arg remark "skiff show, $(date '+%Y-%m-%d %H:%M:%S')" -f "$lib/show-page.jq"
}

# new_nonce: into $nonce; each page has another.
new_nonce() {
	read -r nonce </proc/sys/kernel/random/uuid
}

# write_page HTML FILE: the page is made first: if that fails, what is in the file stays.
write_page() {
	new_nonce
	[ "$1" = true ] || nonce=''
	written=$(page "$1" 0) || exit 1
	case $2 in
	-) printf '%s\n' "$written" ;;
	*) write_file "$2" 2>/dev/null || die "cannot write $2" ;;
	esac
}

# write_file FILE: written beside it and renamed, so that a browser, or a full disk, never has half a page; but what is no plain
# file, such as a pipe or a link, stays what it is.
write_file() {
	if [ -L "$1" ] || { [ -e "$1" ] && [ ! -f "$1" ]; }; then
		printf '%s\n' "$written" >"$1"
	else
		aside=$(mktemp -- "$1.XXXXXX") || return
		chmod 644 -- "$aside" && printf '%s\n' "$written" >"$aside" && mv -f -- "$aside" "$1" && return
		rm -f -- "$aside"
		return 1
	fi
}
