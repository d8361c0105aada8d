/* SPDX-License-Identifier: BSD-3-Clause */
#include "ofp_stats.h"

#include "ofp_action.h"
#include "oxm.h"

#define NS_PER_S 1000000000u

static void duration_put(uint8_t *p, uint64_t ns)
{
	wire_set32(p, (uint32_t)(ns / NS_PER_S));
	wire_set32(p + 4, (uint32_t)(ns % NS_PER_S));
}

// A text in a field of a fixed size, which it need not end with a zero.
static void text_put(struct wire *w, const char *text, size_t size)
{
	memcpy(wire_put(w, size), text, strnlen(text, size - 1));
}

static void counters_put(struct wire *w, const struct of_counter *c, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint8_t *p = wire_put(w, 16);

		wire_set64(p, c[i].packets);
		wire_set64(p + 8, c[i].bytes);
	}
}

void ofp_desc_encode(struct wire *w, const struct of_desc *d)
{
	text_put(w, d->manufacturer, sizeof(d->manufacturer));
	text_put(w, d->hardware, sizeof(d->hardware));
	text_put(w, d->software, sizeof(d->software));
	text_put(w, d->serial, sizeof(d->serial));
	text_put(w, d->datapath, sizeof(d->datapath));
}

void ofp_flow_encode(struct wire *w, const struct of_flow *f)
{
	const size_t start = w->len;
	uint8_t *p = wire_put(w, 48);

	p[2] = f->table;
	duration_put(p + 4, f->duration_ns);
	wire_set16(p + 12, f->priority);
	wire_set16(p + 14, f->idle_timeout);
	wire_set16(p + 16, f->hard_timeout);
	wire_set16(p + 18, f->flags);
	wire_set64(p + 24, f->cookie);
	wire_set64(p + 32, f->packets);
	wire_set64(p + 40, f->bytes);
	oxm_match_encode(w, &f->match);
	ofp_instructions_encode(w, f->instructions);
	wire_set16(p, (uint16_t)(w->len - start));
}

void ofp_aggregate_encode(struct wire *w, const struct of_aggregate *a)
{
	uint8_t *p = wire_put(w, 24);

	wire_set64(p, a->packets);
	wire_set64(p + 8, a->bytes);
	wire_set32(p + 16, a->flows);
}

void ofp_table_encode(struct wire *w, const struct of_table *t)
{
	uint8_t *p = wire_put(w, 24);

	p[0] = t->table;
	wire_set32(p + 4, t->active);
	wire_set64(p + 8, t->lookups);
	wire_set64(p + 16, t->matches);
}

void ofp_port_encode(struct wire *w, const struct of_port *port)
{
	uint8_t *p = wire_put(w, 64);

	wire_set32(p, port->no);
	memcpy(p + 8, port->mac, sizeof(port->mac));
	memcpy(p + 16, port->name, strnlen(port->name, sizeof(port->name) - 1));
	wire_set32(p + 32, port->config);
	wire_set32(p + 36, port->state);
	wire_set32(p + 40, port->curr);
	wire_set32(p + 44, port->advertised);
	wire_set32(p + 48, port->supported);
	wire_set32(p + 52, port->peer);
	wire_set32(p + 56, port->curr_kbps);
	wire_set32(p + 60, port->max_kbps);
}

void ofp_port_stats_encode(struct wire *w, const struct of_port_stats *s)
{
	const uint64_t counters[] = {s->rx_packets,   s->tx_packets,  s->rx_bytes,   s->tx_bytes,
				     s->rx_dropped,   s->tx_dropped,  s->rx_errors,  s->tx_errors,
				     s->rx_frame_err, s->rx_over_err, s->rx_crc_err, s->collisions};
	uint8_t *p = wire_put(w, 112);

	wire_set32(p, s->no);
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		wire_set64(p + 8 + 8 * i, counters[i]);
	duration_put(p + 104, s->duration_ns);
}

static void rate_put(struct wire *w, uint16_t property, uint16_t rate)
{
	uint8_t *p;

	if (rate == UINT16_MAX)
		return;
	p = wire_put(w, 16);
	wire_set16(p, property);
	wire_set16(p + 2, 16);
	wire_set16(p + 8, rate);
}

void ofp_queue_encode(struct wire *w, const struct of_queue *q)
{
	const size_t start = w->len;
	uint8_t *p = wire_put(w, 16);

	wire_set32(p, q->queue);
	wire_set32(p + 4, q->port);
	rate_put(w, OFPQT_MIN_RATE, q->min_rate);
	rate_put(w, OFPQT_MAX_RATE, q->max_rate);
	wire_set16(p + 8, (uint16_t)(w->len - start));
}

void ofp_queue_stats_encode(struct wire *w, const struct of_queue_stats *s)
{
	uint8_t *p = wire_put(w, 40);

	wire_set32(p, s->port);
	wire_set32(p + 4, s->queue);
	wire_set64(p + 8, s->tx_bytes);
	wire_set64(p + 16, s->tx_packets);
	wire_set64(p + 24, s->tx_errors);
	duration_put(p + 32, s->duration_ns);
}

void ofp_group_encode(struct wire *w, const struct of_group *g)
{
	const size_t start = w->len;
	uint8_t *p = wire_put(w, 40);

	wire_set32(p + 4, g->mod->group);
	wire_set32(p + 8, g->references);
	wire_set64(p + 16, g->all.packets);
	wire_set64(p + 24, g->all.bytes);
	duration_put(p + 32, g->duration_ns);
	counters_put(w, g->parts, g->mod->nbuckets);
	wire_set16(p, (uint16_t)(w->len - start));
}

void ofp_group_desc_encode(struct wire *w, const struct of_group *g)
{
	const size_t start = w->len;
	uint8_t *p = wire_put(w, 8);

	p[2] = g->mod->type;
	wire_set32(p + 4, g->mod->group);
	ofp_buckets_encode(w, g->mod);
	wire_set16(p, (uint16_t)(w->len - start));
}

void ofp_group_features_encode(struct wire *w, const struct of_group_features *f)
{
	uint8_t *p = wire_put(w, 40);

	wire_set32(p, f->types);
	wire_set32(p + 4, f->capabilities);
	for (size_t i = 0; i < 4; i++) {
		wire_set32(p + 8 + 4 * i, f->max_groups[i]);
		wire_set32(p + 24 + 4 * i, f->actions[i]);
	}
}

void ofp_meter_encode(struct wire *w, const struct of_meter *m)
{
	const size_t start = w->len;
	uint8_t *p = wire_put(w, 40);

	wire_set32(p, m->mod->meter);
	wire_set32(p + 12, m->references);
	wire_set64(p + 16, m->all.packets);
	wire_set64(p + 24, m->all.bytes);
	duration_put(p + 32, m->duration_ns);
	counters_put(w, m->parts, m->mod->nbands);
	wire_set16(p + 4, (uint16_t)(w->len - start));
}

void ofp_meter_config_encode(struct wire *w, const struct of_meter *m)
{
	const size_t start = w->len;
	uint8_t *p = wire_put(w, 8);

	wire_set16(p + 2, m->mod->flags);
	wire_set32(p + 4, m->mod->meter);
	ofp_bands_encode(w, m->mod);
	wire_set16(p, (uint16_t)(w->len - start));
}

void ofp_meter_features_encode(struct wire *w, const struct of_meter_features *f)
{
	uint8_t *p = wire_put(w, 16);

	wire_set32(p, f->max_meter);
	wire_set32(p + 4, f->band_types);
	wire_set32(p + 8, f->capabilities);
	p[12] = f->max_bands;
	p[13] = f->max_color;
}

void ofp_packet_in_encode(struct wire *w, const struct of_packet_in *in, uint32_t buffer_id, uint16_t max_len)
{
	uint8_t *p = wire_put(w, 16);
	size_t size = in->size;

	wire_set32(p, buffer_id);
	wire_set16(p + 4, (uint16_t)(in->total_size < UINT16_MAX ? in->total_size : UINT16_MAX));
	p[6] = in->reason;
	p[7] = in->table;
	wire_set64(p + 8, in->cookie);
	oxm_match_encode(w, &in->match);
	wire_put(w, 2);
	if (buffer_id != FLOW_NO_BUFFER && size > max_len)
		size = max_len;
	wire_bytes(w, in->data, size);
}

void ofp_flow_removed_encode(struct wire *w, const struct of_flow_removed *r)
{
	const struct of_flow *f = &r->flow;
	uint8_t *p = wire_put(w, 40);

	wire_set64(p, f->cookie);
	wire_set16(p + 8, f->priority);
	p[10] = r->reason;
	p[11] = f->table;
	duration_put(p + 12, f->duration_ns);
	wire_set16(p + 20, f->idle_timeout);
	wire_set16(p + 22, f->hard_timeout);
	wire_set64(p + 24, f->packets);
	wire_set64(p + 32, f->bytes);
	oxm_match_encode(w, &f->match);
}

void ofp_port_status_encode(struct wire *w, const struct of_port *port, uint8_t reason)
{
	uint8_t *p = wire_put(w, 8);

	p[0] = reason;
	ofp_port_encode(w, port);
}
