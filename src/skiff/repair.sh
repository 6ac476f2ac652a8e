# Comparing disk and kernel. Shared by check and boot.
#
# There is no clean-up that must run: what a killed program leaves behind is found
# here by name, and put right. Safe at any moment, beside anything: what a living
# process is at work on is left alone.

use start.sh
use control.sh
use remove-container.sh
. "$lib/remove-image.sh"
. "$lib/volume.sh"
. "$lib/repair-network.sh"

dry_run='' found=0 left=0
with_volumes=true # what is removed here was to be removed with them

# repair TEXT COMMAND...: report a finding; put it right unless --dry-run.
repair() {
	visible "$1"
	finding=$visible
	shift
	found=$((found + 1))
	if [ -n "$dry_run" ]; then
		printf '%s\n' "$finding"
	elif (x "$@"); then
		printf '%s: repaired\n' "$finding"
	else
		printf '%s: not repaired\n' "$finding"
		left=$((left + 1))
	fi
}

# entries DIRECTORY: its entries, hidden ones too, a line each.
entries() {
	[ ! -d "$1" ] || find "$1" -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null || : # some go meanwhile
}

repair_all() {
	[ -d "$SKIFF_ROOT" ] || return 0
	repair_copy || return 0
	repair_unfinished
	repair_containers
	repair_names
	repair_leases
	repair_groups
	repair_runtime
	repair_volumes
	check_references
	rotate_journal
	repair_strays
	repair_networks
}

# repair_copy: a copy of another store. False if it is still one: what the kernel has is of the other.
repair_copy() {
	[ "$store_home" != "$SKIFF_ROOT" ] || return 0
	use home.sh
	is_copy || return 0
	repair "$SKIFF_ROOT is a copy of the store $store_home, with the same control group, networks and rules" leave_original
	read -r group <"$SKIFF_ROOT/cgroup"
	! is_copy
}

# Images, layers, references and manifest lists are made under ".NAME.PID" or ".PID" and renamed when whole.
repair_unfinished() {
	for place in images layers refs manifests build; do
		for entry in $(entries "$SKIFF_ROOT/$place"); do
			case $entry in
			.gone.* | .*.removed.*) [ -d "/proc/${entry##*.}" ] || (finish_image_removal) ;;
			.*) [ -d "/proc/${entry##*.}" ] || [ ! -e "$SKIFF_ROOT/$place/$entry" ] ||
				repair "unfinished $place/$entry" rm -rf "$SKIFF_ROOT/$place/$entry" ;;
			esac
		done
	done
}

# finish_image_removal: of the image in $entry, whose remover was killed. Before he was sure that
# no container uses it, it stays.
finish_image_removal() {
	lock_images
	gone=$SKIFF_ROOT/images/$entry
	[ -d "$gone" ] || return 0
	image=${entry#.gone.}
	image=${image#.}
	image=${image%%.*}
	case $entry in
	.gone.*) repair "image $image: half removed" forget_image ;;
	*) repair "image $image: set aside" mv -T "$gone" "$SKIFF_ROOT/images/$image" ;;
	esac
}

forget_image() {
	references=$(references_to "$image")
	small=$(image_documents)
	[ ! -e "$gone/layers" ] || drop_layers "$gone"
	for reference in $references; do remove_reference "$reference"; done
	drop_documents
	finish_removal
	rm -rf "$gone"
}

# Blobs and layers that no image has: those that were on their way when a pull was killed are good
# for the next one, for a day.
repair_strays() {
	stray_list=$( (lock_images && nobody_adds && strays 1440) || :)
	for stray in $stray_list; do
		repair "$stray is of no image" remove_stray
	done
}

remove_stray() {
	(
		lock_images
		nobody_adds || exit 0
		case $nl$(strays 1440)$nl in *"$nl$stray$nl"*) rm -rf "${SKIFF_ROOT:?}/$stray" ;; esac
	)
}

repair_containers() {
	hierarchies=$(cgset path "$group" 2>/dev/null) || :
	for id in $(entries "$SKIFF_ROOT/containers"); do
		container_dirs
		if [ ! -s "$dir/created" ]; then
			# (Looked at again: its maker may have finished, and ended, since.)
			being_made || [ -s "$dir/created" ] || [ ! -d "$dir" ] || repair "unfinished container $id" remove_unfinished
			continue
		fi
		container_state
		case $state in
		running)
			if ! shim_lives && ! shim_ended; then
				repair "container $id: its shim is gone" end_orphan
			elif [ -d "$dir/checks" ] && flock -n "$dir/checks" true; then
				repair "container $id: nobody checks its health any more" watch_again
			fi
			;;
		dead) repair "container $id: nobody recorded how it ended" record_exit 255 ;;
		exited) repair_auto_remove ;;
		created)
			[ -z "$code" ] || repair_auto_remove # it could not be started
			if [ -n "$pid" ] && ! shim_lives && ! shim_ended; then
				repair "container $id: half started, its shim is gone" end_orphan
			fi
			;;
		esac
		[ -z "$pid" ] || ! is_frozen || ! sleep 0.2 || ! is_frozen ||
			repair "container $id: frozen, but not paused" cgset thaw "$group/$id"
		! is_uncleaned || repair "container $id: the clean-up after it was killed" clean_up
	done
}

# repair_auto_remove: of a container that has ended; its clean-up was killed.
repair_auto_remove() {
	[ ! -e "$dir/auto-remove" ] || shim_lives || shim_ended || is_kept ||
		repair "container $id: ended, to be removed (--rm)" remove_container
}

# is_frozen: without being paused? So it is for a moment in "cgset kill" on cgroup v1, and for ever if that is killed.
is_frozen() {
	[ ! -e "$run/paused" ] || return
	for hierarchy in $hierarchies; do
		! get "$hierarchy/$id/freezer.state" || [ "$value" = THAWED ] || return 0
		! get "$hierarchy/$id/cgroup.freeze" || [ "$value" = 0 ] || return 0
	done
	return 1
}

# remove_unfinished: one of a build may run.
remove_unfinished() {
	end_unfinished
	remove_container
}

# is_uncleaned: has the container in $dir, which does not run, something that only one that runs has?
is_uncleaned() {
	has_traces || return
	(
		# All under the lock, if there is one: between two looks it may end and be cleaned up, or start.
		if [ -e "$run/lock" ]; then
			{ command exec 8<"$run/lock"; } 2>/dev/null && flock -n -s 8 || exit
		fi
		is_uncleaned_still
	)
}

has_traces() {
	[ ! -s "$dir/ports" ] || return 0
	for hierarchy in $hierarchies; do
		[ ! -d "$hierarchy/$id" ] || return 0
	done
	return 1
}

# clean_up: what on-exit had still to do, while nobody can start the container.
clean_up() {
	(
		lock_run 1 && is_uncleaned_still || exit 0
		! cgset path "$group/$id" >/dev/null 2>&1 || cgset kill "$group/$id" || exit
		leave_networks
		cgset remove "$group/$id"
	)
}

is_uncleaned_still() {
	container_state
	[ -z "$pid" ] && [ "$state" != running ] && [ "$state" != restarting ] && has_traces
}

# being_made: is the process that makes or removes this container still at work? Before the
# file "creating" is there, and after it has gone, nobody can tell for a moment.
being_made() {
	read -r maker start 2>/dev/null <"$dir/creating" || { [ -d "$dir" ] && ! stale "$dir"; return; }
	process_is "$maker" "$start"
}

# stale FILE: it is more than a minute old: who was to go on with it has been killed.
stale() {
	[ -n "$(find "$1" -maxdepth 0 -mmin +1 2>/dev/null)" ] # (+0 is true at once)
}

# shim_ended: the shim has become its on-exit command, which holds the lock still.
shim_ended() {
	# (A lock that goes while we look was held a moment ago: by the clean-up of --rm.)
	[ -e "$run/lock" ] && ! flock -n -s "$run/lock" true 2>/dev/null
}

# end_orphan: without a shim nobody reads the container's output, and nobody would
# record its end: end it.
end_orphan() {
	cgset kill "$group/$id" || return
	record_exit 137
}

# watch_again: begin with a new status, as after a start; the lock is for who is faster.
watch_again() {
	get "$dir/idmap" || :
	file3=$dir/env file5=$dir/seccomp.bpf
	start_health
}

record_exit() {
	if [ -e "$dir/auto-remove" ]; then
		remove_container
		return
	fi
	end_left_behind
	leave_networks
	cgset remove "$group/$id"
	rm -f "$run/pid"
	[ ! -s "$dir/volumes" ] || unmount_volumes
	read_clock
	put "$dir/finished" "$clock_time"
	put "$dir/exit" "$1"
	container_event "$clock_time" die "exitCode=$1"
}

repair_names() {
	for entry in $(entries "$SKIFF_ROOT/names"); do
		# (Looked at again: rm takes the name before the container.)
		[ -d "$SKIFF_ROOT/names/$entry/" ] || [ ! -L "$SKIFF_ROOT/names/$entry" ] ||
			repair "name '$entry' of no container" rm -f "$SKIFF_ROOT/names/$entry"
		dir=$SKIFF_ROOT/names/$entry
		! get "$dir/name" || [ "$value" = "$entry" ] || being_made || ! misnamed "$entry" ||
			repair "name '$entry' that its container does not have" rm -f "$dir"
	done
}

# misnamed NAME: does it lead to a container that has another one? A rename was killed half-way.
misnamed() {
	get "$SKIFF_ROOT/names/$1/name" && [ "$value" != "$1" ]
}

repair_leases() {
	for entry in $(entries "$SKIFF_ROOT/idmaps"); do
		get "$SKIFF_ROOT/idmaps/$entry" || stale "$SKIFF_ROOT/idmaps/$entry" || continue # being written
		[ -n "$value" ] && [ -d "$SKIFF_ROOT/containers/$value" ] || ! lease_is "$value" ||
			repair "id range $entry of no container" rm -f "$SKIFF_ROOT/idmaps/$entry"
	done
}

# lease_is ID: is that still what the lease says? Another may have taken it meanwhile.
lease_is() {
	leased_to=$1
	get "$SKIFF_ROOT/idmaps/$entry" || [ -e "$SKIFF_ROOT/idmaps/$entry" ] || return
	[ "$value" = "$leased_to" ]
}

repair_groups() {
	for hierarchy in $(cgset path "$group" 2>/dev/null); do
		for id in $(entries "$hierarchy"); do
			container_dirs
			[ -d "$dir" ] || [ ! -d "$hierarchy/$id" ] ||
				repair "control group $group/$id of no container" end_group "$group/$id"
		done
	done
}

end_group() {
	cgset kill "$1" && cgset remove "$1"
}

# goes DIRECTORY: is it just being removed?
goes() {
	sleep 0.2
	[ ! -d "$1" ]
}

repair_runtime() {
	for id in $(entries "$SKIFF_RUN"); do
		case $id in *[!0-9a-f]*) continue ;; esac
		container_dirs
		if [ ! -d "$dir" ]; then
			shim_lives || shim_ended || goes "$run" || repair "runtime directory $id of no container" rm -rf "$run"
			continue
		fi
		outer=$run
		for entry in $(entries "$run/exec"); do
			run=$outer/exec/$entry
			if [ -e "$run/shim" ] && ! shim_lives && ! shim_ended; then
				repair "exec $entry in $id: its shim is gone" rm -rf "$run"
			elif [ ! -e "$run/started" ] && [ -p "$run/start" ] && stale "$run/start"; then
				repair "exec $entry in $id: nobody lets it go" end_exec
			elif [ ! -e "$run/shim" ] && [ -d "$run" ] && ! shim_ended && stale "$run"; then
				repair "exec $entry in $id: half made" rm -rf "$run"
			fi
		done
	done
}

end_exec() {
	x_control 'signal KILL' && wait_for_end 5
}

# (Who removes an image holds the lock until its names have gone as well.)
check_references() {
	[ -d "$SKIFF_ROOT/refs" ] || return 0
	lock_images
	# shellcheck disable=SC2044 # a reference has no blanks
	for entry in $(find "$SKIFF_ROOT/refs" -mindepth 2 -type f -printf '%P\n'); do
		get "$SKIFF_ROOT/refs/$entry" || value=''
		[ -d "$SKIFF_ROOT/images/${value#sha256:}" ] ||
			repair "reference $entry to an image that is not here" remove_reference "$entry"
	done
	unlock_images
}

# Volumes that are half removed or half filled, and mounts of those that nobody uses any more.
repair_volumes() {
	for entry in $(entries "$SKIFF_ROOT/volumes"); do
		volume=$SKIFF_ROOT/volumes/$entry
		case $entry in
		.*)
			[ -d "/proc/${entry##*.}" ] || repair_aside
			continue
			;;
		esac
		if ! find_volume "$entry"; then
			[ ! -d "$volume" ] || repair "volume $entry: half removed" drop_volume "$volume"
			continue
		fi
		[ -z "$(find "$volume" -maxdepth 1 -name '*content*' -print -quit)" ] || flock -n "$volume" true 2>/dev/null ||
			continue # somebody is at work on it
		[ -z "$(find "$volume" -maxdepth 1 -name '*content*' -print -quit)" ] ||
			repair "volume $entry: half filled" finish_filling "$entry"
		[ ! -e "$volume/options" ] || repair_mount "$entry"
	done
}

# repair_aside: $volume is .NAME.PID, being made or removed by a process that is dead. It is put back
# if a container has it.
repair_aside() {
	name=${entry#.}
	name=${name%.*}
	[ -d "$volume" ] || return 0
	volume_users "$name"
	if [ -n "$users" ] && [ -s "$volume/created" ] && [ ! -e "$SKIFF_ROOT/volumes/$name" ]; then
		repair "volume $name: set aside" mv -T "$volume" "$SKIFF_ROOT/volumes/$name"
	else
		repair "unfinished volumes/$entry" drop_volume "$volume"
	fi
}

# repair_mount NAME: containers that do not run do not hold it, and held by none it is not mounted.
repair_mount() {
	for id in $(entries "$SKIFF_RUN/volumes/$1"); do
		container_dirs
		shim_lives || shim_ended || being_made || ! stale "$SKIFF_RUN/volumes/$1/$id" ||
			repair "volume $1: held by $id, which does not run" unmount_volume "$1" "$id"
	done
	[ -d "$SKIFF_RUN/volumes/$1" ] || ! mountpoint -q "$SKIFF_ROOT/volumes/$1/_data" ||
		repair "volume $1: mounted for nobody" unmount_volume "$1"
}
