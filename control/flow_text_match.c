/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <string.h>

#include "flow_text_priv.h"
#include "flow_value.h"

#define TYPE_IP4 0x0800
#define TYPE_ARP 0x0806
#define TYPE_RARP 0x8035
#define TYPE_IP6 0x86dd
#define TYPE_MPLS 0x8847
#define TYPE_MPLS_MC 0x8848
#define PROTO_ICMP4 1
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_ICMP6 58
#define PROTO_SCTP 132
#define VID_NONE 0xffff // of dl_vlan: no tag

// Words for an EtherType, or for it and a protocol.
static const struct {
	const char *word;
	uint16_t type;
	uint8_t proto; // 0: none
} protocols[] = {
	{"ip", TYPE_IP4, 0},           {"ipv6", TYPE_IP6, 0},           {"ip6", TYPE_IP6, 0},
	{"arp", TYPE_ARP, 0},          {"rarp", TYPE_RARP, 0},          {"mpls", TYPE_MPLS, 0},
	{"mplsm", TYPE_MPLS_MC, 0},    {"icmp", TYPE_IP4, PROTO_ICMP4}, {"tcp", TYPE_IP4, PROTO_TCP},
	{"udp", TYPE_IP4, PROTO_UDP},  {"sctp", TYPE_IP4, PROTO_SCTP},  {"icmp6", TYPE_IP6, PROTO_ICMP6},
	{"tcp6", TYPE_IP6, PROTO_TCP}, {"udp6", TYPE_IP6, PROTO_UDP},   {"sctp6", TYPE_IP6, PROTO_SCTP},
};

// Names of Open vSwitch that are not OpenFlow's; the first of a field is what is written.
static const struct {
	const char *name;
	enum flow_field field;
} names[] = {
	{"dl_dst", FLOW_FIELD_ETH_DST},         {"dl_src", FLOW_FIELD_ETH_SRC},
	{"dl_type", FLOW_FIELD_ETH_TYPE},       {"dl_vlan_pcp", FLOW_FIELD_VLAN_PCP},
	{"nw_ecn", FLOW_FIELD_IP_ECN},          {"nw_proto", FLOW_FIELD_IP_PROTO},
	{"nw_src", FLOW_FIELD_IPV4_SRC},        {"nw_dst", FLOW_FIELD_IPV4_DST},
	{"ip_src", FLOW_FIELD_IPV4_SRC},        {"ip_dst", FLOW_FIELD_IPV4_DST},
	{"icmp_type", FLOW_FIELD_ICMPV4_TYPE},  {"icmp_code", FLOW_FIELD_ICMPV4_CODE},
	{"ipv6_label", FLOW_FIELD_IPV6_FLABEL}, {"nd_target", FLOW_FIELD_IPV6_ND_TARGET},
	{"nd_sll", FLOW_FIELD_IPV6_ND_SLL},     {"nd_tll", FLOW_FIELD_IPV6_ND_TLL},
	{"tun_id", FLOW_FIELD_TUNNEL_ID},
};

int flow_text_field(const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i].name) == 0)
			return (int)names[i].field;
	return flow_match_field(name);
}

const char *flow_text_field_name(enum flow_field field)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (field == names[i].field)
			return names[i].name;
	return flow_field_info[field].name;
}

// --- reading ---------------------------------------------------------------------------------------------------------

static int field_put(struct flow_text_match *t, enum flow_field field, uint64_t value, uint64_t mask,
		     struct flow_error *e)
{
	const uint64_t bit = UINT64_C(1) << field;

	// "tcp,ip_proto=6" says the same twice.
	if ((t->given & bit) && (t->value[field].lo != value || t->mask[field].lo != mask))
		return flow_text_refuse(e, OFPBMC_DUP_FIELD, flow_field_info[field].name, NULL,
					"the field is there twice");
	t->given |= bit;
	t->value[field] = (struct flow_value){.lo = value};
	t->mask[field] = (struct flow_value){.lo = mask};
	return 0;
}

static int field_parse(struct flow_text_match *t, enum flow_field field, const char *value, struct flow_error *e)
{
	struct flow_value v, m;
	int rc;

	if (value == NULL || !flow_value_parse(field, value, &v, &m))
		return flow_text_refuse(e, OFPBMC_BAD_VALUE, value != NULL ? value : flow_field_info[field].name,
					flow_field_info[field].name, "no value of this field");
	rc = field_put(t, field, v.lo, m.lo, e);
	t->value[field].hi = v.hi;
	t->mask[field].hi = m.hi;
	return rc;
}

static int exact_put(struct flow_text_match *t, enum flow_field field, uint64_t value, struct flow_error *e)
{
	return field_put(t, field, value, flow_field_ones(field).lo, e);
}

// dl_vlan is the ID alone; 0xffff is no tag.
static int dl_vlan_parse(struct flow_text_match *t, const char *value, struct flow_error *e)
{
	uint64_t vid;

	if (value == NULL || !flow_number_parse(value, VID_NONE, &vid) || (vid > 0xfff && vid != VID_NONE))
		return flow_text_refuse(e, OFPBMC_BAD_VALUE, value != NULL ? value : "dl_vlan", "0..4095 or 0xffff",
					"this is no VLAN ID");
	return exact_put(t, FLOW_FIELD_VLAN_VID, vid == VID_NONE ? 0 : vid | FLOW_VLAN_PRESENT, e);
}

// vlan_tci is a tag's 16 bits, with the presence in the place of the CFI.
static int vlan_tci_parse(struct flow_text_match *t, const char *value, struct flow_error *e)
{
	char text[16] = "";
	uint64_t tci, mask = 0xffff;
	const size_t n = value != NULL ? strcspn(value, "/") : 0;
	int rc;

	if (n > 0 && n < sizeof(text))
		memcpy(text, value, n);
	if (!flow_number_parse(text, 0xffff, &tci) ||
	    (value[n] == '/' && !flow_number_parse(value + n + 1, 0xffff, &mask)) ||
	    ((mask >> 13) != 0 && (mask >> 13) != 7))
		return flow_text_refuse(e, OFPBMC_BAD_VALUE, value != NULL ? value : "vlan_tci",
					"TCI[/MASK], the PCP's bits all or none", "this is no VLAN tag");
	// Without a tag there is no priority.
	rc = field_put(t, FLOW_FIELD_VLAN_VID, tci & 0x1fff, mask & 0x1fff, e);
	if (rc == 0 && (mask >> 13) == 7 && (tci & mask & FLOW_VLAN_PRESENT) != 0)
		rc = exact_put(t, FLOW_FIELD_VLAN_PCP, tci >> 13, e);
	return rc;
}

// The six bits of DSCP in their place in the octet.
static int nw_tos_parse(struct flow_text_match *t, const char *value, struct flow_error *e)
{
	uint64_t tos;

	if (value == NULL || !flow_number_parse(value, 0xff, &tos) || (tos & 3) != 0)
		return flow_text_refuse(e, OFPBMC_BAD_VALUE, value != NULL ? value : "nw_tos",
					"0..252, a multiple of 4", "this is no type of service");
	return exact_put(t, FLOW_FIELD_IP_DSCP, tos >> 2, e);
}

static int protocol_word(struct flow_text_match *t, const char *key, struct flow_error *e)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		int rc;

		if (strcmp(key, protocols[i].word) != 0)
			continue;
		rc = exact_put(t, FLOW_FIELD_ETH_TYPE, protocols[i].type, e);
		if (rc == 0 && protocols[i].proto != 0)
			rc = exact_put(t, FLOW_FIELD_IP_PROTO, protocols[i].proto, e);
		return rc < 0 ? rc : 1;
	}
	return 0;
}

int flow_text_match_word(struct flow_text_match *t, const char *key, const char *value, struct flow_error *e)
{
	const struct {
		const char *key;
		const char **later;
	} later[] = {
		{"nw_src", &t->nw_src},       {"nw_dst", &t->nw_dst}, {"nw_proto", &t->nw_proto},
		{"tp_src", &t->tp_src},       {"tp_dst", &t->tp_dst}, {"icmp_type", &t->icmp_type},
		{"icmp_code", &t->icmp_code},
	};
	int field, rc;

	if (value == NULL)
		return protocol_word(t, key, e);
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		if (strcmp(key, later[i].key) != 0)
			continue;
		if (*later[i].later != NULL)
			return flow_text_refuse(e, OFPBMC_DUP_FIELD, key, NULL, "the field is there twice");
		*later[i].later = value;
		return 1;
	}
	field = flow_text_field(key);
	if (strcmp(key, "dl_vlan") == 0)
		rc = dl_vlan_parse(t, value, e);
	else if (strcmp(key, "vlan_tci") == 0)
		rc = vlan_tci_parse(t, value, e);
	else if (strcmp(key, "nw_tos") == 0)
		rc = nw_tos_parse(t, value, e);
	else if (field < 0)
		return 0;
	else
		rc = field_parse(t, (enum flow_field)field, value, e);
	return rc < 0 ? rc : 1;
}

static uint64_t exact_of(const struct flow_text_match *t, enum flow_field field)
{
	return t->given >> field & 1 ? t->value[field].lo : 0;
}

static int later_parse(struct flow_text_match *t, const char *value, enum flow_field field, struct flow_error *e)
{
	return value != NULL ? field_parse(t, field, value, e) : 0;
}

// The words whose field the protocol says.
static int later_end(struct flow_text_match *t, struct flow_error *e)
{
	const bool arp = exact_of(t, FLOW_FIELD_ETH_TYPE) == TYPE_ARP;
	const bool v6 = exact_of(t, FLOW_FIELD_ETH_TYPE) == TYPE_IP6;
	int rc = later_parse(t, t->nw_proto, arp ? FLOW_FIELD_ARP_OP : FLOW_FIELD_IP_PROTO, e);
	const uint64_t proto = exact_of(t, FLOW_FIELD_IP_PROTO);
	const enum flow_field src = proto == PROTO_UDP    ? FLOW_FIELD_UDP_SRC
				    : proto == PROTO_SCTP ? FLOW_FIELD_SCTP_SRC
							  : FLOW_FIELD_TCP_SRC;

	if (rc == 0)
		rc = later_parse(t, t->nw_src, arp ? FLOW_FIELD_ARP_SPA : FLOW_FIELD_IPV4_SRC, e);
	if (rc == 0)
		rc = later_parse(t, t->nw_dst, arp ? FLOW_FIELD_ARP_TPA : FLOW_FIELD_IPV4_DST, e);
	if (rc == 0)
		rc = later_parse(t, t->tp_src, src, e);
	if (rc == 0)
		rc = later_parse(t, t->tp_dst, src + 1, e);
	if (rc == 0)
		rc = later_parse(t, t->icmp_type, v6 ? FLOW_FIELD_ICMPV6_TYPE : FLOW_FIELD_ICMPV4_TYPE, e);
	if (rc == 0)
		rc = later_parse(t, t->icmp_code, v6 ? FLOW_FIELD_ICMPV6_CODE : FLOW_FIELD_ICMPV4_CODE, e);
	return rc;
}

int flow_text_match_end(struct flow_text_match *t, struct flow_match *m, struct flow_error *e)
{
	int rc = later_end(t, e);

	// A priority alone asks for a tag.
	if (rc == 0 && (t->given >> FLOW_FIELD_VLAN_PCP & 1) && !(t->given >> FLOW_FIELD_VLAN_VID & 1))
		rc = field_put(t, FLOW_FIELD_VLAN_VID, FLOW_VLAN_PRESENT, FLOW_VLAN_PRESENT, e);
	*m = (struct flow_match){.given = 0};
	for (uint64_t left = t->given; rc == 0 && left != 0; left &= left - 1) {
		const enum flow_field f = (enum flow_field)__builtin_ctzll(left);
		struct flow_value v = {.hi = t->value[f].hi & t->mask[f].hi, .lo = t->value[f].lo & t->mask[f].lo};

		// What the mask leaves out may be written, as in 10.1.2.3/8.
		rc = flow_match_add(m, f, v, &t->mask[f], e);
	}
	return rc;
}

// --- writing ---------------------------------------------------------------------------------------------------------

static void vlan_print(FILE *out, const struct flow_match *m, uint64_t *fields)
{
	const uint64_t vid = flow_key_get(&m->key, FLOW_FIELD_VLAN_VID).lo,
		       mask = flow_key_get(&m->mask, FLOW_FIELD_VLAN_VID).lo;
	const bool pcp = (*fields >> FLOW_FIELD_VLAN_PCP & 1) != 0;
	const uint64_t priority = pcp ? flow_key_get(&m->key, FLOW_FIELD_VLAN_PCP).lo : 0;

	*fields &= ~(UINT64_C(1) << FLOW_FIELD_VLAN_VID | UINT64_C(1) << FLOW_FIELD_VLAN_PCP);
	if (mask == 0)
		return;
	if (mask == 0x1fff && (vid & FLOW_VLAN_PRESENT) != 0)
		fprintf(out, "dl_vlan=%" PRIu64 ",", vid & 0xfff);
	else if (!pcp || mask != FLOW_VLAN_PRESENT || vid != FLOW_VLAN_PRESENT)
		fprintf(out, "vlan_tci=0x%04" PRIx64 "/0x%04" PRIx64 ",", vid, mask);
	if (pcp)
		fprintf(out, "dl_vlan_pcp=%" PRIu64 ",", priority);
}

// The word for the EtherType and perhaps the protocol, which need not be written then.
static void protocol_print(FILE *out, const struct flow_match *m, uint64_t *fields)
{
	const uint64_t type = flow_key_get(&m->key, FLOW_FIELD_ETH_TYPE).lo,
		       proto = flow_key_get(&m->key, FLOW_FIELD_IP_PROTO).lo;
	const bool has_proto = (*fields >> FLOW_FIELD_IP_PROTO & 1) != 0;
	size_t found = sizeof(protocols) / sizeof(protocols[0]);

	if (!(*fields >> FLOW_FIELD_ETH_TYPE & 1))
		return;
	for (size_t i = sizeof(protocols) / sizeof(protocols[0]); i-- > 0;)
		if (protocols[i].type == type && protocols[i].proto == 0)
			found = i;
	for (size_t i = 0; has_proto && i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (protocols[i].type == type && protocols[i].proto != 0 && protocols[i].proto == proto)
			found = i;
	if (found == sizeof(protocols) / sizeof(protocols[0]))
		return;
	fprintf(out, "%s,", protocols[found].word);
	*fields &= ~(UINT64_C(1) << FLOW_FIELD_ETH_TYPE);
	if (protocols[found].proto != 0)
		*fields &= ~(UINT64_C(1) << FLOW_FIELD_IP_PROTO);
}

static void field_print(FILE *out, const struct flow_match *m, enum flow_field field)
{
	const struct flow_value v = flow_key_get(&m->key, field);

	switch (field) {
	case FLOW_FIELD_IP_DSCP:
		fprintf(out, "nw_tos=%" PRIu64 ",", v.lo << 2);
		return;
	case FLOW_FIELD_TCP_SRC:
	case FLOW_FIELD_UDP_SRC:
	case FLOW_FIELD_SCTP_SRC:
		fprintf(out, "tp_src=%" PRIu64 ",", v.lo);
		return;
	case FLOW_FIELD_TCP_DST:
	case FLOW_FIELD_UDP_DST:
	case FLOW_FIELD_SCTP_DST:
		fprintf(out, "tp_dst=%" PRIu64 ",", v.lo);
		return;
	case FLOW_FIELD_ICMPV6_TYPE:
		fprintf(out, "icmp_type=%" PRIu64 ",", v.lo);
		return;
	case FLOW_FIELD_ICMPV6_CODE:
		fprintf(out, "icmp_code=%" PRIu64 ",", v.lo);
		return;
	default:
		fprintf(out, "%s=", flow_text_field_name(field));
		flow_value_print(out, field, v, flow_key_get(&m->mask, field));
		fputc(',', out);
	}
}

void flow_text_match_print(FILE *out, const struct flow_match *m)
{
	static const enum flow_field first[] = {FLOW_FIELD_TUNNEL_ID, FLOW_FIELD_METADATA, FLOW_FIELD_IN_PORT,
						FLOW_FIELD_IN_PHY_PORT};
	uint64_t fields = flow_key_fields(&m->key, &m->mask);

	protocol_print(out, m, &fields);
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		if (fields >> first[i] & 1) {
			field_print(out, m, first[i]);
			fields &= ~(UINT64_C(1) << first[i]);
		}
	vlan_print(out, m, &fields);
	for (; fields != 0; fields &= fields - 1)
		field_print(out, m, (enum flow_field)__builtin_ctzll(fields));
}
