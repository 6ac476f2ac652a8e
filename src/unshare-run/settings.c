/* What belongs to the new namespaces and is no mount: host name, loopback, sysctls. */
#define _GNU_SOURCE
#include "unshare-run.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Bring up the loopback interface: a new network namespace has it down. */
static void start_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		die("bring up lo:");
	close(fd);
}

/* The kind of namespace that the sysctl KEY belongs to, 0 if it belongs to the whole host. */
static int sysctl_namespace(const char *key)
{
	static const struct {
		const char *prefix;
		int flag;
	} known[] = {
		{"net.", CLONE_NEWNET},	      {"kernel.msg", CLONE_NEWIPC},
		{"kernel.sem", CLONE_NEWIPC}, {"kernel.shm", CLONE_NEWIPC},
		{"fs.mqueue.", CLONE_NEWIPC},
	};

	/* CVE-2022-0811: what is no key could hide another key, or a path, in this one. */
	if (key[strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")])
		return 0;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strncmp(key, known[i].prefix, strlen(known[i].prefix)))
			return known[i].flag;
	return 0;
}

/*
 * Write VALUE to KEY below PROC, a procfs that nobody has mounted anywhere yet:
 * no other file can stand where the sysctl should be (CVE-2025-52881).
 */
static void write_sysctl(int proc, const char *key, const char *value)
{
	struct open_how how = {
		.flags = O_WRONLY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	char *path = xasprintf("sys/%s", key);

	for (char *c = path; *c; c++)
		if (*c == '.')
			*c = '/';
	int fd = (int)syscall(SYS_openat2, proc, path, &how, sizeof how);
	if (fd < 0 || !write_all(fd, value, strlen(value)))
		die("sysctl %s=%s:", key, value);
	close(fd);
	free(path);
}

/* KEY=VALUE of the user: only what is ours alone may be changed. */
static void user_sysctl(const struct plan *plan, int proc, const char *setting)
{
	char *key = xstrdup(setting), *value = strchr(key, '=');
	int flag;

	if (!value)
		die("sysctl %s: not KEY=VALUE", setting);
	*value++ = '\0';
	flag = sysctl_namespace(key);
	if (!flag)
		die_hint("only net.*, kernel.msg*, kernel.sem, kernel.shm* and fs.mqueue.* belong "
			 "to "
			 "namespaces",
			 "sysctl %s: would change the host", key);
	if (!(plan->create & flag))
		die("sysctl %s: the %s namespace is not ours alone", key,
		    flag == CLONE_NEWNET ? "network" : "ipc");
	write_sysctl(proc, key, value);
	free(key);
}

void apply_settings(const struct plan *plan)
{
	if (plan->hostname && sethostname(plan->hostname, strlen(plan->hostname)) < 0)
		die("set the host name %s:", plan->hostname);
	if (plan->domainname && setdomainname(plan->domainname, strlen(plan->domainname)) < 0)
		die("set the domain name %s:", plan->domainname);
	if (plan->create & CLONE_NEWNET)
		start_loopback();
	if (!(plan->create & CLONE_NEWNET && plan->root) && !plan->sysctls)
		return;

	int proc = new_filesystem("proc", NULL, 0);
	if (proc < 0)
		die("mount proc for the sysctls:");
	if (plan->create & CLONE_NEWNET && plan->root) {
		/* As Docker: everybody inside may bind low ports and send pings. */
		write_sysctl(proc, "net.ipv4.ip_unprivileged_port_start", "0");
		if (!((plan->create | plan->join) & CLONE_NEWUSER))
			write_sysctl(proc, "net.ipv4.ping_group_range", "0 2147483647");
	}
	for (const char **setting = plan->sysctls; setting && *setting; setting++)
		user_sysctl(plan, proc, *setting);
	close(proc);
}
