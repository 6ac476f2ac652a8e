/*
 * veth: a pair of virtual Ethernet devices (veth(4)): one end here, at a bridge, the other in
 * another network namespace, where it gets addresses and routes. All of it in one process, as
 * four of ip(8) take longer than the rest of a container's start; or nothing at all.
 */
#define _GNU_SOURCE
#include "common.h"
#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"usage: veth [options] NAME PEER FILE\n"
	"\n"
	"Make a pair of virtual Ethernet devices: NAME here, PEER in the network namespace FILE "
	"(as\n"
	"/proc/PID/ns/net, or fd:N), which is set up there, and lo, too.\n"
	"\n"
	"  -a, --address ADDRESS/BITS    of PEER, IPv4 or IPv6; several times: several\n"
	"  -b, --bridge BRIDGE           NAME becomes a port of it\n"
	"      --hairpin                 frames may leave by the port that they came in by\n"
	"      --isolated                of the bridge's ports, only those reach it that are not "
	"isolated\n"
	"  -m, --mac ADDRESS             of PEER\n"
	"      --metric N                of the routes; those of IPv6 have 1024 more (0)\n"
	"      --mtu BYTES               of both\n"
	"  -r, --router ADDRESS          the way to everywhere; for IPv4, IPv6, or both\n"
	"  -h, --help\n";

enum { HAIRPIN = 256, ISOLATED, METRIC, MTU, LISTED = 32 };

struct address {
	unsigned char family, bits, size;
	unsigned char bytes[16];
};

struct plan {
	const char *name, *peer, *bridge;
	struct ether_addr mac;
	bool has_mac, hairpin, isolated;
	uint32_t mtu, metric;
	struct address addresses[LISTED], routers[LISTED];
	size_t address_count, router_count;
	int namespace;
};

/* ---- the command line ---- */

static const char *parse_name(const char *text)
{
	if (!*text || strlen(text) >= IFNAMSIZ || strchr(text, '/'))
		usage_error("not the name of a device: '%s'", text);
	return text;
}

/* An address into the next place of LIST; with BITS behind a slash, or without. */
static void parse_address(const char *text, struct address *list, size_t *count, bool has_bits)
{
	struct address *address = list + *count;
	char *copy = xstrdup(text), *slash = has_bits ? strchr(copy, '/') : NULL;

	if (*count == LISTED)
		usage_error("too many addresses");
	if (slash)
		*slash = '\0';
	address->family = strchr(copy, ':') ? AF_INET6 : AF_INET;
	address->size = address->family == AF_INET6 ? 16 : 4;
	if (inet_pton(address->family, copy, address->bytes) != 1 || (has_bits && !slash))
		usage_error("not an address%s: '%s'", has_bits ? "/bits" : "", text);
	if (has_bits)
		address->bits = (unsigned char)parse_number("bits of an address", slash + 1, 1,
							    address->size * 8U);
	free(copy);
	*count += 1;
}

static void parse_mac(const char *text, struct ether_addr *mac)
{
	if (strlen(text) != sizeof "00:00:00:00:00:00" - 1 || !ether_aton_r(text, mac))
		usage_error("not an Ethernet address: '%s'", text);
}

static void read_options(struct plan *plan, int argc, char **argv)
{
	static const struct option options[] = {
		{"address", required_argument, NULL, 'a'},
		{"bridge", required_argument, NULL, 'b'},
		{"hairpin", no_argument, NULL, HAIRPIN},
		{"isolated", no_argument, NULL, ISOLATED},
		{"mac", required_argument, NULL, 'm'},
		{"metric", required_argument, NULL, METRIC},
		{"mtu", required_argument, NULL, MTU},
		{"router", required_argument, NULL, 'r'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};

	for (int c; (c = getopt_long(argc, argv, "+a:b:m:r:h", options, NULL)) != -1;)
		switch (c) {
		case 'a':
			parse_address(optarg, plan->addresses, &plan->address_count, true);
			break;
		case 'b':
			plan->bridge = parse_name(optarg);
			break;
		case HAIRPIN:
			plan->hairpin = true;
			break;
		case ISOLATED:
			plan->isolated = true;
			break;
		case 'm':
			parse_mac(optarg, &plan->mac);
			plan->has_mac = true;
			break;
		case METRIC:
			plan->metric = (uint32_t)parse_number("metric", optarg, 0, INT32_MAX);
			break;
		case MTU:
			plan->mtu = (uint32_t)parse_number("MTU", optarg, 68, 65535);
			break;
		case 'r':
			parse_address(optarg, plan->routers, &plan->router_count, false);
			break;
		case 'h':
			help(usage);
		default:
			usage_error("unknown option, or one without its value");
		}
	if (argc - optind != 3)
		usage_error("NAME, PEER and the FILE of a network namespace");
	if ((plan->hairpin || plan->isolated) && !plan->bridge)
		usage_error("no --bridge");
	plan->name = parse_name(argv[optind]);
	plan->peer = parse_name(argv[optind + 1]);
	plan->namespace = open_argument(argv[optind + 2], O_RDONLY);
}

/* ---- what is asked of the kernel ---- */

/* The device that has been made, which goes again at exit if anything after it fails. */
static int here;
static const char *made;

static void unmake(void)
{
	struct request request;
	struct ifinfomsg link = {0};
	const char *reason;

	if (!made)
		return;
	begin(&request, RTM_DELLINK, 0, &link, sizeof link);
	put_text(&request, IFLA_IFNAME, made);
	(void)ask(here, &request, &reason);
}

/* Do it or die; WHAT and WHICH say what it is. */
static void must(int socket, struct request *request, const char *what, const char *which)
{
	const char *reason;

	errno = ask(socket, request, &reason);
	if (errno && reason)
		die("%s %s: %s", what, which, reason);
	if (errno)
		die("%s %s:", what, which);
}

static uint32_t index_of(const char *name)
{
	uint32_t index = if_nametoindex(name);

	if (!index)
		die("%s:", name);
	return index;
}

/* One end. With more queues than one the kernel would make one for each CPU, and close them again.
 */
static void put_end(struct request *request, const struct plan *plan, const char *name)
{
	put_text(request, IFLA_IFNAME, name);
	if (plan->mtu)
		put_number(request, IFLA_MTU, plan->mtu);
	put_number(request, IFLA_NUM_TX_QUEUES, 1);
	put_number(request, IFLA_NUM_RX_QUEUES, 1);
}

static void make_pair(const struct plan *plan)
{
	struct request request;
	struct ifinfomsg up = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP}, down = {0};

	begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &up, sizeof up);
	put_end(&request, plan, plan->name);
	if (plan->bridge)
		put_number(&request, IFLA_MASTER, index_of(plan->bridge));
	size_t info = nest(&request, IFLA_LINKINFO);
	put_text(&request, IFLA_INFO_KIND, "veth");
	size_t data = nest(&request, IFLA_INFO_DATA), peer = nest(&request, VETH_INFO_PEER);
	put_raw(&request, &down, sizeof down);
	put_end(&request, plan, plan->peer);
	if (plan->has_mac)
		put(&request, IFLA_ADDRESS, &plan->mac, sizeof plan->mac);
	put_number(&request, IFLA_NET_NS_FD, (uint32_t)plan->namespace);
	end_nest(&request, peer);
	end_nest(&request, data);
	end_nest(&request, info);
	must(here, &request, "make", plan->name);
	made = plan->name;
}

static void set_port(const struct plan *plan)
{
	static const uint8_t on = 1;
	struct request request;
	struct ifinfomsg link = {0};

	begin(&request, RTM_NEWLINK, 0, &link, sizeof link);
	put_text(&request, IFLA_IFNAME, plan->name);
	size_t info = nest(&request, IFLA_LINKINFO);
	put_text(&request, IFLA_INFO_SLAVE_KIND, "bridge");
	size_t data = nest(&request, IFLA_INFO_SLAVE_DATA);
	if (plan->hairpin)
		put(&request, IFLA_BRPORT_MODE, &on, sizeof on);
	if (plan->isolated)
		put(&request, IFLA_BRPORT_ISOLATED, &on, sizeof on);
	end_nest(&request, data);
	end_nest(&request, info);
	must(here, &request, "set up the port", plan->name);
}

static void set_up(int there, const char *name)
{
	struct request request;
	struct ifinfomsg up = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};

	begin(&request, RTM_NEWLINK, 0, &up, sizeof up);
	put_text(&request, IFLA_IFNAME, name);
	must(there, &request, "set up", name);
}

/* The last address of the subnet of ADDRESS, which is one of IPv4. */
static uint32_t broadcast_of(const struct address *address)
{
	uint32_t number;

	memcpy(&number, address->bytes, sizeof number);
	return number | htonl(address->bits == 32 ? 0 : UINT32_MAX >> address->bits);
}

static void add_address(int there, uint32_t index, const struct address *address)
{
	struct request request;
	struct ifaddrmsg message = {
		.ifa_family = address->family,
		.ifa_prefixlen = address->bits,
		.ifa_flags = address->family == AF_INET6 ? IFA_F_NODAD : 0,
		.ifa_index = index,
	};
	char text[INET6_ADDRSTRLEN] = "";

	begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &message, sizeof message);
	put(&request, IFA_LOCAL, address->bytes, address->size);
	put(&request, IFA_ADDRESS, address->bytes, address->size);
	if (address->family == AF_INET && address->bits < 31)
		put_number(&request, IFA_BROADCAST, broadcast_of(address));
	inet_ntop(address->family, address->bytes, text, sizeof text);
	must(there, &request, "add the address", text);
}

static void add_route(int there, uint32_t index, const struct address *router, uint32_t metric)
{
	struct request request;
	struct rtmsg message = {
		.rtm_family = router->family,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_BOOT,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
	};
	char text[INET6_ADDRSTRLEN] = "";

	begin(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &message, sizeof message);
	put(&request, RTA_GATEWAY, router->bytes, router->size);
	put_number(&request, RTA_OIF, index);
	put_number(&request, RTA_PRIORITY, metric + (router->family == AF_INET6 ? 1024 : 0));
	inet_ntop(router->family, router->bytes, text, sizeof text);
	must(there, &request, "add the route by", text);
}

/* Write VALUE to a setting of IPv6 of PEER. (Of a kernel without IPv6 there is none.) */
static void set_ipv6(const char *peer, const char *setting, const char *value)
{
	char *path = xasprintf("/proc/sys/net/ipv6/conf/%s/%s", peer, setting);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 ? errno != ENOENT : !write_all(fd, value, strlen(value)))
		die("%s:", path);
	if (fd >= 0)
		close(fd);
	free(path);
}

/* Router advertisements could come from any neighbour. Nobody else has the address: no need to ask
 * for a second. */
static void set_up_ipv6(const struct plan *plan)
{
	bool used = false;

	for (size_t i = 0; i < plan->address_count; i++)
		used |= plan->addresses[i].family == AF_INET6;
	set_ipv6(plan->peer, "disable_ipv6", used ? "0" : "1");
	set_ipv6(plan->peer, "accept_ra", "0");
	set_ipv6(plan->peer, "accept_dad", "0");
}

int main(int argc, char **argv)
{
	static struct plan plan;

	tool = "veth";
	read_options(&plan, argc, argv);
	here = open_netlink();
	atexit(unmake);
	make_pair(&plan);
	if (plan.hairpin || plan.isolated)
		set_port(&plan);
	if (setns(plan.namespace, CLONE_NEWNET) < 0)
		die("enter the network namespace:");
	int there = open_netlink();
	uint32_t index = index_of(plan.peer);
	set_up_ipv6(&plan);
	set_up(there, "lo");
	for (size_t i = 0; i < plan.address_count; i++)
		add_address(there, index, plan.addresses + i);
	set_up(there, plan.peer);
	for (size_t i = 0; i < plan.router_count; i++)
		add_route(there, index, plan.routers + i, plan.metric);
	made = NULL; /* and stays */
	return 0;
}
