/* SPDX-License-Identifier: BSD-3-Clause */
// What flow rules match on: the header fields of OpenFlow 1.3.5 in fixed places of sixteen 64-bit words.
//
// Purpose: one form of a packet's headers, of a rule's match and of its mask, which classifier, codec, text syntax and
// JSON share; and the parser that makes a key of a frame.
//
// Design: words 0..7, one cache line and one AVX-512 vector, hold what most rules ask for. Fields that never are in one
// packet together share a place (ports, ICMP type and code, ARP operation, MPLS label; IPv4, IPv6 and ARP addresses).
// So that a rule cannot mistake one for another, or for a header that was cut off, word 1 has presence bits
// (FLOW_HAS_*), which the parser sets with the header and flow_key_set() demands with each field. Numbers are in host
// order, a MAC address is the 48-bit number that it reads as, 128-bit fields have their upper half in the first word.
// A mask is a flow_key whose set bits count. Spare bits are 0 in keys and masks.
//
// In_port, eth_type and VLAN follow the specification: eth_type is that behind all VLAN tags, vlan_vid and vlan_pcp are
// of the outermost, and what lies behind an MPLS or PBB header is not looked at.
//
// Threads: pure functions.
// Source: OpenFlow Switch Specification 1.3.5, 7.2.3.
#ifndef FLOW_KEY_H
#define FLOW_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>

#define FLOW_KEY_WORDS 16
#define FLOW_KEY_USED 14 // words 14 and 15 are spare

#define FLOW_VLAN_PRESENT 0x1000u // OFPVID_PRESENT, a bit of vlan_vid
#define FLOW_TYPE_NONE 0x05ffu    // eth_type of frames that have no EtherType: IEEE 802.3 length, no SNAP

// Bits of word 1: which headers were there in full.
#define FLOW_HAS_L3 0x1u    // IPv4, IPv6, ARP, MPLS or PBB, by eth_type
#define FLOW_HAS_L4 0x2u    // TCP, UDP, SCTP, ICMP or ICMPv6, by ip_proto; not in later fragments
#define FLOW_HAS_ND 0x4u    // neighbour solicitation or advertisement, with a target
#define FLOW_HAS_ND_LL 0x8u // and with the option of a link layer address that its type has

// Bits of ipv6_exthdr (enum ofp_ipv6exthdr_flags).
#define FLOW_EXTHDR_NONEXT 0x001u
#define FLOW_EXTHDR_ESP 0x002u
#define FLOW_EXTHDR_AUTH 0x004u
#define FLOW_EXTHDR_DEST 0x008u
#define FLOW_EXTHDR_FRAG 0x010u
#define FLOW_EXTHDR_ROUTER 0x020u
#define FLOW_EXTHDR_HOP 0x040u
#define FLOW_EXTHDR_UNREP 0x080u
#define FLOW_EXTHDR_UNSEQ 0x100u

struct flow_key {
	uint64_t word[FLOW_KEY_WORDS];
} __rte_cache_aligned;

// What a match must say before it may speak of a field.
enum flow_prereq {
	FLOW_PRE_NONE,
	FLOW_PRE_IN_PORT, // in_port
	FLOW_PRE_VLAN,    // vlan_vid with FLOW_VLAN_PRESENT
	FLOW_PRE_IP,      // eth_type 0x0800 or 0x86dd
	FLOW_PRE_IP4,     // eth_type 0x0800
	FLOW_PRE_IP6,     // eth_type 0x86dd
	FLOW_PRE_ARP,     // eth_type 0x0806
	FLOW_PRE_MPLS,    // eth_type 0x8847 or 0x8848
	FLOW_PRE_PBB,     // eth_type 0x88e7
	FLOW_PRE_TCP,     // ip_proto 6, and what that asks for
	FLOW_PRE_UDP,     // ip_proto 17
	FLOW_PRE_SCTP,    // ip_proto 132
	FLOW_PRE_ICMP4,   // eth_type 0x0800, ip_proto 1
	FLOW_PRE_ICMP6,   // eth_type 0x86dd, ip_proto 58
	FLOW_PRE_ND,      // icmpv6_type 135 or 136
	FLOW_PRE_ND_SLL,  // icmpv6_type 135
	FLOW_PRE_ND_TLL,  // icmpv6_type 136
};

// X(OXM field of class 0x8000, NAME, name, word, shift of its lowest bit, bits, bytes of its OXM value, maskable,
//   prerequisite, presence). In the order of the OXM numbers, which are 0..39 without a gap. A field of 128 bits
// goes on in word + 1.
// clang-format off
#define FLOW_FIELDS(X) \
	X( 0, IN_PORT,        "in_port",         0, 32,  32,  4, false, NONE,    0) \
	X( 1, IN_PHY_PORT,    "in_phy_port",    10, 32,  32,  4, false, IN_PORT, 0) \
	X( 2, METADATA,       "metadata",        8,  0,  64,  8, true,  NONE,    0) \
	X( 3, ETH_DST,        "eth_dst",         4,  0,  48,  6, true,  NONE,    0) \
	X( 4, ETH_SRC,        "eth_src",         5,  0,  48,  6, true,  NONE,    0) \
	X( 5, ETH_TYPE,       "eth_type",        0, 16,  16,  2, false, NONE,    0) \
	X( 6, VLAN_VID,       "vlan_vid",        0,  0,  13,  2, true,  NONE,    0) \
	X( 7, VLAN_PCP,       "vlan_pcp",        0, 13,   3,  1, false, VLAN,    0) \
	X( 8, IP_DSCP,        "ip_dscp",         1, 18,   6,  1, false, IP,      FLOW_HAS_L3) \
	X( 9, IP_ECN,         "ip_ecn",          1, 16,   2,  1, false, IP,      FLOW_HAS_L3) \
	X(10, IP_PROTO,       "ip_proto",        1, 24,   8,  1, false, IP,      FLOW_HAS_L3) \
	X(11, IPV4_SRC,       "ipv4_src",        2, 32,  32,  4, true,  IP4,     FLOW_HAS_L3) \
	X(12, IPV4_DST,       "ipv4_dst",        2,  0,  32,  4, true,  IP4,     FLOW_HAS_L3) \
	X(13, TCP_SRC,        "tcp_src",         1, 48,  16,  2, false, TCP,     FLOW_HAS_L4) \
	X(14, TCP_DST,        "tcp_dst",         1, 32,  16,  2, false, TCP,     FLOW_HAS_L4) \
	X(15, UDP_SRC,        "udp_src",         1, 48,  16,  2, false, UDP,     FLOW_HAS_L4) \
	X(16, UDP_DST,        "udp_dst",         1, 32,  16,  2, false, UDP,     FLOW_HAS_L4) \
	X(17, SCTP_SRC,       "sctp_src",        1, 48,  16,  2, false, SCTP,    FLOW_HAS_L4) \
	X(18, SCTP_DST,       "sctp_dst",        1, 32,  16,  2, false, SCTP,    FLOW_HAS_L4) \
	X(19, ICMPV4_TYPE,    "icmpv4_type",     1, 48,   8,  1, false, ICMP4,   FLOW_HAS_L4) \
	X(20, ICMPV4_CODE,    "icmpv4_code",     1, 32,   8,  1, false, ICMP4,   FLOW_HAS_L4) \
	X(21, ARP_OP,         "arp_op",          1, 48,  16,  2, false, ARP,     FLOW_HAS_L3) \
	X(22, ARP_SPA,        "arp_spa",         2, 32,  32,  4, true,  ARP,     FLOW_HAS_L3) \
	X(23, ARP_TPA,        "arp_tpa",         2,  0,  32,  4, true,  ARP,     FLOW_HAS_L3) \
	X(24, ARP_SHA,        "arp_sha",         3,  0,  48,  6, true,  ARP,     FLOW_HAS_L3) \
	X(25, ARP_THA,        "arp_tha",         6,  0,  48,  6, true,  ARP,     FLOW_HAS_L3) \
	X(26, IPV6_SRC,       "ipv6_src",        6,  0, 128, 16, true,  IP6,     FLOW_HAS_L3) \
	X(27, IPV6_DST,       "ipv6_dst",        2,  0, 128, 16, true,  IP6,     FLOW_HAS_L3) \
	X(28, IPV6_FLABEL,    "ipv6_flabel",    10,  0,  20,  4, true,  IP6,     FLOW_HAS_L3) \
	X(29, ICMPV6_TYPE,    "icmpv6_type",     1, 48,   8,  1, false, ICMP6,   FLOW_HAS_L4) \
	X(30, ICMPV6_CODE,    "icmpv6_code",     1, 32,   8,  1, false, ICMP6,   FLOW_HAS_L4) \
	X(31, IPV6_ND_TARGET, "ipv6_nd_target", 11,  0, 128, 16, false, ND,      FLOW_HAS_ND) \
	X(32, IPV6_ND_SLL,    "ipv6_nd_sll",    13,  0,  48,  6, false, ND_SLL,  FLOW_HAS_ND_LL) \
	X(33, IPV6_ND_TLL,    "ipv6_nd_tll",    13,  0,  48,  6, false, ND_TLL,  FLOW_HAS_ND_LL) \
	X(34, MPLS_LABEL,     "mpls_label",      1, 44,  20,  4, false, MPLS,    FLOW_HAS_L3) \
	X(35, MPLS_TC,        "mpls_tc",         1, 41,   3,  1, false, MPLS,    FLOW_HAS_L3) \
	X(36, MPLS_BOS,       "mpls_bos",        1, 40,   1,  1, false, MPLS,    FLOW_HAS_L3) \
	X(37, PBB_ISID,       "pbb_isid",        2,  0,  24,  3, true,  PBB,     FLOW_HAS_L3) \
	X(38, TUNNEL_ID,      "tunnel_id",       9,  0,  64,  8, true,  NONE,    0) \
	X(39, IPV6_EXTHDR,    "ipv6_exthdr",     1,  7,   9,  2, true,  IP6,     FLOW_HAS_L3)
// clang-format on

enum flow_field {
#define X(oxm, NAME, ...) FLOW_FIELD_##NAME = (oxm),
	FLOW_FIELDS(X)
#undef X
		FLOW_FIELD_COUNT
};

struct flow_field_info {
	const char *name;     // OXM's, in lower case
	uint8_t word;         // of the key; of the upper half if bits is 128
	uint8_t shift;        // of the lowest bit in that word
	uint8_t bits;         // 1..64 or 128
	uint8_t bytes;        // of an OXM value, without a mask
	bool maskable;        // arbitrary masks are allowed by the standard
	enum flow_prereq pre; // what a match must have besides
	uint8_t has;          // FLOW_HAS_* of the header that it is in
};

extern const struct flow_field_info flow_field_info[FLOW_FIELD_COUNT];

// A field's value or mask: of up to 64 bits in lo.
struct flow_value {
	uint64_t hi, lo;
};

// All bits of a field set: the mask of an exact match.
struct flow_value flow_field_ones(enum flow_field field);

// The field in a key or mask, as a number. Fields that share a place are told apart by flow_key_fields() alone.
struct flow_value flow_key_get(const struct flow_key *key, enum flow_field field);

// Writes a field of a packet's key or of a rewritten match; mask may be NULL. With a mask, key is a match: its field
// becomes value & value_mask, and the presence of the header is demanded if value_mask is not 0. Bits beyond the
// field's width are ignored.
void flow_key_set(struct flow_key *key, struct flow_key *mask, enum flow_field field, struct flow_value value,
		  struct flow_value value_mask);

// Whether the match says all that it must before it may speak of the field. The order of OXMs in a message is the
// codec's to check.
bool flow_key_prereq_ok(const struct flow_key *key, const struct flow_key *mask, enum flow_field field);

// The fields of a match, bit i for field i: those whose mask is not 0 and whose prerequisite holds. Exact for a match
// made by flow_key_set() of fields whose prerequisites were set.
uint64_t flow_key_fields(const struct flow_key *key, const struct flow_key *mask);

// Bit i: word i of the mask has a bit set.
static inline uint32_t flow_key_words(const struct flow_key *mask)
{
	uint32_t words = 0;

	for (uint32_t i = 0; i < FLOW_KEY_WORDS; i++)
		words |= (uint32_t)(mask->word[i] != 0) << i;
	return words;
}

// Whether a and b are equal where the mask is set; words: flow_key_words(mask).
static inline bool flow_key_equal(const struct flow_key *a, const struct flow_key *b, const struct flow_key *mask,
				  uint32_t words)
{
	uint64_t differ = 0;

	for (; words != 0; words &= words - 1) {
		const uint32_t i = (uint32_t)__builtin_ctz(words);

		differ |= (a->word[i] ^ b->word[i]) & mask->word[i];
	}
	return differ == 0;
}

// Where the layers of a frame begin, for who changes it.
struct flow_layers {
	uint16_t l3;      // behind the last EtherType: the first MPLS label, the I-TAG, the IP or ARP header
	uint16_t l4;      // TCP, UDP, SCTP, ICMP: the header, there in full (FLOW_HAS_L4); else 0
	uint16_t end;     // of the IP packet, as its header and len say; len for all else
	uint8_t tags;     // VLAN tags, from byte 12 on
	uint8_t ip_proto; // as in the key
	bool fragment;    // of an IP packet, the first or a later one
};

#define FLOW_TAGS_MAX 8 // VLAN tags that are looked behind; with more of them, eth_type is the next tag's

// Parses a frame, from its Ethernet header on; bytes from len on are never read. in_port is also in_phy_port. metadata
// and tunnel_id become 0; the caller sets them. A header that is cut off or contradicts itself is not there: its fields
// are 0 and have no FLOW_HAS_*. len: bytes in one piece, 0 or more. Cost: 10 ns for TCP, UDP and SCTP over IPv4, 20 to
// 100 ns else.
void flow_key_extract(const uint8_t *data, uint32_t len, uint32_t in_port, struct flow_key *key,
		      struct flow_layers *layers);

// The same without the short way that most packets take.
void flow_key_parse(const uint8_t *data, uint32_t len, uint32_t in_port, struct flow_key *key,
		    struct flow_layers *layers);

#endif
