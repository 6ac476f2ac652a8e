/*
 * A walk through all layers at once, as overlayfs would merge them, which also sees what it
 * hides. The trees are hostile and may be large and deep: no recursion, no descriptor kept
 * from one directory to the next, links never followed.
 */
#define _GNU_SOURCE
#include "common.h"
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A name in a directory of one layer. */
struct found {
	char *name;
	size_t layer;
	bool whiteout;
	struct stat st;
};

/* A directory that is being visited, in all layers that have it. */
struct level {
	size_t path_length;
	struct found *list; /* by name, then by layer */
	size_t count, next;
	int *hiders; /* of what is in it, by layer */
};

static struct {
	const struct layers *layers;
	size_t split;
	visit_function *visit;
	char path[PATH_MAX];
	struct level *levels;
	size_t depth;
	struct sight *sights;
	bool complete;
} walk;

static int compare_found(const void *left, const void *right)
{
	const struct found *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	return order ? order : a->layer < b->layer ? -1 : a->layer > b->layer;
}

static void incomplete(const char *path)
{
	warn("%s:", path);
	walk.complete = false;
}

/* Add what is in the open directory FD (closed here) of LAYER to LEVEL. */
static void read_level(struct level *level, int fd, size_t layer)
{
	DIR *dir = read_directory(fd);
	const char *name;

	while ((name = next_name(dir))) {
		if (!(level->count & (level->count + 1)))
			level->list =
				xrealloc(level->list, (2 * level->count + 1) * sizeof *level->list);
		struct found *found = &level->list[level->count];
		if (fstatat(fd, name, &found->st, AT_SYMLINK_NOFOLLOW))
			continue; /* removed meanwhile */
		found->name = xstrdup(name);
		found->layer = layer;
		found->whiteout =
			is_whiteout(&found->st) || is_xattr_whiteout(fd, name, &found->st);
		level->count++;
	}
	closedir(dir);
}

/* Go down into the directories of sights. */
static void enter(void)
{
	size_t count = walk.layers->count;

	if (!(walk.depth & (walk.depth + 1)))
		walk.levels = xrealloc(walk.levels, (2 * walk.depth + 1) * sizeof *walk.levels);
	struct level *level = &walk.levels[walk.depth];
	*level = (struct level){.path_length = strlen(walk.path),
				.hiders = xmalloc(count * sizeof *level->hiders)};
	int opaque = -1; /* the lowest opaque directory above */
	for (size_t i = count; i-- > 0;) {
		struct sight *sight = &walk.sights[i];
		if (i + 1 == walk.split)
			opaque = -1;
		level->hiders[i] = sight->hider >= 0 ? sight->hider : opaque;
		if (sight->opaque)
			opaque = (int)i;
		if (sight->fd < 0)
			continue;
		read_level(level, sight->fd, i);
		sight->fd = -1;
	}
	if (level->count)
		qsort(level->list, level->count, sizeof *level->list, compare_found);
	walk.depth++;
}

static void leave(void)
{
	struct level *level = &walk.levels[--walk.depth];

	for (size_t i = 0; i < level->count; i++)
		free(level->list[i].name);
	free(level->list);
	free(level->hiders);
}

/* Who hides what: from the top down. A directory is hidden by all but directories. */
static void find_hiders(const int *hiders)
{
	int any = -1, other = -1; /* the lowest above: of any kind, and no directory */

	for (size_t i = walk.layers->count; i-- > 0;) {
		struct sight *sight = &walk.sights[i];
		if (i + 1 == walk.split)
			any = other = -1;
		bool directory = sight->what == THERE && S_ISDIR(sight->st->st_mode);
		sight->hider = hiders[i] >= 0 ? hiders[i] : directory ? other : any;
		if (sight->what != NOTHING)
			any = (int)i;
		if (sight->what != NOTHING && !directory)
			other = (int)i;
	}
}

/* Open the directory at the path in each layer that has one. */
static void open_directories(void)
{
	for (size_t i = 0; i < walk.layers->count; i++) {
		struct sight *sight = &walk.sights[i];
		if (sight->what != THERE || !S_ISDIR(sight->st->st_mode))
			continue;
		sight->fd = open_in_root(walk.layers->fds[i], walk.path,
					 O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
		if (sight->fd >= 0)
			sight->opaque = is_opaque(sight->fd);
		else if (errno != ENOENT && errno != ENOTDIR)
			incomplete(walk.path);
	}
}

static void clear_sights(void)
{
	for (size_t i = 0; i < walk.layers->count; i++)
		walk.sights[i] = (struct sight){.fd = -1, .hider = -1};
}

/* Visit the next name of LEVEL, and go into it if it is a directory that is wanted. */
static void visit_next(struct level *level)
{
	const char *name = level->list[level->next].name;
	size_t length = level->path_length, name_length = strlen(name);
	bool fits = length + 1 + name_length < PATH_MAX;

	clear_sights();
	if (fits) {
		if (length)
			walk.path[length++] = '/';
		memcpy(walk.path + length, name, name_length + 1);
	}
	for (; level->next < level->count && !strcmp(level->list[level->next].name, name);
	     level->next++) {
		const struct found *found = &level->list[level->next];
		walk.sights[found->layer].what = found->whiteout ? WHITEOUT : THERE;
		walk.sights[found->layer].st = &found->st;
	}
	if (!fits) {
		errno = ENAMETOOLONG;
		incomplete(walk.path);
		return;
	}
	open_directories();
	find_hiders(level->hiders);
	bool into = walk.visit(walk.path, walk.sights);
	for (size_t i = 0; i < walk.layers->count; i++)
		if (walk.sights[i].fd >= 0 && into) {
			enter();
			return;
		} else if (walk.sights[i].fd >= 0) {
			close(walk.sights[i].fd);
		}
}

bool walk_layers(const struct layers *layers, size_t split, visit_function *visit)
{
	walk.layers = layers;
	walk.split = split;
	walk.visit = visit;
	walk.depth = 0;
	walk.complete = true;
	walk.sights = xmalloc(layers->count * sizeof *walk.sights);
	clear_sights();
	*walk.path = '\0';
	for (size_t i = 0; i < layers->count; i++) {
		walk.sights[i].fd = open_in_root(layers->fds[i], ".", O_RDONLY | O_DIRECTORY, 0);
		if (walk.sights[i].fd < 0)
			die("cannot open a layer again:");
	}
	enter();
	while (walk.depth) {
		struct level *level = &walk.levels[walk.depth - 1];
		walk.path[level->path_length] = '\0';
		if (level->next < level->count)
			visit_next(level);
		else
			leave();
	}
	free(walk.sights);
	free(walk.levels);
	walk.levels = NULL;
	return walk.complete;
}

int visible_layer(const struct sight *sights, size_t first, size_t end)
{
	for (size_t i = end; i-- > first;)
		if (sights[i].what == THERE && sights[i].hider < 0)
			return (int)i;
	return -1;
}
