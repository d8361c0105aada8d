/* SPDX-License-Identifier: BSD-3-Clause */
// Packets for the slow path, and what it sends, over the harness's workers: part of objects_harness.
//
// Design: what a test punts is taken by slow_poll() as from workers; what control injects lies in fx.sent until taken.
// Time is the test's: it begins at FX_START_MS and goes on by fx_wait().
#ifndef SLOW_FIXTURE_H
#define SLOW_FIXTURE_H

#include "objects_harness.h"

#include <rte_mbuf.h>

#include "../../control/arp.h"
#include "../../control/iface.h"
#include "../../control/neigh.h"
#include "../../control/slow.h"
#include "../../datapath/punt.h"

#define FX_SENT_MAX 4096
#define FX_START_MS 1000000
#define FX_POOL 8192

struct fx_sent {
	struct rte_mbuf *m;
	uint16_t port_id, domain, but_port;
};

extern struct fx {
	struct punt punt[FX_SENT_MAX];
	unsigned int npunts;
	struct fx_sent sent[FX_SENT_MAX];
	unsigned int nsent, ntaken;
	bool inject_full; // worker_inject() refuses
	uint64_t inject_lost;
} fx;

// As harness_setup() and harness_teardown(); the latter fails if a packet was leaked, or one has no outcome.
int fx_setup(void **state);
int fx_teardown(void **state);

// An interface on a port of its own, with a VRF of that name if it is not there: "10.0.0.1/24", "fd00::1/64".
struct iface *fx_iface(const char *name, const char *vrf, const char *addresses);
void fx_wait(uint64_t ms); // time passes, tick by tick

// Puts a frame before the slow path: `data` begins at the Ethernet header.
void fx_punt(enum punt_class class, const struct iface *i, const void *data, uint32_t len);
void fx_punt_nexthop(enum punt_class class, const struct iface *i, uint32_t nexthop, const void *data, uint32_t len);

// The oldest frame that was sent and not taken yet: its bytes, valid until fx_forget(). NULL: there is none.
const uint8_t *fx_take(uint32_t *len);
unsigned int fx_waiting(void); // frames that were sent and not taken yet
void fx_forget(void);          // takes and frees all

// Frames. Each returns its length.
uint32_t fx_arp(uint8_t *out, bool request, const char *src_mac, const char *src, const char *dst_mac, const char *dst);
uint32_t fx_udp4(uint8_t *out, const struct iface *to, const char *src, const char *dst, uint8_t ttl, uint32_t payload);
uint32_t fx_echo4(uint8_t *out, const struct iface *to, const char *src, const char *dst, uint32_t payload);
// An ICMPv6 message with its checksum: `body` begins behind the checksum.
uint32_t fx_icmp6(uint8_t *out, const char *dst_mac, const char *src, const char *dst, uint8_t hops, uint8_t type,
		  const void *body, uint32_t len);
uint32_t fx_udp6(uint8_t *out, const struct iface *to, const char *src, const char *dst, uint8_t hops,
		 uint32_t payload);
struct ip_addr fx_addr(const char *text);
void fx_mac(const char *text, uint8_t mac[6]);
// Whether an IPv4 header's or an ICMPv6 message's checksum is right.
bool fx_ip4_right(const uint8_t *ip);
bool fx_icmp6_right(const uint8_t *ip);

#endif
