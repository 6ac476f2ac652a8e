/* Times as people write them, into the one form that the log has. */
#define _GNU_SOURCE
#include "crilog.h"

#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char digits[] = "0123456789";

/* Take a fraction of a second, ".25", from TEXT into *NANOSECONDS; what follows. */
static const char *fraction(const char *text, long *nanoseconds)
{
	long unit = 100000000;

	if (*text != '.' || !text[1] || !strchr(digits, text[1]))
		return text;
	for (text++; *text && strchr(digits, *text); text++, unit /= 10)
		*nanoseconds += (*text - '0') * unit;
	return text;
}

/* "2026-11-22[T10:00[:00[.5]]][Z|+01:00]", in local time if there is no zone. */
static bool parse_date(const char *text, struct timespec *time)
{
	struct tm tm = {.tm_isdst = -1};
	const char *rest = strptime(text, "%Y-%m-%d", &tm);

	if (!rest)
		return false;
	if (*rest == 'T') {
		const char *clock = rest + 1;
		rest = strptime(clock, "%H:%M:%S", &tm);
		if (!rest)
			rest = strptime(clock, "%H:%M", &tm);
		if (!rest)
			return false;
		rest = fraction(rest, &time->tv_nsec);
	}
	if (!*rest) {
		time->tv_sec = mktime(&tm);
		return true;
	}
	time->tv_sec = timegm(&tm);
	if (!strcmp(rest, "Z"))
		return true;
	struct tm zone = {0};
	if ((*rest != '+' && *rest != '-') || strlen(rest) != 6 ||
	    !strptime(rest + 1, "%H:%M", &zone))
		return false;
	time->tv_sec -= (*rest == '-' ? -1 : 1) * (zone.tm_hour * 3600 + zone.tm_min * 60);
	return true;
}

/* "1700000000" or "1700000000.25" */
static bool parse_seconds(const char *text, struct timespec *time)
{
	char whole[16] = "";
	size_t length = strspn(text, digits);
	uint64_t seconds;

	if (length >= sizeof whole)
		return false;
	memcpy(whole, text, length);
	if (!is_number(whole, 0, 253402300799, &seconds)) /* the year 9999 */
		return false;
	time->tv_sec = (time_t)seconds;
	return !*fraction(text + length, &time->tv_nsec);
}

/* "1h30m", "10s": so long before now */
static bool parse_duration(const char *text, struct timespec *time)
{
	static const char *const units = "smhd";
	static const int factors[] = {1, 60, 3600, 86400};

	clock_gettime(CLOCK_REALTIME, time);
	do {
		char *unit;
		unsigned long value = strtoul(text, &unit, 10);
		const char *known = *unit ? strchr(units, *unit) : NULL;
		if (unit == text || !strchr(digits, *text) || !known || value > 1000000000)
			return false;
		time->tv_sec -= (time_t)value * factors[known - units];
		text = unit + 1;
	} while (*text);
	return true;
}

void parse_time(const char *what, const char *text, char time[TIME_SIZE])
{
	struct timespec value = {0};
	struct tm utc;

	if (!parse_seconds(text, &value)) {
		value = (struct timespec){0};
		if (!parse_date(text, &value) && !parse_duration(text, &value))
			die("%s: not a time such as 2026-11-22T10:00:00Z or 10m: '%s'", what, text);
	}
	if (!gmtime_r(&value.tv_sec, &utc) || utc.tm_year < 1000 - 1900 ||
	    utc.tm_year > 9999 - 1900)
		die("%s: too far away: '%s'", what, text);
	strftime(time, TIME_SIZE, "%Y-%m-%dT%H:%M:%S.", &utc);
	snprintf(time + 20, TIME_SIZE - 20, "%09uZ", (unsigned)value.tv_nsec % 1000000000);
}
