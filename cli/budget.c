/* SPDX-License-Identifier: BSD-3-Clause */
#include "budget.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse(const char *text, double min, double max, bool whole, double *out)
{
	char *end;

	if (*text < '0' || *text > '9' || strspn(text, "0123456789.") != strlen(text))
		return false;
	*out = strtod(text, &end);
	return *end == '\0' && *out >= min && *out <= max && (!whole || *out == (double)(long)*out);
}

int budget_parse(struct budget *b, char *const *words, size_t n, char *why, size_t size)
{
	const struct option {
		const char *name;
		double *field, min, max;
		bool whole;
		const char *unit;
	} options[] = {
		{"--gbps", &b->gbps, 0.001, 10000, false, "Gbit/s"},
		{"--size", &b->size, 64, 16383, true, "bytes, with the FCS"},
		{"--ghz", &b->ghz, 0.1, 10, false, "GHz"},
	};

	for (size_t i = 0; i < n; i++) {
		size_t len = strcspn(words[i], "="), o = 0;
		const char *value = words[i][len] == '=' ? words[i] + len + 1 : NULL;

		while (o < 3 && (strlen(options[o].name) != len || strncmp(options[o].name, words[i], len) != 0))
			o++;
		if (o == 3) {
			snprintf(why, size, "'%.40s' is not --gbps, --size or --ghz", words[i]);
			return -EINVAL;
		}
		if (value == NULL)
			value = i + 1 < n ? words[++i] : "";
		if (!parse(value, options[o].min, options[o].max, options[o].whole, options[o].field)) {
			snprintf(why, size, "%s: '%.40s' is not %g to %g (%s)", options[o].name, value, options[o].min,
				 options[o].max, options[o].unit);
			return -EINVAL;
		}
	}
	return 0;
}

void budget_compute(const struct budget *b, struct budget_result *out)
{
	out->pps = b->gbps * 1e9 / ((b->size + BUDGET_WIRE_BYTES) * 8);
	out->ns = 1e9 / out->pps;
	out->cycles = out->ns * b->ghz;
}
