/* SPDX-License-Identifier: BSD-3-Clause */
#include "publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../datapath/rcu.h"
#include "fdb_ctl.h"
#include "fdb_static.h"
#include "flow_publish.h"
#include "fwd.h"
#include "garbage.h"
#include "objects.h"
#include "openflow/ofp.h"
#include "pktgen.h"
#include "publish_l3.h"
#include "publish_poll.h"
#include "vid_table.h"

#define FRAME_HEADER RTE_ETHER_HDR_LEN

static TAILQ_HEAD(, port_obj) dirty_ports = TAILQ_HEAD_INITIALIZER(dirty_ports);
static TAILQ_HEAD(, domain) dirty_domains = TAILQ_HEAD_INITIALIZER(dirty_domains);
static bool dirty_polls;
static const struct fwd_state *current;

void publish_mark_port(struct port_obj *p)
{
	if (!p->dirty)
		TAILQ_INSERT_TAIL(&dirty_ports, p, dirty_link);
	p->dirty = true;
}

void publish_forget_port(struct port_obj *p)
{
	if (p->dirty)
		TAILQ_REMOVE(&dirty_ports, p, dirty_link);
	p->dirty = false;
}

void publish_mark_domain(struct domain *d)
{
	if (!d->dirty)
		TAILQ_INSERT_TAIL(&dirty_domains, d, dirty_link);
	d->dirty = true;
}

void publish_forget_domain(struct domain *d)
{
	if (d->dirty)
		TAILQ_REMOVE(&dirty_domains, d, dirty_link);
	d->dirty = false;
}

void publish_mark_polls(void)
{
	dirty_polls = true;
}

void publish_forget_table(struct bridge_port *bp)
{
	vid_table_drop(bp, garbage_free_later);
}

const struct fwd_state *publish_current(void)
{
	return current;
}

// A copy of the current state with room for all ids in use.
static struct fwd_state *state_copy(void)
{
	size_t nports = port_obj_max_id() + 1u, ndomains = domain_max_id() + 1u;
	size_t size = sizeof(struct fwd_state) + (nports + ndomains) * sizeof(void *);
	struct fwd_state *s = garbage_alloc(size);

	memset(s, 0, size);
	s->port = (const struct fwd_port **)(s + 1);
	s->domain = (const struct fwd_domain **)(s->port + nports);
	s->nworkers = workers_count();
	s->burst = fwd_burst();
	s->txonly_bytes = fwd_txonly_bytes();
	if (current) {
		memcpy(s->port, current->port, current->nports * sizeof(*s->port));
		memcpy(s->domain, current->domain, current->ndomains * sizeof(*s->domain));
		memcpy(s->poll, current->poll, sizeof(s->poll));
		s->generation = current->generation;
	}
	s->generation++;
	s->nports = nports;
	s->ndomains = ndomains < DOMAIN_MAX ? ndomains : DOMAIN_MAX - 1;
	return s;
}

// The link of an interface on a port.
static struct fwd_domain *link_build(const struct domain *d)
{
	const struct port_obj *p = d->iface->port;
	struct fwd_domain *fd = garbage_alloc(sizeof(*fd) + sizeof(fd->member[0]));

	*fd = (struct fwd_domain){.iface = d->iface->id, .vid = d->vid};
	if (port_obj_forwards(p))
		fd->member[fd->nmembers++].port_id = p->id;
	return fd;
}

static struct fwd_domain *domain_build(const struct domain *d)
{
	const struct bridge *b = d->bridge;
	struct fwd_domain *fd = garbage_alloc(sizeof(*fd) + b->ports.n * sizeof(fd->member[0]));

	*fd = (struct fwd_domain){.iface = d->iface ? d->iface->id : 0,
				  .bridge = b->rest->id,
				  .vid = d->vid,
				  .learning = b->learning,
				  .suppress = b->arp_suppress};
	for (uint32_t i = 0; i < b->ports.n; i++) {
		const struct bridge_port *bp = bridge_port_at(b, i);

		if (port_obj_forwards(bp->port) && vlan_is_member(bp, d))
			fd->member[fd->nmembers++].port_id = bp->port->id;
	}
	return fd;
}

static void domain_update(struct domain *d, struct fwd_state *s)
{
	const struct fwd_domain *old = d->fwd;

	d->fwd = !d->named ? NULL : d->bridge ? domain_build(d) : link_build(d);
	s->domain[d->id] = d->fwd;
	garbage_free_later((void *)old);
	if ((old && d->fwd) || !d->bridge)
		return;
	// A VLAN that had shared the rest domain gets its own, or joins it: what was learned of it there is no longer
	// so.
	if (!d->fwd)
		fdb_ctl_flush_domain(d->id);
	else if (d->vid != VLAN_NONE)
		fdb_ctl_flush_domain(d->bridge->rest->id);
	if (d->vid == 0)
		fdb_static_vlan0_changed(d->bridge);
}

// The domains of the interfaces on a port's VLANs.
static void l3_describe(struct port_obj *p, struct fwd_port *fp)
{
	struct iface *i;

	garbage_free_later(p->l3_domain);
	p->l3_domain = NULL;
	LIST_FOREACH (i, &p->ifaces, on_link) {
		if (i->vid == 0) {
			fp->untagged_domain = i->domain->id;
			continue;
		}
		if (!p->l3_domain) {
			p->l3_domain = garbage_alloc(VLAN_COUNT * sizeof(*p->l3_domain));
			memset(p->l3_domain, 0, VLAN_COUNT * sizeof(*p->l3_domain));
		}
		p->l3_domain[i->vid] = i->domain->id;
	}
	if (p->l3_domain)
		p->l3_domain[0] = fp->untagged_domain;
	fp->vid_domain = p->l3_domain;
}

static void port_describe(struct port_obj *p, struct fwd_port *fp)
{
	struct bridge_port *bp = p->bp;

	memset(fp, 0, sizeof(*fp));
	fp->port = p->dev;
	fp->max_frame = p->mtu + FRAME_HEADER;
	fp->up = p->admin_up;
	fp->mode = p->pktgen ? FWD_MODE_PKTGEN : p->fwd_mode;
	fp->pktgen = p->pktgen;
	fp->peer = p->fwd_peer;
	fp->mac = p->dev->mac;
	l3_describe(p, fp);
	if (!bp)
		return;
	if (bp->of_no) {
		fp->flow = bp->bridge->flow->number;
		fp->flow_port = bp->of_no;
		fp->flow_no_recv = bp->of_config & OFPPC_NO_RECV;
		fp->flow_no_fwd = bp->of_config & OFPPC_NO_FWD;
		fp->flow_no_packet_in = bp->of_config & OFPPC_NO_PACKET_IN;
	}
	fp->bridge = bp->bridge->rest->id;
	fp->untagged_domain = vlan_untagged_domain(bp);
	fp->untagged_vid = bp->mode == VLAN_TRUNK ? 0 : bp->tag;
	fp->access = bp->mode == VLAN_ACCESS;
	if (bp->mode != VLAN_ACCESS)
		fp->vid_domain = vid_table_get(bp, garbage_free_later);
}

static void port_update(struct port_obj *p, struct fwd_state *s)
{
	const struct fwd_port *old = p->fwd;
	bool there = p->state == PORT_OBJ_LIVE && !p->deleted;
	uint64_t serial = p->bp ? p->bp->serial : 0;
	struct fwd_port fp = {0};

	if (!there)
		pktgen_port_gone(p);
	else
		port_describe(p, &fp);
	if (old && (!there || serial != p->fwd_serial || (old->up && !fp.up)))
		fdb_ctl_flush_port(p->id);
	p->fwd_serial = serial;
	if (there && old && memcmp(old, &fp, sizeof(fp)) == 0)
		return;
	if (!there != !old || (there && (old->up != fp.up || old->mode != fp.mode)))
		dirty_polls = true;
	if (there) {
		struct fwd_port *new = garbage_alloc(sizeof(*new));

		memcpy(new, &fp, sizeof(fp)); // padding too: compared by memcmp()
		p->fwd = new;
	} else {
		p->fwd = NULL;
	}
	s->port[p->id] = p->fwd;
	garbage_free_later((void *)old);
}

// Marked ports whose coming or going changes the members of domains that they do not name are covered by vlan.c; here
// it is the port's own state that changed.
static void mark_domains_of(const struct port_obj *p)
{
	const struct bridge *b = p->bp ? p->bp->bridge : NULL;
	bool was = p->fwd && p->fwd->up, is = port_obj_forwards(p) && !p->deleted;

	if (!b || was == is)
		return;
	publish_mark_domain(b->rest);
	for (unsigned int v = 0; b->vlan && v < VLAN_COUNT; v++)
		if (b->vlan[v] && vlan_is_member(p->bp, b->vlan[v]))
			publish_mark_domain(b->vlan[v]);
}

static void apply_dirty(struct fwd_state *s)
{
	struct port_obj *p;
	struct domain *d;

	TAILQ_FOREACH (p, &dirty_ports, dirty_link) {
		mark_domains_of(p);
		iface_mark_of_port(p);
	}
	TAILQ_FOREACH (d, &dirty_domains, dirty_link)
		publish_l3_mark_domain(d);
	publish_l3_refresh();
	while ((d = TAILQ_FIRST(&dirty_domains))) {
		publish_forget_domain(d);
		domain_update(d, s);
	}
	while ((p = TAILQ_FIRST(&dirty_ports))) {
		publish_forget_port(p);
		port_update(p, s);
	}
}

void publish(void)
{
	const struct fwd_state *old = current;
	struct fwd_state *s;

	fwd_apply();
	if (TAILQ_EMPTY(&dirty_ports) && TAILQ_EMPTY(&dirty_domains) && !dirty_polls && !publish_l3_dirty() &&
	    !flow_publish_dirty() && current) {
		fdb_static_sync();
		return;
	}
	s = state_copy();
	apply_dirty(s);
	publish_l3_build(s, old);
	fdb_ctl_flush_run();
	fdb_static_sync();
	publish_l3_fdb();
	if (dirty_polls) {
		dirty_polls = false;
		publish_poll_update(s, old);
	}
	current = s;
	fwd_state_publish(s);
	flow_publish_switches();
	garbage_free_later((void *)old);
	publish_l3_tell();
	garbage_collect();
}

void publish_destroy(void)
{
	fwd_state_publish(NULL);
	if (current) {
		for (unsigned int i = 0; i < current->nports; i++)
			garbage_free_later((void *)current->port[i]);
		for (unsigned int i = 0; i < current->ndomains; i++)
			garbage_free_later((void *)current->domain[i]);
		for (unsigned int i = 0; i < current->nworkers; i++)
			garbage_free_later((void *)current->poll[i]);
		publish_l3_destroy(current);
	}
	garbage_free_later((void *)current);
	current = NULL;
	garbage_collect();
}
