/*
 * Writing tar (POSIX pax): a header of 512 bytes, and before it, where a value does
 * not fit or has no field there, a header 'x' whose data are records "LENGTH KEY=VALUE\n".
 */
#include "common.h"
#include "tar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	char data[64 * 1024];
	size_t used;
} buffer;

/* The records of one pax header. */
static struct {
	char *data;
	size_t size, room;
} records;

static void flush(void)
{
	if (!write_all(STDOUT_FILENO, buffer.data, buffer.used))
		die("standard output:");
	buffer.used = 0;
}

void write_bytes(const void *data, size_t size)
{
	const char *next = data;

	while (size) {
		size_t part = sizeof buffer.data - buffer.used;
		if (part > size)
			part = size;
		memcpy(buffer.data + buffer.used, next, part);
		buffer.used += part;
		next += part;
		size -= part;
		if (buffer.used == sizeof buffer.data)
			flush();
	}
}

void write_padding(uint64_t size)
{
	static const char zeros[BLOCK];

	write_bytes(zeros, (BLOCK - size % BLOCK) % BLOCK);
}

void write_end(void)
{
	static const char zeros[2 * BLOCK];

	write_bytes(zeros, sizeof zeros);
	flush();
	if (close(STDOUT_FILENO))
		die("standard output:");
}

/* ---- pax records ---- */

/* Add "LENGTH KEY=VALUE\n"; the length counts its own digits. */
static void add_record(const char *prefix, const char *key, const void *value, size_t size)
{
	size_t rest = strlen(prefix) + strlen(key) + size + 3, length = rest + 1;
	char number[24];

	while (length != rest + (size_t)snprintf(number, sizeof number, "%zu", length))
		length = rest + strlen(number);
	if (records.size + length + 1 > records.room) {
		records.room = 2 * (records.size + length + 1);
		records.data = xrealloc(records.data, records.room);
	}
	char *at = records.data + records.size;
	size_t head = (size_t)sprintf(at, "%s %s%s=", number, prefix, key);
	if (size)
		memcpy(at + head, value, size);
	at[head + size] = '\n';
	records.size += length;
}

static void add_number(const char *key, uint64_t value)
{
	char text[24];

	add_record("", key, text,
		   (size_t)snprintf(text, sizeof text, "%llu", (unsigned long long)value));
}

/* ---- the header ---- */

/* VALUE in octal, with a NUL at the end of the field; a value that is too wide is in a record. */
static void put_octal(char *field, size_t size, uint64_t value)
{
	if (value >> 3 * (size - 1))
		value = 0;
	field[size - 1] = '\0';
	for (size_t i = size - 1; i-- > 0; value >>= 3)
		field[i] = (char)('0' + (value & 7));
}

/* A string without a NUL if it fills the field; what is too long is in a record, too. */
static void put_text(char *field, size_t size, const char *text)
{
	size_t length = strlen(text);

	memcpy(field, text, length < size ? length : size);
}

static void write_header(const struct member *member, const char *path, char type, uint64_t size)
{
	char header[BLOCK] = "";
	unsigned sum = 0;

	put_text(header, 100, path);
	put_octal(header + 100, 8, member->mode & 07777);
	put_octal(header + 108, 8, member->uid);
	put_octal(header + 116, 8, member->gid);
	put_octal(header + 124, 12, size);
	put_octal(header + 136, 12, member->mtime.tv_sec < 0 ? 0 : (uint64_t)member->mtime.tv_sec);
	memset(header + 148, ' ', 8); /* the sum of all bytes is taken with blanks for itself */
	header[156] = type;
	put_text(header + 157, 100, member->link);
	memcpy(header + 257, "ustar", 6);
	header[263] = header[264] = '0';
	put_octal(header + 329, 8, member->major);
	put_octal(header + 337, 8, member->minor);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)header[i];
	put_octal(header + 148, 7, sum);
	write_bytes(header, sizeof header);
}

void write_member(const struct member *member)
{
	char time[48];

	records.size = 0;
	if (strlen(member->path) > 100)
		add_record("", "path", member->path, strlen(member->path));
	if (strlen(member->link) > 100)
		add_record("", "linkpath", member->link, strlen(member->link));
	if (member->size >> 33)
		add_number("size", member->size);
	if (member->uid >> 21)
		add_number("uid", member->uid);
	if (member->gid >> 21)
		add_number("gid", member->gid);
	/* Before 1970 a fraction counts backwards in a decimal number: leave it out. */
	if (member->mtime.tv_sec < 0 || member->mtime.tv_sec >> 33)
		add_record("", "mtime", time,
			   (size_t)snprintf(time, sizeof time, "%lld",
					    (long long)member->mtime.tv_sec));
	else if (member->mtime.tv_nsec)
		add_record("", "mtime", time,
			   (size_t)snprintf(time, sizeof time, "%lld.%09ld",
					    (long long)member->mtime.tv_sec,
					    member->mtime.tv_nsec));
	for (size_t i = 0; i < member->attribute_count; i++)
		add_record("SCHILY.xattr.", member->attributes[i].name, member->attributes[i].value,
			   member->attributes[i].size);
	if (records.size) {
		struct member plain = {.link = "", .mode = 0644};
		write_header(&plain, "pax", 'x', records.size);
		write_bytes(records.data, records.size);
		write_padding(records.size);
	}
	write_header(member, member->path, member->type, member->size);
}
