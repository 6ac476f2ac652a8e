/* A layer archive as a sequence of entries, for unpack and ls. */
#include "common.h"
#include "layerfs.h"

#include <archive.h>
#include <stdlib.h>

static struct archive *reader;
static const char *reader_name;

static la_ssize_t read_stream(struct archive *archive, void *unused, const void **data)
{
	(void)archive;
	(void)unused;
	return (la_ssize_t)stream_next(data);
}

struct archive *open_archive_stream(int fd, const char *name, uint64_t limit)
{
	stream_start(fd, name, limit);
	reader_name = name;
	reader = archive_read_new();
	if (!reader)
		die("out of memory");
	archive_read_support_format_tar(reader);
	if (archive_read_open(reader, NULL, NULL, read_stream, NULL) != ARCHIVE_OK)
		die("%s: %s", name, archive_error_string(reader));
	return reader;
}

struct archive_entry *next_entry(void)
{
	struct archive_entry *entry;
	int result = archive_read_next_header(reader, &entry);

	if (result == ARCHIVE_EOF)
		return NULL;
	/* A warning: a name that is not UTF-8, or an unknown attribute. */
	if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
		die("%s: %s", reader_name, archive_error_string(reader));
	return entry;
}

void close_archive_stream(void)
{
	const void *data;

	archive_read_free(reader);
	reader = NULL;
	/* What follows the end of the archive counts in its digest, too. */
	while (stream_next(&data))
		;
}
