# A store that is somewhere else than it notes: moved, restored, or copied. Sourced by what finds that out.

# is_copy: the store $store_home, where this one was, is there still, and has the same control group.
is_copy() {
	[ -n "$store_home" ] && [ -e "$store_home/cgroup" ] && [ ! "$store_home" -ef "$SKIFF_ROOT" ] || return
	read -r other <"$store_home/cgroup" && [ "$other" = "$group" ]
}

# come_home: whoever was moved is at home here. A copy may be looked at only: what ends a container or a network
# in it would end that of the other.
come_home() {
	[ -e "$SKIFF_ROOT/cgroup" ] && [ ! "${store_home:-/}" -ef "$SKIFF_ROOT" ] || return 0
	if ! is_copy; then
		[ -w "$SKIFF_ROOT" ] || return 0
		move_volumes
		put "$SKIFF_ROOT/home" "$SKIFF_ROOT"
		return
	fi
	case $verb in
	boot | check | cp | diff | export | history | image* | info | inspect | logs | network-ls | network-inspect | ps | save | \
		system-destroy | volume-ls | volume-inspect) ;;
	*) die "$SKIFF_ROOT is a copy of the store $store_home, and would share its control group, networks and rules:" \
		"'SKIFF_ROOT=$SKIFF_ROOT SKIFF_RUN=$SKIFF_RUN skiff check' gives it its own" ;;
	esac
}

# move_volumes: containers name theirs by path.
move_volumes() {
	set +f
	for file in "$SKIFF_ROOT"/containers/*/unshare-run; do
		set -f
		[ -n "$store_home" ] && grep -qsF -e "$store_home/volumes/" "$file" || continue
		FROM=$store_home/ TO=$SKIFF_ROOT/ awk 'index($0, ENVIRON["FROM"] "volumes/") == 1 {
			$0 = ENVIRON["TO"] substr($0, length(ENVIRON["FROM"]) + 1) } { print }' "$file" >"$file.new" && mv "$file.new" "$file"
	done
	set -f
}

# leave_original: what names something in the kernel gets other names, and forgets what belongs to the processes of the
# original. Who is killed before it has another control group begins again.
leave_original() {
	for id in $(entries "$SKIFF_ROOT/containers"); do
		container_dirs
		! shim_lives || die "SKIFF_RUN=$SKIFF_RUN is that of $store_home: a store needs one of its own"
	done
	read -r uuid </proc/sys/kernel/random/uuid
	group=skiff-${uuid%%-*}
	for entry in $(entries "$networks"); do
		place=$networks/$entry
		[ -e "$place/bridge" ] || continue
		(cd "$place" && rm -rf endpoints hosts leases link-mtu strangers strangers6 dnsmasq next &&
			mkdir endpoints leases && mkdir -m 755 hosts)
		new_id
		put "$place/id" "$id"
		bridge=sk-${id%"${id#????????????}"}
		[ "$entry" != bridge ] || bridge=$group
		put "$place/bridge" "$bridge"
		put "$place/table" "$group"
	done
	move_volumes
	put "$SKIFF_ROOT/.cgroup.$$" "$group"
	mv "$SKIFF_ROOT/.cgroup.$$" "$SKIFF_ROOT/cgroup"
	put "$SKIFF_ROOT/home" "$SKIFF_ROOT"
}
