/*
 * shim: stays beside one container. Parent of its processes, keeper of its
 * standard input and output, its log, its control fifo and its exit status.
 *
 * options.c reads the command line, command.c starts the container, log.c and
 * clients.c take its output, input.c and control.c lead the other way, record.c
 * says what became of it. Here is the life of it all.
 */
#define _GNU_SOURCE
#include "shim.h"

#include "attach.h"
#include "common.h"
#include "newer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DRAIN = 2000, RETRY = 100 }; /* milliseconds */
enum { LOCK_TRIES = 20 };	    /* of 10 milliseconds each */

/* Where output comes from: two pipes and a terminal's master. */
struct source {
	int fd, stream;
	int owed;	     /* bytes written before the container ended, and not read yet */
	int64_t quiet_until; /* nobody has the terminal open: ask again then */
};

enum { OUTPUT, ERRORS, TERMINAL, SOURCES };

/* Entries of poll(2). */
enum { POLL_SIGNAL, POLL_CONTROL, POLL_SETUP, POLL_TTY, POLL_INPUT, POLL_SOURCES };
enum { POLL_CLIENTS = POLL_SOURCES + SOURCES, POLLS = POLL_CLIENTS + CLIENTS + 1 };

static int run_dir, state_dir, lock, caller = -1, signals, control;
static pid_t direct, process; /* the command; the container's main process, 0 if not known yet */
static struct pipes pipes;
static struct source sources[SOURCES];
static bool created, started, failed, ended;
static int status;
static int64_t drain_until;
static char setup_text[16384];
static size_t setup_size;

/* ---- what becomes of the command ---- */

/* What the caller of the shim has waited for: 0, the container is created. */
static void tell_caller(int code)
{
	unsigned char byte = (unsigned char)code;

	if (caller < 0)
		return;
	(void)!write(caller, &byte, 1);
	close(caller);
	caller = -1;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(null, STDERR_FILENO);
	close(null);
}

/* PROCESS is known, or known to run: control what is there to be controlled. */
static void control_it(void)
{
	static pid_t known;
	static int pidfd = -1;

	if (process != known && !ended) { /* once reaped, its number may be another's */
		if (pidfd >= 0)
			close(pidfd);
		pidfd = pidfd_open(process, 0);
		known = process;
	}
	control_process(pidfd, started);
}

/* The container exists: it waits for the start, or runs already. */
static void set_created(void)
{
	created = true;
	control_it();
	tell_caller(0);
}

/* The application runs. */
static void set_started(void)
{
	char now[TIMESTAMP + 1];

	timestamp(now);
	record(RECORD_STARTED, now);
	journal_start(now);
	started = true;
	set_created();
	clients_started();
}

/* Messages of the set-up: to whoever waits for it. */
static void read_setup(void)
{
	char text[4096];
	ssize_t n = read(pipes.setup, text, sizeof text);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close(pipes.setup);
		pipes.setup = -1;
		return;
	}
	if (created)
		clients_send(FRAME_ERROR, text, (size_t)n);
	else
		(void)!write(STDERR_FILENO, text, (size_t)n);
	size_t room = sizeof setup_text - setup_size;
	size_t kept = (size_t)n < room ? (size_t)n : room;
	memcpy(setup_text + setup_size, text, kept);
	setup_size += kept;
}

/* The master of the container's terminal, when it comes. */
static void receive_terminal(void)
{
	char byte;
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control_data;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control_data.space,
				 .msg_controllen = sizeof control_data.space};
	unsigned number;
	int master;

	if (recvmsg(pipes.tty, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) < 0 && errno == EAGAIN)
		return;
	close(pipes.tty);
	pipes.tty = -1;
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	if (!rights || rights->cmsg_type != SCM_RIGHTS ||
	    rights->cmsg_len != CMSG_LEN(sizeof master))
		return;
	memcpy(&master, CMSG_DATA(rights), sizeof master);
	if (ioctl(master, TIOCGPTN, &number)) { /* not the master of a terminal */
		close(master);
		return;
	}
	fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
	sources[TERMINAL].fd = master;
	control_terminal(master);
	input_open(fcntl(master, F_DUPFD_CLOEXEC, 3));
}

/* The container's main process ended: what it wrote is still to be read. */
static void set_ended(void)
{
	ended = true;
	drain_until = milliseconds() + DRAIN;
	if (pipes.tty >= 0)
		receive_terminal();
	for (struct source *s = sources; s < sources + SOURCES; s++)
		if (s->fd >= 0 && ioctl(s->fd, FIONREAD, &s->owed))
			s->owed = 0;
	if (pipes.setup >= 0)
		read_setup();
	if (pipes.setup >= 0) /* kept by somebody who was left behind */
		close(pipes.setup);
	pipes.setup = -1;
}

/*
 * A child ended, or the pipe for set-up errors was closed. It is closed by the
 * execve(2) of the application, and by the end of whoever had it: then, and
 * only then, is that process on its way out when we see the end of file.
 */
static void advance(void)
{
	if (command_reap(run_dir, direct, &process, &status))
		set_ended();
	else if (process && !created)
		set_created();
	else if (process) /* another one, if the command has ended and left it */
		control_it();
	if (started || pipes.setup >= 0)
		return;
	if (ended)
		failed = setup_size &&
			 (created ? status >= EXIT_TOOL && status <= EXIT_NOT_FOUND : status);
	else if (command_exiting(process ? process : direct))
		return;
	if (!process)
		process = direct;
	if (!failed)
		set_started();
}

/* ---- the loop ---- */

/* Take what there is of the output, and pass it on. */
static void read_output(struct source *s)
{
	static char data[FRAME_MAX];
	ssize_t n = read(s->fd, data, sizeof data);

	if (n > 0) {
		log_write(s->stream, data, (size_t)n);
		clients_send(s->stream, data, (size_t)n);
		s->owed -= (int)n;
	} else if (n < 0 && errno == EIO && !ended) {
		/* All have closed the terminal. Somebody may open it again. */
		s->quiet_until = milliseconds() + RETRY;
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close(s->fd);
		s->fd = -1;
	}
}

/* True while there may be output. A process left behind may keep a pipe open for ever. */
static bool has_output(const struct source *s)
{
	return s->fd >= 0 && (s->owed > 0 || milliseconds() < drain_until);
}

/* The sooner of two delays, -1 being never. */
static int sooner(int a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? (int)b : a;
}

/* Wait for something to happen and do what is to be done. */
static void turn(void)
{
	struct pollfd polls[POLLS];
	int64_t now = milliseconds();
	int delay = clients_expire(); /* first: it may make room */
	bool held = clients_full();

	polls[POLL_SIGNAL] = (struct pollfd){.fd = signals, .events = POLLIN};
	polls[POLL_CONTROL] = (struct pollfd){.fd = control, .events = POLLIN};
	polls[POLL_SETUP] = (struct pollfd){.fd = pipes.setup, .events = POLLIN};
	polls[POLL_TTY] = (struct pollfd){.fd = pipes.tty, .events = POLLIN};
	polls[POLL_INPUT] = (struct pollfd){.fd = input_poll(), .events = POLLOUT};
	for (int i = 0; i < SOURCES; i++) {
		bool quiet = sources[i].quiet_until > now;
		polls[POLL_SOURCES + i] =
			(struct pollfd){.fd = held || quiet ? -1 : sources[i].fd, .events = POLLIN};
		if (quiet)
			delay = sooner(delay, sources[i].quiet_until - now);
	}
	clients_poll(polls + POLL_CLIENTS);
	if (ended && drain_until > now)
		delay = sooner(delay, drain_until - now);
	if (poll(polls, POLLS, delay) <= 0)
		return;

	bool change = false;
	if (polls[POLL_TTY].revents)
		receive_terminal();
	if (polls[POLL_SETUP].revents) {
		read_setup();
		change = change || pipes.setup < 0;
	}
	for (int i = 0; i < SOURCES; i++) /* each may take the room that the next needs */
		if (polls[POLL_SOURCES + i].revents && !clients_full())
			read_output(&sources[i]);
	if (polls[POLL_INPUT].revents)
		input_write();
	clients_serve(polls + POLL_CLIENTS);
	bool terminate = false;
	for (struct signalfd_siginfo info; read(signals, &info, sizeof info) == sizeof info;) {
		terminate = terminate || info.ssi_signo == SIGTERM;
		change = true;
	}
	if (change && !ended)
		advance();
	/* Last: signals are for the process that there is now. */
	if (terminate)
		control_signal(SIGTERM);
	if (polls[POLL_CONTROL].revents)
		control_read(control);
}

/* ---- the beginning and the end ---- */

/*
 * Leave the caller behind; it waits in here for what tell_caller() says. (Nothing here opens
 * a terminal, which would become the session's: so it may be led by us, and needs no second fork.)
 */
static void daemonize(void)
{
	unsigned char code;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		die("pipe:");
	pid_t child = fork();
	if (child < 0)
		die("fork:");
	if (child) {
		close(ends[1]);
		if (read(ends[0], &code, 1) != 1)
			die("ended before the container was created");
		exit(code);
	}
	setsid();
	close(ends[0]);
	caller = ends[1];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		die("/dev/null:");
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	close(null);
}

/* Set this process's chances in a shortage of memory; *OLD: what they were. */
static void set_oom_score(const char *score, char *old, size_t size)
{
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	ssize_t n = old ? read(fd, old, size - 1) : 0;
	if (old)
		old[n > 0 ? n : 0] = '\0';
	(void)!pwrite(fd, score, strlen(score), 0); /* needs CAP_SYS_RESOURCE */
	close(fd);
}

/* Say what became of the container, in files and to the clients. */
static void report(bool release)
{
	char now[TIMESTAMP + 1], text[16];
	unsigned char code[4];

	log_end();
	if (failed)
		replace_file(state_dir, "error", setup_text, setup_size, 0644);
	timestamp(now);
	if (!failed)
		record(RECORD_FINISHED, now);
	snprintf(text, sizeof text, "%d", status);
	record(RECORD_EXIT, text);
	if (failed) /* no run: the last one is still the one before */
		record_no_run();
	if (started)
		journal_end(now, status);
	put_big_endian(code, (uint32_t)status);
	clients_send(FRAME_EXIT, code, sizeof code);
	while (!clients_idle())
		turn();
	clients_leave(release);
	unlinkat(run_dir, "ctl", 0);
	unlinkat(run_dir, "pid", 0);
	unlinkat(run_dir, "shim", 0);
}

/* Take away the run directory, in which there are only files. */
static void remove_run(const char *run)
{
	DIR *entries = fdopendir(run_dir);

	for (const struct dirent *entry; entries && (entry = readdir(entries));)
		unlinkat(run_dir, entry->d_name, 0);
	rmdir(run);
}

/* Live through it all, then become what comes after. */
static _Noreturn void live(const struct options *options)
{
	char oom_score[16] = "0", *run = options->remove ? realpath(options->run, NULL) : NULL;

	umask(022);
	put_file(run_dir, "shim", "%ld %llu\n", (long)getpid(),
		 (unsigned long long)process_start_time(getpid()));
	signals = take_signals();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	direct = command_start(&options->command, &pipes);
	set_oom_score("-500", oom_score, sizeof oom_score);
	if (chdir("/"))
		die("/:");
	sources[OUTPUT] = (struct source){.fd = pipes.output, .stream = STREAM_STDOUT};
	sources[ERRORS] = (struct source){.fd = pipes.errors, .stream = STREAM_STDERR};
	sources[TERMINAL] = (struct source){.fd = -1, .stream = STREAM_STDOUT};
	input_open(pipes.input);
	if (!options->command.stdin_open)
		input_close();

	while (!ended || has_output(&sources[0]) || has_output(&sources[1]) ||
	       has_output(&sources[2]))
		turn();
	report(options->release);

	if (!created) {
		close(lock); /* or the caller might find itself "already running" */
		tell_caller(status);
		exit(status);
	}
	if (run)
		remove_run(run);
	if (!options->on_exit)
		exit(options->foreground ? status : 0);
	set_oom_score(oom_score, NULL, 0);
	restore_signals();
	dup2(lock, 9); /* one that a shell can close: exec 9>&- */
	fcntl(9, F_SETFD, 0);
	chain(options->on_exit);
}

/* Open the directory PATH. */
static int open_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		die("%s:", path);
	return fd;
}

/* Open the directory PATH, if nobody has just removed it: -1 with errno. */
static int open_state(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) || !st.st_nlink)) {
		close(fd);
		fd = -1;
		errno = ENOENT;
	}
	return fd;
}

/*
 * Take the lock, which says that this container has a shim. Whoever waits for
 * the end of a container takes it too, for a moment: that is waited for. INHERITED: it
 * is open as that already, and the caller may have the lock.
 */
static void take_lock(const char *run, int inherited)
{
	lock = inherited ? inherited
			 : openat(run_dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (lock < 0 || fcntl(lock, F_SETFD, FD_CLOEXEC))
		die("%s/lock:", run);
	for (int i = 0; flock(lock, LOCK_EX | LOCK_NB); i++) {
		if (i == LOCK_TRIES || !faccessat(run_dir, "shim", F_OK, 0))
			die("%s: already running", run);
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	struct stat st;
	if (fstat(lock, &st) || !st.st_nlink)
		die("%s: has just been removed", run);
}

/* mkdir -p PATH, closed to others; false with errno. */
static bool make_directories(const char *path)
{
	if (!mkdir(path, 0700) || errno == EEXIST)
		return true;
	if (errno != ENOENT)
		return false;
	char *parent = xstrdup(path), *slash = strrchr(parent, '/');
	bool made = false;
	if (slash && slash != parent) {
		*slash = '\0';
		made = make_directories(parent) && (!mkdir(path, 0700) || errno == EEXIST);
	}
	free(parent);
	return made;
}

/* Make the directories ours: one shim for one RUN. */
static void take_directories(const struct options *options)
{
	if (!make_directories(options->run))
		die("%s:", options->run);
	run_dir = open_directory(options->run);
	take_lock(options->run, options->lock);
	if (options->state && (state_dir = open_state(options->state)) < 0) {
		/* Who removed it holds our lock while he does; the directory is ours then. */
		int error = errno;
		unlinkat(run_dir, "lock", 0);
		rmdir(options->run);
		errno = error;
		die("%s:", options->state);
	}
	if (!options->state)
		state_dir = run_dir;
	/* Of the last run, should its shim have been killed. */
	if (unlinkat(run_dir, "pid", 0) && errno != ENOENT)
		die("%s/pid:", options->run);
}

int main(int argc, char **argv)
{
	struct options options = {.log_size = 10 << 20, .log_files = 5};

	tool = "shim";
	read_options(&options, argc, argv);
	take_directories(&options);
	record_reserve(state_dir);
	if (options.log)
		log_open(options.log, options.log_size, options.log_files);
	control = control_open(run_dir);
	clients_listen(run_dir, options.stdin_once);
	if (!options.foreground)
		daemonize();
	live(&options);
}
