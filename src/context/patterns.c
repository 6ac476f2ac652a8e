/*
 * What .dockerignore leaves out: patterns, the last one that matches counts. A pattern that
 * matches a directory matches all that is in it.
 */
#include "common.h"
#include "context.h"

#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>

/* Stars multiply: a pattern of many must not take for ever. */
enum { STEPS_MAX = 2000000 };
static long steps;
static const char *whole; /* the pattern at hand */

static bool matches(const char *pattern, const char *text);

/*
 * "**", and what follows it: any number of directories, or at the end anything. Without a "/"
 * behind it also any part of a name, and at the beginning of a pattern that has no other star all
 * of a path:
 * "**.pem" leaves out "key.pem" and "d/key.pem" (moby/patternmatcher).
 */
static bool match_directories(const char *pattern, const char *text)
{
	bool part = *pattern != '/';
	bool all = part && pattern == whole + 2 && !strpbrk(pattern, "*?[\\");

	if (!part)
		pattern++;
	if (!*pattern)
		return true;
	for (const char *at = text; part && *at && (all || *at != '/'); at++)
		if (matches(pattern, at))
			return true;
	for (;; text++) {
		if (matches(pattern, text))
			return true;
		text = strchr(text, '/');
		if (!text)
			return false;
	}
}

/* The bytes of the character at TEXT. */
static size_t character_size(const char *text)
{
	size_t size = *text != '\0';

	while ((text[size] & 0xc0) == 0x80)
		size++;
	return size;
}

/* "[...]" at *PATTERN, which moves behind it: is the character C in it? */
static bool match_class(const char **pattern, unsigned char c)
{
	const char *at = *pattern + 1;
	bool negated = *at == '^', found = false;

	at += negated;
	for (bool first = true; *at && (first || *at != ']'); first = false) {
		at += *at == '\\' && at[1];
		unsigned char low = (unsigned char)*at++, high = low;
		if (*at == '-' && at[1] && at[1] != ']') {
			at++;
			at += *at == '\\' && at[1];
			high = (unsigned char)*at++;
		}
		found = found || (low <= c && c <= high);
	}
	*pattern = *at ? at + 1 : at;
	return found != negated;
}

static bool match_star(const char *pattern, const char *text)
{
	for (;; text++) {
		if (matches(pattern, text))
			return true;
		if (!*text || *text == '/')
			return false;
	}
}

static bool matches(const char *pattern, const char *text)
{
	for (;;) {
		if (++steps > STEPS_MAX)
			die("a pattern has too many stars");
		switch (*pattern) {
		case '\0':
			return !*text;
		case '*':
			if (pattern[1] == '*')
				return match_directories(pattern + 2, text);
			return match_star(pattern + 1, text);
		case '?':
			if (!*text || *text == '/')
				return false;
			text += character_size(text);
			pattern++;
			break;
		case '[':
			if (!*text || *text == '/' || !match_class(&pattern, (unsigned char)*text))
				return false;
			text++;
			break;
		default:
			pattern += *pattern == '\\' && pattern[1];
			if (*pattern++ != *text++)
				return false;
		}
	}
}

/* Does PATTERN match PATH, or a directory above it? */
static bool matches_or_above(const char *pattern, const char *path)
{
	char above[PATH_MAX];
	size_t length = strlen(path);

	steps = 0;
	if (length >= sizeof above)
		die("%s: path too long", path);
	memcpy(above, path, length + 1);
	for (;;) {
		whole = pattern;
		if (matches(pattern, above))
			return true;
		char *slash = strrchr(above, '/');
		if (!slash)
			return false;
		*slash = '\0';
	}
}

bool leaves_out(const struct patterns *patterns, const char *path)
{
	bool out = false;

	for (size_t i = 0; i < patterns->count; i++) {
		const struct pattern *pattern = &patterns->list[i];
		if (pattern->again == out && matches_or_above(pattern->text, path))
			out = !pattern->again;
	}
	return out;
}

void add_pattern(struct patterns *patterns, const char *text)
{
	bool again = *text == '!';

	if (again)
		text++;
	text += strspn(text, " \t");
	if (!(patterns->count & (patterns->count + 1))) /* room for 1, 3, 7, 15 ... is full */
		patterns->list = xrealloc(patterns->list,
					  (2 * patterns->count + 1) * sizeof *patterns->list);
	char *clean = clean_path(text);
	if (!*clean) { /* "/" and "." are nothing that could be left out */
		free(clean);
		return;
	}
	patterns->list[patterns->count++] = (struct pattern){.text = clean, .again = again};
	patterns->any_again = patterns->any_again || again;
}

void add_patterns(struct patterns *patterns, const char *text, size_t size)
{
	static const char mark[] = "\xef\xbb\xbf"; /* UTF-8's byte order mark */
	const char *end = text + size;

	if (size >= 3 && !memcmp(text, mark, 3))
		text += 3;
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;
		char *line = xasprintf("%.*s", (int)(stop - text), text), *at = line;
		bool comment = *line == '#';
		size_t length = strlen(line);
		while (length && strchr(" \t\r\f\v", line[length - 1]))
			line[--length] = '\0';
		at += strspn(at, " \t");
		if (*at && !comment)
			add_pattern(patterns, at);
		free(line);
		text = stop + 1;
	}
}
