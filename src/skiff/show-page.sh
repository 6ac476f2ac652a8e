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
	*) { printf '%s\n' "$written" >"$2"; } 2>/dev/null || die "cannot write $2" ;;
	esac
}
