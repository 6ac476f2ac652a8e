/*
 * lockdown: give up what a process may do, then become the application.
 *
 * The last link of the chain. It runs inside the container's root directory,
 * where every file may be hostile, with all privileges still there; so it reads
 * all that it needs first, then drops things in the one order that works.
 */
#define _GNU_SOURCE
#include "lockdown.h"

#include "capability.h"
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static const char usage[] =
	"usage: lockdown [options] [COMMAND [ARG...]]\n"
	"Give up what a process may do, then become COMMAND.\n"
	"\n"
	"  -u, --user USER[:GROUP]   become this user; names by /etc/passwd and /etc/group\n"
	"      --group-add GROUP     one more supplementary group (with --user)\n"
	"      --cap-add NAME        keep a capability beyond the default ones, or ALL\n"
	"      --cap-drop NAME       give up one of the default capabilities, or ALL\n"
	"      --privileged          keep all capabilities\n"
	"      --ulimit NAME=SOFT[:HARD]  set a resource limit: nofile, nproc, core, ...\n"
	"  -n, --no-new-privs        set-user-ID programs and file capabilities give nothing\n"
	"      --seccomp FILE        install the filter that seccomp-compile made\n"
	"  -o, --oom-score-adj N     how soon the kernel kills this when memory runs out\n"
	"  -E, --env FILE            the environment: NUL-separated NAME=VALUE\n"
	"  -A, --argv FILE           more of the command: NUL-separated arguments\n"
	"  -C, --cwd DIR             working directory\n"
	"      --stderr N            descriptor N is the application's standard error;\n"
	"                            messages of lockdown go to the old one\n"
	"      --block-signals       COMMAND begins with all signals blocked: none is lost to an\n"
	"                            init that does not handle them yet\n"
	"  -T, --tty                 give the terminal on standard input to the user\n"
	"  -h, --help                print this\n"
	"\n"
	"FILE may be fd:N, descriptor N. All descriptors above 2 are closed.\n"
	"Exit status: 125 lockdown failed, 126 COMMAND cannot run, 127 it was not found.\n";

enum { MAX_BYTES = 16 << 20, MAX_REPEATED = 64 };

struct options {
	const char *user, *cwd, *oom_score, *environment, *seccomp;
	const char *groups[MAX_REPEATED];
	size_t group_count, limit_count;
	struct limit limits[MAX_REPEATED];
	uint64_t add, drop;
	bool no_new_privileges, give_tty, block_signals;
	int standard_error;
	char *environment_data, *argv_data;
	size_t environment_size, argv_size;
};

enum {
	OPTION_GROUP_ADD = 256,
	OPTION_CAP_ADD,
	OPTION_CAP_DROP,
	OPTION_PRIVILEGED,
	OPTION_ULIMIT,
	OPTION_SECCOMP,
	OPTION_STDERR,
	OPTION_BLOCK_SIGNALS,
};

static const struct option long_options[] = {
	{"user", required_argument, NULL, 'u'},
	{"group-add", required_argument, NULL, OPTION_GROUP_ADD},
	{"cap-add", required_argument, NULL, OPTION_CAP_ADD},
	{"cap-drop", required_argument, NULL, OPTION_CAP_DROP},
	{"privileged", no_argument, NULL, OPTION_PRIVILEGED},
	{"ulimit", required_argument, NULL, OPTION_ULIMIT},
	{"no-new-privs", no_argument, NULL, 'n'},
	{"seccomp", required_argument, NULL, OPTION_SECCOMP},
	{"oom-score-adj", required_argument, NULL, 'o'},
	{"env", required_argument, NULL, 'E'},
	{"argv", required_argument, NULL, 'A'},
	{"cwd", required_argument, NULL, 'C'},
	{"stderr", required_argument, NULL, OPTION_STDERR},
	{"block-signals", no_argument, NULL, OPTION_BLOCK_SIGNALS},
	{"tty", no_argument, NULL, 'T'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* Append the strings of FILE to DATA, a NUL after each. */
static void append_strings(const char *file, char **data, size_t *size)
{
	int fd = open_argument(file, O_RDONLY);
	size_t more;
	char *strings = read_all(fd, MAX_BYTES, &more, file);

	close(fd);
	if (more && strings[more - 1])
		more++; /* the NUL that read_all() puts there */
	*data = xrealloc(*data, *size + more);
	memcpy(*data + *size, strings, more);
	*size += more;
	free(strings);
}

static void check_oom_score(const char *text)
{
	uint64_t value;

	if (!is_number(text + (*text == '-'), 0, 1000, &value))
		die("oom-score-adj: not a number from -1000 to 1000: '%s'", text);
}

/* One option into OPTIONS. */
static void set_option(struct options *options, int option, char *value)
{
	switch (option) {
	case 'u':
		options->user = value;
		break;
	case OPTION_GROUP_ADD:
		if (options->group_count == MAX_REPEATED)
			die("more than %d groups", MAX_REPEATED);
		options->groups[options->group_count++] = value;
		break;
	case OPTION_CAP_ADD:
		options->add |= capability_mask(value);
		break;
	case OPTION_CAP_DROP:
		options->drop |= capability_mask(value);
		break;
	case OPTION_PRIVILEGED:
		options->add = CAPABILITY_ALL;
		break;
	case OPTION_ULIMIT:
		if (options->limit_count == MAX_REPEATED)
			die("more than %d limits", MAX_REPEATED);
		options->limits[options->limit_count++] = parse_limit(value);
		break;
	case 'n':
		options->no_new_privileges = true;
		break;
	case OPTION_SECCOMP:
		options->seccomp = value;
		break;
	case 'o':
		check_oom_score(value);
		options->oom_score = value;
		break;
	case 'E':
		options->environment = value;
		append_strings(value, &options->environment_data, &options->environment_size);
		break;
	case 'A':
		append_strings(value, &options->argv_data, &options->argv_size);
		break;
	case 'C':
		options->cwd = value;
		break;
	case OPTION_STDERR:
		options->standard_error = (int)parse_number("stderr", value, 0, INT_MAX);
		break;
	case OPTION_BLOCK_SIGNALS:
		options->block_signals = true;
		break;
	case 'T':
		options->give_tty = true;
		break;
	case 'h':
		help(usage);
	default:
		usage_error("wrong option");
	}
}

/* COMMAND with the strings of --argv behind it. */
static char **make_command(char *const operands[], int count, char *data, size_t size)
{
	size_t more;
	char **strings = split_strings(data, size, &more);
	char **command = xmalloc(((size_t)count + more + 1) * sizeof *command);

	memcpy(command, operands, (size_t)count * sizeof *command);
	memcpy(command + count, strings, (more + 1) * sizeof *command);
	free(strings);
	if (!*command)
		die("no command specified");
	return command;
}

/*
 * Let USER open /dev/stdout and its like: those open the pipe or terminal anew,
 * which takes being its owner. Only what has no name of its own elsewhere, no
 * device that others use too (CVE-2026-88264).
 */
static void give_standard_streams(uid_t uid, bool give_tty, int standard_error)
{
	int streams[] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, standard_error};

	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
		struct statfs fs;
		if (fstatfs(streams[i], &fs))
			continue;
		/* Failing is harmless: the open descriptor works as before. */
		if (fs.f_type == PIPEFS_MAGIC || (give_tty && fs.f_type == DEVPTS_SUPER_MAGIC))
			(void)!fchown(streams[i], uid, (gid_t)-1);
	}
}

/* Change directory if need be; true unless the rights are missing. */
static bool change_directory(const char *path)
{
	if (!path || !chdir(path))
		return true;
	if (errno != EACCES && errno != EPERM)
		die("working directory: %s:", path);
	return false;
}

/*
 * CVE-2024-21626: a descriptor of a host directory, reached through
 * /proc/self/fd, is a way out of the container. For a directory outside the
 * root getcwd(2) has no absolute path. (The C library's function hides that.)
 */
static void check_directory(void)
{
	char path[PATH_MAX];

	if (syscall(SYS_getcwd, path, sizeof path) < 0)
		die("working directory:");
	if (path[0] != '/')
		die("working directory: outside the root directory: %s", path);
}

static void become_user_in_directory(const struct user *user, const char *cwd)
{
	/* Root may be kept out by a network file system, the user by permissions: try both. */
	bool there = change_directory(cwd);

	if (user->group_count)
		become_user(user);
	if (!there && !change_directory(cwd))
		die("working directory: %s:", cwd);
	check_directory();
}

/*
 * "#!/proc/self/exe": what execve(2) takes for the interpreter is this program, in memory,
 * and it would execute the file again, and so on for ever. A chain starts it by a
 * descriptor, and the kernel says by what name a program was started.
 */
static void refuse_to_interpret(void)
{
	static const char memory[] = "/memfd:", descriptor[] = "/dev/fd/";
	const char *started_as = (const char *)getauxval(AT_EXECFN);
	char path[sizeof memory] = "";

	if (readlink("/proc/self/exe", path, sizeof path - 1) < 0 ||
	    memcmp(path, memory, sizeof memory - 1) != 0 || !started_as ||
	    !strncmp(started_as, descriptor, sizeof descriptor - 1))
		return;
	warn("exec: \"%s\": not a program, but would have this one run itself", started_as);
	exit(EXIT_CANNOT_RUN);
}

int main(int argc, char *argv[])
{
	struct options options = {.standard_error = -1};
	struct filter filter = {NULL, 0};
	struct user user;
	char **command;
	int option;

	tool = "lockdown";
	refuse_to_interpret();
	/* CVE-2016-9962: those inside must not get at us, nor at what we have open. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		die("prctl:");
	while ((option = getopt_long(argc, argv, "+u:no:E:A:C:Th", long_options, NULL)) != -1)
		set_option(&options, option, optarg);

	/* Read all. */
	command = make_command(argv + optind, argc - optind, options.argv_data, options.argv_size);
	if (options.seccomp)
		filter = read_filter(options.seccomp);
	if (options.group_count && !options.user)
		usage_error("--group-add goes with --user");
	if (options.user)
		find_user(options.user, &user);
	else
		current_user(&user);
	for (size_t i = 0; i < options.group_count; i++)
		add_group(&user, options.groups[i]);
	if (options.environment)
		environ = make_environment(options.environment_data, options.environment_size,
					   user.home);

	/* Drop all. */
	uint64_t keep = held_capabilities(capability_set(options.add, options.drop),
					  options.add == CAPABILITY_ALL ? 0 : options.add);
	if (options.oom_score)
		set_oom_score(options.oom_score);
	if (options.user)
		give_standard_streams(user.uid, options.give_tty, options.standard_error);
	for (size_t i = 0; i < options.limit_count; i++)
		set_limit(&options.limits[i]);
	drop_bounding(keep);
	become_user_in_directory(&user, options.cwd);
	drop_privileges(keep, options.no_new_privileges, &filter);
	become_application(command, options.standard_error, options.block_signals);
}
