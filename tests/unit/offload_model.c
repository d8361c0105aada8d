/* SPDX-License-Identifier: BSD-3-Clause */
#include "offload_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

struct rte_mempool *pool;

uint32_t rnd(uint32_t below)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)((x >> 32) % below);
}

void model_word(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static uint32_t model_sum(uint32_t sum, const uint8_t *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		sum += i % 2 ? b[i] : (uint32_t)b[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static uint32_t model_l2(const struct spec *s, uint8_t *b)
{
	uint32_t at = 12;

	memcpy(b, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02", 12);
	for (unsigned int t = 0; t < s->tags; t++, at += 4) {
		model_word(b + at, s->tags == 2 && t == 0 ? 0x88a8 : 0x8100);
		model_word(b + at + 2, 100 + t);
	}
	model_word(b + at, s->v6 ? 0x86dd : 0x0800);
	return at + 2;
}

static uint32_t model_ip4(const struct spec *s, uint8_t *ip, uint32_t l4_len, bool checksum)
{
	const uint32_t len = 20 + s->ip_extra;

	memset(ip, 0, 20);
	ip[0] = (uint8_t)(0x40 | len / 4);
	model_word(ip + 2, s->zero_ip_length ? 0 : len + l4_len);
	model_word(ip + 4, s->ip_id);
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = s->udp ? 17 : 6;
	memcpy(ip + 12, s->addr, 8);
	memcpy(ip + 20, s->fill, s->ip_extra);
	if (checksum)
		model_word(ip + 10, ~model_sum(0, ip, len));
	return len;
}

// Extension headers of 8 bytes each: hop-by-hop, then destination options, then a routing header at its end.
static uint32_t model_ip6(const struct spec *s, uint8_t *ip, uint32_t l4_len)
{
	static const uint8_t kinds[] = {0, 60, 43};
	const uint8_t last = s->udp ? 17 : 6;
	const uint32_t n = s->ip_extra / 8;

	memset(ip, 0, 40);
	ip[0] = 0x60;
	model_word(ip + 4, s->zero_ip_length ? 0 : s->ip_extra + l4_len);
	ip[6] = n ? kinds[0] : last;
	ip[7] = 64;
	memcpy(ip + 8, s->addr, 32);
	for (uint32_t i = 0; i < n; i++) {
		memset(ip + 40 + 8 * i, 0, 8);
		ip[40 + 8 * i] = i + 1 < n ? kinds[i + 1] : last;
	}
	return 40 + s->ip_extra;
}

void model_build(const struct spec *s, struct frame *f, bool checksums)
{
	const uint32_t l4_header = s->udp ? 8 : 20 + s->tcp_extra;
	const uint32_t l4_len = l4_header + s->payload_len;
	uint8_t pseudo[40] = {0};
	uint32_t pseudo_len;

	memset(f->b, 0, 200);
	f->l3 = model_l2(s, f->b);
	f->l4 = f->l3 + (s->v6 ? model_ip6(s, f->b + f->l3, l4_len) : model_ip4(s, f->b + f->l3, l4_len, checksums));
	uint8_t *l4 = f->b + f->l4;
	memset(l4, 0, 20);
	model_word(l4, 1000);
	model_word(l4 + 2, 2000);
	if (s->udp) {
		model_word(l4 + 4, l4_len);
	} else {
		model_word(l4 + 4, s->seq >> 16);
		model_word(l4 + 6, s->seq);
		model_word(l4 + 8, 0x1234);
		l4[12] = (uint8_t)(l4_header / 4 << 4);
		l4[13] = s->tcp_flags;
		model_word(l4 + 14, 0xfff0);
		memcpy(l4 + 20, s->fill, s->tcp_extra);
	}
	f->payload = f->l4 + l4_header;
	memcpy(f->b + f->payload, s->payload, s->payload_len);
	f->len = f->payload + s->payload_len;
	memset(f->b + f->len, 0xee, s->padding);
	f->len += s->padding;
	// Without checksums there is anything in the fields: it must not matter.
	if (!checksums) {
		model_word(l4 + (s->udp ? 6 : 16), rnd(65536));
		if (!s->v6)
			model_word(f->b + f->l3 + 10, rnd(65536));
		return;
	}
	if (s->v6) {
		memcpy(pseudo, s->addr, 32);
		model_word(pseudo + 34, l4_len);
		pseudo[39] = s->udp ? 17 : 6;
		pseudo_len = 40;
	} else {
		memcpy(pseudo, s->addr, 8);
		pseudo[9] = s->udp ? 17 : 6;
		model_word(pseudo + 10, l4_len);
		pseudo_len = 12;
	}
	uint32_t sum = ~model_sum(model_sum(0, pseudo, pseudo_len), l4, l4_len) & 0xffff;
	if (s->udp && sum == 0)
		sum = 0xffff;
	model_word(l4 + (s->udp ? 6 : 16), sum);
}

// An exact-size heap block holds each segment, so that AddressSanitizer sees a read past its end.
static void block_free(void *addr, void *opaque)
{
	free(addr);
}

struct rte_mbuf *block_mbuf(const uint8_t *data, uint32_t len)
{
	const size_t room = RTE_ALIGN_CEIL(sizeof(struct rte_mbuf_ext_shared_info), 8);
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *block = malloc(room + len);

	assert_non_null(m);
	assert_non_null(block);
	struct rte_mbuf_ext_shared_info *info = (void *)block;
	info->free_cb = block_free;
	info->fcb_opaque = NULL;
	rte_mbuf_ext_refcnt_set(info, 1);
	rte_pktmbuf_attach_extbuf(m, block, RTE_BAD_IOVA, (uint16_t)(room + len), info);
	m->data_off = (uint16_t)room;
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
	memcpy(rte_pktmbuf_mtod(m, void *), data, len);
	return m;
}

// The frame as a chain: headers in the first segment, the rest cut anywhere (also at odd places).
struct rte_mbuf *frame_mbuf(const struct frame *f, const struct spec *s, bool chain)
{
	const uint32_t headers = f->payload < f->len ? f->payload : f->len;
	uint32_t at = chain ? headers + rnd(f->len - headers + 1) : f->len;

	if (at > 60000)
		at = 60000;
	struct rte_mbuf *m = block_mbuf(f->b, at);
	while (at < f->len) {
		uint32_t n = 1 + rnd(RTE_MIN(f->len - at, 9000U));
		struct rte_mbuf *more = block_mbuf(f->b + at, n);
		assert_int_equal(rte_pktmbuf_chain(m, more), 0);
		at += n;
		if (m->nb_segs > 200 && at < f->len) {
			n = RTE_MIN(f->len - at, 60000U);
			assert_int_equal(rte_pktmbuf_chain(m, block_mbuf(f->b + at, n)), 0);
			at += n;
		}
	}
	m->l2_len = f->l3;
	m->l3_len = f->l4 - f->l3;
	m->l4_len = f->payload - f->l4;
	m->ol_flags |= s->v6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
	m->ol_flags |= s->udp ? RTE_MBUF_F_TX_UDP_CKSUM : RTE_MBUF_F_TX_TCP_CKSUM;
	return m;
}

void mbuf_equals(const struct rte_mbuf *m, const struct frame *want)
{
	static uint8_t got[FRAME_MAX];

	assert_int_equal(m->pkt_len, want->len);
	const void *p = rte_pktmbuf_read(m, 0, m->pkt_len, got);
	assert_memory_equal(p, want->b, want->len);
}

void spec_random(struct spec *s, uint8_t *payload, uint32_t payload_max)
{
	memset(s, 0, sizeof(*s));
	s->v6 = rnd(2);
	s->udp = rnd(2);
	s->tags = rnd(3);
	s->ip_extra = s->v6 ? rnd(4) * 8 : rnd(11) * 4;
	s->tcp_extra = s->udp ? 0 : rnd(11) * 4;
	s->padding = rnd(3) ? 0 : rnd(20);
	s->ip_id = (uint16_t)rnd(65536);
	s->seq = rnd(UINT32_MAX);
	s->tcp_flags = (uint8_t)rnd(256);
	for (uint32_t i = 0; i < sizeof(s->addr); i++)
		s->addr[i] = (uint8_t)rnd(256);
	for (uint32_t i = 0; i < sizeof(s->fill); i++)
		s->fill[i] = (uint8_t)rnd(256);
	s->payload_len = rnd(payload_max + 1);
	for (uint32_t i = 0; i < s->payload_len; i++)
		payload[i] = (uint8_t)rnd(256);
	// Mostly ones: carries everywhere.
	if (rnd(4) == 0)
		memset(payload, 0xff, s->payload_len);
	s->payload = payload;
}
