/*
 * The parts of dockerfile:
 *
 *   lines.c         the file into instructions' texts: directives, continuation, here-documents
 *   words.c         words, flags and JSON lists of such a text
 *   instructions.c  what each instruction may look like
 *   mounts.c        RUN --mount
 *   ports.c         EXPOSE
 *   expand.c        quotes and variables
 *   pattern.c       the patterns in ${name#pattern}
 *   stages.c        which variables hold where; which stage is from which
 *   output.c        an instruction as JSON
 *   text.c          growing text, lists of texts
 *   dockerfile.c    options
 *
 * The tool runs for one file: what it has allocated goes away with it.
 */
#ifndef DOCKERFILE_H
#define DOCKERFILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FILE_MAX = 4 << 20,
	LINE_MAX_BYTES = 65535,	 /* as BuildKit */
	TEXT_MAX = 1 << 20,	 /* ENV a=$b$b again and again must not take all memory */
	OUTPUT_MAX = 256 << 20,	 /* nor args_in_env of each RUN */
	WORK_MAX = 200 * 1000000 /* nor a pattern all time: steps in all */
};

/* Where the text at hand is, for messages: a file (or what stands for one) and its line. */
extern const char *at_file;
extern size_t at_line;

/* Say what is wrong there, and exit 1. */
_Noreturn void bad(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, with the one of NAMES (a NULL ends them) that NAME may have been meant to be. */
_Noreturn void bad_name(const char *what, const char *name, const char *const names[]);

/* ---- text.c ---- */

struct text {
	char *data; /* a NUL is behind it */
	size_t size, room;
};

void text_add(struct text *text, const char *data, size_t size);
void text_puts(struct text *text, const char *string);
void text_byte(struct text *text, char c);
char *text_take(struct text *text); /* never NULL; TEXT is empty then */

struct words {
	char **word;
	size_t count;
};

void words_add(struct words *words, char *word);
char *copy_part(const char *start, size_t size);

/* The size of the white space (Unicode's) at AT; 0 if there is none. */
size_t space_size(const char *at);
char *trim(char *text); /* without white space at both ends */
bool is_switch(const char *text, bool *value);

/* ---- lines.c ---- */

struct heredoc {
	char *name, *content;
	bool expand, chomp;
};

/* An instruction as it is in the file. */
struct line {
	size_t first, last;
	char *text;
	struct heredoc *heredocs;
	size_t heredoc_count;
};

struct document {
	char escape;
	char *syntax, *check;
	struct line *lines;
	size_t count;
	json_t *warnings;
};

/* Take apart SIZE bytes of DATA, which a NUL follows; at_file says what they are. */
void read_lines(struct document *document, char *data, size_t size);

/* The here-document that WORD announces: false if none. */
bool heredoc_of(const char *word, struct heredoc *heredoc);
char *chomp(const char *content); /* without tabs at the beginnings of lines */

/* ---- words.c ---- */

struct words split_blanks(const char *text);
/* Words with their quotes, in which blanks are no end. */
struct words split_quoted(const char *text, char escape);
/* The words that begin with "--"; *REST is what follows. */
struct words take_flags(const char *text, char escape, char **rest);
/* A JSON list of strings; false if TEXT is none. */
bool split_json(const char *text, struct words *words);
/* The fields of a line of CSV, and the other way round. */
struct words split_csv(const char *text);
void csv_add(struct text *text, const char *field);

/* ---- instructions.c ---- */

enum name {
	ADD,
	ARG,
	CMD,
	COPY,
	ENTRYPOINT,
	ENV,
	EXPOSE,
	FROM,
	HEALTHCHECK,
	LABEL,
	MAINTAINER,
	ONBUILD,
	RUN,
	SHELL,
	STOPSIGNAL,
	USER,
	VOLUME,
	WORKDIR,
	NAMES
};

extern const char *const instruction_names[NAMES + 1];

struct flag {
	const char *name;
	struct words values;
};

struct instruction {
	enum name name;
	const struct line *line;
	struct flag *flags;
	size_t flag_count;
	enum { FORM_NONE, FORM_SHELL, FORM_EXEC } form;
	struct words args; /* of FROM: image, and name; of ENV and LABEL: key, value... */
	struct instruction *inner;
	char *trigger;
};

/* Take a line apart and check all that needs no variables. */
void parse_instruction(struct instruction *instruction, const struct line *line, char escape);
/* Those of a flag; a first one, or NULL. */
struct words *flag_values(const struct instruction *instruction, const char *name);
const char *flag_value(const struct instruction *instruction, const char *name);
/* Nanoseconds of a flag of HEALTHCHECK. */
int64_t health_duration(const char *name, const char *text);
/* Is TEXT the name of an instruction? NAMES if not. */
enum name instruction_name(const char *text, size_t size);

/* ---- expand.c ---- */

struct lexer {
	char escape;
	json_t *variables; /* an object */
	bool raw_quotes, raw_escapes, skip_quotes, skip_unset;
	const char *problem; /* set if it fails */
};

/* TEXT without its quotes and with values for variables; NULL if it fails. WORDS, if not NULL,
   gets what is between blanks that are not quoted. */
char *try_expand(struct lexer *lexer, const char *text, struct words *words);

/* The same with instructions' usual rules; wrong text is bad(). */
char *expand(const char *text, char escape, json_t *variables, struct words *words);
/* A here-document's content: quotes are nothing special. */
char *expand_content(const char *text, json_t *variables);

/* ---- pattern.c ---- */

/* VALUE without what PATTERN matches at its beginning or END, the LONGEST or shortest. NULL if
   the pattern is wrong. */
char *strip(const char *value, const char *pattern, bool end, bool longest);
/* VALUE with TEXT for what PATTERN matches, once or ALL. */
char *replace(const char *value, const char *pattern, const char *text, bool all);
/* Count steps of work, bad() when they are too many. */
void work(size_t steps);
extern size_t work_done;

/* ---- mounts.c ---- */

/* The mount that TEXT of --mount is, as an object. LOOK_UP gives the value of what may have
   variables; NULL: check what can be checked without. *AGAIN is TEXT once more, expanded. */
json_t *parse_mount(const char *text, char *(*look_up)(void *context, const char *text),
		    void *context, char **again);

/* ---- ports.c ---- */

/* Add the ports of TEXT, "8000-8010/udp", that are not yet in the object SEEN, to the list PORTS.
 */
void add_ports(const char *text, json_t *seen, json_t *ports);

/* ---- output.c ---- */

/* What variables are known where an instruction is. Objects by name. */
struct scope {
	char escape;
	bool raw;	    /* do not expand */
	bool quiet;	    /* what cannot be expanded stays as it is */
	json_t *variables;  /* what holds */
	json_t *args;	    /* those of them that are from ARG: true */
	json_t *env;	    /* what ENV has set, and the base image */
	json_t *globals;    /* from ARG before FROM, and the platform */
	json_t *build_args; /* of -a */
	json_t *used;	    /* that an ARG has asked for: true */
	json_t *stages;	    /* list of all */
	json_int_t stage;   /* the own number; -1 before the first FROM */
};

/* The object of an instruction; what it sets is in SCOPE then. */
json_t *evaluate(const struct instruction *instruction, struct scope *scope);
/* The number of the last stage before LIMIT of that name; -1 if there is none. */
json_int_t find_stage(json_t *stages, json_int_t limit, const char *name);
void set_env(struct scope *scope, const char *name, const char *value);

/* ---- stages.c ---- */

struct settings {
	json_t *build_args, *platform; /* name: value */
	json_t *base_env;	       /* name: value; NULL if not known */
	const char *stage;	       /* NULL: all */
	json_t *triggers;	       /* list of texts; NULL if there are none */
	const char *triggers_file;
	bool raw, list;
};

/* Print all, as JSON, in OUT. */
void print_document(const struct document *document, const struct settings *settings,
		    struct text *out);

#endif
