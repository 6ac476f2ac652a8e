/* What is written down: the status, and the last five results. */
#define _GNU_SOURCE
#include "health.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RESULTS = 5, RESULT_HEAD = 128 };

static int directory;
static unsigned long results;

void record_open(const char *path)
{
	char name[32];

	if (mkdir(path, 0755) && errno != EEXIST)
		die("%s:", path);
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		die("%s:", path);
	/* Held for life: who can take it knows that nobody watches. */
	if (flock(directory, LOCK_EX | LOCK_NB))
		die("%s: another health is at work here:", path);
	for (int i = 0; i < RESULTS; i++) {
		snprintf(name, sizeof name, "result.%d", i);
		if (unlinkat(directory, name, 0) && errno != ENOENT)
			die("%s/%s:", path, name);
	}
}

void record_status(const char *status, uint64_t streak)
{
	char *number = xasprintf("%llu\n", (unsigned long long)streak);
	char *line = xasprintf("%s\n", status);

	(void)!replace_file(directory, "streak", number, strlen(number), 0644);
	(void)!replace_file(directory, "status", line, strlen(line), 0644);
	free(number);
	free(line);
}

void record_result(const char *start, const char *end, int status, const char *output, size_t size)
{
	char name[32], *text = xmalloc(RESULT_HEAD + size);
	size_t length = (size_t)snprintf(text, RESULT_HEAD, "%s %s %d\n", start, end, status);

	memcpy(text + length, output, size);
	snprintf(name, sizeof name, "result.%lu", results++ % RESULTS);
	(void)!replace_file(directory, name, text, length + size, 0644);
	free(text);
}
