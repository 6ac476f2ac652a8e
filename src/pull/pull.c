/*
 * pull: talk to a registry (OCI distribution specification) as a client that
 * reads: what does a name mean, which tags are there, fetch manifests, configs
 * and blobs, and believe nothing that does not hash to its digest.
 */
#define _GNU_SOURCE
#include "pull.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"usage: pull VERB [OPTION]... REFERENCE\n"
	"\n"
	"  name [--familiar] REFERENCE...   print the whole name: docker.io/library/alpine:latest\n"
	"  tags REFERENCE                   print the tags that there are\n"
	"  resolve [-o DIR] REFERENCE       print digests: what the name means, the manifest,\n"
	"                                   config and layers (with sizes) for this machine\n"
	"  manifest [-I] REFERENCE          print the manifest's bytes (-I: the index's)\n"
	"  config REFERENCE                 print the image config's bytes\n"
	"  blob REFERENCE DIGEST            print the bytes of one blob\n"
	"  blob -o DIR REFERENCE [DIGEST]...  fetch blobs into files DIR/HEX, print each digest\n"
	"                                   when it is there; without DIGEST: lines\n"
	"                                   \"DIGEST [SIZE]\" from standard input\n"
	"  search [HOST/]TERM               print repositories: name, description, stars, and\n"
	"                                   whether official and automated, with tabs between\n"
	"\n"
	"  -p, --platform OS/ARCH[/VARIANT] instead of this machine's\n"
	"  -o, --output DIR                 keep what was fetched in DIR, named by digest\n"
	"  -P, --parallel N                 fetch N blobs at a time (3)\n"
	"      --ordered                    print digests in the order asked for\n"
	"  -n, --limit N                    print at most N repositories, 1 to 100 (25)\n"
	"  -I, --index                      the document that the name means, no platform chosen\n"
	"      --familiar                   the short name: alpine:latest\n"
	"      --insecure HOST              allow HTTP and unknown certificates for HOST\n"
	"      --config FILE                settings (/etc/skiff/registries)\n"
	"      --progress MODE              auto, plain, tty or none, on standard error\n"
	"  -q, --quiet                      no progress\n"
	"  -h, --help                       print this\n"
	"\n"
	"Credentials come from $DOCKER_CONFIG/config.json (~/.docker/config.json).\n";

enum { SEARCH_LIMIT = 100, PARALLEL = 3, BLOBS_LIMIT = 10000, INPUT_LIMIT = 16 << 20 };

/* The options, as given. */
static const char *platform, *output;
static unsigned parallel = PARALLEL, limit = 25;
static bool ordered, index_only, familiar;

static void write_stdout(const char *data, size_t size)
{
	if (fwrite(data, 1, size, stdout) != size)
		die("standard output:");
}

static int open_output(void)
{
	int fd = output ? open(output, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (output && fd < 0)
		die("%s:", output);
	return fd;
}

static struct registry *connect_to(const char *text, struct reference *reference)
{
	parse_reference(text, reference);
	registry_init();
	return open_registry(reference);
}

/* ---- verbs ---- */

static void verb_name(char **arguments)
{
	struct reference reference;

	for (; *arguments; arguments++) {
		parse_reference(*arguments, &reference);
		puts(reference_text(&reference, familiar));
	}
}

static void verb_resolve(char **arguments)
{
	struct reference reference;
	struct registry *registry = connect_to(*arguments, &reference);
	struct document document;
	char top[DIGEST_LENGTH + 1];
	int store = open_output();

	fetch_document(registry, &reference, store, &document);
	memcpy(top, document.digest, sizeof top);
	choose_manifest(registry, platform, store, &document);
	print_image(top, &document);
}

static void verb_manifest(char **arguments)
{
	struct reference reference;
	struct registry *registry = connect_to(*arguments, &reference);
	struct document document;

	fetch_document(registry, &reference, -1, &document);
	if (!index_only)
		choose_manifest(registry, platform, -1, &document);
	write_stdout(document.data, document.size);
}

static void verb_config(char **arguments)
{
	struct reference reference;
	struct registry *registry = connect_to(*arguments, &reference);
	struct document document;
	size_t size;

	fetch_document(registry, &reference, -1, &document);
	choose_manifest(registry, platform, -1, &document);
	char *data = fetch_config(registry, &document, &size);
	write_stdout(data, size);
	free(data);
}

static void verb_tags(char **arguments)
{
	struct reference reference;

	print_tags(connect_to(*arguments, &reference));
}

static void verb_search(char **arguments)
{
	char *term, *host = split_host(*arguments, &term);

	if (!is_host(host))
		die("%s: the part before the first / is not a host or host:port", host);
	if (!*term)
		die("nothing to search for");
	if (!strcmp(host, "docker.io") && !strncmp(term, "library/", 8))
		term += 8; /* what is official has no such part there */
	registry_init();
	print_search(host, term, limit);
	free(host);
}

static void add_blob(struct blob **blobs, size_t *count, const char *digest, const char *size)
{
	struct blob blob = {.sized = size, .fd = -1};

	check_digest("blob", digest);
	memcpy(blob.digest, digest, sizeof blob.digest);
	if (size)
		blob.size = parse_number("size", size, 0, INT64_MAX);
	/* The same layer twice in one image is one blob. */
	for (size_t i = 0; i < *count; i++)
		if (!strcmp((*blobs)[i].digest, digest))
			return;
	if (*count == BLOBS_LIMIT)
		die("more than %d blobs", BLOBS_LIMIT);
	*blobs = xrealloc(*blobs, (*count + 1) * sizeof **blobs);
	(*blobs)[(*count)++] = blob;
}

/* Lines "DIGEST [SIZE]". */
static void read_blobs(struct blob **blobs, size_t *count)
{
	char *text = read_all(STDIN_FILENO, INPUT_LIMIT, NULL, "standard input"), *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *word = NULL;
		const char *digest = strtok_r(line, " \t\r", &word);
		const char *size = digest ? strtok_r(NULL, " \t\r", &word) : NULL;
		if (digest)
			add_blob(blobs, count, digest, size);
	}
	free(text);
}

static void verb_blob(char **arguments)
{
	struct reference reference;
	struct registry *registry = connect_to(*arguments++, &reference);
	struct blob *blobs = NULL;
	size_t count = 0;
	int store = open_output();

	if (*arguments)
		for (; *arguments; arguments++)
			add_blob(&blobs, &count, *arguments, NULL);
	else
		read_blobs(&blobs, &count);
	if (store < 0 && count != 1)
		usage_error("only one blob can go to standard output; use -o DIR for %zu", count);
	fetch_blobs(registry, blobs, count, output, store, parallel, ordered);
	free(blobs);
}

/* ---- the command line ---- */

static const struct verb verbs[] = {
	{"name", verb_name, 1, SIZE_MAX},  {"resolve", verb_resolve, 1, 1},
	{"manifest", verb_manifest, 1, 1}, {"config", verb_config, 1, 1},
	{"tags", verb_tags, 1, 1},	   {"blob", verb_blob, 1, SIZE_MAX},
	{"search", verb_search, 1, 1},	   {0},
};

enum { ORDERED = 256, FAMILIAR };

static const struct option options[] = {
	{"platform", required_argument, NULL, 'p'},
	{"output", required_argument, NULL, 'o'},
	{"parallel", required_argument, NULL, 'P'},
	{"limit", required_argument, NULL, 'n'},
	{"ordered", no_argument, NULL, ORDERED},
	{"index", no_argument, NULL, 'I'},
	{"familiar", no_argument, NULL, FAMILIAR},
	HOST_OPTIONS,
	PROGRESS_OPTIONS,
	{0},
};

static void take_option(int option)
{
	switch (option) {
	case 'p':
		check_platform(optarg);
		platform = optarg;
		break;
	case 'o':
		output = optarg;
		break;
	case 'P':
		parallel = (unsigned)parse_number("parallel", optarg, 1, 100);
		break;
	case 'n':
		limit = (unsigned)parse_number("limit", optarg, 1, SEARCH_LIMIT);
		break;
	case ORDERED:
		ordered = true;
		break;
	case 'I':
		index_only = true;
		break;
	case FAMILIAR:
		familiar = true;
		break;
	}
}

int main(int argc, char **argv)
{
	static const struct command command = {usage, verbs, "+p:o:P:n:Iqh", options, take_option};

	tool = "pull";
	platform = host_platform();
	run_command(&command, argc, argv);
	return 0;
}
