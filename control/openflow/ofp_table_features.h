/* SPDX-License-Identifier: BSD-3-Clause */
// Table features, the longest messages of the protocol: written for each table, read from those who want other ones.
//
// Purpose: all tables match, set and do the same, so what is written differs by table in its name, size and the tables
// that it may go to; and what is asked for must be a part of that.
//
// Threads: control only.
// Source: OpenFlow Switch Specification 1.3.5, 7.3.5.5.
#ifndef OFP_TABLE_FEATURES_H
#define OFP_TABLE_FEATURES_H

#include "of_switch.h"
#include "wire.h"

// One entry; `tables`: how many the switch has.
void ofp_table_features_encode(struct wire *w, const struct of_table *t, uint8_t tables);

// Reads the first entry of `len` bytes; *used: its length. 0, or -errno and OFPTFFC_BAD_LEN, _BAD_TABLE, _BAD_TYPE
// (unknown property), _BAD_ARGUMENT (a property that the switch does not have).
int ofp_table_features_decode(const uint8_t *p, size_t len, uint8_t tables, struct of_table_config *t, size_t *used,
			      struct flow_error *e);

#endif
