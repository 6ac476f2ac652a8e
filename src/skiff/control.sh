# What is done to the processes of a container that runs: signals, freezing, and waiting for their
# end. Sourced by the verbs that do it.

use container.sh

# hold_stopped: have no policy start the container again; it may be about to.
hold_stopped() {
	[ -e "$dir/restart" ] || return 0
	flag "$dir/stopped"
	while restart_waits; do
		x_quietly kill -s TERM "$restarter" || :
		sleep 0.02
	done
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

# end_container: end all of its processes at once. It may be just starting, and its
# processes on their way into the group: so more than once. With the main process ends, usually, all that there is; and
# frozen ones do not even end.
end_container() {
	rounds=10
	until [ $rounds -eq 0 ]; do
		! shim_lives || x_control 'signal KILL'
		[ $rounds -eq 10 ] && shim_lives && [ ! -e "$run/paused" ] || x_quietly cgset kill "$group/$id" || :
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
	x entry unlink "$run/paused"
	container_event '' unpause
}

# x_control LINE: a line into the shim's control fifo. Opened for reading too, so
# that it never waits for a shim that is gone.
x_control() {
	[ -z "$explain" ] || say_printf '%s\n' '1<>' "$run/ctl" "$1"
	[ "$explain" = only ] || printf '%s\n' "$1" 1<>"$run/ctl"
}

# check_signal NAME: is it one? trap knows them by number and name, and EXIT besides. Its own trap for that signal, if
# a verb had one by now, would be gone.
check_signal() {
	case ${1#[Ss][Ii][Gg]} in
	'' | 0 | [Ee][Xx][Ii][Tt] | *[!A-Za-z0-9+-]*) die "invalid signal: $1" ;;
	esac
	command trap - "${1#[Ss][Ii][Gg]}" 2>/dev/null || die "invalid signal: $1"
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
	CONT) number=18 ;;
	STOP) number=19 ;;
	WINCH) number=28 ;;
	*)
		name=$(printf %s "$name" | tr '[:lower:]' '[:upper:]')
		until [ $number -eq 64 ] || [ "$(kill -l $number)" = "$name" ]; do number=$((number + 1)); done
		;;
	esac
	container_event '' kill "signal=$number"
}
