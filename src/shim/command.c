/* The command: how it starts, with which descriptors, and how it ends. */
#define _GNU_SOURCE
#include "shim.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HIGH = 100 }; /* above all descriptors that the command is given */

static sigset_t signals_before;

int take_signals(void)
{
	sigset_t ours;
	int fd;

	sigemptyset(&ours);
	sigaddset(&ours, SIGCHLD);
	sigaddset(&ours, SIGTERM);
	sigprocmask(SIG_BLOCK, &ours, &signals_before);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		die("signalfd:");
	return fd;
}

void restore_signals(void)
{
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &signals_before, NULL);
}

/* A pipe into ENDS: reader, writer. */
static void make_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC))
		die("pipe:");
}

/* A copy of FD where no descriptor of the command's is in its way. */
static int lift(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);

	if (high < 0)
		die("descriptors:");
	return high;
}

/* Become the command. THEIRS: the other ends of the pipes. */
static _Noreturn void become(const struct command *command, const struct pipes *theirs)
{
	int input = lift(theirs->input), output = lift(theirs->output);
	int errors = lift(theirs->errors), setup = lift(theirs->setup);
	int tty = command->tty_fd ? lift(theirs->tty) : -1;

	/* Out of the shim's session: kill(0) must not reach it. */
	setsid();
	restore_signals();
	dup2(input, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(command->stderr_fd ? setup : errors, STDERR_FILENO);
	if (command->stderr_fd)
		dup2(errors, command->stderr_fd);
	if (command->tty_fd)
		dup2(tty, command->tty_fd);
	execvp(command->argv[0], command->argv);
	int error = errno;
	dup2(setup, STDERR_FILENO);
	errno = error;
	warn("%s:", command->argv[0]);
	_exit(error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
}

pid_t command_start(const struct command *command, struct pipes *pipes)
{
	int in[2] = {-1, -1}, out[2], err[2], setup[2], tty[2] = {-1, -1};

	make_pipe(out);
	make_pipe(err);
	make_pipe(setup);
	if (command->stdin_open && !command->tty_fd)
		make_pipe(in);
	else if ((in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0)
		die("/dev/null:");
	if (command->tty_fd && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, tty))
		die("socketpair:");

	pid_t pid = fork();
	if (pid < 0)
		die("fork:");
	if (!pid)
		become(command, &(struct pipes){in[0], out[1], err[1], setup[1], tty[1]});
	close(in[0]);
	close(out[1]);
	close(err[1]);
	close(setup[1]);
	if (tty[1] >= 0)
		close(tty[1]);
	*pipes = (struct pipes){in[1], out[0], err[0], setup[0], tty[0]};
	fcntl(in[1], F_SETFL, O_NONBLOCK);
	fcntl(out[0], F_SETPIPE_SZ, 262144);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	fcntl(setup[0], F_SETFL, O_NONBLOCK);
	close_inherited(); /* it was for the command */
	return pid;
}

bool command_exiting(pid_t pid)
{
	const uint64_t exiting = 0x4; /* PF_EXITING, set before files are closed */
	uint64_t flags;

	return !process_stat(pid, 9, &flags) || flags & exiting;
}

/* The process that RUNDIR/pid names, if it is a child of ours; else 0. */
static pid_t named_child(int rundir)
{
	char text[64], *next;
	uint64_t pid, time;
	siginfo_t info;
	int fd = openat(rundir, "pid", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	char *first = strtok_r(text, " \n", &next), *second = strtok_r(NULL, " \n", &next);
	if (!first || !second || !is_number(first, 2, INT32_MAX, &pid) ||
	    !is_number(second, 1, UINT64_MAX, &time) || process_start_time((pid_t)pid) != time)
		return 0;
	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT))
		return 0;
	return (pid_t)pid;
}

bool command_reap(int rundir, pid_t direct, pid_t *main, int *status)
{
	bool ended = false;
	int how;

	/* Before others: their meaning depends on how this one ended. */
	if ((!*main || *main == direct) && waitpid(direct, &how, WNOHANG) == direct) {
		pid_t named = how ? 0 : named_child(rundir);
		*main = named ? named : direct;
		if (!named) {
			*status = exit_status(how);
			ended = true;
		}
	}
	for (pid_t pid; *main && (pid = waitpid(-1, &how, WNOHANG)) > 0;)
		if (pid == *main) {
			*status = exit_status(how);
			ended = true;
		}
	return ended;
}
