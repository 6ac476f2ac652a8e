/*
 * Lines for pipes: fields with tabs between, the name last, escaped so that one line is
 * one path. For people at a terminal: the same in columns, sizes with units.
 */
#define _GNU_SOURCE
#include "common.h"
#include "view.h"

#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct rows rows = {.end = '\n'};

bool rows_option(int c)
{
	if (c == '0')
		rows.end = '\0';
	if (c == 's')
		rows.summary = true;
	return c == '0' || c == 's';
}

void begin_rows(const char *header)
{
	rows.people = rows.end && isatty(STDOUT_FILENO);
	if (rows.people && !rows.summary)
		puts(header);
}

/*
 * How many bytes the character at TEXT has; 0 if it must not be printed: no UTF-8, a control
 * character, or one that changes the direction of what follows.
 */
static size_t printable(const unsigned char *text)
{
	static const struct {
		unsigned char first, last, mask;
		size_t length;
		uint32_t least;
	} forms[] = {{0xc2, 0xdf, 0x1f, 2, 0x80},
		     {0xe0, 0xef, 0x0f, 3, 0x800},
		     {0xf0, 0xf4, 0x07, 4, 0x10000}};

	if (*text < 0x80)
		return *text >= 0x20 && *text != 0x7f && *text != '\\';
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		if (*text < forms[i].first || *text > forms[i].last)
			continue;
		uint32_t code = *text & forms[i].mask;
		for (size_t n = 1; n < forms[i].length; n++) {
			if ((text[n] & 0xc0) != 0x80)
				return 0;
			code = code << 6 | (text[n] & 0x3f);
		}
		bool odd = code < forms[i].least || code > 0x10ffff || code < 0xa0 ||
			   (code >= 0xd800 && code < 0xe000) ||	 /* surrogates */
			   code == 0x200e || code == 0x200f ||	 /* directions */
			   (code >= 0x2028 && code <= 0x202e) || /* ends of lines, directions */
			   (code >= 0x2066 && code <= 0x2069);	 /* directions */
		return odd ? 0 : forms[i].length;
	}
	return 0;
}

void put_name(const char *name)
{
	const unsigned char *next = (const unsigned char *)name;

	if (!rows.end) {
		fputs(name, stdout);
		return;
	}
	while (*next) {
		size_t length = printable(next);
		if (length)
			fwrite(next, 1, length, stdout);
		else if (*next == '\n' || *next == '\t' || *next == '\\')
			printf("\\%c", *next == '\n' ? 'n' : *next == '\t' ? 't' : '\\');
		else
			printf("\\x%02x", *next);
		next += length ? length : 1;
	}
}

void end_row(const char *name, int indent)
{
	if (rows.people)
		printf("%*s", indent, "");
	put_name(name);
	putchar(rows.end);
}

const char *size_text(uint64_t bytes, char text[static SIZE_TEXT])
{
	static const char units[] = "kMGTPE";
	double number = (double)bytes;
	size_t unit = 0;

	if (!rows.people || bytes < 1024) {
		snprintf(text, SIZE_TEXT, "%" PRIu64, bytes);
		return text;
	}
	for (number /= 1024; number >= 1023.5 && units[unit + 1]; unit++)
		number /= 1024;
	snprintf(text, SIZE_TEXT, number < 9.95 ? "%.1f%c" : "%.0f%c", number, units[unit]);
	return text;
}

/* tsearch(3): files with several names */
struct file {
	dev_t device;
	ino_t inode;
};

static int compare_files(const void *left, const void *right)
{
	const struct file *a = left, *b = right;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	return a->inode == b->inode ? 0 : a->inode < b->inode ? -1 : 1;
}

bool first_link(const struct stat *st)
{
	static void *seen;

	if (st->st_nlink < 2)
		return true;
	struct file *file = xmalloc(sizeof *file);
	*file = (struct file){st->st_dev, st->st_ino};
	struct file **found = tsearch(file, &seen, compare_files);
	if (!found)
		die("out of memory");
	if (*found != file)
		free(file);
	return *found == file;
}
