/* SPDX-License-Identifier: BSD-3-Clause */
#include "numbers.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

// First index whose number is not less than `number`.
static uint32_t numbers_lower(const struct numbers *s, uint64_t number)
{
	uint32_t lo = 0, hi = s->n;

	if (hi > 0 && *(const uint32_t *)s->at[hi - 1] < number)
		return hi;
	while (lo < hi) {
		const uint32_t mid = lo + (hi - lo) / 2;

		if (*(const uint32_t *)s->at[mid] < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int numbers_reserve(struct numbers *s)
{
	const uint32_t cap = s->cap ? 2 * s->cap : 16;
	void **at;

	if (s->n < s->cap)
		return 0;
	at = realloc(s->at, cap * sizeof(*at));
	if (at == NULL)
		return -ENOMEM;
	s->at = at;
	s->cap = cap;
	return 0;
}

void numbers_add(struct numbers *s, void *object)
{
	const uint32_t i = numbers_lower(s, *(const uint32_t *)object);

	memmove(&s->at[i + 1], &s->at[i], (s->n - i) * sizeof(*s->at));
	s->at[i] = object;
	s->n++;
}

void numbers_del(struct numbers *s, const void *object)
{
	const uint32_t i = numbers_lower(s, *(const uint32_t *)object);

	s->n--;
	memmove(&s->at[i], &s->at[i + 1], (s->n - i) * sizeof(*s->at));
}

void *numbers_from(const struct numbers *s, uint64_t number)
{
	const uint32_t i = numbers_lower(s, number);

	return i < s->n ? s->at[i] : NULL;
}

void *numbers_find(const struct numbers *s, uint32_t number)
{
	void *object = numbers_from(s, number);

	return object != NULL && *(const uint32_t *)object == number ? object : NULL;
}

void numbers_free(struct numbers *s)
{
	free(s->at);
	*s = (struct numbers){0};
}

uint32_t ids_take(struct ids *s)
{
	if (s->used == NULL)
		s->used = calloc(s->max / 64 + 1, sizeof(*s->used));
	if (s->used == NULL)
		return 0;
	s->from = s->from > 0 ? s->from : 1;
	while (s->from <= s->max && (s->used[s->from / 64] >> s->from % 64 & 1) != 0)
		s->from++;
	if (s->from > s->max)
		return 0;
	s->used[s->from / 64] |= UINT64_C(1) << s->from % 64;
	return s->from++;
}

void ids_give(struct ids *s, uint32_t id)
{
	s->used[id / 64] &= ~(UINT64_C(1) << id % 64);
	s->from = id < s->from ? id : s->from;
}
