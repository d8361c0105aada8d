/* SPDX-License-Identifier: BSD-3-Clause */
// A bridge that forwards by flow tables, as workers see it.
//
// Purpose: what control makes of flow entries, groups and meters, in the form in which a worker executes it, and how
// both agree on what is current.
//
// Design: a flow table is a classifier (tables/classifier.h) whose values are numbers of flow entries. Entries, groups,
// meters and switches are found by small numbers in arrays of pointers to structs that are constant while they are
// published; control replaces a pointer and frees what it took away after a grace period (rcu.h), so that what is
// changed is seen in whole or not at all. Which ports are in which switch says the state of workers (struct fwd_port).
//   What changes together is seen together: a switch's tables are replaced by one store, and an entry that took the
// place of another one says since which version of its switch it counts, and what was there before.
//   A worker keeps what it decided about a kind of packet in its flow cache as a verdict: which entries it met, and so
// all actions in order. There is one generation: whoever changes a table, an entry or a switch calls flow_changed()
// afterwards, and all verdicts of before are void. Groups, meters and the state of ports are looked up when a verdict
// is executed, so their changes and the liveness of ports void nothing.
//   Counters are the workers' own, one row each, and are only ever added to. What workers count on their verdicts is
// added up in slices; flow_counts_ask() makes them do it at once.
//
// An entry goes like this: publish its switch with tables that do not have it; flow_changed(); flow_counts_ask(); once
// flow_counts_done(), read its last counts, clear them and free entry and number. Its pointer stays in place until
// then.
//
// Threads: control, but where it says otherwise.
// Source: OpenFlow Switch Specification 1.3.5, 5.
#ifndef FLOW_H
#define FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "../tables/classifier.h"
#include "../tables/flow_window.h"
#include "flow_act.h"
#include "flow_group.h"
#include "flow_meter.h"

#define FLOW_SWITCHES_MAX 256 // numbers are 1..FLOW_SWITCHES_MAX-1
#define FLOW_TABLES 254
#define FLOW_NO_TABLE 0xff
#define FLOW_ENTRIES_MAX (1u << 20)      // of all switches; numbers are 1..FLOW_ENTRIES_MAX-1
#define FLOW_GROUPS_MAX (1u << 14)       // likewise
#define FLOW_GROUP_COUNTS_MAX (1u << 18) // counters of groups and their buckets
#define FLOW_METERS_MAX (1u << 14)       // likewise
#define FLOW_GROUP_DEPTH 8               // groups that lead to groups: control refuses more, and loops

// One flow entry's instructions, in the order of execution: meter, apply, clear, write, metadata, goto.
struct flow_entry {
	uint32_t number; // also of its counters
	uint8_t table;
	uint8_t goto_table; // a later one; FLOW_NO_TABLE: none
	bool clear;         // clears the action set before `write`
	bool miss;          // a table-miss entry: output to the controller gives reason no_match
	uint32_t meter;     // number, 0: none
	uint64_t cookie;    // for packet-ins
	uint64_t metadata, metadata_mask;
	const struct flow_acts *apply, *write; // NULL: none. They live as long as the entry
	uint64_t since;                        // for switches from this version on
	const struct flow_entry *older;        // for those before; NULL: none
};

enum flow_group_type { FLOW_GROUP_TYPE_ALL, FLOW_GROUP_TYPE_SELECT, FLOW_GROUP_TYPE_INDIRECT, FLOW_GROUP_TYPE_FF };

// A bucket that watches is alive while what it watches, one of both, is; one that does not always is.
struct flow_bucket {
	uint32_t watch_port;          // OpenFlow number of a port whose link has to be up; 0: not watched
	uint32_t watch_group;         // number of a group that has to have a live bucket; 0: not watched
	const struct flow_acts *acts; // an action set, see flow_acts_set(); NULL: none
};

struct flow_group {
	uint8_t type; // enum flow_group_type
	uint32_t nbuckets;
	uint32_t counters;    // number of its first counter; bucket i has counters + 1 + i
	uint32_t nslots;      // SELECT: a power of two, see flow_group.h; 0: all weights are 0, nothing is sent
	const uint16_t *slot; // [nslots]
	struct flow_bucket bucket[];
};

// One bridge in mode flow.
struct flow_switch {
	const struct classifier *table[FLOW_TABLES]; // NULL: empty
	struct flow_window_masks masks;              // of all its tables, by classifier_used()
	uint64_t version;                            // grows with each change of tables
	uint32_t nports;                             // highest OpenFlow number plus one, up to 65536
	const uint16_t *port;                        // [nports] port ids by OpenFlow number, 0: there is none
	uint32_t nflood;
	const uint16_t *flood; // [nflood] port ids of all: FLOOD and ALL
	uint16_t local;        // port id of LOCAL (a host TAP); 0: none
	bool drop_fragments;   // OFPC_FRAG_DROP
	bool standalone;       // no controller, and fail-standalone: all is NORMAL
};

struct flow_count {
	uint64_t packets, bytes;
	uint64_t used; // TSC when the last packet was counted, some ms after it came; 0: none yet. Of entries alone
};

// What is counted, and by what number.
enum flow_count_kind {
	FLOW_COUNT_ENTRY, // of the entry
	FLOW_COUNT_GROUP, // counters of struct flow_group
	FLOW_COUNT_METER, // flow_meter_counter(): packets that came in, or met a band
	FLOW_COUNT_TABLE, // flow_table_counter(): packets looked up; bytes is how many of them met an entry
	FLOW_COUNT_KINDS
};

static inline uint32_t flow_table_counter(uint16_t number, uint8_t table)
{
	return (uint32_t)number << 8 | table;
}

// band: 0 the meter itself, 1 + i band i.
static inline uint32_t flow_meter_counter(uint32_t number, uint32_t band)
{
	return number * (FLOW_BANDS_MAX + 1) + band;
}

// Makes the arrays. cache_entries: of each worker's flow cache (see flow_cache_create()). After workers_create(), once;
// flow_destroy() after workers_stop() and before workers_destroy(). 0 or -ENOMEM.
int flow_create(uint32_t cache_entries);
void flow_destroy(void);

// Gives the workers that have none what it takes to forward by flow tables, before the first switch is set. It stays
// until flow_destroy(). Cost: some ms a worker, in which its memory is cleared. 0, -EINVAL or -ENOMEM.
int flow_workers_create(void);

// Publish, or with NULL withdraw, what has the number. They return what was there before: the caller's, to be freed
// after a grace period (of an entry: see above). A group or meter whose number is not published drops its packets.
const struct flow_switch *flow_switch_set(uint16_t number, const struct flow_switch *s);
const struct flow_entry *flow_entry_set(uint32_t number, const struct flow_entry *e);
const struct flow_group *flow_group_set(uint32_t number, const struct flow_group *g);
struct flow_meter *flow_meter_set(uint32_t number, struct flow_meter *m);

// After every change of a classifier, an entry or a switch: verdicts of before are used no longer than for the burst
// that is under way. Several changes may share one call. Cost here: nothing; to workers: their flow caches.
void flow_changed(void);

// Asks all workers to add up what they counted. When flow_counts_done() says so of the ticket, counters hold all
// packets that were processed before, and every worker has seen, and uses, what was published before: so it is a
// barrier, too. Cost: up to some ms, if many entries met packets. Tickets may overlap.
uint64_t flow_counts_ask(void);
bool flow_counts_done(uint64_t ticket);
// The same at once, waiting up to timeout_ms: 0 or -ETIMEDOUT.
int flow_counts_sync(uint32_t timeout_ms);

// Sums over all workers since flow_count_clear(), without sync. Cost: a cache miss for each worker.
struct flow_count flow_count_get(enum flow_count_kind kind, uint32_t number);
// Counts from now on. For who wants to lose no packet: after a sync.
void flow_count_clear(enum flow_count_kind kind, uint32_t number);

struct rte_mbuf;

// Executes actions on a packet, as if it came in by in_port (OpenFlow number; FLOW_OUT_CONTROLLER: by none). Output to
// FLOW_OUT_TABLE takes it through the tables. Takes m in any case; acts are copied. Packet-outs of one switch keep
// their order. 0; -ENOBUFS if too many wait, -ENOMEM.
int flow_packet_out(uint16_t number, uint32_t in_port, struct rte_mbuf *m, const struct flow_acts *acts);
// How many workers have not yet executed.
uint32_t flow_packet_outs_pending(void);

#endif
