/*
 * Clients: the programs attached to the container. Each has a bounded buffer
 * for what it has not taken yet. While one is full the container's output is
 * not read, so that the container waits; how long, clients_expire() says.
 */
#define _GNU_SOURCE
#include "shim.h"

#include "attach.h"
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	FRAME = FRAME_HEADER + FRAME_MAX,
	BUFFER = 2 * FRAME + 4096, /* the last for frames that are not output */
	PATIENCE = 1000,	   /* milliseconds without progress */
};

struct client {
	int fd;
	bool output, lossless; /* what it asked for */
	bool fed;	       /* it sent input */
	unsigned char header[FRAME_HEADER];
	size_t have;  /* bytes of the header read */
	size_t left;  /* bytes of the frame still to come */
	size_t begin; /* what is to be sent: buffer[begin..end) */
	size_t end;
	int64_t progress; /* when it last took something, or the buffer was empty */
	char *buffer;
};

static struct client clients[CLIENTS];
static size_t count;
static int listener = -1, run_dir;
static bool once, started, leaving;

void clients_listen(int dirfd, bool stdin_once)
{
	struct sockaddr_un address = socket_address(dirfd, "attach");

	run_dir = dirfd;
	once = stdin_once;
	if (unlinkat(dirfd, "attach", 0) && errno != ENOENT)
		die("attach:");
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) ||
	    listen(listener, CLIENTS))
		die("attach:");
}

/* Only poll(2) entries and loops over the clients know their order. */
static void drop(struct client *c)
{
	if (once && c->fed)
		input_close();
	close(c->fd);
	free(c->buffer);
	*c = clients[--count];
}

/* Send what is waiting. False when the client is gone. */
static bool send_waiting(struct client *c)
{
	ssize_t n =
		send(c->fd, c->buffer + c->begin, c->end - c->begin, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	c->begin += (size_t)n;
	c->progress = milliseconds();
	return true;
}

/* Queue SIZE bytes. False when they do not fit. */
static bool queue(struct client *c, const void *data, size_t size)
{
	if (!c->buffer)
		c->buffer = xmalloc(BUFFER);
	if (c->begin == c->end) {
		c->begin = c->end = 0;
		c->progress = milliseconds();
	}
	if (c->end + size > BUFFER) {
		memmove(c->buffer, c->buffer + c->begin, c->end - c->begin);
		c->end -= c->begin;
		c->begin = 0;
	}
	if (c->end + size > BUFFER)
		return false;
	memcpy(c->buffer + c->end, data, size);
	c->end += size;
	return true;
}

/* Send a frame, or queue what does not go at once. False when the client is gone. */
static bool send_frame(struct client *c, int type, const void *data, size_t size)
{
	unsigned char header[FRAME_HEADER];
	struct iovec parts[2] = {{header, sizeof header}, {(void *)data, size}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	size_t sent = 0;

	put_header(header, type, (uint32_t)size);
	if (c->begin == c->end) {
		ssize_t n = sendmsg(c->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		sent = n > 0 ? (size_t)n : 0;
	}
	if (sent < sizeof header) {
		if (!queue(c, header + sent, sizeof header - sent))
			return false;
		sent = sizeof header;
	}
	sent -= sizeof header;
	return sent == size || queue(c, (const char *)data + sent, size - sent);
}

void clients_send(int type, const void *data, size_t size)
{
	bool output = type == FRAME_STDOUT || type == FRAME_STDERR;

	for (size_t i = count; i-- > 0;)
		if ((!output || clients[i].output) && !send_frame(&clients[i], type, data, size))
			drop(&clients[i]);
}

void clients_started(void)
{
	started = true;
	clients_send(FRAME_STARTED, "", 0);
}

/* Take a new client in, if it is one of us (CVE-2020-15257) and there is room. */
static void accept_client(void)
{
	struct ucred peer;
	socklen_t size = sizeof peer;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (count == CLIENTS || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) ||
	    (peer.uid && peer.uid != geteuid())) {
		close(fd);
		return;
	}
	clients[count] = (struct client){.fd = fd};
	if (!started || send_frame(&clients[count], FRAME_STARTED, "", 0))
		count++;
	else
		close(fd);
}

/* A header is complete. False when it is none of the protocol. */
static bool begin_frame(struct client *c)
{
	int type = c->header[0];

	c->left = get_big_endian(c->header + 4);
	if (type == FRAME_HELLO)
		return c->left == 1;
	if (type != FRAME_STDIN || c->left > FRAME_MAX)
		return false;
	c->fed = true;
	if (!c->left) {
		c->have = 0;
		if (once)
			input_close();
	}
	return true;
}

/* Read the next part of what the client sends. False when it is gone. */
static bool receive(struct client *c)
{
	unsigned char flags = 0;
	ssize_t n;

	if (c->have < sizeof c->header)
		n = recv(c->fd, c->header + c->have, sizeof c->header - c->have, MSG_DONTWAIT);
	else if (c->header[0] == FRAME_HELLO)
		n = recv(c->fd, &flags, 1, MSG_DONTWAIT);
	else
		n = input_receive(c->fd, c->left);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);

	if (c->have < sizeof c->header) {
		c->have += (size_t)n;
		return c->have < sizeof c->header || begin_frame(c);
	}
	c->left -= (size_t)n;
	if (!c->left)
		c->have = 0;
	if (c->header[0] != FRAME_HELLO)
		return true;
	c->output = flags & HELLO_OUTPUT;
	c->lossless = flags & HELLO_LOSSLESS && !started;
	return send_frame(c, FRAME_HELLO, "", 0);
}

/* What there is to wait for. Input is left in the socket while there is no room for it. */
static short wanted(const struct client *c)
{
	bool input = c->have == sizeof c->header && c->header[0] == FRAME_STDIN;
	int events = 0;

	if (!input || input_room())
		events |= POLLIN;
	if (c->begin < c->end)
		events |= POLLOUT;
	return (short)events;
}

void clients_poll(struct pollfd *entries)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		entries[i] = (struct pollfd){.fd = -1};
		if (i < count && wanted(&clients[i]))
			entries[i] =
				(struct pollfd){.fd = clients[i].fd, .events = wanted(&clients[i])};
	}
	entries[CLIENTS] = (struct pollfd){.fd = listener, .events = POLLIN};
}

void clients_serve(const struct pollfd *entries)
{
	for (size_t i = count; i-- > 0;) {
		struct client *c = &clients[i];
		short now = entries[i].fd == c->fd ? entries[i].revents : 0;
		bool here = true;

		if (now & POLLOUT)
			here = send_waiting(c);
		if (here && now & (POLLIN | POLLHUP | POLLERR))
			here = receive(c);
		if (!here)
			drop(c);
	}
	if (entries[CLIENTS].revents)
		accept_client();
}

/* No room for one more frame of output. */
static bool full(const struct client *c)
{
	return c->output && c->end - c->begin > FRAME;
}

bool clients_full(void)
{
	for (size_t i = 0; i < count; i++)
		if (full(&clients[i]))
			return true;
	return false;
}

/* One that asked for every byte is waited for, but not at the cost of others. */
static bool waited_for(const struct client *c)
{
	size_t readers = 0;

	for (size_t i = 0; i < count; i++)
		readers += clients[i].output;
	return c->lossless && readers == 1;
}

int clients_expire(void)
{
	int64_t now = milliseconds(), next = -1;

	for (size_t i = count; i-- > 0;) {
		struct client *c = &clients[i];
		bool blocking = leaving ? c->begin < c->end : full(c);

		if (!blocking || waited_for(c))
			continue;
		int64_t left = c->progress + PATIENCE - now;
		if (left <= 0)
			drop(c);
		else if (next < 0 || left < next)
			next = left;
	}
	return (int)next;
}

bool clients_idle(void)
{
	leaving = true;
	for (size_t i = 0; i < count; i++)
		if (clients[i].begin < clients[i].end)
			return false;
	return true;
}

void clients_leave(bool release)
{
	unlinkat(run_dir, "attach", 0);
	close(listener);
	listener = -1;
	for (size_t i = 0; i < count && !release; i++)
		(void)fcntl(clients[i].fd, F_DUPFD, 10);
}
