/* SPDX-License-Identifier: BSD-3-Clause */
// Waking the library's event thread, which looks at a new listening socket, and lets go of a closed connection, only
// when its poll() returns: after up to a second, or at the next message of any front end. So we are a front end
// ourselves, of a connection that never becomes a device, and send a message that has no effect.
#include "vhost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REQUEST_SET_OWNER 3
#define PROTOCOL_VERSION 1

static const struct rte_vhost_device_ops no_ops;
static int peer = -1; // our end; constant once the helper thread runs

// Has the library connect to a socket that listens at `path`, and accepts that.
static int connect_library(int listener, const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (bind(listener, (struct sockaddr *)&un, sizeof(un)) < 0 || listen(listener, 1) < 0)
		return -1;
	if (rte_vhost_driver_register(path, RTE_VHOST_USER_CLIENT | RTE_VHOST_USER_NO_RECONNECT) < 0)
		return -1;
	if (rte_vhost_driver_callback_register(path, &no_ops) == 0 && rte_vhost_driver_start(path) == 0)
		return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	rte_vhost_driver_unregister(path);
	return -1;
}

void vhost_poke_create(void)
{
	const char *tmp = getenv("TMPDIR");
	char folder[80], path[88];
	int listener;

	if (snprintf(folder, sizeof(folder), "%s/sluice.XXXXXX", tmp != NULL ? tmp : "/tmp") >= (int)sizeof(folder) ||
	    mkdtemp(folder) == NULL)
		return;
	snprintf(path, sizeof(path), "%s/poke", folder);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener >= 0) {
		peer = connect_library(listener, path);
		close(listener);
	}
	unlink(path);
	rmdir(folder);
}

void vhost_poke(void)
{
	static const uint32_t message[] = {REQUEST_SET_OWNER, PROTOCOL_VERSION, 0};

	// With its buffer full there is enough to read for the thread to wake up.
	if (peer >= 0)
		send(peer, message, sizeof(message), MSG_DONTWAIT | MSG_NOSIGNAL);
}
