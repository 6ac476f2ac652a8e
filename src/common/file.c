/* Files: read whole, replaced whole, opened without leaving a root. */
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int open_argument(const char *argument, int flags)
{
	int fd;

	if (!strncmp(argument, "fd:", 3)) {
		fd = (int)parse_number("descriptor", argument + 3, 0, INT_MAX);
		if (fcntl(fd, F_GETFD) < 0)
			die("%s:", argument);
		return fd;
	}
	fd = open(argument, flags | O_CLOEXEC, 0666);
	if (fd < 0)
		die("%s:", argument);
	return fd;
}

char *try_read_all(int fd, size_t limit, size_t *size)
{
	size_t used = 0, room = 4096;
	char *data = xmalloc(room + 1);

	for (;;) {
		ssize_t n = read(fd, data + used, room - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			break;
		if (n > 0)
			used += (size_t)n;
		if (n < 0 || used > limit) {
			int error = n < 0 ? errno : EFBIG;
			free(data);
			errno = error;
			return NULL;
		}
		if (used == room)
			data = xrealloc(data, (room *= 2) + 1);
	}
	data[used] = '\0';
	if (size)
		*size = used;
	return data;
}

char *read_all(int fd, size_t limit, size_t *size, const char *name)
{
	char *data = try_read_all(fd, limit, size);

	if (!data && errno == EFBIG)
		die("%s: more than %zu bytes", name, limit);
	if (!data)
		die("%s:", name);
	return data;
}

bool write_all(int fd, const void *data, size_t size)
{
	const char *next = data;

	while (size) {
		ssize_t n = write(fd, next, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		next += n;
		size -= (size_t)n;
	}
	return true;
}

bool replace_file(int dirfd, const char *name, const void *data, size_t size, mode_t mode)
{
	char *aside = xasprintf("%s.%ld", name, (long)getpid());
	int fd = openat(dirfd, aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
	bool done = false;

	if (fd >= 0) {
		done = write_all(fd, data, size);
		done = !close(fd) && done;
		done = done && !renameat(dirfd, aside, dirfd, name);
		if (!done) {
			int error = errno;
			unlinkat(dirfd, aside, 0);
			errno = error;
		}
	}
	free(aside);
	return done;
}

void put_file(int dirfd, const char *name, const char *format, ...)
{
	va_list ap;
	char *text;
	int length;

	va_start(ap, format);
	length = vasprintf(&text, format, ap);
	va_end(ap);
	if (length < 0)
		die("out of memory");
	if (!replace_file(dirfd, name, text, (size_t)length, 0644))
		die("%s:", name);
	free(text);
}

int open_in_root(int root, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	do /* EAGAIN: something in the tree was renamed meanwhile, openat2(2) */
		fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
	while (fd < 0 && (errno == EAGAIN || errno == EINTR));
	return fd;
}

char **split_strings(char *data, size_t size, size_t *count)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++)
		n += !data[i];
	n += size && data[size - 1];

	char **strings = xmalloc((n + 1) * sizeof *strings);
	for (size_t i = 0; i < n; i++) {
		strings[i] = data;
		data += strlen(data) + 1;
	}
	strings[n] = NULL;
	if (count)
		*count = n;
	return strings;
}
