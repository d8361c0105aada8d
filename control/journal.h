/* SPDX-License-Identifier: BSD-3-Clause */
// The journal of the store: transactions on disk, one after the other.
//
// Purpose: an appended record that was synced is read back after a crash at any instant; one that was not is read back
// whole or not at all.
//
// Design: a record is a line "crc32c length seq synced json\n". The checksum (8 hexadecimal digits) covers all that
// follows it up to the newline, `length` counts the bytes of the JSON text, `seq` rises by one a record, and `synced`
// is the last seq known to be on disk when this one was written. Space is allocated ahead and reads as zeros, so the
// first zero byte in place of a record is the end. A crash can leave records that were not synced in any state: what
// follows the last good record is a torn tail and is cut. If, however, a good record after the bad spot says that the
// bad one was synced, it is no torn tail but damage to something acknowledged, and the journal is refused.
//
// Threads: control only.
#ifndef JOURNAL_H
#define JOURNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../ports/fault.h"

struct journal {
	int fd; // -1: not open
	const char *path;
	off_t end;       // where the next record goes
	off_t allocated; // up to here the file system has promised the space
	uint64_t seq;    // of the last record
	uint64_t synced; // the last one on disk
	bool broken;     // a sync failed: what is on disk is unknown
};

// Takes in one record while loading. `changes` is borrowed. 0 or -errno with the fault filled, which ends the load.
typedef int (*journal_fn)(json_t *changes, void *arg, struct fault *f);

// Reads the records of `bytes` and hands those with a seq after `after` to fn. On success *end is where the good
// records end and *seq the last one's seq (`after` if there is none later). -EINVAL: damaged, or records are missing.
int journal_parse(const char *bytes, size_t size, uint64_t after, journal_fn fn, void *arg, size_t *end, uint64_t *seq,
		  struct fault *f);

// Opens PATH, making it if need be, and reads it as above. A torn tail is kept as PATH.torn and cut. `path` must live
// as long as the journal. 0 or -errno with a fault; then nothing is open.
int journal_open(struct journal *j, const char *path, uint64_t after, journal_fn fn, void *arg, struct fault *f);
void journal_close(struct journal *j);

// Writes a record, not yet on disk for sure. 0 or -errno with a fault, and then nothing was appended.
int journal_append(struct journal *j, const json_t *changes, struct fault *f);

// Everything appended is on disk. After a failure the journal stays broken: the kernel forgets what it could not
// write, so that a second try would succeed without having written it. 0 or -errno with a fault.
int journal_sync(struct journal *j, struct fault *f);

// Drops the records before byte `from`: the rest goes to a new file that replaces this one. All is on disk then. 0 or
// -errno with a fault; after one the old file goes on in use.
int journal_trim(struct journal *j, off_t from, struct fault *f);

#endif
