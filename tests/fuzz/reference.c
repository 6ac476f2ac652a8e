/*
 * Fuzz target: references. What is taken has only letters that may stand in a path or
 * URL, and means the same when it is read again in its long or short form.
 *
 * With -DNAMES not a target but the judge of names.py: for each line of input the long and
 * the short form, or "bad".
 */
#define _GNU_SOURCE
#include "harness.h"

#include <reference.c>

#include <stdio.h>

static void free_reference(struct reference *reference)
{
	free(reference->host);
	free(reference->repository);
	free(reference->tag);
	free(reference->digest);
}

#ifdef NAMES
int main(void)
{
	struct reference reference;
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, stdin) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (setjmp(refused)) {
			puts("bad");
			continue;
		}
		parse_reference(line, &reference);
		char *full = reference_text(&reference, false);
		char *familiar = reference_text(&reference, true);
		printf("%s %s\n", full, familiar);
		free(full);
		free(familiar);
		free_reference(&reference);
	}
	return 0;
}
#else
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	return 0;
}

static bool has_only(const char *text, const char *letters)
{
	return !text[strspn(text, letters)];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reference reference, again;
	char *text = strndup((const char *)data, size);

	if (!setjmp(refused)) {
		parse_reference(text, &reference);
		if (!has_only(reference.repository, "abcdefghijklmnopqrstuvwxyz0123456789._-/") ||
		    strstr(reference.repository, "..") || *reference.repository == '/' ||
		    strpbrk(reference.host, "/ @%?#\\\"'\n") || strstr(reference.host, ".."))
			broken("taken", text);
		if (!reference.tag == !reference.digest)
			broken("both a tag and a digest, or neither", text);
		char *full = reference_text(&reference, false);
		for (int familiar = 0; familiar < 2; familiar++) {
			char *form = reference_text(&reference, familiar);
			if (setjmp(refused))
				broken("cannot be read again", text);
			parse_reference(form, &again);
			char *second = reference_text(&again, false);
			if (strcmp(full, second) != 0)
				broken("means something else when read again", text);
			free(second);
			free(form);
			free_reference(&again);
		}
		free(full);
		free_reference(&reference);
	}
	free(text);
	return 0;
}
#endif
