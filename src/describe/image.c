/*
 * An image's config, as Docker's inspect shows it.
 */
#define _GNU_SOURCE
#include "describe.h"

#include "common.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONFIG_MAX = 16 << 20 };

/* Read the blob of a config; NULL if it is not there or no object. */
static json_t *read_config(int root, const char *id)
{
	char *path = xasprintf("blobs/sha256/%s", id);
	int fd = openat(root, path, O_RDONLY | O_CLOEXEC);
	size_t size;
	char *data = fd < 0 ? NULL : try_read_all(fd, CONFIG_MAX, &size);
	json_t *config = data ? json_loadb(data, size, 0, NULL) : NULL;

	if (fd >= 0)
		close(fd);
	free(data);
	free(path);
	if (json_is_object(config))
		return config;
	json_decref(config);
	return NULL;
}

/* Is A a string before B? */
static bool before(const json_t *a, const json_t *b)
{
	return strcmp(json_string_value(a), json_string_value(b)) < 0;
}

/* Put STRING into the sorted LIST, once. Takes STRING. */
static void insert(json_t *list, json_t *string)
{
	size_t at = json_array_size(list);

	while (at > 0 && before(string, json_array_get(list, at - 1)))
		at--;
	if (at > 0 && json_equal(string, json_array_get(list, at - 1)))
		json_decref(string);
	else
		json_array_insert_new(list, at, string);
}

/* Where the tag or digest of a reference begins. */
static size_t repository_length(const char *reference)
{
	const char *name = strrchr(reference, '/'), *digest = strchr(reference, '@');

	if (digest)
		return (size_t)(digest - reference);
	name = name ? name : reference;
	return (size_t)(name - reference) + strcspn(name, ":");
}

/* NAMES, "REFERENCE DIGEST" each, into tags and digests. */
static void add_names(json_t *object, char **names, size_t count)
{
	json_t *tags = json_array(), *digests = json_array();

	for (size_t i = 0; i < count; i++) {
		char *digest = names[i], *reference = strsep(&digest, " ");

		if (!strchr(reference, '@'))
			insert(tags, string_of(reference));
		if (digest && strcmp(digest, "<none>") != 0)
			insert(digests, json_sprintf("%.*s@%s", (int)repository_length(reference),
						     reference, digest));
	}
	json_object_set_new(object, "RepoTags", tags);
	json_object_set_new(object, "RepoDigests", digests);
}

/* The member NAME of the config, or DEFAULT_VALUE, which is taken. */
static void add_member(json_t *object, const char *key, const json_t *config, const char *name,
		       json_t *default_value)
{
	json_t *value = json_object_get(config, name);

	if (value && !json_is_null(value))
		json_object_set(object, key, value);
	else if (default_value)
		json_object_set(object, key, default_value);
	json_decref(default_value);
}

json_t *describe_image(const struct subject *subject, char **names, size_t count)
{
	json_t *config = read_config(subject->root, subject->id), *object, *comment, *history,
	       *layers;
	char *path = xasprintf("images/%s", subject->id);
	int dir = config ? open_below(subject->root, path) : -1;

	free(path);
	if (dir < 0) {
		json_decref(config);
		return NULL;
	}
	object = json_pack("{s:o}", "Id", json_sprintf("sha256:%s", subject->id));
	add_names(object, names, count);
	json_object_set_new(object, "Parent", json_string(""));
	history = json_object_get(config, "history");
	comment = json_object_get(json_array_get(history, json_array_size(history) - 1), "comment");
	add_member(object, "Comment", config, "comment",
		   comment ? json_incref(comment) : json_string(""));
	add_member(object, "Created", config, "created", json_null());
	add_member(object, "DockerVersion", config, "docker_version", json_string(""));
	add_member(object, "Author", config, "author", json_string(""));
	add_member(object, "Config", config, "config", json_object());
	add_member(object, "Architecture", config, "architecture", json_string(""));
	add_member(object, "Variant", config, "variant", NULL);
	add_member(object, "Os", config, "os", json_string(""));
	json_object_set_new(object, "Size", number_of(dir, "size"));
	json_object_set_new(object, "VirtualSize", number_of(dir, "size"));
	json_object_set_new(object, "GraphDriver", json_pack("{s:s}", "Name", "overlay"));
	layers = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
	json_object_set_new(object, "RootFS",
			    json_pack("{s:s, s:O?}", "Type", "layers", "Layers", layers));
	json_decref(config);
	close(dir);
	return object;
}
