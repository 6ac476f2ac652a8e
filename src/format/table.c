/*
 * Aligned columns, as Go's text/tabwriter makes them for Docker: a cell is what has a tab after
 * it, is at least 10 wide, and three blanks keep it from the next. Cells of one column in lines
 * that follow each other are as wide as the widest; a line without that cell ends the column.
 */
#include "format.h"

#include "common.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH_MIN = 10, BLANKS = 3 };

struct cell {
	const char *data;
	size_t size, length;
	size_t width; /* of its column; 0 for the last of a line */
};

struct line {
	struct cell *cells;
	size_t count;
};

/* Take the line at *AT apart. */
static struct line take_line(const char **at, const char *end)
{
	struct line line = {0};
	const char *newline = memchr(*at, '\n', (size_t)(end - *at));
	const char *stop = newline ? newline : end, *next = *at;

	for (;;) {
		const char *tab = memchr(next, '\t', (size_t)(stop - next));
		const char *cell_end = tab ? tab : stop;
		size_t size = (size_t)(cell_end - next);

		line.cells = xrealloc(line.cells, (line.count + 1) * sizeof(*line.cells));
		line.cells[line.count++] = (struct cell){.data = next,
							 .size = size,
							 .length = utf8_length(next, size)};
		if (!tab)
			break;
		next = tab + 1;
	}
	*at = stop + 1;
	return line;
}

/* Set the width of column COLUMN in the COUNT lines, which all have the columns before it. */
static void set_widths(struct line *lines, size_t count, size_t column)
{
	for (size_t first = 0, after; first < count; first = after) {
		size_t width = WIDTH_MIN;

		for (after = first; after < count && column + 1 < lines[after].count; after++)
			if (lines[after].cells[column].length + BLANKS > width)
				width = lines[after].cells[column].length + BLANKS;
		if (after == first) {
			after++;
			continue;
		}
		for (size_t i = first; i < after; i++)
			lines[i].cells[column].width = width;
		set_widths(lines + first, after - first, column + 1);
	}
}

void print_table(struct text *out, const struct text *text)
{
	const char *at = text->data, *end = text->data + text->size;
	struct line *lines = NULL;
	size_t count = 0, room = 0;

	while (at < end) {
		if (count == room)
			lines = xrealloc(lines, (room = room * 2 + 64) * sizeof(*lines));
		lines[count++] = take_line(&at, end);
	}
	set_widths(lines, count, 0);
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < lines[i].count; j++) {
			struct cell *cell = &lines[i].cells[j];

			text_add(out, cell->data, cell->size);
			if (cell->width)
				text_fill(out, ' ', cell->width - cell->length);
		}
		text_add(out, "\n", 1);
		free(lines[i].cells);
	}
	free(lines);
}
