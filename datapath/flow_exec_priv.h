/* SPDX-License-Identifier: BSD-3-Clause */
// What the files of the executor share. The packet is writable and parsed.
#ifndef FLOW_EXEC_PRIV_H
#define FLOW_EXEC_PRIV_H

#include "flow_exec.h"

// Whether the packet has the header that a field is in.
bool flow_exec_has(const struct flow_packet *p, enum flow_field field);

// Completes the checksums that were left to a device, before a change after which none could.
enum flow_exec_end flow_exec_finish(struct flow_packet *p);

enum flow_exec_end flow_exec_set_field(struct flow_packet *p, enum flow_field field, struct flow_value value);
enum flow_exec_end flow_exec_ttl(struct flow_packet *p, const struct flow_op *op);

#endif
