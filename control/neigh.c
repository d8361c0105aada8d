/* SPDX-License-Identifier: BSD-3-Clause */
#include "neigh.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_jhash.h>
#include <rte_random.h>

#include "ip_out.h"

#define BUCKETS 65536

static LIST_HEAD(, neigh) hash[BUCKETS];
static uint32_t seed; // a stranger who chooses addresses must not choose chains
static struct neigh **numbers;
static uint32_t nnumbers;
struct neigh_stats neigh_counts;

static uint32_t bucket_of(const struct iface *i, const struct ip_addr *a)
{
	if (seed == 0)
		seed = (uint32_t)rte_rand() | 1;
	return rte_jhash(a->bytes, sizeof(a->bytes), seed ^ i->id) % BUCKETS;
}

struct neigh *neigh_find(const struct iface *i, const struct ip_addr *a)
{
	struct neigh *n;

	LIST_FOREACH (n, &hash[bucket_of(i, a)], hash_link)
		if (n->iface == i && ip_equal(&n->addr, a))
			return n;
	return NULL;
}

struct neigh *neigh_by_number(uint32_t number)
{
	return number < nnumbers ? numbers[number] : NULL;
}

static int number_bind(uint32_t number, struct neigh *n)
{
	if (number >= nnumbers) {
		uint32_t want = RTE_MAX(number + 1, 2 * nnumbers);
		struct neigh **more = realloc(numbers, want * sizeof(*more));

		if (!more)
			return -ENOMEM;
		memset(more + nnumbers, 0, (want - nnumbers) * sizeof(*more));
		numbers = more;
		nnumbers = want;
	}
	numbers[number] = n;
	return 0;
}

struct neigh_table *neigh_table_of(struct iface *i)
{
	struct neigh_table *t = i->neighs;

	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	for (unsigned int r = 0; r < NEIGH_RANKS; r++)
		TAILQ_INIT(&t->list[r]);
	i->neighs = t;
	return t;
}

uint32_t neigh_count(const struct iface *i)
{
	const struct neigh_table *t = i->neighs;

	return t ? t->n : 0;
}

static enum neigh_rank rank_of(const struct neigh *n)
{
	if (n->refs > 0 || n->wanted_static || n->state == NEIGH_REACHABLE || n->state == NEIGH_STATIC)
		return NEIGH_RANK_STAYS;
	return n->state == NEIGH_INCOMPLETE || n->state == NEIGH_FAILED ? NEIGH_RANK_NO_MAC : NEIGH_RANK_UNSURE;
}

void neigh_relist(struct neigh *n)
{
	struct neigh_table *t = n->iface->neighs;
	uint8_t rank = rank_of(n);

	if (rank == n->rank)
		return;
	TAILQ_REMOVE(&t->list[n->rank], n, link);
	n->rank = rank;
	TAILQ_INSERT_TAIL(&t->list[rank], n, link);
}

// Makes room for one more in a table. False: all that are there stay.
static bool make_room(struct neigh_table *t)
{
	struct neigh *victim;

	if (t->n < NEIGH_IFACE_MAX && neigh_counts.entries < NEIGH_ALL_MAX)
		return true;
	victim = TAILQ_FIRST(&t->list[NEIGH_RANK_NO_MAC]) ?: TAILQ_FIRST(&t->list[NEIGH_RANK_UNSURE]);
	if (!victim) {
		neigh_counts.refused++;
		return false;
	}
	neigh_counts.evicted++;
	neigh_drop(victim);
	return true;
}

int neigh_make(struct iface *i, const struct ip_addr *a, struct neigh **out)
{
	struct neigh_table *t = neigh_table_of(i);
	struct neigh *n;
	int rc;

	if (!t)
		return -ENOMEM;
	if (!make_room(t))
		return -ENOSPC;
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	*n = (struct neigh){.iface = i, .addr = *a, .state = NEIGH_INCOMPLETE, .rank = NEIGH_RANK_NO_MAC};
	rc = nexthop_alloc(&n->number);
	if (rc < 0)
		goto free_neigh;
	rc = number_bind(n->number, n);
	if (rc < 0)
		goto free_number;
	LIST_INSERT_HEAD(&hash[bucket_of(i, a)], n, hash_link);
	TAILQ_INSERT_TAIL(&t->list[n->rank], n, link);
	t->n++;
	neigh_counts.entries++;
	neigh_contents_set(n);
	*out = n;
	return 0;

free_number:
	nexthop_free(n->number);
free_neigh:
	free(n);
	return rc;
}

int neigh_get(struct iface *i, const struct ip_addr *a, struct neigh **out)
{
	*out = neigh_find(i, a);
	if (*out)
		return 0;
	if (!i->up)
		return -ENETDOWN;
	return neigh_make(i, a, out);
}

int neigh_hold(struct iface *i, const struct ip_addr *a, struct neigh **out)
{
	int rc = 0;

	*out = neigh_find(i, a);
	if (!*out)
		rc = neigh_make(i, a, out);
	if (rc < 0)
		return rc;
	(*out)->refs++;
	neigh_relist(*out);
	// A gateway's MAC is known before its first packet comes.
	neigh_resolve(*out);
	return 0;
}

void neigh_release(struct neigh *n)
{
	n->refs--;
	if (n->refs == 0 && !n->wanted_static && !n->is_static &&
	    (n->state == NEIGH_FAILED || (n->state == NEIGH_INCOMPLETE && n->nheld == 0)))
		neigh_drop(n);
	else
		neigh_relist(n);
}

uint32_t neigh_nexthop(const struct neigh *n)
{
	return n->number;
}

// Packets that wait.

static bool hold_room(struct neigh *n)
{
	if (!n->held)
		n->held = calloc(NEIGH_HELD_MAX, sizeof(*n->held));
	return n->held && neigh_counts.held < NEIGH_HELD_ALL;
}

unsigned int neigh_unhold(struct neigh *n, struct neigh_held out[NEIGH_HELD_MAX])
{
	unsigned int count = n->nheld;

	for (unsigned int k = 0; k < count; k++) {
		out[k] = n->held[k];
		neigh_counts.held -= out[k].in_iface != 0;
	}
	n->nheld = 0;
	return count;
}

void neigh_lose_held(struct neigh *n, enum slow_outcome why)
{
	struct neigh_held held[NEIGH_HELD_MAX];
	unsigned int count = neigh_unhold(n, held);

	for (unsigned int k = 0; k < count; k++)
		slow_lose(held[k].m, held[k].in_iface, why);
}

static void hold(struct neigh *n, struct rte_mbuf *m, uint16_t in_iface)
{
	if (!hold_room(n)) {
		slow_lose(m, in_iface, SLOW_HELD_FULL);
		return;
	}
	if (n->nheld == NEIGH_HELD_MAX) {
		neigh_counts.held -= n->held[0].in_iface != 0;
		slow_lose(n->held[0].m, n->held[0].in_iface, SLOW_HELD_FULL);
		n->nheld--;
		memmove(n->held, n->held + 1, n->nheld * sizeof(*n->held));
	}
	n->held[n->nheld++] = (struct neigh_held){m, in_iface};
	neigh_counts.held += in_iface != 0;
}

static bool has_mac(const struct neigh *n)
{
	return n->state != NEIGH_INCOMPLETE && n->state != NEIGH_FAILED;
}

void neigh_output(struct neigh *n, struct rte_mbuf *m, uint16_t in_iface)
{
	if (!n->iface->up)
		slow_lose(m, in_iface, SLOW_NO_IFACE);
	else if (has_mac(n))
		ip_out_link(n->iface, m, &n->mac, in_iface);
	else {
		hold(n, m, in_iface);
		neigh_resolve(n);
	}
}

void neigh_send_held(struct neigh *n)
{
	struct neigh_held held[NEIGH_HELD_MAX];
	unsigned int count = neigh_unhold(n, held);
	// Sending may tell of an error, which may take another neighbour, in whose place this one may be.
	const struct rte_ether_addr mac = n->mac;
	struct iface *i = n->iface;

	for (unsigned int k = 0; k < count; k++)
		ip_out_link(i, held[k].m, &mac, held[k].in_iface);
}

// The end of an entry.

void neigh_drop(struct neigh *n)
{
	struct neigh_table *t = n->iface->neighs;

	neigh_timer(n, 0);
	if (n->in_fib)
		route_host_del(n->iface->vrf, &n->addr);
	LIST_REMOVE(n, hash_link);
	TAILQ_REMOVE(&t->list[n->rank], n, link);
	t->n--;
	neigh_counts.entries--;
	numbers[n->number] = NULL;
	nexthop_free(n->number);
	neigh_lose_held(n, SLOW_HELD_FULL);
	free(n->held);
	json_decref(n->conf);
	free(n);
}

void neigh_each(struct iface *i, void (*fn)(struct neigh *n, void *arg), void *arg)
{
	struct neigh_table *t = i->neighs;
	struct neigh *n, *next;

	for (unsigned int r = 0; t && r < NEIGH_RANKS; r++) {
		for (n = TAILQ_FIRST(&t->list[r]); n; n = next) {
			next = TAILQ_NEXT(n, link);
			fn(n, arg);
		}
	}
}

// What changes at the interface.

bool neigh_on_link(const struct iface *i, const struct ip_addr *a)
{
	for (uint16_t k = 0; k < i->naddrs; k++)
		if (ip_in(a, &i->addr[k]))
			return true;
	return false;
}

static void went_down(struct neigh *n, void *arg)
{
	neigh_lose_held(n, SLOW_NO_IFACE);
	if (!n->is_static && !n->wanted_static && n->refs == 0) {
		neigh_drop(n);
		return;
	}
	if (!n->is_static)
		neigh_state_set(n, NEIGH_FAILED);
	neigh_timer(n, 0);
	neigh_contents_set(n);
}

static void came_up(struct neigh *n, void *arg)
{
	neigh_contents_set(n);
	if (!n->is_static)
		neigh_resolve(n);
}

static void changed(struct neigh *n, void *arg)
{
	if (!n->is_static && !n->wanted_static && n->refs == 0 && !neigh_on_link(n->iface, &n->addr))
		neigh_drop(n);
	else
		neigh_contents_set(n);
}

void neigh_iface_changed(struct iface *i)
{
	struct neigh_table *t = neigh_table_of(i);
	bool was_up;

	if (!t)
		return;
	was_up = t->was_up;
	t->was_up = i->up;
	if (!i->up)
		neigh_each(i, went_down, NULL);
	else if (!was_up)
		neigh_each(i, came_up, NULL);
	if (i->up && was_up)
		neigh_each(i, changed, NULL);
}

static void gone(struct neigh *n, void *arg)
{
	neigh_drop(n);
}

void neigh_iface_gone(struct iface *i)
{
	neigh_each(i, gone, NULL);
	free(i->neighs);
	i->neighs = NULL;
}

void neigh_destroy(void)
{
	free(numbers);
	numbers = NULL;
	nnumbers = 0;
	neigh_timers_reset();
	neigh_counts = (struct neigh_stats){0};
}
