/* SPDX-License-Identifier: BSD-3-Clause */
// Where routes go, as it was asked for: a list of gateways with weights, or one of some words.
//
// Purpose: a million routes go a few ways, so each way is kept once for all routes of a VRF that take it, and what is
// found out about it (route_via.h) is found out once.
//
// Design: a hash of immutable descriptions, counted by their users. Interfaces are names here, as in the desired state.
//
// Threads: control only.
#ifndef HOPS_H
#define HOPS_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "ip.h"

#define HOPS_MAX 256 // of one route
#define HOP_NAME_LEN 32

enum hops_kind { HOPS_VIA, HOPS_DROP, HOPS_REJECT, HOPS_LOCAL };

// Compared by memcmp(): padding is zero.
struct hop {
	char iface[HOP_NAME_LEN]; // "": whatever leads to the address
	struct ip_addr addr;      // family 0: the link of the interface itself
	uint16_t weight;
};

struct hops_spec {
	enum hops_kind kind;
	uint32_t n; // 0 unless HOPS_VIA
	struct hop hop[HOPS_MAX];
};

struct route_set;
struct via;

struct hops {
	uint32_t id;      // what entries of a rib hold; not 0
	uint32_t refs;    // entries, and whoever else holds it
	uint32_t statics; // entries of the desired state among them
	uint32_t hash;
	// route.c's, of the job that it was last used in:
	uint32_t job, first;     // which, and for what element first
	json_t *noted;           // for what prefixes
	struct hops *next_noted; // the next one that the job uses
	struct route_set *set;
	struct via *via; // what it comes to in the VRF (route_via.c); NULL: not known yet
	json_t *json;    // hops_json()'s
	LIST_ENTRY(hops) link;
	enum hops_kind kind;
	uint32_t n;
	struct hop hop[];
};

// Reads "via" of element `i` of "routes": "drop", "reject", "local", or an array of {address, iface, weight}. 0 or
// -EINVAL with a fault that names routes[i].via....
int hops_parse(const json_t *via, size_t i, struct hops_spec *out, struct fault *f);
// The description in a set, made if need be; the caller holds it. NULL: no memory.
struct hops *hops_get(struct route_set *set, const struct hops_spec *spec);
struct hops *hops_at(uint32_t id);
void hops_hold(struct hops *h);
void hops_release(struct hops *h); // frees it, and its via, with the last holder; h may be NULL
json_t *hops_json(struct hops *h); // as route.add takes it; borrowed
uint32_t hops_count(void);
void hops_each(void (*fn)(struct hops *h)); // fn may free none
// Is called with what h->via is when h is freed (route_via.c).
extern void (*hops_via_free)(struct via *via);

#endif
