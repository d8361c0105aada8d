/* SPDX-License-Identifier: BSD-3-Clause */
// What follows for an interface from its port or bridge.
#include <string.h>

#include "iface.h"
#include "objects.h"
#include "publish.h"
#include "publish_l3.h"

#define MTU_DEFAULT 1500
#define MTU_LOOPBACK 65535

// Why a port cannot be used, NULL if it can.
static const char *port_why(const struct port_obj *p)
{
	if (p->state != PORT_OBJ_LIVE)
		return "port failed";
	if (!p->admin_up)
		return "port down";
	return __atomic_load_n(&p->dev->link_up, __ATOMIC_ACQUIRE) ? NULL : "link";
}

static const char *bridge_why(const struct bridge *b, const struct domain *d)
{
	for (uint32_t n = 0; n < b->ports.n; n++) {
		const struct bridge_port *bp = bridge_port_at(b, n);

		if (!port_why(bp->port) && vlan_is_member(bp, d))
			return NULL;
	}
	return "no port of the bridge is up";
}

static const char *down_why(const struct iface *i)
{
	if (!i->admin_up)
		return "admin";
	if (i->port)
		return port_why(i->port);
	return i->bridge ? bridge_why(i->bridge, i->domain) : NULL;
}

static uint16_t effective_mtu(const struct iface *i)
{
	const json_t *mtu = json_object_get(i->conf, "mtu");
	json_int_t want = json_integer_value(mtu);

	if (i->port)
		return mtu && want < i->port->mtu ? (uint16_t)want : i->port->mtu;
	if (mtu)
		return (uint16_t)want;
	return i->bridge ? MTU_DEFAULT : MTU_LOOPBACK;
}

void iface_leave(struct iface *i)
{
	if (!i->domain || i->domain->iface != i)
		return;
	i->domain->iface = NULL;
	publish_mark_domain(i->domain);
}

bool iface_refresh(struct iface *i)
{
	struct domain *d = i->bridge ? vlan_domain(i->bridge, i->vid) : i->domain;
	uint16_t mtu = effective_mtu(i);
	bool changed = d != i->domain || mtu != i->mtu;
	const char *why;

	// The interface of untagged frames on a bridge follows them when VLAN 0 gets or loses a domain of its own.
	if (d != i->domain)
		iface_leave(i);
	i->domain = d;
	if (d && d->iface != i) {
		d->iface = i;
		publish_mark_domain(d);
		changed = true;
	}
	why = down_why(i);
	if ((why == NULL) != i->up || why != i->down_why)
		changed = true;
	i->up = why == NULL;
	i->down_why = why;
	i->mtu = mtu;
	return changed;
}

void iface_mark_of_port(struct port_obj *p)
{
	struct iface *i = p->bp ? LIST_FIRST(&p->bp->bridge->ifaces) : LIST_FIRST(&p->ifaces);

	for (; i; i = LIST_NEXT(i, on_link)) {
		publish_mark_iface(i);
		if (!p->bp)
			publish_mark_domain(i->domain);
	}
}

void iface_port_link(struct port_obj *p)
{
	iface_mark_of_port(p);
	publish();
}

struct iface *iface_with_mac(const struct bridge *b, uint16_t vlan, const struct rte_ether_addr *mac)
{
	struct iface *i;

	LIST_FOREACH (i, &b->ifaces, on_link) {
		if (i->vid == vlan && rte_is_same_ether_addr(&i->mac, mac))
			return i;
	}
	return NULL;
}
