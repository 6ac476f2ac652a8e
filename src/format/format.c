/*
 * format: print rows or JSON values through a template, as docker's --format does.
 */
#define _GNU_SOURCE
#include "format.h"

#include "common.h"

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"usage: format [-f NAME[=HEADER],...] [-o NAME,...] TEMPLATE\n"
	"Print each value of standard input through the Go template TEMPLATE, as docker's\n"
	"--format takes it. Values are JSON, one after the other, or, with -f, rows:\n"
	"lines of values with tabs between them.\n"
	"\n"
	"  -f, --fields LIST     the names of the values in a row; 'json' prints rows as\n"
	"                        objects, 'table TEMPLATE' makes columns under the HEADERs\n"
	"  -o, --optional LIST   fields that may be missing: NAME, or NAME.* for any in NAME\n"
	"  -h, --help\n";

/* In the value of a row: between the items of a list, which is printed with commas. */
enum { ITEM = 0x1f };

static struct field {
	char *name; /* "": not for the template */
	char *header;
} * row_fields;
static size_t row_field_count;

static json_t *row;	       /* the row at hand, as the template sees it */
static const char *row_labels; /* its Labels, with ITEM between them */
static size_t row_labels_size;

static const struct node *tree;
static bool table;
static struct text output; /* the lines of a table; else of one value */

/* ---- output ---- */

static void flush(void)
{
	if (!table && output.size && !write_all(STDOUT_FILENO, output.data, output.size))
		die("cannot write to standard output:");
	if (!table)
		output.size = 0;
}

/* A line from VALUE; nothing of it is printed if it fails. */
static bool print_line(json_t *value)
{
	size_t before = output.size;

	if (execute(tree, value, &output)) {
		text_add(&output, "\n", 1);
		return true;
	}
	output.size = before;
	return false;
}

/* ---- rows ---- */

/* "NAME=HEADER,NAME,...": without a HEADER it is the NAME in capitals. */
static void set_fields(char *list)
{
	for (char *next = list, *one; (one = strsep(&next, ","));) {
		char *header_text = strchr(one, '=');

		if (header_text)
			*header_text++ = '\0';
		else
			for (char *c = header_text = xstrdup(one); *c; c++)
				*c -= *c >= 'a' && *c <= 'z' ? 'a' - 'A' : 0;
		row_fields = xrealloc(row_fields, (row_field_count + 1) * sizeof(*row_fields));
		row_fields[row_field_count++] = (struct field){one, header_text};
	}
}

static int compare_names(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return strcmp(row_fields[x].name, row_fields[y].name);
}

/* The indices of the fields in the order of their names, as Docker prints an object. */
static const size_t *field_order(void)
{
	static size_t *order;

	if (order)
		return order;
	order = xmalloc(row_field_count * sizeof(*order));
	for (size_t i = 0; i < row_field_count; i++)
		order[i] = i;
	qsort(order, row_field_count, sizeof(*order), compare_names);
	return order;
}

/* The value of a row's field: names come from outside and must neither drive the terminal nor
   turn the direction of writing. */
static json_t *clean_value(const char *at, size_t size)
{
	static struct text text;

	text.size = 0;
	text_add(&text, "", 0);
	for (const char *end = at + size; at < end;) {
		const char *start = at;
		uint32_t character = utf8_take(&at, end);

		if (*start == ITEM)
			text_add(&text, ",", 1);
		else if (harmful(character, "") || (character == 0xfffd && at - start == 1))
			text_add(&text, "?", 1); /* the latter is no UTF-8 */
		else
			text_add(&text, start, (size_t)(at - start));
	}
	return json_stringn_nocheck(text.data, text.size);
}

static void print_row(const char *line, size_t size)
{
	static const char **cells;
	static size_t *sizes;
	const char *end = line + size, *at = line;

	if (!cells) {
		cells = xmalloc(row_field_count * sizeof(*cells));
		sizes = xmalloc(row_field_count * sizeof(*sizes));
	}
	row_labels = NULL;
	for (size_t i = 0; i < row_field_count; i++) {
		const char *tab = memchr(at, '\t', (size_t)(end - at));

		cells[i] = at;
		sizes[i] = (size_t)((tab ? tab : end) - at);
		at = tab ? tab + 1 : end;
		if (!strcmp(row_fields[i].name, "Labels")) {
			row_labels = cells[i];
			row_labels_size = sizes[i];
		}
	}
	row = json_object();
	for (size_t i = 0; i < row_field_count; i++) {
		size_t field = field_order()[i];

		if (*row_fields[field].name)
			json_object_set_new_nocheck(row, row_fields[field].name,
						    clean_value(cells[field], sizes[field]));
	}
	if (!print_line(row))
		die("template parsing error: %s", execute_error.data);
	json_decref(row);
}

json_t *row_label(const json_t *value, const char *name)
{
	size_t size = strlen(name);
	json_t *label = NULL;

	if (value != row || !row)
		return NULL;
	if (header) { /* as Docker: what is behind the last dot, without dashes */
		const char *dot = strrchr(name, '.');
		char *words = xstrdup(dot ? dot + 1 : name);
		for (char *c = words; *c; c++)
			*c = *c == '-' || *c == '_' ? ' ' : *c;
		label = json_string(words);
		free(words);
		return keep(label);
	}
	if (!row_labels)
		return NULL;
	for (const char *at = row_labels, *end = at + row_labels_size; at < end;) {
		const char *stop = memchr(at, ITEM, (size_t)(end - at));

		if (!stop)
			stop = end;
		if ((size_t)(stop - at) > size && !memcmp(at, name, size) && at[size] == '=')
			label = keep(clean_value(at + size + 1, (size_t)(stop - at) - size - 1));
		at = stop + 1;
	}
	return label ? label : keep(json_string(""));
}

static void print_rows(void)
{
	struct text input = {0};
	ssize_t n;

	do {
		char chunk[1 << 16];
		const char *newline, *at;

		n = read(STDIN_FILENO, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die("cannot read standard input:");
		text_add(&input, chunk, (size_t)n);
		if (n == 0 && input.size) /* the last line may lack its newline */
			text_add(&input, "\n", 1);
		at = input.data;
		while ((newline = memchr(at, '\n', input.size - (size_t)(at - input.data)))) {
			print_row(at, (size_t)(newline - at));
			at = newline + 1;
		}
		flush();
		input.size -= (size_t)(at - input.data);
		memmove(input.data, at, input.size);
	} while (n != 0);
}

/* The columns, under the template's own line with the headers for values. */
static void print_columns(void)
{
	struct text head = {0}, columns = {0};

	header = true;
	row = json_object();
	for (size_t i = 0; i < row_field_count; i++)
		json_object_set_new(row, row_fields[i].name, json_string(row_fields[i].header));
	execute(tree, row, &head); /* functions that want no header are no matter */
	text_add(&head, "\n", 1);
	if (output.size)
		text_add(&head, output.data, output.size);
	print_table(&columns, &head);
	if (!write_all(STDOUT_FILENO, columns.data, columns.size))
		die("cannot write to standard output:");
}

/* ---- JSON ---- */

static char json_chunk[1 << 16];
static size_t json_at, json_size, json_taken;

/* True if there is more input, in json_chunk. */
static bool fill(void)
{
	ssize_t n;

	if (json_at < json_size)
		return true;
	flush(); /* before it may have to wait */
	do
		n = read(STDIN_FILENO, json_chunk, sizeof(json_chunk));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		die("cannot read standard input:");
	json_at = 0;
	json_size = (size_t)n;
	return n > 0;
}

static size_t take_json(void *buffer, size_t size, void *unused)
{
	(void)unused;
	if (!fill())
		return 0;
	if (json_taken++ > TEXT_MAX)
		die("a JSON value of more than %d MiB", TEXT_MAX >> 20);
	(void)size; /* byte by byte, as what follows the value is for the next */
	*(char *)buffer = json_chunk[json_at++];
	return 1;
}

/* What goes wrong with each of many values alike is said once. */
static void warn_of_failure(void)
{
	static char *said;

	if (said && !strcmp(said, execute_error.data))
		return;
	warn("template parsing error: %s", execute_error.data);
	free(said);
	said = xstrdup(execute_error.data);
}

/* All values; false if the template fails with one. */
static bool print_values(void)
{
	const size_t flags = JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL;
	bool good = true;
	json_error_t error;

	while (fill()) {
		if (strchr(" \t\r\n", json_chunk[json_at]) && json_chunk[json_at]) {
			json_at++;
			continue;
		}
		json_taken = 0;
		json_t *value = json_load_callback(take_json, NULL, flags, &error);
		if (!value)
			die("standard input is no JSON: %s", error.text);
		if (!print_line(value)) {
			warn_of_failure();
			good = false;
		}
		json_decref(value);
	}
	flush();
	return good;
}

/* What "table" and blanks around it leave of a template of rows. */
static char *take_table(char *template)
{
	size_t size;

	table = !strncmp(template, "table", 5);
	template += table ? 5 : 0;
	template += strspn(template, " ");
	for (size = strlen(template); size && template[size - 1] == ' '; size--)
		;
	template[size] = '\0';
	return template;
}

static const struct option long_options[] = {
	{"fields", required_argument, NULL, 'f'},
	{"optional", required_argument, NULL, 'o'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

int main(int argc, char **argv)
{
	int option;

	tool = "format";
	setlocale(LC_CTYPE, "C.UTF-8"); /* for upper and lower */
	while ((option = getopt_long(argc, argv, "+f:o:h", long_options, NULL)) != -1)
		switch (option) {
		case 'f':
			set_fields(optarg);
			break;
		case 'o':
			optional_fields = optarg;
			break;
		case 'h':
			help(usage);
		default:
			usage_error("wrong option");
		}
	if (argc != optind + 1)
		usage_error("one TEMPLATE, please");
	char *template = argv[optind];
	if (row_fields)
		template = take_table(template);
	tree = parse(strcmp(template, "json") != 0 ? template : "{{json .}}", row_fields != NULL);
	show_controls = !row_fields && isatty(STDOUT_FILENO);
	if (!row_fields)
		return print_values() ? 0 : EXIT_TOOL;
	print_rows();
	if (table)
		print_columns();
	return 0;
}
