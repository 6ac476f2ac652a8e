/* Names of images, normalised as the distribution project's reference package does. */
#define _GNU_SOURCE
#include "registry.h"

#include "common.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char lower_or_digit[] = "abcdefghijklmnopqrstuvwxyz0123456789";
static const char hex[] = "0123456789abcdef";
static const char digits[] = "0123456789";
static const char letter_or_digit[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

bool is_digest(const char *text)
{
	return !strncmp(text, "sha256:", 7) && strlen(text) == DIGEST_LENGTH &&
	       strspn(text + 7, hex) == 64;
}

void check_digest(const char *what, const char *text)
{
	if (!strncmp(text, "sha512:", 7))
		die("%s: sha512 digests are not supported: %s", what, text);
	if (!is_digest(text))
		die_hint("a digest is sha256: and 64 hexadecimal digits, lower case",
			 "%s: not a digest: %s", what, text);
}

bool is_tag(const char *text)
{
	size_t length = strlen(text);

	if (length < 1 || length > 128 || *text == '.' || *text == '-')
		return false;
	for (; *text; text++)
		if (!strchr(letter_or_digit, *text) && !strchr("_.-", *text))
			return false;
	return true;
}

/* [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)* and a slash between such components. */
static bool is_repository(const char *text)
{
	for (;;) {
		size_t length = strspn(text, lower_or_digit);
		if (!length)
			return false;
		text += length;
		if (!*text)
			return true;
		if (*text == '-')
			text += strspn(text, "-");
		else if (!strncmp(text, "__", 2))
			text += 2;
		else if (*text == '.' || *text == '_' || *text == '/')
			text++;
		else
			return false;
	}
}

/* name or address, letters digits and inner hyphens between dots; [IPv6]; :port. */
bool is_host(const char *text)
{
	if (*text == '[') {
		size_t length = strspn(text + 1, "0123456789abcdefABCDEF:");
		if (!length || text[1 + length] != ']')
			return false;
		text += length + 2;
	} else {
		for (;;) {
			size_t length = strcspn(text, ".:");
			if (!length || *text == '-' || text[length - 1] == '-')
				return false;
			for (size_t i = 0; i < length; i++)
				if (!strchr(letter_or_digit, text[i]) && text[i] != '-')
					return false;
			text += length;
			if (*text != '.')
				break;
			text++;
		}
	}
	if (!*text)
		return true;
	return *text == ':' && text[1] && text[1 + strspn(text + 1, digits)] == '\0';
}

/*
 * Is the first part of NAME a host? Only if it is localhost, has a dot or a colon, or a
 * letter that no repository may have.
 */
static bool begins_with_host(const char *name)
{
	size_t length = strcspn(name, "/");

	if (!name[length])
		return false;
	if (length == strlen("localhost") && !strncmp(name, "localhost", length))
		return true;
	for (size_t i = 0; i < length; i++)
		if (name[i] == '.' || name[i] == ':' || isupper((unsigned char)name[i]))
			return true;
	return false;
}

char *split_host(char *name, char **repository)
{
	char *slash = strchr(name, '/');

	*repository = name;
	if (!begins_with_host(name))
		return xstrdup("docker.io");
	*slash = '\0';
	*repository = slash + 1;
	return xstrdup(!strcmp(name, "index.docker.io") ? "docker.io" : name);
}

static _Noreturn void invalid(const char *text, const char *why)
{
	die("invalid reference: %s: %s", text, why);
}

void parse_reference(const char *text, struct reference *reference)
{
	char *name = xstrdup(text), *repository, *tag = NULL;
	char *digest = strchr(name, '@');

	if (strstr(text, "://"))
		invalid(text, "write host/name:tag, without http:// or https://");
	if (strlen(text) == 64 && strspn(text, hex) == 64)
		invalid(text, "64 hexadecimal digits are an image ID, not a name");
	if (digest) {
		*digest++ = '\0';
		check_digest("invalid reference", digest);
	}
	reference->host = split_host(name, &repository);
	tag = strrchr(repository, ':');
	if (tag) {
		*tag++ = '\0';
		if (!is_tag(tag))
			invalid(text, "a tag is at most 128 letters, digits and _ . -");
	}
	if (!is_host(reference->host))
		invalid(text, "the part before the first / is not a host or host:port");
	if (strcspn(repository, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(repository))
		invalid(text, "the repository name must be lower case");
	if (!is_repository(repository))
		invalid(text, "a repository name has lower-case letters, digits, / and single . _ "
			      "or - between them");
	bool official = !strcmp(reference->host, "docker.io") && !strchr(repository, '/');
	reference->repository = xasprintf("%s%s", official ? "library/" : "", repository);
	if (strlen(reference->host) + 1 + strlen(reference->repository) > 255)
		invalid(text, "host and repository name are longer than 255 characters");
	reference->digest = digest ? xstrdup(digest) : NULL;
	reference->tag = digest ? NULL : xstrdup(tag ? tag : "latest");
	free(name);
}

char *reference_text(const struct reference *reference, bool familiar)
{
	const char *repository = reference->repository, *host = reference->host;

	/* docker.io/a.b/c stays, as a.b/c would be a repository of the host a.b. */
	if (familiar && !strcmp(host, "docker.io") && !begins_with_host(repository)) {
		host = NULL;
		if (!strncmp(repository, "library/", 8) && !strchr(repository + 8, '/'))
			repository += 8;
	}
	return xasprintf("%s%s%s%s%s", host ? host : "", host ? "/" : "", repository,
			 reference->digest ? "@" : ":",
			 reference->digest ? reference->digest : reference->tag);
}
