/*
 * A template into a tree: text, and actions in {{ }}. All that is wrong with it is found here,
 * before anything is printed. The language is that of Go's text/template.
 */
#include "format.h"

#include "common.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEPTH_MAX = 100, VARIABLES_MAX = 1000 };

struct token {
	enum {
		TOKEN_CLOSE, /* }} */
		TOKEN_FIELD, /* .NAME */
		TOKEN_DOT,
		TOKEN_VARIABLE,
		TOKEN_WORD,
		TOKEN_CONSTANT,
		TOKEN_DECLARE, /* := */
		TOKEN_SIGN,    /* | ( ) , = */
	} kind;
	bool space; /* there is some before it */
	const char *start, *end;
	json_t *constant;
};

static const char *template, *at; /* the whole, and what is not read yet */
static bool escapes;		  /* in the text \t and \n are translated */
static bool trim;		  /* the last action ended in -}} */
static struct token token;
static int depth, loops;

static const char *variables[VARIABLES_MAX];
static size_t variable_sizes[VARIABLES_MAX];
static size_t variable_count;

void position_of(const char *where, unsigned *line, unsigned *column)
{
	*line = 1;
	*column = 0;
	for (const char *c = template; c < where; c++) {
		++*column;
		if (*c == '\n') {
			++*line;
			*column = 0;
		}
	}
}

static _Noreturn void bad(const char *format, ...) __attribute__((format(printf, 1, 2)));

static _Noreturn void bad(const char *format, ...)
{
	unsigned line, column;
	struct text message = {0};
	va_list arguments;

	position_of(at, &line, &column);
	text_printf(&message, "template parsing error: template: :%u: ", line);
	va_start(arguments, format);
	text_vprintf(&message, format, arguments);
	va_end(arguments);
	die("%s", message.data);
}

/* ---- tokens ---- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (unsigned char)c > 0x7f;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
	return is_letter(c) || is_digit(c);
}

/* Names end here, or something odd is behind them: {{.a-b}}. */
static void check_name_end(void)
{
	if (!*at || is_space(*at) || strchr(".,|:)(=", *at) || !strncmp(at, "}}", 2))
		return;
	const char *next = at;
	uint32_t character = utf8_take(&next, at + strlen(at));
	bad("bad character U+%04X '%.*s'", (unsigned)character, (int)(next - at), at);
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The escape at ESCAPE, behind its backslash, into TEXT; what follows it. */
static const char *unescape(const char *escape, struct text *text)
{
	static const char letters[] = "abfnrtv\\'\"", meanings[] = "\a\b\f\n\r\t\v\\'\"";
	const char *letter = *escape ? strchr(letters, *escape) : NULL;
	size_t digits = *escape == 'x' ? 2 : *escape == 'u' ? 4 : *escape == 'U' ? 8 : 0;
	char number[9] = "", byte;
	uint32_t value;

	if (letter) {
		text_add(text, &meanings[letter - letters], 1);
		return escape + 1;
	}
	bool octal = !digits && *escape >= '0' && *escape <= '7';
	if (octal)
		digits = 3;
	else if (digits)
		escape++;
	for (size_t i = 0; i < digits; i++, escape++) {
		if (octal ? *escape < '0' || *escape > '7' : !is_hex(*escape))
			bad("invalid syntax");
		number[i] = *escape;
	}
	value = (uint32_t)strtoul(number, NULL, octal ? 8 : 16);
	byte = (char)value;
	if (!digits || value > (digits < 4 ? 0xffU : 0x10ffffU) ||
	    (value >= 0xd800 && value < 0xe000))
		bad("invalid syntax");
	if (digits < 4)
		text_add(text, &byte, 1);
	else
		utf8_add(text, value);
	return escape;
}

/* "text", `text` or 'c' into the token. */
static void take_quoted(void)
{
	char quote = *at;
	struct text text = {0};
	const char *c = at + 1;

	text_add(&text, "", 0);
	while (*c != quote) {
		if (!*c || (*c == '\n' && quote != '`'))
			bad("unterminated %s", quote == '\''  ? "character constant"
					       : quote == '"' ? "quoted string"
							      : "raw quoted string");
		if (*c == '\\' && quote != '`')
			c = unescape(c + 1, &text);
		else
			text_add(&text, c++, 1);
	}
	if (quote == '\'') {
		const char *first = text.data, *end = text.data + text.size;
		uint32_t value = first < end ? utf8_take(&first, end) : 0;
		if (!text.size || first != end)
			bad("malformed character constant: %.*s", (int)(c + 1 - at), at);
		token.constant = json_integer(value);
	} else {
		token.constant = json_stringn_nocheck(text.data, text.size);
	}
	free(text.data);
	token.kind = TOKEN_CONSTANT;
	at = c + 1;
}

/* A number as Go writes them: 7, -1.5, 1e3, 0x1f, 0b11, 0o17, 1_000. */
static void take_number(void)
{
	char digits[64], *end;
	size_t size = 0;
	const char *start = at;

	while (is_name(*at) || *at == '.' || *at == '_' ||
	       ((*at == '+' || *at == '-') && (at == start || strchr("eEpP", at[-1])))) {
		if (*at != '_' && size < sizeof(digits) - 1)
			digits[size++] = *at;
		at++;
	}
	digits[size] = '\0';
	char *first = digits + strspn(digits, "+-");
	/* Of these two C knows nothing. */
	int base = !strncasecmp(first, "0b", 2) ? 2 : !strncasecmp(first, "0o", 2) ? 8 : 0;
	errno = 0;
	long long integer = strtoll(base ? first + 2 : digits, &end, base);
	if (base && *digits == '-')
		integer = -integer;
	token.kind = TOKEN_CONSTANT;
	if (!*end && end > digits) {
		if (errno)
			bad("%s overflows int", digits);
		token.constant = json_integer(integer);
		return;
	}
	errno = 0;
	double real = strtod(digits, &end);
	if (*end || end == digits || errno || size >= sizeof(digits) - 1 || base ||
	    !(token.constant = json_real(real)))
		bad("bad number syntax: \"%.*s\"", (int)(at - start), start);
}

/* Read the next token of an action. */
static void next_token(void)
{
	token = (struct token){.start = at};
	while (is_space(*at))
		at++;
	token.space = at > token.start;
	token.start = at;
	bool trims = token.space && !strncmp(at, "-}}", 3);
	if (trims || !strncmp(at, "}}", 2)) {
		trim = trims;
		at += trims ? 3 : 2;
		token.kind = TOKEN_CLOSE;
	} else if (!*at) {
		bad("unclosed action");
	} else if (*at == '"' || *at == '`' || *at == '\'') {
		take_quoted();
	} else if (is_digit(*at) || ((*at == '+' || *at == '-' || *at == '.') && is_digit(at[1]))) {
		take_number();
	} else if (is_letter(*at) || *at == '.' || *at == '$') {
		token.kind = *at == '$' ? TOKEN_VARIABLE : *at != '.' ? TOKEN_WORD : TOKEN_FIELD;
		do
			at++;
		while (is_name(*at));
		if (token.kind == TOKEN_FIELD && at == token.start + 1)
			token.kind = TOKEN_DOT;
		check_name_end();
	} else if (!strncmp(at, ":=", 2)) {
		token.kind = TOKEN_DECLARE;
		at += 2;
	} else if (strchr("|(),=", *at)) {
		token.kind = TOKEN_SIGN;
		at++;
	} else {
		const char *after = at;
		uint32_t character = utf8_take(&after, at + strlen(at));
		bad("unexpected bad character U+%04X '%.*s' in command", (unsigned)character,
		    (int)(after - at), at);
	}
	token.end = at;
}

static bool is_sign(char sign)
{
	return token.kind == TOKEN_SIGN && *token.start == sign;
}

static bool is_word(const char *word)
{
	return token.kind == TOKEN_WORD && (size_t)(token.end - token.start) == strlen(word) &&
	       !memcmp(token.start, word, strlen(word));
}

static _Noreturn void unexpected(const char *where)
{
	if (token.kind == TOKEN_CLOSE)
		bad("unexpected \"}}\" in %s", where);
	bad("unexpected <%.*s> in %s", (int)(token.end - token.start), token.start, where);
}

static char *copy(const char *start, const char *end)
{
	return xasprintf("%.*s", (int)(end - start), start);
}

static void enter(void)
{
	if (++depth > DEPTH_MAX)
		bad("nested more than %d deep", DEPTH_MAX);
}

/* ---- pipelines ---- */

static struct pipe *parse_pipe(const char *where, bool ranges, bool parenthesised);

static void declare(const char *name, size_t size)
{
	if (variable_count == VARIABLES_MAX)
		bad("more than %d variables", VARIABLES_MAX);
	variables[variable_count] = name;
	variable_sizes[variable_count++] = size;
}

static void check_variable(const struct token *name)
{
	size_t size = (size_t)(name->end - name->start);

	if (size == 1) /* $ alone */
		return;
	for (size_t i = variable_count; i-- > 0;)
		if (variable_sizes[i] == size && !memcmp(variables[i], name->start, size))
			return;
	bad("undefined variable \"%.*s\"", (int)size, name->start);
}

/* A word of a command into OPERAND: true, nil, a function. */
static void parse_word(struct operand *operand)
{
	if (is_word("nil")) {
		operand->kind = OPERAND_NIL;
	} else if (is_word("true") || is_word("false")) {
		operand->kind = OPERAND_CONSTANT;
		operand->constant = json_boolean(*token.start == 't');
	} else {
		operand->kind = OPERAND_FUNCTION;
		operand->function = find_function(token.start, (size_t)(token.end - token.start));
		if (!operand->function)
			bad("function \"%.*s\" not defined", (int)(token.end - token.start),
			    token.start);
	}
	next_token();
}

/* The fields right behind an operand: .A.B.C */
static void parse_fields(struct operand *operand)
{
	while (token.kind == TOKEN_FIELD && (!token.space || !operand->source.end)) {
		operand->fields =
			xrealloc(operand->fields, (operand->field_count + 1) * sizeof(char *));
		operand->fields[operand->field_count++] = copy(token.start + 1, token.end);
		if (operand->field_count <= 2)
			operand->position = token.start;
		operand->source.end = token.end;
		next_token();
	}
	if (operand->field_count &&
	    (operand->kind == OPERAND_CONSTANT || operand->kind == OPERAND_NIL))
		bad("unexpected . after term \"%.*s\"",
		    (int)(operand->source.end - operand->source.start), operand->source.start);
}

static struct operand *parse_operand(const char *where)
{
	struct operand *operand = xmalloc(sizeof(*operand));

	*operand = (struct operand){.source.start = token.start, .position = token.start};
	switch (token.kind) {
	case TOKEN_FIELD: /* of "." */
		break;
	case TOKEN_DOT:
		operand->source.end = token.end;
		next_token();
		break;
	case TOKEN_VARIABLE:
		check_variable(&token);
		operand->kind = OPERAND_VARIABLE;
		operand->variable = copy(token.start + 1, token.end);
		operand->source.end = token.end;
		next_token();
		break;
	case TOKEN_CONSTANT:
		operand->kind = OPERAND_CONSTANT;
		operand->constant = token.constant;
		operand->source.end = token.end;
		next_token();
		break;
	case TOKEN_WORD:
		operand->source.end = token.end;
		parse_word(operand);
		break;
	default:
		if (!is_sign('('))
			unexpected(where);
		operand->kind = OPERAND_PIPE;
		enter();
		next_token();
		operand->pipe = parse_pipe("parenthesized pipeline", false, true);
		depth--;
		operand->source.end = token.end;
		next_token();
		break;
	}
	parse_fields(operand);
	return operand;
}

/* NAME := or NAME = or, of range, NAME, NAME := before a pipeline, if there is one. */
static void parse_variables(struct pipe *pipe, bool ranges, struct token *names)
{
	struct token first = token;
	const char *back = at;

	if (token.kind != TOKEN_VARIABLE)
		return;
	names[0] = token;
	next_token();
	if (ranges && is_sign(',')) {
		next_token();
		if (token.kind != TOKEN_VARIABLE)
			bad("range can only initialize variables");
		names[1] = token;
		pipe->variable_count = 1;
		next_token();
	}
	if (token.kind != TOKEN_DECLARE && !is_sign('=')) {
		if (pipe->variable_count)
			unexpected("range");
		token = first; /* the value of a variable, then */
		at = back;
		return;
	}
	pipe->declares = token.kind == TOKEN_DECLARE;
	pipe->variable_count++;
	for (size_t i = 0; i < pipe->variable_count; i++) {
		pipe->variables[i] = copy(names[i].start + 1, names[i].end);
		if (!pipe->declares)
			check_variable(&names[i]);
	}
	next_token();
}

static void check_stage(const struct operand *first, unsigned stage)
{
	if (stage < 2 || first->field_count || first->kind == OPERAND_FUNCTION ||
	    first->kind == OPERAND_VARIABLE || first->kind == OPERAND_PIPE)
		return;
	bad("non executable command in pipeline stage %u", stage);
}

/* A pipeline, until }} or, in parentheses, until ")", which is still the token then. */
static struct pipe *parse_pipe(const char *where, bool ranges, bool parenthesised)
{
	struct pipe *pipe = xmalloc(sizeof(*pipe));
	struct token names[2];
	struct command **last = &pipe->commands;
	unsigned stage = 0;

	*pipe = (struct pipe){.source.start = token.start};
	if (!parenthesised)
		parse_variables(pipe, ranges, names);
	for (bool more = true; more; stage++) {
		struct command *command = xmalloc(sizeof(*command));
		struct operand **word = &command->words;

		*command = (struct command){.source.start = token.start};
		while (token.kind != TOKEN_CLOSE && !is_sign('|') && !is_sign(')')) {
			*word = parse_operand(where);
			command->source.end = (*word)->source.end;
			word = &(*word)->next;
		}
		if (!command->words) {
			if (stage)
				bad("missing value for command");
			bad("missing value for %s", where);
		}
		check_stage(command->words, stage + 1);
		pipe->source.end = command->source.end;
		*last = command;
		last = &command->next;
		more = is_sign('|');
		if (more)
			next_token();
	}
	if (parenthesised != is_sign(')'))
		bad(parenthesised ? "unclosed left paren" : "unexpected right paren");
	if (pipe->declares)
		for (size_t i = 0; i < pipe->variable_count; i++)
			declare(names[i].start, (size_t)(names[i].end - names[i].start));
	return pipe;
}

/* ---- text and actions ---- */

/* Text up to SIZE bytes on, and what trim markers leave of it. */
static struct node *parse_text(size_t size, bool trim_end)
{
	struct node *node = xmalloc(sizeof(*node));

	*node = (struct node){.kind = NODE_TEXT};
	text_add(&node->text, "", 0);
	for (const char *end = at + size; at < end; at++) {
		if (escapes && end - at > 1 && *at == '\\' && (at[1] == 't' || at[1] == 'n'))
			text_add(&node->text, *++at == 't' ? "\t" : "\n", 1);
		else
			text_add(&node->text, at, 1);
	}
	while (trim_end && node->text.size && is_space(node->text.data[node->text.size - 1]))
		node->text.size--;
	size_t skip = 0;
	while (trim && skip < node->text.size && is_space(node->text.data[skip]))
		skip++;
	memmove(node->text.data, node->text.data + skip, node->text.size -= skip);
	return node;
}

/* Behind {{ or {{-: pass over a comment, if this is one. */
static bool parse_comment(void)
{
	const char *start = at, *end;

	if (strncmp(start, "/*", 2) != 0)
		return false;
	if (!(end = strstr(start + 2, "*/")))
		bad("unclosed comment");
	end += 2;
	trim = is_space(*end);
	while (is_space(*end))
		end++;
	if (trim && !strncmp(end, "-}}", 3))
		end++;
	else if (trim || strncmp(end, "}}", 2) != 0)
		bad("comment ends before closing delimiter");
	at = end + 2;
	return true;
}

static void expect_close(const char *where)
{
	if (token.kind != TOKEN_CLOSE)
		unexpected(where);
}

static struct node *parse_list(bool top);

/* What follows the word else: }} or another if or with, and so on until its end. */
static struct node *parse_else(struct node *node);

/* if, with or range, from behind that word to its end. */
static struct node *parse_block(struct node *node, const char *word)
{
	size_t mark = variable_count;

	enter();
	node->pipe = parse_pipe(word, node->kind == NODE_RANGE, false);
	expect_close(word);
	loops += node->kind == NODE_RANGE;
	node->body = parse_list(false);
	loops -= node->kind == NODE_RANGE;
	if (is_word("else"))
		node->otherwise = parse_else(node);
	else
		next_token(); /* behind end */
	depth--;
	variable_count = mark;
	return node;
}

static struct node *parse_else(struct node *node)
{
	const char *word = node->kind == NODE_IF ? "if" : "with";

	next_token();
	if (node->kind != NODE_RANGE && is_word(word)) {
		struct node *other = xmalloc(sizeof(*other));

		*other = (struct node){.kind = node->kind};
		next_token();
		return parse_block(other, word); /* its end is ours */
	}
	expect_close("else");
	struct node *list = parse_list(false);
	if (!is_word("end"))
		bad("expected end; found {{else}}");
	next_token();
	return list;
}

/* An action, from behind its {{; NULL for a comment. At else and end, which are left as the
   token, *STOP is set. */
static struct node *parse_action(bool *stop)
{
	static const char *const words[] = {
		[NODE_IF] = "if",	[NODE_WITH] = "with",	      [NODE_RANGE] = "range",
		[NODE_BREAK] = "break", [NODE_CONTINUE] = "continue",
	};

	if (parse_comment())
		return NULL;
	trim = false;
	next_token();
	*stop = is_word("else") || is_word("end");
	if (*stop)
		return NULL;
	struct node *node = xmalloc(sizeof(*node));
	*node = (struct node){.kind = NODE_ACTION};
	for (size_t kind = NODE_IF; kind <= NODE_CONTINUE; kind++)
		if (is_word(words[kind]))
			node->kind = kind;
	if (is_word("define") || is_word("block") || is_word("template"))
		bad("{{%.*s}} is not supported", (int)(token.end - token.start), token.start);
	if (node->kind == NODE_ACTION) {
		node->pipe = parse_pipe("command", false, false);
	} else {
		next_token();
		if (node->kind < NODE_BREAK)
			parse_block(node, words[node->kind]);
		else if (!loops)
			bad("{{%s}} outside {{range}}", words[node->kind]);
	}
	expect_close(node->kind == NODE_ACTION ? "command" : "action");
	return node;
}

/* Nodes until the end of the template or, not at the TOP, until else or end. */
static struct node *parse_list(bool top)
{
	struct node *list = NULL, **last = &list;
	bool stop = false;

	for (;;) {
		const char *open = strstr(at, "{{");
		bool trims = open && open[2] == '-' && is_space(open[3]);

		*last = parse_text(open ? (size_t)(open - at) : strlen(at), trims);
		last = &(*last)->next;
		if (!open)
			break;
		at += trims ? 3 : 2;
		while (trims && is_space(*at))
			at++;
		*last = parse_action(&stop);
		if (stop)
			break;
		if (*last)
			last = &(*last)->next;
	}
	if (stop && top)
		bad("unexpected {{%.*s}}", (int)(token.end - token.start), token.start);
	if (!stop && !top)
		bad("unexpected EOF");
	return list;
}

struct node *parse(const char *text, bool with_escapes)
{
	template = at = text;
	escapes = with_escapes;
	return parse_list(true);
}
