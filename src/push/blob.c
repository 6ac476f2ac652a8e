/*
 * Blobs on their way to a registry, many at a time. Each takes some steps:
 *
 *   ASK         HEAD: what is there already is not sent
 *   BEGIN       POST: have it mounted from another repository, or begin an upload
 *   SEND        PUT: all bytes at once
 *   SEND_CHUNK  PATCH: some of them, where the registry wants it so, then
 *   FINISH      PUT: that was all
 *
 * The bytes are hashed as they go: a file that is damaged is never sent whole.
 */
#define _GNU_SOURCE
#include "push.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	ANSWER_LIMIT = 64 << 10,
	SMALLEST_CHUNK = 4 << 20 /* bytes: a registry that wants chunks gets no crumbs */
};

static bool may_upload;

/* ---- the file ---- */

static void open_file(struct blob *blob)
{
	struct stat status;

	if (blob->before) /* once more: the file is open */
		return;
	blob->fd = open(blob->file, O_RDONLY | O_CLOEXEC);
	if (blob->fd < 0 || fstat(blob->fd, &status))
		die("%s:", blob->file);
	if (!S_ISREG(status.st_mode))
		die("%s: not a file", blob->file);
	blob->size = (uint64_t)status.st_size;
	blob->before = EVP_MD_CTX_new();
	blob->hash = EVP_MD_CTX_new();
	if (!blob->before || !blob->hash)
		die("out of memory");
}

/* Does all that was hashed give the digest? */
static bool hash_matches(const struct blob *blob)
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	unsigned char sum[EVP_MAX_MD_SIZE];
	char text[65];

	if (!copy || !EVP_MD_CTX_copy_ex(copy, blob->hash) || !EVP_DigestFinal_ex(copy, sum, NULL))
		die("cannot compute SHA-256");
	EVP_MD_CTX_free(copy);
	for (int i = 0; i < 32; i++)
		snprintf(text + 2 * i, 3, "%02x", sum[i]);
	return !strcmp(text, blob->digest + 7);
}

static size_t give_bytes(struct request *request, char *data, size_t room)
{
	struct blob *blob = request->context;
	uint64_t at = blob->offset + request->sent;
	ssize_t n;

	/* From the start of this request, perhaps not for the first time. */
	if (!request->sent && !EVP_MD_CTX_copy_ex(blob->hash, blob->before))
		die("cannot compute SHA-256");
	do
		n = pread(blob->fd, data, room, (off_t)at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		die("%s:", blob->file);
	EVP_DigestUpdate(blob->hash, data, (size_t)n);
	/* The last bytes complete the blob there: only if they are the right ones. */
	if (n == 0 || (at + (uint64_t)n == blob->size && !hash_matches(blob))) {
		request_refuse(request, "%s is damaged: its bytes do not hash to this", blob->file);
		return 0;
	}
	return (size_t)n;
}

/* ---- the steps ---- */

static void begin_request(struct blob *blob, struct request next)
{
	struct registry *registry = blob->request.registry;

	request_free(&blob->request);
	next.registry = registry;
	next.what = blob->digest;
	next.context = blob;
	next.limit = ANSWER_LIMIT;
	next.attempts = blob->attempts;
	blob->request = next;
}

static void ask(struct blob *blob)
{
	const char *repository = blob->request.registry->repository;

	begin_request(blob, (struct request){
				    .path = xasprintf("/v2/%s/blobs/%s", repository, blob->digest),
				    .head = true,
				    .may_miss = true,
			    });
}

static void begin_upload(struct blob *blob)
{
	char *path = xasprintf("/v2/%s/blobs/uploads/", blob->request.registry->repository);
	const char *from = blob->from[blob->source];

	if (from) {
		char *mount = xasprintf("%s?mount=%s&from=%s", path, blob->digest, from);
		free(path);
		path = mount;
	}
	begin_request(blob, (struct request){.path = path, .method = "POST"});
}

/* The upload at blob->location: a request with LENGTH bytes of the file. */
static void begin_body(struct blob *blob, const char *method, char *url, uint64_t length)
{
	begin_request(blob,
		      (struct request){
			      .path = xstrdup("/"), /* of no use: the URL is another each time */
			      .url = url,
			      .method = method,
			      .type = "application/octet-stream",
			      .length = length,
			      .source = give_bytes,
			      .may_miss = true,
		      });
}

static char *with_digest(const struct blob *blob)
{
	char *url = add_query(xstrdup(blob->location), "digest", blob->digest);

	if (!url)
		die("%s: the address to upload to is no URL", blob->digest);
	return url;
}

static void send_chunk(struct blob *blob)
{
	uint64_t left = blob->size - blob->offset;
	uint64_t length = left < blob->chunk ? left : blob->chunk;

	begin_body(blob, "PATCH", xstrdup(blob->location), length);
	snprintf(blob->range, sizeof blob->range, "%llu-%llu", (unsigned long long)blob->offset,
		 (unsigned long long)(blob->offset + length - 1));
	blob->request.content_range_sent = blob->range;
}

/* Prepare the request of blob->step. */
static void take_step(struct blob *blob)
{
	switch (blob->step) {
	case ASK:
		ask(blob);
		break;
	case BEGIN:
		begin_upload(blob);
		break;
	case SEND:
		begin_body(blob, "PUT", with_digest(blob), blob->size);
		break;
	case SEND_CHUNK:
		send_chunk(blob);
		break;
	case FINISH:
		begin_body(blob, "PUT", with_digest(blob), 0);
		break;
	}
}

/* ---- the answers ---- */

static enum outcome complete(struct blob *blob, int result)
{
	const char *said = blob->request.content_digest;

	if (said && strcmp(said, blob->digest) != 0)
		return request_failed(&blob->request, NULL,
				      "the registry took it for another: %.100s", said);
	blob->result = (unsigned)result;
	blob->state = COMPLETE;
	return DONE;
}

static void next_step(struct blob *blob, unsigned step)
{
	blob->step = step;
	take_step(blob);
}

static enum outcome asked(struct blob *blob)
{
	if (blob->request.status == 200)
		return complete(blob, EXISTS);
	if (!may_upload && !blob->from[blob->source])
		return complete(blob, MISSING);
	next_step(blob, BEGIN);
	return AGAIN;
}

/* Keep where the next bytes go. */
static enum outcome keep_location(struct blob *blob)
{
	const char *why;
	char *location = request_location(&blob->request, &why);

	if (!location)
		return request_failed(&blob->request, NULL, "upload: %s", why);
	free(blob->location);
	blob->location = location;
	return AGAIN;
}

static enum outcome begun(struct blob *blob)
{
	const char *demanded = blob->request.chunk_length;
	uint64_t chunk = 0;

	if (blob->request.status == 201)
		return complete(blob, MOUNTED);
	/* Not mounted: there may be another repository, and at last the upload is ours to fill. */
	if (blob->from[blob->source] && blob->from[++blob->source]) {
		next_step(blob, BEGIN);
		return AGAIN;
	}
	if (!may_upload)
		return complete(blob, MISSING);
	if (keep_location(blob) == FAILED)
		return FAILED;
	if (demanded && !is_number(demanded, 1, INT64_MAX, &chunk))
		return request_failed(&blob->request, NULL, "OCI-Chunk-Min-Length is no number");
	open_file(blob);
	if (!EVP_DigestInit_ex(blob->before, EVP_sha256(), NULL))
		die("cannot compute SHA-256");
	blob->offset = 0;
	blob->chunk = chunk && chunk < SMALLEST_CHUNK ? SMALLEST_CHUNK : chunk;
	next_step(blob, blob->chunk && blob->chunk < blob->size ? SEND_CHUNK : SEND);
	return AGAIN;
}

static enum outcome chunk_sent(struct blob *blob)
{
	if (keep_location(blob) == FAILED)
		return FAILED;
	if (!EVP_MD_CTX_copy_ex(blob->before, blob->hash))
		die("cannot compute SHA-256");
	blob->offset += blob->request.length;
	next_step(blob, blob->offset < blob->size ? SEND_CHUNK : FINISH);
	return AGAIN;
}

/* Is that an answer that the step can have? Others come from what is no registry. */
static bool is_expected(const struct blob *blob)
{
	long status = blob->request.status;

	switch (blob->step) {
	case ASK:
		return true;
	case BEGIN:
		return status == 202 || (status == 201 && blob->from[blob->source]);
	case SEND_CHUNK:
		return status == 202;
	default:
		return status == 201 || status == 204;
	}
}

/* An answer to blob->step is in. AGAIN: perform .request, of the same or the next step. */
static enum outcome answered(struct blob *blob)
{
	/* The upload has expired, say. */
	if (blob->step > BEGIN && blob->request.status == 404)
		return request_retry(&blob->request, NULL, "the upload is not known any more");
	if (!is_expected(blob))
		return request_failed(&blob->request, NULL, "unexpected HTTP status %ld",
				      blob->request.status);
	switch (blob->step) {
	case ASK:
		return asked(blob);
	case BEGIN:
		return begun(blob);
	case SEND_CHUNK:
		return chunk_sent(blob);
	default:
		return complete(blob, UPLOADED);
	}
}

/* ---- many at a time ---- */

static void start_blob(CURLM *multi, struct blob *blob)
{
	if (!blob->request.path) {
		take_step(blob);
		progress_line(blob);
	}
	request_start(&blob->request);
	if (curl_multi_add_handle(multi, blob->request.easy))
		die("libcurl takes no more transfers");
	blob->state = RUNNING;
}

static void end_request(CURLM *multi, struct blob *blob, CURLcode result)
{
	curl_multi_remove_handle(multi, blob->request.easy);
	enum outcome outcome = request_next(&blob->request, result);
	/* A question that is not allowed says nothing: the answer to the upload will. */
	if (outcome == FAILED && blob->step == ASK && blob->request.status / 100 == 4 &&
	    blob->request.status != 401 && blob->request.status != 429)
		outcome = DONE;
	if (outcome == DONE)
		outcome = answered(blob);
	if (outcome == FAILED)
		request_die(&blob->request);
	if (blob->state == COMPLETE) {
		request_free(&blob->request);
		if (blob->before)
			close(blob->fd);
		progress_line(blob);
		return;
	}
	blob->due = milliseconds() + blob->request.delay;
	blob->attempts = blob->request.attempts;
	/* An upload that broke off is begun anew. */
	if (blob->step > BEGIN && !blob->request.url)
		next_step(blob, BEGIN);
	blob->state = WAITING;
}

/* Begin what may begin; returns milliseconds until there is more of that to do. */
static int start_due(CURLM *multi, struct blob *blobs, size_t count, unsigned parallel)
{
	int64_t wait = 1000;
	unsigned active = 0;

	for (size_t i = 0; i < count && active < parallel; i++) {
		struct blob *blob = &blobs[i];
		if (blob->state == COMPLETE)
			continue;
		if (blob->state != RUNNING && blob->due <= milliseconds())
			start_blob(multi, blob);
		if (blob->state != RUNNING && blob->due - milliseconds() < wait)
			wait = blob->due - milliseconds();
		active++;
	}
	return wait > 0 ? (int)wait : 0;
}

static void print_blob(const struct blob *blob)
{
	static const char *const words[] = {"uploaded", "exists", "mounted", "missing"};
	bool mounted = blob->result == MOUNTED;

	if (printf("%s %s%s%s\n", blob->digest, words[blob->result], mounted ? " " : "",
		   mounted ? blob->from[blob->source] : "") < 0 ||
	    fflush(stdout))
		die("standard output:");
}

void push_blobs(struct registry *registry, struct blob *blobs, size_t count, unsigned parallel,
		bool upload)
{
	CURLM *multi = curl_multi_init();
	CURLMsg *message;
	int running, left;

	may_upload = upload;
	if (!multi)
		die("out of memory");
	for (size_t i = 0; i < count; i++)
		blobs[i].request.registry = registry;
	for (size_t printed = 0; printed < count;) {
		int wait = start_due(multi, blobs, count, parallel);
		curl_multi_perform(multi, &running);
		while ((message = curl_multi_info_read(multi, &left))) {
			struct blob *blob;
			curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&blob);
			end_request(multi, blob, message->data.result);
			if (blob->state == COMPLETE) {
				print_blob(blob);
				printed++;
			}
			wait = 0;
		}
		show_progress(blobs, count);
		curl_multi_poll(multi, NULL, 0, wait, NULL);
	}
	curl_multi_cleanup(multi);
}
