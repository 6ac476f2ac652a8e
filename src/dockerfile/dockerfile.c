/*
 * dockerfile: print the instructions of a Dockerfile as JSON.
 */
#define _GNU_SOURCE
#include "dockerfile.h"

#include "common.h"
#include "utf8.h"

#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"usage: dockerfile [-lr] [-a NAME[=VALUE]]... [-s STAGE] [-e ENVFILE] [-o TRIGGERS] "
	"[FILE]\n"
	"Print the instructions of the Dockerfile FILE (default and '-': standard input) as JSON,\n"
	"one a line, with variables expanded.\n"
	"\n"
	"  -a, --build-arg NAME[=VALUE]  a build argument; without VALUE that of the environment\n"
	"  -e, --env ENVFILE             the environment of the base image: NAME=VALUE lines, or\n"
	"                                with NULs between them\n"
	"  -l, --list                    only the first line, which has the stages\n"
	"  -o, --onbuild TRIGGERS        a file with the base image's OnBuild, a JSON list\n"
	"  -r, --raw                     do not expand variables\n"
	"  -s, --stage STAGE             only this stage, by name or number\n"
	"  -h, --help\n";

const char *at_file;
size_t at_line;

static void complain(const char *format, va_list arguments)
{
	char *message;

	if (vasprintf(&message, format, arguments) < 0)
		die("out of memory");
	tool = at_line ? xasprintf("%s:%zu", at_file, at_line) : at_file;
	warn("%s", message);
	exit(1);
}

void bad(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	complain(format, arguments);
	exit(1);
}

/* ---- arguments ---- */

static void check_text(const char *what, const char *text)
{
	for (const char *at = text, *end = text + strlen(text); at < end;) {
		size_t size = utf8_size(at, end);

		if (!size)
			die("%s is not UTF-8: %s", what, text);
		at += size;
	}
}

static void add_build_arg(struct settings *settings, char *text)
{
	static const char *const platform[] = {"TARGETPLATFORM", "TARGETOS",	  "TARGETARCH",
					       "TARGETVARIANT",	 "BUILDPLATFORM", "BUILDOS",
					       "BUILDARCH",	 "BUILDVARIANT"};
	char *value = strchr(text, '=');
	json_t *object = settings->build_args;

	if (value)
		*value++ = '\0';
	else
		value = getenv(text);
	if (!*text)
		usage_error("a build argument without a name");
	check_text("build argument", text);
	if (!value)
		return;
	check_text("build argument", value);
	for (size_t i = 0; i < sizeof(platform) / sizeof(*platform); i++)
		if (!strcmp(text, platform[i]))
			object = settings->platform;
	json_object_set_new(object, text, json_string(value));
}

static char *read_file(const char *name, size_t *size)
{
	int fd = strcmp(name, "-") != 0 ? open_argument(name, O_RDONLY) : STDIN_FILENO;
	char *data = read_all(fd, FILE_MAX, size, name);

	if (fd != STDIN_FILENO)
		close(fd);
	return data;
}

static json_t *read_env(const char *name)
{
	size_t size, step;
	char *data = read_file(name, &size), end = memchr(data, '\0', size) ? '\0' : '\n';
	json_t *env = json_object();

	for (char *line = data; line < data + size; line += step + 1) {
		char *stop = memchr(line, end, (size_t)(data + size - line)), *value;

		step = stop ? (size_t)(stop - line) : (size_t)(data + size - line);
		line[step] = '\0';
		if (!step)
			continue;
		check_text(name, line);
		if (!(value = strchr(line, '=')) || value == line)
			die("%s: %s: expected NAME=VALUE", name, line);
		*value++ = '\0';
		json_object_set_new(env, line, json_string(value));
	}
	return env;
}

static json_t *read_triggers(const char *name)
{
	size_t size, i;
	char *data = read_file(name, &size);
	json_error_t error;
	json_t *list = json_loadb(data, size, JSON_DECODE_ANY, &error), *trigger;

	if (!list)
		die("%s: expected a JSON list of instructions: %s", name, error.text);
	if (json_is_null(list))
		return json_array();
	if (!json_is_array(list))
		die("%s: expected a JSON list of instructions", name);
	json_array_foreach(list, i, trigger) if (!json_is_string(trigger))
		die("%s: item %zu is no text, expected an instruction", name, i + 1);
	return list;
}

static const struct option long_options[] = {
	{"build-arg", required_argument, NULL, 'a'},
	{"env", required_argument, NULL, 'e'},
	{"help", no_argument, NULL, 'h'},
	{"list", no_argument, NULL, 'l'},
	{"onbuild", required_argument, NULL, 'o'},
	{"raw", no_argument, NULL, 'r'},
	{"stage", required_argument, NULL, 's'},
	{0},
};

static void set_option(struct settings *settings, int option)
{
	switch (option) {
	case 'a':
		add_build_arg(settings, optarg);
		break;
	case 'e':
		settings->base_env = read_env(optarg);
		break;
	case 'h':
		help(usage);
	case 'l':
		settings->list = true;
		break;
	case 'o':
		settings->triggers = read_triggers(optarg);
		settings->triggers_file = optarg;
		break;
	case 'r':
		settings->raw = true;
		break;
	case 's':
		settings->stage = optarg;
		break;
	default:
		usage_error("wrong option");
	}
}

int main(int argc, char **argv)
{
	struct settings settings = {.build_args = json_object(), .platform = json_object()};
	struct document document;
	struct text out = {0};
	size_t size;
	int option;

	tool = "dockerfile";
	setlocale(LC_CTYPE, "C.UTF-8"); /* for the letters of names */
	while ((option = getopt_long(argc, argv, "+a:e:hlo:rs:", long_options, NULL)) != -1)
		set_option(&settings, option);
	if (argc - optind > 1)
		usage_error("one FILE, please");
	if ((settings.base_env || settings.triggers) && !settings.stage)
		usage_error("-e and -o belong to a stage: -s STAGE");
	const char *name = optind < argc ? argv[optind] : "-";
	char *data = read_file(name, &size);
	at_file = strcmp(name, "-") != 0 ? name : "standard input";
	read_lines(&document, data, size);
	print_document(&document, &settings, &out);
	if (!write_all(STDOUT_FILENO, out.data, out.size))
		die("cannot write to standard output:");
	return 0;
}
