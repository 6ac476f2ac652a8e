/* The command line. */
#define _GNU_SOURCE
#include "shim.h"

#include "common.h"

#include <getopt.h>
#include <unistd.h>

static const char usage[] =
	"usage: shim [options] --run DIR COMMAND [ARG...]\n"
	"Start COMMAND and stay beside it: its input and output, log, exit status.\n"
	"Returns when it is created: when its set-up waits to be told to go on.\n"
	"\n"
	"  -r, --run DIR           directory for attach, ctl, lock, shim (made if missing)\n"
	"  -s, --state DIR         directory for started, finished, exit, error (as --run)\n"
	"  -l, --log FILE          log output into FILE, in CRI format\n"
	"      --log-size SIZE     start a new file at this size (10m)\n"
	"      --log-files N       keep so many files: FILE, FILE.1 ... (5)\n"
	"  -i, --stdin             standard input comes from who is attached\n"
	"      --stdin-once        and ends when the first that sent some leaves\n"
	"  -t, --tty FD            COMMAND sends a terminal over this descriptor\n"
	"  -e, --stderr FD         standard error of the application; 2 is for set-up errors\n"
	"  -j, --journal FILE      append lines to FILE: the time, TEXT, attributes; tabs between\n"
	"      --start-event TEXT    when the application has started\n"
	"      --end-event TEXT      when it has ended, with exitCode=N behind\n"
	"      --attributes FILE     the lines of FILE\n"
	"      --lock FD           DIR/lock, open already, and perhaps locked\n"
	"      --hold FD           keep inherited descriptors from FD on, until all is over\n"
	"      --remove            take DIR away when all is over\n"
	"  -x, --on-exit CMD... ;  what to become when all is over\n"
	"      --release           let clients go before that command runs\n"
	"  -f, --foreground        stay, and exit with the container's status\n"
	"  -h, --help\n";

enum {
	OPTION_LOG_SIZE = 256,
	OPTION_LOG_FILES,
	OPTION_STDIN_ONCE,
	OPTION_START_EVENT,
	OPTION_END_EVENT,
	OPTION_ATTRIBUTES,
	OPTION_RELEASE,
	OPTION_REMOVE,
	OPTION_HOLD,
	OPTION_LOCK,
};

static const struct option long_options[] = {
	{"run", required_argument, NULL, 'r'},
	{"state", required_argument, NULL, 's'},
	{"log", required_argument, NULL, 'l'},
	{"log-size", required_argument, NULL, OPTION_LOG_SIZE},
	{"log-files", required_argument, NULL, OPTION_LOG_FILES},
	{"stdin", no_argument, NULL, 'i'},
	{"stdin-once", no_argument, NULL, OPTION_STDIN_ONCE},
	{"tty", required_argument, NULL, 't'},
	{"stderr", required_argument, NULL, 'e'},
	{"journal", required_argument, NULL, 'j'},
	{"start-event", required_argument, NULL, OPTION_START_EVENT},
	{"end-event", required_argument, NULL, OPTION_END_EVENT},
	{"attributes", required_argument, NULL, OPTION_ATTRIBUTES},
	{"hold", required_argument, NULL, OPTION_HOLD},
	{"lock", required_argument, NULL, OPTION_LOCK},
	{"on-exit", required_argument, NULL, 'x'},
	{"release", no_argument, NULL, OPTION_RELEASE},
	{"remove", no_argument, NULL, OPTION_REMOVE},
	{"foreground", no_argument, NULL, 'f'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* An option that names a descriptor, between 3 and 99; false for others. */
static bool descriptor_option(struct options *options, int option)
{
	switch (option) {
	case 't':
		options->command.tty_fd = (int)parse_number("--tty", optarg, 3, 99);
		return true;
	case 'e':
		options->command.stderr_fd = (int)parse_number("--stderr", optarg, 3, 99);
		return true;
	case OPTION_HOLD:
		/* Not the command's, and so not among those that command_start() closes here. */
		if (close_range((unsigned)parse_number("--hold", optarg, 3, INT32_MAX), ~0U,
				CLOSE_RANGE_CLOEXEC))
			die("--hold %s:", optarg);
		return true;
	case OPTION_LOCK:
		options->lock = (int)parse_number("--lock", optarg, 3, 99);
		return true;
	default:
		return false;
	}
}

/* One option. */
static void set_option(struct options *options, int option, char **argv)
{
	switch (option) {
	case 'r':
		options->run = optarg;
		break;
	case 's':
		options->state = optarg;
		break;
	case 'l':
		options->log = optarg;
		break;
	case OPTION_LOG_SIZE:
		options->log_size = parse_size("--log-size", optarg);
		break;
	case OPTION_LOG_FILES:
		options->log_files =
			(unsigned)parse_number("--log-files", optarg, 1, LOG_FILES_MAX);
		break;
	case OPTION_STDIN_ONCE:
		options->stdin_once = true;
		break;
	case 'i':
		options->command.stdin_open = true;
		break;
	case 'j':
		journal_open(optarg);
		break;
	case OPTION_START_EVENT:
	case OPTION_END_EVENT:
		journal_add(optarg, option == OPTION_END_EVENT);
		break;
	case OPTION_ATTRIBUTES:
		journal_attributes(optarg);
		break;
	case 'x':
		options->on_exit = command_option("--on-exit", argv);
		break;
	case OPTION_RELEASE:
		options->release = true;
		break;
	case OPTION_REMOVE:
		options->remove = true;
		break;
	case 'f':
		options->foreground = true;
		break;
	case 'h':
		help(usage);
	default:
		if (!descriptor_option(options, option))
			usage_error("wrong option");
	}
}

void read_options(struct options *options, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "+r:s:l:it:e:j:x:fh", long_options, NULL)) != -1)
		set_option(options, option, argv);
	options->command.argv = argv + optind;
	if (!options->run)
		usage_error("no --run DIR");
	if (!argv[optind])
		usage_error("no command");
}
