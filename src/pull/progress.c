/* What a row says of a blob that comes in. */
#include "pull.h"

#include <stdio.h>

void progress_line(const struct blob *blob, const char *text)
{
	if (progress_is_plain())
		fprintf(stderr, "%.12s: %s\n", blob->digest + 7, text);
}

static enum progress state(const void *blobs, size_t i)
{
	return ((const struct blob *)blobs)[i].state;
}

static void draw(const void *blobs, size_t i)
{
	const struct blob *blob = (const struct blob *)blobs + i;
	char have[SIZE_TEXT];

	fprintf(stderr, "%.12s: ", blob->digest + 7);
	if (blob->state == COMPLETE)
		fputs("Download complete\n", stderr);
	else if (!blob->request.registry)
		fputs("Waiting\n", stderr);
	else if (blob->sized)
		progress_bar("Downloading", blob->have, blob->size);
	else {
		size_text(blob->have, have);
		fprintf(stderr, "Downloading %s\n", have);
	}
}

void show_progress(const struct blob *blobs, size_t count)
{
	progress_draw(blobs, count, state, draw);
}
