/*
 * Values as text: as Go's fmt prints them, and as JSON.
 */
#include "format.h"

#include "common.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH_MAX = 1000000 };

const char *type_name(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "map[string]interface {}";
	case JSON_ARRAY:
		return "[]interface {}";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
		return "int";
	case JSON_REAL:
		return "float64";
	case JSON_TRUE:
	case JSON_FALSE:
		return "bool";
	default:
		return "nil";
	}
}

/* The shortest number that reads back as VALUE, with an exponent only if that is below
   LOW or above 20. */
static void print_real(struct text *out, double value, int low)
{
	char digits[40];
	int precision = 0, exponent;

	do
		snprintf(digits, sizeof(digits), "%.*e", precision++, value);
	while (precision < 18 && strtod(digits, NULL) != value);
	exponent = (int)strtol(strchr(digits, 'e') + 1, NULL, 10);
	if (exponent < low || exponent > 20)
		text_puts(out, digits);
	else
		text_printf(out, "%.*f", precision - 1 > exponent ? precision - 1 - exponent : 0,
			    value);
}

static void print_plain(struct text *out, json_t *value, const char *null);

static void print_composed(struct text *out, json_t *value)
{
	size_t count, i;
	json_t *member;

	if (json_is_array(value)) {
		text_puts(out, "[");
		json_array_foreach(value, i, member)
		{
			text_puts(out, i ? " " : "");
			print_plain(out, member, "<nil>");
		}
		text_puts(out, "]");
		return;
	}
	const char **keys = sorted_keys(value, &count);
	text_puts(out, "map[");
	for (i = 0; i < count; i++) {
		text_printf(out, "%s%s:", i ? " " : "", keys[i]);
		print_plain(out, json_object_get(value, keys[i]), "<nil>");
	}
	text_puts(out, "]");
	free(keys);
}

static void print_plain(struct text *out, json_t *value, const char *null)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		text_add(out, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		text_printf(out, "%lld", (long long)json_integer_value(value));
		break;
	case JSON_REAL:
		print_real(out, json_real_value(value), -4);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		text_puts(out, json_is_true(value) ? "true" : "false");
		break;
	case JSON_NULL:
		text_puts(out, null);
		break;
	default:
		print_composed(out, value);
		break;
	}
}

void print_value(struct text *out, json_t *value)
{
	print_plain(out, value, "<no value>");
}

/* ---- JSON ---- */

static void print_json_string(struct text *out, const char *at, size_t size)
{
	static const char special[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *end = at + size;

	text_puts(out, "\"");
	while (at < end) {
		uint32_t c = utf8_take(&at, end);
		const char *letter = c && c < 0x80 ? strchr(special, (int)c) : NULL;

		if (letter)
			text_printf(out, "\\%c", letters[letter - special]);
		else if (c < 0x20 || c == 0x2028 || c == 0x2029 ||
			 (show_controls && harmful(c, "")))
			text_printf(out, "\\u%04x", (unsigned)c);
		else
			utf8_add(out, c);
	}
	text_puts(out, "\"");
}

void print_json(struct text *out, json_t *value)
{
	const char *key, *comma = "";
	json_t *member;
	size_t i;

	switch (json_typeof(value)) {
	case JSON_STRING:
		print_json_string(out, json_string_value(value), json_string_length(value));
		break;
	case JSON_REAL:
		print_real(out, json_real_value(value), -6);
		break;
	case JSON_ARRAY:
		text_puts(out, "[");
		json_array_foreach(value, i, member)
		{
			text_puts(out, i ? "," : "");
			print_json(out, member);
		}
		text_puts(out, "]");
		break;
	case JSON_OBJECT:
		text_puts(out, "{");
		json_object_foreach(value, key, member)
		{
			text_puts(out, comma);
			print_json_string(out, key, strlen(key));
			text_puts(out, ":");
			print_json(out, member);
			comma = ",";
		}
		text_puts(out, "}");
		break;
	default:
		print_plain(out, value, "null");
		break;
	}
}

/* ---- printf ---- */

struct directive {
	bool minus, plus, sharp, blank, zero;
	long width, precision; /* -1: none */
	char verb;
};

/* As Go's strconv.Quote. */
static void print_quoted(struct text *out, const char *at, size_t size)
{
	static const char special[] = "\"\\\a\b\f\n\r\t\v", letters[] = "\"\\abfnrtv";
	const char *end = at + size;

	text_puts(out, "\"");
	while (at < end) {
		const char *start = at;
		uint32_t c = utf8_take(&at, end);
		const char *letter = c && c < 0x80 ? strchr(special, (int)c) : NULL;

		if (letter)
			text_printf(out, "\\%c", letters[letter - special]);
		else if (c < 0x20 || c == 0x7f || (c == 0xfffd && at - start == 1))
			text_printf(out, "\\x%02x", (unsigned char)*start);
		else if (harmful(c, "") || (c >= 0x2028 && c <= 0x202f) || c == 0xfeff)
			text_printf(out, "\\u%04x", (unsigned)c);
		else
			utf8_add(out, c);
	}
	text_puts(out, "\"");
}

/* Wide enough, with blanks or zeros (behind a sign). */
static void pad(struct text *out, const struct directive *directive, const struct text *text,
		bool number)
{
	size_t length = utf8_length(text->data, text->size), sign = 0;
	size_t width = directive->width > 0 ? (size_t)directive->width : 0;
	size_t fill = width > length ? width - length : 0;

	if (directive->minus) {
		text_add(out, text->data, text->size);
		text_fill(out, ' ', fill);
		return;
	}
	bool zeros = directive->zero && (number ? directive->precision < 0 : true);
	if (zeros && number && text->size && strchr("+- ", *text->data))
		sign = 1;
	text_add(out, text->data, sign);
	text_fill(out, zeros ? '0' : ' ', fill);
	text_add(out, text->data + sign, text->size - sign);
}

static void wrong_verb(struct text *out, const struct directive *directive, json_t *value)
{
	text_printf(out, "%%!%c(", directive->verb);
	if (!json_is_null(value))
		text_printf(out, "%s=", type_name(value));
	print_plain(out, value, "<nil>");
	text_puts(out, ")");
}

/* The digits of an integer for %d %x %X %o %b. */
static void integer_digits(struct text *out, const struct directive *directive, uint64_t value)
{
	const char *alphabet = directive->verb == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	unsigned base = directive->verb == 'b'			? 2
			: directive->verb == 'o'		? 8
			: strchr("xX", directive->verb) != NULL ? 16
								: 10;
	char digits[65];
	size_t at = sizeof(digits);

	do
		digits[--at] = alphabet[value % base];
	while ((value /= base));
	if (directive->sharp && base != 10)
		text_puts(out, base == 2		? "0b"
			       : base == 8		? "0"
			       : directive->verb == 'X' ? "0X"
							: "0x");
	if (directive->precision > (long)(sizeof(digits) - at))
		text_fill(out, '0', (size_t)directive->precision - (sizeof(digits) - at));
	text_add(out, digits + at, sizeof(digits) - at);
}

static void print_integer(struct text *out, const struct directive *directive, json_int_t value)
{
	struct text text = {0};
	bool number = false;

	if (directive->verb == 'c' || directive->verb == 'q' || directive->verb == 'U') {
		uint32_t c = value >= 0 && value <= 0x10ffff ? (uint32_t)value : 0xfffd;

		if (directive->verb == 'U')
			text_printf(&text, "U+%04X", (unsigned)c);
		if (directive->verb == 'q')
			text_puts(&text, "'");
		if (directive->verb != 'U')
			utf8_add(&text, c);
		if (directive->verb == 'q')
			text_puts(&text, "'");
	} else {
		uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;

		text_puts(&text, value < 0	    ? "-"
				 : directive->plus  ? "+"
				 : directive->blank ? " "
						    : "");
		integer_digits(&text, directive, size);
		number = true;
	}
	pad(out, directive, &text, number);
	free(text.data);
}

/* As C's printf would, of which the verbs are those of Go. */
static void float_digits(struct text *out, char verb, int precision, double value)
{
	switch (verb) {
	case 'e':
		text_printf(out, "%.*e", precision, value);
		break;
	case 'E':
		text_printf(out, "%.*E", precision, value);
		break;
	case 'f':
	case 'F':
		text_printf(out, "%.*f", precision, value);
		break;
	case 'G':
		text_printf(out, "%.*G", precision, value);
		break;
	default:
		text_printf(out, "%.*g", precision, value);
		break;
	}
}

static void print_float(struct text *out, const struct directive *directive, double value)
{
	struct text text = {0};

	if (value >= 0)
		text_puts(&text, directive->plus ? "+" : directive->blank ? " " : "");
	if (directive->precision < 0 && strchr("vgG", directive->verb))
		print_real(&text, value, -4);
	else
		float_digits(&text, directive->verb,
			     directive->precision < 0 ? 6 : (int)directive->precision, value);
	pad(out, directive, &text, true);
	free(text.data);
}

static void print_string(struct text *out, const struct directive *directive, const char *data,
			 size_t size)
{
	struct text text = {0};
	const char *end = data;

	/* The precision counts characters; of the bytes for %x. */
	for (long n = 0;
	     end < data + size && (directive->precision < 0 || n < directive->precision); n++)
		utf8_take(&end, data + size);
	size = (size_t)(end - data);
	text_add(&text, "", 0);
	if (directive->verb == 'q' || (directive->verb == 'v' && directive->sharp))
		print_quoted(&text, data, size);
	else if (directive->verb == 'x' || directive->verb == 'X')
		for (size_t i = 0; i < size; i++)
			text_printf(&text, directive->verb == 'x' ? "%02x" : "%02X",
				    (unsigned char)data[i]);
	else
		text_add(&text, data, size);
	pad(out, directive, &text, false);
	free(text.data);
}

static void print_directive(struct text *out, const struct directive *directive, json_t *value);

/* Of a list or map each member is printed so. */
static void print_members(struct text *out, const struct directive *directive, json_t *value)
{
	json_t *member;
	size_t i, count;

	if (json_is_array(value)) {
		text_puts(out, "[");
		json_array_foreach(value, i, member)
		{
			text_puts(out, i ? " " : "");
			print_directive(out, directive, member);
		}
	} else {
		const char **keys = sorted_keys(value, &count);

		text_puts(out, "map[");
		for (i = 0; i < count; i++) {
			text_puts(out, i ? " " : "");
			print_string(out, directive, keys[i], strlen(keys[i]));
			text_puts(out, ":");
			print_directive(out, directive, json_object_get(value, keys[i]));
		}
		free(keys);
	}
	text_puts(out, "]");
}

/* One value for one % directive. */
static void print_directive(struct text *out, const struct directive *directive, json_t *value)
{
	static const char *const verbs[] = {
		[JSON_OBJECT] = "vsdqxXtfgeEGobcU",
		[JSON_ARRAY] = "vsdqxXtfgeEGobcU",
		[JSON_STRING] = "vsqxX",
		[JSON_INTEGER] = "vdxXobcqU",
		[JSON_REAL] = "veEfFgG",
		[JSON_TRUE] = "vt",
		[JSON_FALSE] = "vt",
		[JSON_NULL] = "v",
	};
	json_type type = json_typeof(value);

	if (directive->verb == 'T') {
		print_string(out, &(struct directive){.width = directive->width, .precision = -1},
			     type_name(value), strlen(type_name(value)));
	} else if (!directive->verb || !strchr(verbs[type], directive->verb)) {
		wrong_verb(out, directive, value);
	} else if (type == JSON_INTEGER) {
		print_integer(out, directive, json_integer_value(value));
	} else if (type == JSON_REAL) {
		print_float(out, directive, json_real_value(value));
	} else if (type == JSON_OBJECT || type == JSON_ARRAY) {
		print_members(out, directive, value);
	} else {
		struct text text = {0};
		print_plain(&text, value, "<nil>");
		print_string(out, directive, text.data ? text.data : "", text.size);
		free(text.data);
	}
}

/* A number in a format, or * and an integer argument; -1: none, -2: a wrong one. */
static long format_number(const char **at, const char *end, json_t **values, size_t count,
			  size_t *next)
{
	long number = -1;

	if (*at < end && **at == '*') {
		++*at;
		json_t *value = *next < count ? values[(*next)++] : NULL;
		json_int_t given = json_is_integer(value) ? json_integer_value(value) : -1;
		return given < 0 || given > WIDTH_MAX ? -2 : (long)given;
	}
	for (; *at < end && **at >= '0' && **at <= '9'; ++*at)
		if (number <= WIDTH_MAX)
			number = (number < 0 ? 0 : number) * 10 + (**at - '0');
	return number > WIDTH_MAX ? -2 : number;
}

static void set_flags(struct directive *directive, const char **at, const char *end)
{
	for (; *at < end; ++*at)
		switch (**at) {
		case '-':
			directive->minus = true;
			break;
		case '+':
			directive->plus = true;
			break;
		case '#':
			directive->sharp = true;
			break;
		case ' ':
			directive->blank = true;
			break;
		case '0':
			directive->zero = true;
			break;
		default:
			return;
		}
}

void print_format(struct text *out, const char *format, size_t size, json_t **values, size_t count)
{
	const char *at = format, *end = format + size;
	size_t next = 0;

	while (at < end) {
		const char *percent = memchr(at, '%', (size_t)(end - at));

		text_add(out, at, (size_t)((percent ? percent : end) - at));
		if (!percent)
			break;
		at = percent + 1;
		struct directive directive = {.precision = -1};
		set_flags(&directive, &at, end);
		directive.width = format_number(&at, end, values, count, &next);
		if (directive.width == -2)
			text_puts(out, "%!(BADWIDTH)");
		if (at < end && *at == '.') {
			at++;
			directive.precision = format_number(&at, end, values, count, &next);
			if (directive.precision == -2)
				text_puts(out, "%!(BADPREC)");
			else if (directive.precision < 0)
				directive.precision = 0;
		}
		if (at == end) {
			text_puts(out, "%!(NOVERB)");
			break;
		}
		directive.verb = *at++;
		if (directive.verb == '%')
			text_puts(out, "%");
		else if (next >= count)
			text_printf(out, "%%!%c(MISSING)", directive.verb);
		else
			print_directive(out, &directive, values[next++]);
	}
	for (size_t i = next; i < count; i++) {
		text_puts(out, i == next ? "%!(EXTRA " : ", ");
		text_printf(out, "%s%s", json_is_null(values[i]) ? "" : type_name(values[i]),
			    json_is_null(values[i]) ? "" : "=");
		print_plain(out, values[i], "<nil>");
	}
	if (next < count)
		text_puts(out, ")");
}
