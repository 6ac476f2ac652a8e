/*
 * reserve: keeps ports of this machine as long as the next link lives.
 *
 * A published port is a rule of the kernel's, and rules do not know of one another, nor of the
 * programs that listen here. Sockets do: bind(2) refuses the second. So each published port gets a
 * socket, which is bound, does not listen, and is inherited by the shim. It answers nothing: who is
 * not led elsewhere by a rule finds the port closed.
 *
 * No SO_REUSEADDR there: with it, two sockets that do not listen could both have the port. But
 * without it the connections of whoever had the port before keep it for a minute (TIME_WAIT). So it
 * is on while the socket listens for a moment, when only another that listens is in the way, and
 * off from then on.
 */
#define _GNU_SOURCE
#include "reserve.h"

#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static const char usage[] =
	"usage: reserve [options] COMMAND [ARG...]\n"
	"Keep ports of this machine for as long as COMMAND has its descriptors open.\n"
	"\n"
	"A PORT is HOSTIP HOSTPORT PORT/PROTO, with blanks between. HOSTIP may be any, for all\n"
	"addresses, IPv4 and IPv6. HOSTPORT may be 0, for one that is free, or FIRST-LAST.\n"
	"\n"
	"  -p, --port PORT     keep this port\n"
	"  -f, --file FILE     keep the ports in FILE, one a line\n"
	"  -o, --output FILE   write what was kept there, one a line, by container port\n"
	"  -d, --descriptor N  number of the first descriptor (1024)\n"
	"  -m, --message TEXT  what the message of a port that is taken begins with\n"
	"  -r, --relay FILE    pass IPv6 on to PORT of the IPv4 address in FILE\n"
	"  -h, --help\n";

enum { LINE = 256, TRIES = 100 };

static struct port *ports;
static size_t count;
static int next_descriptor = 1024;
static const char *message = "";
static bool relay;

static const char *protocol_name(int protocol)
{
	return protocol == IPPROTO_TCP ? "tcp" : protocol == IPPROTO_UDP ? "udp" : "sctp";
}

static int protocol_number(const char *name)
{
	if (!strcmp(name, "tcp"))
		return IPPROTO_TCP;
	if (!strcmp(name, "udp"))
		return IPPROTO_UDP;
	if (!strcmp(name, "sctp"))
		return IPPROTO_SCTP;
	die("invalid proto: %s", name);
}

/* The host's address of a port as text. */
static const char *address_text(const struct port *port)
{
	static char text[INET6_ADDRSTRLEN];
	const void *address = port->host.any.sa_family == AF_INET
				      ? (const void *)&port->host.v4.sin_addr
				      : (const void *)&port->host.v6.sin6_addr;

	inet_ntop(port->host.any.sa_family, address, text, sizeof text);
	return text;
}

static unsigned number_of(const struct port *port)
{
	return ntohs(port->host.v4.sin_port); /* at the same place in both */
}

/* Does the relay serve it? */
static bool is_relayed(const struct port *port)
{
	return relay && port->protocol != IPPROTO_SCTP && port->host.any.sa_family == AF_INET6;
}

/* Bind a socket to port NUMBER of PORT's address; false with errno. */
static bool keep(struct port *port, unsigned number)
{
	static struct sock_filter nothing[] = {{BPF_RET, 0, 0, 0}};
	static const struct sock_fprog drop_all = {1, nothing};
	int family = port->host.any.sa_family, on = 1, off = 0;
	int type = port->protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;

	int fd = socket(family, type | SOCK_CLOEXEC, port->protocol);
	if (fd < 0)
		return false;
	port->host.v4.sin_port = htons((uint16_t)number);
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (port->protocol == IPPROTO_TCP)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (port->protocol == IPPROTO_UDP &&
	    !is_relayed(port)) /* what no rule leads away must not pile up */
		setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &drop_all, sizeof drop_all);
	socklen_t size = family == AF_INET ? sizeof port->host.v4 : sizeof port->host.v6;
	if (bind(fd, &port->host.any, size) ||
	    (port->protocol == IPPROTO_TCP && listen(fd, SOMAXCONN)) ||
	    getsockname(fd, &port->host.any, &size)) {
		int error = errno;
		close(fd);
		errno = error;
		return false;
	}
	if (port->protocol == IPPROTO_TCP && !is_relayed(port)) {
		shutdown(fd, SHUT_RDWR); /* it keeps the port */
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &off, sizeof off);
	}
	port->fd = fcntl(fd, F_DUPFD, next_descriptor);
	if (port->fd < 0)
		die("no descriptors left:");
	next_descriptor = port->fd + 1;
	close(fd);
	return true;
}

static _Noreturn void refuse(const struct port *port, unsigned number)
{
	bool bracket = port->host.any.sa_family == AF_INET6;

	/* Led into a container without being kept here, it could be another's at the same time. */
	if (errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT)
		die("%sthis kernel has no %s; if there is a module: modprobe %s", message,
		    protocol_name(port->protocol), protocol_name(port->protocol));
	if (errno == EADDRINUSE)
		die("%sBind for %s%s%s:%u failed: port is already allocated", message,
		    bracket ? "[" : "", address_text(port), bracket ? "]" : "", number);
	die("%sBind for %s%s%s:%u failed:", message, bracket ? "[" : "", address_text(port),
	    bracket ? "]" : "", number);
}

static struct port *add(const struct port *port)
{
	if (count == PORTS_MAX)
		die("too many ports");
	ports = xrealloc(ports, (count + 1) * sizeof *ports);
	ports[count] = *port;
	return &ports[count++];
}

/* Keep port NUMBER of all addresses: IPv4, and IPv6 if there is any. */
static bool keep_any(const struct port *port, unsigned number)
{
	struct port v4 = *port, v6 = *port;

	v4.host.v4 = (struct sockaddr_in){.sin_family = AF_INET};
	v6.host.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6};
	if (!keep(&v4, number))
		return false;
	if (!keep(&v6, number_of(&v4))) {
		if (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL) { /* there may be no IPv6 */
			int error = errno;
			next_descriptor = v4.fd;
			close(v4.fd);
			errno = error;
			return false;
		}
		add(&v4);
		return true;
	}
	add(&v4);
	add(&v6);
	return true;
}

/* Keep one of the ports FIRST to LAST, or any that is free if FIRST is 0. */
static void keep_one(struct port *port, unsigned first, unsigned last)
{
	bool any = port->host.any.sa_family == AF_UNSPEC;

	for (int try = 0; try < (first ? 1 : TRIES); try++) {
		for (unsigned number = first; number <= last; number++) {
			if (any ? keep_any(port, number) : keep(port, number)) {
				if (!any)
					add(port);
				return;
			}
			if (errno != EADDRINUSE)
				break;
		}
		if (errno != EADDRINUSE)
			break;
	}
	if (any)
		port->host.any.sa_family = AF_INET;
	if (first != last) {
		errno = EADDRINUSE;
		warn("all ports from %u to %u are taken", first, last);
	}
	refuse(port, first);
}

static void set_address(struct port *port, const char *text)
{
	if (!strcmp(text, "any"))
		return;
	if (inet_pton(AF_INET, text, &port->host.v4.sin_addr) == 1)
		port->host.any.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &port->host.v6.sin6_addr) == 1)
		port->host.any.sa_family = AF_INET6;
	else
		die("invalid IP address: %s", text);
}

/* One PORT, taken apart and kept. */
static void take(char *text)
{
	struct port port = {.fd = -1};
	char *rest = text;
	char *address = strsep(&rest, " "), *host = strsep(&rest, " ");

	if (!rest || !strchr(rest, '/') || strchr(rest, ' '))
		die("not HOSTIP HOSTPORT PORT/PROTO: '%s'", text);
	set_address(&port, address);
	char *container = strsep(&rest, "/"), *last = strchr(host, '-');
	port.protocol = protocol_number(rest);
	port.container = (unsigned)parse_number("container port", container, 1, 65535);
	if (last)
		*last++ = '\0';
	unsigned first = (unsigned)parse_number("host port", host, last ? 1 : 0, 65535);
	keep_one(&port, first,
		 last ? (unsigned)parse_number("host port", last, first, 65535) : first);
}

static void take_file(const char *path)
{
	size_t size;
	int fd = open_argument(path, O_RDONLY);
	char *text = read_all(fd, (size_t)PORTS_MAX * LINE, &size, path), *line;

	close(fd);
	while ((line = strsep(&text, "\n")))
		if (*line)
			take(line);
}

/* By container port, IPv4 first: in this order they are shown. */
static int compare(const void *a, const void *b)
{
	const struct port *x = a, *y = b;

	if (x->container != y->container)
		return x->container < y->container ? -1 : 1;
	if (x->protocol != y->protocol)
		return x->protocol < y->protocol ? -1 : 1;
	if (x->host.any.sa_family != y->host.any.sa_family)
		return x->host.any.sa_family == AF_INET ? -1 : 1;
	return number_of(x) < number_of(y) ? -1 : number_of(x) > number_of(y);
}

static void write_output(const char *path)
{
	char *text = xmalloc(count * LINE + 1);
	size_t size = 0;

	for (size_t i = 0; i < count; i++)
		size += (size_t)snprintf(text + size, LINE, "%s %u %u/%s\n",
					 address_text(&ports[i]), number_of(&ports[i]),
					 ports[i].container, protocol_name(ports[i].protocol));
	if (!replace_file(AT_FDCWD, path, text, size, 0644))
		die("%s:", path);
	free(text);
}

/* A thousand ports are more descriptors than a process may have by default. */
static void raise_limit(struct rlimit *before)
{
	getrlimit(RLIMIT_NOFILE, before);
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){before->rlim_max, before->rlim_max});
}

static const struct option long_options[] = {
	{"port", required_argument, NULL, 'p'},	   {"file", required_argument, NULL, 'f'},
	{"output", required_argument, NULL, 'o'},  {"descriptor", required_argument, NULL, 'd'},
	{"message", required_argument, NULL, 'm'}, {"relay", required_argument, NULL, 'r'},
	{"help", no_argument, NULL, 'h'},	   {0},
};

int main(int argc, char **argv)
{
	const char *output = NULL, *address = NULL, *file = NULL;
	char **wanted = xmalloc((size_t)argc * sizeof *wanted);
	size_t wanted_count = 0;
	struct rlimit limit;
	int option;

	tool = "reserve";
	while ((option = getopt_long(argc, argv, "+p:f:o:d:m:r:h", long_options, NULL)) != -1)
		switch (option) {
		case 'p':
			wanted[wanted_count++] = optarg;
			break;
		case 'f':
			file = optarg;
			break;
		case 'o':
			output = optarg;
			break;
		case 'd':
			next_descriptor = (int)parse_number("--descriptor", optarg, 3, 100000);
			break;
		case 'm':
			message = optarg;
			break;
		case 'r':
			address = optarg;
			break;
		case 'h':
			help(usage);
		default:
			usage_error("wrong option");
		}
	if (!argv[optind])
		usage_error("no command");
	relay = address;
	raise_limit(&limit);
	for (size_t i = 0; i < wanted_count; i++)
		take(xstrdup(wanted[i])); /* ps(1) goes on to show ours */
	if (file)
		take_file(file);
	if (count)
		qsort(ports, count, sizeof *ports, compare);
	if (output)
		write_output(output);
	if (address)
		relay_start(ports, count, address, &next_descriptor);
	setrlimit(RLIMIT_NOFILE, &limit);
	chain(argv + optind);
}
