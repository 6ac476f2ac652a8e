/*
 * Manifests and indexes: which of them it is, and whether every field that is
 * used is one. They are hostile until that has been looked at.
 */
#define _GNU_SOURCE
#include "registry.h"

#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LAYERS_LIMIT = 127 /* what Docker stacks, too */ };

static const char oci_index[] = "application/vnd.oci.image.index.v1+json";
static const char oci_manifest[] = "application/vnd.oci.image.manifest.v1+json";
static const char docker_index[] = "application/vnd.docker.distribution.manifest.list.v2+json";
static const char docker_manifest[] = "application/vnd.docker.distribution.manifest.v2+json";

const char accept_documents[] = "application/vnd.oci.image.index.v1+json, "
				"application/vnd.oci.image.manifest.v1+json, "
				"application/vnd.docker.distribution.manifest.list.v2+json, "
				"application/vnd.docker.distribution.manifest.v2+json";

bool is_index_type(const char *type)
{
	return !strcmp(type, oci_index) || !strcmp(type, docker_index);
}

bool is_manifest_type(const char *type)
{
	return !strcmp(type, oci_manifest) || !strcmp(type, docker_manifest);
}

void digest_of(const void *data, size_t size, char digest[DIGEST_LENGTH + 1])
{
	unsigned char sum[EVP_MAX_MD_SIZE];

	if (!EVP_Digest(data, size, sum, NULL, EVP_sha256(), NULL))
		die("cannot compute SHA-256");
	snprintf(digest, DIGEST_LENGTH + 1, "sha256:");
	for (int i = 0; i < 32; i++)
		snprintf(digest + 7 + 2 * i, 3, "%02x", sum[i]);
}

/* ---- reading JSON ---- */

const char *string_member(const char *what, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (value && !json_is_string(value))
		die("%s: \"%s\" is not a string", what, key);
	return json_string_value(value);
}

struct descriptor read_descriptor(const char *what, const json_t *object)
{
	struct descriptor descriptor;
	const json_t *size = json_object_get(object, "size");

	descriptor.digest = string_member(what, object, "digest");
	if (!descriptor.digest)
		die("%s: no digest", what);
	check_digest(what, descriptor.digest);
	if (!json_is_integer(size) || json_integer_value(size) < 0)
		die("%s: %s: the size is not a number of bytes", what, descriptor.digest);
	descriptor.size = (uint64_t)json_integer_value(size);
	return descriptor;
}

/*
 * Is DOCUMENT an index or a manifest? The header, the mediaType field and the
 * shape must agree, lest two readers of the same digest see two images
 * (CVE-2021-41190). CONTENT_TYPE is NULL when the bytes come from the store.
 */
static void classify(const char *name, struct document *document, const char *content_type)
{
	const json_t *json = document->json, *version = json_object_get(json, "schemaVersion");
	bool manifests = json_object_get(json, "manifests"),
	     layers = json_object_get(json, "layers");
	const char *type = string_member(name, json, "mediaType");
	char *header = xstrdup(content_type ? content_type : "");

	header[strcspn(header, "; \t")] = '\0';
	if ((json_is_integer(version) && json_integer_value(version) == 1) ||
	    strcasestr(header, "distribution.manifest.v1+"))
		die_hint("push it again with a client of this decade",
			 "%s: schema 1 manifests are not supported", name);
	if (!json_is_integer(version) || json_integer_value(version) != 2)
		die("%s: not a manifest: no schemaVersion 2", name);
	if (manifests == layers)
		die("%s: refused: %s \"manifests\" and \"layers\"", name,
		    layers ? "a document with both" : "neither");
	if (type && *header && strcmp(type, header) != 0)
		die("%s: refused: the Content-Type is %s, the mediaType %s", name, header, type);
	if (!type && *header)
		type = header;
	if (type && !(layers ? is_manifest_type(type) : is_index_type(type)))
		die("%s: refused: %s, but its type is %s", name,
		    layers ? "looks like a manifest" : "looks like an index", type);
	if (!json_is_array(json_object_get(json, layers ? "layers" : "manifests")))
		die("%s: not a manifest: \"%s\" is no list", name, layers ? "layers" : "manifests");
	document->index = manifests;
	free(header);
}

static void check_layers(const char *name, const struct document *document)
{
	const json_t *layers = json_object_get(document->json, "layers"), *layer;
	size_t index;

	read_descriptor("config", json_object_get(document->json, "config"));
	if (json_array_size(layers) > LAYERS_LIMIT)
		die("%s: %zu layers, but at most %d can be stacked", name, json_array_size(layers),
		    LAYERS_LIMIT);
	json_array_foreach(layers, index, layer) read_descriptor("layer", layer);
}

void parse_document(const char *name, struct document *document, const char *content_type)
{
	json_error_t error;

	document->json = json_loadb(document->data, document->size, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(document->json))
		die("%s: not a manifest: %s", name, document->json ? "no JSON object" : error.text);
	classify(name, document, content_type);
	if (!document->index)
		check_layers(name, document);
}

const char *document_type(const struct document *document)
{
	const char *type = string_member("manifest", document->json, "mediaType");

	/* Docker's types say so; without a word it is OCI's. */
	if (type)
		return type;
	return document->index ? oci_index : oci_manifest;
}
