/* SPDX-License-Identifier: BSD-3-Clause */
#include "suppress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <rte_arp.h>
#include <rte_jhash.h>

#include "../tables/fdb.h"
#include "bridge.h"
#include "fdb_ctl.h"
#include "slow.h"

#define BUCKETS 64 // of a domain
#define SWEEP_MS 1000

struct known {
	struct ip_addr addr;
	struct rte_ether_addr mac;
	uint64_t heard_ms;
	TAILQ_ENTRY(known) age; // longest not heard of first
	LIST_ENTRY(known) link;
};

struct known_domain {
	const struct domain *domain;
	uint32_t n;
	TAILQ_HEAD(, known) age;
	LIST_HEAD(, known) hash[BUCKETS];
	LIST_ENTRY(known_domain) link;
};

static struct known_domain *domains[DOMAIN_MAX];
static LIST_HEAD(, known_domain) all = LIST_HEAD_INITIALIZER(all);
static struct suppress_stats stats;
static uint64_t swept_ms;

const struct suppress_stats *suppress_stats(void)
{
	return &stats;
}

static void forget(struct known_domain *d, struct known *k)
{
	TAILQ_REMOVE(&d->age, k, age);
	LIST_REMOVE(k, link);
	free(k);
	d->n--;
	stats.entries--;
}

static void domain_forget(uint16_t id)
{
	struct known_domain *d = domains[id];

	while (!TAILQ_EMPTY(&d->age))
		forget(d, TAILQ_FIRST(&d->age));
	LIST_REMOVE(d, link);
	free(d);
	domains[id] = NULL;
}

static struct known_domain *domain_of(const struct domain *domain)
{
	struct known_domain *d = domains[domain->id];

	// The id has a new owner.
	if (d && d->domain == domain)
		return d;
	if (d)
		domain_forget(domain->id);
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->domain = domain;
	TAILQ_INIT(&d->age);
	LIST_INSERT_HEAD(&all, d, link);
	domains[domain->id] = d;
	return d;
}

static uint32_t bucket_of(const struct ip_addr *a)
{
	return rte_jhash(a->bytes, sizeof(a->bytes), 0) % BUCKETS;
}

static struct known *find(struct known_domain *d, const struct ip_addr *a)
{
	struct known *k;

	LIST_FOREACH (k, &d->hash[bucket_of(a)], link)
		if (ip_equal(&k->addr, a))
			return k;
	return NULL;
}

static void learn(struct known_domain *d, const struct ip_addr *a, const struct rte_ether_addr *mac)
{
	struct known *k = find(d, a);

	if (k) {
		TAILQ_REMOVE(&d->age, k, age);
	} else {
		if (d->n == SUPPRESS_DOMAIN_MAX)
			forget(d, TAILQ_FIRST(&d->age));
		k = calloc(1, sizeof(*k));
		if (!k)
			return;
		k->addr = *a;
		LIST_INSERT_HEAD(&d->hash[bucket_of(a)], k, link);
		d->n++;
		stats.entries++;
	}
	k->mac = *mac;
	k->heard_ms = slow_now_ms();
	TAILQ_INSERT_TAIL(&d->age, k, age);
}

// The station that may be answered for, to one behind `port_id`.
static const struct rte_ether_addr *answerable(struct known_domain *d, const struct ip_addr *a, uint16_t port_id)
{
	const struct known *k = find(d, a);
	struct fdb_entry e;

	if (!k || slow_now_ms() - k->heard_ms > SUPPRESS_AGE_MS ||
	    fdb_get(fdb_ctl_table(), fdb_key(k->mac.addr_bytes, d->domain->id), fdb_ctl_now(), &e) < 0 ||
	    e.port_id == port_id || e.port_id == PORT_ROUTER)
		return NULL;
	return &k->mac;
}

// The bridge's domain that suppresses; NULL: none.
static const struct domain *suppressing(const struct punt *p)
{
	const struct domain *domain = domain_by_id(p->domain);

	return domain && domain->bridge && domain->bridge->arp_suppress ? domain : NULL;
}

static void flood(const struct punt *p, struct rte_mbuf *m, const struct domain *domain)
{
	// Frames are given without the tag of their domain.
	if (domain->vid != VLAN_NONE && p->l3 > RTE_ETHER_HDR_LEN) {
		uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);
		uint16_t tag = p->l3 - RTE_ETHER_HDR_LEN;

		memmove(data + tag, data, 2 * RTE_ETHER_ADDR_LEN);
		rte_pktmbuf_adj(m, tag);
	}
	stats.flooded++;
	slow_count(worker_inject(m, 0, p->domain, p->in_port) < 0 ? SLOW_INJECT_FULL : SLOW_FLOODED);
}

// The domain's table, if the message is to be looked at.
static struct known_domain *looked_at(const struct punt *p, const struct domain *domain)
{
	if (domain->vid == VLAN_NONE && p->l3 > RTE_ETHER_HDR_LEN)
		return NULL;
	return domain_of(domain);
}

static bool is_unicast(const struct rte_mbuf *m)
{
	return rte_is_unicast_ether_addr(&rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->dst_addr);
}

// Sends the answer and ends the question, or floods it if there is none.
static void conclude(const struct punt *p, struct rte_mbuf *m, const struct domain *domain, struct rte_mbuf *answer)
{
	if (!answer) {
		flood(p, m, domain);
		return;
	}
	stats.answered++;
	worker_inject(answer, 0, p->domain, 0);
	slow_end(m, SLOW_HANDLED);
}

bool suppress_arp(const struct punt *p, struct rte_mbuf *m, const struct arp_message *a)
{
	static const struct ip_addr unspecified = {.family = 4};
	const struct domain *domain = suppressing(p);
	struct known_domain *d = domain ? looked_at(p, domain) : NULL;
	const struct rte_ether_addr *mac = NULL;
	bool probe = ip_equal(&a->sender, &unspecified);

	// Only questions are kept from being flooded.
	if (!domain || !a->request || is_unicast(m))
		return false;
	if (d && !probe)
		learn(d, &a->sender, &a->sender_mac);
	if (d && !probe && !ip_equal(&a->sender, &a->target))
		mac = answerable(d, &a->target, p->in_port);
	conclude(p, m, domain, mac ? arp_answer_for(a, mac) : NULL);
	return true;
}

bool suppress_nd(const struct punt *p, struct rte_mbuf *m, const struct nd_message *n)
{
	const struct domain *domain = suppressing(p);
	struct known_domain *d = domain && n->type == ND_NS ? looked_at(p, domain) : NULL;
	const struct rte_ether_addr *mac = NULL;

	if (!domain || n->type != ND_NS || is_unicast(m))
		return false;
	if (d && n->has_mac) { // no probe: those name no MAC
		learn(d, &n->src, &n->mac);
		mac = answerable(d, &n->target, p->in_port);
	}
	conclude(p, m, domain, mac ? nd_answer_for(n, mac) : NULL);
	return true;
}

void suppress_input(const struct punt *p)
{
	const struct domain *domain = suppressing(p);
	struct rte_mbuf *m = p->m;
	struct arp_message a;
	struct nd_message n;
	bool taken = false;

	if (!domain) {
		slow_end(m, SLOW_IGNORED);
		return;
	}
	if (!slow_pull(&m, RTE_MIN(m->pkt_len, 1514u)) || m->data_len < p->l3) {
		slow_end(m, SLOW_MALFORMED);
		return;
	}
	const uint8_t *data = rte_pktmbuf_mtod_offset(m, const uint8_t *, p->l3);
	const uint32_t len = m->data_len - p->l3;

	if (p->class == PUNT_ARP ? arp_parse(data, len, &a) : nd_parse(data, len, &n))
		taken = p->class == PUNT_ARP ? suppress_arp(p, m, &a) : suppress_nd(p, m, &n);
	// What makes no sense to us may to the stations: a bridge passes it.
	if (!taken)
		flood(p, m, domain);
}

void suppress_tick(void)
{
	const uint64_t now = slow_now_ms();
	struct known_domain *d, *next;

	if (now - swept_ms < SWEEP_MS)
		return;
	swept_ms = now;
	for (d = LIST_FIRST(&all); d; d = next) {
		struct known *k;

		next = LIST_NEXT(d, link);
		while ((k = TAILQ_FIRST(&d->age)) && now - k->heard_ms > SUPPRESS_AGE_MS)
			forget(d, k);
	}
}

void suppress_destroy(void)
{
	for (uint32_t id = 0; id < DOMAIN_MAX; id++)
		if (domains[id])
			domain_forget((uint16_t)id);
	stats = (struct suppress_stats){0};
}
