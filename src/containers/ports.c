/*
 * Ports that a container has published or exposes: its files "ports", lines
 * "HOST-ADDRESS HOST-PORT PORT/PROTOCOL" by container port, and "exposed", lines "PORT/PROTOCOL"
 * in order.
 */
#define _GNU_SOURCE
#include "containers.h"

#include <stdlib.h>
#include <string.h>

/* ---- ranges ---- */

static bool is_port(const char *text, uint64_t *port)
{
	return strlen(text) <= 5 && is_number(text, 0, 99999, port);
}

bool parse_range(const char *text, struct range *range)
{
	static const char *const protocols[] = {"tcp", "udp", "sctp"};
	char *copy = xstrdup(text), *last = copy, *name = strchr(copy, '/');
	const char *first;

	if (name)
		*name++ = '\0';
	first = strsep(&last, "-");
	if (!last)
		last = copy;
	range->protocol = NULL;
	for (size_t i = 0; i < 3; i++)
		if (strcmp(name ? name : "tcp", protocols[i]) == 0)
			range->protocol = protocols[i];
	bool good = range->protocol && is_port(first, &range->first) &&
		    is_port(last, &range->last) && range->first <= range->last;
	free(copy);
	return good;
}

/* The port at the end of a line: *NUMBER and its protocol. NULL if there is none. */
static const char *last_port(const char *line, uint64_t *number)
{
	const char *blank = strrchr(line, ' '), *port = blank ? blank + 1 : line;
	const char *slash = strchr(port, '/');

	*number = strtoull(port, NULL, 10);
	return slash ? slash + 1 : NULL;
}

bool has_port(int dir, const char *name, const struct range *range)
{
	struct file_words lines = file_lines(dir, name);
	bool found = false;

	for (size_t i = 0; i < lines.count && !found; i++) {
		uint64_t number;
		const char *protocol = last_port(lines.at[i], &number);
		found = protocol && strcmp(protocol, range->protocol) == 0 &&
			number >= range->first && number <= range->last;
	}
	free_words(&lines);
	return found;
}

/* ---- the column ---- */

/* A line of "ports", or one of "exposed" with INSIDE alone, in its parts. */
struct port {
	const char *host, *outside, *inside, *protocol;
	uint64_t number;
};

/* Ports that follow one another and are the same outside. */
struct run {
	struct port first;
	uint64_t last;
};

struct column {
	struct port *published, *exposed;
	size_t published_count, exposed_count;
	struct run *runs;
	size_t count;
};

static struct port port_of(char *line)
{
	struct port port = {.inside = line};
	char *blank = strrchr(line, ' ');

	if (blank) {
		*blank = '\0';
		port.inside = blank + 1;
		port.host = strsep(&line, " ");
		port.outside = line ? line : "";
	}
	port.protocol = last_port(port.inside, &port.number);
	return port;
}

static struct port *ports_of(struct file_words *lines)
{
	struct port *ports = xmalloc(lines->count * sizeof(*ports));

	for (size_t i = 0; i < lines->count; i++)
		ports[i] = port_of(lines->at[i]);
	return ports;
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Put a port behind the run that it goes on, or begin one. */
static void add_port(struct column *column, const struct port *port)
{
	for (size_t i = 0; i < column->count; i++) {
		struct run *run = &column->runs[i];
		if (run->last + 1 == port->number && same(run->first.host, port->host) &&
		    same(run->first.protocol, port->protocol)) {
			run->last = port->number;
			return;
		}
	}
	column->runs[column->count++] = (struct run){.first = *port, .last = port->number};
}

static bool is_published(const struct column *column, const struct port *port)
{
	for (size_t i = 0; i < column->published_count; i++)
		if (strcmp(column->published[i].inside, port->inside) == 0)
			return true;
	return false;
}

/* Take those that are exposed, from *NEXT on, come before LIMIT, and are not published. */
static void add_exposed(struct column *column, size_t *next, uint64_t limit)
{
	for (; *next < column->exposed_count; ++*next) {
		const struct port *port = &column->exposed[*next];
		if (is_published(column, port))
			continue;
		if (port->number >= limit)
			return;
		add_port(column, port);
	}
}

static bool moves(const struct port *port)
{
	return port->host && strtoull(port->outside, NULL, 10) != port->number;
}

static void print_run(FILE *out, const struct run *run)
{
	char range[48];
	int size = snprintf(range, sizeof(range), "%llu", (unsigned long long)run->first.number);

	if (run->last != run->first.number)
		snprintf(range + size, sizeof(range) - (size_t)size, "-%llu",
			 (unsigned long long)run->last);
	if (run->first.host)
		fprintf(out, "%s:%s->", run->first.host, range);
	fprintf(out, "%s/%s", range, run->first.protocol ? run->first.protocol : "");
}

/* Runs by the port inside; what is another outside comes last. */
static void print_column(FILE *out, struct column *column)
{
	const char *separator = "";
	size_t next = 0;

	for (size_t i = 0; i < column->published_count; i++) {
		const struct port *port = &column->published[i];
		add_exposed(column, &next, port->number);
		if (!moves(port))
			add_port(column, port);
	}
	add_exposed(column, &next, UINT64_MAX);
	for (size_t i = 0; i < column->count; i++, separator = ", ") {
		fputs(separator, out);
		print_run(out, &column->runs[i]);
	}
	for (size_t i = 0; i < column->published_count; i++) {
		const struct port *port = &column->published[i];
		if (!moves(port))
			continue;
		fprintf(out, "%s%s:%s->%s", separator, port->host, port->outside, port->inside);
		separator = ", ";
	}
}

void print_ports(FILE *out, int dir)
{
	struct file_words published = file_lines(dir, "ports"),
			  exposed = file_lines(dir, "exposed");
	size_t count = published.count + exposed.count;
	struct column column = {.published = ports_of(&published),
				.published_count = published.count,
				.exposed = ports_of(&exposed),
				.exposed_count = exposed.count,
				.runs = xmalloc(count * sizeof(struct run))};

	print_column(out, &column);
	free(column.published);
	free(column.exposed);
	free(column.runs);
	free_words(&published);
	free_words(&exposed);
}
