/* SPDX-License-Identifier: BSD-3-Clause */
#include "of_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include "ofp.h"

#define ALLOWED "tcp:IP[:PORT], ssl:IP[:PORT], unix:PATH, ptcp:[PORT][:IP], pssl:[PORT][:IP] or punix:PATH"

static int refuse(struct fault *f, const char *field, const char *text, const char *message)
{
	return fault_str(f, -EINVAL, field, text, ALLOWED, "%s", message);
}

static bool path_set(struct of_address *out, const char *path)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&out->sa;

	if (path[0] == '\0' || strlen(path) >= sizeof(un->sun_path))
		return false;
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path, path);
	out->len = sizeof(*un);
	return true;
}

// An address of `size` characters, in brackets if it is IPv6.
static bool ip_set(struct of_address *out, const char *ip, size_t size, uint16_t port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&out->sa;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->sa;
	char text[INET6_ADDRSTRLEN];
	const bool v6 = size >= 2 && ip[0] == '[' && ip[size - 1] == ']';

	if (v6) {
		ip++;
		size -= 2;
	}
	if (size >= sizeof(text))
		return false;
	memcpy(text, ip, size);
	text[size] = '\0';
	if (v6 && inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		out->len = sizeof(*in6);
		return true;
	}
	if (v6 || inet_pton(AF_INET, text, &in->sin_addr) != 1)
		return false;
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	out->len = sizeof(*in);
	return true;
}

// A port of `size` digits; those who wait may leave the choice to the kernel by 0.
static bool port_read(const char *text, size_t size, bool passive, uint16_t *out)
{
	unsigned int port = 0;

	if (size == 0 || size > 5)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = 10 * port + (unsigned int)(text[i] - '0');
	}
	*out = (uint16_t)port;
	return port <= UINT16_MAX && (port > 0 || passive);
}

// IP[:PORT]
static bool active_set(struct of_address *out, const char *rest)
{
	const char *bracket = rest[0] == '[' ? strchr(rest, ']') : NULL;
	const char *colon = strchr(bracket != NULL ? bracket : rest, ':');
	uint16_t port = OFP_TCP_PORT;

	if (colon != NULL && !port_read(colon + 1, strlen(colon + 1), false, &port))
		return false;
	return ip_set(out, rest, colon != NULL ? (size_t)(colon - rest) : strlen(rest), port);
}

// [PORT][:IP]
static bool passive_set(struct of_address *out, const char *rest)
{
	const size_t digits = strcspn(rest, ":");
	const char *ip = rest[digits] == ':' ? rest + digits + 1 : "[::]";
	uint16_t port = OFP_TCP_PORT;

	if (digits > 0 && !port_read(rest, digits, true, &port))
		return false;
	return ip_set(out, ip, strlen(ip), port);
}

int of_address_parse(const char *text, const char *field, struct of_address *out, struct fault *f)
{
	static const struct {
		const char *prefix;
		bool passive, tls, path;
	} kinds[] = {
		{"tcp:", false, false, false}, {"ssl:", false, true, false}, {"unix:", false, false, true},
		{"ptcp:", true, false, false}, {"pssl:", true, true, false}, {"punix:", true, false, true},
	};

	*out = (struct of_address){.len = 0};
	if (strlen(text) >= sizeof(out->text))
		return refuse(f, field, text, "the target is too long");
	strcpy(out->text, text);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char *rest = text + strlen(kinds[i].prefix);

		if (strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)) != 0)
			continue;
		out->passive = kinds[i].passive;
		out->tls = kinds[i].tls;
		if (kinds[i].path ? path_set(out, rest) : out->passive ? passive_set(out, rest) : active_set(out, rest))
			return 0;
		return refuse(f, field, text,
			      kinds[i].path ? "the path is empty or too long" : "no address or no port");
	}
	return refuse(f, field, text, "no such kind of target");
}
