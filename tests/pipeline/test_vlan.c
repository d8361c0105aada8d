/* SPDX-License-Identifier: BSD-3-Clause */
// VLANs against a naive model: random ports, tags and tables; every port must get exactly the model's bytes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

#define PORTS 6
#define ROUNDS 300
#define FRAMES 100
#define VIDS 6 // the VLANs that configurations name are among these
#define REST_DOMAIN 99

static const uint16_t vids[VIDS] = {0, 1, 5, 100, 2000, 4094};

enum mode { ACCESS, TRUNK, NATIVE };
struct model_port {
	enum mode mode;
	uint16_t tag;
	bool all;
	bool list[VIDS];
};
static struct model_port model[PORTS + 1];
static bool named[VIDS];

struct frame {
	int tag; // TCI, -1 untagged
	uint16_t tpid;
	uint8_t dst, src; // last byte of the MACs
};

static int vid_index(uint16_t vid)
{
	for (int k = 0; k < VIDS; k++) {
		if (vids[k] == vid)
			return k;
	}
	return -1;
}

static bool is_member(const struct model_port *p, uint16_t vid)
{
	int k = vid_index(vid);

	if (p->mode == ACCESS)
		return vid == p->tag;
	if (p->mode == NATIVE && vid == 0) // its untagged frames are in the native VLAN
		return false;
	return p->all || (p->mode == NATIVE && vid == p->tag) || (k >= 0 && p->list[k]);
}

static bool is_named(uint16_t vid)
{
	int k = vid_index(vid);

	return k >= 0 && named[k];
}

static uint32_t frame_bytes(uint8_t *f, const struct frame *fr)
{
	uint32_t at = 12;

	memset(f, 0, 64);
	f[0] = fr->dst == 0xff ? 0xff : 2;
	f[5] = fr->dst;
	f[6] = 2;
	f[11] = fr->src;
	if (fr->tag >= 0) {
		f[at++] = (uint8_t)(fr->tpid >> 8);
		f[at++] = (uint8_t)fr->tpid;
		f[at++] = (uint8_t)(fr->tag >> 8);
		f[at++] = (uint8_t)fr->tag;
	}
	f[at++] = 0x88;
	f[at++] = 0xb5;
	return at + 30;
}

// The VLAN a frame belongs to at a port, or -1: dropped.
static int model_vlan(const struct model_port *p, const struct frame *fr)
{
	uint16_t vid = fr->tag < 0 ? 0 : fr->tag & 0xfff;

	if (p->mode == ACCESS && vid != 0)
		return -1;
	if (vid == 0 && p->mode != TRUNK)
		vid = p->tag;
	return is_member(p, vid) ? vid : -1;
}

// How the frame leaves by port p.
static struct frame model_out(const struct model_port *p, const struct frame *fr, uint16_t vid)
{
	struct frame out = *fr;
	uint16_t untagged = p->mode == TRUNK ? 0 : p->tag;

	if (!is_named(vid))
		return out;
	if (vid == untagged)
		out.tag = -1;
	else if (fr->tag < 0) {
		out.tag = vid;
		out.tpid = 0x8100;
	} else {
		out.tag = (fr->tag & 0xf000) | vid;
	}
	return out;
}

static uint16_t domain_of(uint16_t vid)
{
	return is_named(vid) ? (uint16_t)(10 + vid_index(vid)) : REST_DOMAIN;
}

static void configure(void)
{
	memset(named, 0, sizeof(named));
	for (int p = 1; p <= PORTS; p++) {
		struct model_port *m = &model[p];

		memset(m, 0, sizeof(*m));
		m->mode = (enum mode)(rand() % 3);
		m->tag = vids[1 + rand() % (VIDS - 1)];
		m->all = rand() % 2 && m->mode != ACCESS;
		for (int k = 0; k < VIDS; k++)
			m->list[k] = !m->all && m->mode != ACCESS && rand() % 3 == 0 && (k || m->mode == TRUNK);
		// VLAN 0 gets a domain of its own beside an all-VLAN native port, lest untagged frames enter its native
		// VLAN.
		named[0] |= m->all && m->mode == NATIVE;
		for (int k = 0; k < VIDS; k++)
			named[k] |= m->list[k] || (m->mode != TRUNK && vids[k] == m->tag);
	}
	for (uint16_t p = 1; p <= PORTS; p++) {
		harness_port(p);
		if (model[p].mode == ACCESS)
			harness_access(p, domain_of(model[p].tag), model[p].tag);
		for (int k = 0; k < VIDS && model[p].mode != ACCESS; k++) {
			if (!named[k] || !is_member(&model[p], vids[k]))
				continue;
			if (model[p].mode == NATIVE && vids[k] == model[p].tag)
				harness_native(p, domain_of(vids[k]), vids[k]);
			else
				harness_trunk(p, domain_of(vids[k]), vids[k]);
		}
		if (model[p].all)
			harness_rest(p, REST_DOMAIN);
	}
	harness_build();
}

static void expect_at(uint16_t port, const struct frame *fr, uint16_t vid)
{
	struct harness_port *hp = &harness_ports[port];
	struct frame want = model_out(&model[port], fr, vid);
	uint8_t bytes[64];
	uint32_t len = frame_bytes(bytes, &want);

	assert_int_equal(hp->nout, 1);
	assert_int_equal(hp->out[0]->pkt_len, len);
	assert_memory_equal(rte_pktmbuf_mtod(hp->out[0], void *), bytes, len);
}

static void one_frame(void)
{
	static const uint16_t tpids[2] = {0x8100, 0x88a8};
	struct frame fr = {.tag = -1,
			   .tpid = tpids[rand() % 2],
			   .dst = (uint8_t)(rand() % 4 ? rand() % 8 : 0xff),
			   .src = (uint8_t)(0x10 + rand() % 8)};
	uint16_t from = (uint16_t)(1 + rand() % PORTS), known = 0;
	uint8_t bytes[64];
	int vid;

	if (rand() % 2)
		fr.tag = (rand() & 0xf000) | (rand() % 4 ? vids[rand() % VIDS] : rand() % 4096);
	vid = model_vlan(&model[from], &fr);
	if (vid >= 0 && fr.dst != 0xff && rand() % 2) {
		known = (uint16_t)(1 + rand() % PORTS);
		if (is_member(&model[known], (uint16_t)vid)) {
			frame_bytes(bytes, &fr);
			fdb_learn(harness_fdb, fdb_key(bytes, domain_of((uint16_t)vid)), known, 100, NULL);
		} else {
			known = 0;
		}
	}
	harness_in(from, harness_mbuf(bytes, frame_bytes(bytes, &fr)));
	harness_run();
	for (uint16_t p = 1; p <= PORTS; p++) {
		bool gets = vid >= 0 && p != from && is_member(&model[p], (uint16_t)vid) && (!known || known == p);

		if (gets)
			expect_at(p, &fr, (uint16_t)vid);
		else
			assert_int_equal(harness_ports[p].nout, 0);
	}
	harness_audit();
	if (known) {
		frame_bytes(bytes, &fr);
		fdb_del(harness_fdb, fdb_key(bytes, domain_of((uint16_t)vid)), NULL);
	}
}

static void random_vlans_equal_the_model(void **state)
{
	static const char *const levels[] = {"v2", "v3", "v4"};
	unsigned int seed = getenv("SEED") ? (unsigned int)atoi(getenv("SEED")) : 42;

	srand(seed);
	for (int round = 0; round < ROUNDS; round++) {
		if (!harness_reset(levels[round % 3]))
			continue;
		configure();
		for (int i = 0; i < FRAMES; i++)
			one_frame();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(random_vlans_equal_the_model)};

	harness_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
