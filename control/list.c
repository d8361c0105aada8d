/* SPDX-License-Identifier: BSD-3-Clause */
#include "list.h"

#include <string.h>

const struct param list_params[] = {
	{.name = "name", .type = PARAM_NAME, .help = "only this one"},
	{.name = "limit", .type = PARAM_INT, .min = 1, .max = 100000, .def = "100000", .help = "at most so many"},
	{.name = "after", .type = PARAM_NAME, .help = "only those whose names come after this one: the next page"},
	{0},
};

void list_page(const json_t *params, const struct names *set, struct list_page *page)
{
	uint32_t limit = json_integer_value(json_object_get(params, "limit"));

	page->name = json_string_value(json_object_get(params, "name"));
	page->first = names_after(set, json_string_value(json_object_get(params, "after")));
	page->end = set->n - page->first < limit ? set->n : page->first + limit;
	if (!page->name)
		return;
	page->end = names_after(set, page->name);
	page->first = page->end - (names_find(set, page->name) != NULL);
}
