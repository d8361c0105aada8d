/* SPDX-License-Identifier: BSD-3-Clause */
// The value of a profile's field: a constant or a walk, as a number or an address.
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <rte_ether.h>

#include "pktgen_profile.h"
#include "rpc.h"

void pktgen_path(char buf[PKTGEN_PATH], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(buf, PKTGEN_PATH, fmt, args);
	va_end(args);
}

static uint64_t largest(const struct pktgen_field_decl *d)
{
	return d->bits >= 64 ? UINT64_MAX : (UINT64_C(1) << d->bits) - 1;
}

static const char *constant_allowed(const struct pktgen_field_decl *d, char *buf, size_t size)
{
	switch (d->notation) {
	case PKTGEN_MAC:
		return "a MAC address: aa:bb:cc:dd:ee:ff";
	case PKTGEN_IP4:
		return "an IPv4 address";
	case PKTGEN_IP6:
		return "an IPv6 address";
	default:
		snprintf(buf, size, "an integer 0..%" PRIu64, largest(d));
		return buf;
	}
}

static struct pktgen_value from_bytes(const uint8_t *b)
{
	struct pktgen_value v = {0};

	for (int i = 0; i < 8; i++) {
		v.hi = v.hi << 8 | b[i];
		v.lo = v.lo << 8 | b[8 + i];
	}
	return v;
}

static bool text_to_value(enum pktgen_notation n, const char *text, struct pktgen_value *v)
{
	struct rte_ether_addr mac;
	uint8_t b[16];
	struct in_addr ip;

	switch (n) {
	case PKTGEN_MAC:
		if (rte_ether_unformat_addr(text, &mac) < 0)
			return false;
		*v = (struct pktgen_value){0};
		for (int i = 0; i < 6; i++)
			v->lo = v->lo << 8 | mac.addr_bytes[i];
		return true;
	case PKTGEN_IP4:
		if (inet_pton(AF_INET, text, &ip) != 1)
			return false;
		*v = (struct pktgen_value){.lo = ntohl(ip.s_addr)};
		return true;
	case PKTGEN_IP6:
		if (inet_pton(AF_INET6, text, b) != 1)
			return false;
		*v = from_bytes(b);
		return true;
	default:
		return false;
	}
}

static int constant(const struct pktgen_field_decl *d, const json_t *in, const char *path, struct pktgen_value *v,
		    struct fault *f)
{
	const char *text = json_string_value(in);
	char allowed[64];

	if (d->notation == PKTGEN_NUMBER && json_is_integer(in) && json_integer_value(in) >= 0 &&
	    (uint64_t)json_integer_value(in) <= largest(d)) {
		*v = (struct pktgen_value){.lo = (uint64_t)json_integer_value(in)};
		return 0;
	}
	if (text && text_to_value(d->notation, text, v))
		return 0;
	return rpc_fault_value(f, -EINVAL, path, in, constant_allowed(d, allowed, sizeof(allowed)),
			       "not a value of this field");
}

// "10.0.0.0/8": host bits must be zero.
static int prefix(struct pktgen_profile *p, const struct pktgen_field_decl *d, const json_t *in, const char *path,
		  struct fault *f)
{
	const char *text = json_string_value(in), *slash = text ? strchr(text, '/') : NULL;
	unsigned int bits = d->bits, len = 0;
	struct pktgen_prefix *out = &p->prefix[p->nprefixes];
	char address[64];
	int end = 0;

	if (!slash || (size_t)(slash - text) >= sizeof(address))
		goto bad;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (!text_to_value(d->notation, address, &out->net) || slash[1] < '0' || slash[1] > '9' ||
	    sscanf(slash + 1, "%3u%n", &len, &end) != 1 || slash[1 + end] != '\0' || len > bits)
		goto bad;
	if (bits == 128)
		out->host = (struct pktgen_value){
			.hi = len >= 64 ? 0 : UINT64_MAX >> len,
			.lo = len >= 128  ? 0
			      : len <= 64 ? UINT64_MAX
					  : UINT64_MAX >> (len - 64),
		};
	else
		out->host = (struct pktgen_value){.lo = largest(d) >> len};
	if (out->net.hi & out->host.hi || out->net.lo & out->host.lo)
		goto bad;
	if (p->nprefixes + 1 == PKTGEN_PREFIXES_MAX)
		return rpc_fault_value(f, -EINVAL, path, in, "at most 63 prefixes in a profile", "one prefix too many");
	p->prefix_len[p->nprefixes++] = (uint8_t)len;
	return 0;
bad:
	return rpc_fault_value(f, -EINVAL, path, in, d->notation == PKTGEN_IP6 ? "2001:db8::/32" : "10.0.0.0/8",
			       "not a prefix, or bits set behind its length");
}

static int prefixes(struct pktgen_profile *p, const struct pktgen_field_decl *d, const json_t *in, const char *path,
		    struct pktgen_field *out, struct fault *f)
{
	char at[PKTGEN_PATH];
	const json_t *item;
	size_t i;
	int rc = 0;

	if (d->notation != PKTGEN_IP4 && d->notation != PKTGEN_IP6)
		return rpc_fault_value(f, -EINVAL, path, in, "from and to", "prefixes are for IP addresses");
	out->first_prefix = (uint8_t)p->nprefixes;
	if (!json_is_array(in)) {
		rc = prefix(p, d, in, path, f);
	} else if (json_array_size(in) == 0) {
		return rpc_fault_value(f, -EINVAL, path, in, "one or more prefixes", "no prefix");
	} else {
		json_array_foreach (in, i, item) {
			pktgen_path(at, "%s[%zu]", path, i);
			rc = prefix(p, d, item, at, f);
			if (rc < 0)
				break;
		}
	}
	out->nprefixes = (uint8_t)(p->nprefixes - out->first_prefix);
	return rc;
}

// A whole number of a walk.
static int number(const json_t *walk, const char *name, const char *path, uint64_t def, uint64_t min, uint64_t max,
		  uint64_t *out, struct fault *f)
{
	const json_t *in = json_object_get(walk, name);
	char at[PKTGEN_PATH], allowed[64];

	*out = def;
	if (!in)
		return 0;
	*out = (uint64_t)json_integer_value(in);
	if (json_is_integer(in) && json_integer_value(in) >= 0 && *out >= min && *out <= max)
		return 0;
	pktgen_path(at, "%s.%s", path, name);
	snprintf(allowed, sizeof(allowed), "an integer %" PRIu64 "..%" PRIu64, min, max);
	return rpc_fault_value(f, -EINVAL, at, in, allowed, "%s is no such number", name);
}

static int end_point(const struct pktgen_field_decl *d, const json_t *walk, const char *name, const char *path,
		     struct pktgen_value *v, struct fault *f)
{
	const json_t *in = json_object_get(walk, name);
	char at[PKTGEN_PATH], allowed[64];

	pktgen_path(at, "%s.%s", path, name);
	if (!in)
		return rpc_fault_value(f, -EINVAL, at, NULL, constant_allowed(d, allowed, sizeof(allowed)),
				       "%s is missing", name);
	return constant(d, in, at, v, f);
}

static int members(const json_t *walk, const char *const *known, const char *allowed, const char *path, struct fault *f)
{
	char at[PKTGEN_PATH];
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)walk, name, value) {
		const char *const *k = known;

		while (*k && strcmp(*k, name) != 0)
			k++;
		if (*k)
			continue;
		pktgen_path(at, "%s.%.48s", path, name);
		return rpc_fault_value(f, -EINVAL, at, value, allowed, "unknown member of a walk");
	}
	return 0;
}

static int walk_inc(const struct pktgen_field_decl *d, const json_t *in, const char *path, struct pktgen_field *out,
		    struct fault *f)
{
	static const char *const known[] = {"walk", "from", "step", "count", "each", NULL};
	char at[PKTGEN_PATH], allowed[96];
	uint64_t count, each, room;
	int rc = members(in, known, "walk, from, step, count, each", path, f);

	if (rc == 0)
		rc = end_point(d, in, "from", path, &out->from, f);
	if (rc == 0)
		rc = number(in, "step", path, 1, 1, UINT32_MAX, &out->step, f);
	if (rc == 0)
		rc = number(in, "count", path, 0, 1, PKTGEN_FLOWS_MAX, &count, f);
	if (rc == 0)
		rc = number(in, "each", path, 1, 1, PKTGEN_FLOWS_MAX, &each, f);
	if (rc < 0)
		return rc;
	pktgen_path(at, "%s.count", path);
	if (!count)
		return rpc_fault_value(f, -EINVAL, at, NULL, "an integer 1..16777216", "count is missing");
	room = (largest(d) - out->from.lo) / out->step;
	if (count - 1 > room) {
		snprintf(allowed, sizeof(allowed), "at most %" PRIu64, room + 1);
		return rpc_fault_value(f, -EINVAL, at, json_object_get(in, "count"), allowed,
				       "the walk leaves the %u bits of the field", d->bits == 128 ? 64 : d->bits);
	}
	out->count = (uint32_t)count;
	out->each = (uint32_t)each;
	return 0;
}

static int walk_random(struct pktgen_profile *p, const struct pktgen_field_decl *d, const json_t *in, const char *path,
		       struct pktgen_field *out, struct fault *f)
{
	static const char *const known[] = {"walk", "from", "to", "in", "seed", NULL};
	const json_t *within = json_object_get(in, "in");
	char at[PKTGEN_PATH];
	struct pktgen_value to;
	int rc = members(in, known, "walk, seed, and from and to, or in", path, f);

	if (rc == 0)
		rc = number(in, "seed", path, 1, 0, INT64_MAX, &out->seed, f);
	if (rc < 0)
		return rc;
	pktgen_path(at, "%s.in", path);
	if (within && (json_object_get(in, "from") || json_object_get(in, "to")))
		return rpc_fault_value(f, -EINVAL, at, within, "from and to, or in", "both prefixes and a range");
	if (within)
		return prefixes(p, d, within, at, out, f);
	rc = end_point(d, in, "from", path, &out->from, f);
	if (rc == 0)
		rc = end_point(d, in, "to", path, &to, f);
	if (rc < 0)
		return rc;
	pktgen_path(at, "%s.to", path);
	if (to.hi != out->from.hi || to.lo < out->from.lo || to.lo - out->from.lo == UINT64_MAX)
		return rpc_fault_value(f, -EINVAL, at, json_object_get(in, "to"),
				       "not below from, and for IPv6 in the same /64", "the range is none");
	out->span = to.lo - out->from.lo + 1;
	return 0;
}

int pktgen_field_load(struct pktgen_profile *p, const struct pktgen_field_decl *d, const json_t *in, const char *path,
		      struct pktgen_field *out, struct fault *f)
{
	const char *walk = json_string_value(json_object_get(in, "walk"));
	char at[PKTGEN_PATH];

	out->given = true;
	if (!json_is_object(in))
		return constant(d, in, path, &out->from, f);
	if (!d->walks)
		return rpc_fault_value(f, -EINVAL, path, in, "a constant", "%s is the same in all frames", d->name);
	if (walk && strcmp(walk, "inc") == 0) {
		out->walk = PKTGEN_INC;
		return walk_inc(d, in, path, out, f);
	}
	if (walk && strcmp(walk, "random") == 0) {
		out->walk = PKTGEN_RANDOM;
		return walk_random(p, d, in, path, out, f);
	}
	pktgen_path(at, "%s.walk", path);
	return rpc_fault_value(f, -EINVAL, at, json_object_get(in, "walk"), "inc or random", "no such walk");
}
