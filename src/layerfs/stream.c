/*
 * The bytes of a layer. A second thread reads, inflates and hashes them while
 * the first one writes files. A DiffID is the digest of all uncompressed bytes,
 * those after the end of the tar archive too, so the stream is read to its end.
 */
#define _GNU_SOURCE
#include "common.h"
#include "input.h"
#include "layerfs.h"

#include <archive.h>
#include <inttypes.h>
/*
 * The hash functions themselves, not OpenSSL 3's providers: those would bring the
 * whole library into a static program, with its dlopen() and its resolver.
 */
#define OPENSSL_API_COMPAT 0x10100000L
#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { BLOCKS = 16, BLOCK_SIZE = 256 * 1024 };

/* A ring of blocks; the counters only grow, `lock` guards them. */
static struct {
	uint64_t limit, total;
	struct archive *archive; /* inflates what is not gzip; NULL: it is */
	SHA256_CTX hash;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t filled, emptied;
	size_t sizes[BLOCKS];
	char blocks[BLOCKS][BLOCK_SIZE];
} stream = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

uint64_t (*stream_more)(void);

bool is_digest(const char *text)
{
	return !strncmp(text, "sha256:", 7) && strspn(text + 7, "0123456789abcdef") == 64 &&
	       !text[DIGEST_SIZE - 1];
}

static void print_digest(const unsigned char *hash, char text[static DIGEST_SIZE])
{
	memcpy(text, "sha256:", 8);
	for (int i = 0; i < 32; i++)
		snprintf(text + 7 + 2 * i, 3, "%02x", hash[i]);
}

void digest_of(const void *data, size_t size, char text[static DIGEST_SIZE])
{
	unsigned char hash[SHA256_DIGEST_LENGTH];
	SHA256_CTX sha256;

	SHA256_Init(&sha256);
	SHA256_Update(&sha256, data, size);
	SHA256_Final(hash, &sha256);
	print_digest(hash, text);
}

/* Fill BLOCK from the input as far as it goes; 0 at the end. */
static size_t fill(char *block)
{
	la_ssize_t size = stream.archive ? archive_read_data(stream.archive, block, BLOCK_SIZE)
					 : (la_ssize_t)gzip_read(block, BLOCK_SIZE);

	if (size < 0)
		die("%s: %s", input.name, archive_error_string(stream.archive));
	stream.total += (uint64_t)size;
	if (stream.total > stream.limit && stream_more)
		stream.limit = stream_more();
	if (stream.total > stream.limit)
		die_hint("raise --limit if the layer is to be trusted",
			 "%s: more than %" PRIu64 " bytes uncompressed", input.name, stream.limit);
	SHA256_Update(&stream.hash, block, (size_t)size);
	return (size_t)size;
}

static void *run(void *unused)
{
	size_t size;

	(void)unused;
	do {
		pthread_mutex_lock(&stream.lock);
		while (stream.filled - stream.emptied == BLOCKS)
			pthread_cond_wait(&stream.changed, &stream.lock);
		uint64_t slot = stream.filled % BLOCKS;
		pthread_mutex_unlock(&stream.lock);

		size = fill(stream.blocks[slot]);

		pthread_mutex_lock(&stream.lock);
		stream.sizes[slot] = size;
		stream.filled++;
		pthread_cond_signal(&stream.changed);
		pthread_mutex_unlock(&stream.lock);
	} while (size);
	return NULL;
}

static la_ssize_t read_input(struct archive *archive, void *unused, const void **data)
{
	(void)archive;
	(void)unused;
	if (!input_fill(1))
		return 0;
	size_t size = input.size;
	*data = input.data;
	input.size = 0;
	return (la_ssize_t)size;
}

/* All but gzip, by magic number: media types lie. */
static void open_archive(void)
{
	struct archive_entry *entry;

	stream.archive = archive_read_new();
	if (!stream.archive)
		die("out of memory");
	/* Not *_all: that would link every format. */
	archive_read_support_filter_zstd(stream.archive);
	archive_read_support_filter_xz(stream.archive);
	archive_read_support_filter_bzip2(stream.archive);
	archive_read_support_format_raw(stream.archive);
	if (archive_read_open(stream.archive, NULL, NULL, read_input, NULL) ||
	    archive_read_next_header(stream.archive, &entry))
		die("%s: %s", input.name, archive_error_string(stream.archive));
}

void stream_start(int fd, const char *name, uint64_t limit)
{
	input_open(fd, name);
	stream.limit = limit;
	SHA256_Init(&stream.hash);
	if (!input_fill(2))
		die("%s: empty", input.name);
	if (input.size < 2 || input.data[0] != 0x1f || input.data[1] != 0x8b)
		open_archive();
	if (pthread_create(&stream.thread, NULL, run, NULL))
		die("cannot start a thread");
}

size_t stream_next(const void **data)
{
	static bool started, ended;
	size_t size;

	if (ended)
		return 0;
	pthread_mutex_lock(&stream.lock);
	if (started) { /* the block handed out last is free again */
		stream.emptied++;
		pthread_cond_signal(&stream.changed);
	}
	while (stream.filled == stream.emptied)
		pthread_cond_wait(&stream.changed, &stream.lock);
	size = stream.sizes[stream.emptied % BLOCKS];
	*data = stream.blocks[stream.emptied % BLOCKS];
	pthread_mutex_unlock(&stream.lock);
	started = true;
	ended = !size;
	return size;
}

void stream_digest(char text[static DIGEST_SIZE])
{
	unsigned char hash[SHA256_DIGEST_LENGTH];

	pthread_join(stream.thread, NULL);
	SHA256_Final(hash, &stream.hash);
	archive_read_free(stream.archive);
	print_digest(hash, text);
}
