/* SPDX-License-Identifier: BSD-3-Clause */
// The action executor against frames that were built by others, and against what must hold for any frame and action.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

#include "../../datapath/offload.h"
#include "exact_mbuf.h"
#include "flow_exec_shim_frames.h"
#include "flow_frames.h"

#define BYTES_MAX 512
#define CASES (RTE_DIM(exec_field_cases) + RTE_DIM(exec_shim_cases))
#define OFFLOAD_FLAGS (RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IP_CKSUM)

struct bytes {
	uint8_t b[BYTES_MAX];
	uint32_t n;
};

static struct rte_mempool *pool;

static const struct exec_case *case_at(size_t i)
{
	return i < RTE_DIM(exec_field_cases) ? &exec_field_cases[i] : &exec_shim_cases[i - RTE_DIM(exec_field_cases)];
}

static struct bytes from_hex(const char *hex)
{
	struct bytes f = {.n = (uint32_t)strlen(hex) / 2};

	assert_in_range(f.n, 1, BYTES_MAX);
	for (uint32_t i = 0; i < f.n; i++) {
		const char digits[] = {hex[2 * i], hex[2 * i + 1], 0};

		f.b[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return f;
}

static struct rte_mbuf *make(const uint8_t *data, uint32_t len)
{
	struct rte_mbuf *const m = exact_mbuf(pool, data, len);

	assert_non_null(m);
	return m;
}

static void mbuf_is(const struct rte_mbuf *m, const struct bytes *want, const char *name)
{
	uint8_t got[BYTES_MAX];

	if (m->pkt_len != want->n)
		fail_msg("%s: %u bytes, not %u", name, m->pkt_len, want->n);
	const uint8_t *const p = rte_pktmbuf_read(m, 0, want->n, got);

	for (uint32_t i = 0; i < want->n; i++) {
		if (p[i] != want->b[i])
			fail_msg("%s: byte %u is 0x%02x, not 0x%02x", name, i, p[i], want->b[i]);
	}
}

// The key that is kept up to date is that of the packet.
static void key_is_current(struct flow_packet *p, const char *name)
{
	struct flow_packet again;

	flow_packet_init(&again, p->m, pool, p->in_port);
	again.metadata = p->metadata;
	again.tunnel_id = p->tunnel_id;
	flow_packet_parse(p);
	flow_packet_parse(&again);
	if (memcmp(&p->key, &again.key, sizeof(p->key)) != 0)
		fail_msg("%s: the key is not that of the packet", name);
}

static void run(struct flow_packet *p, const struct exec_case *t)
{
	for (uint32_t i = 0; i < t->nops; i++) {
		const enum flow_exec_end end = flow_exec_op(p, &t->op[i]);

		if (end != (i + 1 < t->nops ? FLOW_EXEC_DONE : t->end))
			fail_msg("%s: action %u ended with %d", t->name, i, end);
		rte_mbuf_sanity_check(p->m, 1);
		key_is_current(p, t->name);
	}
}

static void frames_come_out_as_they_should(void **state)
{
	for (size_t i = 0; i < CASES; i++) {
		const struct exec_case *const t = case_at(i);
		const struct bytes before = from_hex(t->before), after = from_hex(t->after);
		struct flow_packet p;

		flow_packet_init(&p, make(before.b, before.n), pool, 7);
		run(&p, t);
		mbuf_is(p.m, &after, t->name);
		rte_pktmbuf_free(p.m);
	}
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

static void headers_may_lie_in_several_segments(void **state)
{
	for (size_t i = 0; i < CASES; i++) {
		const struct exec_case *const t = case_at(i);
		const struct bytes before = from_hex(t->before), after = from_hex(t->after);

		for (uint32_t at = 1; at < before.n; at++) {
			struct rte_mbuf *const m = make(before.b, at);
			struct flow_packet p;

			assert_int_equal(rte_pktmbuf_chain(m, make(before.b + at, before.n - at)), 0);
			flow_packet_init(&p, m, pool, 7);
			run(&p, t);
			mbuf_is(p.m, &after, t->name);
			rte_pktmbuf_free(p.m);
		}
	}
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

static void what_others_hold_stays_as_it_is(void **state)
{
	for (size_t i = 0; i < CASES; i++) {
		const struct exec_case *const t = case_at(i);
		const struct bytes before = from_hex(t->before), after = from_hex(t->after);

		// A second reference, a clone of a plain buffer, and one of an external buffer.
		for (int way = 0; way < 3; way++) {
			struct rte_mbuf *const m = way == 1 ? rte_pktmbuf_alloc(pool) : make(before.b, before.n);
			struct flow_packet p;

			if (way == 1)
				memcpy(rte_pktmbuf_append(m, (uint16_t)before.n), before.b, before.n);
			if (way == 0)
				rte_mbuf_refcnt_update(m, 1);
			flow_packet_init(&p, way == 0 ? m : rte_pktmbuf_clone(m, pool), pool, 7);
			assert_non_null(p.m);
			run(&p, t);
			mbuf_is(p.m, &after, t->name);
			mbuf_is(m, &before, t->name);
			rte_pktmbuf_free(p.m);
			rte_pktmbuf_free(m);
		}
	}
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

static uint64_t sum_be(uint64_t sum, const uint8_t *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		sum += i % 2 ? b[i] : (uint64_t)b[i] << 8;
	return sum;
}

static uint16_t fold_be(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

// The sum of the pseudo header, with the length of a frame's only IP packet.
static uint64_t pseudo(const uint8_t *b, const struct flow_layers *l)
{
	const uint64_t fixed = (uint64_t)l->ip_proto + (l->end - l->l4);

	return b[l->l3] >> 4 == 4 ? sum_be(fixed, b + l->l3 + 12, 8) : sum_be(fixed, b + l->l3 + 8, 32);
}

// Leaves the checksums of a TCP or UDP packet to the device, as a guest does. Returns whether it is one.
static bool leave_checksums(struct rte_mbuf *m)
{
	uint8_t *const b = rte_pktmbuf_mtod(m, uint8_t *);
	const bool ip4 = m->data_len > 34;
	struct flow_layers l;
	struct flow_key key;

	flow_key_parse(b, m->data_len, 1, &key, &l);
	if (!ip4 || l.l4 == 0 || l.fragment || l.tags > 2 || (l.ip_proto != IPPROTO_TCP && l.ip_proto != IPPROTO_UDP))
		return false;
	uint8_t *const field = b + l.l4 + (l.ip_proto == IPPROTO_TCP ? 16 : 6);

	if (field[0] == 0 && field[1] == 0)
		return false;
	// A routing header on its way: no device knows the destination.
	if (b[l.l3] >> 4 == 6 && b[l.l3 + 6] == IPPROTO_ROUTING)
		return false;
	const uint16_t sum = fold_be(pseudo(b, &l));

	field[0] = (uint8_t)(sum >> 8);
	field[1] = (uint8_t)sum;
	m->l2_len = l.l3;
	m->l3_len = l.l4 - l.l3;
	m->ol_flags |= l.ip_proto == IPPROTO_TCP ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
	m->ol_flags |= b[l.l3] >> 4 == 4 ? RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM : RTE_MBUF_F_TX_IPV6;
	return true;
}

static void what_is_left_to_a_device_stays_right(void **state)
{
	int pending = 0, completed = 0;

	for (size_t i = 0; i < CASES; i++) {
		const struct exec_case *const t = case_at(i);
		const struct bytes before = from_hex(t->before), after = from_hex(t->after);
		struct rte_mbuf *const m = make(before.b, before.n);
		struct flow_packet p;

		flow_packet_init(&p, m, pool, 7);
		if (leave_checksums(m)) {
			run(&p, t);
			pending += (p.m->ol_flags & OFFLOAD_FLAGS) != 0;
			completed += (p.m->ol_flags & OFFLOAD_FLAGS) == 0;
			if (p.m->ol_flags & RTE_MBUF_F_TX_L4_MASK) {
				const uint8_t *const b = rte_pktmbuf_mtod(p.m, const uint8_t *);
				const uint8_t *const field =
					b + p.layers.l4 + (p.layers.ip_proto == IPPROTO_TCP ? 16 : 6);

				// The sum of the pseudo header; both zeros are the same sum.
				assert_int_equal((field[0] << 8 | field[1]) % 0xffff,
						 fold_be(pseudo(b, &p.layers)) % 0xffff);
			}
			assert_int_equal(offload_checksum(p.m), 0);
			mbuf_is(p.m, &after, t->name);
		}
		rte_pktmbuf_free(p.m);
	}
	assert_true(pending > 30 && completed > 5);
}

static const struct exec_case *find(const char *name)
{
	for (size_t i = 0; i < CASES; i++) {
		if (strcmp(case_at(i)->name, name) == 0)
			return case_at(i);
	}
	fail_msg("no case %s", name);
	return NULL;
}

static void what_no_device_could_segment_is_segmented_first(void **state)
{
	static const struct flow_op hard[] = {OP(PUSH_MPLS, 0x8847), OP(PUSH_PBB, 0x88e7), SET(ETH_TYPE, 0x1234),
					      SET(IP_PROTO, 99)};
	static const struct flow_op easy[] = {OP(PUSH_VLAN, 0x8100), SET(TCP_DST, 9), SET(IPV4_SRC, 9),
					      OP(DEC_NW_TTL, 0), OP(POP_VLAN, 0)};
	const struct bytes before = from_hex(find("push_vlan")->before);
	struct rte_mbuf *const m = make(before.b, before.n);
	struct flow_packet p;
	struct bytes now;

	assert_true(leave_checksums(m));
	m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
	m->tso_segsz = 3;
	m->l4_len = 20;
	flow_packet_init(&p, m, pool, 7);
	for (size_t i = 0; i < RTE_DIM(easy); i++)
		assert_int_equal(flow_exec_op(&p, &easy[i]), FLOW_EXEC_DONE);
	now = (struct bytes){.n = p.m->pkt_len};
	memcpy(now.b, rte_pktmbuf_mtod(p.m, void *), now.n);
	for (size_t i = 0; i < RTE_DIM(hard); i++) {
		assert_int_equal(flow_exec_op(&p, &hard[i]), FLOW_EXEC_SEGMENT);
		mbuf_is(p.m, &now, "segment");
	}
	// Each part then takes it.
	struct rte_mbuf *part[8];
	const int n = offload_segment(p.m, pool, part, RTE_DIM(part));

	assert_int_equal(n, 3);
	for (int i = 0; i < n; i++) {
		struct flow_packet q;

		flow_packet_init(&q, part[i], pool, 7);
		assert_int_equal(flow_exec_op(&q, &hard[0]), FLOW_EXEC_DONE);
		flow_packet_parse(&q);
		assert_int_equal(flow_key_get(&q.key, FLOW_FIELD_ETH_TYPE).lo, 0x8847);
		rte_pktmbuf_free(q.m);
	}
	rte_pktmbuf_free(p.m);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

static void lengths_that_lie_are_refused(void **state)
{
	const struct flow_op push = OP(PUSH_MPLS, 0x8847);
	const struct bytes before = from_hex(find("push_vlan")->before);
	struct rte_mbuf *const m = make(before.b, before.n);
	struct flow_packet p;
	struct bytes now = {.n = before.n};

	assert_true(leave_checksums(m));
	memcpy(now.b, rte_pktmbuf_mtod(m, void *), now.n);
	m->l3_len = 24;
	flow_packet_init(&p, m, pool, 7);
	assert_int_equal(flow_exec_op(&p, &push), FLOW_EXEC_OFFLOAD);
	mbuf_is(p.m, &now, "lengths");
	rte_pktmbuf_free(p.m);
}

static void headers_grow_past_the_headroom(void **state)
{
	const struct flow_op push = OP(PUSH_PBB, 0x88e7), pop = OP(POP_PBB, 0);
	const struct bytes before = from_hex(find("push_pbb")->before);
	struct flow_packet p;

	flow_packet_init(&p, make(before.b, before.n), pool, 7);
	for (int i = 0; i < 200; i++)
		assert_int_equal(flow_exec_op(&p, &push), FLOW_EXEC_DONE);
	assert_int_equal(p.m->pkt_len, before.n + 200 * 18);
	for (int i = 0; i < 200; i++)
		assert_int_equal(flow_exec_op(&p, &pop), FLOW_EXEC_DONE);
	mbuf_is(p.m, &before, "growth");
	rte_pktmbuf_free(p.m);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

static void without_a_buffer_nothing_changes(void **state)
{
	struct rte_mempool *const none = rte_pktmbuf_pool_create("none", 1, 0, 0, 2048, SOCKET_ID_ANY);
	const struct flow_op push = OP(PUSH_VLAN, 0x8100), set = SET(ETH_DST, 1);
	const struct bytes before = from_hex(find("push_vlan")->before);
	struct rte_mbuf *const m = make(before.b, before.n), *taken;
	struct flow_packet p;

	assert_non_null(none);
	taken = rte_pktmbuf_alloc(none);
	rte_mbuf_refcnt_update(m, 1);
	flow_packet_init(&p, m, none, 7);
	assert_int_equal(flow_exec_op(&p, &set), FLOW_EXEC_NO_MBUF);
	rte_mbuf_refcnt_update(m, -1);
	m->data_off = 3;
	memcpy(rte_pktmbuf_mtod(m, void *), before.b, before.n);
	assert_int_equal(flow_exec_op(&p, &push), FLOW_EXEC_NO_MBUF);
	assert_ptr_equal(p.m, m);
	mbuf_is(m, &before, "no buffer");
	rte_pktmbuf_free(m);
	rte_pktmbuf_free(taken);
	rte_mempool_free(none);
}

static uint32_t crc32c(const uint8_t *b, uint32_t n)
{
	uint32_t crc = UINT32_MAX;

	for (uint32_t i = 0; i < n; i++) {
		crc ^= b[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (0x82f63b78 & -(crc & 1));
	}
	return ~crc;
}

// How far the checksums of a frame are from right; the executor must leave that as it is.
struct wrong {
	uint32_t ip, l4;
	bool has_ip, has_l4;
};

static struct wrong wrong_by(const uint8_t *b, uint32_t len)
{
	struct wrong w = {0};
	struct flow_layers l;
	struct flow_key key;
	uint8_t copy[2 * BYTES_MAX];
	uint32_t stored;

	flow_key_parse(b, len, 1, &key, &l);
	if ((key.word[0] >> 16 & 0xffff) == 0x0800 && (key.word[1] & FLOW_HAS_L3)) {
		w.has_ip = true;
		w.ip = fold_be(sum_be(0, b + l.l3, (b[l.l3] & 0xfu) * 4)) % 0xffff;
	}
	if (l.l4 == 0)
		return w;
	w.has_l4 = true;
	if (l.ip_proto == IPPROTO_SCTP) {
		memcpy(copy, b + l.l4, l.end - l.l4);
		memset(copy + 8, 0, 4);
		memcpy(&stored, b + l.l4 + 8, sizeof(stored));
		w.l4 = crc32c(copy, l.end - l.l4) ^ rte_le_to_cpu_32(stored);
	} else if (l.ip_proto == IPPROTO_UDP && b[l.l4 + 6] == 0 && b[l.l4 + 7] == 0) {
		w.l4 = 0x10000;
	} else {
		w.l4 = fold_be(sum_be(l.ip_proto == IPPROTO_ICMP ? 0 : pseudo(b, &l), b + l.l4, l.end - l.l4)) % 0xffff;
	}
	return w;
}

static struct flow_op random_op(uint64_t *rng)
{
	struct flow_op op = {.type = (uint8_t)(frame_random(rng, 3) ? FLOW_OP_SET_FIELD : frame_random(rng, 13)),
			     .field = (uint8_t)frame_random(rng, FLOW_FIELD_COUNT),
			     .arg = frame_random(rng, 3) ? frame_random(rng, 65536) : 0x0800,
			     .value = {rng_next(rng), rng_next(rng)}};
	const struct flow_value ones = flow_field_ones(op.field);

	// What flow_action_settable() refuses.
	if (op.field <= FLOW_FIELD_METADATA || op.field == FLOW_FIELD_IPV6_EXTHDR)
		op.field = FLOW_FIELD_ETH_DST;
	op.value.hi &= ones.hi;
	op.value.lo &= flow_field_ones(op.field).lo;
	return op;
}

// Whether an action leaves the headers what they are, so that their checksums can be compared.
static bool keeps_headers(const struct flow_op *op)
{
	if (op->type != FLOW_OP_SET_FIELD)
		return op->type >= FLOW_OP_SET_MPLS_TTL && op->type <= FLOW_OP_DEC_NW_TTL;
	return op->field != FLOW_FIELD_ETH_TYPE && op->field != FLOW_FIELD_IP_PROTO &&
	       op->field != FLOW_FIELD_IPV6_DST; // routing headers: see the cases
}

static void any_action_on_any_frame(void **state)
{
	uint64_t rng = RNG_SEED;
	uint32_t l4 = 0, sctp = 0, ends[FLOW_EXEC_NO_MBUF + 1] = {0};

	for (int i = 0; i < 60000; i++) {
		struct flow_packet p;
		struct frame f;

		frame_make(&f, &rng);
		flow_packet_init(&p, make(f.byte, f.len), pool, 7);
		for (uint32_t k = 1 + frame_random(&rng, 6); k > 0; k--) {
			const struct flow_op op = random_op(&rng);
			const struct wrong before = wrong_by(rte_pktmbuf_mtod(p.m, const uint8_t *), p.m->data_len);
			const uint32_t len = p.m->pkt_len;
			const enum flow_exec_end end = flow_exec_op(&p, &op);
			const struct wrong after = wrong_by(rte_pktmbuf_mtod(p.m, const uint8_t *), p.m->data_len);

			ends[end]++;
			rte_mbuf_sanity_check(p.m, 1);
			key_is_current(&p, "random");
			if (!keeps_headers(&op))
				continue;
			assert_int_equal(p.m->pkt_len, len);
			if (before.has_ip)
				assert_int_equal(after.ip, before.ip);
			if (before.has_l4)
				assert_int_equal(after.l4, before.l4);
			l4 += before.has_l4;
			sctp += before.has_l4 && p.layers.ip_proto == IPPROTO_SCTP;
		}
		rte_pktmbuf_free(p.m);
	}
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
	// All that is meant to be met was.
	assert_true(l4 > 10000 && sctp > 500 && ends[FLOW_EXEC_TTL] > 10);
	assert_int_equal(ends[FLOW_EXEC_NO_MBUF] + ends[FLOW_EXEC_OFFLOAD] + ends[FLOW_EXEC_SEGMENT], 0);
}

static int setup(void **state)
{
	char *argv[] = {"test", "--no-huge", "--no-pci",    "--no-shconf", "--no-telemetry", "-m", "64",
			"-l",   "0",         "--log-level", "*:4"};

	if (rte_eal_init(RTE_DIM(argv), argv) < 0)
		return -1;
	pool = rte_pktmbuf_pool_create("pool", 255, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	return pool != NULL ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_come_out_as_they_should),
		cmocka_unit_test(headers_may_lie_in_several_segments),
		cmocka_unit_test(what_others_hold_stays_as_it_is),
		cmocka_unit_test(what_is_left_to_a_device_stays_right),
		cmocka_unit_test(what_no_device_could_segment_is_segmented_first),
		cmocka_unit_test(lengths_that_lie_are_refused),
		cmocka_unit_test(headers_grow_past_the_headroom),
		cmocka_unit_test(without_a_buffer_nothing_changes),
		cmocka_unit_test(any_action_on_any_frame),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
