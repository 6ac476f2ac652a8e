# What doctor asks of the place of the store; and the trial of all: a whole container. Sourced by verbs/doctor.

# look_at_store: which file system, how much room, and whether overlayfs takes it.
look_at_store() {
	type=$(stat -f -c %T "$home")
	where="$SKIFF_ROOT on $type"
	elsewhere='put the store elsewhere: SKIFF_ROOT=/DIRECTORY on ext4, xfs or btrfs'
	[ "$type" != overlayfs ] || elsewhere='mount another file system there, such as a volume or mount -t tmpfs tmpfs '"$SKIFF_ROOT"
	case $type in
	tmpfs | ramfs)
		row warning store "$where" 'images and containers take memory, and are gone after a restart of the machine' \
			"$elsewhere"
		;;
	nfs* | smb* | cifs | fuseblk | v9fs | msdos | exfat | ntfs*)
		row warning store "$where" 'it may have no attributes of overlayfs, and locks that others do not see' "$elsewhere" ;;
	*) row ok store "$where" ;;
	esac
	look_at_room
	# (A full disk takes an empty file still.)
	if [ -z "$trial" ] || ! try dd if=/dev/zero of="$trial/written" bs=64k count=16 status=none; then
		row missing 'writing to the store' "$said" 'nothing can be pulled or made' "$elsewhere"
		return
	fi
	mkdir "$trial/layer" "$trial/rw"
	cp "$share/init" "$trial/layer/init"
	if ! stacks; then
		case $said in unshare-run:* | *'not permitted'*)
			outside 'a kernel that has it, or a shell that may' \
				'--privileged, or --security-opt seccomp=unconfined and apparmor=unconfined'
			elsewhere=$remedy
			;;
		esac
		row missing overlayfs "$said" 'a container has no root of its own to write to' "$elsewhere"
	elif row ok overlayfs 'layers can be stacked here' && stacks "$trial_map"; then
		row ok 'idmapped mounts' 'layers show the IDs of a user namespace'
	else
		row warning 'idmapped mounts' "$said" "$host_only" \
			"Linux 5.19 or newer, and a store on ext4, xfs, btrfs or tmpfs"
	fi
}

look_at_room() {
	# shellcheck disable=SC2046 # the words
	set -- $(stat -f -c '%S %a %b %d %c' "$home")
	free=$(($1 * $2 / 1048576)) total=$(($1 * $3 / 1048576)) files=$4
	result="$free MB of $total MB free"
	if [ $free -lt 1024 ]; then
		row warning 'room in the store' "$result" 'the next image may not fit in' "skiff system prune, or more room at $home"
	else
		row ok 'room in the store' "$result"
	fi
	[ "$5" -gt 0 ] || return 0 # btrfs makes them as they are needed
	if [ "$files" -lt 20000 ]; then
		row warning 'inodes in the store' "$files left" 'the next image may have more files' \
			"skiff system prune, or another file system at $home"
	else
		row ok 'inodes in the store' "$files left"
	fi
}

# stacks [MAP]: does layerfs mount a layer here that can be written to, by the root of that map of IDs?
stacks() {
	try layerfs stack --fd 8 ${1:+--idmap "$1"} --upper "$trial/rw/upper" --work "$trial/rw/work" "$trial/layer" -- \
		unshare-run --mount ${1:+--user --map "$1"} --root fd:8 --mkdir /made /init --help && works=true || works=''
	clear_layer
}

# clear_layer: for the next trial; the answer is $works.
clear_layer() {
	rm -rf "$trial/rw/upper" "$trial/rw/work"
	[ -n "$works" ]
}

# look_at_container: what start.sh makes, from group to filter, up to the fifo where it waits, without a network and a
# shim; and whether it can be joined there, as a network does.
look_at_container() {
	[ -e "$trial/layer/init" ] || return 0
	if contain "$trial_map"; then
		row ok container 'one was made, with its own user namespace'
		look_at_joining
	elif why=$said && contain ''; then
		remedy='see above'
		# The kernel's rule: who may see only a part of /proc gets no new one in a user namespace.
		case $why in *'mount proc'*)
			outside 'unmount what is mounted over parts of /proc' '--privileged, or --security-opt systempaths=unconfined' ;;
		esac
		row warning container "none with its own user namespace ($why)" "$host_only" "$remedy"
		look_at_joining
	else
		row missing container "$said" 'containers cannot be made' "${missing:+see above}"
	fi
	cgset kill "$trial_group" 2>/dev/null || :
	cgset remove "$trial_group" 2>/dev/null || :
}

# contain MAP: with that map of IDs; "" is none. (What waits has our standard error open: so that is a file.)
contain() {
	map=$1
	set -- ${map:+--user --map "$map"}
	[ ! -e /proc/self/ns/time ] || set -- --time "$@"
	timeout -s KILL 60 cgset run --fd 9 --device default --pids 2048 "$trial_group" \
		layerfs stack --fd 8 ${map:+--idmap "$map"} --upper "$trial/rw/upper" --work "$trial/rw/work" "$trial/layer" -- \
		unshare-run --pid-file "$trial/pid" --start "$trial/start" --cgroup-fd 9 --root fd:8 --carry \
		--mount --pid --uts --ipc --cgroup --net "$@" --defaults mounts,devices,mask,readonly --hostname doctor --mkdir /made \
		lockdown --seccomp fd:5 /init --help 5<"$share/default.bpf" </dev/null >"$trial/said" 2>&1 && works=true || works=''
	value_of "$trial/said"
	said=${value:-unshare-run ended without a word}
	[ -n "$works" ] || clear_layer
}

look_at_joining() {
	if try cgset run --fd 9 "$trial_group" unshare-run --join "$trial/pid" --carry --cgroup-fd 9 lockdown /init --help; then
		row ok 'joining a container' 'as networks and exec do'
		return
	fi
	remedy='a kernel with pidfds'
	has_capability 19 || outside 'start the shell that you use with CAP_SYS_PTRACE' --cap-add=SYS_PTRACE
	row warning 'joining a container' "$said" "containers start with --network none or host only" "$remedy"
}
