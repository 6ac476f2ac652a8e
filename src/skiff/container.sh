# Containers: finding them, and what they are doing. Sourced by their verbs.
#
# A container ID has two directories: $SKIFF_ROOT/containers/ID, what it is and
# how it ended, and $SKIFF_RUN/ID, what belongs to its processes. docs/files.md
# lists every file.

use image.sh # unique
use journal.sh

read -r group 2>/dev/null <"$SKIFF_ROOT/cgroup" || group=skiff # see name_group

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
	*[!0-9a-f]*) ;;
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

# hold_stopped: have no policy start the container again; it may be about to.
hold_stopped() {
	[ -e "$dir/restart" ] || return 0
	flag "$dir/stopped"
	while restart_waits; do
		x_quietly kill -s TERM "$restarter" || :
		sleep 0.02
	done
}

# shim_lives: is the shim beside the container still there?
shim_lives() {
	read -r shim_pid start 2>/dev/null <"$run/shim" && process_is "$shim_pid" "$start"
}

# need_running: end with Docker's message unless the container runs.
need_running() {
	container_state
	[ "$state" = running ] || die "container $id is not running"
}

# wait_for_end SECONDS: wait until the shim, and the clean-up after it, are over;
# false if they are not by then. -1 waits for ever. The shim holds the lock.
wait_for_end() {
	[ -e "$run/lock" ] || return 0
	{ command exec 7<"$run/lock"; } 2>/dev/null || return 0 # removed this moment: --rm
	case $1 in
	-*) flock -s 7 ;;
	*) flock -s -w "$1" 7 ;;
	esac && waited=0 || waited=$?
	exec 7<&- # or a start that follows would find it taken
	return "$waited"
}

# send_signal NAME: to the container's main process. Through the shim, which holds
# a descriptor of the process; directly if the shim is gone (the start time was
# compared a moment ago).
send_signal() {
	if shim_lives; then
		x_control "signal $1"
	elif [ -n "$pid" ]; then
		x_quietly kill -s "$1" "$pid" || : # it has just ended
	fi
}

# stop_container SIGNAL SECONDS: ask it to end, then make it. "" is as it was made.
stop_container() {
	hold_stopped
	container_state
	[ "$state" = running ] || return 0
	ask=$1 patience=$2
	[ -n "$ask" ] || { get "$dir/stop-signal" && ask=$value; }
	[ -n "$patience" ] || { get "$dir/stop-timeout" && patience=$value; }
	signal_event "$ask"
	send_signal "$ask"
	[ -z "$paused" ] || unpause_container
	if ! wait_for_end "$patience"; then
		signal_event KILL
		end_container
	fi
	get "$dir/finished" || : # not there any more: --rm
	container_event "$value" stop
}

# seconds TEXT: end unless it is a number of them; -1 is for ever.
seconds() {
	case ${1#-} in '' | *[!0-9]*) usage_error "not a number of seconds: '$1'" ;; esac
}

# is_kept: a container of --rm that is restarted is not removed in between.
is_kept() {
	read -r keeper start 2>/dev/null <"$run/kept" && process_is "$keeper" "$start"
}

# is_doomed: has rm killed it, and waits for it to be removed? Then with $with_volumes, as rm was told.
is_doomed() {
	read -r remover start with_volumes 2>/dev/null <"$run/doomed" && process_is "$remover" "$start"
}

# end_container: end all of its processes at once. It may be just starting, and its
# processes on their way into the group: so more than once.
end_container() {
	rounds=10
	until [ $rounds -eq 0 ]; do
		! shim_lives || x_control 'signal KILL'
		x_quietly cgset kill "$group/$id" || :
		! wait_for_end 1 || return 0
		rounds=$((rounds - 1))
	done
	die "container $id does not end, even by SIGKILL"
}

# pause_container: a container that is marked but not frozen can be unpaused; one that is
# frozen but not marked would be a riddle. So the mark comes first, and goes last.
pause_container() {
	put "$run/paused" true
	x cgset freeze "$group/$id" || {
		rm -f "$run/paused"
		return 1
	}
	container_event '' pause
}

unpause_container() {
	x cgset thaw "$group/$id" || return
	x rm -f "$run/paused"
	container_event '' unpause
}

# x_control LINE: a line into the shim's control fifo. Opened for reading too, so
# that it never waits for a shim that is gone.
x_control() {
	[ -z "$explain" ] || say_printf '%s\n' '1<>' "$run/ctl" "$1"
	[ "$explain" = only ] || printf '%s\n' "$1" 1<>"$run/ctl"
}

# check_terminal: -i and -t together want a terminal, status 1 as in Docker.
check_terminal() {
	[ -z "$tty" ] || [ -z "$interactive" ] || [ "$explain" = only ] || [ -t 0 ] || {
		warn 'the input device is not a TTY'
		exit 1
	}
}

# check_detach_keys KEYS: before a container is made that nobody could attach to.
check_detach_keys() {
	keys=$1,
	[ -n "$1" ] || return 0
	while [ -n "$keys" ]; do
		case ${keys%%,*} in
		? | ctrl-[a-z] | ctrl-@ | ctrl-[[] | ctrl-[\\] | ctrl-] | ctrl-^ | ctrl-_) ;;
		*) usage_error "invalid detach keys: '$1'" ;;
		esac
		keys=${keys#*,}
	done
}

# check_signal NAME: is it one? trap knows them by number and name, and EXIT besides.
check_signal() {
	case ${1#[Ss][Ii][Gg]} in
	'' | 0 | [Ee][Xx][Ii][Tt] | *[!A-Za-z0-9+-]*) die "invalid signal: $1" ;;
	esac
	(trap - "${1#[Ss][Ii][Gg]}") 2>/dev/null || die "invalid signal: $1"
}

# launch CHAIN...: start it, with the files that it reads open: $file3, $file4, $file5.
locked='' # see lock_start
launch() {
	[ -e "$file5" ] || file5=$share/default.bpf
	if [ -n "$explain" ]; then
		command_line "$@"
		for file in "3<$file3" "4<$file4" "5<$file5"; do
			quoted "${file#?<}"
			line="$line ${file%%<*}<$quoted"
		done
		quoted "$run/lock"
		[ -z "$locked" ] || line="$line 8<$quoted"
		say "$line"
	fi
	[ "$explain" = only ] || "$@" 3<"$file3" 4<"$file4" 5<"$file5" && launched=0 || launched=$?
	[ -z "$locked" ] || exec 8>&- # the lock: the shim has it
	locked=''
	return "$launched"
}

# x_attach OPTION...: become the attach tool. This is the end of the verb.
x_attach() {
	set -- attach "$@" "$run"
	if [ -n "$explain" ]; then
		command_line "$@"
		say "$line"
	fi
	[ "$explain" != only ] || exit 0
	exec "$@"
}

# check_name NAME: end unless it is one for a container.
check_name() {
	case $1 in
	[!A-Za-z0-9]* | ? | *[!A-Za-z0-9_.-]*)
		die "Invalid container name ($1), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed" ;;
	esac
	[ ${#1} -le 128 ] || die 'Invalid container name: longer than 128 characters'
}

# link_name NAME: let it mean the container $id. Making the link is the check that no other
# has it. (-e first, as --explain makes no link that could fail.)
link_name() {
	[ -e "$SKIFF_ROOT/names/$1" ] || ! x_quietly ln -sT "../containers/$id" "$SKIFF_ROOT/names/$1" || return 0
	[ -L "$SKIFF_ROOT/names/$1" ] || cannot_write "$SKIFF_ROOT/names/$1"
	read -r holder 2>/dev/null <"$SKIFF_ROOT/names/$1/id" || holder=''
	die "Conflict. The container name \"/$1\" is already in use by container \"$holder\". You have to remove (or rename) that container to be able to reuse that name."
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

# writable_sizes ID...: a line each, ID <tab> BYTES of the files in its writable layer, a hard link counted
# once. In the directory of all containers.
writable_sizes() {
	for id in "$@"; do
		shift
		set -- "$@" "$id/rw"
	done
	find "$@" -regex '[0-9a-f]*/rw/work' -prune -o -type d -printf '%H\t\t0\n' -o -printf '%H\t%D:%i\t%s\n' 2>/dev/null |
		awk -F '\t' '
			$1 != last { if (last) printf "%s\t%.0f\n", substr(last, 1, 64), bytes; last = $1; bytes = 0; split("", seen) }
			!($2 in seen) { bytes += $3; if ($2 != "") seen[$2] }
			END { if (last) printf "%s\t%.0f\n", substr(last, 1, 64), bytes }'
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

# signal_event NAME: a signal is sent; the journal has its number.
signal_event() {
	name=${1#[Ss][Ii][Gg]} number=1
	case $name in
	[0-9]*) number=$name ;;
	HUP) number=1 ;;
	INT) number=2 ;;
	QUIT) number=3 ;;
	KILL) number=9 ;;
	USR1) number=10 ;;
	USR2) number=12 ;;
	TERM) number=15 ;;
	*)
		name=$(printf %s "$name" | tr '[:lower:]' '[:upper:]')
		until [ $number -eq 64 ] || [ "$(kill -l $number)" = "$name" ]; do number=$((number + 1)); done
		;;
	esac
	container_event '' kill "signal=$number"
}

# read_clock: the time now, into $clock_time: asked once in a verb.
clock_time=''
read_clock() {
	[ -n "$clock_time" ] || clock_time=$(journal)
}

# ---- times -------------------------------------------------------------------

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
