/*
 * Fuzz target: WWW-Authenticate (the first line of the input), and the token server's
 * answer (the rest). Both become parts of the next request: nothing may end a header
 * line early, no password may go out over plain HTTP.
 */
#define _GNU_SOURCE
#include "harness.h"

#include <auth.c>
#include <credentials.c>

static const char *answer, *base;
static size_t answer_size;
static const char password[] = "c2VjcmV0"; /* base64 of "secret" */

/* The token server. */
enum outcome request_perform(struct request *request)
{
	if (!request->url || strpbrk(request->url, "\r\n"))
		broken("asked", request->url ? request->url : "nobody");
	if (!strncmp(base, "https://", 8) && strncasecmp(request->url, "https://", 8) != 0)
		broken("over plain HTTP", request->url);
	request->body = xmalloc(answer_size + 1);
	memcpy(request->body, answer, answer_size);
	request->body[answer_size] = '\0';
	request->size = answer_size;
	return DONE;
}

void request_free(struct request *request)
{
	free(request->url);
	free(request->body);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const bases[] = {"https://a.example", "http://127.0.0.1:5000"};
	const uint8_t *end = memchr(data, '\n', size);
	size_t length = end ? (size_t)(end - data) : size;
	char *challenge = strndup((const char *)data, length);

	answer = end ? (const char *)end + 1 : "";
	answer_size = end ? size - length - 1 : 0;
	for (int i = 0; i < 4; i++) {
		struct credentials credentials = {0};
		struct registry registry = {.name = "a.example", .repository = "a/b"};
		char *error = NULL, *value = NULL;
		registry.base = (char *)(base = bases[i % 2]);
		if (i / 2)
			credentials.identity_token = (char *)password;
		else
			credentials.user = credentials.password = (char *)password;
		if (!setjmp(refused))
			value = answer_bearer(&registry, challenge, &credentials, &error);
		if (value && value[strcspn(value, "\r\n")])
			broken("a header line ends early", value);
		if (!value && !error)
			broken("neither a token nor a reason", challenge);
		free(value);
		free(error);
	}
	struct credentials decoded = {0};
	decode_basic(challenge, &decoded);
	free_credentials(&decoded);
	credentials_key_matches(challenge, "docker.io");
	credentials_key_matches(challenge, "a.example:5000");
	free(challenge);
	return 0;
}
