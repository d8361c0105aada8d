/* SPDX-License-Identifier: BSD-3-Clause */
#include "slow.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_ip.h>

#include "arp.h"
#include "host_tap.h"
#include "icmp.h"
#include "ip_out.h"
#include "ip_reass.h"
#include "linux_sync.h"
#include "local.h"
#include "nd.h"
#include "neigh.h"
#include "own.h"
#include "redirect.h"
#include "rpc.h"
#include "suppress.h"

#define TICK_MS 50
#define ROUNDS 8 // of SLOW_QUOTA packets per class, before the loop's other work has its turn
#define EVENTS_PER_S 500

static struct slow_stats stats;
static uint64_t now_ms;
static struct event *bell, *timer;
static struct slow_bucket event_bucket;
static uint64_t events_suppressed;
static void (*flow_input)(const struct punt *p);

// Clock, buckets, accounts.

static uint64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t slow_now_ms(void)
{
	return now_ms;
}

void slow_clock_set(uint64_t now)
{
	now_ms = now;
}

bool slow_bucket_take(struct slow_bucket *b, uint32_t rate, uint32_t burst)
{
	const uint64_t refill = (now_ms - b->at_ms) * rate, full = (uint64_t)burst * 1000;

	// A second's tokens are rate * 1000 thousandths.
	b->spent_milli = b->spent_milli > refill ? b->spent_milli - refill : 0;
	b->at_ms = now_ms;
	if (b->spent_milli + 1000 > full)
		return false;
	b->spent_milli += 1000;
	return true;
}

const struct slow_stats *slow_stats(void)
{
	return &stats;
}

void slow_forget_stats(void)
{
	stats = (struct slow_stats){0};
}

void slow_count(enum slow_outcome why)
{
	stats.outcome[why]++;
}

void slow_count_sent(enum slow_sent what)
{
	stats.sent[what]++;
}

void slow_end(struct rte_mbuf *m, enum slow_outcome why)
{
	rte_pktmbuf_free(m);
	stats.outcome[why]++;
}

void slow_lose(struct rte_mbuf *m, uint16_t in_iface, enum slow_outcome why)
{
	if (in_iface) {
		slow_end(m, why);
		return;
	}
	rte_pktmbuf_free(m);
	stats.sent[SLOW_SENT_LOST]++;
}

bool slow_event_wanted(void)
{
	return event_wanted("neigh");
}

void slow_event(const char *what, json_t *data)
{
	if (!slow_bucket_take(&event_bucket, EVENTS_PER_S, EVENTS_PER_S)) {
		events_suppressed++;
		json_decref(data);
		return;
	}
	if (events_suppressed) {
		event_send("neigh", "suppressed", json_pack("{s:I}", "count", (json_int_t)events_suppressed));
		events_suppressed = 0;
	}
	event_send("neigh", what, data);
}

// Buffers.

bool slow_pull(struct rte_mbuf **m, uint32_t len)
{
	struct rte_mbuf *copy;

	if ((*m)->pkt_len < len)
		return false;
	if ((*m)->data_len >= len && rte_mbuf_refcnt_read(*m) == 1 && RTE_MBUF_DIRECT(*m))
		return true;
	if (len > PORT_MBUF_DATA)
		return false;
	// The pool's buffers hold it in a row, if it fits in one.
	copy = rte_pktmbuf_copy(*m, port_pool(), 0, UINT32_MAX);
	if (!copy)
		return false;
	if (copy->data_len < len) {
		rte_pktmbuf_free(copy);
		return false;
	}
	copy->ol_flags = (*m)->ol_flags;
	copy->tx_offload = (*m)->tx_offload;
	rte_pktmbuf_free(*m);
	*m = copy;
	return true;
}

bool slow_strip(const struct punt *p, struct rte_mbuf **m)
{
	uint8_t version;

	*m = p->m;
	if (slow_pull(m, p->l3 + 1u)) {
		rte_pktmbuf_adj(*m, p->l3);
		version = *rte_pktmbuf_mtod(*m, const uint8_t *) >> 4;
		if ((version == 4 && slow_pull(m, sizeof(struct rte_ipv4_hdr))) ||
		    (version == 6 && slow_pull(m, sizeof(struct rte_ipv6_hdr))))
			return true;
	}
	slow_end(*m, SLOW_MALFORMED);
	return false;
}

// Dispatch.

// A packet that workers did not know where to send: the next hop may know by now.
static void resolve(const struct punt *p, struct iface *i)
{
	struct rte_mbuf *m;

	if (slow_strip(p, &m))
		ip_out_nexthop(p->nexthop, m, i->id);
}

void slow_flow_set(void (*input)(const struct punt *p))
{
	flow_input = input;
}

static void dispatch(const struct punt *p)
{
	struct iface *i = p->iface ? iface_by_id(p->iface) : NULL;

	if (p->class >= PUNT_FLOW_MISS) {
		if (flow_input)
			flow_input(p);
		else
			slow_end(p->m, SLOW_IGNORED);
		return;
	}
	if (p->iface && (!i || i->deleted || !i->up)) {
		slow_end(p->m, SLOW_NO_IFACE);
		return;
	}
	if (!i) {
		suppress_input(p);
		return;
	}
	switch ((enum punt_class)p->class) {
	case PUNT_ARP:
		arp_input(p, i);
		break;
	case PUNT_ND:
		nd_input(p, i);
		break;
	case PUNT_RESOLVE:
		resolve(p, i);
		break;
	case PUNT_ECHO:
		icmp_echo(p, i);
		break;
	case PUNT_TTL:
		icmp_error(p, i, ICMP_ERROR_TTL);
		break;
	case PUNT_MTU:
		icmp_error(p, i, ICMP_ERROR_TOO_BIG);
		break;
	case PUNT_UNREACHABLE:
		icmp_error(p, i, p->nexthop ? ICMP_ERROR_ADMIN : ICMP_ERROR_NET);
		break;
	case PUNT_REDIRECT:
		redirect_input(p, i);
		break;
	default:
		local_input(p, i);
		break;
	}
}

unsigned int slow_poll(void)
{
	struct punt punt[SLOW_QUOTA];
	unsigned int total = 0;

	for (unsigned int c = 0; c < PUNT_CLASS_COUNT; c++) {
		unsigned int n = workers_punts((enum punt_class)c, punt, SLOW_QUOTA);

		stats.taken[c] += n;
		for (unsigned int k = 0; k < n; k++)
			dispatch(&punt[k]);
		total += n;
	}
	return total;
}

static void on_bell(evutil_socket_t fd, short what, void *arg)
{
	uint64_t rings;

	(void)!read(workers_punts_fd(), &rings, sizeof(rings));
	now_ms = clock_ms();
	for (unsigned int round = 0; round < ROUNDS; round++)
		if (slow_poll() == 0 && workers_punts_arm())
			return;
	// More waits: it is the others' turn first.
	event_active(bell, EV_READ, 0);
}

void slow_tick(uint64_t now)
{
	now_ms = now;
	neigh_tick();
	own_tick();
	ip_reass_tick();
	suppress_tick();
	host_tap_tick();
	linux_sync_tick();
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	slow_tick(clock_ms());
	on_bell(-1, 0, NULL);
}

// In this order: what is above a neighbour lets go of it before it goes.
static void iface_changed(struct iface *i)
{
	neigh_iface_changed(i);
	own_iface_changed(i);
	ip_reass_iface_changed(i);
	host_tap_iface_changed(i);
}

static void iface_gone(struct iface *i)
{
	host_tap_iface_gone(i);
	ip_reass_iface_gone(i);
	own_iface_gone(i);
	neigh_iface_gone(i);
}

static struct iface_listener listener = {.changed = iface_changed, .gone = iface_gone};

__attribute__((constructor)) static void listen_to_ifaces(void)
{
	iface_listen(&listener);
}

int slow_create(struct event_base *base)
{
	const struct timeval tick = {.tv_usec = TICK_MS * 1000};

	now_ms = clock_ms();
	host_tap_create(base);
	linux_sync_create(base);
	bell = event_new(base, workers_punts_fd(), EV_READ | EV_PERSIST, on_bell, NULL);
	timer = event_new(base, -1, EV_PERSIST, on_timer, NULL);
	if (!bell || !timer || event_add(bell, NULL) < 0 || event_add(timer, &tick) < 0) {
		slow_destroy();
		return -ENOMEM;
	}
	return 0;
}

void slow_destroy(void)
{
	if (bell)
		event_free(bell);
	if (timer)
		event_free(timer);
	bell = timer = NULL;
	linux_sync_destroy();
	redirect_destroy();
	suppress_destroy();
	neigh_destroy();
	slow_forget_stats();
}

static void count_set(json_t *o, const char *name, uint64_t n)
{
	json_object_set_new(o, name, json_integer((json_int_t)n));
}

json_t *slow_stats_json(void)
{
	static const char *const outcomes[] = {
#define X(id, name, help) name,
		SLOW_OUTCOMES(X)
#undef X
	};
	static const char *const sents[] = {
#define X(id, name, help) name,
		SLOW_SENT(X)
#undef X
	};
	json_t *taken = json_object(), *outcome = json_object(), *sent = json_object(), *neigh = json_object();
	const uint64_t held = neigh_counts.held + ip_reass_held();
	uint64_t in = 0, out = 0;

	for (unsigned int c = 0; c < PUNT_CLASS_COUNT; c++) {
		count_set(taken, punt_class_name((enum punt_class)c), stats.taken[c]);
		in += stats.taken[c];
	}
	for (unsigned int k = 0; k < SLOW_OUTCOME_COUNT; k++) {
		if (stats.outcome[k])
			count_set(outcome, outcomes[k], stats.outcome[k]);
		out += stats.outcome[k];
	}
	for (unsigned int k = 0; k < SLOW_SENT_COUNT; k++)
		if (stats.sent[k])
			count_set(sent, sents[k], stats.sent[k]);
	count_set(neigh, "entries", neigh_counts.entries);
	count_set(neigh, "resolved", neigh_counts.resolved);
	count_set(neigh, "moved", neigh_counts.moved);
	count_set(neigh, "failed", neigh_counts.failed);
	count_set(neigh, "evicted", neigh_counts.evicted);
	count_set(neigh, "refused", neigh_counts.refused);
	return json_pack("{s:b,s:I,s:o,s:o,s:o,s:I,s:o}", "ok", in == out + held, "held", (json_int_t)held, "taken",
			 taken, "outcome", outcome, "sent", sent, "inject_lost", (json_int_t)workers_inject_lost(),
			 "neigh", neigh);
}
