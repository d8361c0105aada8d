/* SPDX-License-Identifier: BSD-3-Clause */
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crc32c.h"

#define HEAD "{\"format\":\"sluice-state\",\"version\":1,\"seq\":%" PRIu64 ",\"objects\":[\n"
#define TAIL "null],\"until\":%" PRIu64
#define CHECK ",\"crc32c\":\"%08" PRIx32 "\"}\n"
#define CHECK_LEN 22
#define LINE_LEN 128

static int not_ours(struct fault *f, const char *why)
{
	return fault_set(f, -EINVAL, NULL, NULL, NULL, "this is no state file of this daemon, or it is damaged: %s",
			 why);
}

// Reads one number out of a line by its format. The line is copied, because the bytes have no closing NUL.
static bool line_number(const char *line, size_t len, const char *format, uint64_t *number)
{
	char copy[LINE_LEN], again[LINE_LEN];

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, line, len);
	copy[len] = '\0';
	if (sscanf(copy, format, number) != 1)
		return false;
	snprintf(again, sizeof(again), format, *number);
	return strcmp(copy, again) == 0;
}

static bool check_right(const char *bytes, size_t size)
{
	char check[CHECK_LEN + 1];

	if (size < CHECK_LEN)
		return false;
	snprintf(check, sizeof(check), CHECK, crc32c(0, bytes, size - CHECK_LEN));
	return memcmp(check, bytes + size - CHECK_LEN, CHECK_LEN) == 0;
}

static int object_parse(const char *line, size_t len, snapshot_fn fn, void *arg, struct fault *f)
{
	const char *kind, *key;
	json_t *entry, *object;
	int rc;

	if (len < 2 || memcmp(line + len - 2, ",\n", 2) != 0)
		return not_ours(f, "an object's line has no end");
	entry = json_loadb(line, len - 2, JSON_REJECT_DUPLICATES, NULL);
	if (json_unpack(entry, "[s, s, o!]", &kind, &key, &object) != 0 || !json_is_object(object)) {
		json_decref(entry);
		return not_ours(f, "an object's line holds something else");
	}
	rc = fn(kind, key, json_incref(object), arg, f);
	json_decref(entry);
	return rc;
}

int snapshot_parse(const char *bytes, size_t size, snapshot_fn fn, void *arg, uint64_t *seq, uint64_t *until,
		   struct fault *f)
{
	const char *line = bytes, *end, *next;
	int rc;

	*seq = 0;
	*until = 0;
	if (!check_right(bytes, size))
		return not_ours(f, "the checksum is wrong");
	end = bytes + size - CHECK_LEN;
	next = memchr(line, '\n', (size_t)(end - line));
	if (next == NULL || !line_number(line, (size_t)(++next - line), HEAD, seq))
		return not_ours(f, "the first line is wrong");
	for (line = next; (next = memchr(line, '\n', (size_t)(end - line))) != NULL; line = next) {
		rc = object_parse(line, (size_t)(++next - line), fn, arg, f);
		if (rc < 0)
			return rc;
	}
	if (!line_number(line, (size_t)(end - line), TAIL, until) || *until < *seq)
		return not_ours(f, "the last line is wrong");
	return 0;
}

int snapshot_load(const char *path, snapshot_fn fn, void *arg, uint64_t *seq, uint64_t *until, struct fault *f)
{
	const char *bytes;
	size_t size;
	int fd, rc;

	*seq = 0;
	*until = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	rc = fd < 0 ? -errno : file_map(fd, &bytes, &size);
	if (fd >= 0)
		close(fd);
	if (rc < 0)
		return fault_str(f, rc, "state", path, NULL, "the state file cannot be read");
	rc = snapshot_parse(bytes, size, fn, arg, seq, until, f);
	if (rc == -EINVAL && f->value[0] == '\0') {
		struct fault was = *f;

		fault_str(f, rc, "state", path, NULL, "%s", was.message);
	}
	file_unmap(bytes, size);
	return rc;
}

static int write_number(struct file_new *n, const char *format, uint64_t number)
{
	char line[LINE_LEN];

	return file_write(n, line, (size_t)snprintf(line, sizeof(line), format, number));
}

int snapshot_begin(struct file_new *n, const char *path, uint64_t seq)
{
	int rc = file_create(n, path, 0640);

	return rc < 0 ? rc : write_number(n, HEAD, seq);
}

int snapshot_write(struct file_new *n, const char *kind, const char *key, const json_t *object)
{
	json_t *entry = json_pack("[s, s, O]", kind, key, object);
	char *text = entry != NULL ? json_dumps(entry, JSON_COMPACT) : NULL;
	int rc = -ENOMEM;

	json_decref(entry);
	if (text == NULL)
		return rc;
	rc = file_write(n, text, strlen(text));
	free(text);
	return rc < 0 ? rc : file_write(n, ",\n", 2);
}

int snapshot_end(struct file_new *n, uint64_t until)
{
	char check[CHECK_LEN + 1];
	int rc = write_number(n, TAIL, until);

	if (rc < 0)
		return rc;
	snprintf(check, sizeof(check), CHECK, n->crc);
	rc = file_write(n, check, CHECK_LEN);
	return rc < 0 ? rc : file_commit(n);
}
