/*
 * cgset: one control group, from making it to removing it, the same on cgroup
 * v1, v2 and hybrid hosts. "cgset run" is a link of a chain: it makes, limits
 * and joins a group and becomes the rest of its command line.
 */
#define _GNU_SOURCE
#include "cgset.h"
#include "common.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: cgset set [LIMITS] GROUP             make GROUP, limit it\n"
	"       cgset run [LIMITS] GROUP COMMAND...  the same, and become COMMAND in it\n"
	"       cgset check [LIMITS]                 find fault with the limits, do nothing\n"
	"       cgset stat GROUP [NAME...]           figures, one \"name value\" a line\n"
	"       cgset table NAME... <GROUPS          a line for each GROUP: it, and its figures\n"
	"       cgset procs|path GROUP...            process ids; directories\n"
	"       cgset freeze|thaw|kill|remove GROUP...\n"
	"GROUP is a path such as lab/one, below the root of every hierarchy.\n"
	"\n"
	"  -m, --memory SIZE            memory, 6m or more\n"
	"      --memory-swap SIZE|-1    memory and swap together (default: twice --memory)\n"
	"      --memory-reservation SIZE\n"
	"      --cpus N.N               CPU time, in CPUs\n"
	"      --cpu-quota US|-1, --cpu-period US   the same, in microseconds\n"
	"  -c, --cpu-shares N           weight against others: 2 to 262144, usual is 1024\n"
	"      --cpuset-cpus LIST, --cpuset-mems LIST   such as 0-2,4\n"
	"      --pids N|-1              processes and threads\n"
	"      --blkio-weight N         10 to 1000\n"
	"      --device-read-bps, --device-write-bps PATH:SIZE\n"
	"      --device-read-iops, --device-write-iops PATH:N\n"
	"      --device RULE            allow devices, and no others: \"c 1:3 rwm\", or "
	"\"default\"\n"
	"      --fd N                   run: leave the v2 group open as descriptor N, unjoined\n"
	"  -h, --help\n";

static const struct option options[] = {
	{"memory", required_argument, NULL, 'm'},
	{"memory-swap", required_argument, NULL, OPTION_MEMORY_SWAP},
	{"memory-reservation", required_argument, NULL, OPTION_MEMORY_RESERVATION},
	{"cpus", required_argument, NULL, OPTION_CPUS},
	{"cpu-quota", required_argument, NULL, OPTION_CPU_QUOTA},
	{"cpu-period", required_argument, NULL, OPTION_CPU_PERIOD},
	{"cpu-shares", required_argument, NULL, 'c'},
	{"cpuset-cpus", required_argument, NULL, OPTION_CPUSET_CPUS},
	{"cpuset-mems", required_argument, NULL, OPTION_CPUSET_MEMS},
	{"pids", required_argument, NULL, OPTION_PIDS},
	{"blkio-weight", required_argument, NULL, OPTION_BLKIO_WEIGHT},
	{"device-read-bps", required_argument, NULL, OPTION_READ_BPS},
	{"device-write-bps", required_argument, NULL, OPTION_WRITE_BPS},
	{"device-read-iops", required_argument, NULL, OPTION_READ_IOPS},
	{"device-write-iops", required_argument, NULL, OPTION_WRITE_IOPS},
	{"device", required_argument, NULL, OPTION_DEVICE},
	{"fd", required_argument, NULL, OPTION_FD},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* What the options said. */
struct request {
	struct limits limits;
	int fd; /* of --fd, -1 if not given */
};

/* ---- the verbs: each gets what follows the options, and returns false after a warning ---- */

static bool set(struct request *request, int argc, char **argv)
{
	struct group group;

	if (argc != 1)
		usage_error("set: one GROUP expected");
	check_limits(&request->limits);
	find_group(&group, argv[0]);
	make_group(&group, needed_controllers(&request->limits));
	apply_limits(&group, &request->limits);
	keep_group();
	free_group(&group);
	return true;
}

static bool run(struct request *request, int argc, char **argv)
{
	struct group group;

	if (argc < 2)
		usage_error("run: GROUP and COMMAND expected");
	check_limits(&request->limits);
	find_group(&group, argv[0]);
	make_group(&group, needed_controllers(&request->limits));
	apply_limits(&group, &request->limits);
	join_group(&group, request->fd);
	keep_group();
	chain(argv + 1);
}

static bool check(struct request *request, int argc, char **argv)
{
	(void)argv;
	if (argc)
		usage_error("check: takes limits only");
	check_limits(&request->limits);
	return true;
}

static bool stat_figures(struct request *request, int argc, char **argv)
{
	struct group group;

	(void)request;
	if (argc < 1)
		usage_error("stat: GROUP expected");
	find_group(&group, argv[0]);
	bool done = print_figures(&group, (size_t)argc - 1, argv + 1);
	free_group(&group);
	return done;
}

/* Many groups at once: finding the hierarchies takes longer than reading the figures. */
static bool table(struct request *request, int argc, char **argv)
{
	struct group group;
	size_t room = 0;
	char *line = NULL;

	(void)request;
	if (argc < 1)
		usage_error("table: NAME expected");
	check_figures((size_t)argc, argv);
	find_group(&group, "-");
	while (getline(&line, &room, stdin) > 0) {
		line[strcspn(line, "\n")] = '\0';
		turn_to_group(&group, line);
		print_row(&group, (size_t)argc, argv);
	}
	if (ferror(stdin))
		die("standard input:");
	free(line);
	free_group(&group);
	return true;
}

static bool print_path(struct group *group)
{
	if (!main_directory(group)) {
		warn("no such group: %s", group->name);
		return false;
	}
	for (size_t i = 0; i < group->count; i++)
		puts(group->directory[i].path);
	return true;
}

static const struct verb {
	const char *name;
	bool (*run)(struct request *request, int argc, char **argv);
	bool (*for_each)(struct group *group); /* instead of run: for each GROUP */
	bool limits;			       /* takes options */
} verbs[] = {
	{"set", set, NULL, true},
	{"run", run, NULL, true},
	{"check", check, NULL, true},
	{"stat", stat_figures, NULL, false},
	{"table", table, NULL, false},
	{"procs", NULL, print_processes, false},
	{"path", NULL, print_path, false},
	{"freeze", NULL, freeze_group, false},
	{"thaw", NULL, thaw_group, false},
	{"kill", NULL, kill_group, false},
	{"remove", NULL, remove_group, false},
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (!strcmp(name, verbs[i].name))
			return &verbs[i];
	usage_error("no such verb: %s", name);
}

/* Do the verb to every group named, even if one fails. */
static bool for_each(const struct verb *verb, int argc, char **argv)
{
	bool done = true;

	if (!argc)
		usage_error("%s: GROUP expected", verb->name);
	for (int i = 0; i < argc; i++) {
		struct group group;
		find_group(&group, argv[i]);
		done = verb->for_each(&group) && done;
		free_group(&group);
	}
	return done;
}

int main(int argc, char **argv)
{
	static struct request request = {.fd = -1};
	int letter;
	bool done;

	tool = "cgset";
	if (argc < 2)
		usage_error("VERB expected");
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))
		help(usage);
	const struct verb *verb = find_verb(argv[1]);
	argc--, argv++;
	opterr = 0;
	while ((letter = getopt_long(argc, argv, "+:m:c:h", options, NULL)) != -1) {
		if (letter == 'h')
			help(usage);
		if (letter == '?' || letter == ':')
			usage_error("%s: %s: %s", verb->name, argv[optind - 1],
				    letter == ':' ? "needs a value" : "no such option");
		if (!verb->limits || (letter == OPTION_FD && verb->run != run))
			usage_error("%s: takes no such option: %s", verb->name, argv[optind - 1]);
		if (letter == OPTION_FD)
			request.fd = (int)parse_number("--fd", optarg, 3, INT_MAX);
		else
			set_limit(&request.limits, letter, optarg);
	}
	argc -= optind, argv += optind;
	done = verb->run ? verb->run(&request, argc, argv) : for_each(verb, argc, argv);
	close_stdout();
	return done ? EXIT_SUCCESS : EXIT_TOOL;
}
