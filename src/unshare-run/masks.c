/* Masked and read-only paths: what of /proc and /sys is no business of a container. */
#define _GNU_SOURCE
#include "unshare-run.h"

#include "common.h"
#include "masks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/*
 * The host's /dev/null, never the root's: an image can have a link to
 * anything there, which would then be writable in place of the masked file
 * (CVE-2025-31133).
 */
static int open_null(void)
{
	int fd = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		die("/dev/null:");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		die("/dev/null of the host is not the null device");
	return fd;
}

/*
 * Cover PATH in ROOT, if it exists: a file with the null device, a directory with the empty
 * file system *EMPTY. That is made for the first directory, and attached there
 * before it is copied for the next: Linux before 6.15 copies no detached mounts.
 */
static void mask_path(int root, const char *path, int null, int *empty)
{
	int target = open_in_root(root, path, O_PATH | O_NOFOLLOW, 0), tree;
	struct stat st;

	if (target < 0 && (errno == ENOENT || errno == ENOTDIR))
		return;
	if (target < 0 || fstat(target, &st) < 0)
		die("mask %s:", path);
	if (!S_ISDIR(st.st_mode)) {
		tree = clone_tree(null, "", AT_RECURSIVE);
		/* It is the host's node: nobody is to change its mode or times by way of us. */
		if (tree >= 0 && !make_read_only(tree, AT_RECURSIVE))
			die("mask %s:", path);
	} else if (*empty >= 0) {
		tree = clone_tree(*empty, "", AT_RECURSIVE);
	} else {
		tree = new_filesystem("tmpfs", "ro,nosuid,nodev,noexec,nr_blocks=1,nr_inodes=2", 0);
		*empty = fcntl(tree, F_DUPFD_CLOEXEC, 0);
	}
	if (tree < 0)
		die("mask %s:", path);
	attach(tree, target, path);
	close(target);
}

void mask_paths(int root)
{
	int null = open_null(), empty = -1;
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	char path[64];

	for (size_t i = 0; i < sizeof masked_paths / sizeof *masked_paths; i++)
		mask_path(root, masked_paths[i], null, &empty);
	for (long n = 0; n < cpus; n++) {
		snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%ld/thermal_throttle", n);
		mask_path(root, path, null, &empty);
	}
	close(null);
	if (empty >= 0)
		close(empty);
}

void protect_paths(int root)
{
	for (size_t i = 0; i < sizeof read_only_paths / sizeof *read_only_paths; i++) {
		int target = open_in_root(root, read_only_paths[i], O_PATH | O_NOFOLLOW, 0), tree;

		if (target < 0 && (errno == ENOENT || errno == ENOTDIR))
			continue;
		tree = target < 0 ? -1 : clone_tree(target, "", AT_RECURSIVE);
		if (tree < 0 || !make_read_only(tree, AT_RECURSIVE))
			die("make %s read-only:", read_only_paths[i]);
		attach(tree, target, read_only_paths[i]);
		close(target);
	}
}
