/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "table.h"

#define COLUMNS_MAX 64
#define CUT_MIN 8     // cells that a cut column keeps
#define GAP 2         // spaces between columns
#define INLINE_MAX 60 // an object of this length stays on its key's line

struct grid {
	size_t n, rows;
	const char *title[COLUMNS_MAX];
	bool right[COLUMNS_MAX]; // numbers
	size_t cells[COLUMNS_MAX];
	char **text; // [rows * n]
};

unsigned int table_width(void)
{
	struct winsize w;

	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0)
		return w.ws_col;
	return 0;
}

// The keys of all rows as columns, or of `columns` those which some row has.
static size_t choose_columns(const json_t *rows, const struct column *columns, struct column *out)
{
	size_t n = 0, i, j;
	const json_t *row, *v;
	const char *key;

	for (; columns != NULL && columns->title != NULL && n < COLUMNS_MAX; columns++) {
		json_array_foreach (rows, i, row) {
			if (text_member(row, columns->path) != NULL) {
				out[n++] = *columns;
				break;
			}
		}
	}
	if (columns != NULL)
		return n;
	json_array_foreach (rows, i, row) {
		json_object_foreach ((json_t *)row, key, v) {
			for (j = 0; j < n && strcmp(out[j].path, key) != 0; j++)
				;
			if (j == n && n < COLUMNS_MAX)
				out[n++] = (struct column){.title = key, .path = key};
		}
	}
	return n;
}

static void grid_fill(struct grid *g, const json_t *rows, const struct column *columns, bool keys)
{
	for (size_t c = 0; c < g->n; c++) {
		g->title[c] = columns[c].title;
		g->cells[c] = text_cells(columns[c].title);
		g->right[c] = true;
		for (size_t r = 0; r < g->rows; r++) {
			const json_t *row = json_array_get(rows, r);
			const json_t *v =
				keys ? json_object_get(row, columns[c].path) : text_member(row, columns[c].path);
			char *text = text_value(v, columns[c].format);

			g->text[r * g->n + c] = text;
			if (text_cells(text) > g->cells[c])
				g->cells[c] = text_cells(text);
			if (v != NULL && !json_is_number(v) && !json_is_null(v) && columns[c].format != TEXT_COUNT &&
			    columns[c].format != TEXT_SUM)
				g->right[c] = false;
		}
	}
}

static size_t grid_width(const struct grid *g)
{
	size_t w = GAP * (g->n - 1);

	for (size_t c = 0; c < g->n; c++)
		w += g->cells[c];
	return w;
}

// Cuts the widest columns until the table fits; false if it cannot.
static bool grid_shrink(struct grid *g, size_t width)
{
	while (grid_width(g) > width) {
		size_t widest = 0;

		for (size_t c = 1; c < g->n; c++) {
			// A number that lost digits would be a wrong number.
			if (g->right[widest] || (!g->right[c] && g->cells[c] > g->cells[widest]))
				widest = c;
		}
		if (g->right[widest] || g->cells[widest] <= CUT_MIN)
			return false;
		g->cells[widest]--;
	}
	return true;
}

// `s` in `cells` cells, cut with '~' if it is longer; no padding after the last column.
static void put_cell(FILE *f, const char *s, size_t cells, bool right, bool last)
{
	size_t n = text_cells(s), keep = n > cells ? cells - 1 : n, pad = n < cells ? cells - n : 0;
	const char *end = s;

	for (size_t i = 0; i < keep; i++) {
		end++;
		while (((unsigned char)*end & 0xc0) == 0x80)
			end++;
	}
	if (right)
		fprintf(f, "%*s", (int)pad, "");
	fwrite(s, 1, (size_t)(end - s), f);
	if (n > cells)
		putc('~', f);
	if (!last)
		fprintf(f, "%*s", (int)(right ? GAP : pad + GAP), "");
}

static void print_grid(FILE *f, const struct grid *g, int indent)
{
	fprintf(f, "%*s", indent, "");
	for (size_t c = 0; c < g->n; c++)
		put_cell(f, g->title[c], g->cells[c], g->right[c], c + 1 == g->n);
	putc('\n', f);
	for (size_t r = 0; r < g->rows; r++) {
		fprintf(f, "%*s", indent, "");
		for (size_t c = 0; c < g->n; c++)
			put_cell(f, g->text[r * g->n + c], g->cells[c], g->right[c], c + 1 == g->n);
		putc('\n', f);
	}
}

static void print_blocks(FILE *f, const struct grid *g, int indent)
{
	size_t key = 0;

	for (size_t c = 0; c < g->n; c++) {
		if (text_cells(g->title[c]) > key)
			key = text_cells(g->title[c]);
	}
	for (size_t r = 0; r < g->rows; r++) {
		if (r > 0)
			putc('\n', f);
		for (size_t c = 0; c < g->n; c++)
			fprintf(f, "%*s%s:%*s%s\n", indent, "", g->title[c], (int)(key - text_cells(g->title[c]) + 1),
				"", g->text[r * g->n + c]);
	}
}

static void print_rows(FILE *f, const json_t *rows, const struct column *columns, unsigned int width, int indent)
{
	struct column chosen[COLUMNS_MAX];
	struct grid g = {.rows = json_array_size(rows)};

	g.n = choose_columns(rows, columns, chosen);
	if (g.n == 0)
		return;
	g.text = calloc(g.n * g.rows, sizeof(char *));
	grid_fill(&g, rows, chosen, columns == NULL);
	if (width == 0 || grid_shrink(&g, width > (unsigned int)indent ? width - (unsigned int)indent : 1))
		print_grid(f, &g, indent);
	else
		print_blocks(f, &g, indent);
	for (size_t i = 0; i < g.n * g.rows; i++)
		free(g.text[i]);
	free(g.text);
}

static bool all_objects(const json_t *v)
{
	size_t i;
	const json_t *e;

	json_array_foreach (v, i, e) {
		if (!json_is_object(e))
			return false;
	}
	return json_array_size(v) > 0;
}

static void print_object(FILE *f, const json_t *o, unsigned int width, int indent)
{
	size_t longest = 0;
	const char *key;
	const json_t *v;

	json_object_foreach ((json_t *)o, key, v) {
		if (text_cells(key) > longest)
			longest = text_cells(key);
	}
	json_object_foreach ((json_t *)o, key, v) {
		char *name = text_safe(key), *text = text_value(v, TEXT_PLAIN);
		bool objects = all_objects(v), deep = json_is_object(v) && text_cells(text) > INLINE_MAX;

		fprintf(f, "%*s%s:", indent, "", name);
		if (!objects && !deep)
			fprintf(f, "%*s%s", (int)(longest - text_cells(key) + 1), "", text);
		putc('\n', f);
		if (objects)
			print_rows(f, v, NULL, width, indent + 2);
		else if (deep)
			print_object(f, v, width, indent + 2);
		free(name);
		free(text);
	}
}

void table_rows(FILE *f, const json_t *rows, const struct column *columns, unsigned int width)
{
	print_rows(f, rows, columns, width, 0);
}

void table_value(FILE *f, const json_t *v, unsigned int width)
{
	char *text;
	size_t i;
	const json_t *e;

	if (json_is_object(v)) {
		print_object(f, v, width, 0);
	} else if (all_objects(v)) {
		print_rows(f, v, NULL, width, 0);
	} else if (json_is_array(v)) {
		json_array_foreach (v, i, e) {
			text = text_value(e, TEXT_PLAIN);
			fprintf(f, "%s\n", text);
			free(text);
		}
	} else if (!json_is_true(v)) {
		text = text_value(v, TEXT_PLAIN);
		fprintf(f, "%s\n", text);
		free(text);
	}
}
