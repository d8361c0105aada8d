/* SPDX-License-Identifier: BSD-3-Clause */
// Tables from VID to domain, shared by the ports of a bridge where they are the same: those of all ports that take
// every VLAN are one.
//
// Threads: control only; what vid_table_get() returns is read by workers (RCU).
#ifndef VID_TABLE_H
#define VID_TABLE_H

#include "bridge.h"

// The port's table as of now; computed only when the VLANs of the bridge changed. A table that is no longer used is
// given to free_later.
const uint16_t *vid_table_get(struct bridge_port *bp, void (*free_later)(void *));
// The port needs none any more.
void vid_table_drop(struct bridge_port *bp, void (*free_later)(void *));

#endif
