/*
 * The functions of templates: those of Go's text/template, and Docker's own.
 */
#define _GNU_SOURCE
#include "format.h"

#include "common.h"

#include <string.h>
#include <wctype.h>

bool truth(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return json_object_size(value) > 0;
	case JSON_ARRAY:
		return json_array_size(value) > 0;
	case JSON_STRING:
		return json_string_length(value) > 0;
	case JSON_INTEGER:
		return json_integer_value(value) != 0;
	case JSON_REAL:
		return json_real_value(value) != 0;
	default:
		return json_is_true(value);
	}
}

/* ---- what arguments must be ---- */

/* The text of a string; NULL, and the evaluation fails, if it is none. */
static const char *string_of(const json_t *value, size_t *size)
{
	*size = json_string_length(value);
	if (!json_is_string(value))
		fail("wrong type for value; expected string; got %s", type_name(value));
	return json_string_value(value);
}

static bool size_of(const json_t *value, size_t *size)
{
	*size = 0;
	if (!json_is_integer(value)) {
		fail("wrong type for value; expected int; got %s", type_name(value));
		return false;
	}
	if (json_integer_value(value) < 0 || json_integer_value(value) > TEXT_MAX) {
		fail("out of range: %lld", (long long)json_integer_value(value));
		return false;
	}
	*size = (size_t)json_integer_value(value);
	return true;
}

static json_t *string(const char *data, size_t size)
{
	return keep(json_stringn_nocheck(data, size));
}

/* ---- text ---- */

static json_t *call_json(json_t **arguments, size_t count)
{
	struct text text = {0};

	(void)count;
	if (header)
		return *arguments;
	print_json(&text, *arguments);
	return keep_text(&text);
}

static json_t *call_join(json_t **arguments, size_t count)
{
	struct text text = {0};
	size_t size, i;
	const char *between = string_of(arguments[1], &size);
	json_t *member;

	(void)count;
	if (!between)
		return json_null();
	if (!json_is_array(*arguments) && !json_is_null(*arguments))
		return fail("wrong type for value; expected []string; got %s",
			    type_name(*arguments));
	json_array_foreach(*arguments, i, member)
	{
		text_add(&text, between, i ? size : 0);
		print_value(&text, member);
	}
	return keep_text(&text);
}

static json_t *call_split(json_t **arguments, size_t count)
{
	size_t size, between_size;
	const char *at = string_of(*arguments, &size);
	const char *between = string_of(arguments[1], &between_size);
	json_t *list = keep(json_array());

	(void)count;
	if (!at || !between)
		return list;
	for (const char *end = at + size; at <= end;) {
		const char *part = at, *next = NULL;

		if (between_size)
			next = memmem(at, (size_t)(end - at), between, between_size);
		else if (at < end) { /* each character */
			utf8_take(&part, end);
			next = part < end ? part : NULL;
		}
		json_array_append_new(list,
				      json_stringn_nocheck(at, (size_t)((next ? next : end) - at)));
		if (!next)
			break;
		at = next + between_size;
	}
	return list;
}

/* Each character with CHANGE; only the first of words if FIRST. */
static json_t *change_case(const json_t *value, wint_t (*change)(wint_t), bool first)
{
	struct text text = {0};
	size_t size;
	const char *at = string_of(value, &size);
	bool within = false;

	if (!at || header)
		return (json_t *)value;
	for (const char *end = at + size; at < end;) {
		const char *start = at;
		uint32_t c = utf8_take(&at, end);

		if (c == 0xfffd || (first && within))
			text_add(&text, start, (size_t)(at - start));
		else
			utf8_add(&text, (uint32_t)change((wint_t)c));
		within = iswalnum((wint_t)c) || c == '_';
	}
	return keep_text(&text);
}

static json_t *call_upper(json_t **arguments, size_t count)
{
	(void)count;
	return change_case(*arguments, towupper, false);
}

static json_t *call_lower(json_t **arguments, size_t count)
{
	(void)count;
	return change_case(*arguments, towlower, false);
}

static json_t *call_title(json_t **arguments, size_t count)
{
	(void)count;
	return change_case(*arguments, towupper, true);
}

static json_t *call_pad(json_t **arguments, size_t count)
{
	struct text text = {0};
	size_t size, before, after;
	const char *data = string_of(*arguments, &size);

	(void)count;
	if (!data || !size_of(arguments[1], &before) || !size_of(arguments[2], &after) || !size)
		return *arguments;
	text_fill(&text, ' ', before);
	text_add(&text, data, size);
	text_fill(&text, ' ', after);
	return keep_text(&text);
}

/* In characters, so that none is cut through. */
static json_t *call_truncate(json_t **arguments, size_t count)
{
	size_t size, length;
	const char *data = string_of(*arguments, &size), *at = data;

	(void)count;
	if (!data || !size_of(arguments[1], &length) || header)
		return *arguments;
	for (const char *end = data + size; at < end && length > 0; length--)
		utf8_take(&at, end);
	return string(data, (size_t)(at - data));
}

static json_t *call_print(json_t **arguments, size_t count)
{
	struct text text = {0};

	for (size_t i = 0; i < count; i++) {
		if (i && !json_is_string(arguments[i]) && !json_is_string(arguments[i - 1]))
			text_puts(&text, " ");
		json_is_null(arguments[i]) ? text_puts(&text, "<nil>")
					   : print_value(&text, arguments[i]);
	}
	return keep_text(&text);
}

static json_t *call_println(json_t **arguments, size_t count)
{
	struct text text = {0};

	for (size_t i = 0; i < count; i++) {
		text_puts(&text, i ? " " : "");
		json_is_null(arguments[i]) ? text_puts(&text, "<nil>")
					   : print_value(&text, arguments[i]);
	}
	text_puts(&text, "\n");
	return keep_text(&text);
}

static json_t *call_printf(json_t **arguments, size_t count)
{
	struct text text = {0};
	size_t size;
	const char *format = string_of(*arguments, &size);

	if (format)
		print_format(&text, format, size, arguments + 1, count - 1);
	return keep_text(&text);
}

/* ---- lists and maps ---- */

/* What a map gives for a key that it does not have: of a map of strings "". */
static json_t *missing_member(json_t *map)
{
	const char *key;
	json_t *member;

	json_object_foreach(map, key, member)
	{
		if (!json_is_string(member))
			return json_null();
	}
	return string("", 0);
}

static json_t *index_by(json_t *value, json_t *key)
{
	size_t size, index;

	if (json_is_object(value) || json_is_null(value)) {
		const char *name = string_of(key, &size);
		json_t *member = name ? json_object_get(value, name) : NULL;
		return member ? member : missing_member(value);
	}
	if (json_is_array(value) || json_is_string(value)) {
		size = json_is_array(value) ? json_array_size(value) : json_string_length(value);
		if (!size_of(key, &index))
			return json_null();
		if (index >= size)
			return fail("error calling index: index out of range: %zu", index);
		return json_is_array(value)
			       ? json_array_get(value, index)
			       : keep(json_integer((unsigned char)json_string_value(value)[index]));
	}
	return fail("error calling index: can't index item of type %s", type_name(value));
}

static json_t *call_index(json_t **arguments, size_t count)
{
	json_t *value = *arguments;

	for (size_t i = 1; i < count && !execute_error.size; i++)
		value = index_by(value, arguments[i]);
	return value;
}

static json_t *call_slice(json_t **arguments, size_t count)
{
	json_t *value = *arguments, *list;
	size_t size = json_is_array(value) ? json_array_size(value) : json_string_length(value);
	size_t from = 0, to = size;

	if (!json_is_array(value) && !json_is_string(value))
		return fail("error calling slice: can't slice item of type %s", type_name(value));
	if ((count > 1 && !size_of(arguments[1], &from)) ||
	    (count > 2 && !size_of(arguments[2], &to)))
		return json_null();
	if (from > to || to > size)
		return fail("error calling slice: index out of range: %zu", from > to ? from : to);
	if (json_is_string(value))
		return string(json_string_value(value) + from, to - from);
	list = keep(json_array());
	for (; from < to; from++)
		json_array_append(list, json_array_get(value, from));
	return list;
}

static json_t *call_len(json_t **arguments, size_t count)
{
	json_t *value = *arguments;

	(void)count;
	if (json_is_string(value))
		return keep(json_integer((json_int_t)json_string_length(value)));
	if (json_is_array(value))
		return keep(json_integer((json_int_t)json_array_size(value)));
	if (json_is_object(value))
		return keep(json_integer((json_int_t)json_object_size(value)));
	if (json_is_null(value)) /* a list or map that is not there */
		return keep(json_integer(0));
	return fail("error calling len: len of type %s", type_name(value));
}

/* ---- comparing ---- */

static json_t *call_not(json_t **arguments, size_t count)
{
	(void)count;
	return json_boolean(!truth(*arguments));
}

/* Less than, equal to or greater than 0; fails if there is no telling. */
static int compare(const char *name, const json_t *a, const json_t *b)
{
	bool same = json_typeof(a) == json_typeof(b);

	if (same && json_is_integer(a)) {
		json_int_t x = json_integer_value(a), y = json_integer_value(b);
		return (x > y) - (x < y);
	}
	if (json_is_number(a) && json_is_number(b)) {
		double x = json_number_value(a), y = json_number_value(b);
		return (x > y) - (x < y);
	}
	if (same && json_is_string(a)) {
		size_t x = json_string_length(a), y = json_string_length(b);
		int order = memcmp(json_string_value(a), json_string_value(b), x < y ? x : y);
		return order ? order : (x > y) - (x < y);
	}
	fail("error calling %s: %s type%s for comparison", name, same ? "invalid" : "incompatible",
	     same ? "" : "s");
	return 0;
}

static bool equal(const char *name, const json_t *a, const json_t *b)
{
	json_type x = json_typeof(a), y = json_typeof(b);

	if (x == JSON_NULL || y == JSON_NULL)
		return x == y;
	if ((x == JSON_TRUE || x == JSON_FALSE) && (y == JSON_TRUE || y == JSON_FALSE))
		return x == y;
	return compare(name, a, b) == 0;
}

/* Is the first equal to any of the others? */
static json_t *call_eq(json_t **arguments, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (equal("eq", *arguments, arguments[i]))
			return json_boolean(!execute_error.size);
	return json_false();
}

static json_t *call_ne(json_t **arguments, size_t count)
{
	(void)count;
	return json_boolean(!equal("ne", arguments[0], arguments[1]));
}

static json_t *call_lt(json_t **arguments, size_t count)
{
	(void)count;
	return json_boolean(compare("lt", arguments[0], arguments[1]) < 0);
}

static json_t *call_le(json_t **arguments, size_t count)
{
	(void)count;
	return json_boolean(compare("le", arguments[0], arguments[1]) <= 0);
}

static json_t *call_gt(json_t **arguments, size_t count)
{
	(void)count;
	return json_boolean(compare("gt", arguments[0], arguments[1]) > 0);
}

static json_t *call_ge(json_t **arguments, size_t count)
{
	(void)count;
	return json_boolean(compare("ge", arguments[0], arguments[1]) >= 0);
}

/* ---- the table ---- */

const struct function function_and = {"and", 1, SIZE_MAX, NULL};
const struct function function_or = {"or", 1, SIZE_MAX, NULL};

static const struct function functions[] = {
	{"json", 1, 1, call_json},
	{"join", 2, 2, call_join},
	{"split", 2, 2, call_split},
	{"title", 1, 1, call_title},
	{"lower", 1, 1, call_lower},
	{"upper", 1, 1, call_upper},
	{"pad", 3, 3, call_pad},
	{"truncate", 2, 2, call_truncate},
	{"print", 0, SIZE_MAX, call_print},
	{"println", 0, SIZE_MAX, call_println},
	{"printf", 1, SIZE_MAX, call_printf},
	{"index", 1, SIZE_MAX, call_index},
	{"slice", 1, 3, call_slice},
	{"len", 1, 1, call_len},
	{"not", 1, 1, call_not},
	{"eq", 2, SIZE_MAX, call_eq},
	{"ne", 2, 2, call_ne},
	{"lt", 2, 2, call_lt},
	{"le", 2, 2, call_le},
	{"gt", 2, 2, call_gt},
	{"ge", 2, 2, call_ge},
};

static bool is_called(const struct function *function, const char *name, size_t size)
{
	return strlen(function->name) == size && !memcmp(function->name, name, size);
}

const struct function *find_function(const char *name, size_t size)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (is_called(&functions[i], name, size))
			return &functions[i];
	return is_called(&function_and, name, size)  ? &function_and
	       : is_called(&function_or, name, size) ? &function_or
						     : NULL;
}
