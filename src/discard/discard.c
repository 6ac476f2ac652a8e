/*
 * discard: remove files and directories for good, in an order, while nobody is at work on what
 * they belong to; and say so in a journal. It is "flock FILE rm -rf" for state that others use at
 * the same time: what it is to be removed for is looked at when the lock has been taken.
 */
#define _GNU_SOURCE
#include "discard.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
	"usage: discard [options] FILE...\n"
	"Remove FILEs, directories with all that is in them, in this order. Links are not\n"
	"followed, and what is mounted below stays.\n"
	"\n"
	"  -l, --lock FILE      hold this lock, flock(2), meanwhile\n"
	"  -w, --wait SECONDS   so long for it at most (0)\n"
	"  -i, --if FILE        only if there is something in FILE, now that we have the lock\n"
	"  -u, --unless FILE    not while the process lives of which FILE has \"PID STARTTIME\"\n"
	"  -c, --claim FILE     write \"PID STARTTIME\" of this process there first\n"
	"  -j, --journal FILE   append to this journal, in the end, what --event says\n"
	"  -e, --event TEXT     a line, with the time before it; can be given again\n"
	"  -t, --time TIME      that time (now)\n"
	"  -h, --help\n"
	"\n"
	"Exit status: 1 if somebody has the lock, or has taken it away, or the process lives.\n";

static const struct option long_options[] = {
	{"lock", required_argument, NULL, 'l'},	 {"wait", required_argument, NULL, 'w'},
	{"if", required_argument, NULL, 'i'},	 {"unless", required_argument, NULL, 'u'},
	{"claim", required_argument, NULL, 'c'}, {"journal", required_argument, NULL, 'j'},
	{"event", required_argument, NULL, 'e'}, {"time", required_argument, NULL, 't'},
	{"help", no_argument, NULL, 'h'},	 {0},
};

enum { BUSY = 1, PAUSE = 2000000 /* nanoseconds between two looks at a lock */ };

static struct {
	const char *lock, *needed, *process, *claim, *journal, *time;
	uint64_t patience; /* seconds */
	char **events;
	size_t event_count;
} request;

/* Has FILE something in it? */
static bool is_there(const char *file)
{
	struct stat st;

	return !stat(file, &st) && st.st_size;
}

/*
 * Take the lock, for as long as this process lives. False if somebody else has it, or has taken
 * away the file: then his is the lock of something new.
 */
static bool take_lock(void)
{
	const int64_t end = milliseconds() + (int64_t)request.patience * 1000;
	int fd = open(request.lock, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat ours, there;

	if (fd < 0 && errno == ENOENT)
		return false;
	if (fd < 0)
		die("%s:", request.lock);
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			die("%s:", request.lock);
		if (milliseconds() >= end)
			return false;
		nanosleep(&(struct timespec){.tv_nsec = PAUSE}, NULL);
	}
	return !fstat(fd, &ours) && !lstat(request.lock, &there) && ours.st_ino == there.st_ino &&
	       ours.st_dev == there.st_dev;
}

/*
 * Who finds it half removed sees who is at work on it. Written over what is there: a file that is
 * truncated and closed ext4 sends to the disk at once, and who removes it then waits for that. That
 * it cannot be written, as on a full disk, is no reason to keep what would make room there.
 */
static void claim(void)
{
	int fd = open(request.claim, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	char line[64];
	int size = snprintf(line, sizeof line, "%ld %llu\n", (long)getpid(),
			    (unsigned long long)process_start_time(getpid()));

	if (fd < 0)
		return;
	(void)write_all(fd, line, (size_t)size);
	close(fd);
}

static void write_events(void)
{
	for (size_t i = 0; i < request.event_count; i++) {
		char *line = event_line(request.time, (char *[]){request.events[i], NULL});
		if (!append_line(request.journal, line))
			warn("cannot write to %s:", request.journal);
		free(line);
	}
}

/* Who removes "d/.." would find it gone with d, and what is beside d with it. rm refuses that, too.
 */
static void check_file(const char *path)
{
	size_t end = strlen(path);

	while (end > 1 && path[end - 1] == '/')
		end--;
	size_t dots = 0;
	while (dots < end && path[end - 1 - dots] == '.')
		dots++;
	if (end == 0 || (end == 1 && *path == '/') ||
	    ((dots == 1 || dots == 2) && (dots == end || path[end - 1 - dots] == '/')))
		usage_error("refusing to remove '%s'", path);
}

static void read_options(int argc, char **argv)
{
	request.events = xmalloc((size_t)argc * sizeof *request.events);
	for (int c; (c = getopt_long(argc, argv, "l:w:i:u:c:j:e:t:h", long_options, NULL)) != -1;) {
		switch (c) {
		case 'l':
			request.lock = optarg;
			break;
		case 'w':
			request.patience = parse_number("--wait", optarg, 0, 1000000);
			break;
		case 'i':
			request.needed = optarg;
			break;
		case 'u':
			request.process = optarg;
			break;
		case 'c':
			request.claim = optarg;
			break;
		case 'j':
			request.journal = optarg;
			break;
		case 'e':
			request.events[request.event_count++] = optarg;
			break;
		case 't':
			request.time = optarg;
			break;
		case 'h':
			help(usage);
		default:
			usage_error("bad option");
		}
	}
	if (optind == argc)
		usage_error("which FILEs?");
	for (int i = optind; i < argc; i++)
		check_file(argv[i]);
	if (request.event_count && !request.journal)
		usage_error("--event: into which --journal?");
}

int main(int argc, char **argv)
{
	bool removed = true, first = false;

	tool = "discard";
	read_options(argc, argv);
	if (request.lock && !take_lock())
		return BUSY;
	if (request.needed && !is_there(request.needed))
		return 0;
	if (request.process && noted_process_is(AT_FDCWD, request.process))
		return BUSY;
	if (request.claim)
		claim();
	for (int i = optind; i < argc; i++) {
		bool gone = remove_tree(argv[i]);
		first = first || (gone && i == optind);
		removed = removed && gone;
	}
	if (first)
		write_events();
	return removed ? 0 : EXIT_TOOL;
}
