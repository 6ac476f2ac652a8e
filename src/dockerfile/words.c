/*
 * The text of an instruction into words.
 */
#include "dockerfile.h"

#include "common.h"

#include <stdlib.h>
#include <string.h>

static const char blanks[] = " \t\v\f\r\n";

struct words split_blanks(const char *text)
{
	struct words words = {0};

	for (size_t size; *(text += strspn(text, blanks)); text += size) {
		size = strcspn(text, blanks);
		words_add(&words, copy_part(text, size));
	}
	return words;
}

/* The end of the word at TEXT, in which quotes and escapes count but stay. */
static const char *quoted_end(const char *text, char escape)
{
	char quote = 0;

	for (; *text; text++) {
		if (!quote && space_size(text))
			return text;
		if (*text == escape && quote != '\'') {
			if (!*++text)
				return text;
		} else if (quote) {
			quote = *text == quote ? 0 : quote;
		} else if (*text == '"' || *text == '\'') {
			quote = *text;
		}
	}
	return text;
}

struct words split_quoted(const char *text, char escape)
{
	struct words words = {0};

	for (;;) {
		for (size_t size; (size = space_size(text));)
			text += size;
		if (!*text)
			return words;
		const char *end = quoted_end(text, escape);
		size_t size = (size_t)(end - text);
		/* one that ends all is nothing */
		size_t escapes = 0;
		while (escapes < size && end[-1 - (ptrdiff_t)escapes] == escape)
			escapes++;
		if (!*end && escapes % 2)
			size--;
		if (size)
			words_add(&words, copy_part(text, size));
		text = end;
	}
}

/* One flag, without its quotes and escapes. */
static char *take_flag(const char **at, char escape)
{
	struct text flag = {0};
	char quote = 0;

	for (; **at && (quote || !strchr(blanks, **at)); ++*at) {
		if (**at == quote) {
			quote = 0;
		} else if (!quote && (**at == '"' || **at == '\'')) {
			quote = **at;
		} else {
			if (**at == escape && !*++*at)
				break;
			text_byte(&flag, **at);
		}
	}
	return text_take(&flag);
}

struct words take_flags(const char *text, char escape, char **rest)
{
	struct words flags = {0};

	for (;;) {
		text += strspn(text, blanks);
		if (strncmp(text, "--", 2) != 0)
			break;
		char *flag = take_flag(&text, escape);
		if (!strcmp(flag, "--"))
			break;
		words_add(&flags, flag);
	}
	*rest = trim(xstrdup(text));
	return flags;
}

bool split_json(const char *text, struct words *words)
{
	json_t *list, *value;
	json_error_t error;
	size_t i;

	*words = (struct words){0};
	if (*text != '[' || !(list = json_loads(text, JSON_ALLOW_NUL, &error)))
		return false;
	json_array_foreach(list, i, value)
	{
		if (!json_is_string(value))
			bad("a list of JSON with something that is no string, expected [\"a\", "
			    "\"b\"]");
		if (strlen(json_string_value(value)) != json_string_length(value))
			bad("a NUL in a string, expected text");
		words_add(words, xstrdup(json_string_value(value)));
	}
	json_decref(list);
	return true;
}

struct words split_csv(const char *text)
{
	struct words fields = {0};

	for (;; text++) {
		struct text field = {0};

		if (*text == '"') {
			for (text++; *text && (*text != '"' || *++text == '"'); text++)
				text_byte(&field, *text);
			if (text[-1] != '"' || (*text && *text != ','))
				bad("a quote amiss in '%s', expected \"...\" around all of a field",
				    text);
		} else {
			size_t size = strcspn(text, ",");

			if (memchr(text, '"', size))
				bad("a quote amiss in '%s', expected \"...\" around all of a field",
				    text);
			text_add(&field, text, size);
			text += size;
		}
		words_add(&fields, text_take(&field));
		if (!*text)
			return fields;
	}
}

void csv_add(struct text *text, const char *field)
{
	if (text->size)
		text_byte(text, ',');
	if (!strpbrk(field, ",\"\r\n") && *field != ' ') {
		text_puts(text, field);
		return;
	}
	text_byte(text, '"');
	for (; *field; field++) {
		if (*field == '"')
			text_byte(text, '"');
		text_byte(text, *field);
	}
	text_byte(text, '"');
}
