/* How hosts are spoken to: the settings file, the environment, the rules for loopback. */
#define _GNU_SOURCE
#include "registry.h"

#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char default_file[] = "/etc/skiff/registries";

long stall_timeout = 60;
const char *mirror_url;

static char **insecure;
static size_t insecure_count;

void allow_insecure(const char *host)
{
	insecure = xrealloc(insecure, (insecure_count + 1) * sizeof *insecure);
	insecure[insecure_count++] = xstrdup(host);
}

static void set_mirror(const char *where, const char *url)
{
	if (strncmp(url, "https://", 8) && strncmp(url, "http://", 7))
		die("%s: a mirror is a URL that starts with https:// or http://: %s", where, url);
	mirror_url = xstrdup(url);
}

/* One line "key value"; empty ones and those that start with # say nothing. */
static void set(const char *where, char *line)
{
	char *rest = NULL;
	const char *key = strtok_r(line, " \t\r", &rest);
	const char *value = key ? strtok_r(NULL, " \t\r", &rest) : NULL;

	if (!key || *key == '#')
		return;
	if (!value || strtok_r(NULL, " \t\r", &rest))
		die("%s: a line is a key and one value: '%s'", where, key);
	if (!strcmp(key, "mirror"))
		set_mirror(where, value);
	else if (!strcmp(key, "insecure"))
		allow_insecure(value);
	else if (!strcmp(key, "timeout"))
		stall_timeout = (long)parse_number(where, value, 1, 86400);
	else
		die("%s: unknown key: '%s' (there are mirror, insecure, timeout)", where, key);
}

static void read_settings(const char *file)
{
	int fd = open(file ? file : default_file, O_RDONLY | O_CLOEXEC);
	char *rest = NULL;

	if (fd < 0 && errno == ENOENT && !file)
		return;
	file = file ? file : default_file;
	if (fd < 0)
		die("%s:", file);
	char *text = read_all(fd, 1 << 20, NULL, file);
	close(fd);
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		set(file, line);
	free(text);
}

void load_settings(const char *file)
{
	const char *hosts = getenv("SKIFF_INSECURE_REGISTRIES");
	const char *mirror = getenv("SKIFF_REGISTRY_MIRROR");
	char *rest = NULL;

	read_settings(file);
	if (mirror && *mirror)
		set_mirror("SKIFF_REGISTRY_MIRROR", mirror);
	if (!hosts)
		return;
	char *copy = xstrdup(hosts);
	for (char *h = strtok_r(copy, " ", &rest); h; h = strtok_r(NULL, " ", &rest))
		allow_insecure(h);
	free(copy);
}

/* Length of HOST without ":port"; an IPv6 address is in brackets. */
static size_t name_length(const char *host)
{
	const char *end = *host == '[' ? strchr(host, ']') : NULL;

	return end ? (size_t)(end + 1 - host) : strcspn(host, ":");
}

bool is_loopback(const char *host)
{
	char name[16] = "";
	size_t length = name_length(host);
	struct in_addr address;

	if (length >= sizeof name)
		return false;
	memcpy(name, host, length);
	/* inet_pton: "127.evil.example" is a name like any other. */
	return !strcasecmp(name, "localhost") || !strcmp(name, "[::1]") ||
	       (inet_pton(AF_INET, name, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
}

bool is_insecure(const char *host)
{
	size_t length = name_length(host);

	for (size_t i = 0; i < insecure_count; i++)
		if (!strcasecmp(insecure[i], host) ||
		    (strlen(insecure[i]) == length && !strncasecmp(insecure[i], host, length)))
			return true;
	return is_loopback(host);
}
