/*
 * Limits: Docker's options, checked as Docker checks them, written as the files
 * of v1 or v2.
 */
#include "cgset.h"
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { MEMORY_MIN = 6 << 20, PERIOD = 100000 };

/* ---- parsing ---- */

/* Parse a number of at least MIN, or "-1". */
static int64_t parse_or_unlimited(const char *what, const char *text, uint64_t min)
{
	return strcmp(text, "-1") ? (int64_t)parse_number(what, text, min, INT64_MAX) : -1;
}

/* Parse a number of CPUs such as 1.5 into billionths. */
static uint64_t parse_cpus(const char *text)
{
	char *end;
	size_t length = strspn(text, "0123456789.");
	double cpus = strtod(text, &end);
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	if (!length || end != text + length || *end)
		die("--cpus: not a number such as 1.5: '%s'", text);
	if (cpus < 0.01 || cpus > (double)online)
		die("--cpus: '%s': from 0.01 to %ld, as this machine has %ld CPUs", text, online,
		    online);
	return (uint64_t)(cpus * 1e9 + 0.5);
}

/* Parse a list such as 0-2,4; what the numbers mean is for the kernel to judge. */
static const char *parse_list(const char *what, const char *text)
{
	if (!*text || text[strspn(text, "0123456789-,")])
		die("%s: not a list such as 0-2,4: '%s'", what, text);
	return text;
}

/* A list of CPUs; those that this machine does not have would be refused by the kernel at the
 * start. */
static const char *parse_cpu_list(const char *text)
{
	long count = sysconf(_SC_NPROCESSORS_CONF);

	parse_list("--cpuset-cpus", text);
	for (const char *at = text; *at; at += strcspn(at, "-,"), at += *at != '\0')
		if (strtol(at, NULL, 10) >= count)
			die("--cpuset-cpus: '%s': this machine has CPUs 0 to %ld", text, count - 1);
	return text;
}

/* Parse PATH:RATE, where PATH is a block device. */
static void add_rate(struct limits *limits, int letter, const char *text)
{
	static const struct {
		const char *option;
		struct rate rate;
	} kinds[] = {
		{"--device-read-bps", {"blkio.throttle.read_bps_device", "rbps", 0, 0, 0}},
		{"--device-write-bps", {"blkio.throttle.write_bps_device", "wbps", 0, 0, 0}},
		{"--device-read-iops", {"blkio.throttle.read_iops_device", "riops", 0, 0, 0}},
		{"--device-write-iops", {"blkio.throttle.write_iops_device", "wiops", 0, 0, 0}},
	};
	const char *option = kinds[letter - OPTION_READ_BPS].option;
	struct rate rate = kinds[letter - OPTION_READ_BPS].rate;
	char *path = xstrdup(text), *colon = strrchr(path, ':');
	struct stat status;

	if (!colon)
		die("%s: PATH:RATE expected: '%s'", option, text);
	*colon = '\0';
	if (stat(path, &status))
		die("%s: %s:", option, path);
	if (!S_ISBLK(status.st_mode))
		die("%s: not a block device: %s", option, path);
	rate.major = major(status.st_rdev);
	rate.minor = minor(status.st_rdev);
	rate.value = letter <= OPTION_WRITE_BPS ? parse_size(option, colon + 1)
						: parse_number(option, colon + 1, 0, UINT32_MAX);
	free(path);
	limits->rates = xrealloc(limits->rates, (limits->rate_count + 1) * sizeof *limits->rates);
	limits->rates[limits->rate_count++] = rate;
}

bool set_limit(struct limits *limits, int letter, const char *text)
{
	switch (letter) {
	case 'm':
		limits->memory = parse_size("--memory", text);
		break;
	case OPTION_MEMORY_SWAP:
		limits->memory_swap =
			strcmp(text, "-1") ? (int64_t)parse_size("--memory-swap", text) : -1;
		break;
	case OPTION_MEMORY_RESERVATION:
		limits->memory_reservation = parse_size("--memory-reservation", text);
		break;
	case OPTION_CPUS:
		limits->nano_cpus = parse_cpus(text);
		break;
	case OPTION_CPU_QUOTA:
		limits->cpu_quota = parse_or_unlimited("--cpu-quota", text, 1000);
		break;
	case OPTION_CPU_PERIOD:
		limits->cpu_period = parse_number("--cpu-period", text, 1000, 1000000);
		break;
	case 'c':
		limits->cpu_shares = parse_number("--cpu-shares", text, 0, 262144);
		break;
	case OPTION_CPUSET_CPUS:
		limits->cpuset_cpus = parse_cpu_list(text);
		break;
	case OPTION_CPUSET_MEMS:
		limits->cpuset_mems = parse_list("--cpuset-mems", text);
		break;
	case OPTION_PIDS:
		limits->pids = parse_or_unlimited("--pids", text, 0);
		if (!limits->pids)
			limits->pids = -1; /* as Docker has it */
		break;
	case OPTION_BLKIO_WEIGHT:
		limits->blkio_weight = parse_number("--blkio-weight", text, 10, 1000);
		break;
	case OPTION_READ_BPS ... OPTION_WRITE_IOPS:
		add_rate(limits, letter, text);
		break;
	case OPTION_DEVICE:
		add_device_rules(&limits->devices, &limits->device_count, text);
		break;
	default:
		return false;
	}
	return true;
}

void check_limits(struct limits *limits)
{
	const uint64_t memory = limits->memory;

	if (memory && memory < MEMORY_MIN)
		die("--memory: at least 6m: nothing starts in less");
	if (memory > INT64_MAX / 2)
		die("--memory: too large");
	if (limits->memory_swap && !memory)
		die("--memory-swap: needs --memory, as it is memory and swap together");
	if (limits->memory_swap > 0 && (uint64_t)limits->memory_swap < memory)
		die("--memory-swap: less than --memory, but it is memory and swap together");
	if (limits->memory_reservation > memory && memory)
		die("--memory-reservation: more than --memory");
	if (limits->nano_cpus && (limits->cpu_quota || limits->cpu_period))
		die("--cpus is --cpu-quota and --cpu-period in one: give it or them");
	/* As much swap as memory, unless told otherwise. */
	if (memory && !limits->memory_swap)
		limits->memory_swap = (int64_t)memory * 2;
	if (limits->nano_cpus) {
		limits->cpu_period = PERIOD;
		limits->cpu_quota = (int64_t)(limits->nano_cpus * PERIOD / 1000000000);
	}
}

unsigned needed_controllers(const struct limits *limits)
{
	unsigned set = 0;

	if (limits->memory || limits->memory_reservation)
		set |= 1U << MEMORY;
	if (limits->cpu_quota || limits->cpu_period || limits->cpu_shares)
		set |= 1U << CPU;
	if (limits->cpuset_cpus || limits->cpuset_mems)
		set |= 1U << CPUSET;
	if (limits->pids)
		set |= 1U << PIDS;
	if (limits->rate_count)
		set |= 1U << IO;
	return set;
}

/* ---- applying: each to the directory that has the controller ---- */

typedef unsigned long long ull;

/* Without swap accounting (swapaccount=0, CONFIG_SWAP=n) a limit of swap is only a wish. */
static void no_swap_limit(void)
{
	warn("memory is limited, swap is not: this kernel does not account for swap");
}

/*
 * v1 refuses (EINVAL) to have memory above memory and swap together at any
 * moment: on the way up the sum must be raised first.
 */
static void limit_memory_v1(const struct directory *directory, const struct limits *limits)
{
	static const char file[] = "memory.limit_in_bytes";
	static const char swap_file[] = "memory.memsw.limit_in_bytes";
	char memory[32], swap[32];
	bool lowered;

	snprintf(memory, sizeof memory, "%llu", (ull)limits->memory);
	snprintf(swap, sizeof swap, "%lld", (long long)limits->memory_swap);
	lowered = try_value(directory, file, memory);
	if (!try_value(directory, swap_file, swap)) {
		if (errno != ENOENT)
			put_value(directory, swap_file, "%s", swap);
		no_swap_limit();
	}
	if (!lowered)
		put_value(directory, file, "%s", memory);
}

static void limit_memory(const struct directory *directory, const struct limits *limits)
{
	if (limits->memory && !directory->unified)
		limit_memory_v1(directory, limits);
	if (limits->memory && directory->unified) {
		char swap[32] = "max";
		if (limits->memory_swap > 0)
			snprintf(swap, sizeof swap, "%llu",
				 (ull)limits->memory_swap - (ull)limits->memory);
		put_value(directory, "memory.max", "%llu", (ull)limits->memory);
		if (!try_value(directory, "memory.swap.max", swap)) {
			if (errno != ENOENT)
				put_value(directory, "memory.swap.max", "%s", swap);
			no_swap_limit();
		}
	}
	if (limits->memory_reservation)
		put_value(directory,
			  directory->unified ? "memory.low" : "memory.soft_limit_in_bytes", "%llu",
			  (ull)limits->memory_reservation);
}

/*
 * v1's shares (2 to 262144, 1024 usual) as v2's weight (1 to 10000, 100 usual):
 * the curve on which the two ends and the usual values meet, as OCI runtimes use it.
 */
static unsigned weight_of_shares(uint64_t shares)
{
	if (shares <= 2)
		return 1;
	if (shares >= 262144)
		return 10000;
	double l = log2((double)shares);
	return (unsigned)ceil(pow(10, (l * l + 125 * l) / 612 - 7.0 / 34));
}

static void limit_cpu(const struct directory *directory, const struct limits *limits)
{
	if (!directory->unified) {
		if (limits->cpu_shares)
			put_value(directory, "cpu.shares", "%llu", (ull)limits->cpu_shares);
		if (limits->cpu_period)
			put_value(directory, "cpu.cfs_period_us", "%llu", (ull)limits->cpu_period);
		if (limits->cpu_quota)
			put_value(directory, "cpu.cfs_quota_us", "%lld",
				  (long long)limits->cpu_quota);
		return;
	}
	if (limits->cpu_shares)
		put_value(directory, "cpu.weight", "%u", weight_of_shares(limits->cpu_shares));
	if (limits->cpu_quota || limits->cpu_period) {
		/* "QUOTA PERIOD": keep what was not given. */
		char *now = get_value(directory->path, "cpu.max"), quota[32], period[32];
		char *old_period = now ? strchr(now, ' ') : NULL;
		if (!old_period)
			die("%s/cpu.max:", directory->path);
		*old_period++ = '\0';
		snprintf(quota, sizeof quota, "%lld", (long long)limits->cpu_quota);
		snprintf(period, sizeof period, "%llu", (ull)limits->cpu_period);
		put_value(directory, "cpu.max", "%s %s",
			  limits->cpu_quota < 0 ? "max"
			  : limits->cpu_quota	? quota
						: now,
			  limits->cpu_period ? period : old_period);
		free(now);
	}
}

static void limit_cpuset(const struct directory *directory, const struct limits *limits)
{
	if (limits->cpuset_cpus)
		put_value(directory, "cpuset.cpus", "%s", limits->cpuset_cpus);
	if (limits->cpuset_mems)
		put_value(directory, "cpuset.mems", "%s", limits->cpuset_mems);
}

static void limit_pids(const struct directory *directory, const struct limits *limits)
{
	if (limits->pids > 0)
		put_value(directory, "pids.max", "%lld", (long long)limits->pids);
	else if (limits->pids < 0)
		put_value(directory, "pids.max", "max");
}

/* Weights need a scheduler that has them (bfq, iocost): without one, say so and go on. */
static void weigh_io(const struct directory *directory, uint64_t weight)
{
	char bfq[32], plain[32];
	bool v2 = directory && directory->unified;

	snprintf(bfq, sizeof bfq, "%llu", (ull)weight);
	snprintf(plain, sizeof plain, "%llu",
		 v2 ? 1 + ((ull)weight - 10) * 9999 / 990 : (ull)weight);
	if (!directory || (!try_value(directory, v2 ? "io.bfq.weight" : "blkio.bfq.weight", bfq) &&
			   !try_value(directory, v2 ? "io.weight" : "blkio.weight", plain)))
		warn("no I/O weight: this kernel has none");
}

static void limit_rate(const struct directory *directory, const struct rate *rate)
{
	if (!directory->unified)
		put_value(directory, rate->v1_file, "%u:%u %llu", rate->major, rate->minor,
			  (ull)rate->value);
	else if (rate->value)
		put_value(directory, "io.max", "%u:%u %s=%llu", rate->major, rate->minor,
			  rate->v2_key, (ull)rate->value);
	else
		put_value(directory, "io.max", "%u:%u %s=max", rate->major, rate->minor,
			  rate->v2_key);
}

void apply_limits(struct group *group, const struct limits *limits)
{
	const struct directory *io = with_controller(group, IO);
	unsigned needed = needed_controllers(limits);

	if (needed & 1U << MEMORY)
		limit_memory(with_controller(group, MEMORY), limits);
	if (needed & 1U << CPU)
		limit_cpu(with_controller(group, CPU), limits);
	if (needed & 1U << CPUSET)
		limit_cpuset(with_controller(group, CPUSET), limits);
	if (needed & 1U << PIDS)
		limit_pids(with_controller(group, PIDS), limits);
	if (limits->blkio_weight)
		weigh_io(io, limits->blkio_weight);
	for (size_t i = 0; i < limits->rate_count; i++)
		limit_rate(io, &limits->rates[i]);
	if (limits->device_count)
		limit_devices(group, limits->devices, limits->device_count);
}
