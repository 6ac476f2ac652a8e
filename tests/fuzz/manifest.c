/*
 * Fuzz target: manifests and indexes. The first byte of the input chooses the
 * Content-Type that they come with.
 */
#define _GNU_SOURCE
#include "harness.h"

#include <manifest.c>

/* There is no registry: what the document would have us fetch fails. */
enum outcome request_perform(struct request *request)
{
	(void)request;
	return FAILED;
}

enum outcome request_failed(struct request *request, const char *hint, const char *format, ...)
{
	(void)request, (void)hint, (void)format;
	return FAILED;
}

void request_die(const struct request *request)
{
	(void)request;
	die("no registry");
}

void request_free(struct request *request)
{
	free(request->path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	if (!freopen("/dev/null", "w", stdout))
		broken("cannot open", "/dev/null");
	return 0;
}

static void check_descriptor(const struct descriptor *descriptor)
{
	if (!is_digest(descriptor->digest))
		broken("not a digest", descriptor->digest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {
		NULL,
		"application/vnd.oci.image.index.v1+json",
		"application/vnd.oci.image.manifest.v1+json",
		"application/vnd.docker.distribution.manifest.list.v2+json",
		"application/vnd.docker.distribution.manifest.v2+json",
		"",
		"text/html; a=b",
	};
	static const char *const platforms[] = {"linux/amd64", "linux/arm/v7", "linux/arm64/v8",
						"x"};
	static struct document document;

	if (size < 1)
		return -1;
	json_decref(document.json); /* of the last attempt */
	document = (struct document){.data = (char *)data + 1, .size = size - 1};
	if (setjmp(refused))
		return 0;
	parse_document("fuzz", &document, types[data[0] % (sizeof types / sizeof *types)]);
	if (!document.index) {
		struct descriptor config = image_config(&document);
		check_descriptor(&config);
		print_image("top", &document);
		return 0;
	}
	for (size_t i = 0; i < sizeof platforms / sizeof *platforms; i++) {
		if (setjmp(refused))
			continue;
		struct descriptor chosen = choose(&document, platforms[i]);
		check_descriptor(&chosen);
	}
	return 0;
}
