/* SPDX-License-Identifier: BSD-3-Clause */
// TLS for controllers: the switch shows its certificate and asks for the peer's, which a known authority must have
// signed.
//
// Threads: control only.
#ifndef OF_TLS_H
#define OF_TLS_H

#include <event2/bufferevent.h>
#include <stdbool.h>

#include "../../ports/fault.h"

struct of_tls;

// PEM files: our key and certificate, and the authorities' certificates. 0, or -EINVAL and a fault that names the file.
// Reads files: may block for a disk.
int of_tls_create(struct of_tls **out, const char *key, const char *certificate, const char *ca, struct fault *f);
void of_tls_destroy(struct of_tls *t);

// A bufferevent that speaks TLS over `fd` (-1: to be connected), as server or client; NULL: no memory. It closes `fd`.
struct bufferevent *of_tls_bufferevent(struct of_tls *t, struct event_base *base, int fd, bool server);

#endif
