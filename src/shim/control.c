/* Control: one command a line, from a fifo that every shell can write to. */
#define _GNU_SOURCE
#include "shim.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int terminal = -1, process = -1;
static bool running;
static uint64_t waiting; /* bit N - 1: signal N is still to be sent */
static struct winsize size;

int control_open(int dirfd)
{
	int fd;

	if (unlinkat(dirfd, "ctl", 0) && errno != ENOENT)
		die("ctl:");
	if (mkfifoat(dirfd, "ctl", 0600))
		die("ctl:");
	/* For writing too: then there is never an end of file. */
	fd = openat(dirfd, "ctl", O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		die("ctl:");
	return fd;
}

/* Send the signals that have waited for this. */
static void send_signals(void)
{
	for (int n = 1; n <= 64; n++) {
		uint64_t bit = UINT64_C(1) << (n - 1);
		if (!(waiting & bit) || process < 0 || (!running && n != SIGKILL))
			continue;
		waiting &= ~bit;
		(void)syscall(SYS_pidfd_send_signal, process, n, NULL, 0);
	}
}

void control_process(int pidfd, bool started)
{
	process = pidfd;
	running = started;
	send_signals();
}

void control_signal(int number)
{
	waiting |= UINT64_C(1) << (number - 1);
	send_signals();
}

void control_terminal(int master)
{
	terminal = master;
	if (size.ws_row)
		ioctl(terminal, TIOCSWINSZ, &size);
}

/* "size ROWS COLS": 0 is what some terminals say that do not know theirs. */
static void set_size(const char *rows, const char *columns)
{
	uint64_t r, c;

	if (!rows || !columns || !is_number(rows, 1, USHRT_MAX, &r) ||
	    !is_number(columns, 1, USHRT_MAX, &c))
		return;
	size = (struct winsize){.ws_row = (unsigned short)r, .ws_col = (unsigned short)c};
	if (terminal >= 0)
		control_terminal(terminal);
}

/* Obey one line; what is not known is not obeyed. */
static void obey(char *line)
{
	char *rest, *verb = strtok_r(line, " ", &rest);
	const char *first = strtok_r(NULL, " ", &rest), *second = strtok_r(NULL, " ", &rest);

	if (!verb)
		return;
	if (!strcmp(verb, "signal") && first && signal_number(first))
		control_signal(signal_number(first));
	else if (!strcmp(verb, "size"))
		set_size(first, second);
	else if (!strcmp(verb, "close-stdin"))
		input_close();
}

void control_read(int fd)
{
	static char line[256];
	static size_t used;
	char *newline;
	ssize_t n = read(fd, line + used, sizeof line - 1 - used);

	if (n <= 0)
		return;
	used += (size_t)n;
	line[used] = '\0';
	while ((newline = memchr(line, '\n', used))) {
		*newline = '\0';
		obey(line);
		used -= (size_t)(newline + 1 - line);
		memmove(line, newline + 1, used);
	}
	if (used == sizeof line - 1)
		used = 0; /* too long to be one of ours */
}
