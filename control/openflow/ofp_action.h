/* SPDX-License-Identifier: BSD-3-Clause */
// Actions, instructions, group buckets and meter bands as they are in messages.
//
// Purpose: the parts that flow-mods, group-mods, meter-mods, packet-outs and the multipart replies share, in both
// directions.
//
// Design: reading checks what the bytes alone can tell (lengths, types, the form of set-field); the rest is checked by
// flow_mod_check() and its like, for JSON as well. A list that was refused is left empty.
//
// Threads: control only.
// Source: OpenFlow Switch Specification 1.3.5, 7.2.4, 7.2.5, 7.3.4.
#ifndef OFP_ACTION_H
#define OFP_ACTION_H

#include "../flow_mod.h"
#include "wire.h"

// Reads `len` bytes of actions. 0, -EINVAL and OFPBAC_*, or -ENOSPC (no memory) and OFPBAC_TOO_MANY.
int ofp_actions_decode(const uint8_t *p, size_t len, struct flow_actions *a, struct flow_error *e);
void ofp_actions_encode(struct wire *w, const struct flow_actions *a);

// Reads `len` bytes of instructions; those that come twice are OFPBIC_UNSUP_INST, as 1.3 has no code for them.
int ofp_instructions_decode(const uint8_t *p, size_t len, struct flow_instructions *i, struct flow_error *e);
void ofp_instructions_encode(struct wire *w, const struct flow_instructions *i);

// Reads the buckets of a group, and of a meter its bands.
int ofp_buckets_decode(const uint8_t *p, size_t len, struct group_mod *m, struct flow_error *e);
void ofp_buckets_encode(struct wire *w, const struct group_mod *m);
int ofp_bands_decode(const uint8_t *p, size_t len, struct meter_mod *m, struct flow_error *e);
void ofp_bands_encode(struct wire *w, const struct meter_mod *m);

#endif
