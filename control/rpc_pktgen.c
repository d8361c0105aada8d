/* SPDX-License-Identifier: BSD-3-Clause */
// pktgen.start, pktgen.stop, pktgen.stats.
#include "pktgen.h"
#include "rpc.h"

static const struct param start_params[] = {
	{.name = "port",
	 .type = PARAM_NAME,
	 .flags = PARAM_REQUIRED,
	 .help = "the port that sends; it is in no bridge, and the generator's until pktgen.stop forgets the stream"},
	{.name = "profile",
	 .type = PARAM_VALUE,
	 .flags = PARAM_REQUIRED,
	 .help = "a traffic profile, as pktgen-profiles/schema.json describes it (on the command line: @FILE), or the "
		 "name "
		 "of one that comes with the programs"},
	{.name = "rx_port",
	 .type = PARAM_NAME,
	 .help = "the port where the frames are to arrive and are measured; other packets that arrive there are "
		 "counted "
		 "and dropped"},
	{.name = "rate",
	 .type = PARAM_INT,
	 .min = 0,
	 .max = 1000000000,
	 .unit = "packets/s",
	 .help = "instead of the profile's rate; 0: as fast as it goes"},
	{.name = "duration",
	 .type = PARAM_NUMBER,
	 .min = 0,
	 .max = 1000000,
	 .unit = "s",
	 .def = "0",
	 .help = "ends by itself after this time; 0: does not"},
	{.name = "count",
	 .type = PARAM_INT,
	 .min = 0,
	 .max = INT64_C(1) << 48,
	 .unit = "packets",
	 .def = "0",
	 .help = "ends by itself after so many frames; 0: does not"},
	{0},
};

static int start(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return pktgen_start(params, f);
}

static const struct rpc_method method_start = {
	.name = "pktgen.start",
	.help = "Sends the frames of a traffic profile by a port and measures them where they arrive. Is forgotten "
		"when "
		"the daemon ends.",
	.params = start_params,
	.result = "true.",
	.example = "{\"port\": \"p1\", \"profile\": \"imix\", \"rate\": 1000000, \"duration\": 10}",
	.call = start,
};
RPC_METHOD(method_start)

static const struct param stop_params[] = {
	{.name = "port", .type = PARAM_NAME, .help = "the port that sends; absent: all"},
	{.name = "forget",
	 .type = PARAM_BOOL,
	 .def = "false",
	 .help = "forget the figures as well, and give the ports back"},
	{0},
};

static int stop(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return pktgen_stop(json_object_get(params, "port"), json_is_true(json_object_get(params, "forget")), f);
}

static const struct rpc_method method_stop = {
	.name = "pktgen.stop",
	.help = "Stops sending. What is on the way is measured on.",
	.params = stop_params,
	.result = "true.",
	.example = "{\"forget\": true}",
	.call = stop,
};
RPC_METHOD(method_stop)

static const struct param stats_params[] = {
	{.name = "port", .type = PARAM_NAME, .help = "only the stream that this port sends"},
	{0},
};

static int stats(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return pktgen_stats(json_object_get(params, "port"), result, f);
}

static const struct rpc_method method_stats = {
	.name = "pktgen.stats",
	.help = "What the generator's streams have sent, and what of it arrived.",
	.params = stats_params,
	.result = "An array of objects: port, profile, state (running, done, stopped, port_gone), seconds, packets, "
		  "bytes "
		  "(without FCS), pps, behind (how often it was a millisecond late and let that time go), no_mbuf (how "
		  "often there were no buffers), received (where there is an rx_port: port, packets, bytes, lost "
		  "(while it "
		  "runs with those on the way), duplicates, reordered, too_late (of these, later than 65536 frames), "
		  "corrupt, unknown (packets of no stream, all that came there), pps (by the clock of the one who "
		  "receives), latency_us: mean, p50, p99, p99.9, max).",
	.example = "{}",
	.call = stats,
};
RPC_METHOD(method_stats)
