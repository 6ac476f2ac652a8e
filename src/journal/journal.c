/*
 * journal: append one line to a journal, a file that others append to as well: the time, and what
 * happened. Without a journal the time alone is printed, in the same form: half as much as what
 * date(1) costs, which is linked dynamically and reads files of the time zone.
 */
#define _GNU_SOURCE
#include "common.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
	"usage: journal [-t TIME] [FILE WORD...]\n"
	"\n"
	"Append a line to FILE, made if it is not there: the time and the WORDs, a tab "
	"before each.\n"
	"It is one write, so that lines of several writers never mix. Without FILE "
	"print the time.\n"
	"\n"
	"  -t, --time TIME   that time (now: RFC 3339, UTC, nine digits)\n"
	"  -h, --help\n";

int main(int argc, char **argv)
{
	static const struct option options[] = {{"time", required_argument, NULL, 't'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	const char *time = NULL;

	tool = "journal";
	for (int c; (c = getopt_long(argc, argv, "+t:h", options, NULL)) != -1;) {
		if (c == 'h')
			help(usage);
		if (c != 't')
			usage_error("bad option");
		time = optarg;
	}
	argv += optind;
	if (*argv && !argv[1])
		usage_error("no WORD for %s", *argv);
	char *line = event_line(time, *argv ? argv + 1 : argv);
	if (*argv) {
		if (!append_line(*argv, line))
			die("%s:", *argv);
		return 0;
	}
	fputs(line, stdout);
	close_stdout();
	return 0;
}
