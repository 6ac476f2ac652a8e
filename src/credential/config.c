/*
 * Docker's config.json, edited in place: it is the user's, has keys that we know nothing
 * of, and may be laid out by hand. So it is not written again from what was parsed;
 * a member of its text is cut out and another put in.
 */
#define _GNU_SOURCE
#include "credential.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- JSON that is known to be well-formed, as text ---- */

struct member {
	size_t key, value, end; /* offsets into the text */
};

static size_t skip_space(const char *text, size_t at)
{
	return at + strspn(text + at, " \t\r\n");
}

/* From the opening quote to behind the closing one. */
static size_t skip_string(const char *text, size_t at)
{
	for (at++; text[at] != '"'; at++)
		if (text[at] == '\\')
			at++;
	return at + 1;
}

static size_t skip_value(const char *text, size_t at)
{
	int depth = 0;

	do {
		if (text[at] == '"') {
			at = skip_string(text, at);
			continue;
		}
		if (strchr("{[", text[at]))
			depth++;
		else if (strchr("}]", text[at]))
			depth--;
		at++;
	} while (depth || (text[at - 1] != '}' && text[at - 1] != ']' && text[at - 1] != '"' &&
			   !strchr(",}] \t\r\n", text[at])));
	return at;
}

/* The member after AT in the object that begins or goes on there; false if there is none. */
static bool next_member(const char *text, size_t at, struct member *member)
{
	at = skip_space(text, at);
	if (strchr("{,", text[at]))
		at = skip_space(text, at + 1);
	if (text[at] != '"')
		return false;
	member->key = at;
	at = skip_space(text, skip_string(text, at)) + 1; /* the colon */
	member->value = skip_space(text, at);
	member->end = skip_value(text, member->value);
	return true;
}

/* The key of MEMBER as a string, allocated. */
static char *key_of(const char *text, const struct member *member)
{
	size_t length = skip_string(text, member->key) - member->key;
	json_t *json = json_loadb(text + member->key, length, JSON_DECODE_ANY, NULL);
	char *key = xstrdup(json ? json_string_value(json) : "");

	json_decref(json);
	return key;
}

/* ---- editing ---- */

/* TEXT with the bytes from FROM to TO replaced; frees TEXT. */
static char *splice_text(char *text, size_t from, size_t to, const char *with)
{
	char *whole = xasprintf("%.*s%s%s", (int)from, text, with, text + to);

	free(text);
	return whole;
}

/* Cut MEMBER out, and the comma that it leaves. */
static char *cut(char *text, const struct member *member)
{
	size_t from = member->key, to = skip_space(text, member->end);

	if (text[to] == ',')
		return splice_text(text, from, skip_space(text, to + 1), "");
	to = member->end;
	while (strchr(" \t\r\n", text[from - 1]))
		from--;
	if (text[from - 1] == ',')
		from--;
	return splice_text(text, from, to, "");
}

/* Put KEY: VALUE first into the object at AT, DEPTH levels deep. */
static char *put_in(char *text, size_t at, const char *key, const char *value, int depth)
{
	struct member member;
	bool empty = !next_member(text, at, &member);
	char *line = xasprintf("\n%.*s\"%s\": %s%s%.*s", depth, "\t\t\t", key, value,
			       empty ? "\n" : ",", empty ? depth - 1 : 0, "\t\t\t");

	text = splice_text(text, at + 1, empty ? skip_space(text, at + 1) : at + 1, line);
	free(line);
	return text;
}

static bool find_auths(const char *text, struct member *auths)
{
	auths->end = skip_space(text, 0);
	while (next_member(text, auths->end, auths)) {
		char *key = key_of(text, auths);
		bool found = !strcmp(key, "auths");
		free(key);
		if (found)
			return true;
	}
	return false;
}

/* Cut all that "auths" has for HOST. */
static char *cut_host(char *text, const char *host)
{
	struct member auths, member;

	if (!find_auths(text, &auths))
		return text;
	member.end = auths.value;
	while (next_member(text, member.end, &member)) {
		char *key = key_of(text, &member);
		bool found = credentials_key_matches(key, host);
		free(key);
		if (!found)
			continue;
		text = cut(text, &member);
		member.end = auths.value;
	}
	return text;
}

static char *add_host(char *text, const char *host, const char *value)
{
	struct member auths;

	if (!find_auths(text, &auths)) {
		text = put_in(text, skip_space(text, 0), "auths", "{}", 1);
		find_auths(text, &auths);
	}
	return put_in(text, auths.value, credentials_key(host), value, 2);
}

/* ---- the file ---- */

/* The directory of the file, locked: of two who edit at a time one comes second. */
static int lock_directory(const char *path)
{
	char *directory = strndup(path, (size_t)(strrchr(path, '/') - path));
	int fd;

	if (!directory)
		die("out of memory");
	if (mkdir(directory, 0700) && errno != EEXIST)
		die("%s:", directory);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX))
		die("%s:", directory);
	free(directory);
	return fd;
}

/* Replace the file with TEXT: readable by its owner alone, who stays the one that it had. */
static void write_config(int directory, const char *path, const char *text)
{
	char *real = realpath(path, NULL); /* it may be a link to where the user keeps such files */
	const char *target = real ? real : path;
	char *aside = xasprintf("%s.%ld", target, (long)getpid());
	struct stat owner;

	unlink(aside); /* of one with our number who was killed */
	int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		die("%s:", aside);
	bool done = !(real ? stat(real, &owner) : fstat(directory, &owner)) &&
		    (geteuid() || !fchown(fd, owner.st_uid, owner.st_gid)) &&
		    write_all(fd, text, strlen(text)) && !fsync(fd);
	if (!done || rename(aside, target)) {
		int error = errno;
		unlink(aside);
		errno = error;
		die("%s:", target);
	}
	close(fd);
	free(aside);
	free(real);
}

bool edit_config(const char *host, const char *value)
{
	char *path = config_path(), *before = NULL;
	int directory = value || !access(path, F_OK) ? lock_directory(path) : -1;
	json_t *json = load_config(&before), *auths = json_object_get(json, "auths");

	if (json && (!json_is_object(json) || (auths && !json_is_object(auths))))
		die("%s: \"auths\" is no object", path);
	char *text = cut_host(xstrdup(json ? before : "{}"), host);
	if (value)
		text = add_host(text, host, value);
	json_decref(json);
	bool changed = strcmp(text, before ? before : "{}") != 0;
	json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (!json)
		die("%s: cannot be edited", path);
	json_decref(json);
	if (changed)
		write_config(directory, path, text);
	if (directory >= 0)
		close(directory);
	free(text);
	free(before);
	free(path);
	return changed;
}
