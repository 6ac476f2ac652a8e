/* Our terminal: raw while the container's keys are typed, and its size. */
#define _GNU_SOURCE
#include "attach.h"

#include "common.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static volatile sig_atomic_t raw, size_changed;

void terminal_restore(void)
{
	if (!raw)
		return;
	raw = 0;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

/* A signal ends us: not without the terminal as it was. */
static void end_by_signal(int number)
{
	terminal_restore();
	signal(number, SIG_DFL);
	raise(number);
}

static void note_size(int number)
{
	(void)number;
	size_changed = 1;
}

/* From now on keys are bytes for the container, all of them. */
static void make_raw(void)
{
	static const int fatal[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGALRM, SIGUSR1,
				    SIGUSR2, SIGSEGV, SIGBUS,  SIGILL,	SIGFPE,	 SIGABRT};
	struct termios settings;

	if (tcgetattr(STDIN_FILENO, &before))
		die("terminal:");
	settings = before;
	cfmakeraw(&settings);
	atexit(terminal_restore);
	for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
		signal(fatal[i], end_by_signal);
	raw = 1;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &settings))
		die("terminal:");
}

void terminal_begin(bool want_raw)
{
	sigset_t winch;

	if (want_raw)
		make_raw();
	sigemptyset(&winch);
	sigaddset(&winch, SIGWINCH);
	sigprocmask(SIG_BLOCK, &winch, NULL);
	signal(SIGWINCH, note_size);
	size_changed = 1;
}

/* Tell the shim how large our terminal is. */
static void pass_size(void)
{
	struct winsize size;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (!ioctl(fd, TIOCGWINSZ, &size)) {
			if (size.ws_row && size.ws_col)
				control_send("size", size.ws_row, size.ws_col);
			return;
		}
}

int terminal_poll(struct pollfd *entries, nfds_t count, int milliseconds)
{
	struct timespec delay = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
	sigset_t mask;

	if (size_changed) {
		size_changed = 0;
		pass_size();
	}
	/* SIGWINCH comes only in here: none is missed between the look and the wait. */
	sigprocmask(SIG_SETMASK, NULL, &mask);
	sigdelset(&mask, SIGWINCH);
	return ppoll(entries, count, milliseconds < 0 ? NULL : &delay, &mask);
}
