# Taking a container away, or what an end of it leaves: networks, runtime, its range of IDs, its files.

use container.sh

# remove_container [TIME]: take away all of the container in $dir; it must not be running, nor
# be started meanwhile: see lock_run. TIME is that of the events.
# First it is no container any more, then it is not there. With $with_volumes (and --rm) its
# anonymous volumes go too; otherwise the note that it has some is the first to go, or check
# would take them with what is left of it.
with_volumes=''
remove_container() {
	removed_at=${1:-} doomed='' doomed_names=''
	event_attributes
	set -- "$dir/created"
	if [ -s "$dir/volumes" ]; then
		. "$lib/volume.sh"
		unmount_volumes
		if [ -n "$with_volumes" ] || [ -e "$dir/auto-remove" ]; then
			doomed_volumes
		else
			set -- "$dir/volumes" "$dir/created"
		fi
	fi
	if get "$dir/name" && [ "$SKIFF_ROOT/names/$value/" -ef "$dir/" ]; then
		set -- "$@" "$SKIFF_ROOT/names/$value"
	fi
	[ ! -e "$dir/storage-size" ] || (. "$lib/storage.sh" && forget_storage)
	release_ids
	[ -z "$lease" ] || set -- "$@" "$lease"
	[ -n "$alone" ] || take_back || : # what is left of it check finds without the container
	IFS=$nl
	# shellcheck disable=SC2086 # a line a file
	set -- "$@" $doomed "$dir" "$run" # in this order: see take_directories() of the shim
	unset IFS
	happened=container${tab}destroy${tab}$id$attributes
	[ -s "$dir/created" ] && [ -n "$attributes" ] || happened=''
	[ -z "$happened" ] || is_long "$happened" || set -- --event "$happened" "$@"
	for name in $doomed_names; do set -- --event "volume${tab}destroy${tab}$name${tab}driver=local" "$@"; done
	[ -z "$removed_at" ] || set -- --time "$removed_at" "$@"
	[ -z "$alone" ] || set -- --lock "$run/lock" --wait 1 --if "$dir/created" --unless "$run/pid" "$@"
	x discard --claim "$dir/creating" --journal "$SKIFF_ROOT/events" "$@" && left=0 || left=$?
	case $left in # told as discard does: where files are left, too, if it is no container any more
	0 | 125) [ -e "$dir/created" ] || ! is_long "$happened" || journal_line "$removed_at" "$happened" ;;
	esac
	return "$left"
}

# remove_alone: the same of a container that is_plain, by discard alone, which takes the lock itself: 1 if it
# cannot, or if the container has been started meanwhile.
alone=''
remove_alone() {
	alone=true
	remove_container && left=0 || left=$?
	alone=''
	return "$left"
}

# is_plain: is nothing left of the container in $dir, which has ended, but files that are nobody else's? (Where there is
# an error "finished" is that of an earlier run.)
is_plain() {
	[ ! -s "$dir/volumes" ] && [ ! -e "$dir/storage-size" ] && [ ! -e "$dir/lent" ] && [ ! -e "$dir/restart" ] &&
		[ -e "$dir/exit" ] && [ ! -e "$dir/error" ] && get "$dir/finished" && ended=$value && get "$run/cleaned" && [ "$value" = "$ended" ]
}

# take_back: what the last run of the container in $dir has in the kernel, and of its networks. False if some is left.
take_back() {
	connected_still=''
	end_runtime
	await_health
	leave_networks
	x cgset remove "$group/$id" && [ -z "$connected_still" ]
}

# note_cleaned TIME: take_back has left nothing of the run of the container in $dir that ended at TIME. (An OCI runtime
# may have.)
note_cleaned() {
	[ -e "$dir/runtime" ] || try_put "$run/cleaned" "$1" || :
}

# release_ids: if the container in $dir has leased its range of IDs, whoever shares the range has it now; if nobody does,
# the lease is to go: $lease.
release_ids() {
	lease=''
	get "$dir/idmap" || return 0
	map=$value slot=${value#*:}
	slot=$(((${slot%:*} - 1073741824) / 65536))
	get "$SKIFF_ROOT/idmaps/$slot" && [ "$value" = "$id" ] || return 0
	lease=$SKIFF_ROOT/idmaps/$slot
	[ -e "$dir/lent" ] || return 0
	set +f
	set -- "$SKIFF_ROOT"/containers/*/idmap
	set -f
	for file in "$@"; do
		heir=${file%/idmap} heir=${heir##*/}
		[ "$heir" != "$id" ] && get "$file" && [ "$value" = "$map" ] || continue
		lend_ids "$heir" || continue # it goes, too
		replace "$lease" "$heir"
		lease=''
		break
	done
}

# await_health: the timer of the health checks ends with the container; until then it may write
# to $dir, and a check of it join the control group.
await_health() {
	[ ! -d "$dir/checks" ] || flock -w 10 "$dir/checks" true || :
}

# end_unfinished: the processes of the container in $dir, if there are any, at once: those of a
# RUN that is not to go on.
end_unfinished() {
	[ -d "$run" ] || return 0
	! shim_lives || x_quietly cgset kill "$group/$id" || :
	use control.sh
	wait_for_end 10 || end_container
}

# end_left_behind: what the container in $dir has left running. In a PID namespace of its own nothing
# outlives the main process.
end_left_behind() {
	[ ! -e "$dir/pid-mode" ] || x_quietly cgset kill "$group/$id" || :
}

# end_runtime: let an OCI runtime take away what it made: it makes control groups in named
# v1 hierarchies too, which are none of cgset's.
end_runtime() {
	if get "$dir/runtime" && [ -d "$dir/bundle/state/$id" ]; then
		x "$value" --root "$dir/bundle/state" delete --force "$id" || :
	fi
}

# leave_networks: give back what the container in $dir had of its networks.
leave_networks() {
	[ -e "$dir/networks" ] || [ -s "$dir/ports" ] || return 0
	use network.sh
	disconnect_container
}

# is_kept: a container of --rm that is restarted is not removed in between.
is_kept() {
	read -r keeper start 2>/dev/null <"$run/kept" && process_is "$keeper" "$start"
}

# is_doomed: has rm killed it, and waits for it to be removed? Then with $with_volumes, as rm was told.
is_doomed() {
	read -r remover start with_volumes 2>/dev/null <"$run/doomed" && process_is "$remover" "$start"
}
