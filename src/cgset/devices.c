/*
 * Which devices a group may use. v1 has a controller for it. In v2 a BPF program
 * of type CGROUP_DEVICE, attached to the group, is asked at each mknod and open.
 */
#define _GNU_SOURCE
#include "cgset.h"
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DEVICE_MAX = 0xfffff, ACCESS_ALL = 7 };

/*
 * What Docker's containers may use: any node may be made, and these used: null,
 * zero, full, random, urandom, tty, console, ptmx, the ptys, tun.
 */
static const char *const usual_rules[] = {
	"c *:* m",   "b *:* m",	  "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm",   "c 1:8 rwm",
	"c 1:9 rwm", "c 5:0 rwm", "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm", "c 10:200 rwm",
};

/* ---- rules as text ---- */

/* Take a number or "*" off the front of *TEXT; false if there is none. */
static bool take_number(const char **text, int *number)
{
	char digits[8];
	size_t length = strspn(*text, "0123456789");
	uint64_t value;

	*number = -1;
	if (**text == '*') {
		++*text;
		return true;
	}
	if (length >= sizeof digits)
		return false;
	memcpy(digits, *text, length);
	digits[length] = '\0';
	*text += length;
	if (!is_number(digits, 0, DEVICE_MAX, &value))
		return false;
	*number = (int)value;
	return true;
}

/* Parse "TYPE MAJOR:MINOR ACCESS", or "a" for everything; false if it is not that. */
static bool parse_rule(const char *text, struct device_rule *rule)
{
	*rule = (struct device_rule){'a', -1, -1, ACCESS_ALL};
	if (!strcmp(text, "a") || !strcmp(text, "a *:* rwm"))
		return true;
	if ((*text != 'b' && *text != 'c') || text[1] != ' ')
		return false;
	rule->type = *text;
	rule->access = 0;
	text += 2;
	if (!take_number(&text, &rule->major) || *text++ != ':' ||
	    !take_number(&text, &rule->minor) || *text++ != ' ')
		return false;
	for (; *text; text++) {
		static const char letters[] = "mrw"; /* in the order of BPF_DEVCG_ACC_* */
		const char *letter = strchr(letters, *text);
		if (!letter || rule->access & 1U << (letter - letters))
			return false;
		rule->access |= 1U << (letter - letters);
	}
	return rule->access;
}

void add_device_rules(struct device_rule **rules, size_t *count, const char *text)
{
	const size_t usual = sizeof usual_rules / sizeof *usual_rules;
	struct device_rule rule;

	if (!strcmp(text, "default")) {
		for (size_t i = 0; i < usual; i++)
			add_device_rules(rules, count, usual_rules[i]);
		return;
	}
	if (!parse_rule(text, &rule))
		die_hint("TYPE MAJOR:MINOR ACCESS: b or c; numbers or *; some of rwm. Or: a; or: "
			 "default",
			 "--device: not a rule such as 'c 1:3 rwm': '%s'", text);
	*rules = xrealloc(*rules, (*count + 1) * sizeof **rules);
	(*rules)[(*count)++] = rule;
}

/* ---- v1 ---- */

/* RULE as devices.allow wants it. */
static void format_rule(char *text, size_t size, const struct device_rule *rule)
{
	char major[16] = "*", minor[16] = "*";

	if (rule->major >= 0)
		snprintf(major, sizeof major, "%d", rule->major);
	if (rule->minor >= 0)
		snprintf(minor, sizeof minor, "%d", rule->minor);
	snprintf(text, size, "%c %s:%s %s%s%s", rule->type, major, minor,
		 rule->access & BPF_DEVCG_ACC_READ ? "r" : "",
		 rule->access & BPF_DEVCG_ACC_WRITE ? "w" : "",
		 rule->access & BPF_DEVCG_ACC_MKNOD ? "m" : "");
}

static void limit_v1(const struct directory *directory, const struct device_rule *rules,
		     size_t count)
{
	char *name = xasprintf("%s/devices.allow", directory->path), text[64];
	int allow = open(name, O_WRONLY | O_CLOEXEC);

	put_value(directory, "devices.deny", "a");
	for (size_t i = 0; i < count; i++) {
		format_rule(text, sizeof text, &rules[i]);
		if (write(allow, text, strlen(text)) < 0)
			put_value(directory, "devices.allow", "%s",
				  text); /* fails again, and says why */
	}
	close(allow);
	free(name);
}

/* ---- v2 ---- */

enum { R0, R1, R2, R3, R4, R5, INSTRUCTIONS_A_RULE = 8 };

struct program {
	struct bpf_insn *code;
	size_t length;
};

static void emit(struct program *program, struct bpf_insn instruction)
{
	program->code[program->length++] = instruction;
}

/* Load the 32-bit word at OFFSET of the context, which is in R1. */
static void emit_load(struct program *program, uint8_t to, size_t offset)
{
	emit(program, (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_W,
					.dst_reg = to,
					.src_reg = R1,
					.off = (int16_t)offset});
}

/* REGISTER = REGISTER operation VALUE, in 32 bits. */
static void emit_operation(struct program *program, uint8_t operation, uint8_t reg, int value)
{
	emit(program, (struct bpf_insn){.code = (uint8_t)(BPF_ALU | operation | BPF_K),
					.dst_reg = reg,
					.imm = value});
}

/* Leave the rule that ends at END unless REGISTER is VALUE. */
static void emit_unless(struct program *program, uint8_t reg, int value, size_t end)
{
	emit(program, (struct bpf_insn){.code = BPF_JMP | BPF_JNE | BPF_K,
					.dst_reg = reg,
					.off = (int16_t)(end - program->length - 1),
					.imm = value});
}

static void emit_return(struct program *program, int value)
{
	emit_operation(program, BPF_MOV, R0, value);
	emit(program, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

/* "If it is this device and nothing but this access, allow": R2 to R5 hold the question. */
static void emit_rule(struct program *program, const struct device_rule *rule)
{
	bool some = rule->access != ACCESS_ALL;
	/* Where the next rule begins: the tests below, and two instructions to return. */
	size_t end = program->length + 2 + (rule->type != 'a') + (rule->major >= 0) +
		     (rule->minor >= 0) + (some ? 3 : 0);

	if (rule->type != 'a')
		emit_unless(program, R2,
			    rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR, end);
	if (rule->major >= 0)
		emit_unless(program, R4, rule->major, end);
	if (rule->minor >= 0)
		emit_unless(program, R5, rule->minor, end);
	if (some) {
		emit(program, (struct bpf_insn){.code = BPF_ALU | BPF_MOV | BPF_X,
						.dst_reg = R0,
						.src_reg = R3});
		emit_operation(program, BPF_AND, R0, (int)(~rule->access & ACCESS_ALL));
		emit_unless(program, R0, 0, end);
	}
	emit_return(program, 1);
}

/* The whole program: take the question apart, then one rule after the other. */
static struct program compile(const struct device_rule *rules, size_t count)
{
	struct program program = {
		.code = xmalloc((count * INSTRUCTIONS_A_RULE + 8) * sizeof *program.code)};

	/* access_type is the access in the upper, the type in the lower half. */
	emit_load(&program, R2, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	emit(&program,
	     (struct bpf_insn){.code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = R3, .src_reg = R2});
	emit_operation(&program, BPF_AND, R2, 0xffff);
	emit_operation(&program, BPF_RSH, R3, 16);
	emit_load(&program, R4, offsetof(struct bpf_cgroup_dev_ctx, major));
	emit_load(&program, R5, offsetof(struct bpf_cgroup_dev_ctx, minor));
	for (size_t i = 0; i < count; i++) {
		emit_rule(&program, &rules[i]);
		if (rules[i].type == 'a')
			return program; /* the verifier refuses code that is never reached */
	}
	emit_return(&program, 0);
	return program;
}

static int bpf(int command, union bpf_attr *attributes)
{
	return (int)syscall(SYS_bpf, command, attributes, sizeof *attributes);
}

/* Detach the COUNT programs with these ids from the group open as GROUP. */
static void detach(int group, const uint32_t *ids, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		union bpf_attr by_id = {.prog_id = ids[i]};
		int old = bpf(BPF_PROG_GET_FD_BY_ID, &by_id);
		union bpf_attr attributes = {.target_fd = (uint32_t)group,
					     .attach_bpf_fd = (uint32_t)old,
					     .attach_type = BPF_CGROUP_DEVICE};
		if (old < 0 || bpf(BPF_PROG_DETACH, &attributes))
			die("detach the old device program:");
		close(old);
	}
}

static void limit_v2(const struct directory *directory, const struct device_rule *rules,
		     size_t count)
{
	struct program program = compile(rules, count);
	uint32_t old[64];
	union bpf_attr load = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
			       .insns = (uint64_t)(uintptr_t)program.code,
			       .insn_cnt = (uint32_t)program.length,
			       .license = (uint64_t)(uintptr_t) ""};
	int group = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int loaded = bpf(BPF_PROG_LOAD, &load);
	union bpf_attr query = {.query = {.target_fd = (uint32_t)group,
					  .attach_type = BPF_CGROUP_DEVICE,
					  .prog_ids = (uint64_t)(uintptr_t)old,
					  .prog_cnt = sizeof old / sizeof *old}};
	union bpf_attr attach = {.target_fd = (uint32_t)group,
				 .attach_bpf_fd = (uint32_t)loaded,
				 .attach_type = BPF_CGROUP_DEVICE,
				 .attach_flags = BPF_F_ALLOW_MULTI};

	if (group < 0)
		die("%s:", directory->path);
	if (loaded < 0)
		die_hint("needs root (CAP_BPF, CAP_NET_ADMIN) and a kernel with CONFIG_CGROUP_BPF",
			 "load the device program:");
	/* All programs of a group must agree: the old ones must go, after the new one is there. */
	if (!directory->made && bpf(BPF_PROG_QUERY, &query))
		die("%s: look for device programs:", directory->path);
	if (bpf(BPF_PROG_ATTACH, &attach))
		die("%s: attach the device program:", directory->path);
	detach(group, old, directory->made ? 0 : query.query.prog_cnt);
	close(loaded);
	close(group);
	free(program.code);
}

void limit_devices(struct group *group, const struct device_rule *rules, size_t count)
{
	const struct directory *directory = with_controller(group, DEVICES);

	if (directory)
		limit_v1(directory, rules, count);
	else if ((directory = unified_directory(group)))
		limit_v2(directory, rules, count);
	else
		die("--device: this host has no devices controller");
}
