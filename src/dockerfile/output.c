/*
 * An instruction as JSON, with its variables expanded.
 */
#include "dockerfile.h"

#include "common.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- variables ---- */

static char *value_of(void *context, const char *text)
{
	struct scope *scope = context;
	struct lexer lexer = {.escape = scope->escape, .variables = scope->variables};
	char *value;

	if (scope->raw)
		return xstrdup(text);
	if (!scope->quiet)
		return expand(text, scope->escape, scope->variables, NULL);
	value = try_expand(&lexer, text, NULL);
	return value ? value : xstrdup(text);
}

void set_env(struct scope *scope, const char *name, const char *value)
{
	json_object_set_new(scope->variables, name, json_string(value));
	json_object_set_new(scope->env, name, json_string(value));
	json_object_del(scope->args, name);
}

static void add_string(json_t *list, const char *text)
{
	work(strlen(text));
	json_array_append_new(list, json_string(text));
}

static void add_pair(json_t *list, const char *name, const char *value)
{
	char *pair = xasprintf("%s=%s", name, value);

	add_string(list, pair);
	free(pair);
}

static json_t *list_of(const struct words *words)
{
	json_t *list = json_array();

	for (size_t i = 0; i < words->count; i++)
		add_string(list, words->word[i]);
	return list;
}

static json_t *values_of(const struct words *words, struct scope *scope)
{
	json_t *list = json_array();

	for (size_t i = 0; i < words->count; i++)
		add_string(list, value_of(scope, words->word[i]));
	return list;
}

/* ---- stages ---- */

json_int_t find_stage(json_t *stages, json_int_t limit, const char *name)
{
	for (json_int_t i = limit; i-- > 0;) {
		const char *other = json_string_value(
			json_object_get(json_array_get(stages, (size_t)i), "name"));

		work(10);
		if (other && !strcasecmp(other, name))
			return i;
	}
	return -1;
}

/* Add to USES the stage that FROM is, by number (if that may be) or name, if it is one. */
static void add_use(json_t *uses, const char *from, bool numbers, const struct scope *scope)
{
	json_int_t found = find_stage(scope->stages, scope->stage, from);
	uint64_t number;

	if (numbers && is_number(from, 0, INT32_MAX, &number)) {
		if ((json_int_t)number >= scope->stage)
			bad("from stage %s in stage %d, expected one before it", from,
			    (int)scope->stage);
		found = (json_int_t)number;
	} else if (found < 0 && find_stage(scope->stages,
					   (json_int_t)json_array_size(scope->stages), from) >= 0) {
		bad("from stage '%s', which is not before stage %d", from, (int)scope->stage);
	}
	if (found >= 0)
		json_array_append_new(uses, json_integer(found));
}

/* ---- flags ---- */

/* The flags; mounts are put into MOUNTS too. */
static json_t *flags_of(const struct instruction *instruction, struct scope *scope, json_t *mounts)
{
	json_t *flags = json_object();

	for (size_t i = 0; i < instruction->flag_count; i++) {
		const struct flag *flag = &instruction->flags[i];
		bool paths = instruction->name == ADD || instruction->name == COPY;
		bool expanded =
			!strcmp(flag->name, "platform") ||
			(paths && (!strcmp(flag->name, "chown") || !strcmp(flag->name, "chmod") ||
				   !strcmp(flag->name, "checksum")));

		json_object_set_new(flags, flag->name,
				    expanded ? values_of(&flag->values, scope)
					     : list_of(&flag->values));
		if (strcmp(flag->name, "mount") != 0 || scope->raw)
			continue;
		json_t *list = json_array();
		for (size_t k = 0; k < flag->values.count; k++) {
			char *text;

			json_array_append_new(mounts, parse_mount(flag->values.word[k], value_of,
								  scope, &text));
			add_string(list, text);
		}
		json_object_set_new(flags, flag->name, list);
	}
	return flags;
}

/* ---- here-documents ---- */

static json_t *heredoc_object(const struct heredoc *heredoc, const char *content)
{
	work(strlen(content));
	return json_pack("{sssssbsb}", "name", heredoc->name, "content", content, "expand",
			 heredoc->expand, "chomp", heredoc->chomp);
}

static json_t *heredocs_of(const struct line *line)
{
	json_t *list = json_array();

	for (size_t i = 0; i < line->heredoc_count; i++)
		json_array_append_new(list, heredoc_object(&line->heredocs[i],
							   line->heredocs[i].content));
	return list;
}

/* The content of the here-document that a word of COPY or ADD names, as it goes into the file. */
static json_t *file_of(const struct line *line, const struct heredoc *wanted, struct scope *scope)
{
	for (size_t i = line->heredoc_count; i-- > 0;) {
		const struct heredoc *heredoc = &line->heredocs[i];

		if (strcmp(heredoc->name, wanted->name) != 0)
			continue;
		char *content = heredoc->chomp ? chomp(heredoc->content) : heredoc->content;
		if (heredoc->expand && !scope->raw)
			content = expand_content(content, scope->variables);
		return heredoc_object(heredoc, content);
	}
	bad("no here-document <<%s (a list of JSON has none)", wanted->name);
}

/* ---- instructions ---- */

static json_t *arguments_of_copy(const struct instruction *instruction, struct scope *scope,
				 json_t *heredocs)
{
	json_t *args = json_array();
	struct heredoc heredoc;

	for (size_t i = 0; i < instruction->args.count; i++) {
		const char *word = instruction->args.word[i];

		if (!heredoc_of(word, &heredoc))
			add_string(args, value_of(scope, word));
		else if (i + 1 == instruction->args.count)
			bad("%s as the destination, expected a path", word);
		else
			json_array_append_new(heredocs,
					      file_of(instruction->line, &heredoc, scope));
	}
	return args;
}

static json_t *arguments_of_expose(const struct instruction *instruction, struct scope *scope)
{
	json_t *ports = json_array(), *seen = json_object();
	struct words words = {0};

	if (scope->raw)
		return list_of(&instruction->args);
	for (size_t i = 0; i < instruction->args.count; i++)
		expand(instruction->args.word[i], scope->escape, scope->variables, &words);
	for (size_t i = 0; i < words.count; i++)
		add_ports(words.word[i], seen, ports);
	json_decref(seen);
	return ports;
}

/* ENV and LABEL: all their words see what was before the instruction. */
static json_t *arguments_of_pairs(const struct instruction *instruction, struct scope *scope)
{
	json_t *args = json_array();
	struct words words = {0};

	for (size_t i = 0; i < instruction->args.count; i++)
		words_add(&words, value_of(scope, instruction->args.word[i]));
	for (size_t i = 0; i < words.count; i += 2) {
		if (!*words.word[i] ||
		    (!scope->raw && strchr(words.word[i], '=') && instruction->name == ENV))
			bad("invalid name '%s', expected NAME=VALUE", words.word[i]);
		add_pair(args, words.word[i], words.word[i + 1]);
		if (instruction->name == ENV && !scope->raw)
			set_env(scope, words.word[i], words.word[i + 1]);
	}
	return args;
}

/* One NAME or NAME=VALUE of ARG: its value, that of -a if there is one; NULL if none. */
static const char *value_of_arg(struct scope *scope, const char *name, const char *preset)
{
	const char *given = json_string_value(json_object_get(scope->build_args, name));

	json_object_set_new(scope->used, name, json_true());
	if (given)
		return given;
	if (preset)
		return value_of(scope, preset);
	return scope->raw ? NULL : json_string_value(json_object_get(scope->globals, name));
}

static json_t *arguments_of_arg(const struct instruction *instruction, struct scope *scope,
				json_t *object)
{
	json_t *args = json_array(), *values = json_array(), *given = json_array();

	for (size_t i = 0; i < instruction->args.count; i++) {
		char *name = xstrdup(instruction->args.word[i]), *preset = strchr(name, '=');

		if (preset)
			*preset++ = '\0';
		const char *value = value_of_arg(scope, name, preset);
		if (value) {
			add_pair(args, name, value);
			add_string(values, value);
			if (!scope->raw) {
				json_object_set_new(scope->variables, name, json_string(value));
				json_object_set_new(scope->args, name, json_true());
			}
		} else {
			add_string(args, name);
			json_array_append_new(values, json_null());
		}
		json_array_append_new(given,
				      json_boolean(json_object_get(scope->build_args, name)));
	}
	json_object_set_new(object, "values", values);
	json_object_set_new(object, "given", given);
	return args;
}

/* What RUN runs: a here-document alone is the command, or a script; others are the shell's. */
static void add_command(const struct instruction *instruction, json_t *object)
{
	const struct line *line = instruction->line;
	struct text command = {0};
	struct heredoc heredoc;
	bool script = false;

	if (instruction->form == FORM_EXEC) {
		json_object_set_new(object, "command", json_null());
		json_object_set_new(object, "script", json_false());
		return;
	}
	if (line->heredoc_count && heredoc_of(instruction->args.word[0], &heredoc)) {
		const struct heredoc *first = &line->heredocs[0];

		text_puts(&command, first->chomp ? chomp(first->content) : first->content);
		script = command.size > 1 && !memcmp(command.data, "#!", 2);
	} else {
		text_puts(&command, instruction->args.word[0]);
		for (size_t i = 0; i < line->heredoc_count; i++) {
			text_byte(&command, '\n');
			text_puts(&command, line->heredocs[i].content);
			text_puts(&command, line->heredocs[i].name);
		}
	}
	json_object_set_new(object, "command", json_string(text_take(&command)));
	json_object_set_new(object, "script", json_boolean(script));
}

static void finish_run(const struct instruction *instruction, const struct scope *scope,
		       json_t *object, json_t *mounts)
{
	json_t *uses = json_array(), *args = json_array(), *mount, *unused;
	const char *name;
	size_t i;

	add_command(instruction, object);
	json_array_foreach(mounts, i, mount)
	{
		const char *from = json_string_value(json_object_get(mount, "from"));

		if (from)
			add_use(uses, from, false, scope);
	}
	json_object_set(object, "mounts", mounts);
	json_object_set_new(object, "uses", uses);
	json_object_foreach(scope->args, name, unused)
	{
		work(100);
		add_pair(args, name, json_string_value(json_object_get(scope->variables, name)));
	}
	json_object_set_new(object, "args_in_env", args);
}

static void check_platform(const char *platform)
{
	size_t parts = 1;

	for (const char *c = platform; *c; c++)
		parts += *c == '/';
	if (!*platform || parts > 3 || *platform == '/' || strstr(platform, "//") ||
	    platform[strlen(platform) - 1] == '/' ||
	    platform[strspn(platform, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.-/()")])
		bad("--platform=%s, expected OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT", platform);
}

/* FROM sees the globals only. */
static json_t *arguments_of_from(const struct instruction *instruction, struct scope *scope,
				 json_t *flags, json_t *object)
{
	const char *image = value_of(scope, instruction->args.word[0]);
	const char *name = instruction->args.count > 1 ? instruction->args.word[1] : NULL;
	const char *platform =
		json_string_value(json_array_get(json_object_get(flags, "platform"), 0));
	json_int_t base = find_stage(scope->stages, scope->stage, image);

	if (!*image)
		bad("FROM %s is empty, expected an image: is there an ARG with a value before the "
		    "first FROM, or a build argument?",
		    instruction->args.word[0]);
	if (platform && !scope->raw)
		check_platform(platform);
	json_object_set_new(object, "name", name ? json_string(name) : json_null());
	json_object_set_new(object, "base", base < 0 ? json_null() : json_integer(base));
	return name ? json_pack("[ss]", image, name) : json_pack("[s]", image);
}

/* Docker's Healthcheck of an image. */
static json_t *health_of(const struct instruction *instruction)
{
	static const char *const names[][2] = {{"Interval", "interval"},
					       {"Timeout", "timeout"},
					       {"StartPeriod", "start-period"},
					       {"StartInterval", "start-interval"}};
	json_t *test = list_of(&instruction->args);
	json_t *health = json_pack("{so}", "Test", test);
	const char *retries = flag_value(instruction, "retries");

	if (instruction->form == FORM_SHELL)
		json_array_set_new(test, 0, json_string("CMD-SHELL"));
	for (size_t i = 0; i < 4 && instruction->form != FORM_NONE; i++) {
		const char *text = flag_value(instruction, names[i][1]);
		int64_t value = text ? health_duration(names[i][1], text) : 0;

		if (value)
			json_object_set_new(health, names[i][0], json_integer(value));
	}
	if (retries && *retries && instruction->form != FORM_NONE)
		json_object_set_new(health, "Retries", json_integer(strtol(retries, NULL, 10)));
	return health;
}

static json_t *arguments_of_signal(const struct instruction *instruction, struct scope *scope)
{
	char *signal = value_of(scope, instruction->args.word[0]);

	if (!scope->raw && !signal_number(signal))
		bad("STOPSIGNAL %s, expected a signal, as SIGTERM or 15", signal);
	return json_pack("[s]", signal);
}

static json_t *arguments_of(const struct instruction *instruction, struct scope *scope,
			    json_t *flags, json_t *heredocs, json_t *object)
{
	switch (instruction->name) {
	case FROM:
		return arguments_of_from(instruction, scope, flags, object);
	case ARG:
		return arguments_of_arg(instruction, scope, object);
	case ENV:
	case LABEL:
		return arguments_of_pairs(instruction, scope);
	case ADD:
	case COPY:
		return arguments_of_copy(instruction, scope, heredocs);
	case EXPOSE:
		return arguments_of_expose(instruction, scope);
	case STOPSIGNAL:
		return arguments_of_signal(instruction, scope);
	case USER:
	case VOLUME:
	case WORKDIR:
		return values_of(&instruction->args, scope);
	default:
		return list_of(&instruction->args);
	}
}

/* The members that only some have. */
static void finish(const struct instruction *instruction, struct scope *scope, json_t *object,
		   json_t *mounts)
{
	const char *from = flag_value(instruction, "from");

	if (instruction->name == RUN)
		finish_run(instruction, scope, object, mounts);
	if (instruction->name == HEALTHCHECK)
		json_object_set_new(object, "health", health_of(instruction));
	if (instruction->name == COPY || instruction->name == ADD) {
		json_t *uses = json_array();

		if (from)
			add_use(uses, from, true, scope);
		json_object_set_new(object, "uses", uses);
	}
	if (instruction->name == ONBUILD) {
		struct scope inner = *scope;

		inner.raw = true;
		inner.used = json_object();
		json_object_set_new(object, "trigger", json_string(instruction->trigger));
		json_object_set_new(object, "inner", evaluate(instruction->inner, &inner));
	}
}

json_t *evaluate(const struct instruction *instruction, struct scope *scope)
{
	static const char *const forms[] = {
		[FORM_NONE] = NULL, [FORM_SHELL] = "shell", [FORM_EXEC] = "exec"};
	const char *form = forms[instruction->form];
	const struct line *line = instruction->line;
	bool files = instruction->name == ADD || instruction->name == COPY;
	json_t *rest = json_object(), *mounts = json_array(), *flags, *args, *heredocs, *object;

	at_line = line->first;
	work(strlen(line->text));
	flags = flags_of(instruction, scope, mounts);
	heredocs = files || instruction->name == ONBUILD ? json_array() : heredocs_of(line);
	args = arguments_of(instruction, scope, flags, heredocs, rest);
	object = json_pack("{sI sI so ss so so so so ss}", "line", (json_int_t)line->first, "end",
			   (json_int_t)line->last, "stage",
			   scope->stage < 0 ? json_null() : json_integer(scope->stage),
			   "instruction", instruction_names[instruction->name], "flags", flags,
			   "form", form ? json_string(form) : json_null(), "args", args, "heredocs",
			   heredocs, "original", line->text);
	if (!object)
		die("out of memory");
	json_object_update(object, rest);
	json_decref(rest);
	finish(instruction, scope, object, mounts);
	json_decref(mounts);
	return object;
}
