/* SPDX-License-Identifier: BSD-3-Clause */
#include "names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// First index whose name is not less than `name`.
static uint32_t names_lower(const struct names *s, const char *name)
{
	uint32_t lo = 0, hi = s->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (strcmp(s->at[mid], name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int names_reserve(struct names *s)
{
	uint32_t cap = s->cap ? 2 * s->cap : 16;
	void **at;

	if (s->n < s->cap)
		return 0;
	at = realloc(s->at, cap * sizeof(*at));
	if (!at)
		return -ENOMEM;
	s->at = at;
	s->cap = cap;
	return 0;
}

void names_add(struct names *s, void *object)
{
	uint32_t i = names_lower(s, object);

	memmove(&s->at[i + 1], &s->at[i], (s->n - i) * sizeof(*s->at));
	s->at[i] = object;
	s->n++;
}

void names_del(struct names *s, const void *object)
{
	uint32_t i = names_lower(s, object);

	s->n--;
	memmove(&s->at[i], &s->at[i + 1], (s->n - i) * sizeof(*s->at));
}

void *names_find(const struct names *s, const char *name)
{
	uint32_t i = names_lower(s, name);

	return i < s->n && !strcmp(s->at[i], name) ? s->at[i] : NULL;
}

uint32_t names_after(const struct names *s, const char *after)
{
	uint32_t i;

	if (!after)
		return 0;
	i = names_lower(s, after);
	return i < s->n && !strcmp(s->at[i], after) ? i + 1 : i;
}

void names_free(struct names *s)
{
	free(s->at);
	*s = (struct names){0};
}
