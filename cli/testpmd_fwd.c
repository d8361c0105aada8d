/* SPDX-License-Identifier: BSD-3-Clause */
// show config, set fwd|burst|nbcore|verbose|txpkts, start, stop.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "describe.h"
#include "testpmd.h"

#define NODES_MAX 64

// What forwarding is made of.
struct config {
	json_t *ports;   // by number
	json_t *modes;   // fwd.list
	json_t *workers; // worker.list
	json_t *fwd;     // fwd.get
};

// A command that a daemon without forwarding modes cannot obey.
static enum status need_modes(struct session *s, char *const *words, size_t n)
{
	enum status st = session_describe(s);

	if (st != STATUS_DONE || describe_method(s->schema, "fwd.set") != NULL)
		return st;
	return testpmd_refuse(s, words, n, "this sluiced has no method fwd.set");
}

static void config_free(struct config *c)
{
	json_decref(c->ports);
	json_decref(c->modes);
	json_decref(c->workers);
	json_decref(c->fwd);
}

static enum status config_get(struct session *s, struct config *c)
{
	enum status st = testpmd_ports(s, &c->ports);

	if (st == STATUS_DONE)
		st = session_call(s, "fwd.list", NULL, &c->modes);
	if (st == STATUS_DONE)
		st = session_call(s, "fwd.get", NULL, &c->fwd);
	return st == STATUS_DONE ? session_call(s, "worker.list", NULL, &c->workers) : st;
}

static const json_t *by_name(const json_t *list, const char *name)
{
	const json_t *o;
	size_t i;

	json_array_foreach (list, i, o) {
		if (strcmp(describe_text(o, "name"), name) == 0)
			return o;
	}
	return NULL;
}

static unsigned int port_node(struct session *s, const json_t *port)
{
	json_t *driver = NULL;
	unsigned int node = testpmd_driver(s, port, &driver) == STATUS_DONE ? testpmd_count(driver, "numa_node") : 0;

	json_decref(driver);
	return node;
}

// The socket is on this machine, so its CPUs are ours.
static unsigned int cpu_node(unsigned int cpu)
{
	char path[64];

	for (unsigned int node = 0; node < NODES_MAX; node++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/node%u", cpu, node);
		if (access(path, F_OK) == 0)
			return node;
	}
	return 0;
}

// "RX P=0/Q=0 ... -> TX P=1/Q=0 ..."; in mode switch a port's packets go where its bridge says.
static void print_stream(struct session *s, const struct config *c, const json_t *queue, size_t worker)
{
	const json_t *in = by_name(c->ports, describe_text(queue, "port")), *out;
	const json_t *mode = by_name(c->modes, describe_text(queue, "port"));
	unsigned int id, txq;

	printf("\n  RX P=%u/Q=%llu (socket %u) -> ", testpmd_number(in), testpmd_count(queue, "queue"),
	       port_node(s, in));
	out = by_name(c->ports, describe_text(mode, "peer"));
	if (out == NULL) {
		const char *bridge = describe_text(in, "bridge");

		printf("%s%s", *bridge != '\0' ? "bridge " : "no bridge", bridge);
		return;
	}
	id = testpmd_number(out) + 1;
	txq = testpmd_count(out, "txq") > 0 ? worker % testpmd_count(out, "txq") : 0;
	printf("TX P=%u/Q=%u (socket %u) peer=02:00:00:00:%02X:%02X", id - 1, txq, port_node(s, out), id >> 8,
	       id & 255);
}

static void print_forwarding(struct session *s, const struct config *c)
{
	size_t streams = 0, i, j;
	const json_t *w, *q;

	json_array_foreach (c->workers, i, w)
		streams += json_array_size(json_object_get(w, "queues"));
	printf("%s packet forwarding - ports=%zu - cores=%zu - streams=%zu - NUMA support disabled, MP allocation "
	       "mode: "
	       "native\n",
	       describe_text(c->fwd, "mode"), json_array_size(c->ports), json_array_size(c->workers), streams);
	json_array_foreach (c->workers, i, w) {
		printf("Logical Core %llu (socket %u) forwards packets on %zu streams:", testpmd_count(w, "lcore"),
		       cpu_node((unsigned int)testpmd_count(w, "cpu")), json_array_size(json_object_get(w, "queues")));
		json_array_foreach (json_object_get(w, "queues"), j, q) {
			if (by_name(c->ports, describe_text(q, "port")) != NULL)
				print_stream(s, c, q, i);
		}
		putchar('\n');
	}
	putchar('\n');
}

static void print_thresholds(const char *direction, const json_t *q)
{
	printf("      %s threshold registers: pthresh=%llu hthresh=%llu  wthresh=%llu\n", direction,
	       testpmd_count(q, "prefetch_threshold"), testpmd_count(q, "host_threshold"),
	       testpmd_count(q, "writeback_threshold"));
}

static enum status print_queues(struct session *s, const json_t *port)
{
	json_t *driver;
	enum status st = testpmd_driver(s, port, &driver);
	const json_t *rx, *tx;

	if (st != STATUS_DONE)
		return st;
	rx = json_object_get(driver, "rx_queue");
	tx = json_object_get(driver, "tx_queue");
	printf("  port %u: RX queue number: %llu Tx queue number: %llu\n", testpmd_number(port),
	       testpmd_count(port, "rxq"), testpmd_count(port, "txq"));
	if (rx != NULL && tx != NULL) {
		printf("    Rx offloads=0x%llx Tx offloads=0x%llx\n", testpmd_count(driver, "rx_offload_bits"),
		       testpmd_count(driver, "tx_offload_bits"));
		printf("    RX queue: 0\n      RX desc=%llu - RX free threshold=%llu\n", testpmd_count(rx, "descs"),
		       testpmd_count(rx, "free_threshold"));
		print_thresholds("RX", rx);
		printf("      RX Offloads=0x%llx\n", testpmd_count(rx, "offload_bits"));
		printf("    TX queue: 0\n      TX desc=%llu - TX free threshold=%llu\n", testpmd_count(tx, "descs"),
		       testpmd_count(tx, "free_threshold"));
		print_thresholds("TX", tx);
		printf("      TX offloads=0x%llx - TX RS bit threshold=%llu\n", testpmd_count(tx, "offload_bits"),
		       testpmd_count(tx, "rs_threshold"));
	}
	json_decref(driver);
	return STATUS_DONE;
}

static enum status print_rxtx(struct session *s, const struct config *c)
{
	enum status st = STATUS_DONE;
	const json_t *p;
	size_t i;

	printf("  %s packet forwarding packets/burst=%llu\n", describe_text(c->fwd, "mode"),
	       testpmd_count(c->fwd, "burst"));
	if (strcmp(describe_text(c->fwd, "mode"), "txonly") == 0)
		printf("  packet len=%llu - nb packet segments=1\n", testpmd_count(c->fwd, "txonly_bytes"));
	printf("  nb forwarding cores=%zu - nb forwarding ports=%zu\n", json_array_size(c->workers),
	       json_array_size(c->ports));
	json_array_foreach (c->ports, i, p) {
		if (st == STATUS_DONE)
			st = print_queues(s, p);
	}
	return st;
}

static enum status print_cores(struct session *s)
{
	json_t *workers;
	const json_t *w;
	size_t i;
	enum status st = session_call(s, "worker.list", NULL, &workers);

	if (st != STATUS_DONE)
		return st;
	fputs("List of forwarding lcores: ", stdout);
	json_array_foreach (workers, i, w)
		printf(" %llu", testpmd_count(w, "lcore"));
	putchar('\n');
	json_decref(workers);
	return st;
}

static enum status print_txpkts(struct session *s)
{
	json_t *fwd;
	enum status st = session_call(s, "fwd.get", NULL, &fwd);

	if (st == STATUS_DONE)
		printf("Number of segments: 1\nSegment sizes: %llu\nSplit packet: off\n",
		       testpmd_count(fwd, "txonly_bytes"));
	json_decref(fwd);
	return st;
}

enum status testpmd_show_config(struct session *s, char *const *words, size_t n)
{
	bool fwd = strcmp(words[2], "fwd") == 0, rxtx = strcmp(words[2], "rxtx") == 0;
	struct config c = {0};
	enum status st;

	if (strcmp(words[2], "cores") == 0)
		return print_cores(s);
	if (strcmp(words[2], "txpkts") == 0)
		return print_txpkts(s);
	if (!fwd && !rxtx)
		return session_fail(s, STATUS_USAGE, "show config: no '%s' here (there is: fwd, rxtx, cores, txpkts)",
				    words[2]);
	st = need_modes(s, words, n);
	if (st == STATUS_DONE)
		st = config_get(s, &c);
	if (st == STATUS_DONE && fwd)
		print_forwarding(s, &c);
	if (st == STATUS_DONE && rxtx)
		st = print_rxtx(s, &c);
	config_free(&c);
	return st;
}

enum status testpmd_set_fwd(struct session *s, char *const *words, size_t n)
{
	json_t *params, *result;
	enum status st;

	if (n == 4)
		return testpmd_refuse(s, words, n, "a worker does not wait for a queue that is full");
	st = need_modes(s, words, n);
	if (st != STATUS_DONE)
		return st;
	params = json_pack("{s:s}", "mode", words[2]);
	st = session_call(s, "fwd.set", params, &result);
	json_decref(params);
	json_decref(result);
	if (st == STATUS_DONE)
		printf("Set %s packet forwarding mode\n", words[2]);
	return st;
}

// Sets one number of fwd.set and leaves the rest.
static enum status fwd_change(struct session *s, const char *name, unsigned int value)
{
	json_t *params, *result = NULL, *fwd;
	enum status st = session_call(s, "fwd.get", NULL, &fwd);

	if (st != STATUS_DONE)
		return st;
	params = json_pack("{s:O,s:i}", "mode", json_object_get(fwd, "mode"), name, (int)value);
	if (json_object_get(fwd, "pairs") != NULL)
		json_object_set(params, "pairs", json_object_get(fwd, "pairs"));
	st = session_call(s, "fwd.set", params, &result);
	json_decref(params);
	json_decref(result);
	json_decref(fwd);
	return st;
}

enum status testpmd_set_burst(struct session *s, char *const *words, size_t n)
{
	unsigned int burst;
	enum status st;

	if (!testpmd_parse(words[2], 512, &burst) || burst == 0)
		return session_fail(s, STATUS_USAGE, "set burst: '%s' is not 1 to 512", words[2]);
	st = fwd_change(s, "burst", burst);
	if (st == STATUS_DONE)
		printf("Number of packets per burst set to %u\n", burst);
	return st;
}

enum status testpmd_set_nbcore(struct session *s, char *const *words, size_t n)
{
	unsigned int cores;
	json_t *workers;
	size_t have;
	enum status st;

	if (!testpmd_parse(words[2], 1023, &cores) || cores == 0)
		return session_fail(s, STATUS_USAGE, "set nbcore: '%s' is not a number of cores", words[2]);
	st = session_call(s, "worker.list", NULL, &workers);
	have = json_array_size(workers);
	json_decref(workers);
	if (st != STATUS_DONE)
		return st;
	if (cores > have)
		return session_fail(s, STATUS_REFUSED,
				    "set nbcore: nb fwd cores %u > %zu (max. number of configured lcores) - ignored",
				    cores, have);
	if (cores < have)
		return testpmd_refuse(s, words, n,
				      "all workers forward; they are chosen when sluiced starts (see worker.assign)");
	printf("Number of forwarding cores set to %u\n", cores);
	return STATUS_DONE;
}

enum status testpmd_set_verbose(struct session *s, char *const *words, size_t n)
{
	json_t *memory = testpmd_memory(s, "verbose");
	unsigned long long before = testpmd_count(memory, "level");
	unsigned int level;

	if (!testpmd_parse(words[2], 0xffff, &level))
		return session_fail(s, STATUS_USAGE, "set verbose: '%s' is not a level", words[2]);
	json_object_set_new(memory, "level", json_integer(level));
	printf("Change verbose level from %llu to %u\n", before, level);
	if (level == 0)
		return STATUS_DONE;
	return session_fail(s, STATUS_DONE,
			    "set verbose: packets are not printed as they pass; counters say what became of them");
}

// On the wire it is the same in how many parts a frame lay in memory, so their sum is what counts.
enum status testpmd_set_txpkts(struct session *s, char *const *words, size_t n)
{
	const char *at = words[2];
	unsigned long total = 0, length;
	bool good;
	char *end;

	do {
		length = strtoul(at, &end, 10);
		good = isdigit((unsigned char)*at) && length <= 65535 && (*end == ',' || *end == '\0');
		total += length;
		at = end + 1;
	} while (good && *end == ',' && total <= 65535);
	if (!good)
		return session_fail(s, STATUS_USAGE, "set txpkts: '%s' is no length in bytes, nor several with commas",
				    words[2]);
	return fwd_change(s, "txonly_bytes", (unsigned int)total);
}

// fwd.start or fwd.stop, unless it is so already. *was: whether it was.
static enum status switch_to(struct session *s, bool started, bool *was)
{
	json_t *fwd, *result = NULL;
	enum status st = session_call(s, "fwd.get", NULL, &fwd);

	if (st == STATUS_DONE) {
		*was = json_is_true(json_object_get(fwd, "started"));
		if (*was != started)
			st = session_call(s, started ? "fwd.start" : "fwd.stop", NULL, &result);
	}
	json_decref(result);
	json_decref(fwd);
	return st;
}

enum status testpmd_start(struct session *s, char *const *words, size_t n)
{
	json_t *memory = testpmd_memory(s, "forwarding");
	struct config c = {0};
	enum status st;
	bool was;

	if (n > 1)
		return testpmd_refuse(s, words, n, "nothing is sent first; mode txonly or pktgen sends");
	st = need_modes(s, words, n);
	if (st == STATUS_DONE)
		st = switch_to(s, true, &was);
	if (st != STATUS_DONE)
		return st;
	// sluiced forwards from its beginning on, so what is already started may still be this script's first start.
	if (was && json_object_get(memory, "started") != NULL)
		return session_fail(s, STATUS_DONE, "Packet forwarding already started");
	json_object_set_new(memory, "started", json_true());
	st = testpmd_fwd_zero(s);
	if (st == STATUS_DONE)
		st = config_get(s, &c);
	if (st == STATUS_DONE) {
		print_forwarding(s, &c);
		st = print_rxtx(s, &c);
	}
	config_free(&c);
	return st;
}

enum status testpmd_stop(struct session *s, char *const *words, size_t n)
{
	enum status st = need_modes(s, words, n);
	bool was;

	if (st == STATUS_DONE)
		st = switch_to(s, false, &was);
	if (st != STATUS_DONE)
		return st;
	json_object_del(testpmd_memory(s, "forwarding"), "started");
	if (!was)
		return session_fail(s, STATUS_DONE, "Packet forwarding not started");
	puts("Telling cores to stop...\nWaiting for lcores to finish...");
	st = testpmd_print_fwd(s);
	if (st == STATUS_DONE)
		puts("\nDone.");
	return st;
}
