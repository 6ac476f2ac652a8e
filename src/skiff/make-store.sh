# Making the directories that all else lies in. Sourced where there are none.

# make_directories: closed to others: layers hold setuid files (CVE-2021-41103, CVE-2024-25621).
make_directories() {
	need_root
	(
		umask 077
		mkdir -p "$SKIFF_ROOT" "$SKIFF_RUN" &&
			cd "$SKIFF_ROOT" && mkdir -p blobs/sha256 refs images layers containers names idmaps volumes &&
			name_group
	) || die "cannot make $SKIFF_ROOT and $SKIFF_RUN"
	read -r group <"$SKIFF_ROOT/cgroup" # it was not there when container.sh looked
}

# name_group: the control group above those of the containers, into the file cgroup. Each
# store has one of its own, whatever path leads to it, or check would take the
# containers of another store for strays.
name_group() {
	[ ! -e cgroup ] || return 0
	group=skiff
	if [ "$SKIFF_ROOT" != /var/lib/skiff ]; then
		read -r uuid </proc/sys/kernel/random/uuid
		group=skiff-${uuid%%-*}
	fi
	printf '%s\n' "$SKIFF_ROOT" "$SKIFF_RUN" >home
	printf '%s\n' "$group" >".cgroup.$$"
	ln ".cgroup.$$" cgroup || [ -e cgroup ] # another may have been faster
	rm ".cgroup.$$"
}
