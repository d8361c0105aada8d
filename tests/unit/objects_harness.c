/* SPDX-License-Identifier: BSD-3-Clause */
#include "slow_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>

#include "../../control/fdb_ctl.h"
#include "../../control/kinds.h"

struct fake fake;

// Devices.

static const struct param fake_params[] = {
	{.name = "queues",
	 .type = PARAM_INT,
	 .min = 1,
	 .max = PORT_QUEUES_MAX,
	 .def = "1",
	 .help = "of each direction"},
	{0},
};

static int fake_create(struct port *p, const json_t *params, unsigned int workers, struct fault *f)
{
	uint16_t queues = json_integer_value(json_object_get(params, "queues"));

	if (fake.fail_create)
		return fault_set(f, -EIO, NULL, NULL, NULL, "the device does not want to");
	p->max_mtu = 9000;
	fake.created++;
	return port_queues_alloc(p, queues, queues, workers);
}

static int fake_start(struct port *p, struct fault *f)
{
	p->link_up = 1;
	fake.started++;
	return 0;
}

static void fake_stop(struct port *p)
{
	fake.stopped++;
}

static void fake_destroy(struct port *p)
{
	fake.destroyed++;
	port_queues_free(p);
}

static int fake_set_mtu(struct port *p, uint16_t mtu, struct fault *f)
{
	if (mtu == 1234)
		return fault_set(f, -EIO, "mtu", "1234", NULL, "the device does not want this MTU");
	return 0;
}

static void fake_dev_stats(const struct port *p, struct port_dev_stats *out)
{
	out->rx_errors = 7;
}

static const struct port_ops fake_ops = {
	.name = "fake",
	.help = "a device of the test",
	.params = fake_params,
	.create = fake_create,
	.start = fake_start,
	.stop = fake_stop,
	.destroy = fake_destroy,
	.set_mtu = fake_set_mtu,
	.stats = fake_dev_stats,
};
PORT_KIND(fake_ops)

// Workers.

static struct worker_conf confs[FAKE_WORKERS] = {{.lcore = 1}, {.lcore = 2}, {.lcore = 5}};
static enum worker_idle idle[FAKE_WORKERS];
static bool sampling[FAKE_WORKERS];

unsigned int workers_count(void)
{
	return FAKE_WORKERS;
}

const struct worker_conf *worker_conf(unsigned int i)
{
	return &confs[i];
}

enum worker_idle worker_idle_get(unsigned int i)
{
	return idle[i];
}

void worker_idle_set(unsigned int i, enum worker_idle how)
{
	idle[i] = how;
}

bool worker_sampling_get(unsigned int i)
{
	return sampling[i];
}

void worker_sampling_set(unsigned int i, bool on)
{
	sampling[i] = on;
}

const char *sample_name(unsigned int step)
{
	return "step";
}

void worker_poll_gap_reset(void)
{
}

const char *datapath_isa(void)
{
	return "none";
}

unsigned int workers_events(struct worker_event *ev, unsigned int n)
{
	unsigned int take = fake.nevents < n ? fake.nevents : n;

	memcpy(ev, fake.event, take * sizeof(*ev));
	fake.nevents -= take;
	memmove(fake.event, fake.event + take, fake.nevents * sizeof(*ev));
	return take;
}

struct worker_stats *worker_stats_alloc(void)
{
	struct worker_stats *s = calloc(FAKE_WORKERS, sizeof(*s));

	for (unsigned int i = 0; i < FAKE_WORKERS; i++)
		s[i].port = calloc(PORT_MAX, sizeof(*s[i].port));
	return s;
}

void worker_stats_free(struct worker_stats *s)
{
	for (unsigned int i = 0; s && i < FAKE_WORKERS; i++)
		free(s[i].port);
	free(s);
}

int workers_snapshot(struct worker_stats *s, unsigned int timeout_ms, unsigned int *who)
{
	if (fake.silent) {
		*who = 2;
		return -ETIMEDOUT;
	}
	for (unsigned int i = 0; i < FAKE_WORKERS; i++) {
		s[i].self = fake.stats[i].self;
		s[i].nports = fake.stats[i].nports;
		memcpy(s[i].port, fake.stats[i].port, s[i].nports * sizeof(*s[i].port));
	}
	return 0;
}

// Notifications.

bool event_wanted(const char *topic)
{
	return true;
}

void event_send(const char *topic, const char *what, json_t *data)
{
	assert_non_null(data);
	fake.sent++;
	snprintf(fake.last_topic, sizeof(fake.last_topic), "%s", topic);
	snprintf(fake.last_what, sizeof(fake.last_what), "%s", what);
	json_decref(data);
}

// Calls.

static json_t *parse(const char *fmt, va_list args)
{
	char text[65536];
	json_error_t error;
	json_t *params;

	vsnprintf(text, sizeof(text), fmt, args);
	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	params = json_loads(text, 0, &error);
	if (!params)
		fail_msg("bad JSON in the test: %s", text);
	return params;
}

static int vcall(const char *method, json_t **result, struct fault *f, const char *fmt, va_list args)
{
	json_t *params = parse(fmt, args);
	int rc;

	memset(f, 0, sizeof(*f));
	rc = rpc_do(method, params, NULL, result, f);
	json_decref(params);
	return rc;
}

int try_call(const char *method, json_t **result, struct fault *f, const char *fmt, ...)
{
	va_list args;
	int rc;

	va_start(args, fmt);
	rc = vcall(method, result, f, fmt, args);
	va_end(args);
	return rc;
}

static json_t *vmust(const char *method, const char *fmt, va_list args)
{
	struct fault f;
	json_t *result;

	if (vcall(method, &result, &f, fmt, args) < 0)
		fail_msg("%s refused: %s (%s=%s, allowed %s)", method, f.message, f.field, f.value, f.allowed);
	return result;
}

json_t *must_call(const char *method, const char *fmt, ...)
{
	json_t *result;
	va_list args;

	va_start(args, fmt);
	result = vmust(method, fmt, args);
	va_end(args);
	return result;
}

void must_do(const char *method, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	json_decref(vmust(method, fmt, args));
	va_end(args);
}

void must_refuse(int err, struct fault *f, const char *method, const char *fmt, ...)
{
	struct fault own;
	json_t *result = NULL;
	va_list args;
	int rc;

	f = f ? f : &own;
	va_start(args, fmt);
	rc = vcall(method, &result, f, fmt, args);
	va_end(args);
	json_decref(result);
	if (rc != err)
		fail_msg("%s %s: %d (%s) instead of %d", method, fmt, rc, f->message, err);
	assert_string_not_equal(f->message, "");
}

static json_t *parse_text(const char *fmt, ...)
{
	va_list args;
	json_t *params;

	va_start(args, fmt);
	params = parse(fmt, args);
	va_end(args);
	return params;
}

void must_txn(const char *ops)
{
	json_t *array = parse_text("%s", ops), *op, *result;
	struct fault f = {0};
	struct txn t;
	struct rpc_call call = {.txn = &t};
	size_t i;

	txn_begin(&t, false);
	json_array_foreach (array, i, op) {
		if (rpc_run(json_string_value(json_array_get(op, 0)), json_array_get(op, 1), &call, &result, &f) < 0)
			fail_msg("%s: %s", json_string_value(json_array_get(op, 0)), f.message);
		json_decref(result);
	}
	assert_int_equal(txn_commit(&t, &f), 0);
	json_decref(array);
}

char *everything(void)
{
	json_t *all = json_object();
	const struct kind *k;
	char *text;

	for (unsigned int i = 0; (k = kind_at(i)); i++)
		json_object_set_new(all, k->plural, kind_objects(k));
	json_object_set_new(all, "port.list", must_call("port.list", "{}"));
	json_object_set_new(all, "bridge.list", must_call("bridge.list", "{}"));
	json_object_set_new(all, "fdb.list", must_call("fdb.list", "{}"));
	json_object_set_new(all, "worker.list", must_call("worker.list", "{}"));
	json_object_set_new(all, "vrf.list", must_call("vrf.list", "{}"));
	json_object_set_new(all, "iface.list", must_call("iface.list", "{}"));
	json_object_set_new(all, "route.list", must_call("route.list", "{}"));
	json_object_set_new(all, "fwd.list", must_call("fwd.list", "{}"));
	json_object_set_new(all, "fwd.get", must_call("fwd.get", "{}"));
	text = json_dumps(all, JSON_SORT_KEYS | JSON_INDENT(1));
	json_decref(all);
	return text;
}

void must_be_same(const char *before, const char *after)
{
	const char *line_before = before, *line_after = after;

	for (size_t i = 0; before[i] == after[i]; i++) {
		if (!before[i])
			return;
		if (before[i] == '\n') {
			line_before = before + i + 1;
			line_after = after + i + 1;
		}
	}
	fail_msg("first difference:\n before: %.80s\n after: %.80s", line_before, line_after);
}

void settle(void)
{
	event_base_loop(fake.base, EVLOOP_NONBLOCK);
	fdb_ctl_drain();
	rcu_drain();
}

// Setup.

void harness_start(void)
{
	char *argv[] = {"test", "--no-huge", "--no-pci",          "--no-shconf", "--no-telemetry",
			"-m",   "64",        "--log-level=error", "-l",          "0"};

	struct fault f;

	if (rte_eal_init(RTE_DIM(argv), argv) < 0 || rcu_create(FAKE_WORKERS) < 0 ||
	    port_pool_create(FX_POOL, &f) < 0) {
		fprintf(stderr, "cannot start DPDK\n");
		exit(1);
	}
	for (unsigned int i = 0; i < FAKE_WORKERS; i++)
		fake.stats[i].port = calloc(PORT_MAX, sizeof(*fake.stats[i].port));
	fake.base = event_base_new();
}

int harness_setup(void **state)
{
	struct fault f;

	fake.created = fake.started = fake.stopped = fake.destroyed = 0;
	fake.fail_create = fake.silent = false;
	fake.nevents = 0;
	for (unsigned int i = 0; i < FAKE_WORKERS; i++) {
		memset(&fake.stats[i].self, 0, sizeof(fake.stats[i].self));
		memset(fake.stats[i].port, 0, PORT_MAX * sizeof(*fake.stats[i].port));
		fake.stats[i].nports = 0;
	}
	assert_int_equal(fdb_create(&fake.fdb, FAKE_FDB_CAPACITY), 0);
	assert_int_equal(store_open(NULL, &f), 0);
	assert_int_equal(objects_create(fake.base, fake.fdb, FAKE_FIB_BYTES), 0);
	return 0;
}

int harness_teardown(void **state)
{
	objects_destroy();
	store_close();
	fdb_destroy(fake.fdb);
	fx_forget();
	assert_int_equal(fake.created, fake.destroyed);
	assert_int_equal(fake.started, fake.stopped);
	return 0;
}
