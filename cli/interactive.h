/* SPDX-License-Identifier: BSD-3-Clause */
// The prompt: line editing, history in ~/.sluicectl_history, completion with Tab.
//
// Threads: one.
#ifndef INTERACTIVE_H
#define INTERACTIVE_H

#include "session.h"

// Reads and runs commands until `quit`, `exit` or end of file. STATUS_NO_DAEMON if nobody is at the socket at the
// start; a daemon that restarts later is found again.
enum status interactive_run(struct session *s);

#endif
