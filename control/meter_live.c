/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_debug.h>

#include "flow_change.h"
#include "flow_ctl.h"
#include "flow_retire.h"
#include "flow_text.h"
#include "garbage.h"
#include "group_live.h"
#include "kinds.h"
#include "store.h"
#include "txn.h"

// A band without a burst of its own lets pass at once what its rate is for 10 ms, which is 1 % of a second, but no less
// than a few packets.
#define BURST_PER_S 100
#define BURST_PKTS 32
#define BURST_BITS 24000

_Static_assert(METERS_MAX == FLOW_METERS_MAX - 1 && METER_BANDS_MAX <= FLOW_BANDS_MAX);

struct meter_live {
	struct flow_meter *seen;        // what workers have
	uint8_t place[METER_BANDS_MAX]; // of each band as it was given, among those of `seen`
	// What control passes through it: the controllers' meter.
	struct of_counter own[1 + METER_BANDS_MAX];
};

static void meter_retire(void *arg)
{
	struct meter_obj *m = arg;

	for (uint32_t i = 0; i <= METER_BANDS_MAX; i++)
		flow_count_clear(FLOW_COUNT_METER, flow_meter_counter(m->id, i));
	free(m->live);
	meter_free(m);
}

struct of_counter meter_counted(const struct meter_obj *m, uint32_t part)
{
	struct of_counter out = {.packets = 0};
	struct flow_count c;
	uint32_t i;

	if (m->live == NULL)
		return out;
	i = part > 0 ? 1u + m->live->place[part - 1] : 0;
	out = m->live->own[i];
	c = flow_count_get(FLOW_COUNT_METER, flow_meter_counter(m->id, i));
	out.packets += c.packets;
	out.bytes += c.bytes;
	return out;
}

static void band_make(const struct meter_mod *m, const struct meter_band *b, struct flow_band *out)
{
	const bool pkts = (m->flags & METER_PKTPS) != 0;
	const uint64_t unit = pkts ? 1 : 1000, least = pkts ? BURST_PKTS : BURST_BITS;

	*out = (struct flow_band){.rate = b->rate * unit,
				  .burst = b->burst * unit,
				  .remark = b->type == METER_DSCP_REMARK,
				  .level = b->prec_level};
	if ((m->flags & METER_BURST) == 0)
		out->burst = RTE_MAX(out->rate / BURST_PER_S, least);
	out->burst = RTE_MAX(out->burst, UINT64_C(1));
}

static struct flow_meter *meter_compile(const struct meter_mod *m, uint8_t *place)
{
	struct flow_meter *out = garbage_alloc(sizeof(*out));
	uint8_t order[METER_BANDS_MAX];

	*out = (struct flow_meter){.bits = (m->flags & METER_PKTPS) == 0, .nbands = m->nbands};
	// The highest rate first; of equal ones, as they were given.
	for (uint32_t i = 0; i < m->nbands; i++) {
		uint32_t at = i;

		for (; at > 0 && m->bands[order[at - 1]].rate < m->bands[i].rate; at--)
			order[at] = order[at - 1];
		order[at] = (uint8_t)i;
	}
	for (uint32_t i = 0; i < m->nbands; i++) {
		band_make(m, &m->bands[order[i]], &out->band[i]);
		place[order[i]] = (uint8_t)i;
	}
	flow_meter_init(out, rte_get_tsc_hz(), rte_rdtsc());
	return out;
}

static void meter_give(struct meter_obj *m)
{
	if (m->live == NULL) {
		m->live = garbage_alloc(sizeof(*m->live));
		*m->live = (struct meter_live){.seen = NULL};
	} else if (!m->rebanded) {
		return;
	}
	for (uint32_t i = 1; i <= METER_BANDS_MAX; i++) {
		flow_count_clear(FLOW_COUNT_METER, flow_meter_counter(m->id, i));
		m->live->own[i] = (struct of_counter){.packets = 0};
	}
	m->live->seen = meter_compile(&m->mod, m->live->place);
	garbage_free_later(flow_meter_set(m->id, m->live->seen));
	m->rebanded = false;
}

static void meter_withdraw(struct meter_obj *m)
{
	if (m->live == NULL) {
		meter_free(m);
		return;
	}
	garbage_free_later(flow_meter_set(m->id, NULL));
	flow_retire(meter_retire, m);
}

static void meter_drop_flows(void *owner, uint32_t meter, struct txn *txn)
{
	struct fault f;

	// As in txn.c: half of a change cannot be gone on with.
	if (flow_ctl_drop_meter(txn, owner, meter, &f) < 0)
		rte_panic("meter %u: %s\n", meter, f.message);
}

static void meters_publish(void *arg)
{
	struct flow_bridge *fb = arg;
	struct meter_obj *m;

	while (fb->meters != NULL && (m = meter_dirty_take(fb->meters)) != NULL) {
		if (m->deleted)
			meter_withdraw(m);
		else
			meter_give(m);
	}
	garbage_collect();
}

// Not before the entries that refer to what goes have gone themselves.
static void meters_done(void *arg)
{
	flow_change_commit();
	meters_publish(arg);
}

// Before flow entries that refer to them: those that workers do not have yet.
static int meters_publish_new(void *arg, struct fault *f)
{
	struct flow_bridge *fb = arg;
	struct meter_obj *m;

	TAILQ_FOREACH (m, &fb->meters->dirty, dirty_link)
		if (m->live == NULL && !m->deleted)
			meter_give(m);
	return 0;
}

// --- changes ---------------------------------------------------------------------------------------------------------

static void store_key(const struct flow_bridge *fb, uint32_t meter, char key[KIND_KEY_LEN])
{
	snprintf(key, KIND_KEY_LEN, "%s/%" PRIu32, fb->bridge->name, meter);
}

bool meter_persisted(const struct flow_bridge *fb, uint32_t meter)
{
	char key[KIND_KEY_LEN];

	store_key(fb, meter, key);
	return store_get("meter", key) != NULL;
}

static void meter_forget(struct txn *t, const struct flow_bridge *fb, uint32_t meter)
{
	char key[KIND_KEY_LEN];

	store_key(fb, meter, key);
	if (store_get("meter", key) != NULL)
		txn_del(t, "meter", key);
}

static void meter_keep(struct txn *t, const struct flow_bridge *fb, const struct meter_mod *m)
{
	char key[KIND_KEY_LEN], *text = meter_text_format(m);

	store_key(fb, m->meter, key);
	txn_put(t, "meter", key,
		json_pack("{s:s, s:I, s:s, s:b}", "bridge", fb->bridge->name, "meter", (json_int_t)m->meter, "text",
			  text != NULL ? text : "", "persist", 1));
	free(text);
}

static struct meter_table *table_of(struct flow_bridge *fb)
{
	if (fb->meters == NULL) {
		fb->meters = garbage_alloc(sizeof(*fb->meters));
		meter_table_init(fb->meters, meter_drop_flows, fb);
	}
	return fb->meters;
}

int meter_change(struct txn *t, struct flow_bridge *fb, const struct meter_mod *m, bool persist, struct flow_error *e)
{
	struct meter_table *table = table_of(fb);
	int rc;

	// Registered before the first change of a transaction, it runs last when all is taken back; sooner, workers
	// would get what is about to be taken back.
	if (TAILQ_EMPTY(&table->dirty))
		txn_undo(t, meters_publish, NULL, fb);
	if (m->command == METER_DELETE && m->meter == FLOW_METER_ALL)
		for (uint32_t i = 0; i < table->meters.n; i++)
			meter_forget(t, fb, ((const struct meter_obj *)table->meters.at[i])->number);
	rc = meter_table_mod(table, m, t, e);
	if (rc < 0)
		return rc;
	if (m->command == METER_DELETE)
		meter_forget(t, fb, m->meter);
	else if (persist || meter_persisted(fb, m->meter))
		meter_keep(t, fb, m);
	txn_check(t, meters_publish_new, fb);
	txn_done(t, meters_done, NULL, fb);
	return 0;
}

// --- what flow entries use, and the bridge's life --------------------------------------------------------------------

static int refs_hold(struct flow_bridge *fb, uint32_t meter, uint32_t *id)
{
	return fb->meters != NULL ? meter_hold(fb->meters, meter, id) : -ENOENT;
}

static void refs_release(struct flow_bridge *fb, uint32_t meter)
{
	// When the bridge goes, they may be gone before its entries.
	if (fb->meters != NULL)
		meter_release(fb->meters, meter);
}

static const struct flow_refs refs = {.hold = refs_hold, .release = refs_release};

static int on_busy(const struct flow_bridge *fb, struct fault *f)
{
	for (uint32_t i = 0; fb->meters != NULL && i < fb->meters->meters.n; i++)
		if (meter_persisted(fb, ((const struct meter_obj *)fb->meters->meters.at[i])->number))
			return fault_str(f, -EBUSY, "name", fb->bridge->name,
					 "a bridge without persisted meters (meter.del)", "bridge %s has meters",
					 fb->bridge->name);
	return 0;
}

// No worker sees the bridge any more.
static void on_freed(struct flow_bridge *fb)
{
	if (fb->meters == NULL)
		return;
	while (fb->meters->meters.n > 0) {
		struct meter_obj *m = fb->meters->meters.at[fb->meters->meters.n - 1];

		numbers_del(&fb->meters->meters, m);
		if (!m->dirty)
			TAILQ_INSERT_TAIL(&fb->meters->dirty, m, dirty_link);
		m->dirty = m->deleted = true;
	}
	meters_publish(fb);
	meter_table_destroy(fb->meters);
	free(fb->meters);
	fb->meters = NULL;
}

static struct flow_listener listener = {.busy = on_busy, .freed = on_freed};

__attribute__((constructor)) static void meter_listen(void)
{
	flow_switch_refs(NULL, &refs);
	flow_switch_listen(&listener);
}

bool meter_controller_passes(struct flow_bridge *fb, uint32_t bytes)
{
	struct meter_obj *m = fb->meters != NULL ? meter_find(fb->meters, FLOW_METER_CONTROLLER) : NULL;
	const uint32_t size[BURST_MAX] = {bytes};
	struct flow_meter_hits hits;

	if (m == NULL || m->live == NULL)
		return true;
	m->live->own[0].packets++;
	m->live->own[0].bytes += bytes;
	flow_meter_run(m->live->seen, rte_rdtsc(), 1, size, &hits);
	for (uint32_t i = 0; i < m->live->seen->nbands; i++) {
		if (hits.band[i] == 0)
			continue;
		m->live->own[1 + i].packets++;
		m->live->own[1 + i].bytes += bytes;
		// The copy that a controller gets is not remarked.
		return m->live->seen->band[i].remark;
	}
	return true;
}
