/* SPDX-License-Identifier: BSD-3-Clause */
// The entries of multipart replies, and the messages that the switch sends of its own accord: from structs to bytes.
//
// Purpose: each appends one entry; whoever calls it looks at `w->full` and goes back to where the entry began.
//
// Threads: control only.
// Source: OpenFlow Switch Specification 1.3.5, 7.3.5, 7.4.
#ifndef OFP_STATS_H
#define OFP_STATS_H

#include "of_switch.h"
#include "wire.h"

void ofp_desc_encode(struct wire *w, const struct of_desc *d);
void ofp_flow_encode(struct wire *w, const struct of_flow *f);
void ofp_aggregate_encode(struct wire *w, const struct of_aggregate *a);
void ofp_table_encode(struct wire *w, const struct of_table *t);
void ofp_port_encode(struct wire *w, const struct of_port *p);
void ofp_port_stats_encode(struct wire *w, const struct of_port_stats *s);
void ofp_queue_encode(struct wire *w, const struct of_queue *q);
void ofp_queue_stats_encode(struct wire *w, const struct of_queue_stats *s);
void ofp_group_encode(struct wire *w, const struct of_group *g);
void ofp_group_desc_encode(struct wire *w, const struct of_group *g);
void ofp_group_features_encode(struct wire *w, const struct of_group_features *f);
void ofp_meter_encode(struct wire *w, const struct of_meter *m);
void ofp_meter_config_encode(struct wire *w, const struct of_meter *m);
void ofp_meter_features_encode(struct wire *w, const struct of_meter_features *f);

// Bodies of messages, behind the header. A packet that waits in a buffer is cut to max_len bytes.
void ofp_packet_in_encode(struct wire *w, const struct of_packet_in *p, uint32_t buffer_id, uint16_t max_len);
void ofp_flow_removed_encode(struct wire *w, const struct of_flow_removed *r);
void ofp_port_status_encode(struct wire *w, const struct of_port *p, uint8_t reason);

#endif
