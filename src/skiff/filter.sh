# --filter KEY=VALUE of the listing and pruning verbs. Sourced by them.
#
# Of several with one key any may fit; of different keys all must.

filters='' # lines KEY=VALUE

# add_filter KNOWN KEY=VALUE: take one --filter; KNOWN are the keys that the verb has, with
# blanks around each.
add_filter() {
	case $2 in
	*"$nl"*) usage_error 'a newline in --filter' ;;
	*=*) ;;
	*) usage_error "invalid filter '$2': KEY=VALUE" ;;
	esac
	case $1 in *" ${2%%=*} "*) ;; *) usage_error "invalid filter '${2%%=*}'" ;; esac
	filters=$filters$2$nl
}

# filtered KEY FUNCTION: does the thing at hand pass the filters of KEY? FUNCTION VALUE says
# whether it fits one. True where there is no such filter.
filtered() {
	there='' left_filters=$filters
	while [ -n "$left_filters" ]; do
		one=${left_filters%%"$nl"*} left_filters=${left_filters#*"$nl"}
		[ "${one%%=*}" = "$1" ] || continue
		there=true
		! "$2" "${one#*=}" || return 0
	done
	[ -z "$there" ]
}

# has_label FILE KEY[=VALUE]: is it in FILE, a NUL list of NAME=VALUE? Of two with one name the
# later counts.
has_label() {
	[ -s "$1" ] || return
	tr '\n\0' '?\n' <"$1" | awk -v wanted="$2" '
		BEGIN { name = wanted; with = sub(/=.*/, "", name) }
		substr($0, 1, length(name) + 1) == name "=" { found = 1; value = substr($0, length(name) + 2) }
		END { exit !(found && (!with || value == substr(wanted, length(name) + 2))) }'
}

# with_labels: those directories in the current one whose file "labels" fits the filters of label, which
# all must fit. One program looks through all the files.
with_labels() {
	find . -mindepth 2 -maxdepth 2 -name labels -size +0 -exec grep -azH '' {} + |
		tr '\n\0' '?\n' | filters=$filters awk '
			BEGIN {
				count = split(ENVIRON["filters"], lines, "\n")
				for (i = 1; i <= count; i++) if (lines[i] ~ /^label=/) wanted[substr(lines[i], 7)]
			}
			function finish(  want, name, misses) {
				for (want in wanted) {
					name = want
					sub(/=.*/, "", name)
					misses += !(name in value) || (name != want && name "=" value[name] != want)
				}
				if (directory && !misses) print directory
				split("", value)
			}
			{
				end = index($0, "/labels:")
				if (substr($0, 3, end - 3) != directory) { finish(); directory = substr($0, 3, end - 3) }
				label = substr($0, end + 8)
				name = label
				sub(/=.*/, "", name)
				value[name] = substr(label, length(name) + 2)
			}
			END { finish() }'
}

# ---- what the pruning verbs share --------------------------------------------

# until_time TIME: seconds since 1970 into $until. TIME is how long ago (1h30m), a number of such
# seconds, or a date and time.
until_time() {
	case $1 in
	'' | *[!0-9.hms]* | *[hms][hms]* | [hms]* | .*) ;;
	*[hms])
		set -- "$1" "$(printf '%s\n' "$1" | sed 's/h/*3600+/;s/m/*60+/;s/s/+/;s/+$//')"
		case $2 in
		*[!0-9*+]*) ;; # a fraction, or a unit twice
		*) until=$(($(date +%s) - ($2))); return ;;
		esac
		;;
	*[!0-9.]*) ;;
	*) until=${1%%.*}; return ;;
	esac
	case $1 in
	[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*) until=$(date -d "$1" +%s 2>/dev/null) && return ;;
	esac
	die "failed to parse value as time or duration: \"$1\""
}

# confirm WARNING: ask as Docker does. No is the answer unless somebody says yes.
confirm() {
	printf 'WARNING! %s\nAre you sure you want to continue? [y/N] ' "$1"
	read -r answer || answer='' # the end of the input
	case $answer in y | Y) ;; *) return 1 ;; esac
}
