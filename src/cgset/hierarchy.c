/*
 * Find the control group file systems, make a group in them, join it.
 *
 * A host has one v2 hierarchy with all controllers (pure v2), or v1 hierarchies
 * with one or more controllers each, or both (hybrid: v1 controllers, and a v2
 * hierarchy with few or none, which still can freeze and kill). What is mounted
 * where is read from /proc/self/mountinfo, never guessed.
 */
#define _GNU_SOURCE
#include "cgset.h"
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The names in mount options (v1) and in cgroup.controllers (v2). */
static const char *const v1_names[CONTROLLERS] = {"cpu",   "cpuacct", "cpuset",	 "memory",
						  "blkio", "pids",    "devices", "freezer"};
static const char *const v2_names[CONTROLLERS] = {
	[CPU] = "cpu", [CPUSET] = "cpuset", [MEMORY] = "memory", [IO] = "io", [PIDS] = "pids"};

/* Every group gets these in v2 if it can, for the figures. cpuset only on demand. */
static const unsigned usual = 1U << CPU | 1U << MEMORY | 1U << IO | 1U << PIDS;

/* The bit set of the controllers whose NAMES are in TEXT, separated by DELIMITER. */
static unsigned controllers_in(char *text, const char *delimiter, const char *const names[])
{
	unsigned set = 0;

	for (char *word; (word = strsep(&text, delimiter));)
		for (int c = 0; c < CONTROLLERS; c++)
			if (names[c] && !strcmp(word, names[c]))
				set |= 1U << c;
	return set;
}

char *get_value(const char *path, const char *file)
{
	char *name = xasprintf("%s/%s", path, file);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	size_t size;

	if (fd >= 0) {
		text = try_read_all(fd, 1 << 24, &size); /* ENODEV: the group is gone */
		close(fd);
		if (text && size && text[size - 1] == '\n')
			text[size - 1] = '\0';
	}
	free(name);
	return text;
}

/* Undo mountinfo's \ooo for blanks and backslashes, in place; see proc_pid_mountinfo(5). */
static char *unescape(char *text)
{
	char *to = text;

	for (char *from = text; *from; to++) {
		if (from[0] == '\\' && from[1] && from[2] && from[3]) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
	return text;
}

/* Add what is mounted as LINE of mountinfo says, if it is a hierarchy that we do not have yet. */
static void add_hierarchy(struct group *group, char *line)
{
	char *tail = strstr(line, " - "), *field[5] = {0};
	struct directory found = {0};

	if (!tail)
		return;
	*tail = '\0';
	tail += strlen(" - ");
	const char *type = strsep(&tail, " ");
	found.unified = !strcmp(type, "cgroup2");
	if (!found.unified && strcmp(type, "cgroup") != 0)
		return;
	for (int i = 0; i < 5; i++)
		field[i] = strsep(&line, " ");
	/* A root above the cgroup namespace's own is not ours to use. */
	if (!field[4] || !strncmp(field[3], "/..", 3))
		return;
	found.mount = unescape(field[4]);
	strsep(&tail, " ");
	if (found.unified) {
		char *names = get_value(found.mount, "cgroup.controllers");
		found.controllers = names ? controllers_in(names, " ", v2_names) : 0;
		free(names);
	} else if (!(found.controllers = controllers_in(tail, ",", v1_names))) {
		/* a named hierarchy, or net_cls and the like */
		if (group->other_count < MAX_HIERARCHIES)
			group->other[group->other_count++] = found;
		return;
	}
	for (size_t i = 0; i < group->count; i++)
		if (group->directory[i].unified == found.unified &&
		    group->directory[i].controllers == found.controllers)
			return;
	if (group->count < MAX_HIERARCHIES)
		group->directory[group->count++] = found;
}

/* Die unless NAME is one or more plain components, none of them "." or "..". */
static void check_name(const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.:@-";
	const char *part = name;

	if (strlen(name) >= PATH_MAX / 2)
		die("group name too long: %.40s...", name);
	for (;;) {
		size_t length = strspn(part, plain), dots = strspn(part, ".");
		if (!length || length > NAME_MAX || (part[length] && part[length] != '/') ||
		    (dots == length && dots <= 2))
			die("not the name of a group: '%s'", name);
		if (!part[length])
			return;
		part += length + 1;
	}
}

static void free_paths(struct group *group)
{
	for (size_t i = 0; i < group->count; i++)
		free(group->directory[i].path);
	for (size_t i = 0; i < group->other_count; i++)
		free(group->other[i].path);
}

static void set_path(struct group *group, struct directory *directory)
{
	directory->path = xasprintf("%s/%s", directory->mount, group->name);
}

static void set_paths(struct group *group)
{
	for (size_t i = 0; i < group->count; i++)
		set_path(group, &group->directory[i]);
	for (size_t i = 0; i < group->other_count; i++)
		set_path(group, &group->other[i]);
}

void find_group(struct group *group, const char *name)
{
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);

	check_name(name);
	if (fd < 0)
		die("/proc/self/mountinfo:");
	*group = (struct group){.name = name};
	char *text = group->mounts = read_all(fd, 1 << 26, NULL, "/proc/self/mountinfo");
	close(fd);
	for (char *line; (line = strsep(&text, "\n"));)
		add_hierarchy(group, line);
	if (!group->count)
		die_hint("mount -t cgroup2 cgroup2 /sys/fs/cgroup",
			 "no control group file system is mounted");
	/* Every v2 group counts CPU time, with or without a controller. */
	struct directory *unified = unified_directory(group);
	if (unified && !with_controller(group, CPUACCT))
		unified->controllers |= 1U << CPUACCT;
	set_paths(group);
}

void free_group(struct group *group)
{
	free_paths(group);
	free(group->mounts);
}

void turn_to_group(struct group *group, const char *name)
{
	check_name(name);
	free_paths(group);
	group->name = name;
	set_paths(group);
}

struct directory *with_controller(struct group *group, enum controller controller)
{
	for (size_t i = 0; i < group->count; i++)
		if (group->directory[i].controllers & 1U << controller)
			return &group->directory[i];
	return NULL;
}

struct directory *unified_directory(struct group *group)
{
	for (size_t i = 0; i < group->count; i++)
		if (group->directory[i].unified)
			return &group->directory[i];
	return NULL;
}

struct directory *main_directory(struct group *group)
{
	struct directory *best = with_controller(group, FREEZER);

	if (!best)
		best = unified_directory(group);
	if (!best)
		best = &group->directory[0];
	return access(best->path, F_OK) ? NULL : best;
}

bool try_value(const struct directory *directory, const char *file, const char *value)
{
	char *name = xasprintf("%s/%s", directory->path, file);
	int fd = open(name, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, value, strlen(value)) >= 0;
	int error = errno;

	if (fd >= 0)
		close(fd);
	free(name);
	errno = error;
	return done;
}

/* Why the kernel refuses a value: the first line that matches; files by their beginning. */
static const struct rule {
	const char *file;
	int error;
	const char *text;
} rules[] = {
	{"cpuset.", EACCES, "the parent group does not have these"},
	{"cpuset.", EINVAL, "not a list such as 0-2,4 of what the parent group has"},
	{"cpuset.", ERANGE, "this machine has no such number"},
	{"cpu.max", EINVAL, "at least 1000 microseconds in a period of 1000 to 1000000"},
	{"cpu.cfs_", EINVAL,
	 "at least 1000 microseconds in a period of 1000 to 1000000, and not "
	 "more than the parent group may use"},
	{"memory.", EBUSY, "more than that is in use and cannot be reclaimed"},
	{"io.max", ENODEV, "limits are for whole block devices, not for partitions"},
	{"blkio.throttle", ENODEV, "limits are for whole block devices, not for partitions"},
	{"blkio.throttle", EINVAL, "limits are for whole block devices, not for partitions"},
	{"devices.", EPERM, "the parent group does not allow these devices, or you are not root"},
	{"cgroup.procs", EBUSY,
	 "a v2 group with controllers for its sub-groups takes no "
	 "processes (\"no internal processes\"): use a sub-group of it"},
	{"cgroup.subtree_control", EBUSY,
	 "this group has processes of its own, and a v2 group gives controllers to sub-groups only "
	 "if it has none (\"no internal processes\"): make a sub-group, and write each line of "
	 "this one's cgroup.procs to its"},
	{"cgroup.", EOPNOTSUPP, "the group is threaded, or below one that is"},
	{"tasks", ENOSPC, "the group's cpuset.cpus or cpuset.mems is empty"},
	{"", ENOENT, "this kernel has no such limit, or the group was removed"},
	{"", EROFS, "control groups are read-only here, as in most containers"},
	{"", EACCES, "only root, or the user whom the group was given to, may do this"},
	{"", EPERM, "only root, or the user whom the group was given to, may do this"},
};

/* Die with a message, errno and, where it is known, the rule of FILE behind that. */
#define die_of_rule(file, ...)                                                                     \
	do {                                                                                       \
		const char *text_ = broken_rule(file);                                             \
		if (text_)                                                                         \
			die_hint(text_, __VA_ARGS__);                                              \
		die(__VA_ARGS__);                                                                  \
	} while (0)

static const char *broken_rule(const char *file)
{
	for (const struct rule *rule = rules; rule < rules + sizeof rules / sizeof *rules; rule++)
		if (errno == rule->error && !strncmp(file, rule->file, strlen(rule->file)))
			return rule->text;
	return NULL;
}

void put_value(const struct directory *directory, const char *file, const char *format, ...)
{
	char *value;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&value, format, ap) < 0)
		die("out of memory");
	va_end(ap);
	if (!try_value(directory, file, value))
		die_of_rule(file, "%s/%s: '%s':", directory->path, file, value);
	free(value);
}

/* ---- making ---- */

/* The directories made so far, to be removed if this process fails. */
static char **made;
static size_t made_count;

static void remove_made(void)
{
	while (made_count)
		rmdir(made[--made_count]);
}

void keep_group(void)
{
	made_count = 0;
}

/*
 * A new v1 cpuset has no CPUs and no memory nodes, and takes no process before
 * it has (ENOSPC): copy the parent's. That may be as new, made by another process
 * that has not come this far: then it is filled from here. (The root has all.)
 * False if the group goes away: its files do so before its directory.
 */
static bool inherit_cpuset(const char *path)
{
	static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};
	const struct directory directory = {.path = (char *)path};
	bool there = true;

	for (size_t i = 0; there && i < 2; i++) {
		char *own = get_value(path, files[i]);
		there = own;
		if (own && !*own) {
			char *parent = xasprintf("%s/..", path);
			char *value = inherit_cpuset(parent) ? get_value(parent, files[i]) : NULL;
			there = value && try_value(&directory, files[i], value);
			if (value && !there && errno != ENOENT && errno != ENODEV)
				die_of_rule(files[i], "%s/%s: '%s':", path, files[i], value);
			free(parent);
			free(value);
		}
		free(own);
	}
	return there;
}

/* mkdir PATH if it is not there: false if there is no parent, or if it was removed at once. */
static bool make_directory(const struct directory *directory, const char *path)
{
	if (mkdir(path, 0755)) {
		struct stat status;
		if (errno == ENOENT)
			return false;
		if (errno != EEXIST)
			die_of_rule("", "mkdir %s:", path);
		if (!stat(path, &status) && !S_ISDIR(status.st_mode))
			die("not a group but one of the kernel's files: %s", path);
		return true;
	}
	if (!made && atexit(remove_made))
		die("atexit");
	made = xrealloc(made, (made_count + 1) * sizeof *made);
	made[made_count++] = xstrdup(path);
	return directory->unified || !(directory->controllers & 1U << CPUSET) ||
	       inherit_cpuset(path);
}

/* Make the group in one hierarchy; its parents only if it turns out that they are missing. */
static void make_in_hierarchy(struct directory *directory)
{
	size_t count = made_count;

	/* Another process may remove a parent between two steps: again, but not for ever. */
	for (int tries = 0; !make_directory(directory, directory->path); tries++) {
		if (tries == 100)
			die("mkdir %s:", directory->path);
		char *slash = directory->path + strlen(directory->mount);
		while ((slash = strchr(slash + 1, '/'))) {
			*slash = '\0';
			make_directory(directory, directory->path);
			*slash = '/';
		}
	}
	directory->made = made_count > count;
}

/* ---- v2: a group has the controllers that its parent gives to its sub-groups ---- */

/* Give the sub-groups of PATH the controllers WANTED; die if one that is REQUIRED cannot be. */
static void enable_below(const char *path, unsigned wanted, unsigned required)
{
	static const char file[] = "cgroup.subtree_control";
	const struct directory directory = {.path = (char *)path};
	char names[64] = "";

	for (int c = 0; c < CONTROLLERS; c++)
		if (wanted & 1U << c)
			snprintf(names + strlen(names), sizeof names - strlen(names), "+%s ",
				 v2_names[c]);
	if (try_value(&directory, file, names))
		return;
	/*
	 * It is all or nothing: one by one then. But if this group has processes, leave it at
	 * nothing: cpu and pids would be accepted, and make it threaded, its sub-groups of no use.
	 */
	const bool busy = errno == EBUSY;
	for (int c = 0; c < CONTROLLERS; c++) {
		if (!(wanted & 1U << c))
			continue;
		snprintf(names, sizeof names, "+%s", v2_names[c]);
		if ((busy || !try_value(&directory, file, names)) && required & 1U << c)
			die_of_rule(file, "%s/%s: '%s':", path, file, names);
	}
}

/* Give the new v2 group controllers, from the root downwards. */
static void enable_controllers(const struct directory *directory, unsigned required)
{
	unsigned wanted = (usual | required) & directory->controllers;
	char *names = wanted ? get_value(directory->path, "cgroup.controllers") : NULL;

	if (!names || !(wanted & ~controllers_in(names, " ", v2_names))) {
		free(names);
		return;
	}
	char *slash = directory->path + strlen(directory->mount);
	for (; slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		enable_below(directory->path, wanted, required & wanted);
		*slash = '/';
	}
	free(names);
}

void make_group(struct group *group, unsigned required)
{
	for (int c = 0; c < CONTROLLERS; c++)
		if (required & 1U << c && !with_controller(group, c))
			die_hint("/proc/cgroups lists what the kernel has; on a v2 host "
				 "cgroup.controllers lists what this part of it was given",
				 "this host has no %s controller", v2_names[c]);
	for (size_t i = 0; i < group->count; i++) {
		make_in_hierarchy(&group->directory[i]);
		if (group->directory[i].unified)
			enable_controllers(&group->directory[i], required);
	}
}

/* ---- joining ---- */

/* Open PATH, or /dev/null for NULL, as descriptor FD, for the programs that follow. */
static void leave_open(const char *path, int fd)
{
	int opened = open(path ? path : "/dev/null", O_RDONLY | O_CLOEXEC);

	if (opened < 0)
		die("%s:", path);
	if (opened == fd ? fcntl(fd, F_SETFD, 0) : dup2(opened, fd) < 0)
		die("descriptor %d:", fd);
}

void join_group(struct group *group, int fd)
{
	const struct directory *unified = unified_directory(group);

	for (size_t i = 0; i < group->count; i++)
		/*
		 * "tasks" moves one thread, this one. cgroup.procs moves a process, and for
		 * that stops all forks of the machine, which waits for an RCU grace period
		 * (cgroup_threadgroup_rwsem): 10 ms and more.
		 */
		if (!group->directory[i].unified)
			put_value(&group->directory[i], "tasks", "0");
	if (fd >= 0)
		leave_open(unified ? unified->path : NULL, fd);
	else if (unified && unified == main_directory(group))
		/* v2 has no such way round. On a hybrid host all that matters is in v1. */
		put_value(unified, "cgroup.procs", "0");
}
