/* SPDX-License-Identifier: BSD-3-Clause */
// Why a flow, group or meter is refused, as both front ends need it.
//
// Purpose: OpenFlow answers with a type and a code, JSON-RPC with a struct fault. One refusal carries both, so that the
// objects and the parsers name what is wrong once.
//
// Design: FLOW_ERRORS lists every error of OpenFlow 1.3.5 under the specification's name; the value is type << 16 |
// code; those of bundles, an extension, have the type of experimenters. Each has the errno of its kind (ports/fault.h),
// which decides the JSON-RPC error code.
//
// Threads: an error belongs to its caller; any thread.
#ifndef FLOW_ERROR_H
#define FLOW_ERROR_H

#include <stdint.h>

#include "../ports/fault.h"

// X(name, type, code, errno)
#define FLOW_ERRORS(X)                                                                                                 \
	X(OFPHFC_INCOMPATIBLE, 0, 0, ENOTSUP)                                                                          \
	X(OFPHFC_EPERM, 0, 1, ENOTSUP)                                                                                 \
	X(OFPBRC_BAD_VERSION, 1, 0, EINVAL)                                                                            \
	X(OFPBRC_BAD_TYPE, 1, 1, EINVAL)                                                                               \
	X(OFPBRC_BAD_MULTIPART, 1, 2, EINVAL)                                                                          \
	X(OFPBRC_BAD_EXPERIMENTER, 1, 3, ENOTSUP)                                                                      \
	X(OFPBRC_BAD_EXP_TYPE, 1, 4, ENOTSUP)                                                                          \
	X(OFPBRC_EPERM, 1, 5, ENOTSUP)                                                                                 \
	X(OFPBRC_BAD_LEN, 1, 6, EINVAL)                                                                                \
	X(OFPBRC_BUFFER_EMPTY, 1, 7, ENOENT)                                                                           \
	X(OFPBRC_BUFFER_UNKNOWN, 1, 8, ENOENT)                                                                         \
	X(OFPBRC_BAD_TABLE_ID, 1, 9, EINVAL)                                                                           \
	X(OFPBRC_IS_SLAVE, 1, 10, ENOTSUP)                                                                             \
	X(OFPBRC_BAD_PORT, 1, 11, ENOENT)                                                                              \
	X(OFPBRC_BAD_PACKET, 1, 12, EINVAL)                                                                            \
	X(OFPBRC_MULTIPART_BUFFER_OVERFLOW, 1, 13, ENOSPC)                                                             \
	X(OFPBAC_BAD_TYPE, 2, 0, EINVAL)                                                                               \
	X(OFPBAC_BAD_LEN, 2, 1, EINVAL)                                                                                \
	X(OFPBAC_BAD_EXPERIMENTER, 2, 2, ENOTSUP)                                                                      \
	X(OFPBAC_BAD_EXP_TYPE, 2, 3, ENOTSUP)                                                                          \
	X(OFPBAC_BAD_OUT_PORT, 2, 4, EINVAL)                                                                           \
	X(OFPBAC_BAD_ARGUMENT, 2, 5, EINVAL)                                                                           \
	X(OFPBAC_EPERM, 2, 6, ENOTSUP)                                                                                 \
	X(OFPBAC_TOO_MANY, 2, 7, ENOSPC)                                                                               \
	X(OFPBAC_BAD_QUEUE, 2, 8, ENOENT)                                                                              \
	X(OFPBAC_BAD_OUT_GROUP, 2, 9, ENOENT)                                                                          \
	X(OFPBAC_MATCH_INCONSISTENT, 2, 10, EINVAL)                                                                    \
	X(OFPBAC_UNSUPPORTED_ORDER, 2, 11, ENOTSUP)                                                                    \
	X(OFPBAC_BAD_TAG, 2, 12, EINVAL)                                                                               \
	X(OFPBAC_BAD_SET_TYPE, 2, 13, EINVAL)                                                                          \
	X(OFPBAC_BAD_SET_LEN, 2, 14, EINVAL)                                                                           \
	X(OFPBAC_BAD_SET_ARGUMENT, 2, 15, EINVAL)                                                                      \
	X(OFPBIC_UNKNOWN_INST, 3, 0, EINVAL)                                                                           \
	X(OFPBIC_UNSUP_INST, 3, 1, ENOTSUP)                                                                            \
	X(OFPBIC_BAD_TABLE_ID, 3, 2, EINVAL)                                                                           \
	X(OFPBIC_UNSUP_METADATA, 3, 3, ENOTSUP)                                                                        \
	X(OFPBIC_UNSUP_METADATA_MASK, 3, 4, ENOTSUP)                                                                   \
	X(OFPBIC_BAD_EXPERIMENTER, 3, 5, ENOTSUP)                                                                      \
	X(OFPBIC_BAD_EXP_TYPE, 3, 6, ENOTSUP)                                                                          \
	X(OFPBIC_BAD_LEN, 3, 7, EINVAL)                                                                                \
	X(OFPBIC_EPERM, 3, 8, ENOTSUP)                                                                                 \
	X(OFPBMC_BAD_TYPE, 4, 0, EINVAL)                                                                               \
	X(OFPBMC_BAD_LEN, 4, 1, EINVAL)                                                                                \
	X(OFPBMC_BAD_TAG, 4, 2, EINVAL)                                                                                \
	X(OFPBMC_BAD_DL_ADDR_MASK, 4, 3, EINVAL)                                                                       \
	X(OFPBMC_BAD_NW_ADDR_MASK, 4, 4, EINVAL)                                                                       \
	X(OFPBMC_BAD_WILDCARDS, 4, 5, EINVAL)                                                                          \
	X(OFPBMC_BAD_FIELD, 4, 6, EINVAL)                                                                              \
	X(OFPBMC_BAD_VALUE, 4, 7, EINVAL)                                                                              \
	X(OFPBMC_BAD_MASK, 4, 8, EINVAL)                                                                               \
	X(OFPBMC_BAD_PREREQ, 4, 9, EINVAL)                                                                             \
	X(OFPBMC_DUP_FIELD, 4, 10, EINVAL)                                                                             \
	X(OFPBMC_EPERM, 4, 11, ENOTSUP)                                                                                \
	X(OFPFMFC_UNKNOWN, 5, 0, EIO)                                                                                  \
	X(OFPFMFC_TABLE_FULL, 5, 1, ENOSPC)                                                                            \
	X(OFPFMFC_BAD_TABLE_ID, 5, 2, EINVAL)                                                                          \
	X(OFPFMFC_OVERLAP, 5, 3, EEXIST)                                                                               \
	X(OFPFMFC_EPERM, 5, 4, ENOTSUP)                                                                                \
	X(OFPFMFC_BAD_TIMEOUT, 5, 5, EINVAL)                                                                           \
	X(OFPFMFC_BAD_COMMAND, 5, 6, EINVAL)                                                                           \
	X(OFPFMFC_BAD_FLAGS, 5, 7, EINVAL)                                                                             \
	X(OFPGMFC_GROUP_EXISTS, 6, 0, EEXIST)                                                                          \
	X(OFPGMFC_INVALID_GROUP, 6, 1, EINVAL)                                                                         \
	X(OFPGMFC_WEIGHT_UNSUPPORTED, 6, 2, ENOTSUP)                                                                   \
	X(OFPGMFC_OUT_OF_GROUPS, 6, 3, ENOSPC)                                                                         \
	X(OFPGMFC_OUT_OF_BUCKETS, 6, 4, ENOSPC)                                                                        \
	X(OFPGMFC_CHAINING_UNSUPPORTED, 6, 5, ENOTSUP)                                                                 \
	X(OFPGMFC_WATCH_UNSUPPORTED, 6, 6, ENOTSUP)                                                                    \
	X(OFPGMFC_LOOP, 6, 7, EINVAL)                                                                                  \
	X(OFPGMFC_UNKNOWN_GROUP, 6, 8, ENOENT)                                                                         \
	X(OFPGMFC_CHAINED_GROUP, 6, 9, EBUSY)                                                                          \
	X(OFPGMFC_BAD_TYPE, 6, 10, EINVAL)                                                                             \
	X(OFPGMFC_BAD_COMMAND, 6, 11, EINVAL)                                                                          \
	X(OFPGMFC_BAD_BUCKET, 6, 12, EINVAL)                                                                           \
	X(OFPGMFC_BAD_WATCH, 6, 13, EINVAL)                                                                            \
	X(OFPGMFC_EPERM, 6, 14, ENOTSUP)                                                                               \
	X(OFPPMFC_BAD_PORT, 7, 0, ENOENT)                                                                              \
	X(OFPPMFC_BAD_HW_ADDR, 7, 1, EINVAL)                                                                           \
	X(OFPPMFC_BAD_CONFIG, 7, 2, EINVAL)                                                                            \
	X(OFPPMFC_BAD_ADVERTISE, 7, 3, EINVAL)                                                                         \
	X(OFPPMFC_EPERM, 7, 4, ENOTSUP)                                                                                \
	X(OFPTMFC_BAD_TABLE, 8, 0, ENOENT)                                                                             \
	X(OFPTMFC_BAD_CONFIG, 8, 1, EINVAL)                                                                            \
	X(OFPTMFC_EPERM, 8, 2, ENOTSUP)                                                                                \
	X(OFPQOFC_BAD_PORT, 9, 0, ENOENT)                                                                              \
	X(OFPQOFC_BAD_QUEUE, 9, 1, ENOENT)                                                                             \
	X(OFPQOFC_EPERM, 9, 2, ENOTSUP)                                                                                \
	X(OFPSCFC_BAD_FLAGS, 10, 0, EINVAL)                                                                            \
	X(OFPSCFC_BAD_LEN, 10, 1, EINVAL)                                                                              \
	X(OFPSCFC_EPERM, 10, 2, ENOTSUP)                                                                               \
	X(OFPRRFC_STALE, 11, 0, EINVAL)                                                                                \
	X(OFPRRFC_UNSUP, 11, 1, ENOTSUP)                                                                               \
	X(OFPRRFC_BAD_ROLE, 11, 2, EINVAL)                                                                             \
	X(OFPMMFC_UNKNOWN, 12, 0, EIO)                                                                                 \
	X(OFPMMFC_METER_EXISTS, 12, 1, EEXIST)                                                                         \
	X(OFPMMFC_INVALID_METER, 12, 2, EINVAL)                                                                        \
	X(OFPMMFC_UNKNOWN_METER, 12, 3, ENOENT)                                                                        \
	X(OFPMMFC_BAD_COMMAND, 12, 4, EINVAL)                                                                          \
	X(OFPMMFC_BAD_FLAGS, 12, 5, EINVAL)                                                                            \
	X(OFPMMFC_BAD_RATE, 12, 6, EINVAL)                                                                             \
	X(OFPMMFC_BAD_BURST, 12, 7, EINVAL)                                                                            \
	X(OFPMMFC_BAD_BAND, 12, 8, EINVAL)                                                                             \
	X(OFPMMFC_BAD_BAND_VALUE, 12, 9, EINVAL)                                                                       \
	X(OFPMMFC_OUT_OF_METERS, 12, 10, ENOSPC)                                                                       \
	X(OFPMMFC_OUT_OF_BANDS, 12, 11, ENOSPC)                                                                        \
	X(OFPTFFC_BAD_TABLE, 13, 0, EINVAL)                                                                            \
	X(OFPTFFC_BAD_METADATA, 13, 1, EINVAL)                                                                         \
	X(OFPTFFC_BAD_TYPE, 13, 2, EINVAL)                                                                             \
	X(OFPTFFC_BAD_LEN, 13, 3, EINVAL)                                                                              \
	X(OFPTFFC_BAD_ARGUMENT, 13, 4, EINVAL)                                                                         \
	X(OFPTFFC_EPERM, 13, 5, ENOTSUP)                                                                               \
	X(OFPBFC_BAD_ID, 0xffffu, 2302, ENOENT)                                                                        \
	X(OFPBFC_BUNDLE_CLOSED, 0xffffu, 2304, EINVAL)                                                                 \
	X(OFPBFC_OUT_OF_BUNDLES, 0xffffu, 2305, ENOSPC)                                                                \
	X(OFPBFC_BAD_TYPE, 0xffffu, 2306, EINVAL)                                                                      \
	X(OFPBFC_BAD_FLAGS, 0xffffu, 2307, EINVAL)                                                                     \
	X(OFPBFC_MSG_BAD_LEN, 0xffffu, 2308, EINVAL)                                                                   \
	X(OFPBFC_MSG_BAD_XID, 0xffffu, 2309, EINVAL)                                                                   \
	X(OFPBFC_MSG_UNSUP, 0xffffu, 2310, ENOTSUP)                                                                    \
	X(OFPBFC_MSG_TOO_MANY, 0xffffu, 2312, ENOSPC)                                                                  \
	X(OFPBFC_MSG_FAILED, 0xffffu, 2313, EINVAL)

enum flow_errno {
#define FLOW_ERRNO(name, type, code, err) name = (type) << 16 | (code),
	FLOW_ERRORS(FLOW_ERRNO)
#undef FLOW_ERRNO
};

struct flow_error {
	uint16_t type, code;
	struct fault fault;
};

// Fills `e` and returns the negative errno of `what`, so that a refusal is one statement. `field`, `value` (JSON text)
// and `allowed` may be NULL, as for fault_set(); `e` may be NULL where nobody asks why.
int flow_error_set(struct flow_error *e, enum flow_errno what, const char *field, const char *value,
		   const char *allowed, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

// As flow_error_set() for a number.
int flow_error_int(struct flow_error *e, enum flow_errno what, const char *field, uint64_t value, const char *allowed,
		   const char *message);

// The specification's name of an error, "OFPBMC_BAD_PREREQ"; NULL if there is none.
const char *flow_error_name(uint16_t type, uint16_t code);

#endif
