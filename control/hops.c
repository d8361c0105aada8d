/* SPDX-License-Identifier: BSD-3-Clause */
#include "hops.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc.h"

#define ALLOWED "\"drop\", \"reject\", \"local\", or an array of objects: address, iface, weight"
#define BUCKETS_FIRST 64

LIST_HEAD(bucket, hops);

static const char *const words[] = {[HOPS_DROP] = "drop", [HOPS_REJECT] = "reject", [HOPS_LOCAL] = "local", NULL};

static struct bucket *buckets;
static uint32_t nbuckets, count;
static struct hops **by_id;
static uint32_t ids, free_id; // the first of the free ids; a free one's slot holds the next
void (*hops_via_free)(struct via *via);

uint32_t hops_count(void)
{
	return count;
}

static int refuse(struct fault *f, size_t i, size_t k, const char *member, const json_t *value, const char *allowed,
		  const char *why)
{
	char field[96];

	snprintf(field, sizeof(field), "routes[%zu].via[%zu]%s%s", i, k, member[0] ? "." : "", member);
	return rpc_fault_value(f, -EINVAL, field, value, allowed, "%s", why);
}

static int hop_parse(const json_t *in, size_t i, size_t k, struct hop *out, struct fault *f)
{
	json_t *address = json_object_get(in, "address"), *iface = json_object_get(in, "iface");
	json_t *weight = json_object_get(in, "weight");
	const char *text = json_string_value(address), *name = json_string_value(iface);
	size_t known = (address != NULL) + (iface != NULL) + (weight != NULL);

	memset(out, 0, sizeof(*out));
	out->weight = 1;
	if (!json_is_object(in) || known != json_object_size(in))
		return refuse(f, i, k, "", in, "an object: address, iface, weight", "this is no next hop");
	if (!address && !iface)
		return refuse(f, i, k, "address", NULL, "an IP address", "a next hop needs an address or an interface");
	if (address && (!text || ip_parse(text, "address", &out->addr, f) < 0))
		return refuse(f, i, k, "address", address, "an IPv4 or IPv6 address", "this is no IP address");
	if (address && ip_is_multicast(&out->addr))
		return refuse(f, i, k, "address", address, "a unicast address", "this is the address of no neighbour");
	if (iface && (!name || !name[0] || strlen(name) >= sizeof(out->iface)))
		return refuse(f, i, k, "iface", iface, "the name of an interface", "this is no interface's name");
	if (name)
		memcpy(out->iface, name, strlen(name));
	if (!weight)
		return 0;
	if (!json_is_integer(weight) || json_integer_value(weight) < 1 || json_integer_value(weight) > 65535)
		return refuse(f, i, k, "weight", weight, "an integer 1..65535", "weight is out of range");
	out->weight = (uint16_t)json_integer_value(weight);
	return 0;
}

int hops_parse(const json_t *via, size_t i, struct hops_spec *out, struct fault *f)
{
	const char *word = json_string_value(via);
	char field[32];

	out->n = 0;
	for (unsigned int k = HOPS_DROP; word && words[k]; k++)
		if (strcmp(word, words[k]) == 0) {
			out->kind = k;
			return 0;
		}
	out->kind = HOPS_VIA;
	snprintf(field, sizeof(field), "routes[%zu].via", i);
	if (!json_is_array(via) || json_array_size(via) == 0 || json_array_size(via) > HOPS_MAX)
		return rpc_fault_value(f, -EINVAL, field, via, ALLOWED, "via is %s",
				       json_is_array(via) ? "empty, or has more than 256 next hops" : "none of these");
	for (; out->n < json_array_size(via); out->n++) {
		int rc = hop_parse(json_array_get(via, out->n), i, out->n, &out->hop[out->n], f);

		if (rc < 0)
			return rc;
		for (uint32_t k = 0; k < out->n; k++)
			if (ip_equal(&out->hop[k].addr, &out->hop[out->n].addr) &&
			    strcmp(out->hop[k].iface, out->hop[out->n].iface) == 0)
				return refuse(f, i, out->n, "", json_array_get(via, out->n), "each next hop once",
					      "the next hop is given twice");
	}
	return 0;
}

static uint32_t hash_of(const struct route_set *set, const struct hops_spec *s)
{
	uint64_t h = (uintptr_t)set * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)s->kind;
	const uint8_t *bytes = (const uint8_t *)s->hop;

	for (size_t at = 0; at < s->n * sizeof(s->hop[0]); at += 4) {
		uint32_t word;

		memcpy(&word, bytes + at, sizeof(word));
		h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 32;
	}
	return (uint32_t)(h >> 16);
}

_Static_assert(sizeof(struct hop) % 4 == 0, "hashed by words");

static bool same(const struct hops *h, const struct route_set *set, const struct hops_spec *s)
{
	return h->set == set && h->kind == s->kind && h->n == s->n &&
	       memcmp(h->hop, s->hop, s->n * sizeof(s->hop[0])) == 0;
}

static int buckets_grow(void)
{
	uint32_t n = nbuckets ? 2 * nbuckets : BUCKETS_FIRST;
	struct bucket *grown = calloc(n, sizeof(*grown));
	struct hops *h;

	if (!grown)
		return -ENOMEM;
	for (uint32_t b = 0; b < nbuckets; b++)
		while ((h = LIST_FIRST(&buckets[b]))) {
			LIST_REMOVE(h, link);
			LIST_INSERT_HEAD(&grown[h->hash % n], h, link);
		}
	free(buckets);
	buckets = grown;
	nbuckets = n;
	return 0;
}

static int id_alloc(struct hops *h)
{
	if (!free_id) {
		uint32_t n = ids ? 2 * ids : 64;
		struct hops **grown = realloc(by_id, n * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		by_id = grown;
		for (uint32_t id = ids ? ids : 1; id < n; id++)
			by_id[id] = (struct hops *)(uintptr_t)(id + 1 < n ? id + 1 : 0);
		free_id = ids ? ids : 1;
		ids = n;
	}
	h->id = free_id;
	free_id = (uint32_t)(uintptr_t)by_id[h->id];
	by_id[h->id] = h;
	return 0;
}

struct hops *hops_get(struct route_set *set, const struct hops_spec *spec)
{
	uint32_t hash = hash_of(set, spec);
	struct hops *h;

	if (count >= nbuckets && buckets_grow() < 0)
		return NULL;
	LIST_FOREACH (h, &buckets[hash % nbuckets], link) {
		if (h->hash == hash && same(h, set, spec)) {
			h->refs++;
			return h;
		}
	}
	h = calloc(1, sizeof(*h) + spec->n * sizeof(h->hop[0]));
	if (!h || id_alloc(h) < 0) {
		free(h);
		return NULL;
	}
	h->refs = 1;
	h->hash = hash;
	h->set = set;
	h->kind = spec->kind;
	h->n = spec->n;
	memcpy(h->hop, spec->hop, spec->n * sizeof(h->hop[0]));
	LIST_INSERT_HEAD(&buckets[hash % nbuckets], h, link);
	count++;
	return h;
}

struct hops *hops_at(uint32_t id)
{
	return by_id[id];
}

void hops_hold(struct hops *h)
{
	h->refs++;
}

void hops_release(struct hops *h)
{
	if (!h || --h->refs)
		return;
	if (h->via)
		hops_via_free(h->via);
	LIST_REMOVE(h, link);
	by_id[h->id] = (struct hops *)(uintptr_t)free_id;
	free_id = h->id;
	json_decref(h->json);
	free(h);
	if (--count)
		return;
	free(buckets);
	free(by_id);
	buckets = NULL;
	by_id = NULL;
	nbuckets = ids = free_id = 0;
}

void hops_each(void (*fn)(struct hops *h))
{
	struct hops *h;

	for (uint32_t b = 0; b < nbuckets; b++)
		LIST_FOREACH (h, &buckets[b], link)
			fn(h);
}

static json_t *hop_json(const struct hop *p)
{
	json_t *o = json_object();
	char text[IP_TEXT_LEN];

	if (p->addr.family)
		json_object_set_new(o, "address", json_string(ip_text(&p->addr, text)));
	if (p->iface[0])
		json_object_set_new(o, "iface", json_string(p->iface));
	if (p->weight != 1)
		json_object_set_new(o, "weight", json_integer(p->weight));
	return o;
}

json_t *hops_json(struct hops *h)
{
	if (h->json)
		return h->json;
	if (h->kind != HOPS_VIA) {
		h->json = json_string(words[h->kind]);
		return h->json;
	}
	h->json = json_array();
	for (uint32_t k = 0; k < h->n; k++)
		json_array_append_new(h->json, hop_json(&h->hop[k]));
	return h->json;
}
