/*
 * Carrying a command across: what runs in the container must not be a file of
 * the host, or the container could write to it through /proc/PID/exe
 * (CVE-2019-5736). So it is a copy in memory, sealed against any change, that
 * has no path anywhere.
 */
#define _GNU_SOURCE
#include "unshare-run.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3 */
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020 /* Linux 6.3 */
#endif

enum { SEALED_MAX = 64 << 20 };

/* A memory file NAME, executable if EXECUTABLE (before Linux 6.3 all of them are). */
static int new_memory(const char *name, bool executable)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING |
					    (executable ? MFD_EXEC : MFD_NOEXEC_SEAL));

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

/* Let nobody change the memory file COPY again, and its mode be MODE; false with errno. */
static bool seal(int copy, mode_t mode)
{
	if (fchmod(copy, mode) < 0 ||
	    fcntl(copy, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) < 0)
		return false;
	(void)fcntl(copy, F_ADD_SEALS, F_SEAL_EXEC); /* the mode stays, too */
	return !fcntl(copy, F_ADD_SEALS, F_SEAL_SEAL);
}

/* Open the executable NAME as execvp(3) would find it; exits 127 or 126 if it cannot be. */
static int open_command(const char *name)
{
	const char *path = getenv("PATH");
	char *list = xstrdup(strchr(name, '/') ? "" : path ? path : "/usr/bin:/bin");
	char *rest = list, *directory;
	int error = ENOENT;

	while ((directory = strsep(&rest, ":"))) {
		char *file = *directory ? xasprintf("%s/%s", directory, name) : xstrdup(name);
		struct stat st;
		int fd = open(file, O_RDONLY | O_CLOEXEC);

		if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && !access(file, X_OK)) {
			free(file);
			free(list);
			return fd;
		}
		if (fd >= 0 || errno != ENOENT)
			error = EACCES;
		if (fd >= 0)
			close(fd);
		free(file);
	}
	errno = error;
	warn("%s:", name);
	exit(error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
}

int carry_command(const char *name)
{
	int file = open_command(name);
	int copy = new_memory(name, true);
	ssize_t sent;

	if (copy < 0)
		die("carry %s:", name);
	do
		sent = sendfile(copy, file, NULL, 1 << 30);
	while (sent > 0);
	/* Not readable: execve(2) makes who runs it non-dumpable, so that nothing
	 * in the container can look into it while it is still ours. */
	if (sent < 0 || !seal(copy, 0111))
		die("carry %s:", name);
	close(file);
	return copy;
}

/*
 * Whoever inside may look at our descriptors, with CAP_SYS_PTRACE and without a user
 * namespace, can open the files that they are anew, for writing: files of the host.
 */
void seal_descriptor(int fd)
{
	int copy = new_memory("sealed", false);
	size_t size;
	char *data = try_read_all(fd, SEALED_MAX, &size);

	if (copy < 0 || !data || !write_all(copy, data, size) || !seal(copy, 0444) ||
	    lseek(copy, 0, SEEK_SET) < 0 || dup2(copy, fd) < 0)
		die("seal descriptor %d:", fd);
	free(data);
	close(copy);
}

void run_from_memory(char *const arguments[])
{
	static const char prefix[] = "/memfd:";
	extern char **environ;
	char path[sizeof prefix] = "";
	ssize_t length = readlink("/proc/self/exe", path, sizeof path);
	int copy;

	if (length < 0)
		die("/proc/self/exe:");
	if (!memcmp(path, prefix, sizeof prefix - 1))
		return;
	copy = carry_command("/proc/self/exe");
	execveat(copy, "", arguments, environ, AT_EMPTY_PATH);
	die("start again from memory:");
}
