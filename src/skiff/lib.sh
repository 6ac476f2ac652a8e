# What every verb shares: messages, and small things. Sourced, never run. POSIX sh; 'set
# -euf' is on.
#
# Hot paths start no process here: values are read with read, built with
# parameter expansion, and written with printf, all of them built in.

tool=skiff
nl='
'
tab='	'
store_home=$SKIFF_ROOT # until container.sh knows better

# ---- messages ----------------------------------------------------------------

# visible TEXT: TEXT with control characters replaced by ?, into $visible. Names
# and errors may come from an image and must not drive the terminal.
visible() {
	visible=$1
	# Cutting at a pattern takes the square of the length.
	[ ${#visible} -le 1000 ] || visible=$(printf '%.1000s' "$visible")
	while :; do
		case $visible in
		*[[:cntrl:]]*) visible="${visible%%[[:cntrl:]]*}?${visible#*[[:cntrl:]]}" ;;
		*) return ;;
		esac
	done
}

warn() {
	visible "$*"
	printf '%s: %s\n' "$tool" "$visible" >&2
}

# die TEXT: the verb failed: status 1, or 125 where a container was to run.
die() {
	warn "$@"
	exit "${failure:-1}"
}

# usage_error TEXT: wrong command line: status 125, as in Docker.
usage_error() {
	warn "$@"
	printf "See '%s --help'.\n" "$tool" >&2
	exit 125
}

# ---- small things ------------------------------------------------------------

# use FILE: source a part that another part may have sourced before: reading one takes some 0.3 ms.
sourced=' '
use() {
	case $sourced in *" $1 "*) return 0 ;; esac # (0: in a trap it would be the status of before)
	sourced="$sourced$1 "
	. "$lib/$1"
}

# get FILE: its first line into $value, "" where there is none. False then.
get() {
	value=''
	[ -f "$1" ] || return
	read -r value <"$1" || [ -n "$value" ]
}

# need_root: /proc/sys is root's; asking who owns it starts no process. And if containers are concerned, the store must
# be where it says.
need_root() {
	[ -O /proc/sys ] || die "must be root (it makes mounts and control groups): try sudo skiff"
	[ "$store_home" = "$SKIFF_ROOT" ] || { use home.sh && come_home; }
}

# make_store: the directories that all else lies in, unless they are there.
make_store() {
	[ ! -e "$SKIFF_ROOT/destroying" ] || die "$SKIFF_ROOT is being destroyed: skiff system destroy"
	[ -e "$SKIFF_ROOT/cgroup" ] && [ -d "$SKIFF_RUN" ] && return
	use make-store.sh
	make_directories
}

# new_id: 64 random hexadecimal digits into $id.
new_id() {
	id=''
	while [ ${#id} -lt 64 ]; do
		read -r uuid </proc/sys/kernel/random/uuid
		IFS=-
		# shellcheck disable=SC2086 # split at the dashes
		set -- $uuid
		unset IFS
		id=$id$1$2$3$4$5
	done
}

# has_line FILE TEXT: is it one of the lines?
has_line() {
	[ -e "$1" ] || return
	while IFS= read -r line; do
		[ "$line" != "$2" ] || return 0
	done <"$1"
	return 1
}

# machine: Docker's name of this machine, into $machine.
machine() {
	machine=$(uname -m)
	case $machine in
	x86_64) machine=amd64 ;;
	aarch64) machine=arm64 ;;
	i?86) machine=386 ;;
	armv7*) machine=arm/v7 ;;
	esac
}

# process_start PID: its start time into $start. A subshell that asks for $$ may have outlived it.
process_start() {
	read -r stat 2>/dev/null <"/proc/$1/stat" || die "process $1, for which this is done, has ended"
	# shellcheck disable=SC2086 # the fields after the name
	set -- ${stat##*) }
	start=${20}
}

# process_is PID START: is there a process PID, started at START (clock ticks
# since boot, field 22 of /proc/PID/stat), and not a zombie? A PID alone may have been given out again.
process_is() {
	[ -n "$1" ] || return # /proc//stat is another thing
	read -r stat 2>/dev/null <"/proc/$1/stat" || return
	# shellcheck disable=SC2086 # the fields; the name in brackets may hold blanks
	set -- "$2" ${stat##*) }
	[ "$2" != Z ] && [ "${21}" = "$1" ]
}
