/* The application: its environment, where its file is, and becoming it. */
#define _GNU_SOURCE
#include "lockdown.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static const char default_path[] =
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* Order of two strings NAME=VALUE by their names. */
static int compare_names(const void *left, const void *right)
{
	const char *a = left, *b = right;
	size_t a_size = strcspn(a, "="), b_size = strcspn(b, "=");
	int order = memcmp(a, b, a_size < b_size ? a_size : b_size);

	return order ? order : (a_size > b_size) - (a_size < b_size);
}

char **make_environment(char *data, size_t size, const char *home)
{
	size_t count, used;
	char **given = split_strings(data, size, &count);
	char **result = xmalloc((count + 3) * sizeof *result);
	char *home_entry = xasprintf("HOME=%s", home);
	void *names = NULL;

	/* Back to front, so that of two of one name the later is seen first and wins. */
	used = count + 2;
	result[used] = NULL;
	for (size_t i = count; i--;) {
		if (given[i][0] == '=' || !strchr(given[i], '='))
			continue;
		char **found = tsearch(given[i], &names, compare_names);
		if (!found)
			die("out of memory");
		if (*found == given[i])
			result[--used] = given[i];
	}
	if (!tfind(default_path, &names, compare_names))
		result[--used] = (char *)default_path;
	if (!tfind(home_entry, &names, compare_names))
		result[--used] = home_entry;
	free(given);
	return result + used;
}

/* Say why execve(2) failed with ERROR on PATH, and exit. */
static _Noreturn void explain(const char *path, int error)
{
	struct utsname machine;
	struct stat st;
	bool exists = !stat(path, &st);

	if (error == EACCES && exists && S_ISDIR(st.st_mode))
		error = EISDIR;
	errno = error;
	if (error == ENOENT && exists)
		warn("exec: \"%s\": its interpreter or loader is missing:", path);
	else
		warn("exec: \"%s\":", path);
	if (error == ENOEXEC && !uname(&machine))
		warn("it is no program for %s and does not begin with #!; those of other machines "
		     "need qemu-user and binfmt_misc",
		     machine.machine);
	exit(error == ENOENT || error == ENOTDIR ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
}

static bool is_file(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode);
}

/*
 * Try ARGV[0] in each directory of PATH. Unlike execvp(3) never starts a shell
 * for a file that the kernel cannot run. Returns errno for the file *FOUND, which
 * is NULL if there is none.
 */
static int search(char *const argv[], char **found)
{
	const char *next = getenv("PATH");

	*found = NULL;
	for (next = next ? next : strchr(default_path, '=') + 1; next;) {
		size_t length = strcspn(next, ":");
		/* An empty directory name is the current directory, environ(7). */
		char *path = xasprintf("%.*s%s%s", (int)length, next, length ? "/" : "", argv[0]);

		execve(path, argv, environ);
		int error = errno;
		if (!is_file(path)) {
			free(path);
		} else if (error != EACCES) {
			*found = path;
			return error;
		} else if (!*found) {
			*found = path;
		}
		next = next[length] ? next + length + 1 : NULL;
	}
	return EACCES;
}

void become_application(char *const argv[], int standard_error, bool block_signals)
{
	int messages = STDERR_FILENO, error;
	char *path = argv[0];
	static const unsigned long default_action[4];
	sigset_t mask;

	if (standard_error >= 0) {
		messages = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (messages < 0 || dup2(standard_error, STDERR_FILENO) < 0)
			die("standard error %d:", standard_error);
	}
	/* CVE-2024-21626: nothing of the host may be open in the application. */
	if (close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC))
		die("closing descriptors:");
	/* What is ignored or blocked would stay so over execve(2). */
	/* By the system call, as glibc keeps its own two signals from signal(2): whoever was
	 * started by posix_spawn(3) ignores them. Zeros are SIG_DFL. */
	for (int n = 1; n <= 64; n++)
		(void)syscall(SYS_rt_sigaction, n, default_action, NULL, 8);
	if (block_signals)
		sigfillset(&mask);
	else
		sigemptyset(&mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (strchr(path, '/')) {
		execve(path, argv, environ);
		error = errno;
	} else {
		error = search(argv, &path);
	}
	dup2(messages, STDERR_FILENO);
	if (path)
		explain(path, error);
	warn("exec: \"%s\": executable file not found in $PATH", argv[0]);
	exit(EXIT_NOT_FOUND);
}
