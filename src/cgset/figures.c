/* Figures of a group: the same names, whatever files they come from. */
#define _GNU_SOURCE
#include "cgset.h"
#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A number in FILE: all of it if KEY is NULL, else the sum of the numbers after each word KEY. */
struct source {
	const char *file, *key;
	unsigned divisor; /* 0: 1 */
};

static const struct figure {
	const char *name;
	enum controller controller;
	struct source v1, v2;
} figures[] = {
	{"memory.current", MEMORY, {"memory.usage_in_bytes", NULL, 0}, {"memory.current", NULL, 0}},
	{"memory.peak", MEMORY, {"memory.max_usage_in_bytes", NULL, 0}, {"memory.peak", NULL, 0}},
	{"memory.max", MEMORY, {"memory.limit_in_bytes", NULL, 0}, {"memory.max", NULL, 0}},
	{"memory.swap.current",
	 MEMORY,
	 {"memory.stat", "total_swap ", 0},
	 {"memory.swap.current", NULL, 0}},
	{"memory.anon", MEMORY, {"memory.stat", "total_rss ", 0}, {"memory.stat", "anon ", 0}},
	{"memory.file", MEMORY, {"memory.stat", "total_cache ", 0}, {"memory.stat", "file ", 0}},
	{"memory.inactive_file",
	 MEMORY,
	 {"memory.stat", "total_inactive_file ", 0},
	 {"memory.stat", "inactive_file ", 0}},
	{"oom_kill",
	 MEMORY,
	 {"memory.oom_control", "oom_kill ", 0},
	 {"memory.events", "oom_kill ", 0}},
	{"cpu.usage_usec", CPUACCT, {"cpuacct.usage", NULL, 1000}, {"cpu.stat", "usage_usec ", 0}},
	{"cpu.user_usec",
	 CPUACCT,
	 {"cpuacct.usage_user", NULL, 1000},
	 {"cpu.stat", "user_usec ", 0}},
	{"cpu.system_usec",
	 CPUACCT,
	 {"cpuacct.usage_sys", NULL, 1000},
	 {"cpu.stat", "system_usec ", 0}},
	{"cpu.nr_periods", CPU, {"cpu.stat", "nr_periods ", 0}, {"cpu.stat", "nr_periods ", 0}},
	{"cpu.nr_throttled",
	 CPU,
	 {"cpu.stat", "nr_throttled ", 0},
	 {"cpu.stat", "nr_throttled ", 0}},
	{"cpu.throttled_usec",
	 CPU,
	 {"cpu.stat", "throttled_time ", 1000},
	 {"cpu.stat", "throttled_usec ", 0}},
	{"pids.current", PIDS, {"pids.current", NULL, 0}, {"pids.current", NULL, 0}},
	{"pids.max", PIDS, {"pids.max", NULL, 0}, {"pids.max", NULL, 0}},
	{"io.rbytes",
	 IO,
	 {"blkio.throttle.io_service_bytes_recursive", "Read ", 0},
	 {"io.stat", "rbytes=", 0}},
	{"io.wbytes",
	 IO,
	 {"blkio.throttle.io_service_bytes_recursive", "Write ", 0},
	 {"io.stat", "wbytes=", 0}},
	{"io.rios",
	 IO,
	 {"blkio.throttle.io_serviced_recursive", "Read ", 0},
	 {"io.stat", "rios=", 0}},
	{"io.wios",
	 IO,
	 {"blkio.throttle.io_serviced_recursive", "Write ", 0},
	 {"io.stat", "wios=", 0}},
	/* The processes' own: not from one file. */
	{"procs", CONTROLLERS, {0}, {0}},
	{"populated", CONTROLLERS, {0}, {0}},
	{"frozen", CONTROLLERS, {0}, {0}},
	/* When the others were read. */
	{"clock_usec", CONTROLLERS, {0}, {0}},
};

enum { FIGURES = sizeof figures / sizeof *figures };

/* The sum of the numbers that follow KEY in TEXT; false if a file of single keys has it not. */
static bool sum(const char *text, const char *key, uint64_t *total)
{
	bool found = false;

	*total = 0;
	for (const char *at = text; (at = strstr(at, key)); at++) {
		if (at > text && at[-1] != ' ' && at[-1] != '\n')
			continue;
		*total += strtoull(at + strlen(key), NULL, 10);
		found = true;
	}
	return found;
}

enum answer { UNKNOWN, NUMBER, NO_LIMIT };

/* What SOURCE in the directory PATH says; UNKNOWN if this kernel does not say it. */
static enum answer read_source(const char *name, const char *path, const struct source *source,
			       uint64_t *value)
{
	char *text = get_value(path, source->file);
	enum answer answer = UNKNOWN;

	*value = 0;
	if (text && source->key) {
		/* A group that has done no I/O has no line, which is 0. */
		if (sum(text, source->key, value) || !strncmp(name, "io.", 3))
			answer = NUMBER;
	} else if (text) {
		if (is_number(text, 0, UINT64_MAX, value))
			answer = NUMBER;
		/* v1 shows "no limit" as the largest number of whole pages. */
		if (!strcmp(text, "max") || *value > INT64_MAX / 2)
			answer = NO_LIMIT;
	}
	free(text);
	if (source->divisor)
		*value /= source->divisor;
	return answer;
}

static uint64_t microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static bool is_frozen(const struct directory *directory)
{
	char *state =
		get_value(directory->path, directory->unified ? "cgroup.events" : "freezer.state");
	bool frozen = state && strstr(state, directory->unified ? "frozen 1" : "FROZEN");

	free(state);
	return frozen;
}

static enum answer read_figure(struct group *group, const struct figure *figure, uint64_t *value)
{
	const struct directory *directory = main_directory(group);

	if (figure->controller != CONTROLLERS) {
		directory = with_controller(group, figure->controller);
		return directory
			       ? read_source(figure->name, directory->path,
					     directory->unified ? &figure->v2 : &figure->v1, value)
			       : UNKNOWN;
	}
	if (!strcmp(figure->name, "frozen"))
		*value = is_frozen(directory);
	else if (!strcmp(figure->name, "clock_usec"))
		*value = microseconds();
	else
		*value = for_processes(directory, NULL);
	if (!strcmp(figure->name, "populated"))
		*value = *value > 0;
	return NUMBER;
}

/* The figure as text, "max" for no limit; NULL if this host does not tell. */
static const char *figure_text(struct group *group, const struct figure *figure)
{
	static char text[32];
	uint64_t value;
	enum answer answer = read_figure(group, figure, &value);

	if (answer == UNKNOWN)
		return NULL;
	if (answer == NO_LIMIT)
		return "max";
	snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	return text;
}

static const struct figure *find_figure(const char *name)
{
	for (size_t i = 0; i < FIGURES; i++)
		if (!strcmp(name, figures[i].name))
			return &figures[i];
	return NULL;
}

bool print_figures(struct group *group, size_t count, char *const names[])
{
	bool done = true;

	if (!main_directory(group)) {
		warn("no such group: %s", group->name);
		return false;
	}
	for (size_t i = 0; !count && i < FIGURES; i++) {
		const char *text = figure_text(group, &figures[i]);
		if (text)
			printf("%s %s\n", figures[i].name, text);
	}
	for (size_t n = 0; n < count; n++) {
		const struct figure *figure = find_figure(names[n]);
		const char *text = figure ? figure_text(group, figure) : NULL;
		if (text)
			printf("%s %s\n", names[n], text);
		else if (figure)
			warn("%s: this host does not tell: %s", group->name, names[n]);
		else
			warn("no such figure: %s", names[n]);
		done = done && text;
	}
	return done;
}

void check_figures(size_t count, char *const names[])
{
	for (size_t n = 0; n < count; n++)
		if (!find_figure(names[n]))
			die("no such figure: %s", names[n]);
}

void print_row(struct group *group, size_t count, char *const names[])
{
	if (!main_directory(group))
		return;
	printf("%s", group->name);
	for (size_t n = 0; n < count; n++) {
		const char *text = figure_text(group, find_figure(names[n]));
		printf("\t%s", text ? text : "-");
	}
	putchar('\n');
}
