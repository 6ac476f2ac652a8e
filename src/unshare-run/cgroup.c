/*
 * The control group that we begin in. Moving a process into a v2 group waits for
 * an RCU grace period, 10 ms and more (cgroup_threadgroup_rwsem); making one there
 * does not. The root of a cgroup namespace is the group of who makes it, and
 * clone3(2) makes namespaces before it changes the group: so that one comes after.
 */
#define _GNU_SOURCE
#include "unshare-run.h"

#include "common.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

void take_group(struct plan *plan, int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		die("--cgroup-fd %d:", fd);
	if (fs.f_type == CGROUP2_SUPER_MAGIC)
		plan->group = fd;
}

int namespaces_at_once(const struct plan *plan)
{
	return plan->group < 0 ? plan->create : plan->create & ~CLONE_NEWCGROUP;
}

pid_t fork_into_group(struct plan *plan, struct clone_args *args)
{
	pid_t child;

	if (plan->group >= 0) {
		args->flags |= CLONE_INTO_CGROUP;
		args->cgroup = (uint64_t)plan->group;
		plan->in_group = true;
		child = (pid_t)syscall(SYS_clone3, args, sizeof *args);
		if (child >= 0)
			return child;
		/* Before Linux 5.7, or refused: the child tries, and says why it cannot. */
		args->flags &= ~CLONE_INTO_CGROUP;
		args->cgroup = 0;
		plan->in_group = false;
	}
	return (pid_t)syscall(SYS_clone3, args, sizeof *args);
}

void enter_group(const struct plan *plan)
{
	if (plan->group < 0)
		return;
	if (!plan->in_group) {
		int fd = openat(plan->group, "cgroup.procs", O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "0", 1) < 0)
			die("enter the control group:");
		close(fd);
	}
	close(plan->group); /* CVE-2024-21626: no directory of the host stays open inside */
	if (plan->create & CLONE_NEWCGROUP && unshare(CLONE_NEWCGROUP) < 0)
		die("create the cgroup namespace:");
}
