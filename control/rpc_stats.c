/* SPDX-License-Identifier: BSD-3-Clause */
// port.stats, port.clear, stats.get, stats.drops, stats.audit, stats.clear.
#include <errno.h>
#include <string.h>

#include "../tables/fdb.h"
#include "../tables/fib_pool.h"
#include "bridge.h"
#include "fdb_ctl.h"
#include "fdb_static.h"
#include "route.h"
#include "rpc.h"
#include "rpc_stats.h"
#include "slow.h"
#include "stats.h"

static void set_count(json_t *o, const char *name, uint64_t n)
{
	json_object_set_new(o, name, json_integer((json_int_t)n));
}

static json_t *drops_json(const struct port_counters *c, bool all)
{
	json_t *drops = json_object();

	for (unsigned int r = 0; r < DROP_COUNT; r++)
		if (all || c->drops[r])
			set_count(drops, drop_name(r), c->drops[r]);
	return drops;
}

static json_t *counters_json(const struct port_counters *c)
{
	json_t *o = json_object();

	set_count(o, "rx_packets", c->rx_packets);
	set_count(o, "rx_bytes", c->rx_bytes);
	set_count(o, "tx_packets", c->tx_packets);
	set_count(o, "tx_bytes", c->tx_bytes);
	set_count(o, "copies", c->copies);
	set_count(o, "generated", c->generated);
	return o;
}

static uint64_t relaxed(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static json_t *queue_json(const struct port_obj *p, uint16_t q)
{
	json_t *o = json_pack("{s:i}", "queue", q);

	if (q < p->dev->nrxq) {
		set_count(o, "rx_packets",
			  relaxed(&p->dev->rxq[q].packets) - (p->base ? p->base->queue[q].rx_packets : 0));
		set_count(o, "rx_bytes", relaxed(&p->dev->rxq[q].bytes) - (p->base ? p->base->queue[q].rx_bytes : 0));
		if (p->rxq[q].published != WORKER_NONE)
			set_count(o, "lcore", worker_conf(p->rxq[q].published)->lcore);
	}
	if (q < p->dev->ntxq) {
		set_count(o, "tx_packets",
			  relaxed(&p->dev->txq[q].packets) - (p->base ? p->base->queue[q].tx_packets : 0));
		set_count(o, "tx_bytes", relaxed(&p->dev->txq[q].bytes) - (p->base ? p->base->queue[q].tx_bytes : 0));
	}
	return o;
}

json_t *port_stats_json(const struct port_obj *p, bool all_drops)
{
	struct port_dev_stats dev;
	struct port_counters c;
	json_t *o, *queues = json_array();

	stats_port_since_clear(p, &c, &dev);
	o = counters_json(&c);
	json_object_set_new(o, "name", json_string(p->name));
	set_count(o, "rx_errors", dev.rx_errors);
	set_count(o, "tx_errors", dev.tx_errors);
	set_count(o, "rx_missed", dev.rx_missed);
	set_count(o, "rx_nombuf", dev.rx_nombuf);
	if (strcmp(p->ops->name, "vhost-user") == 0) {
		set_count(o, "notify_sent", dev.notify_sent);
		set_count(o, "notify_suppressed", dev.notify_suppressed);
	}
	json_object_set_new(o, "drops", drops_json(&c, all_drops));
	for (uint16_t q = 0; p->dev && q < RTE_MAX(p->dev->nrxq, p->dev->ntxq); q++)
		json_array_append_new(queues, queue_json(p, q));
	json_object_set_new(o, "queues", queues);
	return o;
}

static const struct param port_stats_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the port"},
	{.name = "all", .type = PARAM_BOOL, .def = "false", .help = "also the drop reasons that have not occurred"},
	{0},
};

static int port_stats(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct port_obj *p;
	int rc = port_obj_get("name", json_string_value(json_object_get(params, "name")), &p, f);

	if (rc == 0)
		rc = stats_take(f);
	if (rc < 0)
		return rc;
	*result = port_stats_json(p, json_is_true(json_object_get(params, "all")));
	return 0;
}

static const struct rpc_method method_port_stats = {
	.name = "port.stats",
	.help = "What a port received, sent and lost, since it was made or cleared.",
	.params = port_stats_params,
	.result =
		"An object: name, rx_packets, rx_bytes, rx_errors, rx_missed (the device had no room), "
		"rx_nombuf (of these, no buffer was free), tx_packets, "
		"tx_bytes, "
		"tx_errors, copies (sent beyond one for each packet received here), generated (by modes txonly and "
		"flowgen), drops ({reason: packets}), queues "
		"(array of {queue, rx_packets, rx_bytes, tx_packets, tx_bytes, lcore that polls it}); vhost-user also "
		"notify_sent, notify_suppressed.",
	.example = "{\"name\": \"p1\"}",
	.call = port_stats,
};
RPC_METHOD(method_port_stats)

static const struct param port_clear_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the port"},
	{0},
};

static int port_clear(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct port_obj *p;
	int rc = port_obj_get("name", json_string_value(json_object_get(params, "name")), &p, f);

	return rc < 0 ? rc : stats_clear_port(c->txn, p, f);
}

static const struct rpc_method method_port_clear = {
	.name = "port.clear",
	.help = "Starts a port's statistics anew from zero. The audit is not touched by it.",
	.params = port_clear_params,
	.result = "true.",
	.example = "{\"name\": \"p1\"}",
	.flags = RPC_CHANGES,
	.call = port_clear,
};
RPC_METHOD(method_port_clear)

static json_t *audit_numbers(unsigned int worker)
{
	struct stats_audit a;
	json_t *o = json_object();

	stats_audit(worker, &a);
	json_object_set_new(o, "ok", json_boolean(a.imbalance == 0));
	json_object_set_new(o, "imbalance", json_integer(a.imbalance));
	set_count(o, "rx", a.rx);
	set_count(o, "copies", a.copies);
	set_count(o, "generated", a.generated);
	set_count(o, "tx", a.tx);
	set_count(o, "drops", a.drops);
	set_count(o, "punted", a.punted);
	set_count(o, "held", a.held);
	return o;
}

static json_t *audit_json(void)
{
	json_t *o = audit_numbers(workers_count()), *workers = json_array();

	for (unsigned int i = 0; i < workers_count(); i++) {
		json_t *w = audit_numbers(i);

		json_object_set_new(w, "lcore", json_integer(worker_conf(i)->lcore));
		json_array_append_new(workers, w);
	}
	json_object_set_new(o, "workers", workers);
	return o;
}

static int audit(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	int rc = stats_take(f);

	if (rc == 0)
		*result = audit_json();
	return rc;
}

static const struct rpc_method method_audit = {
	.name = "stats.audit",
	.help = "Proves that no packet is lost unseen: rx + copies + generated = tx + drops + punted + held, exact to "
		"the packet, "
		"over all "
		"ports that ever were, since start. Clearing statistics does not change it.",
	.result = "An object: ok, imbalance (left side minus right side), rx, copies, generated, tx, drops, punted, "
		  "held, workers "
		  "(array of "
		  "the same for each, with lcore).",
	.example = "{}",
	.call = audit,
};
RPC_METHOD(method_audit)

static const struct param drops_params[] = {
	{.name = "name", .type = PARAM_NAME, .help = "only of this port"},
	{.name = "all", .type = PARAM_BOOL, .def = "false", .help = "also the reasons that have not occurred"},
	{0},
};

static void append_drops(json_t *array, const struct port_obj *p, bool all)
{
	struct port_dev_stats dev;
	struct port_counters c;

	stats_port_since_clear(p, &c, &dev);
	for (unsigned int r = 0; r < DROP_COUNT; r++)
		if (all || c.drops[r])
			json_array_append_new(array,
					      json_pack("{s:s,s:s,s:I,s:s}", "port", p->name, "reason", drop_name(r),
							"packets", (json_int_t)c.drops[r], "help", drop_help(r)));
}

static int drops(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const char *name = json_string_value(json_object_get(params, "name"));
	bool all = json_is_true(json_object_get(params, "all"));
	const struct names *ports = port_obj_names();
	struct port_obj *only = NULL;
	int rc = name ? port_obj_get("name", name, &only, f) : 0;

	if (rc == 0)
		rc = stats_take(f);
	if (rc < 0)
		return rc;
	*result = json_array();
	for (uint32_t i = 0; i < ports->n; i++)
		if (!only || ports->at[i] == only)
			append_drops(*result, ports->at[i], all);
	return 0;
}

static const struct rpc_method method_drops = {
	.name = "stats.drops",
	.help = "Packets lost, by port and reason.",
	.params = drops_params,
	.result = "An array of objects: port, reason, packets, help (what the reason means).",
	.example = "{}",
	.call = drops,
};
RPC_METHOD(method_drops)

static json_t *fdb_json(void)
{
	const struct fdb *fdb = fdb_ctl_table();
	struct fdb_ctl_stats s;
	json_t *o = json_object();

	fdb_ctl_stats(&s);
	set_count(o, "entries", fdb_count(fdb));
	set_count(o, "capacity", fdb_capacity(fdb));
	set_count(o, "memory_bytes", fdb_memory_bytes(fdb));
	set_count(o, "static", fdb_static_count());
	set_count(o, "learned", s.learned);
	set_count(o, "moved", s.moved);
	set_count(o, "aged", s.aged);
	set_count(o, "flushed", s.flushed);
	set_count(o, "evicted", s.evicted);
	set_count(o, "refused_limit", s.refused_limit);
	set_count(o, "refused_full", s.refused_full);
	set_count(o, "stale", s.stale);
	return o;
}

static json_t *bridges_json(void)
{
	const struct names *bridges = bridge_names();
	json_t *array = json_array();

	for (uint32_t i = 0; i < bridges->n; i++) {
		const struct bridge *b = bridges->at[i];

		json_array_append_new(array, json_pack("{s:s,s:i,s:I,s:I}", "name", b->name, "ports", b->ports.n,
						       "macs", (json_int_t)b->macs, "static", (json_int_t)b->nstatic));
	}
	return array;
}

static json_t *totals_json(void)
{
	struct port_counters c;
	json_t *o;

	stats_total_since_clear(&c);
	o = counters_json(&c);
	json_object_set_new(o, "drops", drops_json(&c, false));
	return o;
}

static json_t *routes_json(void)
{
	const struct names *sets = route_sets();
	uint64_t routes = 0, configured = 0;
	json_t *o = json_object();

	for (uint32_t i = 0; i < sets->n; i++) {
		const struct route_set *s = sets->at[i];

		routes += s->rib.count;
		configured += s->nstatic;
	}
	set_count(o, "entries", routes);
	set_count(o, "configured", configured);
	set_count(o, "fib_bytes", fib_pool_used(route_pool()));
	set_count(o, "fib_bytes_max", fib_pool_max(route_pool()));
	set_count(o, "nexthops", nexthop_count());
	set_count(o, "nexthops_max", NEXTHOP_MAX - 1);
	return o;
}

static int stats_get(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const struct names *ports = port_obj_names();
	json_t *port_array, *worker_array;
	int rc = stats_take(f);

	if (rc < 0)
		return rc;
	port_array = json_array();
	for (uint32_t i = 0; i < ports->n; i++)
		json_array_append_new(port_array, port_stats_json(ports->at[i], false));
	worker_array = json_array();
	for (unsigned int i = 0; i < workers_count(); i++)
		json_array_append_new(worker_array, worker_json(i));
	*result = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "ports", port_array, "totals", totals_json(),
			    "workers", worker_array, "bridges", bridges_json(), "fdb", fdb_json(), "routes",
			    routes_json(), "slow", slow_stats_json(), "audit", audit_json());
	return 0;
}

static const struct rpc_method method_get = {
	.name = "stats.get",
	.help = "All statistics, from one snapshot of the workers.",
	.result =
		"An object: ports (array as port.stats), totals (the same over all ports since the clear, removed ones "
		"included), workers (as worker.list), bridges (array of {name, ports, macs, static}), fdb (entries, "
		"capacity, memory_bytes, static, and counts since start: learned, moved, aged, flushed, evicted, "
		"refused_limit, refused_full, stale), routes (entries of all VRFs, configured ones among them, "
		"fib_bytes, fib_bytes_max, nexthops, nexthops_max), slow (what control did with the packets that "
		"workers punted: "
		"taken by class, outcome by name, held for a neighbour's MAC or the rest of a datagram, ok (taken = "
		"outcomes + held), sent by "
		"itself by name, inject_lost, neigh (entries and counts since start)), audit (as stats.audit).",
	.example = "{}",
	.call = stats_get,
};
RPC_METHOD(method_get)

static int clear(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return stats_clear_all(c->txn, f);
}

static const struct rpc_method method_clear = {
	.name = "stats.clear",
	.help = "Starts the statistics of all ports and workers anew from zero. The audit is not touched by it.",
	.result = "true.",
	.example = "{}",
	.flags = RPC_CHANGES,
	.call = clear,
};
RPC_METHOD(method_clear)

static json_t *drop_reasons(void)
{
	json_t *array = json_array();

	for (unsigned int r = 0; r < DROP_COUNT; r++)
		json_array_append_new(array, json_pack("{s:s,s:s}", "name", drop_name(r), "help", drop_help(r)));
	return array;
}

__attribute__((constructor)) static void describe_drop_reasons(void)
{
	rpc_describe_section("drop_reasons", drop_reasons);
}
