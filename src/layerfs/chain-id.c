/*
 * A ChainID names a layer together with all layers below it (OCI image-spec,
 * config.md): ChainID(L0) = DiffID(L0), ChainID(Ln) = digest of the text
 * "ChainID(Ln-1) DiffID(Ln)".
 */
#define _GNU_SOURCE
#include "common.h"
#include "layerfs.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "usage: layerfs chain-id [DIFF-ID]...\n"
			    "\n"
			    "Print the ChainID of each DIFF-ID (sha256:HEX, base first; from\n"
			    "standard input, one a line, if there is no argument).\n"
			    "\n"
			    "  -h, --help\n";

/* Extend CHAIN (empty at first) by DIFF_ID and print it. */
static void extend(char chain[static DIGEST_SIZE], const char *diff_id)
{
	char text[2 * DIGEST_SIZE];

	if (!is_digest(diff_id))
		die("not a digest (sha256: and 64 hex digits): '%s'", diff_id);
	if (*chain) {
		int size = snprintf(text, sizeof text, "%s %s", chain, diff_id);
		digest_of(text, (size_t)size, chain);
	} else {
		memcpy(chain, diff_id, DIGEST_SIZE);
	}
	puts(chain);
}

int chain_id_main(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
	char chain[DIGEST_SIZE] = "", *line = NULL;
	size_t room = 0;

	for (int c; (c = getopt_long(argc, argv, "+h", options, NULL)) != -1;) {
		if (c == 'h')
			help(usage);
		usage_error("bad option");
	}
	for (int i = optind; i < argc; i++)
		extend(chain, argv[i]);
	while (optind == argc && getline(&line, &room, stdin) > 0) {
		line[strcspn(line, "\n")] = '\0';
		extend(chain, line);
	}
	free(line);
	if (ferror(stdin))
		die("standard input:");
	close_stdout();
	return 0;
}
