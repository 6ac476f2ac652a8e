/*
 * The overlay form of a layer (kernel: Documentation/filesystems/overlayfs.rst):
 * a whiteout is a character device 0:0, a directory that hides its lower
 * namesakes carries trusted.overlay.opaque=y.
 */
#define _GNU_SOURCE
#include "common.h"
#include "layerfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define OPAQUE "trusted.overlay.opaque"

bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

bool is_xattr_whiteout(int dir, const char *name, const struct stat *st)
{
	bool marked = false;
	char value;

	if (S_ISREG(st->st_mode) && !st->st_size) {
		int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		marked = fd >= 0 && fgetxattr(fd, "trusted.overlay.whiteout", &value, 1) >= 0;
		if (fd >= 0)
			close(fd);
	}
	return marked;
}

bool is_opaque(int fd)
{
	char value;

	/* "x" only says that there are whiteouts of the xattr kind inside. */
	return fgetxattr(fd, OPAQUE, &value, 1) == 1 && value == 'y';
}

bool set_opaque(int fd)
{
	return !fsetxattr(fd, OPAQUE, "y", 1, 0);
}

/* each_xattr(): give one attribute to another file. */
static bool put_xattr(void *context, const char *name, const void *value, size_t size)
{
	return !fsetxattr(*(int *)context, name, value, size, 0) || errno == EOPNOTSUPP;
}

bool copy_attributes(int from, int to)
{
	struct stat st;

	/* chown(2) clears set-uid bits and capabilities: it comes first. */
	return !fstat(from, &st) && !fchown(to, st.st_uid, st.st_gid) &&
	       each_xattr(from, put_xattr, &to) && !fchmod(to, st.st_mode & 07777);
}

DIR *read_directory(int fd)
{
	DIR *dir = fdopendir(fd);

	if (!dir)
		die("cannot read a directory:");
	return dir;
}

const char *next_name(DIR *dir)
{
	struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(dir);
		if (!entry && errno)
			die("cannot read a directory:");
	} while (entry && (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")));
	return entry ? entry->d_name : NULL;
}

void add_layer(struct layers *layers, const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		die("%s:", directory);
	layers->fds = xrealloc(layers->fds, (layers->count + 1) * sizeof *layers->fds);
	layers->fds[layers->count++] = fd;
}

void free_layers(struct layers *layers)
{
	for (size_t i = 0; i < layers->count; i++)
		close(layers->fds[i]);
	free(layers->fds);
	*layers = (struct layers){0};
}

enum sight { FOUND, HIDDEN, ABSENT };

/* What one layer says about PATH; HIDDEN: layers further down do not count. */
static enum sight look(int layer, const char *path, struct stat *st)
{
	char name[NAME_MAX + 1];
	enum sight sight = ABSENT;
	int dir = fcntl(layer, F_DUPFD_CLOEXEC, 0);

	for (;;) {
		size_t length = strcspn(path, "/");
		bool opaque = dir >= 0 && is_opaque(dir);
		if (dir < 0 || length > NAME_MAX)
			break;
		memcpy(name, path, length);
		name[length] = '\0';
		path += length + strspn(path + length, "/");
		sight = opaque ? HIDDEN : sight;
		if (fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW))
			break;
		sight = HIDDEN;
		if (!*path && !is_whiteout(st))
			sight = FOUND;
		if (!*path || !S_ISDIR(st->st_mode))
			break;
		sight = opaque ? HIDDEN : ABSENT;
		int next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close(dir);
		dir = next;
	}
	if (dir >= 0)
		close(dir);
	return sight;
}

int find_in_layers(const struct layers *layers, const char *path, struct stat *st)
{
	for (size_t i = layers->count; i-- > 0;) {
		enum sight sight = look(layers->fds[i], path, st);
		if (sight != ABSENT)
			return sight == FOUND ? (int)i : -1;
	}
	return -1;
}
