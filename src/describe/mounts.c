/*
 * What is mounted in a container: the binds that unshare-run is told of; those that are volumes
 * are in the file "volumes", too.
 */
#define _GNU_SOURCE
#include "describe.h"

#include "common.h"

#include <stdlib.h>
#include <string.h>

/* A line of "volumes": NAME KIND rw|ro OPTIONS TARGET. Cut apart; false if it is none. */
struct volume {
	char *name, *kind, *access, *options, *target;
};

static bool read_volume(char *line, struct volume *volume)
{
	char *next = line;

	volume->name = strsep(&next, " ");
	volume->kind = strsep(&next, " ");
	volume->access = strsep(&next, " ");
	volume->options = strsep(&next, " ");
	volume->target = next;
	return next;
}

/* The volumes by their mount points: {TARGET: {Name, Anonymous, Mode}}. */
static json_t *volumes_of(int dir)
{
	struct file_words lines = file_lines(dir, "volumes");
	json_t *volumes = json_object();
	struct volume volume;

	for (size_t i = 0; i < lines.count; i++) {
		if (!read_volume(lines.at[i], &volume))
			continue;
		json_object_set_new(volumes, volume.target,
				    json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "Type", "volume",
					      "Name", volume.name, "Driver", "local", "Mode",
					      strcmp(volume.options, "-") == 0 ? "z"
									       : volume.options,
					      "Propagation", "", "Anonymous",
					      strcmp(volume.kind, "anonymous") == 0));
	}
	free_words(&lines);
	return volumes;
}

json_t *mounts_of(int dir, const struct file_words *arguments)
{
	json_t *list = json_array(), *volumes = volumes_of(dir), *mount;
	const char *propagation = "rprivate";
	char **word = arguments->at;

	for (size_t left = arguments->count; left > 1; word++, left--) {
		bool writable = strcmp(*word, "--bind") == 0;
		if (strcmp(*word, "--propagation") == 0)
			propagation = word[1];
		if (left < 3 || (!writable && strcmp(*word, "--ro-bind") != 0))
			continue;
		mount = json_pack("{s:s, s:o, s:o, s:s, s:b, s:s}", "Type", "bind", "Source",
				  string_of(word[1]), "Destination", string_of(word[2]), "Mode", "",
				  "RW", writable, "Propagation", propagation);
		json_object_update(mount, json_object_get(volumes, word[2]));
		json_array_append_new(list, mount);
		propagation = "rprivate";
		word += 2;
		left -= 2;
	}
	json_decref(volumes);
	return list;
}
