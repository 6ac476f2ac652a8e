/* Options whose value is a command. */
#include "common.h"

#include <getopt.h>
#include <string.h>

char **command_option(const char *name, char **argv)
{
	char **first = argv + optind - 1;

	for (char **word = first; *word; word++)
		if (!strcmp(*word, ";") && word > first) {
			*word = NULL;
			optind = (int)(word + 1 - argv);
			return first;
		}
	usage_error("%s: no command that ends in ';'", name);
}
