/*
 * What each instruction may look like: its flags, its form, how many words.
 */
#define _GNU_SOURCE
#include "dockerfile.h"

#include "common.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char blanks[] = " \t\v\f\r\n";

const char *const instruction_names[NAMES + 1] = {
	[ADD] = "ADD",
	[ARG] = "ARG",
	[CMD] = "CMD",
	[COPY] = "COPY",
	[ENTRYPOINT] = "ENTRYPOINT",
	[ENV] = "ENV",
	[EXPOSE] = "EXPOSE",
	[FROM] = "FROM",
	[HEALTHCHECK] = "HEALTHCHECK",
	[LABEL] = "LABEL",
	[MAINTAINER] = "MAINTAINER",
	[ONBUILD] = "ONBUILD",
	[RUN] = "RUN",
	[SHELL] = "SHELL",
	[STOPSIGNAL] = "STOPSIGNAL",
	[USER] = "USER",
	[VOLUME] = "VOLUME",
	[WORKDIR] = "WORKDIR",
};

/* Flags by instruction: "*" behind a name: may be repeated; "?": true or false, or nothing. */
enum { FLAGS = 9 };
static const char *const known_flags[NAMES][FLAGS] = {
	[ADD] = {"checksum", "chmod", "chown", "exclude*", "keep-git-dir?", "link?", "unpack?"},
	[COPY] = {"chmod", "chown", "exclude*", "from", "link?", "parents?"},
	[FROM] = {"platform"},
	[HEALTHCHECK] = {"interval", "retries", "start-interval", "start-period", "timeout"},
	[RUN] = {"mount*", "network", "security"},
};

enum name instruction_name(const char *text, size_t size)
{
	for (enum name name = 0; name < NAMES; name++)
		if (strlen(instruction_names[name]) == size &&
		    !strncasecmp(instruction_names[name], text, size))
			return name;
	return NAMES;
}

/* ---- flags ---- */

struct words *flag_values(const struct instruction *instruction, const char *name)
{
	for (size_t i = 0; i < instruction->flag_count; i++)
		if (!strcmp(instruction->flags[i].name, name))
			return &instruction->flags[i].values;
	return NULL;
}

const char *flag_value(const struct instruction *instruction, const char *name)
{
	const struct words *values = flag_values(instruction, name);

	return values ? values->word[0] : NULL;
}

static _Noreturn void unknown_flag(enum name instruction, const char *name)
{
	const char *names[FLAGS + 1] = {0};
	char *what = xasprintf("flag of %s", instruction_names[instruction]);

	if (!known_flags[instruction][0])
		bad("%s with the flag --%s, expected none", instruction_names[instruction], name);
	for (size_t i = 0; known_flags[instruction][i]; i++)
		names[i] = xasprintf("--%.*s", (int)strcspn(known_flags[instruction][i], "*?"),
				     known_flags[instruction][i]);
	bad_name(what, xasprintf("--%s", name), names);
}

/* The description of the flag NAME. */
static const char *find_flag(enum name instruction, const char *name)
{
	size_t size = strlen(name);

	for (size_t i = 0; known_flags[instruction][i]; i++) {
		const char *known = known_flags[instruction][i];

		if (strcspn(known, "*?") == size && !strncmp(known, name, size))
			return known;
	}
	unknown_flag(instruction, name);
}

/* "--name=value" or "--name". */
static void add_flag(struct instruction *instruction, char *text)
{
	char *name = text + 2, *value = strchr(name, '=');

	if (value)
		*value++ = '\0';
	const char kind = find_flag(instruction->name, name)[strlen(name)];
	struct words *values = flag_values(instruction, name);
	if (values && kind != '*')
		bad("the flag --%s twice, expected it once", name);
	if (kind == '?') {
		if (value && strcasecmp(value, "true") != 0 && strcasecmp(value, "false") != 0)
			bad("--%s=%s, expected true or false", name, value);
		value = !value || !strcasecmp(value, "true") ? "true" : "false";
	}
	if (!value)
		bad("--%s without a value, expected --%s=...", name, name);
	if (!values) {
		instruction->flags = xrealloc(instruction->flags,
					      (instruction->flag_count + 1) * sizeof(struct flag));
		instruction->flags[instruction->flag_count] = (struct flag){.name = name};
		values = &instruction->flags[instruction->flag_count++].values;
	}
	words_add(values, value);
}

/* ---- key=value ---- */

static void add_pair(struct instruction *instruction, char *key, char *value)
{
	if (!*key)
		bad("%s with a name that is empty, expected NAME=VALUE",
		    instruction_names[instruction->name]);
	words_add(&instruction->args, key);
	words_add(&instruction->args, value);
}

/* ENV and LABEL: NAME=VALUE..., or the old form NAME VALUE. */
static void parse_pairs(struct instruction *instruction, char *rest, char escape)
{
	struct words words = split_quoted(rest, escape);
	const char *name = instruction_names[instruction->name];

	if (!words.count)
		bad("%s without arguments, expected NAME=VALUE...", name);
	if (!strchr(words.word[0], '=')) {
		size_t size = strcspn(rest, blanks);

		if (!rest[size])
			bad("%s %s, expected NAME=VALUE...", name, rest);
		add_pair(instruction, copy_part(rest, size),
			 rest + size + strspn(rest + size, blanks));
		return;
	}
	for (size_t i = 0; i < words.count; i++) {
		char *value = strchr(words.word[i], '=');

		if (!value)
			bad("no = in '%s', expected NAME=VALUE", words.word[i]);
		*value++ = '\0';
		add_pair(instruction, words.word[i], value);
	}
}

/* ---- the others ---- */

/* A list of JSON, or else text for the shell. */
static void parse_command(struct instruction *instruction, char *rest)
{
	struct words words;

	if (split_json(rest, &words)) {
		instruction->form = FORM_EXEC;
		for (size_t i = 0; i < words.count; i++)
			words_add(&instruction->args, words.word[i]);
		if (!words.count && instruction->name != CMD && instruction->name != ENTRYPOINT)
			bad("%s with an empty list, expected a command",
			    instruction_names[instruction->name]);
	} else {
		instruction->form = FORM_SHELL;
		words_add(&instruction->args, rest);
	}
}

static void parse_from(struct instruction *instruction, const char *rest)
{
	struct words words = split_blanks(rest);
	char *name;

	if (words.count != 1 && !(words.count == 3 && !strcasecmp(words.word[1], "as")))
		bad("FROM%s%s, expected FROM IMAGE or FROM IMAGE AS NAME", *rest ? " " : "", rest);
	words_add(&instruction->args, words.word[0]);
	if (words.count == 1)
		return;
	name = words.word[2];
	for (char *c = name; *c; c++)
		*c += *c >= 'A' && *c <= 'Z' ? 'a' - 'A' : 0;
	if (*name < 'a' || *name > 'z' ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.")])
		bad("invalid name for a stage '%s', expected a letter, then letters, digits, - _ .",
		    name);
	words_add(&instruction->args, name);
}

static void parse_health(struct instruction *instruction, char *rest)
{
	size_t size = strcspn(rest, blanks);
	char *command = rest + size + strspn(rest + size, blanks);

	if (size == 4 && !strncasecmp(rest, "NONE", 4) && !*command) {
		words_add(&instruction->args, "NONE");
		return;
	}
	if (size != 3 || strncasecmp(rest, "CMD", 3) != 0 || !*command)
		bad("HEALTHCHECK%s%s, expected HEALTHCHECK CMD COMMAND or HEALTHCHECK NONE",
		    *rest ? " " : "", rest);
	words_add(&instruction->args, "CMD");
	parse_command(instruction, command);
}

static void parse_onbuild(struct instruction *instruction, char *rest, char escape)
{
	struct line *line = xmalloc(sizeof(*line));
	struct text trigger = {0};
	size_t size = strcspn(rest, blanks);
	enum name name = instruction_name(rest, size);

	if (!*rest)
		bad("ONBUILD without arguments, expected an instruction");
	if (name == ONBUILD || name == FROM || name == MAINTAINER)
		bad("ONBUILD %s, expected another instruction", instruction_names[name]);
	*line = *instruction->line;
	line->text = rest;
	instruction->inner = xmalloc(sizeof(*instruction));
	parse_instruction(instruction->inner, line, escape);
	text_puts(&trigger, rest);
	for (size_t i = 0; i < line->heredoc_count; i++) {
		text_byte(&trigger, '\n');
		text_puts(&trigger, line->heredocs[i].content);
		text_puts(&trigger, line->heredocs[i].name);
	}
	instruction->trigger = text_take(&trigger);
	words_add(&instruction->args, instruction->trigger);
}

/* ARG, EXPOSE, VOLUME, ADD, COPY: words. */
static void parse_words(struct instruction *instruction, char *rest, char escape)
{
	const char *name = instruction_names[instruction->name];
	bool json = instruction->name != ARG && instruction->name != EXPOSE;
	bool paths = instruction->name == ADD || instruction->name == COPY;

	if (instruction->name == ARG)
		instruction->args = split_quoted(rest, escape);
	else if (!json || !split_json(rest, &instruction->args))
		instruction->args = split_blanks(rest);
	if (paths && instruction->args.count < 2)
		bad("%s%s%s, expected a source and a destination", name, *rest ? " " : "", rest);
	if (!instruction->args.count)
		bad("%s without arguments, expected at least one", name);
	for (size_t i = 0; i < instruction->args.count; i++) {
		const char *word = instruction->args.word[i];

		size_t name_size = strcspn(word, "=\"'$\\`{}");

		if (instruction->name == ARG &&
		    (!name_size || (word[name_size] && word[name_size] != '=')))
			bad("ARG %s, expected NAME or NAME=VALUE", word);
		if (instruction->name == VOLUME && !word[strspn(word, blanks)])
			bad("VOLUME with an empty word, expected a path");
	}
}

/* ---- values that have no variables ---- */

/* A duration as Go has it, "1h2m3.5s", in nanoseconds; -1 if it is none. */
static double duration(const char *text)
{
	static const struct {
		const char *name;
		double nanoseconds;
	} units[] = {{"ns", 1},	  {"us", 1e3}, {"\u00b5s", 1e3}, {"\u03bcs", 1e3},
		     {"ms", 1e6}, {"s", 1e9},  {"m", 60e9},	 {"h", 3600e9}};
	double sum = 0;

	if (!strcmp(text, "0"))
		return 0;
	do {
		size_t digits = strspn(text, "0123456789."), best = SIZE_MAX;

		if (!digits || digits > 30 || (digits == 1 && *text == '.') ||
		    memchr(text, '.', digits) != memrchr(text, '.', digits))
			return -1;
		for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
			size_t size = strlen(units[i].name);

			if (!strncmp(text + digits, units[i].name, size) &&
			    (best == SIZE_MAX || size > strlen(units[best].name)))
				best = i;
		}
		if (best == SIZE_MAX)
			return -1;
		sum += strtod(text, NULL) * units[best].nanoseconds;
		text += digits + strlen(units[best].name);
	} while (*text);
	return sum < 9.2e18 ? sum : -1;
}

int64_t health_duration(const char *name, const char *text)
{
	double value = *text ? duration(text) : 0;

	if (value < 0 || (value > 0 && value < 1e6))
		bad("--%s=%s, expected a time of at least 1ms, as 30s or 1m30s", name, text);
	return (int64_t)value;
}

static void check_flags(const struct instruction *instruction)
{
	const char *network = flag_value(instruction, "network"),
		   *from = flag_value(instruction, "from");
	const char *security = flag_value(instruction, "security");
	const char *retries = flag_value(instruction, "retries");
	const struct words *mounts = flag_values(instruction, "mount");
	uint64_t number;

	for (size_t i = 0; instruction->name == HEALTHCHECK && i < instruction->flag_count; i++)
		if (strcmp(instruction->flags[i].name, "retries") != 0)
			health_duration(instruction->flags[i].name,
					instruction->flags[i].values.word[0]);
	if (retries && *retries && !is_number(retries, 0, INT32_MAX, &number))
		bad("--retries=%s, expected a number", retries);
	if (network && strcmp(network, "default") != 0 && strcmp(network, "none") != 0 &&
	    strcmp(network, "host") != 0)
		bad("--network=%s, expected default, none or host", network);
	if (security && strcmp(security, "insecure") != 0 && strcmp(security, "sandbox") != 0)
		bad("--security=%s, expected sandbox or insecure", security);
	if (from && strchr(from, '$'))
		bad("--from=%s, expected no variables: give a stage the name, FROM %s AS NAME",
		    from, from);
	for (size_t i = 0; mounts && i < mounts->count; i++)
		parse_mount(mounts->word[i], NULL, NULL, NULL);
}

/* ---- all ---- */

static void parse_arguments(struct instruction *instruction, char *rest, char escape)
{
	switch (instruction->name) {
	case ENV:
	case LABEL:
		parse_pairs(instruction, rest, escape);
		break;
	case RUN:
	case CMD:
	case ENTRYPOINT:
		parse_command(instruction, rest);
		break;
	case SHELL:
		parse_command(instruction, rest);
		if (instruction->form != FORM_EXEC)
			bad("SHELL %s, expected a list of JSON: SHELL [\"/bin/sh\", \"-c\"]", rest);
		break;
	case FROM:
		parse_from(instruction, rest);
		break;
	case HEALTHCHECK:
		parse_health(instruction, rest);
		break;
	case ONBUILD:
		parse_onbuild(instruction, rest, escape);
		break;
	case MAINTAINER:
	case STOPSIGNAL:
	case USER:
	case WORKDIR:
		if (!*rest)
			bad("%s without an argument, expected one",
			    instruction_names[instruction->name]);
		words_add(&instruction->args, rest);
		break;
	default:
		parse_words(instruction, rest, escape);
	}
}

void parse_instruction(struct instruction *instruction, const struct line *line, char escape)
{
	size_t size = strcspn(line->text, blanks);
	struct words flags;
	char *rest;

	at_line = line->first;
	*instruction = (struct instruction){.line = line};
	instruction->name = instruction_name(line->text, size);
	if (instruction->name == NAMES)
		bad_name("instruction", copy_part(line->text, size), instruction_names);
	flags = take_flags(line->text + size, escape, &rest);
	for (size_t i = 0; i < flags.count; i++)
		add_flag(instruction, flags.word[i]);
	parse_arguments(instruction, rest, escape);
	check_flags(instruction);
}
