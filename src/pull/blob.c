/*
 * Blobs: many at a time, verified while they stream in, continued where an
 * earlier attempt (or an earlier process that was killed) stopped.
 */
#define _GNU_SOURCE
#include "pull.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	LOCK_POLL = 100,    /* ms between looks at a lock that another process holds */
	PROGRESS = 1 << 20, /* so many bytes make up for a failed attempt */
	BUFFER = 256 << 10  /* of libcurl: a write for each of it, not for each 16 kB */
};

/* Where blobs go: a directory, or -1 for standard output. */
static int directory;
static const char *directory_name;

static void part_name(const struct blob *blob, char name[80])
{
	snprintf(name, 80, ".%s.part", blob->digest + 7);
}

static void hash_reset(struct blob *blob)
{
	if (!blob->hash && !(blob->hash = EVP_MD_CTX_new()))
		die("out of memory");
	if (!EVP_DigestInit_ex(blob->hash, EVP_sha256(), NULL))
		die("cannot compute SHA-256");
}

/* Does what was hashed give the digest? The hash is used up. */
static bool hash_matches(struct blob *blob)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	char text[65];

	if (!EVP_DigestFinal_ex(blob->hash, sum, NULL))
		die("cannot compute SHA-256");
	for (int i = 0; i < 32; i++)
		snprintf(text + 2 * i, 3, "%02x", sum[i]);
	return !strcmp(text, blob->digest + 7);
}

/* Hash what the file FD holds; returns how much that is. */
static uint64_t hash_file(struct blob *blob, int fd)
{
	static char buffer[1 << 16];
	uint64_t total = 0;
	ssize_t n;

	hash_reset(blob);
	while ((n = read(fd, buffer, sizeof buffer)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die("%s/%s:", directory_name, blob->digest + 7);
		EVP_DigestUpdate(blob->hash, buffer, (size_t)n);
		total += (uint64_t)n;
	}
	return total;
}

/* Throw away what came so far. */
static void drop_bytes(struct blob *blob)
{
	if (ftruncate(blob->fd, 0) || lseek(blob->fd, 0, SEEK_SET))
		die("%s: %s:", directory_name, blob->digest);
	blob->have = 0;
	hash_reset(blob);
}

/* Is the blob in the directory, whole? One that is not itself any more is removed. */
static bool is_there(struct blob *blob)
{
	const char *name = blob->digest + 7;
	int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return false;
	if (fd < 0)
		die("%s/%s:", directory_name, name);
	uint64_t size = hash_file(blob, fd);
	bool whole = hash_matches(blob) && (!blob->sized || size == blob->size);
	close(fd);
	if (whole)
		return true;
	warn("%s/%s: damaged, fetching it again", directory_name, name);
	if (unlinkat(directory, name, 0))
		die("%s/%s:", directory_name, name);
	return false;
}

/*
 * Open the file that BLOB grows in and lock it, until it is closed. False while
 * another process has it, or if it has just been renamed: then the blob is there.
 */
static bool open_part(struct blob *blob, const char *name)
{
	struct stat opened, linked;

	blob->fd = openat(directory, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (blob->fd < 0)
		die("%s/%s:", directory_name, name);
	if (flock(blob->fd, LOCK_EX | LOCK_NB) == 0 && !fstat(blob->fd, &opened) &&
	    !fstatat(directory, name, &linked, AT_SYMLINK_NOFOLLOW) &&
	    opened.st_ino == linked.st_ino)
		return true;
	close(blob->fd);
	return false;
}

/* Make BLOB ready to receive. False: not yet, or it has become COMPLETE. */
static bool open_blob(struct blob *blob)
{
	char name[80];

	if (directory < 0) {
		blob->fd = STDOUT_FILENO;
		hash_reset(blob);
		return true;
	}
	part_name(blob, name);
	if (!open_part(blob, name)) {
		blob->due = milliseconds() + LOCK_POLL;
		return false;
	}
	if (is_there(blob)) {
		unlinkat(directory, name, 0);
		close(blob->fd);
		blob->state = COMPLETE;
		return false;
	}
	blob->have = hash_file(blob, blob->fd);
	if (blob->sized && blob->have > blob->size)
		drop_bytes(blob);
	return true;
}

/* The head of an answer is in: what will come, and does it fit? */
static bool begin_answer(struct blob *blob)
{
	struct request *request = &blob->request;
	unsigned long long start = 0;
	curl_off_t length = -1;

	if (request->status == 206) {
		const char *range = request->content_range;
		if (range && !strncmp(range, "bytes ", 6))
			start = strtoull(range + 6, NULL, 10);
		if (!range || start != request->from) {
			blob->start_over = true;
			return request_refuse(request, "sends another range than asked for");
		}
	}
	/* All of it once more: what is here already is passed over. */
	blob->skip = request->from - start;
	curl_easy_getinfo(request->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	if (blob->sized && length >= 0 && start + (uint64_t)length != blob->size)
		return request_refuse(request, "refused: %llu bytes, but it should be %llu",
				      start + (unsigned long long)length,
				      (unsigned long long)blob->size);
	return true;
}

static bool take_bytes(struct request *request, const char *data, size_t size)
{
	struct blob *blob = request->context;

	if (!request->received && !begin_answer(blob))
		return false;
	uint64_t skipped = size < blob->skip ? size : blob->skip;
	blob->skip -= skipped;
	data += skipped;
	size -= skipped;
	if (blob->sized && size > blob->size - blob->have)
		return request_refuse(request, "refused: more than the %llu bytes it should be",
				      (unsigned long long)blob->size);
	if (!write_all(blob->fd, data, size)) {
		int error = errno;
		char name[80];
		part_name(blob, name);
		/* The beginning of it is worth keeping, but not on a full disk. */
		if (directory >= 0 && (error == ENOSPC || error == EDQUOT))
			unlinkat(directory, name, 0);
		errno = error;
		die("%s: %s:", directory < 0 ? "standard output" : directory_name, blob->digest);
	}
	EVP_DigestUpdate(blob->hash, data, size);
	blob->have += size;
	return true;
}

/* All bytes are here and right: give the file its name. */
static void complete_blob(struct blob *blob)
{
	if (directory >= 0) {
		char name[80];
		part_name(blob, name);
		if (renameat(directory, name, directory, blob->digest + 7))
			die("%s/%s:", directory_name, blob->digest + 7);
		close(blob->fd);
	}
	EVP_MD_CTX_free(blob->hash);
	blob->hash = NULL;
	request_free(&blob->request);
	blob->state = COMPLETE;
	progress_line(blob, "Download complete");
}

/* An answer ended. Is the blob here, and right? */
static enum outcome verify(struct blob *blob)
{
	struct request *request = &blob->request;

	bool whole = request->status == 416 || !blob->sized || blob->have == blob->size;
	if (!whole && !blob->start_over)
		return request_retry(request, NULL, "only %llu of %llu bytes came",
				     (unsigned long long)blob->have,
				     (unsigned long long)blob->size);
	if (whole && !blob->start_over && hash_matches(blob))
		return DONE;
	if (directory < 0)
		die_hint("do not use what was written", "%s: refused: the bytes do not hash to it",
			 blob->digest);
	drop_bytes(blob);
	blob->start_over = false;
	/* Bytes that were here before may be the bad ones: once again, from the start. */
	if (blob->inherited)
		return request_retry(request, NULL, "the bytes do not hash to this");
	return request_failed(request, NULL, "refused: the bytes do not hash to this");
}

static void start_blob(CURLM *multi, struct registry *registry, struct blob *blob)
{
	struct request *request = &blob->request;

	if (!request->registry) {
		if (!open_blob(blob))
			return;
		progress_line(blob, "Downloading");
		*request = (struct request){
			.registry = registry,
			.path = xasprintf("/v2/%s/blobs/%s", registry->repository, blob->digest),
			.what = blob->digest,
			.sink = take_bytes,
			.context = blob,
		};
	}
	blob->inherited = blob->have > 0;
	/* Killed between the last byte and the rename. */
	if (blob->sized && blob->have == blob->size && verify(blob) == DONE) {
		complete_blob(blob);
		return;
	}
	request->from = blob->have;
	request_start(request);
	curl_easy_setopt(request->easy, CURLOPT_BUFFERSIZE, (long)BUFFER);
	if (curl_multi_add_handle(multi, request->easy))
		die("libcurl takes no more transfers");
	blob->state = RUNNING;
}

static void end_blob(CURLM *multi, struct blob *blob, CURLcode result)
{
	curl_multi_remove_handle(multi, blob->request.easy);
	/* A line that breaks often still brings a large blob, piece by piece. */
	if (blob->have - blob->request.from >= PROGRESS)
		blob->request.attempts = 0;
	enum outcome outcome = blob->start_over ? DONE : request_next(&blob->request, result);
	if (outcome == DONE)
		outcome = verify(blob);
	if (outcome == FAILED)
		request_die(&blob->request);
	if (outcome == DONE) {
		complete_blob(blob);
		return;
	}
	blob->state = WAITING;
	blob->due = milliseconds() + blob->request.delay;
}

/* Begin what may begin; returns milliseconds until there is more of that to do. */
static int start_due(CURLM *multi, struct registry *registry, struct blob *blobs, size_t count,
		     unsigned parallel)
{
	int64_t wait = 1000;
	unsigned active = 0;

	for (size_t i = 0; i < count && active < parallel; i++) {
		struct blob *blob = &blobs[i];
		if (blob->state == QUEUED)
			blob->state = WAITING;
		if (blob->state == COMPLETE)
			continue;
		if (blob->state == WAITING && blob->due <= milliseconds())
			start_blob(multi, registry, blob);
		if (blob->state == COMPLETE)
			wait = 0; /* to be printed, and room for another */
		if (blob->state == WAITING && blob->due - milliseconds() < wait)
			wait = blob->due - milliseconds();
		active += blob->state != COMPLETE;
	}
	return wait > 0 ? (int)wait : 0;
}

/* Print the digests of the blobs that are complete; returns how many have been so far. */
static size_t print_complete(struct blob *blobs, size_t count, bool ordered)
{
	size_t printed = 0;

	for (size_t i = 0; i < count; i++) {
		if (blobs[i].state == COMPLETE && !blobs[i].printed) {
			blobs[i].printed = true;
			if (directory >= 0 &&
			    (printf("%s\n", blobs[i].digest) < 0 || fflush(stdout)))
				die("standard output:");
		}
		printed += blobs[i].printed;
		if (ordered && !blobs[i].printed)
			break;
	}
	return printed;
}

void fetch_blobs(struct registry *registry, struct blob *blobs, size_t count, const char *dir,
		 int dirfd, unsigned parallel, bool ordered)
{
	CURLM *multi = curl_multi_init();
	CURLMsg *message;
	int running, left;

	directory = dirfd;
	directory_name = dir;
	if (!multi)
		die("out of memory");
	while (print_complete(blobs, count, ordered) < count) {
		int wait = start_due(multi, registry, blobs, count, parallel);
		curl_multi_perform(multi, &running);
		while ((message = curl_multi_info_read(multi, &left))) {
			struct blob *blob;
			curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&blob);
			end_blob(multi, blob, message->data.result);
			wait = 0;
		}
		show_progress(blobs, count);
		curl_multi_poll(multi, NULL, 0, wait, NULL);
	}
	curl_multi_cleanup(multi);
}
