/* SPDX-License-Identifier: BSD-3-Clause */
#include "kinds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"

#define KINDS_MAX 64

static const struct kind *kinds[KINDS_MAX + 1];
static unsigned int nkinds;

void kind_register(const struct kind *k)
{
	unsigned int i;

	// A registration happens before main(): there is nobody to return an error to.
	if (nkinds == KINDS_MAX || kind_find(k->name) != NULL) {
		fprintf(stderr, "kind %s: registered twice, or too many kinds\n", k->name);
		abort();
	}
	for (i = nkinds++; i > 0 && kinds[i - 1]->order > k->order; i--)
		kinds[i] = kinds[i - 1];
	kinds[i] = k;
}

const struct kind *kind_at(unsigned int i)
{
	return i < nkinds ? kinds[i] : NULL;
}

const struct kind *kind_find(const char *name)
{
	for (unsigned int i = 0; i < nkinds; i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}

json_t *kind_objects(const struct kind *k)
{
	return k->objects != NULL ? k->objects() : json_incref(store_kind(k->name));
}

int kind_key(const struct kind *k, const json_t *object, char key[KIND_KEY_LEN])
{
	size_t len = 0;

	if (!k->key[0])
		snprintf(key, KIND_KEY_LEN, "%s", k->name);
	for (const char *const *field = k->key; *field != NULL; field++) {
		const json_t *value = json_object_get(object, *field);
		const char *sep = field == k->key ? "" : "/";
		int n;

		if (json_is_string(value))
			n = snprintf(key + len, KIND_KEY_LEN - len, "%s%s", sep, json_string_value(value));
		else if (json_is_integer(value))
			n = snprintf(key + len, KIND_KEY_LEN - len, "%s%" JSON_INTEGER_FORMAT, sep,
				     json_integer_value(value));
		else
			return -EINVAL;
		if (n < 0 || (size_t)n >= KIND_KEY_LEN - len)
			return -EINVAL;
		len += (size_t)n;
	}
	return 0;
}
