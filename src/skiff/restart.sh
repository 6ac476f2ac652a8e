# Restart policies: is a container that has ended to be started again, and when? Shared by
# on-exit, boot and the verbs that stop a container.
#
#   restart      the policy; not there for "no"
#   restarts     how often it was started again since a person started it
#   stopped      a person stopped it: until started by hand no policy starts it again
#   backoff      milliseconds that the last restart waited

use start.sh

# wants_restart: does the policy want the container in $dir, which has ended, started again? Not if
# its command could not even be run.
wants_restart() {
	get "$dir/restart" && [ ! -e "$dir/stopped" ] && [ -e "$dir/started" ] && [ ! -e "$dir/error" ] || return
	policy=$value
	get "$dir/exit" || return
	case $policy in
	on-failure*)
		[ "$value" -ne 0 ] || return
		get "$dir/restarts" || value=0
		case $policy in *:0) ;; *:*) [ "$value" -lt "${policy#*:}" ] ;; esac
		;;
	esac
}

# next_delay: how long to wait, into $delay (milliseconds): 100, doubled each time up to a minute;
# 100 again after a run of ten seconds (moby, daemon/internal/restartmanager).
next_delay() {
	get "$dir/backoff" || value=50
	use ages.sh
	delay=$((value * 2)) began=0 epoch=0
	get "$dir/started" && epoch "$value" && began=$epoch
	get "$dir/finished" && epoch "$value"
	[ $((epoch - began)) -lt 10 ] || delay=100
	[ $delay -le 60000 ] || delay=60000
	(put "$dir/backoff" "$delay") || : # on a full disk: begins anew
}

# restart_later: wait, then start the container again. Whoever stops it meanwhile sends
# SIGTERM to the process in the file "restarting".
restart_later() {
	process_start $$
	trap '[ -z "${!:-}" ] || kill "$!" 2>/dev/null; forget_restart; exit 0' TERM
	put "$run/restarting" "$$ $start"
	# Whoever stops it leaves his mark and then looks for ours; we, the other way round. One sees the other.
	if [ -e "$dir/stopped" ]; then
		x rm -f "$run/restarting"
		return
	fi
	exec 9>&- # the lock: the end of this run is no longer waited for
	next_delay
	sleep "$((delay / 1000)).$((delay % 1000 / 100))" &
	wait "$!" || :
	# From here on it cannot be stopped half-way: who wants to waits until the mark has gone.
	trap '' TERM
	if [ -e "$dir/created" ] && [ ! -e "$dir/stopped" ]; then
		get "$dir/restarts" || value=0
		(put "$dir/restarts" $((value + 1))) || :
		may_be_busy=true
		(
			trap - TERM
			start_container || { [ -n "$busy" ] && exit || exit "$result"; } # a person was faster
			x_attach --start --detach
		) || fail_restart $?
	fi
	forget_restart
}

# forget_restart: the mark, if it is ours still: what we have started may have ended already, and its next start wait.
forget_restart() {
	! read -r restarter _ 2>/dev/null <"$run/restarting" || [ "$restarter" != $$ ] || x rm -f "$run/restarting"
}

# fail_restart STATUS: it could not be started: that is its end, as in Docker.
fail_restart() {
	[ -d "$dir" ] || return 0
	(replace "$dir/exit" "$1") || : # the last one is kept on a full disk
	[ -e "$dir/finished" ] || put "$dir/finished" "$(journal)"
}

# wanted_at_boot: is the container, which does not run, to be started with the machine? "always" is
# even if a person had stopped it, on-failure only after a failure.
wanted_at_boot() {
	get "$dir/restart" && [ -e "$dir/finished" ] || return
	case $value in
	always) ;;
	unless-stopped) [ ! -e "$dir/stopped" ] ;;
	*) get "$dir/exit" && [ "$value" -ne 0 ] ;;
	esac
}

# forget_restarts: a person starts the container: the policy begins anew.
forget_restarts() {
	[ -e "$dir/restart" ] || return 0
	x rm -f "$dir/stopped" "$dir/restarts" "$dir/backoff"
}

# await_start: somebody else is starting the container in $dir: wait until its processes are made; false if that failed.
await_start() {
	while shim_lives && [ ! -e "$dir/started" ]; do
		container_state
		[ -z "$pid" ] || return 0
		sleep 0.02
	done
	[ -e "$dir/started" ]
}

# start_detached: start the container in $dir if it does not run; up to $tries times, if others stop it before it has begun.
start_detached() {
	container_state
	[ -z "$paused" ] || die 'cannot start a paused container, try unpause instead'
	case $state in running | restarting) return 0 ;; esac
	[ "$explain" != only ] || explain_begin "$dir" "$run"
	forget_restarts
	may_be_busy=true
	start_container || {
		if [ -z "$busy" ]; then
			[ -z "$messages$explain" ] && [ -d "$dir" ] || return "$result"
			begin_again # its processes were killed before they could say anything
			return
		fi
		await_start || die "container $id: somebody else was starting it, and could not"
		[ -z "$pid" ] || start_detached # who made its processes may be dead: let them go ourselves
		return
	}
	if [ -n "$explain" ]; then
		(x_attach --start --detach)
		return
	fi
	messages=$(x_attach --start --detach 2>&1) && result=0 || result=$?
	case $messages in
	"attach: $run: "* | 'attach: disconnected: '*) begin_again ;;
	*) report_start ;;
	esac
}

# begin_again: others have stopped the container before it had begun.
begin_again() {
	[ "${tries:-1}" -gt 1 ] || die "container $id was ended while it started"
	tries=$((tries - 1))
	start_detached
}
