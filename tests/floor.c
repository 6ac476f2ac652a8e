/*
 * floor LOWER WORKDIR COMMAND...: the least that a container can cost. One static
 * program, no checks beyond errors: all namespaces, an overlay over LOWER, /proc,
 * pivot_root, COMMAND. What tests/bench holds the tools against.
 */
#define _GNU_SOURCE
#include <err.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void enter(char **argv)
{
	char options[4096];

	snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s/upper,workdir=%s/work", argv[1],
		 argv[2], argv[2]);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("overlay", "/mnt", "overlay", 0, options) || chdir("/mnt") ||
	    mount("proc", "proc", "proc", 0, NULL) || syscall(SYS_pivot_root, ".", ".") ||
	    umount2(".", MNT_DETACH) || sethostname("floor", 5))
		err(125, "floor");
	execvp(argv[3], argv + 3);
	err(127, "%s", argv[3]);
}

int main(int argc, char **argv)
{
	int status;

	if (argc < 4)
		errx(125, "usage: floor LOWER WORKDIR COMMAND...");
	long pid = syscall(SYS_clone,
			   SIGCHLD | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC |
				   CLONE_NEWNET | CLONE_NEWCGROUP,
			   0, 0, 0, 0);
	if (pid < 0)
		err(125, "clone");
	if (!pid)
		enter(argv);
	if (waitpid((pid_t)pid, &status, 0) < 0)
		err(125, "wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
