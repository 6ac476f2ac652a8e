/*
 * From rules to a program for the kernel's classic BPF machine, seccomp(2).
 *
 * The kernel runs the program at every system call, so it is a binary search
 * over the numbers. Neighbours that are treated alike are one range: some 60
 * ranges, 6 comparisons. Programs that only look at the number get even less:
 * for those the kernel (from 5.11) keeps the answer in a bitmap.
 */
#define _GNU_SOURCE
#include "seccomp-compile.h"

#include "common.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* x86-64 programs of the x32 ABI mark their numbers; no table of ours is for them. */
#define X32_BIT 0x40000000U
/* Above this there are only ARM's private system calls, from 0xf0001. */
#define END_OF_TABLE 0x8000U

/* A machine's two tables: its own, and that of its 32-bit programs. */
static const struct architecture {
	uint32_t token; /* libseccomp's */
	uint32_t audit; /* the kernel's, in struct seccomp_data */
} architectures[][2] = {
	{{SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64}, {SCMP_ARCH_X86, AUDIT_ARCH_I386}},
	{{SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64}, {SCMP_ARCH_ARM, AUDIT_ARCH_ARM}},
};

/*
 * Numbers that libseccomp does not have: system calls newer than itself, which
 * have one number everywhere, and those of i386 that it knows only as parts of
 * socketcall(2) and ipc(2).
 */
static const struct {
	const char *name;
	uint32_t token; /* 0: all */
	uint32_t number;
} more_numbers[] = {
	{"uretprobe", SCMP_ARCH_X86_64, 335},
	{"cachestat", 0, 451},
	{"fchmodat2", 0, 452},
	{"map_shadow_stack", 0, 453},
	{"futex_wake", 0, 454},
	{"futex_wait", 0, 455},
	{"futex_requeue", 0, 456},
	{"statmount", 0, 457},
	{"listmount", 0, 458},
	{"lsm_get_self_attr", 0, 459},
	{"lsm_set_self_attr", 0, 460},
	{"lsm_list_modules", 0, 461},
	{"mseal", 0, 462},
	{"setxattrat", 0, 463},
	{"getxattrat", 0, 464},
	{"listxattrat", 0, 465},
	{"removexattrat", 0, 466},
	{"open_tree_attr", 0, 467},
	{"recvmmsg", SCMP_ARCH_X86, 337},
	{"sendmmsg", SCMP_ARCH_X86, 345},
	{"socket", SCMP_ARCH_X86, 359},
	{"socketpair", SCMP_ARCH_X86, 360},
	{"bind", SCMP_ARCH_X86, 361},
	{"connect", SCMP_ARCH_X86, 362},
	{"listen", SCMP_ARCH_X86, 363},
	{"accept4", SCMP_ARCH_X86, 364},
	{"getsockopt", SCMP_ARCH_X86, 365},
	{"setsockopt", SCMP_ARCH_X86, 366},
	{"getsockname", SCMP_ARCH_X86, 367},
	{"getpeername", SCMP_ARCH_X86, 368},
	{"sendto", SCMP_ARCH_X86, 369},
	{"sendmsg", SCMP_ARCH_X86, 370},
	{"recvfrom", SCMP_ARCH_X86, 371},
	{"recvmsg", SCMP_ARCH_X86, 372},
	{"shutdown", SCMP_ARCH_X86, 373},
	{"semget", SCMP_ARCH_X86, 393},
	{"semctl", SCMP_ARCH_X86, 394},
	{"shmget", SCMP_ARCH_X86, 395},
	{"shmctl", SCMP_ARCH_X86, 396},
	{"shmat", SCMP_ARCH_X86, 397},
	{"shmdt", SCMP_ARCH_X86, 398},
	{"msgget", SCMP_ARCH_X86, 399},
	{"msgsnd", SCMP_ARCH_X86, 400},
	{"msgrcv", SCMP_ARCH_X86, 401},
	{"msgctl", SCMP_ARCH_X86, 402},
};

/* ---- the program ---- */

static struct sock_filter program[BPF_MAXINSNS];
static size_t length;

static void emit(uint16_t code, uint32_t value, uint8_t if_true, uint8_t if_false)
{
	if (length == BPF_MAXINSNS)
		die("the filter gets longer than %d instructions, the kernel's limit",
		    BPF_MAXINSNS);
	program[length++] = (struct sock_filter){code, if_true, if_false, value};
}

static void emit_load(size_t offset)
{
	emit(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void emit_return(uint32_t action)
{
	emit(BPF_RET | BPF_K, action, 0, 0);
}

/*
 * Make room at AT for "if not CODE VALUE, jump over all that was emitted from AT
 * on". Conditional jumps reach 255 instructions, unconditional ones any.
 */
static void insert_jump_over(size_t at, uint16_t code, uint32_t value)
{
	size_t over = length - at;
	size_t room = over > UINT8_MAX ? 2 : 1;

	for (size_t i = 0; i < room; i++)
		emit_return(0);
	/* Jumps count from where they are: code that leaves nowhere may move. */
	memmove(program + at + room, program + at, over * sizeof *program);
	if (room == 1) {
		program[at] = (struct sock_filter){code, 0, (uint8_t)over, value};
	} else {
		program[at] = (struct sock_filter){code, 1, 0, value};
		program[at + 1] = (struct sock_filter){BPF_JMP | BPF_JA, 0, 0, (uint32_t)over};
	}
}

/* ---- conditions ---- */

/* Where jumps of a condition go, until it is known how far that is. */
enum { HOLDS = 254, FAILS = 255 };

/* From FIRST on, let jumps that go to PLACE go to the end of the program. */
static void land(size_t first, uint8_t place)
{
	for (size_t i = first; i < length; i++) {
		if (BPF_CLASS(program[i].code) != BPF_JMP)
			continue;
		if (program[i].jt == place)
			program[i].jt = (uint8_t)(length - i - 1);
		if (program[i].jf == place)
			program[i].jf = (uint8_t)(length - i - 1);
	}
}

/* Load one half of an argument; all machines here are little-endian. */
static void emit_load_argument(const struct condition *condition, bool high)
{
	uint32_t mask = (uint32_t)(condition->mask >> (high ? 32 : 0));

	emit_load(offsetof(struct seccomp_data, args) + condition->argument * sizeof(uint64_t) +
		  (high ? sizeof(uint32_t) : 0));
	if (mask != UINT32_MAX)
		emit(BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
}

static void emit_condition(const struct condition *condition)
{
	static const uint16_t codes[] = {
		[EQUAL] = BPF_JMP | BPF_JEQ | BPF_K,
		[GREATER] = BPF_JMP | BPF_JGT | BPF_K,
		[GREATER_OR_EQUAL] = BPF_JMP | BPF_JGE | BPF_K,
	};
	uint8_t yes = condition->negated ? FAILS : HOLDS, no = condition->negated ? HOLDS : FAILS;
	uint32_t high = (uint32_t)(condition->value >> 32), low = (uint32_t)condition->value;
	size_t first = length;

	if (condition->wide) {
		/* The high halves decide unless they are equal. */
		emit_load_argument(condition, true);
		if (condition->comparison != EQUAL)
			emit(codes[GREATER], high, yes, 0);
		emit(codes[EQUAL], high, 0, no);
	}
	emit_load_argument(condition, false);
	emit(codes[condition->comparison], low, yes, no);
	land(first, HOLDS);
}

/* ---- one system call table ---- */

/* System call NUMBER is in LINE; sorted by number, then in the order of the text. */
struct entry {
	uint32_t number;
	const struct line *line;
};

/* From NUMBER on to the next range: the rules of ENTRIES, then ACTION. */
struct range {
	uint32_t number, action;
	const struct entry *entries;
	size_t count;
};

struct table {
	struct entry *entries;
	size_t entry_count;
	struct range *ranges;
	size_t range_count;
	uint32_t newest; /* number that the profile names, whatever it says of it */
};

/* Number of NAME in a table: false if it has none. */
static bool find_number(const char *name, uint32_t token, uint32_t *number)
{
	int found = seccomp_syscall_resolve_name_arch(token, name);
	bool known = found != __NR_SCMP_ERROR;

	/* Below zero libseccomp counts names that other tables have. */
	if (found >= 0) {
		*number = (uint32_t)found;
		return true;
	}
	for (size_t i = 0; i < sizeof more_numbers / sizeof *more_numbers; i++) {
		if (strcmp(more_numbers[i].name, name) != 0)
			continue;
		known = true;
		*number = more_numbers[i].number;
		if (!more_numbers[i].token || more_numbers[i].token == token)
			return true;
	}
	if (!known && token == seccomp_arch_native())
		warn("unknown system call: %s: left out", name);
	return false;
}

static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return (a->line > b->line) - (a->line < b->line);
}

/* The numbers of the lines that apply; and the newest number of all lines. */
static void collect_entries(const struct profile *profile, uint32_t token, struct table *table)
{
	size_t room = 0;
	uint32_t number;

	for (size_t i = 0; i < profile->line_count; i++)
		room += profile->lines[i].name_count;
	*table = (struct table){.entries = xmalloc(room * sizeof *table->entries)};
	for (size_t i = 0; i < profile->line_count; i++) {
		const struct line *line = &profile->lines[i];
		for (size_t n = 0; n < line->name_count; n++) {
			if (!find_number(line->names[n], token, &number))
				continue;
			if (number < END_OF_TABLE && number > table->newest)
				table->newest = number;
			if (line->applies)
				table->entries[table->entry_count++] = (struct entry){number, line};
		}
	}
	qsort(table->entries, table->entry_count, sizeof *table->entries, compare_entries);
}

/* Begin a range, unless the last one only goes on. */
static void add_range(struct table *table, struct range range)
{
	if (table->range_count) {
		const struct range *last = &table->ranges[table->range_count - 1];
		if (!last->count && !range.count && last->action == range.action)
			return;
	}
	table->ranges[table->range_count++] = range;
}

/*
 * From number FIRST up to END no rule applies. A system call that did not exist
 * when the profile was written was not refused by anybody: ENOSYS lets a program
 * fall back to an older one, as on an older kernel; EPERM would make it give up.
 */
static void add_gap(struct table *table, uint32_t action, uint32_t first, uint32_t end)
{
	uint32_t newer = table->newest + 1;

	if (first < end && first < newer)
		add_range(table, (struct range){first, action, NULL, 0});
	if (action != SECCOMP_RET_ALLOW && action != SECCOMP_RET_LOG)
		action = SECCOMP_RET_ERRNO | ENOSYS;
	if (first < end && newer < end)
		add_range(table, (struct range){first > newer ? first : newer, action, NULL, 0});
}

static void make_ranges(uint32_t otherwise, struct table *table)
{
	const struct entry *entry = table->entries, *end = entry + table->entry_count;
	uint32_t next = 0;

	table->ranges = xmalloc((3 * table->entry_count + 2) * sizeof *table->ranges);
	while (entry < end) {
		struct range range = {entry->number, otherwise, entry, 0};

		add_gap(table, otherwise, next, range.number);
		/* Conditional rules up to the first that always applies: those after it never do.
		 */
		for (; entry < end && entry->number == range.number; entry++) {
			if (!entry->line->rule.condition_count) {
				range.action = entry->line->rule.action;
				break;
			}
			range.count++;
		}
		while (entry < end && entry->number == range.number)
			entry++;
		add_range(table, range);
		next = range.number + 1;
	}
	add_gap(table, otherwise, next, UINT32_MAX);
}

/* What to do in one range: each conditional rule in turn, then the rest. */
static void emit_range(const struct range *range)
{
	for (size_t i = 0; i < range->count; i++) {
		const struct rule *rule = &range->entries[i].line->rule;
		size_t first = length;
		for (size_t n = 0; n < rule->condition_count; n++)
			emit_condition(&rule->conditions[n]);
		emit_return(rule->action);
		land(first, FAILS);
	}
	emit_return(range->action);
}

/* Search the number, which is loaded, among COUNT ranges. */
static void emit_search(const struct range *ranges, size_t count)
{
	size_t first = length, half = count / 2;

	if (count == 1) {
		emit_range(ranges);
		return;
	}
	emit_search(ranges + half, count - half);
	insert_jump_over(first, BPF_JMP | BPF_JGE | BPF_K, ranges[half].number);
	emit_search(ranges, half);
}

/* The part of the program for one table, jumped over when the call is not from it. */
static void emit_table(const struct profile *profile, const struct architecture *architecture)
{
	size_t first = length;
	struct table table;

	collect_entries(profile, architecture->token, &table);
	make_ranges(profile->default_action, &table);
	emit_load(offsetof(struct seccomp_data, nr));
	if (architecture->token == SCMP_ARCH_X86_64) {
		emit(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
		emit_return(SECCOMP_RET_ERRNO | ENOSYS);
	}
	emit_search(table.ranges, table.range_count);
	insert_jump_over(first, BPF_JMP | BPF_JEQ | BPF_K, architecture->audit);
	free(table.ranges);
	free(table.entries);
}

/* The two tables of this machine. */
static const struct architecture *native_tables(void)
{
	for (size_t i = 0; i < sizeof architectures / sizeof *architectures; i++)
		if (architectures[i][0].token == seccomp_arch_native())
			return architectures[i];
	die("no system call tables for this machine");
}

bool is_system_call(const char *name)
{
	const struct architecture *pair = native_tables();
	uint32_t number;

	return find_number(name, pair[0].token, &number) ||
	       find_number(name, pair[1].token, &number);
}

void write_filter(const struct profile *profile)
{
	const struct architecture *pair = native_tables();

	/*
	 * The table must be told first: number 59 is execve on x86-64 but oldolduname
	 * on i386, and a 64-bit program can make calls by either.
	 */
	emit_load(offsetof(struct seccomp_data, arch));
	emit_table(profile, &pair[0]);
	emit_table(profile, &pair[1]);
	emit_return(SECCOMP_RET_KILL_PROCESS);
	fwrite(program, sizeof *program, length, stdout);
	close_stdout();
}
