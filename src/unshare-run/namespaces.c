/* Namespaces: entering those of others, and the id maps of our own. */
#define _GNU_SOURCE
#include "unshare-run.h"

#include "common.h"
#include "newer.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h> /* CLONE_NEWTIME: not in sched.h before glibc 2.36 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

const struct kind kinds[KINDS] = {
	{"user", "user", CLONE_NEWUSER},       {"mnt", "mount", CLONE_NEWNS},
	{"uts", "uts", CLONE_NEWUTS},	       {"ipc", "ipc", CLONE_NEWIPC},
	{"net", "net", CLONE_NEWNET},	       {"pid", "pid", CLONE_NEWPID},
	{"cgroup", "cgroup", CLONE_NEWCGROUP}, {"time", "time", CLONE_NEWTIME},
};

/* Is namespace NAME of process PID another than ours? */
static bool differs(const char *name, const char *pid)
{
	char path[64];
	struct stat ours, theirs;

	snprintf(path, sizeof path, "/proc/self/ns/%s", name);
	if (stat(path, &ours) < 0)
		return false; /* this kernel has none of this kind */
	snprintf(path, sizeof path, "/proc/%s/ns/%s", pid, name);
	if (stat(path, &theirs) < 0) {
		if (errno == ENOENT)
			die("process %s has ended", pid);
		die("%s:", path);
	}
	return ours.st_ino != theirs.st_ino;
}

/*
 * Open the process of the plan and add the namespaces in which it differs from
 * us (setns(2) refuses to enter our own user namespace again).
 */
static void find_process(struct plan *plan)
{
	char number[16];
	pid_t pid;

	plan->pidfd = open_process(plan->process, &pid);
	if (plan->pidfd < 0) {
		if (errno == ESRCH)
			die("process %s has ended", plan->process);
		die("process %s:", plan->process);
	}
	snprintf(number, sizeof number, "%ld", (long)pid);
	for (int i = 0; i < KINDS; i++)
		if (differs(kinds[i].name, number))
			plan->join |= kinds[i].flag;
	/* Root inside is root outside: CAP_SYS_PTRACE there opens even our /proc/PID/exe. */
	if (plan->carry && !(plan->join & CLONE_NEWUSER))
		run_from_memory(plan->arguments);
}

/* Open the namespace of kind I that the plan names: by a file, or by its process, PID:STARTTIME. */
static int open_namespace(const struct plan *plan, int i)
{
	const char *file = plan->files[i];
	char path[64];
	pid_t pid;

	if (!strchr(file, ':') || file[strspn(file, "0123456789:")])
		return open_argument(file, O_RDONLY);
	int pidfd = open_process(file, &pid);
	snprintf(path, sizeof path, "/proc/%ld/ns/%s", (long)pid, kinds[i].name);
	int fd = pidfd < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	/* Is it there still? Or what we have opened might be another's of its number. */
	if (fd < 0 || syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0))
		die("%s namespace of process %s:", kinds[i].option, file);
	close(pidfd);
	return fd;
}

/* Enter those of the namespaces in FLAGS that have a file of their own. */
static void join_files(const struct plan *plan, int flags)
{
	for (int i = 0; i < KINDS; i++) {
		if (!(flags & kinds[i].flag) || !plan->files[i])
			continue;
		int fd = open_namespace(plan, i);
		if (setns(fd, kinds[i].flag) < 0)
			die("enter %s namespace %s:", kinds[i].option, plan->files[i]);
		close(fd);
	}
}

/* Enter the namespaces in FLAGS, by file or from the process. */
static void join_namespaces(struct plan *plan, int flags)
{
	join_files(plan, flags);
	for (int i = 0; i < KINDS; i++)
		if (plan->files[i])
			flags &= ~kinds[i].flag;
	if (flags && setns(plan->pidfd, flags) < 0)
		die("enter the namespaces of process %s:", plan->process);
}

bool is_in_sight(const struct plan *plan)
{
	return plan->join & CLONE_NEWPID && plan->join & CLONE_NEWNS &&
	       !(plan->join & CLONE_NEWUSER);
}

/* The mount namespace is always entered last: afterwards nothing of the host has a path. */
static int inside_flags(const struct plan *plan)
{
	if (is_in_sight(plan))
		return CLONE_NEWNS | CLONE_NEWPID;
	return geteuid() ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;
}

/* Where a cgroup namespace is the limit of what may be moved where, cgroups(7)
 * nsdelegate, the group must be entered before it. */
static int after_group(const struct plan *plan)
{
	return plan->group < 0 ? 0 : CLONE_NEWCGROUP;
}

void join_outside(struct plan *plan)
{
	if (plan->process)
		find_process(plan);
	join_namespaces(plan, plan->join & ~inside_flags(plan) & ~after_group(plan));
}

/* Give the detached mount TREE the ids of the user namespace USERNS. */
static void map_mount(int tree, int userns, const char *name)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns};

	if (!mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr))
		return;
	if (errno == EPERM && geteuid())
		return; /* unprivileged: the only file owner inside is the one outside */
	/* A file system mounted below may be the one that cannot: try without those. */
	if (!mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof attr))
		warn("%s: file systems mounted below it cannot map ids", name);
	else
		warn("%s: this file system cannot map ids", name);
	warn("its files appear as owned by nobody inside; not so without a user namespace "
	     "(skiff run --userns=host)");
}

/* The same for all mounts of the plan that are not ours already. */
static void map_mounts(const struct plan *plan, int userns)
{
	if (plan->root_tree >= 0 && strncmp(plan->root, "fd:", 3) != 0)
		map_mount(plan->root_tree, userns, plan->root);
	for (size_t i = 0; i < plan->request_count; i++)
		if (plan->requests[i].tree >= 0)
			map_mount(plan->requests[i].tree, userns, plan->requests[i].source);
}

void join_user_first(struct plan *plan)
{
	int userns;

	if (!plan->create || !(plan->join & inside_flags(plan) & CLONE_NEWUSER) || !plan->files[0])
		return;
	userns = open_namespace(plan, 0);
	map_mounts(plan, userns);
	close(userns);
	join_files(plan, CLONE_NEWUSER);
	plan->user_joined = true;
}

void join_inside(struct plan *plan)
{
	int flags = plan->join & inside_flags(plan);

	if (plan->user_joined)
		flags &= ~CLONE_NEWUSER;
	join_namespaces(plan, plan->join & after_group(plan));
	join_namespaces(plan, flags & CLONE_NEWPID);
	/* setns(2) of a mount namespace wants our file system context unshared: it is. */
	join_namespaces(plan, flags & ~CLONE_NEWPID);
}

/* Write TEXT to /proc/CHILD/NAME in one write(2), as user_namespaces(7) demands. */
static void write_map(pid_t child, const char *name, const char *text)
{
	char path[64];
	int fd;

	snprintf(path, sizeof path, "/proc/%ld/%s", (long)child, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		die("%s:", path);
	if (write(fd, text, strlen(text)) < 0) {
		if (errno == EPERM)
			die_hint("without privilege only one's own id can be mapped: INSIDE:ID:1",
				 "%s: this map is not permitted", name);
		die("%s:", name);
	}
	close(fd);
}

void map_child(struct plan *plan, pid_t child)
{
	char *own_uid = xasprintf("0 %ld 1\n", (long)geteuid());
	char *own_gid = xasprintf("0 %ld 1\n", (long)getegid());
	char path[64];
	int userns;

	/* user_namespaces(7): without privilege a gid map needs setgroups(2) turned off,
	 * or a process could leave a group that denies it something. */
	if (geteuid())
		write_map(child, "setgroups", "deny");
	write_map(child, "uid_map", plan->uid_map ? plan->uid_map : own_uid);
	write_map(child, "gid_map", plan->gid_map ? plan->gid_map : own_gid);
	free(own_uid);
	free(own_gid);

	snprintf(path, sizeof path, "/proc/%ld/ns/user", (long)child);
	userns = open(path, O_RDONLY | O_CLOEXEC);
	if (userns < 0)
		die("%s:", path);
	map_mounts(plan, userns);
	close(userns);
}

void become_root(void)
{
	/* Refused with EPERM where setgroups is "deny"; then there are none to drop but our own. */
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		die("drop the supplementary groups:");
	/* EINVAL: the map has no 0, so we stay who we are. */
	if ((setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) && errno != EINVAL)
		die("become root inside:");
}
