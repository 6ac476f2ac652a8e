/*
 * What every tool needs and none should write twice: dying with a message,
 * parsing numbers strictly, writing files whole, starting the next link.
 *
 * Exit status, everywhere: 125 when a tool of ours failed, 126 and 127 when a
 * command could not be run or was not found, otherwise the command's own.
 */
#ifndef COMMON_H
#define COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

enum { EXIT_TOOL = 125, EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127 };

/* ---- messages: common/message.c ---- */

/* Name of the tool, first word of every message. Each main() sets it first. */
extern const char *tool;

/*
 * Print "tool: MESSAGE" on standard error. A format that ends in ":" gets
 * errno's text appended, so that the usual call is warn("mkdir %s:", path).
 * Control characters in the message are printed as \xHH: names come from
 * images and archives and must not drive the terminal.
 */
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* warn(), then exit 125. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* warn(), one more line that says what the user can do, then exit 125. */
_Noreturn void die_hint(const char *hint, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Print TEXT on standard output and exit 0: what -h does. */
_Noreturn void help(const char *text);

/* Say that the command line is wrong and where the help is, exit 125. */
_Noreturn void usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Close standard output and die if anything was lost on the way (full disk). */
void close_stdout(void);

/* ---- memory: common/memory.c. Each dies when there is none. ---- */

void *xmalloc(size_t size);
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *text);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- numbers: common/number.c ---- */

/*
 * Parse a decimal number: digits only, no sign, blank, base prefix or tail,
 * min <= value <= max. WHAT names the value in the message; dies on anything
 * else (CVE-2024-40635, CVE-2026-30892: "4294967296" or "1a" taken as uid 0).
 */
uint64_t parse_number(const char *what, const char *text, uint64_t min, uint64_t max);

/* The same without dying: false when TEXT is not such a number. */
bool is_number(const char *text, uint64_t min, uint64_t max, uint64_t *value);

/*
 * Parse a size in bytes as Docker does (go-units RAMInBytes): digits, an
 * optional fraction, an optional unit b k m g t p, in either case, each 1024
 * times the last, and an optional "b" or "ib" after it. Dies on anything else.
 */
uint64_t parse_size(const char *what, const char *text);

/* ---- command lines: common/option.c ---- */

/*
 * The option NAME that getopt has just met in ARGV is followed by a command that ends in ";",
 * which getopt has not seen: the command's words, NULL at their end.
 */
char **command_option(const char *name, char **argv);

/* True for the 64 hexadecimal digits of a container or image: what may become part of a path. */
bool is_hex_id(const char *text);

/* ---- files: common/file.c ---- */

/*
 * A FILE argument: "fd:N" is the descriptor N that the tool inherited,
 * anything else is a path, opened with FLAGS | O_CLOEXEC. Dies on failure.
 */
int open_argument(const char *argument, int flags);

/*
 * Read all of FD, at most LIMIT bytes (die if there is more), into memory that
 * ends in a NUL which *SIZE does not count. NAME is for messages.
 */
char *read_all(int fd, size_t limit, size_t *size, const char *name);

/* The same without dying: NULL with errno on error, EFBIG if there is more. */
char *try_read_all(int fd, size_t limit, size_t *size);

/* Write all SIZE bytes to FD in spite of signals; false with errno on error. */
bool write_all(int fd, const void *data, size_t size);

/*
 * Replace the file NAME below the directory DIRFD (or AT_FDCWD) with SIZE
 * bytes, in one step: written aside, then renamed, so that a reader sees the
 * old value or the new. False with errno on error, nothing left behind then.
 */
bool replace_file(int dirfd, const char *name, const void *data, size_t size, mode_t mode);

/* replace_file() with formatted text, mode 0644; dies on error. */
void put_file(int dirfd, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Open PATH as a process whose root directory is ROOT would, symbolic links
 * and ".." and all, never leaving ROOT (openat2 RESOLVE_IN_ROOT; CVE-2021-30465
 * and its kin). -1 with errno on error. O_CLOEXEC is added to FLAGS.
 */
int open_in_root(int root, const char *path, int flags, mode_t mode);

/*
 * Take a file of NUL-separated strings apart (the form of /proc/PID/environ):
 * a NULL-terminated vector; *COUNT may be NULL. The last NUL may be missing.
 */
char **split_strings(char *data, size_t size, size_t *count);

/* ---- state files: common/statefile.c ---- */

/* A list of words, as in a file of lines or of strings that end in NUL. */
struct file_words {
	char **at; /* COUNT of them, then NULL */
	size_t count;
	char *data; /* what they lie in */
};

/*
 * Read NAME below the directory DIR (a descriptor or AT_FDCWD, or -1: nothing is there): its first
 * line, all its lines, or its strings that end in NUL. A file that is not there is empty.
 * free_words() takes the lists; the line is to be freed.
 */
char *file_line(int dir, const char *name);
struct file_words file_lines(int dir, const char *name);
struct file_words file_strings(int dir, const char *name);
void free_words(struct file_words *words);

/* Does the process live that the file NAME below DIR, as above, names as "PID STARTTIME"? */
bool noted_process_is(int dir, const char *name);

bool file_exists(int dir, const char *name);

/* Open a directory below DIR for the above; -1 if it is not there. */
int open_below(int dir, const char *name);

/* The argument after the last OPTION among WORDS; NULL if there is none. */
const char *word_after(const struct file_words *words, const char *option);

/* ---- directories: common/names.c ---- */

/*
 * The names in the directory FD (closed here), sorted, without "." and ".."; *COUNT of them. PATH
 * is for messages; dies on failure.
 */
char **read_names(int fd, size_t *count, const char *path);

/* ---- hard links: common/links.c ---- */

struct stat;

/*
 * A file with several names is archived once: the PATH under which the file of ST was first
 * asked for, NULL if this is the first time. LINKS keeps them, NULL at first.
 */
const char *linked_to(void **links, const struct stat *st, const char *path);

/* ---- extended attributes: common/xattr.c ---- */

/*
 * True for an extended attribute that may travel in a layer: user.*, file
 * capabilities and ACLs. Not trusted.* and user.overlay.*, with which a layer
 * could tell overlayfs to show any other file (redirect, metacopy), and not
 * the labels of security modules, which are the host's to give.
 */
bool is_portable_xattr(const char *name);

/* Call EACH with every portable xattr of the open file FD; false with errno. */
bool each_xattr(int fd,
		bool (*each)(void *context, const char *name, const void *value, size_t size),
		void *context);

/* ---- processes: common/process.c ---- */

/* The number in FIELD (3 or more) of /proc/PID/stat; false if there is no such process. */
bool process_stat(pid_t pid, int field, uint64_t *value);

/*
 * Start time of process PID in clock ticks since boot (field 22 of
 * /proc/PID/stat): with the PID it names one process for ever. 0 if there is
 * no such process.
 */
uint64_t process_start_time(pid_t pid);

/* Is there a process PID that was started at START, and no zombie? */
bool process_is(pid_t pid, uint64_t start);

/*
 * Open the process that TEXT names as a pidfd: "PID", "PID:STARTTIME", or a file (with a "/" in its
 * name) that holds "PID STARTTIME". *PID is its number. -1 with errno if it has ended; dies if
 * TEXT is not of that form.
 */
int open_process(const char *text, pid_t *pid);

/*
 * Become ARGV, found along PATH: the step from one link of the chain to the
 * next. Never returns: 127 when there is no such command, 126 otherwise.
 */
_Noreturn void chain(char *const argv[]);

/* Turn a wait(2) status into an exit status: 128+n for signal n. */
int exit_status(int wait_status);

/* Number of signal NAME: "9", "KILL", "SIGKILL", any case, RTMIN+n, RTMAX-n; 0 if none. */
int signal_number(const char *name);

/* Close all descriptors from 3 on that are not close-on-exec: those that were inherited. */
void close_inherited(void);

/* ---- sockets: common/socket.c ---- */

/*
 * The address of the socket NAME in the directory DIR, or of the socket opened (O_PATH) as DIR
 * where NAME is "": by /proc/self/fd, as a path may be longer than the 108 bytes of an address,
 * unix(7).
 */
struct sockaddr_un socket_address(int dir, const char *name);

/* ---- clocks: common/clock.c ---- */

/* Milliseconds of a clock that is never set back (CLOCK_MONOTONIC). */
int64_t milliseconds(void);

enum { TIMESTAMP = 30 }; /* characters of "2026-11-22T10:00:00.123456789Z" */

/* The time now, RFC 3339, UTC, nine digits, with a NUL. */
void timestamp(char text[TIMESTAMP + 1]);

/* ---- journals: common/event.c ---- */

/*
 * A line "TIME <tab> WORD <tab> WORD ...\n"; no TIME is now. Control characters become "?", but
 * for tabs: after one the next word begins. To be freed.
 */
char *event_line(const char *time, char *const words[]);

/*
 * Append LINE to the file PATH in one write(2), so that lines of several writers never mix; the
 * file is made if it is not there. False with errno on error.
 */
bool append_line(const char *path, const char *line);

#endif
