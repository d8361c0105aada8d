/* SPDX-License-Identifier: BSD-3-Clause */
// The snapshot of the store: the whole desired state in one file.
//
// Purpose: a start reads the snapshot and the few records of the journal that came after it.
//
// Design: one JSON document, an object a line:
//   {"format":"sluice-state","version":1,"seq":12,"objects":[
//   ["port","p0",{...}],
//   null],"until":15,"crc32c":"0123abcd"}
// It is written in slices while changes go on, so it holds each object as it was at some record from `seq` to `until`;
// since a record holds whole objects, replaying from `seq` on makes it exact. It is put in place only when `until` is
// on disk. The checksum covers all bytes before `,"crc32c"`.
//
// Threads: control only.
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../ports/fault.h"
#include "file.h"

// Takes in one object while loading; steals the reference. 0 or -errno with the fault filled, which ends the load.
typedef int (*snapshot_fn)(const char *kind, const char *key, json_t *object, void *arg, struct fault *f);

// Reads a snapshot. 0, or -EINVAL with a fault: not one of ours, or damaged.
int snapshot_parse(const char *bytes, size_t size, snapshot_fn fn, void *arg, uint64_t *seq, uint64_t *until,
		   struct fault *f);
// The same from a file; none is an empty state. 0 or -errno with a fault.
int snapshot_load(const char *path, snapshot_fn fn, void *arg, uint64_t *seq, uint64_t *until, struct fault *f);

// Writing: begin, objects in any order, then end, which puts it in place, or file_abort(). 0 or -errno.
int snapshot_begin(struct file_new *n, const char *path, uint64_t seq);
int snapshot_write(struct file_new *n, const char *kind, const char *key, const json_t *object);
int snapshot_end(struct file_new *n, uint64_t until);

#endif
