/* /dev: the nodes every program expects, and those that the user lets in. */
#define _GNU_SOURCE
#include "unshare-run.h"

#include "common.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const struct {
	const char *name;
	unsigned major, minor;
} nodes[] = {
	{"null", 1, 3},	  {"zero", 1, 5},    {"full", 1, 7},
	{"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
};

static const struct {
	const char *name, *target;
} links[] = {
	{"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},	     {"core", "/proc/kcore"},
};

/*
 * Put the node SOURCE of the host at NAME in the directory DIR. In a user
 * namespace nobody can make nodes (mknod(2)), so there the host's own is bound.
 * Without one it must not be: root inside could then chmod the host's.
 */
static void put_node(int dir, const char *name, const char *source, const struct stat *node)
{
	int target, tree;
	struct stat st;

	if (!mknodat(dir, name, node->st_mode, node->st_rdev)) {
		if (fchownat(dir, name, node->st_uid, node->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
			die("device %s:", source);
		return;
	}
	if (errno != EPERM && errno != EEXIST)
		die("device %s:", source);
	target = open_plain_file(dir, name);
	if (fstat(target, &st) < 0)
		die("device %s:", source);
	if (st.st_rdev != node->st_rdev) { /* else it is there already, as a default node */
		tree = clone_tree(AT_FDCWD, source, AT_RECURSIVE);
		/* Looked at again: what is bound must be what was looked at. */
		if (tree < 0 || fstat(tree, &st) < 0 || st.st_rdev != node->st_rdev)
			die("device %s:", source);
		attach(tree, target, source);
	}
	close(target);
}

void default_devices(int root)
{
	int dir = open_plain_directory(root, "/dev");

	for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
		char *source = xasprintf("/dev/%s", nodes[i].name);
		struct stat node;

		if (lstat(source, &node) < 0)
			die("%s:", source);
		if (!S_ISCHR(node.st_mode) ||
		    node.st_rdev != makedev(nodes[i].major, nodes[i].minor))
			die("%s of the host is not the device %u:%u", source, nodes[i].major,
			    nodes[i].minor);
		node.st_mode = S_IFCHR | 0666;
		node.st_uid = node.st_gid = 0;
		put_node(dir, nodes[i].name, source, &node);
		free(source);
	}
	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		if (!strcmp(links[i].name, "core") && access(links[i].target, F_OK) < 0)
			continue;
		if (symlinkat(links[i].target, dir, links[i].name) < 0 && errno != EEXIST)
			die("/dev/%s in the root:", links[i].name);
	}
	close(dir);
}

/* The nodes of the directory SOURCE, and of those below, except what containers have of their own.
 */
static void add_directory(int root, const char *source, const char *target)
{
	static const char *const own[] = {".",	    "..", "pts",     "shm",
					  "mqueue", "fd", "console", "ptmx"};
	DIR *dir = opendir(source);
	struct dirent *entry;

	if (!dir)
		die("device %s:", source);
	while ((entry = readdir(dir))) {
		bool skip = entry->d_type != DT_CHR && entry->d_type != DT_BLK &&
			    entry->d_type != DT_DIR;

		for (size_t i = 0; i < sizeof own / sizeof *own; i++)
			skip = skip || !strcmp(entry->d_name, own[i]);
		if (skip)
			continue;
		char *from = xasprintf("%s/%s", source, entry->d_name);
		char *to = xasprintf("%s/%s", target, entry->d_name);
		add_device(root, from, to);
		free(from);
		free(to);
	}
	closedir(dir);
}

void add_device(int root, const char *source, const char *target)
{
	const char *name = strrchr(target, '/') + 1;
	char *parent = xasprintf("%.*s", (int)(name - target), target);
	struct stat node;
	int dir;

	if (stat(source, &node) < 0)
		die("device %s:", source);
	if (S_ISDIR(node.st_mode)) {
		add_directory(root, source, target);
	} else if (!S_ISCHR(node.st_mode) && !S_ISBLK(node.st_mode)) {
		die("%s: not a device", source);
	} else if (!*name || !strcmp(name, "..") || !strcmp(name, ".")) {
		die("device %s: no name for it in '%s'", source, target);
	} else {
		dir = open_target(root, parent, true);
		put_node(dir, name, source, &node);
		close(dir);
	}
	free(parent);
}
