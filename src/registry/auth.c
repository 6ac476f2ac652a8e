/*
 * The right to read and to write: challenges of registries, and tokens from the
 * server that a challenge names.
 */
#define _GNU_SOURCE
#include "registry.h"

#include "common.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char wrong_password[] = "unauthorized: incorrect username or password";

/* ---- challenges: WWW-Authenticate, RFC 9110 11.6.1 ---- */

/* Value of parameter NAME in CHALLENGE, or NULL. Commas may stand inside quotes. */
static char *parameter(const char *challenge, const char *name)
{
	const char *next = challenge + strcspn(challenge, " \t"); /* after the scheme */

	while (*(next += strspn(next, " \t,"))) {
		size_t length = strcspn(next, "= \t,");
		bool wanted = length == strlen(name) && !strncasecmp(next, name, length);
		char *value = xmalloc(strlen(next) + 1);
		size_t size = 0;
		next += length;
		next += *next == '=';
		if (*next == '"') {
			for (next++; *next && *next != '"'; next++) {
				if (*next == '\\' && next[1])
					next++;
				value[size++] = *next;
			}
			next += *next == '"';
		} else {
			while (*next && !strchr(" \t,", *next))
				value[size++] = *next++;
		}
		value[size] = '\0';
		if (wanted)
			return value;
		free(value);
	}
	return NULL;
}

/* ---- tokens ---- */

char *add_query(char *url, const char *name, const char *value)
{
	CURLU *handle = curl_url();
	char *pair = xasprintf("%s=%s", name, value), *whole = NULL, *copy = NULL;

	if (handle && url && !curl_url_set(handle, CURLUPART_URL, url, 0) &&
	    !curl_url_set(handle, CURLUPART_QUERY, pair, CURLU_APPENDQUERY | CURLU_URLENCODE) &&
	    !curl_url_get(handle, CURLUPART_URL, &whole, 0))
		copy = xstrdup(whole);
	curl_free(whole);
	curl_url_cleanup(handle);
	free(pair);
	free(url);
	return copy;
}

/* FORM with NAME=VALUE added; frees FORM. */
static char *add_field(char *form, const char *name, const char *value)
{
	char *escaped = curl_easy_escape(NULL, value, 0);

	if (!escaped)
		die("out of memory");
	char *more = xasprintf("%s&%s=%s", form, name, escaped);
	curl_free(escaped);
	free(form);
	return more;
}

/* The form that trades an identity token for an access token (distribution, oauth). */
static char *token_form(const char *service, const char *scopes, const char *token)
{
	char *form = xstrdup("grant_type=refresh_token&client_id=skiff");

	form = add_field(form, "service", service);
	form = add_field(form, "scope", scopes); /* here they are one field, with blanks between */
	return add_field(form, "refresh_token", token);
}

/* The value of Authorization that the token server's answer BODY gives; NULL if none. */
static char *bearer(const char *body, size_t size)
{
	json_t *json = json_loadb(body, size, JSON_REJECT_DUPLICATES, NULL);
	const char *token = json_string_value(json_object_get(json, "token"));
	char *value = NULL;

	if (!token)
		token = json_string_value(json_object_get(json, "access_token"));
	/* It becomes a header line: nothing may end that early. */
	if (token && *token && !token[strcspn(token, " \t\r\n")])
		value = xasprintf("Bearer %s", token);
	json_decref(json);
	return value;
}

/* REALM's query for SERVICE and SCOPES, which have blanks between. Frees REALM. */
static char *token_query(char *realm, const char *service, const char *scopes)
{
	char *list = xstrdup(scopes), *rest = NULL;

	if (*service)
		realm = add_query(realm, "service", service);
	for (char *s = strtok_r(list, " ", &rest); s; s = strtok_r(NULL, " ", &rest))
		realm = add_query(realm, "scope", s);
	free(list);
	return realm;
}

/* Ask the token server REALM, for SERVICE and SCOPES. REALM is freed. */
static char *fetch_token(char *realm, const char *service, const char *scopes,
			 const struct credentials *credentials, char **error)
{
	struct request request = {.limit = TOKEN_LIMIT};
	char *basic = NULL, *form = NULL, *value = NULL;

	if (credentials->identity_token) {
		form = token_form(service, scopes, credentials->identity_token);
	} else {
		realm = token_query(realm, service, scopes);
		if (credentials->user)
			basic = encode_basic(credentials->user, credentials->password);
	}
	request.url = realm;
	request.post = form;
	request.authorization = basic;
	if (!realm)
		*error = xstrdup("the token server's address is no URL");
	else if (request_perform(&request) == FAILED)
		*error = request.status == 401 && basic
				 ? xstrdup(wrong_password)
				 : xasprintf("no token from %s", request.error);
	else if (!(value = bearer(request.body, request.size)))
		*error = xasprintf("the token server's answer has no token");
	request_free(&request);
	free(basic);
	free(form);
	return value;
}

/*
 * What to ask for, with blanks between: to read, what the challenge says; to write, which a
 * challenge of the first question (a HEAD) cannot know of, all that will be needed at once.
 */
static char *wanted_scopes(const struct registry *registry, const char *challenge)
{
	char *scope;

	if (registry->scopes)
		return xstrdup(registry->scopes);
	scope = parameter(challenge, "scope");
	if (scope && *scope)
		return scope;
	free(scope);
	return xasprintf("repository:%s:pull", registry->repository);
}

static char *answer_bearer(const struct registry *registry, const char *challenge,
			   const struct credentials *credentials, char **error)
{
	char *realm = parameter(challenge, "realm"), *service = parameter(challenge, "service");
	char *scopes = wanted_scopes(registry, challenge), *value = NULL;

	/* Over plain HTTP only what is plain anyway: no password leaves a TLS registry so. */
	bool plain = !strncmp(registry->base, "http://", 7);
	if (!realm || realm[strcspn(realm, " \t\r\n")] ||
	    (strncmp(realm, "https://", 8) && strncmp(realm, "http://", 7)))
		*error = xstrdup("asks for a token from an address that is no URL");
	else if (!plain && strncmp(realm, "https://", 8))
		*error = xstrdup("refused: asks for a token over plain http");
	else {
		value = fetch_token(realm, service ? service : "", scopes, credentials, error);
		realm = NULL;
	}
	free(realm);
	free(service);
	free(scopes);
	return value;
}

static void free_credentials(struct credentials *credentials)
{
	free(credentials->user);
	free(credentials->password);
	free(credentials->identity_token);
}

/* What opens HOST: what a login is to try, or what an earlier one left. */
static struct credentials credentials_for(const struct registry *registry)
{
	struct credentials credentials = {0};

	if (registry->login) {
		credentials.user = xstrdup(registry->login->user);
		credentials.password = xstrdup(registry->login->password);
	} else {
		find_credentials(registry->name, &credentials);
	}
	return credentials;
}

bool authorize(struct registry *registry, const char *challenge, char **error)
{
	struct credentials credentials = credentials_for(registry);
	char *value = NULL;

	if (!strncasecmp(challenge, "Bearer ", 7))
		value = answer_bearer(registry, challenge, &credentials, error);
	else if (strncasecmp(challenge, "Basic", 5) != 0)
		*error = xasprintf("asks for a way to log in that is not known: %.20s", challenge);
	else if (!credentials.user)
		*error = xstrdup("wants a user name and a password");
	else
		value = encode_basic(credentials.user, credentials.password);
	free_credentials(&credentials);
	if (!value)
		return false;
	free(registry->authorization);
	registry->authorization = value;
	return true;
}
