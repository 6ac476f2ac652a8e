/*
 * The parts of format:
 *
 *   parse.c      a template into a tree, all errors found before anything is printed
 *   execute.c    walking the tree with one value
 *   functions.c  what {{join}}, {{index}} and so on do
 *   print.c      values as text, as Go's fmt prints them, and as JSON
 *   table.c      aligned columns
 *   text.c       growing text, UTF-8
 *   format.c     options, and rows or JSON from standard input
 *
 * Every value is a json_t. One that is made on the way is handed to keep(), which lets go of
 * it after the row.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- text.c ---- */

struct text {
	char *data;
	size_t size, room;
};

/* Larger than any listing; a template that loops must not take all memory. */
enum { TEXT_MAX = 64 << 20 };

void text_add(struct text *text, const char *data, size_t size);
void text_puts(struct text *text, const char *string);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vprintf(struct text *text, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
void text_fill(struct text *text, char c, size_t count);

/* Take the character at *AT off; bytes that are not UTF-8 are U+FFFD each. */
uint32_t utf8_take(const char **at, const char *end);
void utf8_add(struct text *text, uint32_t character);
size_t utf8_length(const char *data, size_t size);

/* Characters that would drive a terminal or turn the direction of writing: controls of both
   sets (but not those in ALLOWED) and bidirectional overrides. */
bool harmful(uint32_t character, const char *allowed);

/* ---- parse.c ---- */

struct span {
	const char *start, *end;
};

struct function;
struct pipe;

struct operand {
	enum {
		OPERAND_DOT,
		OPERAND_NIL,
		OPERAND_VARIABLE,
		OPERAND_CONSTANT,
		OPERAND_FUNCTION,
		OPERAND_PIPE, /* in parentheses */
	} kind;
	char *variable; /* without its "$" */
	json_t *constant;
	const struct function *function;
	struct pipe *pipe;
	char **fields; /* .A.B.C after it; of DOT without these "." is meant */
	size_t field_count;
	struct span source;
	const char *position; /* what messages point to */
	struct operand *next;
};

struct command {
	struct operand *words;
	struct span source;
	struct command *next;
};

struct pipe {
	char *variables[2];
	size_t variable_count;
	bool declares; /* := and not = */
	struct command *commands;
	struct span source;
};

struct node {
	enum {
		NODE_TEXT,
		NODE_ACTION,
		NODE_IF,
		NODE_WITH,
		NODE_RANGE,
		NODE_BREAK,
		NODE_CONTINUE
	} kind;
	struct text text;
	struct pipe *pipe;
	struct node *body, *otherwise, *next;
};

/* The tree of TEMPLATE; dies if there is none. ESCAPES: \t and \n in the text between actions
   mean a tab and a newline. */
struct node *parse(const char *template, bool escapes);

/* Where in the template something went wrong: line and column. */
void position_of(const char *at, unsigned *line, unsigned *column);

/* ---- execute.c ---- */

/* Add to OUT what the template makes of VALUE. False, with a message in ERROR, if it fails. */
bool execute(const struct node *template, json_t *value, struct text *out);
extern struct text execute_error;

/* Say why an evaluation fails; the first one counts. Returns null. */
json_t *fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

json_t *keep(json_t *value);
json_t *keep_text(struct text *text); /* a string, and TEXT is empty then */

/* The keys of OBJECT in order, *COUNT of them; free() the array. */
const char **sorted_keys(json_t *object, size_t *count);

/* Set by main: */
extern const char *optional_fields; /* "A,B.*": may be missing, see format.1 */
extern bool show_controls;	    /* the output is a terminal */
extern bool header;		    /* the header of a table is being made */
/* The value of a row's {{.Label "NAME"}}; NULL if VALUE is not the row. */
json_t *row_label(const json_t *value, const char *name);

/* ---- functions.c ---- */

struct function {
	const char *name;
	size_t min, max; /* arguments */
	json_t *(*call)(json_t **arguments, size_t count);
};

const struct function *find_function(const char *name, size_t size);
extern const struct function function_and, function_or; /* that do not look at all arguments */
bool truth(const json_t *value);

/* ---- print.c ---- */

void print_value(struct text *out, json_t *value);
void print_json(struct text *out, json_t *value);
void print_format(struct text *out, const char *format, size_t size, json_t **values, size_t count);
const char *type_name(const json_t *value);

/* ---- table.c ---- */

/* Print TEXT, lines of cells with a tab after each, in columns. */
void print_table(struct text *out, const struct text *text);

#endif
