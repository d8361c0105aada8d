/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>

#include "../../datapath/rcu.h"
#include "harness.h"

struct worker *harness_worker;
struct fdb *harness_fdb;
struct harness_port harness_ports[HARNESS_PORTS];

static const struct fwd_port *fwd_ports[HARNESS_PORTS];
static struct fwd_domain *domains[DOMAIN_MAX];
static const struct fwd_iface *fwd_ifaces[HARNESS_IFACES];
static struct fwd_iface ifaces[HARNESS_IFACES];
struct fwd_state harness_state;

#define POOL_SIZE 16383

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "harness: %s failed\n", what);
		exit(1);
	}
}

static uint16_t keep(struct txq *q, struct rte_mbuf **pkts, uint16_t n)
{
	struct harness_port *hp = &harness_ports[q->port_id];
	uint16_t take = (uint16_t)RTE_MIN(n, hp->room);

	assert_true(hp->nout + take <= HARNESS_OUT);
	memcpy(&hp->out[hp->nout], pkts, take * sizeof(*pkts));
	hp->nout += take;
	hp->room -= take;
	return take;
}

// Frees all that a test made.
static void clear(void)
{
	for (uint16_t id = 1; id < HARNESS_PORTS; id++) {
		struct harness_port *hp = &harness_ports[id];

		rte_pktmbuf_free_bulk(hp->out, hp->nout);
		port_queues_free(&hp->port);
		memset(hp, 0, sizeof(*hp));
		fwd_ports[id] = NULL;
	}
	for (uint32_t d = 0; d < DOMAIN_MAX; d++) {
		free(domains[d]);
		domains[d] = NULL;
	}
	memset(fwd_ifaces, 0, sizeof(fwd_ifaces));
	worker_free(harness_worker);
	harness_worker = NULL;
	fdb_destroy(harness_fdb);
	harness_fdb = NULL;
}

void harness_init(void)
{
	char *argv[] = {"test", "--no-huge",   "--no-pci", "--no-shconf",   "-m", "192", "-l",
			"0",    "--log-level", "*:4",      "--no-telemetry"};
	struct fault f = {0};

	must(rte_eal_init(RTE_DIM(argv), argv) >= 0, "rte_eal_init");
	must(rcu_create(1) == 0, "rcu_create");
	must(port_pool_create(POOL_SIZE, &f) == 0, f.message);
	atexit(clear); // for those who look for leaks
}

bool harness_reset(const char *isa)
{
	const struct worker_conf conf = {.idle = WORKER_IDLE_POLL};
	struct fault f = {0};

	clear();
	must(fdb_create(&harness_fdb, 4096) == 0, "fdb_create");
	harness_worker = worker_new(0, &conf, harness_fdb);
	must(harness_worker, "worker_new");
	harness_worker->now_s = 100;
	harness_worker->tsc = UINT64_C(1) << 40;
	return datapath_isa_set(isa, &f) == 0;
}

struct harness_port *harness_port(uint16_t id)
{
	struct harness_port *hp = &harness_ports[id];

	snprintf(hp->port.name, sizeof(hp->port.name), "p%u", id);
	hp->port.id = id;
	hp->port.link_up = 1;
	hp->port.mtu = 1500;
	must(port_queues_alloc(&hp->port, 1, 1, 1) == 0, "port_queues_alloc");
	hp->port.txq[0].tx = keep;
	hp->room = HARNESS_OUT;
	hp->fwd = (struct fwd_port){.port = &hp->port, .max_frame = 1514, .up = true, .bridge = 1};
	fwd_ports[id] = &hp->fwd;
	return hp;
}

static void member(uint16_t id, uint16_t domain, uint16_t vid)
{
	if (!domains[domain]) {
		domains[domain] = calloc(1, sizeof(struct fwd_domain) + HARNESS_PORTS * sizeof(struct fwd_member));
		*domains[domain] = (struct fwd_domain){.bridge = 1, .vid = vid, .learning = true};
	}
	domains[domain]->member[domains[domain]->nmembers++].port_id = id;
}

void harness_access(uint16_t id, uint16_t domain, uint16_t vid)
{
	harness_ports[id].fwd.access = true;
	harness_ports[id].fwd.untagged_domain = domain;
	harness_ports[id].fwd.untagged_vid = vid;
	member(id, domain, vid);
}

void harness_trunk(uint16_t id, uint16_t domain, uint16_t vid)
{
	harness_ports[id].fwd.vid_domain = harness_ports[id].vid_domain;
	if (vid)
		harness_ports[id].vid_domain[vid] = domain;
	else
		harness_ports[id].fwd.untagged_domain = domain;
	member(id, domain, vid);
}

void harness_native(uint16_t id, uint16_t domain, uint16_t vid)
{
	harness_trunk(id, domain, vid);
	harness_ports[id].fwd.untagged_domain = domain;
	harness_ports[id].fwd.untagged_vid = vid;
}

void harness_rest(uint16_t id, uint16_t domain)
{
	struct harness_port *hp = &harness_ports[id];

	hp->fwd.vid_domain = hp->vid_domain;
	if (!hp->fwd.untagged_domain)
		hp->fwd.untagged_domain = domain;
	for (uint16_t vid = 1; vid < VLAN_COUNT; vid++) {
		if (!hp->vid_domain[vid])
			hp->vid_domain[vid] = domain;
	}
	member(id, domain, VLAN_NONE);
}

struct fwd_domain *harness_domain(uint16_t domain)
{
	return domains[domain];
}

struct fwd_iface *harness_iface(uint16_t id, uint16_t domain, uint16_t vrf, const uint8_t mac[6])
{
	struct fwd_iface *i = &ifaces[id];

	*i = (struct fwd_iface){.id = id, .vrf = vrf, .domain = domain, .mtu = 1500, .up = true};
	memcpy(&i->mac, mac, sizeof(i->mac));
	must(fdb_add_static(harness_fdb, fdb_key(mac, domain), PORT_ROUTER) == 0, "fdb_add_static");
	domains[domain]->iface = id;
	fwd_ifaces[id] = i;
	return i;
}

bool harness_punt(enum punt_class class, struct punt *punt)
{
	return worker_punts(harness_worker, class, punt, 1) == 1;
}

void harness_build(void)
{
	harness_state = (struct fwd_state){.burst = BURST_MAX,
					   .txonly_bytes = FWD_TXONLY_BYTES,
					   .nports = HARNESS_PORTS,
					   .ndomains = DOMAIN_MAX - 1,
					   .port = fwd_ports,
					   .domain = (const struct fwd_domain **)domains,
					   .nifaces = HARNESS_IFACES,
					   .iface = fwd_ifaces};
	harness_worker->state = &harness_state;
}

struct rte_mbuf *harness_mbuf(const void *data, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(port_pool());

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), data, len);
	return m;
}

void harness_in(uint16_t port_id, struct rte_mbuf *m)
{
	struct burst *b = &harness_worker->burst;

	if (!b->nsegments || b->from[b->nsegments - 1].q->port_id != port_id)
		b->from[b->nsegments++] = (struct burst_segment){.q = harness_ports[port_id].port.rxq, .first = b->n};
	b->pkt[b->n++] = m;
	if (b->n == BURST_MAX)
		datapath_ops()->pipeline_run(harness_worker, b);
}

void harness_run(void)
{
	if (harness_worker->burst.n)
		datapath_ops()->pipeline_run(harness_worker, &harness_worker->burst);
	datapath_ops()->tx_flush(harness_worker);
}

uint64_t harness_drops(uint16_t port_id, enum drop_reason reason)
{
	return harness_worker->count[port_id].drops[reason];
}

void harness_audit(void)
{
	uint64_t in = 0, out = 0;

	// Row 0 is of injected frames that no port is charged for.
	for (uint16_t id = 0; id < HARNESS_PORTS; id++) {
		const struct port_counters *c = &harness_worker->count[id];

		in += c->rx_packets + c->copies + c->generated;
		out += c->tx_packets;
		for (int r = 0; r < DROP_COUNT; r++)
			out += c->drops[r];
		assert_int_equal(c->tx_packets, harness_ports[id].nout);
	}
	out += harness_worker->self.punted;
	assert_int_equal(in, out);
	assert_int_equal(harness_worker->self.held, 0);
	harness_worker->self.punted = 0;
	for (uint16_t id = 0; id < HARNESS_PORTS; id++) {
		rte_pktmbuf_free_bulk(harness_ports[id].out, harness_ports[id].nout);
		harness_ports[id].nout = 0;
		harness_worker->count[id].tx_packets = harness_worker->count[id].rx_packets = 0;
		harness_worker->count[id].copies = harness_worker->count[id].generated = 0;
		memset(harness_worker->count[id].drops, 0, sizeof(harness_worker->count[id].drops));
	}
	assert_int_equal(rte_mempool_in_use_count(port_pool()), 0);
}

void harness_on_all_levels(void **test)
{
	static const char *const levels[] = {"v2", "v3", "v4"};
	void (*fn)(void) = *(void (**)(void)) * test;

	for (unsigned int i = 0; i < RTE_DIM(levels); i++) {
		if (harness_reset(levels[i]))
			fn();
	}
}
