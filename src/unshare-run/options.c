/* The command line of unshare-run. */
#define _GNU_SOURCE
#include "unshare-run.h"

#include "common.h"

#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static const char usage[] =
	"usage: unshare-run [OPTION]... COMMAND [ARG]...\n"
	"Create or join namespaces, build and enter a root, become COMMAND.\n\n"
	"Namespaces (long form =FILE: join that: as /proc/1/ns/net, fd:N, PID:START)\n"
	"  -m --mount  -u --uts  -i --ipc  -n --net  -p --pid  -U --user  -C --cgroup  -T --time\n"
	"  -a, --all                 all that the kernel has and that are not joined\n"
	"  -j, --join PID[:START]    join all namespaces of that process (or a FILE with both)\n"
	"  -M, --map IN:OUT:COUNT    user and group ids of the user namespace; also\n"
	"                            --uid-map, --gid-map; default 0:OWN:1\n"
	"Root (directories are made in it as needed; order of options is order of mounts)\n"
	"  -r, --root DIR|fd:N       new root: a directory or a detached mount\n"
	"      --defaults LIST       of mounts,devices,mask,readonly (none)\n"
	"      --rw-sys              /sys writable   --all-devices  all of the host's /dev\n"
	"      --shm-size SIZE       of /dev/shm (64m)\n"
	"      --bind SRC DST        mount SRC of the host (or fd:N) at DST\n"
	"      --ro-bind SRC DST     the same, read-only\n"
	"      --propagation P       of the next bind: [r]private, [r]slave, [r]shared\n"
	"      --recursive MODE      of the next bind: yes, no, writable (what is mounted below)\n"
	"      --subpath PATH        of the next bind: this part of SRC, looked up inside it\n"
	"      --tmpfs DST[:OPTIONS]\n"
	"      --device HOST[:DST[:rwm]]\n"
	"      --mkdir DIR           make a directory\n"
	"      --read-only           the root itself read-only\n"
	"      --dockerenv           make /.dockerenv\n"
	"Settings\n"
	"      --hostname NAME       --domainname NAME      --sysctl KEY=VALUE\n"
	"Running\n"
	"      --carry               run the host's COMMAND, as a sealed copy in memory\n"
	"      --seal N              pass on a sealed copy of the file open as N\n"
	"      --pid-file FILE       write \"PID STARTTIME\", leave COMMAND to our parent\n"
	"      --start FIFO          begin COMMAND when FIFO (made if missing) is opened\n"
	"  -t, --tty FILE            new terminal, its master sent to the socket FILE (fd:N)\n"
	"      --stderr N            this descriptor gets the terminal, too\n"
	"      --cgroup-fd N         begin in the cgroup v2 group whose directory is open as N\n"
	"  -h, --help\n";

enum {
	UID_MAP = 256,
	GID_MAP,
	DEFAULTS,
	RW_SYS,
	ALL_DEVICES,
	SHM_SIZE,
	BIND_RW,
	BIND_RO,
	PROPAGATION,
	RECURSIVE,
	SUBPATH,
	TMPFS_AT,
	DEVICE_AT,
	MKDIR,
	READ_ONLY,
	DOCKERENV,
	HOSTNAME,
	DOMAINNAME,
	SYSCTL,
	CARRY,
	SEAL,
	PID_FILE,
	START,
	STDERR,
	CGROUP_FD
};

static const struct option options[] = {
	{"mount", optional_argument, NULL, 'm'},
	{"uts", optional_argument, NULL, 'u'},
	{"ipc", optional_argument, NULL, 'i'},
	{"net", optional_argument, NULL, 'n'},
	{"pid", optional_argument, NULL, 'p'},
	{"user", optional_argument, NULL, 'U'},
	{"cgroup", optional_argument, NULL, 'C'},
	{"time", optional_argument, NULL, 'T'},
	{"all", no_argument, NULL, 'a'},
	{"join", required_argument, NULL, 'j'},
	{"map", required_argument, NULL, 'M'},
	{"uid-map", required_argument, NULL, UID_MAP},
	{"gid-map", required_argument, NULL, GID_MAP},
	{"root", required_argument, NULL, 'r'},
	{"defaults", required_argument, NULL, DEFAULTS},
	{"rw-sys", no_argument, NULL, RW_SYS},
	{"all-devices", no_argument, NULL, ALL_DEVICES},
	{"shm-size", required_argument, NULL, SHM_SIZE},
	{"bind", required_argument, NULL, BIND_RW},
	{"ro-bind", required_argument, NULL, BIND_RO},
	{"propagation", required_argument, NULL, PROPAGATION},
	{"recursive", required_argument, NULL, RECURSIVE},
	{"subpath", required_argument, NULL, SUBPATH},
	{"tmpfs", required_argument, NULL, TMPFS_AT},
	{"device", required_argument, NULL, DEVICE_AT},
	{"mkdir", required_argument, NULL, MKDIR},
	{"read-only", no_argument, NULL, READ_ONLY},
	{"dockerenv", no_argument, NULL, DOCKERENV},
	{"hostname", required_argument, NULL, HOSTNAME},
	{"domainname", required_argument, NULL, DOMAINNAME},
	{"sysctl", required_argument, NULL, SYSCTL},
	{"carry", no_argument, NULL, CARRY},
	{"seal", required_argument, NULL, SEAL},
	{"pid-file", required_argument, NULL, PID_FILE},
	{"start", required_argument, NULL, START},
	{"tty", required_argument, NULL, 't'},
	{"stderr", required_argument, NULL, STDERR},
	{"cgroup-fd", required_argument, NULL, CGROUP_FD},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* ---- the values of options ---- */

/* Add INSIDE:OUTSIDE:COUNT to the map *LINES, in the form of /proc/PID/uid_map. */
static void add_map(char **lines, const char *text)
{
	uint64_t number[3] = {0};
	char *copy = xstrdup(text), *rest = copy, *joined;

	for (int i = 0; i < 3; i++) {
		char *field = strsep(&rest, ":");
		number[i] = parse_number("id map", field ? field : "", i == 2, UINT32_MAX);
	}
	if (rest)
		usage_error("id map: not INSIDE:OUTSIDE:COUNT: '%s'", text);
	joined =
		xasprintf("%s%llu %llu %llu\n", *lines ? *lines : "", (unsigned long long)number[0],
			  (unsigned long long)number[1], (unsigned long long)number[2]);
	free(*lines);
	free(copy);
	*lines = joined;
}

static unsigned parse_defaults(char *list)
{
	static const char *const words[] = {"mounts", "devices", "mask", "readonly"};
	unsigned set = 0;
	char *word;

	while ((word = strsep(&list, ","))) {
		unsigned i = 0;

		while (i < 4 && strcmp(word, words[i]) != 0)
			i++;
		if (i == 4)
			usage_error("--defaults: not one of mounts,devices,mask,readonly: '%s'",
				    word);
		set |= 1U << i;
	}
	return set;
}

static uint64_t parse_propagation(const char *word)
{
	static const struct {
		const char *word;
		uint64_t flag;
	} known[] = {{"private", MS_PRIVATE}, {"slave", MS_SLAVE}, {"shared", MS_SHARED}};
	const char *name = *word == 'r' ? word + 1 : word;

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(name, known[i].word))
			return known[i].flag;
	usage_error("--propagation: not rprivate, rslave or rshared: '%s'", word);
}

/* Add a request; TARGET must be an absolute path and not the root itself. */
static struct request *add_request(struct plan *plan, int kind, const char *target)
{
	struct request *request;

	if (!target || *target != '/' || !target[strspn(target, "/.")])
		usage_error("not an absolute path below the root: '%s'", target ? target : "");
	plan->requests = xrealloc(plan->requests, (plan->request_count + 1) * sizeof *request);
	request = &plan->requests[plan->request_count++];
	*request = (struct request){.kind = kind, .target = target, .tree = -1};
	return request;
}

/* HOST[:DST[:rwm]]: who may do what with it is the control group's business. */
static void add_device_request(struct plan *plan, char *text)
{
	char *source = strsep(&text, ":"), *target = strsep(&text, ":");

	if (text && (!*text || text[strspn(text, "rwm")]))
		usage_error("--device: not a permission out of rwm: '%s'", text);
	add_request(plan, DEVICE, target ? target : source)->source = source;
}

static void add_sysctl(struct plan *plan, const char *setting)
{
	size_t count = 0;

	while (plan->sysctls && plan->sysctls[count])
		count++;
	plan->sysctls = xrealloc(plan->sysctls, (count + 2) * sizeof *plan->sysctls);
	plan->sysctls[count] = setting;
	plan->sysctls[count + 1] = NULL;
}

/* ---- options by theme: each returns false for one that is not its own ---- */

static bool namespace_option(struct plan *plan, int option)
{
	static const char letters[] = "UmuinpCT"; /* in the order of kinds[] */
	const char *found = strchr(letters, option);

	if (option < 256 && found) {
		int i = (int)(found - letters);

		plan->files[i] = optarg;
		*(optarg ? &plan->join : &plan->create) |= kinds[i].flag;
		return true;
	}
	switch (option) {
	case 'a':
		for (int i = 0; i < KINDS; i++) {
			char *path = xasprintf("/proc/self/ns/%s", kinds[i].name);
			if (!access(path, F_OK))
				plan->create |= kinds[i].flag;
			free(path);
		}
		return true;
	case 'j':
		plan->process = optarg;
		return true;
	case 'M':
		add_map(&plan->uid_map, optarg);
		add_map(&plan->gid_map, optarg);
		return true;
	case UID_MAP:
		add_map(&plan->uid_map, optarg);
		return true;
	case GID_MAP:
		add_map(&plan->gid_map, optarg);
		return true;
	default:
		return false;
	}
}

/* --bind SRC DST, with what was said about it before. */
static void add_bind(struct plan *plan, const struct request *modifiers, bool read_only, int argc,
		     char **argv)
{
	struct request *request;

	if (optind >= argc)
		usage_error("--bind and --ro-bind take two operands: SRC DST");
	const char *source = optarg, *target = argv[optind++];
	request = add_request(plan, BIND, target);
	*request = *modifiers;
	request->target = target;
	request->source = source;
	request->read_only = read_only;
}

static bool mount_option(struct plan *plan, int option, int argc, char **argv)
{
	static const struct request plain = {.kind = BIND,
					     .tree = -1,
					     .below = true,
					     .propagation = MS_PRIVATE};
	static struct request next = {.kind = BIND,
				      .tree = -1,
				      .below = true,
				      .propagation = MS_PRIVATE};
	char *options_at;

	switch (option) {
	case BIND_RW:
	case BIND_RO:
		add_bind(plan, &next, option == BIND_RO, argc, argv);
		next = plain;
		return true;
	case PROPAGATION:
		next.propagation = parse_propagation(optarg);
		return true;
	case RECURSIVE:
		if (strcmp(optarg, "yes") != 0 && strcmp(optarg, "no") != 0 &&
		    strcmp(optarg, "writable") != 0)
			usage_error("--recursive: yes, no or writable, not '%s'", optarg);
		next.below = *optarg != 'n';
		next.writable_below = *optarg == 'w';
		return true;
	case SUBPATH:
		next.subpath = optarg;
		return true;
	case TMPFS_AT:
		options_at = strchr(optarg, ':');
		if (options_at)
			*options_at++ = '\0';
		add_request(plan, TMPFS, optarg)->options = options_at;
		return true;
	case DEVICE_AT:
		add_device_request(plan, optarg);
		return true;
	case MKDIR:
		add_request(plan, DIRECTORY, optarg);
		return true;
	default:
		return false;
	}
}

static bool root_option(struct plan *plan, int option)
{
	switch (option) {
	case 'r':
		plan->root = optarg;
		return true;
	case DEFAULTS:
		plan->defaults = parse_defaults(optarg);
		return true;
	case RW_SYS:
		plan->rw_sys = true;
		return true;
	case ALL_DEVICES:
		plan->all_devices = true;
		return true;
	case SHM_SIZE:
		plan->shm_size =
			xasprintf("%llu", (unsigned long long)parse_size("--shm-size", optarg));
		return true;
	case READ_ONLY:
		plan->read_only = true;
		return true;
	case DOCKERENV:
		plan->dockerenv = true;
		return true;
	default:
		return false;
	}
}

static bool run_option(struct plan *plan, int option)
{
	switch (option) {
	case HOSTNAME:
		plan->hostname = optarg;
		return true;
	case DOMAINNAME:
		plan->domainname = optarg;
		return true;
	case SYSCTL:
		add_sysctl(plan, optarg);
		return true;
	case CARRY:
		plan->carry = true;
		return true;
	case SEAL:
		seal_descriptor((int)parse_number("--seal", optarg, 3, INT_MAX));
		return true;
	case PID_FILE:
		plan->pid_file = optarg;
		return true;
	case START:
		plan->start = optarg;
		return true;
	case 't':
		plan->tty = open_argument(optarg, O_RDWR);
		return true;
	case STDERR:
		plan->tty_copy = (int)parse_number("--stderr", optarg, 0, INT_MAX);
		return true;
	case CGROUP_FD:
		take_group(plan, (int)parse_number("--cgroup-fd", optarg, 3, INT_MAX));
		return true;
	case 'h':
		help(usage);
	default:
		return false;
	}
}

/* What cannot work is refused before anything is made. */
static void check_plan(const struct plan *plan)
{
	bool mounts = plan->root || plan->defaults || plan->request_count || plan->read_only ||
		      plan->all_devices || plan->dockerenv;

	if (!plan->command[0])
		usage_error("no command");
	if (mounts && !plan->process && !((plan->create | plan->join) & CLONE_NEWNS))
		usage_error("a root and mounts need a mount namespace: --mount");
	if ((plan->hostname || plan->domainname) && !(plan->create & CLONE_NEWUTS))
		usage_error("--hostname and --domainname need a namespace of their own: --uts");
	if ((plan->uid_map || plan->gid_map) && !(plan->create & CLONE_NEWUSER))
		usage_error("--map needs a user namespace: --user");
	if (plan->read_only && !plan->root)
		usage_error("--read-only needs --root");
}

void read_options(struct plan *plan, int argc, char **argv)
{
	int option;

	*plan = (struct plan){.root_tree = -1,
			      .start_fd = -1,
			      .tty = -1,
			      .tty_copy = -1,
			      .command_fd = -1,
			      .group = -1};
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:muinpUCTaj:M:r:t:h", options, NULL)) != -1) {
		if (option == ':')
			usage_error("%s: an operand is missing", argv[optind - 1]);
		if (option == '?')
			usage_error("unknown option: %s", argv[optind - 1]);
		if (!namespace_option(plan, option) && !mount_option(plan, option, argc, argv) &&
		    !root_option(plan, option))
			run_option(plan, option);
	}
	plan->create &= ~plan->join;
	plan->arguments = argv;
	plan->command = argv + optind;
	check_plan(plan);
}
