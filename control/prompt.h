/* SPDX-License-Identifier: BSD-3-Clause */
// sluiced -i: the interactive command line, at the daemon's own terminal.
//
// Purpose: what `testpmd -i` is to those who know it: start the daemon, and talk to it there.
//
// Design: sluicectl runs as a child, on one end of a socket pair whose other end is a client like all others. So there
// is one command line, it includes nothing of the daemon, and no thread of the daemon waits for a terminal. Ctrl-C is
// the command line's; when that ends, the daemon does.
//
// Threads: control only.
#ifndef PROMPT_H
#define PROMPT_H

#include <event2/event.h>

#include "../ports/fault.h"

// Starts the command line; `socket` is the daemon's, for it to show. The rpc server is up. sluicectl is looked for
// beside this program, then in PATH. 0 or -errno with a fault.
int prompt_start(struct event_base *base, const char *socket, struct fault *f);

// Ends it if it still runs, and gives the terminal back as it was.
void prompt_stop(void);

#endif
