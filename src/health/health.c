/*
 * health: run a check every so often, for as long as a container lives, and write
 * down how it does. What the check is, and where it runs, is its command's affair:
 * for a container, a chain that joins its namespaces.
 */
#define _GNU_SOURCE
#include "health.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const char usage[] =
	"usage: health [options] --dir DIR --while PROCESS COMMAND [ARG...]\n"
	"Run COMMAND every so often while a process lives; keep its results in DIR.\n"
	"Exit status 0 of COMMAND is healthy, any other is not.\n"
	"\n"
	"  -d, --dir DIR              where status, streak and result.N are written\n"
	"  -w, --while PROCESS        PID, PID:STARTTIME or a file that has both\n"
	"  -u, --unless FILE          no check as long as FILE exists (the container is paused)\n"
	"  -i, --interval TIME        from the end of a check to the next (30s)\n"
	"  -t, --timeout TIME         then a check is killed, and has failed (30s)\n"
	"  -r, --retries N            so many failures in a row are unhealthy (3)\n"
	"  -p, --start-period TIME    in which failures do not count (0s)\n"
	"  -I, --start-interval TIME  the interval meanwhile (5s)\n"
	"  -x, --on-change CMD... ;   run CMD with the new status whenever that changes\n"
	"  -f, --foreground           do not go into the background\n"
	"  -h, --help\n"
	"\n"
	"TIME is as 1m30s or 500ms.\n";

struct options {
	const char *dir, *process, *unless;
	int64_t interval, timeout, start_period, start_interval; /* milliseconds */
	uint64_t retries;
	char **on_change, **command;
	bool foreground;
};

/* ---- the life of it ---- */

static int container = -1; /* pidfd of the process that we live as long as */

enum rested rest(int64_t ms, int input)
{
	int64_t until = milliseconds() + ms;
	sigset_t none;

	sigemptyset(&none);
	for (;;) {
		int64_t left = until - milliseconds();
		struct timespec wait = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
		struct pollfd polls[] = {{.fd = container, .events = POLLIN},
					 {.fd = input, .events = POLLIN}};

		if (check_reap())
			return RESTED_ENDED;
		if (left <= 0)
			return RESTED_TIME;
		/* SIGCHLD, which is blocked otherwise, interrupts this. */
		if (ppoll(polls, 2, &wait, &none) <= 0)
			continue;
		if (polls[0].revents) {
			check_end();
			exit(0);
		}
		return RESTED_INPUT;
	}
}

static void ignore(int number)
{
	(void)number;
}

/* Have SIGCHLD do nothing but interrupt. */
static void take_signals(void)
{
	struct sigaction action = {.sa_handler = ignore};
	sigset_t child;

	sigaction(SIGCHLD, &action, NULL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* What a killed check leaves behind becomes our child, and can be killed. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* Run the command of --on-change, with STATUS as its last word. */
static void tell_change(const struct options *options, const char *status)
{
	size_t count = 0;

	if (!options->on_change)
		return;
	while (options->on_change[count])
		count++;
	char **argv = xmalloc((count + 2) * sizeof *argv);
	memcpy(argv, options->on_change, count * sizeof *argv);
	argv[count] = xstrdup(status);
	argv[count + 1] = NULL;
	pid_t pid = fork();
	if (pid < 0)
		warn("fork:");
	if (!pid) {
		restore_signals();
		chain(argv);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	free(argv[count]);
	free(argv);
}

/* Check after check. */
static _Noreturn void watch(const struct options *options)
{
	const char *status = "starting";
	uint64_t streak = 0;
	int64_t begun = milliseconds();
	bool starting = options->start_period > 0;

	for (;;) {
		starting = starting && milliseconds() - begun < options->start_period;
		rest(starting ? options->start_interval : options->interval, -1);
		if (options->unless && !access(options->unless, F_OK))
			continue;
		bool healthy = check(options->command, options->timeout);
		const char *before = status;
		if (healthy) {
			status = "healthy";
			streak = 0;
			starting = false;
		} else if (!starting || milliseconds() - begun >= options->start_period) {
			streak++;
			if (streak >= options->retries)
				status = "unhealthy";
		}
		record_status(status, streak);
		if (strcmp(before, status) != 0)
			tell_change(options, status);
	}
}

/* ---- command line ---- */

/* A duration as Go writes it, in milliseconds; at least 1. */
static int64_t parse_duration(const char *what, const char *text)
{
	static const struct {
		const char *name;
		double ms;
	} units[] = {{"ms", 1}, {"us", 1e-3}, {"ns", 1e-6}, {"h", 3600e3}, {"m", 60e3}, {"s", 1e3}};
	double total = 0;

	for (const char *next = text; *next || next == text;) {
		size_t digits = strspn(next, "0123456789."), i = 0;
		char *end;
		double number = strtod(next, &end);
		const char *unit = next + digits;
		if (!digits || end != unit)
			die("%s: not a duration, such as 1m30s: '%s'", what, text);
		while (i < 6 && strncmp(unit, units[i].name, strlen(units[i].name)) != 0)
			i++;
		if (i == 6)
			die("%s: not a duration, such as 1m30s: '%s'", what, text);
		total += number * units[i].ms;
		next = unit + strlen(units[i].name);
	}
	if (total > 365 * 86400e3)
		die("%s: longer than a year: '%s'", what, text);
	return total < 1 ? 1 : (int64_t)total;
}

static const struct option long_options[] = {
	{"dir", required_argument, NULL, 'd'},
	{"while", required_argument, NULL, 'w'},
	{"unless", required_argument, NULL, 'u'},
	{"interval", required_argument, NULL, 'i'},
	{"timeout", required_argument, NULL, 't'},
	{"retries", required_argument, NULL, 'r'},
	{"start-period", required_argument, NULL, 'p'},
	{"start-interval", required_argument, NULL, 'I'},
	{"on-change", required_argument, NULL, 'x'},
	{"foreground", no_argument, NULL, 'f'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static void set_option(struct options *options, int option, char **argv)
{
	switch (option) {
	case 'd':
		options->dir = optarg;
		break;
	case 'w':
		options->process = optarg;
		break;
	case 'u':
		options->unless = optarg;
		break;
	case 'i':
		options->interval = parse_duration("--interval", optarg);
		break;
	case 't':
		options->timeout = parse_duration("--timeout", optarg);
		break;
	case 'r':
		options->retries = parse_number("--retries", optarg, 1, INT32_MAX);
		break;
	case 'p':
		options->start_period = parse_duration("--start-period", optarg);
		break;
	case 'I':
		options->start_interval = parse_duration("--start-interval", optarg);
		break;
	case 'x':
		options->on_change = command_option("--on-change", argv);
		break;
	case 'f':
		options->foreground = true;
		break;
	case 'h':
		help(usage);
	default:
		usage_error("wrong option");
	}
}

/* Leave the caller: nobody's child, no terminal, no streams. */
static void daemonize(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork:");
	if (pid)
		exit(0);
	setsid();
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || chdir("/"))
		die("/dev/null:");
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	close(null);
}

int main(int argc, char **argv)
{
	struct options options = {
		.interval = 30000,
		.timeout = 30000,
		.start_interval = 5000,
		.retries = 3,
	};
	pid_t pid;
	int option;

	tool = "health";
	while ((option = getopt_long(argc, argv, "+d:w:u:i:t:r:p:I:x:fh", long_options, NULL)) !=
	       -1)
		set_option(&options, option, argv);
	options.command = argv + optind;
	if (!options.dir || !options.process)
		usage_error("no --dir DIR or no --while PROCESS");
	if (!argv[optind])
		usage_error("no command");
	container = open_process(options.process, &pid);
	if (container < 0)
		return 0; /* it has ended already */
	record_open(options.dir);
	record_status("starting", 0); /* who called us finds it */
	if (!options.foreground)
		daemonize();
	take_signals();
	watch(&options);
}
