/*
 * root-tar get: a file or tree below a root as a tar archive. Others may be changing the
 * tree meanwhile: what is open is what is archived, links are never followed, and a device
 * or fifo is never opened.
 */
#define _GNU_SOURCE
#include "common.h"
#include "tar.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

static const char usage[] =
	"usage: root-tar get [-i] [-L] [-n NAME] ROOT PATH\n"
	"\n"
	"Write PATH, looked up in the directory ROOT, to standard output as a tar archive. Its\n"
	"names begin with the last part of PATH, or with \".\" if PATH ends in \"/.\".\n"
	"\n"
	"  -L, --follow-link  if PATH is a symbolic link, what it leads to\n"
	"  -i, --if-there     if there is no PATH, write an archive of nothing\n"
	"  -n, --name NAME    let the names in the archive begin with NAME\n"
	"  -h, --help\n"
	"\n"
	"Exit status: 1 if something was left out because it changed meanwhile.\n";

static void *links; /* of linked_to() */
static bool incomplete, may_lack;

/* ---- one file ---- */

static void fill_member(struct member *member, const char *path, const struct stat *st)
{
	clear_member(member);
	free(member->path);
	member->path = xasprintf("%s%s", path, S_ISDIR(st->st_mode) ? "/" : "");
	member->mode = st->st_mode;
	member->uid = st->st_uid;
	member->gid = st->st_gid;
	member->mtime = st->st_mtim;
}

/* each_xattr(): one attribute for a member. */
static bool keep_attribute(void *member, const char *name, const void *value, size_t size)
{
	add_attribute(member, name, value, size);
	return true;
}

/* The SIZE bytes that the header promises: cut off or filled up if the file changes. */
static void write_data(int fd, uint64_t size, const char *path)
{
	static char block[256 * 1024];
	uint64_t left = size;

	while (left) {
		ssize_t n = read(fd, block, left < sizeof block ? (size_t)left : sizeof block);
		if (n < 0)
			die("%s:", path);
		if (!n) {
			n = left < sizeof block ? (ssize_t)left : (ssize_t)sizeof block;
			memset(block, 0, (size_t)n);
		}
		write_bytes(block, (size_t)n);
		left -= (uint64_t)n;
	}
	write_padding(size);
}

/* The regular file or directory that is open as FD. */
static void write_opened(struct member *member, int fd, const struct stat *st, const char *path)
{
	fill_member(member, path, st);
	member->type = S_ISDIR(st->st_mode) ? '5' : '0';
	member->size = S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_size;
	if (!each_xattr(fd, keep_attribute, member))
		die("%s: extended attributes:", path);
	write_member(member);
	if (member->size)
		write_data(fd, member->size, path);
}

/* What has no contents: a link, device or fifo, NAME in DIR. */
static void write_node(struct member *member, int dir, const char *name, const struct stat *st,
		       const char *path)
{
	char text[PATH_MAX];
	ssize_t size;

	fill_member(member, path, st);
	switch (st->st_mode & S_IFMT) {
	case S_IFLNK:
		size = readlinkat(dir, name, text, sizeof text);
		if (size < 0)
			die("%s:", path);
		free(member->link);
		member->link = xasprintf("%.*s", (int)size, text);
		member->type = '2';
		break;
	case S_IFIFO:
		member->type = '6';
		break;
	default:
		member->type = S_ISCHR(st->st_mode) ? '3' : '4';
		member->major = major(st->st_rdev);
		member->minor = minor(st->st_rdev);
	}
	write_member(member);
}

static void write_link(struct member *member, const struct stat *st, const char *path,
		       const char *first)
{
	fill_member(member, path, st);
	free(member->link);
	member->link = xstrdup(first);
	member->type = '1';
	write_member(member);
}

/* ---- the tree ---- */

/* File systems that show the kernel, not files: there is no end to what can be read there. */
static bool shows_kernel(int fd)
{
	static const unsigned kinds[] = {PROC_SUPER_MAGIC,   SYSFS_MAGIC,
					 CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
					 DEVPTS_SUPER_MAGIC, DEBUGFS_MAGIC,
					 TRACEFS_MAGIC,	     SECURITYFS_MAGIC,
					 BPF_FS_MAGIC,	     0x19800202 /* mqueue */};
	struct statfs fs;

	if (fstatfs(fd, &fs))
		die("statfs:");
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if ((unsigned)fs.f_type == kinds[i])
			return true;
	return false;
}

static void write_any(int dir, const char *name, const char *path, const struct stat *top);

/* All that is in the open directory FD. */
static void write_children(int fd, const struct stat *st, const char *path)
{
	size_t count;
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (copy < 0)
		die("%s:", path);
	char **names = read_names(copy, &count, path);
	for (size_t i = 0; i < count; i++) {
		char *child = xasprintf("%s/%s", path, names[i]);
		if (strlen(child) >= PATH_MAX)
			die("%s: path too long", child);
		write_any(fd, names[i], child, st);
		free(child);
		free(names[i]);
	}
	free(names);
}

/* A regular file or directory FD (closed here), called PATH; ABOVE: the directory it is in. */
static void write_file(int fd, const char *path, const struct stat *above)
{
	struct member member = {0};
	struct stat st;

	if (fstat(fd, &st))
		die("%s:", path);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		warn("%s: changed while it was read, left out", path);
		incomplete = true;
		close(fd);
		return;
	}
	write_opened(&member, fd, &st, path);
	clear_member(&member);
	if (S_ISDIR(st.st_mode) && (above->st_dev == st.st_dev || !shows_kernel(fd)))
		write_children(fd, &st, path);
	close(fd);
}

/* NAME in DIR, whatever it is; what goes meanwhile was not there. */
static void write_any(int dir, const char *name, const char *path, const struct stat *above)
{
	struct member member = {0};
	const char *first;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)) {
		if (errno != ENOENT)
			die("%s:", path);
		return;
	}
	if (S_ISSOCK(st.st_mode)) {
		warn("%s: a socket cannot be archived, left out", path);
		return;
	}
	if ((first = linked_to(&links, &st, path))) {
		write_link(&member, &st, path, first);
	} else if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) {
		int fd = openat(dir, name,
				O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd < 0 && errno != ENOENT && errno != ELOOP)
			die("%s:", path);
		if (fd >= 0)
			write_file(fd, path, above);
	} else {
		write_node(&member, dir, name, &st, path);
	}
	clear_member(&member);
}

/* ---- the command line ---- */

/* The last part of PATH, "." and ".." taken out by their text; "." if there is none. */
static char *last_name(const char *path)
{
	char *copy = xstrdup(path), **parts = xmalloc((strlen(path) / 2 + 2) * sizeof *parts);
	char *rest = copy, *part;
	size_t depth = 0, length = strlen(path);

	while ((part = strsep(&rest, "/"))) {
		if (!strcmp(part, ".."))
			depth -= depth > 0;
		else if (*part && strcmp(part, ".") != 0)
			parts[depth++] = part;
	}
	bool contents = length >= 2 && !strcmp(path + length - 2, "/.");
	char *name = xstrdup(!depth || contents || !strcmp(path, ".") ? "." : parts[depth - 1]);
	free(parts);
	free(copy);
	return name;
}

/*
 * The directory in which PATH is, and *NAME in it. What has to be followed is looked up as a
 * whole: then the directory is PATH itself, and *NAME is NULL.
 */
static int open_parent(int root, const char *path, bool follow, const char **name)
{
	const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
	int fd;

	*name = NULL;
	if (!*last || !strcmp(last, ".") || !strcmp(last, ".."))
		follow = true;
	if (follow)
		return open_in_root(root, path, O_PATH, 0);
	char *parent = xasprintf("./%.*s", (int)(last - path), path);
	fd = open_in_root(root, parent, O_PATH | O_DIRECTORY, 0);
	free(parent);
	*name = last;
	return fd;
}

/* PATH, with its links followed: FOUND, of ST. A device is looked at, but never opened. */
static void write_followed(int root, int found, const struct stat *st, const char *path,
			   const char *name)
{
	struct member member = {0};

	if (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)) {
		int fd = open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
		if (fd < 0)
			die("%s:", path);
		write_file(fd, name, st);
	} else if (S_ISSOCK(st->st_mode)) {
		die("%s: a socket cannot be archived", path);
	} else {
		write_node(&member, found, "", st, name);
	}
	clear_member(&member);
}

static void write_path(int root, const char *path, bool follow, const char *name)
{
	const char *last;
	struct stat st;
	int dir = open_parent(root, path, follow, &last), found = dir;

	if (dir >= 0 && last)
		found = openat(dir, last, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (found < 0 && errno == ENOENT && may_lack)
		return;
	if (found < 0 || fstat(found, &st))
		die("%s:", path);
	if (shows_kernel(found))
		die_hint("run cat or tar in the container for that",
			 "%s: lies on a file system that shows the kernel", path);
	if (last)
		write_any(dir, last, name, &st);
	else
		write_followed(root, found, &st, path, name);
	close(dir);
	if (last)
		close(found);
}

int get_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"follow-link", no_argument, NULL, 'L'},
		{"if-there", no_argument, NULL, 'i'},
		{"name", required_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const struct rlimit files = {4096, 4096}; /* one open for each level of the tree */
	const char *name = NULL;
	bool follow = false;

	for (int c; (c = getopt_long(argc, argv, "+Lin:h", options, NULL)) != -1;) {
		switch (c) {
		case 'L':
			follow = true;
			break;
		case 'i':
			may_lack = true;
			break;
		case 'n':
			name = optarg;
			break;
		case 'h':
			help(usage);
		default:
			usage_error("bad option");
		}
	}
	if (argc - optind != 2)
		usage_error("give ROOT and PATH");
	if (name && (!*name || strchr(name, '/')))
		usage_error("--name: one part of a path, not '%s'", name);
	if (isatty(STDOUT_FILENO))
		die("standard output is a terminal, not a file or pipe");
	(void)setrlimit(RLIMIT_NOFILE, &files);
	int root = open_argument(argv[optind], O_PATH | O_DIRECTORY);
	char *last = name ? xstrdup(name) : last_name(argv[optind + 1]);
	write_path(root, *argv[optind + 1] ? argv[optind + 1] : ".", follow, last);
	free(last);
	write_end();
	return incomplete;
}
