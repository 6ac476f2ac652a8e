/*
 * The sources of a COPY: paths below the root of the context, with wildcards as in Go's
 * filepath.Match. Directories are opened by openat2(2) with RESOLVE_IN_ROOT: whatever links
 * there are, nothing outside is ever seen.
 */
#define _GNU_SOURCE
#include "common.h"
#include "context.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *clean_path(const char *path)
{
	char *clean = xmalloc(strlen(path) + 2);
	size_t used = 0;

	for (const char *part = path; *part;) {
		size_t length = strcspn(part, "/");
		if (length == 2 && !memcmp(part, "..", 2)) {
			while (used && clean[--used] != '/')
				;
		} else if (length > 1 || (length == 1 && *part != '.')) {
			if (used)
				clean[used++] = '/';
			memcpy(clean + used, part, length);
			used += length;
		}
		part += length + strspn(part + length, "/");
	}
	clean[used] = '\0';
	return clean;
}

bool has_wildcard(const char *text)
{
	return strpbrk(text, "*?[\\") != NULL;
}

/* All names in the directory BEFORE ("" is the root) that PART matches, and what REST, parts
   after it, means in them. */
static void find_matches(int root, const char *before, const char *part, const char *rest,
			 void (*each)(const char *path))
{
	size_t count;
	int fd = open_in_root(root, *before ? before : ".", O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return;
	if (fd < 0)
		die("%s:", before);
	char **names = read_names(fd, &count, before);
	for (size_t i = 0; i < count; i++) {
		if (!fnmatch(part, names[i], 0)) {
			/* What is not a pattern any more must not be taken for one. */
			char *path = xasprintf("%s%s%s", before, *before ? "/" : "", names[i]);
			if (!*rest) {
				each(path);
			} else {
				size_t length = strcspn(rest, "/");
				char *next = xasprintf("%.*s", (int)length, rest);
				find_matches(root, path, next,
					     rest + length + (rest[length] == '/'), each);
				free(next);
			}
			free(path);
		}
		free(names[i]);
	}
	free(names);
}

void find_sources(int root, const char *source, void (*each)(const char *path))
{
	char *copy = xstrdup(source);
	char *wild = copy;

	if (!has_wildcard(source)) {
		each(source);
		free(copy);
		return;
	}
	/* The part with the first wildcard; what is before it is looked up as it is. */
	for (size_t length; length = strcspn(wild, "/"), wild[length]; wild += length + 1) {
		wild[length] = '\0';
		bool found = has_wildcard(wild);
		wild[length] = '/';
		if (found)
			break;
	}
	size_t length = strcspn(wild, "/");
	const char *rest = wild[length] ? wild + length + 1 : "";
	wild[length] = '\0';
	if (wild > copy)
		wild[-1] = '\0';
	find_matches(root, wild > copy ? copy : "", wild, rest, each);
	free(copy);
}
