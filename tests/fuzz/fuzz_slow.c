/* SPDX-License-Identifier: BSD-3-Clause */
// Packets for the slow path: ARP, neighbour discovery, ICMP, what waits for a neighbour, and bridges that answer for
// hosts, over the real objects. An input is a row of steps: an octet that says what (class of a packet, time, or a
// gateway that is held), one that says how (interface, tag, segments), two for a length, and the packet's bytes.
//
// What is behind a packet's bytes is poisoned, so that a sanitizer sees a read past the frame. That takes a pool that
// gives out last what was given back last.
#include "../unit/slow_fixture.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mempool.h>

#include "../../control/icmp.h"
#include "../../control/ip_reass.h"
#include "../../control/suppress.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p))
#endif

#define BUFFERS 4096
#define STEPS_MAX 64
#define GATEWAY "10.0.0.254"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
struct rte_mempool *__wrap_port_pool(void);

static struct rte_mempool *pool;
static struct iface *ifaces[3];
static struct bridge *bridge;
static struct {
	void *at;
	size_t len;
} poisoned[2 * STEPS_MAX];
static unsigned int npoisoned;
static uint64_t clock_ms = FX_START_MS;

struct rte_mempool *__wrap_port_pool(void)
{
	return pool;
}

static void begin(void)
{
	struct fault f;

	harness_start();
	pool = rte_pktmbuf_pool_create_by_ops("fifo", BUFFERS, 0, 0, RTE_PKTMBUF_HEADROOM + PORT_MBUF_DATA, 0,
					      "ring_mp_mc");
	if (pool == NULL)
		abort();
	fx_setup(NULL);
	must_do("bridge.add", "{'name': 'br', 'arp_suppress': true}");
	must_do("port.add", "{'name': 'm', 'type': 'fake'}");
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'm'}");
	ifaces[0] = fx_iface("a", "red", "'10.0.0.1/24', 'fd00::1/64'");
	ifaces[1] = fx_iface("b", "red", "'10.1.0.1/16', 'fd01::1/64'");
	must_do("iface.set", "{'name': 'b', 'proxy_arp': true, 'router_advert': true, 'redirects': true, 'mtu': 1280}");
	must_do("vrf.add", "{'name': 'blue'}");
	must_do("iface.add", "{'name': 'c', 'vrf': 'blue', 'bridge': 'br', 'addresses': ['10.0.0.1/24']}");
	if (iface_get("", "c", &ifaces[2], &f) < 0 || bridge_get("", "br", &bridge, &f) < 0)
		abort();
	fx_wait(5000);
}

static struct rte_mbuf *segment(const uint8_t *data, size_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *at;

	if (m == NULL)
		abort();
	at = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)len);
	memcpy(at, data, len);
	poisoned[npoisoned].at = at + len;
	poisoned[npoisoned].len = PORT_MBUF_DATA - len;
	ASAN_POISON_MEMORY_REGION(poisoned[npoisoned].at, poisoned[npoisoned].len);
	npoisoned++;
	return m;
}

static void packet(enum punt_class class, uint8_t how, const uint8_t *data, size_t len)
{
	const struct iface *i = how % 4 < 3 ? ifaces[how % 4] : NULL;
	uint16_t l3 = how & 4 ? 18 : 14;
	struct rte_mbuf *m;

	// Workers punt no frame without its Ethernet header, nor other classes without an interface.
	if (len < l3 || (i == NULL && class != PUNT_ARP && class != PUNT_ND))
		return;
	if (how & 8 && len > l3) {
		size_t first = l3 + (len - l3) * (how >> 4) / 16;

		m = segment(data, first);
		m->next = segment(data + first, len - first);
		m->nb_segs = 2;
		m->pkt_len = (uint32_t)len;
	} else {
		m = segment(data, len);
	}
	fx.punt[fx.npunts++] = (struct punt){
		.m = m,
		.class = class,
		.in_port = 1,
		.domain = i ? i->domain->id : bridge->rest->id,
		.iface = i ? i->id : 0,
		.l3 = l3,
		.mtu = 1280,
		.nexthop = how >> 4,
	};
	slow_poll();
}

static void drop(struct neigh *n, void *arg)
{
	neigh_drop(n);
}

static void forget(void)
{
	for (size_t k = 0; k < RTE_DIM(ifaces); k++) {
		ip_reass_iface_gone(ifaces[k]);
		neigh_each(ifaces[k], drop, NULL);
	}
	suppress_destroy();
	fx_forget();
	for (unsigned int k = 0; k < npoisoned; k++)
		ASAN_UNPOISON_MEMORY_REGION(poisoned[k].at, poisoned[k].len);
	npoisoned = 0;
	if (rte_mempool_avail_count(pool) != BUFFERS)
		abort(); // a packet leaked
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool begun;
	struct ip_addr gateway;
	struct neigh *held = NULL;

	if (!begun)
		begin();
	begun = true;
	gateway = fx_addr(GATEWAY);
	clock_ms += 3600000;
	slow_tick(clock_ms);
	for (unsigned int step = 0; step < STEPS_MAX && size >= 4; step++) {
		size_t len = (size_t)(data[2] << 8 | data[3]) % PORT_MBUF_DATA;
		uint8_t what = data[0] % 16, how = data[1];

		data += 4;
		size -= 4;
		if (what < PUNT_CLASS_COUNT) {
			len = RTE_MIN(len, size);
			packet((enum punt_class)what, how, data, len);
			data += len;
			size -= len;
		} else if (what == PUNT_CLASS_COUNT && held == NULL) {
			neigh_hold(ifaces[0], &gateway, &held);
		} else if (what == PUNT_CLASS_COUNT) {
			neigh_release(held);
			held = NULL;
		} else {
			clock_ms += 50 * how;
			slow_tick(clock_ms);
		}
		fx_forget();
	}
	if (held)
		neigh_release(held);
	forget();
	return 0;
}
