/* SPDX-License-Identifier: BSD-3-Clause */
// The paths of unix sockets that are listened at.
#ifndef SOCKET_PATH_H
#define SOCKET_PATH_H

#include <sys/un.h>

#include "../ports/fault.h"

// Makes the path free for bind(): what a dead daemon left there is removed. `field`: the parameter that names the path.
// 0, or -errno if somebody accepts connections there, or something is there that is no socket. May block for a
// connect() to a local socket.
int socket_path_free(const struct sockaddr_un *address, const char *field, struct fault *f);

#endif
