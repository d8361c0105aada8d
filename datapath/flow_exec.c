/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_exec.h"

#include <string.h>

#include "flow_edit.h"
#include "flow_exec_priv.h"
#include "offload.h"

#define HEADERS 256u   // bytes that lie in one piece, or all of the packet
#define MACS 12        // both addresses of the Ethernet header
#define ETHERNET 14    // the whole of it
#define TAG_BYTES 4    // a VLAN tag
#define LABEL_BYTES 4  // an MPLS header
#define PBB_BYTES 18   // EtherType, I-TAG and the customer's addresses
#define OFFLOAD_TAGS 2 // as many as offload.c looks behind

void flow_packet_parse(struct flow_packet *p)
{
	if (p->parsed)
		return;
	flow_key_extract(rte_pktmbuf_mtod(p->m, const uint8_t *), p->m->data_len, p->in_port, &p->key, &p->layers);
	// Both are 0 in a key that was just made, and mostly stay that.
	if (p->metadata != 0)
		flow_key_set(&p->key, NULL, FLOW_FIELD_METADATA, (struct flow_value){.lo = p->metadata},
			     flow_field_ones(FLOW_FIELD_METADATA));
	if (p->tunnel_id != 0)
		flow_key_set(&p->key, NULL, FLOW_FIELD_TUNNEL_ID, (struct flow_value){.lo = p->tunnel_id},
			     flow_field_ones(FLOW_FIELD_TUNNEL_ID));
	p->parsed = true;
}

bool flow_exec_has(const struct flow_packet *p, enum flow_field field)
{
	static const struct flow_key all = {.word = {[0 ... FLOW_KEY_WORDS - 1] = UINT64_MAX}};
	const uint8_t has = flow_field_info[field].has;

	if (field == FLOW_FIELD_VLAN_VID)
		return p->layers.tags > 0;
	return (p->key.word[1] & has) == has && flow_key_prereq_ok(&p->key, &all, field);
}

// Whether the first segment is the packet's own and has the headers in one piece.
static bool writable(const struct rte_mbuf *m)
{
	if (rte_mbuf_refcnt_read(m) != 1 || RTE_MBUF_CLONED(m))
		return false;
	if (RTE_MBUF_HAS_EXTBUF(m) && rte_mbuf_ext_refcnt_read(m->shinfo) != 1)
		return false;
	return m->data_len == m->pkt_len || m->data_len >= HEADERS;
}

static bool replace_by_copy(struct flow_packet *p)
{
	struct rte_mbuf *const copy = rte_pktmbuf_copy(p->m, p->pool, 0, UINT32_MAX);

	if (copy == NULL)
		return false;
	// More of the headers may be in one piece than before.
	p->parsed &= copy->data_len == p->m->data_len;
	rte_pktmbuf_free(p->m);
	p->m = copy;
	return true;
}

enum flow_exec_end flow_exec_finish(struct flow_packet *p)
{
	if (p->m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG))
		return FLOW_EXEC_SEGMENT;
	return offload_checksum(p->m) == 0 ? FLOW_EXEC_DONE : FLOW_EXEC_OFFLOAD;
}

// An 802.3 frame counts what lies behind its length field.
static void length_add(struct flow_packet *p, uint32_t at, int32_t bytes)
{
	uint8_t *const field = rte_pktmbuf_mtod_offset(p->m, uint8_t *, at);
	const uint32_t length = (uint32_t)flow_edit_get(field, 2);

	if (length < 0x600)
		flow_edit_put(field, 2, length + (uint32_t)bytes);
}

// Makes room for n bytes at offset `at`. Returns the frame's new beginning; NULL: there is no buffer.
static uint8_t *insert(struct flow_packet *p, uint32_t at, uint16_t n)
{
	uint8_t *data;

	if (rte_pktmbuf_headroom(p->m) < n && !replace_by_copy(p))
		return NULL;
	data = (uint8_t *)rte_pktmbuf_prepend(p->m, n);
	if (data != NULL)
		memmove(data, data + n, at);
	p->parsed = false;
	return data;
}

static void cut(struct flow_packet *p, uint32_t at, uint16_t n)
{
	uint8_t *const data = rte_pktmbuf_mtod(p->m, uint8_t *);

	memmove(data + n, data, at);
	rte_pktmbuf_adj(p->m, n);
	p->parsed = false;
}

static enum flow_exec_end push_vlan(struct flow_packet *p, uint32_t type)
{
	const uint64_t tag = flow_key_get(&p->key, FLOW_FIELD_VLAN_PCP).lo << 13 |
			     (flow_key_get(&p->key, FLOW_FIELD_VLAN_VID).lo & 0xfff);
	enum flow_exec_end end;
	uint8_t *data;

	if (p->layers.tags >= OFFLOAD_TAGS) {
		end = flow_exec_finish(p);
		if (end != FLOW_EXEC_DONE)
			return end;
	}
	data = insert(p, MACS, TAG_BYTES);
	if (data == NULL)
		return FLOW_EXEC_NO_MBUF;
	flow_edit_put(data + MACS, 2, type);
	flow_edit_put(data + MACS + 2, 2, tag);
	p->m->l2_len += TAG_BYTES; // means something only with offload flags, as below
	return FLOW_EXEC_DONE;
}

static enum flow_exec_end pop_vlan(struct flow_packet *p)
{
	if (p->layers.tags == 0)
		return FLOW_EXEC_DONE;
	cut(p, MACS, TAG_BYTES);
	p->m->l2_len -= TAG_BYTES;
	return FLOW_EXEC_DONE;
}

// The label that a pushed header begins with.
static uint32_t label_default(const struct flow_packet *p)
{
	const uint8_t *const l3 = rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->layers.l3);
	uint32_t ttl;

	if (flow_exec_has(p, FLOW_FIELD_MPLS_LABEL))
		return (uint32_t)flow_edit_get(l3, LABEL_BYTES) & ~0x100u;
	if (!flow_exec_has(p, FLOW_FIELD_IP_PROTO))
		return 0;
	ttl = flow_edit_ttl_at(p, p->layers.l3);
	return *rte_pktmbuf_mtod_offset(p->m, const uint8_t *, ttl);
}

static enum flow_exec_end push_mpls(struct flow_packet *p, uint32_t type)
{
	// A SNAP header stays in front of what it tells the type of.
	const uint16_t at = p->layers.tags > 0 ? ETHERNET : p->layers.l3;
	const bool bottom = p->layers.tags > 0 || !flow_exec_has(p, FLOW_FIELD_MPLS_LABEL);
	const uint32_t label = label_default(p) | (uint32_t)bottom << 8;
	enum flow_exec_end end = flow_exec_finish(p);
	uint8_t *data;

	if (end != FLOW_EXEC_DONE)
		return end;
	data = insert(p, at, LABEL_BYTES);
	if (data == NULL)
		return FLOW_EXEC_NO_MBUF;
	if (at > ETHERNET)
		length_add(p, MACS, LABEL_BYTES);
	flow_edit_put(data + at - 2, 2, type);
	flow_edit_put(data + at, LABEL_BYTES, label);
	return FLOW_EXEC_DONE;
}

static enum flow_exec_end pop_mpls(struct flow_packet *p, uint32_t type)
{
	const uint32_t l3 = p->layers.l3;
	enum flow_exec_end end;

	if (!flow_exec_has(p, FLOW_FIELD_MPLS_LABEL))
		return FLOW_EXEC_DONE;
	end = flow_exec_finish(p);
	if (end != FLOW_EXEC_DONE)
		return end;
	length_add(p, MACS + TAG_BYTES * p->layers.tags, -LABEL_BYTES);
	cut(p, l3, LABEL_BYTES);
	flow_edit_put(rte_pktmbuf_mtod_offset(p->m, uint8_t *, l3 - 2), 2, type);
	return FLOW_EXEC_DONE;
}

static enum flow_exec_end push_pbb(struct flow_packet *p, uint32_t type)
{
	uint64_t tag = flow_key_get(&p->key, FLOW_FIELD_VLAN_PCP).lo << 29;
	enum flow_exec_end end = flow_exec_finish(p);
	uint8_t *data;

	if (end != FLOW_EXEC_DONE)
		return end;
	if (flow_exec_has(p, FLOW_FIELD_PBB_ISID))
		tag |= flow_key_get(&p->key, FLOW_FIELD_PBB_ISID).lo;
	data = insert(p, MACS, PBB_BYTES);
	if (data == NULL)
		return FLOW_EXEC_NO_MBUF;
	flow_edit_put(data + MACS, 2, type);
	flow_edit_put(data + MACS + 2, 4, tag);
	memcpy(data + PBB_BYTES, data, MACS);
	return FLOW_EXEC_DONE;
}

// A backbone VLAN tag in front stays; popping it is an action of its own.
static enum flow_exec_end pop_pbb(struct flow_packet *p)
{
	const uint32_t l3 = p->layers.l3;
	uint8_t customer[MACS];
	enum flow_exec_end end;

	if (!flow_exec_has(p, FLOW_FIELD_PBB_ISID) || l3 - 2 + PBB_BYTES + 2 > p->m->data_len)
		return FLOW_EXEC_DONE;
	end = flow_exec_finish(p);
	if (end != FLOW_EXEC_DONE)
		return end;
	memcpy(customer, rte_pktmbuf_mtod_offset(p->m, const uint8_t *, l3 + 4), MACS);
	length_add(p, MACS + TAG_BYTES * p->layers.tags, -PBB_BYTES);
	cut(p, l3 - 2, PBB_BYTES);
	memcpy(rte_pktmbuf_mtod(p->m, uint8_t *), customer, MACS);
	return FLOW_EXEC_DONE;
}

enum flow_exec_end flow_exec_op(struct flow_packet *p, const struct flow_op *op)
{
	if (!writable(p->m) && !replace_by_copy(p))
		return FLOW_EXEC_NO_MBUF;
	flow_packet_parse(p);
	// Without an Ethernet header there is nothing to be changed.
	if (p->layers.l3 == 0)
		return FLOW_EXEC_DONE;
	switch ((enum flow_op_type)op->type) {
	case FLOW_OP_SET_FIELD:
		return flow_exec_set_field(p, op->field, op->value);
	case FLOW_OP_PUSH_VLAN:
		return push_vlan(p, op->arg);
	case FLOW_OP_POP_VLAN:
		return pop_vlan(p);
	case FLOW_OP_PUSH_MPLS:
		return push_mpls(p, op->arg);
	case FLOW_OP_POP_MPLS:
		return pop_mpls(p, op->arg);
	case FLOW_OP_PUSH_PBB:
		return push_pbb(p, op->arg);
	case FLOW_OP_POP_PBB:
		return pop_pbb(p);
	case FLOW_OP_SET_MPLS_TTL:
	case FLOW_OP_DEC_MPLS_TTL:
	case FLOW_OP_SET_NW_TTL:
	case FLOW_OP_DEC_NW_TTL:
	case FLOW_OP_COPY_TTL_OUT:
	case FLOW_OP_COPY_TTL_IN:
		return flow_exec_ttl(p, op);
	}
	return FLOW_EXEC_DONE;
}
