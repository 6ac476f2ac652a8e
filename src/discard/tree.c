/*
 * Remove a tree that others have filled: it may be deeper than a stack, or than there are
 * descriptors, has links to anywhere, and other people's mounts. Links are never followed, mounts
 * never entered, and what is too deep is moved up first.
 */
#define _GNU_SOURCE
#include "discard.h"

#include "common.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DEPTH_MAX = 32 };

static struct {
	const char *path;
	int fd;
	unsigned names, moved; /* tried for what was too deep, and taken by it */
} top;

static bool cannot_remove(const char *name)
{
	warn("cannot remove %s of %s:", name, top.path);
	return false;
}

/* Open the directory NAME below DIR, unless something is mounted there. */
static int open_unmounted(int dir, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_XDEV | RESOLVE_BENEATH,
	};

	return (int)syscall(SYS_openat2, dir, name, &how, sizeof how);
}

/* Move the directory NAME below DIR to the top, where its turn comes again. */
static bool move_up(int dir, const char *name)
{
	char other[32];

	do {
		snprintf(other, sizeof other, ".deep.%u", top.names++);
		if (!renameat2(dir, name, top.fd, other, RENAME_NOREPLACE)) {
			top.moved++;
			return true;
		}
	} while (errno == EEXIST);
	return cannot_remove(name);
}

static bool empty_directory(int fd, unsigned depth);

static bool remove_entry(int dir, const char *name, unsigned depth)
{
	if (!unlinkat(dir, name, 0) || errno == ENOENT)
		return true;
	if (errno != EISDIR)
		return cannot_remove(name);
	if (!unlinkat(dir, name, AT_REMOVEDIR) || errno == ENOENT)
		return true;
	if (errno != ENOTEMPTY)
		return cannot_remove(name);
	if (depth == DEPTH_MAX)
		return move_up(dir, name);
	int fd = open_unmounted(dir, name);
	if (fd < 0)
		return errno == ENOENT || cannot_remove(name);
	if (!empty_directory(fd, depth + 1))
		return false;
	return !unlinkat(dir, name, AT_REMOVEDIR) || errno == ENOENT || cannot_remove(name);
}

/*
 * Remove all that is in the directory FD, which is closed here. Whether names that come or go
 * meanwhile are read is nobody's promise: until a look finds nothing. Where something cannot be
 * removed a name that was there before has had its turn; only what has been moved up has not.
 */
static bool empty_directory(int fd, unsigned depth)
{
	DIR *entries = fdopendir(fd);
	bool removed = true, again = true;

	if (!entries)
		die("%s:", top.path);
	while (again) {
		const unsigned moved = top.moved;
		bool found = false;
		for (const struct dirent *entry; (entry = readdir(entries));) {
			if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
				continue;
			found = true;
			removed = remove_entry(fd, entry->d_name, depth) && removed;
		}
		again = found && (removed || (depth == 1 && top.moved != moved));
		rewinddir(entries);
	}
	closedir(entries);
	return removed;
}

/* Is something mounted at the directory FD? (A kernel before 5.8 does not know.) */
static bool is_mounted(int fd)
{
	struct statx st;

	return !statx(fd, "", AT_EMPTY_PATH, 0, &st) && (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

bool remove_tree(const char *path)
{
	top.path = path;
	if (!unlink(path) || errno == ENOENT)
		return true;
	if (errno == EISDIR) {
		top.fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (top.fd >= 0 && is_mounted(top.fd))
			close(top.fd);
		else if (top.fd >= 0 && !empty_directory(top.fd, 1))
			return false;
		if (!rmdir(path) || errno == ENOENT)
			return true; /* EBUSY where something is mounted */
	}
	warn("cannot remove %s:", path);
	return false;
}
