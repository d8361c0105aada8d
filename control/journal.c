/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crc32c.h"
#include "file.h"

#define CRC_LEN 9                // "89abcdef "
#define HEADER_LEN 80            // the longest header, with its closing NUL
#define ALLOCATE_AHEAD (1 << 20) // bytes

struct record {
	uint64_t seq, synced;
	const char *json;
	size_t json_len;
	size_t size; // with the newline
};

static bool number_parse(const char **p, const char *end, char stop, uint64_t *value)
{
	const char *start = *p;

	for (*value = 0; *p < end && **p >= '0' && **p <= '9' && *p - start < 19; (*p)++)
		*value = *value * 10 + (uint64_t)(**p - '0');
	return *p > start && *p < end && *(*p)++ == stop;
}

// The record at `bytes`, if a whole and good one is there.
static bool record_parse(const char *bytes, size_t size, struct record *r)
{
	const char *newline = memchr(bytes, '\n', size);
	const char *p = bytes + CRC_LEN;
	char text[CRC_LEN];
	uint64_t length;

	if (newline == NULL || newline - bytes < CRC_LEN || bytes[CRC_LEN - 1] != ' ')
		return false;
	snprintf(text, sizeof(text), "%08" PRIx32, crc32c(0, p, (size_t)(newline - p)));
	if (memcmp(text, bytes, CRC_LEN - 1) != 0)
		return false;
	if (!number_parse(&p, newline, ' ', &length) || !number_parse(&p, newline, ' ', &r->seq) ||
	    !number_parse(&p, newline, ' ', &r->synced) || length != (uint64_t)(newline - p))
		return false;
	r->json = p;
	r->json_len = (size_t)length;
	r->size = (size_t)(newline + 1 - bytes);
	return true;
}

// Whether a good record after a bad spot shows that `seq`, the bad one, had been acknowledged.
static bool damaged(const char *bytes, size_t size, uint64_t seq)
{
	const char *end = bytes + size, *p = bytes;
	struct record r;

	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		p++;
		if (record_parse(p, (size_t)(end - p), &r) && r.synced >= seq)
			return true;
	}
	return false;
}

static int record_apply(const struct record *r, size_t at, journal_fn fn, void *arg, struct fault *f)
{
	json_error_t error;
	json_t *changes = json_loadb(r->json, r->json_len, JSON_REJECT_DUPLICATES, &error);
	int rc;

	// Its checksum is right, so this was never written by us.
	if (changes == NULL)
		return fault_set(f, -EINVAL, NULL, NULL, NULL, "the record at byte %zu of the journal is not JSON: %s",
				 at, error.text);
	rc = fn(changes, arg, f);
	json_decref(changes);
	return rc;
}

int journal_parse(const char *bytes, size_t size, uint64_t after, journal_fn fn, void *arg, size_t *end, uint64_t *seq,
		  struct fault *f)
{
	uint64_t last = 0;
	struct record r;
	size_t at = 0;
	int rc;

	*seq = after;
	while (at < size && bytes[at] != '\0' && record_parse(bytes + at, size - at, &r)) {
		if (r.seq <= last || (r.seq > after && r.seq != *seq + 1))
			return fault_set(f, -EINVAL, NULL, NULL, NULL,
					 "record %" PRIu64 " at byte %zu of the journal follows %" PRIu64
					 ": records are missing",
					 r.seq, at, last > after ? last : after);
		if (r.seq > after) {
			rc = record_apply(&r, at, fn, arg, f);
			if (rc < 0)
				return rc;
			*seq = r.seq;
		}
		last = r.seq;
		at += r.size;
	}
	if (at < size && damaged(bytes + at, size - at, (last > after ? last : after) + 1))
		return fault_set(f, -EINVAL, NULL, NULL, NULL,
				 "the journal is damaged at byte %zu, in a change that was acknowledged", at);
	*end = at;
	return 0;
}

static size_t zeros_cut(const char *bytes, size_t from, size_t size)
{
	while (size > from && bytes[size - 1] == '\0')
		size--;
	return size;
}

// Keeps what follows the good records, then cuts it: somebody may want to see what a crash left.
static int torn_cut(struct journal *j, const char *bytes, size_t size)
{
	char path[FILE_PATH_LEN];
	struct file_new torn;
	int rc;

	size = zeros_cut(bytes, (size_t)j->end, size);
	if (size == (size_t)j->end)
		return 0;
	if (snprintf(path, sizeof(path), "%s.torn", j->path) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	rc = file_create(&torn, path, 0640);
	if (rc < 0)
		return rc;
	rc = file_write(&torn, bytes + j->end, size - (size_t)j->end);
	if (rc == 0)
		rc = file_commit(&torn);
	if (rc < 0) {
		file_abort(&torn);
		return rc;
	}
	close(torn.fd);
	fprintf(stderr, "%s: cut a torn tail of %zu bytes (kept in %s)\n", j->path, size - (size_t)j->end, path);
	if (ftruncate(j->fd, j->end) < 0 || fsync(j->fd) < 0)
		return -errno;
	j->allocated = j->end;
	return 0;
}

static int journal_load(struct journal *j, uint64_t after, journal_fn fn, void *arg, struct fault *f)
{
	const char *bytes;
	size_t size, end;
	int rc;

	rc = file_map(j->fd, &bytes, &size);
	if (rc < 0)
		return fault_str(f, rc, "state", j->path, NULL, "the journal cannot be read");
	rc = journal_parse(bytes, size, after, fn, arg, &end, &j->seq, f);
	if (rc < 0)
		goto unmap;
	j->end = (off_t)end;
	j->allocated = (off_t)size;
	j->synced = j->seq;
	rc = torn_cut(j, bytes, size);
	if (rc < 0)
		fault_str(f, rc, "state", j->path, NULL, "the torn tail of the journal cannot be cut");
unmap:
	file_unmap(bytes, size);
	return rc;
}

int journal_open(struct journal *j, const char *path, uint64_t after, journal_fn fn, void *arg, struct fault *f)
{
	int rc;

	*j = (struct journal){.path = path};
	j->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (j->fd < 0)
		return fault_str(f, -errno, "state", path, NULL, "the journal cannot be opened");
	rc = file_sync_folder(path);
	if (rc < 0)
		rc = fault_str(f, rc, "state", path, NULL, "the folder of the state file cannot be synced");
	else
		rc = journal_load(j, after, fn, arg, f);
	if (rc < 0)
		journal_close(j);
	return rc;
}

void journal_close(struct journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
}

// Makes sure of space for `size` more bytes. A file system that cannot allocate ahead says so at the write.
static int journal_reserve(struct journal *j, size_t size)
{
	off_t want = j->end + (off_t)size;

	if (want <= j->allocated)
		return 0;
	if (fallocate(j->fd, 0, j->allocated, want + ALLOCATE_AHEAD - j->allocated) == 0)
		j->allocated = want + ALLOCATE_AHEAD;
	else if (errno == ENOSPC && fallocate(j->fd, 0, j->allocated, want - j->allocated) == 0)
		j->allocated = want;
	else if (errno != EOPNOTSUPP && errno != ENOSYS)
		return -errno;
	return 0;
}

static int journal_write(struct journal *j, const char *header, size_t header_len, const char *json, size_t json_len)
{
	int rc = journal_reserve(j, header_len + json_len + 1);

	if (rc == 0)
		rc = file_write_at(j->fd, header, header_len, j->end);
	if (rc == 0)
		rc = file_write_at(j->fd, json, json_len + 1, j->end + (off_t)header_len);
	if (rc == 0)
		j->end += (off_t)(header_len + json_len + 1);
	else if (ftruncate(j->fd, j->end) == 0)
		j->allocated = j->end;
	return rc;
}

int journal_append(struct journal *j, const json_t *changes, struct fault *f)
{
	char header[HEADER_LEN];
	char *json;
	size_t len;
	uint32_t crc;
	int n, rc;

	if (j->broken)
		return fault_str(f, -EIO, "state", j->path, NULL,
				 "a sync of the journal failed: nothing can be changed until the daemon is restarted");
	json = json_dumps(changes, JSON_COMPACT);
	if (json == NULL)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for the journal's record");
	len = strlen(json);
	n = snprintf(header + CRC_LEN, sizeof(header) - CRC_LEN, "%zu %" PRIu64 " %" PRIu64 " ", len, j->seq + 1,
		     j->synced);
	crc = crc32c(crc32c(0, header + CRC_LEN, (size_t)n), json, len);
	snprintf(header, CRC_LEN, "%08" PRIx32, crc);
	header[CRC_LEN - 1] = ' ';
	json[len] = '\n'; // in place of the closing NUL, so that the text goes out in one write
	rc = journal_write(j, header, CRC_LEN + (size_t)n, json, len);
	free(json);
	if (rc < 0)
		return fault_str(f, rc, "state", j->path, NULL, "the journal cannot be written");
	j->seq++;
	return 0;
}

int journal_sync(struct journal *j, struct fault *f)
{
	if (!j->broken && j->synced == j->seq)
		return 0;
	if (j->broken || fdatasync(j->fd) < 0) {
		int err = j->broken ? EIO : errno;

		j->broken = true;
		return fault_str(f, -err, "state", j->path, NULL, "the journal cannot be synced");
	}
	j->synced = j->seq;
	return 0;
}

static int copy_rest(int fd, off_t from, off_t end, struct file_new *out)
{
	char *chunk = malloc(ALLOCATE_AHEAD);
	int rc = chunk == NULL ? -ENOMEM : 0;

	while (rc == 0 && from < end) {
		size_t want = end - from < ALLOCATE_AHEAD ? (size_t)(end - from) : ALLOCATE_AHEAD;
		ssize_t n = pread(fd, chunk, want, from);

		if (n <= 0)
			rc = n < 0 ? -errno : -EIO;
		else
			rc = file_write(out, chunk, (size_t)n);
		from += n;
	}
	free(chunk);
	return rc;
}

int journal_trim(struct journal *j, off_t from, struct fault *f)
{
	struct file_new rest;
	int rc;

	rc = file_create(&rest, j->path, 0640);
	if (rc == 0)
		rc = copy_rest(j->fd, from, j->end, &rest);
	if (rc == 0)
		rc = file_commit(&rest);
	if (rc < 0 && !rest.renamed) {
		file_abort(&rest);
		return fault_str(f, rc, "state", j->path, NULL, "the journal cannot be replaced");
	}
	close(j->fd);
	j->fd = rest.fd;
	j->end = rest.size;
	j->allocated = rest.size;
	if (rc < 0) {
		j->broken = true;
		return fault_str(f, rc, "state", j->path, NULL, "the folder of the new journal cannot be synced");
	}
	j->synced = j->seq;
	return 0;
}
