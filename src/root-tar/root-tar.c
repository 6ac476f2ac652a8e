/*
 * root-tar: read or write a tar stream below a root. No name ever leads out of the
 * root, whatever symbolic links are there and whoever renames them meanwhile
 * (CVE-2018-15664): names are looked up by openat2(2) with RESOLVE_IN_ROOT, or part by part.
 *
 * It is static and opens nothing but what it is asked for, so that it can run inside a
 * container that means harm (CVE-2019-14271).
 */
#include "common.h"
#include "tar.h"

#include <string.h>

static const char usage[] =
	"usage: root-tar get [-i] [-L] [-n NAME] ROOT PATH\n"
	"       root-tar put [-c | -p] [-d] [-m MODE] [-o | -O UID:GID] [-s] ROOT DIRECTORY\n"
	"\n"
	"get  write PATH, looked up in the directory ROOT, to standard output as a tar archive\n"
	"put  unpack the archive on standard input into DIRECTORY, looked up in ROOT\n"
	"\n"
	"'root-tar VERB -h' tells the options of a verb. ROOT may be fd:N, a descriptor.\n";

int main(int argc, char **argv)
{
	tool = "root-tar";
	if (argc < 2)
		usage_error("no verb");
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))
		help(usage);
	if (!strcmp(argv[1], "get"))
		return get_main(argc - 1, argv + 1);
	if (!strcmp(argv[1], "put"))
		return put_main(argc - 1, argv + 1);
	usage_error("no such verb: %s", argv[1]);
}
