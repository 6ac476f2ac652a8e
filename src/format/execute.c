/*
 * Walking the tree of a template with one value.
 *
 * What fails says so with fail(), which is remembered; all loops here end then.
 */
#include "format.h"

#include "common.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { VARIABLES_MAX = 1000 };

const char *optional_fields = "";
bool show_controls, header;
struct text execute_error;

static json_t **kept;
static size_t kept_count, kept_room;

static struct variable {
	const char *name;
	json_t *value;
} variables[VARIABLES_MAX];
static size_t variable_count;

static const struct operand *current; /* what messages point to */

json_t *fail(const char *format, ...)
{
	unsigned line, column;
	va_list arguments;
	int size = (int)(current->source.end - current->source.start);

	if (execute_error.size)
		return json_null();
	position_of(current->position, &line, &column);
	text_printf(&execute_error, "template: :%u:%u: executing \"\" at <%.*s%s>: ", line, column,
		    size > 20 ? 20 : size, current->source.start, size > 20 ? "..." : "");
	va_start(arguments, format);
	text_vprintf(&execute_error, format, arguments);
	va_end(arguments);
	return json_null();
}

json_t *keep(json_t *value)
{
	if (!value)
		die("out of memory");
	if (kept_count == kept_room)
		kept = xrealloc(kept, (kept_room = kept_room * 2 + 64) * sizeof(json_t *));
	return kept[kept_count++] = value;
}

json_t *keep_text(struct text *text)
{
	json_t *value = json_stringn_nocheck(text->data ? text->data : "", text->size);

	free(text->data);
	*text = (struct text){0};
	return keep(value);
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **sorted_keys(json_t *object, size_t *count)
{
	const char **keys = xmalloc((json_object_size(object) + 1) * sizeof(*keys)), *key;
	json_t *member;

	*count = 0;
	json_object_foreach(object, key, member)
	{
		keys[(*count)++] = key;
	}
	qsort(keys, *count, sizeof(*keys), compare_keys);
	return keys;
}

/* ---- fields ---- */

/* Is NAME, or PARENT.*, one of the optional fields? */
static bool is_optional(const char *name, const char *parent)
{
	const char *next = optional_fields;

	while (*next) {
		size_t size = strcspn(next, ",");

		if (size == strlen(name) && !strncmp(next, name, size))
			return true;
		if (parent && size == strlen(parent) + 2 && !strncmp(next, parent, size - 2) &&
		    !strncmp(next + size - 2, ".*", 2))
			return true;
		next += size + (next[size] == ',');
	}
	return false;
}

/* A member whose name differs in the case of further letters: Docker knows .Id and .ID. */
static json_t *similar_member(json_t *object, const char *name)
{
	const char *key;
	json_t *member;

	if (*name >= 'A' && *name <= 'Z')
		json_object_foreach(object, key, member)
		{
			if (*key == *name && !strcasecmp(key, name))
				return member;
		}
	return NULL;
}

static json_t *field(json_t *value, const char *name, const char *parent)
{
	json_t *member = json_object_get(value, name);

	if (member)
		return member;
	if (json_is_null(value))
		return fail("nil data; no entry for key \"%s\"", name);
	if (!json_is_object(value))
		return fail("can't evaluate field %s in type %s", name, type_name(value));
	if (header)
		return keep(json_string(""));
	if ((member = similar_member(value, name)))
		return member;
	return is_optional(name, parent) ? json_null()
					 : fail("map has no entry for key \"%s\"", name);
}

static json_t *fields(const struct operand *operand, json_t *value)
{
	for (size_t i = 0; i < operand->field_count && !execute_error.size; i++)
		value = field(value, operand->fields[i], i ? operand->fields[i - 1] : NULL);
	return value;
}

/* ---- commands ---- */

static json_t *run_pipe(const struct pipe *pipe, json_t *dot);

static json_t *variable(const char *name)
{
	for (size_t i = variable_count; i-- > 0;)
		if (!strcmp(variables[i].name, name))
			return variables[i].value;
	return json_null(); /* cannot be: the parser looks */
}

/* The value of an operand that is not given arguments. */
static json_t *run_operand(const struct operand *operand, json_t *dot)
{
	json_t *value = dot;

	current = operand;
	switch (operand->kind) {
	case OPERAND_DOT:
		break;
	case OPERAND_NIL:
		value = json_null();
		break;
	case OPERAND_VARIABLE:
		value = variable(operand->variable);
		break;
	case OPERAND_CONSTANT:
		value = operand->constant;
		break;
	case OPERAND_PIPE:
		value = run_pipe(operand->pipe, dot);
		current = operand;
		break;
	case OPERAND_FUNCTION:
		if (operand->function->min > 0)
			return fail("wrong number of args for %s: want at least %zu got 0",
				    operand->function->name, operand->function->min);
		value = operand->function->call(&value, 0);
		break;
	}
	return fields(operand, value);
}

/* and, or: the first argument that decides, without a look at those behind it. */
static json_t *run_logic(const struct command *command, json_t *dot, json_t *final)
{
	bool stops_at = command->words->function == &function_or;
	const struct operand *word = command->words->next;
	json_t *value = NULL;

	for (; word && !execute_error.size; word = word->next) {
		value = run_operand(word, dot);
		if (truth(value) == stops_at)
			return value;
	}
	current = command->words;
	if (final)
		return final;
	return value ? value
		     : fail("wrong number of args for %s: want at least 1 got 0",
			    command->words->function->name);
}

static json_t *run_function(const struct command *command, json_t *dot, json_t *final)
{
	const struct function *function = command->words->function;
	struct operand whole = {.source = command->source, .position = command->source.start};
	json_t **arguments, *value;
	size_t count = final != NULL;

	if (function == &function_and || function == &function_or)
		return run_logic(command, dot, final);
	for (const struct operand *word = command->words->next; word; word = word->next)
		count++;
	arguments = xmalloc((count + 1) * sizeof(json_t *));
	count = 0;
	for (const struct operand *word = command->words->next; word; word = word->next)
		arguments[count++] = run_operand(word, dot);
	if (final)
		arguments[count++] = final;
	current = count > 1 || !final ? &whole : command->words;
	if (count < function->min || count > function->max)
		value = fail("wrong number of args for %s: want %s%zu got %zu", function->name,
			     function->min < function->max ? "at least " : "", function->min,
			     count);
	else
		value = execute_error.size ? json_null() : function->call(arguments, count);
	free(arguments);
	current = command->words;
	return value;
}

/* One command of a pipeline; FINAL is the value of the one before it, or NULL. */
static json_t *run_command(const struct command *command, json_t *dot, json_t *final)
{
	const struct operand *first = command->words;

	if (first->kind == OPERAND_FUNCTION && !first->field_count)
		return run_function(command, dot, final);
	current = first;
	if (!first->next && !final) {
		if (first->kind == OPERAND_NIL)
			return fail("nil is not a command");
		return run_operand(first, dot);
	}
	if (first->field_count == 1 && !strcmp(first->fields[0], "Label")) {
		json_t *name = first->next && !first->next->next && !final
				       ? run_operand(first->next, dot)
				       : final;
		json_t *of = first->kind == OPERAND_VARIABLE ? variable(first->variable) : dot;
		json_t *label =
			json_is_string(name) ? row_label(of, json_string_value(name)) : NULL;
		if (label)
			return label;
		current = first;
	}
	if (first->field_count)
		return fail("%s is not a method but has arguments",
			    first->fields[first->field_count - 1]);
	return fail("can't give argument to non-function %.*s",
		    (int)(first->source.end - first->source.start), first->source.start);
}

static void push(const char *name, json_t *value)
{
	if (variable_count == VARIABLES_MAX)
		die("more than %d variables", VARIABLES_MAX);
	variables[variable_count++] = (struct variable){name, value};
}

/* := or = of a pipeline's variable number INDEX. */
static void assign(const struct pipe *pipe, size_t index, json_t *value)
{
	if (pipe->declares) {
		push(pipe->variables[index], value);
		return;
	}
	for (size_t i = variable_count; i-- > 0;)
		if (!strcmp(variables[i].name, pipe->variables[index])) {
			variables[i].value = value;
			return;
		}
}

/* The value of a pipeline, without its variables. */
static json_t *run_commands(const struct pipe *pipe, json_t *dot)
{
	json_t *value = NULL;

	for (const struct command *command = pipe->commands; command && !execute_error.size;
	     command = command->next)
		value = run_command(command, dot, value);
	return value ? value : json_null();
}

static json_t *run_pipe(const struct pipe *pipe, json_t *dot)
{
	json_t *value = run_commands(pipe, dot);

	if (pipe->variable_count)
		assign(pipe, 0, value);
	return value;
}

/* ---- nodes ---- */

enum flow { GOES_ON, BREAKS, CONTINUES };

static enum flow run_nodes(const struct node *node, json_t *dot, struct text *out);

/* The value of an action as text. */
static void print_action(struct text *out, json_t *value)
{
	struct text text = {0};

	if (!show_controls) {
		print_value(out, value);
		return;
	}
	print_value(&text, value);
	for (const char *at = text.data, *end = at + text.size; at < end;) {
		const char *start = at;
		uint32_t character = utf8_take(&at, end);

		bool broken = character == 0xfffd && at - start == 1;
		if (!broken && !harmful(character, "\t\n"))
			text_add(out, start, (size_t)(at - start));
		else if (broken || character < 0x80)
			text_printf(out, "\\x%02x", (unsigned char)*start);
		else
			text_printf(out, "\\u%04x", (unsigned)character);
	}
	free(text.data);
}

/* One turn of a loop. False when it is the last. */
static bool turn(const struct node *node, json_t *key, json_t *value, struct text *out)
{
	const struct pipe *pipe = node->pipe;
	size_t mark = variable_count;

	if (pipe->variable_count == 2)
		assign(pipe, 0, key);
	if (pipe->variable_count)
		assign(pipe, pipe->variable_count - 1, value);
	enum flow flow = run_nodes(node->body, value, out);
	variable_count = mark;
	return flow != BREAKS && !execute_error.size;
}

static void run_range(const struct node *node, json_t *dot, struct text *out)
{
	json_t *over = run_commands(node->pipe, dot);
	size_t count = 0;

	if (json_is_array(over)) {
		count = json_array_size(over);
		for (size_t i = 0; i < count; i++)
			if (!turn(node, keep(json_integer((json_int_t)i)), json_array_get(over, i),
				  out))
				break;
	} else if (json_is_object(over)) {
		const char **keys = sorted_keys(over, &count);

		for (size_t i = 0; i < count; i++)
			if (!turn(node, keep(json_string_nocheck(keys[i])),
				  json_object_get(over, keys[i]), out))
				break;
		free(keys);
	} else if (json_is_integer(over)) {
		count = json_integer_value(over) > 0;
		for (json_int_t i = 0; i < json_integer_value(over); i++) {
			json_t *number = keep(json_integer(i));
			if (!turn(node, number, number, out))
				break;
		}
	} else if (!json_is_null(over)) {
		fail("range can't iterate over %s", type_name(over));
	}
	if (!count && !execute_error.size)
		run_nodes(node->otherwise, dot, out);
}

static enum flow run_node(const struct node *node, json_t *dot, struct text *out)
{
	size_t mark = variable_count;
	enum flow flow = GOES_ON;
	json_t *value;

	switch (node->kind) {
	case NODE_TEXT:
		text_add(out, node->text.data, node->text.size);
		return GOES_ON;
	case NODE_BREAK:
		return BREAKS;
	case NODE_CONTINUE:
		return CONTINUES;
	case NODE_ACTION:
		value = run_pipe(node->pipe, dot);
		if (!node->pipe->variable_count && !execute_error.size)
			print_action(out, value);
		return GOES_ON; /* its variables stay */
	case NODE_RANGE:
		run_range(node, dot, out);
		break;
	case NODE_IF:
	case NODE_WITH:
		value = run_pipe(node->pipe, dot);
		if (execute_error.size)
			break;
		if (truth(value))
			flow = run_nodes(node->body, node->kind == NODE_WITH ? value : dot, out);
		else
			flow = run_nodes(node->otherwise, dot, out);
		break;
	}
	variable_count = mark;
	return flow;
}

static enum flow run_nodes(const struct node *node, json_t *dot, struct text *out)
{
	enum flow flow = GOES_ON;

	for (; node && flow == GOES_ON && !execute_error.size; node = node->next)
		flow = run_node(node, dot, out);
	return flow;
}

bool execute(const struct node *template, json_t *value, struct text *out)
{
	execute_error.size = 0;
	variable_count = 0;
	push("", value); /* $ */
	run_nodes(template, value, out);
	while (kept_count)
		json_decref(kept[--kept_count]);
	return !execute_error.size;
}
