/*
 * gzip (RFC 1952): members one after the other, each with its checksum, and
 * nothing else. ISA-L inflates at twice zlib's speed, but is a shared library only,
 * and a static program starts in half the time of a dynamic one. So layerfs is built
 * twice: with zlib, static; and with ISA-L, as layerfs-isal, which it becomes to unpack.
 */
#define _GNU_SOURCE
#include "common.h"
#include "input.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#ifdef ISAL
#include <isa-l/igzip_lib.h>
#else
#include <zlib.h>
#endif

static bool inside; /* a member has begun, and has not ended */

#ifdef ISAL
static struct inflate_state state;
static struct isal_gzip_header header;
static bool header_ended;

void gzip_become(char **argv)
{
	(void)argv; /* this is the best there is */
}

static void begin_member(void)
{
	isal_inflate_init(&state);
	isal_gzip_header_init(&header);
	header_ended = false;
}

/* ISA-L reads ahead: what it has and needs no more belongs to the next member. */
static void end_member(void)
{
	unsigned char ahead[INPUT_BACK];
	size_t size = (size_t)state.read_in_length / 8;

	state.read_in >>= state.read_in_length % 8;
	for (size_t i = 0; i < size; i++)
		ahead[i] = (unsigned char)(state.read_in >> 8 * i);
	input_give_back(ahead, size);
	inside = false;
}

static size_t inflate_some(unsigned char *block, size_t size)
{
	int result;

	state.next_in = input.data;
	state.avail_in = (uint32_t)input.size;
	state.next_out = block;
	state.avail_out = (uint32_t)size;
	if (header_ended) {
		result = isal_inflate(&state);
	} else { /* (isal_inflate() itself forgets half a header from one call to the next.) */
		result = isal_read_gzip_header(&state, &header);
		header_ended = result == ISAL_DECOMP_OK;
		state.crc_flag = ISAL_GZIP_NO_HDR_VER;
	}
	input.data = state.next_in;
	input.size = state.avail_in;
	if (result < 0)
		die("%s: not gzip, or damaged (ISA-L says %d)", input.name, result);
	if (state.block_state == ISAL_BLOCK_FINISH)
		end_member();
	return size - state.avail_out;
}

#else
static z_stream state;

void gzip_become(char **argv)
{
	char path[PATH_MAX + sizeof "-isal"];
	ssize_t size = readlink("/proc/self/exe", path, PATH_MAX);

	if (size < 0)
		return;
	snprintf(path + size, sizeof "-isal", "-isal");
	execv(path, argv);
}

static void begin_member(void)
{
	if (state.state ? inflateReset(&state) : inflateInit2(&state, 16 + MAX_WBITS))
		die("cannot start zlib");
}

static size_t inflate_some(unsigned char *block, size_t size)
{
	state.next_in = input.data;
	state.avail_in = (uInt)input.size;
	state.next_out = block;
	state.avail_out = (uInt)size;
	int result = inflate(&state, Z_NO_FLUSH);
	input.data = state.next_in;
	input.size = state.avail_in;
	if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
		die("%s: not gzip, or damaged (%s)", input.name, state.msg ? state.msg : "zlib");
	inside = result != Z_STREAM_END;
	return size - state.avail_out;
}
#endif

size_t gzip_read(void *block, size_t size)
{
	size_t done = 0;

	while (done < size) {
		bool more = input_fill(1);
		if (!inside) {
			if (!more)
				break;
			begin_member();
			inside = true;
		}
		size_t before = input.size;
		size_t got = inflate_some((unsigned char *)block + done, size - done);
		if (!got && inside && input.size == before)
			die("%s: %s", input.name, more ? "damaged" : "ends in the middle");
		done += got;
	}
	return done;
}
