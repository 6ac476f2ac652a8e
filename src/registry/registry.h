/*
 * What the tools that talk to a registry share. reference.c takes names apart,
 * settings.c says how a host is spoken to, http.c asks one question and judges
 * the answer, auth.c finds tokens, credentials.c what docker login left,
 * document.c reads manifests and indexes, command.c the command line, progress.c
 * shows what is under way.
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include <curl/curl.h>
#include <getopt.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "sha256:" and 64 hexadecimal digits. */
enum { DIGEST_LENGTH = 7 + 64 };

/* What may come back, in bytes: a registry must not fill our memory. */
enum { MANIFEST_LIMIT = 4 << 20, CONFIG_LIMIT = 8 << 20, TOKEN_LIMIT = 1 << 20 };

/* ---- reference.c ---- */

struct reference {
	char *host;	  /* docker.io, localhost:5000, [::1]:5000 */
	char *repository; /* library/alpine */
	char *tag;	  /* NULL if there is a digest: the digest wins */
	char *digest;
};

/* Take TEXT apart and normalise it as Docker does. Dies if it is no reference. */
void parse_reference(const char *text, struct reference *reference);

/* The canonical form, or the familiar one without docker.io/library/. Allocated. */
char *reference_text(const struct reference *reference, bool familiar);

/*
 * Take the host off NAME, which is changed: docker.io if there is none. *REST is what
 * follows. Allocated.
 */
char *split_host(char *name, char **rest);

/* Is TEXT a host or host:port? */
bool is_host(const char *text);

/* Is TEXT exactly "sha256:" and 64 lower-case hexadecimal digits? */
bool is_digest(const char *text);

/* die() unless TEXT, which WHAT names, is such a digest. */
void check_digest(const char *what, const char *text);

/* Is TEXT a tag: 1 to 128 of [A-Za-z0-9_.-], not starting with . or - ? */
bool is_tag(const char *text);

/* ---- settings.c ---- */

/* Seconds without a byte after which a transfer is given up and tried again. */
extern long stall_timeout;

/* URL of the mirror that is asked first for docker.io; NULL if there is none. */
extern const char *mirror_url;

/* Read FILE ("key value" lines), or the default file if FILE is NULL, then the environment. */
void load_settings(const char *file);

/* Allow plain HTTP and unknown certificates for HOST ("name" or "name:port"). */
void allow_insecure(const char *host);

/* May HOST be spoken to by plain HTTP or with an unknown certificate? Loopback always may. */
bool is_insecure(const char *host);

/* Is HOST ("name" or "name:port") this machine: localhost, 127.0.0.0/8, [::1]? */
bool is_loopback(const char *host);

/* ---- certificates.c ---- */

/* What certs.d has for one host; each may be NULL. */
struct certificates {
	char *host;
	char *authorities;	 /* PEM: to be trusted besides those of the system */
	char *certificate, *key; /* files: who we are */
	struct certificates *next;
};

/* What there is for HOST ("name" or "name:port"). Dies if it cannot be read. */
const struct certificates *certificates_for(const char *host);

/* ---- http.c ---- */

struct credentials;

/* Where one repository is kept, and the right to use it. */
struct registry {
	const char *name;		 /* the host, as references and credentials name it */
	char *base;			 /* "https://registry-1.docker.io", no / at the end */
	const char *repository;		 /* for the scope of a token */
	const char *scopes;		 /* to ask for, instead of what a challenge says; or NULL */
	bool may_be_plain;		 /* no answer by HTTPS: try HTTP */
	char *authorization;		 /* value of the header, NULL if none is needed yet */
	struct registry *instead;	 /* asked when this one fails: this one is a mirror */
	bool given_up;			 /* it did: go to .instead */
	const struct credentials *login; /* to try, instead of those kept for the host */
};

/* What became of a question. */
enum outcome {
	DONE,  /* .status and .body hold the answer */
	AGAIN, /* call request_start() again after .delay milliseconds */
	FAILED /* .error and .hint say why */
};

/* One question. The caller zeroes it and sets the first part. */
struct request {
	struct registry *registry; /* NULL: .url is absolute and asked as it is */
	char *path;		   /* "/v2/library/alpine/manifests/latest" */
	char *url;		   /* where to now: NULL means .path at the registry */
	const char *what;	   /* the thing asked for, in messages; may be NULL */
	const char *accept;	   /* value of Accept, or NULL */
	const char *authorization; /* only without .registry */
	const char *post;	   /* form to POST, or NULL */
	bool head;		   /* HEAD instead of GET */
	bool may_miss;		   /* 404 is a good answer */
	uint64_t from;		   /* ask for the bytes from this one on */
	size_t limit;		   /* of .body, if it is to be kept */
	/* Takes the body of a 2xx answer instead of .body; false stops the transfer. */
	bool (*sink)(struct request *, const char *data, size_t size);
	void *context; /* the sink's and the source's */

	/* POST, PUT or PATCH with a body of so many bytes. */
	const char *method;
	const char *type; /* its Content-Type */
	uint64_t length;
	/* Fills DATA with what comes after .sent bytes; 0 after request_refuse(). */
	size_t (*source)(struct request *, char *data, size_t room);
	uint64_t sent;
	const char *content_range_sent; /* value of Content-Range, or NULL */

	/* The answer. */
	long status;
	char *body; /* ends in a NUL that .size does not count */
	size_t size;
	uint64_t received; /* bytes of the body so far */
	char *content_type, *content_digest, *content_range, *link, *location, *challenge,
		*retry_after, *chunk_length;

	/* When it failed. */
	char *error;
	const char *hint;
	bool refused; /* by sink or limit: asking again would not help */

	/* How it goes. */
	CURL *easy;
	struct curl_slist *headers;
	char *sent_authorization;
	char reason[CURL_ERROR_SIZE];
	int attempts, redirects;
	bool challenged, cut;
	long delay;
};

/* Start using libcurl. */
void http_init(void);

/* The registry that REFERENCE names. */
struct registry *open_origin(const struct reference *reference);

/* The same to read from: if there is a mirror of it that is asked first. */
struct registry *open_registry(const struct reference *reference);

/* The same at URL: its mirror. */
struct registry *open_mirror(const char *url, struct registry *origin);

/* Prepare REQUEST->easy to be performed (again). */
void request_start(struct request *request);

/* Judge what came of performing it: RESULT is libcurl's. */
enum outcome request_next(struct request *request, CURLcode result);

/* Ask until there is an answer or no hope: DONE or FAILED. */
enum outcome request_perform(struct request *request);

/* The answer was no good: FAILED, or AGAIN where a mirror gave it. HINT may be NULL. */
enum outcome request_failed(struct request *request, const char *hint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The answer was no good, another may be: AGAIN later, FAILED after the last attempt. */
enum outcome request_retry(struct request *request, const char *hint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Sinks: note why the transfer is refused, return false. */
bool request_refuse(struct request *request, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * The URL that the answer's Location means, allocated. NULL if it is none, or leads from
 * https to http; *WHY says so.
 */
char *request_location(const struct request *request, const char **why);

/* die() with what request_failed() noted. */
_Noreturn void request_die(const struct request *request);

/* Free what REQUEST holds, .path too. */
void request_free(struct request *request);

/* Host and port of URL, allocated. */
char *url_host(const char *url);

/* ---- credentials.c ---- */

/* What opens a registry; each may be NULL. */
struct credentials {
	char *user, *password;
	char *identity_token; /* traded for a token by POST */
};

/* What credentials for HOST are kept by: the host, but docker.io has a key of its own. */
const char *credentials_key(const char *host);

/* Does KEY of "auths" (a host or a URL of it) mean HOST? */
bool credentials_key_matches(const char *key, const char *host);

/* Path of Docker's config.json, allocated. */
char *config_path(void);

/* Read it: its bytes (allocated) into *TEXT, if that is wanted. NULL if there is none. */
json_t *load_config(char **text);

/* The credential helper that CONFIG names for HOST; NULL: CONFIG has them itself. */
const char *credential_helper(const json_t *config, const char *host);

/*
 * Run docker-credential-SUFFIX VERB with INPUT on its standard input; its
 * standard output (allocated). NULL if it failed.
 */
char *run_helper(const char *suffix, const char *verb, const char *input, size_t *size);

/* Is there anything for HOST? */
bool find_credentials(const char *host, struct credentials *credentials);

/* "Basic ..." of a user and a password, allocated. */
char *encode_basic(const char *user, const char *password);

/* ---- auth.c ---- */

/* What a refused login is called. */
extern const char wrong_password[];

/*
 * Get the right to use REGISTRY's repository, as CHALLENGE (the value of a
 * WWW-Authenticate header) asks: sets REGISTRY->authorization. If there is no
 * way, false, *ERROR (allocated) says why.
 */
bool authorize(struct registry *registry, const char *challenge, char **error);

/* URL with NAME=VALUE added to its query. Frees URL; NULL if it is none. */
char *add_query(char *url, const char *name, const char *value);

/* ---- document.c ---- */

/* A manifest or an index: the bytes as they came and what they say. */
struct document {
	char *data;
	size_t size;
	char digest[DIGEST_LENGTH + 1];
	json_t *json;
	bool index;
};

/* What a manifest or an index says of a blob. */
struct descriptor {
	const char *digest;
	uint64_t size;
};

/* Media types, for the header Accept. */
extern const char accept_documents[];

/* Write the digest of SIZE bytes of DATA. */
void digest_of(const void *data, size_t size, char digest[DIGEST_LENGTH + 1]);

/*
 * Take DOCUMENT's bytes apart: .json, .index. Dies unless they are a good index
 * or manifest. CONTENT_TYPE is what came with them, or NULL; NAME is for messages.
 */
void parse_document(const char *name, struct document *document, const char *content_type);

/* The media type of a parsed DOCUMENT, as it says itself or as its shape says. */
const char *document_type(const struct document *document);

bool is_index_type(const char *type);
bool is_manifest_type(const char *type);

/* Descriptor OBJECT, checked; WHAT names it in messages. Dies if it is none. */
struct descriptor read_descriptor(const char *what, const json_t *object);

/* String KEY of OBJECT, NULL if not there; dies if it is no string. WHAT is for messages. */
const char *string_member(const char *what, const json_t *object, const char *key);

/* ---- command.c ---- */

/* What a tool can do, and with how many arguments. */
struct verb {
	const char *name;
	void (*function)(char **arguments);
	size_t least, most;
};

/* A tool's command line: TOOL VERB [OPTION]... [ARGUMENT]... */
struct command {
	const char *usage;
	const struct verb *verbs;	 /* the last has no name */
	const char *letters;		 /* of short options, for getopt_long() */
	const struct option *options;	 /* long ones, among them HOST_OPTIONS */
	void (*take_option)(int option); /* one that only this tool has, and optarg */
};

enum { OPTION_INSECURE = 1000, OPTION_CONFIG, OPTION_PROGRESS };

/* What all tools take, and what those take that show progress. */
/* clang-format off */
#define HOST_OPTIONS \
	{"insecure", required_argument, NULL, OPTION_INSECURE}, \
	{"config", required_argument, NULL, OPTION_CONFIG}, \
	{"help", no_argument, NULL, 'h'}
#define PROGRESS_OPTIONS \
	{"progress", required_argument, NULL, OPTION_PROGRESS}, \
	{"quiet", no_argument, NULL, 'q'}
/* clang-format on */

/* Do what the command line says. Returns when it is done and standard output is closed. */
void run_command(const struct command *command, int argc, char **argv);

/* Before the first request: read the settings, of the file that --config names; start libcurl. */
void registry_init(void);

/* ---- progress.c ---- */

/* How far a blob is. */
enum progress { QUEUED, WAITING, RUNNING, COMPLETE };

/* MODE is auto, plain, tty or none; dies on another. */
void progress_init(const char *mode);

/* Does each step get a line, and nothing else? */
bool progress_is_plain(void);

enum { SIZE_TEXT = 16 };

/* "12.3MB" as people write it: decimal units. */
void size_text(uint64_t size, char text[SIZE_TEXT]);

/* The end of a row: what is being done (DOING), a bar, HAVE of SIZE bytes. */
void progress_bar(const char *doing, uint64_t have, uint64_t size);

/*
 * Redraw, if that is the mode and it is time: STATE says how far BLOBS[I] is, DRAW writes its
 * row. One that is complete gets a last row, once; those under way are drawn again below.
 */
void progress_draw(const void *blobs, size_t count, enum progress (*state)(const void *, size_t),
		   void (*draw)(const void *, size_t));

#endif
