/* What the parts of seccomp-compile share: a profile, line by line, in memory. */
#ifndef SECCOMP_COMPILE_H
#define SECCOMP_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_CONDITIONS = 6 };

enum comparison { EQUAL, GREATER, GREATER_OR_EQUAL };

/* "arg0 & MASK == VALUE": something to hold for an argument of the system call. */
struct condition {
	unsigned int argument; /* 0 to 5 */
	bool wide;    /* all 64 bits, otherwise the low 32, all that the kernel reads of an int */
	bool negated; /* the comparison must not hold */
	enum comparison comparison;
	uint64_t mask, value;
};

/* One line: what to do (SECCOMP_RET_*) if all conditions hold. */
struct rule {
	uint32_t action;
	size_t condition_count;
	struct condition conditions[MAX_CONDITIONS];
};

/* NAMES are system calls; a rule whose capabilities do not fit only makes its names known. */
struct line {
	struct rule rule;
	bool applies;
	char **names;
	size_t name_count;
};

struct profile {
	uint32_t default_action;
	struct line *lines;
	size_t line_count;
};

/*
 * Read a profile from TEXT, which is taken apart in place, for a process with
 * CAPABILITIES (bit N is capability N). FILE is for messages. Dies on errors.
 */
void parse_profile(char *text, const char *file, uint64_t capabilities, struct profile *profile);

/*
 * Write the filter for this machine's system call tables on standard output, an
 * array of struct sock_filter. Dies when it is longer than the kernel takes.
 */
void write_filter(const struct profile *profile);

/* Write the same as JSON for an OCI runtime. Dies on what such a one cannot be told. */
void write_oci(const struct profile *profile);

/* Has this machine, or its 32-bit programs, a system call NAME? Warns if nobody has. */
bool is_system_call(const char *name);

#endif
