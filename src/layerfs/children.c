/*
 * What is in a directory of the tree on top of an overlay. A container may have
 * made it, and may still be changing it: links are never followed.
 */
#define _GNU_SOURCE
#include "common.h"
#include "layerfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

static int compare_children(const void *left, const void *right)
{
	const struct child *a = left, *b = right;

	/* Whiteouts before their siblings: readers may apply them as they come. */
	return a->whiteout != b->whiteout ? b->whiteout - a->whiteout : strcmp(a->name, b->name);
}

struct child *read_children(int fd, const char *path, size_t *count)
{
	struct child *children = NULL, *child;
	DIR *dir = read_directory(fd);
	const char *name;
	size_t n = 0;

	while ((name = next_name(dir))) {
		if (!strncmp(name, ".wh.", 4)) {
			warn("%s/%s: such a name means a whiteout in a layer, left out", path,
			     name);
			continue;
		}
		if (!(n & (n + 1)))
			children = xrealloc(children, (2 * n + 1) * sizeof *children);
		child = &children[n];
		if (fstatat(fd, name, &child->st, AT_SYMLINK_NOFOLLOW))
			continue; /* removed meanwhile */
		child->name = xstrdup(name);
		child->whiteout =
			is_whiteout(&child->st) || is_xattr_whiteout(fd, name, &child->st);
		n++;
	}
	closedir(dir);
	if (n)
		qsort(children, n, sizeof *children, compare_children);
	*count = n;
	return children;
}

void free_children(struct child *children, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(children[i].name);
	free(children);
}

void add_stub(struct stubs *stubs, const char *path)
{
	path += strspn(path, "/");
	stubs->paths = xrealloc(stubs->paths, (stubs->count + 1) * sizeof *stubs->paths);
	stubs->paths[stubs->count++] = path;
}

/* Is PATH one of the stubs, or (ABOVE) a directory that one of them lies in? */
static bool is_named(const struct stubs *stubs, const char *path, bool above)
{
	size_t length = strlen(path);

	for (size_t i = 0; i < stubs->count; i++)
		if (!strncmp(stubs->paths[i], path, length) &&
		    stubs->paths[i][length] == (above ? '/' : '\0'))
			return true;
	return false;
}

/* True when all that the directory PATH of UPPER has is stubs. */
static bool has_stubs_only(const struct stubs *stubs, int upper, const struct layers *lower,
			   const char *path)
{
	int fd = open_in_root(upper, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	bool only = true;
	size_t count;

	if (fd < 0)
		return false;
	struct child *children = read_children(fd, path, &count);
	for (size_t i = 0; i < count && only; i++) {
		char *name = xasprintf("%s/%s", path, children[i].name);
		only = !children[i].whiteout && is_stub(stubs, upper, lower, name, &children[i].st);
		free(name);
	}
	free_children(children, count);
	return only;
}

bool is_stub(const struct stubs *stubs, int upper, const struct layers *lower, const char *path,
	     const struct stat *st)
{
	bool named = is_named(stubs, path, false), above = is_named(stubs, path, true);
	struct stat below;

	if (!named && !above)
		return false;
	bool covers = find_in_layers(lower, path, &below) >= 0;
	if (S_ISREG(st->st_mode))
		return named && !st->st_size && !covers;
	return S_ISDIR(st->st_mode) && has_stubs_only(stubs, upper, lower, path) &&
	       (!covers || (S_ISDIR(below.st_mode) && below.st_mode == st->st_mode &&
			    below.st_uid == st->st_uid && below.st_gid == st->st_gid));
}
