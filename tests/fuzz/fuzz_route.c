/* SPDX-License-Identifier: BSD-3-Clause */
// Frames of a hostile guest through the whole pipeline with a router in it. Whatever comes in, the accounts close, no
// buffer is lost, and what happens depends on nothing but the frames: not on what lies behind them in their buffers,
// and not on the instruction set.
//
// Input: frames, each of a byte (bits 0-2 port, 3 offloads, 4-5 further segments), its length in two bytes (of which
// more may be said than is there), the segments' lengths, the offload's fields, and the bytes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "../pipeline/router.h"

#define FRAMES_MAX 64
#define FRAME_MAX 9100
#define LEVELS 3
#define FILLS 2 // what lies behind a frame: zeros, or what follows it in the input

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at, *end;
};

static uint8_t byte(struct input *in)
{
	return (uint8_t)(in->at < in->end ? *in->at++ : 0);
}

static uint16_t two_bytes(struct input *in)
{
	uint8_t low = byte(in);

	return (uint16_t)(byte(in) << 8 | low);
}

static struct rte_mbuf *segment_make(struct input *in, uint32_t len, bool filled)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(port_pool());
	uint8_t *to = rte_pktmbuf_mtod(m, uint8_t *);
	uint32_t have = (uint32_t)RTE_MIN((size_t)len, (size_t)(in->end - in->at));

	memset(m->buf_addr, 0, m->buf_len);
	if (filled)
		memcpy(to, in->at, RTE_MIN((size_t)rte_pktmbuf_tailroom(m), (size_t)(in->end - in->at)));
	memcpy(to, in->at, have);
	memset(to + have, 0x2a, len - have);
	in->at += have;
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
	return m;
}

static void offload_make(struct rte_mbuf *m, struct input *in)
{
	static const uint64_t flags[] = {RTE_MBUF_F_TX_TCP_SEG,   RTE_MBUF_F_TX_UDP_SEG,     RTE_MBUF_F_TX_TCP_CKSUM,
					 RTE_MBUF_F_TX_UDP_CKSUM, RTE_MBUF_F_TX_IP_CKSUM,    RTE_MBUF_F_TX_IPV4,
					 RTE_MBUF_F_TX_IPV6,      RTE_MBUF_F_RX_IP_CKSUM_BAD};
	uint8_t which = byte(in);

	for (unsigned int k = 0; k < RTE_DIM(flags); k++)
		m->ol_flags |= which >> k & 1 ? flags[k] : 0;
	m->l2_len = byte(in) & 0x7f;
	m->l3_len = byte(in);
	m->l4_len = byte(in);
	m->tso_segsz = two_bytes(in);
}

static void frame_in(struct input *in, bool filled)
{
	uint8_t kind = byte(in);
	uint32_t left = two_bytes(in) % FRAME_MAX, more = kind >> 4 & 3, part[3] = {0};
	struct rte_mbuf *m, *last, offload;

	memset(&offload, 0, sizeof(offload));
	for (uint32_t k = 0; k < more; k++)
		part[k] = RTE_MIN(byte(in) * 8U + 1, left);
	if (kind & 8)
		offload_make(&offload, in);
	m = last = segment_make(in, RTE_MIN(more ? part[0] : left, 2048U), filled);
	left -= m->data_len;
	m->ol_flags = offload.ol_flags;
	m->tx_offload = offload.tx_offload;
	for (uint32_t k = 1; left; k++) {
		last->next = segment_make(in, RTE_MIN(k < more ? part[k] : left, RTE_MIN(left, 2048U)), filled);
		last = last->next;
		m->pkt_len += last->data_len;
		m->nb_segs++;
		left -= last->data_len;
		if (m->nb_segs == 30)
			break;
	}
	harness_in((uint16_t)(1 + kind % 6), m);
}

static uint64_t digest_bytes(uint64_t d, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		d = (d ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
	return d;
}

static uint64_t digest_packet(uint64_t d, const struct rte_mbuf *m)
{
	uint32_t len = 0;

	d = digest_bytes(d, &m->pkt_len, sizeof(m->pkt_len));
	for (const struct rte_mbuf *s = m; s; s = s->next) {
		d = digest_bytes(d, rte_pktmbuf_mtod(s, const void *), s->data_len);
		len += s->data_len;
	}
	assert_int_equal(len, m->pkt_len);
	assert_int_equal(rte_mbuf_check(m, 1, &(const char *){NULL}), 0);
	return d;
}

// All that came of a run.
static uint64_t digest(void)
{
	uint64_t d = UINT64_C(0xcbf29ce484222325);
	struct punt p;

	for (uint16_t id = 0; id < HARNESS_PORTS; id++) {
		for (uint32_t k = 0; k < harness_ports[id].nout; k++)
			d = digest_packet(d, harness_ports[id].out[k]);
		d = digest_bytes(d, harness_worker->count[id].drops, sizeof(harness_worker->count[id].drops));
	}
	for (unsigned int c = 0; c < PUNT_CLASS_COUNT; c++) {
		while (harness_punt((enum punt_class)c, &p)) {
			struct punt fields = p;

			fields.m = NULL;
			d = digest_packet(digest_bytes(d, &fields, sizeof(fields)), p.m);
			assert_int_equal(rte_mbuf_refcnt_read(p.m), 1);
			rte_pktmbuf_free(p.m);
		}
	}
	return d;
}

static void setup(void)
{
	uint32_t slot[8];

	harness_init();
	harness_reset("v2");
	router_build();
	for (uint32_t s = 0; s < RTE_DIM(slot); s++)
		slot[s] = NH_MEMBER + s;
	router_group(slot, RTE_DIM(slot));
	router_nexthop_at(NH_VLAN30)->mtu = 576;
	router_nexthop_at(NH_BRIDGE)->mtu = 1280;
	harness_domain(DOMAIN_BRIDGE)->suppress = true;
	((struct fwd_iface *)harness_state.iface[2])->listens = true;
	harness_ports[1].fwd.max_frame = harness_ports[4].fwd.max_frame = FRAME_MAX;
	harness_ports[2].port.offloads = PORT_OFFLOAD_CSUM | PORT_OFFLOAD_TSO4;
	fdb_learn(harness_fdb, fdb_key(router_neighbour[4], DOMAIN_BRIDGE), 5, 100, NULL);
}

static uint64_t run(const uint8_t *bytes, size_t size, bool filled)
{
	struct input in = {bytes, bytes + size};
	uint64_t d;

	harness_worker->tsc += 10 * rte_get_tsc_hz(); // buckets are full again
	for (unsigned int n = 0; n < FRAMES_MAX && in.at < in.end; n++)
		frame_in(&in, filled);
	harness_run();
	d = digest();
	harness_audit();
	for (uint16_t id = 1; id < HARNESS_PORTS; id++)
		harness_ports[id].room = HARNESS_OUT;
	return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const levels[LEVELS] = {"v2", "v3", "v4"};
	struct fault f = {0};
	uint64_t first = 0, d;

	if (!harness_worker)
		setup();
	for (int k = 0; k < LEVELS * FILLS; k++) {
		if (datapath_isa_set(levels[k / FILLS], &f))
			continue;
		d = run(data, size, k % FILLS);
		if (k && d != first) {
			fprintf(stderr, "%s, %s behind the frames: something else comes out\n", levels[k / FILLS],
				k % FILLS ? "more bytes" : "zeros");
			abort();
		}
		first = d;
	}
	return 0;
}
