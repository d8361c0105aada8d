/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "describe.h"
#include "table.h"

static const struct column port_columns[] = {
	{.title = "NAME", .path = "name"},
	{.title = "TYPE", .path = "type"},
	{.title = "ADMIN", .path = "admin"},
	{.title = "LINK", .path = "link"},
	{.title = "MTU", .path = "mtu"},
	{.title = "MAC", .path = "mac"},
	{.title = "RXQ", .path = "rxq"},
	{.title = "TXQ", .path = "txq"},
	{.title = "BRIDGE", .path = "bridge"},
	{.title = "VLAN", .path = "vlan_mode"},
	{.title = "TAG", .path = "tag"},
	{.title = "ERROR", .path = "error.message|error"},
	{.title = NULL},
};

static const struct column bridge_columns[] = {
	{.title = "NAME", .path = "name"},         {.title = "MODE", .path = "mode"},
	{.title = "LEARNING", .path = "learning"}, {.title = "AGING-S", .path = "aging_time"},
	{.title = "MACS", .path = "macs"},         {.title = "MAC-LIMIT", .path = "mac_limit"},
	{.title = "PORTS", .path = "ports"},       {.title = NULL},
};

static const struct column member_columns[] = {
	{.title = "PORT", .path = "port|name"},
	{.title = "VLAN-MODE", .path = "vlan_mode"},
	{.title = "TAG", .path = "tag"},
	{.title = "TRUNKS", .path = "trunks", .format = TEXT_RANGES},
	{.title = NULL},
};

static const struct column fdb_columns[] = {
	{.title = "BRIDGE", .path = "bridge"},
	{.title = "MAC", .path = "mac"},
	{.title = "VLAN", .path = "vlan"},
	{.title = "PORT", .path = "port"},
	{.title = "STATIC", .path = "static"},
	{.title = "AGE-S", .path = "age"},
	{.title = NULL},
};

static const struct column worker_columns[] = {
	{.title = "LCORE", .path = "lcore"},
	{.title = "CPU", .path = "cpu"},
	{.title = "ROLE", .path = "role"},
	{.title = "IDLE", .path = "idle"},
	{.title = "BUSY", .path = "busy", .format = TEXT_PERCENT},
	{.title = "QUEUES", .path = "queues", .format = TEXT_COUNT},
	{.title = NULL},
};

static const struct column drop_columns[] = {
	{.title = "PORT", .path = "port"},
	{.title = "REASON", .path = "reason"},
	{.title = "PACKETS", .path = "packets"},
	{.title = NULL},
};

static const struct topic {
	const char *name, *method;
	const struct column *columns; // NULL: as they come
} topics[] = {
	{"ports", "port.list", port_columns},   {"bridges", "bridge.list", bridge_columns},
	{"fdb", "fdb.list", fdb_columns},       {"workers", "worker.list", worker_columns},
	{"drops", "stats.drops", drop_columns}, {"audit", "stats.audit", NULL},
	{"stats", "stats.get", NULL},           {"config", "config.get", NULL},
	{"info", "system.info", NULL},
};

// Those that show one object: by name.
static const char *const single[] = {"port", "bridge", "worker"};

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

static enum status show_list(struct session *s, const struct topic *t, char *const *words, size_t n)
{
	json_t *params, *result;
	char why[1024];
	enum status st = session_describe(s);

	if (st != STATUS_DONE)
		return st;
	if (args_params(s->schema, describe_method(s->schema, t->method), words, n, &params, why, sizeof(why)) != 0)
		return session_fail(s, STATUS_USAGE, "show %s: %s", t->name, why);
	st = session_call(s, t->method, params, &result);
	if (st == STATUS_DONE && json_is_array(result) && !s->json)
		table_rows(stdout, result, t->columns, table_width());
	else if (st == STATUS_DONE)
		command_print(s, result);
	json_decref(params);
	json_decref(result);
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
	if (st == STATUS_DONE)
		json_object_set_new(port, "stats", stats);
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

	if (t != NULL)
		return show_list(s, t, words + 2, n - 2);
	for (size_t i = 0; n == 3 && i < NSINGLE; i++) {
		if (strcmp(words[1], single[i]) == 0)
			return show_one(s, words[1], words[2]);
	}
	return session_fail(s, STATUS_USAGE, "show what? %s",
			    "ports, bridges, fdb, workers, drops, audit, stats, config, "
			    "info, or port, bridge, worker and a name");
}
