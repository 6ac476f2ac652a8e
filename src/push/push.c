/*
 * push: talk to a registry (OCI distribution specification) as a client that
 * writes: blobs first, from the files that they are, then the manifest that
 * names them, byte for byte.
 */
#define _GNU_SOURCE
#include "push.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"usage: push VERB [OPTION]... REFERENCE [ARGUMENT]...\n"
	"\n"
	"  blob REFERENCE [BLOB]...         see that the repository has blobs: files, or digests "
	"of\n"
	"                                   files DIR/HEX; print what became of each. Without "
	"BLOB:\n"
	"                                   lines \"BLOB [REPOSITORY]...\" from standard input, "
	"with\n"
	"                                   repositories of the registry that may have it\n"
	"  manifest REFERENCE [FILE]        push a manifest or an index, as it is, by the tag or\n"
	"                                   digest of REFERENCE; print its digest\n"
	"\n"
	"  -d, --directory DIR              where digests are looked up\n"
	"  -f, --from REPOSITORY            that may have all of the blobs; can be given many "
	"times\n"
	"  -m, --manifest FILE              after the blobs push this manifest, as \"manifest\" "
	"does\n"
	"  -n, --no-upload                  send no bytes: mount, or say \"missing\"\n"
	"  -P, --parallel N                 send N blobs at a time (5)\n"
	"      --insecure HOST              allow HTTP and unknown certificates for HOST\n"
	"      --config FILE                settings (/etc/skiff/registries)\n"
	"      --progress MODE              auto, plain, tty or none, on standard error\n"
	"  -q, --quiet                      no progress\n"
	"  -h, --help                       print this\n"
	"\n"
	"Credentials come from $DOCKER_CONFIG/config.json (~/.docker/config.json).\n";

enum { PARALLEL = 5, BLOBS_LIMIT = 10000, FROM_LIMIT = 10, INPUT_LIMIT = 16 << 20 };

/* The options, as given. */
static const char *directory, *manifest_file;
static unsigned parallel = PARALLEL;
static bool upload = true;
static char **common_from;
static size_t common_count;

/* ---- the repository ---- */

/* TEXT is a list of repositories: add NAME, unless it is there. Frees TEXT. */
static char *add_scope(char *text, const char *name)
{
	char *scope = xasprintf(" repository:%s:pull", name);
	bool there = strstr(text, scope);
	char *more = there ? xstrdup(text) : xasprintf("%s%s", text, scope);

	free(scope);
	free(text);
	return more;
}

/* To write to its repository, and to read those that blobs may be mounted from. */
static void set_scopes(struct registry *registry, const struct blob *blobs, size_t count)
{
	char *scopes = xasprintf("repository:%s:pull,push", registry->repository);

	for (size_t i = 0; i < count; i++)
		for (char **from = blobs[i].from; *from; from++)
			scopes = add_scope(scopes, *from);
	registry->scopes = scopes;
}

/* NAME, host and all or without one, is a repository at HOST: its path there. */
static char *repository_at(const char *host, const char *name)
{
	struct reference reference;

	parse_reference(name, &reference);
	if (strcmp(reference.host, host) != 0)
		die("%s: not at %s: nothing can be mounted from there", name, host);
	return reference.repository;
}

/* ---- manifests ---- */

/* The one in FILE, to go by the name NAME, which becomes REFERENCE. */
static void read_document(const char *file, const char *name, struct reference *reference,
			  struct document *document)
{
	bool standard = !file || !strcmp(file, "-");
	const char *source = standard ? "standard input" : file;
	int fd = standard ? STDIN_FILENO : open_argument(file, O_RDONLY);

	parse_reference(name, reference);
	document->data = read_all(fd, MANIFEST_LIMIT, &document->size, source);
	digest_of(document->data, document->size, document->digest);
	parse_document(source, document, NULL);
	if (reference->digest && strcmp(reference->digest, document->digest) != 0)
		die("%s: refused: the bytes hash to %s", name, document->digest);
}

static size_t give_document(struct request *request, char *data, size_t room)
{
	const struct document *document = request->context;

	memcpy(data, document->data + request->sent, room);
	return room;
}

/* Push DOCUMENT by the tag or digest of REFERENCE. */
static void put_manifest(struct registry *registry, const struct reference *reference,
			 struct document *document)
{
	char *name = reference_text(reference, false);
	struct request request = {
		.registry = registry,
		.path = xasprintf("/v2/%s/manifests/%s", reference->repository,
				  reference->digest ? reference->digest : reference->tag),
		.what = name,
		.method = "PUT",
		.type = document_type(document),
		.length = document->size,
		.source = give_document,
		.context = document,
		.limit = TOKEN_LIMIT,
	};
	if (request_perform(&request) == FAILED)
		request_die(&request);
	if (request.status != 201)
		die("%s: unexpected HTTP status %ld", name, request.status);
	if (request.content_digest && strcmp(request.content_digest, document->digest) != 0)
		die("%s: the registry took it for another: %.100s", name, request.content_digest);
	request_free(&request);
	free(name);
}

static void verb_manifest(char **arguments)
{
	struct reference reference;
	struct document document = {0};

	read_document(arguments[1], arguments[0], &reference, &document);
	registry_init();
	struct registry *registry = open_origin(&reference);
	set_scopes(registry, NULL, 0);
	put_manifest(registry, &reference, &document);
	puts(document.digest);
}

/* ---- blobs ---- */

/* Digest of the file PATH, into DIGEST. */
static void digest_file(const char *path, char digest[DIGEST_LENGTH + 1])
{
	static char buffer[1 << 16];
	unsigned char sum[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		die("%s:", path);
	if (!hash || !EVP_DigestInit_ex(hash, EVP_sha256(), NULL))
		die("cannot compute SHA-256");
	while ((n = read(fd, buffer, sizeof buffer)) != 0) {
		if (n < 0 && errno != EINTR)
			die("%s:", path);
		if (n > 0)
			EVP_DigestUpdate(hash, buffer, (size_t)n);
	}
	if (!EVP_DigestFinal_ex(hash, sum, NULL))
		die("cannot compute SHA-256");
	close(fd);
	EVP_MD_CTX_free(hash);
	snprintf(digest, DIGEST_LENGTH + 1, "sha256:");
	for (int i = 0; i < 32; i++)
		snprintf(digest + 7 + 2 * i, 3, "%02x", sum[i]);
}

/* The blob that NAME means: a digest of the directory, or a file. */
static struct blob find_blob(const char *name)
{
	struct blob blob = {.fd = -1};

	if (strncmp(name, "sha256:", 7) != 0) {
		blob.file = xstrdup(name);
		digest_file(name, blob.digest);
		return blob;
	}
	check_digest("blob", name);
	if (!directory && upload)
		usage_error("where is %s? use -d DIR", name);
	memcpy(blob.digest, name, sizeof blob.digest);
	blob.file = xasprintf("%s/%s", directory ? directory : ".", name + 7);
	return blob;
}

static void add_blob(struct blob **blobs, size_t *count, const char *name, char **from,
		     size_t from_count)
{
	struct blob blob = find_blob(name);

	/* The same layer twice in one image is one blob. */
	for (size_t i = 0; i < *count; i++)
		if (!strcmp((*blobs)[i].digest, blob.digest))
			return;
	if (*count == BLOBS_LIMIT)
		die("more than %d blobs", BLOBS_LIMIT);
	blob.from = xmalloc((from_count + common_count + 1) * sizeof *blob.from);
	size_t n = 0;
	for (size_t i = 0; i < from_count; i++)
		blob.from[n++] = from[i];
	for (size_t i = 0; i < common_count; i++)
		blob.from[n++] = common_from[i];
	blob.from[n] = NULL;
	*blobs = xrealloc(*blobs, (*count + 1) * sizeof **blobs);
	(*blobs)[(*count)++] = blob;
}

/* Lines "BLOB [REPOSITORY]...". */
static void read_blobs(const char *host, struct blob **blobs, size_t *count)
{
	char *text = read_all(STDIN_FILENO, INPUT_LIMIT, NULL, "standard input"), *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *word = NULL, *from[FROM_LIMIT];
		size_t n = 0;
		const char *name = strtok_r(line, " \t\r", &word);
		for (char *f = name ? strtok_r(NULL, " \t\r", &word) : NULL; f && n < FROM_LIMIT;
		     f = strtok_r(NULL, " \t\r", &word))
			from[n++] = repository_at(host, f);
		if (name)
			add_blob(blobs, count, name, from, n);
	}
	free(text);
}

static void verb_blob(char **arguments)
{
	struct reference reference;
	struct document document = {0};
	struct blob *blobs = NULL;
	size_t count = 0;

	if (manifest_file && !upload)
		usage_error("-m and -n exclude each other");
	if (manifest_file)
		read_document(manifest_file, *arguments, &reference, &document);
	parse_reference(*arguments++, &reference);
	for (size_t i = 0; i < common_count; i++)
		common_from[i] = repository_at(reference.host, common_from[i]);
	if (*arguments)
		for (; *arguments; arguments++)
			add_blob(&blobs, &count, *arguments, NULL, 0);
	else
		read_blobs(reference.host, &blobs, &count);
	registry_init();
	struct registry *registry = open_origin(&reference);
	set_scopes(registry, blobs, count);
	push_blobs(registry, blobs, count, parallel, upload);
	free(blobs);
	if (!manifest_file)
		return;
	put_manifest(registry, &reference, &document);
	printf("%s manifest %zu\n", document.digest, document.size);
}

/* ---- the command line ---- */

static const struct verb verbs[] = {
	{"blob", verb_blob, 1, SIZE_MAX},
	{"manifest", verb_manifest, 1, 2},
	{0},
};

static const struct option options[] = {
	{"directory", required_argument, NULL, 'd'},
	{"from", required_argument, NULL, 'f'},
	{"manifest", required_argument, NULL, 'm'},
	{"no-upload", no_argument, NULL, 'n'},
	{"parallel", required_argument, NULL, 'P'},
	HOST_OPTIONS,
	PROGRESS_OPTIONS,
	{0},
};

static void take_option(int option)
{
	switch (option) {
	case 'd':
		directory = optarg;
		break;
	case 'f':
		common_from = xrealloc(common_from, (common_count + 1) * sizeof *common_from);
		common_from[common_count++] = optarg;
		break;
	case 'm':
		manifest_file = optarg;
		break;
	case 'n':
		upload = false;
		break;
	case 'P':
		parallel = (unsigned)parse_number("parallel", optarg, 1, 100);
		break;
	}
}

int main(int argc, char **argv)
{
	static const struct command command = {usage, verbs, "+d:f:m:nP:qh", options, take_option};

	tool = "push";
	run_command(&command, argc, argv);
	return 0;
}
