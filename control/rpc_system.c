/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_version.h>

#include "eal.h"
#include "log.h"
#include "rpc.h"
#include "system.h"
#include "../datapath/worker.h"

static struct event_base *base;
static const struct options *options;
static struct timespec started;

void system_init(struct event_base *b, const struct options *o)
{
	base = b;
	options = o;
	clock_gettime(CLOCK_MONOTONIC, &started);
}

void system_shutdown(void)
{
	// Answers leave in the loop's next turns; this is far more than they take.
	static const struct timeval soon = {.tv_usec = 20000};

	event_base_loopexit(base, &soon);
}

static json_t *json_cpus(const cpu_set_t *cpus)
{
	char text[1024];

	cpus_print(cpus, text, sizeof(text));
	return json_string(text);
}

static json_t *json_lcores(void)
{
	json_t *list = json_array();
	unsigned int lcore, cpu;

	json_array_append_new(list, json_pack("{s:i, s:s, s:o}", "lcore", 0, "role", "control", "cpus",
					      json_cpus(&options->control_cpus)));
	for (unsigned int i = 0; eal_worker(options, i, &lcore, &cpu); i++) {
		cpu_set_t one;

		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		json_array_append_new(
			list, json_pack("{s:i, s:s, s:o}", "lcore", lcore, "role", "worker", "cpus", json_cpus(&one)));
	}
	return list;
}

static int system_info(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	*result = json_pack("{s:s, s:s, s:s, s:b, s:i, s:o, s:i, s:f, s:I, s:s, s:s?, s:s}", "version", SLUICE_VERSION,
			    "dpdk", rte_version(), "isa", datapath_isa(), "hugepages", eal_hugepages(), "memory_mb",
			    eal_memory_mb(), "lcores", json_lcores(), "pid", (int)getpid(), "uptime_s",
			    (double)(now.tv_sec - started.tv_sec) + (double)(now.tv_nsec - started.tv_nsec) * 1e-9,
			    "tsc_hz", (json_int_t)rte_get_tsc_hz(), "socket", options->socket, "state", options->state,
			    "eal_arguments", eal_arguments());
	return *result != NULL ? 0 : fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for the answer");
}

static const struct rpc_method method_info = {
	.name = "system.info",
	.help = "What this daemon is and what it runs on.",
	.result = "An object: version, dpdk, isa (the x86-64 level of the datapath), hugepages (true or false), "
		  "memory_mb per "
		  "NUMA node, lcores (array of {lcore, role, cpus}), pid, uptime_s, tsc_hz (cycles of the counters per "
		  "second), socket, state (path of the state "
		  "file, null "
		  "if none), eal_arguments.",
	.example = "{}",
	.call = system_info,
};
RPC_METHOD(method_info)

static int system_stop(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	LOG(NOTICE, "asked to end by system.shutdown");
	system_shutdown();
	return 0;
}

static const struct rpc_method method_shutdown = {
	.name = "system.shutdown",
	.help = "Ends the daemon in order, as SIGTERM does. The desired state stays on disk.",
	.result = "true, before the end.",
	.call = system_stop,
};
RPC_METHOD(method_shutdown)
