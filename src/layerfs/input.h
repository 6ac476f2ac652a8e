/* The bytes of a layer as they are in its file, and gzip. */
#ifndef INPUT_H
#define INPUT_H

#include <stdbool.h>
#include <stddef.h>

/* What was read and is not used yet: who uses it moves .data on. */
extern struct input {
	const char *name; /* for messages */
	unsigned char *data;
	size_t size;
} input;

/* Read FD; NAME is for messages. */
void input_open(int fd, const char *name);

/*
 * Open the file NAME, which may be on its way still: DIR/.NAME.part, renamed to DIR/NAME when it
 * is whole. It is waited for as long as somebody has the other end of the pipe on standard input.
 */
int input_follow(const char *name);

/* Wait until the file is whole. */
void input_await(void);

/* Have WANTED bytes in .data, or as many as there are; false if there are none. */
bool input_fill(size_t wanted);

/* Give bytes back, INPUT_BACK at most since the last input_fill(): they come next. */
enum { INPUT_BACK = 8 };
void input_give_back(const void *bytes, size_t size);

/* ---- gzip.c ---- */

/* Become the program that inflates faster, if it is here: ARGV is the command line. */
void gzip_become(char **argv);

/* Inflate into BLOCK, at most SIZE bytes; 0 at the end. Dies if the data is damaged. */
size_t gzip_read(void *block, size_t size);

#endif
