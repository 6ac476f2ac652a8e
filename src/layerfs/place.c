/*
 * Finding one's way in a hostile layer. No name is ever given to the kernel as a
 * path: find_place() walks one part at a time, from the target's own descriptor,
 * and never through a symbolic link; where the layer has a link as the parent of
 * a file, its text is resolved here, as if the target were "/". The directories on
 * the way stay open: the next place is mostly near.
 */
#define _GNU_SOURCE
#include "place.h"
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	LINKS_MAX = 40,	      /* as the kernel's own limit, path_resolution(7) */
	NAMES_MAX = 128 << 20 /* bytes of the names of directories that are remembered */
};

struct target target;

struct directory {
	char *path;
	struct timespec mtime;
};

static struct {
	struct directory *list;
	size_t count, bytes;
} dirs;

/* ---- the layers below ---- */

static struct {
	const char **names;
	size_t count;
} below;

void add_below(const char *directory)
{
	below.names = xrealloc(below.names, (below.count + 1) * sizeof *below.names);
	below.names[below.count++] = directory;
}

/* Wait for DIRECTORY, which another process makes; but not for nothing. */
static void wait_for(const char *directory)
{
	struct stat st;

	while (access(directory, F_OK) && errno == ENOENT) {
		if (fstat(target.root, &st) || !st.st_nlink)
			die("%s: never came, and the target was removed", directory);
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
}

const struct layers *layers_below(void)
{
	while (target.lower.count < below.count) {
		const char *name = below.names[target.lower.count];
		if (target.wait)
			wait_for(name);
		add_layer(&target.lower, name);
	}
	return &target.lower;
}

/* ---- times of directories ---- */

void remember_times(const char *parent, const char *name, struct timespec mtime)
{
	if (!(dirs.count & (dirs.count + 1))) /* room for 1, 3, 7, 15 ... is full */
		dirs.list = xrealloc(dirs.list, (2 * dirs.count + 1) * sizeof *dirs.list);
	dirs.bytes += strlen(parent) + strlen(name);
	if (dirs.bytes > NAMES_MAX)
		die("too many directories with long names");
	dirs.list[dirs.count++] = (struct directory){
		.path = xasprintf("%s%s%s", parent, *parent ? "/" : "", name),
		.mtime = mtime,
	};
}

void put_directory_times(void)
{
	for (size_t i = 0; i < dirs.count; i++) {
		const struct timespec times[] = {dirs.list[i].mtime, dirs.list[i].mtime};
		int fd = open_in_root(target.root, dirs.list[i].path,
				      O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
		/* Missing: a later entry replaced it. */
		if (fd >= 0 && futimens(fd, times))
			die("%s:", dirs.list[i].path);
		if (fd >= 0)
			close(fd);
		free(dirs.list[i].path);
	}
	free(dirs.list);
}

/* ---- making room ---- */

int open_directory(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		die("%s:", name);
	return fd;
}

/* Delete what is in the open directory FD (closed here); or only its whiteouts. */
static void sweep(int fd, bool all)
{
	DIR *dir = read_directory(fd);
	const char *name;
	struct stat st;

	while ((name = next_name(dir))) {
		if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW))
			die("%s:", name);
		if (S_ISDIR(st.st_mode))
			sweep(open_directory(fd, name), all);
		if ((all || is_whiteout(&st)) &&
		    unlinkat(fd, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0))
			die("%s:", name);
	}
	closedir(dir);
}

void remove_entry(int fd, const char *name)
{
	if (unlinkat(fd, name, 0) == 0) {
		target.changes++;
		return;
	}
	if (errno == ENOENT)
		return;
	if (errno != EISDIR)
		die("%s:", name);
	target.changes++;
	sweep(open_directory(fd, name), true);
	if (unlinkat(fd, name, AT_REMOVEDIR))
		die("%s:", name);
}

void clear_directory(int fd)
{
	sweep(open_directory(fd, "."), true);
}

void hide_below(int fd, const char *name)
{
	target.changes++;
	if (!set_opaque(fd))
		die("%s: trusted.overlay.opaque:", name);
	sweep(open_directory(fd, "."), false);
}

void join(char path[static PATH_MAX], const char *parent, const char *name)
{
	if (snprintf(path, PATH_MAX, "%s%s%s", parent, *parent ? "/" : "", name) >= PATH_MAX)
		die("%s: path too long", name);
}

/* ---- walking ---- */

/* The last step is the place. */
static void arrive(struct place *place)
{
	const struct step *last = &place->steps[place->depth - 1];

	place->fd = last->fd;
	place->opaque = last->opaque;
	place->path[last->length] = '\0';
}

/* Go back to where the place was DEPTH steps from outside. */
static void go_back(struct place *place, size_t depth)
{
	while (place->depth > depth)
		close(place->steps[--place->depth].fd);
	if (depth)
		arrive(place);
}

/* Enter FD, which is NAME in the place, or the root if NAME is "". */
static void enter(struct place *place, int fd, const char *name)
{
	size_t used = place->depth ? place->steps[place->depth - 1].length : 0;

	if (used + strlen(name) + 2 > PATH_MAX)
		die("%s: path too long", name);
	used += (size_t)snprintf(place->path + used, PATH_MAX - used, "%s%s", used ? "/" : "",
				 name);
	place->steps[place->depth++] = (struct step){
		.fd = fd,
		.opaque = (*name && place->opaque) || is_opaque(fd),
		.length = used,
	};
	arrive(place);
}

/* Read the symbolic link LINK, an O_PATH descriptor (closed here), into TEXT. */
static void read_link(int link, const char *name, char text[static PATH_MAX])
{
	ssize_t size = link < 0 ? -1 : readlinkat(link, "", text, PATH_MAX - 1);

	if (size < 0)
		die("%s:", name);
	text[size] = '\0';
	close(link);
}

/*
 * Make the directory NAME, which the archive only implies: as it is in the
 * layers below, or 0755 and root's. If it is a symbolic link there, put
 * its text into LINK and return false.
 */
static bool imply(struct place *place, const char *name, char link[static PATH_MAX])
{
	char path[PATH_MAX];
	struct stat st;
	int layer = -1;

	join(path, place->path, name);
	if (!strncmp(name, ".wh.", 4)) /* by way of a link: names in the archive were looked at */
		die("%s: a whiteout is no directory", path);
	if (!place->opaque)
		layer = find_in_layers(layers_below(), path, &st);
	if (layer >= 0 && S_ISLNK(st.st_mode)) {
		read_link(open_in_root(layers_below()->fds[layer], path, O_PATH | O_NOFOLLOW, 0),
			  path, link);
		return false;
	}
	if (mkdirat(place->fd, name, 0755))
		die("%s:", path);
	int fd = open_directory(place->fd, name);
	if (layer >= 0 && S_ISDIR(st.st_mode)) {
		int from =
			open_in_root(layers_below()->fds[layer], path, O_RDONLY | O_DIRECTORY, 0);
		if (from < 0 || !copy_attributes(from, fd))
			die("%s:", path);
		close(from);
		remember_times("", path, st.st_mtim);
	}
	enter(place, fd, name);
	return true;
}

/* Enter NAME, made if missing; or put the text of the symbolic link NAME into LINK: false. */
static bool step(struct place *place, const char *name, char link[static PATH_MAX])
{
	struct stat st;

	if (fstatat(place->fd, name, &st, AT_SYMLINK_NOFOLLOW)) {
		if (errno != ENOENT)
			die("%s:", name);
		return imply(place, name, link);
	}
	if (S_ISLNK(st.st_mode)) {
		read_link(openat(place->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), name, link);
		return false;
	}
	if (is_whiteout(&st)) { /* removed and made again by this layer */
		remove_entry(place->fd, name);
		if (mkdirat(place->fd, name, 0755))
			die("%s:", name);
		int fd = open_directory(place->fd, name);
		hide_below(fd, name);
		enter(place, fd, name);
	} else {
		enter(place, open_directory(place->fd, name), name);
	}
	return true;
}

/* Go back to the last of the open directories that lead to PATH; returns the way from there. */
static const char *go_back_for(struct place *place, const char *path)
{
	size_t depth = 1, length = 0;

	if (place->changes != target.changes)
		go_back(place, 0);
	if (!place->depth)
		enter(place, open_directory(target.root, "."), "");
	for (size_t i = 1; i < place->depth; i++) {
		length = place->steps[i].length;
		if (strncmp(place->path, path, length) != 0 ||
		    (path[length] && path[length] != '/'))
			break;
		depth = i + 1;
	}
	go_back(place, depth);
	return path + place->steps[depth - 1].length;
}

void find_place(struct place *place, const char *path)
{
	char name[NAME_MAX + 1], link[PATH_MAX], todo[2 * PATH_MAX], next[sizeof todo];

	if (place->depth && place->changes == target.changes && !strcmp(place->asked, path))
		return;
	snprintf(place->asked, sizeof place->asked, "%s", path);
	snprintf(todo, sizeof todo, "%s", go_back_for(place, path));
	for (int links = 0; *todo;) {
		size_t length = strcspn(todo, "/");
		char *rest = todo + length + strspn(todo + length, "/");
		if (length > NAME_MAX)
			die("%s: name too long", path);
		memcpy(name, todo, length);
		name[length] = '\0';
		if (!strcmp(name, "..")) { /* only links have these */
			go_back(place, place->depth > 1 ? place->depth - 1 : 1);
		} else if (*name && strcmp(name, ".") != 0 && !step(place, name, link)) {
			if (*link == '/')
				go_back(place, 1);
			int size = snprintf(next, sizeof next, "%s/%s", link, rest);
			if (++links > LINKS_MAX || size >= (int)sizeof next)
				die("%s: too many symbolic links", path);
			rest = next;
		}
		memmove(todo, rest, strlen(rest) + 1);
	}
	place->changes = target.changes;
}

enum name_kind try_clean_name(const char *name, char path[static PATH_MAX + 1])
{
	size_t used = 0;

	if (!name || strlen(name) >= PATH_MAX)
		return BAD_NAME;
	for (const char *part = name + strspn(name, "/"); *part;) {
		size_t length = strcspn(part, "/");
		const char *next = part + length + strspn(part + length, "/");
		if (length == 2 && !memcmp(part, "..", 2))
			return LEAVING_NAME;
		if (!strncmp(part, ".wh..wh.", 8) && (*next || strcmp(part, ".wh..wh..opq") != 0))
			return METADATA_NAME;
		if (!strncmp(part, ".wh.", 4) && *next)
			return WHITEOUT_DIRECTORY_NAME;
		if (length != 1 || *part != '.') {
			if (used)
				path[used++] = '/';
			memcpy(path + used, part, length);
			used += length;
		}
		part = next;
	}
	path[used] = '\0';
	return CLEAN_NAME;
}

bool clean_name(const char *name, char path[static PATH_MAX + 1])
{
	enum name_kind kind = try_clean_name(name, path);

	if (kind == BAD_NAME)
		die("a name in the archive is missing or too long");
	if (kind == LEAVING_NAME)
		die("%s: name leaves the layer", name);
	if (kind == WHITEOUT_DIRECTORY_NAME)
		die("%s: a whiteout cannot be a directory", name);
	return kind == CLEAN_NAME;
}

const char *split(char path[static PATH_MAX + 1])
{
	char *slash = strrchr(path, '/');

	if (slash) {
		*slash = '\0';
		return slash + 1;
	}
	memmove(path + 1, path, strlen(path) + 1);
	*path = '\0';
	return path + 1;
}
