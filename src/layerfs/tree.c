/* layerfs tree: how many bytes and files each layer brings, and in which directories. */
#define _GNU_SOURCE
#include "common.h"
#include "view.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: layerfs tree [-0s] [-d DEPTH] LAYER...\n"
	"\n"
	"Count what is in each of the directories LAYER, base first. A row has the fields\n"
	"LAYER (its number), BYTES and FILES (all but directories and whiteouts) of a\n"
	"directory with all below it, and PATH, the larger ones first.\n"
	"\n"
	"  -d, --depth DEPTH  directories down to DEPTH (default 1; 0: layers only)\n"
	"  -s, --summary      print only the sum of all layers\n"
	"  -0, --null         end rows with NUL, names as they are\n"
	"  -h, --help\n";

struct directory {
	char *path;
	size_t parent, depth;
	uint64_t bytes, files;
};

static struct {
	size_t depth; /* that is wanted */
	struct directory *list;
	size_t count, current; /* the deepest of list that the walk is in */
} tree = {.depth = 1};

static size_t add_directory(const char *path, size_t parent, size_t depth)
{
	if (!(tree.count & (tree.count + 1)))
		tree.list = xrealloc(tree.list, (2 * tree.count + 1) * sizeof *tree.list);
	tree.list[tree.count] =
		(struct directory){.path = xstrdup(path), .parent = parent, .depth = depth};
	return tree.count++;
}

/* Is PATH in DIRECTORY? */
static bool is_inside(const char *path, const struct directory *directory)
{
	size_t length = strlen(directory->path);

	return !length || (!strncmp(path, directory->path, length) && path[length] == '/');
}

static bool visit(const char *path, const struct sight *sights)
{
	const struct stat *st = sights->st;
	bool directory = sights->what == THERE && S_ISDIR(st->st_mode);

	while (!is_inside(path, &tree.list[tree.current]))
		tree.current = tree.list[tree.current].parent;
	size_t depth = tree.list[tree.current].depth + 1;
	if (directory && depth <= tree.depth)
		tree.current = add_directory(path, tree.current, depth);
	if (sights->what != THERE || directory)
		return true;
	uint64_t bytes = S_ISREG(st->st_mode) && first_link(st) ? (uint64_t)st->st_size : 0;
	for (size_t i = tree.current;; i = tree.list[i].parent) {
		tree.list[i].files++;
		tree.list[i].bytes += bytes;
		if (!i)
			return true;
	}
}

/* A directory before what is in it, of two in one the larger first. */
static int compare_directories(const void *left, const void *right)
{
	size_t a = *(const size_t *)left, b = *(const size_t *)right;
	const struct directory *list = tree.list;

	if (a == b)
		return 0;
	size_t first = a, second = b;
	while (list[first].depth > list[second].depth)
		first = list[first].parent;
	while (list[second].depth > list[first].depth)
		second = list[second].parent;
	if (first == second)
		return list[a].depth < list[b].depth ? -1 : 1;
	while (list[first].parent != list[second].parent) {
		first = list[first].parent;
		second = list[second].parent;
	}
	if (list[first].bytes != list[second].bytes)
		return list[first].bytes > list[second].bytes ? -1 : 1;
	return first < second ? -1 : 1;
}

static void print_row(const char *layer, const struct directory *directory)
{
	char size[SIZE_TEXT];

	printf(rows.people ? "%-5s %7s %8" PRIu64 " " : "%s\t%s\t%" PRIu64 "\t", layer,
	       size_text(directory->bytes, size), directory->files);
	end_row(*directory->path ? directory->path : "/", 2 * (int)directory->depth);
}

static void print_directories(size_t layer)
{
	size_t *order = xmalloc(tree.count * sizeof *order);
	char number[SIZE_TEXT];

	snprintf(number, sizeof number, "%zu", layer);
	for (size_t i = 0; i < tree.count; i++)
		order[i] = i;
	qsort(order, tree.count, sizeof *order, compare_directories);
	for (size_t i = 0; i < tree.count; i++)
		print_row(number, &tree.list[order[i]]);
	free(order);
}

/* Count the layer DIRECTORY, the NUMBERth, and add it to SUM. */
static bool count_layer(const char *directory, size_t number, struct directory *sum)
{
	struct layers layers = {0};

	add_layer(&layers, directory);
	tree.count = tree.current = 0;
	add_directory("", 0, 0);
	bool complete = walk_layers(&layers, 1, visit);
	sum->bytes += tree.list->bytes;
	sum->files += tree.list->files;
	if (!rows.summary)
		print_directories(number);
	for (size_t i = 0; i < tree.count; i++)
		free(tree.list[i].path);
	free_layers(&layers);
	return complete;
}

int tree_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"depth", required_argument, NULL, 'd'},
		{"summary", no_argument, NULL, 's'},
		{"null", no_argument, NULL, '0'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct directory sum = {.path = (char *)"/"};
	bool complete = true;

	for (int c; (c = getopt_long(argc, argv, "+d:s0h", options, NULL)) != -1;) {
		if (c == 'h')
			help(usage);
		else if (c == 'd')
			tree.depth = (size_t)parse_number("--depth", optarg, 0, PATH_MAX);
		else if (!rows_option(c))
			usage_error("bad option");
	}
	if (optind == argc)
		usage_error("give LAYERs");
	if (rows.summary)
		tree.depth = 0;
	begin_rows("LAYER   BYTES    FILES PATH");
	for (size_t number = 1; optind < argc; number++)
		complete = count_layer(argv[optind++], number, &sum) && complete;
	free(tree.list);
	if (rows.summary || rows.people)
		print_row("all", &sum);
	close_stdout();
	return complete ? 0 : EXIT_TOOL;
}
