/*
 * Giving up privileges. The order is forced by who may do what: dropping from
 * the bounding set takes CAP_SETPCAP, changing ids CAP_SETUID and CAP_SETGID,
 * and a filter without no_new_privs CAP_SYS_ADMIN; so capabilities go last.
 */
#define _GNU_SOURCE
#include "lockdown.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIT(capability) (UINT64_C(1) << (capability))

struct filter read_filter(const char *argument)
{
	struct filter filter;
	int fd = open_argument(argument, O_RDONLY);
	const size_t unit = sizeof(struct sock_filter), limit = BPF_MAXINSNS * unit;

	filter.program = read_all(fd, limit, &filter.size, argument);
	close(fd);
	if (!filter.size || filter.size % unit)
		die("seccomp: %s: not a compiled filter, see seccomp-compile(1)", argument);
	return filter;
}

/* The capabilities of this process: permitted, and effective where they are. */
static uint64_t permitted_capabilities(void)
{
	cap_t state = cap_get_proc();
	uint64_t set = 0;

	if (!state)
		die("reading capabilities:");
	for (cap_value_t c = 0; c < cap_max_bits(); c++) {
		cap_flag_value_t value = CAP_CLEAR;
		cap_get_flag(state, c, CAP_PERMITTED, &value);
		if (value == CAP_SET)
			set |= BIT(c);
	}
	cap_free(state);
	return set;
}

/*
 * Make SET the permitted and the effective set, and the inheritable one empty:
 * what is in that comes back at some later exec (CVE-2022-24769). The ambient set
 * never has more than the inheritable one, capabilities(7), and so is empty too.
 */
static void set_capabilities(uint64_t set)
{
	cap_t state = cap_init();

	if (!state)
		die("setting capabilities:");
	for (cap_value_t c = 0; c < cap_max_bits(); c++) {
		if (!(set & BIT(c)))
			continue;
		cap_set_flag(state, CAP_PERMITTED, 1, &c, CAP_SET);
		cap_set_flag(state, CAP_EFFECTIVE, 1, &c, CAP_SET);
	}
	if (cap_set_proc(state))
		die("setting capabilities:");
	cap_free(state);
}

uint64_t held_capabilities(uint64_t wanted, uint64_t explicit)
{
	uint64_t held = permitted_capabilities();

	for (cap_value_t c = 0; c < cap_max_bits(); c++) {
		if (!(explicit & ~held & BIT(c)))
			continue;
		char *name = cap_to_name(c);
		warn("%s: cannot be given: it is not held here", name ? name : "capability");
		cap_free(name);
	}
	return wanted & held;
}

void drop_bounding(uint64_t keep)
{
	for (cap_value_t c = 0; c < cap_max_bits(); c++)
		if (!(keep & BIT(c)) && cap_get_bound(c) == 1 && cap_drop_bound(c))
			die_hint("it takes CAP_SETPCAP: run this as root",
				 "dropping capabilities from the bounding set:");
}

/* EINVAL of the calls that set ids has one reason, user_namespaces(7). */
static _Noreturn void die_id(const char *what, unsigned int id)
{
	if (errno == EINVAL)
		die("%s %u: not mapped in this user namespace", what, id);
	die("changing to %s %u:", what, id);
}

static int compare_groups(const void *left, const void *right)
{
	gid_t a = *(const gid_t *)left, b = *(const gid_t *)right;

	return (a > b) - (a < b);
}

/* Sorted, as the kernel keeps them anyway, and each only once. */
static size_t unique_groups(gid_t *groups, size_t count)
{
	size_t kept = 0;

	qsort(groups, count, sizeof *groups, compare_groups);
	for (size_t i = 0; i < count; i++)
		if (!kept || groups[kept - 1] != groups[i])
			groups[kept++] = groups[i];
	return kept;
}

void become_user(const struct user *user)
{
	size_t count = unique_groups(user->groups, user->group_count);
	uint64_t held = permitted_capabilities();

	if (count > NGROUPS_MAX)
		die("more than %d supplementary groups", NGROUPS_MAX);
	/* Otherwise leaving uid 0 would empty the permitted set, capabilities(7). */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		die("keeping capabilities:");
	if (setgroups(count, user->groups))
		die_id("supplementary groups, the last", user->groups[count - 1]);
	if (setresgid(user->gid, user->gid, user->gid))
		die_id("group", user->gid);
	if (setresuid(user->uid, user->uid, user->uid))
		die_id("user", user->uid);
	set_capabilities(held);
	/* Changing ids made us fs.suid_dumpable, which is not 0 everywhere. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static void install_filter(const struct filter *filter)
{
	struct sock_fprog program = {
		.len = (unsigned short)(filter->size / sizeof(struct sock_filter)),
		.filter = (struct sock_filter *)(void *)filter->program,
	};

	if (!filter->program || !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		return;
	if (errno == EINVAL)
		die("seccomp: the kernel does not take this filter");
	if (errno == EACCES)
		die_hint("it takes CAP_SYS_ADMIN or --no-new-privs", "seccomp:");
	die("seccomp:");
}

void drop_privileges(uint64_t keep, bool no_new_privileges, const struct filter *filter)
{
	if (no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		die("no_new_privs:");
	/*
	 * Without no_new_privs the filter takes CAP_SYS_ADMIN, so it has to come
	 * first, and to allow capset(2), as the default one does.
	 */
	if (!no_new_privileges)
		install_filter(filter);
	/*
	 * execve(2) would empty the sets of a user other than root anyway; doing it
	 * here makes it look for the command with the rights of that user.
	 */
	set_capabilities(geteuid() ? 0 : keep);
	if (no_new_privileges)
		install_filter(filter);
}
