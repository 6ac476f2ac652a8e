/*
 * EXPOSE: "80", "8000-8010/udp", and, as they always were let through, "8080:80" and
 * "127.0.0.1:8080:80", of which the container's port counts.
 */
#define _GNU_SOURCE
#include "dockerfile.h"

#include "common.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct range {
	uint64_t first, last;
};

static bool parse_range(const char *text, size_t size, struct range *range)
{
	char *first = strndupa(text, size), *last = strchr(first, '-');

	if (last)
		*last++ = '\0';
	return is_number(first, 0, 65535, &range->first) &&
	       is_number(last ? last : first, range->first, 65535, &range->last);
}

static bool is_address(const char *text, size_t size)
{
	char bytes[16];
	bool brackets = size >= 2 && *text == '[' && text[size - 1] == ']';
	char *address = strndupa(text + brackets, size - 2 * brackets);

	return size == 0 || inet_pton(AF_INET6, address, bytes) == 1 ||
	       (!brackets && inet_pton(AF_INET, address, bytes) == 1);
}

/* "", "8080:" or "127.0.0.1:8080:" before the port. */
static bool is_host_side(const char *text, const char *end, const struct range *range)
{
	struct range host;
	const char *port, *address;

	if (text == end)
		return true;
	port = memrchr(text, ':', (size_t)(--end - text));
	address = port;
	port = port ? port + 1 : text;
	return (!address || is_address(text, (size_t)(address - text))) &&
	       (port == end || (parse_range(port, (size_t)(end - port), &host) &&
				(range->first == range->last ||
				 host.last - host.first == range->last - range->first)));
}

void add_ports(const char *text, json_t *seen, json_t *ports)
{
	static const char *const protocols[] = {"tcp", "udp", "sctp"};
	const char *colon = strrchr(text, ':'), *port = colon ? colon + 1 : text;
	const char *slash = strchr(port, '/'), *protocol = slash ? slash + 1 : "";
	size_t i = 0;
	struct range range;

	while (*protocol && i < 3 && strcasecmp(protocol, protocols[i]) != 0)
		i++;
	if (i == 3 || !parse_range(port, slash ? (size_t)(slash - port) : strlen(port), &range) ||
	    !is_host_side(text, port, &range))
		bad("EXPOSE %s, expected PORT or FIRST-LAST, up to 65535, and /tcp, /udp or /sctp",
		    text);
	for (; range.first <= range.last; range.first++) {
		char name[16];

		snprintf(name, sizeof(name), "%u/%s", (unsigned)range.first, protocols[i]);
		work(100);
		if (json_object_get(seen, name))
			continue;
		json_object_set_new(seen, name, json_true());
		json_array_append_new(ports, json_string(name));
	}
}
