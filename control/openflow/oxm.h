/* SPDX-License-Identifier: BSD-3-Clause */
// Matches and single fields as OXM TLVs.
//
// Purpose: reads what a controller sent, refusing it with the specification's code, and writes matches as they are read
// back: in the order of the field numbers, masks of all ones left out.
//
// Threads: pure functions.
// Source: OpenFlow Switch Specification 1.3.5, 7.2.3.
#ifndef OXM_H
#define OXM_H

#include "../flow_match.h"
#include "wire.h"

// Reads an ofp_match at `p`, of which `len` bytes are there. *used: its length with padding. 0, or -EINVAL and
// OFPBMC_*.
int oxm_match_decode(const uint8_t *p, size_t len, struct flow_match *m, size_t *used, struct flow_error *e);

// Writes an ofp_match, padded.
void oxm_match_encode(struct wire *w, const struct flow_match *m);

// The header of a field without mask: class, field and length.
uint32_t oxm_header(enum flow_field field);
// The field of a header, -1 if it is none of ours; the mask bit and the length are not looked at.
int oxm_field(uint32_t header);

// A field's value in network order, flow_field_info[].bytes long, and back.
struct flow_value oxm_value_get(enum flow_field field, const uint8_t *p);
void oxm_value_put(enum flow_field field, uint8_t *p, struct flow_value value);

#endif
