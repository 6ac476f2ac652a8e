/*
 * containers: what containers of a store there are, a row each, newest first.
 *
 * state.c finds out what one is doing, filter.c which are wanted, columns.c what is said of them,
 * with lists.c, ports.c and size.c for what takes more than a line.
 */
#define _GNU_SOURCE
#include "containers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"usage: containers [OPTIONS] STORE RUN\n"
	"Print a row for each container of STORE that runs, with files of its processes in RUN,\n"
	"newest first. Columns have a tab between them: the time it was made, ID, Image, Command,\n"
	"CreatedAt, RunningFor, Ports, State, Status, Size, Names, Labels, Mounts, Networks,\n"
	"LocalVolumes.\n"
	"\n"
	"  -a, --all               all, in any state\n"
	"  -f, --filter KEY=VALUE  id, name (a regular expression), label (NAME[=VALUE]), status,\n"
	"                          exited (a status), ancestor (an image's ID), before and since\n"
	"                          (a time), volume, network, publish and expose\n"
	"                          (PORT[-PORT][/PROTOCOL]), health, is-task\n"
	"  -n, --last NUMBER       the last NUMBER made, in any state\n"
	"  -o, --only TEXT         fill the columns only that TEXT names, such as a template;\n"
	"                          the word json is all\n"
	"  -q, --quiet             IDs alone\n"
	"  -s, --size              count the bytes of the files; else Size is 0B,\n"
	"                          unless TEXT names it\n"
	"      --no-trunc          whole IDs, commands, and paths\n"
	"  -h, --help\n";

/* ---- which there are ---- */

enum { ID_SIZE = 64, TRIES = 3 };

struct entry {
	char id[ID_SIZE + 1];
	char *created;
};

static int newest_first(const void *first, const void *second)
{
	const struct entry *a = first, *b = second;
	int order = strcmp(b->created, a->created);

	return order ? order : strcmp(b->id, a->id);
}

/* All containers, in order; "created" is written last and removed first. */
static struct entry *find_entries(int dir, size_t *count)
{
	struct entry *entries = NULL;
	size_t room = 0;
	DIR *list = fdopendir(dup(dir));
	const struct dirent *found;

	if (!list)
		die("containers:");
	for (*count = 0; (errno = 0, found = readdir(list));) {
		struct entry entry = {0};
		if (!is_hex_id(found->d_name))
			continue;
		char *path = xasprintf("%s/created", found->d_name);
		memcpy(entry.id, found->d_name, ID_SIZE);
		entry.created = file_line(dir, path);
		free(path);
		if (!*entry.created) {
			free(entry.created);
			continue;
		}
		if (*count == room)
			entries = xrealloc(entries, (room = 2 * room + 64) * sizeof(*entries));
		entries[(*count)++] = entry;
	}
	if (errno)
		die("containers:");
	closedir(list);
	if (*count)
		qsort(entries, *count, sizeof(*entries), newest_first);
	return entries;
}

/* ---- rows ---- */

static bool is_wanted(const struct container *c)
{
	return (c->choice->all || c->choice->last || strcmp(c->state, "running") == 0 ||
		strcmp(c->state, "restarting") == 0) &&
	       fits(c);
}

/*
 * A row into OUT; false if the container does not get one. When it has just ended or started, files
 * do not fit together: they are looked at again then.
 */
static bool make_row(FILE *out, struct container *c)
{
	for (int i = 0; i < TRIES; i++) {
		rewind(out);
		find_state(c);
		if (!is_wanted(c))
			return false;
		if (print_columns(out, c))
			return file_exists(c->dir, "created"); /* it may have been removed */
	}
	return false;
}

static bool print_row(const struct choice *choice, int dir, const struct entry *entry)
{
	struct container c = {.choice = choice,
			      .id = entry->id,
			      .created = entry->created,
			      .dir = open_below(dir, entry->id),
			      .run = open_below(choice->run, entry->id)};
	char *text;
	size_t size;
	FILE *row = open_memstream(&text, &size);
	bool made;

	if (!row)
		die("out of memory");
	made = c.dir >= 0 && make_row(row, &c);
	long end = ftell(row);
	fclose(row);
	if (made) {
		fwrite(text, 1, (size_t)end, stdout);
		putchar('\n');
	}
	free(text);
	free(c.code);
	if (c.dir >= 0)
		close(c.dir);
	if (c.run >= 0)
		close(c.run);
	return made;
}

static void print_rows(const struct choice *choice)
{
	int dir = open_below(choice->store, "containers");
	size_t count;
	uint64_t left = choice->last ? choice->last : UINT64_MAX;

	if (dir < 0 && errno == ENOENT)
		return; /* a store that nothing has been put in yet */
	if (dir < 0)
		die("containers:");
	struct entry *entries = find_entries(dir, &count);
	for (size_t i = 0; i < count; i++) {
		if (left && print_row(choice, dir, &entries[i]))
			left--;
		free(entries[i].created);
	}
	free(entries);
	close(dir);
}

/* ---- options ---- */

static const struct option options[] = {
	{"all", no_argument, NULL, 'a'},
	{"filter", required_argument, NULL, 'f'},
	{"last", required_argument, NULL, 'n'},
	{"only", required_argument, NULL, 'o'},
	{"quiet", no_argument, NULL, 'q'},
	{"size", no_argument, NULL, 's'},
	{"no-trunc", no_argument, NULL, 'T'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static void set_option(struct choice *choice, int option)
{
	switch (option) {
	case 'a':
		choice->all = true;
		break;
	case 'f':
		if (add_filter(optarg))
			choice->all = true;
		break;
	case 'n':
		choice->last = parse_number("--last", optarg, 1, UINT64_MAX);
		break;
	case 'o':
		choice->only = optarg;
		break;
	case 'q':
		choice->quiet = true;
		break;
	case 's':
		choice->size = true;
		break;
	case 'T':
		choice->whole = true;
		break;
	case 'h':
		help(usage);
	default:
		usage_error("wrong option");
	}
}

/* A directory that may not be there: -1. */
static int open_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno != ENOENT)
		die("%s:", path);
	return fd;
}

int main(int argc, char **argv)
{
	struct choice choice = {.now = time(NULL)};
	int option;

	tool = "containers";
	while ((option = getopt_long(argc, argv, "af:n:o:qsh", options, NULL)) != -1)
		set_option(&choice, option);
	if (argc - optind != 2)
		usage_error("STORE and RUN, please");
	choice.store = open_directory(argv[optind]);
	choice.run = open_directory(argv[optind + 1]);
	choice.volumes = xasprintf("%s/volumes/", argv[optind]);
	if (choice.store >= 0)
		print_rows(&choice);
	close_stdout();
	return 0;
}
