/* SPDX-License-Identifier: BSD-3-Clause */
#include "drop.h"

static const char *const names[DROP_COUNT] = {
#define X(id, name, help) [DROP_##id] = name,
	DROP_REASONS(X)
#undef X
};

static const char *const helps[DROP_COUNT] = {
#define X(id, name, help) [DROP_##id] = help,
	DROP_REASONS(X)
#undef X
};

const char *drop_name(enum drop_reason reason)
{
	return names[reason];
}

const char *drop_help(enum drop_reason reason)
{
	return helps[reason];
}
