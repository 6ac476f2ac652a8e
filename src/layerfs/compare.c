/* layerfs compare: how what two stacks of layers show differs. */
#define _GNU_SOURCE
#include "common.h"
#include "view.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: layerfs compare [-0s] LAYER... -- LAYER...\n"
	"\n"
	"Compare two stacks of unpacked layers, each base first. A row has the fields CHANGE\n"
	"(A, M or D: added, modified or deleted by the second), WHAT (of M: type, content,\n"
	"mode, owner, xattrs), the size before, the size after, and PATH. Times do not count.\n"
	"\n"
	"  -s, --summary  print only how many paths: added, changed, deleted\n"
	"  -0, --null     end rows with NUL, names as they are\n"
	"  -h, --help\n"
	"\n"
	"The exit status is 0 if there is no difference, 1 if there is.\n";

enum change { ADDED, CHANGED, DELETED, CHANGES };

static struct {
	struct layers layers;
	size_t split;
	uint64_t sums[CHANGES];
} stacks;

static const char *what_text(unsigned what, char text[static 64])
{
	static const char *const words[] = {"type", "content", "mode", "owner", "xattrs"};

	*text = '\0';
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (what & 1U << i)
			snprintf(text + strlen(text), 64 - strlen(text), "%s%s", *text ? "," : "",
				 words[i]);
	return *text ? text : "-";
}

static const char *size_of(const struct sight *sight, char text[static SIZE_TEXT])
{
	if (!sight)
		return "-";
	return size_text(S_ISREG(sight->st->st_mode) ? (uint64_t)sight->st->st_size : 0, text);
}

static void row(const char *path, const struct sight *before, const struct sight *after,
		unsigned what)
{
	enum change change = !before ? ADDED : !after ? DELETED : CHANGED;
	char size[SIZE_TEXT], new_size[SIZE_TEXT], text[64];

	stacks.sums[change]++;
	if (rows.summary)
		return;
	printf(rows.people ? "%c %-12s %7s %7s " : "%c\t%s\t%s\t%s\t", "AMD"[change],
	       what_text(what, text), size_of(before, size), size_of(after, new_size));
	end_row(path, 0);
}

/* The next layer from I on, before END, whose directory is merged; END if there is none. */
static size_t next_merged(const struct sight *sights, size_t i, size_t end)
{
	while (i < end && (sights[i].fd < 0 || sights[i].hider >= 0))
		i++;
	return i;
}

/* Do both stacks merge the very same directories here? Then all below is the same. */
static bool merge_the_same(const struct sight *sights)
{
	size_t a = 0, b = stacks.split, end = stacks.layers.count;

	for (;; a++, b++) {
		a = next_merged(sights, a, stacks.split);
		b = next_merged(sights, b, end);
		if (a == stacks.split || b == end)
			return a == stacks.split && b == end;
		if (sights[a].st->st_dev != sights[b].st->st_dev ||
		    sights[a].st->st_ino != sights[b].st->st_ino)
			return false;
	}
}

static bool visit(const char *path, const struct sight *sights)
{
	int a = visible_layer(sights, 0, stacks.split);
	int b = visible_layer(sights, stacks.split, stacks.layers.count);
	const int *fds = stacks.layers.fds;

	if (a < 0 && b < 0)
		return false;
	if (a < 0 || b < 0) {
		row(path, a < 0 ? NULL : &sights[a], b < 0 ? NULL : &sights[b], 0);
		return true;
	}
	unsigned what = difference(path, fds[a], sights[a].st, fds[b], sights[b].st);
	if (what)
		row(path, &sights[a], &sights[b], what);
	return !merge_the_same(sights);
}

static void print_summary(void)
{
	static const char *const names[] = {"added", "changed", "deleted"};

	for (int i = 0; i < CHANGES; i++)
		printf("%s%c%llu\n", names[i], rows.people ? ' ' : '\t',
		       (unsigned long long)stacks.sums[i]);
}

int compare_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"summary", no_argument, NULL, 's'},
		{"null", no_argument, NULL, '0'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};

	for (int c; (c = getopt_long(argc, argv, "+s0h", options, NULL)) != -1;) {
		if (c == 'h')
			help(usage);
		else if (!rows_option(c))
			usage_error("bad option");
	}
	for (int i = optind; i < argc; i++) {
		if (strcmp(argv[i], "--") != 0)
			add_layer(&stacks.layers, argv[i]);
		else if (stacks.split)
			usage_error("more than two stacks");
		else
			stacks.split = stacks.layers.count;
	}
	if (!stacks.split || stacks.split == stacks.layers.count)
		usage_error("give two stacks of LAYERs with -- between them");
	begin_rows("  WHAT          BEFORE   AFTER PATH");
	bool complete = walk_layers(&stacks.layers, stacks.split, visit);
	if (rows.summary || rows.people)
		print_summary();
	close_stdout();
	free_layers(&stacks.layers);
	if (!complete)
		return EXIT_TOOL;
	return stacks.sums[ADDED] || stacks.sums[CHANGED] || stacks.sums[DELETED];
}
