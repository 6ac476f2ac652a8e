/*
 * State files, and what is in them, as JSON.
 */
#include "describe.h"

#include "common.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

json_t *string_of_bytes(const char *text, size_t size)
{
	static const char replacement[] = "\xef\xbf\xbd";
	json_t *string = json_stringn(text, size);
	size_t length = 0, used;

	if (string)
		return string;
	char *clean = xmalloc(size * strlen(replacement));
	for (size_t i = 0; i < size; i += used ? used : 1) {
		used = utf8_size(text + i, text + size);
		const char *from = used ? text + i : replacement;
		size_t bytes = used ? used : strlen(replacement);
		memcpy(clean + length, from, bytes);
		length += bytes;
	}
	string = json_stringn(clean, length);
	free(clean);
	return string;
}

json_t *string_of(const char *text)
{
	return string_of_bytes(text, strlen(text));
}

json_t *line_of(int dir, const char *name)
{
	char *line = file_line(dir, name);
	json_t *string = string_of(line);

	free(line);
	return string;
}

json_t *number_of(int dir, const char *name)
{
	char *line = file_line(dir, name);
	json_t *number = json_integer(strtoll(line, NULL, 10));

	free(line);
	return number;
}

json_t *list_of(const struct file_words *words, size_t from)
{
	json_t *list = json_array();

	for (size_t i = from; i < words->count; i++)
		json_array_append_new(list, string_of(words->at[i]));
	return list;
}

json_t *list_after(const struct file_words *words, const char *option)
{
	json_t *list = json_array();

	for (size_t i = 1; i < words->count; i++)
		if (strcmp(words->at[i - 1], option) == 0)
			json_array_append_new(list, string_of(words->at[i]));
	return list;
}
