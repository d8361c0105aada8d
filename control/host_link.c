/* SPDX-License-Identifier: BSD-3-Clause */
#include "host_link.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

static bool among(const struct ip_prefix *p, const struct ip_prefix *set, uint16_t n)
{
	for (uint16_t k = 0; k < n; k++)
		if (ip_equal(&p->addr, &set[k].addr) && p->depth == set[k].depth)
			return true;
	return false;
}

// An address that Linux refuses (IPv6 may be off there) does not keep the others away.
static void address(struct host_tap *t, const struct ip_prefix *p, bool add)
{
	char text[IP_TEXT_LEN];
	int rc = nl_address(t->nl, t->ifindex, p, add);

	if (rc < 0)
		LOG(WARNING, "host TAP %s: Linux refuses to %s %s: %s", t->ifname, add ? "add" : "remove",
		    ip_prefix_text(p, text), strerror(-rc));
}

static void addresses_set(struct host_tap *t)
{
	const struct iface *i = t->iface;
	struct ip_prefix *have = calloc(RTE_MAX(i->naddrs, 1), sizeof(*have));

	if (!have)
		return;
	for (uint16_t k = 0; k < t->naddrs; k++)
		if (!among(&t->addr[k], i->addr, i->naddrs))
			address(t, &t->addr[k], false);
	for (uint16_t k = 0; k < i->naddrs; k++) {
		if (!among(&i->addr[k], t->addr, t->naddrs))
			address(t, &i->addr[k], true);
		have[k] = i->addr[k];
	}
	free(t->addr);
	t->addr = have;
	t->naddrs = i->naddrs;
}

static int link_set(struct host_tap *t)
{
	t->mac = t->iface->mac;
	t->mtu = t->iface->mtu;
	return nl_link_set(t->nl, t->ifindex, &t->mac, t->mtu);
}

int host_link_open(struct host_tap *t)
{
	int rc = nl_open(t->netns, &t->nl);

	if (rc == 0)
		rc = link_set(t);
	if (rc == 0)
		addresses_set(t);
	return rc;
}

void host_link_update(struct host_tap *t)
{
	int rc = 0;

	if (!rte_is_same_ether_addr(&t->mac, &t->iface->mac) || t->mtu != t->iface->mtu)
		rc = link_set(t);
	if (rc < 0)
		LOG(WARNING, "host TAP %s: Linux refuses its MAC or MTU: %s", t->ifname, strerror(-rc));
	addresses_set(t);
}

void host_link_close(struct host_tap *t)
{
	if (t->nl)
		mnl_socket_close(t->nl);
	t->nl = NULL;
	free(t->addr);
	t->addr = NULL;
	t->naddrs = 0;
}
