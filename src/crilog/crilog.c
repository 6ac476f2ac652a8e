/*
 * crilog: print a CRI log, what a container wrote, as it wrote it.
 *
 * files.c finds the files that rotation made and follows from one to the next,
 * times.c understands --since and --until, output.c writes and escapes. Here
 * records are taken apart and chosen.
 */
#define _GNU_SOURCE
#include "crilog.h"

#include "common.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"usage: crilog [options] FILE\n"
	"Print the CRI log FILE and what rotation made of it (FILE.1, FILE.2 ...):\n"
	"what was written to standard output there, here, and to standard error alike.\n"
	"\n"
	"  -f, --follow          go on as the log grows\n"
	"      --lock FILE       with --follow: until nobody holds this lock (flock)\n"
	"  -n, --tail N          the last N lines only, or 'all'\n"
	"  -t, --timestamps      the time before each line\n"
	"      --details         and a blank, as Docker does: where attributes would be\n"
	"      --since TIME      from TIME on: 2026-11-22T10:00:00Z, seconds since 1970,\n"
	"      --until TIME      up to TIME    or so long ago: 1h30m\n"
	"      --escape WHEN     show control characters: always, never, or auto, that is,\n"
	"                        when the output is a terminal\n"
	"  -h, --help\n";

struct choice {
	bool follow, timestamps, details;
	const char *lock;
	uint64_t tail;
	char since[TIME_SIZE], until[TIME_SIZE]; /* empty: no limit */
};

/* A line of the file in its parts. */
struct record {
	const char *time, *text;
	size_t time_size, size;
	int fd;
	bool partial;
};

bool record_is_line(const char *line, size_t size)
{
	const char *space = memchr(line, ' ', size);

	return space && (size_t)(line + size - space) > 8 && space[8] == 'F';
}

/* Take LINE apart: "TIME stdout F text". False when it is no record. */
static bool parse(const char *line, size_t size, struct record *record)
{
	const char *space = memchr(line, ' ', size);

	if (!space || line + size - space < 9 || memcmp(space + 1, "std", 3) != 0 ||
	    space[7] != ' ' || (space[8] != 'F' && space[8] != 'P'))
		return false;
	if (!memcmp(space + 4, "out", 3))
		record->fd = STDOUT_FILENO;
	else if (!memcmp(space + 4, "err", 3))
		record->fd = STDERR_FILENO;
	else
		return false;
	record->time = line;
	record->time_size = (size_t)(space - line);
	record->partial = space[8] == 'P';
	record->text = space + 9;
	record->size = (size_t)(line + size - record->text);
	if (record->size) { /* the blank after the tag */
		record->text++;
		record->size--;
	}
	return true;
}

/* True when the time of RECORD is before LIMIT: both have the same form. */
static bool before(const struct record *record, const char *limit)
{
	return record->time_size == TIME_SIZE - 1 && memcmp(record->time, limit, TIME_SIZE - 1) < 0;
}

/* Print a record, if it is chosen. */
static void print(const struct choice *choice, const struct record *record)
{
	static bool within[2]; /* a line of that stream has begun */
	bool *begun = &within[record->fd == STDERR_FILENO];

	if ((*choice->since && before(record, choice->since)) ||
	    (*choice->until && !before(record, choice->until)))
		return;
	if (choice->timestamps && !*begun) {
		output_write(record->fd, record->time, record->time_size);
		output_write(record->fd, " ", 1);
	}
	if (choice->details && !*begun)
		output_write(record->fd, " ", 1);
	output_text(record->fd, record->text, record->size);
	if (!record->partial)
		output_write(record->fd, "\n", 1);
	*begun = record->partial;
}

/* Print the records in DATA; the number of bytes that were whole lines. */
static size_t print_lines(const struct choice *choice, const char *data, size_t size,
			  uint64_t *strange)
{
	const char *next = data, *end = data + size, *newline;
	struct record record;

	while ((newline = memchr(next, '\n', (size_t)(end - next)))) {
		if (parse(next, (size_t)(newline - next), &record))
			print(choice, &record);
		else
			++*strange;
		next = newline + 1;
	}
	return (size_t)(next - data);
}

/* Print from the position of the files where they are. */
static void print_files(const struct choice *choice)
{
	size_t room = 1 << 18, used = 0;
	char *data = xmalloc(room);
	uint64_t strange = 0;

	for (;;) {
		ssize_t n = files_read(data + used, room - used);
		if (n == 0) {
			output_flush();
			if (!choice->follow || !files_wait())
				break;
			continue;
		}
		used += (size_t)n;
		size_t done = print_lines(choice, data, used, &strange);
		used -= done;
		memmove(data, data + done, used);
		if (used == room)
			data = xrealloc(data, room *= 2);
	}
	free(data);
	if (strange)
		warn("%llu lines that are no records were left out", (unsigned long long)strange);
}

enum { OPTION_LOCK = 256, OPTION_SINCE, OPTION_UNTIL, OPTION_ESCAPE, OPTION_DETAILS };

static const struct option long_options[] = {
	{"follow", no_argument, NULL, 'f'},
	{"lock", required_argument, NULL, OPTION_LOCK},
	{"tail", required_argument, NULL, 'n'},
	{"timestamps", no_argument, NULL, 't'},
	{"details", no_argument, NULL, OPTION_DETAILS},
	{"since", required_argument, NULL, OPTION_SINCE},
	{"until", required_argument, NULL, OPTION_UNTIL},
	{"escape", required_argument, NULL, OPTION_ESCAPE},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static void set_option(struct choice *choice, int option)
{
	switch (option) {
	case 'f':
		choice->follow = true;
		break;
	case OPTION_LOCK:
		choice->lock = optarg;
		break;
	case 'n':
		choice->tail = strcmp(optarg, "all") != 0
				       ? parse_number("--tail", optarg, 0, UINT64_MAX - 1)
				       : UINT64_MAX;
		break;
	case 't':
		choice->timestamps = true;
		break;
	case OPTION_DETAILS:
		choice->details = true;
		break;
	case OPTION_SINCE:
		parse_time("--since", optarg, choice->since);
		break;
	case OPTION_UNTIL:
		parse_time("--until", optarg, choice->until);
		break;
	case OPTION_ESCAPE:
		output_escape(optarg);
		break;
	case 'h':
		help(usage);
	default:
		usage_error("wrong option");
	}
}

int main(int argc, char **argv)
{
	struct choice choice = {.tail = UINT64_MAX};
	int option;

	tool = "crilog";
	output_escape("auto");
	while ((option = getopt_long(argc, argv, "+fn:th", long_options, NULL)) != -1)
		set_option(&choice, option);
	if (argc - optind != 1)
		usage_error("one FILE, please");
	if (choice.lock && !choice.follow)
		usage_error("--lock goes with --follow");
	files_open(argv[optind]);
	if (choice.follow)
		files_follow(choice.lock);
	if (choice.tail != UINT64_MAX)
		files_tail(choice.tail);
	print_files(&choice);
	return 0;
}
