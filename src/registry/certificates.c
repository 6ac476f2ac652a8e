/*
 * Certificates for one registry, where Docker has them: certs.d/HOST[:PORT]/ with any
 * NAME.crt (authorities to trust) and NAME.cert with NAME.key (who we are).
 */
#define _GNU_SOURCE
#include "registry.h"

#include "common.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CERTIFICATE_LIMIT = 1 << 20 };

static bool ends_in(const char *name, const char *end)
{
	size_t length = strlen(name), tail = strlen(end);

	return length > tail && !strcmp(name + length - tail, end);
}

/* Add the bytes of the file PATH to the authorities. */
static void add_authorities(struct certificates *found, const char *path)
{
	int fd = open_argument(path, 0);
	size_t size;
	char *text = read_all(fd, CERTIFICATE_LIMIT, &size, path);

	close(fd);
	char *more = xasprintf("%s%s\n", found->authorities ? found->authorities : "", text);
	free(found->authorities);
	free(text);
	found->authorities = more;
}

/* PATH is a certificate of ours: beside it there must be its key. */
static void set_client(struct certificates *found, const char *path)
{
	char *key = xasprintf("%.*s.key", (int)(strlen(path) - strlen(".cert")), path);

	if (access(key, F_OK))
		die("%s is for the certificate %s:", key, path);
	if (found->certificate)
		die_hint("leave one", "%s: another client certificate beside %s", path,
			 found->certificate);
	found->certificate = xstrdup(path);
	found->key = key;
}

/* What the directory PATH has; false if there is no such directory. */
static bool read_directory(struct certificates *found, const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);

	if (count < 0 && (errno == ENOENT || errno == ENOTDIR))
		return false;
	if (count < 0)
		die("%s:", path);
	for (int i = 0; i < count; i++) {
		char *file = xasprintf("%s/%s", path, entries[i]->d_name);
		if (ends_in(file, ".crt"))
			add_authorities(found, file);
		else if (ends_in(file, ".cert"))
			set_client(found, file);
		free(file);
		free(entries[i]);
	}
	free(entries);
	return true;
}

static void find_certificates(struct certificates *found, const char *host)
{
	const char *places[] = {"/etc/skiff/certs.d", "/etc/docker/certs.d"};
	const char *other = getenv("SKIFF_CERTS_DIR");
	bool there = false;

	/* A registry chooses the hosts that it sends us to: a name, nothing of a path. */
	if (*host == '.' || strchr(host, '/'))
		return;
	for (size_t i = 0; i < 2 && !there; i++) {
		char *path = xasprintf("%s/%s", other && *other ? other : places[i], host);
		there = read_directory(found, path);
		free(path);
	}
}

const struct certificates *certificates_for(const char *host)
{
	static struct certificates *all;

	for (struct certificates *known = all; known; known = known->next)
		if (!strcmp(known->host, host))
			return known;
	struct certificates *found = xmalloc(sizeof *found);
	*found = (struct certificates){.host = xstrdup(host), .next = all};
	find_certificates(found, host);
	all = found;
	return found;
}
