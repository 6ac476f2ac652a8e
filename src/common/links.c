/* Hard links: which names are of one file. */
#define _GNU_SOURCE
#include "common.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct link {
	dev_t device;
	ino_t inode;
	char path[];
};

static int compare_links(const void *left, const void *right)
{
	const struct link *a = left, *b = right;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	return a->inode == b->inode ? 0 : a->inode < b->inode ? -1 : 1;
}

const char *linked_to(void **links, const struct stat *st, const char *path)
{
	size_t size = strlen(path) + 1;
	struct link *link, **found;

	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return NULL;
	link = xmalloc(sizeof *link + size);
	link->device = st->st_dev;
	link->inode = st->st_ino;
	memcpy(link->path, path, size);
	found = tsearch(link, links, compare_links);
	if (!found)
		die("out of memory");
	if (*found == link)
		return NULL;
	free(link);
	return (*found)->path;
}
