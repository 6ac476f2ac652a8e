/*
 * How much a container has written.
 */
#define _GNU_SOURCE
#include "containers.h"

#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files with several names, each as often as it has been met. */
struct links {
	struct link {
		dev_t device;
		ino_t inode;
		uint64_t size;
	} * at;
	size_t count, room;
};

static void add_link(struct links *links, const struct stat *file)
{
	if (links->count == links->room) {
		links->room = 2 * links->room + 64;
		links->at = xrealloc(links->at, links->room * sizeof(*links->at));
	}
	links->at[links->count++] = (struct link){.device = file->st_dev,
						  .inode = file->st_ino,
						  .size = (uint64_t)file->st_size};
}

static int by_inode(const void *first, const void *second)
{
	const struct link *a = first, *b = second;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	return (a->inode > b->inode) - (a->inode < b->inode);
}

/* Each file once. */
static uint64_t linked_bytes(struct links *links)
{
	uint64_t bytes = 0;

	if (links->count)
		qsort(links->at, links->count, sizeof(*links->at), by_inode);
	for (size_t i = 0; i < links->count; i++)
		if (i == 0 || by_inode(&links->at[i - 1], &links->at[i]) != 0)
			bytes += links->at[i].size;
	free(links->at);
	return bytes;
}

uint64_t written_bytes(int dir)
{
	char name[] = "rw", *const paths[] = {name, NULL};
	struct links links = {0};
	uint64_t bytes = 0;
	FTSENT *entry;
	/* fts goes down by chdir(2), and checks where it got: the tree may change, and be deep. */
	FTS *tree = fchdir(dir) ? NULL : fts_open(paths, FTS_PHYSICAL, NULL);

	while (tree && (entry = fts_read(tree))) {
		const struct stat *file = entry->fts_statp;
		if (entry->fts_info == FTS_D && entry->fts_level == 1 &&
		    strcmp(entry->fts_name, "work") == 0)
			fts_set(tree, entry, FTS_SKIP);
		if (entry->fts_info != FTS_F && entry->fts_info != FTS_SL &&
		    entry->fts_info != FTS_DEFAULT)
			continue; /* a directory, or gone */
		if (file->st_nlink > 1)
			add_link(&links, file);
		else
			bytes += (uint64_t)file->st_size;
	}
	if (tree)
		fts_close(tree);
	return bytes + linked_bytes(&links);
}

void print_size(FILE *out, uint64_t bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	uint64_t scale = 1, power = 1;
	char fraction[4];
	size_t unit = 0;
	int places = 2; /* behind the point */

	for (; bytes / scale >= 1000; unit++)
		scale *= 1000;
	places -= (bytes / scale >= 10) + (bytes / scale >= 100);
	for (int i = 0; unit && i < places; i++)
		power *= 10;
	bytes = (bytes + scale / power / 2) / (scale / power); /* rounded to so many */
	snprintf(fraction, sizeof(fraction), "%0*u", places, (unsigned)(bytes % power));
	for (int i = places; i-- > 0 && fraction[i] == '0';)
		fraction[i] = '\0';
	fprintf(out, "%llu%s%s%s", (unsigned long long)(bytes / power), bytes % power ? "." : "",
		bytes % power ? fraction : "", units[unit]);
}
