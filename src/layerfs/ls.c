/*
 * layerfs ls: what a layer does to those below it, path by path. Of a directory it tells
 * what overlayfs will make of it; of an archive what is written there, also what unpack
 * refuses, before anybody unpacks it.
 */
#define _GNU_SOURCE
#include "common.h"
#include "place.h"
#include "view.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const char usage[] =
	"usage: layerfs ls [-0s] [-l LOWER]... LAYER\n"
	"       layerfs ls [-0s] [-l LOWER]... [-m SIZE] -f FILE\n"
	"\n"
	"List what the directory LAYER, in overlay form, adds to, changes in and deletes from\n"
	"the layers below. A row has the fields CHANGE, MODE, UID, GID, SIZE, PATH and, of a\n"
	"link, TARGET, with tabs between; on a terminal they are columns.\n"
	"\n"
	"  -f, --file FILE   list the layer archive FILE instead (-: standard input), entry by\n"
	"                    entry, with '!' as CHANGE of what unpack refuses\n"
	"  -l, --lower DIR   a layer below, unpacked; repeat, base first\n"
	"  -m, --limit SIZE  of an archive read no more than SIZE uncompressed (100g)\n"
	"  -s, --summary     print only how many paths and bytes: added, changed, deleted\n"
	"  -0, --null        end rows with NUL, names as they are; no TARGET\n"
	"  -h, --help\n";

enum change { ADDED, CHANGED, DELETED, REFUSED, CHANGES };

static struct {
	struct layers layers; /* those below, then the one that is listed */
	size_t below;
	struct {
		uint64_t count, bytes;
	} sums[CHANGES];
} list;

/* ---- rows ---- */

/* As ls(1) shows it: drwxr-sr-t. */
static void mode_text(mode_t mode, char text[static 11])
{
	static const struct {
		mode_t bit;
		char set, set_only; /* with the x bit, and without */
		int at;
	} special[] = {{S_ISUID, 's', 'S', 3}, {S_ISGID, 's', 'S', 6}, {S_ISVTX, 't', 'T', 9}};

	text[0] = S_ISDIR(mode)	   ? 'd'
		  : S_ISLNK(mode)  ? 'l'
		  : S_ISCHR(mode)  ? 'c'
		  : S_ISBLK(mode)  ? 'b'
		  : S_ISFIFO(mode) ? 'p'
		  : S_ISSOCK(mode) ? 's'
				   : '-';
	for (int i = 0; i < 9; i++)
		text[1 + i] = mode & (0400U >> i) ? "rwx"[i % 3] : '-';
	for (size_t i = 0; i < sizeof special / sizeof *special; i++)
		if (mode & special[i].bit)
			text[special[i].at] =
				text[special[i].at] == 'x' ? special[i].set : special[i].set_only;
	text[10] = '\0';
}

/* One row, counted too. ST is NULL if nobody knows, TEXT, the target, if it is no link. */
static void row(enum change change, const struct stat *st, const char *path, const char *text)
{
	char mode[11] = "-", owner[12] = "-", group[12] = "-", size[SIZE_TEXT] = "-";

	list.sums[change].count++;
	if (st && S_ISREG(st->st_mode))
		list.sums[change].bytes += (uint64_t)st->st_size;
	if (rows.summary)
		return;
	if (st) {
		mode_text(st->st_mode, mode);
		snprintf(owner, sizeof owner, "%" PRIu32, (uint32_t)st->st_uid);
		snprintf(group, sizeof group, "%" PRIu32, (uint32_t)st->st_gid);
		if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
			snprintf(size, sizeof size, "%u,%u", major(st->st_rdev),
				 minor(st->st_rdev));
		else
			size_text(S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_size, size);
	}
	printf(rows.people ? "%c %-10s %5s %5s %7s " : "%c\t%s\t%s\t%s\t%s\t", "AMD!"[change], mode,
	       owner, group, size);
	put_name(path);
	if (text && rows.end) {
		fputs(rows.people ? " -> " : "\t", stdout);
		put_name(text);
	}
	putchar(rows.end);
}

static void print_summary(void)
{
	static const char *const names[] = {"added", "changed", "deleted", "refused"};
	char size[SIZE_TEXT];

	for (int i = 0; i < CHANGES; i++)
		if (i != REFUSED || list.sums[i].count)
			printf(rows.people ? "%-8s %8" PRIu64 " paths %8s bytes\n"
					   : "%s\t%" PRIu64 "\t%s\n",
			       names[i], list.sums[i].count, size_text(list.sums[i].bytes, size));
}

/* ---- a directory ---- */

/* The topmost of the layers below at the path, if the listed layer did not hide it; or -1. */
static int was_visible(const struct sight *sights)
{
	for (size_t i = list.below; i-- > 0;)
		if (sights[i].what == THERE &&
		    (sights[i].hider < 0 || sights[i].hider == (int)list.below))
			return (int)i;
	return -1;
}

static void visit_there(const char *path, const struct sight *sights, int below)
{
	int layer = list.layers.fds[list.below];
	const struct stat *st = sights[list.below].st;
	char text[PATH_MAX];
	int fd = S_ISLNK(st->st_mode) ? open_in_root(layer, path, O_PATH | O_NOFOLLOW, 0) : -1;
	ssize_t size = fd < 0 ? -1 : readlinkat(fd, "", text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	if (size >= 0)
		text[size] = '\0';
	/* A directory that is as below is there for what is in it. */
	if (below < 0 || !S_ISDIR(st->st_mode) ||
	    attribute_difference(path, list.layers.fds[below], sights[below].st, layer, st))
		row(below < 0 ? ADDED : CHANGED, st, path, size < 0 ? NULL : text);
}

static void hidden_below(const char *directory)
{
	char path[PATH_MAX + 1];

	snprintf(path, sizeof path, "%s/", directory);
	row(DELETED, NULL, path, NULL);
}

static bool visit(const char *path, const struct sight *sights)
{
	const struct sight *top = &sights[list.below];
	int below = was_visible(sights);
	bool hidden = below >= 0 && sights[below].hider == (int)list.below;

	if (top->what == THERE)
		visit_there(path, sights, below);
	else if (hidden || (top->what == WHITEOUT && !list.below))
		row(DELETED, hidden ? sights[below].st : NULL, path, NULL);
	if (top->opaque && !list.below)
		hidden_below(path);
	return top->fd >= 0 || (hidden && S_ISDIR(sights[below].st->st_mode));
}

/* ---- an archive ---- */

/* What a file of ENTRY would be. */
static struct stat entry_stat(struct archive_entry *entry)
{
	const char *text = archive_entry_symlink(entry);
	struct stat st = {
		.st_mode = archive_entry_mode(entry),
		.st_uid = (uid_t)archive_entry_uid(entry),
		.st_gid = (gid_t)archive_entry_gid(entry),
		.st_size = archive_entry_size(entry),
		.st_rdev = makedev((unsigned)archive_entry_rdevmajor(entry),
				   (unsigned)archive_entry_rdevminor(entry)),
	};

	if (text && S_ISLNK(st.st_mode)) { /* the kernel's own rules */
		st.st_mode |= 0777;
		st.st_size = (off_t)strlen(text);
	}
	return st;
}

/* The entry called PATH, clean. */
static void list_clean(struct archive_entry *entry, char path[static PATH_MAX + 1])
{
	char whole[PATH_MAX + 1];
	struct stat st = entry_stat(entry), below_st;
	const char *to = archive_entry_hardlink(entry);

	memcpy(whole, path, strlen(path) + 1);
	const char *name = split(path);
	if (!strcmp(name, ".wh..wh..opq")) {
		hidden_below(path);
		return;
	}
	if (!strncmp(name, ".wh.", 4)) {
		join(whole, path, name + 4);
		bool known = list.below && find_in_layers(&list.layers, whole, &below_st) >= 0;
		if (known || !list.below)
			row(DELETED, known ? &below_st : NULL, whole, NULL);
		return;
	}
	bool there = list.below && find_in_layers(&list.layers, whole, &below_st) >= 0;
	if (there && !to && S_ISDIR(st.st_mode) && st.st_mode == below_st.st_mode &&
	    st.st_uid == below_st.st_uid && st.st_gid == below_st.st_gid)
		return;
	if (to)
		st.st_mode = S_IFREG | (st.st_mode & 07777);
	row(there ? CHANGED : ADDED, &st, whole,
	    to			  ? to
	    : S_ISLNK(st.st_mode) ? archive_entry_symlink(entry)
				  : NULL);
}

static void list_entry(struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);
	char path[PATH_MAX + 1];
	struct stat st = entry_stat(entry);

	switch (try_clean_name(name, path)) {
	case CLEAN_NAME:
		if (*path)
			list_clean(entry, path);
		break;
	case METADATA_NAME:
		break;
	default:
		row(REFUSED, &st, name ? name : "", archive_entry_symlink(entry));
	}
}

/* ---- the command ---- */

static bool list_directory(const char *layer)
{
	list.below = list.layers.count;
	add_layer(&list.layers, layer);
	return walk_layers(&list.layers, list.layers.count, visit);
}

static bool list_archive(const char *file, uint64_t limit)
{
	struct archive_entry *entry;

	list.below = list.layers.count;
	open_archive_stream(open_argument(strcmp(file, "-") != 0 ? file : "fd:0", O_RDONLY), file,
			    limit);
	while ((entry = next_entry()))
		list_entry(entry);
	close_archive_stream();
	return true;
}

int ls_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"file", required_argument, NULL, 'f'},
		{"lower", required_argument, NULL, 'l'},
		{"limit", required_argument, NULL, 'm'},
		{"summary", no_argument, NULL, 's'},
		{"null", no_argument, NULL, '0'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *file = NULL, *limit = "100g";

	for (int c; (c = getopt_long(argc, argv, "+f:l:m:s0h", options, NULL)) != -1;) {
		if (c == 'h')
			help(usage);
		else if (c == 'f')
			file = optarg;
		else if (c == 'm')
			limit = optarg;
		else if (c == 'l')
			add_layer(&list.layers, optarg);
		else if (!rows_option(c))
			usage_error("bad option");
	}
	if (argc - optind != !file)
		usage_error(file ? "LAYER and --file" : "give one LAYER");
	uint64_t bytes = parse_size("--limit", limit);
	setlocale(LC_CTYPE, "C.UTF-8");
	begin_rows("  MODE         UID   GID    SIZE PATH");
	bool complete = file ? list_archive(file, bytes) : list_directory(argv[optind]);
	if (rows.summary || rows.people)
		print_summary();
	close_stdout();
	return complete ? 0 : EXIT_TOOL;
}
