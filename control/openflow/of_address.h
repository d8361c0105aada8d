/* SPDX-License-Identifier: BSD-3-Clause */
// Where controllers are, and where they may come: "tcp:127.0.0.1:6653", "ptcp:6653", "punix:/run/sluice/br0.mgmt".
//
// Purpose: reads the targets as operators know them from Open vSwitch:
//   tcp:IP[:PORT]  ssl:IP[:PORT]  unix:PATH      connect to a controller
//   ptcp:[PORT][:IP]  pssl:[PORT][:IP]  punix:PATH   wait for one
// IPv6 addresses stand in brackets. Hosts are numbers: looking up a name would make the control thread wait. Without a
// port it is 6653; those who wait do so at all addresses unless one is given.
//
// Threads: pure functions.
#ifndef OF_ADDRESS_H
#define OF_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "../../ports/fault.h"

#define OF_ADDRESS_TEXT 128 // bytes of a target, with its end

struct of_address {
	char text[OF_ADDRESS_TEXT]; // as it was given
	bool passive, tls;
	struct sockaddr_storage sa;
	socklen_t len;
};

// 0, or -EINVAL and a fault of `field`.
int of_address_parse(const char *text, const char *field, struct of_address *out, struct fault *f);

#endif
