/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX 100 // bytes of a value or mask

enum kind { KIND_DEC, KIND_HEX, KIND_MAC, KIND_IP4, KIND_IP6, KIND_PORT };

static enum kind kind_of(enum flow_field field)
{
	switch (field) {
	case FLOW_FIELD_IN_PORT:
	case FLOW_FIELD_IN_PHY_PORT:
		return KIND_PORT;
	case FLOW_FIELD_ETH_DST:
	case FLOW_FIELD_ETH_SRC:
	case FLOW_FIELD_ARP_SHA:
	case FLOW_FIELD_ARP_THA:
	case FLOW_FIELD_IPV6_ND_SLL:
	case FLOW_FIELD_IPV6_ND_TLL:
		return KIND_MAC;
	case FLOW_FIELD_IPV4_SRC:
	case FLOW_FIELD_IPV4_DST:
	case FLOW_FIELD_ARP_SPA:
	case FLOW_FIELD_ARP_TPA:
		return KIND_IP4;
	case FLOW_FIELD_IPV6_SRC:
	case FLOW_FIELD_IPV6_DST:
	case FLOW_FIELD_IPV6_ND_TARGET:
		return KIND_IP6;
	case FLOW_FIELD_METADATA:
	case FLOW_FIELD_TUNNEL_ID:
	case FLOW_FIELD_ETH_TYPE:
	case FLOW_FIELD_IPV6_FLABEL:
	case FLOW_FIELD_PBB_ISID:
	case FLOW_FIELD_IPV6_EXTHDR:
		return KIND_HEX;
	default:
		return KIND_DEC;
	}
}

// --- numbers and ports -----------------------------------------------------------------------------------------------

bool flow_number_parse(const char *text, uint64_t max, uint64_t *out)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*out = strtoull(text, &end, text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10);
	return errno == 0 && *end == '\0' && *out <= max;
}

static const struct {
	uint32_t port;
	const char *name;
} port_names[] = {
	{FLOW_PORT_IN_PORT, "IN_PORT"}, {FLOW_PORT_TABLE, "TABLE"}, {FLOW_PORT_NORMAL, "NORMAL"},
	{FLOW_PORT_FLOOD, "FLOOD"},     {FLOW_PORT_ALL, "ALL"},     {FLOW_PORT_CONTROLLER, "CONTROLLER"},
	{FLOW_PORT_LOCAL, "LOCAL"},     {FLOW_PORT_ANY, "ANY"},
};

static struct {
	flow_port_name_fn fn; // NULL: no other port has a name
	const void *arg;
} named;

void flow_port_names(flow_port_name_fn fn, const void *arg)
{
	named.fn = fn;
	named.arg = arg;
}

static bool named_parse(const char *text, uint32_t *port)
{
	const size_t len = strlen(text);
	const bool quoted = len >= 2 && text[0] == '"' && text[len - 1] == '"';
	char name[64];

	if (named.fn == NULL || len >= sizeof(name))
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(quoted ? len - 2 : len), quoted ? text + 1 : text);
	return named.fn(named.arg, name, port);
}

bool flow_port_parse(const char *text, uint32_t *port)
{
	uint64_t number;

	for (size_t i = 0; i < sizeof(port_names) / sizeof(port_names[0]); i++)
		if (strcasecmp(text, port_names[i].name) == 0) {
			*port = port_names[i].port;
			return true;
		}
	if (!flow_number_parse(text, UINT32_MAX, &number))
		return named_parse(text, port);
	*port = (uint32_t)number;
	return true;
}

void flow_port_print(FILE *out, uint32_t port)
{
	for (size_t i = 0; i < sizeof(port_names) / sizeof(port_names[0]); i++)
		if (port == port_names[i].port) {
			fputs(port_names[i].name, out);
			return;
		}
	fprintf(out, "%" PRIu32, port);
}

// --- reading ---------------------------------------------------------------------------------------------------------

static bool mac_parse(const char *text, struct flow_value *v)
{
	unsigned int b[6];
	int n = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &n) != 6 ||
	    text[n] != '\0' || strlen(text) != (size_t)n || strspn(text, "0123456789abcdefABCDEF:") != (size_t)n)
		return false;
	for (unsigned int i = 0; i < 6; i++)
		v->lo = v->lo << 8 | b[i];
	return true;
}

static bool ip6_parse(const char *text, struct flow_value *v)
{
	uint8_t b[16];

	if (inet_pton(AF_INET6, text, b) != 1)
		return false;
	for (unsigned int i = 0; i < 8; i++) {
		v->hi = v->hi << 8 | b[i];
		v->lo = v->lo << 8 | b[i + 8];
	}
	return true;
}

static bool part_parse(enum flow_field field, const char *text, struct flow_value *v)
{
	struct in_addr in;
	uint32_t port;

	*v = (struct flow_value){.lo = 0};
	switch (kind_of(field)) {
	case KIND_PORT:
		if (!flow_port_parse(text, &port))
			return false;
		v->lo = port;
		return true;
	case KIND_MAC:
		return mac_parse(text, v);
	case KIND_IP4:
		if (inet_pton(AF_INET, text, &in) != 1)
			return false;
		v->lo = ntohl(in.s_addr);
		return true;
	case KIND_IP6:
		return ip6_parse(text, v);
	default:
		return flow_number_parse(text, flow_field_ones(field).lo, &v->lo);
	}
}

// The mask of so many leading bits of an address.
static struct flow_value prefix_mask(enum flow_field field, unsigned int len)
{
	struct flow_value m = {.lo = 0};

	if (flow_field_info[field].bits == 32) {
		m.lo = len == 0 ? 0 : UINT32_MAX << (32 - len) & UINT32_MAX;
		return m;
	}
	m.hi = len == 0 ? 0 : len >= 64 ? UINT64_MAX : UINT64_MAX << (64 - len);
	m.lo = len <= 64 ? 0 : len == 128 ? UINT64_MAX : UINT64_MAX << (128 - len);
	return m;
}

static bool mask_parse(enum flow_field field, const char *text, struct flow_value *m)
{
	const enum kind kind = kind_of(field);
	uint64_t len;

	if ((kind == KIND_IP4 || kind == KIND_IP6) && flow_number_parse(text, flow_field_info[field].bits, &len)) {
		*m = prefix_mask(field, (unsigned int)len);
		return true;
	}
	return part_parse(field, text, m);
}

bool flow_value_parse(enum flow_field field, const char *text, struct flow_value *value, struct flow_value *mask)
{
	char first[TEXT_MAX];
	const size_t n = strcspn(text, "/");

	if (n >= sizeof(first))
		return false;
	memcpy(first, text, n);
	first[n] = '\0';
	*mask = flow_field_ones(field);
	return part_parse(field, first, value) && (text[n] == '\0' || mask_parse(field, text + n + 1, mask));
}

// --- writing ---------------------------------------------------------------------------------------------------------

static void part_print(FILE *out, enum flow_field field, enum kind kind, struct flow_value v)
{
	const unsigned int bytes = flow_field_info[field].bytes;
	char text[INET6_ADDRSTRLEN];
	uint8_t b[16];

	for (unsigned int i = 0; i < bytes; i++)
		b[bytes - 1 - i] = (uint8_t)((i < 8 ? v.lo : v.hi) >> 8 * (i % 8));
	switch (kind) {
	case KIND_PORT:
		flow_port_print(out, (uint32_t)v.lo);
		break;
	case KIND_MAC:
		fprintf(out, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
		break;
	case KIND_IP4:
	case KIND_IP6:
		fputs(inet_ntop(kind == KIND_IP4 ? AF_INET : AF_INET6, b, text, sizeof(text)), out);
		break;
	case KIND_HEX:
		fprintf(out, "0x%" PRIx64, v.lo);
		break;
	case KIND_DEC:
		fprintf(out, "%" PRIu64, v.lo);
		break;
	}
}

void flow_value_print(FILE *out, enum flow_field field, struct flow_value value, struct flow_value mask)
{
	enum kind kind = kind_of(field);
	const bool exact = flow_match_exact(field, mask);

	// Masked numbers are read as bits.
	if (!exact && kind == KIND_DEC)
		kind = KIND_HEX;
	part_print(out, field, kind, value);
	if (exact)
		return;
	fputc('/', out);
	for (unsigned int len = 0; (kind == KIND_IP4 || kind == KIND_IP6) && len <= flow_field_info[field].bits;
	     len++) {
		const struct flow_value prefix = prefix_mask(field, len);

		if (prefix.hi == mask.hi && prefix.lo == mask.lo) {
			fprintf(out, "%u", len);
			return;
		}
	}
	part_print(out, field, kind, mask);
}
