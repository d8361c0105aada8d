/* SPDX-License-Identifier: BSD-3-Clause */
#include "socket_path.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int socket_path_free(const struct sockaddr_un *address, const char *field, struct fault *f)
{
	const char *path = address->sun_path;
	struct stat st;
	int fd, rc;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : fault_str(f, -errno, field, path, NULL, "the path cannot be looked up");
	if (!S_ISSOCK(st.st_mode))
		return fault_str(f, -EEXIST, field, path, "a path where nothing is", "this is no socket");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fault_set(f, -errno, NULL, NULL, NULL, "no socket");
	rc = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
	close(fd);
	if (rc == 0 || rc == -EAGAIN)
		return fault_str(f, -EADDRINUSE, field, path, NULL, "another daemon answers at this socket");
	if (rc != -ECONNREFUSED)
		return fault_str(f, rc, field, path, NULL, "it cannot be told whether a daemon answers at this socket");
	return unlink(path) == 0 ? 0 : fault_str(f, -errno, field, path, NULL, "the old socket cannot be removed");
}
