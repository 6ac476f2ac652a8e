/*
 * The patterns of ${name#pattern}, ${name%pattern} and ${name/pattern/text}: "?" is one
 * character, "*" any number of them, neither a newline. Sets of states are followed through
 * the text, as trying one way after the other could take for ever.
 */
#include "dockerfile.h"

#include "common.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

enum { ONE = 0x110000, ANY }; /* beyond all characters */

struct string {
	uint32_t *character;
	size_t count;
};

size_t work_done;

void work(size_t steps)
{
	work_done += steps;
	if (work_done > WORK_MAX)
		bad("this takes too long: too many variables, ports or stages, or patterns of many "
		    "*");
}

static struct string decode(const char *text)
{
	size_t size = strlen(text);
	struct string string = {xmalloc((size + 1) * sizeof(uint32_t)), 0};

	for (const char *at = text, *end = text + size; at < end;) {
		size_t step = utf8_size(at, end);

		string.character[string.count++] = utf8_character(at, step ? step : 1);
		at += step ? step : 1;
	}
	return string;
}

/* In place; false if an escape is before what needs none. */
static bool compile(struct string *pattern)
{
	uint32_t *to = pattern->character;

	for (size_t i = 0; i < pattern->count; i++) {
		uint32_t c = pattern->character[i];

		if (c == '\\') {
			if (++i == pattern->count || pattern->character[i] > 0x7f ||
			    !strchr("*?\\}/", (int)pattern->character[i]))
				return false;
			c = pattern->character[i];
		} else if (c == '?' || c == '*') {
			c = c == '?' ? ONE : ANY;
		}
		*to++ = c;
	}
	pattern->count = (size_t)(to - pattern->character);
	return true;
}

static void reverse(struct string *string)
{
	for (size_t i = 0; i < string->count / 2; i++) {
		uint32_t c = string->character[i];

		string->character[i] = string->character[string->count - 1 - i];
		string->character[string->count - 1 - i] = c;
	}
}

/* From STATE also those behind "*" are reached. */
static void enter(const struct string *pattern, char *states, size_t state)
{
	while (!states[state]) {
		states[state] = 1;
		if (state == pattern->count || pattern->character[state] != ANY)
			return;
		state++;
	}
}

/* Where a match that begins at START of VALUE ends; SIZE_MAX if there is none. */
static size_t match_end(const struct string *pattern, const struct string *value, size_t start,
			bool longest)
{
	size_t room = pattern->count + 1, end = SIZE_MAX;
	char *states = xmalloc(2 * room), *now = states, *next = states + room;
	bool alive = true;

	memset(now, 0, room);
	enter(pattern, now, 0);
	for (size_t at = start; alive; at++) {
		if (now[pattern->count]) {
			end = at;
			if (!longest)
				break;
		}
		if (at == value->count)
			break;
		work(room);
		memset(next, 0, room);
		alive = false;
		for (size_t i = 0; i < pattern->count; i++) {
			uint32_t want = pattern->character[i], is = value->character[at];

			if (!now[i] || (want >= ONE ? is == '\n' : is != want))
				continue;
			alive = true;
			enter(pattern, next, want == ANY ? i : i + 1);
		}
		char *old = now;
		now = next;
		next = old;
	}
	free(states);
	return end;
}

static void encode(struct text *text, const struct string *string, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		uint32_t c = string->character[i];
		char bytes[4] = {(char)c};
		size_t size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

		if (size > 1) {
			for (size_t k = size; k-- > 1; c >>= 6)
				bytes[k] = (char)(0x80 | (c & 0x3f));
			bytes[0] = (char)((0xf00 >> size & 0xff) | c);
		}
		text_add(text, bytes, size);
	}
}

char *strip(const char *value_text, const char *pattern_text, bool end, bool longest)
{
	struct string value = decode(value_text), pattern = decode(pattern_text);
	struct text text = {0};
	size_t cut;
	bool good = compile(&pattern);

	if (good) {
		if (end) {
			reverse(&pattern);
			reverse(&value);
		}
		cut = match_end(&pattern, &value, 0, longest);
		cut = cut == SIZE_MAX ? 0 : cut;
		if (end)
			reverse(&value);
		encode(&text, &value, end ? 0 : cut, end ? value.count - cut : value.count);
	}
	free(value.character);
	free(pattern.character);
	return good ? text_take(&text) : NULL;
}

char *replace(const char *value_text, const char *pattern_text, const char *by, bool all)
{
	struct string value = decode(value_text), pattern = decode(pattern_text);
	struct text text = {0};
	size_t copied = 0, last_end = SIZE_MAX;
	bool good = compile(&pattern), more = true;

	for (size_t at = 0; good && more && at <= value.count;) {
		size_t end = match_end(&pattern, &value, at, true);

		if (end == SIZE_MAX || (end == at && at == last_end)) { /* no empty one at an end */
			at++;
			continue;
		}
		encode(&text, &value, copied, at);
		text_puts(&text, by);
		if (text.size > TEXT_MAX)
			bad("a value of more than %d MiB", TEXT_MAX >> 20);
		copied = last_end = end;
		at = end > at ? end : at + 1;
		more = all;
	}
	if (good)
		encode(&text, &value, copied, value.count);
	free(value.character);
	free(pattern.character);
	return good ? text_take(&text) : NULL;
}
