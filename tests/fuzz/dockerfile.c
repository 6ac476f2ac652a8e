/*
 * Fuzz target: Dockerfiles. Whatever they are, it is said what is wrong, or lines of JSON are
 * printed: as many as there are instructions, whether variables are expanded or not, and none
 * of what no variable may change differs. The first byte chooses options.
 */
#define _GNU_SOURCE
#include "harness.h"

#include <dockerfile.h>

#include "common.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *at_file = "fuzz";
size_t at_line;

void bad(const char *format, ...)
{
	(void)format;
	longjmp(refused, 1);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	setlocale(LC_CTYPE, "C.UTF-8");
	return 0;
}

enum { HAS_STAGE = 1, HAS_ENV = 2, HAS_TRIGGERS = 4, LIST = 8, MAY_WORK = 20000000 };

static json_t *strings, *triggers;

/* A list of the objects that are printed; NULL if the file is wrong. */
static json_t *printed(const uint8_t *data, size_t size, struct settings *settings)
{
	char *copy = memcpy(xmalloc(size + 1), data, size);
	json_t *volatile list = NULL;
	struct document document;
	struct text out = {0};

	copy[size] = '\0';
	work_done = WORK_MAX - MAY_WORK;
	if (setjmp(refused)) {
		free(copy);
		json_decref(list);
		return NULL;
	}
	read_lines(&document, copy, size);
	print_document(&document, settings, &out);
	list = json_array();
	for (char *line = out.data, *end; line < out.data + out.size; line = end + 1) {
		end = strchr(line, '\n');
		json_t *object = end ? json_loadb(line, (size_t)(end - line), 0, NULL) : NULL;
		if (!object)
			broken("no line of JSON", line);
		json_array_append_new(list, object);
	}
	free(out.data);
	free(copy);
	return list;
}

static void compare(json_t *raw, json_t *expanded)
{
	static const char *const same[] = {"line",	  "end",      "stage",
					   "instruction", "original", "form"};
	json_t *object;
	size_t i;

	if (json_array_size(raw) != json_array_size(expanded))
		broken("other instructions", "when variables are expanded");
	json_array_foreach(raw, i, object)
	{
		json_t *other = json_array_get(expanded, i);

		for (size_t k = 0; i && k < sizeof(same) / sizeof(*same); k++)
			if (!json_equal(json_object_get(object, same[k]),
					json_object_get(other, same[k])))
				broken("changed by variables", same[k]);
		if (json_object_get(object, "command") &&
		    !json_equal(json_object_get(object, "command"),
				json_object_get(other, "command")))
			broken("changed by variables", "command");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings settings = {.triggers_file = "triggers"};

	if (!size)
		return 0;
	if (!strings) {
		strings = json_pack("{ssssss}", "A", "a b", "PATH", "/bin", "TARGETARCH", "arm");
		triggers = json_pack("[ss]", "ENV T=$A", "COPY <<E $T /x\n$T\nE");
	}
	settings.build_args = settings.platform = strings;
	settings.stage = *data & HAS_STAGE ? "0" : NULL;
	settings.base_env = *data & HAS_ENV ? strings : NULL;
	settings.triggers = *data & HAS_TRIGGERS && settings.stage ? triggers : NULL;
	settings.list = *data & LIST;
	json_t *expanded = printed(data + 1, size - 1, &settings);
	settings.raw = true;
	json_t *raw = printed(data + 1, size - 1, &settings);
	if (expanded && !raw)
		broken("good only", "with variables expanded");
	if (expanded && raw)
		compare(raw, expanded);
	json_decref(expanded);
	json_decref(raw);
	return 0;
}
