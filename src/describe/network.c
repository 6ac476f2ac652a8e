/*
 * A container's networks and ports, as inspect shows them.
 */
#define _GNU_SOURCE
#include "describe.h"

#include "common.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- ports ---- */

/* Lines "HOSTIP HOSTPORT PORT/PROTOCOL" of NAME into OBJECT, by port. ANY and ZERO are what stand
   for any address and any port there. */
static void add_ports(json_t *object, int dir, const char *name, const char *any, const char *zero)
{
	struct file_words lines = file_lines(dir, name);

	for (size_t i = 0; i < lines.count; i++) {
		char *next = lines.at[i], *host = strsep(&next, " "), *number = strsep(&next, " ");
		json_t *list;

		if (!next)
			continue;
		list = json_object_get(object, next);
		if (!json_is_array(list))
			json_object_set_new(object, next, list = json_array());
		json_array_append_new(list,
				      json_pack("{s:s, s:s}", "HostIp",
						strcmp(host, any) == 0 ? "" : host, "HostPort",
						strcmp(number, zero) == 0 ? "" : number));
	}
	free_words(&lines);
}

json_t *port_bindings(int dir)
{
	json_t *object = json_object();

	add_ports(object, dir, "publish", "any", "0");
	return object;
}

/* Ports that are exposed, and where they are published. */
static json_t *ports_of(int dir)
{
	struct file_words exposed = file_lines(dir, "exposed");
	json_t *object = json_object();

	for (size_t i = 0; i < exposed.count; i++)
		json_object_set_new(object, exposed.at[i], json_null());
	add_ports(object, dir, "ports", "", "");
	free_words(&exposed);
	return object;
}

/* ---- networks ---- */

/* What an endpoint has: its file, and the gateways of its network. "" where there is none. */
struct endpoint {
	char *id, *gateway, *subnet, *gateway6, *subnet6; /* of the network */
	struct file_words lines;			  /* "KEY VALUE" of the endpoint */
};

/* The value of KEY. */
static const char *of_endpoint(const struct endpoint *endpoint, const char *key)
{
	size_t length = strlen(key);

	for (size_t i = endpoint->lines.count; i-- > 0;)
		if (strncmp(endpoint->lines.at[i], key, length) == 0 &&
		    endpoint->lines.at[i][length] == ' ')
			return endpoint->lines.at[i] + length + 1;
	return "";
}

/* The length of a prefix, "10.0.0.0/24". */
static json_int_t bits(const char *subnet)
{
	const char *slash = strchr(subnet, '/');

	return slash ? strtoll(slash + 1, NULL, 10) : 0;
}

/* The options KEY=VALUE of a network, "ip=...,alias=...": what was asked for. */
static void add_options(json_t *object, char *options)
{
	json_t *wanted = json_object(), *aliases = json_array();

	for (char *one; (one = strsep(&options, ","));) {
		if (strncmp(one, "ip=", 3) == 0)
			json_object_set_new(wanted, "IPv4Address", string_of(one + 3));
		else if (strncmp(one, "ip6=", 4) == 0)
			json_object_set_new(wanted, "IPv6Address", string_of(one + 4));
		else if (strncmp(one, "alias=", 6) == 0)
			json_array_append_new(aliases, string_of(one + 6));
	}
	json_object_set_new(object, "IPAMConfig", json_object_size(wanted) ? wanted : json_null());
	if (!json_object_size(wanted))
		json_decref(wanted);
	json_object_set_new(object, "Links", json_null());
	json_object_set_new(object, "Aliases", aliases);
}

/* IP address and prefix only while it is connected, as the container runs. */
static json_t *endpoint_of(const struct subject *subject, int network, char *options)
{
	char *path = xasprintf("endpoints/%s", subject->id);
	struct endpoint e = {.id = file_line(network, "id"), .lines = file_lines(network, path)};
	bool up = e.lines.count, up6 = *of_endpoint(&e, "address6");
	json_t *object = json_object(), *addresses;

	e.gateway = file_line(up ? network : -1, "gateway");
	e.subnet = file_line(up ? network : -1, "subnet");
	e.gateway6 = file_line(up6 ? network : -1, "gateway6");
	e.subnet6 = file_line(up6 ? network : -1, "subnet6");
	add_options(object, options);
	addresses = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:I, s:n}", "MacAddress",
			      of_endpoint(&e, "mac"), "NetworkID", e.id, "EndpointID",
			      *of_endpoint(&e, "mac") ? subject->id : "", "Gateway", e.gateway,
			      "IPAddress", of_endpoint(&e, "address"), "IPPrefixLen",
			      bits(e.subnet), "IPv6Gateway", e.gateway6, "GlobalIPv6Address",
			      of_endpoint(&e, "address6"), "GlobalIPv6PrefixLen", bits(e.subnet6),
			      "DriverOpts");
	json_object_update(object, addresses);
	json_decref(addresses);
	free(e.id);
	free(e.gateway);
	free(e.subnet);
	free(e.gateway6);
	free(e.subnet6);
	free_words(&e.lines);
	free(path);
	return object;
}

/* Lines "NAME[,OPTIONS]" of the file "networks"; a container without it has its network by word. */
static json_t *networks_of(const struct subject *subject, int dir)
{
	struct file_words lines = file_lines(dir, "networks");
	json_t *object = json_object();
	char *mode = file_line(dir, "network");

	for (size_t i = 0; i < lines.count; i++) {
		char *options = lines.at[i], *name = strsep(&options, ","), *path;
		int network;

		path = xasprintf("networks/%s", name);
		network = open_below(subject->root, path);
		json_object_set_new(object, name, endpoint_of(subject, network, options));
		if (network >= 0)
			close(network);
		free(path);
	}
	if (!lines.count && (strcmp(mode, "host") == 0 || strcmp(mode, "none") == 0))
		json_object_set_new(object, mode, endpoint_of(subject, -1, NULL));
	free(mode);
	free_words(&lines);
	return object;
}

/* The addresses on the default bridge stand once more beside the networks. */
json_t *network_settings(const struct subject *subject, int dir)
{
	static const char *const copied[] = {"EndpointID",	  "Gateway",
					     "GlobalIPv6Address", "IPAddress",
					     "IPv6Gateway",	  "MacAddress",
					     "IPPrefixLen",	  "GlobalIPv6PrefixLen"};
	json_t *networks = networks_of(subject, dir), *bridge = json_object_get(networks, "bridge");
	json_t *object = json_pack("{s:s, s:s, s:s, s:o}", "Bridge", "", "SandboxID", "",
				   "SandboxKey", "", "Ports", ports_of(dir));

	for (size_t i = 0; i < sizeof(copied) / sizeof(*copied); i++) {
		json_t *value = json_object_get(bridge, copied[i]);
		if (value)
			json_object_set(object, copied[i], value);
		else
			json_object_set_new(object, copied[i],
					    strstr(copied[i], "PrefixLen") ? json_integer(0)
									   : json_string(""));
	}
	json_object_set_new(object, "Networks", networks);
	return object;
}
