/*
 * push: how its parts meet. blob.c sends many blobs at a time, progress.c shows
 * it, push.c has the verbs. Names, HTTP, tokens and settings it shares with pull:
 * src/registry.
 */
#ifndef PUSH_H
#define PUSH_H

#include "registry.h"

/* ---- blob.c ---- */

struct blob {
	char digest[DIGEST_LENGTH + 1];
	char *file;    /* where its bytes are */
	char **from;   /* repositories at the registry that may have it; ends in NULL */
	size_t source; /* the next of them to ask */

	enum progress state;
	enum { ASK, BEGIN, SEND, SEND_CHUNK, FINISH } step;
	enum { UPLOADED, EXISTS, MOUNTED, MISSING } result;
	int attempts;
	int64_t due; /* not before this time (ms) */
	struct request request;

	/* While its bytes are sent. */
	int fd;
	uint64_t size, offset; /* so much of it the registry has */
	uint64_t chunk;	       /* most bytes in one request */
	char *location;	       /* where the next ones go */
	char range[48];
	EVP_MD_CTX *before, *hash; /* of what is before the request, and with what it has sent */
};

/*
 * See to it that REGISTRY's repository has COUNT blobs, PARALLEL at a time, and print a line
 * for each as it has. With UPLOAD false only say which are missing. Dies if one cannot be sent.
 */
void push_blobs(struct registry *registry, struct blob *blobs, size_t count, unsigned parallel,
		bool upload);

/* ---- progress.c ---- */

/* BLOB begins to be sent, or is complete. */
void progress_line(const struct blob *blob);

/* Redraw, if that is the mode and it is time. */
void show_progress(const struct blob *blobs, size_t count);

#endif
