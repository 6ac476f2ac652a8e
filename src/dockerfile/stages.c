/*
 * The stages of a Dockerfile: which one is from which, which variables hold in each, and what
 * is printed of them.
 */
#include "dockerfile.h"

#include "common.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What a stage without a PATH of its base image gets. */
static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct stage {
	size_t first, end; /* its instructions, FROM first */
	json_t *from;	   /* the object of that */
	json_int_t base;
	bool needed; /* by the stage that is printed */
	json_t *variables, *args, *env;
};

struct build {
	const struct document *document;
	const struct settings *settings;
	struct instruction *instructions;
	size_t count;
	struct instruction *triggers;
	size_t trigger_count;
	struct stage *stages;
	size_t stage_count;
	json_int_t wanted; /* -1: all */
	json_t *preamble;  /* objects before the first FROM */
	struct scope scope;
	struct text *out;
};

static void print_object(struct text *out, json_t *object)
{
	char *line = json_dumps(object, JSON_COMPACT);

	if (!line)
		die("out of memory");
	text_puts(out, line);
	text_byte(out, '\n');
	free(line);
}

/* ---- all instructions ---- */

static void parse_all(struct build *build)
{
	const struct document *document = build->document;

	build->count = document->count;
	build->instructions = xmalloc(build->count * sizeof(struct instruction));
	for (size_t i = 0; i < build->count; i++)
		parse_instruction(&build->instructions[i], &document->lines[i], document->escape);
}

/* Instructions of the base image; each is a document of its own. */
static void parse_triggers(struct build *build)
{
	const char *file = at_file;
	json_t *trigger;
	size_t i;

	build->triggers = xmalloc((json_array_size(build->settings->triggers) + 1) *
				  sizeof(struct instruction));
	json_array_foreach(build->settings->triggers, i, trigger)
	{
		struct document *document = xmalloc(sizeof(*document));
		struct instruction *instruction = &build->triggers[i];

		at_file = xasprintf("%s, trigger %zu", build->settings->triggers_file, i + 1);
		read_lines(document, xstrdup(json_string_value(trigger)),
			   strlen(json_string_value(trigger)));
		parse_instruction(instruction, &document->lines[0], document->escape);
		if (document->count != 1)
			bad("%zu instructions, expected one", document->count);
		if (instruction->name == FROM || instruction->name == ONBUILD ||
		    instruction->name == MAINTAINER)
			bad("%s, expected another instruction",
			    instruction_names[instruction->name]);
		build->trigger_count = i + 1;
	}
	at_file = file;
}

/* ---- the stages ---- */

static json_t *stage_object(json_int_t number, json_t *from)
{
	json_t *args = json_object_get(from, "args");
	json_t *platform =
		json_array_get(json_object_get(json_object_get(from, "flags"), "platform"), 0);

	return json_pack("{sI sO sO sO sO? sO}", "stage", number, "name",
			 json_object_get(from, "name"), "image", json_array_get(args, 0), "base",
			 json_object_get(from, "base"), "platform", platform, "line",
			 json_object_get(from, "line"));
}

static void begin_stage(struct build *build, size_t at)
{
	struct stage *stage;
	json_int_t number = (json_int_t)build->stage_count;
	json_t *base;

	if (!(build->stage_count & (build->stage_count - 1)))
		build->stages =
			xrealloc(build->stages, (build->stage_count ? build->stage_count * 2 : 1) *
							sizeof(struct stage));
	stage = &build->stages[build->stage_count++];
	build->scope.stage = number;
	*stage = (struct stage){.first = at};
	stage->from = evaluate(&build->instructions[at], &build->scope);
	base = json_object_get(stage->from, "base");
	stage->base = json_is_integer(base) ? json_integer_value(base) : -1;
	json_array_append_new(build->scope.stages, stage_object(number, stage->from));
}

/* What is before the first FROM, and each FROM: they see the globals. */
static void find_stages(struct build *build)
{
	build->scope.stage = -1;
	for (size_t i = 0; i < build->count; i++) {
		const struct instruction *instruction = &build->instructions[i];

		at_line = instruction->line->first;
		if (instruction->name == FROM)
			begin_stage(build, i);
		else if (build->stage_count == 0 && instruction->name == ARG)
			json_array_append_new(build->preamble,
					      evaluate(instruction, &build->scope));
		else if (build->stage_count == 0)
			bad("%s before the first FROM, expected FROM or ARG",
			    instruction_names[instruction->name]);
		if (build->stage_count)
			build->stages[build->stage_count - 1].end = i + 1;
	}
	if (!build->stage_count)
		bad("no FROM, expected one: FROM IMAGE");
}

/* The stage of -s; -1 if all are wanted. */
static json_int_t find_wanted(const struct build *build)
{
	const char *name = build->settings->stage;
	json_int_t count = (json_int_t)build->stage_count, found;
	const char **names = xmalloc((build->stage_count + 1) * sizeof(*names));
	size_t named = 0;
	uint64_t number;

	if (!name)
		return -1;
	if ((found = find_stage(build->scope.stages, count, name)) >= 0)
		return found;
	if (is_number(name, 0, build->stage_count - 1, &number))
		return (json_int_t)number;
	for (size_t i = 0; i < build->stage_count; i++) {
		const char *other = json_string_value(
			json_object_get(json_array_get(build->scope.stages, i), "name"));

		if (other)
			names[named++] = other;
	}
	names[named] = NULL;
	at_line = 0;
	if (!named)
		bad("no stage '%s', expected a number up to %zu", name, build->stage_count - 1);
	bad_name("stage", name, names);
}

/* Those whose variables have to be known. */
static void mark_needed(struct build *build)
{
	for (size_t i = 0; build->wanted < 0 && i < build->stage_count; i++)
		build->stages[i].needed = !build->settings->list;
	for (json_int_t i = build->settings->list ? -1 : build->wanted; i >= 0;
	     i = build->stages[i].base)
		build->stages[i].needed = true;
}

/* ---- the variables of a stage ---- */

static void set_all(struct scope *scope, json_t *values)
{
	const char *name;
	json_t *value;

	json_object_foreach(values, name, value)
	{
		work(100 + json_string_length(value));
		set_env(scope, name, json_string_value(value));
	}
}

/* Those of the stage that it is from, in which ENV goes over ARG, and of the base image. */
static void enter_stage(struct build *build, const struct stage *stage, json_int_t number)
{
	const struct stage *base = stage->base < 0 ? NULL : &build->stages[stage->base];
	struct scope *scope = &build->scope;
	bool wanted = build->wanted == number, known = false;

	scope->stage = number;
	scope->raw = build->settings->raw;
	scope->quiet = build->wanted >= 0 && !wanted;
	scope->variables = json_object();
	scope->args = json_object();
	scope->env = json_object();
	if (base) {
		work(100 * json_object_size(base->variables));
		json_object_update(scope->variables, base->variables);
		json_object_update(scope->args, base->args);
		set_all(scope, base->env);
	}
	if (wanted && build->settings->base_env) {
		set_all(scope, build->settings->base_env);
		known = true;
	}
	if (!base &&
	    !strcmp(json_string_value(json_array_get(json_object_get(stage->from, "args"), 0)),
		    "scratch"))
		known = true;
	if (known && !json_object_get(scope->env, "PATH"))
		set_env(scope, "PATH", default_path);
}

static void leave_stage(struct build *build, struct stage *stage)
{
	stage->variables = build->scope.variables;
	stage->args = build->scope.args;
	stage->env = build->scope.env;
}

/* ---- printing ---- */

static void print_triggers(struct build *build, const struct stage *stage)
{
	const char *file = at_file;

	for (size_t i = 0; i < build->trigger_count; i++) {
		at_file = xasprintf("%s, trigger %zu", build->settings->triggers_file, i + 1);
		json_t *object = evaluate(&build->triggers[i], &build->scope);
		json_object_set(object, "line", json_object_get(stage->from, "line"));
		json_object_set(object, "end", json_object_get(stage->from, "end"));
		json_object_set_new(object, "onbuild", json_true());
		print_object(build->out, object);
		json_decref(object);
	}
	at_file = file;
}

static void note_arg(struct build *build, const struct instruction *instruction)
{
	for (size_t i = 0; instruction->name == ARG && i < instruction->args.count; i++) {
		const char *word = instruction->args.word[i];

		json_object_set_new(build->scope.used, copy_part(word, strcspn(word, "=")),
				    json_true());
	}
}

static void do_stage(struct build *build, json_int_t number)
{
	struct stage *stage = &build->stages[number];
	bool printed = build->wanted < 0 || build->wanted == number;

	for (size_t i = stage->first; i < stage->end; i++)
		note_arg(build, &build->instructions[i]);
	if (!stage->needed)
		return;
	enter_stage(build, stage, number);
	if (printed) {
		print_object(build->out, stage->from);
		print_triggers(build, stage);
	}
	for (size_t i = stage->first + 1; i < stage->end; i++) {
		const struct instruction *instruction = &build->instructions[i];

		if (!printed && instruction->name != ARG && instruction->name != ENV)
			continue;
		json_t *object = evaluate(instruction, &build->scope);
		if (printed)
			print_object(build->out, object);
		json_decref(object);
	}
	leave_stage(build, stage);
}

static bool is_proxy(const char *name)
{
	static const char *const names[] = {"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY",
					    "ALL_PROXY"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcasecmp(name, names[i]))
			return true;
	return false;
}

static void print_first(struct build *build, struct text *out)
{
	const struct document *document = build->document;
	json_t *unused = json_array(), *proxies = json_array(), *value, *first;
	const char escape[] = {document->escape, '\0'}, *name;

	json_object_foreach(build->settings->build_args, name, value)
	{
		if (is_proxy(name))
			json_array_append_new(proxies,
					      json_string(xasprintf("%s=%s", name,
								    json_string_value(value))));
		else if (!json_object_get(build->scope.used, name))
			json_array_append_new(unused, json_string(name));
	}
	first = json_pack("{s{ss ss? ss?} sO so so sO}", "directives", "escape", escape, "syntax",
			  document->syntax, "check", document->check, "stages", build->scope.stages,
			  "unused_args", unused, "proxies", proxies, "warnings",
			  document->warnings);
	print_object(out, first);
	json_decref(first);
}

void print_document(const struct document *document, const struct settings *settings,
		    struct text *out)
{
	struct text body = {0};
	struct build build = {.document = document,
			      .settings = settings,
			      .preamble = json_array(),
			      .out = &body};
	json_t *object;
	size_t i;

	build.scope = (struct scope){.escape = document->escape,
				     .raw = settings->raw,
				     .globals = json_deep_copy(settings->platform),
				     .build_args = settings->build_args,
				     .args = json_object(),
				     .used = json_object(),
				     .stages = json_array()};
	build.scope.variables = build.scope.globals;
	parse_all(&build);
	parse_triggers(&build);
	find_stages(&build);
	build.wanted = find_wanted(&build);
	mark_needed(&build);
	for (i = 0; i < build.trigger_count; i++)
		note_arg(&build, &build.triggers[i]);
	if (build.wanted < 0 && !settings->list)
		json_array_foreach(build.preamble, i, object) print_object(&body, object);
	for (i = 0; i < build.stage_count; i++)
		do_stage(&build, (json_int_t)i);
	print_first(&build, out);
	text_add(out, body.data, body.size);
}
