# What the root of a new container is made of: its name files, its range of user IDs, mounts
# and devices, as arguments of unshare-run. Sourced by create.sh.

# find_shared container:NAME: into $shared that name, into $shared_id the ID. ($id, $dir and $run are those of ours.)
find_shared() {
	shared=${1#container:}
	shared_id=$(find_container "$shared" && printf '%s' "$id") || exit "${failure:-1}"
}

# write_sharing: the namespaces that are not its own, a file each: host, or container:ID.
write_sharing() {
	case $pid_mode in
	container:*)
		find_shared "$pid_mode"
		pid_mode=container:$shared_id
		# Without a user namespace around it somebody there may look into whatever sets up this one.
		[ -e "$SKIFF_ROOT/containers/$shared_id/idmap" ] ||
			die "--pid: container $shared has no user namespace of its own"
		;;
	esac
	[ -z "$pid_mode" ] || put "$dir/pid-mode" "$pid_mode"
	[ -z "$ipc_mode" ] || put "$dir/ipc-mode" "$ipc_mode"
	[ -z "$uts_mode" ] || put "$dir/uts-mode" "$uts_mode"
	[ -z "$cgroup_mode" ] || put "$dir/cgroup-mode" "$cgroup_mode"
}

# write_network: the mode, and the three files that are mounted over the image's.
write_network() {
	case $network in
	container:*)
		find_shared "$network"
		network=container:$shared_id
		[ -z "$hostname" ] || die "--hostname: it is that of the container whose network this one shares"
		get "$SKIFF_ROOT/containers/$shared_id/hostname"
		hostname=$value
		;;
	esac
	if [ -n "$uts_mode" ] || { [ -z "$hostname" ] && [ "$network" = host ]; }; then
		read -r hostname </proc/sys/kernel/hostname
	fi
	: "${hostname:=${id%"${id#????????????}"}}"
	put "$dir/network" "$network"
	put "$dir/hostname" "$hostname"
	[ -z "$domainname" ] || put "$dir/domainname" "$domainname"
	lines "$dir/extra-hosts" "$extra_hosts"
	write_hosts
	case $network in
	host)
		[ ! -r /etc/hosts ] || gather "$dir/hosts" /etc/hosts
		if [ -n "$dns" ]; then lines "$dir/resolv.conf" "$dns"
		else gather "$dir/resolv.conf" /etc/resolv.conf
		fi
		;;
	none | container:*)
		append "$dir/resolv.conf" '# no network, no name servers'
		lines "$dir/resolv.conf" "$dns"
		;;
	*) want_networks ;;
	esac
	write_ports
}

# want_networks: those that start.sh connects to; what depends on them is written then.
want_networks() {
	[ "$network" != bridge ] || describe_bridge
	want_network "$network$endpoint"
	each_word want_network "$more_networks"
	lines "$dir/dns" "$dns"
	if [ -n "$links" ]; then
		. "$lib/links.sh"
		each_word write_link "$links"
	fi
	append "$dir/resolv.conf" '# not connected yet'
}

want_network() {
	wanted=$1
	case $wanted in none | host | container:*) conflict ;; esac
	if [ "$explain" != only ] || [ "${wanted%%,*}" != bridge ]; then
		find_network "${wanted%%,*}" || exit "${failure:-1}"
		case $wanted in *,*) wanted=$network_name,${wanted#*,} ;; *) wanted=$network_name ;; esac
	fi
	append "$dir/networks" "$wanted"
}

# write_root: id map and unshare-run's arguments: what the container's root is made of.
write_root() {
	write_idmap
	[ -n "$uts_mode" ] || append "$dir/unshare-run" --hostname "$hostname"
	[ -z "$domainname" ] || append "$dir/unshare-run" --domainname "$domainname"
	append "$dir/unshare-run" --defaults "$defaults"
	lines "$dir/unshare-run" "$root"
	get "$image_dir/cwd" || :
	: "${cwd:=$value}"
	[ -z "$init" ] || append "$dir/unshare-run" --ro-bind "$share/init" /sbin/docker-init
	if [ -n "$mounts$devices$gpus" ] || [ -s "$image_dir/volumes" ]; then
		. "$lib/mounts.sh"
		write_mounts
		each_word device_mount "$devices"
		[ -z "$gpus" ] || gpus_mount "$gpus"
	fi
	case $cwd in '' | /) ;; *) append "$dir/unshare-run" --mkdir "$cwd" ;; esac
}

# write_idmap: a range of IDs of our own; that of the container whose network or processes we share,
# as these belong to its user namespace; none with --userns=host.
write_idmap() {
	case $userns/$network/$pid_mode in
	host/*) ;;
	*/container:*/container:*)
		get "$SKIFF_ROOT/containers/${network#container:}/idmap" || :
		wanted=$value
		get "$SKIFF_ROOT/containers/${pid_mode#container:}/idmap" || :
		[ "$wanted" = "$value" ] || die '--pid and --network: of containers with different user namespaces'
		share_ids "${pid_mode#container:}"
		;;
	*/container:*/*) share_ids "${network#container:}" ;;
	*/container:*) share_ids "${pid_mode#container:}" ;;
	*) take_slot ;;
	esac
}

# share_ids ID: the range of that container, if it has one. It is kept as long as one of the two is there.
share_ids() {
	get "$SKIFF_ROOT/containers/$1/idmap" || return 0
	put "$dir/idmap" "$value"
	lend_ids "$1" || die "No such container: $1"
}

# take_slot: a range of 65536 user IDs of our own: slot N begins at 2^30 + N * 65536,
# inside what systemd leaves to containers (systemd.io/UIDS-GIDS). The file
# idmaps/N, made with O_EXCL, is the lease. No file on disk is ever owned by
# these IDs: the mounts are idmapped.
take_slot() {
	slot=$((0x${id%"${id#????????}"} % 12288))
	tries=0
	until lease_slot; do
		[ $tries -lt 3 ] || cannot_write "$SKIFF_ROOT/idmaps/$slot"
		slot=$(((slot + 1) % 12288))
	done
	put "$dir/idmap" "0:$((1073741824 + slot * 65536)):65536"
}

lease_slot() {
	[ ! -e "$SKIFF_ROOT/idmaps/$slot" ] || return
	[ -z "$explain" ] || say_printf '%s\n' '>>' "$SKIFF_ROOT/idmaps/$slot" "$id"
	[ "$explain" != only ] || return 0
	set -C
	{ printf '' >"$SKIFF_ROOT/idmaps/$slot"; } 2>/dev/null && leased=true || leased=''
	set +C
	if [ -z "$leased" ]; then
		# Another was faster; or there is no room for it.
		[ -e "$SKIFF_ROOT/idmaps/$slot" ] || tries=$((tries + 1))
		return 1
	fi
	# >> as ext4 sends a file that was truncated to the disk at once.
	{ printf '%s\n' "$id" >>"$SKIFF_ROOT/idmaps/$slot"; } 2>/dev/null && return
	rm -f "$SKIFF_ROOT/idmaps/$slot"
	cannot_write "$SKIFF_ROOT/idmaps/$slot"
}
