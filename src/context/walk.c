/*
 * A source and all that is below it, in the order of the names. Links are never followed on
 * the way, and nothing but files and directories is opened.
 */
#define _GNU_SOURCE
#include "common.h"
#include "context.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct choice *choice;

/* A directory that is on its way: written when something in it is, if it is left out itself. */
struct level {
	struct level *above;
	int fd;
	const struct stat *st;
	const char *name; /* in the archive */
	bool written;
};

static bool is_out(const char *path, const char *below)
{
	return leaves_out(&choice->ignore, path) || (*below && leaves_out(&choice->exclude, below));
}

static void write_level(struct level *level)
{
	if (!level || level->written)
		return;
	write_level(level->above);
	put_entry(-1, NULL, level->fd, level->st, level->name);
	level->written = true;
}

static void walk(struct level *level, const char *path, const char *below);

/* NAME in the directory LEVEL. PATH, BELOW: where that is from the root and from the source. */
static void visit(struct level *level, const char *name, const char *path, const char *below)
{
	struct stat st;
	struct level next = {.above = level, .fd = -1, .st = &st};
	bool out = is_out(path, below);
	bool again = choice->ignore.any_again || choice->exclude.any_again;

	if (fstatat(level->fd, name, &st, AT_SYMLINK_NOFOLLOW))
		die("%s:", path);
	if (S_ISSOCK(st.st_mode) && !out)
		warn("%s: a socket cannot be archived, left out", path);
	if (S_ISSOCK(st.st_mode) || (out && (!S_ISDIR(st.st_mode) || !again)))
		return;
	char *shown = xasprintf("%s/%s", level->name, name);
	if (strlen(shown) >= PATH_MAX)
		die("%s: path too long", shown);
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) {
		next.fd = openat(level->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (next.fd < 0 || fstat(next.fd, &st))
			die("%s:", path);
	}
	next.name = shown;
	if (S_ISDIR(st.st_mode)) {
		if (!out)
			write_level(&next);
		walk(&next, path, below);
	} else {
		write_level(level);
		put_entry(level->fd, name, next.fd, &st, shown);
	}
	if (next.fd >= 0)
		close(next.fd);
	free(shown);
}

/* All that is in the directory LEVEL. */
static void walk(struct level *level, const char *path, const char *below)
{
	size_t count;
	int copy = openat(level->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (copy < 0)
		die("%s:", path);
	char **names = read_names(copy, &count, path);
	for (size_t i = 0; i < count; i++) {
		char *next = xasprintf("%s%s%s", path, *path ? "/" : "", names[i]);
		char *next_below = xasprintf("%s%s%s", below, *below ? "/" : "", names[i]);
		visit(level, names[i], next, next_below);
		free(next);
		free(next_below);
		free(names[i]);
	}
	free(names);
}

const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* --parents: the directories of PATH, from PIVOT on, but the last part. */
static void put_parents(const char *path, const char *pivot)
{
	for (const char *slash = strchr(pivot, '/'); slash; slash = strchr(slash + 1, '/')) {
		char *above = xasprintf("%.*s", (int)(slash - path), path);
		char *name = xasprintf("./%.*s", (int)(slash - pivot), pivot);
		struct stat st;
		int fd = open_in_root(choice->root, above, O_RDONLY | O_DIRECTORY, 0);
		if (fd < 0 || fstat(fd, &st))
			die("%s:", above);
		put_entry(-1, NULL, fd, &st, name);
		close(fd);
		free(above);
		free(name);
	}
}

/* A link, device or fifo as a source: what it leads to was to be taken, so it is a device. */
static void put_odd(const char *path, const struct stat *st, const char *name)
{
	if (S_ISSOCK(st->st_mode))
		die("%s: a socket cannot be copied", path);
	int node = open_in_root(choice->root, *path ? path : ".", O_PATH, 0);
	if (node < 0)
		die("%s:", path);
	put_entry(node, "", -1, st, name);
	close(node);
}

bool put_source(const struct choice *chosen, const char *path, const char *pivot)
{
	struct stat st;

	choice = chosen;
	int found = open_in_root(choice->root, *path ? path : ".", O_PATH, 0);
	if (found < 0 && (errno == ENOENT || errno == ENOTDIR))
		return false;
	if (found < 0 || fstat(found, &st))
		die("%s:", path);
	close(found);
	bool out = *path && leaves_out(&choice->ignore, path);
	if (out && (!S_ISDIR(st.st_mode) || !choice->ignore.any_again))
		return false;
	if (choice->parents)
		put_parents(path, pivot);
	char *name = choice->parents ? xasprintf("./%s", pivot)
				     : xstrdup(S_ISDIR(st.st_mode) ? "." : last_part(path));
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) {
		int fd = open_in_root(choice->root, *path ? path : ".", O_RDONLY | O_NONBLOCK, 0);
		if (fd < 0 || fstat(fd, &st))
			die("%s:", path);
		if (S_ISDIR(st.st_mode)) {
			struct level top = {.fd = fd, .st = &st, .name = name};
			write_level(&top);
			walk(&top, path, "");
		} else if (!leaves_out(&choice->exclude, last_part(path))) {
			put_entry(-1, NULL, fd, &st, name);
		}
		close(fd);
	} else {
		put_odd(path, &st, name);
	}
	free(name);
	return true;
}
