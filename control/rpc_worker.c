/* SPDX-License-Identifier: BSD-3-Clause */
// worker.list, worker.set, worker.unset, worker.assign, worker.unassign, worker.rebalance.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "assign.h"
#include "kinds.h"
#include "publish.h"
#include "rpc.h"
#include "rpc_stats.h"
#include "stats.h"
#include "store.h"

static const char *const idle_names[] = {[WORKER_IDLE_POLL] = "poll", [WORKER_IDLE_SLEEP] = "sleep", NULL};

static json_t *queues_json(unsigned int worker)
{
	const struct fwd_state *s = publish_current();
	const struct poll_list *list = s ? s->poll[worker] : NULL;
	json_t *queues = json_array();

	for (uint32_t i = 0; list && i < list->n; i++) {
		const struct rxq *q = list->q[i];
		const struct port_obj *p = port_obj_by_id(q->port_id);

		if (p)
			json_array_append_new(queues, json_pack("{s:s,s:i,s:b}", "port", p->name, "queue", q->queue,
								"pinned", p->rxq[q->queue].pinned));
	}
	return queues;
}

static json_t *burst_fill_json(const struct worker_counters *c)
{
	static const char *const names[BURST_FILL_BUCKETS] = {"1", "2-3", "4-7", "8-15", "16-31", "32-63", "64"};
	json_t *o = json_object();

	for (unsigned int i = 0; i < BURST_FILL_BUCKETS; i++)
		json_object_set_new(o, names[i], json_integer(c->burst_fill[i]));
	return o;
}

static double cycles_us(uint64_t cycles)
{
	return (double)cycles * 1e6 / rte_get_tsc_hz();
}

static json_t *poll_gap_json(const struct worker_counters *c)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < HIST_BUCKETS; i++)
		if (c->poll_gap[i])
			json_array_append_new(array, json_pack("{s:f,s:I}", "below_us", cycles_us(2ULL << i), "count",
							       (json_int_t)c->poll_gap[i]));
	return array;
}

static json_t *stages_json(const struct worker_counters *c)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < SAMPLE_COUNT; i++) {
		const struct step_sample *s = &c->sample[i];

		if (s->packets)
			json_array_append_new(array, json_pack("{s:s,s:I,s:I,s:f}", "stage", sample_name(i), "packets",
							       (json_int_t)s->packets, "cycles", (json_int_t)s->cycles,
							       "cycles_per_packet", (double)s->cycles / s->packets));
	}
	return array;
}

json_t *worker_json(unsigned int i)
{
	const struct worker_conf *conf = worker_conf(i);
	struct worker_counters c;
	uint64_t cycles;

	stats_worker_since_clear(i, &c);
	cycles = c.busy_cycles + c.idle_cycles;
	return json_pack("{s:i,s:i,s:s,s:s,s:s,s:f,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:o,s:f,s:b,s:o}", "lcore",
			 conf->lcore, "cpu", conf->cpu, "role", "run", "isa", datapath_isa(), "idle",
			 idle_names[worker_idle_get(i)], "busy", cycles ? (double)c.busy_cycles / cycles : 0.0,
			 "busy_cycles", (json_int_t)c.busy_cycles, "idle_cycles", (json_int_t)c.idle_cycles, "loops",
			 (json_int_t)c.loops, "sleeps", (json_int_t)c.sleeps, "punted", (json_int_t)c.punted, "held",
			 (json_int_t)c.held, "events_lost", (json_int_t)c.events_lost, "queues", queues_json(i),
			 "burst_fill", burst_fill_json(&c), "poll_gap", poll_gap_json(&c), "poll_gap_max_us",
			 cycles_us(c.poll_gap_max), "sampling", worker_sampling_get(i), "stages", stages_json(&c));
}

static int find_worker(const json_t *params, unsigned int *out, struct fault *f)
{
	const json_t *lcore = json_object_get(params, "lcore");

	for (*out = 0; *out < workers_count(); ++*out)
		if (worker_conf(*out)->lcore == json_integer_value(lcore))
			return 0;
	return rpc_fault_value(f, -ENOENT, "lcore", lcore, "an lcore that worker.list shows", "no worker runs there");
}

static const struct param list_worker_params[] = {
	{.name = "lcore", .type = PARAM_INT, .min = 0, .max = 1023, .help = "only the worker on this EAL lcore"},
	{0},
};

static int list(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	unsigned int first = 0, end = workers_count();
	int rc = 0;

	if (json_object_get(params, "lcore")) {
		rc = find_worker(params, &first, f);
		end = first + 1;
	}
	if (rc == 0)
		rc = stats_take(f);
	if (rc < 0)
		return rc;
	*result = json_array();
	for (unsigned int i = first; i < end; i++)
		json_array_append_new(*result, worker_json(i));
	return 0;
}

static const struct rpc_method method_list = {
	.name = "worker.list",
	.help = "The workers, what they poll and how busy they are (counts since start or stats.clear).",
	.params = list_worker_params,
	.result =
		"An array of objects: lcore, cpu, role (run: receives, forwards and sends), isa, idle (poll or sleep), "
		"busy "
		"(share of cycles, 0 to 1), busy_cycles, idle_cycles, loops, sleeps, punted, held, events_lost, queues "
		"(array of {port, queue, pinned}), burst_fill (packets in a burst: how often), poll_gap (array of "
		"{below_us, "
		"count}: time between two polls), poll_gap_max_us, sampling (as worker.set has it), stages (what was "
		"sampled: "
		"array of {stage, packets, cycles, cycles_per_packet}; beside the stages of the pipeline there are "
		"receive, "
		"mode (ports in a mode other than switch, as a whole) and flush (transmit buffers)).",
	.example = "{}",
	.call = list,
};
RPC_METHOD(method_list)

// What workers are told when a transaction is done.
struct worker_change {
	unsigned int worker;
	enum worker_idle idle;
	bool sampling;
};

static void change_apply(void *arg)
{
	struct worker_change *ch = arg;
	bool idle_changes = worker_idle_get(ch->worker) != ch->idle;
	int lcore = worker_conf(ch->worker)->lcore;

	worker_idle_set(ch->worker, ch->idle);
	if (idle_changes && event_wanted("worker"))
		event_send("worker", "idle", json_pack("{s:i,s:s}", "lcore", lcore, "idle", idle_names[ch->idle]));
	worker_sampling_set(ch->worker, ch->sampling);
	free(ch);
}

// Gives a worker the settings `conf`, or without any those of its start.
static int change(struct txn *t, unsigned int worker, const json_t *conf, struct fault *f)
{
	struct worker_change *ch = malloc(sizeof(*ch));
	const char *idle = json_string_value(json_object_get(conf, "idle"));

	if (!ch)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory to change a worker");
	*ch = (struct worker_change){
		.worker = worker,
		.idle = worker_conf(worker)->idle,
		.sampling = json_is_true(json_object_get(conf, "sampling")),
	};
	if (idle)
		ch->idle = strcmp(idle, "poll") == 0 ? WORKER_IDLE_POLL : WORKER_IDLE_SLEEP;
	txn_done(t, change_apply, free, ch);
	return 0;
}

static const struct param set_params[] = {
	{.name = "lcore",
	 .type = PARAM_INT,
	 .min = 0,
	 .max = 1023,
	 .help = "the worker on this EAL lcore; absent: all"},
	{.name = "idle",
	 .type = PARAM_ENUM,
	 .choices = idle_names,
	 .help = "what a worker does when there is nothing to do: poll on, or sleep for some microseconds at a time"},
	{.name = "sampling",
	 .type = PARAM_BOOL,
	 .help = "count the cycles of each stage (worker.list shows them), at the price of some cycles a packet"},
	{0},
};

// Adds to what was set of a worker before.
static int set_one(struct txn *t, unsigned int worker, const json_t *params, struct fault *f)
{
	json_t *conf;
	char key[16];
	int rc;

	snprintf(key, sizeof(key), "%u", worker_conf(worker)->lcore);
	conf = store_get("worker", key) ? json_copy(store_get("worker", key)) : json_object();
	if (!conf || json_object_update(conf, (json_t *)(uintptr_t)params) ||
	    json_object_set_new(conf, "lcore", json_integer(worker_conf(worker)->lcore))) {
		json_decref(conf);
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory to change a worker");
	}
	rc = change(t, worker, conf, f);
	if (rc < 0)
		json_decref(conf);
	else
		txn_put(t, "worker", key, conf);
	return rc;
}

static int set(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	unsigned int first = 0, end = workers_count();
	int rc = 0;

	if (!json_object_get(params, "idle") && !json_object_get(params, "sampling"))
		return fault_set(f, -EINVAL, "idle", NULL, "idle, sampling or both", "there is nothing to set");

	if (json_object_get(params, "lcore")) {
		rc = find_worker(params, &first, f);
		end = first + 1;
	}
	for (unsigned int i = first; i < end && rc == 0; i++)
		rc = set_one(c->txn, i, params, f);
	return rc;
}

static const struct rpc_method method_set = {
	.name = "worker.set",
	.help = "Sets what workers do when idle, over what sluiced was started with, and whether their stages are "
		"sampled.",
	.params = set_params,
	.result = "true.",
	.example = "{\"idle\": \"sleep\"}",
	.flags = RPC_CHANGES,
	.call = set,
};
RPC_METHOD(method_set)

static const struct param unset_params[] = {
	{.name = "lcore",
	 .type = PARAM_INT,
	 .flags = PARAM_REQUIRED,
	 .min = 0,
	 .max = 1023,
	 .help = "the worker on this EAL lcore"},
	{0},
};

static int unset(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	unsigned int i;
	char key[16];
	int rc = find_worker(params, &i, f);

	if (rc == 0)
		rc = change(c->txn, i, NULL, f);
	if (rc < 0)
		return rc;
	snprintf(key, sizeof(key), "%u", worker_conf(i)->lcore);
	txn_del(c->txn, "worker", key);
	return 0;
}

static const struct rpc_method method_unset = {
	.name = "worker.unset",
	.help = "Takes worker.set back: the worker idles as sluiced was told at its start, and is not sampled.",
	.params = unset_params,
	.result = "true.",
	.flags = RPC_CHANGES,
	.call = unset,
};
RPC_METHOD(method_unset)

static const struct param assign_params[] = {
	{.name = "port", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the port"},
	{.name = "queue",
	 .type = PARAM_INT,
	 .flags = PARAM_REQUIRED,
	 .min = 0,
	 .max = PORT_QUEUES_MAX - 1,
	 .help = "its receive queue"},
	{.name = "lcore",
	 .type = PARAM_INT,
	 .flags = PARAM_REQUIRED,
	 .min = 0,
	 .max = 1023,
	 .help = "the EAL lcore of the worker that is to poll it"},
	{0},
};

static int assign(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct port_obj *p;
	int rc = port_obj_get("port", json_string_value(json_object_get(params, "port")), &p, f);

	if (rc < 0)
		return rc;
	return assign_pin(c->txn, p, json_integer_value(json_object_get(params, "queue")),
			  json_integer_value(json_object_get(params, "lcore")), f);
}

static const struct rpc_method method_assign = {
	.name = "worker.assign",
	.help = "Gives a receive queue to a worker for good. No packet is lost or overtaken by the move.",
	.params = assign_params,
	.result = "true.",
	.flags = RPC_CHANGES,
	.call = assign,
};
RPC_METHOD(method_assign)

static const struct param unassign_params[] = {
	{.name = "port", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the port"},
	{.name = "queue",
	 .type = PARAM_INT,
	 .flags = PARAM_REQUIRED,
	 .min = 0,
	 .max = PORT_QUEUES_MAX - 1,
	 .help = "its receive queue"},
	{0},
};

static int unassign(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct port_obj *p;
	int rc = port_obj_get("port", json_string_value(json_object_get(params, "port")), &p, f);

	return rc < 0 ? rc : assign_unpin(c->txn, p, json_integer_value(json_object_get(params, "queue")), f);
}

static const struct rpc_method method_unassign = {
	.name = "worker.unassign",
	.help = "Takes worker.assign back: the queue stays where it is until worker.rebalance moves it.",
	.params = unassign_params,
	.result = "true.",
	.flags = RPC_CHANGES,
	.call = unassign,
};
RPC_METHOD(method_unassign)

static int rebalance(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	unsigned int moved;
	int rc = assign_rebalance(c->txn, &moved, f);

	if (rc == 0)
		*result = json_pack("{s:i}", "moved", moved);
	return rc;
}

static const struct rpc_method method_rebalance = {
	.name = "worker.rebalance",
	.help = "Moves receive queues that are not assigned, so that all workers poll about as many.",
	.result = "An object: moved (how many queues).",
	.example = "{}",
	.flags = RPC_CHANGES,
	.call = rebalance,
};
RPC_METHOD(method_rebalance)

static const char *const worker_key[] = {"lcore", NULL};
static const char *const assign_key[] = {"port", "queue", NULL};
static const struct kind_ref assign_refs[] = {{.field = "port", .kind = "port"}, {0}};

static const struct kind kind_worker = {
	.name = "worker",
	.plural = "workers",
	.order = 60,
	.add = "worker.set",
	.del = "worker.unset",
	.set = "worker.set",
	.key = worker_key,
};
KIND(kind_worker)

static const struct kind kind_assign = {
	.name = "assign",
	.plural = "assigns",
	.order = 50,
	.add = "worker.assign",
	.del = "worker.unassign",
	.set = "worker.assign",
	.key = assign_key,
	.refs = assign_refs,
};
KIND(kind_assign)
