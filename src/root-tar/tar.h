/* The tar stream of root-tar: one member, and the two ends of the stream. */
#ifndef TAR_H
#define TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum { BLOCK = 512 };

struct attribute {
	char *name, *value;
	size_t size;
};

/* What a header says. Strings are never NULL. */
struct member {
	char *path, *link; /* LINK: text of a symbolic link, or the other name of a hard link */
	char type;	   /* as in the header: '0' file '1' hard link '2' link '3' '4' '5' '6' */
	mode_t mode;
	uint64_t uid, gid, size;
	struct timespec mtime;
	unsigned major, minor;
	struct attribute *attributes;
	size_t attribute_count;
};

/* Remember the extended attribute NAME. */
void add_attribute(struct member *member, const char *name, const void *value, size_t size);

/* Free what ENTRY refers to, and make it an empty one. */
void clear_member(struct member *member);

/* ---- write.c: to standard output ---- */

/* Write the header, in the pax form where the old one is too narrow. */
void write_member(const struct member *member);

/* SIZE more bytes of the member's data. */
void write_bytes(const void *data, size_t size);

/* Fill up to a whole block after SIZE bytes of data. */
void write_padding(uint64_t size);

/* End the archive. */
void write_end(void);

/* ---- read.c: from standard input ---- */

/* Read the next header; false at the end of the archive. Dies on what is no tar archive. */
bool read_member(struct member *member);

/* At most SIZE bytes of the member's data, 0 at its end. What is not read is skipped. */
size_t read_bytes(void *data, size_t size);

/* Read what follows the archive, so that whoever writes it is not hindered; bytes read in all. */
uint64_t read_end(void);

/* ---- mode.c ---- */

/*
 * Let the mode *RESULT become what TEXT says, as chmod(1) without umask: octal, or clauses as
 * "u=rwX,go=rX". False if TEXT is neither.
 */
bool change_mode(const char *text, bool directory, mode_t *result);

/* ---- the verbs ---- */

int get_main(int argc, char **argv);
int put_main(int argc, char **argv);

#endif
