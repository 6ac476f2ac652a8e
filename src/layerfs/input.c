/*
 * The bytes of a layer's file. The file may be on its way still: who fetches it
 * writes DIR/.NAME.part, in one go from the start to the end, and renames that to
 * DIR/NAME when it is whole and right, as pull(1) does.
 */
#define _GNU_SOURCE
#include "input.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 256 * 1024, NAP = 10 /* ms between looks at a file that grows */ };

struct input input;

static unsigned char buffer[INPUT_BACK + SIZE];
static unsigned char *const start = buffer + INPUT_BACK;
static int file = -1;
static bool growing; /* .name was not there when it was last looked at */

void input_open(int fd, const char *name)
{
	file = fd;
	input.name = name;
	input.data = start;
}

/* ---- a file on its way ---- */

/* Is the one who fetches it alive? */
static bool is_coming(void)
{
	struct pollfd pipe = {.fd = STDIN_FILENO};

	return poll(&pipe, 1, 0) < 0 || !(pipe.revents & (POLLHUP | POLLNVAL));
}

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = NAP * 1000000}, NULL);
}

static int try_open(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno != ENOENT)
		die("%s:", name);
	return fd;
}

int input_follow(const char *name)
{
	const char *slash = strrchr(name, '/'), *last = slash ? slash + 1 : name;
	char part[PATH_MAX];
	struct stat st;
	int fd;

	if (fstat(STDIN_FILENO, &st) || !S_ISFIFO(st.st_mode))
		die("--follow: standard input is no pipe");
	if (snprintf(part, sizeof part, "%.*s.%s.part", (int)(last - name), name, last) >= PATH_MAX)
		die("%s: name too long", name);
	for (;;) {
		bool coming = is_coming(); /* looked at first: the file may be there, and he gone */
		growing = (fd = try_open(name)) < 0;
		if (growing)
			fd = try_open(part);
		if (fd >= 0)
			break;
		if (!coming)
			die("%s: it never came", name);
		nap();
	}
	input.name = name;
	return fd;
}

/* Is FILE what has the final name now? */
static bool is_whole(void)
{
	struct stat named, opened;

	if (stat(input.name, &named)) {
		if (errno != ENOENT)
			die("%s:", input.name);
		return false;
	}
	if (fstat(file, &opened) || named.st_dev != opened.st_dev || named.st_ino != opened.st_ino)
		die("%s: another file came instead", input.name);
	return true;
}

/* All that there is has been read: is there more to come? Waits. */
static bool wait_for_more(void)
{
	struct stat st;

	if (!growing)
		return false;
	bool coming = is_coming();
	growing = !is_whole();
	if (!growing)
		return true; /* what came between the end and the new name */
	if (!coming)
		die("%s: the rest never came", input.name);
	if (fstat(file, &st) || st.st_size < lseek(file, 0, SEEK_CUR))
		die("%s: it was begun again", input.name);
	nap();
	return true;
}

void input_await(void)
{
	while (growing)
		wait_for_more();
}

/* ---- reading ---- */

bool input_fill(size_t wanted)
{
	ssize_t got;

	if (input.size >= wanted)
		return true;
	memmove(start, input.data, input.size);
	input.data = start;
	while (input.size < wanted) {
		got = read(file, start + input.size, SIZE - input.size);
		if (got < 0 && errno != EINTR)
			die("%s:", input.name);
		if (got == 0 && !wait_for_more())
			break;
		if (got > 0)
			input.size += (size_t)got;
	}
	return input.size > 0;
}

void input_give_back(const void *bytes, size_t size)
{
	input.data -= size;
	input.size += size;
	memcpy(input.data, bytes, size);
}
