/* SPDX-License-Identifier: BSD-3-Clause */
// fwd.set, fwd.reset, fwd.start, fwd.stop, fwd.get, fwd.list.
#include "fwd.h"
#include "kinds.h"
#include "list.h"
#include "rpc.h"
#include "../datapath/burst.h"

#define MODE_HELP                                                                                                      \
	"switch: bridges and what else is configured; io: to the peer as they are; mac: from the peer's MAC address "  \
	"to 02:00:00:00 and its port id; macswap: MAC addresses exchanged; rxonly: dropped; txonly: the port sends "   \
	"UDP frames without end; flowgen: 60-byte frames of 1024 UDP flows, what comes is dropped; icmpecho: ARP "     \
	"and echo requests are answered; csum: as mac, IPv4, TCP and UDP checksums made anew; 5tswap: MAC and IP "     \
	"addresses and ports exchanged"

static const struct param pair_params[] = {
	{.name = "a", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "a port"},
	{.name = "b",
	 .type = PARAM_NAME,
	 .help = "the port that its packets leave by, and the other way round; absent: a sends them back itself"},
	{.name = "mode", .type = PARAM_ENUM, .choices = fwd_mode_names, .help = "absent: that of fwd.set"},
	{0},
};

static const struct param set_params[] = {
	{.name = "mode", .type = PARAM_ENUM, .flags = PARAM_REQUIRED, .choices = fwd_mode_names, .help = MODE_HELP},
	{.name = "pairs",
	 .type = PARAM_OBJECTS,
	 .items = pair_params,
	 .help = "only these ports are in the mode, all others in switch; absent: all are, in pairs by their ids as "
		 "they come and go (first and second, third and fourth; an odd one out with itself)"},
	{.name = "started", .type = PARAM_BOOL, .help = "as fwd.start and fwd.stop say; absent: as it is"},
	{.name = "burst",
	 .type = PARAM_INT,
	 .min = 1,
	 .max = BURST_MAX,
	 .help = "packets that a worker takes from a queue, or generates, at once; 64 at first; absent: as it is"},
	{.name = "txonly_bytes",
	 .type = PARAM_INT,
	 .min = FWD_TXONLY_MIN,
	 .max = FWD_TXONLY_MAX,
	 .unit = "bytes",
	 .help = "length of the frames of mode txonly, without FCS; 64 at first; absent: as it is"},
	{0},
};

static int set(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return fwd_set(c->txn, params, f);
}

static const struct rpc_method method_set = {
	.name = "fwd.set",
	.help = "Sets the forwarding mode, of all ports or of the pairs named, while packets flow: no worker stops, "
		"and "
		"each packet is treated by the old mode or the new one.",
	.params = set_params,
	.result = "true.",
	.example = "{\"mode\": \"io\"}",
	.flags = RPC_CHANGES,
	.call = set,
};
RPC_METHOD(method_set)

static int reset(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return fwd_set(c->txn, NULL, f);
}

static const struct rpc_method method_reset = {
	.name = "fwd.reset",
	.help = "Takes fwd.set, fwd.start and fwd.stop back: mode switch, started.",
	.result = "true.",
	.example = "{}",
	.flags = RPC_CHANGES,
	.call = reset,
};
RPC_METHOD(method_reset)

static int start(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return fwd_start_stop(c->txn, true, f);
}

static const struct rpc_method method_start = {
	.name = "fwd.start",
	.help = "Starts forwarding, if it was stopped.",
	.result = "true.",
	.example = "{}",
	.flags = RPC_CHANGES,
	.call = start,
};
RPC_METHOD(method_start)

static int stop(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return fwd_start_stop(c->txn, false, f);
}

static const struct rpc_method method_stop = {
	.name = "fwd.stop",
	.help = "Stops forwarding, in whatever mode: no port is received from and nothing is generated. Packets wait "
		"in "
		"the devices' queues, or are lost there when those are full.",
	.result = "true.",
	.example = "{}",
	.flags = RPC_CHANGES,
	.call = stop,
};
RPC_METHOD(method_stop)

static int get(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	*result = fwd_json();
	return 0;
}

static const struct rpc_method method_get = {
	.name = "fwd.get",
	.help = "The forwarding mode as it was set.",
	.result = "An object: mode, started, burst, txonly_bytes, and pairs if fwd.set named any.",
	.example = "{}",
	.call = get,
};
RPC_METHOD(method_get)

static int list(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const struct names *ports = port_obj_names();
	struct port_obj *none;
	struct list_page page;

	list_page(params, ports, &page);
	if (page.name && page.first == page.end)
		return port_obj_get("name", page.name, &none, f);
	*result = json_array();
	for (uint32_t i = page.first; i < page.end; i++) {
		const struct port_obj *p = ports->at[i];
		const struct port_obj *peer = p->fwd_peer ? port_obj_by_id(p->fwd_peer) : NULL;
		json_t *o =
			json_pack("{s:s,s:i,s:s}", "name", p->name, "id", p->id, "mode", fwd_mode_names[p->fwd_mode]);

		if (peer)
			json_object_set_new(o, "peer", json_string(peer->name));
		json_array_append_new(*result, o);
	}
	return 0;
}

static const struct rpc_method method_list = {
	.name = "fwd.list",
	.help = "The mode that each port is in.",
	.params = list_params,
	.result = "An array of objects: name, id, mode, peer (the port that packets leave by; not in mode switch).",
	.example = "{}",
	.call = list,
};
RPC_METHOD(method_list)

static const char *const key[] = {NULL}; // there is one such object
static const struct kind_ref refs[] = {
	{.field = "a", .kind = "port", .list = "pairs"}, {.field = "b", .kind = "port", .list = "pairs"}, {0}};

static const struct kind kind_fwd = {
	.name = "fwd",
	.plural = "fwd",
	.order = 70,
	.add = "fwd.set",
	.del = "fwd.reset",
	.key = key,
	.refs = refs,
};
KIND(kind_fwd)
