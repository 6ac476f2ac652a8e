/*
 * Mounts that are not yet anywhere, and the places for them. Everything is done
 * by descriptor: a path is looked up once, inside the root, and what was found
 * is what is mounted on, whatever is renamed meanwhile (CVE-2021-30465).
 */
#define _GNU_SOURCE
#include "unshare-run.h"

#include "common.h"
#include "newer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Options of a mount(8) list that belong to the mount; all others go to the file system. */
static const struct {
	const char *word;
	uint64_t set, clear;
} attributes[] = {
	{"ro", MOUNT_ATTR_RDONLY, 0},	      {"rw", 0, MOUNT_ATTR_RDONLY},
	{"nosuid", MOUNT_ATTR_NOSUID, 0},     {"suid", 0, MOUNT_ATTR_NOSUID},
	{"nodev", MOUNT_ATTR_NODEV, 0},	      {"dev", 0, MOUNT_ATTR_NODEV},
	{"noexec", MOUNT_ATTR_NOEXEC, 0},     {"exec", 0, MOUNT_ATTR_NOEXEC},
	{"noatime", MOUNT_ATTR_NOATIME, 0},   {"strictatime", MOUNT_ATTR_STRICTATIME, 0},
	{"relatime", MOUNT_ATTR_RELATIME, 0}, {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
};

/* Apply WORD to *ATTR if it is an option of the mount itself. */
static bool is_attribute(const char *word, uint64_t *attr)
{
	for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
		if (!strcmp(word, attributes[i].word)) {
			*attr = (*attr & ~attributes[i].clear) | attributes[i].set;
			return true;
		}
	return false;
}

/* Hand all OPTIONS that are no attributes of the mount to the file system context FS. */
static bool configure(int fs, char *options, uint64_t *attr)
{
	char *word;

	while ((word = strsep(&options, ","))) {
		char *value = strchr(word, '=');

		if (!*word || is_attribute(word, attr))
			continue;
		if (value)
			*value++ = '\0';
		if (fsconfig(fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, word, value, 0) <
		    0)
			return false;
	}
	return true;
}

int new_filesystem(const char *type, const char *options, uint64_t clear)
{
	char *list = xstrdup(options ? options : "");
	uint64_t attr = 0;
	int fs = fsopen(type, FSOPEN_CLOEXEC), mount = -1;

	/* The source is only for who reads /proc/mounts. */
	if (fs >= 0 && !fsconfig(fs, FSCONFIG_SET_STRING, "source", type, 0) &&
	    configure(fs, list, &attr) && !fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mount = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)(attr & ~clear));
	int error = errno;
	if (fs >= 0)
		close(fs);
	free(list);
	errno = error;
	return mount;
}

int host_filesystem(const char *path, const char *options, uint64_t clear)
{
	char *list = xstrdup(options), *rest = list, *word;
	struct mount_attr attr = {0};
	uint64_t set = 0;
	int tree = clone_tree(AT_FDCWD, path, AT_RECURSIVE);

	while ((word = strsep(&rest, ",")))
		(void)is_attribute(word, &set);
	attr.attr_set = set & ~clear;
	if (tree >= 0 &&
	    mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) < 0)
		die("mount %s of the host:", path);
	free(list);
	return tree;
}

int clone_tree(int dirfd, const char *path, int recursive)
{
	return open_tree(dirfd, path,
			 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (unsigned)recursive);
}

bool make_read_only(int tree, int recursive)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	return !mount_setattr(tree, "", AT_EMPTY_PATH | (unsigned)recursive, &attr, sizeof attr);
}

/* PATH with the symbolic link LINK put in for the component that ends at END. */
static char *follow_link(const char *path, size_t begin, size_t end, const char *link)
{
	int parent = *link == '/' ? 0 : (int)begin;

	return xasprintf("%.*s%s%s", parent, path, link, path + end);
}

static int make_path(int root, const char *path, bool directory, int depth);

/*
 * Make the component of PATH from BEGIN to END, which is missing. If it is a
 * symbolic link to something missing, make what it leads to: images have
 * /etc/resolv.conf -> ../run/... without /run/... . Its text is only a hint:
 * every step of the new path is opened inside the root again.
 */
static int make_component(int root, const char *path, size_t begin, size_t end, bool directory,
			  int depth)
{
	char *parent_path = xasprintf("./%.*s", (int)begin, path);
	char *name = xasprintf("%.*s", (int)(end - begin), path + begin);
	int parent = open_in_root(root, parent_path, O_PATH | O_DIRECTORY, 0), fd = -1;
	char link[PATH_MAX];
	ssize_t length;

	if (parent >= 0 && directory && !mkdirat(parent, name, 0755))
		fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	else if (parent >= 0 && !directory)
		fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    0644);
	if (fd < 0 && errno == EEXIST &&
	    (length = readlinkat(parent, name, link, sizeof link - 1)) > 0) {
		link[length] = '\0';
		char *next = follow_link(path, begin, end, link);
		fd = make_path(root, next, directory, depth + 1);
		free(next);
	}
	int error = errno;
	if (parent >= 0)
		close(parent);
	free(parent_path);
	free(name);
	errno = error;
	return fd;
}

/* mkdir -p inside ROOT, then the last component; a descriptor of it or -1 with errno. */
static int make_path(int root, const char *path, bool directory, int depth)
{
	size_t begin = 0, end = 0;

	if (depth > 40) {
		errno = ELOOP;
		return -1;
	}
	for (;;) {
		begin = end + strspn(path + end, "/");
		end = begin + strcspn(path + begin, "/");
		bool last = !path[end + strspn(path + end, "/")];
		char *prefix = xasprintf("./%.*s", (int)end, path);
		int fd = open_in_root(root, prefix, O_PATH, 0);

		free(prefix);
		if (fd < 0 && errno == ENOENT)
			fd = make_component(root, path, begin, end, directory || !last, depth);
		if (fd < 0 || last)
			return fd;
		close(fd);
	}
}

int open_target(int root, const char *path, bool directory)
{
	int fd = open_in_root(root, path, O_PATH, 0);
	struct stat st;

	if (fd < 0 && errno == ENOENT) {
		int made = make_path(root, path, directory, 0);
		if (made >= 0) {
			close(made);
			fd = open_in_root(root, path, O_PATH, 0);
		}
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		die("%s in the root:", path);
	if (S_ISDIR(st.st_mode) != directory)
		die("%s in the root: a %s cannot be mounted onto a %s", path,
		    directory ? "directory" : "file", directory ? "file" : "directory");
	return fd;
}

int open_plain_directory(int root, const char *path)
{
	int fd = open_in_root(root, path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);

	if (fd < 0 && errno == ENOENT)
		return open_target(root, path, true);
	/* A link here would send what follows to a place of the image's choice:
	 * CVE-2019-19921, CVE-2023-27561, CVE-2026-41579. */
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		die_hint("a symbolic link or a file there is how hostile images get out",
			 "%s: must be an ordinary directory in the root", path);
	if (fd < 0)
		die("%s in the root:", path);
	return fd;
}

int open_plain_file(int dir, const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	struct stat st;

	if (fd >= 0)
		close(fd);
	fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		die("%s in the root:", name);
	if (S_ISLNK(st.st_mode) || S_ISDIR(st.st_mode))
		die("%s in the root: a link or directory where a file should be", name);
	return fd;
}

void attach(int tree, int target, const char *path)
{
	if (move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		die("mount onto %s:", path);
	close(tree);
}
