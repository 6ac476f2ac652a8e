/* The tags of a repository, page after page. */
#define _GNU_SOURCE
#include "pull.h"

#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_LIMIT = 8 << 20, PAGES_LIMIT = 10000 };

/*
 * Path of the next page, from the header Link: <URL>; rel="next". NULL if there
 * is none, or one that is not at the registry: the list goes on where it began.
 */
static char *next_page(const struct request *request)
{
	const char *link = request->link, *end = link ? strchr(link, '>') : NULL;
	const char *base = request->registry->base;
	CURLU *handle = curl_url();
	char *whole = NULL, *path = NULL;

	if (link && *link == '<' && end && strstr(end, "next")) {
		char *target = strndup(link + 1, (size_t)(end - link - 1));
		if (handle && target && !curl_url_set(handle, CURLUPART_URL, request->url, 0) &&
		    !curl_url_set(handle, CURLUPART_URL, target, 0) &&
		    !curl_url_get(handle, CURLUPART_URL, &whole, 0) &&
		    !strncmp(whole, base, strlen(base)) && whole[strlen(base)] == '/')
			path = xstrdup(whole + strlen(base));
		free(target);
	}
	curl_free(whole);
	curl_url_cleanup(handle);
	return path;
}

static void print_page(const struct request *request)
{
	json_t *json = json_loadb(request->body, request->size, JSON_REJECT_DUPLICATES, NULL);
	const json_t *tags = json_object_get(json, "tags"), *tag;
	size_t index;

	/* null: a repository without tags */
	if (!json_is_object(json) || (tags && !json_is_array(tags) && !json_is_null(tags)))
		die("%s: what came is no list of tags", request->registry->name);
	json_array_foreach(tags, index, tag)
	{
		const char *name = json_string_value(tag);
		if (!name || !is_tag(name))
			die("%s: in the list of tags there is one that is none: '%s'",
			    request->registry->name, name ? name : "");
		puts(name);
	}
	json_decref(json);
}

void print_tags(struct registry *registry)
{
	char *path = xasprintf("/v2/%s/tags/list?n=1000", registry->repository);

	for (int page = 0; path; page++) {
		struct request request = {
			.registry = registry,
			.path = path,
			.what = registry->repository,
			.limit = PAGE_LIMIT,
		};
		if (page == PAGES_LIMIT)
			die("%s: the list of tags does not end", registry->name);
		if (request_perform(&request) == FAILED)
			request_die(&request);
		print_page(&request);
		path = next_page(&request);
		request_free(&request);
	}
}
