/*
 * The file into instructions: parser directives at its top, lines that the escape character
 * joins, comments, here-documents.
 */
#include "dockerfile.h"

#include "common.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char blanks[] = " \t\v\f\r";

enum { ESCAPE, SYNTAX, CHECK, DIRECTIVES };

struct reader {
	char *at, *end;
	size_t line;	 /* number of the line taken last */
	bool directives; /* they may still come */
	bool seen[DIRECTIVES];
};

/* The next line without its end; NULL if there is none. *WHOLE: its size with its end. */
static char *take_line(struct reader *reader, size_t *whole)
{
	char *start = reader->at, *stop;

	if (start == reader->end)
		return NULL;
	stop = memchr(start, '\n', (size_t)(reader->end - start));
	reader->at = stop ? stop + 1 : reader->end;
	if (!stop)
		stop = reader->end;
	at_line = ++reader->line;
	if (stop - start > LINE_MAX_BYTES)
		bad("a line of %zu bytes, expected %d at most", (size_t)(stop - start),
		    LINE_MAX_BYTES);
	*whole = (size_t)(reader->at - start);
	*stop = '\0'; /* the newline, or the NUL behind all */
	for (char *cr = stop; cr > start && cr[-1] == '\r';)
		*--cr = '\0';
	return start;
}

/* What cannot be printed as JSON is an error in instructions; comments may have it. */
static void check_bytes(const char *text)
{
	for (const char *at = text, *end = text + strlen(text); at < end;) {
		size_t step = utf8_size(at, end);

		if (!step)
			bad("a byte 0x%02x that is no text, expected UTF-8", (unsigned char)*at);
		at += step;
	}
}

static void check_nul(const char *data, size_t size)
{
	const char *nul = memchr(data, '\0', size);

	if (!nul)
		return;
	at_line = 1;
	for (const char *at = data; at < nul; at++)
		at_line += *at == '\n';
	bad("a NUL byte, expected text");
}

static char *skip_space(char *text)
{
	for (size_t size; (size = space_size(text));)
		text += size;
	return text;
}

/* ---- directives ---- */

/* "# name = value", with one of three names; else there are no more of them. */
static void take_directive(struct document *document, struct reader *reader, char *line)
{
	static const char *const names[DIRECTIVES] = {"escape", "syntax", "check"};
	char *name, *value;
	size_t size, i;

	reader->directives = false;
	if (*line != '#')
		return;
	name = skip_space(line + 1);
	size = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
	value = skip_space(name + size);
	for (i = 0; i < DIRECTIVES; i++)
		if (strlen(names[i]) == size && !strncasecmp(name, names[i], size))
			break;
	if (i == DIRECTIVES || *value++ != '=')
		return;
	check_bytes(value);
	value = trim(xstrdup(value));
	if (!*value)
		return;
	if (reader->seen[i])
		bad("a second directive '%s', expected one at most", names[i]);
	reader->directives = reader->seen[i] = true;
	if (i == ESCAPE && strcmp(value, "\\") != 0 && strcmp(value, "`") != 0)
		bad("invalid escape character '%s', expected \\ or `", value);
	if (i == ESCAPE)
		document->escape = *value;
	else
		*(i == SYNTAX ? &document->syntax : &document->check) = value;
}

/* ---- instructions of several lines ---- */

/* Cut an escape character at the end of LINE off, if one is there that is not escaped itself. */
static bool cut_escape(char *line, char escape)
{
	size_t size = strlen(line);

	while (size && (line[size - 1] == ' ' || line[size - 1] == '\t'))
		size--;
	if (!size || line[size - 1] != escape || (size > 1 && line[size - 2] == escape))
		return false;
	line[size - 1] = '\0';
	return true;
}

/* The text of an instruction that begins with LINE; empty if that is a comment. */
static char *join_lines(struct document *document, struct reader *reader, char *line)
{
	struct text text = {0};
	bool warned = false;
	size_t whole;

	if (*line == '#')
		return text_take(&text);
	for (bool more = true; more;) {
		more = cut_escape(line, document->escape);
		check_bytes(line);
		text_puts(&text, line);
		for (char *first; more; more = true) { /* up to the next line that counts */
			if (!(line = take_line(reader, &whole)))
				return text_take(&text);
			first = skip_space(line);
			if (*first && *first != '#')
				break;
			if (!*first && !warned)
				json_array_append_new(
					document->warnings,
					json_pack("{sIss}", "line", (json_int_t)reader->line,
						  "text", "an empty line within an instruction"));
			warned = warned || !*first;
		}
	}
	return text_take(&text);
}

/* ---- here-documents ---- */

bool heredoc_of(const char *word, struct heredoc *heredoc)
{
	struct words words = {0}, raw_words = {0};
	struct lexer lexer = {.escape = '\\', .skip_unset = true};
	struct lexer raw = {.escape = '\\', .skip_unset = true, .raw_quotes = true};
	size_t quotes = 0;

	word += strspn(word, "0123456789");
	if (strncmp(word, "<<", 2) != 0)
		return false;
	word += 2;
	heredoc->chomp = *word == '-';
	word += heredoc->chomp;
	word += strspn(word, " \t\n\f\r");
	if (!*word || strchr(word, '<'))
		return false;
	if (!try_expand(&lexer, word, &words))
		bad("%s in the name of a here-document: %s", lexer.problem, word);
	if (words.count != 1 || !try_expand(&raw, word, &raw_words) || raw_words.count != 1)
		return false;
	heredoc->name = words.word[0];
	heredoc->content = NULL;
	for (const char *c = raw_words.word[0]; *c; c++)
		quotes += *c == '\'' || *c == '"';
	for (const char *c = heredoc->name; *c; c++)
		quotes -= *c == '\'' || *c == '"';
	heredoc->expand = quotes == 0;
	return true;
}

char *chomp(const char *content)
{
	struct text text = {0};

	while (*content) {
		content += strspn(content, "\t");
		size_t size = strcspn(content, "\n");
		size += content[size] == '\n';
		text_add(&text, content, size);
		content += size;
	}
	return text_take(&text);
}

/* The lines up to the one that is the here-document's name. */
static void take_content(struct reader *reader, struct heredoc *heredoc, size_t first)
{
	struct text content = {0};
	size_t whole;

	for (char *line, *name; (line = take_line(reader, &whole));) {
		name = heredoc->chomp ? line + strspn(line, "\t") : line;
		if (!strcmp(name, heredoc->name)) {
			heredoc->content = text_take(&content);
			return;
		}
		check_bytes(line);
		text_puts(&content, line);
		for (size_t size = strlen(line); size + 1 < whole; size++)
			text_byte(&content, '\r'); /* that take_line() has cut off */
		text_byte(&content, '\n');
	}
	at_line = first;
	bad("unterminated here-document, expected a line %s", heredoc->name);
}

/* Can LINE have here-documents? Not in a list of JSON. */
static bool may_have_heredocs(const char *line, char escape)
{
	size_t size = strcspn(line, blanks);
	enum name name = instruction_name(line, size);
	struct words words;
	char *rest;

	if (!strstr(line, "<<"))
		return false;
	take_flags(line + size, escape, &rest);
	if (name == ONBUILD)
		return may_have_heredocs(rest, escape) &&
		       instruction_name(rest, strcspn(rest, blanks)) != ONBUILD;
	return (name == RUN || name == COPY || name == ADD) && !split_json(rest, &words);
}

static void take_heredocs(struct reader *reader, struct line *line)
{
	struct lexer lexer = {.escape = '\\',
			      .skip_unset = true,
			      .raw_quotes = true,
			      .raw_escapes = true};
	struct words words = {0};
	struct heredoc heredoc;

	if (!try_expand(&lexer, line->text, &words))
		return; /* as BuildKit: quotes of which one is missing are left to the shell */
	for (size_t i = 0; i < words.count; i++) {
		at_line = line->first;
		if (!heredoc_of(words.word[i], &heredoc))
			continue;
		take_content(reader, &heredoc, line->first);
		line->heredocs =
			xrealloc(line->heredocs, (line->heredoc_count + 1) * sizeof(heredoc));
		line->heredocs[line->heredoc_count++] = heredoc;
	}
}

/* ---- all ---- */

static void add_line(struct document *document, const struct line *line)
{
	size_t count = document->count++;

	if (!(count & (count - 1)))
		document->lines =
			xrealloc(document->lines, (count ? count * 2 : 1) * sizeof(*line));
	document->lines[count] = *line;
}

void read_lines(struct document *document, char *data, size_t size)
{
	struct reader reader = {.at = data, .end = data + size, .directives = true};
	size_t whole;

	*document = (struct document){.warnings = json_array(), .escape = '\\'};
	check_nul(data, size);
	if (!strncmp(data, "\ufeff", 3))
		reader.at += 3;
	for (char *start; (start = take_line(&reader, &whole));) {
		struct line line = {.first = reader.line};

		start = skip_space(start);
		if (reader.directives)
			take_directive(document, &reader, start);
		line.text = trim(join_lines(document, &reader, start));
		if (!*line.text)
			continue;
		if (may_have_heredocs(line.text, document->escape))
			take_heredocs(&reader, &line);
		line.last = reader.line;
		add_line(document, &line);
	}
	at_line = reader.line ? reader.line : 1;
	if (!document->count)
		bad("no instructions, expected a FROM");
}
