/* The parts of crilog, and what each offers to the others. */
#ifndef CRILOG_H
#define CRILOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- crilog.c ---- */

/* True when the line of SIZE bytes is a record that ends a line of output. */
bool record_is_line(const char *line, size_t size);

/* ---- files.c: the files of one log, as if they were one ---- */

/* Open the log PATH at the beginning of its oldest file. Dies if there is none. */
void files_open(const char *path);

/*
 * Get ready for files_wait(). LOCK: a file that somebody locks for as long as
 * the log may grow, or NULL. Dies on error.
 */
void files_follow(const char *lock);

/* Move to the beginning of the last COUNT lines. */
void files_tail(uint64_t count);

/* Read on, through all files: 0 is the end of what there is now. Dies on error. */
ssize_t files_read(char *data, size_t size);

/* Wait until there may be more. False when there never will. */
bool files_wait(void);

/* ---- times.c ---- */

enum { TIME_SIZE = 31 }; /* "2026-11-22T10:00:00.123456789Z" and a NUL */

/*
 * Parse a time: RFC 3339 (local time without a zone), seconds since 1970, or
 * a duration (1h30m, 10s) before now; into the form that the log has. WHAT names
 * it in the message; dies if it is none.
 */
void parse_time(const char *what, const char *text, char time[TIME_SIZE]);

/* ---- output.c ---- */

/* WHEN control characters are shown as ^X: always, never, auto. Dies on others. */
void output_escape(const char *when);

/* Write to FD (1 or 2), in order with what is written to the other. */
void output_write(int fd, const char *data, size_t size);

/* The same for text from a container, escaped if need be. */
void output_text(int fd, const char *data, size_t size);

/* Write out what is buffered. Ends the program, quietly, when nobody reads. */
void output_flush(void);

#endif
