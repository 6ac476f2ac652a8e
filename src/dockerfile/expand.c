/*
 * Quotes, escapes and variables, as BuildKit's shell lexer has them.
 */
#include "dockerfile.h"

#include "common.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>
#include <wctype.h>

enum { DEPTH_MAX = 100 }; /* ${a:-${b:-...}} */

struct reading {
	struct lexer *lexer;
	const char *at;
	unsigned depth;
};

/* What has been read of a text, and its words. */
struct result {
	struct text text, word;
	struct words *words; /* NULL if nobody wants them */
	bool in_word;
};

static bool read_until(struct reading *reading, char stop, bool raw_escapes, struct result *result);

static bool fail(struct reading *reading, const char *problem)
{
	if (!reading->lexer->problem)
		reading->lexer->problem = problem;
	return false;
}

static void end_word(struct result *result)
{
	if (result->words && result->word.size)
		words_add(result->words, text_take(&result->word));
	result->in_word = false;
}

/* Add what is no end of a word even if it is a blank. */
static void add_quoted(struct result *result, const char *data, size_t size)
{
	if (result->text.size + size > TEXT_MAX)
		bad("a value of more than %d MiB", TEXT_MAX >> 20);
	text_add(&result->text, data, size);
	if (result->words)
		text_add(&result->word, data, size);
	result->in_word = true;
}

static void add(struct result *result, const char *data, size_t size)
{
	for (size_t step; size; data += step, size -= step) {
		step = space_size(data);
		if (!result->words) {
			add_quoted(result, data, size);
			return;
		}
		if (!step) {
			step = 1;
			add_quoted(result, data, step);
			continue;
		}
		text_add(&result->text, data, step);
		end_word(result);
	}
}

/* ---- quotes ---- */

static bool read_single_quotes(struct reading *reading, struct result *result)
{
	const char *end = strchr(reading->at + 1, '\'');
	bool raw = reading->lexer->raw_quotes;

	if (!end)
		return fail(reading, "a single quote without its match");
	add_quoted(result, reading->at + !raw, (size_t)(end - reading->at) - 1 + 2 * raw);
	reading->at = end + 1;
	return true;
}

static bool read_dollar(struct reading *reading, char **value);

static bool read_double_quotes(struct reading *reading, struct result *result)
{
	const struct lexer *lexer = reading->lexer;

	add_quoted(result, "\"", lexer->raw_quotes);
	for (reading->at++; *reading->at != '"';) {
		if (!*reading->at)
			return fail(reading, "a double quote without its match");
		if (*reading->at == '$') {
			char *value = NULL;

			if (!read_dollar(reading, &value))
				return false;
			add_quoted(result, value, strlen(value));
			free(value);
			continue;
		}
		if (*reading->at == lexer->escape) {
			char next = reading->at[1];

			if (lexer->raw_escapes)
				add_quoted(result, reading->at, 1);
			if (!next || next == '"' || next == '$' || next == lexer->escape)
				reading->at++;
			if (!next)
				continue;
		}
		add_quoted(result, reading->at++, 1);
	}
	add_quoted(result, "\"", lexer->raw_quotes);
	reading->at++;
	return true;
}

/* ---- variables ---- */

static bool is_name_character(const char *at, size_t size)
{
	wint_t c = (wint_t)utf8_character(at, size);

	return c == '_' || iswalnum(c);
}

/* A name, all digits, or one of the shell's special parameters; "" if none. */
static char *read_name(struct reading *reading)
{
	const char *start = reading->at, *end = start + strlen(start);
	size_t size;

	if (*start >= '0' && *start <= '9')
		reading->at += strspn(start, "0123456789");
	else if (*start && strchr("@*#?-$!", *start))
		reading->at++;
	else
		while ((size = *reading->at ? utf8_size(reading->at, end) : 0) &&
		       is_name_character(reading->at, size))
			reading->at += size;
	return copy_part(start, (size_t)(reading->at - start));
}

static const char *look_up(const struct reading *reading, const char *name)
{
	return json_string_value(json_object_get(reading->lexer->variables, name));
}

static bool read_word(struct reading *reading, char stop, bool raw_escapes, char **word)
{
	struct result result = {0};

	if (!read_until(reading, stop, raw_escapes, &result)) {
		free(result.text.data);
		return false;
	}
	*word = text_take(&result.text);
	return true;
}

/* ${name/pattern/text}, from behind the first slash. */
static bool read_replacement(struct reading *reading, const char *name, char **value)
{
	bool all = *reading->at == '/';
	const char *old = look_up(reading, name);
	char *pattern, *text;

	reading->at += all;
	if (!read_word(reading, '/', true, &pattern))
		return fail(reading, "no second '/' in ${name/pattern/text}");
	if (!read_word(reading, '}', true, &text))
		return fail(reading, "no '}'");
	if (!old && reading->lexer->skip_unset)
		*value = xasprintf("${%s/%s/%s}", name, pattern, text);
	else
		*value = replace(old ? old : "", pattern, text, all);
	free(pattern);
	free(text);
	return *value || fail(reading, "an invalid pattern, in which \\ may escape * ? \\ } /");
}

/* ${name?message}, ${name:?message} */
static bool refuse(struct reading *reading, const char *name, const char *message, bool set)
{
	if (!*message)
		message = set ? "is not allowed to be empty" : "is not allowed to be unset";
	return fail(reading, xasprintf("%s: %s", name, message));
}

/* ${name:-word} and its kin, from behind the op. */
static bool read_operation(struct reading *reading, const char *name, char op, bool colon,
			   char **value)
{
	const char *old = look_up(reading, name);
	bool strips = op == '#' || op == '%', longest;
	bool use = old && (!colon || *old);
	char *word;

	if (!read_word(reading, '}', strips, &word))
		return fail(reading, "no '}'");
	if (!old && reading->lexer->skip_unset) {
		*value = xasprintf("${%s%s%c%s}", name, colon ? ":" : "", op, word);
		return true;
	}
	if (op == '?' && !use)
		return refuse(reading, name, word, old != NULL);
	longest = strips && *word == op;
	if (strips)
		*value = strip(old ? old : "", word + longest, op == '%', longest);
	else if (op == '+')
		*value = xstrdup(use ? word : "");
	else
		*value = xstrdup(use ? old : word);
	free(word);
	return *value || fail(reading, "an invalid pattern, in which \\ may escape * ? \\ } /");
}

static bool read_braces(struct reading *reading, char **value)
{
	char *name;
	bool colon, done;

	if (!*reading->at)
		return fail(reading, "no '}'");
	if (strchr("{}:", *reading->at))
		return fail(reading, "bad substitution, expected a name behind '${'");
	name = read_name(reading);
	colon = *reading->at == ':';
	reading->at += colon;
	const char op = *reading->at;
	reading->at += op != '\0';
	if (op == '}' && !colon) {
		const char *old = look_up(reading, name);
		*value = !old && reading->lexer->skip_unset ? xasprintf("${%s}", name)
							    : xstrdup(old ? old : "");
		done = true;
	} else if (op == '/' && !colon) {
		done = read_replacement(reading, name, value);
	} else if (op && strchr(colon ? "-+?" : "-+?#%", op)) {
		done = read_operation(reading, name, op, colon, value);
	} else {
		done = fail(reading, op ? "an unsupported modifier in ${}, expected one of "
					  ":- - :+ + :? ? # ## % %% / //"
					: "no '}'");
	}
	free(name);
	return done;
}

static bool read_dollar(struct reading *reading, char **value)
{
	const char *old;
	char *name;

	if (*++reading->at == '{') {
		reading->at++;
		if (reading->depth++ == DEPTH_MAX)
			bad("more than %d ${} within each other", DEPTH_MAX);
		bool done = read_braces(reading, value);
		reading->depth--;
		return done;
	}
	name = read_name(reading);
	old = look_up(reading, name);
	if (!*name)
		*value = xstrdup("$");
	else if (!old && reading->lexer->skip_unset)
		*value = xasprintf("$%s", name);
	else
		*value = xstrdup(old ? old : "");
	free(name);
	return true;
}

/* ---- all ---- */

/* "<<" and the blanks behind it are one word with what follows. */
static void read_less(struct reading *reading, struct result *result)
{
	size_t size = 1;

	if (reading->at[1] == '<')
		size = 2 + strspn(reading->at + 2, "\t\r ");
	add_quoted(result, reading->at, size);
	reading->at += size;
}

static void read_escape(struct reading *reading, bool raw_escapes, struct result *result)
{
	size_t size;

	if (raw_escapes)
		add_quoted(result, reading->at, 1);
	if (!*++reading->at)
		return;
	size = space_size(reading->at);
	size = size ? size : 1;
	add_quoted(result, reading->at, size);
	reading->at += size;
}

/* Read up to STOP, or with a NUL for it up to the end. */
static bool read_until(struct reading *reading, char stop, bool raw_escapes, struct result *result)
{
	struct lexer *lexer = reading->lexer;
	bool outer_escapes = lexer->raw_escapes, good = true;
	size_t size;

	lexer->raw_escapes = raw_escapes;
	while (good && *reading->at && *reading->at != stop) {
		const char c = *reading->at;

		if (c == '\'' && !lexer->skip_quotes) {
			good = read_single_quotes(reading, result);
		} else if (c == '"' && !lexer->skip_quotes) {
			good = read_double_quotes(reading, result);
		} else if (c == '$') {
			char *value = NULL;

			good = read_dollar(reading, &value);
			if (good && value)
				add(result, value, strlen(value));
			free(value);
		} else if (c == lexer->escape) {
			read_escape(reading, raw_escapes, result);
		} else if (c == '<') {
			read_less(reading, result);
		} else {
			size = space_size(reading->at);
			size = size ? size : 1;
			add(result, reading->at, size);
			reading->at += size;
		}
	}
	lexer->raw_escapes = outer_escapes;
	if (good && stop && *reading->at++ != stop) {
		reading->at--;
		return fail(reading,
			    stop == '}' ? "no '}'" : "no second '/' in ${name/pattern/text}");
	}
	return good;
}

char *try_expand(struct lexer *lexer, const char *text, struct words *words)
{
	struct reading reading = {.lexer = lexer, .at = text};
	struct result result = {.words = words};

	if (!read_until(&reading, '\0', lexer->raw_escapes, &result)) {
		free(result.text.data);
		free(result.word.data);
		return NULL;
	}
	end_word(&result);
	return text_take(&result.text);
}

char *expand(const char *text, char escape, json_t *variables, struct words *words)
{
	struct lexer lexer = {.escape = escape, .variables = variables};
	char *value = try_expand(&lexer, text, words);

	if (!value)
		bad("%s in: %s", lexer.problem, text);
	return value;
}

char *expand_content(const char *text, json_t *variables)
{
	struct lexer lexer = {.escape = '\\', .variables = variables, .skip_quotes = true};
	char *value = try_expand(&lexer, text, NULL);

	if (!value)
		bad("%s in a here-document", lexer.problem);
	return value;
}
