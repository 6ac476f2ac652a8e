/*
 * root-tar put: unpack a tar archive below a root. The archive is hostile, and so is who
 * shares the tree with us: each file is made under a name aside, gets its owner and
 * mode by descriptor, and is renamed into place, so that nothing is followed or truncated
 * and a reader sees the old file or the new one.
 */
#define _GNU_SOURCE
#include "common.h"
#include "tar.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char usage[] =
	"usage: root-tar put [-c | -p] [-d] [-m MODE] [-o | -O UID:GID] [-s] ROOT DIRECTORY\n"
	"\n"
	"Unpack the archive on standard input into DIRECTORY, looked up in the directory ROOT.\n"
	"Print \"size BYTES\" of the archive. The archive must not be compressed.\n"
	"\n"
	"  -c, --copy        as cp does: DIRECTORY may also be a file, or a new name, for the\n"
	"                    one tree in the archive; nothing below follows a link\n"
	"  -d, --no-devices  leave out devices\n"
	"  -m, --mode MODE   for all files and directories of the archive: a mode in octal, or\n"
	"                    what becomes of theirs, as with chmod: u=rwX,go=rX\n"
	"  -o, --owners      keep the owners of the archive (otherwise all is ours)\n"
	"  -O, --owner UID:GID  let all that is made belong to these\n"
	"  -p, --parents     make DIRECTORY, and those above it, as COPY of a Dockerfile does: if\n"
	"                    no slash is at its end, it may also be a new name for the one\n"
	"                    file in the archive\n"
	"  -s, --safe        no set-user-ID and set-group-ID bits, devices, capabilities\n"
	"  -h, --help\n";

enum { LINKS_MAX = 40 }; /* as the kernel's own limit, path_resolution(7) */

static struct {
	int root, base;	  /* descriptors: ROOT; and the directory that names begin in */
	const char *path; /* DIRECTORY */
	bool copy, owners, no_devices, safe, parents, has_owner;
	const char *mode; /* NULL: that of the archive */
	uid_t uid;
	gid_t gid;
	char *top;	 /* --copy: first part of all names in the archive, or "" */
	char *new_name;	 /* and what it becomes: another name, or "", base itself */
	char *file_name; /* --parents: what the one file in the archive becomes, or NULL */
} wanted;

/* The directory of the last member. */
static struct {
	int fd;
	char *path;
} parent = {.fd = -1};

/* A file on its way, to be removed if we die. */
static struct {
	int dir;
	char name[32];
} aside = {.dir = -1};

static void remove_aside(void)
{
	if (aside.dir >= 0)
		(void)unlinkat(aside.dir, aside.name, 0);
	aside.dir = -1;
}

/* ---- names ---- */

/*
 * NAME of the archive: relative, no ".", no empty parts, no slash at the end: to be freed.
 * "" is the directory itself. Dies if there is a ".." in it.
 */
static char *clean(const char *name)
{
	char *path = xmalloc(strlen(name) + 1);
	size_t used = 0;

	if (strlen(name) >= PATH_MAX)
		die("a name in the archive is too long");
	for (const char *part = name; *part;) {
		size_t length = strcspn(part, "/");
		if (length == 2 && !memcmp(part, "..", 2))
			die("%s: this name leads out of the directory", name);
		if (length > 1 || (length == 1 && *part != '.')) {
			if (used)
				path[used++] = '/';
			memcpy(path + used, part, length);
			used += length;
		}
		part += length + strspn(part + length, "/");
	}
	path[used] = '\0';
	return path;
}

/* --copy: put the new name in for the first part of the clean PATH (freed here). */
static char *rename_top(char *path)
{
	if (wanted.file_name) {
		free(path);
		return xstrdup(wanted.file_name);
	}
	if (!wanted.copy)
		return path;

	size_t length = strlen(wanted.top);
	const char *rest = path + length;
	if (length && (strncmp(path, wanted.top, length) != 0 || (*rest && *rest != '/')))
		die("%s: not below %s, the first name in the archive", path, wanted.top);
	rest += length && *rest == '/';
	char *renamed =
		xasprintf("%s%s%s", wanted.new_name, *wanted.new_name && *rest ? "/" : "", rest);
	free(path);
	return renamed;
}

/* Open the directory NAME in AT. PATH is where it is; --copy: it must not be a link. */
static int open_step(int at, const char *name, const char *path)
{
	if (wanted.copy)
		return openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char *whole = xasprintf("%s/%s", wanted.path, path);
	int fd = open_in_root(wanted.root, whole, O_PATH | O_DIRECTORY, 0);
	free(whole);
	return fd;
}

/* Make the directory NAME in AT, where the archive has none; -1 with errno. */
static int make_directory(int at, const char *name)
{
	int fd;

	if (mkdirat(at, name, 0755))
		return -1;
	fd = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && wanted.has_owner &&
	    fchownat(fd, "", wanted.uid, wanted.gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		die("%s: owner:", name);
	return fd;
}

/* Open the directory PATH (clean); the archive may only imply it, then it is made. */
static int open_directory(const char *path)
{
	int fd = fcntl(wanted.base, F_DUPFD_CLOEXEC, 0);
	char *copy = xstrdup(path), *rest = copy, *part;

	while (*path && (part = strsep(&rest, "/"))) {
		char *so_far = xasprintf("%.*s", (int)(part + strlen(part) - copy), path);
		int next = open_step(fd, part, so_far);
		if (next < 0 && errno == ENOENT)
			next = make_directory(fd, part);
		if (next < 0)
			die("%s:", so_far);
		close(fd);
		fd = next;
		free(so_far);
	}
	free(copy);
	return fd;
}

/* Split the clean PATH: the directory is opened as parent.fd, the result is the name. */
static const char *enter_parent(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
	const char *directory = slash ? path : "";
	if (parent.fd < 0 || strcmp(parent.path, directory) != 0) {
		if (parent.fd >= 0)
			close(parent.fd);
		free(parent.path);
		parent.fd = open_directory(directory);
		parent.path = xstrdup(directory);
	}
	return slash ? slash + 1 : path;
}

/* ---- where --copy goes to, by the rules of docker cp ---- */

/* The name "NAME" or "NAME/" of a file that is not there: follow links to nothing. */
static void find_new_name(const char *destination, bool directory, int depth)
{
	char *path = xstrdup(destination), text[PATH_MAX];
	size_t length = strlen(path);

	if (!directory && length && path[length - 1] == '/')
		die("%s: no such directory", destination);
	while (length && path[length - 1] == '/')
		path[--length] = '\0';
	char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		die("%s: no such directory", destination);
	char *above = xasprintf("./%.*s", (int)(name - path), path);
	wanted.base = open_in_root(wanted.root, above, O_PATH | O_DIRECTORY, 0);
	if (wanted.base < 0)
		die("%.*s:", (int)(name - path), path);
	ssize_t size = readlinkat(wanted.base, name, text, sizeof text - 1);
	if (size < 0) {
		wanted.new_name = xstrdup(name);
	} else {
		text[size] = '\0';
		char *next = *text == '/' ? xstrdup(text) : xasprintf("%s/%s", above, text);
		if (depth == LINKS_MAX)
			die("%s: too many symbolic links", destination);
		close(wanted.base);
		find_new_name(next, directory, depth + 1);
		free(next);
	}
	free(above);
	free(path);
}

/* Is there a slash at the end, or "/."? */
static bool means_directory(const char *path)
{
	size_t length = strlen(path);

	return length &&
	       (path[length - 1] == '/' || (length > 1 && !strcmp(path + length - 2, "/.")));
}

/* Decide by the FIRST member, and by what is there, what the archive's top becomes. */
static void find_destination(const struct member *first)
{
	bool directory = first->type == '5';
	struct stat st;
	char *path = clean(first->path);
	int fd = open_in_root(wanted.root, wanted.path, O_PATH, 0);

	path[strcspn(path, "/")] = '\0';
	wanted.top = path;
	if (fd >= 0 && fstat(fd, &st))
		die("%s:", wanted.path);
	if (fd >= 0 && S_ISDIR(st.st_mode)) {
		wanted.base = fd;
		wanted.new_name = xstrdup(wanted.top);
		return;
	}
	if (fd < 0 && errno != ENOENT)
		die("%s:", wanted.path);
	if (fd >= 0 && directory)
		die("%s: cannot copy a directory to a file", wanted.path);
	if (fd >= 0 && means_directory(wanted.path))
		die("%s: not a directory", wanted.path);
	if (fd >= 0)
		close(fd);
	find_new_name(wanted.path, directory, 0);
}

/* --parents: open the directory PATH, clean; what there is not is made. */
static int make_path(const char *path)
{
	int fd = open_in_root(wanted.root, ".", O_PATH, 0);
	const char *end = path;

	while (*end) {
		const char *part = end;
		end += strcspn(end, "/");
		char *so_far = xasprintf("%.*s", (int)(end - path), path);
		int next = open_in_root(wanted.root, so_far, O_PATH | O_DIRECTORY, 0);
		if (next < 0 && errno == ENOENT)
			next = make_directory(fd, so_far + (part - path));
		if (next < 0)
			die("%s:", so_far);
		close(fd);
		fd = next;
		free(so_far);
		end += *end == '/';
	}
	return fd;
}

/* --parents: by the FIRST member, and by what is there, DIRECTORY is one or a name for it. */
static void make_destination(const struct member *first)
{
	bool directory = means_directory(wanted.path) || first->type == '5';
	char *path = clean(wanted.path), *slash = strrchr(path, '/');
	struct stat st;
	int fd = open_in_root(wanted.root, *path ? path : ".", O_PATH, 0);

	if (directory || (fd >= 0 && !fstat(fd, &st) && S_ISDIR(st.st_mode))) {
		wanted.base = make_path(path);
	} else {
		wanted.file_name = xstrdup(slash ? slash + 1 : path);
		if (slash)
			*slash = '\0';
		wanted.base = make_path(slash ? path : "");
	}
	if (fd >= 0)
		close(fd);
	free(path);
}

static void open_destination(void)
{
	wanted.base = open_in_root(wanted.root, wanted.path, O_PATH, 0);
	struct stat st;

	if (wanted.base < 0 || fstat(wanted.base, &st))
		die("%s:", wanted.path);
	if (!S_ISDIR(st.st_mode))
		die("%s: must be a directory", wanted.path);
}

/* ---- attributes ---- */

static uid_t owner(uint64_t id, uid_t ours, uid_t given, const char *name)
{
	if (wanted.has_owner)
		return given;
	if (!wanted.owners)
		return ours;
	if (id >= UINT32_MAX) /* (uid_t)-1 would be "leave it" */
		die("%s: an owner in the archive is no user or group", name);
	return (uid_t)id;
}

static mode_t permissions(const struct member *member)
{
	mode_t mode = member->mode & 07777;

	if (wanted.mode)
		(void)change_mode(wanted.mode, member->type == '5', &mode);
	return mode & (wanted.safe ? 01777 : 07777);
}

static void put_attribute(int fd, const struct attribute *attribute, const char *name)
{
	bool plain = !strncmp(attribute->name, "user.", 5);

	if (!is_portable_xattr(attribute->name) || (wanted.safe && !plain) ||
	    (!wanted.owners && !strcmp(attribute->name, "security.capability")))
		return;
	if (!fsetxattr(fd, attribute->name, attribute->value, attribute->size, 0))
		return;
	if (errno != EOPNOTSUPP && errno != EPERM)
		die("%s: %s:", name, attribute->name);
	warn("%s: %s: left out:", name, attribute->name);
}

/* Owner, xattrs and mode, in this order: chown(2) clears what follows it. */
static void put_attributes(const struct member *member, int fd, const char *name)
{
	if (fchown(fd, owner(member->uid, geteuid(), wanted.uid, name),
		   owner(member->gid, getegid(), wanted.gid, name)))
		die("%s: owner:", name);
	for (size_t i = 0; i < member->attribute_count; i++)
		put_attribute(fd, &member->attributes[i], name);
	if (fchmod(fd, permissions(member)))
		die("%s: mode:", name);
}

/* ---- entries: each is made in parent.fd ---- */

static void begin_aside(void)
{
	snprintf(aside.name, sizeof aside.name, ".root-tar.%ld", (long)getpid());
	(void)unlinkat(parent.fd, aside.name, 0); /* of one that was killed */
	aside.dir = parent.fd;
}

/* A mount point of a file cannot be renamed over: write into what is mounted there. */
static void write_into(int from, const char *name)
{
	int to = openat(parent.fd, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char block[64 * 1024];
	struct stat st;
	ssize_t n;

	if (to < 0 || fstat(to, &st))
		die("%s:", name);
	if (!S_ISREG(st.st_mode))
		die("%s: a mount point, and not of a file", name);
	if (ftruncate(to, 0) || lseek(from, 0, SEEK_SET))
		die("%s:", name);
	while ((n = read(from, block, sizeof block)) > 0)
		if (!write_all(to, block, (size_t)n))
			die("%s:", name);
	if (n < 0 || close(to))
		die("%s:", name);
}

/* Let the file aside take its NAME; FD is open for it, or -1. */
static void finish_aside(const char *name, int fd)
{
	struct stat st;

	if (!renameat(parent.fd, aside.name, parent.fd, name)) {
		/* Of two links to one file neither is renamed, and that is no error. */
		(void)unlinkat(parent.fd, aside.name, 0);
		aside.dir = -1;
		return;
	}
	if (errno == EBUSY && fd >= 0) {
		write_into(fd, name);
		remove_aside();
		return;
	}
	if (errno == EISDIR ||
	    (errno == EBUSY && !fstatat(parent.fd, name, &st, 0) && S_ISDIR(st.st_mode)))
		die("%s: cannot replace a directory by something else", name);
	die("%s:", name);
}

static void put_data(int fd, const char *name)
{
	static char block[256 * 1024];
	size_t n;

	while ((n = read_bytes(block, sizeof block)))
		if (!write_all(fd, block, n))
			die("%s:", name);
}

static void put_regular(const struct member *member, const char *name)
{
	const struct timespec times[] = {member->mtime, member->mtime};

	begin_aside();
	int fd = openat(parent.fd, aside.name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
	if (fd < 0)
		die("%s:", name);
	put_data(fd, name);
	put_attributes(member, fd, name);
	if (futimens(fd, times))
		die("%s:", name);
	finish_aside(name, fd);
	if (close(fd))
		die("%s:", name);
}

/* A symbolic link, device or fifo. */
static void put_node(const struct member *member, const char *name)
{
	const struct timespec times[] = {member->mtime, member->mtime};
	mode_t type = member->type == '3' ? S_IFCHR : member->type == '4' ? S_IFBLK : S_IFIFO;
	int failed;

	if (wanted.no_devices && type != S_IFIFO && member->type != '2') {
		warn("%s: a device, left out", name);
		return;
	}
	begin_aside();
	if (member->type == '2')
		failed = symlinkat(member->link, parent.fd, aside.name);
	else
		failed = mknodat(parent.fd, aside.name, type | permissions(member),
				 makedev(member->major, member->minor));
	if (failed && errno == EPERM && member->type != '2') {
		warn("%s: a device cannot be made here, left out", name);
		aside.dir = -1;
		return;
	}
	if (failed ||
	    fchownat(parent.fd, aside.name, owner(member->uid, geteuid(), wanted.uid, name),
		     owner(member->gid, getegid(), wanted.gid, name), AT_SYMLINK_NOFOLLOW) ||
	    utimensat(parent.fd, aside.name, times, AT_SYMLINK_NOFOLLOW))
		die("%s:", name);
	finish_aside(name, -1);
}

/* A hard link: to a name in the archive, whose last part is not followed. */
static void put_link(const struct member *member, const char *name)
{
	char *path = rename_top(clean(member->link)), *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
	int from = open_directory(slash ? path : "");
	begin_aside();
	if (linkat(from, slash ? slash + 1 : path, parent.fd, aside.name, 0))
		die("%s: hard link to %s:", name, member->link);
	finish_aside(name, -1);
	close(from);
	free(path);
}

/* ---- directories: their times come last, when nothing is made in them any more ---- */

static struct {
	struct directory {
		char *path;
		struct timespec mtime;
	} * list;
	size_t count;
} directories;

static void remember_time(const char *path, struct timespec mtime)
{
	if (!(directories.count & (directories.count + 1)))
		directories.list = xrealloc(directories.list,
					    (2 * directories.count + 1) * sizeof *directories.list);
	directories.list[directories.count++] =
		(struct directory){.path = xstrdup(path), .mtime = mtime};
}

static void put_times(void)
{
	for (size_t i = 0; i < directories.count; i++) {
		struct directory *directory = &directories.list[i];
		const struct timespec times[] = {directory->mtime, directory->mtime};
		const char *name = enter_parent(directory->path);
		int fd = openat(parent.fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		/* Gone, or a link that was there already: not ours. */
		if (fd >= 0 && futimens(fd, times))
			die("%s:", name);
		if (fd >= 0)
			close(fd);
		free(directory->path);
	}
	free(directories.list);
}

/* A directory: one that is there already stays, with new attributes. */
static void put_directory(const struct member *member, const char *name, const char *path)
{
	if (mkdirat(parent.fd, name, 0700) && errno != EEXIST)
		die("%s:", name);
	int fd = openat(parent.fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR) && !wanted.copy) {
		/* As with /var/run -> /run: a link to a directory will do. */
		int step = open_step(parent.fd, name, path);
		if (step >= 0) {
			close(step);
			return;
		}
		errno = ENOTDIR;
	}
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		die("%s: cannot replace something else by a directory", path);
	if (fd < 0)
		die("%s:", path);
	put_attributes(member, fd, name);
	close(fd);
	remember_time(path, member->mtime);
}

static void put_member(const struct member *member)
{
	char *path = rename_top(clean(member->path)), *split = xstrdup(path);

	/* The directory itself stays as it is. */
	if (*path) {
		const char *name = enter_parent(split);
		if (member->type == '5')
			put_directory(member, name, path);
		else if (member->type == '0')
			put_regular(member, name);
		else if (member->type == '1')
			put_link(member, name);
		else
			put_node(member, name);
	} else if (member->type != '5') {
		die("%s: not a directory", member->path);
	}
	free(split);
	free(path);
}

/* ---- the command line ---- */

static void parse_owner(const char *text)
{
	char *user = xstrdup(text), *group = strchr(user, ':');

	if (!group)
		usage_error("--owner: UID:GID, not '%s'", text);
	*group++ = '\0';
	wanted.uid = (uid_t)parse_number("user", user, 0, INT32_MAX);
	wanted.gid = (gid_t)parse_number("group", group, 0, INT32_MAX);
	wanted.has_owner = true;
	free(user);
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{"copy", no_argument, NULL, 'c'},
		{"no-devices", no_argument, NULL, 'd'},
		{"owners", no_argument, NULL, 'o'},
		{"safe", no_argument, NULL, 's'},
		{"parents", no_argument, NULL, 'p'},
		{"owner", required_argument, NULL, 'O'},
		{"mode", required_argument, NULL, 'm'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};

	for (int c; (c = getopt_long(argc, argv, "+cdm:oO:psh", options, NULL)) != -1;) {
		switch (c) {
		case 'c':
			wanted.copy = true;
			break;
		case 'm':
			if (!change_mode(optarg, false, &(mode_t){0}))
				usage_error("--mode: '%s' is none", optarg);
			wanted.mode = optarg;
			break;
		case 'o':
			wanted.owners = true;
			break;
		case 'O':
			parse_owner(optarg);
			break;
		case 'p':
			wanted.parents = true;
			break;
		case 'd':
			wanted.no_devices = true;
			break;
		case 's':
			wanted.safe = wanted.no_devices = true;
			break;
		case 'h':
			help(usage);
		default:
			usage_error("bad option");
		}
	}
	if (argc - optind != 2)
		usage_error("give ROOT and DIRECTORY");
	if (wanted.copy && wanted.parents)
		usage_error("--copy and --parents exclude each other");
}

int put_main(int argc, char **argv)
{
	struct member member = {0};
	bool any = false;

	parse(argc, argv);
	wanted.root = open_argument(argv[optind], O_PATH | O_DIRECTORY);
	wanted.path = argv[optind + 1];
	umask(0);
	(void)atexit(remove_aside);
	if (!wanted.copy && !wanted.parents)
		open_destination();
	while (read_member(&member)) {
		if (!any && wanted.copy)
			find_destination(&member);
		if (!any && wanted.parents)
			make_destination(&member);
		if (any && wanted.file_name)
			die("%s: not a directory, and there is more than one file", wanted.path);
		any = true;
		put_member(&member);
	}
	put_times();
	printf("size %llu\n", (unsigned long long)read_end());
	close_stdout();
	clear_member(&member);
	return 0;
}
