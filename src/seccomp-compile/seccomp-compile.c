/* seccomp-compile: from a readable list of system calls to a filter for the kernel. */
#define _GNU_SOURCE
#include "seccomp-compile.h"

#include "capability.h"
#include "common.h"

#include <fcntl.h>
#include <getopt.h>

static const char usage[] =
	"usage: seccomp-compile [options] PROFILE >FILTER\n"
	"Compile a profile of system calls into a filter for lockdown --seccomp.\n"
	"\n"
	"      --cap-add NAME   as if the process had this capability too, or ALL\n"
	"      --cap-drop NAME  as if it did not have this one of the default ones, or ALL\n"
	"      --oci            write JSON for an OCI runtime such as runc instead\n"
	"  -h, --help           print this\n"
	"\n"
	"Without options the filter is for the default capabilities of lockdown.\n";

enum { MAX_BYTES = 1 << 20, OPTION_CAP_ADD = 256, OPTION_CAP_DROP, OPTION_OCI };

static const struct option long_options[] = {
	{"cap-add", required_argument, NULL, OPTION_CAP_ADD},
	{"cap-drop", required_argument, NULL, OPTION_CAP_DROP},
	{"oci", no_argument, NULL, OPTION_OCI},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

int main(int argc, char *argv[])
{
	/* Static: reachable to the end, so that nothing of it counts as leaked. */
	static struct profile profile;
	static char *text;
	uint64_t add = 0, drop = 0;
	bool oci = false;
	int option;

	tool = "seccomp-compile";
	while ((option = getopt_long(argc, argv, "+h", long_options, NULL)) != -1) {
		if (option == OPTION_CAP_ADD)
			add |= capability_mask(optarg);
		else if (option == OPTION_CAP_DROP)
			drop |= capability_mask(optarg);
		else if (option == OPTION_OCI)
			oci = true;
		else if (option == 'h')
			help(usage);
		else
			usage_error("wrong option");
	}
	if (argc - optind != 1)
		usage_error("one PROFILE is needed");

	const char *file = argv[optind];
	text = read_all(open_argument(file, O_RDONLY), MAX_BYTES, NULL, file);
	parse_profile(text, file, capability_set(add, drop), &profile);
	if (oci)
		write_oci(&profile);
	else
		write_filter(&profile);
	return 0;
}
