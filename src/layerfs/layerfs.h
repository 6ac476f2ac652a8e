/* What the verbs of layerfs share: layers in the form that overlayfs reads. */
#ifndef LAYERFS_H
#define LAYERFS_H

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* ---- verbs: ARGV[0] is the verb, the result the exit status ---- */

int unpack_main(int argc, char **argv);
int stack_main(int argc, char **argv);
int diff_main(int argc, char **argv);
int changes_main(int argc, char **argv);
int chain_id_main(int argc, char **argv);
int ls_main(int argc, char **argv);
int tree_main(int argc, char **argv);
int waste_main(int argc, char **argv);
int compare_main(int argc, char **argv);

/* ---- overlay.c: whiteouts, opaque directories, attributes, layers below ---- */

/* Directories of unpacked layers, base first. */
struct layers {
	int *fds;
	size_t count;
};

/* True for a character device 0:0, the overlay form of "nothing here". */
bool is_whiteout(const struct stat *st);

/* True for its other form (Linux 6.7): NAME in DIR is an empty file with an attribute. */
bool is_xattr_whiteout(int dir, const char *name, const struct stat *st);

/* True when the open directory FD hides what the layers below have in it. */
bool is_opaque(int fd);

/* Make the open directory FD hide what is below it; false with errno. */
bool set_opaque(int fd);

/* Give the file TO the owner, portable xattrs and mode of FROM; false with errno. */
bool copy_attributes(int from, int to);

/* Read the directory that is open as FD, which belongs to the result; dies on failure. */
DIR *read_directory(int fd);

/* The next name in DIR, "." and ".." left out; NULL at the end; dies on failure. */
const char *next_name(DIR *dir);

/* Open DIRECTORY as the next layer up; dies on failure. */
void add_layer(struct layers *layers, const char *directory);

void free_layers(struct layers *layers);

/*
 * The layer that provides PATH (relative, no symbolic links in its directories)
 * when the layers are stacked: its index, and *ST filled in; -1 if the stack
 * shows nothing there.
 */
int find_in_layers(const struct layers *layers, const char *path, struct stat *st);

/* ---- children.c: what is in a directory on top, and what of that is nobody's change ---- */

/* A name in a directory, with what was seen there. */
struct child {
	char *name;
	struct stat st;
	bool whiteout;
};

/* Read the open directory FD (closed here; PATH is for messages), sorted; *COUNT children. */
struct child *read_children(int fd, const char *path, size_t *count);
void free_children(struct child *children, size_t count);

/* Paths that were made in the upper directory only to mount on them. */
struct stubs {
	const char **paths;
	size_t count;
};

void add_stub(struct stubs *stubs, const char *path);

/*
 * True when the file PATH of the directory UPPER, seen as ST, is an empty stub that LOWER
 * does not have, or a directory that is there only for stubs.
 */
bool is_stub(const struct stubs *stubs, int upper, const struct layers *lower, const char *path,
	     const struct stat *st);

/* ---- stream.c: a layer's bytes, inflated and hashed by a second thread ---- */

enum { DIGEST_SIZE = sizeof "sha256:" + 64 };

/* True for "sha256:" and 64 lower-case hex digits (CVE-2024-3727). */
bool is_digest(const char *text);

/* Write the digest ("sha256:HEX", with the NUL) of DATA to TEXT. */
void digest_of(const void *data, size_t size, char text[static DIGEST_SIZE]);

/*
 * Start to read FD (NAME is for messages): plain, gzip, zstd, xz or bzip2. More
 * than LIMIT uncompressed bytes, or a damaged stream, end the program.
 */
void stream_start(int fd, const char *name, uint64_t limit);

/* If set: called when LIMIT is reached, for a new one. */
extern uint64_t (*stream_more)(void);

/* The next uncompressed bytes, valid until the next call; 0 at the end. */
size_t stream_next(const void **data);

/* The digest of all bytes; call it once stream_next() has returned 0. */
void stream_digest(char text[static DIGEST_SIZE]);

/* ---- archive.c: the entries of a layer archive ---- */

/* stream_start(), and read the bytes as a tar archive. */
struct archive *open_archive_stream(int fd, const char *name, uint64_t limit);

/* The next entry, valid until the next call; NULL at the end; dies if there is none. */
struct archive_entry *next_entry(void);

/* Read to the end of the stream. */
void close_archive_stream(void);

#endif
