/*
 * The parts of context:
 *
 *   patterns.c   what .dockerignore and --exclude leave out
 *   sources.c    the sources of a COPY, with wildcards: paths below the root
 *   walk.c       what is below one of them, in a fixed order
 *   stream.c     the tar archive, written or only hashed
 *   context.c    options
 */
#ifndef CONTEXT_H
#define CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* ---- patterns.c ---- */

struct patterns {
	struct pattern {
		char *text;
		bool again; /* "!": what is left out by those before it comes in again */
	} * list;
	size_t count;
	bool any_again;
};

/* Add the patterns that stand in SIZE bytes of TEXT, one a line. */
void add_patterns(struct patterns *patterns, const char *text, size_t size);
/* Add one. */
void add_pattern(struct patterns *patterns, const char *text);
/* Do they leave PATH (relative, clean) out? */
bool leaves_out(const struct patterns *patterns, const char *path);

/* ---- sources.c ---- */

/* PATH with "", "." and ".." taken out by their text, relative; ".." at the root is the root. */
char *clean_path(const char *path);

/* Call EACH with every path below ROOT that SOURCE, clean, means: several with wildcards. */
void find_sources(int root, const char *source, void (*each)(const char *path));
bool has_wildcard(const char *text);

/* ---- walk.c ---- */

struct choice {
	int root;
	struct patterns ignore;	 /* by the path below ROOT */
	struct patterns exclude; /* by the path below the source */
	bool parents;		 /* names keep the directories of the source */
};

const char *last_part(const char *path);

/* Put the file or directory PATH into the stream; false if there is no such one, or it is left out.
 */
bool put_source(const struct choice *choice, const char *path, const char *pivot);

/* ---- stream.c ---- */

struct stream_options {
	bool keep;   /* owners, extended attributes, hard links */
	bool digest; /* do not write it: print its digest; no times */
};

void open_stream(const struct stream_options *options);
/* The file of ST, open as FD unless it is a link or device NAME in DIR, called PATH. */
void put_entry(int dir, const char *name, int fd, const struct stat *st, const char *path);
void close_stream(void);

#endif
