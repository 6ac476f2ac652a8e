/*
 * The columns of a row, in the order of Docker's documentation.
 */
#define _GNU_SOURCE
#include "containers.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- text ---- */

/*
 * TEXT without what separates columns, rows and labels. The rest is the reader's to escape, as
 * format(1) does, but a terminal gets no control characters.
 */
static void put(FILE *out, const char *text, size_t size)
{
	static int terminal = -1;

	if (terminal < 0)
		terminal = isatty(STDOUT_FILENO);
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i],
			      before = i ? (unsigned char)text[i - 1] : 0;
		bool control = c < 0x20 || c == 0x7f ||
			       (c >= 0x80 && c < 0xa0 && (before == 0xc2 || before < 0x80));
		fputc(c == '\t' || c == '\n' || c == '\037' || (control && terminal) ? '?' : c,
		      out);
	}
}

/* The first line of a file. */
static void put_line(FILE *out, int dir, const char *name)
{
	char *line = file_line(dir, name);

	put(out, line, strlen(line));
	free(line);
}

/* TEXT in at most MAX characters, the last of which says that there are more. */
static void put_short(FILE *out, const struct container *c, const char *text, size_t max)
{
	size_t count = 0, end = 0, size;

	for (size = 0; text[size]; size++) {
		if ((text[size] & 0xc0) == 0x80)
			continue; /* UTF-8: it goes on */
		if (++count == max)
			end = size;
	}
	if (count <= max || c->choice->whole)
		end = size;
	put(out, text, end);
	if (end != size)
		fputs("…", out);
}

/* ---- times ---- */

/* Seconds from a time of ours (RFC 3339, UTC) until now. */
static long long seconds_since(const struct container *c, const char *time)
{
	struct tm tm = {0};

	strptime(time, "%Y-%m-%dT%H:%M:%S", &tm);
	return (long long)(c->choice->now - timegm(&tm));
}

/* In words, as Docker says it (go-units HumanDuration). */
static void put_age(FILE *out, long long seconds)
{
	enum { MINUTE = 60, HOUR = 3600, DAY = 24 * HOUR, WEEK = 7 * DAY };
	static const struct {
		long long below, unit, half;
		const char *words; /* behind a number, or alone */
	} ages[] = {
		{1, 1, 0, "Less than a second"},
		{2, 1, 0, "1 second"},
		{MINUTE, 1, 0, " seconds"},
		{2 * MINUTE, MINUTE, 0, "About a minute"},
		{HOUR, MINUTE, 0, " minutes"},
		{HOUR + HOUR / 2, HOUR, 0, "About an hour"},
		{2 * DAY, HOUR, HOUR / 2, " hours"},
		{2 * WEEK, DAY, 0, " days"},
		{60LL * DAY, WEEK, 0, " weeks"},
		{730LL * DAY, 30LL * DAY, 0, " months"},
		{INT64_MAX, 365LL * DAY, 0, " years"},
	};
	size_t i = 0;

	while (seconds >= ages[i].below)
		i++;
	if (*ages[i].words == ' ')
		fprintf(out, "%lld", (seconds + ages[i].half) / ages[i].unit);
	fputs(ages[i].words, out);
}

/* ---- columns: each prints its own; false if the files do not fit together any more ---- */

static bool created(FILE *out, const struct container *c)
{
	put(out, c->created, strlen(c->created));
	return true;
}

static bool id(FILE *out, const struct container *c)
{
	put(out, c->id, c->choice->whole ? strlen(c->id) : 12);
	return true;
}

static bool image(FILE *out, const struct container *c)
{
	put_line(out, c->dir, "image");
	return true;
}

static bool command(FILE *out, const struct container *c)
{
	char *line = file_line(c->dir, "command");

	fputc('"', out);
	put_short(out, c, line, 20);
	fputc('"', out);
	free(line);
	return true;
}

/* As Go prints a time: 2026-11-22 10:00:00 +0000 UTC. */
static bool created_at(FILE *out, const struct container *c)
{
	size_t date = strcspn(c->created, "T"), end = strcspn(c->created, ".");

	put(out, c->created, date);
	if (date < end) {
		fputc(' ', out);
		put(out, c->created + date + 1, end - date - 1);
	}
	fputs(" +0000 UTC", out);
	return true;
}

static bool running_for(FILE *out, const struct container *c)
{
	put_age(out, seconds_since(c, c->created));
	fputs(" ago", out);
	return true;
}

static bool ports(FILE *out, const struct container *c)
{
	if (strcmp(c->state, "running") == 0)
		print_ports(out, c->dir);
	return true;
}

static bool state(FILE *out, const struct container *c)
{
	fputs(shown_state(c), out);
	return true;
}

/* What the status says behind "Up 5 minutes". */
static void put_health(FILE *out, const struct container *c)
{
	char *health = health_of(c->dir);

	if (c->paused)
		fputs(" (Paused)", out);
	else if (strcmp(health, "starting") == 0)
		fputs(" (health: starting)", out);
	else if (strcmp(health, "none") != 0) {
		fputs(" (", out);
		put(out, health, strlen(health));
		fputc(')', out);
	}
	free(health);
}

/* Behind a state: since when, by the file NAME; false if it is not there. */
static bool put_since(FILE *out, const struct container *c, const char *name)
{
	char *time = file_line(c->dir, name);
	bool there = *time;

	if (there)
		put_age(out, seconds_since(c, time));
	free(time);
	return there;
}

static bool status(FILE *out, const struct container *c)
{
	bool there = true;

	if (strcmp(c->state, "running") == 0) {
		fputs("Up ", out);
		there = put_since(out, c, "started");
		put_health(out, c);
	} else if (strcmp(c->state, "exited") == 0 || strcmp(c->state, "restarting") == 0) {
		bool restarting = strcmp(c->state, "restarting") == 0;
		fputs(restarting ? "Restarting (" : "Exited (", out);
		put(out, c->code, strlen(c->code));
		fputs(") ", out);
		there = put_since(out, c, "finished");
		if (!there && restarting) /* its next run begins at this moment */
			fputs("Less than a second", out);
		there = there || restarting;
		fputs(" ago", out);
	} else {
		fputs(strcmp(c->state, "dead") == 0 ? "Dead (see skiff check)" : "Created", out);
	}
	return there;
}

static uint64_t image_size(const struct container *c)
{
	char *image_id = file_line(c->dir, "image-id"),
	     *path = xasprintf("images/%s/size", image_id),
	     *line = strchr(image_id, '/') ? xstrdup("") : file_line(c->choice->store, path);
	uint64_t size;

	if (!is_number(line, 0, INT64_MAX, &size))
		size = 0;
	free(image_id);
	free(path);
	free(line);
	return size;
}

/* Counted if it was asked for by name. */
static bool size_column(FILE *out, const struct container *c)
{
	bool count = c->choice->size || (c->choice->only && strstr(c->choice->only, "Size"));
	uint64_t bytes = count ? written_bytes(c->dir) : 0;

	print_size(out, bytes);
	if (c->choice->size) {
		fputs(" (virtual ", out);
		print_size(out, image_size(c) + bytes);
		fputc(')', out);
	}
	return true;
}

static bool names(FILE *out, const struct container *c)
{
	put_line(out, c->dir, "name");
	return true;
}

static bool labels(FILE *out, const struct container *c)
{
	struct file_words list = labels_of(c->dir);

	for (size_t i = 0; i < list.count; i++) {
		fputs(i ? "\037" : "", out);
		put(out, list.at[i], strlen(list.at[i]));
		fputs(strchr(list.at[i], '=') ? "" : "=", out);
	}
	free_words(&list);
	return true;
}

static bool mounts(FILE *out, const struct container *c)
{
	struct file_words arguments = file_lines(c->dir, "unshare-run");
	struct mount mount;
	const char *separator = "";

	for (size_t at = 0; next_mount(c, &arguments, &at, &mount); separator = ",") {
		fputs(separator, out);
		put_short(out, c, mount.source, 15);
	}
	free_words(&arguments);
	return true;
}

static bool networks(FILE *out, const struct container *c)
{
	struct file_words list = networks_of(c->dir);

	fputs(list.count ? "" : "none", out);
	for (size_t i = 0; i < list.count; i++) {
		fputs(i ? "," : "", out);
		put(out, list.at[i], strlen(list.at[i]));
	}
	free_words(&list);
	return true;
}

static bool local_volumes(FILE *out, const struct container *c)
{
	struct file_words arguments = file_lines(c->dir, "unshare-run");
	struct mount mount;
	int count = 0;

	for (size_t at = 0; next_mount(c, &arguments, &at, &mount);)
		count += mount.is_volume;
	fprintf(out, "%d", count);
	free_words(&arguments);
	return true;
}

/* "Label" is in "Labels", too. */
static const struct {
	const char *name;
	bool (*print)(FILE *out, const struct container *c);
} columns[] = {
	{"", created},
	{"ID", id},
	{"Image", image},
	{"Command", command},
	{"CreatedAt", created_at},
	{"RunningFor", running_for},
	{"Ports", ports},
	{"State", state},
	{"Status", status},
	{"Size", size_column},
	{"Names", names},
	{"Label", labels},
	{"Mounts", mounts},
	{"Networks", networks},
	{"LocalVolumes", local_volumes},
};

bool print_columns(FILE *out, const struct container *c)
{
	if (c->choice->quiet)
		return id(out, c);
	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
		bool wanted = !c->choice->only || strstr(c->choice->only, columns[i].name) ||
			      strstr(c->choice->only, "json");
		fputs(i ? "\t" : "", out);
		if (wanted && !columns[i].print(out, c))
			return false;
	}
	return true;
}
