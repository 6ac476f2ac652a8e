/* The command lines of the tools that talk to a registry: TOOL VERB [OPTION]... [ARGUMENT]... */
#define _GNU_SOURCE
#include "registry.h"

#include "common.h"

#include <string.h>

static const char *settings_file, *progress = "auto";

void registry_init(void)
{
	load_settings(settings_file);
	http_init();
}

/* Read the options after the verb; returns the first argument. */
static char **read_options(const struct command *command, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, command->letters, command->options, NULL)) != -1) {
		switch (option) {
		case OPTION_INSECURE:
			allow_insecure(optarg);
			break;
		case OPTION_CONFIG:
			settings_file = optarg;
			break;
		case OPTION_PROGRESS:
			progress = optarg;
			break;
		case 'q':
			progress = "none";
			break;
		case 'h':
			help(command->usage);
		case '?':
			usage_error("wrong option");
		default:
			command->take_option(option);
		}
	}
	return argv + optind;
}

void run_command(const struct command *command, int argc, char **argv)
{
	const struct verb *verb = command->verbs;
	size_t count = 0;

	if (argc < 2)
		usage_error("no verb");
	while (verb->name && strcmp(argv[1], verb->name) != 0)
		verb++;
	if (!verb->name && *argv[1] != '-')
		usage_error("unknown verb: '%s'", argv[1]);
	if (verb->name) {
		argc--;
		argv++;
	}
	char **arguments = read_options(command, argc, argv);
	if (!verb->name)
		usage_error("no verb");
	while (arguments[count])
		count++;
	if (count < verb->least)
		usage_error("no reference");
	if (count > verb->most)
		usage_error("too many arguments: '%s'", arguments[verb->most]);
	progress_init(progress);
	verb->function(arguments);
	close_stdout();
}
