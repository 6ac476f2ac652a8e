/*
 * What a container has: labels, networks, mounts, a health.
 */
#define _GNU_SOURCE
#include "containers.h"

#include <stdlib.h>
#include <string.h>

/* ---- labels ---- */

struct label {
	char *text;
	size_t name, place; /* the length of its name; its number in the list */
};

static int by_name(const void *first, const void *second)
{
	const struct label *a = first, *b = second;
	int order = memcmp(a->text, b->text, a->name < b->name ? a->name : b->name);

	if (order == 0)
		order = (a->name > b->name) - (a->name < b->name);
	return order ? order : (a->place > b->place) - (a->place < b->place);
}

struct file_words labels_of(int dir)
{
	struct file_words list = file_strings(dir, "labels");
	struct label *labels = xmalloc(list.count * sizeof(*labels));
	size_t count = 0, first = 0;

	for (size_t i = 0; i < list.count; i++)
		labels[i] = (struct label){list.at[i], strcspn(list.at[i], "="), i};
	qsort(labels, list.count, sizeof(*labels), by_name);
	for (size_t i = 0; i < list.count; i++) {
		list.at[labels[i].place] = NULL;
		if (i == 0 || labels[i].name != labels[first].name ||
		    memcmp(labels[i].text, labels[first].text, labels[i].name) != 0)
			first = i;
		list.at[labels[first].place] = labels[i].text;
	}
	for (size_t i = 0; i < list.count; i++)
		if (list.at[i])
			list.at[count++] = list.at[i];
	list.count = count;
	free(labels);
	return list;
}

bool has_label(int dir, const char *label)
{
	struct file_words list = file_strings(dir, "labels");
	size_t name = strcspn(label, "=");
	bool found = false;

	for (size_t i = list.count; i-- > 0;)
		if (strcspn(list.at[i], "=") == name && memcmp(list.at[i], label, name) == 0) {
			const char *value = list.at[i] + name;
			found = !label[name] ||
				strcmp(*value ? value + 1 : value, label + name + 1) == 0;
			break; /* the last counts */
		}
	free_words(&list);
	return found;
}

/* ---- networks ---- */

struct file_words networks_of(int dir)
{
	struct file_words names = file_lines(dir, "networks");

	if (!names.count) {
		free_words(&names);
		names = file_lines(dir, "network");
	}
	for (size_t i = 0; i < names.count; i++)
		names.at[i][strcspn(names.at[i], ",")] = '\0'; /* options */
	return names;
}

bool has_network(int dir, const char *name)
{
	struct file_words names = networks_of(dir);
	bool found = !names.count && strcmp(name, "none") == 0;

	for (size_t i = 0; i < names.count && !found; i++)
		found = strcmp(names.at[i], name) == 0;
	free_words(&names);
	return found;
}

/* ---- mounts ---- */

/* PATH without BEGIN and END, in its place; NULL if it has them not. */
static char *between(const char *begin, char *path, const char *end)
{
	size_t size = strlen(path), first = strlen(begin), last = strlen(end);

	if (size < first + last || strncmp(path, begin, first) != 0 ||
	    strcmp(path + size - last, end) != 0)
		return NULL;
	path[size - last] = '\0';
	return path + first;
}

bool next_mount(const struct container *c, struct file_words *arguments, size_t *at,
		struct mount *mount)
{
	for (; *at + 2 < arguments->count; ++*at) {
		char **word = &arguments->at[*at];
		if (strcmp(word[0], "--bind") != 0 && strcmp(word[0], "--ro-bind") != 0)
			continue;
		const char *volume = between(c->choice->volumes, word[1], "/_data");
		*mount = (struct mount){.source = volume ? volume : word[1],
					.target = word[2],
					.is_volume = volume};
		*at += 3;
		return true;
	}
	return false;
}

bool has_mount(const struct container *c, const char *name)
{
	struct file_words arguments = file_lines(c->dir, "unshare-run");
	struct mount mount;
	bool found = false;

	for (size_t at = 0; !found && next_mount(c, &arguments, &at, &mount);)
		found = strcmp(mount.source, name) == 0 || strcmp(mount.target, name) == 0;
	free_words(&arguments);
	return found;
}

/* ---- health ---- */

char *health_of(int dir)
{
	char *status = file_line(dir, "checks/status");

	if (*status)
		return status;
	free(status);
	return xstrdup("none");
}
