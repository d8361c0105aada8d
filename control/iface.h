/* SPDX-License-Identifier: BSD-3-Clause */
// L3 interfaces: where the router meets ports and bridges.
//
// Purpose: what iface.add asks for, turned into a broadcast domain with a router in it, addresses, and a state.
//
// Design: an interface is on a port or a VLAN of it (the port is then in no bridge, and the domain is the interface's
// own), on a bridge or a VLAN of it, which it then names as a port would (bridge.h), or on neither: a loopback. Frames
// to its MAC in its domain go to the router by a static entry of the FDB. Whether it is up, its MTU and the domain of
// untagged frames on a bridge follow from ports and bridges; publish() computes them anew whenever one of these changed
// and tells listeners afterwards. iface.c has the operations, iface_addr.c the addresses, iface_state.c what follows.
//
// Threads: control only.
#ifndef IFACE_H
#define IFACE_H

#include <rte_ether.h>

#include "bridge.h"
#include "ip.h"
#include "vrf.h"

#define IFACE_MAX 65535 // ids are 1..IFACE_MAX-1

struct iface {
	char name[PORT_NAME_LEN]; // first: names.h
	uint16_t id;
	bool deleted;
	bool admin_up;
	bool up;              // administratively, and its port's link (or any of its bridge's) is up; loopback: always
	const char *down_why; // while it is not; NULL while it is
	struct vrf *vrf;
	struct port_obj *port; // on a port (or its VLAN `vid`), or
	struct bridge *bridge; // on a bridge (its VLAN `vid`, 0: where untagged frames are), or neither: loopback
	uint16_t vid;          // 0: untagged
	struct domain *domain; // NULL: loopback
	struct rte_ether_addr mac;
	uint16_t mtu; // bytes of an IP packet
	uint16_t naddrs;
	struct ip_prefix *addr; // [naddrs], address and prefix length; the link-local one of IPv6 among them
	uint32_t connected;     // number of the next hop "on the link of this interface"
	json_t *conf;           // as iface.add would take it; replaced, never changed
	void *neighs;           // neigh.c's
	void *host;             // host_tap.c's

	LIST_ENTRY(iface) on_link;  // of its port or bridge
	LIST_ENTRY(iface) vrf_link; // of its VRF
	bool dirty;                 // in the list of publish_l3.c
	bool changed;               // listeners are to be told
	bool was_up;                // as last told
	bool in_fdb;                // as fdb_key
	uint64_t fdb_key;
	TAILQ_ENTRY(iface) dirty_link;
	const struct fwd_iface *fwd; // as published
};

void iface_create_table(void);
void iface_destroy_table(void);

// 0, -EEXIST (name, place), -ENOENT, -EBUSY (the port is in a bridge), -EINVAL (addresses, ...), -ENOSPC, -ENOMEM.
int iface_add(struct txn *t, const json_t *conf, struct fault *f);
int iface_del(struct txn *t, struct iface *i, struct fault *f);
// Applies what `set` holds of the fields of iface.set.
int iface_set(struct txn *t, struct iface *i, const json_t *set, struct fault *f);

struct iface *iface_by_id(uint16_t id); // NULL: none, or deleted
struct iface *iface_slot(uint16_t id);  // also one that is deleted and not yet gone
const struct names *iface_names(void);
int iface_get(const char *field, const char *name, struct iface **out, struct fault *f);
uint16_t iface_max_id(void); // highest id ever in use
void iface_event(const char *what, const struct iface *i);

// Told of what happens to interfaces, after it was published: `changed` of up, down, MAC, MTU, domain, addresses or
// other settings (also of new ones); `gone` when it is deleted, before it is freed (workers may still know it).
struct iface_listener {
	void (*changed)(struct iface *i);
	void (*gone)(struct iface *i);
	SLIST_ENTRY(iface_listener) link;
};
void iface_listen(struct iface_listener *l); // for the life of the program; at program start

// iface_addr.c

// One of its own addresses that is best to speak to `to` from (same prefix, else of the same scope); NULL: none. An
// address that somebody else on the link has (own.h) is not its own.
const struct ip_prefix *iface_source(const struct iface *i, const struct ip_addr *to);
bool iface_owns(const struct iface *i, const struct ip_addr *a);
// The interface of an address of a VRF; NULL: not ours. Link-local addresses are those of one interface: iface_owns().
struct iface *iface_owner(const struct vrf *v, const struct ip_addr *a);
// The MAC that an interface has if none is given: the same for a name on this host at all times.
void iface_default_mac(const char *name, struct rte_ether_addr *mac);
// Makes addr and naddrs of the configuration; checks each, and that none overlaps another interface's of the VRF.
// The array is the caller's to free. 0, -EINVAL, -EEXIST, -ENOMEM.
int iface_addrs_parse(const struct iface *i, const json_t *conf, struct ip_prefix **addr, uint16_t *naddrs,
		      struct fault *f);

// iface_state.c

// Computes up, down_why, mtu and domain from port or bridge; whether any changed.
bool iface_refresh(struct iface *i);
// It is no longer in its domain.
void iface_leave(struct iface *i);
// The link of a port went up or down: publishes if that changes an interface.
void iface_port_link(struct port_obj *p);
// Marks the interfaces on a port, or on the bridge that it is in.
void iface_mark_of_port(struct port_obj *p);
// The interface whose MAC `mac` is in a VLAN of a bridge; NULL: none.
struct iface *iface_with_mac(const struct bridge *b, uint16_t vlan, const struct rte_ether_addr *mac);

#endif
