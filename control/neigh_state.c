/* SPDX-License-Identifier: BSD-3-Clause */
// The states of a neighbour: what a message, a timer or a packet makes of it.
#include <stdlib.h>
#include <string.h>

#include <rte_random.h>

#include "arp.h"
#include "fdb_ctl.h"
#include "garbage.h"
#include "icmp.h"
#include "nd.h"
#include "neigh.h"

#define SLOT_MS 32
#define SLOTS 4096 // a turn of the wheel is 131 s

enum timed { TIMED_NOT, TIMED_WHEEL, TIMED_DUE };

static struct neigh_list wheel[SLOTS];
static struct neigh_list due; // of the slot that is looked at
static uint64_t turned;       // the slot that was last looked at; 0: the wheel has not begun

static const char *const state_names[] = {
	[NEIGH_INCOMPLETE] = "incomplete", [NEIGH_REACHABLE] = "reachable", [NEIGH_STALE] = "stale",
	[NEIGH_DELAY] = "delay",           [NEIGH_PROBE] = "probe",         [NEIGH_FAILED] = "failed",
	[NEIGH_STATIC] = "static",
};

const char *neigh_state_name(enum neigh_state state)
{
	return state_names[state];
}

void neigh_event(const char *what, const struct neigh *n)
{
	char address[IP_TEXT_LEN], mac[RTE_ETHER_ADDR_FMT_SIZE];
	json_t *data;

	if (!slow_event_wanted())
		return;
	fdb_mac_text(&n->mac, mac);
	data = json_pack("{s:s,s:s,s:s}", "iface", n->iface->name, "address", ip_text(&n->addr, address), "state",
			 neigh_state_name(n->state));
	if (n->state != NEIGH_INCOMPLETE && n->state != NEIGH_FAILED)
		json_object_set_new(data, "mac", json_string(mac));
	slow_event(what, data);
}

// Timers.

static void wheel_begin(void)
{
	if (turned != 0)
		return;
	for (unsigned int s = 0; s < SLOTS; s++)
		TAILQ_INIT(&wheel[s]);
	turned = RTE_MAX(slow_now_ms() / SLOT_MS, UINT64_C(1));
}

void neigh_timer(struct neigh *n, uint64_t due_ms)
{
	wheel_begin();
	if (n->timed != TIMED_NOT)
		TAILQ_REMOVE(n->timed == TIMED_DUE ? &due : &wheel[n->due_ms / SLOT_MS % SLOTS], n, wheel_link);
	n->timed = due_ms != 0 ? TIMED_WHEEL : TIMED_NOT;
	if (n->timed == TIMED_NOT)
		return;
	// What is due now is seen at the next turn; what is due beyond this turn is looked at and put back.
	n->due_ms = RTE_MAX(due_ms, (turned + 1) * SLOT_MS);
	TAILQ_INSERT_TAIL(&wheel[n->due_ms / SLOT_MS % SLOTS], n, wheel_link);
}

void neigh_timers_reset(void)
{
	turned = 0;
}

// Contents of the next hop, and the host route.

static bool forwards(const struct neigh *n)
{
	return n->iface->up && n->state != NEIGH_INCOMPLETE && n->state != NEIGH_FAILED;
}

static bool contents_same(const struct nexthop *a, const struct nexthop *b)
{
	return a && a->kind == b->kind && memcmp(a->rewrite, b->rewrite, sizeof(a->rewrite)) == 0 &&
	       a->iface == b->iface && a->port_id == b->port_id && a->domain == b->domain && a->vid == b->vid &&
	       a->mtu == b->mtu;
}

static void host_route_set(struct neigh *n, bool want)
{
	if (want == n->in_fib)
		return;
	if (!want)
		route_host_del(n->iface->vrf, &n->addr);
	// A host route that finds no room costs speed: packets come by the connected route, one by one.
	else if (ip_is_link_local(&n->addr) || route_host_set(n->iface->vrf, &n->addr, n->number) < 0)
		return;
	n->in_fib = want;
}

void neigh_contents_set(struct neigh *n)
{
	const struct iface *i = n->iface;
	struct nexthop want = {.kind = NEXTHOP_UNRESOLVED, .iface = i->id}, *contents;

	if (forwards(n) && i->domain) {
		want.kind = NEXTHOP_FORWARD;
		memcpy(want.rewrite, &n->mac, sizeof(n->mac));
		memcpy(want.rewrite + sizeof(n->mac), &i->mac, sizeof(i->mac));
		want.port_id = i->port ? i->port->id : 0;
		want.domain = i->domain->id;
		want.vid = i->domain->vid;
		want.mtu = i->mtu;
	}
	if (!contents_same(nexthop_at(n->number), &want)) {
		contents = garbage_alloc(sizeof(*contents));
		*contents = want;
		nexthop_set(n->number, contents);
	}
	host_route_set(n, want.kind == NEXTHOP_FORWARD);
}

void neigh_mac_set(struct neigh *n, const struct rte_ether_addr *mac)
{
	n->mac = *mac;
	neigh_contents_set(n);
}

// States.

// RFC 4861, 6.3.2: between half and one and a half of what is configured, so that questions do not come in step.
static uint64_t reachable_ms(const struct neigh *n)
{
	const json_t *conf = n->iface->conf ? json_object_get(n->iface->conf, "reachable_time") : NULL;
	uint64_t base = 1000 * (conf ? (uint64_t)json_integer_value(conf) : NEIGH_REACHABLE_S);

	return base / 2 + rte_rand_max(base);
}

static void ask(struct neigh *n, bool unicast)
{
	struct neigh_table *t = n->iface->neighs;
	const struct rte_ether_addr *mac = unicast ? &n->mac : NULL;

	// The timer asks again.
	if (!n->iface->up || !slow_bucket_take(&t->solicit, NEIGH_SOLICIT_RATE, NEIGH_SOLICIT_BURST))
		return;
	if (n->addr.family == 4)
		arp_ask(n->iface, &n->addr, mac);
	else
		nd_ask(n->iface, &n->addr, mac);
}

void neigh_state_set(struct neigh *n, enum neigh_state state)
{
	const uint64_t now = slow_now_ms();

	n->state = state;
	n->tries = 0;
	n->refreshing = false;
	switch (state) {
	case NEIGH_INCOMPLETE:
	case NEIGH_PROBE:
		n->tries = 1;
		neigh_timer(n, now + NEIGH_RETRANS_MS);
		break;
	case NEIGH_REACHABLE:
		n->confirmed_ms = now;
		neigh_timer(n, now + reachable_ms(n) * 3 / 4);
		break;
	case NEIGH_STALE:
		neigh_timer(n, now + NEIGH_STALE_MS);
		break;
	case NEIGH_DELAY:
		neigh_timer(n, now + NEIGH_DELAY_MS);
		break;
	case NEIGH_FAILED:
		neigh_timer(n, now + NEIGH_RETRY_MS);
		break;
	case NEIGH_STATIC:
		neigh_timer(n, 0);
		break;
	}
	neigh_relist(n);
	neigh_contents_set(n);
	if (state == NEIGH_INCOMPLETE || state == NEIGH_PROBE)
		ask(n, state == NEIGH_PROBE);
}

void neigh_resolve(struct neigh *n)
{
	if (n->iface->up && (n->state == NEIGH_FAILED || (n->state == NEIGH_INCOMPLETE && !n->timed)))
		neigh_state_set(n, NEIGH_INCOMPLETE);
}

// Nobody answers: who waits is told, and an entry that no route names is forgotten.
static void fail(struct neigh *n)
{
	struct neigh_held held[NEIGH_HELD_MAX];
	unsigned int count = neigh_unhold(n, held);

	neigh_counts.failed++;
	neigh_state_set(n, NEIGH_FAILED);
	neigh_event("failed", n);
	if (n->refs == 0 && !n->wanted_static)
		neigh_drop(n);
	// n is not touched from here on: an error's own neighbour may take its place.
	for (unsigned int k = 0; k < count; k++)
		icmp_no_neighbour(held[k].m, held[k].in_iface);
}

static void try_again(struct neigh *n, bool unicast)
{
	if (n->tries >= NEIGH_TRIES) {
		fail(n);
		return;
	}
	n->tries++;
	neigh_timer(n, slow_now_ms() + NEIGH_RETRANS_MS);
	ask(n, unicast);
}

static void expire(struct neigh *n)
{
	switch ((enum neigh_state)n->state) {
	case NEIGH_INCOMPLETE:
		try_again(n, false);
		break;
	case NEIGH_PROBE:
		try_again(n, true);
		break;
	case NEIGH_REACHABLE:
		if (n->refreshing) {
			neigh_state_set(n, n->refs > 0 ? NEIGH_PROBE : NEIGH_STALE);
			break;
		}
		// Three quarters are over; the fourth is for the answer.
		n->refreshing = true;
		neigh_timer(n,
			    slow_now_ms() + RTE_MAX((slow_now_ms() - n->confirmed_ms) / 3, (uint64_t)NEIGH_RETRANS_MS));
		ask(n, true);
		break;
	case NEIGH_STALE:
		neigh_state_set(n, n->refs > 0 ? NEIGH_PROBE : NEIGH_DELAY);
		break;
	case NEIGH_DELAY:
		neigh_state_set(n, NEIGH_PROBE);
		break;
	case NEIGH_FAILED:
		neigh_timer(n, slow_now_ms() + NEIGH_RETRY_MS);
		ask(n, false);
		break;
	case NEIGH_STATIC:
		neigh_timer(n, 0);
		break;
	}
}

// Takes the slot's neighbours out first: one's end may be that of another, which leaves whatever list it is in.
static void run_slot(void)
{
	struct neigh_list *slot = &wheel[turned % SLOTS];
	struct neigh *n;

	TAILQ_INIT(&due);
	TAILQ_FOREACH (n, slot, wheel_link)
		n->timed = TIMED_DUE;
	TAILQ_CONCAT(&due, slot, wheel_link);
	while ((n = TAILQ_FIRST(&due))) {
		if (n->due_ms / SLOT_MS <= turned)
			expire(n);
		else
			neigh_timer(n, n->due_ms);
	}
}

void neigh_tick(void)
{
	const uint64_t now = slow_now_ms() / SLOT_MS;

	wheel_begin();
	// After a long sleep one turn sees all.
	if (now > turned + SLOTS)
		turned = now - SLOTS;
	while (turned < now) {
		turned++;
		run_slot();
	}
}

// Messages.

static bool accepts_new(const struct iface *i, const struct ip_addr *a)
{
	for (uint16_t k = 0; k < i->naddrs; k++)
		if (ip_in(a, &i->addr[k]) && !ip_equal(a, &i->addr[k].addr))
			return true;
	return false;
}

static struct neigh *heard_of(struct iface *i, const struct ip_addr *a, const struct rte_ether_addr *mac,
			      unsigned int flags)
{
	struct neigh *n = neigh_find(i, a);

	if (n || !mac || !(flags & NEIGH_HEARD_CREATE) || !accepts_new(i, a))
		return n;
	return neigh_get(i, a, &n) < 0 ? NULL : n;
}

static void got_mac(struct neigh *n, const struct rte_ether_addr *mac, bool solicited)
{
	n->mac = *mac;
	neigh_counts.resolved++;
	neigh_state_set(n, solicited ? NEIGH_REACHABLE : NEIGH_STALE);
	neigh_event("resolved", n);
	neigh_send_held(n);
}

static void moved(struct neigh *n, const struct rte_ether_addr *mac)
{
	n->mac = *mac;
	neigh_counts.moved++;
	neigh_event("moved", n);
}

// RFC 4861, 7.2.5, and 7.2.3 for what comes unasked.
void neigh_heard(struct iface *i, const struct ip_addr *a, const struct rte_ether_addr *mac, unsigned int flags)
{
	struct neigh *n = heard_of(i, a, mac, flags);
	bool solicited = flags & NEIGH_HEARD_SOLICITED, differs;

	if (!n || n->is_static || (mac && !rte_is_valid_assigned_ether_addr(mac)))
		return;
	if (flags & NEIGH_HEARD_SOLICITED)
		n->router = flags & NEIGH_HEARD_ROUTER;
	if (n->state == NEIGH_INCOMPLETE || n->state == NEIGH_FAILED) {
		if (mac)
			got_mac(n, mac, solicited);
		return;
	}
	differs = mac && !rte_is_same_ether_addr(mac, &n->mac);
	if (differs && !(flags & NEIGH_HEARD_OVERRIDE)) {
		if (n->state == NEIGH_REACHABLE)
			neigh_state_set(n, NEIGH_STALE);
		return;
	}
	if (differs)
		moved(n, mac);
	if (solicited)
		neigh_state_set(n, NEIGH_REACHABLE);
	else if (differs)
		neigh_state_set(n, NEIGH_STALE);
}
