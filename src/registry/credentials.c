/*
 * What "docker login" leaves: user names and passwords in config.json, or in the
 * keeping of a credential helper.
 */
#define _GNU_SOURCE
#include "registry.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { CONFIG_FILE_LIMIT = 1 << 20 };

static const char hub_key[] = "https://index.docker.io/v1/";

const char *credentials_key(const char *host)
{
	return strcmp(host, "docker.io") ? host : hub_key;
}

bool credentials_key_matches(const char *key, const char *host)
{
	const char *after = strstr(key, "://");

	if (!strcmp(host, "docker.io"))
		return !strcmp(key, hub_key);
	if (after)
		key = after + 3;
	return strcspn(key, "/") == strlen(host) && !strncmp(key, host, strlen(host));
}

/* ---- base64 ---- */

char *encode_basic(const char *user, const char *password)
{
	char *plain = xasprintf("%s:%s", user, password);
	size_t length = strlen(plain);
	unsigned char *coded = xmalloc(length / 3 * 4 + 5);

	EVP_EncodeBlock(coded, (const unsigned char *)plain, (int)length);
	char *value = xasprintf("Basic %s", (const char *)coded);
	free(plain);
	free(coded);
	return value;
}

/* Take "auth" of the configuration apart: base64 of USER:PASSWORD. */
static bool decode_basic(const char *coded, struct credentials *credentials)
{
	size_t length = strlen(coded);
	char *plain = xmalloc(length + 1);
	int size =
		EVP_DecodeBlock((unsigned char *)plain, (const unsigned char *)coded, (int)length);
	char *colon;

	/* The padding counts as zero bytes: the string ends there by itself. */
	plain[size > 0 ? size : 0] = '\0';
	colon = strchr(plain, ':');
	if (colon) {
		*colon = '\0';
		credentials->user = xstrdup(plain);
		credentials->password = xstrdup(colon + 1);
	}
	free(plain);
	return colon;
}

/* ---- credential helpers ---- */

/* Start "NAME VERB" with both ends of its pipes; -1 if it does not start. */
static pid_t spawn_helper(const char *name, const char *verb, int *in, int *out)
{
	char *const argv[] = {(char *)name, (char *)verb, NULL};
	posix_spawn_file_actions_t actions;
	int to[2], from[2];
	pid_t pid;

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		die("pipe:");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
	errno = posix_spawnp(&pid, name, &actions, NULL, argv, environ);
	if (errno) {
		warn("credential helper %s:", name);
		pid = -1;
	}
	posix_spawn_file_actions_destroy(&actions);
	close(to[0]);
	close(from[1]);
	*in = to[1];
	*out = from[0];
	return pid;
}

/* Write TEXT to the helper's pipe IN and close it. A helper that does not read it must not end us.
 */
static void tell_helper(int in, const char *text)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;

	sigaction(SIGPIPE, &ignore, &before);
	(void)write_all(in, text, strlen(text));
	sigaction(SIGPIPE, &before, NULL);
	close(in);
}

char *run_helper(const char *suffix, const char *verb, const char *input, size_t *size)
{
	char *name = xasprintf("docker-credential-%s", suffix), *text = NULL;
	int in, out, status = -1;

	/* A name, no path: found along PATH like any command. */
	if (strchr(suffix, '/'))
		die("credential helper: not a name: '%s'", suffix);
	pid_t pid = spawn_helper(name, verb, &in, &out);
	if (pid >= 0) {
		tell_helper(in, input);
		text = read_all(out, CONFIG_FILE_LIMIT, size, name);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	} else {
		close(in);
	}
	close(out);
	free(name);
	if (status == 0)
		return text;
	/* By custom the reason is on its standard output; that there is nothing to get is none. */
	if (text && *text && strcmp(verb, "get") != 0)
		warn("docker-credential-%s %s: %.*s", suffix, verb, (int)strcspn(text, "\n"), text);
	free(text);
	return NULL;
}

/*
 * Ask docker-credential-SUFFIX for KEY: the key on its standard input, JSON on
 * its standard output. No secret is ever on a command line.
 */
static bool ask_helper(const char *suffix, const char *key, struct credentials *credentials)
{
	char *line = xasprintf("%s\n", key);
	size_t size = 0;
	char *text = run_helper(suffix, "get", line, &size);
	json_t *json = text ? json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const char *user = json_string_value(json_object_get(json, "Username"));
	const char *secret = json_string_value(json_object_get(json, "Secret"));
	bool found = user && secret;

	if (found && !strcmp(user, "<token>")) {
		credentials->identity_token = xstrdup(secret);
	} else if (found) {
		credentials->user = xstrdup(user);
		credentials->password = xstrdup(secret);
	}
	json_decref(json);
	free(text);
	free(line);
	return found;
}

/* ---- the configuration ---- */

char *config_path(void)
{
	const char *directory = getenv("DOCKER_CONFIG"), *home = getenv("HOME");

	if (directory && *directory)
		return xasprintf("%s/config.json", directory);
	return xasprintf("%s/.docker/config.json", home ? home : "");
}

json_t *load_config(char **bytes)
{
	char *path = config_path();
	json_error_t error;
	size_t size;

	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
		die("%s:", path);
	if (fd < 0) {
		free(path);
		return NULL;
	}
	char *text = read_all(fd, CONFIG_FILE_LIMIT, &size, path);
	close(fd);
	if (strspn(text, " \t\r\n") == size) { /* an empty file is none, to Docker too */
		free(text);
		free(path);
		return NULL;
	}
	json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	if (!json) /* the error's text may show a secret: only the place */
		die("%s: not JSON, at line %d", path, error.line);
	free(path);
	if (bytes)
		*bytes = text;
	else
		free(text);
	return json;
}

const char *credential_helper(const json_t *config, const char *host)
{
	const char *helper = json_string_value(
		json_object_get(json_object_get(config, "credHelpers"), credentials_key(host)));

	if (!helper)
		helper = json_string_value(json_object_get(config, "credsStore"));
	return helper && *helper ? helper : NULL;
}

bool find_credentials(const char *host, struct credentials *credentials)
{
	json_t *config = load_config(NULL), *auths = json_object_get(config, "auths"), *entry;
	const char *helper = credential_helper(config, host), *key;
	bool found = helper && ask_helper(helper, credentials_key(host), credentials);

	json_object_foreach(auths, key, entry)
	{
		if (found || !credentials_key_matches(key, host))
			continue;
		const char *token = json_string_value(json_object_get(entry, "identitytoken"));
		const char *basic = json_string_value(json_object_get(entry, "auth"));
		credentials->identity_token = token && *token ? xstrdup(token) : NULL;
		if (basic && *basic && !decode_basic(basic, credentials))
			die("credentials for %s: \"auth\" is not base64 of user:password", host);
		found = credentials->identity_token || credentials->user;
	}
	json_decref(config);
	return found;
}
