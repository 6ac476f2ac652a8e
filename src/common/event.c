/* Lines of a journal of events. */
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What would begin another line, or drive the terminal of who reads it. A tab is a word's end. */
static void make_visible(char *text)
{
	for (char *c = text; *c; c++)
		if ((*c > 0 && *c < ' ' && *c != '\t') || *c == '\x7f')
			*c = '?';
}

char *event_line(const char *time, char *const words[])
{
	char now[TIMESTAMP + 1];

	if (!time)
		timestamp(now);
	char *line = xstrdup(time ? time : now);
	for (size_t i = 0; words[i]; i++) {
		char *longer = xasprintf("%s\t%s", line, words[i]);
		free(line);
		line = longer;
	}
	make_visible(line);
	char *result = xasprintf("%s\n", line);
	free(line);
	return result;
}

bool append_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd < 0)
		return false;
	bool written = write_all(fd, line, strlen(line));
	int error = errno;
	close(fd);
	errno = error;
	return written;
}
