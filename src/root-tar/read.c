/*
 * Reading tar: ustar, pax, and what GNU tar writes. No library does it: root-tar runs
 * inside a container, whose files a library would open (locales, converters, CVE-2019-14271).
 * Nothing of the stream is believed: numbers, lengths and names are checked here.
 */
#define _GNU_SOURCE
#include "common.h"
#include "tar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECORDS_MAX = 1 << 20 }; /* bytes of one pax header, or of a long name */

static struct {
	char data[64 * 1024];
	size_t next, end;
	uint64_t total; /* bytes read */
	uint64_t left;	/* of the member's data, */
	size_t padding; /* and after them */
} input;

/* ---- bytes ---- */

/* At most SIZE bytes; 0 at the end of the stream. */
static size_t take(void *data, size_t size)
{
	if (input.next == input.end) {
		ssize_t n;
		do
			n = read(STDIN_FILENO, input.data, sizeof input.data);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			die("standard input:");
		input.next = 0;
		input.end = (size_t)n;
		input.total += (uint64_t)n;
	}
	if (size > input.end - input.next)
		size = input.end - input.next;
	if (data)
		memcpy(data, input.data + input.next, size);
	input.next += size;
	return size;
}

/* Exactly SIZE bytes, to nowhere if DATA is NULL. */
static void take_all(char *data, uint64_t size)
{
	while (size) {
		size_t n = take(data, size > SIZE_MAX ? SIZE_MAX : (size_t)size);
		if (!n)
			die("standard input: the archive ends too early");
		data = data ? data + n : NULL;
		size -= n;
	}
}

size_t read_bytes(void *data, size_t size)
{
	size_t n;

	if (size > input.left)
		size = (size_t)input.left;
	if (!size)
		return 0;
	n = take(data, size);
	if (!n)
		die("standard input: the archive ends too early");
	input.left -= n;
	return n;
}

uint64_t read_end(void)
{
	while (take(NULL, SIZE_MAX))
		;
	return input.total;
}

/* ---- entries ---- */

static void set_text(char **text, char *value)
{
	free(*text);
	*text = value;
}

void add_attribute(struct member *member, const char *name, const void *value, size_t size)
{
	member->attributes = xrealloc(member->attributes,
				      (member->attribute_count + 1) * sizeof *member->attributes);
	struct attribute *new = &member->attributes[member->attribute_count++];

	*new = (struct attribute){.name = xstrdup(name), .value = xmalloc(size + 1), .size = size};
	if (size)
		memcpy(new->value, value, size);
}

void clear_member(struct member *member)
{
	for (size_t i = 0; i < member->attribute_count; i++) {
		free(member->attributes[i].name);
		free(member->attributes[i].value);
	}
	free(member->attributes);
	member->attributes = NULL;
	free(member->path);
	free(member->link);
	memset(member, 0, sizeof *member);
	member->path = xstrdup("");
	member->link = xstrdup("");
}

/* A number of the header: octal between blanks, or, with the first bit set, base 256. */
static uint64_t header_number(const char *field, size_t size, const char *what)
{
	const unsigned char *c = (const unsigned char *)field;
	size_t i = 0;
	uint64_t value = 0;

	if (*c & 0x80) {
		value = *c & 0x7f;
		for (i = 1; i < size; i++) {
			if (value >> 55)
				die("standard input: %s in the archive is no number", what);
			value = value << 8 | c[i];
		}
		return value;
	}
	while (i < size && c[i] == ' ')
		i++;
	for (; i < size && c[i] >= '0' && c[i] <= '7'; i++)
		value = value << 3 | (uint64_t)(c[i] - '0');
	if (i < size && c[i] && c[i] != ' ')
		die("standard input: %s in the archive is no number", what);
	return value;
}

static void check_sum(const char *header)
{
	unsigned sum = 0;

	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : (unsigned char)header[i];
	if (sum != header_number(header + 148, 8, "a sum"))
		die("standard input: not a tar archive, or a damaged one");
}

/* SECONDS[.FRACTION] of a pax header. */
static struct timespec parse_time(const char *text)
{
	struct timespec time = {0};
	bool negative = *text == '-';
	char *whole = xstrdup(text + negative), *fraction = strchr(whole, '.');
	uint64_t seconds;
	long unit = 100000000;

	if (fraction)
		*fraction++ = '\0';
	if (!is_number(whole, 0, INT64_MAX, &seconds))
		die("standard input: a time in the archive is no number");
	time.tv_sec = negative ? -(time_t)seconds : (time_t)seconds;
	for (; fraction && !negative && *fraction >= '0' && *fraction <= '9'; unit /= 10)
		time.tv_nsec += (*fraction++ - '0') * unit;
	free(whole);
	return time;
}

/* The data of a header that describes the next one, with a NUL at the end. */
static char *take_text(uint64_t size)
{
	char *text;

	if (size > RECORDS_MAX)
		die("standard input: a header of %llu bytes in the archive",
		    (unsigned long long)size);
	text = xmalloc((size_t)size + 1);
	take_all(text, size);
	take_all(NULL, (BLOCK - size % BLOCK) % BLOCK);
	text[size] = '\0';
	return text;
}

/* What the pax header before a member says; it wins over the member's own. */
struct overrides {
	char *path, *link;
	bool has_size, has_uid, has_gid, has_time;
	uint64_t size, uid, gid;
	struct timespec mtime;
};

/* A string without a NUL inside, or the rest of the name would get lost. */
static char *whole_text(const char *value, size_t size)
{
	if (strlen(value) != size)
		die("standard input: a name in the archive has a NUL");
	return xstrdup(value);
}

static void apply_record(struct member *member, struct overrides *found, const char *key,
			 const char *value, size_t size)
{
	static const char xattr[] = "SCHILY.xattr.";

	if (!strcmp(key, "path"))
		set_text(&found->path, whole_text(value, size));
	else if (!strcmp(key, "linkpath"))
		set_text(&found->link, whole_text(value, size));
	else if (!strcmp(key, "size"))
		found->has_size = is_number(value, 0, INT64_MAX, &found->size);
	else if (!strcmp(key, "uid"))
		found->has_uid = is_number(value, 0, UINT64_MAX, &found->uid);
	else if (!strcmp(key, "gid"))
		found->has_gid = is_number(value, 0, UINT64_MAX, &found->gid);
	else if (!strcmp(key, "mtime")) {
		found->mtime = parse_time(value);
		found->has_time = true;
	} else if (!strncmp(key, xattr, sizeof xattr - 1))
		add_attribute(member, key + sizeof xattr - 1, value, size);
	else if (!strncmp(key, "GNU.sparse.", 11))
		die_hint("plain-tar makes it one that has all bytes",
			 "standard input: an archive with sparse files");
}

/* Take the records "LENGTH KEY=VALUE\n" in TEXT apart. */
static void apply_records(struct member *member, struct overrides *found, char *text, uint64_t left)
{
	while (left) {
		char *blank = memchr(text, ' ', left > 20 ? 20 : (size_t)left), *equals;
		uint64_t length = 0;

		if (blank)
			*blank = '\0';
		if (!blank || !is_number(text, (uint64_t)(blank - text) + 3, left, &length) ||
		    text[length - 1] != '\n' ||
		    !(equals = memchr(blank + 1, '=', length - (size_t)(blank - text) - 2)))
			die("standard input: a pax header in the archive is damaged");
		text[length - 1] = *equals = '\0';
		apply_record(member, found, blank + 1, equals + 1,
			     (size_t)(text + length - 1 - (equals + 1)));
		text += length;
		left -= length;
	}
}

/* The fields of HEADER into ENTRY, what FOUND has excepted. */
static void apply_header(struct member *member, struct overrides *found, const char *header)
{
	bool posix = !memcmp(header + 257, "ustar", 6); /* GNU's own form has blanks there */
	int prefix = posix ? (int)strnlen(header + 345, 155) : 0;

	set_text(&member->path, found->path ? found->path
					    : xasprintf("%.*s%s%.100s", prefix, header + 345,
							prefix ? "/" : "", header));
	set_text(&member->link, found->link ? found->link : xasprintf("%.100s", header + 157));
	member->mode = header_number(header + 100, 8, "a mode") & 07777;
	member->uid = found->has_uid ? found->uid : header_number(header + 108, 8, "a user");
	member->gid = found->has_gid ? found->gid : header_number(header + 116, 8, "a group");
	member->size = found->has_size ? found->size : header_number(header + 124, 12, "a size");
	member->mtime = found->mtime;
	if (!found->has_time)
		member->mtime.tv_sec = (time_t)header_number(header + 136, 12, "a time");
	member->major = (unsigned)header_number(header + 329, 8, "a device");
	member->minor = (unsigned)header_number(header + 337, 8, "a device");
	member->type = header[156] == '\0' || header[156] == '7' ? '0' : header[156];
	/* As before 1988: a directory is a file with a slash at the end. */
	if (member->type == '0' && *member->path && member->path[strlen(member->path) - 1] == '/')
		member->type = '5';
	if (!strchr("0123456", member->type))
		die_hint("plain-tar may know it", "%s: a member of an unknown type in the archive",
			 member->path);
	if (member->type != '0')
		member->size = 0;
	if (member->size > INT64_MAX)
		die("%s: a size in the archive is no number", member->path);
}

/* Skip what is left of the last member, and take the next header; false at the end. */
static bool next_header(char header[BLOCK])
{
	static const char zeros[BLOCK];

	take_all(NULL, input.left);
	take_all(NULL, input.padding);
	input.left = input.padding = 0;
	take_all(header, BLOCK);
	if (!memcmp(header, zeros, BLOCK))
		return false;
	check_sum(header);
	return true;
}

bool read_member(struct member *member)
{
	struct overrides found = {0};
	char header[BLOCK];

	clear_member(member);
	while (next_header(header)) {
		uint64_t size = header_number(header + 124, 12, "a size");
		char *text;

		switch (header[156]) {
		case 'x':
			text = take_text(size);
			apply_records(member, &found, text, size);
			free(text);
			break;
		case 'g': /* for all entries; it has none of what we read, but comments */
			free(take_text(size));
			break;
		case 'L':
			set_text(&found.path, take_text(size));
			break;
		case 'K':
			set_text(&found.link, take_text(size));
			break;
		default:
			apply_header(member, &found, header);
			input.left = member->size;
			input.padding = (BLOCK - member->size % BLOCK) % BLOCK;
			return true;
		}
	}
	return false;
}
