/* Numbers: what is not exactly one is refused. */
#include "common.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool is_number(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	uint64_t n = 0;

	if (!*text)
		return false;
	for (const char *c = text; *c; c++) {
		if (*c < '0' || *c > '9')
			return false;
		uint64_t digit = (uint64_t)(*c - '0');
		if (n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	if (n < min || n > max)
		return false;
	*value = n;
	return true;
}

uint64_t parse_number(const char *what, const char *text, uint64_t min, uint64_t max)
{
	uint64_t value;

	if (!is_number(text, min, max, &value))
		die("%s: not a number from %llu to %llu: '%s'", what, (unsigned long long)min,
		    (unsigned long long)max, text);
	return value;
}

/* The factor of a unit ("", "b", "k", "kb", "kib", ...); 0 if it is none. */
static uint64_t unit_factor(const char *unit)
{
	static const char units[] = "kmgtp";
	const char *found;
	uint64_t factor = 1;

	if (!*unit || !strcasecmp(unit, "b"))
		return 1;
	found = strchr(units, *unit | 0x20);
	if (!found || (unit[1] && strcasecmp(unit + 1, "b") && strcasecmp(unit + 1, "ib")))
		return 0;
	for (const char *u = units; u <= found; u++)
		factor *= 1024;
	return factor;
}

uint64_t parse_size(const char *what, const char *text)
{
	size_t whole = strspn(text, "0123456789"), fraction = 0;
	const char *unit = text + whole;
	double size;

	if (*unit == '.') {
		fraction = strspn(unit + 1, "0123456789");
		unit += 1 + fraction;
	}
	uint64_t factor = unit_factor(unit + strspn(unit, " "));
	if (!whole || !factor || (text[whole] == '.' && !fraction))
		die("%s: not a size such as 64m or 1g: '%s'", what, text);
	size = strtod(text, NULL) * (double)factor;
	if (size >= 9.2e18)
		die("%s: too large: '%s'", what, text);
	return (uint64_t)size;
}

bool is_hex_id(const char *text)
{
	return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}
