/*
 * init: the smallest process 1 that a container needs.
 *
 * The kernel treats process 1 of a PID namespace in two special ways,
 * pid_namespaces(7): signals that it does not handle do nothing, so that an
 * application as process 1 may not even end by SIGTERM; and it inherits orphans,
 * which stay as zombies when nobody waits for them. init takes both upon itself.
 */
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const char usage[] =
	"usage: init COMMAND [ARG...]\n"
	"Run COMMAND as process 1 of a container should: signals that arrive are sent on\n"
	"to it, orphaned processes are waited for, its exit status is the own one.\n"
	"\n"
	"  -h, --help  print this\n";

static const struct option long_options[] = {
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/*
 * Is standard input a terminal whose foreground is another's? As SIGTTIN is blocked,
 * a read then fails, even one of nothing. (To compare process groups would not do: those
 * outside of our PID namespace all have the number 0.)
 */
static int in_background(void)
{
	char nothing;

	return read(STDIN_FILENO, &nothing, 0) < 0 && errno == EIO;
}

/*
 * Start COMMAND as a process group of its own; it becomes the foreground group of the
 * terminal if we were in that, so that Ctrl-C reaches it and not us. SIGNALS are blocked.
 */
static pid_t start(char *const command[], const sigset_t *signals)
{
	int background = in_background();
	pid_t child = fork();

	if (child < 0)
		die("fork:");
	(void)setpgid(child, child); /* both: a signal may be for the group at once */
	if (child > 0)
		return child;
	/* SIGTTOU, which this earns a new group, is still blocked. Not a tty: no matter. */
	if (!background)
		(void)tcsetpgrp(STDIN_FILENO, getpid());
	sigprocmask(SIG_UNBLOCK, signals, NULL);
	chain(command);
}

/* Wait for all that has ended; exits when CHILD is among it. */
static void reap(pid_t child)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == child)
			exit(exit_status(status));
}

int main(int argc, char *argv[])
{
	sigset_t signals;
	siginfo_t info;
	pid_t child;
	int option;

	tool = "init";
	while ((option = getopt_long(argc, argv, "+h", long_options, NULL)) != -1) {
		if (option == 'h')
			help(usage);
		usage_error("wrong option");
	}
	if (optind == argc)
		usage_error("no command specified");

	/* Not as process 1, too: then orphans come to the nearest subreaper. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
		die("prctl:");
	/* All: the kernel does not let a fault of our own stay blocked. */
	sigfillset(&signals);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	child = start(argv + optind, &signals);

	for (;;) {
		int signal = sigwaitinfo(&signals, &info);
		if (signal == SIGCHLD)
			reap(child);
		else if (signal > 0)
			/* With a terminal the group is what the user sees as one program. */
			kill(isatty(STDIN_FILENO) ? -child : child, signal);
		else if (errno != EINTR)
			die("sigwaitinfo:");
	}
}
