/*
 * entry: make, rename and remove entries of directories, one after the other. Each is one system
 * call, and so it takes its effect whole or not at all; what mkdir(1), ln(1), mv(1) and rm(1) add
 * to that is in the way of whoever takes a name by making it, and each of them costs as much to
 * start.
 */
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] = "usage: entry STEP...\n"
			    "\n"
			    "Take the steps, in this order, up to the first that fails:\n"
			    "\n"
			    "  mkdir DIRECTORY       make it\n"
			    "  symlink TARGET NAME   make the symbolic link NAME\n"
			    "  rename FROM TO        in place of a TO that is there\n"
			    "  unlink FILE           that it is not there is fine\n"
			    "\n"
			    "Status 1, and no message, if what is to be made is there already.\n"
			    "\n"
			    "  -h, --help\n";

/* Steps of one word get it twice. */
static int make_directory(const char *directory, const char *unused)
{
	(void)unused;
	return mkdir(directory, 0777);
}

static int remove_file(const char *file, const char *unused)
{
	(void)unused;
	return unlink(file) && errno != ENOENT ? -1 : 0;
}

static const struct step {
	const char *name;
	int words;
	int (*take)(const char *first, const char *last);
} steps[] = {
	{"mkdir", 1, make_directory},
	{"symlink", 2, symlink},
	{"rename", 2, rename},
	{"unlink", 1, remove_file},
};

static const struct step *find_step(const char *name)
{
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		if (!strcmp(steps[i].name, name))
			return &steps[i];
	usage_error("no such step: %s", name);
}

/* Is each a step, and whole? Before anything is done. */
static void check_steps(char **words)
{
	while (*words) {
		const struct step *step = find_step(*words++);
		for (int i = 0; i < step->words; i++)
			if (!*words++)
				usage_error("%s needs %d more", step->name, step->words - i);
	}
}

int main(int argc, char **argv)
{
	char **words = argv + 1;

	tool = "entry";
	if (argc > 1 && (!strcmp(*words, "-h") || !strcmp(*words, "--help")))
		help(usage);
	if (argc < 2)
		usage_error("no step");
	check_steps(words);
	while (*words) {
		const struct step *step = find_step(*words);
		const char *first = words[1], *last = words[step->words];
		words += 1 + step->words;
		if (!step->take(first, last))
			continue;
		if (errno == EEXIST && step->take != rename)
			return 1;
		die("%s %s%s%s:", step->name, first, first == last ? "" : " ",
		    first == last ? "" : last);
	}
	return 0;
}
