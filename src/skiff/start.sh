# Starting a container: the chain. Shared by start and run.
#
#   descriptors   3 env   4 argv (exec: more env)   5 seccomp filter   6 the container's standard error
#   of the chain  7 socket to the shim, for the terminal's master   8 root file system
#                 9 the control group, where it is of cgroup v2

use launch.sh
use network.sh

# start_container: make the processes of the container in $dir, up to the start fifo,
# where they wait. Errors of the set-up come out here; its status is returned. $busy is true then if
# somebody else is starting it at this moment; with $may_be_busy that is not reported.
busy='' may_be_busy='' last_exit='' last_start=''
start_container() {
	! get "$dir/exit" || last_exit=$value
	! get "$dir/started" || last_start=$value
	messages='' busy=''
	if [ "$explain" = only ]; then
		make_processes && result=0 || result=$?
	elif [ -n "$explain" ]; then
		(make_processes) && result=0 || result=$? # which may die
	else
		messages=$(make_processes 2>&1) && result=0 || result=$?
	fi
	case $messages in "shim: $run: already running") busy=true ;; esac
	[ -z "$busy" ] || [ -z "$may_be_busy" ] || return "$result"
	report_start && return
	result=$?
	[ -n "$busy" ] || (forget_start) || :
	return "$result"
}

# forget_start: what there is of a start that failed; unless somebody else is at work on it. --rm holds then, too.
forget_start() {
	lock_run 1 && container_state && [ -z "$pid" ] || return
	use remove-container.sh
	if [ -e "$dir/auto-remove" ]; then
		remove_container
		return
	fi
	restore_end
	note_failure
	x_quietly cgset remove "$group/$id"
	[ -s "$dir/volumes" ] || return 0
	. "$lib/volume.sh"
	unmount_volumes
}

# lock_start: the lock of a container that has run before, which the shim takes over. The clean-up of that run is
# over then, and does not take away what this one has already; and nobody else starts it.
lock_start() {
	tries=10
	[ -e "$run/lock" ] && [ "$explain" != only ] || return 0
	until ! shim_lives && lock_run 1; do
		[ -d "$dir" ] || return
		if [ $tries -eq 0 ] || shim_lives; then
			printf '%s\n' "shim: $run: already running" >&2
			return 125
		fi
		[ -e "$run/copying" ] || tries=$((tries - 1)) # by skiff cp
	done
	locked=true
	# That clean-up may have come to the conclusion that it is to start the container, later.
	! restart_waits || [ "$restarter" = $$ ] || x_quietly kill -s TERM "$restarter" || :
	# A shim that was killed during the start leaves processes behind, which wait, and would run beside the new ones.
	container_state
	[ -z "$pid" ] || { x_quietly cgset kill "$group/$id" && disconnect_container; } || :
}

# restore_end: how its last run ended, which is so again, as there was no further one.
restore_end() {
	[ -n "$last_exit" ] && [ ! -e "$dir/exit" ] && [ -s "$dir/created" ] || return 0
	put "$dir/exit" "$last_exit"
	put "$dir/started" "$last_start"
}

# note_failure: why it could not be started, which the shim has done unless it came to nothing before or beside it.
note_failure() {
	[ -s "$dir/created" ] && [ -n "$messages" ] && [ ! -e "$dir/error" ] || return 0
	try_put "$dir/error" "$messages" && [ ! -e "$dir/exit" ] || return 0
	put "$dir/exit" "$result"
}

# report_start: what there was to say, the status $result. What failed while somebody removed the
# container is no news.
report_start() {
	[ -n "${making:-}" ] || [ -s "$dir/created" ] || [ "$result" -eq 0 ] || no_such_container "${container:-$id}" || return
	[ -z "$messages" ] || printf '%s\n' "$messages" >&2
	return "$result"
}

make_processes() {
	container_state
	pids=''
	# Who made its processes was killed before letting them go: they wait still.
	[ -z "$pid" ] || ! shim_lives || { wait_connected; return; }
	lock_start || return
	if [ -s "$dir/volumes" ]; then
		. "$lib/volume.sh"
		use_volumes
	fi
	start_processes && start_health
}

start_processes() {
	[ ! -e "$run/network" ] || put "$run/network" '' # of its last run
	file3=$dir/env file4=$dir/argv file5=$dir/seccomp.bpf
	get "$dir/image-id"
	layers=$SKIFF_ROOT/images/$value/layers
	get "$dir/idmap" || :
	idmap=$value
	get "$dir/network"
	network=$value

	set -- shim --run "$run" --state "$dir" ${locked:+--lock=8}
	[ -e "$dir/log-driver" ] || set -- "$@" --log "$dir/log"
	set -- "$@" --stderr 6 --journal "$SKIFF_ROOT/events" --attributes "$dir/attributes" \
		--start-event "container${tab}start${tab}$id" --end-event "container${tab}die${tab}$id" \
		--on-exit "$bin/skiff" on-exit "$id" ';'
	[ ! -e "$dir/restart" ] || set -- "$@" --release
	if is_published; then set -- reserve --descriptor 1024 --file "$dir/publish" --output "$dir/ports" \
		--relay "$dir/address" --message "$publish_failure" "$@" --hold 1024; fi
	if get "$dir/stdin"; then set -- "$@" --stdin; fi
	[ "$value" != once ] || set -- "$@" --stdin-once
	if [ -e "$dir/tty" ]; then set -- "$@" --tty 7; fi
	if [ -e "$dir/shim" ]; then
		while IFS= read -r word; do set -- "$@" "$word"; done <"$dir/shim"
	fi
	[ ! -e "$dir/oom-killed" ] || x entry unlink "$dir/oom-killed"
	[ ! -e "$run/paused" ] || x entry unlink "$run/paused" # of a run that ended with the machine
	# Restarted before it was removed: nothing is lost while the machine runs, overlayfs cannot know.
	[ ! -e "$dir/rw/work/work/incompat/volatile" ] || x rm -r "$dir/rw/work/work/incompat"
	# The score passes to children; inside the user namespace it is not ours to set.
	if get "$dir/oom-score"; then set -- "$@" choom -n "$value" --; fi
	if get "$dir/runtime"; then
		runtime=$value
		set -- "$@" unshare-run --mount sh "$lib/oci.sh" "$runtime" "$dir" "$run" "$group/$id" \
			layerfs stack --at "$SKIFF_RUN/root"
	else
		runtime=''
		set -- "$@" cgset run --fd 9
		while IFS= read -r word && IFS= read -r value; do
			case $word$value in
			--pids[1-9]) pids=$value ;; # the set-up itself takes more: see below
			*) set -- "$@" "$word" "$value" ;;
			esac
		done <"$dir/cgset"
		set -- "$@" "$group/$id" layerfs stack --fd 8
	fi
	set -- "$@" ${idmap:+--idmap "$idmap"} \
		--upper "$dir/rw/upper" --work "$dir/rw/work"
	# What --rm throws away need not reach the disk first: unmounting would sync it.
	if [ -e "$dir/auto-remove" ]; then set -- "$@" --volatile; fi
	while read -r layer; do set -- "$@" "$SKIFF_ROOT/layers/$layer/fs"; done <"$layers"
	if [ -n "$runtime" ]; then
		launch "$@" || return
		connect_container
		return
	fi
	set -- "$@" -- unshare-run --pid-file "$run/pid" --start "$run/start" --stderr 6 --cgroup-fd 9 \
		--root fd:8 --carry --mount
	namespaces "$@" || return
	connect_container
}

# namespaces CHAIN...: those that depend on the container.
namespaces() {
	[ ! -e /proc/self/ns/time ] || set -- "$@" --time
	[ -e "$dir/uts-mode" ] || set -- "$@" --uts
	[ -e "$dir/cgroup-mode" ] || set -- "$@" --cgroup
	if [ -e "$dir/ipc-mode" ]; then set -- "$@" --bind /dev/shm /dev/shm; else set -- "$@" --ipc; fi
	owner='' # of a namespace that is joined: then its user namespace is, too
	if get "$dir/pid-mode"; then
		case $value in container:*)
			find_peer "${value#container:}"
			owner=$peer
			set -- "$@" "--pid=$peer"
			;;
		esac
	else
		set -- "$@" --pid
	fi
	names=$dir # whose name files: with the network comes the name
	case $network in
	none) set -- "$@" --net ;;
	host) ;;
	container:*)
		names=$SKIFF_ROOT/containers/${network#container:}
		find_peer "${network#container:}"
		owner=$peer
		set -- "$@" "--net=$peer"
		;;
	*) set -- "$@" --net --sysctl net.ipv4.ip_unprivileged_port_start=0 --sysctl 'net.ipv4.ping_group_range=0 65535' ;;
	esac
	if [ -n "$idmap" ] && [ -n "$owner" ]; then
		set -- "$@" "--user=$owner"
	elif [ -n "$idmap" ]; then
		set -- "$@" --user --map "$idmap"
	fi
	if [ -e "$dir/tty" ]; then set -- "$@" --tty fd:7; fi
	init=''
	while IFS= read -r word; do
		set -- "$@" "$word"
		[ "$word" != "$share/init" ] || init=--block-signals # process 1 would not see what comes too early
	done <"$dir/unshare-run"
	set -- "$@" --bind "$names/hostname" /etc/hostname --bind "$names/hosts" /etc/hosts \
		--bind "$names/resolv.conf" /etc/resolv.conf --dockerenv \
		lockdown --stderr 6 --env fd:3 $init
	while IFS= read -r word; do set -- "$@" "$word"; done <"$dir/lockdown"
	launch "$@" --argv fd:4 || return
	# One that may have only a few processes: those of the set-up are gone now, but the one
	# that waits.
	[ -z "${pids:-}" ] || x cgset set --pids "$pids" "$group/$id"
}

# find_peer ID: the main process of that container, PID:START, into $peer.
find_peer() {
	read -r peer start 2>/dev/null <"$SKIFF_RUN/$1/pid" && process_is "$peer" "$start" ||
		die "container $1 is not running"
	peer=$peer:$start
}

# start_health: the timer beside the container just made, if its health is to be checked. Each
# check is an exec without a shim.
start_health() {
	[ -s "$dir/health-test" ] || return 0
	set -- health --dir "$dir/checks" --while "$run/pid" --unless "$run/paused" \
		--on-change "$bin/skiff" on-health "$id" ';'
	if [ -e "$dir/health" ]; then
		while IFS= read -r word; do set -- "$@" "$word"; done <"$dir/health"
	fi
	set -- "$@" cgset run --fd 9 "$group/$id" unshare-run --join "$run/pid" --carry --cgroup-fd 9 \
		lockdown --env fd:3
	while IFS= read -r word; do set -- "$@" "$word"; done <"$dir/lockdown"
	file4=$dir/health-test
	launch "$@" --argv fd:4
}
