/* Sockets of the file system. */
#define _GNU_SOURCE
#include "common.h"

#include <stdio.h>
#include <sys/socket.h>

struct sockaddr_un socket_address(int dir, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int size = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d%s%s", dir,
			    *name ? "/" : "", name);

	if (size >= (int)sizeof address.sun_path)
		die("%s: the name is too long", name);
	return address;
}
