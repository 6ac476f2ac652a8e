/* Repositories that a term finds: the search of Docker's hub, version 1 of its interface. */
#define _GNU_SOURCE
#include "pull.h"

#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_LIMIT = 8 << 20 };

/* Print TEXT as one field: no tabs, no newlines, nothing that drives a terminal. */
static void print_field(const char *text, char end)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c < 0x20 || *c == 0x7f)
			putchar(' ');
		else if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
			c++; /* U+0080 to U+009F */
		else
			putchar(*c);
	}
	putchar(end);
}

static void print_repository(const char *host, const json_t *result)
{
	const char *name = string_member(host, result, "name");
	const char *description = string_member(host, result, "description");
	const json_t *stars = json_object_get(result, "star_count");

	if (!name)
		die("%s: a repository without a name is in what was found", host);
	print_field(name, '\t');
	print_field(description ? description : "", '\t');
	printf("%lld\t", (long long)json_integer_value(stars));
	printf("%s\t", json_is_true(json_object_get(result, "is_official")) ? "true" : "false");
	printf("%s\n", json_is_true(json_object_get(result, "is_automated")) ? "true" : "false");
}

static void print_results(const char *host, const char *text, size_t size, unsigned limit)
{
	json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	const json_t *results = json_object_get(json, "results"), *result;
	size_t index;

	/* null: nothing was found */
	if (!json_is_object(json) || !results ||
	    (!json_is_array(results) && !json_is_null(results)))
		die("%s: what came is no list of repositories", host);
	json_array_foreach(results, index, result)
	{
		if (index < limit)
			print_repository(host, result);
	}
	json_decref(json);
}

void print_search(const char *host, const char *term, unsigned limit)
{
	bool hub = !strcmp(host, "docker.io");
	struct reference reference = {.host = (char *)(hub ? "index.docker.io" : host),
				      .repository = (char *)term};
	struct registry *registry = open_origin(&reference);
	struct request request = {.limit = ANSWER_LIMIT, .what = "search"};

	registry->name = host; /* credentials are kept by this name */
	registry->scopes = "";
	if (hub && mirror_url)
		registry = open_mirror(mirror_url, registry);
	char *number = xasprintf("%u", limit);
	char *escaped = curl_easy_escape(NULL, term, 0);
	if (!escaped)
		die("out of memory");
	request.registry = registry;
	request.path = xasprintf("/v1/search?q=%s&n=%s", escaped, number);
	if (request_perform(&request) == FAILED)
		request_die(&request);
	print_results(host, request.body, request.size, limit);
	curl_free(escaped);
	free(number);
	request_free(&request);
}
