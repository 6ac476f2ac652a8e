/*
 * The tar archive of what was chosen, or only its digest. The same files give the same bytes;
 * their times, and in a context their owners, do not count for the digest.
 */
#define _GNU_SOURCE
#include "common.h"
#include "context.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <limits.h>
#include <locale.h>
/* The whole of EVP would bring name resolution and dlopen(3) into a static program. */
#define OPENSSL_API_COMPAT 0x10100000L
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static struct {
	struct stream_options options;
	struct archive *archive;
	SHA256_CTX hash;
	void *links; /* of linked_to() */
} stream;

static la_ssize_t hash_bytes(struct archive *archive, void *context, const void *data, size_t size)
{
	(void)archive;
	(void)context;
	SHA256_Update(&stream.hash, data, size);
	return (la_ssize_t)size;
}

void open_stream(const struct stream_options *options)
{
	stream.options = *options;
	stream.archive = archive_write_new();
	if (!stream.archive)
		die("out of memory");
	/* libarchive writes names that are not ASCII as UTF-8, from the locale. */
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	int result = archive_write_set_format_pax(stream.archive);
	if (result == ARCHIVE_OK)
		result = archive_write_set_options(stream.archive, "xattrheader=SCHILY");
	if (result == ARCHIVE_OK)
		result = archive_write_set_bytes_per_block(stream.archive, 64 * 1024);
	if (result == ARCHIVE_OK)
		result = archive_write_set_bytes_in_last_block(stream.archive, 1);
	if (options->digest) {
		SHA256_Init(&stream.hash);
		if (result == ARCHIVE_OK)
			result = archive_write_open(stream.archive, NULL, NULL, hash_bytes, NULL);
	} else if (result == ARCHIVE_OK) {
		result = archive_write_open_fd(stream.archive, STDOUT_FILENO);
	}
	if (result != ARCHIVE_OK)
		die("cannot start an archive: %s", archive_error_string(stream.archive));
}

static void write_header(struct archive_entry *entry, const char *path)
{
	/* ARCHIVE_WARN: the name is not UTF-8 and was written as it is. */
	if (archive_write_header(stream.archive, entry) < ARCHIVE_WARN)
		die("%s: %s", path, archive_error_string(stream.archive));
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
		if (archive_write_data(stream.archive, block, (size_t)length) < 0)
			die("%s: %s", path, archive_error_string(stream.archive));
		size -= length;
	}
}

/* each_xattr(): one attribute for an entry. */
static bool add_xattr(void *entry, const char *name, const void *value, size_t size)
{
	archive_entry_xattr_add_entry(entry, name, value, size);
	return true;
}

/* What is special of a file that cannot be opened: NAME in DIR. */
static void describe_node(struct archive_entry *entry, int dir, const char *name,
			  const struct stat *st, const char *path)
{
	char text[PATH_MAX];

	if (S_ISLNK(st->st_mode)) {
		ssize_t size = readlinkat(dir, name, text, sizeof text - 1);
		if (size < 0)
			die("%s:", path);
		text[size] = '\0';
		archive_entry_set_symlink(entry, text);
	} else if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
		archive_entry_set_rdevmajor(entry, major(st->st_rdev));
		archive_entry_set_rdevminor(entry, minor(st->st_rdev));
	}
}

void put_entry(int dir, const char *name, int fd, const struct stat *st, const char *path)
{
	struct archive_entry *entry = archive_entry_new();
	const char *first = stream.options.keep ? linked_to(&stream.links, st, path) : NULL;
	bool data = S_ISREG(st->st_mode) && !first;

	archive_entry_set_pathname(entry, path);
	archive_entry_set_mode(entry, st->st_mode);
	archive_entry_set_uid(entry, stream.options.keep ? st->st_uid : 0);
	archive_entry_set_gid(entry, stream.options.keep ? st->st_gid : 0);
	if (stream.options.digest)
		archive_entry_set_mtime(entry, 0, 0);
	else
		archive_entry_set_mtime(entry, st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
	archive_entry_set_size(entry, data ? st->st_size : 0);
	if (first)
		archive_entry_set_hardlink(entry, first);
	else if (fd < 0)
		describe_node(entry, dir, name, st, path);
	else if (stream.options.keep && !each_xattr(fd, add_xattr, entry))
		die("%s: extended attributes:", path);
	write_header(entry, path);
	if (data)
		write_data(fd, st->st_size, path);
	archive_entry_free(entry);
}

void close_stream(void)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	if (archive_write_close(stream.archive) != ARCHIVE_OK)
		die("standard output: %s", archive_error_string(stream.archive));
	archive_write_free(stream.archive);
	if (!stream.options.digest)
		return;
	SHA256_Final(digest, &stream.hash);
	printf("sha256:");
	for (size_t i = 0; i < sizeof digest; i++)
		printf("%02x", digest[i]);
	putchar('\n');
	close_stdout();
}
