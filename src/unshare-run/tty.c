/* The terminal: a pty out of the container's own devpts, so that tty(1) inside tells its name. */
#define _GNU_SOURCE
#include "unshare-run.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Open the ptmx of the devpts at /dev/pts in ROOT. Inside a running container
 * anything may be there by now, so: really a devpts, really its own ptmx, and
 * later the slave from the master itself, never by name (CVE-2025-52565).
 */
static int open_master(int root)
{
	struct open_how how = {
		.flags = O_RDWR | O_NOCTTY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	int pts = open_in_root(root, "/dev/pts", O_PATH | O_DIRECTORY | O_NOFOLLOW, 0), master;
	struct statfs fs;

	if (pts < 0 || fstatfs(pts, &fs) < 0)
		die("/dev/pts in the root:");
	if (fs.f_type != DEVPTS_SUPER_MAGIC)
		die("/dev/pts in the root: not a devpts file system");
	master = (int)syscall(SYS_openat2, pts, "ptmx", &how, sizeof how);
	if (master < 0)
		die("/dev/pts/ptmx in the root:");
	close(pts);
	return master;
}

/* Send the descriptor MASTER over the socket FD, with the byte 't' to carry it. */
static void send_master(int fd, int master)
{
	char byte = 't';
	struct iovec data = {&byte, 1};
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof control.space,
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof master);
	memcpy(CMSG_DATA(header), &master, sizeof master);
	if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
		die("hand over the terminal:");
}

/* Bind the SLAVE to /dev/console of a root that we build, if that is a file (CVE-2026-88264). */
static void bind_console(int root, int slave)
{
	int dev = open_plain_directory(root, "/dev"), target = open_plain_file(dev, "console");
	int tree = clone_tree(slave, "", AT_RECURSIVE);

	if (tree < 0)
		die("/dev/console in the root:");
	attach(tree, target, "/dev/console");
	close(target);
	close(dev);
}

void open_terminal(const struct plan *plan, int root)
{
	int master = open_master(root), slave, locked = 0;

	if (ioctl(master, TIOCSPTLCK, &locked) < 0)
		die("unlock the terminal:");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		die("open the terminal:");
	if (plan->root)
		bind_console(root, slave);
	send_master(plan->tty, master);
	close(plan->tty);
	close(master);
	setsid(); /* fails if we lead a session already: just as well */
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		die("take the terminal:");
	if (dup2(slave, STDIN_FILENO) < 0 || dup2(slave, STDOUT_FILENO) < 0 ||
	    (plan->tty_copy >= 0 && dup2(slave, plan->tty_copy) < 0))
		die("use the terminal:");
	close(slave);
}
