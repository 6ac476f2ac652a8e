/*
 * What describe's files share: values of state files as JSON, and the parts that one document is
 * made of.
 */
#ifndef DESCRIBE_H
#define DESCRIBE_H

#include "common.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* ---- values: files.c ---- */

/* TEXT as a string; bytes that are no UTF-8 become U+FFFD, as JSON cannot have them. */
json_t *string_of(const char *text);
json_t *string_of_bytes(const char *text, size_t size);

/* The first line of a file as a string, as a number (0 if it is not there), and that it is there.
 */
json_t *line_of(int dir, const char *name);
json_t *number_of(int dir, const char *name);

/* WORDS from number FROM on as a list. */
json_t *list_of(const struct file_words *words, size_t from);

/* All arguments after an OPTION among WORDS. */
json_t *list_after(const struct file_words *words, const char *option);

/* ---- the documents ---- */

/* What a line of standard input says of a container, and where the store is. */
struct subject {
	int root;		/* the store, open */
	const char *store, *id; /* its path; of the container or image */
	const char *state, *pid;
	const char *paused;
	const char *size_rw, *size_root; /* NULL: not asked for */
};

json_t *describe_container(const struct subject *subject);

/* An image: NAMES are "REFERENCE DIGEST", COUNT of them. NULL if it is not there. */
json_t *describe_image(const struct subject *subject, char **names, size_t count);

/* Its Mounts: binds of unshare-run, some of which are volumes. See container.c. */
json_t *mounts_of(int dir, const struct file_words *arguments);

/* Its NetworkSettings, and the PortBindings of its HostConfig. */
json_t *network_settings(const struct subject *subject, int dir);
json_t *port_bindings(int dir);

#endif
