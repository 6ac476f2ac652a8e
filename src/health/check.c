/* One check: start the command, keep the beginning of its output, wait for it or end it. */
#define _GNU_SOURCE
#include "health.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST_INHERITED = 3, LAST_INHERITED = 9 };
enum { TIMED_OUT = -1 };

static char output[OUTPUT_KEPT];
static size_t size;
static pid_t running; /* the command, 0 if there is none */
static int how;	      /* it ended, as wait(2) says it */

void restore_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
}

/* Start COMMAND with its output going to OUT. */
static pid_t start(char *const command[], int out)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	/* Files that the command reads by descriptor, it reads anew each time. */
	for (int fd = FIRST_INHERITED; fd <= LAST_INHERITED; fd++)
		(void)lseek(fd, 0, SEEK_SET);
	setsid();
	restore_signals();
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	chain(command);
}

/* Take what there is of the output; false at its end. */
static bool take_output(int fd)
{
	char data[OUTPUT_KEPT];
	ssize_t n = read(fd, data, sizeof data);

	if (n > 0) {
		size_t room = sizeof output - size, kept = (size_t)n < room ? (size_t)n : room;
		memcpy(output + size, data, kept);
		size += kept;
	}
	return n > 0;
}

bool check_reap(void)
{
	bool ended = false;
	int status;

	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		if (pid == running) {
			how = status;
			running = 0;
			ended = true;
		}
	return ended;
}

/* Kill all children: the command, and what it had as its own. */
void check_end(void)
{
	char path[64], list[4096];

	snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
	for (;;) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : read(fd, list, sizeof list - 1);
		if (fd >= 0)
			close(fd);
		if (n <= 0)
			break;
		list[n] = '\0';
		for (char *next = list, *word; (word = strsep(&next, " "));)
			if (*word)
				kill((pid_t)strtol(word, NULL, 10), SIGKILL);
		waitpid(-1, NULL, 0); /* one: its children may be ours now, and alive */
	}
	running = 0;
}

/* The exit status of the command, whose output comes from FD; TIMED_OUT. */
static int await(int fd, int64_t timeout)
{
	int64_t until = milliseconds() + timeout;
	enum rested why;

	/* Others may hold the output open, or it be closed early: only the command counts. */
	while ((why = rest(until - milliseconds(), fd)) == RESTED_INPUT)
		if (!take_output(fd))
			fd = -1;
	if (why == RESTED_TIME) {
		check_end();
		return TIMED_OUT;
	}
	while (fd >= 0 && take_output(fd)) /* what it wrote last */
		;
	return exit_status(how);
}

bool check(char *const command[], int64_t timeout)
{
	char begun[TIMESTAMP + 1], ended[TIMESTAMP + 1];
	int ends[2];

	size = 0;
	timestamp(begun);
	if (pipe2(ends, O_CLOEXEC))
		return false; /* no descriptors left: nothing can be said of the container */
	pid_t pid = start(command, ends[1]);
	close(ends[1]);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	running = pid < 0 ? 0 : pid;
	int status = pid < 0 ? EXIT_TOOL : await(ends[0], timeout);
	close(ends[0]);
	if (status == TIMED_OUT)
		size = (size_t)snprintf(output, sizeof output,
					"Health check exceeded timeout (%lld ms)",
					(long long)timeout);
	timestamp(ended);
	record_result(begun, ended, status, output, size);
	return !status;
}
