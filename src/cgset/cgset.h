/*
 * The parts of cgset: hierarchy.c finds the host's control group file systems
 * and makes and joins groups, limits.c and devices.c set limits, control.c
 * freezes, kills and removes, figures.c reads.
 */
#ifndef CGSET_H
#define CGSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Options without a letter. Those of the --device-*-* family count up in this order. */
enum {
	OPTION_MEMORY_SWAP = 256,
	OPTION_MEMORY_RESERVATION,
	OPTION_CPUS,
	OPTION_CPU_QUOTA,
	OPTION_CPU_PERIOD,
	OPTION_CPUSET_CPUS,
	OPTION_CPUSET_MEMS,
	OPTION_PIDS,
	OPTION_BLKIO_WEIGHT,
	OPTION_READ_BPS,
	OPTION_WRITE_BPS,
	OPTION_READ_IOPS,
	OPTION_WRITE_IOPS,
	OPTION_DEVICE,
	OPTION_FD,
};

/* What limits a group. In v2 CPUACCT, DEVICES and FREEZER are not controllers. */
enum controller { CPU, CPUACCT, CPUSET, MEMORY, IO, PIDS, DEVICES, FREEZER, CONTROLLERS };

enum { MAX_HIERARCHIES = 16 };

/* A group is one directory in each hierarchy: in v2 there is only one, in v1 many. */
struct directory {
	const char *mount;    /* where the hierarchy is mounted */
	char *path;	      /* the group's directory in it */
	unsigned controllers; /* bit 1 << C for each controller C that it has */
	bool unified;	      /* cgroup v2 */
	bool made;	      /* by this process */
};

struct group {
	const char *name;
	char *mounts; /* the text that the directories' mount points are in */
	size_t count;
	struct directory directory[MAX_HIERARCHIES];
	/* v1 hierarchies without a controller of ours: others make groups of our names there. */
	size_t other_count;
	struct directory other[MAX_HIERARCHIES];
};

/* ---- hierarchy.c ---- */

/*
 * The group NAME on this host, whether it exists or not. Dies on a name that
 * is not a plain relative path, and on a host without control groups.
 */
void find_group(struct group *group, const char *name);
void free_group(struct group *group);

/* Let GROUP, found once, be the group NAME of the same host: quicker than to find it. */
void turn_to_group(struct group *group, const char *name);

/* The directory that has CONTROLLER, the v2 directory; NULL if there is none. */
struct directory *with_controller(struct group *group, enum controller controller);
struct directory *unified_directory(struct group *group);

/*
 * The directory by which the group's processes are found, frozen and killed:
 * v1's freezer, or v2's; NULL if there is no such group.
 */
struct directory *main_directory(struct group *group);

/*
 * Make the group where it does not exist, with the controllers in the bit set
 * REQUIRED; dies if one cannot be had. A group made here is removed again if
 * this process exits without keep_group().
 */
void make_group(struct group *group, unsigned required);
void keep_group(void);

/*
 * Move this process, which must have one thread, into the group; dies on
 * failure. With a descriptor number FD >= 0 the v2 hierarchy is not joined: its
 * directory is left open as FD (/dev/null if the host has no v2 hierarchy).
 */
void join_group(struct group *group, int fd);

/* Write VALUE to FILE of the group's DIRECTORY: false with errno on error. */
bool try_value(const struct directory *directory, const char *file, const char *value);

/* Write formatted text to FILE, or die with the file, the text and the rule that was broken. */
void put_value(const struct directory *directory, const char *file, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Content of FILE in directory PATH without its last newline, NULL with errno on error. */
char *get_value(const char *path, const char *file);

/* ---- control.c: each takes a group and returns false after a warning ---- */

bool freeze_group(struct group *group);
bool thaw_group(struct group *group);
bool kill_group(struct group *group);
bool remove_group(struct group *group);
bool print_processes(struct group *group);

/* How many processes there are in DIRECTORY and below; each is given to ACT, which may be NULL. */
size_t for_processes(const struct directory *directory, void (*act)(pid_t pid));

/* ---- devices.c ---- */

/* Devices of TYPE 'b', 'c' or 'a' (both) that may be made (1), read (2), written (4). */
struct device_rule {
	char type;
	int major, minor; /* -1: any */
	unsigned access;
};

/*
 * Parse TEXT, "default" or a rule such as "c 1:3 rwm", and append it to the
 * *COUNT rules in *RULES. Dies on anything else.
 */
void add_device_rules(struct device_rule **rules, size_t *count, const char *text);

/* Let the group use the devices of COUNT RULES and no others; dies on failure. */
void limit_devices(struct group *group, const struct device_rule *rules, size_t count);

/* ---- limits.c ---- */

struct rate {
	const char *v1_file, *v2_key;
	unsigned major, minor;
	uint64_t value; /* bytes or operations a second; 0: no limit */
};

/* Zero or NULL: not given. The words and their meaning are Docker's. */
struct limits {
	uint64_t memory, memory_reservation; /* bytes */
	int64_t memory_swap;		     /* bytes of memory and swap; -1: no limit */
	uint64_t nano_cpus, cpu_period;	     /* 1e-9 CPUs, microseconds */
	int64_t cpu_quota;		     /* microseconds; -1: no limit */
	uint64_t cpu_shares;
	const char *cpuset_cpus, *cpuset_mems;
	int64_t pids; /* -1: no limit */
	uint64_t blkio_weight;
	struct rate *rates;
	size_t rate_count;
	struct device_rule *devices;
	size_t device_count;
};

/* Set the limit of the option LETTER from its argument TEXT; false if it is no limit. */
bool set_limit(struct limits *limits, int letter, const char *text);

/* Die unless the limits fit each other and the machine. */
void check_limits(struct limits *limits);

/* The bit set of the controllers that the limits need. */
unsigned needed_controllers(const struct limits *limits);

/* Apply the limits to the group; dies on failure. */
void apply_limits(struct group *group, const struct limits *limits);

/* ---- figures.c ---- */

/*
 * Print "name value" for each of COUNT NAMES, or for all that this host has if
 * COUNT is 0. False after a warning if there is no such group or figure.
 */
bool print_figures(struct group *group, size_t count, char *const names[]);

/* Die unless all of COUNT NAMES are figures. */
void check_figures(size_t count, char *const names[]);

/*
 * Print the group's name and its figures, with tabs between: "-" for what this
 * host does not tell. Nothing if there is no such group.
 */
void print_row(struct group *group, size_t count, char *const names[]);

#endif
