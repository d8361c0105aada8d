/* SPDX-License-Identifier: BSD-3-Clause */
#include "ethdev_flow.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_ether.h>

enum notation { NUMBER, MAC, IP4, IP6 };

struct field {
	const char *name;
	enum notation notation;
	uint16_t offset, bytes, bits; // bits: of a number, right-aligned in its bytes
};

#define FIELD(type, member, field_name, how, nbits)                                                                    \
	{                                                                                                              \
		field_name, how, offsetof(struct type, member), sizeof(((struct type *)0)->member), nbits              \
	}

static const struct item_decl {
	const char *name;
	enum rte_flow_item_type type;
	struct field field[7];
} items[] = {
	{"void", RTE_FLOW_ITEM_TYPE_VOID, {{0}}},
	{"eth",
	 RTE_FLOW_ITEM_TYPE_ETH,
	 {FIELD(rte_flow_item_eth, hdr.dst_addr, "dst", MAC, 48),
	  FIELD(rte_flow_item_eth, hdr.src_addr, "src", MAC, 48),
	  FIELD(rte_flow_item_eth, hdr.ether_type, "type", NUMBER, 16)}},
	{"vlan",
	 RTE_FLOW_ITEM_TYPE_VLAN,
	 {FIELD(rte_flow_item_vlan, hdr.vlan_tci, "tci", NUMBER, 16),
	  FIELD(rte_flow_item_vlan, hdr.vlan_tci, "vid", NUMBER, 12),
	  FIELD(rte_flow_item_vlan, hdr.eth_proto, "inner_type", NUMBER, 16)}},
	{"ipv4",
	 RTE_FLOW_ITEM_TYPE_IPV4,
	 {FIELD(rte_flow_item_ipv4, hdr.src_addr, "src", IP4, 32),
	  FIELD(rte_flow_item_ipv4, hdr.dst_addr, "dst", IP4, 32),
	  FIELD(rte_flow_item_ipv4, hdr.next_proto_id, "proto", NUMBER, 8),
	  FIELD(rte_flow_item_ipv4, hdr.type_of_service, "tos", NUMBER, 8),
	  FIELD(rte_flow_item_ipv4, hdr.time_to_live, "ttl", NUMBER, 8)}},
	{"ipv6",
	 RTE_FLOW_ITEM_TYPE_IPV6,
	 {FIELD(rte_flow_item_ipv6, hdr.src_addr, "src", IP6, 128),
	  FIELD(rte_flow_item_ipv6, hdr.dst_addr, "dst", IP6, 128),
	  FIELD(rte_flow_item_ipv6, hdr.proto, "proto", NUMBER, 8),
	  FIELD(rte_flow_item_ipv6, hdr.hop_limits, "hop", NUMBER, 8)}},
	{"tcp",
	 RTE_FLOW_ITEM_TYPE_TCP,
	 {FIELD(rte_flow_item_tcp, hdr.src_port, "src", NUMBER, 16),
	  FIELD(rte_flow_item_tcp, hdr.dst_port, "dst", NUMBER, 16),
	  FIELD(rte_flow_item_tcp, hdr.tcp_flags, "flags", NUMBER, 8)}},
	{"udp",
	 RTE_FLOW_ITEM_TYPE_UDP,
	 {FIELD(rte_flow_item_udp, hdr.src_port, "src", NUMBER, 16),
	  FIELD(rte_flow_item_udp, hdr.dst_port, "dst", NUMBER, 16)}},
};

static const struct action_decl {
	const char *name;
	enum rte_flow_action_type type;
	const char *parameter; // NULL: none
	uint32_t max;
} actions[] = {
	{"void", RTE_FLOW_ACTION_TYPE_VOID, NULL, 0},
	{"passthru", RTE_FLOW_ACTION_TYPE_PASSTHRU, NULL, 0},
	{"drop", RTE_FLOW_ACTION_TYPE_DROP, NULL, 0},
	{"flag", RTE_FLOW_ACTION_TYPE_FLAG, NULL, 0},
	{"mark", RTE_FLOW_ACTION_TYPE_MARK, "id", UINT32_MAX},
	{"queue", RTE_FLOW_ACTION_TYPE_QUEUE, "index", UINT16_MAX},
};

// The words of a rule, one after the other.
struct words {
	char *rest;
	const char *now; // "" at the end
};

static void next(struct words *w)
{
	char *word;

	do {
		word = strsep(&w->rest, " \t\n");
	} while (word != NULL && *word == '\0');
	w->now = word != NULL ? word : "";
}

static bool is(const struct words *w, const char *word)
{
	return strcmp(w->now, word) == 0;
}

static int wrong(const struct words *w, const char *allowed, const char *what, struct fault *f)
{
	return fault_str(f, -EINVAL, "rule", w->now, allowed, *w->now != '\0' ? "%s" : "%s, and here the rule ends",
			 what);
}

static int number(const struct words *w, uint64_t max, uint64_t *out, struct fault *f)
{
	char allowed[48], *end;

	errno = 0;
	*out = strtoull(w->now, &end, 0);
	if (isdigit((unsigned char)*w->now) && *end == '\0' && errno == 0 && *out <= max)
		return 0;
	snprintf(allowed, sizeof(allowed), "0 to %llu", (unsigned long long)max);
	return wrong(w, allowed, "this is no such number", f);
}

// Reads the value of a field into `at`, big-endian.
static int value(const struct words *w, const struct field *d, uint8_t *at, struct fault *f)
{
	struct rte_ether_addr mac;
	uint64_t n;
	int rc;

	switch (d->notation) {
	case MAC:
		if (rte_ether_unformat_addr(w->now, &mac) != 0)
			return wrong(w, "aa:bb:cc:dd:ee:ff", "this is no MAC address", f);
		memcpy(at, &mac, sizeof(mac));
		return 0;
	case IP4:
		return inet_pton(AF_INET, w->now, at) == 1 ? 0 : wrong(w, "an IPv4 address", "this is no address", f);
	case IP6:
		return inet_pton(AF_INET6, w->now, at) == 1 ? 0 : wrong(w, "an IPv6 address", "this is no address", f);
	default:
		rc = number(w, (UINT64_C(1) << d->bits) - 1, &n, f);
		for (unsigned int i = d->bytes; rc == 0 && i-- > 0; n >>= 8)
			at[i] = (uint8_t)n;
		return rc;
	}
}

// The first n bits of a field.
static void prefix(const struct field *d, uint8_t *at, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		unsigned int bit = d->bytes * 8u - d->bits + i;

		at[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
}

// NAME is|spec|mask|prefix VALUE
static int field(struct words *w, const struct item_decl *d, struct flow_rule *r, unsigned int i, struct fault *f)
{
	const struct field *p = d->field;
	uint64_t bits;
	bool exact;
	int rc;

	while (p->name != NULL && !is(w, p->name))
		p++;
	if (p->name == NULL)
		return wrong(w, "a field of the item, or /", "the item has no such field", f);
	next(w);
	exact = is(w, "is");
	r->item[i].spec = r->spec[i];
	if (exact || is(w, "mask") || is(w, "prefix"))
		r->item[i].mask = r->mask[i];
	if (is(w, "prefix")) {
		next(w);
		rc = number(w, p->bits, &bits, f);
		if (rc == 0)
			prefix(p, r->mask[i] + p->offset, (unsigned int)bits);
	} else if (is(w, "mask")) {
		next(w);
		rc = value(w, p, r->mask[i] + p->offset, f);
	} else if (exact || is(w, "spec")) {
		next(w);
		rc = value(w, p, r->spec[i] + p->offset, f);
		if (exact)
			prefix(p, r->mask[i] + p->offset, p->bits);
	} else {
		rc = wrong(w, "is, spec, mask or prefix", "this is no way to compare", f);
	}
	next(w);
	return rc;
}

static void show(struct flow_rule *r, const char *name)
{
	size_t used = strlen(r->shown);

	snprintf(r->shown + used, sizeof(r->shown) - used, "%s%s", used ? " " : "", name);
	for (char *c = r->shown + used; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
}

static int pattern(struct words *w, struct flow_rule *r, struct fault *f)
{
	unsigned int n = 0;
	int rc = 0;

	while (rc == 0 && !is(w, "end")) {
		const struct item_decl *d = items;

		while (d < items + RTE_DIM(items) && !is(w, d->name))
			d++;
		if (d == items + RTE_DIM(items))
			return wrong(w, "eth, vlan, ipv4, ipv6, tcp, udp, void or end", "there is no such item", f);
		if (n == FLOW_ITEMS_MAX)
			return wrong(w, "at most 16 items", "one item too many", f);
		r->item[n].type = d->type;
		show(r, d->name);
		next(w);
		while (rc == 0 && *w->now != '\0' && !is(w, "/"))
			rc = field(w, d, r, n, f);
		if (rc == 0 && *w->now == '\0')
			return wrong(w, "/ and end", "the pattern has no end", f);
		next(w);
		n++;
	}
	r->item[n].type = RTE_FLOW_ITEM_TYPE_END;
	next(w);
	return rc;
}

static int action(struct words *w, struct flow_rule *r, unsigned int n, struct fault *f)
{
	const struct action_decl *d = actions;
	uint64_t v;
	int rc;

	while (d < actions + RTE_DIM(actions) && !is(w, d->name))
		d++;
	if (d == actions + RTE_DIM(actions))
		return wrong(w, "drop, passthru, flag, mark, queue, void or end", "there is no such action", f);
	r->action[n].type = d->type;
	show(r, d->name);
	next(w);
	if (d->parameter != NULL) {
		if (!is(w, d->parameter))
			return wrong(w, d->parameter, "the action lacks its parameter", f);
		next(w);
		rc = number(w, d->max, &v, f);
		if (rc < 0)
			return rc;
		if (d->type == RTE_FLOW_ACTION_TYPE_QUEUE)
			*(struct rte_flow_action_queue *)r->conf[n] = (struct rte_flow_action_queue){(uint16_t)v};
		else
			*(struct rte_flow_action_mark *)r->conf[n] = (struct rte_flow_action_mark){(uint32_t)v};
		r->action[n].conf = r->conf[n];
		next(w);
	}
	if (!is(w, "/"))
		return wrong(w, "/", "the action has no such parameter", f);
	next(w);
	return 0;
}

static int attributes(struct words *w, struct flow_rule *r, struct fault *f)
{
	uint64_t n;
	int rc = 0;

	for (; rc == 0 && !is(w, "pattern"); next(w)) {
		bool group = is(w, "group");

		if (is(w, "ingress"))
			r->attr.ingress = 1;
		else if (is(w, "egress"))
			r->attr.egress = 1;
		else if (is(w, "transfer"))
			r->attr.transfer = 1;
		else if (group || is(w, "priority")) {
			next(w);
			rc = number(w, UINT32_MAX, &n, f);
			*(group ? &r->attr.group : &r->attr.priority) = (uint32_t)n;
		} else {
			rc = wrong(w, "group N, priority N, ingress, egress, transfer or pattern", "no such word here",
				   f);
		}
	}
	return rc;
}

int flow_rule_parse(struct flow_rule *r, const char *text, struct fault *f)
{
	char copy[FLOW_RULE_LEN + 1];
	struct words w = {.rest = copy};
	unsigned int n;
	int rc;

	memset(r, 0, sizeof(*r));
	if (strlen(text) > FLOW_RULE_LEN)
		return fault_set(f, -EINVAL, "rule", NULL, "at most 1024 bytes", "the rule is too long");
	strcpy(copy, text);
	next(&w);
	rc = attributes(&w, r, f);
	if (rc < 0)
		return rc;
	next(&w);
	rc = pattern(&w, r, f);
	if (rc < 0)
		return rc;
	if (!is(&w, "actions"))
		return wrong(&w, "actions", "the pattern's end is not followed by actions", f);
	next(&w);
	show(r, "=>");
	for (n = 0; rc == 0 && !is(&w, "end"); n++)
		rc = n < FLOW_ACTIONS_MAX ? action(&w, r, n, f)
					  : wrong(&w, "at most 8 actions", "one action too many", f);
	if (rc < 0)
		return rc;
	r->action[n].type = RTE_FLOW_ACTION_TYPE_END;
	next(&w);
	return *w.now == '\0' ? 0 : wrong(&w, "nothing", "something follows the rule's end", f);
}
