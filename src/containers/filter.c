/*
 * Filters: KEY=VALUE. Of several with one key any may fit (of label: all must); of different keys
 * all must.
 */
#define _GNU_SOURCE
#include "containers.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

struct key;

struct filter {
	const struct key *key;
	const char *value;
	regex_t pattern;    /* of name */
	struct range range; /* of publish and expose */
};

static struct filter *filters;
static size_t filter_count;

/* ---- values that are right ---- */

static bool is_one_of(const char *value, const char *const list[])
{
	while (*list && strcmp(value, *list) != 0)
		list++;
	return *list;
}

static bool right_status(struct filter *filter)
{
	return is_one_of(filter->value,
			 (const char *[]){"created", "restarting", "running", "removing", "paused",
					  "exited", "dead", NULL});
}

static bool right_health(struct filter *filter)
{
	return is_one_of(filter->value,
			 (const char *[]){"starting", "healthy", "unhealthy", "none", NULL});
}

static bool right_is_task(struct filter *filter)
{
	return is_one_of(filter->value, (const char *[]){"true", "false", "1", "0", NULL});
}

static bool right_exited(struct filter *filter)
{
	const char *digits = filter->value + (filter->value[0] == '-');

	return *filter->value && strspn(digits, "0123456789") == strlen(digits);
}

static bool right_port(struct filter *filter)
{
	return parse_range(filter->value, &filter->range);
}

/* Docker's names begin with "/", which ours do not. */
static bool right_name(struct filter *filter)
{
	const char *value = filter->value;
	bool slash = *value == '/' || strncmp(value, "^/", 2) == 0;
	char *text = xasprintf("%s%s", slash ? "^" : "", slash ? strchr(value, '/') + 1 : value);
	int error = regcomp(&filter->pattern, text, REG_EXTENDED | REG_NOSUB);

	free(text);
	return error == 0;
}

/* ---- does a container fit one? ---- */

static bool fits_id(const struct filter *filter, const struct container *c)
{
	return strncmp(c->id, filter->value, strlen(filter->value)) == 0;
}

static bool fits_name(const struct filter *filter, const struct container *c)
{
	char *name = file_line(c->dir, "name");
	bool fit = *name && regexec(&filter->pattern, name, 0, NULL, 0) == 0;

	free(name);
	return fit;
}

static bool fits_label(const struct filter *filter, const struct container *c)
{
	return has_label(c->dir, filter->value);
}

static bool fits_status(const struct filter *filter, const struct container *c)
{
	return strcmp(filter->value, shown_state(c)) == 0;
}

static bool fits_exited(const struct filter *filter, const struct container *c)
{
	return strcmp(c->state, "exited") == 0 && strcmp(filter->value, c->code) == 0;
}

static bool fits_ancestor(const struct filter *filter, const struct container *c)
{
	char *image = file_line(c->dir, "image-id");
	bool fit = *image && strcmp(filter->value, image) == 0;

	free(image);
	return fit;
}

/* Times of ours compare as text. */
static bool fits_before(const struct filter *filter, const struct container *c)
{
	return strcmp(c->created, filter->value) < 0;
}

static bool fits_since(const struct filter *filter, const struct container *c)
{
	return strcmp(c->created, filter->value) > 0;
}

static bool fits_volume(const struct filter *filter, const struct container *c)
{
	return has_mount(c, filter->value);
}

static bool fits_network(const struct filter *filter, const struct container *c)
{
	return has_network(c->dir, filter->value);
}

static bool fits_publish(const struct filter *filter, const struct container *c)
{
	return has_port(c->dir, "ports", &filter->range);
}

static bool fits_expose(const struct filter *filter, const struct container *c)
{
	return has_port(c->dir, "exposed", &filter->range);
}

static bool fits_health(const struct filter *filter, const struct container *c)
{
	char *health = health_of(c->dir);
	bool fit = strcmp(filter->value, health) == 0;

	free(health);
	return fit;
}

/* Tasks are Swarm's: there are none. */
static bool fits_is_task(const struct filter *filter, const struct container *c)
{
	(void)c;
	return strcmp(filter->value, "false") == 0 || strcmp(filter->value, "0") == 0;
}

/* ---- the keys ---- */

static const struct key {
	const char *name;
	bool (*fits)(const struct filter *filter, const struct container *c);
	bool (*right)(struct filter *filter); /* NULL: any value is */
} keys[] = {
	{"id", fits_id, NULL},
	{"before", fits_before, NULL},
	{"since", fits_since, NULL},
	{"status", fits_status, right_status},
	{"exited", fits_exited, right_exited},
	{"name", fits_name, right_name},
	{"label", fits_label, NULL},
	{"ancestor", fits_ancestor, NULL},
	{"volume", fits_volume, NULL},
	{"network", fits_network, NULL},
	{"publish", fits_publish, right_port},
	{"expose", fits_expose, right_port},
	{"health", fits_health, right_health},
	{"is-task", fits_is_task, right_is_task},
};

enum { KEYS = sizeof(keys) / sizeof(*keys) };

bool add_filter(const char *text)
{
	struct filter filter = {0};
	size_t name = strcspn(text, "=");

	for (size_t i = 0; i < KEYS && text[name]; i++)
		if (strlen(keys[i].name) == name && strncmp(keys[i].name, text, name) == 0)
			filter.key = &keys[i];
	if (!filter.key)
		usage_error("invalid filter '%.*s'", text[name] ? (int)name : -1, text);
	filter.value = text + name + 1;
	if (filter.key->right && !filter.key->right(&filter))
		die("invalid filter '%s'", text);
	filters = xrealloc(filters, (filter_count + 1) * sizeof(*filters));
	filters[filter_count++] = filter;
	return filter.key->fits == fits_status;
}

static bool fits_key(const struct key *key, const struct container *c)
{
	bool all = key->fits == fits_label, there = false;

	for (size_t i = 0; i < filter_count; i++) {
		if (filters[i].key != key)
			continue;
		there = true;
		if (key->fits(&filters[i], c) != all)
			return !all;
	}
	return all || !there;
}

bool fits(const struct container *c)
{
	for (size_t i = 0; i < KEYS; i++)
		if (!fits_key(&keys[i], c))
			return false;
	return true;
}
