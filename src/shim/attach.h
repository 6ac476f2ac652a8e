/*
 * What a shim and the programs attached to it say to one another over the
 * socket RUN/attach: frames, as in Docker's attach stream, in both directions.
 * A frame is a header of eight bytes, {type, 0, 0, 0, length as big-endian
 * 32 bits}, and as many bytes as the length says, FRAME_MAX at most.
 */
#ifndef ATTACH_H
#define ATTACH_H

#include <stdint.h>

enum {
	FRAME_STDIN = 0,   /* to the shim: standard input; no bytes: end of it */
	FRAME_STDOUT = 1,  /* from the shim: output (all of it with a terminal) */
	FRAME_STDERR = 2,  /* from the shim: standard error */
	FRAME_STARTED = 3, /* from the shim: the application runs (no bytes) */
	FRAME_ERROR = 4,   /* from the shim: what the set-up had to say */
	FRAME_EXIT = 5,	   /* from the shim: exit status, 32 bits big-endian */
	FRAME_HELLO = 6,   /* to the shim: one byte of HELLO_ flags; and back, empty: heard */
};

enum {
	HELLO_OUTPUT = 1,   /* send me the output */
	HELLO_LOSSLESS = 2, /* and wait for me as long as it takes (see shim(1)) */
};

enum { FRAME_HEADER = 8, FRAME_MAX = 65536 };

/* Write VALUE into four bytes, big-endian. */
static inline void put_big_endian(unsigned char *bytes, uint32_t value)
{
	bytes[0] = (unsigned char)(value >> 24);
	bytes[1] = (unsigned char)(value >> 16);
	bytes[2] = (unsigned char)(value >> 8);
	bytes[3] = (unsigned char)value;
}

/* The value of four big-endian bytes. */
static inline uint32_t get_big_endian(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

/* Fill in the header of a frame of LENGTH bytes. */
static inline void put_header(unsigned char header[FRAME_HEADER], int type, uint32_t length)
{
	put_big_endian(header, (uint32_t)type << 24);
	put_big_endian(header + 4, length);
}

#endif
