/*
 * layerfs: a layer of an image is a tar archive on its way and a directory at
 * rest. Unpack the one into the other, stack directories with overlayfs, make
 * the writable directory on top into an archive again.
 */
#include "layerfs.h"
#include "common.h"
#include "input.h"

#include <string.h>

static const char usage[] =
	"usage: layerfs unpack [-d DIGEST] [-f FILE [-F]] [-a | -b | -l DIR...] [-m SIZE]\n"
	"                      [-n COUNT] TARGET\n"
	"       layerfs stack (-f N | -a DIR) [-i I:O:COUNT]... [-u UPPER -w WORK] [-r]\n"
	"                     LAYER... [-- COMMAND...]\n"
	"       layerfs diff [-l DIR]... [-x PATH]... UPPER\n"
	"       layerfs changes [-l DIR]... [-x PATH]... UPPER\n"
	"       layerfs chain-id [DIFF-ID]...\n"
	"       layerfs ls [-0s] [-l LOWER]... LAYER | -f FILE\n"
	"       layerfs tree [-0s] [-d DEPTH] LAYER...\n"
	"       layerfs waste [-0s] [-m SIZE] LAYER...\n"
	"       layerfs compare [-0s] LAYER... -- LAYER...\n"
	"\n"
	"unpack    make TARGET the layer that the archive on standard input holds, in\n"
	"          overlay form; print its DiffID and size\n"
	"stack     mount LAYERs (base first) as one file system\n"
	"diff      write the directory UPPER as a layer archive to standard output\n"
	"changes   list what UPPER has added (A), changed (C) and deleted (D)\n"
	"chain-id  print the ChainIDs of DiffIDs (arguments or lines, base first)\n"
	"ls        list what a layer adds, changes and deletes\n"
	"tree      count bytes and files of layers, by directory\n"
	"waste     list bytes of layers that layers above make useless\n"
	"compare   list how what two stacks show differs\n"
	"\n"
	"'layerfs VERB -h' tells the options of a verb.\n";

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} verbs[] = {
		{"unpack", unpack_main},   {"stack", stack_main},	{"diff", diff_main},
		{"changes", changes_main}, {"chain-id", chain_id_main}, {"ls", ls_main},
		{"tree", tree_main},	   {"waste", waste_main},	{"compare", compare_main},
	};

	tool = "layerfs";
	if (argc < 2)
		usage_error("no verb");
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))
		help(usage);
	if (!strcmp(argv[1], "unpack"))
		gzip_become(argv);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (!strcmp(argv[1], verbs[i].name))
			return verbs[i].run(argc - 1, argv + 1);
	usage_error("no such verb: %s", argv[1]);
}
