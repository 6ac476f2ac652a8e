/*
 * The relay of UDP over IPv6, for a container that has IPv4 only, and for ::1. One process is
 * enough: a datagram says who has sent it, and a socket for each sender brings the answers back to
 * him.
 */
#define _GNU_SOURCE
#include "reserve.h"

#include "common.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SENDERS = 256, AT_ONCE = 64, DATAGRAM = 65536, IDLE = 90 * 1000 };

/* Who has sent something lately, where to, and the socket towards the container; -1 if none. */
struct sender {
	struct sockaddr_in6 from;
	struct in6_pktinfo to;
	int listener, fd;
	int64_t heard; /* milliseconds() */
};

static struct sender senders[SENDERS];
static char datagram[DATAGRAM];
static int64_t now; /* milliseconds() */

static void forget(struct sender *sender)
{
	if (sender->fd >= 0)
		close(sender->fd);
	sender->fd = -1;
}

static bool is_same(const struct sender *one, const struct sender *other)
{
	return one->listener == other->listener && one->from.sin6_port == other->from.sin6_port &&
	       one->from.sin6_scope_id == other->from.sin6_scope_id &&
	       !memcmp(&one->from.sin6_addr, &other->from.sin6_addr, sizeof one->from.sin6_addr) &&
	       !memcmp(&one->to.ipi6_addr, &other->to.ipi6_addr, sizeof one->to.ipi6_addr);
}

/* The sender that NEW is, or its place: a free one, or that of whoever was silent for longest. */
static struct sender *place_of(const struct sender *new)
{
	struct sender *place = senders;

	for (struct sender *old = senders; old < senders + SENDERS; old++) {
		if (old->fd >= 0 && is_same(old, new))
			return old;
		if (place->fd >= 0 && (old->fd < 0 || old->heard < place->heard))
			place = old;
	}
	forget(place);
	*place = *new;
	return place;
}

/* A socket towards the container; false if it is not connected yet, or there is none left. */
static bool reach(struct sender *sender, int file, unsigned port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	if (sender->fd >= 0)
		return true;
	sender->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sender->fd >= 0 && read_address(file, &to.sin_addr) &&
	    !connect(sender->fd, (struct sockaddr *)&to, sizeof to))
		return true;
	forget(sender);
	return false;
}

/* Room for the control message that says to which of our addresses a datagram goes, or from which.
 */
union control {
	char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	struct cmsghdr header;
};

/* By names: the order of the members differs between C libraries. */
static struct msghdr message_of(struct sender *sender, struct iovec *data, union control *control)
{
	return (struct msghdr){.msg_name = &sender->from,
			       .msg_namelen = sizeof sender->from,
			       .msg_iov = data,
			       .msg_iovlen = 1,
			       .msg_control = control,
			       .msg_controllen = sizeof *control};
}

/* Pass one datagram on from LISTENER; false if there is none. */
static bool pass_on(int listener, int file, unsigned port)
{
	struct sender new = {.listener = listener, .fd = -1};
	struct iovec data = {.iov_base = datagram, .iov_len = sizeof datagram};
	union control control;
	struct msghdr message = message_of(&new, &data, &control);
	ssize_t size = recvmsg(listener, &message, MSG_DONTWAIT);

	if (size < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
			memcpy(&new.to, CMSG_DATA(c), sizeof new.to);
	struct sender *sender = place_of(&new);
	if (reach(sender, file, port)) {
		sender->heard = now;
		send(sender->fd, datagram, (size_t)size, MSG_DONTWAIT);
	}
	return true;
}

/* Bring one answer back; false if there is none. */
static bool answer(struct sender *sender)
{
	ssize_t size = recv(sender->fd, datagram, sizeof datagram, MSG_DONTWAIT);
	union control control = {{0}};
	struct iovec data = {.iov_base = datagram, .iov_len = (size_t)size};
	struct msghdr message = message_of(sender, &data, &control);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	if (size < 0) {
		if (errno != EAGAIN && errno != EINTR)
			forget(sender); /* refused there */
		return false;
	}
	sender->heard = now;
	if (!IN6_IS_ADDR_LINKLOCAL(&sender->to.ipi6_addr))
		sender->to.ipi6_ifindex = 0; /* as the routes say */
	*header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof sender->to),
				   .cmsg_level = IPPROTO_IPV6,
				   .cmsg_type = IPV6_PKTINFO};
	memcpy(CMSG_DATA(header), &sender->to, sizeof sender->to);
	sendmsg(sender->listener, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	return true;
}

void relay_datagrams(const struct pollfd *listeners, const unsigned *containers, size_t count,
		     int alive, int file)
{
	struct pollfd *polls = calloc(count + 1 + SENDERS, sizeof *polls);
	const int on = 1;

	if (!polls)
		return;
	for (size_t i = 0; i < count; i++) {
		polls[i] = listeners[i];
		setsockopt(polls[i].fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
	}
	polls[count] = (struct pollfd){.fd = alive};
	for (size_t i = 0; i < SENDERS; i++)
		senders[i].fd = -1;
	for (;;) {
		bool any = false;
		now = milliseconds();
		for (size_t i = 0; i < SENDERS; i++) {
			if (now - senders[i].heard > IDLE)
				forget(&senders[i]);
			polls[count + 1 + i] =
				(struct pollfd){.fd = senders[i].fd, .events = POLLIN};
			any |= senders[i].fd >= 0;
		}
		poll(polls, count + 1 + SENDERS, any ? IDLE : -1);
		if (polls[count].revents)
			return;
		now = milliseconds();
		for (size_t i = 0; i < SENDERS; i++)
			for (int n = 0;
			     polls[count + 1 + i].revents && n < AT_ONCE && answer(&senders[i]);
			     n++)
				;
		for (size_t i = 0; i < count; i++)
			for (int n = 0; polls[i].revents && n < AT_ONCE &&
					pass_on(polls[i].fd, file, containers[i]);
			     n++)
				;
	}
}
