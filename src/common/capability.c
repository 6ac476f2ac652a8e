/* Sets of capabilities: names, and the set that a container has by default. */
#include "capability.h"
#include "common.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/capability.h>

#define BIT(capability) (UINT64_C(1) << (capability))

/* What Docker gives: enough to install packages, not enough to touch the kernel. */
static const uint64_t by_default = BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FSETID) |
				   BIT(CAP_FOWNER) | BIT(CAP_MKNOD) | BIT(CAP_NET_RAW) |
				   BIT(CAP_SETGID) | BIT(CAP_SETUID) | BIT(CAP_SETFCAP) |
				   BIT(CAP_SETPCAP) | BIT(CAP_NET_BIND_SERVICE) |
				   BIT(CAP_SYS_CHROOT) | BIT(CAP_KILL) | BIT(CAP_AUDIT_WRITE);

uint64_t capability_mask(const char *name)
{
	char full[64];
	cap_value_t value;

	if (!strcasecmp(name, "ALL"))
		return CAPABILITY_ALL;
	/* cap_from_name() reads on from a comma and takes numbers. */
	if (name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")])
		die("unknown capability: '%s'", name);
	snprintf(full, sizeof full, "%s%s", strncasecmp(name, "cap_", 4) ? "cap_" : "", name);
	if (cap_from_name(full, &value))
		die("unknown capability: '%s'", name);
	return BIT(value);
}

uint64_t capability_set(uint64_t add, uint64_t drop)
{
	if (add == CAPABILITY_ALL)
		return drop == CAPABILITY_ALL ? CAPABILITY_ALL : ~drop;
	if (drop == CAPABILITY_ALL)
		return add;
	return (by_default & ~drop) | add;
}
