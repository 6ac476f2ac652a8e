/* Manifests and indexes: fetched, verified, kept, chosen from. */
#define _GNU_SOURCE
#include "pull.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { INDEX_DEPTH = 2 /* an index in an index, no deeper */ };

/* ---- the store ---- */

/* Take the document with DIGEST from STORE, if it is there and still itself. */
static bool load_document(int store, const char *digest, struct document *document)
{
	int fd = store < 0 ? -1 : openat(store, digest + 7, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return false;
	document->data = read_all(fd, MANIFEST_LIMIT, &document->size, digest);
	close(fd);
	digest_of(document->data, document->size, document->digest);
	if (!strcmp(document->digest, digest))
		return true;
	free(document->data);
	return false;
}

static void save_document(int store, const struct document *document)
{
	if (store >= 0 &&
	    !replace_file(store, document->digest + 7, document->data, document->size, 0644))
		die("%s:", document->digest + 7);
}

/* ---- fetching ---- */

/* What to ask for the manifest TAG, or DIGEST if there is one; NAME is for messages. */
static struct request manifest_request(struct registry *registry, const char *name, const char *tag,
				       const char *digest)
{
	return (struct request){
		.registry = registry,
		.path = xasprintf("/v2/%s/manifests/%s", registry->repository,
				  digest ? digest : tag),
		.what = name,
		.accept = accept_documents,
		.limit = MANIFEST_LIMIT,
	};
}

/* What TAG names, by a HEAD request, which costs no rate limit. NULL if not told. */
static char *tag_digest(struct registry *registry, const char *name, const char *tag)
{
	struct request request = manifest_request(registry, name, tag, NULL);
	char *digest = NULL;

	request.head = true;

	if (request_perform(&request) == FAILED) {
		/* A GET may be allowed where HEAD is not, and says more of what is wrong. */
		if (!request.status || request.status == 429 || request.status >= 500)
			request_die(&request);
	} else if (request.content_digest && is_digest(request.content_digest)) {
		digest = xstrdup(request.content_digest);
	}
	request_free(&request);
	return digest;
}

/* Ask REGISTRY for the document that TAG or DIGEST names. */
static void ask_document(struct registry *registry, const char *name, const char *tag,
			 const char *digest, struct document *document)
{
	struct request request = manifest_request(registry, name, tag, digest);
	enum outcome outcome;

	do {
		outcome = request_perform(&request);
		if (outcome == FAILED)
			request_die(&request);
		digest_of(request.body, request.size, document->digest);
		if (digest && strcmp(digest, document->digest) != 0)
			outcome = request_failed(&request, NULL,
						 "refused: what came does not hash to %s", digest);
		if (outcome == FAILED)
			request_die(&request);
	} while (outcome == AGAIN);
	document->data = request.body;
	document->size = request.size;
	request.body = NULL;
	parse_document(name, document, request.content_type);
	request_free(&request);
}

void fetch_document(struct registry *registry, const struct reference *reference, int store,
		    struct document *document)
{
	const char *digest = reference->digest;
	char *name = reference_text(reference, false), *known = NULL;

	*document = (struct document){0};
	if (!digest && store >= 0)
		known = tag_digest(registry, name, reference->tag);
	if ((digest || known) && load_document(store, digest ? digest : known, document)) {
		parse_document(name, document, NULL);
	} else {
		ask_document(registry, name, reference->tag, digest, document);
		save_document(store, document);
	}
	free(known);
	free(name);
}

/* ---- choosing ---- */

static _Noreturn void no_match(const struct document *document, const char *wanted)
{
	const json_t *list = json_object_get(document->json, "manifests"), *entry;
	char *there = xstrdup("");
	size_t index;

	json_array_foreach(list, index, entry)
	{
		const json_t *platform = json_object_get(entry, "platform");
		const char *os = string_member("platform", platform, "os");
		const char *architecture = string_member("platform", platform, "architecture");
		const char *variant = string_member("platform", platform, "variant");
		/* unknown/unknown: what a build tool attests, no image */
		if (!os || !architecture || !strcmp(os, "unknown") || strlen(there) > 1000)
			continue;
		char *more = xasprintf("%s %s/%s%s%s", there, os, architecture, variant ? "/" : "",
				       variant ? variant : "");
		free(there);
		there = more;
	}
	warn("no image for %s in %s", wanted, document->digest);
	die("there is:%s", *there ? there : " none for any platform");
}

/* The entry of the index DOCUMENT that serves WANTED best. */
static struct descriptor choose(const struct document *document, const char *wanted)
{
	const json_t *list = json_object_get(document->json, "manifests"), *entry;
	struct descriptor best = {0};
	size_t index;
	int rank = 0;

	json_array_foreach(list, index, entry)
	{
		struct descriptor descriptor = read_descriptor("index", entry);
		const char *type = string_member("index", entry, "mediaType");
		const json_t *platform = json_object_get(entry, "platform");
		int this = platform_rank(platform, wanted);
		if (!type || (!is_manifest_type(type) && !is_index_type(type)))
			continue;
		/* Without a platform it may be an index of its own: if nothing names ours. */
		if (!platform && !rank)
			this = 1;
		if (this > rank) {
			rank = this;
			best = descriptor;
		}
	}
	if (!rank)
		no_match(document, wanted);
	return best;
}

void choose_manifest(struct registry *registry, const char *platform, int store,
		     struct document *document)
{
	for (int depth = 0; document->index; depth++) {
		if (depth == INDEX_DEPTH)
			die("%s: an index in an index in an index", document->digest);
		struct descriptor chosen = choose(document, platform);
		struct reference reference = {
			.host = (char *)registry->name,
			.repository = (char *)registry->repository,
			.digest = xstrdup(chosen.digest),
		};
		if (chosen.size > MANIFEST_LIMIT)
			die("%s: a manifest of %llu bytes, more than %d", chosen.digest,
			    (unsigned long long)chosen.size, MANIFEST_LIMIT);
		json_decref(document->json);
		free(document->data);
		fetch_document(registry, &reference, store, document);
		if (document->size != chosen.size)
			die("%s: %zu bytes, but the index says %llu", reference.digest,
			    document->size, (unsigned long long)chosen.size);
		free(reference.digest);
	}
}

/* ---- images ---- */

/* The manifest's config; dies unless the manifest is a container image's. */
static struct descriptor image_config(const struct document *document)
{
	const json_t *config = json_object_get(document->json, "config");
	const char *type = string_member("config", config, "mediaType");
	struct descriptor descriptor = read_descriptor("config", config);

	if (!type || (strcmp(type, "application/vnd.oci.image.config.v1+json") != 0 &&
		      strcmp(type, "application/vnd.docker.container.image.v1+json") != 0))
		die("%s: not a container image: its config is %s", document->digest,
		    type ? type : "of no type");
	if (descriptor.size > CONFIG_LIMIT)
		die("%s: a config of %llu bytes, more than %d", descriptor.digest,
		    (unsigned long long)descriptor.size, CONFIG_LIMIT);
	return descriptor;
}

char *fetch_config(struct registry *registry, const struct document *document, size_t *size)
{
	struct descriptor config = image_config(document);
	char digest[DIGEST_LENGTH + 1];
	struct request request = {
		.registry = registry,
		.path = xasprintf("/v2/%s/blobs/%s", registry->repository, config.digest),
		.what = config.digest,
		.limit = config.size,
	};
	enum outcome outcome;

	do {
		outcome = request_perform(&request);
		digest_of(request.body, request.size, digest);
		if (outcome == DONE && strcmp(digest, config.digest) != 0)
			outcome = request_failed(&request, NULL,
						 "refused: the bytes do not hash to this");
		if (outcome == FAILED)
			request_die(&request);
	} while (outcome == AGAIN);
	char *data = request.body;
	*size = request.size;
	request.body = NULL;
	request_free(&request);
	return data;
}

void print_image(const char *top, const struct document *document)
{
	const json_t *layers = json_object_get(document->json, "layers"), *layer;
	struct descriptor config = image_config(document);
	size_t index;

	/* A foreign layer is at any address that an image's author chose. */
	json_array_foreach(layers, index, layer)
	{
		const char *type = string_member("layer", layer, "mediaType");
		if (!type || strstr(type, ".foreign.") || strstr(type, ".nondistributable.") ||
		    json_object_get(layer, "urls"))
			die("%s: layer %zu is foreign (not kept in the registry): not supported",
			    document->digest, index);
	}
	printf("digest %s\nmanifest %s\n", top, document->digest);
	printf("config %s %llu\n", config.digest, (unsigned long long)config.size);
	json_array_foreach(layers, index, layer)
	{
		struct descriptor blob = read_descriptor("layer", layer);
		printf("layer %s %llu\n", blob.digest, (unsigned long long)blob.size);
	}
}
