# Times that a user gives: RFC 3339, a date, UNIX seconds, or how long ago (10m). Sourced by verbs.

# moment TEXT: print it as the journal and the records of containers have it (RFC 3339, UTC, nine
# digits), so that times compare as text. False if it is none.
moment() {
	case $1 in
	*[0-9][hms])
		ago=$(duration_seconds "$1") || return
		set -- "@$(($(date +%s) - ago))"
		;;
	*[!0-9.]* | '') ;;
	*) set -- "@$1" ;;
	esac
	case $1 in @*) ;; [0-9]*-[0-9]*) ;; *) return 1 ;; esac
	TZ=${TZ:-} date -u -d "$1" +%Y-%m-%dT%H:%M:%S.%NZ 2>/dev/null
}

# duration_seconds TEXT: as 1h30m or 90s, in whole seconds; false if it is none.
duration_seconds() {
	total=0 rest=$1
	while [ -n "$rest" ]; do
		number=${rest%%[!0-9]*}
		case $number in '' | ?????????*) return 1 ;; esac
		number=${number#"${number%%[!0]*}"}
		rest=${rest#"${rest%%[!0-9]*}"}
		case $rest in
		h*) total=$((total + ${number:-0} * 3600)) ;;
		m*) total=$((total + ${number:-0} * 60)) ;;
		s*) total=$((total + ${number:-0})) ;;
		*) return 1 ;;
		esac
		rest=${rest#?}
	done
	printf '%s\n' "$total"
}

# seconds_until MOMENT: print how many seconds from now, rounded up; less than 1 if it is past.
seconds_until() {
	printf '%s\n' $(($(date -d "$1" +%s) - $(date +%s) + 1))
}
