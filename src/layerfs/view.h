/* Looking at layers and changing nothing: what the verbs ls, tree, waste and compare share. */
#ifndef VIEW_H
#define VIEW_H

#include "layerfs.h"

/* ---- walk.c: all paths of all layers ---- */

/* What one layer has at a path. */
struct sight {
	enum { NOTHING, WHITEOUT, THERE } what;
	const struct stat *st; /* of what is there */
	bool opaque;	       /* a directory that hides what is below it */
	int fd;		       /* a directory, open for reading during the visit; else -1 */
	int hider;	       /* the lowest layer above that hides it; -1: none does */
};

/*
 * Called for each path (relative, parents first, sorted), with what each layer has there.
 * Only if it returns true does the walk go into the directories of that name.
 */
typedef bool visit_function(const char *path, const struct sight *sights);

/*
 * Visit all that is in LAYERS, of which those from SPLIT on are a stack of their own: they
 * hide nothing of the first ones. The root is not visited. What cannot be read is warned
 * of, and the result is then false.
 */
bool walk_layers(const struct layers *layers, size_t split, visit_function *visit);

/* The layer of [FIRST, END) that overlayfs shows at the path of SIGHTS; -1 if none. */
int visible_layer(const struct sight *sights, size_t first, size_t end);

/* ---- same.c: how files differ ---- */

/* A set of what differs. */
enum { TYPE = 1, CONTENT = 2, MODE = 4, OWNER = 8, XATTRS = 16 };

/* How the file PATH of ONE differs from that of TWO, which are their layers' descriptors. */
unsigned difference(const char *path, int one, const struct stat *one_st, int two,
		    const struct stat *two_st);

/* The same without the content. */
unsigned attribute_difference(const char *path, int one, const struct stat *one_st, int two,
			      const struct stat *two_st);

/* ---- rows.c: lines for pipes and for people ---- */

/* How to print: on a terminal aligned, with a header and with units. */
extern struct rows {
	bool people, summary;
	char end; /* of a row: a newline, or NUL with names as they are */
} rows;

/* Take note of option C ('0' or 's') of a verb; false if it is another. */
bool rows_option(int c);

/* Print HEADER if people read. Call it before the first row. */
void begin_rows(const char *header);

/* Print a name as the last field of a row, and end the row. INDENT: for people. */
void end_row(const char *name, int indent);

/* Print a name, control characters and what misleads the eye escaped (\n, \\, \xHH). */
void put_name(const char *name);

enum { SIZE_TEXT = 24 };

/* BYTES as a number, or for people with a unit. The result is TEXT. */
const char *size_text(uint64_t bytes, char text[static SIZE_TEXT]);

/* Bytes of FILES seen, hard links once: add ST, true if it was not seen yet. */
bool first_link(const struct stat *st);

#endif
