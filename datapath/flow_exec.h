/* SPDX-License-Identifier: BSD-3-Clause */
// The action executor: what OpenFlow's actions make of one packet's headers.
//
// Purpose: every action of OpenFlow 1.3 that rewrites: set-field, push and pop of VLAN, MPLS and PBB, and the TTLs.
// Where packets go is decided by others.
//
// Design: an action whose header the packet does not have leaves it as it is. Checksums are changed by what changed
// under them, so that a wrong one stays wrong; where a guest left a checksum to the device, it stays left, and is
// completed in software before the packet gets a form that no device would understand. Bytes are changed in a first
// segment that nobody else holds and that has the headers in one piece; a copy takes the place of any other. The
// packet's key is kept up to date, so that later tables see what the actions made.
//
//   A new header's fields are those of the outermost header of its kind (5.12: VLAN ID and priority, MPLS label,
// traffic class and TTL, I-SID), the MPLS TTL else the IP header's, the I-TAG's priority the VLAN's; all else is zero.
// Tags are pushed right behind the Ethernet header, MPLS labels too, which hides the VLAN tags that are there.
//
// Threads: the one that holds the packet.
// Source: OpenFlow Switch Specification 1.3.5, 5.12 and 7.2.5.
#ifndef FLOW_EXEC_H
#define FLOW_EXEC_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "../tables/flow_key.h"

enum flow_op_type {
	FLOW_OP_SET_FIELD, // field, value
	FLOW_OP_PUSH_VLAN, // arg: EtherType of the tag
	FLOW_OP_POP_VLAN,
	FLOW_OP_PUSH_MPLS, // arg: EtherType
	FLOW_OP_POP_MPLS,  // arg: EtherType of what is beneath
	FLOW_OP_PUSH_PBB,  // arg: EtherType
	FLOW_OP_POP_PBB,
	FLOW_OP_SET_MPLS_TTL, // arg: TTL
	FLOW_OP_DEC_MPLS_TTL,
	FLOW_OP_SET_NW_TTL, // arg: TTL
	FLOW_OP_DEC_NW_TTL,
	FLOW_OP_COPY_TTL_OUT,
	FLOW_OP_COPY_TTL_IN,
};

struct flow_op {
	uint8_t type;  // enum flow_op_type
	uint8_t field; // enum flow_field
	uint32_t arg;
	struct flow_value value;
};

// A packet on its way through actions.
struct flow_packet {
	struct flow_key key; // of the packet as it is now, while `parsed`
	struct rte_mbuf *m;  // may be another one after any action
	struct rte_mempool *pool;
	uint64_t metadata, tunnel_id; // for the key; metadata is the caller's to change, in both places
	uint32_t in_port;
	bool parsed;
	struct flow_layers layers;
};

enum flow_exec_end {
	FLOW_EXEC_DONE,
	FLOW_EXEC_TTL,     // the TTL is over; unchanged
	FLOW_EXEC_SEGMENT, // to be split by TCP segmentation first (offload_segment()); unchanged
	FLOW_EXEC_OFFLOAD, // asks for an offload that does not fit its headers; unchanged
	FLOW_EXEC_NO_MBUF, // no buffer for a copy; unchanged
};

// Begins with a packet. m: any number of segments and references; of it the caller's one moves to p->m. pool: for
// copies.
static inline void flow_packet_init(struct flow_packet *p, struct rte_mbuf *m, struct rte_mempool *pool,
				    uint32_t in_port)
{
	p->m = m;
	p->pool = pool;
	p->metadata = p->tunnel_id = 0;
	p->in_port = in_port;
	p->parsed = false;
}

// Sees to it that p->key and p->layers are of the packet as it is now. Cost: as flow_key_extract(), if an action has
// changed the order of its headers.
void flow_packet_parse(struct flow_packet *p);

// Does one action. p->m stays the caller's whatever comes of it. Cost: 10 to 50 ns, 0.05 ns a byte for the ports of
// SCTP; a copy if the packet is shared or its headers lie apart.
enum flow_exec_end flow_exec_op(struct flow_packet *p, const struct flow_op *op);

#endif
