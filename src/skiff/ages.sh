# Times as numbers, and as people say them. Sourced.

# epoch TIME: seconds since 1970 of an RFC 3339 time in UTC, into $epoch.
# (Days from the civil date: years begin in March, so that leap days come last.)
epoch() {
	year=${1%%-*} month=${1#*-} day=${1#*-*-}
	month=${month%%-*} day=${day%%T*}
	clock=${1#*T}
	hour=${clock%%:*} minute=${clock#*:} second=${clock#*:*:}
	minute=${minute%%:*} second=${second%%[.Z]*}
	month=${month#0} day=${day#0} hour=${hour#0} minute=${minute#0} second=${second#0}
	[ "$month" -gt 2 ] || year=$((year - 1)) month=$((month + 12))
	epoch=$((((365 * year + year / 4 - year / 100 + year / 400 + (153 * month - 457) / 5 + \
	day - 719469) * 24 + hour) * 3600 + minute * 60 + second))
}

# earlier TIME TIME: is the first before the second? Both have the same form.
earlier() {
	[ "$1" \< "$2" ]
}

# age SECONDS: in words, as Docker says it (go-units HumanDuration), into $age.
age() {
	if [ "$1" -lt 1 ]; then age='Less than a second'
	elif [ "$1" -eq 1 ]; then age='1 second'
	elif [ "$1" -lt 60 ]; then age="$1 seconds"
	elif [ "$1" -lt 120 ]; then age='About a minute'
	elif [ "$1" -lt 3600 ]; then age="$(($1 / 60)) minutes"
	elif [ $((($1 + 1800) / 3600)) -eq 1 ]; then age='About an hour'
	elif [ "$1" -lt $((48 * 3600)) ]; then age="$((($1 + 1800) / 3600)) hours"
	elif [ "$1" -lt $((14 * 86400)) ]; then age="$(($1 / 86400)) days"
	elif [ "$1" -lt $((60 * 86400)) ]; then age="$(($1 / 604800)) weeks"
	elif [ "$1" -lt $((730 * 86400)) ]; then age="$(($1 / 2592000)) months"
	else age="$(($1 / 31536000)) years"
	fi
}
