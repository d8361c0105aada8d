/* SPDX-License-Identifier: BSD-3-Clause */
// Software checksums and segmentation against a model of the frames that are to come out.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#include "../../datapath/offload.h"
#include "offload_model.h"

#define OUT_MAX 1600

static void checksum_completes_what_flags_ask_for(void **state)
{
	static uint8_t payload[FRAME_MAX];
	static struct frame in, want;
	struct spec s;

	for (int i = 0; i < 3000; i++) {
		spec_random(&s, payload, i % 10 == 0 ? 65000 : 300);
		model_build(&s, &in, false);
		model_build(&s, &want, true);
		struct rte_mbuf *m = frame_mbuf(&in, &s, rnd(2));
		assert_int_equal(offload_checksum(m), 0);
		assert_int_equal(m->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK, 0);
		mbuf_equals(m, &want);
		rte_pktmbuf_free(m);
	}
}

static void checksum_does_only_what_flags_ask_for(void **state)
{
	static struct frame in, want, full;
	struct spec s = {.payload = (const uint8_t *)"ab", .payload_len = 2};

	model_build(&s, &in, false);
	model_build(&s, &full, true);
	struct rte_mbuf *m = frame_mbuf(&in, &s, false);
	m->ol_flags &= ~RTE_MBUF_F_TX_L4_MASK;
	want = in;
	memcpy(want.b + in.l3 + 10, full.b + in.l3 + 10, 2);
	assert_int_equal(offload_checksum(m), 0);
	mbuf_equals(m, &want);

	// Nothing asked: nothing done, whatever the lengths say.
	m->l2_len = 1;
	m->ol_flags = (m->ol_flags & RTE_MBUF_F_EXTERNAL) | RTE_MBUF_F_TX_IPV4;
	assert_int_equal(offload_checksum(m), 0);
	mbuf_equals(m, &want);
	rte_pktmbuf_free(m);

	m = frame_mbuf(&in, &s, false);
	m->ol_flags &= ~RTE_MBUF_F_TX_IP_CKSUM;
	want = full;
	memcpy(want.b + in.l3 + 10, in.b + in.l3 + 10, 2);
	model_word(want.b + in.l4 + 16, full.b[in.l4 + 16] << 8 | full.b[in.l4 + 17]);
	assert_int_equal(offload_checksum(m), 0);
	mbuf_equals(m, &want);
	rte_pktmbuf_free(m);
}

static void udp_checksum_of_zero_is_sent_as_ones(void **state)
{
	static struct frame in, want;
	uint8_t payload[2] = {0};
	struct spec s = {.udp = true, .payload = payload, .payload_len = 2};

	// The sum without the payload, put into the payload, makes the complement zero.
	model_build(&s, &want, true);
	memcpy(payload, want.b + want.l4 + 6, 2);
	model_build(&s, &want, true);
	assert_memory_equal(want.b + want.l4 + 6, "\xff\xff", 2);
	model_build(&s, &in, false);
	struct rte_mbuf *m = frame_mbuf(&in, &s, false);
	assert_int_equal(offload_checksum(m), 0);
	mbuf_equals(m, &want);
	rte_pktmbuf_free(m);
}

// One way each to be malformed. `udp`, `v6`: of which frame.
struct malformed {
	const char *what;
	bool v6, udp;
	void (*spoil)(struct rte_mbuf *m, uint8_t *b, const struct frame *f);
};

#define SPOIL(name, statement)                                                                                         \
	static void name(struct rte_mbuf *m, uint8_t *b, const struct frame *f)                                        \
	{                                                                                                              \
		statement;                                                                                             \
	}
SPOIL(l2_short, m->l2_len = 10)
SPOIL(l2_odd, m->l2_len = 16)
SPOIL(l2_far, m->l2_len = 127)
SPOIL(l2_tag_missing, m->l2_len = 18)
SPOIL(ethertype_other, b[13] = 6)
SPOIL(l3_short, m->l3_len = 16)
SPOIL(l3_far, m->l3_len = 511)
SPOIL(l3_not_ihl, m->l3_len += 4)
SPOIL(version_other, b[f->l3] ^= 0x20)
SPOIL(ip4_total_short, model_word(b + f->l3 + 2, 19))
SPOIL(ip4_total_long, model_word(b + f->l3 + 2, f->len - f->l3 + 1))
SPOIL(ip4_total_zero, model_word(b + f->l3 + 2, 0))
SPOIL(ip4_more_fragments, b[f->l3 + 6] = 0x20)
SPOIL(ip4_fragment, b[f->l3 + 7] = 1)
SPOIL(protocol_other, b[f->l3 + 9] = 1)
SPOIL(both_versions, m->ol_flags |= RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_IPV4)
SPOIL(no_version, m->ol_flags &= ~(RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_IPV4))
SPOIL(ip6_ip_checksum, m->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM)
SPOIL(ip6_length_long, model_word(b + f->l3 + 4, f->len))
SPOIL(ip6_length_zero, model_word(b + f->l3 + 4, 0))
SPOIL(ip6_fragment, b[f->l3 + 6] = 44)
SPOIL(ip6_routing_on_its_way, b[f->l3 + 6] = 43; b[f->l3 + 43] = 1)
SPOIL(ip6_extension_far, b[f->l3 + 41] = 9)
SPOIL(ip6_protocol_other, b[f->l3 + 40] = 59)
SPOIL(tcp_header_long, b[f->l4 + 12] = 0xf0)
SPOIL(tcp_header_short, b[f->l4 + 12] = 0x40)
SPOIL(udp_length_short, model_word(b + f->l4 + 4, 7))
SPOIL(udp_length_long, model_word(b + f->l4 + 4, f->len - f->l4 + 1))
SPOIL(sctp, m->ol_flags |= RTE_MBUF_F_TX_SCTP_CKSUM; m->ol_flags &= ~(UINT64_C(1) << 52))
SPOIL(cut_in_l4, rte_pktmbuf_trim(m, (uint16_t)(f->len - f->l4 - 4)))

static const struct malformed malformed[] = {
	{"l2 shorter than Ethernet", false, false, l2_short},
	{"l2 between tags", false, false, l2_odd},
	{"l2 past the data", false, false, l2_far},
	{"l2 with a tag that is not there", false, false, l2_tag_missing},
	{"other EtherType", false, false, ethertype_other},
	{"l3 shorter than IPv4", false, false, l3_short},
	{"l3 shorter than IPv6", true, false, l3_short},
	{"l3 past the data", false, false, l3_far},
	{"l3 past the data", true, false, l3_far},
	{"l3 is not IHL", false, false, l3_not_ihl},
	{"other IP version", false, false, version_other},
	{"other IP version", true, false, version_other},
	{"total length too short", false, false, ip4_total_short},
	{"total length too long", false, false, ip4_total_long},
	{"total length zero", false, false, ip4_total_zero},
	{"first fragment", false, true, ip4_more_fragments},
	{"later fragment", false, true, ip4_fragment},
	{"other protocol", false, true, protocol_other},
	{"flags say both versions", false, false, both_versions},
	{"flags say no version", true, false, no_version},
	{"IPv4 checksum of IPv6", true, false, ip6_ip_checksum},
	{"payload length too long", true, true, ip6_length_long},
	{"payload length zero", true, false, ip6_length_zero},
	{"IPv6 fragment", true, true, ip6_fragment},
	{"routing header on its way", true, false, ip6_routing_on_its_way},
	{"extension header past l3", true, false, ip6_extension_far},
	{"other protocol behind extension header", true, false, ip6_protocol_other},
	{"TCP header past the packet", false, false, tcp_header_long},
	{"TCP header too short", true, false, tcp_header_short},
	{"UDP length too short", false, true, udp_length_short},
	{"UDP length too long", true, true, udp_length_long},
	{"SCTP", false, false, sctp},
	{"cut in the TCP header", false, false, cut_in_l4},
	{"cut in the UDP header", true, true, cut_in_l4},
};

static void malformed_frames_are_refused_unchanged(void **state)
{
	static struct frame in, before;

	for (size_t i = 0; i < RTE_DIM(malformed); i++) {
		const struct malformed *t = &malformed[i];
		struct spec s = {.v6 = t->v6,
				 .udp = t->udp,
				 .ip_extra = t->v6 ? 8 : 0,
				 .payload = (const uint8_t *)"abcdef",
				 .payload_len = 6};

		model_build(&s, &in, false);
		struct rte_mbuf *m = frame_mbuf(&in, &s, false);
		t->spoil(m, rte_pktmbuf_mtod(m, uint8_t *), &in);
		const uint64_t flags = m->ol_flags;
		before.len = m->pkt_len;
		memcpy(before.b, rte_pktmbuf_mtod(m, void *), before.len);
		if (offload_checksum(m) != -EINVAL)
			fail_msg("accepted: %s", t->what);
		mbuf_equals(m, &before);
		assert_int_equal(m->ol_flags, flags);
		rte_pktmbuf_free(m);
	}
}

// Headers of which the first segment holds only a part: its block ends there, so a look past it is seen.
static void headers_cut_by_the_first_segment_are_refused(void **state)
{
	static uint8_t payload[500];
	static struct frame in;

	for (int v6 = 0; v6 < 2; v6++) {
		const struct spec s = {
			.v6 = v6, .ip_extra = 24, .tcp_extra = 20, .payload = payload, .payload_len = sizeof(payload)};

		model_build(&s, &in, false);
		for (uint32_t cut = 1; cut < in.payload; cut++) {
			struct rte_mbuf *out[8], *m = block_mbuf(in.b, cut);

			assert_int_equal(rte_pktmbuf_chain(m, block_mbuf(in.b + cut, in.len - cut)), 0);
			m->l2_len = in.l3;
			m->l3_len = in.l4 - in.l3;
			m->l4_len = in.payload - in.l4;
			m->tso_segsz = 100;
			m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | (v6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4);
			assert_int_equal(offload_segment(m, pool, out, RTE_DIM(out)), -EINVAL);
			m->ol_flags ^= RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM;
			assert_int_equal(offload_checksum(m), -EINVAL);
			// The same where the packet claims to have its transport header right there.
			if (cut > in.l3 + 40u) {
				m->l3_len = cut - in.l3;
				assert_int_equal(offload_checksum(m), -EINVAL);
			}
			rte_pktmbuf_free(m);
		}
	}
}

// Any lengths and flags over any bytes: no read past the data (AddressSanitizer), refused or done.
static void hostile_frames_stay_within_their_data(void **state)
{
	static uint8_t payload[400];
	static struct frame in, before;
	struct rte_mbuf *out[64];
	struct spec s;
	int done = 0, split = 0;

	for (int i = 0; i < 60000; i++) {
		spec_random(&s, payload, 300);
		model_build(&s, &in, false);
		for (uint32_t n = rnd(4); n > 0; n--)
			in.b[rnd(in.payload)] = (uint8_t)rnd(256);
		if (rnd(4) == 0)
			in.len = 1 + rnd(in.len);
		struct rte_mbuf *m = frame_mbuf(&in, &s, rnd(2) && in.len > in.payload);
		if (rnd(3) == 0)
			m->l2_len = rnd(128);
		if (rnd(3) == 0)
			m->l3_len = rnd(512);
		if (rnd(3) == 0)
			m->l4_len = rnd(256);
		if (rnd(8) == 0)
			m->ol_flags ^= UINT64_C(1) << (50 + rnd(7));
		m->tso_segsz = rnd(200);
		before = in;
		const uint64_t flags = m->ol_flags;
		m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
		const int n = offload_segment(m, pool, out, RTE_DIM(out));
		mbuf_equals(m, &before);
		assert_true(n >= 1 || n == -EINVAL || n == -ENOSPC);
		for (int k = 0; k < n; k++)
			rte_pktmbuf_free(out[k]);
		split += n > 0;
		m->ol_flags = flags;
		const int ret = offload_checksum(m);
		assert_true(ret == 0 || ret == -EINVAL);
		done += ret == 0;
		if (ret != 0)
			mbuf_equals(m, &before);
		rte_pktmbuf_free(m);
	}
	// Neither of the two is always refused, or this tests nothing.
	assert_in_range(done, 1000, 59000);
	assert_in_range(split, 1000, 59000);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

static void segment_matches(const struct spec *frame, uint32_t mss, struct rte_mbuf *const *out, int n)
{
	static struct frame want;
	uint32_t done = 0;

	for (int i = 0; i < n; i++) {
		struct spec s = *frame;

		s.zero_ip_length = false;
		s.padding = 0;
		s.payload += done;
		s.payload_len = RTE_MIN(mss, frame->payload_len - done);
		s.seq += done;
		s.ip_id = (uint16_t)(s.ip_id + i);
		done += s.payload_len;
		if (done < frame->payload_len)
			s.tcp_flags &= (uint8_t)~0x09; // FIN, PSH
		if (i > 0)
			s.tcp_flags &= (uint8_t)~0x80; // CWR
		model_build(&s, &want, true);
		rte_mbuf_sanity_check(out[i], 1);
		assert_int_equal(out[i]->ol_flags, 0);
		mbuf_equals(out[i], &want);
	}
	assert_int_equal(done, frame->payload_len);
}

static void segments_are_what_the_sender_would_have_sent(void **state)
{
	static uint8_t payload[FRAME_MAX];
	static struct rte_mbuf *out[OUT_MAX];
	static struct frame in;
	struct spec s;

	for (int i = 0; i < 800; i++) {
		spec_random(&s, payload, i % 4 == 0 ? 65000 : 5000);
		s.udp = false;
		s.zero_ip_length = rnd(4) == 0;
		if (s.zero_ip_length)
			s.padding = 0;
		model_build(&s, &in, false);
		if (in.len - in.l3 > 65000)
			continue;
		// 9000 and more takes several buffers per segment.
		const uint32_t mss = rnd(8) == 0 ? 3000 + rnd(7000) : 100 + rnd(1400);
		struct rte_mbuf *m = frame_mbuf(&in, &s, rnd(2));
		m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
		m->tso_segsz = mss;
		const int n = offload_segment(m, pool, out, OUT_MAX);
		assert_int_equal(n, s.payload_len == 0 ? 1 : (s.payload_len + mss - 1) / mss);
		mbuf_equals(m, &in);
		segment_matches(&s, mss, out, n);
		for (int k = 0; k < n; k++)
			rte_pktmbuf_free(out[k]);
		rte_pktmbuf_free(m);
		assert_int_equal(rte_mempool_in_use_count(pool), 0);
	}
}

static struct rte_mbuf *tso_frame(struct frame *in, uint32_t payload_len, uint16_t mss)
{
	static uint8_t payload[FRAME_MAX];
	const struct spec s = {.payload = payload, .payload_len = payload_len};

	model_build(&s, in, false);
	struct rte_mbuf *m = frame_mbuf(in, &s, false);
	m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
	m->tso_segsz = mss;
	return m;
}

static void segment_refuses_more_than_there_is_room_for(void **state)
{
	static struct frame in;
	struct rte_mbuf *out[10];
	struct rte_mbuf *m = tso_frame(&in, 1001, 100);

	assert_int_equal(offload_segment(m, pool, out, 10), -ENOSPC);
	assert_int_equal(offload_segment(m, pool, out, 0), -ENOSPC);
	m->tso_segsz = 101;
	assert_int_equal(offload_segment(m, pool, out, 10), 10);
	rte_pktmbuf_free_bulk(out, 10);
	m->tso_segsz = 0;
	assert_int_equal(offload_segment(m, pool, out, 10), -EINVAL);
	m->tso_segsz = 101;
	m->l4_len = 24;
	assert_int_equal(offload_segment(m, pool, out, 10), -EINVAL);
	m->l4_len = 20;
	m->ol_flags &= ~RTE_MBUF_F_TX_TCP_SEG;
	assert_int_equal(offload_segment(m, pool, out, 10), -EINVAL);
	rte_pktmbuf_free(m);
}

static void segment_gives_all_back_when_the_pool_is_empty(void **state)
{
	static struct frame in;
	struct rte_mempool *small = rte_pktmbuf_pool_create("small", 7, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	struct rte_mbuf *out[10];

	assert_non_null(small);
	struct rte_mbuf *m = tso_frame(&in, 1000, 100);
	assert_int_equal(offload_segment(m, small, out, 10), -ENOMEM);
	assert_int_equal(rte_mempool_in_use_count(small), 0);
	rte_pktmbuf_free(m);

	// Empty in the middle of a segment of several buffers.
	m = tso_frame(&in, 30000, 9000);
	assert_int_equal(offload_segment(m, small, out, 10), -ENOMEM);
	assert_int_equal(rte_mempool_in_use_count(small), 0);
	rte_pktmbuf_free(m);
	rte_mempool_free(small);
}

static int setup(void **state)
{
	char *argv[] = {"test", "--no-huge", "--no-pci",    "--no-shconf", "--no-telemetry", "-m", "64",
			"-l",   "0",         "--log-level", "*:4"};

	if (rte_eal_init(RTE_DIM(argv), argv) < 0)
		return -1;
	pool = rte_pktmbuf_pool_create("pool", 4095, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	return pool != NULL ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksum_completes_what_flags_ask_for),
		cmocka_unit_test(checksum_does_only_what_flags_ask_for),
		cmocka_unit_test(udp_checksum_of_zero_is_sent_as_ones),
		cmocka_unit_test(malformed_frames_are_refused_unchanged),
		cmocka_unit_test(headers_cut_by_the_first_segment_are_refused),
		cmocka_unit_test(hostile_frames_stay_within_their_data),
		cmocka_unit_test(segments_are_what_the_sender_would_have_sent),
		cmocka_unit_test(segment_refuses_more_than_there_is_room_for),
		cmocka_unit_test(segment_gives_all_back_when_the_pool_is_empty),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
