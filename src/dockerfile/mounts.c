/*
 * RUN --mount: fields of CSV, each KEY=VALUE. A variable's value is that of its field: whatever
 * it contains, it makes no further fields.
 */
#define _GNU_SOURCE
#include "dockerfile.h"

#include "common.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const types[] = {"bind", "cache", "secret", "ssh", "tmpfs", NULL};
static const char *const sharings[] = {"locked", "private", "shared", NULL};
static const char *const keys[] = {"destination", "dst",    "env",	"from",	     "gid",
				   "id",	  "mode",   "readonly", "readwrite", "required",
				   "ro",	  "rw",	    "sharing",	"size",	     "source",
				   "src",	  "target", "type",	"uid",	     NULL};

static bool is_among(const char *text, const char *const list[])
{
	while (*list && strcmp(text, *list) != 0)
		list++;
	return *list != NULL;
}

static const char *member(json_t *mount, const char *name)
{
	return json_string_value(json_object_get(mount, name));
}

/* Is the mount of one of the types in LIST? */
static bool is_type(json_t *mount, const char *list)
{
	return strstr(list, member(mount, "type")) != NULL;
}

static void set_flag(json_t *mount, const char *key, const char *value)
{
	bool on = true;

	if (value && !is_switch(value, &on))
		bad("%s=%s in --mount, expected true or false", key, value);
	if (*key == 'r' && (key[1] == 'w' || !strcmp(key, "readwrite")))
		on = !on;
	json_object_set_new(mount, !strcmp(key, "required") ? "required" : "readonly",
			    json_boolean(on));
}

static void check_number(const char *key, const char *value)
{
	uint64_t number;
	char *end;

	if (!strcmp(key, "mode")) {
		if (!*value || value[strspn(value, "01234567")] ||
		    strtoul(value, &end, 8) > UINT32_MAX)
			bad("mode=%s in --mount, expected an octal number", value);
	} else if (!is_number(value, 0, UINT32_MAX, &number)) {
		bad("%s=%s in --mount, expected a number", key, value);
	}
}

/* As go-units: 512m, 1.5g, 100. */
static void check_size(const char *value)
{
	size_t digits = strspn(value, "0123456789.");
	const char *unit = value + digits;

	if (!digits || *value == '.' || memchr(value, '.', digits) != memrchr(value, '.', digits))
		bad("size=%s in --mount, expected a size as 64m", value);
	unit += *unit == ' ';
	if (*unit && strchr("kmgtpKMGTP", *unit))
		unit++;
	if (*unit && strcasecmp(unit, "b") != 0 && strcasecmp(unit, "ib") != 0)
		bad("size=%s in --mount, expected a size as 64m", value);
}

static void lower(char *text)
{
	for (; *text; text++)
		*text += *text >= 'A' && *text <= 'Z' ? 'a' - 'A' : 0;
}

static void set_value(json_t *mount, const char *key, char *value)
{
	const char *name = !strcmp(key, "src")					? "source"
			   : !strcmp(key, "dst") || !strcmp(key, "destination") ? "target"
										: key;

	if (!strcmp(key, "type") || !strcmp(key, "sharing"))
		lower(value);
	if (!strcmp(key, "type") && !is_among(value, types))
		bad_name("type of mount", value, types);
	if (!strcmp(key, "sharing") && !is_among(value, sharings))
		bad_name("sharing of a mount", value, sharings);
	if (!strcmp(key, "mode") || !strcmp(key, "uid") || !strcmp(key, "gid"))
		check_number(key, value);
	if (!strcmp(key, "size"))
		check_size(value);
	json_object_set_new(mount, name, json_string(value));
}

/* Which may stand together. */
static void check_mount(json_t *mount)
{
	static const char *const owners[] = {"mode", "uid", "gid"};
	const char *type = member(mount, "type");

	for (size_t i = 0; i < 3; i++)
		if (member(mount, owners[i]) && !is_type(mount, "secret ssh cache"))
			bad("%s with a mount of type %s, expected it with secret, ssh or cache",
			    owners[i], type);
	if (json_object_get(mount, "required") && !is_type(mount, "secret ssh"))
		bad("required with a mount of type %s, expected it with secret or ssh", type);
	if (member(mount, "size") && !is_type(mount, "tmpfs"))
		bad("size with a mount of type %s, expected it with tmpfs", type);
	if (member(mount, "sharing") && !is_type(mount, "cache"))
		bad("sharing with a mount of type %s, expected it with cache", type);
	if (is_type(mount, "secret")) {
		bool source = member(mount, "source"), id = member(mount, "id");

		if (member(mount, "from"))
			bad("from with a mount of type secret, expected none");
		if (!source && !id && !member(mount, "target"))
			bad("a secret without a name, expected id or target");
		if (source && id)
			bad("source and id of a secret, expected one of them");
	}
	if (!json_object_get(mount, "readonly"))
		json_object_set_new(mount, "readonly",
				    json_boolean(!is_type(mount, "cache tmpfs")));
	if (!json_object_get(mount, "required"))
		json_object_set_new(mount, "required", json_false());
}

json_t *parse_mount(const char *text, char *(*look_up)(void *context, const char *text),
		    void *context, char **again)
{
	struct words fields = split_csv(text);
	json_t *mount = json_object();
	struct text whole = {0};
	bool variables = false;

	json_object_set_new(mount, "type", json_string("bind"));
	for (size_t i = 0; i < fields.count; i++) {
		char *key = fields.word[i], *value = strchr(key, '=');

		if (value)
			*value++ = '\0';
		lower(key);
		if (!is_among(key, keys))
			bad_name("key in --mount", key, keys);
		bool is_flag = *key == 'r'; /* no other begins so */
		if (!value && !is_flag)
			bad("%s in --mount, expected %s=VALUE", key, key);
		if (value && !strcmp(key, "from") && strchr(value, '$'))
			bad("from=%s in --mount, expected no variables: give a stage the name",
			    value);
		if (value && look_up)
			value = look_up(context, value);
		csv_add(&whole, value ? xasprintf("%s=%s", key, value) : key);
		if (!look_up && value && strpbrk(value, "$'\"\\`")) {
			variables = true;
			continue;
		}
		if (is_flag || !value)
			set_flag(mount, key, value);
		else
			set_value(mount, key, value);
	}
	if (!variables)
		check_mount(mount);
	if (again)
		*again = text_take(&whole);
	return mount;
}
