/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_mod.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int flow_mod_check(const struct flow_mod *m, struct flow_error *e)
{
	const bool is_delete = m->command == FLOW_DELETE || m->command == FLOW_DELETE_STRICT;

	if (m->command > FLOW_DELETE_STRICT)
		return flow_error_int(e, OFPFMFC_BAD_COMMAND, "command", m->command, "0..4", "unknown command");
	if (m->flags & ~FLOW_FLAGS_ALL)
		return flow_error_int(e, OFPFMFC_BAD_FLAGS, "flags", m->flags, "0..0x1f", "unknown flags");
	if (m->table == FLOW_TABLE_ALL && !is_delete)
		return flow_error_int(e, OFPFMFC_BAD_TABLE_ID, "table", m->table, "0..254",
				      "all tables can only be deleted from");
	return is_delete ? 0 : flow_instructions_check(&m->instructions, &m->match, m->table, e);
}

void flow_mod_clear(struct flow_mod *m)
{
	flow_instructions_clear(&m->instructions);
}

// --- groups ----------------------------------------------------------------------------------------------------------

static int bucket_check(const struct group_mod *m, const struct group_bucket *b, struct flow_error *e)
{
	const bool watches = group_bucket_watches(b);

	if (m->type != GROUP_SELECT && b->weight != 0)
		return flow_error_int(e, OFPGMFC_INVALID_GROUP, "buckets.weight", b->weight, "0",
				      "only buckets of select groups have a weight");
	if (m->type == GROUP_FF && !watches)
		return flow_error_set(e, OFPGMFC_INVALID_GROUP, "buckets.watch_port", NULL, "a port or a group",
				      "each bucket of a fast failover group watches something");
	if ((m->type == GROUP_ALL || m->type == GROUP_INDIRECT) && watches)
		return flow_error_set(e, OFPGMFC_WATCH_UNSUPPORTED, "buckets.watch_port", NULL, NULL,
				      "buckets of this type of group watch nothing");
	if (watches && b->watch_port != FLOW_PORT_ANY && !flow_match_in_port_ok(b->watch_port))
		return flow_error_int(e, OFPGMFC_BAD_WATCH, "buckets.watch_port", b->watch_port, "1..0xffffff00",
				      "this is no port");
	if (b->watch_group != FLOW_GROUP_ANY && b->watch_group > FLOW_GROUP_MAX)
		return flow_error_int(e, OFPGMFC_BAD_WATCH, "buckets.watch_group", b->watch_group, "0..0xffffff00",
				      "this is no group");
	return flow_actions_check(&b->actions, FLOW_USE_BUCKET, NULL, e);
}

int group_mod_check(const struct group_mod *m, struct flow_error *e)
{
	uint64_t bytes = 0, weights = 0;
	int rc = 0;

	if (m->command > GROUP_DELETE)
		return flow_error_int(e, OFPGMFC_BAD_COMMAND, "command", m->command, "0..2", "unknown command");
	if (m->group > FLOW_GROUP_MAX && !(m->command == GROUP_DELETE && m->group == FLOW_GROUP_ALL))
		return flow_error_int(e, OFPGMFC_INVALID_GROUP, "group", m->group, "0..0xffffff00", "this is no group");
	if (m->command == GROUP_DELETE && m->nbuckets > 0)
		return flow_error_set(e, OFPGMFC_INVALID_GROUP, "buckets", NULL, "no bucket",
				      "a group is deleted without buckets");
	if (m->command == GROUP_DELETE)
		return 0;
	if (m->type > GROUP_FF)
		return flow_error_int(e, OFPGMFC_BAD_TYPE, "type", m->type, "0..3", "unknown type of group");
	if (m->type == GROUP_INDIRECT && m->nbuckets != 1)
		return flow_error_int(e, OFPGMFC_INVALID_GROUP, "buckets", m->nbuckets, "1",
				      "an indirect group has one bucket");
	for (uint32_t i = 0; i < m->nbuckets; i++)
		bytes += 16 + 24 * (uint64_t)m->buckets[i].actions.n, weights += m->buckets[i].weight;
	if (bytes > GROUP_BYTES_MAX)
		return flow_error_int(e, OFPGMFC_OUT_OF_BUCKETS, "buckets", m->nbuckets, NULL,
				      "the buckets do not fit into one message");
	for (uint32_t i = 0; rc == 0 && i < m->nbuckets; i++)
		rc = bucket_check(m, &m->buckets[i], e);
	if (rc == 0 && m->type == GROUP_SELECT && m->nbuckets > 0 && weights == 0)
		rc = flow_error_int(e, OFPGMFC_INVALID_GROUP, "buckets.weight", 0, "1..65535 of at least one bucket",
				    "no bucket of the group has a weight");
	return rc;
}

struct group_bucket *group_mod_add(struct group_mod *m)
{
	// Grows whenever a power of two is reached, so that no field has to say what is allocated.
	if ((m->nbuckets & (m->nbuckets - 1)) == 0) {
		const size_t size = m->nbuckets > 0 ? 2 * (size_t)m->nbuckets : 1;
		struct group_bucket *grown = realloc(m->buckets, size * sizeof(*grown));

		if (grown == NULL)
			return NULL;
		m->buckets = grown;
	}
	m->buckets[m->nbuckets] = (struct group_bucket){.watch_port = FLOW_PORT_ANY, .watch_group = FLOW_GROUP_ANY};
	return &m->buckets[m->nbuckets++];
}

void group_mod_clear(struct group_mod *m)
{
	for (uint32_t i = 0; i < m->nbuckets; i++)
		flow_actions_clear(&m->buckets[i].actions);
	free(m->buckets);
	m->buckets = NULL;
	m->nbuckets = 0;
}

int group_mod_copy(struct group_mod *to, const struct group_mod *from)
{
	*to = *from;
	to->buckets = NULL;
	to->nbuckets = 0;
	for (uint32_t i = 0; i < from->nbuckets; i++) {
		struct group_bucket *b = group_mod_add(to);

		if (b == NULL)
			goto clear;
		*b = from->buckets[i];
		if (flow_actions_copy(&b->actions, &from->buckets[i].actions) < 0)
			goto clear;
	}
	return 0;
clear:
	group_mod_clear(to);
	return -ENOMEM;
}

bool group_mod_equal(const struct group_mod *a, const struct group_mod *b)
{
	if (a->type != b->type || a->group != b->group || a->nbuckets != b->nbuckets)
		return false;
	for (uint32_t i = 0; i < a->nbuckets; i++) {
		const struct group_bucket *x = &a->buckets[i], *y = &b->buckets[i];

		if (x->weight != y->weight || x->watch_port != y->watch_port || x->watch_group != y->watch_group ||
		    !flow_actions_equal(&x->actions, &y->actions))
			return false;
	}
	return true;
}

// --- meters ----------------------------------------------------------------------------------------------------------

static int band_check(const struct meter_band *b, struct flow_error *e)
{
	if (b->type != METER_DROP && b->type != METER_DSCP_REMARK)
		return flow_error_int(e, OFPMMFC_BAD_BAND, "bands.type", b->type, "drop or dscp_remark",
				      "unknown type of band");
	if (b->rate == 0)
		return flow_error_int(e, OFPMMFC_BAD_RATE, "bands.rate", b->rate, "1..0xffffffff", "a band has a rate");
	if (b->type == METER_DSCP_REMARK && (b->prec_level == 0 || b->prec_level > 3))
		return flow_error_int(e, OFPMMFC_BAD_BAND_VALUE, "bands.prec_level", b->prec_level, "1..3",
				      "the drop precedence has three levels");
	return 0;
}

int meter_mod_check(const struct meter_mod *m, struct flow_error *e)
{
	const bool is_virtual = m->meter == FLOW_METER_SLOWPATH || m->meter == FLOW_METER_CONTROLLER;
	const bool all = m->command == METER_DELETE && m->meter == FLOW_METER_ALL;
	int rc = 0;

	if (m->command > METER_DELETE)
		return flow_error_int(e, OFPMMFC_BAD_COMMAND, "command", m->command, "0..2", "unknown command");
	if ((m->meter == 0 || m->meter > FLOW_METER_MAX) && !is_virtual && !all)
		return flow_error_int(e, OFPMMFC_INVALID_METER, "meter", m->meter, "1..0xffff0000", "this is no meter");
	if (m->command == METER_DELETE)
		return 0;
	if ((m->flags & ~METER_FLAGS_ALL) || (m->flags & (METER_KBPS | METER_PKTPS)) == (METER_KBPS | METER_PKTPS))
		return flow_error_int(e, OFPMMFC_BAD_FLAGS, "flags", m->flags, "kbps or pktps, burst, stats",
				      "flags that cannot be");
	if (m->nbands > METER_BANDS_MAX)
		return flow_error_int(e, OFPMMFC_OUT_OF_BANDS, "bands", m->nbands, "16 bands at most",
				      "too many bands");
	for (uint32_t i = 0; rc == 0 && i < m->nbands; i++)
		rc = band_check(&m->bands[i], e);
	return rc;
}

bool meter_mod_equal(const struct meter_mod *a, const struct meter_mod *b)
{
	if (a->flags != b->flags || a->meter != b->meter || a->nbands != b->nbands)
		return false;
	for (uint32_t i = 0; i < a->nbands; i++) {
		const struct meter_band *x = &a->bands[i], *y = &b->bands[i];

		if (x->type != y->type || x->rate != y->rate || x->burst != y->burst || x->prec_level != y->prec_level)
			return false;
	}
	return true;
}
