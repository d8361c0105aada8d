/* SPDX-License-Identifier: BSD-3-Clause */
// The TTLs of MPLS and IP headers.
#include <netinet/in.h>

#include "flow_edit.h"
#include "flow_exec_priv.h"

#define MPLS_BYTES 4
#define MPLS_TTL 3    // its place in a header
#define MPLS_BOTTOM 2 // of the byte with the bottom-of-stack bit

// A header that has a TTL: where the TTL is, and the IP header it belongs to. ttl 0: there is none.
struct place {
	uint32_t ttl, ip; // ip 0: of MPLS
};

static struct place ip_place(const struct flow_packet *p, uint32_t ip)
{
	return (struct place){.ttl = flow_edit_ttl_at(p, ip), .ip = ip};
}

static struct place mpls_place(const struct flow_packet *p, uint32_t at)
{
	return (struct place){.ttl = at + MPLS_BYTES <= p->m->data_len ? at + MPLS_TTL : 0};
}

static struct place outermost(const struct flow_packet *p)
{
	if (flow_exec_has(p, FLOW_FIELD_MPLS_LABEL))
		return mpls_place(p, p->layers.l3);
	if (flow_exec_has(p, FLOW_FIELD_IP_PROTO))
		return ip_place(p, p->layers.l3);
	return (struct place){.ttl = 0};
}

// The next header beneath the outermost one.
static struct place beneath(const struct flow_packet *p)
{
	const uint8_t *const h = rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->layers.l3);

	if (flow_exec_has(p, FLOW_FIELD_MPLS_LABEL)) {
		const uint32_t next = p->layers.l3 + MPLS_BYTES;

		return h[MPLS_BOTTOM] & 1 ? ip_place(p, next) : mpls_place(p, next);
	}
	if (!flow_exec_has(p, FLOW_FIELD_IP_PROTO) || p->layers.fragment)
		return (struct place){.ttl = 0};
	// IP in IP, right beneath.
	if (h[0] >> 4 == 4 && (h[9] == IPPROTO_IPIP || h[9] == IPPROTO_IPV6))
		return ip_place(p, p->layers.l3 + (h[0] & 0xfu) * 4);
	if (h[0] >> 4 == 6 && (h[6] == IPPROTO_IPIP || h[6] == IPPROTO_IPV6))
		return ip_place(p, p->layers.l3 + 40);
	return (struct place){.ttl = 0};
}

static uint8_t ttl_get(const struct flow_packet *p, struct place from)
{
	return *rte_pktmbuf_mtod_offset(p->m, const uint8_t *, from.ttl);
}

static void ttl_set(struct flow_packet *p, struct place to, uint8_t ttl)
{
	if (to.ip != 0)
		flow_edit_ttl(p, to.ip, ttl);
	else
		*rte_pktmbuf_mtod_offset(p->m, uint8_t *, to.ttl) = ttl;
}

enum flow_exec_end flow_exec_ttl(struct flow_packet *p, const struct flow_op *op)
{
	const struct place outer = outermost(p);
	const bool mpls = op->type == FLOW_OP_SET_MPLS_TTL || op->type == FLOW_OP_DEC_MPLS_TTL;
	struct place inner;

	if (outer.ttl == 0)
		return FLOW_EXEC_DONE;
	if (op->type == FLOW_OP_COPY_TTL_OUT || op->type == FLOW_OP_COPY_TTL_IN) {
		inner = beneath(p);
		if (inner.ttl == 0)
			return FLOW_EXEC_DONE;
		if (op->type == FLOW_OP_COPY_TTL_OUT)
			ttl_set(p, outer, ttl_get(p, inner));
		else
			ttl_set(p, inner, ttl_get(p, outer));
		return FLOW_EXEC_DONE;
	}
	if (mpls != (outer.ip == 0))
		return FLOW_EXEC_DONE;
	if (op->type == FLOW_OP_SET_MPLS_TTL || op->type == FLOW_OP_SET_NW_TTL) {
		ttl_set(p, outer, (uint8_t)op->arg);
		return FLOW_EXEC_DONE;
	}
	if (ttl_get(p, outer) <= 1)
		return FLOW_EXEC_TTL;
	ttl_set(p, outer, ttl_get(p, outer) - 1);
	return FLOW_EXEC_DONE;
}
