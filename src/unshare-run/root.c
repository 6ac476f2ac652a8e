/* The root: default file systems, what the user mounts, and pivot_root(2). */
#define _GNU_SOURCE
#include "unshare-run.h"

#include "common.h"
#include "newer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What Docker mounts by default, in this order. */
static const struct {
	const char *target, *type, *options;
} defaults[] = {
	{"/proc", "proc", "nosuid,noexec,nodev"},
	{"/dev", "tmpfs", "nosuid,strictatime,mode=755,size=65536k"},
	{"/dev/pts", "devpts", "nosuid,noexec,ptmxmode=0666,mode=0620,gid=5"},
	{"/dev/shm", "tmpfs", "nosuid,noexec,nodev,mode=1777"},
	{"/dev/mqueue", "mqueue", "nosuid,noexec,nodev"},
	{"/sys", "sysfs", "nosuid,noexec,nodev,ro"},
	{"/sys/fs/cgroup", "cgroup2", "nosuid,noexec,nodev,ro"},
};

/* Files of /proc that something like lxcfs may stand in for; nothing else there may be covered. */
static const char *const replaceable[] = {
	"/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat",
	"/proc/swaps",	 "/proc/uptime",    "/proc/loadavg", "/proc/slabinfo",
};

/* ---- the default mounts ---- */

/* Is PATH the directory DIR or below it? */
static bool is_below(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	while (length > 1 && dir[length - 1] == '/')
		length--;
	return !strncmp(path, dir, length) && (!path[length] || path[length] == '/');
}

/* Does the user mount something over the default mount TARGET, or over its parent? */
static bool is_replaced(const struct plan *plan, const char *target)
{
	for (size_t i = 0; i < plan->request_count; i++) {
		const struct request *request = &plan->requests[i];

		if ((request->kind == BIND || request->kind == TMPFS) &&
		    is_below(target, request->target))
			return true;
	}
	return false;
}

/*
 * A file system of TYPE. The kernel makes sysfs, mqueue and cgroup only for who
 * owns the net, ipc or cgroup namespace: one that shares the host's (--net not
 * given) gets the host's mount instead. -1 if the host has none at TARGET, or a cgroup is busy.
 */
static int default_filesystem(const struct plan *plan, const char *target, const char *type,
			      const char *options)
{
	uint64_t clear = plan->rw_sys ? MOUNT_ATTR_RDONLY : 0;
	int tree = new_filesystem(type, options, clear);

	if (tree < 0 && errno == EINVAL && !strcmp(type, "devpts")) /* group 5 is not mapped */
		tree = new_filesystem(type, "nosuid,noexec,ptmxmode=0666,mode=0620", 0);
	if (tree < 0 && errno == EPERM && !strcmp(type, "proc"))
		die_hint(
			"inside a container /proc is masked, and then the kernel makes no new one; "
			"a PID namespace of one's own is needed, too",
			"mount proc: not permitted here");
	if (tree < 0 && errno == EPERM)
		tree = host_filesystem(target, options, clear);
	if (tree < 0 && errno != ENOENT && !(errno == EBUSY && !strcmp(type, "cgroup")))
		die("mount %s for %s:", type, target);
	return tree;
}

/*
 * Mount the cgroup v1 hierarchy of the CONTROLLERS ("cpu,cpuacct", "name=systemd") below DIR. One
 * that somebody unmounts meanwhile is busy at first, then not there: it is left out.
 */
static void mount_hierarchy(const struct plan *plan, int dir, char *controllers)
{
	char *options = xasprintf("nosuid,noexec,nodev,ro,%s", controllers);
	const char *name = strncmp(controllers, "name=", 5) != 0 ? controllers : controllers + 5;
	char *path = xasprintf("/sys/fs/cgroup/%s", name), *rest = controllers, *alias;
	int target, tree = default_filesystem(plan, path, "cgroup", options);

	if (tree < 0) {
		free(options);
		free(path);
		return;
	}
	if (mkdirat(dir, name, 0755) < 0)
		die("%s:", path);
	target = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0)
		die("%s:", path);
	attach(tree, target, path);
	close(target);
	while (strchr(name, ',') && (alias = strsep(&rest, ",")))
		(void)!symlinkat(name, dir, alias);
	free(options);
	free(path);
}

static bool host_has_cgroup_v1(void)
{
	struct statfs fs;

	return !statfs("/sys/fs/cgroup", &fs) && fs.f_type == TMPFS_MAGIC;
}

/* On hosts with cgroup v1: a tmpfs onto TARGET, with every hierarchy in it, as the host has it. */
static void mount_hierarchies(const struct plan *plan, int target)
{
	struct mount_attr attr = {.attr_set = plan->rw_sys ? 0 : MOUNT_ATTR_RDONLY};
	int tree = new_filesystem("tmpfs", "nosuid,noexec,nodev,mode=755", 0), dir;
	FILE *list = fopen("/proc/self/cgroup", "re");
	char *line = NULL;
	size_t room = 0;

	if (tree < 0 || !list)
		die("mount tmpfs for /sys/fs/cgroup:");
	dir = fcntl(tree, F_DUPFD_CLOEXEC, 3);
	attach(tree, target, "/sys/fs/cgroup");
	while (getline(&line, &room, list) > 0) { /* ID:CONTROLLERS:PATH; ID 0 is v2 */
		char *rest = strchr(line, ':') + 1, *controllers = strsep(&rest, ":");

		if (rest && *controllers)
			mount_hierarchy(plan, dir, controllers);
	}
	free(line);
	(void)fclose(list);
	if (mount_setattr(dir, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0)
		die("make /sys/fs/cgroup read-only:");
	close(dir);
}

static void mount_defaults(const struct plan *plan, int root)
{
	char *shm = xasprintf("nosuid,noexec,nodev,mode=1777,size=%s",
			      plan->shm_size ? plan->shm_size : "67108864");

	for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
		const char *path = defaults[i].target, *options = defaults[i].options;
		int target, tree;

		/* /proc always comes first, so that check_proc() finds it there. */
		if (i > 0 && is_replaced(plan, path))
			continue;
		target = open_plain_directory(root, path);
		if (!strcmp(path, "/dev/shm"))
			options = shm;
		if (!strcmp(path, "/sys/fs/cgroup") && host_has_cgroup_v1())
			mount_hierarchies(plan, target);
		else if ((tree = default_filesystem(plan, path, defaults[i].type, options)) >= 0)
			attach(tree, target, path);
		close(target);
	}
	free(shm);
}

/* ---- what the user mounts ---- */

/* Die if PATH, which led to TARGET, is in a procfs and not free to be covered (CVE-2019-16884). */
static void check_proc(const char *path, int target)
{
	struct statfs fs;

	for (size_t i = 0; i < sizeof replaceable / sizeof *replaceable; i++)
		if (!strcmp(path, replaceable[i]))
			return;
	if (fstatfs(target, &fs) < 0)
		die("%s:", path);
	if (fs.f_type == PROC_SUPER_MAGIC)
		die_hint("the kernel reads its security settings there",
			 "%s: nothing may be mounted in /proc", path);
}

static void mount_request(int root, struct request *request, int tree)
{
	struct stat st;
	int target;

	if (fstat(tree, &st) < 0)
		die("mount onto %s:", request->target);
	target = open_target(root, request->target, S_ISDIR(st.st_mode));
	check_proc(request->target, target);
	attach(tree, target, request->target);
	close(target);
}

static void bind_request(int root, struct request *request)
{
	struct mount_attr attr = {.propagation = request->propagation};

	if (request->tree < 0 ||
	    mount_setattr(request->tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) <
		    0 ||
	    (request->read_only &&
	     !make_read_only(request->tree, request->writable_below ? 0 : AT_RECURSIVE)))
		die("bind %s:", request->source);
	mount_request(root, request, request->tree);
}

static void carry_out(int root, struct request *request)
{
	char *options;
	int tree;

	switch (request->kind) {
	case BIND:
		bind_request(root, request);
		break;
	case TMPFS:
		options = xasprintf("noexec,nosuid,nodev,%s",
				    request->options ? request->options : "");
		tree = new_filesystem("tmpfs", options, 0);
		if (tree < 0)
			die("tmpfs on %s with the options %s:", request->target, options);
		mount_request(root, request, tree);
		free(options);
		break;
	case DEVICE:
		add_device(root, request->source, request->target);
		break;
	case DIRECTORY:
		close(open_target(root, request->target, true));
		break;
	}
}

/* ---- sources ---- */

/*
 * A detached mount of ARGUMENT, a path or fd:N; -1 if we may not (errno EPERM).
 * A descriptor of an already detached mount is taken as it is where the kernel
 * does not copy such.
 */
static int open_source(const char *argument, int recursive)
{
	int fd = open_argument(argument, O_PATH), tree = clone_tree(fd, "", recursive);

	if (tree < 0 && errno == EINVAL && !strncmp(argument, "fd:", 3))
		return fd;
	if (tree < 0 && errno != EPERM)
		die("%s:", argument);
	if (tree >= 0)
		close(fd);
	return tree;
}

/* The same of a part of ARGUMENT: whatever links are in it, they do not lead out of it. */
static int open_part(const char *argument, const char *subpath, int recursive)
{
	int fd = open_argument(argument, O_PATH | O_DIRECTORY);
	int part = open_in_root(fd, subpath, O_PATH, 0);

	if (part < 0)
		die("%s in %s:", subpath, argument);
	int tree = clone_tree(part, "", recursive);
	if (tree < 0 && errno != EPERM)
		die("%s in %s:", subpath, argument);
	close(part);
	close(fd);
	return tree;
}

void open_sources(struct plan *plan)
{
	if (plan->root && plan->root_tree < 0)
		plan->root_tree = open_source(plan->root, AT_RECURSIVE);
	for (size_t i = 0; i < plan->request_count; i++) {
		struct request *request = &plan->requests[i];

		int recursive = request->below ? AT_RECURSIVE : 0;

		if (request->kind != BIND || request->tree >= 0)
			continue;
		request->tree = request->subpath
					? open_part(request->source, request->subpath, recursive)
					: open_source(request->source, recursive);
	}
}

/* ---- the root ---- */

/*
 * Put the new root on top of the old one: on "/", which everybody has, so that
 * no directory of the host is needed for it. Paths still lead to the old root,
 * as a lookup that begins at "/" does not cross what is mounted there.
 */
static int attach_root(struct plan *plan)
{
	int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct mount_attr attr = {.propagation = MS_PRIVATE};

	if (old < 0 || !plan->root)
		return old;
	if (plan->root_tree < 0 || mount_setattr(plan->root_tree, "", AT_EMPTY_PATH | AT_RECURSIVE,
						 &attr, sizeof attr) < 0)
		die("root %s:", plan->root);
	if (move_mount(plan->root_tree, "", old, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		die("root %s: mount:", plan->root);
	close(old);
	return plan->root_tree;
}

/* Make ROOT the root and drop the old one: pivot_root(2), "pivot_root(".", ".")". */
static void enter_root(int root)
{
	if (fchdir(root) < 0)
		die("enter the root:");
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		die_hint("a host whose own root is the initial ramfs cannot do this",
			 "pivot_root:");
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		die("drop the old root:");
}

/* /.dockerenv: many a script looks for it to know that it is in a container. */
static void make_dockerenv(int root)
{
	int fd = openat(root, ".dockerenv", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 && errno != EEXIST && errno != EROFS)
		die("/.dockerenv in the root:");
	if (fd >= 0)
		close(fd);
}

void build_root(struct plan *plan)
{
	mode_t mask = umask(0);
	struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
	int root;

	if (plan->create & CLONE_NEWNS && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("make the mounts private:");
	open_sources(plan);
	root = attach_root(plan);
	if (plan->defaults & MOUNTS)
		mount_defaults(plan, root);
	if (plan->defaults & DEVICES && !is_replaced(plan, "/dev"))
		default_devices(root);
	if (plan->all_devices)
		add_device(root, "/dev", "/dev");
	for (size_t i = 0; i < plan->request_count; i++)
		carry_out(root, &plan->requests[i]);
	if (plan->dockerenv)
		make_dockerenv(root);
	if (plan->tty >= 0)
		open_terminal(plan, root);
	if (plan->defaults & MASK)
		mask_paths(root);
	if (plan->defaults & READONLY)
		protect_paths(root);
	if (plan->read_only &&
	    mount_setattr(root, "", AT_EMPTY_PATH, &read_only, sizeof read_only) < 0)
		die("make the root read-only:");
	if (plan->root)
		enter_root(root);
	close(root);
	umask(mask);
}
