/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_fake.h"

#include <errno.h>
#include <string.h>

struct flow_fake flow_fake;

const struct flow_switch *flow_switch_set(uint16_t number, const struct flow_switch *s)
{
	const struct flow_switch *old = flow_fake.sw[number];

	flow_fake.sw[number] = s;
	return old;
}

const struct flow_entry *flow_entry_set(uint32_t number, const struct flow_entry *e)
{
	const struct flow_entry *old = flow_fake.entry[number];

	flow_fake.entry[number] = e;
	return old;
}

int flow_workers_create(void)
{
	return 0;
}

void flow_changed(void)
{
	flow_fake.changed++;
}

uint64_t flow_counts_ask(void)
{
	return ++flow_fake.asked;
}

bool flow_counts_done(uint64_t ticket)
{
	return !flow_fake.busy;
}

int flow_counts_sync(uint32_t timeout_ms)
{
	return flow_fake.busy ? -ETIMEDOUT : 0;
}

static struct flow_count *counter(enum flow_count_kind kind, uint32_t number)
{
	static struct flow_count none;

	switch (kind) {
	case FLOW_COUNT_ENTRY:
		return &flow_fake.count[number];
	case FLOW_COUNT_GROUP:
		return &flow_fake.group_count[number];
	case FLOW_COUNT_METER:
		return &flow_fake.meter_count[number];
	default:
		none = (struct flow_count){.packets = 0};
		return &none;
	}
}

struct flow_count flow_count_get(enum flow_count_kind kind, uint32_t number)
{
	return *counter(kind, number);
}

void flow_count_clear(enum flow_count_kind kind, uint32_t number)
{
	*counter(kind, number) = (struct flow_count){.packets = 0};
}

const struct flow_group *flow_group_set(uint32_t number, const struct flow_group *g)
{
	const struct flow_group *old = flow_fake.group[number];

	flow_fake.group[number] = g;
	return old;
}

struct flow_meter *flow_meter_set(uint32_t number, struct flow_meter *m)
{
	struct flow_meter *old = flow_fake.meter[number];

	flow_fake.meter[number] = m;
	return old;
}

int flow_packet_out(uint16_t number, uint32_t in_port, struct rte_mbuf *m, const struct flow_acts *acts)
{
	flow_fake.packet_outs++;
	rte_pktmbuf_free(m);
	return 0;
}

uint32_t flow_packet_outs_pending(void)
{
	return flow_fake.busy;
}

const struct flow_entry *flow_fake_lookup(uint16_t number, uint8_t table, const struct flow_key *key)
{
	const struct flow_key *keys[CLASSIFIER_BURST] = {key};
	const struct flow_switch *const sw = flow_fake.sw[number];
	const struct classifier *c = sw != NULL ? sw->table[table] : NULL;
	uint32_t value[CLASSIFIER_BURST];
	const struct flow_entry *e;

	if (c == NULL || classifier_lookup_lanes(c, keys, 1, value) == 0)
		return NULL;
	for (e = flow_fake.entry[value[0]]; e != NULL && e->since > sw->version; e = e->older)
		;
	return e;
}
