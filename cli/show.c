/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "describe.h"
#include "table.h"
#include "testpmd.h"

static const struct column port_columns[] = {
	{.title = "NAME", .path = "name"},     {.title = "TYPE", .path = "type"},
	{.title = "STATE", .path = "state"},   {.title = "LINK", .path = "link"},
	{.title = "MTU", .path = "mtu"},       {.title = "MAC", .path = "mac"},
	{.title = "RXQ", .path = "rxq"},       {.title = "TXQ", .path = "txq"},
	{.title = "BRIDGE", .path = "bridge"}, {.title = "VLAN-MODE", .path = "vlan_mode"},
	{.title = "TAG", .path = "tag"},       {.title = "MACS", .path = "macs"},
	{.title = "ERROR", .path = "error"},   {.title = NULL},
};

static const struct column bridge_columns[] = {
	{.title = "NAME", .path = "name"},
	{.title = "MODE", .path = "mode"},
	{.title = "LEARNING", .path = "learning"},
	{.title = "AGING-S", .path = "aging_time"},
	{.title = "MACS", .path = "macs"},
	{.title = "MAC-LIMIT", .path = "mac_limit"},
	{.title = "STATIC", .path = "static"},
	{.title = "VLANS", .path = "vlans", .format = TEXT_RANGES},
	{.title = "PORTS", .path = "ports", .format = TEXT_FIRSTS},
	{.title = NULL},
};

static const struct column member_columns[] = {
	{.title = "PORT", .path = "port"},
	{.title = "VLAN-MODE", .path = "vlan_mode"},
	{.title = "TAG", .path = "tag"},
	{.title = "TRUNKS", .path = "trunks", .format = TEXT_RANGES},
	{.title = NULL},
};

static const struct column fdb_columns[] = {
	{.title = "BRIDGE", .path = "bridge"},
	{.title = "VLAN", .path = "vlan"},
	{.title = "MAC", .path = "mac"},
	{.title = "PORT", .path = "port"},
	{.title = "STATIC", .path = "static"},
	{.title = "AGE-S", .path = "age"},
	{.title = NULL},
};

static const struct column vrf_columns[] = {
	{.title = "NAME", .path = "name"},
	{.title = "IFACES", .path = "ifaces"},
	{.title = "ROUTES", .path = "routes"},
	{.title = "CONFIGURED", .path = "configured"},
	{.title = NULL},
};

static const struct column iface_columns[] = {
	{.title = "NAME", .path = "name"},
	{.title = "VRF", .path = "vrf"},
	{.title = "STATE", .path = "state"},
	{.title = "WHY", .path = "why"},
	{.title = "MAC", .path = "mac"},
	{.title = "MTU", .path = "mtu"},
	{.title = "PORT", .path = "port"},
	{.title = "BRIDGE", .path = "bridge"},
	{.title = "VLAN", .path = "vlan"},
	{.title = "HOST-TAP", .path = "host.state"},
	{.title = "ADDRESSES", .path = "addresses"},
	{.title = NULL},
};

static const struct column route_columns[] = {
	{.title = "PREFIX", .path = "prefix"},
	{.title = "SOURCE", .path = "source"},
	{.title = "ACTIVE", .path = "active"},
	{.title = "VIA", .path = "via", .format = TEXT_FIRSTS},
	{.title = "IFACE", .path = "iface"},
	{.title = "UNRESOLVED", .path = "unresolved"},
	{.title = NULL},
};

static const struct column neigh_columns[] = {
	{.title = "IFACE", .path = "iface"},     {.title = "ADDRESS", .path = "address"},
	{.title = "MAC", .path = "mac"},         {.title = "STATE", .path = "state"},
	{.title = "GATEWAY", .path = "gateway"}, {.title = "HELD", .path = "held"},
	{.title = "AGE-S", .path = "age"},       {.title = NULL},
};

static const struct column flow_columns[] = {
	{.title = "TABLE", .path = "table"},
	{.title = "PACKETS", .path = "packets"},
	{.title = "BYTES", .path = "bytes"},
	{.title = "AGE-S", .path = "duration", .format = TEXT_SCALED},
	{.title = "PERSIST", .path = "persist"},
	{.title = "FLOW", .path = "text"},
	{.title = NULL},
};

static const struct column worker_columns[] = {
	{.title = "LCORE", .path = "lcore"},
	{.title = "CPU", .path = "cpu"},
	{.title = "ROLE", .path = "role"},
	{.title = "ISA", .path = "isa"},
	{.title = "IDLE", .path = "idle"},
	{.title = "BUSY", .path = "busy", .format = TEXT_PERCENT},
	{.title = "QUEUES", .path = "queues", .format = TEXT_COUNT},
	{.title = "PUNTED", .path = "punted"},
	{.title = "HELD", .path = "held"},
	{.title = "MAX-GAP-US", .path = "poll_gap_max_us", .format = TEXT_SCALED},
	{.title = NULL},
};

static const struct column drop_columns[] = {
	{.title = "PORT", .path = "port"},
	{.title = "REASON", .path = "reason"},
	{.title = "PACKETS", .path = "packets"},
	{.title = "MEANING", .path = "help"},
	{.title = NULL},
};

static const struct column stats_columns[] = {
	{.title = "PORT", .path = "name"},
	{.title = "RX-PACKETS", .path = "rx_packets"},
	{.title = "RX-BYTES", .path = "rx_bytes"},
	{.title = "RX-ERRORS", .path = "rx_errors"},
	{.title = "TX-PACKETS", .path = "tx_packets"},
	{.title = "TX-BYTES", .path = "tx_bytes"},
	{.title = "TX-ERRORS", .path = "tx_errors"},
	{.title = "DROPS", .path = "drops", .format = TEXT_SUM},
	{.title = NULL},
};

static const struct topic {
	const char *name, *method;
	const struct column *columns; // NULL: as they come
	const char *rows;             // the member of the answer that holds the rows; NULL: the answer itself
} topics[] = {
	{"ports", "port.list", port_columns, NULL},
	{"bridges", "bridge.list", bridge_columns, NULL},
	{"fdb", "fdb.list", fdb_columns, NULL},
	{"vrfs", "vrf.list", vrf_columns, NULL},
	{"ifaces", "iface.list", iface_columns, NULL},
	{"routes", "route.list", route_columns, NULL},
	{"neigh", "neigh.list", neigh_columns, NULL},
	{"flows", "flow.list", flow_columns, NULL},
	{"workers", "worker.list", worker_columns, NULL},
	{"drops", "stats.drops", drop_columns, NULL},
	{"audit", "stats.audit", NULL, NULL},
	{"stats", "stats.get", stats_columns, "ports"},
	{"config", "config.get", NULL, NULL},
	{"info", "system.info", NULL, NULL},
};

// Those that show one object: by name.
static const char *const single[] = {"port", "bridge", "iface", "worker"};

#define NTOPICS (sizeof(topics) / sizeof(*topics))
#define NSINGLE (sizeof(single) / sizeof(*single))

const char *show_topic(size_t i)
{
	if (i < NTOPICS)
		return topics[i].name;
	return i - NTOPICS < NSINGLE ? single[i - NTOPICS] : NULL;
}

static const struct topic *find_topic(const char *name)
{
	for (size_t i = 0; i < NTOPICS; i++) {
		if (strcmp(topics[i].name, name) == 0)
			return &topics[i];
	}
	return NULL;
}

const char *show_method(const char *topic)
{
	const struct topic *t = find_topic(topic);

	return t != NULL ? t->method : NULL;
}

// Fetches a whole list, page by page where the method has pages: a table of a million entries fits no sensible answer.
// With `print` each page is printed as it comes and forgotten; otherwise *all gets them together.
static enum status fetch(struct session *s, const struct topic *t, json_t *params, bool print, json_t **all)
{
	const json_t *method = describe_method(s->schema, t->method);
	const json_t *limit = json_object_get(describe_param(s->schema, method, NULL, "limit"), "default");
	bool pages = limit != NULL && json_object_get(params, "limit") == NULL;
	enum status st;

	for (;;) {
		json_t *page, *last;
		size_t n;

		st = session_call(s, t->method, params, &page);
		if (st != STATUS_DONE)
			return st;
		n = json_array_size(page);
		last = json_array_get(page, n - 1);
		if (pages && n > 0)
			json_object_set(params, "after", (json_t *)text_member(last, "key|name"));
		if (print && json_is_array(page)) {
			table_rows(stdout, page, t->columns, table_width());
			json_decref(page);
		} else if (*all == NULL) {
			*all = page;
		} else {
			json_array_extend(*all, page);
			json_decref(page);
		}
		if (!pages || n < (size_t)json_integer_value(limit))
			return STATUS_DONE;
	}
}

static enum status show_list(struct session *s, const struct topic *t, char *const *words, size_t n)
{
	const json_t *method;
	json_t *params, *all = NULL;
	char why[1024];
	enum status st = session_describe(s);

	if (st != STATUS_DONE)
		return st;
	method = describe_method(s->schema, t->method);
	if (args_params(s->schema, method, words, n, &params, why, sizeof(why)) != 0)
		return session_fail(s, STATUS_USAGE, "show %s: %s", t->name, why);
	st = fetch(s, t, params, t->columns != NULL && !s->json, &all);
	if (st == STATUS_DONE && t->rows != NULL && !s->json)
		table_rows(stdout, json_object_get(all, t->rows), t->columns, table_width());
	else if (st == STATUS_DONE && all != NULL)
		command_print(s, all);
	json_decref(params);
	json_decref(all);
	return st;
}

// The object of `list` called `name`, borrowed, or NULL.
static json_t *find_object(const json_t *list, const char *key, const char *name)
{
	json_t *o;
	size_t i;

	json_array_foreach (list, i, o) {
		char *text = text_value(json_object_get(o, key), TEXT_PLAIN);
		bool same = strcmp(text, name) == 0;

		free(text);
		if (same)
			return o;
	}
	return NULL;
}

// A port's status with its counters beside.
static enum status add_port_stats(struct session *s, json_t *port, const char *name)
{
	json_t *params = json_pack("{s:s}", "name", name), *stats;
	enum status st = session_call(s, "port.stats", params, &stats);

	json_decref(params);
	if (st == STATUS_DONE) {
		json_object_del(stats, "name"); // stands above
		json_object_set_new(port, "stats", stats);
	}
	return st;
}

static enum status show_one(struct session *s, const char *kind, const char *name)
{
	bool worker = strcmp(kind, "worker") == 0;
	char method[64];
	json_t *params = worker ? NULL : json_pack("{s:s}", "name", name), *list, *o;
	enum status st;

	snprintf(method, sizeof(method), "%s.list", kind);
	st = session_call(s, method, params, &list);
	json_decref(params);
	if (st != STATUS_DONE)
		return st;
	o = find_object(list, worker ? "lcore" : "name", name);
	if (o == NULL)
		st = session_fail(s, STATUS_REFUSED, "no %s '%s'", kind, name);
	else if (strcmp(kind, "port") == 0)
		st = add_port_stats(s, o, name);
	if (st == STATUS_DONE && !s->json && strcmp(kind, "bridge") == 0 &&
	    json_is_object(json_array_get(json_object_get(o, "ports"), 0))) {
		json_t *members = json_incref(json_object_get(o, "ports"));

		json_object_del(o, "ports");
		command_print(s, o);
		putchar('\n');
		table_rows(stdout, members, member_columns, table_width());
		json_decref(members);
	} else if (st == STATUS_DONE) {
		command_print(s, o);
	}
	json_decref(list);
	return st;
}

enum status show_run(struct session *s, char *const *words, size_t n)
{
	const struct topic *t = n > 1 ? find_topic(words[1]) : NULL;

	if (testpmd_shows(words, n))
		return testpmd_run(s, words, n);
	if (t != NULL)
		return show_list(s, t, words + 2, n - 2);
	for (size_t i = 0; n == 3 && i < NSINGLE; i++) {
		if (strcmp(words[1], single[i]) == 0)
			return show_one(s, words[1], words[2]);
	}
	return session_fail(s, STATUS_USAGE, "show what? %s",
			    "ports, bridges, fdb, vrfs, ifaces, routes, neigh, flows, workers, drops, audit, stats, "
			    "config, info, or port, bridge, iface, worker and a name");
}
