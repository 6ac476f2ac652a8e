/* State files: values, lines and strings that end in NUL. See skiff-files(5). */
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = 64 << 20 };

/* All of a file; "" if it is not there, which may be since a moment ago. */
static char *content(int dir, const char *name, size_t *size)
{
	int fd = dir == -1 ? -1 : openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *data = fd < 0 ? NULL : try_read_all(fd, FILE_MAX, size);

	if (fd >= 0)
		close(fd);
	if (data)
		return data;
	*size = 0;
	return xstrdup("");
}

char *file_line(int dir, const char *name)
{
	size_t size;
	char *data = content(dir, name, &size);

	data[strcspn(data, "\n")] = '\0';
	return data;
}

/* The parts of a file, each of which ends in END, or with the file. */
static struct file_words split(int dir, const char *name, char end)
{
	struct file_words words = {0};
	size_t size, room = 0;
	char *next;

	words.data = content(dir, name, &size);
	for (char *at = words.data; at < words.data + size; at = next) {
		next = memchr(at, end, size - (size_t)(at - words.data));
		if (!next)
			next = words.data + size;
		*next++ = '\0';
		if (words.count + 2 > room)
			words.at = xrealloc(words.at, (room = 2 * room + 8) * sizeof(*words.at));
		words.at[words.count++] = at;
		words.at[words.count] = NULL;
	}
	return words;
}

struct file_words file_lines(int dir, const char *name)
{
	return split(dir, name, '\n');
}

struct file_words file_strings(int dir, const char *name)
{
	return split(dir, name, '\0');
}

void free_words(struct file_words *words)
{
	free(words->at);
	free(words->data);
}

bool file_exists(int dir, const char *name)
{
	return dir >= 0 && faccessat(dir, name, F_OK, 0) == 0;
}

int open_below(int dir, const char *name)
{
	return dir < 0 ? -1 : openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

const char *word_after(const struct file_words *words, const char *option)
{
	for (size_t i = words->count; i-- > 1;)
		if (strcmp(words->at[i - 1], option) == 0)
			return words->at[i];
	return NULL;
}

bool noted_process_is(int dir, const char *name)
{
	char *line = file_line(dir, name), *start = strchr(line, ' ');
	uint64_t pid, time;

	if (start)
		*start++ = '\0';
	bool is = start && is_number(line, 1, INT32_MAX, &pid) &&
		  is_number(start, 0, UINT64_MAX, &time) && process_is((pid_t)pid, time);
	free(line);
	return is;
}
