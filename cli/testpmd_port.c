/* SPDX-License-Identifier: BSD-3-Clause */
// port start|stop|close|attach|detach|config mtu, set promisc, set allmulti.
#include <ctype.h>
#include <string.h>

#include "describe.h"
#include "testpmd.h"

static bool is_up(const json_t *port)
{
	return strcmp(describe_text(port, "admin"), "up") == 0;
}

static enum status start_one(struct session *s, const json_t *port)
{
	enum status st = testpmd_port_call(s, "port.set", port, json_pack("{s:s}", "admin", "up"), NULL);

	if (st == STATUS_DONE)
		printf("Port %u: %s\n", testpmd_number(port), testpmd_mac(port).text);
	return st;
}

static enum status stop_one(struct session *s, const json_t *port)
{
	return testpmd_port_call(s, "port.set", port, json_pack("{s:s}", "admin", "down"), NULL);
}

enum status testpmd_port_admin(struct session *s, char *const *words, size_t n)
{
	bool start = strcmp(words[1], "start") == 0;
	json_t *ports;
	enum status st = testpmd_pick(s, start ? "port start" : "port stop", words[2], &ports);

	json_decref(ports);
	if (st != STATUS_DONE)
		return st;
	if (!start)
		puts("Stopping ports...");
	st = testpmd_for_ports(s, "port", words[2], start ? start_one : stop_one);
	if (st == STATUS_DONE)
		puts("Checking link statuses...\nDone");
	return st;
}

// As testpmd, only a port that was stopped is closed.
static enum status close_one(struct session *s, const json_t *port)
{
	enum status st;

	if (is_up(port))
		return session_fail(s, STATUS_REFUSED, "port %u was not stopped (port stop %u)", testpmd_number(port),
				    testpmd_number(port));
	st = testpmd_port_call(s, "port.del", port, NULL, NULL);
	if (st == STATUS_DONE)
		printf("Port %u is closed\n", testpmd_number(port));
	return st;
}

enum status testpmd_port_close(struct session *s, char *const *words, size_t n)
{
	json_t *ports;
	enum status st = testpmd_pick(s, "port close", words[2], &ports);

	json_decref(ports);
	if (st != STATUS_DONE)
		return st;
	puts("Closing ports...");
	st = testpmd_for_ports(s, "port close", words[2], close_one);
	if (st == STATUS_DONE)
		puts("Done");
	return st;
}

static enum status count_ports(struct session *s, size_t *count)
{
	json_t *ports;
	enum status st = testpmd_ports(s, &ports);

	*count = json_array_size(ports);
	json_decref(ports);
	return st;
}

enum status testpmd_port_detach(struct session *s, char *const *words, size_t n)
{
	json_t *ports;
	size_t left;
	enum status st;

	if (strcmp(words[2], "all") == 0)
		return session_fail(s, STATUS_USAGE, "port detach: Bad arguments (one port)");
	st = testpmd_pick(s, "port detach", words[2], &ports);
	if (st == STATUS_DONE) {
		puts("Removing a device...");
		st = close_one(s, json_array_get(ports, 0));
	}
	if (st == STATUS_DONE)
		st = count_ports(s, &left);
	if (st == STATUS_DONE)
		printf("Device is detached\nNow total ports is %zu\nDone\n", left);
	json_decref(ports);
	return st;
}

// The port is called as its device, with what a name may not hold left out.
static void port_name(const char *devargs, char *name, size_t size)
{
	size_t n = 0;

	for (; *devargs != '\0' && *devargs != ',' && n + 1 < size; devargs++) {
		if (isalnum((unsigned char)*devargs) || strchr("_.:-", *devargs) != NULL)
			name[n++] = *devargs;
	}
	name[n] = '\0';
}

enum status testpmd_port_attach(struct session *s, char *const *words, size_t n)
{
	json_t *params, *result;
	char name[32];
	size_t total;
	enum status st;

	port_name(words[2], name, sizeof(name));
	puts("Attaching a new port...");
	// As testpmd leaves it: stopped, until `port start`.
	params = json_pack("{s:s, s:s, s:s, s:s}", "name", name, "type", "dpdk", "devargs", words[2], "admin", "down");
	st = session_call(s, "port.add", params, &result);
	json_decref(params);
	if (st == STATUS_DONE)
		st = count_ports(s, &total);
	if (st == STATUS_DONE)
		printf("Port %u is attached. Now total ports is %zu\nDone\n", testpmd_number(result), total);
	json_decref(result);
	return st;
}

enum status testpmd_port_config(struct session *s, char *const *words, size_t n)
{
	unsigned int mtu;
	json_t *ports;
	enum status st = testpmd_pick(s, "port config mtu", words[3], &ports);

	if (st == STATUS_DONE && (!testpmd_parse(words[4], 65535, &mtu) || strcmp(words[3], "all") == 0))
		st = session_fail(s, STATUS_USAGE, "port config mtu: Bad arguments (one port, bytes)");
	if (st == STATUS_DONE)
		st = testpmd_port_call(s, "port.set", json_array_get(ports, 0), json_pack("{s:i}", "mtu", mtu), NULL);
	json_decref(ports);
	return st;
}

// A switch takes frames for everybody. "on" is so already; where a driver could not, it is said.
static enum status check_on(struct session *s, const json_t *port, const char *key)
{
	json_t *driver;
	const json_t *v;
	enum status st = testpmd_driver(s, port, &driver);

	v = json_object_get(driver, key);
	if (st == STATUS_DONE && json_is_false(v) && !json_is_true(json_object_get(driver, "promiscuous")))
		st = session_fail(s, STATUS_REFUSED, "port %u: its driver cannot", testpmd_number(port));
	json_decref(driver);
	return st;
}

static enum status promisc_one(struct session *s, const json_t *port)
{
	return check_on(s, port, "promiscuous");
}

static enum status allmulti_one(struct session *s, const json_t *port)
{
	return check_on(s, port, "allmulticast");
}

enum status testpmd_set_promisc(struct session *s, char *const *words, size_t n)
{
	bool promisc = strcmp(words[1], "promisc") == 0;
	json_t *ports;
	enum status st;

	if (strcmp(words[3], "on") == 0)
		return testpmd_for_ports(s, promisc ? "set promisc" : "set allmulti", words[2],
					 promisc ? promisc_one : allmulti_one);
	if (strcmp(words[3], "off") != 0)
		return session_fail(s, STATUS_USAGE, "set %s: Bad arguments (on or off)", words[1]);
	st = testpmd_pick(s, promisc ? "set promisc" : "set allmulti", words[2], &ports);
	json_decref(ports);
	return st == STATUS_DONE ? testpmd_refuse(s, words, n, "a port of a switch takes frames for everybody") : st;
}
