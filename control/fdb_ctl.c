/* SPDX-License-Identifier: BSD-3-Clause */
#include "fdb_ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tables/fdb.h"
#include "fdb_event.h"
#include "fdb_static.h"

#define EVENTS_PER_CALL 256
#define EVENTS_PER_POLL 4096
#define EVENTS_PER_DRAIN (1 << 20) // more than all rings hold, so also an end where workers never cease to add
#define SCAN_PASS_TICKS 20         // the whole table is looked at every 5 s

// A flush of one port's entries in one domain; either may be 0: any.
struct flush_match {
	uint16_t domain, port_id;
};

static struct fdb *fdb;
static struct fdb_ctl_stats stats;
static uint16_t now_s = 1;
static uint64_t scan_cursor;
static struct {
	uint64_t domain[DOMAIN_MAX / 64], port[PORT_MAX / 64];
	struct flush_match *match;
	uint32_t nmatch;
	bool all, any;
} flush; // what is marked

struct fdb *fdb_ctl_table(void)
{
	return fdb;
}

void fdb_ctl_stats(struct fdb_ctl_stats *out)
{
	*out = stats;
}

uint16_t fdb_ctl_now(void)
{
	return now_s;
}

void fdb_mac_text(const struct rte_ether_addr *mac, char text[RTE_ETHER_ADDR_FMT_SIZE])
{
	const uint8_t *b = mac->addr_bytes;

	snprintf(text, RTE_ETHER_ADDR_FMT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
}

int fdb_mac_check(const char *mac, struct fault *f)
{
	struct rte_ether_addr addr;

	rte_ether_unformat_addr(mac, &addr);
	if (rte_is_valid_assigned_ether_addr(&addr))
		return 0;
	return fault_str(f, -EINVAL, "mac", mac, "a unicast address that is not zero",
			 "%s is the address of no station", mac);
}

// The entry's domain and port count one more or less (`n` 1 or -1).
static void count(struct domain *d, struct port_obj *p, int n)
{
	if (d) {
		d->macs += n;
		d->bridge->macs += n;
	}
	if (p)
		p->macs += n;
}

static void learn(const struct worker_event *ev)
{
	struct domain *d = domain_by_id(fdb_key_domain(ev->key));
	struct port_obj *p = port_obj_by_id(ev->port_id);
	struct fdb_entry known;
	uint16_t old_port;
	int rc;

	if (!d || !d->named || !d->bridge || !p || p->deleted || !d->bridge->learning || !p->bp ||
	    !vlan_is_member(p->bp, d)) {
		stats.stale++;
		return;
	}
	if (d->bridge->mac_limit && d->bridge->macs >= d->bridge->mac_limit &&
	    fdb_get(fdb, ev->key, now_s, &known) < 0) {
		stats.refused_limit++;
		return;
	}
	rc = fdb_learn(fdb, ev->key, p->id, now_s, &old_port);
	if (rc == FDB_NEW) {
		count(d, p, 1);
		stats.learned++;
		fdb_event_send("learned", d, ev->key, p);
	} else if (rc == FDB_MOVED) {
		count(d, port_obj_by_id(old_port), -1);
		count(d, p, 1);
		stats.moved++;
		fdb_event_send("moved", d, ev->key, p);
	} else if (rc == -ENOSPC) {
		stats.refused_full++;
	}
}

static unsigned int handle_events(unsigned int most)
{
	struct worker_event ev[EVENTS_PER_CALL];
	unsigned int total = 0, n;

	do {
		n = workers_events(ev, EVENTS_PER_CALL);
		for (unsigned int i = 0; i < n; i++)
			if (ev[i].type == WORKER_EVENT_LEARN)
				learn(&ev[i]);
		total += n;
	} while (n == EVENTS_PER_CALL && total < most);
	return total;
}

unsigned int fdb_ctl_poll(void)
{
	return handle_events(EVENTS_PER_POLL);
}

void fdb_ctl_drain(void)
{
	handle_events(EVENTS_PER_DRAIN);
}

// An entry left the table.
static void forgotten(const struct fdb_entry *e)
{
	count(domain_by_id(fdb_key_domain(e->key)), port_obj_by_id(e->port_id), -1);
}

static bool visit_age(void *arg, const struct fdb_entry *e)
{
	struct domain *d = domain_by_id(fdb_key_domain(e->key));

	// One more than asked for: a busy station was last seen in the second that has just ended.
	if (e->is_static || !d || !d->bridge || !d->bridge->aging_s || e->age_s <= d->bridge->aging_s)
		return false;
	fdb_event_send("aged", d, e->key, port_obj_by_id(e->port_id));
	forgotten(e);
	stats.aged++;
	return true;
}

void fdb_ctl_tick(uint64_t now)
{
	now_s = now % UINT16_MAX + 1;
	datapath_clock_set(now_s);
	fdb_event_tick(now);
	if (fdb_count(fdb))
		fdb_walk(fdb, &scan_cursor, fdb_capacity(fdb) / SCAN_PASS_TICKS + 1, now_s, visit_age, NULL);
}

void fdb_ctl_flush_domain(uint16_t domain)
{
	struct domain *d = domain_by_id(domain);

	if (!d || !d->macs)
		return;
	flush.domain[domain / 64] |= 1ULL << (domain % 64);
	flush.any = true;
}

void fdb_ctl_flush_port(uint16_t port_id)
{
	struct port_obj *p = port_obj_by_id(port_id);

	if (!p || !p->macs)
		return;
	flush.port[port_id / 64] |= 1ULL << (port_id % 64);
	flush.any = true;
}

void fdb_ctl_flush_all(void)
{
	flush.all = true;
	flush.any = true;
}

void fdb_ctl_flush_match(uint16_t domain, uint16_t port_id)
{
	struct flush_match *grown = realloc(flush.match, (flush.nmatch + 1) * sizeof(*grown));

	if (!grown) {
		// More than asked for is harmless: it is learned again.
		fdb_ctl_flush_all();
		return;
	}
	flush.any = true;
	flush.match = grown;
	flush.match[flush.nmatch++] = (struct flush_match){domain, port_id};
}

static void flush_reset(void)
{
	free(flush.match);
	memset(&flush, 0, sizeof(flush));
}

static bool visit_flush(void *arg, const struct fdb_entry *e)
{
	uint16_t domain = fdb_key_domain(e->key);
	bool hit;

	if (e->is_static) // also the router's, whose port is none of ours
		return false;
	hit = flush.all || (flush.domain[domain / 64] >> (domain % 64) & 1) ||
	      (flush.port[e->port_id / 64] >> (e->port_id % 64) & 1);
	for (uint32_t i = 0; i < flush.nmatch && !hit; i++) {
		const struct flush_match *m = &flush.match[i];

		hit = (!m->domain || m->domain == domain) && (!m->port_id || m->port_id == e->port_id);
	}
	if (hit) {
		forgotten(e);
		stats.flushed++;
	}
	return hit;
}

void fdb_ctl_flush_run(void)
{
	uint64_t cursor = 0;
	uint32_t n;

	if (!flush.any)
		return;
	n = fdb_walk(fdb, &cursor, 0, now_s, visit_flush, NULL);
	fdb_event_flushed(n);
	flush_reset();
}

bool fdb_ctl_forget(uint64_t key)
{
	struct fdb_entry e;

	if (fdb_get(fdb, key, now_s, &e) < 0 || e.is_static)
		return false;
	fdb_del(fdb, key, NULL);
	forgotten(&e);
	return true;
}

static bool visit_oldest(void *arg, const struct fdb_entry *e)
{
	uint32_t *oldest = arg;

	if (!e->is_static && (*oldest == UINT32_MAX || e->age_s > *oldest))
		*oldest = e->age_s;
	return false;
}

static bool visit_evict(void *arg, const struct fdb_entry *e)
{
	const uint32_t *at_least = arg;

	if (e->is_static || e->age_s < *at_least)
		return false;
	forgotten(e);
	stats.evicted++;
	return true;
}

bool fdb_ctl_evict(void)
{
	uint32_t oldest = UINT32_MAX;
	uint64_t cursor = 0;

	fdb_walk(fdb, &cursor, 0, now_s, visit_oldest, &oldest);
	if (oldest == UINT32_MAX)
		return false;
	oldest -= oldest / 8;
	cursor = 0;
	return fdb_walk(fdb, &cursor, 0, now_s, visit_evict, &oldest) > 0;
}

void fdb_ctl_create(struct fdb *f)
{
	fdb = f;
	fdb_static_create(f);
	scan_cursor = 0;
}

void fdb_ctl_destroy(void)
{
	flush_reset();
	fdb_static_destroy();
	fdb = NULL;
}
