/* What a row says of a blob that goes out. */
#include "push.h"

#include <stdio.h>

static enum progress state(const void *blobs, size_t i)
{
	return ((const struct blob *)blobs)[i].state;
}

static void draw(const void *blobs, size_t i)
{
	const struct blob *blob = (const struct blob *)blobs + i;

	fprintf(stderr, "%.12s: ", blob->digest + 7);
	if (blob->state != COMPLETE && blob->step > BEGIN)
		progress_bar("Pushing", blob->offset + blob->request.sent, blob->size);
	else if (blob->state != COMPLETE)
		fputs("Preparing\n", stderr);
	else if (blob->result == MOUNTED)
		fprintf(stderr, "Mounted from %s\n", blob->from[blob->source]);
	else if (blob->result == MISSING)
		fputs("Missing\n", stderr);
	else
		fputs(blob->result == EXISTS ? "Layer already exists\n" : "Pushed\n", stderr);
}

void progress_line(const struct blob *blob)
{
	if (progress_is_plain())
		draw(blob, 0);
}

void show_progress(const struct blob *blobs, size_t count)
{
	progress_draw(blobs, count, state, draw);
}
