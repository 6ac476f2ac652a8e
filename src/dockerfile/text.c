/*
 * Growing text, lists of texts, and white space.
 */
#include "dockerfile.h"

#include "common.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void text_add(struct text *text, const char *data, size_t size)
{
	if (text->size + size >= OUTPUT_MAX)
		bad("too much text: more than %d MiB", OUTPUT_MAX >> 20);
	if (text->size + size >= text->room) {
		text->room = (text->size + size) * 2 + 32;
		text->data = xrealloc(text->data, text->room);
	}
	if (size)
		memcpy(text->data + text->size, data, size);
	text->size += size;
	text->data[text->size] = '\0';
}

void text_puts(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

void text_byte(struct text *text, char c)
{
	text_add(text, &c, 1);
}

char *text_take(struct text *text)
{
	char *data = text->data ? text->data : xstrdup("");

	*text = (struct text){0};
	return data;
}

void words_add(struct words *words, char *word)
{
	if (!(words->count & (words->count - 1))) /* full at each power of two */
		words->word = xrealloc(words->word,
				       (words->count ? words->count * 2 : 1) * sizeof(char *));
	words->word[words->count++] = word;
}

char *copy_part(const char *start, size_t size)
{
	char *copy = xmalloc(size + 1);

	memcpy(copy, start, size);
	copy[size] = '\0';
	return copy;
}

size_t space_size(const char *at)
{
	if (*at == ' ' || (*at >= '\t' && *at <= '\r'))
		return 1;
	if (!strncmp(at, "\xc2\x85", 2) || !strncmp(at, "\xc2\xa0", 2))
		return 2;
	if ((!strncmp(at, "\u2000", 2) && (unsigned char)at[2] >= 0x80 &&
	     (unsigned char)at[2] <= 0x8a) ||
	    !strncmp(at, "\u1680", 3) || !strncmp(at, "\u2028", 3) || !strncmp(at, "\u2029", 3) ||
	    !strncmp(at, "\u202f", 3) || !strncmp(at, "\u205f", 3) || !strncmp(at, "\u3000", 3))
		return 3;
	return 0;
}

char *trim(char *text)
{
	size_t size, keep = 0;

	while ((size = space_size(text)))
		text += size;
	for (const char *at = text; *at; at += size ? size : 1)
		if (!(size = space_size(at)))
			keep = (size_t)(at - text) + 1;
	text[keep] = '\0';
	return text;
}

bool is_switch(const char *text, bool *value)
{
	static const char *const words[] = {"1", "t", "T", "TRUE",  "true",  "True",
					    "0", "f", "F", "FALSE", "false", "False"};

	for (size_t i = 0; i < 12; i++)
		if (!strcmp(text, words[i])) {
			*value = i < 6;
			return true;
		}
	return false;
}

/* ---- names that were meant ---- */

/* How many letters have to be added, left out or replaced to make B of A; case is nothing. */
static size_t distance(const char *a, const char *b)
{
	size_t row[32], width = strlen(b);

	if (width >= 32 || strlen(a) >= 32)
		return 32;
	for (size_t i = 0; i <= width; i++)
		row[i] = i;
	for (; *a; a++) {
		size_t corner = row[0]++;

		for (size_t i = 1; i <= width; i++) {
			size_t replaced = corner + (strncasecmp(a, b + i - 1, 1) != 0);

			corner = row[i];
			size_t least = (corner < row[i - 1] ? corner : row[i - 1]) + 1;
			row[i] = replaced < least ? replaced : least;
		}
	}
	return row[width];
}

void bad_name(const char *what, const char *name, const char *const names[])
{
	struct text list = {0};
	const char *nearest = NULL;
	size_t best = 3;

	for (size_t i = 0; names[i]; i++) {
		size_t away = distance(name, names[i]);

		if (away < best) {
			best = away;
			nearest = names[i];
		}
		if (i)
			text_puts(&list, names[i + 1] ? ", " : " or ");
		text_puts(&list, names[i]);
	}
	if (nearest)
		bad("unknown %s '%s', did you mean %s?", what, name, nearest);
	bad("unknown %s '%s', expected %s", what, name, text_take(&list));
}
