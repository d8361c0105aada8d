/* SPDX-License-Identifier: BSD-3-Clause */
// The bytes of a state file and of a journal. The first byte tells which, and whether the checksums are made right
// first, so that what is behind them is reached too.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../control/crc32c.h"
#include "../../control/journal.h"
#include "../../control/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK_LEN 22 // ,"crc32c":"01234567"}\n

static int change(json_t *changes, void *arg, struct fault *f)
{
	if (!json_is_array(changes) && !json_is_object(changes))
		abort();
	++*(unsigned int *)arg;
	return 0;
}

static int object(const char *kind, const char *key, json_t *object, void *arg, struct fault *f)
{
	if (kind == NULL || key == NULL || !json_is_object(object))
		abort();
	json_decref(object);
	return 0;
}

static void journal(char *bytes, size_t size, bool right)
{
	unsigned int records = 0;
	struct fault f = {0};
	const uint64_t after = 3;
	uint64_t seq;
	size_t end;

	for (char *line = bytes, *newline;
	     right && (newline = memchr(line, '\n', size - (size_t)(line - bytes))) != NULL; line = newline + 1) {
		char crc[9];

		if (newline - line < 9)
			continue;
		snprintf(crc, sizeof(crc), "%08x", crc32c(0, line + 9, (size_t)(newline - line) - 9));
		memcpy(line, crc, 8);
	}
	if (journal_parse(bytes, size, after, change, &records, &end, &seq, &f) < 0) {
		if (f.message[0] == '\0')
			abort();
		return;
	}
	if (end > size || seq != after + records)
		abort();
}

static void snapshot(char *bytes, size_t size, bool right)
{
	struct fault f = {0};
	uint64_t seq, until;

	if (right && size > CHECK_LEN) {
		char check[CHECK_LEN + 1];

		snprintf(check, sizeof(check), ",\"crc32c\":\"%08x\"}\n", crc32c(0, bytes, size - CHECK_LEN));
		memcpy(bytes + size - CHECK_LEN, check, CHECK_LEN);
	}
	if (snapshot_parse(bytes, size, object, NULL, &seq, &until, &f) < 0) {
		if (f.message[0] == '\0')
			abort();
	} else if (until < seq) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes;

	if (size == 0)
		return 0;
	bytes = malloc(size - 1);
	memcpy(bytes, data + 1, size - 1);
	if (data[0] & 1)
		journal(bytes, size - 1, data[0] & 2);
	else
		snapshot(bytes, size - 1, data[0] & 2);
	free(bytes);
	return 0;
}
