/*
 * The log: the plain CRI format, one record a line,
 *
 *	2016-10-06T00:17:09.669794202Z stdout F text
 *
 * with P in place of F when the line goes on in the next record of its stream.
 * Fast because records are put together in one buffer, a write(2) for many.
 */
#define _GNU_SOURCE
#include "shim.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 16384, BATCH = 131072, PREFIX = TIMESTAMP + sizeof " stdout F " - 1 };

/* A stream, and the beginning of a line that has not ended yet. */
struct stream {
	const char *name;
	size_t held;
	char line[TEXT_MAX];
};

static struct stream streams[] = {{.name = "stdout"}, {.name = "stderr"}};
static int log_fd = -1, log_dir = -1;
static const char *log_name;
static uint64_t log_size, log_limit;
static unsigned log_files;

/* Records not written yet, and how many bytes of output they hold. */
static char batch[BATCH];
static size_t batch_used;
static uint64_t batch_output;

/* Bytes of output that could not be logged, why, and how many the batch tells of. */
static uint64_t lost, told;
static int lost_error;

/* Open the file that is written to; true if there is one then. */
static bool open_log(void)
{
	struct stat st;
	char last = '\n';

	log_fd = openat(log_dir, log_name, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
			0640);
	if (log_fd < 0 || fstat(log_fd, &st))
		return false;
	log_size = (uint64_t)st.st_size;
	/* A shim that was killed may have left half a record. */
	if (log_size && pread(log_fd, &last, 1, st.st_size - 1) == 1 && last != '\n')
		log_size += write_all(log_fd, "\n", 1);
	return true;
}

void log_open(const char *path, uint64_t size, unsigned files)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? strndup(path, (size_t)(slash - path + 1)) : xstrdup(".");

	log_name = slash ? slash + 1 : path;
	log_limit = size;
	log_files = files;
	log_dir = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (log_dir < 0 || !open_log())
		die("log: %s:", path);
	free(dir);
}

/* The name of the NUMBERth file: log, log.1, log.2 ... */
static const char *file_name(char *buffer, size_t size, unsigned number)
{
	snprintf(buffer, size, number ? "%s.%u" : "%s", log_name, number);
	return buffer;
}

/* Oldest first, so that a reader finds every record at any moment, and in order. */
static void rotate(void)
{
	char from[NAME_MAX + 1], to[NAME_MAX + 1];

	close(log_fd);
	log_fd = -1;
	if (log_files == 1)
		unlinkat(log_dir, log_name, 0);
	for (unsigned i = log_files - 1; i > 0; i--)
		renameat(log_dir, file_name(from, sizeof from, i - 1), log_dir,
			 file_name(to, sizeof to, i));
	log_size = 0;
}

/* Write the batch out, whole or not at all. */
static void flush(void)
{
	if (!batch_used)
		return;
	if ((log_fd >= 0 || open_log()) && write_all(log_fd, batch, batch_used)) {
		log_size += batch_used;
		lost -= told;
	} else {
		lost_error = errno;
		lost += batch_output;
		if (log_fd >= 0 && ftruncate(log_fd, (off_t)log_size))
			lost_error = errno;
	}
	batch_used = batch_output = told = 0;
}

/* Add a record: the bytes held back of its line, then SIZE new ones. */
static void add_record(const char *prefix, char tag, struct stream *held, const char *data,
		       size_t size)
{
	size_t length = PREFIX + held->held + size + 1;

	if (batch_used + length > sizeof batch)
		flush();
	if (log_size + batch_used + length > log_limit && log_size + batch_used) {
		flush();
		if (log_size)
			rotate();
	}
	char *next = batch + batch_used;
	memcpy(next, prefix, PREFIX);
	next[PREFIX - 2] = tag;
	memcpy(next + PREFIX, held->line, held->held);
	memcpy(next + PREFIX + held->held, data, size);
	next[length - 1] = '\n';
	batch_used += length;
	batch_output += held->held + size;
	held->held = 0;
}

/* Say what was lost, as a record of its own, when something is written again. */
static void tell_loss(const char *time)
{
	static struct stream none;
	char prefix[PREFIX + 1], text[128];

	if (!lost)
		return;
	snprintf(prefix, sizeof prefix, "%s stderr F ", time);
	int size = snprintf(text, sizeof text, "[shim: %llu bytes of log lost: %s]",
			    (unsigned long long)lost, strerror(lost_error));
	add_record(prefix, 'F', &none, text, (size_t)size);
	batch_output = 0;
	told = lost;
}

void log_write(int stream, const char *data, size_t size)
{
	struct stream *s = &streams[stream - 1];
	const char *end = data + size;
	char time[TIMESTAMP + 1], prefix[PREFIX + 1];

	if (log_dir < 0)
		return;
	timestamp(time);
	snprintf(prefix, sizeof prefix, "%s %s F ", time, s->name);
	tell_loss(time);
	while (data < end) {
		size_t rest = (size_t)(end - data), most = TEXT_MAX - s->held;
		const char *newline = memchr(data, '\n', rest < most + 1 ? rest : most + 1);
		if (newline) {
			add_record(prefix, 'F', s, data, (size_t)(newline - data));
			data = newline + 1;
		} else if (rest > most) {
			add_record(prefix, 'P', s, data, most);
			data += most;
		} else {
			memcpy(s->line + s->held, data, rest);
			s->held += rest;
			data = end;
		}
	}
	flush();
}

void log_end(void)
{
	char time[TIMESTAMP + 1], prefix[PREFIX + 1];

	if (log_dir < 0)
		return;
	timestamp(time);
	tell_loss(time);
	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
		snprintf(prefix, sizeof prefix, "%s %s P ", time, streams[i].name);
		if (streams[i].held)
			add_record(prefix, 'P', &streams[i], "", 0);
	}
	flush();
}
