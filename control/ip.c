/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool addr_parse(const char *text, struct ip_addr *out)
{
	*out = (struct ip_addr){.family = 4};
	if (inet_pton(AF_INET, text, out->bytes) == 1)
		return true;
	*out = (struct ip_addr){.family = 6};
	return inet_pton(AF_INET6, text, out->bytes) == 1;
}

static uint8_t depth_max(const struct ip_addr *a)
{
	return a->family == 4 ? 32 : 128;
}

// "ADDRESS/LENGTH" with nothing but digits after the slash.
static bool prefix_parse(const char *text, struct ip_prefix *out)
{
	const char *slash = strchr(text, '/');
	char addr[IP_TEXT_LEN];
	unsigned int depth = 0;

	if (!slash || (size_t)(slash - text) >= sizeof(addr) || !slash[1] || strlen(slash + 1) > 3)
		return false;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	for (const char *c = slash + 1; *c; c++) {
		if (*c < '0' || *c > '9')
			return false;
		depth = depth * 10 + (unsigned int)(*c - '0');
	}
	if (!addr_parse(addr, &out->addr) || depth > depth_max(&out->addr))
		return false;
	out->depth = (uint8_t)depth;
	return true;
}

int ip_parse(const char *text, const char *field, struct ip_addr *out, struct fault *f)
{
	if (addr_parse(text, out))
		return 0;
	return fault_str(f, -EINVAL, field, text, "an IPv4 or IPv6 address", "this is no IP address");
}

int ip_prefix_parse(const char *text, const char *field, bool strict, struct ip_prefix *out, struct fault *f)
{
	char allowed[IP_TEXT_LEN + 32], masked[IP_TEXT_LEN];
	struct ip_addr given;

	if (!prefix_parse(text, out))
		return fault_str(f, -EINVAL, field, text, "a prefix: 10.0.0.0/8 or 2001:db8::/32",
				 "this is no IP prefix");
	given = out->addr;
	ip_mask(out);
	if (!strict || ip_equal(&given, &out->addr))
		return 0;
	snprintf(allowed, sizeof(allowed), "%s, or \"strict\": false", ip_prefix_text(out, masked));
	return fault_str(f, -EINVAL, field, text, allowed, "the prefix has host bits");
}

int ip_cidr_parse(const char *text, const char *field, struct ip_prefix *out, struct fault *f)
{
	if (prefix_parse(text, out))
		return 0;
	return fault_str(f, -EINVAL, field, text, "an address with its prefix length: 10.0.0.1/24 or 2001:db8::1/64",
			 "this is no IP address with a prefix length");
}

const char *ip_text(const struct ip_addr *a, char text[IP_TEXT_LEN])
{
	if (!inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->bytes, text, IP_TEXT_LEN))
		text[0] = '\0';
	return text;
}

const char *ip_prefix_text(const struct ip_prefix *p, char text[IP_TEXT_LEN])
{
	size_t len;

	ip_text(&p->addr, text);
	len = strlen(text);
	snprintf(text + len, IP_TEXT_LEN - len, "/%u", p->depth);
	return text;
}

void ip_mask(struct ip_prefix *p)
{
	for (unsigned int i = 0; i < sizeof(p->addr.bytes); i++) {
		unsigned int bits = p->depth > 8 * i ? p->depth - 8 * i : 0;

		if (bits < 8)
			p->addr.bytes[i] &= (uint8_t)(0xff00 >> bits);
	}
}

bool ip_in(const struct ip_addr *a, const struct ip_prefix *p)
{
	unsigned int whole = p->depth / 8, bits = p->depth % 8;

	if (a->family != p->addr.family || memcmp(a->bytes, p->addr.bytes, whole) != 0)
		return false;
	return bits == 0 || ((a->bytes[whole] ^ p->addr.bytes[whole]) & (0xff00 >> bits) & 0xff) == 0;
}

bool ip_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool ip_is_multicast(const struct ip_addr *a)
{
	return a->family == 4 ? (a->bytes[0] & 0xf0) == 0xe0 : a->bytes[0] == 0xff;
}

bool ip_is_link_local(const struct ip_addr *a)
{
	if (a->family == 4)
		return a->bytes[0] == 169 && a->bytes[1] == 254;
	return a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}
