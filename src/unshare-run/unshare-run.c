/*
 * unshare-run: create or join namespaces, build and enter a root, become a command.
 *
 * A new PID, user or time namespace holds only children of who makes it, so
 * there are two processes: the outer one stays on the host, writes the id maps
 * and the pid file, or waits; the inner one builds the root and becomes the
 * command. They meet twice, over one socket:
 *
 *	outer: clone3 ----> write id maps, map mounts --1--> ......... <--2-- pid file, exit
 *	inner:         \--> wait for 1 ---------------------> build root --2--> start fifo, exec
 *
 * An inner process that others in its PID namespace may look into is made by a
 * third one, which enters everything first: it is born with their root.
 */
#define _GNU_SOURCE
#include "unshare-run.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the inner process ---- */

/*
 * Wait until somebody opens the start fifo for writing, and either writes or
 * closes it. It was opened before we were announced, so none is missed: poll(2)
 * tells of a writer that has gone, but not of one that never was.
 */
static void await_start(int fifo)
{
	struct pollfd wait = {.fd = fifo, .events = POLLIN};

	while (poll(&wait, 1, -1) < 0)
		if (errno != EINTR)
			die("wait for the start:");
	close(fifo);
}

/*
 * Everything that is to be done inside the namespaces, except becoming the
 * command. Non-dumpable, as we hold descriptors of the host and our executable
 * is one of its files: nobody inside may look (CVE-2016-9962, CVE-2019-5736).
 */
static void set_up(struct plan *plan)
{
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		die("become non-dumpable:");
	enter_group(plan);
	join_inside(plan);
	if ((plan->create | plan->join) & CLONE_NEWUSER)
		become_root();
	/* Changing ids made us fs.suid_dumpable, which is not 0 everywhere. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		die("become non-dumpable:");
	if (plan->root) /* else the container could use keys of who started it */
		(void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	apply_settings(plan);
	build_root(plan);
}

/* Become the command; on failure tell LINK, if there is one, the exit status. */
static _Noreturn void run_command(const struct plan *plan, int link)
{
	extern char **environ;
	char status;

	if (plan->command_fd >= 0)
		execveat(plan->command_fd, "", plan->command, environ, AT_EMPTY_PATH);
	else
		execvp(plan->command[0], plan->command);
	status = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
	warn("%s:", plan->command[0]);
	if (plan->pid_file) /* nobody may listen: the outer process ends before the start */
		(void)send(link, &status, 1, MSG_NOSIGNAL);
	exit(status);
}

static _Noreturn void inner(struct plan *plan, int link)
{
	char byte = 0;

	if (read(link, &byte, 1) != 1)
		exit(EXIT_TOOL); /* the outer process gave up, and has said why */
	set_up(plan);
	if (!plan->pid_file)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	else if (write(link, &byte, 1) != 1)
		exit(EXIT_TOOL);
	if (plan->start_fd >= 0)
		await_start(plan->start_fd);
	run_command(plan, link);
}

/* ---- the outer process ---- */

/* Die because namespaces could not be made, with what errno means here. */
static _Noreturn void die_no_namespaces(void)
{
	if (errno == ENOSPC)
		die_hint("see /proc/sys/user/max_*_namespaces",
			 "create namespaces: too many of them");
	if (errno == EPERM)
		die_hint("be root, or add --user", "create namespaces: not permitted");
	die("create namespaces:");
}

/* Fork into the new namespaces; the child becomes ours, or our PARENT's. */
static pid_t fork_inner(struct plan *plan, bool parent)
{
	struct clone_args args = {
		.flags = (uint64_t)namespaces_at_once(plan) | (parent ? CLONE_PARENT : 0),
		.exit_signal = parent ? 0 : SIGCHLD,
	};
	pid_t child = fork_into_group(plan, &args);

	if (child < 0)
		die_no_namespaces();
	return child;
}

/* In between: enter the group and the namespaces, make the inner process, tell LINK its PID. */
static void go_between(struct plan *plan, int link)
{
	enter_group(plan);
	join_inside(plan);
	/* All this is done, and the inner process has it from us. */
	plan->create = namespaces_at_once(plan);
	plan->join = 0;
	plan->group = -1;
	pid_t child = fork_inner(plan, true);
	if (child)
		_exit(send(link, &child, sizeof child, MSG_NOSIGNAL) < 0 ? EXIT_TOOL : 0);
}

/*
 * Fork into a PID namespace where others may look into the child. As soon as it is
 * there they can follow its root, its directory and its descriptors: so when it
 * begins, none of these is the host's any more.
 */
static pid_t fork_in_sight(struct plan *plan, const int link[2])
{
	struct clone_args args = {.exit_signal = SIGCHLD};
	pid_t between = fork_into_group(plan, &args), child;
	int status;

	if (between < 0)
		die("fork:");
	if (!between) {
		go_between(plan, link[1]);
		return 0;
	}
	if (waitpid(between, &status, 0) < 0)
		die("wait:");
	if (WIFSIGNALED(status))
		die("killed by signal %d while joining", WTERMSIG(status));
	if (status || recv(link[0], &child, sizeof child, MSG_DONTWAIT) != sizeof child)
		exit(EXIT_TOOL); /* it has said why */
	return child;
}

/*
 * Wait for CHILD and pass on what we are told to stop with. Signals that the
 * kernel sends come from the terminal, and the child has got them itself.
 */
static int wait_for(pid_t child, const sigset_t *signals)
{
	siginfo_t info;
	int status;

	for (;;) {
		int number = sigwaitinfo(signals, &info);

		if (number > 0 && number != SIGCHLD && info.si_code <= 0)
			kill(child, number);
		if (number == SIGCHLD && waitpid(child, &status, WNOHANG) == child)
			return exit_status(status);
	}
}

/*
 * What id 0 of CHILD's user namespace is outside, by its uid_map or gid_map (MAP). Our own root's
 * if it has ended already: without a start fifo it waits for nobody. (EINVAL, from user_namespace.c
 * of the kernel: it ended after its directory was found.)
 */
static uint32_t outside_root(pid_t child, const char *map)
{
	char *path = xasprintf("/proc/%ld/%s", (long)child, map);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t size;
	char *lines = fd < 0 ? NULL : try_read_all(fd, 65536, &size), *next = lines;

	if (!lines && errno != ENOENT && errno != ESRCH && errno != EINVAL)
		die("%s:", path);
	bool from_root = lines && strtoul(lines, &next, 10) == 0; /* inside outside count */
	uint32_t outside = from_root ? (uint32_t)strtoul(next, NULL, 10) : 0;
	if (fd >= 0)
		close(fd);
	free(lines);
	free(path);
	return outside;
}

/*
 * Give our pipes to the root of CHILD's user namespace. They are ours; a root that is
 * another user outside could neither open them anew, as /dev/stdout does, nor give
 * them to the user that it becomes.
 */
static void give_pipes(const struct plan *plan, pid_t child)
{
	const int streams[] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, plan->tty_copy};
	uid_t uid = outside_root(child, "uid_map");
	gid_t gid = outside_root(child, "gid_map");
	struct statfs fs;

	for (size_t i = 0; uid && i < sizeof streams / sizeof *streams; i++)
		if (!fstatfs(streams[i], &fs) && fs.f_type == PIPEFS_MAGIC)
			(void)!fchown(streams[i], uid, gid); /* harmless if refused */
}

/* With a pid file: stay until the child is ready, and leave it to our parent. */
static int announce(const struct plan *plan, pid_t child, uint64_t start_time, int link)
{
	char byte;

	if (read(link, &byte, 1) != 1)
		return EXIT_TOOL; /* the child has said why */
	give_pipes(plan, child);
	/* Without a start fifo: end of file, as the command runs, or why it does not. */
	if (!plan->start && read(link, &byte, 1) == 1)
		return (unsigned char)byte;
	char *line = xasprintf("%ld %llu\n", (long)child, (unsigned long long)start_time);
	if (!replace_file(AT_FDCWD, plan->pid_file, line, strlen(line), 0644)) {
		warn("%s:", plan->pid_file);
		kill(child, SIGKILL); /* it would wait for ever, known to nobody */
		return EXIT_TOOL;
	}
	free(line);
	return 0;
}

static int outer(struct plan *plan, pid_t child, int link, const sigset_t *signals)
{
	uint64_t start_time = process_start_time(child);

	if (plan->create & CLONE_NEWUSER)
		map_child(plan, child);
	if (write(link, "", 1) != 1)
		return EXIT_TOOL;
	if (plan->pid_file)
		return announce(plan, child, start_time, link);
	close(link);
	return wait_for(child, signals);
}

/* ---- */

static int open_fifo(const char *path)
{
	struct stat st;
	int fd;

	if (mkfifo(path, 0600) < 0 && errno != EEXIST)
		die("make fifo %s:", path);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		die("%s:", path);
	if (!S_ISFIFO(st.st_mode))
		die("%s: not a fifo", path);
	return fd;
}

/* Do it all in two processes; returns in the outer one, with the exit status. */
static int run_forked(struct plan *plan)
{
	static const int forwarded[] = {SIGCHLD, SIGHUP,  SIGINT, SIGQUIT,
					SIGTERM, SIGUSR1, SIGUSR2};
	sigset_t signals, before;
	int link[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link) < 0)
		die("socketpair:");
	sigemptyset(&signals);
	for (size_t i = 0; i < sizeof forwarded / sizeof *forwarded; i++)
		sigaddset(&signals, forwarded[i]);
	sigprocmask(SIG_BLOCK, &signals, &before);

	pid_t child = is_in_sight(plan) ? fork_in_sight(plan, link)
					: fork_inner(plan, plan->pid_file != NULL);
	if (!child) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		close(link[0]);
		inner(plan, link[1]);
	}
	close(link[1]);
	return outer(plan, child, link[0], &signals);
}

int main(int argc, char **argv)
{
	static struct plan plan;

	tool = "unshare-run";
	read_options(&plan, argc, argv);
	if ((plan.join || plan.process) && prctl(PR_SET_DUMPABLE, 0) < 0)
		die("become non-dumpable:"); /* CVE-2016-9962: who is inside must not look into us
					      */
	if (plan.carry)
		plan.command_fd = carry_command(plan.command[0]);
	if (plan.start)
		plan.start_fd = open_fifo(plan.start);
	open_sources(&plan);
	join_outside(&plan);
	join_user_first(&plan);
	if (plan.pid_file ||
	    (plan.create | plan.join) & (CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWTIME))
		return run_forked(&plan);

	if (plan.create && unshare(namespaces_at_once(&plan)) < 0)
		die_no_namespaces();
	set_up(&plan);
	if (plan.start_fd >= 0)
		await_start(plan.start_fd);
	run_command(&plan, -1);
}
