/*
 * Growing text, and UTF-8.
 */
#define _GNU_SOURCE
#include "format.h"

#include "common.h"
#include "utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Make room for SIZE more bytes and a NUL. */
static void reserve(struct text *text, size_t size)
{
	if (size > TEXT_MAX || text->size + size > TEXT_MAX)
		die("more than %d MiB of text", TEXT_MAX >> 20);
	if (text->size + size < text->room)
		return;
	text->room = (text->size + size) * 2 + 64;
	text->data = xrealloc(text->data, text->room);
}

void text_add(struct text *text, const char *data, size_t size)
{
	reserve(text, size);
	if (size)
		memcpy(text->data + text->size, data, size);
	text->size += size;
	text->data[text->size] = '\0';
}

void text_puts(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

void text_fill(struct text *text, char c, size_t count)
{
	reserve(text, count);
	memset(text->data + text->size, c, count);
	text->size += count;
	text->data[text->size] = '\0';
}

void text_vprintf(struct text *text, const char *format, va_list arguments)
{
	char *line;
	int size = vasprintf(&line, format, arguments);

	if (size < 0)
		die("out of memory");
	text_add(text, line, (size_t)size);
	free(line);
}

void text_printf(struct text *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	text_vprintf(text, format, arguments);
	va_end(arguments);
}

uint32_t utf8_take(const char **at, const char *end)
{
	size_t size = utf8_size(*at, end);
	uint32_t character = size ? utf8_character(*at, size) : 0xfffd;

	*at += size ? size : 1;
	return character;
}

void utf8_add(struct text *text, uint32_t c)
{
	char bytes[4];
	size_t size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = size; i-- > 1; c >>= 6)
		bytes[i] = (char)(0x80 | (c & 0x3f));
	bytes[0] = (char)(size == 1 ? c : (0xf00 >> size & 0xff) | c);
	text_add(text, bytes, size);
}

size_t utf8_length(const char *data, size_t size)
{
	size_t length = 0;

	for (const char *at = data, *end = data + size; at < end; length++)
		utf8_take(&at, end);
	return length;
}

bool harmful(uint32_t c, const char *allowed)
{
	if (c < 0x20 || c == 0x7f)
		return c == 0 || !strchr(allowed, (int)c);
	return (c >= 0x80 && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}
