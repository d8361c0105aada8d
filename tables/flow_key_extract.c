/* SPDX-License-Identifier: BSD-3-Clause */
// The parser of frames. All that is read lies below p->end, which is checked before.
#include "flow_window.h"

#include <rte_byteorder.h>

#define STEPS_MAX 16 // extension headers, and options of neighbour discovery, that are looked at

struct parser {
	const uint8_t *data;
	uint32_t at, end; // what is left to look at
	struct flow_key *key;
	struct flow_layers *layers;
};

static bool has(const struct parser *p, uint32_t bytes)
{
	return p->end - p->at >= bytes;
}

static uint64_t be16(const uint8_t *b)
{
	uint16_t v;

	memcpy(&v, b, sizeof(v));
	return rte_be_to_cpu_16(v);
}

static uint64_t be32(const uint8_t *b)
{
	uint32_t v;

	memcpy(&v, b, sizeof(v));
	return rte_be_to_cpu_32(v);
}

static uint64_t be64(const uint8_t *b)
{
	uint64_t v;

	memcpy(&v, b, sizeof(v));
	return rte_be_to_cpu_64(v);
}

static uint64_t be48(const uint8_t *b)
{
	return be32(b) << 16 | be16(b + 4);
}

// Neighbour discovery: p->at is behind type, code and checksum. Source: RFC 4861, 4.3, 4.4, 4.6.
static void parse_nd(struct parser *p, uint8_t type)
{
	const uint8_t option = type == 135 ? 1 : 2; // source or target link layer address

	if (!has(p, 20))
		return;
	p->key->word[11] = be64(p->data + p->at + 4);
	p->key->word[12] = be64(p->data + p->at + 12);
	p->key->word[1] |= FLOW_HAS_ND;
	p->at += 20;
	for (uint32_t i = 0; i < STEPS_MAX && has(p, 8); i++) {
		const uint8_t *const o = p->data + p->at;

		if (o[0] == option && o[1] == 1) {
			p->key->word[13] = be48(o + 2);
			p->key->word[1] |= FLOW_HAS_ND_LL;
			return;
		}
		if (o[1] == 0 || !has(p, o[1] * 8u))
			return;
		p->at += o[1] * 8u;
	}
}

// Bytes of the header that has the ports, type and code, and the checksum.
static uint32_t l4_bytes(uint8_t proto, bool ip6)
{
	switch (proto) {
	case 6:
		return 20;
	case 17:
		return 8;
	case 132:
		return 12;
	case 1:
		return ip6 ? 0 : 8;
	case 58:
		return ip6 ? 4 : 0;
	default:
		return 0;
	}
}

static void parse_l4(struct parser *p, uint8_t proto, bool ip6)
{
	const uint32_t bytes = l4_bytes(proto, ip6);
	const uint8_t *const h = p->data + p->at;

	if (bytes == 0 || !has(p, bytes))
		return;
	p->layers->l4 = (uint16_t)p->at;
	p->key->word[1] |= FLOW_HAS_L4;
	if (proto != 1 && proto != 58) {
		p->key->word[1] |= be32(h) << 32;
		return;
	}
	p->key->word[1] |= (uint64_t)h[0] << 48 | (uint64_t)h[1] << 32;
	if (proto == 58 && (h[0] == 135 || h[0] == 136) && h[1] == 0) {
		p->at += 4;
		parse_nd(p, h[0]);
	}
}

// Ethernet pads short frames: what lies behind the IP packet is no part of it.
static void end_at(struct parser *p, uint64_t end)
{
	if (end < p->end)
		p->end = (uint32_t)end;
	p->layers->end = (uint16_t)p->end;
}

static void parse_ip4(struct parser *p)
{
	const uint8_t *const h = p->data + p->at;
	uint32_t header;

	if (!has(p, 20))
		return;
	header = (h[0] & 0xfu) * 4;
	if (h[0] >> 4 != 4 || header < 20 || !has(p, header) || be16(h + 2) < header)
		return;
	p->key->word[1] |= FLOW_HAS_L3 | (uint64_t)h[9] << 24 | (uint64_t)h[1] << 16;
	p->key->word[2] = be64(h + 12);
	p->layers->ip_proto = h[9];
	p->layers->fragment = (be16(h + 6) & 0x3fff) != 0;
	end_at(p, p->at + be16(h + 2));
	p->at += header;
	if ((be16(h + 6) & 0x1fff) == 0)
		parse_l4(p, h[9], false);
}

// Extension headers in the order that RFC 2460, 4.1, recommends; what comes later has a higher number.
struct exthdrs {
	uint32_t seen;  // FLOW_EXTHDR_*
	uint32_t place; // of the last one
	uint32_t dests; // destination options so far
};

static void exthdr(struct exthdrs *e, uint32_t flag, uint32_t place)
{
	bool again = (e->seen & flag) != 0;

	if (flag == FLOW_EXTHDR_DEST) {
		// One is for the hosts on the way, before the routing header; the other for the last one, at the end.
		again = ++e->dests > 2;
		if (e->place >= place)
			place = 7;
	}
	if (again)
		e->seen |= FLOW_EXTHDR_UNREP;
	if (place < e->place)
		e->seen |= FLOW_EXTHDR_UNSEQ;
	e->seen |= flag;
	e->place = RTE_MAX(e->place, place);
}

// Steps over one extension header of `bytes`, if it is there in full.
static bool step(struct parser *p, uint32_t bytes, uint8_t *next)
{
	if (!has(p, bytes))
		return false;
	*next = p->data[p->at];
	p->at += bytes;
	return true;
}

// Walks over the extension headers. Returns whether an L4 header may follow, of *proto.
static bool parse_exthdrs(struct parser *p, uint8_t *proto, struct exthdrs *e)
{
	for (uint32_t i = 0; i < STEPS_MAX; i++) {
		const uint8_t *const h = p->data + p->at;
		const uint32_t units = has(p, 8) ? h[1] : 0;

		switch (*proto) {
		case 0:
			exthdr(e, FLOW_EXTHDR_HOP, 1);
			break;
		case 60:
			exthdr(e, FLOW_EXTHDR_DEST, 2);
			break;
		case 43:
			exthdr(e, FLOW_EXTHDR_ROUTER, 3);
			break;
		case 44:
			exthdr(e, FLOW_EXTHDR_FRAG, 4);
			if (!has(p, 8))
				return false;
			p->layers->fragment |= (be16(h + 2) & 0xfff9) != 0;
			if (!step(p, 8, proto) || (be16(h + 2) & 0xfff8) != 0)
				return false;
			continue;
		case 51:
			exthdr(e, FLOW_EXTHDR_AUTH, 5);
			if (!has(p, 8) || !step(p, (units + 2) * 4, proto))
				return false;
			continue;
		case 50:
			exthdr(e, FLOW_EXTHDR_ESP, 6);
			return false;
		case 59:
			e->seen |= FLOW_EXTHDR_NONEXT;
			return false;
		default:
			return true;
		}
		if (!has(p, 8) || !step(p, (units + 1) * 8, proto))
			return false;
	}
	return false;
}

static void parse_ip6(struct parser *p)
{
	const uint8_t *const h = p->data + p->at;
	struct exthdrs e = {0};
	uint8_t proto;

	if (!has(p, 40) || h[0] >> 4 != 6)
		return;
	p->key->word[2] = be64(h + 24);
	p->key->word[3] = be64(h + 32);
	p->key->word[6] = be64(h + 8);
	p->key->word[7] = be64(h + 16);
	p->key->word[10] |= be32(h) & 0xfffff;
	// A jumbogram says 0; no port takes one.
	end_at(p, p->at + 40 + be16(h + 4));
	p->at += 40;
	proto = h[6];
	const bool whole = parse_exthdrs(p, &proto, &e);

	p->layers->ip_proto = proto;
	p->key->word[1] |= FLOW_HAS_L3 | (uint64_t)e.seen << 7 | (be32(h) >> 20 & 0xff) << 16 | (uint64_t)proto << 24;
	if (whole)
		parse_l4(p, proto, true);
}

static void parse_arp(struct parser *p)
{
	const uint8_t *const h = p->data + p->at;

	// Ethernet and IPv4 addresses.
	if (!has(p, 28) || be64(h) >> 16 != UINT64_C(0x000108000604))
		return;
	p->key->word[1] |= FLOW_HAS_L3 | be16(h + 6) << 48;
	p->key->word[2] = be32(h + 14) << 32 | be32(h + 24);
	p->key->word[3] = be48(h + 8);
	p->key->word[6] = be48(h + 18);
}

// Steps over VLAN tags; p->at is at an EtherType, and behind it afterwards. Returns eth_type.
static uint64_t parse_type(struct parser *p)
{
	uint64_t type = be16(p->data + p->at);

	while ((type == 0x8100 || type == 0x88a8) && p->layers->tags < FLOW_TAGS_MAX && has(p, 6)) {
		if (p->layers->tags++ == 0) {
			const uint64_t tci = be16(p->data + p->at + 2);

			p->key->word[0] |= (tci & 0xe000) | FLOW_VLAN_PRESENT | (tci & 0xfff);
		}
		p->at += 4;
		type = be16(p->data + p->at);
	}
	p->at += 2;
	if (type >= 0x600)
		return type;
	// A length: only SNAP with the OUI of Ethernet has an EtherType.
	if (!has(p, 8) || be64(p->data + p->at) >> 16 != UINT64_C(0xaaaa03000000) || be16(p->data + p->at + 6) < 0x600)
		return FLOW_TYPE_NONE;
	type = be16(p->data + p->at + 6);
	p->at += 8;
	return type;
}

void flow_key_parse(const uint8_t *data, uint32_t len, uint32_t in_port, struct flow_key *key,
		    struct flow_layers *layers)
{
	// Offsets have 16 bits; no frame is that long.
	struct parser p = {.data = data, .end = RTE_MIN(len, (uint32_t)UINT16_MAX), .key = key, .layers = layers};
	uint64_t type;

	*key = (struct flow_key){.word = {[0] = (uint64_t)in_port << 32, [10] = (uint64_t)in_port << 32}};
	*layers = (struct flow_layers){.end = (uint16_t)p.end};
	if (!has(&p, 14))
		return;
	key->word[4] = be48(data);
	key->word[5] = be48(data + 6);
	p.at = 12;
	type = parse_type(&p);
	key->word[0] |= type << 16;
	layers->l3 = (uint16_t)p.at;
	switch (type) {
	case 0x0800:
		parse_ip4(&p);
		break;
	case 0x86dd:
		parse_ip6(&p);
		break;
	case 0x0806:
		parse_arp(&p);
		break;
	case 0x8847:
	case 0x8848:
		if (has(&p, 4))
			key->word[1] |= FLOW_HAS_L3 | (be32(data + p.at) >> 8) << 40;
		break;
	case 0x88e7:
		if (has(&p, 4)) {
			key->word[1] |= FLOW_HAS_L3;
			key->word[2] = be32(data + p.at) & 0xffffff;
		}
		break;
	default:
		break;
	}
}

// The way of most packets, written out: its headers are in fixed places, and flow_shape() has checked all that is to be
// checked.
void flow_key_extract(const uint8_t *data, uint32_t len, uint32_t in_port, struct flow_key *key,
		      struct flow_layers *layers)
{
	if (flow_shape(data, len) != FLOW_CLASS_IP4_PORTS) {
		flow_key_parse(data, len, in_port, key, layers);
		return;
	}

	const uint8_t proto = data[23];
	const uint32_t end = 14 + (uint32_t)be16(data + 16);

	*key = (struct flow_key){.word = {[0] = (uint64_t)in_port << 32 | 0x0800 << 16,
					  [1] = FLOW_HAS_L3 | FLOW_HAS_L4 | (uint64_t)proto << 24 |
						(uint64_t)data[15] << 16 | be32(data + 34) << 32,
					  [2] = be64(data + 26),
					  [4] = be64(data) >> 16,
					  [5] = be64(data + 6) >> 16,
					  [10] = (uint64_t)in_port << 32}};
	*layers = (struct flow_layers){.l3 = 14,
				       .l4 = 34,
				       .end = (uint16_t)RTE_MIN(end, RTE_MIN(len, (uint32_t)UINT16_MAX)),
				       .ip_proto = proto};
}
