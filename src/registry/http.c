/*
 * One question to a registry, and what to do with the answer: tokens,
 * redirects, retries, mirrors. Nothing here waits or loops except
 * request_perform(), so that blob.c can have many questions under way.
 */
#define _GNU_SOURCE
#include "registry.h"

#include "common.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

enum {
	ATTEMPTS = 5,
	REDIRECTS = 10,
	FIRST_DELAY = 500,	     /* ms, doubled each time */
	LONGEST_RETRY_AFTER = 60,    /* s; more is not waited for */
	ERROR_BODY_LIMIT = 64 << 10, /* bytes of an answer that only says why not */
	CONNECT_TIMEOUT = 10	     /* s */
};

void http_init(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		die("cannot start libcurl");
}

static char *url_part(const char *url, CURLUPart part)
{
	CURLU *handle = curl_url();
	char *value = NULL, *copy = NULL;

	if (handle && !curl_url_set(handle, CURLUPART_URL, url, 0) &&
	    !curl_url_get(handle, part, &value, 0))
		copy = xstrdup(value);
	curl_free(value);
	curl_url_cleanup(handle);
	return copy;
}

char *url_host(const char *url)
{
	char *host = url_part(url, CURLUPART_HOST), *port = url_part(url, CURLUPART_PORT);
	char *both = xasprintf("%s%s%s", host ? host : url, port ? ":" : "", port ? port : "");

	free(host);
	free(port);
	return both;
}

static struct registry *new_registry(const char *name, const char *base, const char *repository)
{
	struct registry *registry = xmalloc(sizeof *registry);

	*registry = (struct registry){
		.name = name,
		.base = xstrdup(base),
		.repository = repository,
	};
	return registry;
}

struct registry *open_origin(const struct reference *reference)
{
	bool hub = !strcmp(reference->host, "docker.io");
	const char *host = hub ? "registry-1.docker.io" : reference->host;
	size_t length = strlen(host);
	const char *port =
		length > 4 && !strcmp(host + length - 4, ":443") ? host + length - 4 : NULL;
	/* Without the port that goes without saying: addresses that come back have none. */
	char *base = xasprintf("https://%.*s", port ? (int)(port - host) : (int)length, host);
	struct registry *origin = new_registry(reference->host, base, reference->repository);

	free(base);
	origin->may_be_plain = is_insecure(host) && !certificates_for(host)->authorities;
	return origin;
}

struct registry *open_mirror(const char *url, struct registry *origin)
{
	char *base = xstrdup(url);

	while (*base && base[strlen(base) - 1] == '/')
		base[strlen(base) - 1] = '\0';
	struct registry *mirror = new_registry(url_host(base), base, origin->repository);
	free(base);
	mirror->instead = origin;
	return mirror;
}

struct registry *open_registry(const struct reference *reference)
{
	struct registry *origin = open_origin(reference);

	if (!mirror_url || strcmp(reference->host, "docker.io") != 0)
		return origin;
	return open_mirror(mirror_url, origin);
}

/* ---- failing ---- */

static void set_error(struct request *request, const char *hint, const char *format, va_list ap)
{
	char *text, *host = url_host(request->url ? request->url : request->registry->base);

	if (vasprintf(&text, format, ap) < 0)
		die("out of memory");
	free(request->error);
	request->error = xasprintf("%s: %s%s%s", host, request->what ? request->what : "",
				   request->what ? ": " : "", text);
	request->hint = hint;
	free(text);
	free(host);
}

/* Go back to where the first question went: addresses that redirects gave expire. */
static void start_over(struct request *request)
{
	if (request->registry) {
		free(request->url);
		request->url = NULL;
	}
	request->redirects = 0;
	request->challenged = false;
	request->refused = false;
}

/* What set_error() said is final here. Is there another registry to ask? */
static enum outcome give_up(struct request *request)
{
	struct registry *mirror = request->registry;

	if (!mirror || !mirror->instead)
		return FAILED;
	if (!mirror->given_up)
		warn("mirror %s; now asking %s itself", request->error, mirror->instead->name);
	mirror->given_up = true;
	request->attempts = 0;
	start_over(request);
	request->delay = 0;
	return AGAIN;
}

enum outcome request_failed(struct request *request, const char *hint, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	set_error(request, hint, format, ap);
	va_end(ap);
	return give_up(request);
}

enum outcome request_retry(struct request *request, const char *hint, const char *format, ...)
{
	curl_off_t after = 0;
	uint32_t chance = 0;
	va_list ap;

	va_start(ap, format);
	set_error(request, hint, format, ap);
	va_end(ap);
	curl_easy_getinfo(request->easy, CURLINFO_RETRY_AFTER, &after);
	bool mirror = request->registry && request->registry->instead;
	if (mirror || ++request->attempts >= ATTEMPTS || after > LONGEST_RETRY_AFTER)
		return give_up(request);
	/* Half to all of the delay, so that many clients do not come back together. */
	request->delay = FIRST_DELAY << (request->attempts - 1);
	(void)!getrandom(&chance, sizeof chance, GRND_NONBLOCK);
	request->delay -= chance % (request->delay / 2);
	if (request->retry_after)
		request->delay = (long)after * 1000;
	start_over(request);
	return AGAIN;
}

bool request_refuse(struct request *request, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	set_error(request, NULL, format, ap);
	va_end(ap);
	request->refused = true;
	return false;
}

void request_die(const struct request *request)
{
	if (request->hint)
		die_hint(request->hint, "%s", request->error);
	die("%s", request->error);
}

/* ---- the answer as it comes ---- */

static void clear_answer(struct request *request)
{
	char **headers[] = {
		&request->content_type, &request->content_digest, &request->content_range,
		&request->link,		&request->location,	  &request->challenge,
		&request->retry_after,	&request->chunk_length,
	};

	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		free(*headers[i]);
		*headers[i] = NULL;
	}
	request->body = xrealloc(request->body, 1);
	request->body[0] = '\0';
	request->size = 0;
	request->received = 0;
	request->status = 0;
	request->cut = false;
}

/* If LINE is the header NAME keep its value in *KEPT. The first of many counts. */
static bool keep_header(const char *line, size_t size, const char *name, char **kept)
{
	size_t length = strlen(name);

	if (size <= length || strncasecmp(line, name, length) || line[length] != ':')
		return false;
	if (*kept)
		return true;
	line += length + 1;
	size -= length + 1;
	while (size && strchr(" \t", *line))
		line++, size--;
	while (size && strchr(" \t\r\n", line[size - 1]))
		size--;
	*kept = xmalloc(size + 1);
	memcpy(*kept, line, size);
	(*kept)[size] = '\0';
	return true;
}

static size_t take_header(char *line, size_t one, size_t size, void *context)
{
	struct request *request = context;
	char *challenge = NULL;

	(void)one;
	if (size >= 5 && !strncmp(line, "HTTP/", 5))
		clear_answer(request); /* a 100 Continue came before */
	(void)(keep_header(line, size, "Content-Type", &request->content_type) ||
	       keep_header(line, size, "Docker-Content-Digest", &request->content_digest) ||
	       keep_header(line, size, "Content-Range", &request->content_range) ||
	       keep_header(line, size, "Link", &request->link) ||
	       keep_header(line, size, "Location", &request->location) ||
	       keep_header(line, size, "OCI-Chunk-Min-Length", &request->chunk_length) ||
	       keep_header(line, size, "Retry-After", &request->retry_after));
	/* Of several challenges a Bearer one is the best. */
	if (keep_header(line, size, "WWW-Authenticate", &challenge)) {
		if (!request->challenge || !strncasecmp(challenge, "Bearer ", 7)) {
			free(request->challenge);
			request->challenge = challenge;
		} else {
			free(challenge);
		}
	}
	return size;
}

static size_t take_body(char *data, size_t one, size_t size, void *context)
{
	struct request *request = context;
	bool good;

	(void)one;
	curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &request->status);
	good = request->status >= 200 && request->status < 300;
	if (good && request->sink) {
		bool more = request->sink(request, data, size);
		request->received += size;
		return more ? size : 0;
	}
	if (request->size + size > (good ? request->limit : ERROR_BODY_LIMIT)) {
		request->cut = true;
		if (good)
			request_refuse(request, "answer of more than %zu bytes", request->limit);
		return 0;
	}
	request->body = xrealloc(request->body, request->size + size + 1);
	memcpy(request->body + request->size, data, size);
	request->size += size;
	request->body[request->size] = '\0';
	return size;
}

/* ---- asking ---- */

/* Is URL at the registry itself, and so entitled to its token? */
static bool at_registry(const struct request *request)
{
	const char *base = request->registry ? request->registry->base : "";
	size_t length = strlen(base);

	return length && !strncmp(request->url, base, length) && request->url[length] == '/';
}

static void add_header(struct request *request, const char *name, const char *value)
{
	char *line = xasprintf("%s: %s", name, value);

	request->headers = curl_slist_append(request->headers, line);
	if (!request->headers)
		die("out of memory");
	free(line);
}

static void set_headers(struct request *request)
{
	const char *authorization = request->authorization;

	curl_slist_free_all(request->headers);
	request->headers = NULL;
	/* The digest is that of the bytes in the store: no coding in transfer. */
	add_header(request, "Accept-Encoding", "identity");
	if (request->accept)
		add_header(request, "Accept", request->accept);
	if (request->type)
		add_header(request, "Content-Type", request->type);
	if (request->content_range_sent)
		add_header(request, "Content-Range", request->content_range_sent);
	/* Nobody but the registry gets its token (libcurl does not follow redirects for us). */
	if (at_registry(request))
		authorization = request->registry->authorization;
	free(request->sent_authorization);
	request->sent_authorization = authorization ? xstrdup(authorization) : NULL;
	if (authorization)
		add_header(request, "Authorization", authorization);
	curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers);
}

/* The certificates of this host's own, besides the others. */
static void use_certificates(struct request *request, const struct certificates *own)
{
	/* (libcurl keeps a copy of the structure, not of the bytes.) */
	struct curl_blob blob = {.data = own->authorities};

	if (own->authorities) {
		blob.len = strlen(own->authorities);
		if (!getenv("SSL_CERT_DIR"))
			curl_easy_setopt(request->easy, CURLOPT_CAPATH, "/etc/ssl/certs");
		curl_easy_setopt(request->easy, CURLOPT_CAINFO_BLOB, &blob);
	}
	if (own->certificate) {
		curl_easy_setopt(request->easy, CURLOPT_SSLCERT, own->certificate);
		curl_easy_setopt(request->easy, CURLOPT_SSLKEY, own->key);
	}
}

/* Which certificates are good, and is there a proxy? */
static void trust(struct request *request)
{
	const char *file = getenv("SSL_CERT_FILE"), *directory = getenv("SSL_CERT_DIR");
	char *host = url_host(request->url);
	const struct certificates *own = certificates_for(host);

	if (file && *file)
		curl_easy_setopt(request->easy, CURLOPT_CAINFO, file);
	if (directory && *directory)
		curl_easy_setopt(request->easy, CURLOPT_CAPATH, directory);
	use_certificates(request, own);
	if (is_insecure(host) && !own->authorities) {
		curl_easy_setopt(request->easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(request->easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (is_loopback(host)) /* no proxy leads to this machine */
		curl_easy_setopt(request->easy, CURLOPT_NOPROXY, "*");
	free(host);
}

static size_t give_body(char *data, size_t one, size_t room, void *context)
{
	struct request *request = context;
	uint64_t left = request->length - request->sent;
	size_t want = left < one * room ? (size_t)left : one * room;
	size_t given = want ? request->source(request, data, want) : 0;

	request->sent += given;
	return given || !want ? given : CURL_READFUNC_ABORT;
}

/* The body once more: the connection was gone, or credentials are wanted. */
static int rewind_body(void *context, curl_off_t offset, int origin)
{
	struct request *request = context;

	if (offset || origin != SEEK_SET)
		return CURL_SEEKFUNC_CANTSEEK;
	request->sent = 0;
	return CURL_SEEKFUNC_OK;
}

static void set_body(struct request *request)
{
	CURL *easy = request->easy;

	request->sent = 0;
	curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->length);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_body);
	curl_easy_setopt(easy, CURLOPT_READDATA, request);
	curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, rewind_body);
	curl_easy_setopt(easy, CURLOPT_SEEKDATA, request);
}

void request_start(struct request *request)
{
	if (!request->easy && !(request->easy = curl_easy_init()))
		die("out of memory");
	CURL *easy = request->easy;
	struct registry *registry = request->registry;
	if (registry && registry->given_up)
		registry = request->registry = registry->instead;
	if (registry && !request->url)
		request->url = xasprintf("%s%s", registry->base, request->path);
	clear_answer(request);
	curl_easy_reset(easy);
	set_headers(request);
	curl_easy_setopt(easy, CURLOPT_URL, request->url);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, request->context);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->reason);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else /* deprecated since, but all that Ubuntu 22.04 has */
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "skiff");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	/* Who has got many bytes may need a while to put them away before he answers. */
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
			 request->length ? 10 * stall_timeout : stall_timeout);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
	if (request->head)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	if (request->post)
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->post);
	if (request->method)
		set_body(request);
	if (request->from) {
		char range[32];
		snprintf(range, sizeof range, "%llu-", (unsigned long long)request->from);
		curl_easy_setopt(easy, CURLOPT_RANGE, range);
	}
	trust(request);
}

/* ---- judging ---- */

/* What the registry itself says is wrong: {"errors":[{"code":..,"message":..}]}. */
static char *registry_error(const struct request *request)
{
	json_t *json = json_loadb(request->body, request->size, JSON_REJECT_DUPLICATES, NULL);
	json_t *first = json_array_get(json_object_get(json, "errors"), 0);
	const char *code = json_string_value(json_object_get(first, "code"));
	const char *message = json_string_value(json_object_get(first, "message"));
	char *text;

	if (message && *message)
		text = xasprintf(" (%.200s)", message);
	else
		text = code ? xasprintf(" (%.200s)", code) : xstrdup("");
	json_decref(json);
	return text;
}

char *request_location(const struct request *request, const char **why)
{
	CURLU *handle = curl_url();
	char *target = NULL;
	bool valid = handle && request->location &&
		     !curl_url_set(handle, CURLUPART_URL, request->url, 0) &&
		     !curl_url_set(handle, CURLUPART_URL, request->location, 0) &&
		     !curl_url_get(handle, CURLUPART_URL, &target, CURLU_NO_DEFAULT_PORT);
	char *next = valid ? xstrdup(target) : NULL;

	curl_free(target);
	curl_url_cleanup(handle);
	bool secure = !strncmp(request->url, "https://", 8);
	*why = NULL;
	if (!next || (strncmp(next, "https://", 8) && strncmp(next, "http://", 7)))
		*why = "redirect to an address that is no URL";
	else if (secure && strncmp(next, "https://", 8))
		*why = "redirect from https to http refused";
	if (!*why)
		return next;
	free(next);
	return NULL;
}

static enum outcome follow_redirect(struct request *request)
{
	const char *why;
	char *next = request_location(request, &why);

	if (!next)
		return request_failed(request, NULL, "%s", why);
	if (request->redirects++ == REDIRECTS) {
		free(next);
		return request_failed(request, NULL, "more than %d redirects", REDIRECTS);
	}
	free(request->url);
	request->url = next;
	request->delay = 0;
	return AGAIN;
}

static const char denied_hint[] =
	"if it is private, log in first; credentials are read from ~/.docker/config.json";

static enum outcome answer_challenge(struct request *request)
{
	struct registry *registry = request->registry;
	const char *now = registry ? registry->authorization : NULL;
	const char *sent = request->sent_authorization;
	char *why = NULL;

	if (!registry)
		return request_failed(request, denied_hint, "credentials refused");
	if (!at_registry(request) || request->challenged || !request->challenge) {
		char *said = registry_error(request);
		bool basic = sent && !strncmp(sent, "Basic ", 6);
		enum outcome outcome =
			request_failed(request, denied_hint, "%s%s",
				       basic ? wrong_password : "denied, or does not exist", said);
		free(said);
		return outcome;
	}
	request->challenged = true;
	request->delay = 0;
	/* Another request may have had its old token replaced meanwhile. */
	if (now && (!sent || strcmp(now, sent) != 0))
		return AGAIN;
	if (authorize(registry, request->challenge, &why))
		return AGAIN;
	enum outcome outcome = request_failed(request, denied_hint, "%s", why);
	free(why);
	return outcome;
}

/* No answer came. */
static enum outcome transport_failed(struct request *request, CURLcode result)
{
	struct registry *registry = request->registry;
	const char *reason = *request->reason ? request->reason : curl_easy_strerror(result);

	if (registry && registry->may_be_plain) {
		if (!strncmp(registry->base, "https:", 6) && at_registry(request)) {
			char *plain = xasprintf("http:%s", registry->base + 6);
			free(registry->base);
			registry->base = plain;
		}
		if (!at_registry(request)) {
			start_over(request);
			request->delay = 0;
			return AGAIN;
		}
	}
	switch (result) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return request_failed(request, "is the name right, and is there a network?", "%s",
				      reason);
	case CURLE_URL_MALFORMAT:
		return request_failed(request, NULL, "%s", reason);
	case CURLE_SSL_CONNECT_ERROR:
		return request_retry(request, "if the host speaks plain HTTP, allow it: --insecure",
				     "%s", reason);
	case CURLE_PEER_FAILED_VERIFICATION:
		return request_failed(request,
				      "add its CA to the system's (or SSL_CERT_FILE), or allow the "
				      "host with --insecure",
				      "certificate not trusted: %s", reason);
	case CURLE_OPERATION_TIMEDOUT:
		return request_retry(request,
				     "try again later; 'timeout' in the settings file "
				     "says how long to wait for data",
				     "%s", reason);
	default:
		return request_retry(request, NULL, "%s", reason);
	}
}

static enum outcome judge_status(struct request *request)
{
	char *said = registry_error(request);
	long status = request->status;
	enum outcome outcome;

	if (status == 429)
		outcome = request_retry(request,
					"wait, log in (which raises the limit), or use a mirror: "
					"SKIFF_REGISTRY_MIRROR",
					"rate limit reached: too many requests%s", said);
	else if (status >= 500 || status == 408)
		outcome = request_retry(request, "the registry has a problem; try again later",
					"HTTP status %ld%s", status, said);
	else if (status == 403)
		outcome = request_failed(request, denied_hint, "denied%s", said);
	else if (status == 404)
		outcome = request_failed(request, NULL, "not found%s", said);
	else
		outcome =
			request_failed(request, NULL, "unexpected HTTP status %ld%s", status, said);
	free(said);
	return outcome;
}

enum outcome request_next(struct request *request, CURLcode result)
{
	if (request->refused)
		return give_up(request);
	/* Enough was read of a page that only says why not. */
	if (result == CURLE_WRITE_ERROR && request->cut)
		result = CURLE_OK;
	if (result != CURLE_OK)
		return transport_failed(request, result);
	curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &request->status);
	if (request->registry && at_registry(request))
		request->registry->may_be_plain = false;
	switch (request->status) {
	case 200:
	case 206:
		return DONE;
	case 201:
	case 202:
	case 204:
		return request->method ? DONE : judge_status(request);
	case 404:
		return request->may_miss ? DONE : judge_status(request);
	case 416:
		return request->from ? DONE : judge_status(request);
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
		/* A token server that is asked with credentials has to answer itself. */
		return request->registry ? follow_redirect(request) : judge_status(request);
	case 401:
		return answer_challenge(request);
	default:
		return judge_status(request);
	}
}

enum outcome request_perform(struct request *request)
{
	enum outcome outcome;

	do {
		request_start(request);
		outcome = request_next(request, curl_easy_perform(request->easy));
		if (outcome == AGAIN && request->delay)
			nanosleep(&(struct timespec){.tv_sec = request->delay / 1000,
						     .tv_nsec = request->delay % 1000 * 1000000},
				  NULL);
	} while (outcome == AGAIN);
	return outcome;
}

void request_free(struct request *request)
{
	clear_answer(request);
	curl_easy_cleanup(request->easy);
	curl_slist_free_all(request->headers);
	free(request->body);
	free(request->path);
	free(request->url);
	free(request->sent_authorization);
	free(request->error);
	*request = (struct request){0};
}
