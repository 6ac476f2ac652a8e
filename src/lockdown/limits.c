/* Resource limits and the out-of-memory score. */
#define _GNU_SOURCE
#include "lockdown.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *name;
	int resource;
} resources[] = {
	{"as", RLIMIT_AS},
	{"core", RLIMIT_CORE},
	{"cpu", RLIMIT_CPU},
	{"data", RLIMIT_DATA},
	{"fsize", RLIMIT_FSIZE},
	{"locks", RLIMIT_LOCKS},
	{"memlock", RLIMIT_MEMLOCK},
	{"msgqueue", RLIMIT_MSGQUEUE},
	{"nice", RLIMIT_NICE},
	{"nofile", RLIMIT_NOFILE},
	{"nproc", RLIMIT_NPROC},
	{"rss", RLIMIT_RSS},
	{"rtprio", RLIMIT_RTPRIO},
	{"rttime", RLIMIT_RTTIME},
	{"sigpending", RLIMIT_SIGPENDING},
	{"stack", RLIMIT_STACK},
};

static rlim_t parse_value(const char *name, const char *text)
{
	if (!strcmp(text, "-1") || !strcmp(text, "unlimited"))
		return RLIM_INFINITY;
	return parse_number(name, text, 0, INT64_MAX);
}

struct limit parse_limit(char *text)
{
	char *value = strchr(text, '='), *hard;

	if (!value)
		die("limit: not NAME=SOFT[:HARD]: '%s'", text);
	*value++ = '\0';
	hard = strchr(value, ':');
	if (hard)
		*hard++ = '\0';
	for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
		if (strcmp(resources[i].name, text) != 0)
			continue;
		struct limit limit = {.resource = resources[i].resource, .name = text};
		limit.value.rlim_cur = parse_value(text, value);
		limit.value.rlim_max = hard ? parse_value(text, hard) : limit.value.rlim_cur;
		if (limit.value.rlim_cur > limit.value.rlim_max)
			die("limit: %s: soft limit %s is above the hard limit %s", text, value,
			    hard);
		return limit;
	}
	die("limit: unknown name: '%s'", text);
}

void set_limit(const struct limit *limit)
{
	struct rlimit value = limit->value, old;

	if (!setrlimit(limit->resource, &value))
		return;
	if (errno != EPERM || getrlimit(limit->resource, &old))
		die("limit: %s:", limit->name);
	/* Only CAP_SYS_RESOURCE of the initial user namespace may raise a hard limit. */
	value.rlim_max = old.rlim_max;
	if (value.rlim_cur > value.rlim_max)
		value.rlim_cur = value.rlim_max;
	if (setrlimit(limit->resource, &value))
		die("limit: %s:", limit->name);
	warn("limit: %s: not permitted above %llu, which is used instead", limit->name,
	     (unsigned long long)value.rlim_max);
}

void set_oom_score(const char *value)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || !write_all(fd, value, strlen(value)))
		warn("oom_score_adj: %s:", value);
	if (fd >= 0)
		close(fd);
}
