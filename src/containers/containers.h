/*
 * What containers' files share: the container at hand, and what is asked.
 */
#ifndef CONTAINERS_H
#define CONTAINERS_H

#include "common.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

/* What the user wants to see. */
struct choice {
	bool all, quiet, size, whole; /* WHOLE: nothing is cut */
	uint64_t last;		      /* 0: all of them */
	const char *only;	      /* NULL: all columns */
	const char *volumes;	      /* "STORE/volumes/" */
	int store, run;		      /* open; RUN is -1 if it is not there */
	time_t now;
};

struct container {
	const struct choice *choice;
	const char *id, *created;
	int dir, run; /* its two directories, open, or -1 */
	const char *state;
	bool paused; /* its state is "running" then */
	char *code;  /* that it exited with, "" if it has not */
};

/* ---- state.c ---- */

/* Find out what C is doing: STATE, PAUSED and CODE. Once more to see if that has changed. */
void find_state(struct container *c);

/* Its state for people, which know of "paused". */
const char *shown_state(const struct container *c);

/* ---- filter.c ---- */

/* Take a KEY=VALUE; dies if there is no such filter. True if it is one of states. */
bool add_filter(const char *filter);

/* Does C pass all filters? */
bool fits(const struct container *c);

/* ---- columns.c ---- */

/* Print all columns of C that are wanted; false if it has just changed its state, or gone. */
bool print_columns(FILE *out, const struct container *c);

/* ---- lists.c ---- */

/* NAME=VALUE; of two with one name the value of the later, in the place of the earlier. */
struct file_words labels_of(int dir);

/* Is there a label LABEL, NAME or NAME=VALUE? */
bool has_label(int dir, const char *label);

/* What its networks are called; nothing if it is on none. */
struct file_words networks_of(int dir);
bool has_network(int dir, const char *name);

struct mount {
	const char *source, *target; /* SOURCE: the name of a volume, or a path */
	bool is_volume;
};

/* The next mount among the ARGUMENTS of unshare-run, from *AT on; false if there is none. */
bool next_mount(const struct container *c, struct file_words *arguments, size_t *at,
		struct mount *mount);
bool has_mount(const struct container *c, const char *name);

/* What the health check says: starting, healthy, unhealthy, or none; to be freed. */
char *health_of(int dir);

/* ---- ports.c ---- */

/* What is published and what is exposed, as Docker writes it. */
void print_ports(FILE *out, int dir);

struct range {
	uint64_t first, last;
	const char *protocol;
};

/* PORT[-PORT][/PROTOCOL]; false if it is none. */
bool parse_range(const char *text, struct range *range);

/* Is one of the ports of the file NAME in RANGE? A port is the last word of a line. */
bool has_port(int dir, const char *name, const struct range *range);

/* ---- size.c ---- */

/* Bytes of the files in its writable layer, each file with several names once. */
uint64_t written_bytes(int dir);

/* In decimal units with three digits or so, as 5.59MB. */
void print_size(FILE *out, uint64_t bytes);

#endif
