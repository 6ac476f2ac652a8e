/*
 * plain-tar: any tar archive, compressed or not, as one in the plain form that root-tar
 * reads: no compression, no sparse files, pax headers.
 *
 * It runs outside of the container, so that what unpacks inside needs no decompressor:
 * neither a program that the container may have put on PATH (CVE-2026-41567) nor a library.
 */
#include "common.h"

#include <archive.h>
#include <archive_entry.h>
#include <getopt.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"usage: plain-tar <ARCHIVE >PLAIN\n"
	"\n"
	"Write the tar archive on standard input, which may be compressed with gzip, zstd, xz\n"
	"or bzip2 and be of any kind, to standard output: not compressed, in the pax format.\n"
	"\n"
	"  -h, --help\n";

static struct archive *from, *to;

/* Die because of ARCHIVE, unless RESULT is good enough. */
static void check(struct archive *archive, const char *stream, int result)
{
	/* ARCHIVE_WARN: a name is not UTF-8 and is kept as it is. */
	if (result < ARCHIVE_WARN)
		die("%s: %s", stream,
		    archive_error_string(archive) ? archive_error_string(archive) : "failed");
}

static void open_streams(void)
{
	from = archive_read_new();
	to = archive_write_new();
	if (!from || !to)
		die("out of memory");
	/* Not *_all: that would have programs on PATH do what the library cannot. */
	archive_read_support_filter_gzip(from);
	archive_read_support_filter_zstd(from);
	archive_read_support_filter_xz(from);
	archive_read_support_filter_bzip2(from);
	archive_read_support_format_tar(from);
	check(from, "standard input", archive_read_open_fd(from, STDIN_FILENO, 256 * 1024));
	check(to, "standard output", archive_write_set_format_pax(to));
	check(to, "standard output", archive_write_set_options(to, "xattrheader=SCHILY"));
	check(to, "standard output", archive_write_set_bytes_in_last_block(to, 1));
	check(to, "standard output", archive_write_open_fd(to, STDOUT_FILENO));
}

/* Write SIZE bytes of the entry, zeros if DATA is NULL. */
static void write_data(const char *data, int64_t size)
{
	static const char zeros[64 * 1024];

	while (size > 0) {
		size_t part = data || size < (int64_t)sizeof zeros ? (size_t)size : sizeof zeros;
		la_ssize_t n = archive_write_data(to, data ? data : zeros, part);
		if (n <= 0)
			die("standard output: %s", archive_error_string(to));
		data = data ? data + n : NULL;
		size -= n;
	}
}

static void copy_data(int64_t size)
{
	int64_t offset, end = 0;
	const void *data;
	size_t length;
	int result;

	while ((result = archive_read_data_block(from, &data, &length, &offset)) == ARCHIVE_OK) {
		if (offset < end || offset + (int64_t)length > size)
			die("standard input: a sparse file is larger than it says");
		write_data(NULL, offset - end);
		write_data(data, (int64_t)length);
		end = offset + (int64_t)length;
	}
	if (result != ARCHIVE_EOF)
		die("standard input: %s", archive_error_string(from));
	write_data(NULL, size - end);
}

/* Read what follows the archive, so that whoever writes it is not hindered. */
static void read_rest(void)
{
	char block[64 * 1024];

	while (read(STDIN_FILENO, block, sizeof block) > 0)
		;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
	struct archive_entry *entry;
	int result;

	tool = "plain-tar";
	for (int c; (c = getopt_long(argc, argv, "+h", options, NULL)) != -1;) {
		if (c == 'h')
			help(usage);
		usage_error("bad option");
	}
	if (argc != optind)
		usage_error("no operand: it is a filter");
	/* libarchive converts names from pax headers, which are UTF-8, to the locale. */
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	open_streams();
	while ((result = archive_read_next_header(from, &entry)) != ARCHIVE_EOF) {
		check(from, "standard input", result);
		archive_entry_sparse_clear(entry);
		check(to, "standard output", archive_write_header(to, entry));
		if (archive_entry_size(entry) > 0 && !archive_entry_hardlink(entry))
			copy_data(archive_entry_size(entry));
	}
	check(to, "standard output", archive_write_close(to));
	archive_read_free(from);
	archive_write_free(to);
	read_rest();
	return 0;
}
