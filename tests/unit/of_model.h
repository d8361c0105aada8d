/* SPDX-License-Identifier: BSD-3-Clause */
// A switch without packets: lists of flows, groups and meters searched from end to end, behind the calls that an agent
// makes. It remembers what it was told, for tests to look at.
#ifndef OF_MODEL_H
#define OF_MODEL_H

#include "../../control/openflow/of_switch.h"

#define MODEL_TABLES 8
#define MODEL_PORTS 3        // 1..3, and LOCAL
#define MODEL_FLOWS_MAX 6000 // per table
#define MODEL_QUEUES 2       // of port 1

struct model_flow {
	struct model_flow *next;
	uint64_t id;
	struct of_flow flow;
	struct flow_instructions instructions;
};

struct model_group {
	struct model_group *next;
	struct group_mod mod;
};

struct model_meter {
	struct model_meter *next;
	struct meter_mod mod;
};

struct model {
	struct model_flow *flows; // in the order of their ids
	struct model_group *groups;
	struct model_meter *meters;
	uint64_t next_id;
	uint16_t config;
	uint32_t port_config[MODEL_PORTS + 1];
	char table_names[MODEL_TABLES][32];
	unsigned int changes, flushes, barriers; // how many there were
	bool dirty;                              // a change is not flushed yet
	unsigned int counted;                    // calls of counts()
	bool hold_barriers;                      // they, and counters, wait until model_barrier_release()
	void (*held_done)(void *arg);
	void *held_arg;
	bool connected;
	unsigned int packet_outs;
	struct of_packet_out last_out; // its actions and data are copies
	uint8_t last_data[2048];
	// Called for each packet-out; NULL: nobody.
	void (*on_packet_out)(struct model *m, void *arg);
	// Called for each removed entry that asked for it.
	void (*on_removed)(struct model *m, const struct of_flow_removed *r, void *arg);
	void *arg;
};

extern const struct of_switch_ops model_ops;

void model_clear(struct model *m);
void model_barrier_release(struct model *m);

// of_model_ports.c, for of_model.c.
bool model_port_known(uint32_t port);
int model_port_next(void *sw, struct of_cursor *c, struct of_port *out);
int model_port_stats_next(void *sw, uint32_t port, struct of_cursor *c, struct of_port_stats *out,
			  struct flow_error *e);
int model_queue_next(void *sw, uint32_t port, struct of_cursor *c, struct of_queue *out, struct flow_error *e);
int model_queue_stats_next(void *sw, uint32_t port, uint32_t queue, struct of_cursor *c, struct of_queue_stats *out,
			   struct flow_error *e);
int model_table_next(void *sw, struct of_cursor *c, struct of_table *out);
int model_port_mod(void *sw, const struct of_port_mod *mod, struct flow_error *e);
int model_table_mod(void *sw, uint8_t table, uint32_t flags, struct flow_error *e);
int model_table_features(void *sw, const struct of_table_config *tables, unsigned int n, struct flow_error *e);

#endif
