/*
 * The files of a log: FILE, which grows, and FILE.1, FILE.2 ... which were it,
 * the highest number the oldest. While we read they may be renamed to the next
 * number, at any moment, the oldest first; a file is known by its inode.
 */
#define _GNU_SOURCE
#include "crilog.h"

#include "../shim/shim.h"
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 1 << 16 };

static const char *path;
static int current = -1;
static int watch = -1, lock_pipe = -1;
static bool unlocked;

/* The name of file NUMBER. */
static const char *file_name(int number)
{
	static char name[PATH_MAX];

	snprintf(name, sizeof name, number ? "%s.%d" : "%s", path, number);
	return name;
}

/* The highest number below NUMBER that a file has; -1 if there is none. */
static int next_lower(int number)
{
	while (--number >= 0 && access(file_name(number), F_OK) != 0)
		continue;
	return number;
}

/* Open file NUMBER; -1 when it is not there (any more). Dies on other errors. */
static int open_file(int number)
{
	int fd = open(file_name(number), O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno != ENOENT)
		die("%s:", file_name(number));
	return fd;
}

/* The number that the file FD has now; LOG_FILES_MAX when it was removed. */
static int number_of(int fd)
{
	struct stat this, other;

	if (fstat(fd, &this))
		die("%s:", path);
	for (int i = 0; i < LOG_FILES_MAX; i++)
		if (!stat(file_name(i), &other) && other.st_ino == this.st_ino &&
		    other.st_dev == this.st_dev)
			return i;
	return LOG_FILES_MAX;
}

/*
 * Open the file that follows FD (or the oldest, if FD is -1); -1 when FD is the
 * last. Renaming keeps the order, so it is the one with the next lower number;
 * if a rename came between the look and the open, we look again.
 */
static int open_next(int fd)
{
	for (;;) {
		int number = fd < 0 ? LOG_FILES_MAX : number_of(fd);
		int lower = next_lower(number);
		int next = lower < 0 ? -1 : open_file(lower);

		if (lower < 0)
			return -1; /* perhaps between a rename and the new file */
		if (next >= 0 && number_of(next) == lower && (fd < 0 || number_of(fd) == number) &&
		    next_lower(number) == lower)
			return next;
		if (next >= 0)
			close(next);
	}
}

void files_open(const char *file)
{
	path = file;
	current = open_next(-1);
	if (current < 0)
		die("%s: no such log", file);
}

ssize_t files_read(char *data, size_t size)
{
	for (;;) {
		ssize_t n = read(current, data, size);
		if (n < 0)
			die("%s:", path);
		if (n)
			return n;
		int next = open_next(current);
		if (next < 0)
			return 0;
		/* Nobody writes to it now, but somebody may have since our read. */
		n = read(current, data, size);
		if (n > 0) {
			close(next);
			return n;
		}
		close(current);
		current = next;
	}
}

/*
 * Go over the records in DATA up to the COUNTth that ends a line: where that is
 * (at the end, if there are fewer). *LINES: how many there were, *WHOLE: the last
 * record was one.
 */
static size_t line_end(const char *data, size_t size, uint64_t count, uint64_t *lines, bool *whole)
{
	const char *next = data, *end = data + size, *newline;

	*lines = 0;
	*whole = true;
	while (*lines < count && (newline = memchr(next, '\n', (size_t)(end - next)))) {
		*whole = record_is_line(next, (size_t)(newline - next));
		*lines += *whole;
		next = newline + 1;
	}
	return (size_t)(next - data);
}

/*
 * Look backwards through the file FD for the beginning of the last *COUNT lines:
 * behind the end of the one before. Its offset, with *FOUND; otherwise *COUNT
 * has what is to be found in older files. *NEWEST: nothing was found until now.
 */
static off_t tail_offset(int fd, uint64_t *count, bool *newest, bool *found)
{
	size_t block = BLOCK;
	char *data = xmalloc(block);
	off_t end = lseek(fd, 0, SEEK_END), position = 0;

	while (end > 0 && !*found) {
		size_t want = (uint64_t)end < block ? (size_t)end : block, skip = 0;
		off_t start = end - (off_t)want;
		uint64_t lines;
		bool whole;
		ssize_t n = pread(fd, data, want, start);
		if (n < 0)
			die("%s:", path);
		if (start > 0) { /* begin with a whole line */
			const char *newline = memchr(data, '\n', (size_t)n);
			if (!newline || newline == data + n - 1) {
				data = xrealloc(data, block *= 2);
				continue;
			}
			skip = (size_t)(newline + 1 - data);
		}
		line_end(data + skip, (size_t)n - skip, UINT64_MAX, &lines, &whole);
		lines += *newest && !whole; /* a line that has not ended */
		*newest = false;
		if (lines > *count) {
			skip += line_end(data + skip, (size_t)n - skip, lines - *count, &lines,
					 &whole);
			*found = true;
			position = start + (off_t)skip;
		} else {
			*count -= lines;
			end = start + (off_t)skip;
		}
	}
	free(data);
	return position;
}

void files_tail(uint64_t count)
{
	bool found = false, newest = true;

	for (int number = 0; number < LOG_FILES_MAX && !found; number++) {
		int fd = open_file(number);
		if (fd < 0)
			continue;
		close(current);
		current = fd;
		if (lseek(fd, tail_offset(fd, &count, &newest, &found), SEEK_SET) < 0)
			die("%s:", path);
	}
}

/* A child of ours takes the lock for us: unlike flock(2), a pipe can be polled. */
static void wait_for_lock(const char *lock)
{
	int ends[2], fd = open(lock, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno != ENOENT)
		die("%s:", lock);
	unlocked = fd < 0;
	if (unlocked)
		return;
	if (pipe2(ends, O_CLOEXEC))
		die("pipe:");
	pid_t parent = getpid(), child = fork();
	if (child < 0)
		die("fork:");
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			flock(fd, LOCK_SH);
		_exit(0);
	}
	close(fd);
	close(ends[1]);
	lock_pipe = ends[0];
}

void files_follow(const char *lock)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? strndup(path, (size_t)(slash - path + 1)) : xstrdup(".");

	watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (!dir || watch < 0 ||
	    inotify_add_watch(watch, dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
		die("%s: cannot watch it:", path);
	free(dir);
	if (lock)
		wait_for_lock(lock);
}

bool files_wait(void)
{
	char events[4096] __attribute__((aligned(8)));
	struct pollfd polls[] = {{.fd = watch, .events = POLLIN},
				 {.fd = lock_pipe, .events = POLLIN}};

	if (unlocked)
		return false;
	while (poll(polls, 2, -1) < 0)
		if (errno != EINTR)
			die("poll:");
	while (read(watch, events, sizeof events) > 0)
		continue;
	unlocked = polls[1].revents; /* what was written before that is still to be read */
	return true;
}
