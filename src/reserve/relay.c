/*
 * The relay: TCP over IPv6 for a container that has IPv4 only, and for ::1, which the kernel leads
 * nowhere else (UDP: datagrams.c). It does by reading and writing what a rule does for all other
 * ways in.
 *
 * A process for each connection, as they are few and short; the first process only takes them.
 * All are nobody: they talk to strangers.
 */
#define _GNU_SOURCE
#include "reserve.h"

#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONNECTIONS = 256, BUFFER = 65536, NOBODY = 65534, SECOND = 1000 };

/* What goes one way: read from one socket, not yet written to the other. */
struct flow {
	int from, to;
	size_t begin, end;
	bool closed;
	char data[BUFFER];
};

static int alive; /* ends when nobody keeps the ports any more */

/* The container's address, from the file: it is known only when the network is connected. */
bool read_address(int file, struct in_addr *address)
{
	char text[INET_ADDRSTRLEN + 1];
	ssize_t size = pread(file, text, sizeof text - 1, 0);

	if (size <= 0)
		return false;
	text[size] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return inet_pton(AF_INET, text, address) == 1;
}

/* Move what can be moved without waiting; false on an error. */
static bool move(struct flow *flow)
{
	if (flow->begin == flow->end && !flow->closed) {
		ssize_t n = recv(flow->from, flow->data, sizeof flow->data, MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		flow->begin = 0;
		flow->end = (size_t)n;
		if (!n) {
			flow->closed = true;
			shutdown(flow->to, SHUT_WR);
		}
	}
	if (flow->begin < flow->end) {
		ssize_t n = send(flow->to, flow->data + flow->begin, flow->end - flow->begin,
				 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		flow->begin += (size_t)n;
	}
	return true;
}

/* Both ways, until both are closed or one fails. */
static _Noreturn void pass_on(int client, int server)
{
	static struct flow flows[2];

	flows[0].from = flows[1].to = client;
	flows[1].from = flows[0].to = server;
	while (!flows[0].closed || !flows[1].closed) {
		struct pollfd polls[3] = {{client, 0, 0}, {server, 0, 0}, {alive, 0, 0}};
		for (int i = 0; i < 2; i++) {
			if (flows[i].begin < flows[i].end)
				polls[!i].events |= POLLOUT;
			else if (!flows[i].closed)
				polls[i].events |= POLLIN;
		}
		if (poll(polls, 3, -1) < 0 && errno != EINTR)
			break;
		if (polls[2].revents)
			break;
		if (!move(&flows[0]) || !move(&flows[1]))
			break;
		/* Reset by one end: poll(2) would return for ever. */
		if (polls[0].revents & POLLERR || polls[1].revents & POLLERR)
			break;
	}
	_exit(0);
}

static _Noreturn void serve(int client, int file, unsigned port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (server < 0 || !read_address(file, &to.sin_addr) ||
	    connect(server, (struct sockaddr *)&to, sizeof to)) {
		/* Refused there is refused here: a reset, not an end of data. */
		setsockopt(client, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
			   sizeof(struct linger));
		close(client);
		_exit(0);
	}
	pass_on(client, server);
}

/* Wait for room for one more connection. */
static void reap(int *children)
{
	while (*children > 0) {
		pid_t pid = waitpid(-1, NULL, *children < CONNECTIONS ? WNOHANG : 0);
		if (pid <= 0)
			return;
		(*children)--;
	}
}

/* Take connections until nobody keeps the ports any more. */
static _Noreturn void take_connections(const struct port *ports, struct pollfd *polls,
				       size_t polled, int file)
{
	int children = 0;

	for (;;) {
		poll(polls, polled, children ? SECOND : -1);
		if (polls[0].revents)
			_exit(0);
		for (size_t i = 1; i < polled; i++) {
			if (!polls[i].revents)
				continue;
			reap(&children);
			int client = accept4(polls[i].fd, NULL, NULL, SOCK_CLOEXEC);
			if (client < 0)
				continue;
			pid_t child = fork();
			if (!child) {
				const struct port *port = ports;
				while (port->fd != polls[i].fd)
					port++;
				serve(client, file, port->container);
			}
			children += child > 0;
			close(client);
		}
		reap(&children);
	}
}

/* Nobody, and apart from whoever started us. */
static void become_nobody(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	close(null);
	setsid();
	prctl(PR_SET_NAME, "relay");
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (chdir("/") || setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		_exit(EXIT_TOOL);
}

/* Serve what is in POLLS, below its first one the TCP sockets up to UDP, then those of UDP. */
static _Noreturn void relay(const struct port *ports, struct pollfd *polls, size_t udp,
			    size_t polled, int file)
{
	unsigned *containers = xmalloc((polled - udp + 1) * sizeof *containers);
	size_t found = 0;

	for (const struct port *port = ports; found < polled - udp; port++)
		if (port->fd == polls[udp + found].fd)
			containers[found++] = port->container;
	if (udp > 1 && (polled == udp || fork()))
		take_connections(ports, polls, udp, file);
	relay_datagrams(polls + udp, containers, polled - udp, alive, file);
	_exit(0);
}

/* Add the IPv6 sockets of PROTOCOL. */
static size_t add_polls(struct pollfd *polls, size_t polled, const struct port *ports, size_t count,
			int protocol)
{
	for (size_t i = 0; i < count; i++)
		if (ports[i].host.any.sa_family == AF_INET6 && ports[i].protocol == protocol)
			polls[polled++] = (struct pollfd){ports[i].fd, POLLIN, 0};
	return polled;
}

void relay_start(const struct port *ports, size_t count, const char *address, int *held)
{
	struct pollfd *polls = xmalloc((count + 1) * sizeof *polls);
	int ends[2], file = open(address, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (file < 0 || ftruncate(file, 0))
		die("%s:", address);
	if (pipe2(ends, O_CLOEXEC))
		die("pipe:");
	size_t udp = add_polls(polls, 1, ports, count, IPPROTO_TCP);
	size_t polled = add_polls(polls, udp, ports, count, IPPROTO_UDP);
	if (polled == 1) {
		close(file);
		free(polls);
		return;
	}
	*held = fcntl(ends[1], F_DUPFD, *held);
	pid_t child = *held < 0 ? -1 : fork();
	if (child < 0)
		die("cannot start the relay:");
	if (!child) {
		if (fork())
			_exit(0); /* an orphan is nobody's business but init's */
		alive = ends[0];
		polls[0] = (struct pollfd){alive, 0, 0};
		close(ends[1]);
		for (size_t i = 1; i < polled; i++) {
			fcntl(polls[i].fd, F_SETFD, FD_CLOEXEC);
			fcntl(polls[i].fd, F_SETFL, O_NONBLOCK);
		}
		close_inherited();
		become_nobody();
		relay(ports, polls, udp, polled, file);
	}
	waitpid(child, NULL, 0);
	free(polls);
	close(file);
}
