/* Output: one buffer for both streams, so that they keep their order. */
#define _GNU_SOURCE
#include "crilog.h"

#include "common.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char buffer[1 << 17];
static size_t used;
static int current = STDOUT_FILENO;
static bool escaping[3];

void output_escape(const char *when)
{
	bool always = !strcmp(when, "always"), automatic = !strcmp(when, "auto");

	if (!always && !automatic && strcmp(when, "never") != 0)
		usage_error("--escape: always, never or auto, not '%s'", when);
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		escaping[fd] = always || (automatic && isatty(fd));
}

void output_flush(void)
{
	if (!write_all(current, buffer, used)) {
		if (errno == EPIPE)
			exit(128 + SIGPIPE);
		die(current == STDOUT_FILENO ? "standard output:" : "standard error:");
	}
	used = 0;
}

void output_write(int fd, const char *data, size_t size)
{
	if (fd != current || used + size > sizeof buffer)
		output_flush();
	current = fd;
	if (size > sizeof buffer) {
		if (!write_all(fd, data, size))
			die("output:");
		return;
	}
	memcpy(buffer + used, data, size);
	used += size;
}

/* Bytes of the UTF-8 character at TEXT, 0 if it is none. */
static size_t character(const unsigned char *text, size_t size)
{
	size_t length = *text < 0xc2   ? 0
			: *text < 0xe0 ? 2
			: *text < 0xf0 ? 3
			: *text < 0xf5 ? 4
				       : 0;

	if (!length || length > size)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

/*
 * Show bytes that could drive a terminal as cat -v does: the C0 set but for
 * newline, tab and return, DEL, and the C1 set (0x9b is "ESC [" to many), as
 * a byte or as a character.
 */
void output_text(int fd, const char *data, size_t size)
{
	const unsigned char *text = (const unsigned char *)data, *end = text + size;

	if (!escaping[fd]) {
		output_write(fd, data, size);
		return;
	}
	while (text < end) {
		unsigned char c = *text;
		size_t length = c < 0x80 ? 1 : character(text, (size_t)(end - text));
		char shown[5] = {'M', '-', '^', (char)((c & 0x7f) ^ 0x40), 0};

		if ((c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t' || c == '\r') {
			output_write(fd, (const char *)text, 1);
		} else if (c < 0x80) {
			output_write(fd, shown + 2, 2);
		} else if (length == 2 && c == 0xc2 && text[1] < 0xa0) {
			shown[3] = (char)((text[1] & 0x7f) ^ 0x40);
			output_write(fd, shown, 4);
		} else if (length) {
			output_write(fd, (const char *)text, length);
		} else if (c < 0xa0) {
			output_write(fd, shown, 4);
		} else {
			output_write(fd, "M-", 2);
			shown[3] = (char)(c & 0x7f);
			if (c == 0xff)
				output_write(fd, "^?", 2);
			else
				output_write(fd, shown + 3, 1);
		}
		text += length ? length : 1;
	}
}
