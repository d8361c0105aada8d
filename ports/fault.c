/* SPDX-License-Identifier: BSD-3-Clause */
#include "fault.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

// These carry their meaning in the message; any other errno is the system's word and its text is worth showing.
static bool errno_is_ours(int err)
{
	switch (-err) {
	case EINVAL:
	case ENOENT:
	case EEXIST:
	case EBUSY:
	case ENOSPC:
	case ENOMEM:
	case ENOTSUP:
	case ENOSYS: // no such method
		return true;
	default:
		return false;
	}
}

// A cut must not leave half a UTF-8 sequence behind: the text goes into JSON.
static void text_trim(char *text, size_t len)
{
	size_t at = len;

	while (at > 0 && len - at < 3 && ((unsigned char)text[at - 1] & 0xc0) == 0x80)
		at--;
	if (at == 0 || ((unsigned char)text[at - 1] & 0x80) == 0)
		return;
	const unsigned char lead = (unsigned char)text[at - 1];
	const size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
	if (len - (at - 1) < want)
		text[at - 1] = '\0';
}

static void text_set(char *dst, size_t size, const char *src)
{
	if (src == NULL)
		src = "";
	const size_t len = strnlen(src, size - 1);
	memcpy(dst, src, len);
	dst[len] = '\0';
	if (src[len] != '\0')
		text_trim(dst, len);
}

static void message_set(struct fault *f, int err, const char *fmt, va_list ap)
{
	char text[sizeof(f->message)];

	const int n = vsnprintf(text, sizeof(text), fmt, ap);
	text_set(f->message, sizeof(f->message), n < 0 ? fmt : text);
	if (n >= (int)sizeof(text))
		text_trim(f->message, strlen(f->message));
	if (errno_is_ours(err))
		return;
	const size_t len = strlen(f->message);
	snprintf(f->message + len, sizeof(f->message) - len, ": %s", strerror(-err));
}

int fault_set(struct fault *f, int err, const char *field, const char *value, const char *allowed, const char *fmt, ...)
{
	va_list ap;

	f->err = err;
	text_set(f->field, sizeof(f->field), field);
	// A JSON text that is cut is none: better no value than a broken one.
	text_set(f->value, sizeof(f->value), value != NULL && strlen(value) < sizeof(f->value) ? value : NULL);
	text_set(f->allowed, sizeof(f->allowed), allowed);
	va_start(ap, fmt);
	message_set(f, err, fmt, ap);
	va_end(ap);
	return err;
}

// Writes `value` as a JSON string that fits `size`, cut with three dots if it must be.
static void value_quote(char *dst, size_t size, const char *value)
{
	char part[sizeof(((struct fault *)0)->value)];
	size_t keep = strlen(value);
	bool cut = false;

	dst[0] = '\0';
	while (true) {
		if (keep > sizeof(part) - 4) {
			keep = sizeof(part) - 4;
			cut = true;
		}
		memcpy(part, value, keep);
		part[keep] = '\0';
		text_trim(part, keep);
		if (cut)
			strcat(part, "...");
		json_t *s = json_string(part);
		char *text = s != NULL ? json_dumps(s, JSON_ENCODE_ANY) : NULL;
		json_decref(s);
		const bool fits = text != NULL && strlen(text) < size;
		if (fits)
			strcpy(dst, text);
		free(text);
		// No text at all: not UTF-8, or no memory. It is left out then.
		if (fits || text == NULL || keep < 8)
			return;
		keep -= 8;
		cut = true;
	}
}

int fault_str(struct fault *f, int err, const char *field, const char *value, const char *allowed, const char *fmt, ...)
{
	va_list ap;

	f->err = err;
	text_set(f->field, sizeof(f->field), field);
	f->value[0] = '\0';
	if (value != NULL)
		value_quote(f->value, sizeof(f->value), value);
	text_set(f->allowed, sizeof(f->allowed), allowed);
	va_start(ap, fmt);
	message_set(f, err, fmt, ap);
	va_end(ap);
	return err;
}
