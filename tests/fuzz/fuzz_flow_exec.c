/* SPDX-License-Identifier: BSD-3-Clause */
// A list of actions, and behind it a frame: no step past the frame's data, and a key that stays that of the packet.
//
// Input: a byte, the number of actions; as many times a type, a field, four bytes of argument and sixteen of value; a
// byte that says where the frame's first segment ends and which offloads it asks for; the frame.
#include <stdint.h>
#include <string.h>

#include <rte_eal.h>

#include "../../datapath/flow_exec.h"
#include "../unit/exact_mbuf.h"
#include "require.h"

#define OPS_MAX 32
#define OP_BYTES 22
#define FRAME_MAX 1500

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rte_mempool *pool;

static void start(void)
{
	char *argv[] = {"fuzz", "--no-huge", "--no-pci",    "--no-shconf", "--no-telemetry", "-m", "64",
			"-l",   "0",         "--log-level", "*:4"};

	REQUIRE(rte_eal_init(RTE_DIM(argv), argv) >= 0);
	pool = rte_pktmbuf_pool_create("pool", 63, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	REQUIRE(pool != NULL);
}

static struct rte_mbuf *segment(const uint8_t *data, size_t len)
{
	struct rte_mbuf *const m = exact_mbuf(pool, data, (uint32_t)len);

	REQUIRE(m != NULL);
	return m;
}

static struct rte_mbuf *frame(uint8_t how, const uint8_t *data, size_t len)
{
	const size_t first = how & 1 ? 1 + (how >> 1) % len : len;
	struct rte_mbuf *const m = segment(data, first);

	if (first < len)
		REQUIRE(rte_pktmbuf_chain(m, segment(data + first, len - first)) == 0);
	if (how & 2) {
		m->l2_len = 14;
		m->l3_len = how & 4 ? 40 : 20;
		m->l4_len = 20;
		m->tso_segsz = 100;
		m->ol_flags |= how & 4 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
		m->ol_flags |= how & 8 ? RTE_MBUF_F_TX_UDP_CKSUM : RTE_MBUF_F_TX_TCP_CKSUM;
		m->ol_flags |= (how & 24) == 16 ? RTE_MBUF_F_TX_TCP_SEG : 0;
	}
	return m;
}

static void check(struct flow_packet *p)
{
	struct flow_packet again;

	flow_packet_init(&again, p->m, pool, p->in_port);
	again.tunnel_id = p->tunnel_id;
	flow_packet_parse(p);
	flow_packet_parse(&again);
	REQUIRE(memcmp(&p->key, &again.key, sizeof(p->key)) == 0);
	rte_mbuf_sanity_check(p->m, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct flow_packet p;
	const uint8_t *at = data + 1;
	uint32_t n;

	if (pool == NULL)
		start();
	if (size == 0)
		return 0;
	n = data[0] % (OPS_MAX + 1);
	if (size < 1 + n * OP_BYTES + 2 || size - (1 + n * OP_BYTES + 1) > FRAME_MAX)
		return 0;
	flow_packet_init(&p, frame(at[n * OP_BYTES], at + n * OP_BYTES + 1, size - (1 + n * OP_BYTES + 1)), pool, 1);
	for (; n > 0; n--, at += OP_BYTES) {
		struct flow_op op = {.type = at[0], .field = at[1] % FLOW_FIELD_COUNT};

		memcpy(&op.arg, at + 2, sizeof(op.arg));
		memcpy(&op.value, at + 6, sizeof(op.value));
		// These are refused by flow_action_settable().
		if (op.field <= FLOW_FIELD_METADATA || op.field == FLOW_FIELD_IPV6_EXTHDR)
			continue;
		const enum flow_exec_end end = flow_exec_op(&p, &op);

		REQUIRE(end != FLOW_EXEC_NO_MBUF);
		check(&p);
	}
	rte_pktmbuf_free(p.m);
	REQUIRE(rte_mempool_in_use_count(pool) == 0);
	return 0;
}
