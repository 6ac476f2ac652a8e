/* Input: what clients sent and the container has not read yet. */
#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char data[16384];
static size_t used;
static int input_fd = -1;
static bool closing;

void input_open(int fd)
{
	input_fd = fd;
}

size_t input_room(void)
{
	return sizeof data - used;
}

ssize_t input_receive(int fd, size_t size)
{
	size_t room = input_room();
	ssize_t n = recv(fd, data + used, size < room ? size : room, MSG_DONTWAIT);

	if (n > 0 && !closing)
		used += (size_t)n;
	return n;
}

/* There will be no more readers: whatever is sent is dropped. */
static void shut(void)
{
	if (input_fd >= 0)
		close(input_fd);
	input_fd = -1;
	used = 0;
	closing = true;
}

void input_close(void)
{
	closing = true;
	if (!used)
		shut();
}

int input_poll(void)
{
	return used ? input_fd : -1;
}

void input_write(void)
{
	ssize_t n = write(input_fd, data, used);

	if (n > 0) {
		used -= (size_t)n;
		memmove(data, data + n, used);
	} else if (errno == EIO) {
		used = 0; /* nobody has the terminal open just now */
	} else if (errno != EAGAIN && errno != EINTR) {
		shut(); /* EPIPE: the container closed it */
	}
	if (closing && !used)
		shut();
}
