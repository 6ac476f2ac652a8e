/* Platforms: os/arch or os/arch/variant, and which machine runs what. */
#define _GNU_SOURCE
#include "pull.h"

#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

const char *host_platform(void)
{
	static const char *const machines[][2] = {
		{"x86_64", "linux/amd64"},    {"aarch64", "linux/arm64"},
		{"armv7l", "linux/arm/v7"},   {"armv6l", "linux/arm/v6"},
		{"i386", "linux/386"},	      {"i486", "linux/386"},
		{"i586", "linux/386"},	      {"i686", "linux/386"},
		{"ppc64le", "linux/ppc64le"}, {"s390x", "linux/s390x"},
		{"riscv64", "linux/riscv64"}, {"loongarch64", "linux/loong64"},
	};
	static char other[80];
	struct utsname name;

	if (uname(&name))
		die("uname:");
	for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
		if (!strcmp(name.machine, machines[i][0]))
			return machines[i][1];
	snprintf(other, sizeof other, "linux/%s", name.machine);
	return other;
}

void check_platform(const char *platform)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	const char *rest = platform;
	size_t parts = 0, length;

	for (;; rest++) {
		length = strspn(rest, letters);
		rest += length;
		parts++;
		if (!length || *rest != '/')
			break;
	}
	if (!length || *rest || parts < 2 || parts > 3)
		usage_error("not a platform: '%s': os/arch[/variant], such as linux/arm64",
			    platform);
}

/* The N of a variant "vN"; what it is when not written; -1 for other words. */
static int variant_number(const char *architecture, const char *variant)
{
	uint64_t number;

	if (*variant)
		return *variant == 'v' && is_number(variant + 1, 1, 99, &number) ? (int)number : -1;
	if (!strcmp(architecture, "arm"))
		return 7;
	return !strcmp(architecture, "arm64") ? 8 : 1;
}

int platform_rank(const json_t *platform, const char *wanted)
{
	const char *os = string_member("platform", platform, "os");
	const char *architecture = string_member("platform", platform, "architecture");
	const char *variant = string_member("platform", platform, "variant");

	if (!os || !architecture)
		return 0;
	char *both = xasprintf("%s/%s", os, architecture);
	size_t length = strlen(both);
	int rank = 0;
	if (!strncmp(wanted, both, length) && (!wanted[length] || wanted[length] == '/')) {
		const char *wanted_variant = wanted[length] ? wanted + length + 1 : "";
		int want = variant_number(architecture, wanted_variant);
		int have = variant_number(architecture, variant ? variant : "");
		if (!strcmp(wanted_variant, variant ? variant : ""))
			rank = 1000;
		else if (have > 0 && have <= want)
			rank = have;
	}
	free(both);
	return rank;
}
