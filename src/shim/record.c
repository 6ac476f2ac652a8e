/*
 * Records: what became of the container, in files that are there even when the
 * disk is full. Their blocks are taken at the start, under another name; in the
 * end the text is written over them and the file gets its name.
 */
#define _GNU_SOURCE
#include "shim.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RECORD_SIZE = 64, RETRIES = 60 };

static const char *const names[RECORDS] = {"started", "finished", "exit"};
static int state_dir, reserved[RECORDS];
static char last_start[RECORD_SIZE]; /* the line of the run before this one; "" if there was none */

/* The name under which the space for a record waits. */
static void reserved_name(char *name, size_t size, enum record which)
{
	snprintf(name, size, "%s.reserved", names[which]);
}

/* Leave nothing behind, as nobody is going to use it. */
static void give_back(void)
{
	char name[32];

	for (int i = 0; i < RECORDS; i++) {
		reserved_name(name, sizeof name, i);
		unlinkat(state_dir, name, 0);
	}
}

/* There is no room. */
static _Noreturn void cannot_reserve(const char *what)
{
	int error = errno;

	give_back();
	errno = error;
	die("%s:", what);
}

static void read_last_start(void)
{
	int fd = openat(state_dir, names[RECORD_STARTED], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, last_start, sizeof last_start - 1);

	last_start[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

void record_reserve(int dirfd)
{
	char name[32], blank[RECORD_SIZE] = {0};

	state_dir = dirfd;
	read_last_start();
	for (int i = 0; i < RECORDS; i++) {
		reserved_name(name, sizeof name, i);
		reserved[i] = openat(dirfd, name,
				     O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
		if (reserved[i] < 0 || !write_all(reserved[i], blank, sizeof blank))
			cannot_reserve(name);
	}
	/* How the last run ended is known until here; when ("finished") it stays. */
	for (int i = 0; i < RECORDS; i++)
		if (i != RECORD_FINISHED && unlinkat(dirfd, names[i], 0) && errno != ENOENT)
			die("%s:", names[i]);
	if (unlinkat(dirfd, "error", 0) && errno != ENOENT)
		die("error:");
}

/* One try; false with errno on error. */
static bool try_record(enum record which, const char *line, size_t size)
{
	char name[32];

	reserved_name(name, sizeof name, which);
	return pwrite(reserved[which], line, size, 0) == (ssize_t)size &&
	       !ftruncate(reserved[which], (off_t)size) &&
	       !renameat(state_dir, name, state_dir, names[which]);
}

void record_no_run(void)
{
	last_start[strcspn(last_start, "\n")] = '\0';
	if (*last_start)
		record(RECORD_STARTED, last_start);
	give_back();
}

void record(enum record which, const char *text)
{
	char line[RECORD_SIZE];
	int size = snprintf(line, sizeof line, "%s\n", text);

	for (int i = 0; i < RETRIES && !try_record(which, line, (size_t)size); i++) {
		/* Possible where a write needs new blocks all the same: btrfs, zfs. */
		if (errno != ENOSPC && errno != EDQUOT)
			break;
		nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
	}
	close(reserved[which]);
}
