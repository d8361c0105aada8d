/* SPDX-License-Identifier: BSD-3-Clause */
// The addresses of interfaces.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "own.h"
#include "route.h"

// Sources: RFC 1122 3.2.1.3 and RFC 3021 (IPv4), RFC 4291 2.5 (IPv6).
static const char *unusable4(const struct ip_prefix *p)
{
	uint32_t a = ip4_host(&p->addr),
		 hosts = p->depth ? (uint32_t)((UINT64_C(1) << (32 - p->depth)) - 1) : UINT32_MAX;

	if (a >> 24 == 0 || a >> 24 == 127 || a >= 0xf0000000 || ip_is_multicast(&p->addr))
		return "this is the address of no interface";
	if (p->depth < 31 && ((a & hosts) == 0 || (a & hosts) == hosts))
		return "this is the network's or its broadcast address";
	return NULL;
}

static const char *unusable6(const struct ip_prefix *p)
{
	static const uint8_t zero[16], mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (ip_is_multicast(&p->addr) || memcmp(p->addr.bytes, mapped, sizeof(mapped)) == 0 ||
	    (memcmp(p->addr.bytes, zero, 15) == 0 && p->addr.bytes[15] <= 1))
		return "this is the address of no interface";
	if (p->depth == 0)
		return "a prefix of all addresses is no link's";
	return NULL;
}

static bool is_ip6_link_local(const struct ip_addr *a)
{
	return a->family == 6 && ip_is_link_local(a);
}

static int check(const struct iface *i, const struct ip_prefix *p, const char *text, const char *field,
		 const struct ip_prefix *before, uint16_t nbefore, struct fault *f)
{
	const char *problem = p->addr.family == 4 ? unusable4(p) : unusable6(p);
	const struct iface *other;

	if (problem)
		return fault_str(f, -EINVAL, field, text, "a unicast address with its prefix length", "%s", problem);
	for (uint16_t k = 0; k < nbefore; k++)
		if (ip_equal(&before[k].addr, &p->addr))
			return fault_str(f, -EINVAL, field, text, "each address once", "the address is given twice");
	// Link-local addresses are those of their link alone, so they overlap nobody's.
	other = is_ip6_link_local(&p->addr) ? NULL : route_own_overlap(i, p);
	if (other)
		return fault_str(f, -EEXIST, field, text, "addresses that overlap none of their VRF",
				 "the prefix overlaps one of interface %s in VRF %s", other->name, i->vrf->name);
	return 0;
}

// RFC 4291, appendix A.
static void link_local_make(const struct rte_ether_addr *mac, struct ip_prefix *p)
{
	const uint8_t *m = mac->addr_bytes;

	*p = (struct ip_prefix){
		.addr = {6, {0xfe, 0x80, 0, 0, 0, 0, 0, 0, m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]}},
		.depth = 64};
}

int iface_addrs_parse(const struct iface *i, const json_t *conf, struct ip_prefix **addr, uint16_t *naddrs,
		      struct fault *f)
{
	const json_t *texts = json_object_get(conf, "addresses"), *text;
	size_t n = json_array_size(texts), k;
	struct ip_prefix *a = calloc(n + 1, sizeof(*a));
	bool link_local = !i->port && !i->bridge;
	char field[32];

	if (!a)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for %zu addresses", n);
	json_array_foreach (texts, k, text) {
		int rc;

		snprintf(field, sizeof(field), "addresses[%zu]", k);
		rc = ip_cidr_parse(json_string_value(text), field, &a[k], f);
		if (rc == 0)
			rc = check(i, &a[k], json_string_value(text), field, a, (uint16_t)k, f);
		if (rc < 0) {
			free(a);
			return rc;
		}
		link_local |= is_ip6_link_local(&a[k].addr);
	}
	if (!link_local)
		link_local_make(&i->mac, &a[n++]);
	*addr = a;
	*naddrs = (uint16_t)n;
	return 0;
}

const struct ip_prefix *iface_source(const struct iface *i, const struct ip_addr *to)
{
	const struct ip_prefix *best = NULL;
	bool near = ip_is_link_local(to) || (to->family == 6 && ip_is_multicast(to));

	for (uint16_t k = 0; k < i->naddrs; k++) {
		const struct ip_prefix *p = &i->addr[k];

		if (p->addr.family != to->family || own_state(i, &p->addr) == OWN_DUPLICATE)
			continue;
		if (ip_in(to, p))
			return p;
		if (!best || (ip_is_link_local(&best->addr) != near && ip_is_link_local(&p->addr) == near))
			best = p;
	}
	return best;
}

bool iface_owns(const struct iface *i, const struct ip_addr *a)
{
	for (uint16_t k = 0; k < i->naddrs; k++)
		if (ip_equal(&i->addr[k].addr, a))
			return own_state(i, a) != OWN_DUPLICATE;
	return false;
}

struct iface *iface_owner(const struct vrf *v, const struct ip_addr *a)
{
	struct ip_prefix p = {*a, a->family == 4 ? 32 : 128};
	struct rib_entry key = rib_key(&p, RIB_OWN);
	const struct rib_entry *e = rib_get(&v->routes->rib, &key);
	struct iface *i = e ? route_own_iface(e->value) : NULL;

	return i && iface_owns(i, a) ? i : NULL; // a broadcast address has a route too
}

// What tells this host from others on the same wire.
static const char *host_id(void)
{
	static char id[64];
	FILE *in;

	if (id[0])
		return id;
	in = fopen("/etc/machine-id", "re");
	if (!in || !fgets(id, sizeof(id), in))
		gethostname(id, sizeof(id) - 1);
	if (in)
		fclose(in);
	return id;
}

// FNV-1a, 64 bits, over both texts; its last step mixes the upper bits down.
void iface_default_mac(const char *name, struct rte_ether_addr *mac)
{
	const char *text[] = {host_id(), name};
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (unsigned int i = 0; i < 2; i++)
		for (const char *c = text[i]; *c; c++)
			h = (h ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
	h ^= h >> 29;
	memcpy(mac->addr_bytes, &h, sizeof(mac->addr_bytes));
	mac->addr_bytes[0] = 0x02; // locally administered, one station
}
