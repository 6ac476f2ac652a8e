/*
 * pull: how its parts meet. manifest.c fetches manifests, platform.c compares
 * machines, tags.c lists, search.c finds, blob.c fetches many blobs at a time,
 * progress.c shows it, pull.c has the verbs. Names, HTTP, tokens and settings it
 * shares with push: src/registry.
 */
#ifndef PULL_H
#define PULL_H

#include "registry.h"

/* ---- manifest.c ---- */

/*
 * Fetch the document that REFERENCE names. With STORE >= 0, a directory of
 * files named by digest, documents are taken from there and kept there.
 */
void fetch_document(struct registry *registry, const struct reference *reference, int store,
		    struct document *document);

/* Replace DOCUMENT, if it is an index, by the manifest for PLATFORM (os/arch[/variant]). */
void choose_manifest(struct registry *registry, const char *platform, int store,
		     struct document *document);

/* Fetch the config of the image DOCUMENT, verified. Allocated; dies if it cannot be had. */
char *fetch_config(struct registry *registry, const struct document *document, size_t *size);

/* Print "digest", "manifest", "config" and "layer" lines. TOP is what the reference names. */
void print_image(const char *top, const struct document *document);

/* ---- platform.c ---- */

/* This machine, as "linux/amd64". */
const char *host_platform(void);

/* Dies unless PLATFORM is os/arch[/variant]. */
void check_platform(const char *platform);

/*
 * How well PLATFORM, a JSON object of an index, serves WANTED (os/arch[/variant]);
 * 0: not at all. A machine of one variant runs the lower ones: an ARM v7 v6 and v5.
 */
int platform_rank(const json_t *platform, const char *wanted);

/* ---- tags.c ---- */

/* Print the tags of REGISTRY's repository, a line each. Dies if they cannot be had. */
void print_tags(struct registry *registry);

/* ---- search.c ---- */

/*
 * Print the repositories at HOST that TERM finds, at most LIMIT, a line each: name,
 * description, stars, and true or false for official and automated, with tabs between.
 */
void print_search(const char *host, const char *term, unsigned limit);

/* ---- blob.c ---- */

struct blob {
	char digest[DIGEST_LENGTH + 1];
	uint64_t size; /* exactly so many bytes, if .sized */
	bool sized;

	enum progress state;
	uint64_t have; /* bytes in the file and in the hash */
	uint64_t skip; /* bytes that come a second time */
	bool inherited, start_over, printed;
	int fd;
	EVP_MD_CTX *hash;
	int64_t due; /* not before this time (ms) */
	struct request request;
};

/*
 * Fetch COUNT blobs, PARALLEL at a time, into files DIR/HEX, and print each
 * digest as it is complete (ORDERED: in the order given). With DIRFD -1 there is
 * one blob, and its bytes go to standard output. Dies if one cannot be had.
 */
void fetch_blobs(struct registry *registry, struct blob *blobs, size_t count, const char *dir,
		 int dirfd, unsigned parallel, bool ordered);

/* ---- progress.c ---- */

/* BLOB begins to be fetched, or is complete. */
void progress_line(const struct blob *blob, const char *text);

/* Redraw, if that is the mode and it is time. */
void show_progress(const struct blob *blobs, size_t count);

#endif
