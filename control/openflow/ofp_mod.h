/* SPDX-License-Identifier: BSD-3-Clause */
// Messages that change something: from bytes to the structs that the switch takes.
//
// Purpose: each reads a whole message, header included, of which the caller has checked that its length field is `len`.
// What it makes has passed flow_mod_check() and its like.
//
// Threads: control only.
// Source: OpenFlow Switch Specification 1.3.5, 7.3.4, 7.3.7.
#ifndef OFP_MOD_H
#define OFP_MOD_H

#include "of_switch.h"

// 0, or -errno and the specification's type and code; then nothing is to be cleared.
int ofp_flow_mod_decode(const uint8_t *p, size_t len, struct flow_mod *m, struct flow_error *e);
int ofp_group_mod_decode(const uint8_t *p, size_t len, struct group_mod *m, struct flow_error *e);
int ofp_meter_mod_decode(const uint8_t *p, size_t len, struct meter_mod *m, struct flow_error *e);
int ofp_port_mod_decode(const uint8_t *p, size_t len, struct of_port_mod *m, struct flow_error *e);
// *buffer_id: FLOW_NO_BUFFER, or whose packet is to be sent; then there is no data. The data stays the message's.
int ofp_packet_out_decode(const uint8_t *p, size_t len, struct of_packet_out *out, uint32_t *buffer_id,
			  struct flow_error *e);

#endif
