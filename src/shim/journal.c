/*
 * The journal: a file that others write to as well, a line for each event. Each of
 * ours is one write(2) at its end, so that lines never mix. Who reads it may come and
 * go; that it cannot be written to is no reason for a container to end.
 */
#define _GNU_SOURCE
#include "shim.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EVENTS = 4, ATTRIBUTES_MAX = 1 << 20 };

static int journal = -1, attributes_dir;
static const char *attributes_name;
static const char *at_start[EVENTS], *at_end[EVENTS];
static size_t start_count, end_count;

void journal_open(const char *path)
{
	journal = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (journal < 0)
		die("%s:", path);
}

void journal_attributes(const char *path)
{
	char *dir = xstrdup(path), *slash = strrchr(dir, '/');

	if (!slash)
		usage_error("--attributes: a path with a directory, not '%s'", path);
	*slash = '\0';
	attributes_name = xstrdup(slash + 1);
	attributes_dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (attributes_dir < 0)
		die("%s:", dir);
	free(dir);
}

static void add_event(const char *what, const char **events, size_t *count, const char *text)
{
	if (*count == EVENTS)
		usage_error("%s: more than %d", what, EVENTS);
	events[(*count)++] = text;
}

void journal_add(const char *text, bool end)
{
	if (end)
		add_event("--end-event", at_end, &end_count, text);
	else
		add_event("--start-event", at_start, &start_count, text);
}

/* The attributes as they are now, each with a tab before it; they change while we run (rename). */
static char *read_attributes(void)
{
	int fd = attributes_name ? openat(attributes_dir, attributes_name,
					  O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
				 : -1;
	char *text = fd < 0 ? NULL : try_read_all(fd, ATTRIBUTES_MAX, NULL);

	if (fd >= 0)
		close(fd);
	for (char *c = text; c && *c; c++)
		if (*c == '\n')
			*c = c[1] ? '\t' : '\0';
	char *result = text && *text ? xasprintf("\t%s", text) : xstrdup("");
	free(text);
	return result;
}

/* One line for each of COUNT events. */
static void write_events(const char *time, const char *const events[], size_t count,
			 const char *tail)
{
	if (journal < 0 || !count)
		return;
	char *attributes = read_attributes();
	for (size_t i = 0; i < count; i++) {
		char *line = xasprintf("%s\t%s%s%s\n", time, events[i], attributes, tail);
		(void)write_all(journal, line, strlen(line));
		free(line);
	}
	free(attributes);
}

void journal_start(const char *time)
{
	write_events(time, at_start, start_count, "");
}

void journal_end(const char *time, int status)
{
	char tail[32];

	snprintf(tail, sizeof tail, "\texitCode=%d", status);
	write_events(time, at_end, end_count, tail);
}
