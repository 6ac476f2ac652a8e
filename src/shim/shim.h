/* The parts of the shim, and what each offers to the others. */
#ifndef SHIM_H
#define SHIM_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- record.c: files that say what became of the container ---- */

/*
 * Forget what the last run left in the directory DIRFD, and take now the disk
 * space that record() will need. Dies on error.
 */
void record_reserve(int dirfd);

/* One of the files that a run leaves: its time of start, of end, its status. */
enum record { RECORD_STARTED, RECORD_FINISHED, RECORD_EXIT, RECORDS };

/*
 * Write TEXT (63 characters at most) and a newline as that file. On a full disk
 * it keeps trying for a minute; other errors have nobody to be told to.
 */
void record(enum record which, const char *text);

/* This run has come to nothing: let RECORD_STARTED be that of the one before, and keep no space. */
void record_no_run(void);

/* ---- journal.c: lines in a file that others write to as well ---- */

/* Append to the file PATH, which is made if missing. Dies on error. */
void journal_open(const char *path);

/* What is in the file PATH then goes into each line. Dies if its directory is missing. */
void journal_attributes(const char *path);

/* TEXT is an event at the start of the application or, with END, at its end. */
void journal_add(const char *text, bool end);

/* The application started at TIME; ended, with STATUS. */
void journal_start(const char *time);
void journal_end(const char *time, int status);

/* ---- log.c: the CRI log ---- */

enum { STREAM_STDOUT = 1, STREAM_STDERR = 2 }; /* as FRAME_STDOUT, FRAME_STDERR */

enum { LOG_FILES_MAX = 100 };

/*
 * Log into the file PATH, and rotate it: at most FILES files (PATH, PATH.1, ...)
 * of at most SIZE bytes each. Dies on error. Without it nothing is logged.
 */
void log_open(const char *path, uint64_t size, unsigned files);

/*
 * Log SIZE bytes that arrived on STREAM. A line is written when it is whole or
 * 16 KiB long. Never fails: what cannot be written is counted, and the count
 * is logged when there is room again.
 */
void log_write(int stream, const char *data, size_t size);

/* Log what is left of unfinished lines. */
void log_end(void);

/* ---- input.c: standard input on its way to the container ---- */

/* Send input to FD from now on: the pipe, or the master of the terminal. */
void input_open(int fd);

/* Bytes that input_add() would take. */
size_t input_room(void);

/* Take up to input_room() bytes from the socket FD: as recv(2). */
ssize_t input_receive(int fd, size_t size);

/* Close the container's standard input once what has been taken is written. */
void input_close(void);

/* The descriptor to poll for writing, -1 if there is nothing to write. */
int input_poll(void);

/* Write what the container takes without waiting. */
void input_write(void);

/* ---- clients.c: who is attached ---- */

enum { CLIENTS = 32 }; /* at most; one more is refused */

/*
 * Make the socket "attach" in the directory DIRFD. STDIN_ONCE: the first
 * client that sent input takes the container's standard input away with it.
 * Dies on error.
 */
void clients_listen(int dirfd, bool stdin_once);

/* Fill in CLIENTS + 1 entries for poll(2): each client, and the socket. */
void clients_poll(struct pollfd *entries);

/* Do what poll(2) found possible for those entries. */
void clients_serve(const struct pollfd *entries);

/* Send a frame to every client; output only to those who want it. */
void clients_send(int type, const void *data, size_t size);

/* The application runs: tell everybody, and those who come later too. */
void clients_started(void);

/* True while some client must take its output before there can be more. */
bool clients_full(void);

/*
 * Disconnect those who take nothing; milliseconds until that is next to be
 * asked, -1 for never.
 */
int clients_expire(void);

/* True when there is nothing left to send to anybody. */
bool clients_idle(void);

/* No more clients. Those there are stay connected, also across execve(2), unless RELEASE. */
void clients_leave(bool release);

/* ---- control.c: commands from the fifo ---- */

/* Make the fifo "ctl" in the directory DIRFD; the descriptor to read. Dies on error. */
int control_open(int dirfd);

/* Read and obey commands from it. */
void control_read(int fd);

/* The container's terminal: sizes go there, now and later. */
void control_terminal(int master);

/*
 * The container's main process, by PIDFD, exists (created) or also runs the
 * application (STARTED). Signals that came before are sent when it runs, as
 * until then nobody could handle them; SIGKILL at once.
 */
void control_process(int pidfd, bool started);

/* Send signal NUMBER to the container, as soon as that makes sense. */
void control_signal(int number);

/* ---- command.c: the command, from fork to its end ---- */

struct command {
	char **argv;
	bool stdin_open; /* its standard input is a pipe, not /dev/null */
	int stderr_fd;	 /* descriptor for its standard error, 2 being for set-up errors; or 0 */
	int tty_fd;	 /* descriptor over which it sends a terminal; or 0 */
};

/* Our ends of what the command was given. -1: there is none. */
struct pipes {
	int input, output, errors, setup, tty;
};

/*
 * Start the command and close what was inherited for it. Dies on error, but an
 * execve(2) that fails says so through pipes.setup.
 */
pid_t command_start(const struct command *command, struct pipes *pipes);

/*
 * Collect children that ended. *MAIN becomes the container's main process when
 * that is known: the one that RUNDIR/pid names if the command DIRECT ended well
 * and left that file, DIRECT itself otherwise. True when *MAIN ended, with its
 * *STATUS.
 */
bool command_reap(int rundir, pid_t direct, pid_t *main, int *status);

/* True when process PID is on its way out or gone. */
bool command_exiting(pid_t pid);

/* Back to how signals were when the shim began. */
void restore_signals(void);

/* Begin to take SIGCHLD and SIGTERM through the descriptor returned. Dies on error. */
int take_signals(void);

/* ---- options.c: the command line ---- */

struct options {
	struct command command;
	const char *run, *state, *log;
	uint64_t log_size;
	unsigned log_files;
	int lock; /* DIR/lock, open already, or 0 */
	bool stdin_once, foreground, release, remove;
	char **on_exit;
};

/* Into OPTIONS, which has the defaults; what is not kept there is done at once. Dies if wrong. */
void read_options(struct options *options, int argc, char **argv);

#endif
