/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_race.h"

#include <stdio.h>
#include <string.h>

#include "../../ports/port.h"
#include "../rng.h"

#define BURST 32
#define FRAME 60

struct race_result race_result;
uint32_t race_begun, race_done;

static struct {
	struct race_fields fields[BURST];
	uint64_t got[BURST];
	uint32_t n, done_before;
	uint64_t rng;
} burst = {.rng = RNG_SEED + 1};

static void burst_compare(void)
{
	const uint32_t to = __atomic_load_n(&race_begun, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < burst.n; i++) {
		const struct race_fields f = burst.fields[i];

		if (race_may_be(f, burst.got[i], burst.done_before, to))
			continue;
		if (race_result.mismatch++ == 0)
			snprintf(race_result.first_mismatch, sizeof(race_result.first_mismatch),
				 "src %u dst %u port %u, versions %u..%u", f.src, f.dst, f.port, burst.done_before, to);
	}
	if (to > burst.done_before)
		__atomic_fetch_add(&race_result.overlapped, burst.n, __ATOMIC_RELAXED);
	else
		race_result.settled += burst.n;
	race_result.given += burst.n;
	burst.n = 0;
}

static struct rte_mbuf *packet(uint32_t i)
{
	static const uint8_t head[] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17};
	struct rte_mbuf *const m = rte_pktmbuf_alloc(port_pool());
	const uint64_t r = rng_next(&burst.rng);
	uint8_t *p;

	if (m == NULL)
		return NULL;
	m->data_len = FRAME;
	m->pkt_len = FRAME;
	p = rte_pktmbuf_mtod(m, uint8_t *);
	memset(p, 0, FRAME);
	memcpy(p, head, sizeof(head));
	burst.fields[i] = (struct race_fields){r & 7, r >> 3 & 7, r >> 6 & 7};
	burst.got[i] = 0;
	memcpy(p + 26,
	       (uint8_t[]){10, 0, 0, burst.fields[i].src, 10, 0, 1, burst.fields[i].dst, 0, 1, 0, burst.fields[i].port},
	       12);
	p[39] = 26;
	p[FRAME - 1] = (uint8_t)i;
	return m;
}

static uint16_t give(struct rxq *q, struct rte_mbuf **pkts, uint16_t n)
{
	// The last burst has gone all its way: what waited was sent at the end of the loop.
	burst_compare();
	if (!__atomic_load_n(&race_result.giving, __ATOMIC_ACQUIRE))
		return 0;
	burst.done_before = __atomic_load_n(&race_done, __ATOMIC_ACQUIRE);
	for (; burst.n < n && burst.n < BURST; burst.n++) {
		pkts[burst.n] = packet(burst.n);
		if (pkts[burst.n] == NULL)
			break;
	}
	return (uint16_t)burst.n;
}

static uint16_t give_nothing(struct rxq *q, struct rte_mbuf **pkts, uint16_t n)
{
	return 0;
}

static uint16_t take(struct txq *q, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		const uint8_t *const p = rte_pktmbuf_mtod(pkts[i], const uint8_t *);

		burst.got[p[FRAME - 1]] += race_sent((uint32_t)(uintptr_t)q->priv, p[15] >> 2);
	}
	rte_pktmbuf_free_bulk(pkts, n);
	return n;
}

static int race_create(struct port *p, const json_t *params, unsigned int workers, struct fault *f)
{
	const uintptr_t number = (uintptr_t)(p->name[1] - '0');
	const int rc = port_queues_alloc(p, 1, 1, workers);

	if (rc < 0)
		return rc;
	p->max_mtu = 1500;
	p->rxq[0].rx = number == 1 ? give : give_nothing;
	p->txq[0].tx = take;
	p->txq[0].priv = (void *)number;
	return 0;
}

static int race_start(struct port *p, struct fault *f)
{
	p->link_up = 1;
	return 0;
}

static void race_stop(struct port *p)
{
}

static void race_destroy(struct port *p)
{
	port_queues_free(p);
}

static void race_stats(const struct port *p, struct port_dev_stats *out)
{
}

static const struct param no_params[] = {{0}};
static const struct port_ops race_ops = {
	.name = "race",
	.help = "packets of the test",
	.params = no_params,
	.create = race_create,
	.start = race_start,
	.stop = race_stop,
	.destroy = race_destroy,
	.stats = race_stats,
};
PORT_KIND(race_ops)
