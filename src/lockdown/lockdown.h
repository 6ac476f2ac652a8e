/* What the parts of lockdown share. */
#ifndef LOCKDOWN_H
#define LOCKDOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

/* ---- user.c: who ---- */

struct user {
	uid_t uid;
	gid_t gid;
	char *name; /* from /etc/passwd; NULL when the user is only a number */
	char *home; /* "/" when /etc/passwd has none */
	gid_t *groups;
	size_t group_count;
};

/*
 * Look up "USER[:GROUP]" in /etc/passwd and /etc/group of this root directory.
 * Without GROUP the user's supplementary groups are those of /etc/group; the
 * primary group is always one of them (CVE-2022-2989). Dies when there is no
 * such user or group.
 */
void find_user(const char *text, struct user *user);

/* The user that the process is already, for its home; the groups are left empty. */
void current_user(struct user *user);

/* Add a supplementary group, a name from /etc/group or a number. */
void add_group(struct user *user, const char *text);

/* ---- limits.c: how much ---- */

struct limit {
	int resource;
	const char *name;
	struct rlimit value;
};

/* Take "NAME=SOFT[:HARD]" apart (docker run --ulimit); dies when it is not that. */
struct limit parse_limit(char *text);

/* Set a limit; one that is beyond our rights becomes the highest allowed, with a warning. */
void set_limit(const struct limit *limit);

/* Set /proc/self/oom_score_adj to VALUE, or warn. */
void set_oom_score(const char *value);

/* ---- privileges.c: what it may do ---- */

struct filter {
	char *program; /* array of struct sock_filter; NULL: no filter */
	size_t size;   /* in bytes */
};

/* Read a compiled filter ("fd:N" or a path). Dies unless the size is one of a filter. */
struct filter read_filter(const char *argument);

/*
 * Of the capabilities WANTED, those that this process holds. One of EXPLICIT
 * (asked for by name) that it does not hold is worth a warning.
 */
uint64_t held_capabilities(uint64_t wanted, uint64_t explicit);

/* Remove all but KEEP from the bounding set. */
void drop_bounding(uint64_t keep);

/* Become USER, all permitted capabilities kept and effective for what is still to do. */
void become_user(const struct user *user);

/*
 * The point of no return: install FILTER, keep only the capabilities KEEP, and
 * with NO_NEW_PRIVILEGES give up set-user-ID programs.
 */
void drop_privileges(uint64_t keep, bool no_new_privileges, const struct filter *filter);

/* ---- application.c: what it becomes ---- */

/*
 * The environment made of the strings of DATA (SIZE bytes, NUL-separated):
 * later duplicates win, what is not NAME=VALUE is left out, PATH and HOME are
 * added when missing.
 */
char **make_environment(char *data, size_t size, const char *home);

/*
 * Become ARGV, found along PATH of the environment; a command that has a "/" is
 * not looked for. Descriptor STANDARD_ERROR, unless -1, becomes the application's
 * 2, all above 2 are closed; all signals are blocked, or none. On failure says why on
 * the old 2 and exits, with 127 if there is no such command and 126 otherwise.
 */
_Noreturn void become_application(char *const argv[], int standard_error, bool block_signals);

#endif
