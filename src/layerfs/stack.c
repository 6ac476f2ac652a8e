/*
 * layerfs stack: directories as one file system, made by overlayfs, handed on
 * as a detached mount (a descriptor) to the next command, or attached.
 *
 * With --idmap the files on disk keep their owners and the mount shows them
 * under other ids: every directory is cloned (open_tree(2)) and the clone is
 * mapped (mount_setattr(2), MOUNT_ATTR_IDMAP). Overlayfs takes such clones
 *  - as descriptors (Linux 6.13), or else
 *  - by name (Linux 5.19) if they are attached in the mount namespace of the
 *    caller: a child of ours does it in a namespace of its own.
 * Which one works is found by trying.
 */
#define _GNU_SOURCE
#include "common.h"
#include "layerfs.h"
#include "newer.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char usage[] =
	"usage: layerfs stack (-f N | -a DIR) [-i I:O:COUNT]... [-u UPPER -w WORK] [-r]\n"
	"                     LAYER... [-- COMMAND...]\n"
	"\n"
	"Mount the directories LAYER, base first, as one file system, then run COMMAND.\n"
	"\n"
	"  -f, --fd N            hand the mount on to COMMAND as descriptor N, not attached\n"
	"  -a, --at DIR          attach the mount at DIR\n"
	"  -i, --idmap I:O:COUNT show the owners I, I+1, ... on disk as O, O+1, ...\n"
	"  -u, --upper UPPER     directory that takes all changes; made if missing\n"
	"  -w, --work WORK       empty directory on UPPER's file system; made if missing\n"
	"  -r, --read-only       mount read-only (always so without UPPER)\n"
	"      --volatile        never write UPPER to the disk on purpose: it is to be thrown "
	"away\n"
	"  -h, --help\n";

enum { LAYERS_MAX = 200 }; /* what fits into mount_options(); Docker allows 125 */

/*
 * Fixed whatever the kernel's defaults are: upper must hold whole files under
 * their own names (diff reads it), and a layer must not redirect. index=off: an
 * index binds upper to its layers by file handle, and copies of both would fail
 * with ESTALE.
 */
static const char *const settings[][2] = {
	{"metacopy", "off"},
	{"redirect_dir", "nofollow"},
	{"index", "off"},
	{"xino", "off"},
};
enum { SETTINGS = sizeof settings / sizeof *settings };

static struct {
	char **layers; /* base first */
	size_t count;
	const char *upper, *work, *at;
	int fd; /* -1: none */
	bool read_only;
	bool is_volatile; /* unmounting does not sync the file system of upper */
	char *map;	  /* lines of uid_map(5), NULL: none */
	int64_t root_id;  /* what the map shows id 0 as */
} wanted = {.fd = -1, .root_id = -1};

/* The parts, cloned and mapped. Directories in dirs are those of trees. */
static struct {
	int trees[LAYERS_MAX + 1], layers[LAYERS_MAX];
	int upper, work;
	size_t count; /* of trees */
} parts;

/* ---- ids ---- */

static void add_map(char *text)
{
	char *inside = strsep(&text, ":"), *outside = strsep(&text, ":");
	char *count = strsep(&text, ":");

	if (!count || text)
		usage_error("--idmap: not of the form I:O:COUNT");
	uint64_t n = parse_number("--idmap COUNT", count, 1, UINT32_MAX);
	uint64_t i = parse_number("--idmap I", inside, 0, UINT32_MAX - n);
	uint64_t o = parse_number("--idmap O", outside, 0, UINT32_MAX - n);
	char *map = xasprintf("%s%llu %llu %llu\n", wanted.map ? wanted.map : "",
			      (unsigned long long)i, (unsigned long long)o, (unsigned long long)n);
	free(wanted.map);
	wanted.map = map;
	if (!i)
		wanted.root_id = (int64_t)o;
}

static void write_map(pid_t pid, const char *name)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, wanted.map, strlen(wanted.map)) < 0)
		die_hint("ranges must not overlap, and there are at most 340",
			 "--idmap: %s:", path);
	close(fd);
}

/*
 * mount_setattr(2) takes a mapping in the form of a user namespace, and a user
 * namespace is only made with a process in it: one that lives until the
 * descriptor is open.
 */
static int make_user_namespace(void)
{
	char path[32];
	pid_t parent = getpid(),
	      pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (pid < 0)
		die("cannot create a user namespace (in a chroot there are none):");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == parent)
			pause();
		_exit(0);
	}
	write_map(pid, "uid_map");
	write_map(pid, "gid_map");
	snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("%s:", path);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return fd;
}

/* ---- parts ---- */

/*
 * A clone of the mount at PATH, PATH its root, mapped by USERNS unless that is -1.
 * Private: as a peer of a shared mount it would pass on to the host's tree what
 * is mounted on it (mount_namespaces(7)).
 */
static int clone_tree(const char *path, int userns)
{
	struct mount_attr attr = {.propagation = MS_PRIVATE};
	int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0 && errno == EPERM)
		die_hint("mounting needs root, and a container or seccomp may forbid it even so",
			 "%s:", path);
	if (tree < 0)
		die("%s:", path);
	if (userns >= 0) {
		attr.attr_set = MOUNT_ATTR_IDMAP;
		attr.userns_fd = (uint64_t)userns;
	}
	if (mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof attr)) {
		if (userns < 0)
			die("%s:", path);
		die_hint("its file system cannot map ids: use ext4, xfs or btrfs, or leave --idmap "
			 "out",
			 "%s: cannot map ids:", path);
	}
	parts.trees[parts.count++] = tree;
	return tree;
}

/* Open PATH below TREE; it must be the directory that NAME is to the caller. */
static int open_part(int tree, const char *path, const char *name)
{
	struct stat seen, named;
	int fd = openat(tree, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if ((fd < 0 && errno != ENOENT) || (fd >= 0 && fstat(fd, &seen)) || stat(name, &named))
		die("%s:", name);
	if (fd < 0 || seen.st_dev != named.st_dev || seen.st_ino != named.st_ino)
		die("%s: a mount lies between it and %s", name, wanted.work);
	return fd;
}

/* Overlayfs wants UPPER and WORK on one mount: clone the directory above both. */
static void clone_upper(int userns)
{
	char *upper = realpath(wanted.upper, NULL), *work = realpath(wanted.work, NULL);
	size_t common = 0;

	if (!upper || !work)
		die("%s:", upper ? wanted.work : wanted.upper);
	for (size_t i = 0; upper[i] == work[i] && upper[i]; i++)
		if (upper[i] == '/')
			common = i + 1;
	char *above = strndup(upper, common);
	if (!above)
		die("out of memory");
	int tree = clone_tree(above, userns);
	parts.upper = open_part(tree, upper + common, wanted.upper);
	parts.work = open_part(tree, work + common, wanted.work);
	free(above);
	free(upper);
	free(work);
}

/*
 * The root of the overlay has the attributes of UPPER: a new one takes those of
 * the image's root. Renamed into place, so that it is never seen without.
 */
static void make_upper(void)
{
	char *new = xasprintf("%s.new", wanted.upper);

	if (mkdir(wanted.work, 0700) && errno != EEXIST)
		die("mkdir %s:", wanted.work);
	if (!access(wanted.upper, F_OK)) {
		free(new);
		return;
	}
	if (mkdir(new, 0700) && errno != EEXIST) /* left by one that was killed */
		die("mkdir %s:", new);
	int from = open(wanted.layers[wanted.count - 1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int to = open(new, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = from >= 0 && to >= 0 && copy_attributes(from, to);
	if (done && (fsetxattr(to, "trusted.overlay.opaque", "n", 1, 0) ||
		     fremovexattr(to, "trusted.overlay.opaque"))) {
		rmdir(new);
		die_hint("overlayfs needs them in the upper directory: use ext4, xfs, btrfs or "
			 "tmpfs",
			 "%s: trusted.* extended attributes:", wanted.upper);
	}
	if (!done || rename(new, wanted.upper)) {
		int error = errno;
		rmdir(new);
		errno = error;
		die("%s:", wanted.upper);
	}
	close(from);
	close(to);
	free(new);
}

static void clone_parts(void)
{
	int userns = wanted.map ? make_user_namespace() : -1;

	for (size_t i = 0; i < wanted.count; i++)
		parts.layers[i] =
			open_part(clone_tree(wanted.layers[i], userns), ".", wanted.layers[i]);
	if (wanted.upper)
		clone_upper(userns);
	if (userns >= 0)
		close(userns);
}

/* ---- the overlay ---- */

/*
 * Overlayfs creates files in the work directory with the ids of whoever mounts;
 * under a mapping only a mapped id has a representation on disk, otherwise
 * it fails (EOVERFLOW) and the mount comes up read-only. So take the mapped
 * root's ids for files, but keep the capabilities that this drops
 * (capabilities(7), "Effect of user ID changes").
 */
static void take_file_ids(uint32_t id)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, caps))
		die("capget:");
	setfsuid(id);
	setfsgid(id);
	if (syscall(SYS_capset, &header, caps))
		die("capset:");
}

/* Overlayfs from descriptors: a detached mount, -1 with errno. */
static int mount_by_descriptor(void)
{
	int fs = fsopen("overlay", FSOPEN_CLOEXEC), mount = -1;
	bool good = fs >= 0 && !fsconfig(fs, FSCONFIG_SET_STRING, "source", "overlay", 0);

	for (size_t i = wanted.count; good && i-- > 0;)
		good = !fsconfig(fs, FSCONFIG_SET_FD, "lowerdir+", NULL, parts.layers[i]);
	if (good && wanted.upper)
		good = !fsconfig(fs, FSCONFIG_SET_FD, "upperdir", NULL, parts.upper) &&
		       !fsconfig(fs, FSCONFIG_SET_FD, "workdir", NULL, parts.work);
	for (size_t i = 0; good && i < SETTINGS; i++)
		good = !fsconfig(fs, FSCONFIG_SET_STRING, settings[i][0], settings[i][1], 0);
	if (good && wanted.is_volatile)
		good = !fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0);
	if (good && !fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mount = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	int error = errno;
	if (fs >= 0)
		close(fs);
	errno = error;
	return mount;
}

/* The options of mount(2), at most a page; hence the short names by descriptor. */
static char *mount_options(void)
{
	char *options = xstrdup("lowerdir"), *next;

	for (size_t i = wanted.count; i-- > 0; options = next) {
		next = xasprintf("%s%c/proc/self/fd/%d", options, i + 1 == wanted.count ? '=' : ':',
				 parts.layers[i]);
		free(options);
	}
	if (wanted.upper) {
		next = xasprintf("%s,upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d", options,
				 parts.upper, parts.work);
		free(options);
		options = next;
	}
	for (size_t i = 0; i < SETTINGS; i++, options = next) {
		next = xasprintf("%s,%s=%s", options, settings[i][0], settings[i][1]);
		free(options);
	}
	if (wanted.is_volatile) {
		next = xasprintf("%s,volatile", options);
		free(options);
		options = next;
	}
	return options;
}

/*
 * The child of mount_by_name(): attach the parts and the overlay, all on one
 * mount point that is not needed here, and clone the overlay from there.
 */
static int mount_in_child(void)
{
	static const char place[] = "/proc/sys";

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	for (size_t i = 0; i < parts.count; i++)
		if (move_mount(parts.trees[i], "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH))
			return -1;
	if (mount("overlay", place, "overlay", 0, mount_options()))
		return -1;
	return open_tree(AT_FDCWD, place, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

/* Overlayfs from names, as before Linux 6.13: a detached mount, -1 with errno. */
static int mount_by_name(void)
{
	int status, result = open("/", O_PATH | O_CLOEXEC);
	/* Descriptors are shared: the child replaces `result` by the mount. */
	pid_t pid = result < 0 ? -1 : (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);

	if (!pid) {
		int mount = mount_in_child();
		_exit(mount < 0 || dup3(mount, result, O_CLOEXEC) < 0 ? errno : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		die("cannot start a child:");
	errno = exit_status(status);
	return errno ? -1 : result;
}

/* Say what overlayfs means by ERROR and exit. */
_Noreturn static void explain(int error)
{
	struct statfs fs;
	const char *hint = "the kernel's log has the reason: dmesg | tail";

	if (error == ELOOP)
		hint = "two of the directories are the same, or one lies inside another";
	else if (error == ENODEV)
		hint = "the kernel has no overlayfs: modprobe overlay";
	else if (error == EPERM)
		hint = "mounting needs root, and a container or seccomp may forbid it even so";
	else if (error == ESTALE)
		hint = "the upper directory was used with other layers: take an empty one";
	else if (error == EBUSY)
		hint = "the upper or work directory is in use by another overlay";
	else if (wanted.upper && !statfs(wanted.upper, &fs) &&
		 (fs.f_type == OVERLAYFS_SUPER_MAGIC || fs.f_type == NFS_SUPER_MAGIC))
		hint = "the upper directory cannot lie on overlayfs or NFS: put it on ext4, xfs or "
		       "tmpfs";
	else if (wanted.map && error == EINVAL)
		hint = "overlayfs on mapped ids needs Linux 5.19; without it leave --idmap out";
	errno = error;
	die_hint(hint, "cannot stack %zu layers:", wanted.count);
}

/* The detached mount of everything. */
static int make_mount(void)
{
	struct mount_attr attr = {0};
	struct statvfs fs;
	int mount;

	if (wanted.count == 1 && !wanted.upper) {
		mount = parts.trees[0]; /* overlayfs would refuse fewer than two */
	} else {
		if (wanted.map)
			take_file_ids((uint32_t)wanted.root_id);
		mount = mount_by_descriptor();
		if (mount < 0)
			mount = mount_by_name();
		if (mount < 0)
			explain(errno);
		if (wanted.map)
			take_file_ids(0);
	}
	/* A failing work directory makes overlayfs read-only with no more than a log line. */
	if (wanted.upper && !fstatvfs(mount, &fs) && fs.f_flag & ST_RDONLY)
		die_hint("is its file system full or read-only?",
			 "%s: cannot be used as work directory", wanted.work);
	/*
	 * A device node of an image must not open the host's device: in a user
	 * namespace no node works (user_namespaces(7)), but these were made outside.
	 */
	attr.attr_set = (wanted.map ? MOUNT_ATTR_NODEV : 0) |
			(wanted.read_only || !wanted.upper ? MOUNT_ATTR_RDONLY : 0);
	if (attr.attr_set && mount_setattr(mount, "", AT_EMPTY_PATH, &attr, sizeof attr))
		die("cannot set the mount's attributes:");
	return mount;
}

/* ---- the command line ---- */

static void parse_option(int c)
{
	switch (c) {
	case 'f':
		wanted.fd = (int)parse_number("--fd", optarg, 3, INT_MAX);
		break;
	case 'a':
		wanted.at = optarg;
		break;
	case 'i':
		add_map(optarg);
		break;
	case 'u':
		wanted.upper = optarg;
		break;
	case 'w':
		wanted.work = optarg;
		break;
	case 'r':
		wanted.read_only = true;
		break;
	case 'V':
		wanted.is_volatile = true;
		break;
	case 'h':
		help(usage);
	default:
		usage_error("bad option");
	}
}

/* Take the command line apart; the result is COMMAND, maybe empty. */
static char **parse(char **argv, int argc)
{
	static const struct option options[] = {
		{"fd", required_argument, NULL, 'f'},
		{"at", required_argument, NULL, 'a'},
		{"idmap", required_argument, NULL, 'i'},
		{"upper", required_argument, NULL, 'u'},
		{"work", required_argument, NULL, 'w'},
		{"read-only", no_argument, NULL, 'r'},
		{"volatile", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};

	for (int c; (c = getopt_long(argc, argv, "+f:a:i:u:w:rh", options, NULL)) != -1;)
		parse_option(c);
	wanted.layers = argv + optind;
	while (wanted.layers[wanted.count] && strcmp(wanted.layers[wanted.count], "--") != 0)
		wanted.count++;
	char **command = wanted.layers + wanted.count + (wanted.layers[wanted.count] != NULL);
	if (!wanted.count)
		usage_error("no layer");
	if (wanted.count > LAYERS_MAX)
		die("%zu layers: overlayfs takes at most %d", wanted.count, LAYERS_MAX);
	if ((wanted.fd >= 0) == !!wanted.at)
		usage_error("give one of --fd and --at");
	if (wanted.fd >= 0 && !*command)
		usage_error("--fd needs a COMMAND that takes the descriptor");
	if (!wanted.upper != !wanted.work)
		usage_error("--upper and --work go together");
	if (wanted.map && wanted.root_id < 0)
		usage_error("--idmap: id 0 must be mapped");
	return command;
}

int stack_main(int argc, char **argv)
{
	char **command = parse(argv, argc);

	if (wanted.upper)
		make_upper();
	clone_parts();
	int mount = make_mount();
	if (wanted.at && move_mount(mount, "", AT_FDCWD, wanted.at, MOVE_MOUNT_F_EMPTY_PATH))
		die("cannot attach at %s:", wanted.at);
	if (!wanted.at &&
	    (mount == wanted.fd ? fcntl(mount, F_SETFD, 0) : dup2(mount, wanted.fd)) < 0)
		die("descriptor %d:", wanted.fd);
	if (*command)
		chain(command);
	return 0;
}
