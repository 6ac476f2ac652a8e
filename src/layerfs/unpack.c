/*
 * layerfs unpack: a layer archive (OCI image-spec, layer.md) becomes a directory
 * in overlay form. Everything in the archive is hostile: place.c finds the
 * directory in which an entry goes, here it is made, by its last name only.
 */
#define _GNU_SOURCE
#include "common.h"
#include "input.h"
#include "layerfs.h"
#include "place.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char usage[] =
	"usage: layerfs unpack [-d DIGEST] [-f FILE [-F]] [-a | -b | -l DIR...] [-m SIZE]\n"
	"                      [-n COUNT] TARGET\n"
	"\n"
	"Unpack a layer (a tar archive, plain or compressed with gzip, zstd, xz or bzip2)\n"
	"from standard input into the new or empty directory TARGET, in overlay form.\n"
	"Print \"diff-id sha256:HEX\" and \"size BYTES\".\n"
	"\n"
	"  -a, --archive         no layer, but any archive: a name that would mean a whiteout is\n"
	"                        left out, with a warning\n"
	"  -b, --base            there is no layer below: whiteouts have nothing to hide\n"
	"  -d, --diff-id DIGEST  fail unless the uncompressed archive has this digest\n"
	"  -f, --file FILE       read the layer from FILE (fd:N: from descriptor N)\n"
	"  -F, --follow          FILE and the layers below may be on their way still: read\n"
	"                        DIR/.NAME.part as it grows, until it is renamed to DIR/NAME\n"
	"                        or the pipe on standard input closes\n"
	"  -l, --lower DIR       a layer below this one, unpacked; repeat, base first\n"
	"  -m, --limit SIZE      refuse more than SIZE uncompressed (default: 100g, and of a\n"
	"                        file 200 times its size, at least 1g)\n"
	"  -n, --max-entries COUNT  refuse more than COUNT entries (default 4000000)\n"
	"  -h, --help\n";

#define DEFAULT_LIMIT "100g"
/* Honest layers shrink to a third, databases and images of disks to a fiftieth, zeros to a
 * thousandth. */
static const uint64_t usual_ratio = 200, always_allowed = 1 << 30;
/* The largest images have about a million files; each costs an inode, and mostly a block. */
enum { DEFAULT_ENTRIES = 4000000 };
/* Never fill a disk to the last byte or inode. */
static const uint64_t disk_reserve = 64 << 20, inode_reserve = 16384, block_size = 4096;

static struct {
	const char *diff_id, *file, *limit;
	int fd;	      /* of file */
	bool archive; /* not of a layer */
	bool base;    /* no layer is below */
	bool lower;   /* one is */
} wanted = {.file = "fd:0", .fd = -1};

static struct {
	uint64_t limit, size; /* bytes: allowed, of all files so far */
	uint64_t entries_left;
	uint64_t written;    /* since the last look at the disk */
	struct place place;  /* where the last entry went, */
	struct place source; /* and where the last hard link led to */
	bool root;	     /* the archive has an entry for the root */
} state;

/* ---- entries ---- */

/* ".wh.NAME": hide what the layers below have under NAME, not what this one has. */
static void whiteout(const struct place *place, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		die("%s/.wh.%s: not a whiteout", place->path, name);
	join(path, place->path, name);
	if (!fstatat(place->fd, name, &st, AT_SYMLINK_NOFOLLOW)) {
		if (S_ISDIR(st.st_mode)) {
			int fd = open_directory(place->fd, name);
			hide_below(fd, path);
			close(fd);
		}
	} else if (!place->opaque && !wanted.base &&
		   (!layers_below()->count || find_in_layers(layers_below(), path, &st) >= 0)) {
		if (mknodat(place->fd, name, S_IFCHR, makedev(0, 0)))
			die("%s: whiteout:", path);
	}
}

/* ".wh..wh..opq": hide all that the layers below have in the directory. */
static void opaque(const struct place *place)
{
	const char *name;

	if (*place->path) {
		hide_below(place->fd, place->path);
		return;
	}
	/* Overlayfs merges the roots of layers always: whiteouts for all names. */
	const struct layers *below = layers_below();
	for (size_t i = 0; i < below->count; i++) {
		DIR *dir = read_directory(open_directory(below->fds[i], "."));
		while ((name = next_name(dir)))
			whiteout(place, name);
		closedir(dir);
	}
}

/* Bring a file of a lower layer into the target, as overlayfs does on a write. */
static void copy_up(const struct place *place, const char *name, const char *path)
{
	const struct layers *below = layers_below();
	struct stat st;
	int layer = place->opaque ? -1 : find_in_layers(below, path, &st);
	int from = layer < 0 ? -1 : open_in_root(below->fds[layer], path, O_RDONLY | O_NOFOLLOW, 0);
	ssize_t size;

	if (layer >= 0 && !S_ISREG(st.st_mode))
		die("%s: cannot link to this kind of file in a layer below", path);
	if (from < 0)
		die_hint("name the layers below with --lower", "%s: hard link to a missing file",
			 path);
	int to = openat(place->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0)
		die("%s:", path);
	while ((size = copy_file_range(from, NULL, to, NULL, 1 << 30, 0)) > 0)
		;
	const struct timespec times[] = {st.st_mtim, st.st_mtim};
	if (size < 0 || !copy_attributes(from, to) || futimens(to, times) || close(to))
		die("%s:", path);
	close(from);
}

/* A hard link: its target is a name in the layer or in one below it. */
static void hard_link(const struct place *place, const char *name, const char *to)
{
	const struct place *source = &state.source;
	char path[PATH_MAX + 1], resolved[PATH_MAX];
	struct stat from, old;

	if (!clean_name(to, path))
		die("%s: hard link to metadata of aufs", to);
	const char *base = split(path);
	find_place(&state.source, path);
	join(resolved, source->path, base);
	if (fstatat(source->fd, base, &from, AT_SYMLINK_NOFOLLOW)) {
		copy_up(source, base, resolved);
		if (fstatat(source->fd, base, &from, AT_SYMLINK_NOFOLLOW))
			die("%s:", resolved);
	}
	if (is_whiteout(&from) || S_ISDIR(from.st_mode))
		die("%s: hard link to a missing file or a directory", resolved);
	if (!fstatat(place->fd, name, &old, AT_SYMLINK_NOFOLLOW)) {
		if (old.st_ino == from.st_ino) /* a link to itself */
			return;
		remove_entry(place->fd, name);
	}
	/* Without AT_SYMLINK_FOLLOW: a link to a symbolic link is one. */
	if (linkat(source->fd, base, place->fd, name, 0))
		die("%s: hard link to %s:", name, resolved);
}

/* A disk that is full stops more than us. */
static void check_disk(uint64_t written)
{
	struct statvfs fs;

	state.written += written;
	if (state.written < disk_reserve)
		return;
	state.written = 0;
	if (fstatvfs(target.root, &fs))
		return;
	if ((uint64_t)fs.f_bavail * fs.f_frsize < disk_reserve)
		die("the disk is full");
	if (fs.f_files && fs.f_favail < inode_reserve)
		die("the disk has no room for more files");
}

/* The contents of a file; holes stay holes. */
static void write_data(struct archive *archive, int fd, int64_t size, const char *name)
{
	const char *data;
	size_t length;
	int64_t offset, end = 0;
	int result;

	while ((result = archive_read_data_block(archive, (const void **)&data, &length,
						 &offset)) == ARCHIVE_OK) {
		end = offset + (int64_t)length;
		if (offset < 0 || end > size)
			die("%s: sparse file is larger than it says", name);
		check_disk(length);
		while (length) {
			ssize_t written = pwrite(fd, data, length, offset);
			if (written < 0)
				die("%s:", name);
			data += written;
			offset += written;
			length -= (size_t)written;
		}
	}
	if (result != ARCHIVE_EOF)
		die("%s: %s", name, archive_error_string(archive));
	if (end != size && ftruncate(fd, size))
		die("%s:", name);
}

/* True if there were any. */
static bool put_xattrs(struct archive_entry *entry, int fd, const char *name)
{
	static bool told;
	bool any = false;
	const char *key;
	const void *value;
	size_t size;

	archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &key, &value, &size) == ARCHIVE_OK) {
		if (!is_portable_xattr(key))
			continue;
		any = true;
		if (!fsetxattr(fd, key, value, size, 0))
			continue;
		if (errno == ENOSPC || errno == E2BIG)
			die("%s: %s: extended attributes too large for the file system", name, key);
		if (errno != EOPNOTSUPP)
			die("%s: %s:", name, key);
		if (!told)
			warn("%s: %s: not supported by the file system, left out:", name, key);
		told = true;
	}
	return any;
}

/* ID as the kernel's 32 bits; the last one would mean "do not change", chown(2). */
static uint32_t owner_id(int64_t id, const char *name)
{
	if (id < 0 || id >= UINT32_MAX)
		die("%s: owner %" PRId64 " refused", name, id);
	return (uint32_t)id;
}

/*
 * Owner, xattrs and mode, in this order: chown(2) clears what follows it, and an
 * ACL changes the mode. What is right already, as it mostly is, is left alone.
 */
static void put_attributes(struct archive_entry *entry, int fd, const char *name)
{
	uid_t uid = owner_id(archive_entry_uid(entry), name);
	gid_t gid = owner_id(archive_entry_gid(entry), name);
	struct stat st;

	if (fstat(fd, &st))
		die("%s:", name);
	bool change = st.st_uid != uid || st.st_gid != gid;
	if (change && fchown(fd, uid, gid))
		die("%s: owner:", name);
	change = put_xattrs(entry, fd, name) || change;
	if ((change || (st.st_mode & 07777) != archive_entry_perm(entry)) &&
	    fchmod(fd, archive_entry_perm(entry)))
		die("%s: mode:", name);
}

static struct timespec mtime_of(struct archive_entry *entry)
{
	return (struct timespec){archive_entry_mtime(entry), archive_entry_mtime_nsec(entry)};
}

/* A directory: one that is there already stays, with new attributes. */
static void put_directory(struct archive_entry *entry, const struct place *place, const char *name)
{
	const mode_t mode = archive_entry_perm(entry) & 0777;
	struct stat st;
	bool hide = false;

	if (mkdirat(place->fd, name, mode)) {
		if (errno != EEXIST || fstatat(place->fd, name, &st, AT_SYMLINK_NOFOLLOW))
			die("%s:", name);
		if (!S_ISDIR(st.st_mode)) {
			hide = is_whiteout(&st);
			remove_entry(place->fd, name);
			if (mkdirat(place->fd, name, mode))
				die("%s:", name);
		}
	}
	int fd = open_directory(place->fd, name);
	if (hide)
		hide_below(fd, name);
	put_attributes(entry, fd, name);
	close(fd);
	remember_times(place->path, name, mtime_of(entry));
}

static void put_file_entry(struct archive *archive, struct archive_entry *entry, int dir,
			   const char *name)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	const struct timespec times[] = {mtime_of(entry), mtime_of(entry)};
	int64_t size = archive_entry_size(entry);
	const mode_t mode = archive_entry_perm(entry) & 0777;
	int fd = openat(dir, name, flags, mode);

	if (fd < 0 && errno == EEXIST) {
		remove_entry(dir, name);
		fd = openat(dir, name, flags, mode);
	}
	if (fd < 0)
		die("%s:", name);
	if (size < 0 || (uint64_t)size > state.limit - state.size)
		die_hint("raise --limit if the layer is to be trusted",
			 "%s: the files are larger than %" PRIu64 " bytes", name, state.limit);
	state.size += (uint64_t)size;
	write_data(archive, fd, size, name);
	put_attributes(entry, fd, name);
	if (futimens(fd, times) || close(fd))
		die("%s:", name);
}

/* Make a symbolic link, device or fifo; false with errno. */
static bool make_node(struct archive_entry *entry, int dir, const char *name)
{
	mode_t type = archive_entry_filetype(entry);
	dev_t major = archive_entry_rdevmajor(entry), minor = archive_entry_rdevminor(entry);
	const char *text = archive_entry_symlink(entry);

	if (type != S_IFLNK && type != S_IFIFO && type != S_IFCHR && type != S_IFBLK)
		die("%s: unknown type of entry", name);
	/* A character device 0:0 would be a whiteout that nobody declared. */
	if ((type == S_IFCHR && !major && !minor) || major >= 1 << 12 || minor >= 1 << 20)
		die("%s: device number %ju:%ju refused", name, (uintmax_t)major, (uintmax_t)minor);
	if (type == S_IFLNK && (!text || !*text))
		die("%s: symbolic link to nothing", name);
	if (type == S_IFLNK)
		return !symlinkat(text, dir, name);
	return !mknodat(dir, name, type | 0600,
			type == S_IFIFO ? 0 : makedev((unsigned)major, (unsigned)minor));
}

static void put_node(struct archive_entry *entry, int dir, const char *name)
{
	const struct timespec times[] = {mtime_of(entry), mtime_of(entry)};
	bool made = make_node(entry, dir, name);

	if (!made && errno == EEXIST) {
		remove_entry(dir, name);
		made = make_node(entry, dir, name);
	}
	if (!made)
		die("%s:", name);
	/* Never through a link (CVE-2021-32760); links have no mode. */
	if (fchownat(dir, name, owner_id(archive_entry_uid(entry), name),
		     owner_id(archive_entry_gid(entry), name), AT_SYMLINK_NOFOLLOW) ||
	    (archive_entry_filetype(entry) != S_IFLNK &&
	     fchmodat(dir, name, archive_entry_perm(entry), AT_SYMLINK_NOFOLLOW)) ||
	    utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW))
		die("%s:", name);
}

/* The entry for the root of the layer: a link there would move all others (CVE-2021-29136). */
static void put_root(struct archive_entry *entry)
{
	if (archive_entry_hardlink(entry) || archive_entry_filetype(entry) != AE_IFDIR)
		die("the root of the layer is not a directory");
	put_attributes(entry, target.root, ".");
	remember_times("", ".", mtime_of(entry));
	state.root = true;
}

/* The archive has no entry for it: it looks as it does below. */
static void inherit_root(void)
{
	struct stat st;

	if (state.root || !layers_below()->count)
		return;
	const struct layers *below = layers_below();
	int top = below->fds[below->count - 1];
	if (fstat(top, &st) || !copy_attributes(top, target.root))
		die("attributes of the target:");
	remember_times("", ".", st.st_mtim);
}

/*
 * Does NAME, of an archive that is no layer, mean a whiteout in one, or is it below such a name?
 * Of a directory of that name one warning is enough, whatever is in it.
 */
static bool is_left_out(const char *name)
{
	static char last[PATH_MAX];
	const char *mark = name;

	while (mark && (mark = strstr(mark, ".wh.")) && mark > name && mark[-1] != '/')
		mark++;
	if (!mark)
		return false;
	size_t length = (size_t)(mark - name) + strcspn(mark, "/");
	if (strncmp(last, name, length) != 0 || last[length]) {
		snprintf(last, sizeof last, "%.*s", (int)length, name);
		warn("%s: such a name means a whiteout in a layer, left out", last);
	}
	return true;
}

static void put_entry(struct archive *archive, struct archive_entry *entry)
{
	char path[PATH_MAX + 1];

	if (!state.entries_left--)
		die_hint("raise --max-entries if the layer is to be trusted",
			 "too many entries in the archive");
	check_disk(block_size);
	if (wanted.archive && is_left_out(archive_entry_pathname(entry)))
		return;
	if (!clean_name(archive_entry_pathname(entry), path))
		return;
	if (!*path) {
		put_root(entry);
		return;
	}
	const char *name = split(path);
	find_place(&state.place, path);
	if (!strcmp(name, ".wh..wh..opq"))
		opaque(&state.place);
	else if (!strncmp(name, ".wh.", 4))
		whiteout(&state.place, name + 4);
	else if (archive_entry_hardlink(entry))
		hard_link(&state.place, name, archive_entry_hardlink(entry));
	else if (archive_entry_filetype(entry) == AE_IFDIR)
		put_directory(entry, &state.place, name);
	else if (archive_entry_filetype(entry) == AE_IFREG)
		put_file_entry(archive, entry, state.place.fd, name);
	else
		put_node(entry, state.place.fd, name);
}

/* ---- the target ---- */

/* Make or take TARGET, an empty directory. True if it was made. */
static bool open_target(const char *path)
{
	bool made = !mkdir(path, 0755);

	if (!made && errno != EEXIST)
		die("mkdir %s:", path);
	target.root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (target.root < 0)
		die("%s:", path);
	DIR *dir = read_directory(open_directory(target.root, "."));
	if (next_name(dir))
		die("%s: not empty", path);
	closedir(dir);
	return made;
}

/* ---- the command ---- */

/* How many bytes may come out of FD if the user did not say. */
static uint64_t stream_limit(int fd)
{
	struct stat st;
	uint64_t limit = state.limit;

	if (!wanted.limit && !fstat(fd, &st) && S_ISREG(st.st_mode)) {
		uint64_t usual = (uint64_t)st.st_size * usual_ratio;
		usual = usual > always_allowed ? usual : always_allowed;
		limit = usual < limit ? usual : limit;
	}
	return limit;
}

/* More comes out than may come out of a file of this size; but is that all of the file? */
static uint64_t await_limit(void)
{
	input_await();
	return stream_limit(wanted.fd);
}

/* Fill the target and print what it is. */
static int fill_target(void)
{
	struct archive *archive;
	struct archive_entry *entry;
	char digest[DIGEST_SIZE];

	if (fchmod(target.root, 0755))
		die("mode of the target:");
	if (target.wait) {
		wanted.fd = input_follow(wanted.file);
		stream_more = await_limit;
	}
	archive = open_archive_stream(wanted.fd, wanted.file, stream_limit(wanted.fd));
	while ((entry = next_entry()))
		put_entry(archive, entry);
	close_archive_stream();
	inherit_root();
	put_directory_times();
	stream_digest(digest);
	if (wanted.diff_id && strcmp(wanted.diff_id, digest) != 0)
		die("%s: DiffID is %s, expected %s", wanted.file, digest, wanted.diff_id);
	printf("diff-id %s\nsize %" PRIu64 "\n", digest, state.size);
	close_stdout();
	return 0;
}

/*
 * Fill the target in a child, so that whatever ends it, a hostile archive, a full
 * disk or ^C, this process is there to clear away the part. Its exit status.
 */
static int fill_or_clear(const char *path, bool made)
{
	sigset_t set, before;
	int status = EXIT_TOOL << 8, sig, ended_by = 0;

	sigemptyset(&set);
	for (const int *s = (const int[]){SIGCHLD, SIGINT, SIGTERM, SIGHUP, 0}; *s; s++)
		sigaddset(&set, *s);
	signal(SIGCHLD, SIG_DFL); /* a parent may have left it ignored, wait(2) */
	sigprocmask(SIG_BLOCK, &set, &before);
	pid_t parent = getpid(), child = fork();
	if (child < 0)
		die("fork:");
	if (!child) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
			die("nobody waits for this");
		exit(fill_target());
	}
	if (wanted.fd >= 0)
		close(wanted.fd); /* or who writes to it would not see that the child is gone */
	while (!waitpid(child, &status, WNOHANG)) {
		sigwait(&set, &sig);
		if (sig != SIGCHLD) {
			ended_by = sig;
			kill(child, SIGKILL);
		}
	}
	status = ended_by ? 128 + ended_by : exit_status(status);
	if (status) {
		clear_directory(target.root);
		if (made && rmdir(path))
			warn("%s:", path);
	}
	return status;
}

/* Returns the first operand's index. */
static int read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{"archive", no_argument, NULL, 'a'},
		{"base", no_argument, NULL, 'b'},
		{"diff-id", required_argument, NULL, 'd'},
		{"file", required_argument, NULL, 'f'},
		{"follow", no_argument, NULL, 'F'},
		{"lower", required_argument, NULL, 'l'},
		{"limit", required_argument, NULL, 'm'},
		{"max-entries", required_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};

	for (int c; (c = getopt_long(argc, argv, "+abd:f:Fl:m:n:h", options, NULL)) != -1;) {
		switch (c) {
		case 'a':
			wanted.archive = wanted.base = true;
			break;
		case 'b':
			wanted.base = true;
			break;
		case 'd':
			wanted.diff_id = optarg;
			break;
		case 'f':
			wanted.file = optarg;
			break;
		case 'F':
			target.wait = true;
			break;
		case 'l':
			add_below(optarg);
			wanted.lower = true;
			break;
		case 'm':
			wanted.limit = optarg;
			break;
		case 'n':
			state.entries_left = parse_number("--max-entries", optarg, 1, UINT64_MAX);
			break;
		case 'h':
			help(usage);
		default:
			usage_error("bad option");
		}
	}
	return optind;
}

static void check_options(int operands)
{
	if (operands != 1)
		usage_error("give one TARGET");
	if (wanted.base && wanted.lower)
		usage_error("--archive or --base, and --lower");
	if (wanted.diff_id && !is_digest(wanted.diff_id))
		die("--diff-id: not a digest (sha256: and 64 hex digits): '%s'", wanted.diff_id);
	/* (Of a part that is begun again while it is read only the DiffID tells for sure.) */
	if (target.wait && (!wanted.diff_id || !strncmp(wanted.file, "fd:", 3)))
		usage_error("--follow needs --file NAME and --diff-id");
}

int unpack_main(int argc, char **argv)
{
	const struct rlimit files = {8192, 8192};

	state.entries_left = DEFAULT_ENTRIES;
	wanted.limit = getenv("LAYERFS_LIMIT");
	int operand = read_options(argc, argv);
	check_options(argc - operand);
	state.limit = parse_size("--limit", wanted.limit ? wanted.limit : DEFAULT_LIMIT);
	/* Two places and sweep() have one open for each level of a tree, PATH_MAX/2 at most. */
	setrlimit(RLIMIT_NOFILE, &files);
	/* libarchive converts names from pax headers, which are UTF-8, to the locale. */
	setlocale(LC_CTYPE, "C.UTF-8");
	umask(0);
	if (target.wait) {
		/* Nobody is to wait for what nobody brings any more. */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
	} else {
		layers_below();
		wanted.fd = open_argument(wanted.file, O_RDONLY);
	}
	bool made = open_target(argv[operand]);
	return fill_or_clear(argv[operand], made);
}
