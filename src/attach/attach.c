/*
 * attach: connect a terminal, or pipes, to a container through its shim.
 *
 * terminal.c has the terminal's raw mode and size, keys.c the keys that
 * detach. Signals are handled where they arrive, by handlers that only write
 * to the shim's fifo: so they work while a slow reader blocks our output.
 */
#define _GNU_SOURCE
#include "attach.h"

#include "../shim/attach.h"
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char usage[] =
	"usage: attach [options] RUNDIR\n"
	"Connect to the container whose shim has the directory RUNDIR; exit with its status.\n"
	"\n"
	"  -i, --stdin               send standard input\n"
	"  -t, --tty                 the container has a terminal: pass on the size of ours,\n"
	"                            and with --stdin all keys\n"
	"      --start               let the container start\n"
	"  -d, --detach              no output; return as soon as it has started\n"
	"      --no-stdout           do not print the container's standard output\n"
	"      --no-stderr           nor this, its standard error\n"
	"      --failure STATUS      exit with it, not 125, if the set-up fails or all is over\n"
	"      --detach-keys KEYS    keys that leave it (ctrl-p,ctrl-q); '' for none\n"
	"      --sig-proxy=BOOL      pass signals on (true, unless the keys are)\n"
	"  -h, --help\n";

enum { FLUSH_KEYS = 500, RETRY_START = 2 }; /* milliseconds */
enum { MISSED_MAX = 1000 };		    /* of RETRY_START each */

static int connection, run_dir, control = -1;
static int failure = EXIT_TOOL; /* status if the application could not be started */
static bool use_stdin, tty, start, detach, started, no_stdout, no_stderr;
static bool heard; /* the shim knows what we want: no output is lost from here on */

/* Input read but not sent yet, each frame with its header. */
static unsigned char input[FRAME_HEADER + KEYS_MAX + 16384];
static size_t input_begin, input_end;

/* The shim is gone. Who has given a status for that did not give PATH, and need not be told of it.
 */
static _Noreturn void die_gone(const char *path)
{
	if (failure == EXIT_TOOL)
		die("%s: the container is not running", path);
	warn("the container has ended, or is restarting");
	exit(failure);
}

/* Connect to the shim. */
static void connect_shim(const char *path)
{
	unsigned char hello[FRAME_HEADER + 1];

	run_dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (run_dir < 0 && errno == ENOENT)
		die_gone(path);
	if (run_dir < 0)
		die("%s:", path);
	struct sockaddr_un address = socket_address(run_dir, "attach");
	connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection < 0)
		die("socket:");
	if (connect(connection, (struct sockaddr *)&address, sizeof address)) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			die_gone(path);
		die("%s/attach:", path);
	}
	control = openat(run_dir, "ctl", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	put_header(hello, FRAME_HELLO, 1);
	hello[FRAME_HEADER] =
		(unsigned char)((detach ? 0 : HELLO_OUTPUT) | (start ? HELLO_LOSSLESS : 0));
	if (send(connection, hello, sizeof hello, MSG_NOSIGNAL) != sizeof hello)
		die_gone(path);
}

/* Append a decimal number; only what a signal handler may do. */
static size_t append_number(char *text, unsigned number)
{
	size_t digits = number >= 10 ? append_number(text, number / 10) : 0;

	text[digits] = (char)('0' + number % 10);
	return digits + 1;
}

void control_send(const char *verb, unsigned first, unsigned second)
{
	char line[64];
	int error = errno;
	size_t used = (size_t)(stpncpy(line, verb, sizeof line / 2) - line);

	line[used++] = ' ';
	used += append_number(line + used, first);
	line[used++] = ' ';
	used += append_number(line + used, second);
	line[used++] = '\n';
	(void)!write(control, line, used);
	errno = error;
}

static void forward_signal(int number)
{
	control_send("signal", (unsigned)number, 0);
}

/* All signals that say something to the application; not those about us. */
static void forward_signals(void)
{
	static const int ours[] = {SIGCHLD, SIGPIPE, SIGWINCH, SIGURG, SIGTTIN, SIGTTOU,
				   SIGKILL, SIGSTOP, SIGSEGV,  SIGBUS, SIGILL,	SIGFPE};
	struct sigaction action = {.sa_handler = forward_signal, .sa_flags = SA_RESTART};

	for (int n = 1; n <= SIGRTMAX; n++) {
		bool skip = false;
		for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
			skip = skip || ours[i] == n;
		if (!skip)
			sigaction(n, &action, NULL); /* EINVAL for those of the C library */
	}
}

/* Open the fifo at which the container waits; false while it does not yet. */
static bool open_start(void)
{
	int fd = openat(run_dir, "start", O_WRONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* Read exactly SIZE bytes from the shim; false at the end of the connection. */
static bool receive(char *data, size_t size)
{
	/* A signal makes even MSG_WAITALL return less. */
	while (size) {
		ssize_t n = recv(connection, data, size, MSG_WAITALL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		size -= (size_t)n;
	}
	return true;
}

/* Pass output on. A reader that is gone ends us as any filter. */
static void output(int fd, const char *data, size_t size)
{
	if (write_all(fd, data, size))
		return;
	if (errno == EPIPE) {
		terminal_restore();
		exit(128 + SIGPIPE);
	}
	die(fd == STDOUT_FILENO ? "standard output:" : "standard error:");
}

/* The exit status has come: wait until all is cleaned up, that is, for the end. */
static _Noreturn void finish(int status)
{
	char byte;
	ssize_t n;

	do
		n = recv(connection, &byte, 1, 0);
	while (n > 0 || (n < 0 && errno == EINTR));
	terminal_restore();
	exit(status);
}

/* The status of the application, or that of a set-up that failed: 125 is an application's, too. */
static int status_of(const char *data, uint32_t size)
{
	int status = size == 4 ? (int)get_big_endian((const unsigned char *)data) : EXIT_TOOL;

	return status == EXIT_TOOL && !started ? failure : status;
}

/* Take one frame from the shim. */
static void take_frame(void)
{
	static char data[FRAME_MAX];
	unsigned char header[FRAME_HEADER];
	uint32_t size = 0;

	if (receive((char *)header, sizeof header))
		size = get_big_endian(header + 4);
	else
		die("disconnected: the shim is gone, or we took its output too slowly");
	if (size > sizeof data || !receive(data, size))
		die("disconnected in the middle of a frame");
	switch (header[0]) {
	case FRAME_STDOUT:
		if (!no_stdout)
			output(STDOUT_FILENO, data, size);
		break;
	case FRAME_STDERR:
		if (!no_stderr)
			output(STDERR_FILENO, data, size);
		break;
	case FRAME_ERROR:
		output(STDERR_FILENO, data, size);
		break;
	case FRAME_HELLO:
		heard = true;
		break;
	case FRAME_STARTED:
		started = true;
		break;
	case FRAME_EXIT:
		finish(status_of(data, size));
	default:
		break;
	}
}

/* Make a frame of SIZE bytes of input that lie behind the room for its header. */
static void queue_input(size_t size)
{
	put_header(input, FRAME_STDIN, (uint32_t)size);
	input_begin = 0;
	input_end = FRAME_HEADER + size;
}

/* Send what the shim takes. */
static void send_input(void)
{
	ssize_t n = send(connection, input + input_begin, input_end - input_begin,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		input_begin += (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		input_begin = input_end; /* reading will show that the shim is gone */
}

/* Read our standard input; its end is told to the shim once. */
static void read_input(void)
{
	char data[16384];
	ssize_t n = read(STDIN_FILENO, data, sizeof data);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		use_stdin = false;
		queue_input(0);
		return;
	}
	size_t size = keys_filter(data, (size_t)n, (char *)input + FRAME_HEADER);
	if (keys_complete()) {
		terminal_restore();
		exit(0);
	}
	if (size)
		queue_input(size);
}

/* Between both sides, for ever. */
static _Noreturn void relay(void)
{
	/* How often nobody waited at the fifo of what has started: another opened it. */
	int missed = 0;

	for (;;) {
		bool pending = input_begin < input_end;
		struct pollfd polls[] = {
			{.fd = connection, .events = (short)(POLLIN | (pending ? POLLOUT : 0))},
			{.fd = use_stdin && !pending ? STDIN_FILENO : -1, .events = POLLIN},
		};
		int delay = -1;

		if (start && heard)
			start = !open_start() && !(started && ++missed == MISSED_MAX);
		if (detach && started && !start)
			exit(0);
		if (start && heard)
			delay = RETRY_START;
		else if (keys_held())
			delay = FLUSH_KEYS;
		int ready = terminal_poll(polls, 2, delay);
		if (!ready && !pending && keys_held())
			queue_input(keys_flush((char *)input + FRAME_HEADER));
		if (ready <= 0)
			continue;
		if (polls[0].revents & POLLOUT)
			send_input();
		if (polls[1].revents)
			read_input();
		if (polls[0].revents & ~POLLOUT)
			take_frame();
	}
}

enum {
	OPTION_START = 256,
	OPTION_KEYS,
	OPTION_PROXY,
	OPTION_NO_STDOUT,
	OPTION_NO_STDERR,
	OPTION_FAILURE
};

static const struct option long_options[] = {
	{"stdin", no_argument, NULL, 'i'},
	{"tty", no_argument, NULL, 't'},
	{"start", no_argument, NULL, OPTION_START},
	{"detach", no_argument, NULL, 'd'},
	{"detach-keys", required_argument, NULL, OPTION_KEYS},
	{"no-stdout", no_argument, NULL, OPTION_NO_STDOUT},
	{"no-stderr", no_argument, NULL, OPTION_NO_STDERR},
	{"failure", required_argument, NULL, OPTION_FAILURE},
	{"sig-proxy", required_argument, NULL, OPTION_PROXY},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* The value of a BOOL option. */
static bool parse_bool(const char *what, const char *text)
{
	if (strcmp(text, "true") && strcmp(text, "false"))
		usage_error("%s: true or false, not '%s'", what, text);
	return *text == 't';
}

/* The value of --failure. */
static int parse_status(const char *text)
{
	uint64_t status;

	if (!is_number(text, 0, 255, &status))
		usage_error("--failure: a status, 0 to 255, not '%s'", text);
	return (int)status;
}

int main(int argc, char **argv)
{
	const char *keys = "ctrl-p,ctrl-q";
	bool proxy = true;
	int option;

	tool = "attach";
	while ((option = getopt_long(argc, argv, "+itdh", long_options, NULL)) != -1)
		switch (option) {
		case 'i':
			use_stdin = true;
			break;
		case 't':
			tty = true;
			break;
		case OPTION_START:
			start = true;
			break;
		case 'd':
			detach = true;
			break;
		case OPTION_NO_STDOUT:
			no_stdout = true;
			break;
		case OPTION_NO_STDERR:
			no_stderr = true;
			break;
		case OPTION_KEYS:
			keys = optarg;
			break;
		case OPTION_FAILURE:
			failure = parse_status(optarg);
			break;
		case OPTION_PROXY:
			proxy = parse_bool("--sig-proxy", optarg);
			break;
		case 'h':
			help(usage);
		default:
			usage_error("wrong option");
		}
	if (argc - optind != 1)
		usage_error("one RUNDIR, please");
	/* The shim no longer reads its fifo while its container is cleaned up. */
	signal(SIGPIPE, SIG_IGN);
	keys_parse(keys);
	if (!tty || !use_stdin)
		keys_parse(""); /* pipes carry data, not keys */
	if (tty && use_stdin && !isatty(STDIN_FILENO)) {
		warn("the input device is not a TTY");
		return 1;
	}
	connect_shim(argv[optind]);
	if (tty)
		terminal_begin(use_stdin);
	if (!(tty && use_stdin) && proxy && !detach)
		forward_signals();
	relay();
}
