/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static int flow_error_errno(enum flow_errno what)
{
	switch (what) {
#define FLOW_ERRNO(name, type, code, err)                                                                              \
	case name:                                                                                                     \
		return -(err);
		FLOW_ERRORS(FLOW_ERRNO)
#undef FLOW_ERRNO
	}
	return -EINVAL;
}

const char *flow_error_name(uint16_t type, uint16_t code)
{
	switch ((uint32_t)type << 16 | code) {
#define FLOW_ERRNO(name, type, code, err)                                                                              \
	case name:                                                                                                     \
		return #name;
		FLOW_ERRORS(FLOW_ERRNO)
#undef FLOW_ERRNO
	}
	return NULL;
}

int flow_error_set(struct flow_error *e, enum flow_errno what, const char *field, const char *value,
		   const char *allowed, const char *fmt, ...)
{
	const int err = flow_error_errno(what);
	char message[sizeof(e->fault.message)];
	va_list ap;

	if (e == NULL)
		return err;
	e->type = (uint16_t)(what >> 16);
	e->code = (uint16_t)what;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	return fault_set(&e->fault, err, field, value, allowed, "%s", message);
}

int flow_error_int(struct flow_error *e, enum flow_errno what, const char *field, uint64_t value, const char *allowed,
		   const char *message)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return flow_error_set(e, what, field, text, allowed, "%s", message);
}
