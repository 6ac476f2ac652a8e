/*
 * credential: keep the user names and passwords of registries where docker login keeps
 * them, after the registry has said that they are good. A password comes on standard
 * input and goes to no command line.
 */
#define _GNU_SOURCE
#include "credential.h"

#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"usage: credential VERB [OPTION]... [HOST]\n"
	"\n"
	"  user [HOST]     print the user name that is kept for a registry\n"
	"  check [HOST]    ask the registry whether what is kept is good\n"
	"  store [HOST]    read the user name (a line) and the password (the rest) from standard\n"
	"                  input; if the registry takes them keep them, and print where\n"
	"  erase [HOST]    forget them; print what they were kept by, if there were any\n"
	"\n"
	"      --insecure HOST   allow HTTP and unknown certificates for HOST\n"
	"      --config FILE     settings (/etc/skiff/registries)\n"
	"  -h, --help            print this\n"
	"\n"
	"HOST is docker.io if not given. What is kept lies in $DOCKER_CONFIG/config.json\n"
	"(~/.docker/config.json), or with the credential helper that it names.\n";

enum { PASSWORD_LIMIT = 64 << 10 };

/* The registry that the first of ARGUMENTS means: a host, or a URL of it. */
static char *host_of(char **arguments)
{
	const char *argument = *arguments ? *arguments : "";
	static const char *const hub[] = {"", "index.docker.io", "registry-1.docker.io"};
	const char *start = strstr(argument, "://");
	static char *host;

	start = start ? start + 3 : argument;
	host = strndup(start, strcspn(start, "/"));
	if (!host)
		die("out of memory");
	for (size_t i = 0; i < sizeof hub / sizeof *hub; i++)
		if (!strcmp(host, hub[i]) && (*host || !*argument)) {
			free(host);
			host = xstrdup("docker.io");
		}
	if (!is_host(host))
		die("'%s' is not a host or host:port", argument);
	return host;
}

/* ---- asking the registry ---- */

/* Die unless the registry at HOST takes LOGIN, or what is kept if that is NULL. */
static void check_login(char *host, const struct credentials *login)
{
	struct reference reference = {.host = host, .repository = ""};

	registry_init();
	struct registry *registry = open_origin(&reference);
	registry->scopes = "";
	registry->login = login;
	struct request request = {
		.registry = registry,
		.path = xstrdup("/v2/"),
		.limit = TOKEN_LIMIT,
	};
	if (request_perform(&request) == FAILED)
		die("%s", request.error);
	request_free(&request);
}

/* ---- keeping ---- */

/* {"ServerURL":...,"Username":...,"Secret":...}, as helpers want it. */
static char *helper_input(const char *key, const struct credentials *login)
{
	json_t *json = json_pack("{s:s,s:s,s:s}", "ServerURL", key, "Username", login->user,
				 "Secret", login->password);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	if (!text)
		die("the user name or the password is not UTF-8");
	json_decref(json);
	return text;
}

/* The credential helper for HOST, allocated; NULL if there is none. */
static char *helper_of(const char *host)
{
	json_t *json = load_config(NULL);
	const char *helper = credential_helper(json, host);
	char *copy = helper ? xstrdup(helper) : NULL;

	json_decref(json);
	return copy;
}

static void keep(const char *host, const struct credentials *login)
{
	char *helper = helper_of(host), *value;
	char *path = config_path();

	if (helper) {
		char *input = helper_input(credentials_key(host), login);
		char *said = run_helper(helper, "store", input, NULL);
		if (!said)
			die("docker-credential-%s cannot store", helper);
		free(said);
		free(input);
		value = xstrdup("{}"); /* that there is something, as Docker notes it */
		printf("helper %s\n", helper);
	} else {
		char *basic = encode_basic(login->user, login->password);
		value = xasprintf("{\n\t\t\t\"auth\": \"%s\"\n\t\t}", basic + strlen("Basic "));
		free(basic);
		printf("file %s\n", path);
	}
	edit_config(host, value);
	free(value);
	free(helper);
	free(path);
}

/* ---- verbs ---- */

static void verb_user(char **arguments)
{
	struct credentials found = {0};

	if (!find_credentials(host_of(arguments), &found) || !found.user)
		exit(1);
	puts(found.user);
}

static void verb_check(char **arguments)
{
	check_login(host_of(arguments), NULL);
}

static void verb_store(char **arguments)
{
	char *host = host_of(arguments);
	size_t size;
	char *user = read_all(STDIN_FILENO, PASSWORD_LIMIT, &size, "standard input");
	char *password = strchr(user, '\n');

	if (!password)
		die("standard input: there must be a user name in the first line, and a password");
	*password++ = '\0';
	if (strlen(user) + 1 + strlen(password) != size)
		die("a user name or password has no NUL bytes");
	/* What ends the line that it was typed or kept in is no part of it. */
	size_t length = strlen(password);
	if (length && password[length - 1] == '\n')
		password[--length] = '\0';
	if (length && password[length - 1] == '\r')
		password[--length] = '\0';
	if (!*user || !length)
		die(*user ? "the password is empty" : "the user name is empty");
	if (strchr(user, ':')) /* RFC 7617: it ends there */
		die("a user name has no colon");
	struct credentials login = {.user = user, .password = password};
	check_login(host, &login);
	keep(host, &login);
	explicit_bzero(user, size);
	free(user);
}

static void verb_erase(char **arguments)
{
	char *host = host_of(arguments), *helper = helper_of(host);
	bool erased = false;

	if (helper) {
		char *said = run_helper(helper, "erase", credentials_key(host), NULL);
		erased = said;
		free(said);
		free(helper);
	}
	if (edit_config(host, NULL) || erased)
		puts(credentials_key(host));
}

static const struct verb verbs[] = {
	{"user", verb_user, 0, 1},
	{"check", verb_check, 0, 1},
	{"store", verb_store, 0, 1},
	{"erase", verb_erase, 0, 1},
	{0},
};

int main(int argc, char **argv)
{
	static const struct option options[] = {HOST_OPTIONS, {0}};
	static const struct command command = {usage, verbs, "+h", options, NULL};

	tool = "credential";
	run_command(&command, argc, argv);
	return 0;
}
