/*
 * A container's files, as Docker's inspect shows them. See skiff-files(5).
 */
#define _GNU_SOURCE
#include "describe.h"

#include "common.h"
#include "masks.h"

#include <ctype.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The files that several of the objects below are made of. */
struct container {
	const struct subject *subject;
	int dir, image; /* open, or -1 */
	struct file_words argv, limits, rights, setup;
	json_t *mounts;
};

/* A path below the container's directory. */
static json_t *path_of(const struct subject *subject, const char *name)
{
	return json_sprintf("%s/containers/%s/%s", subject->store, subject->id, name);
}

/* ---- numbers ---- */

/* The last LIMIT among the arguments; 0 if it was not given. */
static json_t *limit(const struct container *c, const char *option)
{
	const char *text = word_after(&c->limits, option);

	return json_integer(text ? strtoll(text, NULL, 10) : 0);
}

/* A size with a unit, in bytes; -1 is "without limit". TEXT has been checked when it was written.
 */
static json_t *bytes(const char *text)
{
	static const char units[] = "kmgtp";
	char *unit;
	double number = text ? strtod(text, &unit) : 0;

	if (!text || number < 0)
		return json_integer(text ? -1 : 0);
	unit += strspn(unit, " ");
	const char *found = *unit ? strchr(units, tolower((unsigned char)*unit)) : NULL;
	return json_integer(
		(json_int_t)(number * (found ? pow(1024, (double)(found - units + 1)) : 1)));
}

static json_t *size_limit(const struct container *c, const char *option)
{
	return bytes(word_after(&c->limits, option));
}

/* A duration as Go writes it (1h2m3.5s), in nanoseconds. */
static json_t *nanoseconds(const char *text)
{
	static const struct {
		const char *name;
		double size;
	} units[] = {{"ms", 1e6}, {"us", 1e3}, {"ns", 1}, {"h", 3600e9}, {"m", 60e9}, {"s", 1e9}};
	double sum = 0;

	while (text && *text) {
		char *unit;
		double number = strtod(text, &unit);
		size_t i = 0;

		while (i < 6 && strncmp(unit, units[i].name, strlen(units[i].name)) != 0)
			i++;
		if (i == 6)
			break;
		sum += number * units[i].size;
		text = unit + strlen(units[i].name);
	}
	return json_integer((json_int_t)sum);
}

/* ---- State ---- */

/* A result of a check: "START END STATUS", and its output from the next line on. */
static json_t *check_result(int checks, int number)
{
	char name[16], *data, *rest;
	size_t size;
	int fd;
	json_t *result;

	snprintf(name, sizeof(name), "result.%d", number);
	fd = openat(checks, name, O_RDONLY | O_CLOEXEC);
	data = fd < 0 ? NULL : try_read_all(fd, 1 << 20, &size);
	if (fd >= 0)
		close(fd);
	if (!data)
		return NULL;
	rest = data + strcspn(data, "\n");
	size -= (size_t)(rest - data);
	if (size)
		*rest++ = '\0', size--;
	const char *start = strtok(data, " "), *end = strtok(NULL, " "),
		   *status = strtok(NULL, " ");
	result = !status ? NULL
			 : json_pack("{s:o, s:o, s:I, s:o}", "Start", string_of(start), "End",
				     string_of(end), "ExitCode",
				     (json_int_t)strtoll(status, NULL, 10), "Output",
				     string_of_bytes(rest, size));
	free(data);
	return result;
}

/* The results from the oldest on: their files are written in turn. */
static json_t *health_of(int dir)
{
	int checks = open_below(dir, "checks");
	json_t *log = json_array(), *status = line_of(checks, "status"), *health;

	for (int number = 0; checks >= 0 && number < 5; number++) {
		json_t *result = check_result(checks, number);
		size_t at = json_array_size(log);

		if (!result)
			continue;
		while (at > 0 &&
		       strcmp(json_string_value(
				      json_object_get(json_array_get(log, at - 1), "Start")),
			      json_string_value(json_object_get(result, "Start"))) > 0)
			at--;
		json_array_insert_new(log, at, result);
	}
	if (!json_string_length(status))
		json_string_set(status, "starting");
	health = json_pack("{s:o, s:o, s:o}", "Status", status, "FailingStreak",
			   number_of(checks, "streak"), "Log", log);
	if (checks >= 0)
		close(checks);
	return health;
}

static json_t *time_of(int dir, const char *name)
{
	json_t *time = line_of(dir, name);

	if (!json_string_length(time))
		json_string_set(time, "0001-01-01T00:00:00Z");
	return time;
}

/* All of the file "error": it may have several lines. */
static json_t *error_of(int dir)
{
	struct file_words lines = file_lines(dir, "error");
	json_t *error;

	for (size_t i = 1; i < lines.count; i++)
		lines.at[i][-1] = '\n';
	error = string_of(lines.count ? lines.at[0] : "");
	free_words(&lines);
	return error;
}

static json_t *state_of(const struct container *c)
{
	const char *state = c->subject->state;
	bool paused = strcmp(c->subject->paused, "true") == 0;
	bool restarting = strcmp(state, "restarting") == 0;
	json_t *object =
		json_pack("{s:s, s:b, s:b, s:b, s:b, s:b, s:I, s:o, s:o, s:o, s:o}", "Status",
			  paused ? "paused" : state, "Running",
			  strcmp(state, "running") == 0 || restarting, "Paused", paused,
			  "Restarting", restarting, "OOMKilled", file_exists(c->dir, "oom-killed"),
			  "Dead", strcmp(state, "dead") == 0, "Pid",
			  (json_int_t)strtoll(c->subject->pid, NULL, 10), "ExitCode",
			  number_of(c->dir, "exit"), "Error", error_of(c->dir), "StartedAt",
			  time_of(c->dir, "started"), "FinishedAt", time_of(c->dir, "finished"));

	if (file_exists(c->dir, "health-test"))
		json_object_set_new(object, "Health", health_of(c->dir));
	return object;
}

/* ---- HostConfig ---- */

/* "NAME[:COUNT]" of the file "restart". */
static json_t *restart_policy(int dir)
{
	char *policy = file_line(dir, "restart"), *count = strchr(policy, ':');
	json_t *object;

	if (count)
		*count++ = '\0';
	object = json_pack("{s:s, s:I}", "Name", *policy ? policy : "no", "MaximumRetryCount",
			   (json_int_t)(count ? strtoll(count, NULL, 10) : 0));
	free(policy);
	return object;
}

/* Those of the mounts that the user gave by name or path: "SOURCE:TARGET[:ro]". */
static json_t *binds_of(const json_t *mounts)
{
	json_t *list = json_array(), *mount;
	size_t i;

	json_array_foreach(mounts, i, mount)
	{
		const char *source = json_string_value(json_object_get(mount, "Name"));
		if (json_is_true(json_object_get(mount, "Anonymous")))
			continue;
		if (!source)
			source = json_string_value(json_object_get(mount, "Source"));
		json_array_append_new(
			list,
			json_sprintf("%s:%s%s", source,
				     json_string_value(json_object_get(mount, "Destination")),
				     json_is_true(json_object_get(mount, "RW")) ? "" : ":ro"));
	}
	return list;
}

/* "KEY=VALUE" or "KEY<SEPARATOR>VALUE" strings as an object; of two with one key the later counts.
 */
static json_t *object_of(char **pairs, size_t count, char separator)
{
	json_t *object = json_object();

	for (size_t i = 0; i < count; i++) {
		char *value = strchr(pairs[i], separator);
		json_t *key = string_of_bytes(pairs[i], value ? (size_t)(value - pairs[i])
							      : strlen(pairs[i]));
		json_object_set_new(object, json_string_value(key),
				    string_of(value ? value + 1 : ""));
		json_decref(key);
	}
	return object;
}

static json_t *pairs_after(const struct file_words *words, const char *option, char separator)
{
	char **pairs = xmalloc((words->count + 1) * sizeof(*pairs));
	size_t count = 0;
	json_t *object;

	for (size_t i = 1; i < words->count; i++)
		if (strcmp(words->at[i - 1], option) == 0)
			pairs[count++] = words->at[i];
	object = object_of(pairs, count, separator);
	free(pairs);
	return object;
}

/* "NAME=SOFT[:HARD]"; -1 is "without limit". */
static json_t *ulimits_of(const struct file_words *rights)
{
	json_t *list = json_array();

	for (size_t i = 1; i < rights->count; i++) {
		const char *value = strchr(rights->at[i], '='), *hard;
		if (strcmp(rights->at[i - 1], "--ulimit") != 0 || !value)
			continue;
		hard = strchr(value, ':');
		json_array_append_new(
			list,
			json_pack("{s:o, s:I, s:I}", "Name",
				  string_of_bytes(rights->at[i], (size_t)(value - rights->at[i])),
				  "Hard", (json_int_t)strtoll((hard ? hard : value) + 1, NULL, 10),
				  "Soft", (json_int_t)strtoll(value + 1, NULL, 10)));
	}
	return list;
}

/* What follows KEYWORD in the lines of "dns", which are those of resolv.conf. */
static json_t *dns_of(int dir, const char *keyword)
{
	struct file_words lines = file_lines(dir, "dns");
	json_t *list = json_array();

	for (size_t i = 0; i < lines.count; i++) {
		char *next = lines.at[i], *word = strsep(&next, " ");
		if (strcmp(word, keyword) != 0)
			continue;
		while ((word = strsep(&next, " ")))
			json_array_append_new(list, string_of(word));
	}
	free_words(&lines);
	return list;
}

static bool has_word(const struct file_words *words, const char *word)
{
	for (size_t i = 0; i < words->count; i++)
		if (strcmp(words->at[i], word) == 0)
			return true;
	return false;
}

static json_t *text_after(const struct file_words *words, const char *option)
{
	const char *word = word_after(words, option);

	return string_of(word ? word : "");
}

static json_t *limits_of(const struct container *c)
{
	const char *cpus = word_after(&c->limits, "--cpus"),
		   *shm = word_after(&c->setup, "--shm-size");

	return json_pack("{s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "Memory",
			 size_limit(c, "--memory"), "MemorySwap", size_limit(c, "--memory-swap"),
			 "MemoryReservation", size_limit(c, "--memory-reservation"), "NanoCpus",
			 (json_int_t)(cpus ? strtod(cpus, NULL) * 1e9 : 0), "CpuShares",
			 limit(c, "--cpu-shares"), "CpuQuota", limit(c, "--cpu-quota"), "CpuPeriod",
			 limit(c, "--cpu-period"), "CpusetCpus",
			 text_after(&c->limits, "--cpuset-cpus"), "CpusetMems",
			 text_after(&c->limits, "--cpuset-mems"), "PidsLimit", limit(c, "--pids"),
			 "ShmSize", bytes(shm ? shm : "64m"));
}

/* The log is the shim's, whose arguments are in the file "shim". */
static json_t *log_config(int dir)
{
	struct file_words shim = file_lines(dir, "shim");
	const char *size = word_after(&shim, "--log-size"),
		   *files = word_after(&shim, "--log-files");
	json_t *options = json_object();

	if (size)
		json_object_set_new(options, "max-size", string_of(size));
	if (files)
		json_object_set_new(options, "max-file", string_of(files));
	free_words(&shim);
	return json_pack("{s:s, s:o}", "Type", file_exists(dir, "log-driver") ? "none" : "cri",
			 "Config", options);
}

/* A namespace's mode: that of the file NAME, OTHERWISE without one. */
static json_t *mode_of(int dir, const char *name, const char *otherwise)
{
	return file_exists(dir, name) ? line_of(dir, name) : json_string(otherwise);
}

/* Devices given by --device: a node of the root, and the rule of the control group beside it. */
static json_t *devices_of(const struct container *c)
{
	json_t *list = json_array(), *nodes = list_after(&c->setup, "--device"),
	       *rules = list_after(&c->limits, "--device");
	size_t others = json_array_size(rules) - json_array_size(nodes), i;
	json_t *node;

	json_array_foreach(nodes, i, node)
	{
		const char *rule = json_string_value(json_array_get(rules, i + others));
		char *host = xstrdup(json_string_value(node)), *inside = strchr(host, ':');
		const char *access = rule ? strrchr(rule, ' ') : NULL;

		if (inside)
			*inside++ = '\0';
		json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "PathOnHost",
						      string_of(host), "PathInContainer",
						      string_of(inside ? inside : host),
						      "CgroupPermissions",
						      string_of(access ? access + 1 : "rwm")));
		free(host);
	}
	json_decref(nodes);
	json_decref(rules);
	return list;
}

static json_t *security_of(const struct container *c)
{
	json_t *list = json_array();

	if (has_word(&c->rights, "--no-new-privs"))
		json_array_append_new(list, json_string("no-new-privileges"));
	if (!has_word(&c->rights, "--seccomp") && !has_word(&c->rights, "--privileged"))
		json_array_append_new(list, json_string("seccomp=unconfined"));
	return list;
}

/* Lines "ID ALIAS" as "/NAME:/OURS/ALIAS"; whoever has been removed has no name any more. */
static json_t *links_of(const struct container *c)
{
	struct file_words links = file_lines(c->dir, "links");
	char *ours = file_line(c->dir, "name");
	json_t *list = json_array();

	for (size_t i = 0; i < links.count; i++) {
		char *alias = links.at[i], *id = strsep(&alias, " "), *path, *name;
		path = xasprintf("containers/%s/name", id);
		name = file_line(c->subject->root, path);
		if (alias && *name)
			json_array_append_new(list, json_sprintf("/%s:/%s/%s", name, ours, alias));
		free(name);
		free(path);
	}
	free(ours);
	free_words(&links);
	return list;
}

/* Is PART among the "--defaults" of the root? */
static bool has_default(const struct container *c, const char *part)
{
	const char *defaults = word_after(&c->setup, "--defaults");

	return defaults && strstr(defaults, part);
}

/* What unshare-run covers; null, as in Docker, if that was not wanted. */
static json_t *masked_of(const struct container *c)
{
	json_t *list = json_array();
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	for (size_t i = 0; i < sizeof masked_paths / sizeof *masked_paths; i++)
		json_array_append_new(list, json_string(masked_paths[i]));
	for (long n = 0; n < cpus; n++) {
		char *path = xasprintf("/sys/devices/system/cpu/cpu%ld/thermal_throttle", n);
		if (access(path, F_OK) == 0)
			json_array_append_new(list, json_string(path));
		free(path);
	}
	if (has_default(c, "mask"))
		return list;
	json_decref(list);
	return json_null();
}

static json_t *protected_of(const struct container *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof read_only_paths / sizeof *read_only_paths; i++)
		json_array_append_new(list, json_string(read_only_paths[i]));
	if (has_default(c, "readonly"))
		return list;
	json_decref(list);
	return json_null();
}

/* Limits "PATH:RATE" of devices. */
static json_t *rates_of(const struct container *c, const char *option)
{
	json_t *list = json_array();

	for (size_t i = 1; i < c->limits.count; i++) {
		const char *path = c->limits.at[i], *rate = strrchr(path, ':');
		if (strcmp(c->limits.at[i - 1], option) == 0 && rate)
			json_array_append_new(list, json_pack("{s:o, s:o}", "Path",
							      string_of_bytes(path, (size_t)(rate -
											     path)),
							      "Rate", bytes(rate + 1)));
	}
	return list;
}

static json_t *host_config(const struct container *c)
{
	struct file_words hosts = file_lines(c->dir, "extra-hosts"),
			  annotations = file_strings(c->dir, "annotations");
	char *runtime = file_line(c->dir, "runtime"),
	     *group = file_line(c->subject->root, "cgroup");
	bool apart = file_exists(c->dir, "idmap");
	json_t *limits = limits_of(c);
	json_t *object =
		json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:b, s:o, s:o, s:b, s:b, "
			  "s:s, s:o, s:s}",
			  "Binds", binds_of(c->mounts), "NetworkMode", line_of(c->dir, "network"),
			  "PortBindings", port_bindings(c->dir), "RestartPolicy",
			  restart_policy(c->dir), "ExtraHosts", list_of(&hosts, 0), "Dns",
			  dns_of(c->dir, "nameserver"), "DnsSearch", dns_of(c->dir, "search"),
			  "DnsOptions", dns_of(c->dir, "options"), "CgroupParent", group,
			  "AutoRemove", file_exists(c->dir, "auto-remove"), "CapAdd",
			  list_after(&c->rights, "--cap-add"), "CapDrop",
			  list_after(&c->rights, "--cap-drop"), "Privileged",
			  has_word(&c->rights, "--privileged"), "ReadonlyRootfs",
			  has_word(&c->setup, "--read-only"), "UsernsMode",
			  apart ? "private" : "host", "IDMapping", line_of(c->dir, "idmap"),
			  "Runtime", *runtime ? runtime : "skiff");

	json_object_update(object, limits);
	json_decref(limits);
	json_object_set_new(object, "Devices", devices_of(c));
	json_object_set_new(object, "GroupAdd", list_after(&c->rights, "--group-add"));
	json_object_set_new(object, "SecurityOpt", security_of(c));
	json_object_set_new(object, "OomScoreAdj", number_of(c->dir, "oom-score"));
	json_object_set_new(object, "BlkioWeight", limit(c, "--blkio-weight"));
	json_object_set_new(object, "BlkioDeviceReadBps", rates_of(c, "--device-read-bps"));
	json_object_set_new(object, "BlkioDeviceWriteBps", rates_of(c, "--device-write-bps"));
	json_object_set_new(object, "BlkioDeviceReadIOps", rates_of(c, "--device-read-iops"));
	json_object_set_new(object, "BlkioDeviceWriteIOps", rates_of(c, "--device-write-iops"));
	json_object_set_new(object, "MaskedPaths", masked_of(c));
	json_object_set_new(object, "ReadonlyPaths", protected_of(c));
	json_object_set_new(object, "StorageOpt",
			    file_exists(c->dir, "storage-size")
				    ? json_pack("{s:o}", "size", line_of(c->dir, "storage-size"))
				    : json_null());
	json_object_set_new(object, "Links", links_of(c));
	json_object_set_new(object, "PidMode", mode_of(c->dir, "pid-mode", ""));
	json_object_set_new(object, "IpcMode", mode_of(c->dir, "ipc-mode", "private"));
	json_object_set_new(object, "UTSMode", mode_of(c->dir, "uts-mode", ""));
	json_object_set_new(object, "CgroupnsMode", mode_of(c->dir, "cgroup-mode", "private"));
	json_object_set_new(object, "LogConfig", log_config(c->dir));
	json_object_set_new(object, "Annotations",
			    object_of(annotations.at, annotations.count, '='));
	json_object_set_new(object, "Ulimits", ulimits_of(&c->rights));
	json_object_set_new(object, "Sysctls", pairs_after(&c->setup, "--sysctl", '='));
	json_object_set_new(object, "Tmpfs", pairs_after(&c->setup, "--tmpfs", ':'));
	free_words(&hosts);
	free_words(&annotations);
	free(runtime);
	free(group);
	return object;
}

/* ---- Config ---- */

static json_t *healthcheck_of(int dir)
{
	struct file_words test = file_strings(dir, "health-test"),
			  options = file_lines(dir, "health");
	const char *retries = word_after(&options, "--retries");
	json_t *command = list_of(&test, 0), *object;

	json_array_insert_new(command, 0, json_string("CMD"));
	object = json_pack("{s:o, s:o, s:o, s:o, s:o, s:I}", "Test", command, "Interval",
			   nanoseconds(word_after(&options, "--interval")), "Timeout",
			   nanoseconds(word_after(&options, "--timeout")), "StartPeriod",
			   nanoseconds(word_after(&options, "--start-period")), "StartInterval",
			   nanoseconds(word_after(&options, "--start-interval")), "Retries",
			   (json_int_t)(retries ? strtoll(retries, NULL, 10) : 0));
	free_words(&test);
	free_words(&options);
	return object;
}

/* {KEY: {}} for each line of a file: Docker's way to write a set. */
static json_t *set_of(int dir, const char *name)
{
	struct file_words lines = file_lines(dir, name);
	json_t *object = json_object();

	for (size_t i = 0; i < lines.count; i++)
		json_object_set_new(object, lines.at[i], json_object());
	free_words(&lines);
	return object;
}

static json_t *anonymous_volumes(const json_t *mounts)
{
	json_t *set = json_object(), *mount;
	size_t i;

	json_array_foreach(mounts, i, mount) if (json_is_true(json_object_get(mount, "Anonymous")))
		json_object_set_new(set, json_string_value(json_object_get(mount, "Destination")),
				    json_object());
	if (json_object_size(set))
		return set;
	json_decref(set);
	return json_null();
}

/*
 * Entrypoint and Cmd from the one list that is run: it begins with init, if that was wanted, and
 * the entry point, which is the container's own or else the image's.
 */
static void add_command(json_t *config, const struct container *c)
{
	struct file_words entry = file_exists(c->dir, "entrypoint")
					  ? file_strings(c->dir, "entrypoint")
					  : file_strings(c->image, "entrypoint");
	const struct file_words *argv = &c->argv;
	size_t from = argv->count > 1 && strcmp(argv->at[0], "/sbin/docker-init") == 0 ? 2 : 0,
	       i = 0;

	while (i < entry.count && from + i < argv->count &&
	       strcmp(entry.at[i], argv->at[from + i]) == 0)
		i++;
	bool apart = entry.count && *entry.at[0] && i == entry.count;
	json_object_set_new(config, "Cmd",
			    apart && from + i == argv->count
				    ? json_null()
				    : list_of(argv, from + (apart ? i : 0)));
	json_object_set_new(config, "Entrypoint", apart ? list_of(&entry, 0) : json_null());
	free_words(&entry);
}

/* The streams that run was attached to: those of the file "attach", or else all that there are. */
static void add_streams(json_t *config, int dir)
{
	char *attached = file_line(dir, "attach");
	bool named = file_exists(dir, "attach"), input = file_exists(dir, "stdin"),
	     attaches = named ? strstr(attached, "stdin") != NULL : input;

	json_object_set_new(config, "AttachStdin", json_boolean(attaches));
	json_object_set_new(config, "AttachStdout",
			    json_boolean(!named || strstr(attached, "stdout")));
	json_object_set_new(config, "AttachStderr",
			    json_boolean(!named || strstr(attached, "stderr")));
	json_object_set_new(config, "StdinOnce", json_boolean(input && attaches));
	free(attached);
}

static json_t *config_of(const struct container *c)
{
	struct file_words env = file_strings(c->dir, "env"),
			  labels = file_strings(c->dir, "labels");
	/* HOSTNAME, and TERM with a terminal, come first and are the engine's own. */
	size_t own = file_exists(c->dir, "tty") ? 2 : 1;
	json_t *object = json_pack(
		"{s:o, s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "Hostname",
		line_of(c->dir, "hostname"), "Domainname", line_of(c->dir, "domainname"), "User",
		text_after(&c->rights, "--user"), "Tty", file_exists(c->dir, "tty"), "OpenStdin",
		file_exists(c->dir, "stdin"), "Env", list_of(&env, own), "Image",
		line_of(c->dir, "image"), "Volumes", anonymous_volumes(c->mounts), "WorkingDir",
		text_after(&c->rights, "--cwd"), "ExposedPorts", set_of(c->dir, "exposed"),
		"Labels", object_of(labels.at, labels.count, '='), "StopSignal",
		line_of(c->dir, "stop-signal"), "StopTimeout", number_of(c->dir, "stop-timeout"));

	if (file_exists(c->dir, "health-test"))
		json_object_set_new(object, "Healthcheck", healthcheck_of(c->dir));
	json_object_set_new(object, "OnBuild", json_null()); /* an image's, never a container's */
	add_streams(object, c->dir);
	add_command(object, c);
	free_words(&env);
	free_words(&labels);
	return object;
}

/* ---- the rest ---- */

/* The layers of the root file system; the image has the lowest first. */
static json_t *graph_driver(const struct container *c)
{
	struct file_words layers = file_lines(c->image, "layers");
	char *lower = xstrdup("");
	json_t *object;

	for (size_t i = layers.count; i-- > 0;) {
		char *longer = xasprintf("%s%s%s/layers/%s/fs", lower, *lower ? ":" : "",
					 c->subject->store, layers.at[i]);
		free(lower);
		lower = longer;
	}
	object = json_pack("{s:s, s:{s:o, s:o, s:o}}", "Name", "overlay", "Data", "LowerDir",
			   string_of(lower), "UpperDir", path_of(c->subject, "rw/upper"), "WorkDir",
			   path_of(c->subject, "rw/work"));
	free(lower);
	free_words(&layers);
	return object;
}

/* Path, as Docker calls the program, and its arguments. */
static json_t *document(const struct container *c)
{
	const struct subject *subject = c->subject;
	char *image = file_line(c->dir, "image-id"), *name = file_line(c->dir, "name");
	json_t *object = json_pack(
		"{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s}", "Id",
		subject->id, "Created", line_of(c->dir, "created"), "Path",
		string_of(c->argv.count ? c->argv.at[0] : ""), "Args", list_of(&c->argv, 1),
		"State", state_of(c), "Image", json_sprintf("sha256:%s", image), "ResolvConfPath",
		path_of(subject, "resolv.conf"), "HostnamePath", path_of(subject, "hostname"),
		"HostsPath", path_of(subject, "hosts"), "LogPath",
		file_exists(c->dir, "log-driver") ? json_string("") : path_of(subject, "log"),
		"Name", json_sprintf("/%s", name), "RestartCount", number_of(c->dir, "restarts"),
		"Driver", "overlay", "Platform", "linux");

	json_object_set_new(object, "HostConfig", host_config(c));
	/* There are no profiles and labels of AppArmor and SELinux. */
	json_object_set_new(object, "AppArmorProfile", json_string(""));
	json_object_set_new(object, "MountLabel", json_string(""));
	json_object_set_new(object, "ProcessLabel", json_string(""));
	json_object_set_new(object, "GraphDriver", graph_driver(c));
	if (subject->size_rw) {
		json_object_set_new(object, "SizeRw",
				    json_integer(strtoll(subject->size_rw, NULL, 10)));
		json_object_set_new(object, "SizeRootFs",
				    json_integer(strtoll(subject->size_root, NULL, 10)));
	}
	json_object_set_new(object, "Config", config_of(c));
	json_object_set_new(object, "NetworkSettings", network_settings(subject, c->dir));
	free(image);
	free(name);
	return object;
}

/* Mounts as they are shown: that one is anonymous was only for us. */
static json_t *shown_mounts(json_t *mounts)
{
	json_t *mount;
	size_t i;

	json_array_foreach(mounts, i, mount) json_object_del(mount, "Anonymous");
	return mounts;
}

json_t *describe_container(const struct subject *subject)
{
	char *path = xasprintf("containers/%s", subject->id), *image;
	struct container c = {.subject = subject,
			      .dir = open_below(subject->root, path),
			      .image = -1};
	json_t *object = NULL;

	free(path);
	if (c.dir < 0)
		return NULL;
	image = file_line(c.dir, "image-id");
	path = xasprintf("images/%s", image);
	c.image = *image ? open_below(subject->root, path) : -1;
	free(path);
	free(image);
	c.argv = file_strings(c.dir, "argv");
	c.limits = file_lines(c.dir, "cgset");
	c.rights = file_lines(c.dir, "lockdown");
	c.setup = file_lines(c.dir, "unshare-run");
	c.mounts = mounts_of(c.dir, &c.setup);
	if (file_exists(c.dir, "created")) {
		object = document(&c);
		json_object_set(object, "Mounts", shown_mounts(c.mounts));
	}
	json_decref(c.mounts);
	free_words(&c.argv);
	free_words(&c.limits);
	free_words(&c.rights);
	free_words(&c.setup);
	close(c.dir);
	if (c.image >= 0)
		close(c.image);
	return object;
}
