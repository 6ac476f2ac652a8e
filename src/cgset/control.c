/*
 * A group as a whole, with its sub-groups: its processes, freeze, kill, remove.
 * Groups are walked by descriptors: a container may nest groups deeper than
 * PATH_MAX.
 */
#define _GNU_SOURCE
#include "cgset.h"
#include "common.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { FREEZE_WAIT = 10000, KILL_WAIT = 10000, REMOVE_WAIT = 2000 }; /* ms */

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What is done to each sub-group: NAME below PARENT, open as SELF. */
typedef void visitor(int parent, const char *name, int self, void *context);

/* Open the group NAME below PARENT. Each level takes a descriptor: all that we may have. */
static int open_group(int parent, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int self = openat(parent, name, flags);
	struct rlimit limit;

	if (self < 0 && errno == EMFILE && !getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
		self = openat(parent, name, flags);
	}
	return self;
}

/* Visit the group NAME below PARENT, its sub-groups first. One that is gone is no error. */
static void walk(int parent, const char *name, visitor *visit, void *context)
{
	int self = open_group(parent, name);
	DIR *entries = self < 0 ? NULL : fdopendir(self);

	if (!entries) {
		if (errno != ENOENT)
			die("open group %s:", name);
		return;
	}
	for (const struct dirent *entry; (entry = readdir(entries));)
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			walk(self, entry->d_name, visit, context);
	visit(parent, name, self, context);
	closedir(entries);
}

/* ---- processes ---- */

/* The group's main directory; NULL after a warning if there is no such group. */
static const struct directory *existing(struct group *group)
{
	const struct directory *directory = main_directory(group);

	if (!directory)
		warn("no such group: %s", group->name);
	return directory;
}

/* What to do with each process, and how many there were. */
struct census {
	void (*act)(pid_t pid);
	size_t count;
};

static void visit_processes(int parent, const char *name, int self, void *context)
{
	struct census *census = context;
	int fd = openat(self, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	FILE *list = fd < 0 ? NULL : fdopen(fd, "r");
	char line[32];

	(void)parent, (void)name;
	if (!list)
		return; /* removed meanwhile; or threaded: then its domain names the processes */
	while (fgets(line, sizeof line, list)) {
		census->count++;
		if (census->act)
			census->act((pid_t)strtol(line, NULL, 10));
	}
	fclose(list);
}

size_t for_processes(const struct directory *directory, void (*act)(pid_t pid))
{
	struct census census = {.act = act};

	walk(AT_FDCWD, directory->path, visit_processes, &census);
	return census.count;
}

static void print_pid(pid_t pid)
{
	printf("%ld\n", (long)pid);
}

bool print_processes(struct group *group)
{
	const struct directory *directory = existing(group);

	if (!directory)
		return false;
	for_processes(directory, print_pid);
	return true;
}

/* ---- waiting ---- */

/* The value of KEY in the v2 file cgroup.events, open as FD: 0 or 1; -1 if there is none. */
static int event(int fd, const char *key)
{
	char text[256];
	ssize_t size = pread(fd, text, sizeof text - 1, 0);

	if (size < 0)
		return -1;
	text[size] = '\0';
	const char *found = strstr(text, key);
	return found ? found[strlen(key) + 1] - '0' : -1;
}

/*
 * Wait until KEY of cgroup.events has VALUE, MILLISECONDS at most. The kernel
 * announces changes to poll(2) as POLLPRI.
 */
static bool wait_event(const struct directory *directory, const char *key, int value,
		       long milliseconds)
{
	char *name = xasprintf("%s/cgroup.events", directory->path);
	int fd = open(name, O_RDONLY | O_CLOEXEC), seen = value;
	long end = now() + milliseconds, left = milliseconds;

	free(name);
	if (fd < 0)
		return errno == ENOENT || errno == ENODEV; /* the group is gone */
	while ((seen = event(fd, key)) >= 0 && seen != value && left > 0) {
		struct pollfd change = {.fd = fd, .events = POLLPRI};
		poll(&change, 1, (int)left);
		left = end - now();
	}
	close(fd);
	return seen == value || seen < 0;
}

/* Wait until the group has no process; false if there still are after MILLISECONDS. */
static bool wait_empty(const struct directory *directory, long milliseconds)
{
	long end = now() + milliseconds;

	if (directory->unified)
		return wait_event(directory, "populated", 0, milliseconds);
	while (for_processes(directory, NULL)) {
		if (now() >= end)
			return false;
		usleep(2000);
	}
	return true;
}

/* ---- freeze, thaw ---- */

/* A v1 freezer answers FREEZING until the last process has stopped, and has no event for it. */
static bool freeze_v1(const struct directory *directory)
{
	for (long end = now() + FREEZE_WAIT; now() < end; usleep(1000)) {
		/* Writing again catches processes that were just being forked. */
		if (!try_value(directory, "freezer.state", "FROZEN"))
			return false;
		char *state = get_value(directory->path, "freezer.state");
		bool frozen = state && !strcmp(state, "FROZEN");
		free(state);
		if (frozen)
			return true;
	}
	errno = ETIMEDOUT;
	return false;
}

bool freeze_group(struct group *group)
{
	const struct directory *directory = existing(group);

	if (!directory)
		return false;
	if (!directory->unified ? freeze_v1(directory)
				: try_value(directory, "cgroup.freeze", "1") &&
					  wait_event(directory, "frozen", 1, FREEZE_WAIT))
		return true;
	warn("freeze %s:", directory->path);
	return false;
}

/* A sub-group may be frozen on its own account. Errors go to the int CONTEXT. */
static void visit_thaw(int parent, const char *name, int self, void *context)
{
	int fd = openat(self, "cgroup.freeze", O_WRONLY | O_CLOEXEC);
	const char *thawed = "0";

	(void)parent, (void)name;
	if (fd < 0) {
		fd = openat(self, "freezer.state", O_WRONLY | O_CLOEXEC);
		thawed = "THAWED";
	}
	if ((fd < 0 || write(fd, thawed, strlen(thawed)) < 0) && errno != ENODEV)
		*(int *)context = errno;
	if (fd >= 0)
		close(fd);
}

bool thaw_group(struct group *group)
{
	const struct directory *directory = existing(group);
	int error = 0;

	if (!directory)
		return false;
	walk(AT_FDCWD, directory->path, visit_thaw, &error);
	errno = error;
	if (error)
		warn("thaw %s:", directory->path);
	return !error;
}

/* ---- kill, remove ---- */

static void kill_process(pid_t pid)
{
	if (pid > 1) /* 0 is a process of another PID namespace */
		kill(pid, SIGKILL);
}

/*
 * Without cgroup.kill (before Linux 5.14): freeze, so that nothing forks and no
 * number is used again between reading and killing; kill; thaw; look again.
 */
static bool kill_one_by_one(struct group *group, const struct directory *directory)
{
	for (long end = now() + KILL_WAIT; now() < end;) {
		freeze_group(group);
		for_processes(directory, kill_process);
		thaw_group(group);
		if (wait_empty(directory, 100))
			return true;
	}
	return false;
}

bool kill_group(struct group *group)
{
	const struct directory *directory = existing(group);

	if (!directory)
		return false;
	bool by_kernel = directory->unified && try_value(directory, "cgroup.kill", "1");
	if (by_kernel) {
		thaw_group(group);
		if (wait_empty(directory, KILL_WAIT))
			return true;
	} else if (kill_one_by_one(group, directory)) {
		return true;
	}
	warn("kill: %s: %zu processes did not end", group->name, for_processes(directory, NULL));
	return false;
}

static void visit_remove(int parent, const char *name, int self, void *context)
{
	(void)self;
	if (unlinkat(parent, name, AT_REMOVEDIR) && errno != ENOENT)
		*(int *)context = errno;
}

/* Remove one directory, by trying: a dead process may hold a group for a moment (EBUSY). */
static bool remove_directory(const struct directory *directory)
{
	for (long end = now() + REMOVE_WAIT;; usleep(1000)) {
		int error = 0;

		if (!rmdir(directory->path) || errno == ENOENT)
			return true;
		walk(AT_FDCWD, directory->path, visit_remove, &error);
		if (!error)
			return true;
		if (error != EBUSY || now() > end) {
			errno = error;
			return false;
		}
	}
}

static bool remove_directories(const struct directory *directory, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!remove_directory(&directory[i])) {
			warn("remove %s:", directory[i].path);
			return false;
		}
	}
	return true;
}

bool remove_group(struct group *group)
{
	const struct directory *directory = main_directory(group);

	if (directory && !wait_empty(directory, REMOVE_WAIT)) {
		warn("remove: %s: has %zu processes", group->name, for_processes(directory, NULL));
		warn("end them first: cgset kill %s", group->name);
		return false;
	}
	/* runc makes it in named hierarchies, too. Where we have none it is not ours. */
	bool removed = !directory || remove_directories(group->other, group->other_count);
	/* Whatever is there: who made or removed it may have been killed half-way. */
	return removed && remove_directories(group->directory, group->count);
}
