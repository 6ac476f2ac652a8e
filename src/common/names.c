/* The names in a directory. */
#define _GNU_SOURCE
#include "common.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_names(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

char **read_names(int fd, size_t *count, const char *path)
{
	DIR *dir = fdopendir(fd);
	char **names = NULL;
	struct dirent *item;
	size_t n = 0;

	if (!dir)
		die("%s:", path);
	while ((errno = 0, item = readdir(dir))) {
		if (!strcmp(item->d_name, ".") || !strcmp(item->d_name, ".."))
			continue;
		if (!(n & (n + 1))) /* room for 1, 3, 7, 15 ... is full */
			names = xrealloc(names, (2 * n + 1) * sizeof *names);
		names[n++] = xstrdup(item->d_name);
	}
	if (errno)
		die("%s:", path);
	closedir(dir);
	if (n)
		qsort(names, n, sizeof *names, compare_names);
	*count = n;
	return names;
}
