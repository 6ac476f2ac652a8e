/* The two halves of reserve: sockets that keep ports, and the relay for IPv6. */
#ifndef RESERVE_H
#define RESERVE_H

#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

enum { PORTS_MAX = 65536 };

/* One port of the host that is published. */
struct port {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} host;
	unsigned container;
	int protocol; /* IPPROTO_TCP ... */
	int fd;	      /* its socket; -1 if this machine has no such protocol */
};

/* ---- relay.c ---- */

/*
 * Start a process that takes the connections and datagrams which arrive at the IPv6 sockets among
 * PORTS, and passes them on to the IPv4 address in the file ADDRESS. It ends when all others
 * have closed what they inherited: *HELD is the descriptor to keep. Dies on error.
 */
void relay_start(const struct port *ports, size_t count, const char *address, int *held);

/* The container's address, from the file: it is known only when the network is connected. */
bool read_address(int file, struct in_addr *address);

/* ---- datagrams.c ---- */

/*
 * Pass the datagrams that arrive at LISTENERS on to that address, each to the port of the same
 * place in CONTAINERS, and the answers back. Returns when the pipe ALIVE is closed.
 */
void relay_datagrams(const struct pollfd *listeners, const unsigned *containers, size_t count,
		     int alive, int file);

#endif
