/* What people see while blobs travel: on standard error, never data. */
#include "registry.h"

#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INTERVAL = 100 /* ms between redraws */ };

static enum { NONE, PLAIN, TTY } mode;
static size_t drawn; /* lines on the screen that will be drawn again */

void progress_init(const char *name)
{
	if (!strcmp(name, "none"))
		mode = NONE;
	else if (!strcmp(name, "plain"))
		mode = PLAIN;
	else if (!strcmp(name, "auto") || !strcmp(name, "tty"))
		mode = isatty(STDERR_FILENO) ? TTY : NONE;
	else
		usage_error("progress is auto, plain, tty or none: '%s'", name);
}

bool progress_is_plain(void)
{
	return mode == PLAIN;
}

void size_text(uint64_t size, char text[SIZE_TEXT])
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	double value = (double)size;
	size_t unit = 0;

	while (value >= 1000 && unit < 4) {
		value /= 1000;
		unit++;
	}
	snprintf(text, SIZE_TEXT, "%.4g%s", value, units[unit]);
}

void progress_bar(const char *doing, uint64_t have, uint64_t size)
{
	static const char arrow[] = "=========================";
	int width = sizeof arrow - 1, done = 0;
	char have_text[SIZE_TEXT], whole_text[SIZE_TEXT];

	if (size)
		done = (int)(width * (double)have / (double)size);
	size_text(have, have_text);
	size_text(size, whole_text);
	fprintf(stderr, "%s [%.*s>%*s] %s/%s\n", doing, done, arrow, width - done, "", have_text,
		whole_text);
}

void progress_draw(const void *blobs, size_t count, enum progress (*state)(const void *, size_t),
		   void (*draw)(const void *, size_t))
{
	static bool *shown; /* rows whose last line is out */
	static int64_t last;
	size_t complete = 0;

	for (size_t i = 0; i < count; i++)
		complete += state(blobs, i) == COMPLETE;
	if (mode != TTY || !count || (milliseconds() - last < INTERVAL && complete < count))
		return;
	last = milliseconds();
	if (!shown && !(shown = calloc(count, 1)))
		die("out of memory");
	if (drawn)
		fprintf(stderr, "\033[%zuA\033[J", drawn);
	for (size_t i = 0; i < count; i++)
		if (!shown[i] && state(blobs, i) == COMPLETE) {
			draw(blobs, i);
			shown[i] = true;
		}
	drawn = 0;
	for (size_t i = 0; i < count; i++) {
		enum progress now = state(blobs, i);
		if (now == WAITING || now == RUNNING) {
			draw(blobs, i);
			drawn++;
		}
	}
}
