/*
 * layerfs waste: bytes of layers that nobody will ever read, because a layer above has
 * another file of that name or has deleted it. They are stored and pulled all the same.
 */
#define _GNU_SOURCE
#include "common.h"
#include "view.h"

#include <getopt.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: layerfs waste [-0s] [-m SIZE] LAYER...\n"
	"\n"
	"List the files of the directories LAYER, base first, that layers above replace or\n"
	"delete. A row has the fields BYTES, LAYERS (the numbers of those that have useless\n"
	"bytes), HOW (replaced or deleted) and PATH, the most bytes first.\n"
	"\n"
	"  -m, --max SIZE  exit with status 1 if more than SIZE are wasted\n"
	"  -s, --summary   print only sums: wasted, total, efficiency (percent)\n"
	"  -0, --null      end rows with NUL, names as they are\n"
	"  -h, --help\n";

/* A path with useless bytes. */
struct waste {
	char *path, *layers;
	bool deleted;
	uint64_t bytes;
};

/* A file with several names: useless only if none of them can be seen. */
struct inode {
	dev_t device;
	ino_t number;
	bool visible;
	struct waste waste;
};

static struct {
	size_t layers;
	uint64_t wasted, total;
	struct waste *list;
	size_t count;
	void *inodes; /* tsearch(3) */
} waste;

static void add_waste(struct waste one)
{
	if (!(waste.count & (waste.count + 1)))
		waste.list = xrealloc(waste.list, (2 * waste.count + 1) * sizeof *waste.list);
	waste.list[waste.count++] = one;
	waste.wasted += one.bytes;
}

static int compare_inodes(const void *left, const void *right)
{
	const struct inode *a = left, *b = right;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	return a->number == b->number ? 0 : a->number < b->number ? -1 : 1;
}

/* Note one more name of the file ST, which is of LAYER. */
static void note_link(const char *path, const struct stat *st, size_t layer, bool hidden,
		      bool deleted)
{
	struct inode *inode = xmalloc(sizeof *inode), **found;

	*inode = (struct inode){.device = st->st_dev, .number = st->st_ino};
	found = tsearch(inode, &waste.inodes, compare_inodes);
	if (!found)
		die("out of memory");
	if (*found == inode) {
		waste.total += (uint64_t)st->st_size;
		inode->waste = (struct waste){xstrdup(path), xasprintf("%zu", layer + 1), deleted,
					      (uint64_t)st->st_size};
	} else {
		free(inode);
	}
	if (!hidden)
		(*found)->visible = true;
}

static bool visit(const char *path, const struct sight *sights)
{
	struct waste one = {.deleted = visible_layer(sights, 0, waste.layers) < 0};

	for (size_t i = 0; i < waste.layers; i++) {
		const struct stat *st = sights[i].st;
		bool hidden = sights[i].hider >= 0;
		if (sights[i].what != THERE || !S_ISREG(st->st_mode))
			continue;
		if (st->st_nlink > 1) {
			note_link(path, st, i, hidden, one.deleted);
			continue;
		}
		waste.total += (uint64_t)st->st_size;
		if (!hidden || !st->st_size)
			continue;
		char *numbers = xasprintf("%s%s%zu", one.layers ? one.layers : "",
					  one.layers ? "," : "", i + 1);
		free(one.layers);
		one.layers = numbers;
		one.bytes += (uint64_t)st->st_size;
	}
	if (one.bytes) {
		one.path = xstrdup(path);
		add_waste(one);
	}
	return true;
}

/* tdestroy(3): a file of which all names have been noted. */
static void end_inode(void *node)
{
	struct inode *inode = node;

	if (!inode->visible && inode->waste.bytes) {
		add_waste(inode->waste);
	} else {
		free(inode->waste.path);
		free(inode->waste.layers);
	}
	free(inode);
}

static int compare_waste(const void *left, const void *right)
{
	const struct waste *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return strcmp(a->path, b->path);
}

static void print_waste(void)
{
	char size[SIZE_TEXT];

	if (waste.count)
		qsort(waste.list, waste.count, sizeof *waste.list, compare_waste);
	for (size_t i = 0; i < waste.count; i++) {
		const struct waste *one = &waste.list[i];
		if (!rows.summary) {
			printf(rows.people ? "%7s %-8s %-8s " : "%s\t%s\t%s\t",
			       size_text(one->bytes, size), one->layers,
			       one->deleted ? "deleted" : "replaced");
			end_row(one->path, 0);
		}
		free(one->path);
		free(one->layers);
	}
	free(waste.list);
}

static void print_summary(void)
{
	char size[SIZE_TEXT];
	char field = rows.people ? ' ' : '\t';

	printf("wasted%c%s\n", field, size_text(waste.wasted, size));
	printf("total%c%s\n", field, size_text(waste.total, size));
	printf("efficiency%c%.1f\n", field,
	       waste.total ? 100 * (1 - (double)waste.wasted / (double)waste.total) : 100);
}

int waste_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"max", required_argument, NULL, 'm'},
		{"summary", no_argument, NULL, 's'},
		{"null", no_argument, NULL, '0'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct layers layers = {0};
	uint64_t max = UINT64_MAX;

	for (int c; (c = getopt_long(argc, argv, "+m:s0h", options, NULL)) != -1;) {
		if (c == 'h')
			help(usage);
		else if (c == 'm')
			max = parse_size("--max", optarg);
		else if (!rows_option(c))
			usage_error("bad option");
	}
	if (optind == argc)
		usage_error("give LAYERs");
	for (int i = optind; i < argc; i++)
		add_layer(&layers, argv[i]);
	waste.layers = layers.count;
	begin_rows("  BYTES LAYERS   HOW      PATH");
	bool complete = walk_layers(&layers, layers.count, visit);
	tdestroy(waste.inodes, end_inode);
	print_waste();
	if (rows.summary || rows.people)
		print_summary();
	close_stdout();
	free_layers(&layers);
	if (complete && waste.wasted > max) {
		warn("%" PRIu64 " bytes are wasted, more than %" PRIu64, waste.wasted, max);
		return 1;
	}
	return complete ? 0 : EXIT_TOOL;
}
