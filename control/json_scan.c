/* SPDX-License-Identifier: BSD-3-Clause */
#include "json_scan.h"

#include <ctype.h>
#include <string.h>

// What jansson takes on a 64-bit machine with glibc's allocator, rounded up.
#define MEMORY_ARRAY 144
#define MEMORY_OBJECT 288
#define MEMORY_KEY 64
#define MEMORY_SCALAR 64

enum state {
	TOP,  // between texts
	LINE, // a text that is no object or array
	SKIP, // to the next newline, after an error
	VALUE,
	VALUE_OR_END,
	KEY,
	KEY_OR_END,
	COLON,
	COMMA_OR_END,
	STRING,
	TOKEN, // a number or a literal
};

bool json_scan_inside(const struct json_scan *s)
{
	return s->state != TOP && s->state != SKIP;
}

bool json_scan_complete(const struct json_scan *s)
{
	return s->state == LINE;
}

void json_scan_skip(struct json_scan *s)
{
	*s = (struct json_scan){.state = SKIP};
}

static bool is_token(unsigned char c)
{
	return isalnum(c) || c == '-' || c == '+' || c == '.';
}

static bool level_open(struct json_scan *s, bool object)
{
	if (s->depth == JSON_SCAN_DEPTH)
		return false;
	s->objects &= ~(UINT64_C(1) << s->depth);
	s->objects |= (uint64_t)object << s->depth;
	s->depth++;
	s->memory += object ? MEMORY_OBJECT : MEMORY_ARRAY;
	s->state = object ? KEY_OR_END : VALUE_OR_END;
	return true;
}

static bool in_object(const struct json_scan *s)
{
	return s->objects >> (s->depth - 1) & 1;
}

static enum json_scan_result level_close(struct json_scan *s, bool object)
{
	if (in_object(s) != object)
		return JSON_SCAN_BAD;
	s->depth--;
	s->state = s->depth > 0 ? COMMA_OR_END : TOP;
	return s->depth > 0 ? JSON_SCAN_MORE : JSON_SCAN_TEXT;
}

static enum json_scan_result value_begin(struct json_scan *s, unsigned char c)
{
	if (c == '{' || c == '[')
		return level_open(s, c == '{') ? JSON_SCAN_MORE : JSON_SCAN_DEEP;
	if (c != '"' && !is_token(c))
		return JSON_SCAN_BAD;
	s->memory += MEMORY_SCALAR;
	s->state = c == '"' ? STRING : TOKEN;
	s->key = false;
	return JSON_SCAN_MORE;
}

static enum json_scan_result key_begin(struct json_scan *s, unsigned char c)
{
	if (c != '"')
		return JSON_SCAN_BAD;
	s->memory += MEMORY_KEY;
	s->state = STRING;
	s->key = true;
	return JSON_SCAN_MORE;
}

static enum json_scan_result comma_or_end(struct json_scan *s, unsigned char c)
{
	if (c == '}' || c == ']')
		return level_close(s, c == '}');
	if (c != ',')
		return JSON_SCAN_BAD;
	s->state = in_object(s) ? KEY : VALUE;
	return JSON_SCAN_MORE;
}

// A byte that is no white space, outside of strings.
static enum json_scan_result punctuation(struct json_scan *s, unsigned char c)
{
	switch ((enum state)s->state) {
	case TOP:
		s->memory = 0;
		if (c == '{' || c == '[')
			return value_begin(s, c);
		s->state = LINE;
		return JSON_SCAN_MORE;
	case VALUE_OR_END:
		if (c == ']')
			return level_close(s, false);
		return value_begin(s, c);
	case VALUE:
		return value_begin(s, c);
	case KEY_OR_END:
		if (c == '}')
			return level_close(s, true);
		return key_begin(s, c);
	case KEY:
		return key_begin(s, c);
	case COLON:
		s->state = VALUE;
		return c == ':' ? JSON_SCAN_MORE : JSON_SCAN_BAD;
	default:
		return comma_or_end(s, c);
	}
}

// The bytes of a string up to its end or the end of the bytes.
static enum json_scan_result string(struct json_scan *s, const char *bytes, size_t size, size_t *used)
{
	size_t i = *used;

	for (; i < size; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c < ' ') {
			*used = i;
			return JSON_SCAN_BAD;
		}
		if (s->escape) {
			s->escape = false;
		} else if (c == '\\') {
			s->escape = true;
		} else if (c == '"') {
			s->state = s->key ? COLON : COMMA_OR_END;
			i++;
			break;
		}
	}
	*used = i;
	return JSON_SCAN_MORE;
}

// The bytes up to a newline; whether it was there.
static bool line(const char *bytes, size_t size, size_t *used)
{
	const char *newline = memchr(bytes + *used, '\n', size - *used);

	*used = newline != NULL ? (size_t)(newline - bytes) + 1 : size;
	return newline != NULL;
}

// In step again: at the byte itself if it begins a line, else behind the next newline.
static enum json_scan_result failed(struct json_scan *s, enum json_scan_result result, unsigned char c, size_t *used)
{
	bool at_line_start = s->line_start;

	json_scan_skip(s);
	s->bad = c;
	if (at_line_start && result == JSON_SCAN_BAD)
		s->state = TOP;
	else if (c != '\n')
		(*used)++;
	return result;
}

enum json_scan_result json_scan(struct json_scan *s, const char *bytes, size_t size, size_t *used)
{
	enum json_scan_result result = JSON_SCAN_MORE;
	size_t i = 0;

	while (i < size && result == JSON_SCAN_MORE) {
		unsigned char c = (unsigned char)bytes[i];

		if (s->state == SKIP || s->state == LINE) {
			if (line(bytes, size, &i)) {
				result = s->state == LINE ? JSON_SCAN_TEXT : JSON_SCAN_MORE;
				s->state = TOP;
			}
			continue;
		}
		if (s->state == STRING) {
			s->line_start = false;
			result = string(s, bytes, size, &i);
			if (result == JSON_SCAN_BAD)
				result = failed(s, result, (unsigned char)bytes[i], &i);
			continue;
		}
		if (s->state == TOKEN && is_token(c)) {
			i++;
			continue;
		}
		if (s->state == TOKEN)
			s->state = COMMA_OR_END;
		if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
			s->line_start = c == '\n' || s->line_start;
			i++;
			continue;
		}
		// What came before a text is not part of it: the caller forgets that first.
		if (s->state == TOP && i > 0)
			break;
		result = punctuation(s, c);
		if (result == JSON_SCAN_BAD || result == JSON_SCAN_DEEP) {
			result = failed(s, result, c, &i);
			break;
		}
		s->line_start = false;
		i++;
	}
	*used = i;
	return result;
}
