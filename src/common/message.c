/* Messages: one form, for every tool. */
#include "common.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *tool = "skiff";

/*
 * Does C, behind BEFORE, drive terminals? Also U+0080 to U+009F, of which U+009B is "ESC [": in
 * UTF-8 after 0xc2, or alone. After other bytes it is a part of some letter.
 */
static bool is_control(unsigned char c, unsigned char before)
{
	return c < 0x20 || c == 0x7f ||
	       (c >= 0x80 && c < 0xa0 && (before == 0xc2 || before < 0x80));
}

/* Append TEXT to the line, control characters made visible. */
static size_t append_visible(char *line, size_t used, size_t size, const char *text)
{
	unsigned char before = 0;

	for (const unsigned char *c = (const unsigned char *)text; *c && used + 5 < size;
	     before = *c++) {
		if (!is_control(*c, before))
			line[used++] = (char)*c;
		else
			used += (size_t)snprintf(line + used, size - used, "\\x%02x", *c);
	}
	return used;
}

/* One write(2) a line, so that lines of processes that run together stay whole. */
__attribute__((nonnull(1))) static void print_line(const char *format, va_list ap)
{
	const char *error = strerror(errno);
	char text[4096], line[8192];
	size_t used = 0;

	vsnprintf(text, sizeof text, format, ap);
	used = append_visible(line, used, sizeof line - 1, tool);
	used = append_visible(line, used, sizeof line - 1, ": ");
	used = append_visible(line, used, sizeof line - 1, text);
	if (*format && format[strlen(format) - 1] == ':') {
		used = append_visible(line, used, sizeof line - 1, " ");
		used = append_visible(line, used, sizeof line - 1, error);
	}
	line[used++] = '\n';
	write_all(STDERR_FILENO, line, used);
}

void warn(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_line(format, ap);
	va_end(ap);
}

void die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_line(format, ap);
	va_end(ap);
	exit(EXIT_TOOL);
}

void die_hint(const char *hint, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_line(format, ap);
	va_end(ap);
	warn("%s", hint);
	exit(EXIT_TOOL);
}

void help(const char *text)
{
	fputs(text, stdout);
	close_stdout();
	exit(EXIT_SUCCESS);
}

void usage_error(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_line(format, ap);
	va_end(ap);
	warn("try '%s -h'", tool);
	exit(EXIT_TOOL);
}

void close_stdout(void)
{
	if (fflush(stdout) || ferror(stdout))
		die("standard output:");
	if (fclose(stdout) && errno != EBADF)
		die("standard output:");
}
