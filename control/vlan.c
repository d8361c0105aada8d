/* SPDX-License-Identifier: BSD-3-Clause */
// VLANs of a bridge: broadcast domains and who is in them.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../datapath/rcu.h"
#include "bridge.h"
#include "fdb_ctl.h"
#include "publish.h"

static struct domain *domains[DOMAIN_MAX];
static uint32_t lowest_free = 1, max_id;

struct domain *domain_create(struct bridge *b, uint16_t vid)
{
	struct domain *d;
	uint32_t id;

	for (id = lowest_free; id < DOMAIN_MAX && domains[id]; id++)
		;
	if (id == DOMAIN_MAX)
		return NULL;
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->id = id;
	d->vid = vid;
	d->bridge = b;
	domains[id] = d;
	lowest_free = id + 1;
	if (id > max_id)
		max_id = id;
	return d;
}

void domain_release(struct domain *d)
{
	publish_forget_domain(d);
	domains[d->id] = NULL;
	if (d->id < lowest_free)
		lowest_free = d->id;
	free(d);
}

static void domain_release_after_grace(void *arg)
{
	// Events that name the domain may still wait in the rings; they must not find its successor.
	fdb_ctl_drain();
	domain_release(arg);
}

struct domain *domain_by_id(uint16_t id)
{
	return domains[id];
}

uint16_t domain_max_id(void)
{
	return max_id;
}

bool vlan_names(const struct bridge_port *bp, uint16_t vid)
{
	switch (bp->mode) {
	case VLAN_ACCESS:
		return vid == bp->tag;
	case VLAN_TRUNK:
		return vlan_listed(bp, vid);
	default:
		return vid == bp->tag || (bp->all ? vid == 0 : vlan_listed(bp, vid));
	}
}

// Every port of the bridge that has a table needs it anew.
static void map_changed(struct bridge *b)
{
	b->map_generation++;
	for (uint32_t i = 0; i < b->ports.n; i++)
		if (bridge_port_at(b, i)->mode != VLAN_ACCESS)
			publish_mark_port(b->ports.at[i]);
}

static int name_one(struct bridge *b, uint16_t vid)
{
	struct domain *d = b->vlan[vid];

	if (!d) {
		d = domain_create(b, vid);
		if (!d)
			return -ENOSPC;
		b->vlan[vid] = d;
	}
	if (d->named++ == 0)
		map_changed(b);
	publish_mark_domain(d);
	return 0;
}

static void unname_one(struct bridge *b, uint16_t vid)
{
	struct domain *d = b->vlan[vid];

	if (--d->named == 0)
		map_changed(b);
	publish_mark_domain(d);
}

// The port's coming or going changes who is in the domains that it does not name.
static void mark_member_domains(const struct bridge_port *bp)
{
	const struct bridge *b = bp->bridge;

	if (!bp->all)
		return;
	publish_mark_domain(b->rest);
	for (unsigned int v = 0; v < VLAN_COUNT; v++)
		if (b->vlan[v])
			publish_mark_domain(b->vlan[v]);
}

static int vlans_alloc(struct bridge *b)
{
	if (!b->vlan)
		b->vlan = calloc(VLAN_COUNT, sizeof(*b->vlan));
	return b->vlan ? 0 : -ENOMEM;
}

// The interface's domain is one of those that ports of all VLANs are in, whether it was in use before or not.
static void mark_tables(struct bridge *b, uint16_t vid)
{
	publish_mark_domain(b->rest);
	publish_mark_domain(b->vlan[vid]);
}

int vlan_name(struct bridge *b, uint16_t vid)
{
	int rc = vlans_alloc(b);

	if (rc == 0)
		rc = name_one(b, vid);
	if (rc == 0)
		mark_tables(b, vid);
	return rc;
}

void vlan_unname(struct bridge *b, uint16_t vid)
{
	unname_one(b, vid);
	mark_tables(b, vid);
}

int vlan_attach(struct bridge_port *bp)
{
	struct bridge *b = bp->bridge;
	int rc = vlans_alloc(b);

	if (rc < 0)
		return rc;
	for (unsigned int v = 0; v < VLAN_COUNT; v++) {
		if (!vlan_names(bp, v))
			continue;
		rc = name_one(b, v);
		if (rc < 0) {
			while (v-- > 0)
				if (vlan_names(bp, v))
					unname_one(b, v);
			vlan_reap(b, false);
			return rc;
		}
	}
	mark_member_domains(bp);
	publish_mark_port(bp->port);
	return 0;
}

void vlan_detach(struct bridge_port *bp)
{
	mark_member_domains(bp);
	for (unsigned int v = 0; v < VLAN_COUNT; v++)
		if (vlan_names(bp, v))
			unname_one(bp->bridge, v);
	publish_mark_port(bp->port);
}

void vlan_reap(struct bridge *b, bool published)
{
	for (unsigned int v = 0; b->vlan && v < VLAN_COUNT; v++) {
		struct domain *d = b->vlan[v];

		if (!d || d->named)
			continue;
		if (published) {
			b->vlan[v] = NULL;
			publish_forget_domain(d);
			rcu_defer(d, domain_release_after_grace);
		} else if (!d->fwd) {
			b->vlan[v] = NULL;
			domain_release(d);
		}
	}
}

struct domain *vlan_domain(const struct bridge *b, uint16_t vid)
{
	struct domain *d = b->vlan ? b->vlan[vid] : NULL;

	if (d && d->named)
		return d;
	return vid == 0 ? b->rest : NULL;
}

bool vlan_is_member(const struct bridge_port *bp, const struct domain *d)
{
	if (bp->bridge != d->bridge)
		return false;
	if (d->vid == VLAN_NONE)
		return bp->all;
	switch (bp->mode) {
	case VLAN_ACCESS:
		return d->vid == bp->tag;
	case VLAN_TRUNK:
		return bp->all || vlan_listed(bp, d->vid);
	default:
		return d->vid == bp->tag || (d->vid != 0 && (bp->all || vlan_listed(bp, d->vid)));
	}
}

uint16_t vlan_untagged_domain(const struct bridge_port *bp)
{
	if (bp->mode != VLAN_TRUNK)
		return vlan_domain(bp->bridge, bp->tag)->id;
	return bp->all || vlan_listed(bp, 0) ? vlan_domain(bp->bridge, 0)->id : 0;
}

void vlan_map(const struct bridge_port *bp, uint16_t *domain)
{
	const struct bridge *b = bp->bridge;

	// VID 0 is a priority tag: the frame counts as untagged (IEEE 802.1Q, 9.6).
	domain[0] = vlan_untagged_domain(bp);
	for (unsigned int v = 1; v < VLAN_COUNT - 1; v++) {
		const struct domain *d = b->vlan[v];

		if (d && d->named)
			domain[v] = vlan_is_member(bp, d) ? d->id : 0;
		else
			domain[v] = bp->all ? b->rest->id : 0;
	}
	// VID 4095 is reserved and not to be carried (IEEE 802.1Q, table 9-2).
	domain[VLAN_COUNT - 1] = 0;
}
