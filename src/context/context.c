/*
 * context: files below a directory, chosen as COPY of a Dockerfile chooses them: as a tar
 * archive, or as one digest of all that counts. Nothing outside of the directory is ever
 * read, whatever links it has.
 */
#define _GNU_SOURCE
#include "context.h"
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
	"usage: context tar|digest [-klp] [-i NAME] [-I FILE] [-x PATTERN]... ROOT SOURCE...\n"
	"       context list [-l] [-i NAME] [-I FILE] [-x PATTERN]... ROOT SOURCE...\n"
	"       context cat ROOT PATH\n"
	"\n"
	"Choose files below the directory ROOT (fd:N: a descriptor) as COPY of a Dockerfile does.\n"
	"\n"
	"tar     write them to standard output: a file under the last part of its name, of a\n"
	"        directory what is in it\n"
	"digest  print the digest of that archive, without times\n"
	"list    print the paths that SOURCEs with wildcards mean, \"/\" behind directories\n"
	"cat     write the file PATH to standard output\n"
	"\n"
	"  -k, --keep             keep owners, extended attributes and hard links\n"
	"  -l, --literal          SOURCEs are no patterns\n"
	"  -p, --parents          keep the directories of sources (those behind \"/./\")\n"
	"  -i, --ignore NAME      leave out what the file NAME below ROOT says, if there is one:\n"
	"                         patterns as in .dockerignore\n"
	"  -I, --ignore-file FILE the same, of any file\n"
	"  -x, --exclude PATTERN  leave out such paths below each source\n"
	"  -h, --help\n";

enum { PATTERNS_SIZE = 1 << 20 };

static struct choice choice = {.root = -1};
static size_t found;
static bool literal;
static const char *pivot_text; /* --parents: from where on names are kept */

static void read_ignore(int fd, const char *name)
{
	size_t size;

	if (fd < 0 && errno == ENOENT)
		return;
	if (fd < 0)
		die("%s:", name);
	char *text = read_all(fd, PATTERNS_SIZE, &size, name);
	add_patterns(&choice.ignore, text, size);
	free(text);
	close(fd);
}

/* ---- for each source ---- */

static void put_one(const char *path)
{
	/* With wildcards before it the pivot is at the same part of each path. */
	const char *pivot = path;
	for (const char *at = pivot_text; at && *at && *pivot; at++)
		if (*at == '/') {
			pivot += strcspn(pivot, "/");
			pivot += *pivot == '/';
		}
	found += put_source(&choice, path, pivot);
}

static void list_one(const char *path)
{
	struct stat st;
	int fd = open_in_root(choice.root, *path ? path : ".", O_PATH, 0);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return;
	if (fd < 0 || fstat(fd, &st))
		die("%s:", path);
	close(fd);
	if (*path && leaves_out(&choice.ignore, path) &&
	    (!S_ISDIR(st.st_mode) || !choice.ignore.any_again))
		return;
	if (strchr(path, '\n'))
		die("%s: a newline in a name", path);
	found++;
	if (S_ISDIR(st.st_mode) || !leaves_out(&choice.exclude, last_part(path)))
		printf("%s%s\n", *path ? path : ".", S_ISDIR(st.st_mode) ? "/" : "");
}

static void each_source(char **sources, void (*each)(const char *path))
{
	for (; *sources; sources++) {
		char *pivot = strstr(*sources, "/./"), *clean = clean_path(*sources);
		char *before = NULL;
		if (pivot && choice.parents) {
			char *part = xasprintf("%.*s", (int)(pivot - *sources), *sources);
			char *path = clean_path(part);
			before = xasprintf("%s%s", path, *path ? "/" : "");
			free(part);
			free(path);
		}
		pivot_text = before;
		found = 0;
		if (literal)
			each(clean);
		else
			find_sources(choice.root, clean, each);
		if (!found)
			die("file not found in build context or excluded by .dockerignore: stat "
			    "%s: file does not exist",
			    *sources);
		free(clean);
		free(before);
	}
}

/* ---- the verbs ---- */

static void cat(const char *path)
{
	char block[64 * 1024];
	struct stat st;
	ssize_t size;
	int fd = open_in_root(choice.root, path, O_RDONLY | O_NONBLOCK, 0);

	if (fd < 0 || fstat(fd, &st))
		die("%s:", path);
	if (!S_ISREG(st.st_mode))
		die("%s: not a file", path);
	while ((size = read(fd, block, sizeof block)) > 0)
		if (!write_all(STDOUT_FILENO, block, (size_t)size))
			die("standard output:");
	if (size < 0)
		die("%s:", path);
}

static const char *ignore_name, *ignore_file;

static struct stream_options parse(int argc, char **argv)
{
	static const struct option options[] = {
		{"keep", no_argument, NULL, 'k'},
		{"literal", no_argument, NULL, 'l'},
		{"parents", no_argument, NULL, 'p'},
		{"ignore", required_argument, NULL, 'i'},
		{"ignore-file", required_argument, NULL, 'I'},
		{"exclude", required_argument, NULL, 'x'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct stream_options stream = {0};

	for (int c; (c = getopt_long(argc, argv, "+klpi:I:x:h", options, NULL)) != -1;) {
		switch (c) {
		case 'k':
			stream.keep = true;
			break;
		case 'l':
			literal = true;
			break;
		case 'p':
			choice.parents = true;
			break;
		case 'i':
			ignore_name = optarg;
			break;
		case 'I':
			ignore_file = optarg;
			break;
		case 'x':
			add_pattern(&choice.exclude, optarg);
			break;
		case 'h':
			help(usage);
		default:
			usage_error("bad option");
		}
	}
	if (argc - optind < 2)
		usage_error("give ROOT and at least one SOURCE");
	return stream;
}

int main(int argc, char **argv)
{
	tool = "context";
	if (argc < 2)
		usage_error("no verb");
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))
		help(usage);
	const char *verb = argv[1];
	struct stream_options stream = parse(argc - 1, argv + 1);
	char **words = argv + 1 + optind;
	choice.root = open_argument(words[0], O_PATH | O_DIRECTORY);
	if (ignore_name)
		read_ignore(open_in_root(choice.root, ignore_name, O_RDONLY | O_NONBLOCK, 0),
			    ignore_name);
	if (ignore_file)
		read_ignore(open(ignore_file, O_RDONLY | O_CLOEXEC), ignore_file);
	if (!strcmp(verb, "cat")) {
		cat(words[1]);
	} else if (!strcmp(verb, "list")) {
		each_source(words + 1, list_one);
		close_stdout();
	} else if (!strcmp(verb, "tar") || !strcmp(verb, "digest")) {
		stream.digest = *verb == 'd';
		if (!stream.digest && isatty(STDOUT_FILENO))
			die("standard output is a terminal, not a file or pipe");
		open_stream(&stream);
		each_source(words + 1, put_one);
		close_stream();
	} else {
		usage_error("no such verb: %s", verb);
	}
	return 0;
}
