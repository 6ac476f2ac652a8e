/*
 * layerfs changes: what the upper directory of an overlay changes in the layers below,
 * a line for each file: A added, C changed, D deleted. A directory is changed when
 * something in it is.
 */
#define _GNU_SOURCE
#include "common.h"
#include "layerfs.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"usage: layerfs changes [-l DIR]... [-x PATH]... UPPER\n"
	"\n"
	"List what the directory UPPER of an overlay adds (A), changes (C) and deletes (D).\n"
	"\n"
	"  -l, --lower DIR  a layer below, base first\n"
	"  -x, --stub PATH  an empty file or directory that was only made to mount on:\n"
	"                   left out, and so are directories that have nothing else\n"
	"  -h, --help\n";

static int upper;
static struct layers lower;
static struct stubs stubs;

/* The lines, as a directory's is decided after those of what it holds. */
static char **lines;
static size_t line_count;

static void add_line(char kind, const char *path)
{
	if (!(line_count & (line_count + 1)))
		lines = xrealloc(lines, (2 * line_count + 1) * sizeof *lines);
	lines[line_count++] = xasprintf("%c /%s", kind, path);
}

/* Names come from the container: a newline must not begin another line, nor drive a terminal. */
static void print_line(const char *line)
{
	for (const char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			printf("\\%03o", (unsigned)(unsigned char)*c);
		else
			putchar(*c);
	putchar('\n');
}

/* As far as stat(2) tells. What a directory holds shows by itself. */
static bool is_same(const struct stat *a, const struct stat *b, bool times)
{
	bool directory = S_ISDIR(a->st_mode);

	return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid &&
	       a->st_rdev == b->st_rdev && (directory || a->st_size == b->st_size) &&
	       (!times || (a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
			   a->st_mtim.tv_nsec == b->st_mtim.tv_nsec));
}

static bool is_child(const struct child *children, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(children[i].name, name))
			return true;
	return false;
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* The directory PATH hides what is below: of that, what is none of its CHILDREN is deleted. */
static void add_hidden(const char *path, const struct child *children, size_t count)
{
	char **names = NULL;
	size_t found = 0;
	struct stat st;

	for (size_t i = 0; i < lower.count; i++) {
		int fd = open_in_root(lower.fds[i], path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
		DIR *dir = fd < 0 ? NULL : read_directory(fd);
		for (const char *name; dir && (name = next_name(dir));) {
			char *full = xasprintf("%s/%s", path, name);
			if (is_child(children, count, name) ||
			    find_in_layers(&lower, full, &st) != (int)i) {
				free(full);
				continue;
			}
			if (!(found & (found + 1)))
				names = xrealloc(names, (2 * found + 1) * sizeof *names);
			names[found++] = full;
		}
		if (dir)
			closedir(dir);
	}
	if (found)
		qsort(names, found, sizeof *names, compare_names);
	for (size_t i = 0; i < found; i++) {
		add_line('D', names[i]);
		free(names[i]);
	}
	free(names);
}

static bool list(const char *path, bool hiding);

/* CHILD of a directory, by its PATH; true if it is a stub and so no change at all. */
static bool list_child(const char *path, const struct child *child, bool hiding)
{
	struct stat below;
	bool covers = find_in_layers(&lower, path, &below) >= 0;
	size_t line = line_count;

	if (!child->whiteout && is_stub(&stubs, upper, &lower, path, &child->st))
		return true;
	if (child->whiteout) {
		if (covers)
			add_line('D', path);
		return false;
	}
	add_line(covers ? 'C' : 'A', path);
	if (!S_ISDIR(child->st.st_mode)) {
		if (covers && is_same(&child->st, &below, true))
			free(lines[--line_count]);
		return false;
	}
	bool stub = list(path, hiding);
	/* Making a stub changed the time of the directory. */
	if (covers && line_count == line + 1 && is_same(&child->st, &below, !stub))
		free(lines[--line_count]);
	return false;
}

/* What is in the directory PATH ("": the root); true if there is a stub in it. */
static bool list(const char *path, bool hiding)
{
	int fd = open_in_root(upper, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	bool stub = false;
	struct stat st;
	size_t count;

	if (fd < 0 && errno == ENOENT)
		return false; /* deleted meanwhile */
	if (fd < 0)
		die("%s:", path);
	hiding = hiding || is_opaque(fd);
	struct child *children = read_children(fd, path, &count);
	for (size_t i = 0; i < count; i++) {
		char *name = xasprintf("%s%s%s", path, *path ? "/" : "", children[i].name);
		if (strlen(name) >= PATH_MAX)
			die("%s: path too long", name);
		stub = list_child(name, &children[i], hiding) || stub;
		free(name);
	}
	if (hiding && *path && find_in_layers(&lower, path, &st) >= 0)
		add_hidden(path, children, count);
	free_children(children, count);
	return stub;
}

int changes_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"lower", required_argument, NULL, 'l'},
		{"stub", required_argument, NULL, 'x'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};

	for (int c; (c = getopt_long(argc, argv, "+l:x:h", options, NULL)) != -1;) {
		if (c == 'h')
			help(usage);
		if (c == 'l')
			add_layer(&lower, optarg);
		else if (c == 'x')
			add_stub(&stubs, optarg);
		else
			usage_error("bad option");
	}
	if (argc - optind != 1)
		usage_error("give one UPPER");
	upper = open(argv[optind], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (upper < 0)
		die("%s:", argv[optind]);
	list("", false);
	for (size_t i = 0; i < line_count; i++)
		print_line(lines[i]);
	close_stdout();
	return 0;
}
