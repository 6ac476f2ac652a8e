/* Where things are in a layer that is being unpacked. */
#ifndef PLACE_H
#define PLACE_H

#include "layerfs.h"

/* The layer. */
extern struct target {
	int root;	     /* its directory */
	unsigned changes;    /* so often a place may have become another: removed, hidden */
	struct layers lower; /* below, as far as layers_below() has opened them */
	bool wait;	     /* its archive and those layers may be on their way still */
} target;

/* Name the next layer up of those below. */
void add_below(const char *directory);

/* The layers below, opened when first asked for; dies if one is not there. */
const struct layers *layers_below(void);

/* A directory of the layer, links followed. Zero: none yet. */
struct place {
	int fd;
	bool opaque;	     /* it, or a directory above, hides what lies below it */
	char path[PATH_MAX]; /* from the target, without links, "." and ".." */

	/* How it was found. */
	char asked[PATH_MAX];
	unsigned changes; /* target.changes at that time */
	size_t depth;	  /* open directories on the way: the target first, .fd last */
	struct step {
		int fd;
		bool opaque;
		size_t length;	   /* of .path up to here */
	} steps[PATH_MAX / 2 + 1]; /* names of one letter */
};

/* Make PLACE the directory PATH (clean) of the layer; made if missing. Dies on error. */
void find_place(struct place *place, const char *path);

enum name_kind { CLEAN_NAME, METADATA_NAME, BAD_NAME, LEAVING_NAME, WHITEOUT_DIRECTORY_NAME };

/*
 * Bring a name of the archive into PATH: relative, no ".", "..", empty parts or
 * slash at the end. METADATA_NAME, of aufs (".wh..wh.*"), is to be skipped; what comes after
 * that is not to be taken.
 */
enum name_kind try_clean_name(const char *name, char path[static PATH_MAX + 1]);

/* The same for a name that must be good: false for metadata, dies if it leads out of the layer. */
bool clean_name(const char *name, char path[static PATH_MAX + 1]);

/* Split the clean PATH, which grows by a byte: its directory stays, the result is the last part. */
const char *split(char path[static PATH_MAX + 1]);

/* Put "PARENT/NAME" into PATH; dies if that is too long. */
void join(char path[static PATH_MAX], const char *parent, const char *name);

/* Open the directory NAME in AT, not a link; dies on failure. */
int open_directory(int at, const char *name);

/* Make room for NAME in FD, whatever it is: the last entry of a name wins. */
void remove_entry(int fd, const char *name);

/* Remove all that is in the open directory FD. */
void clear_directory(int fd);

/*
 * Hide what the layers below have in the open directory FD (NAME is for
 * messages). Whiteouts in it have nothing to hide then, and in a directory that
 * is not merged overlayfs would show them as devices: they are removed.
 */
void hide_below(int fd, const char *name);

/* Have a directory get its time in the end, when nothing is made in it any more. */
void remember_times(const char *parent, const char *name, struct timespec mtime);

/* Set the times remembered. */
void put_directory_times(void);

#endif
