/* Extended attributes that may travel in an archive. */
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

bool is_portable_xattr(const char *name)
{
	return (!strncmp(name, "user.", 5) && strncmp(name, "user.overlay.", 13) != 0) ||
	       !strcmp(name, "security.capability") || !strncmp(name, "system.posix_acl_", 17);
}

bool each_xattr(int fd,
		bool (*each)(void *context, const char *name, const void *value, size_t size),
		void *context)
{
	/* XATTR_LIST_MAX and XATTR_SIZE_MAX: there is never more (xattr(7)). */
	char names[65536], value[65536];
	ssize_t size = flistxattr(fd, names, sizeof names);

	if (size < 0)
		return errno == EOPNOTSUPP;
	for (const char *name = names; name < names + size; name += strlen(name) + 1) {
		if (!is_portable_xattr(name))
			continue;
		ssize_t length = fgetxattr(fd, name, value, sizeof value);
		if (length < 0 && errno == ENODATA)
			continue; /* removed meanwhile */
		if (length < 0 || !each(context, name, value, (size_t)length))
			return false;
	}
	return true;
}
