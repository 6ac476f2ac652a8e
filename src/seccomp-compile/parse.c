/*
 * The text of a profile, described in seccomp-compile(1):
 *
 *	default ACTION
 *	[with CAP | without CAP]... ACTION NAME... [if CONDITION [and CONDITION]...]
 */
#define _GNU_SOURCE
#include "seccomp-compile.h"

#include "capability.h"
#include "common.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

/* Where we are: the words of the line that are still to be read. */
struct input {
	const char *file;
	unsigned int number;
	char *rest;
};

static _Noreturn void syntax_error(const struct input *input, const char *what, const char *word)
{
	die("%s:%u: %s: '%s'", input->file, input->number, what, word ? word : "end of line");
}

/* The next word, NULL at the end of the line. */
static char *next_word(struct input *input)
{
	char *word;

	do
		word = strsep(&input->rest, " \t");
	while (word && !*word);
	return word;
}

/* The number of an error: "EPERM", or the number itself, as errno(3) keeps it. */
static uint32_t parse_errno(const struct input *input, const char *word)
{
	uint64_t number;

	if (word && is_number(word, 0, 4095, &number))
		return (uint32_t)number;
	for (int error = 1; word && error < 4096; error++) {
		const char *name = strerrorname_np(error);
		if (name && !strcmp(name, word))
			return (uint32_t)error;
	}
	syntax_error(input, "unknown error", word);
}

static uint32_t parse_action(struct input *input, const char *word)
{
	if (word && !strcmp(word, "allow"))
		return SECCOMP_RET_ALLOW;
	if (word && !strcmp(word, "errno"))
		return SECCOMP_RET_ERRNO | parse_errno(input, next_word(input));
	if (word && !strcmp(word, "kill"))
		return SECCOMP_RET_KILL_PROCESS;
	if (word && !strcmp(word, "trap"))
		return SECCOMP_RET_TRAP;
	if (word && !strcmp(word, "log"))
		return SECCOMP_RET_LOG;
	syntax_error(input, "unknown action", word);
}

/* A number in decimal or, with "0x", in hexadecimal. */
static uint64_t parse_value(const struct input *input, const char *word)
{
	uint64_t value;
	char *end;

	if (word && is_number(word, 0, UINT64_MAX, &value))
		return value;
	if (!word || strncmp(word, "0x", 2) != 0 || !word[2] ||
	    word[2 + strspn(word + 2, "0123456789abcdefABCDEF")])
		syntax_error(input, "not a number", word);
	errno = 0;
	value = strtoull(word + 2, &end, 16);
	if (errno)
		syntax_error(input, "number too large", word);
	return value;
}

static void parse_comparison(const struct input *input, const char *word,
			     struct condition *condition)
{
	static const struct {
		const char *text;
		enum comparison comparison;
		bool negated;
	} known[] = {
		{"==", EQUAL, false},
		{"!=", EQUAL, true},
		{">", GREATER, false},
		{"<=", GREATER, true},
		{">=", GREATER_OR_EQUAL, false},
		{"<", GREATER_OR_EQUAL, true},
	};

	for (size_t i = 0; word && i < sizeof known / sizeof *known; i++) {
		if (strcmp(word, known[i].text) != 0)
			continue;
		condition->comparison = known[i].comparison;
		condition->negated = known[i].negated;
		return;
	}
	syntax_error(input, "not a comparison", word);
}

/* "arg0 == 3", "int1 & 0xff != 0" */
static void parse_condition(struct input *input, struct condition *condition)
{
	const char *word = next_word(input);

	if (!word || (strncmp(word, "arg", 3) != 0 && strncmp(word, "int", 3) != 0) ||
	    word[3] < '0' || word[3] > '5' || word[4])
		syntax_error(input, "not an argument, arg0 to arg5 or int0 to int5", word);
	condition->wide = *word == 'a';
	condition->argument = (unsigned int)(word[3] - '0');
	condition->mask = UINT64_MAX;
	word = next_word(input);
	if (word && !strcmp(word, "&")) {
		condition->mask = parse_value(input, next_word(input));
		word = next_word(input);
	}
	parse_comparison(input, word, condition);
	condition->value = parse_value(input, next_word(input));
	if (!condition->wide && condition->value > UINT32_MAX)
		syntax_error(input, "more than 32 bits are compared with an int", word);
}

static void parse_conditions(struct input *input, struct rule *rule)
{
	const char *word;

	do {
		if (rule->condition_count == MAX_CONDITIONS)
			syntax_error(input, "too many conditions", "and");
		parse_condition(input, &rule->conditions[rule->condition_count++]);
		word = next_word(input);
	} while (word && !strcmp(word, "and"));
	if (word)
		syntax_error(input, "neither 'and' nor the end of the line", word);
}

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/* "with CAP", "without CAP": false if the line is not for these CAPABILITIES. */
static bool parse_prefixes(struct input *input, char **word, uint64_t capabilities)
{
	bool applies = true;

	while (*word && (!strcmp(*word, "with") || !strcmp(*word, "without"))) {
		const char *name = next_word(input);
		if (!name)
			syntax_error(input, "no capability after", *word);
		bool held = (capability_mask(name) & ~capabilities) == 0;
		applies = applies && held == !strcmp(*word, "with");
		*word = next_word(input);
	}
	return applies;
}

static void parse_rule(struct input *input, char *word, uint64_t capabilities, struct line *line)
{
	*line = (struct line){.applies = parse_prefixes(input, &word, capabilities)};
	line->rule.action = parse_action(input, word);
	while ((word = next_word(input)) && strcmp(word, "if") != 0) {
		/* A comparison whose "if" was forgotten: without it the rule is for all arguments.
		 */
		if (word[strspn(word, NAME_CHARACTERS)])
			syntax_error(input, "not the name of a system call", word);
		if (!(line->name_count & (line->name_count - 1)))
			line->names = xrealloc(line->names,
					       (2 * line->name_count + 1) * sizeof *line->names);
		line->names[line->name_count++] = word;
	}
	if (!line->name_count)
		syntax_error(input, "no system call", word);
	if (word)
		parse_conditions(input, &line->rule);
}

void parse_profile(char *text, const char *file, uint64_t capabilities, struct profile *profile)
{
	struct input input = {.file = file};
	bool has_default = false;

	*profile = (struct profile){0};
	while ((input.rest = strsep(&text, "\n"))) {
		input.number++;
		input.rest[strcspn(input.rest, "#")] = '\0';
		char *word = next_word(&input);
		if (!word)
			continue;
		if (!strcmp(word, "default")) {
			profile->default_action = parse_action(&input, next_word(&input));
			has_default = true;
			continue;
		}
		if (!(profile->line_count & (profile->line_count - 1)))
			profile->lines = xrealloc(profile->lines, (2 * profile->line_count + 1) *
									  sizeof *profile->lines);
		parse_rule(&input, word, capabilities, &profile->lines[profile->line_count++]);
	}
	if (!has_default)
		die("%s: no line 'default ACTION'", file);
}
