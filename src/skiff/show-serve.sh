# skiff show --serve: the page, over HTTP, for those who have its address. Sourced.
#
# socat listens, and starts "skiff on-request" for each connection. What that is to know it is told in the
# environment, which other users cannot see, as they can arguments.
# Who has closed his direction with the request gets the answer all the same (-t).

# serve ADDRESS:PORT: does not return.
serve() {
	port=${1##*:} address=${1%:*}
	case $address in
	\[*[!0-9a-fA-F:.]*\] | \[\]) usage_error "--listen: not an address: '$1'" ;;
	\[*\]) kind=TCP6-LISTEN ;;
	'' | *[!0-9.]*) usage_error "--listen: ADDRESS:PORT or [ADDRESS]:PORT in numbers, not '$1'" ;;
	*) kind=TCP4-LISTEN ;;
	esac
	case $port in '' | *[!0-9]* | ??????*) usage_error "--listen: not a port: '$port'" ;; esac
	[ "$port" -le 65535 ] || usage_error "--listen: not a port: '$port'"
	command -v socat >/dev/null || die '--serve needs socat, which is not installed: apt-get install socat'
	case $address in
	127.* | '[::1]') ;;
	*) warn "on $address others can read along: this is not encrypted" ;;
	esac
	read -r SHOW_TOKEN </proc/sys/kernel/random/uuid
	SHOW_COMMAND=$bin/skiff SHOW_ALL=$all SHOW_WANTED=$wanted SHOW_STACK=$stack SHOW_ADDRESS=$address
	export SHOW_ADDRESS SHOW_TOKEN SHOW_COMMAND SHOW_ALL SHOW_WANTED SHOW_STACK
	place=$(mktemp -d) && mkfifo "$place/log"
	exec 3>&2
	tell <"$place/log" &
	exec 2>"$place/log" 3>&-
	rm -r "$place"
	exec socat -d -d -t 10 -T 10 "$kind:$port,bind=$address,reuseaddr,fork,max-children=16" 'SYSTEM:exec \"$SHOW_COMMAND\" on-request'
}

# tell: of what socat notes, what people want to know: that it listens (it says so after each connection),
# or why not. Later errors are those of a browser that has gone away.
tell() {
	told=''
	while IFS= read -r line; do
		case $line in
		*' socat['*'] N listening on '*)
			[ -n "$told" ] || printf 'http://%s:%s/%s/\n' "$address" "${line##*:}" "$SHOW_TOKEN"
			told=true
			;;
		*' socat['*'] E '*) [ -n "$told" ] || warn "${line#*] E }" ;;
		*' socat['*'] '[A-Z]' '*) ;;
		*)
			visible "$line"
			printf '%s\n' "$visible" >&2
			;;
		esac
	done 2>&3
}
