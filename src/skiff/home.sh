# A store that is somewhere else than it notes: moved, restored, or copied. Sourced by what finds that out.

# is_copy: the store $store_home, where this one was, is there still, and has the same control group.
is_copy() {
	[ -n "$store_home" ] && [ -e "$store_home/cgroup" ] && [ ! "$store_home" -ef "$SKIFF_ROOT" ] || return
	read -r other <"$store_home/cgroup" && [ "$other" = "$group" ]
}

# come_home: who was moved is at home here as soon as something is started or made. A copy may be looked at only: what
# ends a container or a network in it would end that of the other.
come_home() {
	[ -e "$SKIFF_ROOT/cgroup" ] && [ ! "${store_home:-/}" -ef "$SKIFF_ROOT" ] || return 0
	if is_copy; then
		case $verb in
		boot | check | diff | events | export | history | image-diff | image-layers | images | info | inspect | logs | \
			network-ls | network-inspect | port | ps | save | show | stats | system-destroy | system-df | top | \
			volume-ls | volume-inspect) return 0 ;;
		esac
		die "$SKIFF_ROOT is a copy of the store $store_home, needs another SKIFF_RUN, and would share its control group, networks and rules:" \
			"'SKIFF_ROOT=$SKIFF_ROOT SKIFF_RUN=$SKIFF_RUN skiff check' gives it its own"
	fi
	case $explain,$verb in
	only,*) ;;
	*,boot | *,build | *create | *,cp | *,restart | *,run | *,start) (settle) || exit ;;
	esac
}

# settle: be at home here, unless another verb has done that meanwhile, or may not write. In a subshell.
settle() {
	[ -w "$SKIFF_ROOT" ] && lock_home && [ ! "${store_home:-/}" -ef "$SKIFF_ROOT" ] || return 0
	move_volumes
	note_home
}

# lock_home: the lock goes with this process.
lock_home() {
	exec 9<"$SKIFF_ROOT" && flock 9 || return
	IFS= read -r store_home 2>/dev/null <"$SKIFF_ROOT/home" || store_home=''
}

# note_home: a full disk is no reason not to go on: the next verb tries again.
note_home() {
	try_put "$SKIFF_ROOT/home.new" "$SKIFF_ROOT$nl$SKIFF_RUN" && x mv "$SKIFF_ROOT/home.new" "$SKIFF_ROOT/home" ||
		rm -f "$SKIFF_ROOT/home.new"
}

# move_volumes: containers name theirs by path, as what is bound. (The same path as a target is one in the container.)
move_volumes() {
	set +f
	for file in "$SKIFF_ROOT"/containers/*/unshare-run; do
		set -f
		[ -n "$store_home" ] && grep -qsF -e "$store_home/volumes/" "$file" || continue
		FROM=$store_home/ TO=$SKIFF_ROOT/ awk '
			(last == "--bind" || last == "--ro-bind") && index($0, ENVIRON["FROM"] "volumes/") == 1 {
				$0 = ENVIRON["TO"] substr($0, length(ENVIRON["FROM"]) + 1) }
			{ print; last = $0 }' "$file" >"$file.new" && mv "$file.new" "$file" || {
			rm -f "$file.new"
			cannot_write "$file"
		}
	done
	set -f
}

# need_own_run: containers of the copy have the IDs of the original's, and so would have their directories there. It may
# have none at the moment, as after a boot: so which one is noted as well.
need_own_run() {
	shared=''
	{ read -r _ && IFS= read -r its_run; } 2>/dev/null <"$SKIFF_ROOT/home" || its_run=''
	[ "$its_run" != "$SKIFF_RUN" ] && [ ! "$its_run" -ef "$SKIFF_RUN" ] || shared=true
	for entry in $(entries "$SKIFF_ROOT/containers"); do
		[ ! -d "$SKIFF_RUN/$entry" ] || shared=true
	done
	[ -z "$shared" ] || die "SKIFF_RUN=$SKIFF_RUN is that of $store_home: a store needs one of its own"
}

# leave_original: what names something in the kernel gets other names, and forgets what belongs to the processes of the
# original. Who is killed before it has another control group begins again. In a subshell.
leave_original() {
	lock_home && read -r group <"$SKIFF_ROOT/cgroup" && is_copy || return 0 # another may have been faster
	need_own_run
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
	mv "$SKIFF_ROOT/.cgroup.$$" "$SKIFF_ROOT/cgroup" || return
	note_home
}
