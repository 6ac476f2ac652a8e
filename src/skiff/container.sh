# Containers: finding them, and what they are doing. Sourced by their verbs.
#
# A container ID has two directories: $SKIFF_ROOT/containers/ID, what it is and
# how it ended, and $SKIFF_RUN/ID, what belongs to its processes. docs/files.md
# lists every file.

use image.sh # unique
use journal.sh

read -r group 2>/dev/null <"$SKIFF_ROOT/cgroup" || group=skiff # see name_group
IFS= read -r store_home 2>/dev/null <"$SKIFF_ROOT/home" || store_home='' # see need_root

# find_container NAME: by name, ID, or leading part of an ID: $id, $dir (its
# state), $run (its runtime files). Ends with Docker's message if there is none.
find_container() {
	id=''
	set -- "${1#/}" "$1" # inspect has the name with it
	case $1 in
	'' | */* | .*) ;;
	*) if get "$SKIFF_ROOT/names/$1/id"; then id=$value; fi ;;
	esac
	case $id$1 in
	'' | *[!0-9a-f]*) ;;
	*) [ -n "$id" ] || ! unique "$SKIFF_ROOT/containers" "$1" || id=$found ;;
	esac
	[ -n "$id" ] && [ -s "$SKIFF_ROOT/containers/$id/created" ] || no_such_container "$2" || return
	container_dirs
}

# In a list of names one that is wrong must not hide the others: see each().
no_such_container() {
	warn "No such container: $1"
	return 1
}

container_dirs() {
	dir=$scratch$SKIFF_ROOT/containers/$id
	run=$SKIFF_RUN/$id
}

# each FUNCTION NAME...: FUNCTION for each container, in a subshell, so that one
# failure leaves the others to be done; the exit status tells of it. The last one needs none.
each() {
	function=$1 each_result=0
	shift
	while [ $# -gt 1 ]; do
		(each_one "$1") || each_result=1
		shift
	done
	trap '[ $? -eq 0 ] || exit 1' EXIT # whatever it dies of
	each_one "$1" || each_result=1
	return $each_result
}

# each_one NAME: prints the NAME if it worked, as Docker does. With $missing_is_fine one that is not there
# is no failure.
missing_is_fine=''
each_one() {
	container=$1
	find_container "$container" || { [ -n "$missing_is_fine" ]; return; }
	"$function" || return
	[ "$explain" = only ] || printf '%s\n' "$container"
}

# container_state: of the container in $dir and $run: $state is created, running,
# restarting, exited or dead; $pid of the main process if there is one; $code if it has ended.
# $paused is "true" while it is paused: it is "running" then, too.
container_state() {
	state=created pid='' code='' paused=''
	if read -r pid start 2>/dev/null <"$run/pid" && process_is "$pid" "$start" && [ -e "$dir/started" ]; then
		state=running
		[ ! -e "$run/paused" ] || paused=true
	elif restart_waits; then
		state=restarting pid=''
		! get "$dir/exit" || code=$value
	elif [ -n "$pid" ] && process_is "$pid" "$start"; then
		: # its processes wait to be let go
	elif get "$dir/exit"; then
		pid='' code=$value
		[ ! -e "$dir/finished" ] || state=exited # or it could never be started
	elif [ -e "$dir/started" ]; then
		# It has ended; its shim, if it lives, is just writing down how.
		pid='' state=dead
		if shim_lives; then state=running
		elif get "$dir/exit"; then state=exited code=$value
		fi
	else
		pid=''
	fi
}

# restart_waits: is its next start due, by the restart policy, or under way? $restarter is who does it.
restart_waits() {
	[ -e "$run/restarting" ] && read -r restarter its_start 2>/dev/null <"$run/restarting" &&
		process_is "$restarter" "$its_start"
}

# shim_lives: is the shim beside the container still there?
shim_lives() {
	read -r shim_pid start 2>/dev/null <"$run/shim" && process_is "$shim_pid" "$start"
}

# need_running: end with Docker's message unless the container runs.
need_running() {
	container_state
	[ "$state" != restarting ] || die "container $id is restarting, wait until the container is running"
	[ "$state" = running ] || die "container $id is not running"
}

# lock_run SECONDS: take the lock of the container in $dir, which its shim would hold, and its
# clean-up, until this process ends: so that nobody starts it meanwhile. False if that takes longer.
lock_run() {
	[ -d "$dir" ] || return
	[ -d "$run" ] || mkdir -m 0700 "$run" 2>/dev/null || :
	{ command exec 8<>"$run/lock"; } 2>/dev/null || return
	flock -w "$1" 8 && [ /proc/self/fd/8 -ef "$run/lock" ] && [ -d "$dir" ] || {
		[ -d "$dir" ] || x rm -rf "$run" # it has been removed meanwhile
		exec 8>&-
		return 1
	}
}

# lock_container: only one at a time may read files of the container in $dir and write what follows from
# them. The lock goes with this process.
lock_container() {
	exec 8<"$dir" && flock 8
}

# lend_ids ID: note that another container has its range of IDs, too. False if there is no such container any more.
lend_ids() {
	[ -z "$explain" ] || say_printf '%s\n' '>' "$SKIFF_ROOT/containers/$1/lent" true
	[ "$explain" != only ] || return 0
	{ printf '%s\n' true >"$SKIFF_ROOT/containers/$1/lent"; } 2>/dev/null
}

# claim: note in the container's file "creating" that we are at work on it, for
# skiff check, which reads its first line. (On a full disk check may be faster than we: it does the same.)
# Written over what is there: a file that is truncated and closed is sent to the disk by ext4 at once, and who
# removes it then waits for the disk.
claim() {
	process_start $$
	{ printf '%s %s\n' $$ "$start" 1<>"$dir/creating"; } 2>/dev/null || :
}

# ---- events ------------------------------------------------------------------

# event_attributes: what an event tells of the container in $dir, a tab before each, into
# $attributes.
event_attributes() {
	attributes=''
	[ -e "$dir/attributes" ] || return 0
	while IFS= read -r line; do attributes=$attributes$tab$line; done <"$dir/attributes"
}

# container_event TIME ACTION [NAME=VALUE...]: of the container in $dir; no TIME is now.
container_event() {
	event_attributes
	happened=container$tab$2$tab$id$attributes at=$1
	shift 2
	for word in "$@"; do
		visible "$word"
		happened=$happened$tab$visible
	done
	journal_line "$at" "$happened"
}

# read_clock: the time now, into $clock_time: asked once in a verb.
clock_time=''
read_clock() {
	[ -n "$clock_time" ] || clock_time=$(journal)
}
