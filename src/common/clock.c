/* Clocks. */
#define _GNU_SOURCE
#include "common.h"

#include <stdio.h>
#include <time.h>

int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void timestamp(char text[TIMESTAMP + 1])
{
	struct timespec now;
	struct tm utc;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	size_t used = strftime(text, TIMESTAMP + 1, "%Y-%m-%dT%H:%M:%S.", &utc);
	snprintf(text + used, TIMESTAMP + 1 - used, "%09ldZ", now.tv_nsec);
}
