/*
 * layerfs diff: the upper directory of an overlay as a layer archive (OCI
 * image-spec, layer.md). The same directory gives the same bytes: names are
 * sorted, whiteouts come first, and what depends on the host is left out.
 *
 * A container may have made the tree, and may still be changing it: nothing in
 * it is believed twice, links are never followed.
 */
#define _GNU_SOURCE
#include "common.h"
#include "layerfs.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char usage[] =
	"usage: layerfs diff [-l DIR]... [-x PATH]... UPPER\n"
	"\n"
	"Write the directory UPPER of an overlay as a layer (an uncompressed tar archive)\n"
	"to standard output.\n"
	"\n"
	"  -l, --lower DIR  a layer below, base first; with these, a new directory is\n"
	"                   not marked as hiding what is not there\n"
	"  -x, --stub PATH  an empty file or directory that was only made to mount on:\n"
	"                   left out, and so are directories that have nothing else\n"
	"  -h, --help\n"
	"\n"
	"SOURCE_DATE_EPOCH in the environment: no file is newer than that.\n";

static struct {
	int upper;
	struct layers lower;
	struct stubs stubs;
	struct archive *archive;
	void *links;	/* of linked_to() */
	int64_t newest; /* seconds since the epoch */
} source = {.newest = INT64_MAX};

/* ---- archive entries ---- */

static void write_header(struct archive_entry *entry)
{
	int result = archive_write_header(source.archive, entry);

	/* ARCHIVE_WARN: the name is not UTF-8 and was written as it is. */
	if (result < ARCHIVE_WARN)
		die("%s: %s", archive_entry_pathname(entry), archive_error_string(source.archive));
}

/* An empty file that means something: ".wh.NAME" or ".wh..wh..opq". */
static void write_mark(const char *directory, const char *mark, const char *name)
{
	struct archive_entry *entry = archive_entry_new();
	char *path = xasprintf("%s%s%s%s", directory, *directory ? "/" : "", mark, name);

	archive_entry_set_pathname(entry, path);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_size(entry, 0);
	archive_entry_set_mtime(entry, 0, 0);
	write_header(entry);
	archive_entry_free(entry);
	free(path);
}

/* each_xattr(): one attribute for an entry. */
static bool add_xattr(void *context, const char *name, const void *value, size_t size)
{
	archive_entry_xattr_add_entry(context, name, value, size);
	return true;
}

/* What every kind of entry has; SIZE only of regular files. */
static struct archive_entry *new_entry(const char *path, const struct stat *st)
{
	struct archive_entry *entry = archive_entry_new();
	bool newer = st->st_mtim.tv_sec >= source.newest;

	archive_entry_set_pathname(entry, *path ? path : "./");
	archive_entry_set_mode(entry, st->st_mode);
	archive_entry_set_uid(entry, st->st_uid);
	archive_entry_set_gid(entry, st->st_gid);
	archive_entry_set_mtime(entry, newer ? source.newest : st->st_mtim.tv_sec,
				newer ? 0 : st->st_mtim.tv_nsec);
	archive_entry_set_size(entry, S_ISREG(st->st_mode) ? st->st_size : 0);
	return entry;
}

/* The SIZE bytes that the header promised: cut off or filled up if the file changes. */
static void write_data(int fd, int64_t size, const char *path)
{
	static char block[256 * 1024];
	ssize_t length;

	while (size > 0 && (length = read(fd, block, sizeof block)) != 0) {
		if (length < 0)
			die("%s:", path);
		if (length > size)
			length = size;
		if (archive_write_data(source.archive, block, (size_t)length) < 0)
			die("%s: %s", path, archive_error_string(source.archive));
		size -= length;
	}
}

/* A regular file or directory, as it is when opened; the descriptor stays open. */
static int write_opened(const char *path, int flags)
{
	/* O_NONBLOCK: it may have become a fifo meanwhile. */
	int fd = open_in_root(source.upper, *path ? path : ".",
			      flags | O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	struct stat st;

	if (fd < 0 ? errno != ENOENT : fstat(fd, &st) != 0)
		die("%s:", path);
	if (fd < 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		die_hint("freeze the container meanwhile", "%s: changed while it was read", path);
	struct archive_entry *entry = new_entry(path, &st);
	if (!each_xattr(fd, add_xattr, entry))
		die("%s: extended attributes:", path);
	write_header(entry);
	if (S_ISREG(st.st_mode))
		write_data(fd, st.st_size, path);
	archive_entry_free(entry);
	return fd;
}

static void write_symlink(struct archive_entry *entry, const char *path)
{
	char text[PATH_MAX];
	int fd = open_in_root(source.upper, path, O_PATH | O_NOFOLLOW, 0);
	ssize_t size = fd < 0 ? -1 : readlinkat(fd, "", text, sizeof text - 1);

	if (size < 0)
		die("%s:", path);
	close(fd);
	text[size] = '\0';
	archive_entry_set_symlink(entry, text);
}

/* Anything but a directory or whiteout. */
static void write_file(const char *path, const struct stat *st)
{
	const char *first = linked_to(&source.links, st, path);

	if (S_ISSOCK(st->st_mode)) {
		warn("%s: a socket cannot be archived, left out", path);
		return;
	}
	if (S_ISREG(st->st_mode) && !first) {
		close(write_opened(path, 0));
		return;
	}
	struct archive_entry *entry = new_entry(path, st);
	if (first) {
		archive_entry_set_size(entry, 0);
		archive_entry_set_hardlink(entry, first);
	} else if (S_ISLNK(st->st_mode)) {
		write_symlink(entry, path);
	} else {
		archive_entry_set_rdevmajor(entry, major(st->st_rdev));
		archive_entry_set_rdevminor(entry, minor(st->st_rdev));
	}
	write_header(entry);
	archive_entry_free(entry);
}

/* ---- the tree ---- */

/* The directory PATH ("": the root) and all that is in it. */
static void write_tree(const char *path)
{
	size_t count;
	struct stat st;
	int fd = write_opened(path, O_DIRECTORY);

	if (is_opaque(fd) && (!source.lower.count || find_in_layers(&source.lower, path, &st) >= 0))
		write_mark(path, ".wh..wh..opq", "");
	struct child *children = read_children(fd, path, &count);
	for (size_t i = 0; i < count; i++) {
		char *name = xasprintf("%s%s%s", path, *path ? "/" : "", children[i].name);
		if (strlen(name) >= PATH_MAX)
			die("%s: path too long", name);
		if (children[i].whiteout)
			write_mark(path, ".wh.", children[i].name);
		else if (is_stub(&source.stubs, source.upper, &source.lower, name, &children[i].st))
			; /* nobody's change */
		else if (S_ISDIR(children[i].st.st_mode))
			write_tree(name);
		else
			write_file(name, &children[i].st);
		free(name);
	}
	free_children(children, count);
}

/* Start the archive: xattrs in one form only, the one that Docker reads. */
static void open_archive(void)
{
	source.archive = archive_write_new();
	if (!source.archive || archive_write_set_format_pax(source.archive) != ARCHIVE_OK ||
	    archive_write_set_options(source.archive, "xattrheader=SCHILY") != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(source.archive, 64 * 1024) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(source.archive, 1) != ARCHIVE_OK ||
	    archive_write_open_fd(source.archive, STDOUT_FILENO) != ARCHIVE_OK)
		die("cannot start an archive: %s",
		    source.archive ? archive_error_string(source.archive) : "out of memory");
}

int diff_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"lower", required_argument, NULL, 'l'},
		{"stub", required_argument, NULL, 'x'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *epoch = getenv("SOURCE_DATE_EPOCH");

	for (int c; (c = getopt_long(argc, argv, "+l:x:h", options, NULL)) != -1;) {
		if (c == 'h')
			help(usage);
		if (c == 'l')
			add_layer(&source.lower, optarg);
		else if (c == 'x')
			add_stub(&source.stubs, optarg);
		else
			usage_error("bad option");
	}
	if (argc - optind != 1)
		usage_error("give one UPPER");
	if (isatty(STDOUT_FILENO))
		die("standard output is a terminal, not a file or pipe");
	if (epoch && *epoch)
		source.newest = (int64_t)parse_number("SOURCE_DATE_EPOCH", epoch, 0, INT64_MAX);
	/* libarchive writes names that are not ASCII as UTF-8, from the locale. */
	setlocale(LC_CTYPE, "C.UTF-8");
	source.upper = open(argv[optind], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (source.upper < 0)
		die("%s:", argv[optind]);
	open_archive();
	write_tree("");
	if (archive_write_close(source.archive) != ARCHIVE_OK)
		die("standard output: %s", archive_error_string(source.archive));
	archive_write_free(source.archive);
	tdestroy(source.links, free);
	return 0;
}
