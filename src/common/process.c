/* Processes: who they are, how they end, how one becomes the next. */
#define _GNU_SOURCE
#include "common.h"
#include "newer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

/* /proc/PID/stat, in LINE: what comes behind the name, from field 3 on; NULL if it is gone. */
static char *read_stat(pid_t pid, char *line, size_t size)
{
	char path[32], *name;

	snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	ssize_t used = read(fd, line, size - 1);
	close(fd);
	line[used > 0 ? used : 0] = '\0';
	/* Field 2 is the name in brackets and may hold blanks and brackets itself. */
	name = strrchr(line, ')');
	return name && name[1] ? name + 2 : NULL;
}

/* The number in FIELD of what read_stat() found. */
static bool stat_number(char *next, int field, uint64_t *value)
{
	for (int at = 3; next && at < field; at++)
		if ((next = strchr(next, ' ')))
			next++;
	if (!next)
		return false;
	next[strspn(next, "0123456789")] = '\0';
	return is_number(next, 0, UINT64_MAX, value);
}

bool process_stat(pid_t pid, int field, uint64_t *value)
{
	char line[1024];

	return stat_number(read_stat(pid, line, sizeof line), field, value);
}

bool process_is(pid_t pid, uint64_t start)
{
	char line[1024], *state = read_stat(pid, line, sizeof line);
	uint64_t value;

	return state && *state != 'Z' && stat_number(state, 22, &value) && value == start;
}

uint64_t process_start_time(pid_t pid)
{
	uint64_t value;

	return process_stat(pid, 22, &value) ? value : 0;
}

int open_process(const char *text, pid_t *pid)
{
	char *copy = xstrdup(text), *start;
	uint64_t number, time = 0;

	if (strchr(text, '/')) {
		int file = open_argument(text, O_RDONLY);
		free(copy);
		copy = read_all(file, 64, NULL, text);
		close(file);
		copy[strcspn(copy, "\n")] = '\0';
	}
	start = strpbrk(copy, ": ");
	if (start)
		*start++ = '\0';
	number = parse_number("process", copy, 1, INT32_MAX);
	if (start)
		time = parse_number("start time", start, 1, UINT64_MAX);
	free(copy);
	int fd = pidfd_open((pid_t)number, 0);
	/* Compared after the open: a PID that was used again since then shows here. */
	if (fd >= 0 && start && time != process_start_time((pid_t)number)) {
		close(fd);
		fd = -1;
		errno = ESRCH;
	}
	*pid = (pid_t)number;
	return fd;
}

void chain(char *const argv[])
{
	execvp(argv[0], argv);
	int error = errno;
	warn("%s:", argv[0]);
	exit(error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
}

int exit_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

int signal_number(const char *name)
{
	uint64_t number;

	if (is_number(name, 1, (uint64_t)SIGRTMAX, &number))
		return (int)number;
	if (!strncasecmp(name, "SIG", 3))
		name += 3;
	for (int n = 1; n < 32; n++) {
		const char *known = sigabbrev_np(n);
		if (known && !strcasecmp(known, name))
			return n;
	}
	if (!strcasecmp(name, "RTMIN"))
		return SIGRTMIN;
	if (!strcasecmp(name, "RTMAX"))
		return SIGRTMAX;
	if (!strncasecmp(name, "RTMIN+", 6) &&
	    is_number(name + 6, 0, (uint64_t)(SIGRTMAX - SIGRTMIN), &number))
		return SIGRTMIN + (int)number;
	if (!strncasecmp(name, "RTMAX-", 6) &&
	    is_number(name + 6, 0, (uint64_t)(SIGRTMAX - SIGRTMIN), &number))
		return SIGRTMAX - (int)number;
	return 0;
}

void close_inherited(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	uint64_t fd;

	if (!dir)
		die("/proc/self/fd:");
	while ((entry = readdir(dir)))
		if (is_number(entry->d_name, STDERR_FILENO + 1, INT32_MAX, &fd) &&
		    !(fcntl((int)fd, F_GETFD) & FD_CLOEXEC))
			close((int)fd);
	closedir(dir);
}
