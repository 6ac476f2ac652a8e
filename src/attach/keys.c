/* The keys that detach: held back until it is clear that they are not. */
#define _GNU_SOURCE
#include "attach.h"

#include "common.h"

#include <stdlib.h>
#include <string.h>

static char keys[KEYS_MAX], held[KEYS_MAX];
static size_t keys_count, held_count;

/* The code of one key, "a" or "ctrl-a"; -1 if it is none. */
static int key_code(const char *name)
{
	if (strlen(name) == 1)
		return (unsigned char)*name;
	if (strncmp(name, "ctrl-", 5) || strlen(name) != 6)
		return -1;
	if ((name[5] >= 'a' && name[5] <= 'z') || strchr("@[\\]^_", name[5]))
		return name[5] & 0x1f;
	return -1;
}

void keys_parse(const char *text)
{
	char *copy = xstrdup(text), *rest = copy;

	keys_count = 0;
	for (const char *name; *text && (name = strsep(&rest, ","));) {
		int code = key_code(name);
		if (code < 0)
			usage_error("--detach-keys: not a key: '%s'", name);
		if (keys_count == KEYS_MAX)
			usage_error("--detach-keys: more than %d keys", KEYS_MAX);
		keys[keys_count++] = (char)code;
	}
	free(copy);
}

size_t keys_filter(const char *input, size_t size, char *output)
{
	size_t used = 0;

	for (size_t i = 0; i < size && !keys_complete(); i++) {
		if (!keys_count) {
			output[used++] = input[i];
			continue;
		}
		held[held_count++] = input[i];
		/* What does not begin the sequence is input, from the left. */
		while (memcmp(held, keys, held_count) != 0) {
			output[used++] = held[0];
			memmove(held, held + 1, --held_count);
		}
	}
	return used;
}

bool keys_complete(void)
{
	return keys_count && held_count == keys_count;
}

bool keys_held(void)
{
	return held_count;
}

size_t keys_flush(char *output)
{
	size_t size = held_count;

	memcpy(output, held, size);
	held_count = 0;
	return size;
}
