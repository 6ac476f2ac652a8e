/*
 * describe: what the store has of containers and images, as the JSON that Docker's inspect prints.
 */
#define _GNU_SOURCE
#include "describe.h"

#include "common.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: describe [-c | -l] STORE\n"
	"Print containers and images of STORE as Docker's inspect does, one for each line of\n"
	"standard input, with tabs between its fields:\n"
	"\n"
	"  container ID STATE PID PAUSED [SIZE-RW SIZE-ROOT]\n"
	"  image ID [\"REFERENCE DIGEST\"]...\n"
	"\n"
	"  -c, --compact   a list on one line\n"
	"  -l, --lines     no list: each on a line of its own\n"
	"  -h, --help\n";

enum { FIELDS_MAX = 4096 };

/* The fields of LINE into FIELD: how many. */
static size_t split_fields(char *line, char **field)
{
	size_t count = 0;

	line[strcspn(line, "\n")] = '\0';
	while (line && count < FIELDS_MAX)
		field[count++] = strsep(&line, "\t");
	return count;
}

/* What a line asks for; NULL if it has just gone. */
static json_t *describe(struct subject subject, char **field, size_t count)
{
	if (count < 2 || !is_hex_id(field[1]))
		die("not a line with an ID: '%s'", field[0]);
	subject.id = field[1];
	if (strcmp(field[0], "image") == 0)
		return describe_image(&subject, field + 2, count - 2);
	if (strcmp(field[0], "container") != 0 || (count != 5 && count != 7))
		die("not a line for a container or an image: '%s'", field[0]);
	subject.state = field[2];
	subject.pid = field[3];
	subject.paused = field[4];
	subject.size_rw = count == 7 ? field[5] : NULL;
	subject.size_root = count == 7 ? field[6] : NULL;
	return describe_container(&subject);
}

/* A list: one object for each line of standard input; *COMPLETE is false if one is not there. */
static json_t *describe_all(const struct subject *subject, bool *complete)
{
	static char *field[FIELDS_MAX];
	json_t *list = json_array(), *one;
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, stdin) > 0) {
		one = describe(*subject, field, split_fields(line, field));
		if (one)
			json_array_append_new(list, one);
		else
			warn("%s %s is not there", field[0], field[1]);
		*complete = *complete && one;
	}
	if (ferror(stdin))
		die("cannot read standard input:");
	free(line);
	return list;
}

static void print(const json_t *value, size_t flags)
{
	if (json_dumpf(value, stdout, flags) < 0 || putchar('\n') == EOF)
		die("cannot write to standard output:");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"compact", no_argument, NULL, 'c'},
		{"lines", no_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	bool compact = false, lines = false, complete = true;
	struct subject subject = {0};
	json_t *list, *one;
	size_t i;
	int option;

	tool = "describe";
	while ((option = getopt_long(argc, argv, "clh", options, NULL)) != -1) {
		if (option == 'c')
			compact = true;
		else if (option == 'l')
			lines = true;
		else if (option == 'h')
			help(usage);
		else
			usage_error("wrong option");
	}
	if (argc - optind != 1 || (compact && lines))
		usage_error("one STORE, and one of -c and -l");
	subject.store = argv[optind];
	subject.root = open(subject.store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (subject.root < 0)
		die("%s:", subject.store);
	list = describe_all(&subject, &complete);
	if (!lines)
		print(list, compact ? JSON_COMPACT : JSON_INDENT(4));
	else
		json_array_foreach(list, i, one) print(one, JSON_COMPACT);
	close_stdout();
	return complete ? 0 : 1;
}
