/* die() and its kin for the fuzz targets: back to the target instead of out. */
#include "harness.h"

#include "common.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *tool = "fuzz";
jmp_buf refused;

void broken(const char *what, const char *detail)
{
	fprintf(stderr, "BROKEN: %s: %s\n", what, detail);
	abort();
}

static _Noreturn void refuse(const char *format)
{
	size_t length = strlen(format);

	/* All but the scratch directory is read-only: something was reached that is none of ours.
	 */
	if (length && format[length - 1] == ':' && errno == EROFS)
		broken("tried to write outside of the scratch directory", format);
	longjmp(refused, 1);
}

void warn(const char *format, ...)
{
	(void)format;
}

void die(const char *format, ...)
{
	refuse(format);
}

void die_hint(const char *hint, const char *format, ...)
{
	(void)hint;
	refuse(format);
}

void help(const char *text)
{
	refuse(text);
}

void usage_error(const char *format, ...)
{
	refuse(format);
}

void close_stdout(void)
{
}
