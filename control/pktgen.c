/* SPDX-License-Identifier: BSD-3-Clause */
#include "pktgen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "../datapath/pktgen.h"
#include "../datapath/rcu.h"
#include "bridge.h"
#include "garbage.h"
#include "objects.h"
#include "pktgen_export.h"
#include "pktgen_library.h"
#include "publish.h"
#include "rpc.h"

#define WIRE_EXTRA (PKTGEN_FCS + 20) // FCS, preamble and gap: what a frame takes beside its bytes
#define PORT_GONE "port_gone"

struct generator {
	struct pktgen_stream *stream;
	struct port_obj *port;    // NULL: it has ended
	struct port_obj *rx_port; // NULL: none was asked for, or it is gone
	char port_name[PORT_NAME_LEN], rx_name[PORT_NAME_LEN], profile[64];
	const char *state; // "running", or how it ended
	bool settling;     // ended, and what waits for the port is not yet freed
};

static struct generator *generators[PKTGEN_STREAMS];

static bool runs(const struct generator *g)
{
	return strcmp(g->state, "running") == 0;
}

static struct generator *generator_of(const char *port)
{
	for (unsigned int i = 0; i < PKTGEN_STREAMS; i++)
		if (generators[i] && strcmp(generators[i]->port_name, port) == 0)
			return generators[i];
	return NULL;
}

// The port is the generator's from the next publication on.
static struct pktgen_port *port_take(struct port_obj *p)
{
	if (!p->pktgen) {
		p->pktgen = garbage_alloc(sizeof(*p->pktgen));
		memset(p->pktgen, 0, sizeof(*p->pktgen));
		rte_spinlock_init(&p->pktgen->lock);
		publish_mark_port(p);
	}
	return p->pktgen;
}

// The port is its own again if nothing holds it.
static void port_release(struct port_obj *p)
{
	if (!p || !p->pktgen || p->pktgen->send || p->pktgen->stream_mask)
		return;
	garbage_free_later(p->pktgen);
	p->pktgen = NULL;
	publish_mark_port(p);
}

static void stop_sending(struct generator *g, const char *state)
{
	if (!runs(g))
		return;
	g->state = state;
	g->settling = true;
	if (g->port && g->port->pktgen)
		__atomic_store_n(&g->port->pktgen->send, NULL, __ATOMIC_RELEASE);
	if (event_wanted("pktgen"))
		event_send("pktgen", state,
			   json_pack("{s:s,s:s,s:I}", "port", g->port_name, "profile", g->profile, "sent_packets",
				     (json_int_t)g->stream->packets));
}

// Frees what ended streams had waiting, when no worker can use it any more.
static void settle(void)
{
	bool any = false;

	for (unsigned int i = 0; i < PKTGEN_STREAMS; i++)
		any |= generators[i] && generators[i]->settling;
	if (!any)
		return;
	publish();
	rcu_synchronize();
	for (unsigned int i = 0; i < PKTGEN_STREAMS; i++) {
		if (!generators[i] || !generators[i]->settling)
			continue;
		generators[i]->settling = false;
		pktgen_stream_drop_pending(generators[i]->stream);
		port_release(generators[i]->port);
		generators[i]->port = NULL; // it may go without a word
	}
	publish();
}

static void forget(struct generator *g)
{
	unsigned int id = g->stream->id;

	stop_sending(g, "stopped");
	settle();
	if (g->rx_port && g->rx_port->pktgen)
		__atomic_and_fetch(&g->rx_port->pktgen->stream_mask, ~(UINT64_C(1) << id), __ATOMIC_RELEASE);
	port_release(g->rx_port);
	__atomic_store_n(&pktgen_streams[id], NULL, __ATOMIC_RELEASE);
	generators[id] = NULL;
	garbage_free_later(g->stream);
	publish();
	garbage_collect();
	free(g);
}

static int port_param(const json_t *params, const char *field, struct port_obj **out, struct fault *f)
{
	const char *name = json_string_value(json_object_get(params, field));
	int rc;

	*out = NULL;
	if (!name)
		return 0;
	rc = port_obj_get(field, name, out, f);
	if (rc < 0)
		return rc;
	if ((*out)->state != PORT_OBJ_LIVE)
		return fault_str(f, -EINVAL, field, name, "a port that works", "port %s has no device", name);
	if ((*out)->bp)
		return fault_str(f, -EBUSY, field, name, "a port that no bridge has", "port %s is in bridge %s", name,
				 bridge_port_bridge_name((*out)->bp));
	return 0;
}

static int check_sizes(const struct pktgen_profile *p, const struct port_obj *port, struct fault *f)
{
	unsigned int most = port->mtu + 14u + PKTGEN_FCS;
	char field[64], allowed[96];

	for (unsigned int i = 0; i < p->nlayers; i++)
		most += p->layer[i].offset && (p->layer[i].type == PKTGEN_VLAN || p->layer[i].type == PKTGEN_QINQ) ? 4
														   : 0;
	for (unsigned int i = 0; i < p->nsizes; i++) {
		if (p->size[i].bytes <= most)
			continue;
		snprintf(field, sizeof(field), p->nsizes > 1 ? "profile.sizes[%u].size" : "profile.size", i);
		snprintf(allowed, sizeof(allowed), "at most %u bytes with FCS at the port's MTU of %u", most,
			 port->mtu);
		return rpc_fault_value(f, -EINVAL, field, NULL, allowed, "a frame of %u bytes cannot leave by port %s",
				       p->size[i].bytes, port->name);
	}
	return 0;
}

static void limits_fill(const struct pktgen_profile *p, const json_t *params, struct pktgen_limits *l)
{
	double hz = (double)rte_get_tsc_hz(), pps = (double)p->pps;
	const json_t *rate = json_object_get(params, "rate");

	if (rate)
		pps = (double)json_integer_value(rate);
	for (unsigned int i = 0; i < p->nsizes; i++) {
		double cycles = 0;

		if (pps > 0)
			cycles = hz / pps;
		else if (!rate && p->bps)
			cycles = hz * 8 * (p->size[i].bytes - PKTGEN_FCS + WIRE_EXTRA) / (double)p->bps;
		l->cost[i] = (uint64_t)(cycles * (1 << PKTGEN_COST_SHIFT) + 0.5);
	}
	l->on = (uint64_t)(p->on_s * hz);
	l->off = (uint64_t)(p->off_s * hz);
	l->duration = (uint64_t)(json_number_value(json_object_get(params, "duration")) * hz);
	l->count = (uint64_t)json_integer_value(json_object_get(params, "count"));
}

static int find_id(unsigned int *id, struct fault *f)
{
	for (*id = 0; *id < PKTGEN_STREAMS; ++*id)
		if (!generators[*id])
			return 0;
	return fault_set(f, -ENOSPC, NULL, NULL, NULL, "there are 64 streams; forget one (pktgen.stop)");
}

static int check(const json_t *params, struct pktgen_profile *p, struct port_obj **port, struct port_obj **rx_port,
		 struct fault *f)
{
	const struct generator *old;
	json_t *profile;
	int rc = port_param(params, "port", port, f);

	if (rc == 0)
		rc = port_param(params, "rx_port", rx_port, f);
	if (rc == 0)
		rc = pktgen_library_get("profile", json_object_get(params, "profile"), &profile, f);
	if (rc == 0) {
		rc = pktgen_profile_load(p, profile, "profile", f);
		json_decref(profile);
	}
	if (rc == 0)
		rc = check_sizes(p, *port, f);
	if (rc < 0)
		return rc;
	old = generator_of((*port)->name);
	if (old && runs(old))
		return fault_str(f, -EBUSY, "port", (*port)->name, "a port that sends nothing",
				 "port %s sends profile %s", (*port)->name, old->profile);
	if (*rx_port && !p->stamp)
		return fault_str(f, -EINVAL, "rx_port", (*rx_port)->name, "a profile whose frames are stamped",
				 "frames without a stamp cannot be told apart where they arrive");
	return 0;
}

int pktgen_start(const json_t *params, struct fault *f)
{
	static struct pktgen_profile p;
	struct port_obj *port, *rx_port;
	struct generator *g, *old;
	unsigned int id;
	int rc = check(params, &p, &port, &rx_port, f);

	if (rc < 0)
		return rc;
	old = generator_of(port->name);
	if (old)
		forget(old);
	rc = find_id(&id, f);
	if (rc < 0)
		return rc;
	g = calloc(1, sizeof(*g));
	if (!g)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for a stream");
	g->stream = garbage_alloc(sizeof(*g->stream));
	memset(g->stream, 0, sizeof(*g->stream));
	g->stream->id = (uint16_t)id;
	pktgen_compile(&p, &g->stream->frame);
	limits_fill(&p, params, &g->stream->limits);
	g->port = port;
	g->rx_port = rx_port;
	snprintf(g->port_name, sizeof(g->port_name), "%s", port->name);
	snprintf(g->rx_name, sizeof(g->rx_name), "%s", rx_port ? rx_port->name : "");
	snprintf(g->profile, sizeof(g->profile), "%s", p.name);
	g->state = "running";
	generators[id] = g;
	__atomic_store_n(&pktgen_streams[id], g->stream, __ATOMIC_RELEASE);
	// The sink is there before the first frame.
	if (rx_port)
		__atomic_or_fetch(&port_take(rx_port)->stream_mask, UINT64_C(1) << id, __ATOMIC_RELEASE);
	port_take(port);
	publish();
	__atomic_store_n(&port->pktgen->send, g->stream, __ATOMIC_RELEASE);
	return 0;
}

static int each(const json_t *port, int (*fn)(struct generator *g, void *arg), void *arg, struct fault *f)
{
	struct generator *g;

	if (port) {
		g = generator_of(json_string_value(port));
		return g ? fn(g, arg)
			 : rpc_fault_value(f, -ENOENT, "port", port, "a port that pktgen.stats shows",
					   "the port has sent nothing");
	}
	for (unsigned int i = 0; i < PKTGEN_STREAMS; i++)
		if (generators[i])
			fn(generators[i], arg);
	return 0;
}

static int stop_one(struct generator *g, void *arg)
{
	stop_sending(g, "stopped");
	settle();
	if (*(bool *)arg)
		forget(g);
	return 0;
}

int pktgen_stop(const json_t *port, bool forget_too, struct fault *f)
{
	return each(port, stop_one, &forget_too, f);
}

static double us(double cycles)
{
	return cycles * 1e6 / (double)rte_get_tsc_hz();
}

static json_t *received_json(const struct generator *g)
{
	const struct pktgen_received *r = &g->stream->received;
	const struct pktgen_latency *l = &r->latency;
	int64_t lost = (int64_t)(g->stream->packets - (r->packets - r->duplicates) - r->corrupt);

	return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:f,s:{s:f,s:f,s:f,s:f,s:f}}", "port", g->rx_name,
			 "packets", (json_int_t)r->packets, "bytes", (json_int_t)r->bytes, "lost", (json_int_t)lost,
			 "duplicates", (json_int_t)r->duplicates, "reordered", (json_int_t)r->reordered, "too_late",
			 (json_int_t)r->too_late, "corrupt", (json_int_t)r->corrupt, "unknown",
			 (json_int_t)(g->rx_port && g->rx_port->pktgen ? g->rx_port->pktgen->unknown : 0), "pps",
			 pktgen_received_pps(r, rte_get_tsc_hz()), "latency_us", "mean",
			 l->count ? us((double)l->sum / (double)l->count) : 0.0, "p50",
			 us((double)pktgen_latency_quantile(l, 0.5)), "p99",
			 us((double)pktgen_latency_quantile(l, 0.99)), "p99.9",
			 us((double)pktgen_latency_quantile(l, 0.999)), "max", us((double)l->max));
}

static int stats_one(struct generator *g, void *arg)
{
	const struct pktgen_stream *s = g->stream;
	double seconds = s->last > s->start ? (double)(s->last - s->start) / (double)rte_get_tsc_hz() : 0;
	json_t *o = json_pack("{s:s,s:s,s:s,s:f,s:I,s:I,s:f,s:I,s:I}", "port", g->port_name, "profile", g->profile,
			      "state", g->state, "seconds", seconds, "packets", (json_int_t)s->packets, "bytes",
			      (json_int_t)s->bytes, "pps", seconds > 0 ? (double)s->packets / seconds : 0.0, "behind",
			      (json_int_t)s->behind, "no_mbuf", (json_int_t)s->no_mbuf);

	if (g->rx_name[0])
		json_object_set_new(o, "received", received_json(g));
	json_array_append_new(arg, o);
	return 0;
}

int pktgen_stats(const json_t *port, json_t **out, struct fault *f)
{
	int rc;

	pktgen_poll();
	*out = json_array();
	rc = each(port, stats_one, *out, f);
	if (rc < 0) {
		json_decref(*out);
		*out = NULL;
	}
	return rc;
}

void pktgen_port_gone(struct port_obj *p)
{
	if (!p->pktgen)
		return;
	for (unsigned int i = 0; i < PKTGEN_STREAMS; i++) {
		struct generator *g = generators[i];

		if (!g || (g->port != p && g->rx_port != p))
			continue;
		stop_sending(g, PORT_GONE);
		if (g->port == p)
			g->port = NULL;
		if (g->rx_port == p)
			g->rx_port = NULL;
	}
	garbage_free_later(p->pktgen);
	p->pktgen = NULL;
}

void pktgen_poll(void)
{
	for (unsigned int i = 0; i < PKTGEN_STREAMS; i++) {
		struct generator *g = generators[i];

		if (g && runs(g) && __atomic_load_n(&g->stream->state, __ATOMIC_ACQUIRE) == PKTGEN_DONE)
			stop_sending(g, "done");
	}
	settle();
}

void pktgen_destroy(void)
{
	bool too = true;

	each(NULL, stop_one, &too, NULL);
}
