/*
 * From rules to the seccomp object of an OCI bundle, config-linux.md of the runtime specification.
 *
 * The runtime hands it to libseccomp, which knows less than our profiles say: it has no order of
 * rules, compares each argument once a rule, and all 64 bits of it. So what a rule covers is taken
 * apart into cubes: for each argument, bits that have to be 0 or 1, which is one masked comparison.
 * Each rule gets the cubes that those before it have left over; so no two cubes of a system call
 * overlap, and their order does not matter.
 */
#define _GNU_SOURCE
#include "seccomp-compile.h"

#include "common.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGUMENTS = 6, MAX_CUBES = 4096 };

/* All calls whose arguments have VALUE in the bits of MASK. */
struct cube {
	uint64_t mask[ARGUMENTS], value[ARGUMENTS];
};

struct cubes {
	struct cube *at;
	size_t count;
};

static void add_cube(struct cubes *cubes, const struct cube *cube)
{
	if (cubes->count == MAX_CUBES)
		die("the conditions on one system call are too many for an OCI runtime");
	if (!(cubes->count & (cubes->count - 1)))
		cubes->at = xrealloc(cubes->at, (2 * cubes->count + 1) * sizeof *cubes->at);
	cubes->at[cubes->count++] = *cube;
}

/* What is in A and in B; false if that is nothing. */
static bool intersect(const struct cube *a, const struct cube *b, struct cube *both)
{
	for (size_t i = 0; i < ARGUMENTS; i++) {
		if ((a->value[i] ^ b->value[i]) & a->mask[i] & b->mask[i])
			return false;
		both->mask[i] = a->mask[i] | b->mask[i];
		both->value[i] = a->value[i] | b->value[i];
	}
	return true;
}

/* Add what is in A, but not in B: a cube for each bit in which it can differ first. */
static void add_difference(struct cubes *cubes, const struct cube *a, const struct cube *b)
{
	struct cube rest = *a, both;

	if (!intersect(a, b, &both)) {
		add_cube(cubes, a);
		return;
	}
	for (size_t i = 0; i < ARGUMENTS; i++) {
		for (uint64_t bit = UINT64_C(1) << 63; bit; bit >>= 1) {
			if (!(b->mask[i] & bit) || rest.mask[i] & bit)
				continue;
			rest.mask[i] |= bit;
			rest.value[i] |= ~b->value[i] & bit;
			add_cube(cubes, &rest);
			rest.value[i] ^= bit;
		}
	}
}

/*
 * The cubes of CONDITION: of what is below its value or above it, one for each bit that can
 * be the first to differ; of what is equal to it, one.
 */
static struct cubes condition_cubes(const struct condition *condition)
{
	/* What is below a value matches none of the comparisons, unless they are negated. */
	const bool want_below = condition->negated;
	const bool want_equal = (condition->comparison != GREATER) != condition->negated;
	const bool want_above = (condition->comparison != EQUAL) != condition->negated;
	struct cubes cubes = {NULL, 0};
	struct cube cube = {{0}, {0}};
	uint64_t *mask = &cube.mask[condition->argument];
	uint64_t *value = &cube.value[condition->argument];

	for (uint64_t bit = UINT64_C(1) << (condition->wide ? 63 : 31); bit; bit >>= 1) {
		uint64_t want = condition->value & bit;

		if (!(condition->mask & bit)) {
			if (!want)
				continue;
			/* The argument has a 0 there: it is below, whatever follows. */
			if (want_below)
				add_cube(&cubes, &cube);
			return cubes;
		}
		*mask |= bit;
		if (want ? want_below : want_above) {
			*value |= want ^ bit;
			add_cube(&cubes, &cube);
			*value &= ~bit;
		}
		*value |= want;
	}
	if (want_equal)
		add_cube(&cubes, &cube);
	return cubes;
}

/* All of LEFT with all of RIGHT: what is in both. */
static struct cubes product(const struct cubes *left, const struct cubes *right)
{
	struct cubes result = {NULL, 0};
	struct cube both;

	for (size_t i = 0; i < left->count; i++)
		for (size_t n = 0; n < right->count; n++)
			if (intersect(&left->at[i], &right->at[n], &both))
				add_cube(&result, &both);
	return result;
}

static struct cubes difference(const struct cubes *left, const struct cube *cube)
{
	struct cubes result = {NULL, 0};

	for (size_t i = 0; i < left->count; i++)
		add_difference(&result, &left->at[i], cube);
	return result;
}

/* Put NEXT in the place of *CUBES. */
static void replace(struct cubes *cubes, struct cubes next)
{
	free(cubes->at);
	*cubes = next;
}

static bool has_name(const struct line *line, const char *name)
{
	for (size_t i = 0; i < line->name_count; i++)
		if (!strcmp(line->names[i], name))
			return true;
	return false;
}

/* ---- writing ---- */

/* A "," before each rule but the first. */
static const char *before_rule = "";

static void write_action(const char *name, const char *errno_name, uint32_t action)
{
	static const struct {
		uint32_t action;
		const char *name;
	} known[] = {
		{SECCOMP_RET_ALLOW, "SCMP_ACT_ALLOW"},
		{SECCOMP_RET_KILL_PROCESS, "SCMP_ACT_KILL_PROCESS"},
		{SECCOMP_RET_TRAP, "SCMP_ACT_TRAP"},
		{SECCOMP_RET_LOG, "SCMP_ACT_LOG"},
		{SECCOMP_RET_ERRNO, "SCMP_ACT_ERRNO"},
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if ((action & SECCOMP_RET_ACTION_FULL) == known[i].action)
			printf("\"%s\": \"%s\"", name, known[i].name);
	if ((action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
		printf(", \"%s\": %u", errno_name, action & SECCOMP_RET_DATA);
}

/*
 * One argument's bits. The same rules are for 32-bit programs, for which libseccomp forgets the
 * high halves: a rule about them would be one about every call there.
 */
static void write_comparison(size_t argument, uint64_t mask, uint64_t value, const char *name)
{
	if (value > UINT32_MAX || (mask > UINT32_MAX && mask != UINT64_MAX))
		die_hint("an int, such as int0, is compared in the low 32 bits only",
			 "%s: an OCI runtime cannot be told how to compare 64 bits of arg%zu", name,
			 argument);
	if (mask == UINT64_MAX)
		printf("{\"index\": %zu, \"value\": %ju, \"op\": \"SCMP_CMP_EQ\"}", argument,
		       (uintmax_t)value);
	else
		printf("{\"index\": %zu, \"value\": %ju, \"valueTwo\": %ju, \"op\": "
		       "\"SCMP_CMP_MASKED_EQ\"}",
		       argument, (uintmax_t)mask, (uintmax_t)value);
}

static void write_rule(const char *name, uint32_t action, const struct cube *cube)
{
	const char *separator = ", \"args\": [";
	bool has_arguments = false;

	printf("%s\n\t{\"names\": [\"%s\"], ", before_rule, name);
	before_rule = ",";
	write_action("action", "errnoRet", action);
	for (size_t i = 0; i < ARGUMENTS; i++) {
		if (!cube->mask[i])
			continue;
		printf("%s", separator);
		write_comparison(i, cube->mask[i], cube->value[i], name);
		separator = ", ";
		has_arguments = true;
	}
	printf("%s}", has_arguments ? "]" : "");
}

/*
 * The rules for NAME. One that says nothing but the default is written as that, once: from the
 * names the runtime learns which system calls are too new for the profile, and answers ENOSYS to
 * those.
 */
static void write_rules(const struct profile *profile, const char *name)
{
	const struct cube all = {{0}, {0}};
	struct cubes rest = {NULL, 0};
	bool written = false;

	add_cube(&rest, &all);
	for (size_t i = 0; i < profile->line_count; i++) {
		const struct line *line = &profile->lines[i];
		const struct rule *rule = &line->rule;
		struct cubes covered = {NULL, 0};

		if (!line->applies || !has_name(line, name))
			continue;
		add_cube(&covered, &all);
		for (size_t n = 0; n < rule->condition_count; n++) {
			struct cubes more = condition_cubes(&rule->conditions[n]);
			replace(&covered, product(&covered, &more));
			free(more.at);
		}
		struct cubes here = product(&rest, &covered);
		for (size_t n = 0; n < here.count && rule->action != profile->default_action; n++) {
			write_rule(name, rule->action, &here.at[n]);
			written = true;
		}
		free(here.at);
		for (size_t n = 0; n < covered.count; n++)
			replace(&rest, difference(&rest, &covered.at[n]));
		free(covered.at);
	}
	free(rest.at);
	if (!written)
		write_rule(name, profile->default_action, &all);
}

/* Is NAME, of LINE, in one of the lines before it, or in that twice? */
static bool is_repeated(const struct profile *profile, const struct line *line, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (!strcmp(line->names[i], line->names[index]))
			return true;
	for (const struct line *other = profile->lines; other < line; other++)
		if (has_name(other, line->names[index]))
			return true;
	return false;
}

void write_oci(const struct profile *profile)
{
	const bool is_arm = seccomp_arch_native() == SCMP_ARCH_AARCH64;

	printf("{\n");
	write_action("defaultAction", "defaultErrnoRet", profile->default_action);
	printf(",\n\"architectures\": [%s],\n\"syscalls\": [",
	       is_arm ? "\"SCMP_ARCH_AARCH64\", \"SCMP_ARCH_ARM\""
		      : "\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_X86\"");
	for (size_t i = 0; i < profile->line_count; i++) {
		const struct line *line = &profile->lines[i];
		for (size_t n = 0; n < line->name_count; n++)
			if (!is_repeated(profile, line, n) && is_system_call(line->names[n]))
				write_rules(profile, line->names[n]);
	}
	printf("]\n}\n");
	close_stdout();
}
