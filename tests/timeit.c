/*
 * timeit N COMMAND...: run COMMAND N times, from start to exit, with standard
 * input and output on /dev/null, and print the minimum and the median of the wall
 * clock times in microseconds. A COMMAND that fails is fatal: a fast failure is
 * no figure.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[1]) : 0;
	posix_spawn_file_actions_t files;

	if (n < 1 || n > 10000) {
		fputs("usage: timeit N COMMAND...\n", stderr);
		return 125;
	}
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	double *times = calloc((size_t)n, sizeof *times);
	for (int i = 0; times && i < n; i++) {
		pid_t pid;
		int status;
		double begin = now();
		if (posix_spawnp(&pid, argv[2], &files, NULL, argv + 2, environ)) {
			fprintf(stderr, "timeit: cannot run %s\n", argv[2]);
			return 127;
		}
		if (waitpid(pid, &status, 0) < 0 || status) {
			fprintf(stderr, "timeit: %s failed: status %d\n", argv[2], status);
			return 125;
		}
		times[i] = now() - begin;
	}
	if (!times)
		return 125;
	qsort(times, (size_t)n, sizeof *times, by_value);
	printf("%.0f %.0f\n", times[0], times[n / 2]);
	return 0;
}
