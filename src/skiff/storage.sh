# --storage-opt size=SIZE: how much the writable layer of a container may hold, by a project quota of
# xfs. Sourced where it is asked for. (Of ext4, too, the kernel has project quotas, but overlayfs
# writes with the rights of whoever mounted it, and there root is not held to them.)

# check_storage: can it be done here?
check_storage() {
	case $storage_size in '' | [!0-9]* | *[!0-9bikmgtBIKMGT]*) die "--storage-opt: invalid size: '$storage_size'" ;; esac
	find_quota || die "--storage-opt is supported only for overlay over xfs with 'pquota' mount option: $SKIFF_ROOT is on $have"
	command -v xfs_quota >/dev/null || die "--storage-opt: xfs_quota is not installed: it is in the package xfsprogs"
}

# find_quota: where the file system of the store is mounted, into $mounted_at, and what it is, into $have; false if it
# has no such quota.
find_quota() {
	read -r have options mounted_at <<-LINE
		$(findmnt -no FSTYPE,OPTIONS,TARGET -T "$SKIFF_ROOT")
	LINE
	case $have,$options, in
	xfs,*,prjquota,* | xfs,*,pquota,*) ;;
	*) return 1 ;;
	esac
}

# project: the number of the container's project, of its ID, into $project.
project() {
	project=$((0x${id%"${id#???????}"} + 1048576))
}

# limit_storage: what is made in $dir/rw belongs to the project.
limit_storage() {
	project
	size=${storage_size%[bB]} size=${size%[iI]}
	put "$dir/storage-size" "$storage_size"
	x chattr -p "$project" +P "$dir/rw" && x xfs_quota -x -c "limit -p bhard=$size $project" "$mounted_at" ||
		die "--storage-opt: cannot limit $dir/rw"
}

# forget_storage: the limit of a container that is removed.
forget_storage() {
	project
	! find_quota || x xfs_quota -x -c "limit -p bhard=0 $project" "$mounted_at" || :
}
