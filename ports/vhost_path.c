/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char allowed[] = "an absolute path of at most 107 bytes, in a folder that exists";

int vhost_path_probe(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd, rc;

	if (strlen(path) > VHOST_PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(un.sun_path, path);
	// A datagram socket cannot connect to a stream socket, but the kernel first looks whether one is there: so
	// nobody's accept() is disturbed by the question.
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	rc = connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0 ? -errno : 0;
	close(fd);
	switch (rc) {
	case 0:
	case -EPROTOTYPE:
		return 1;
	case -ECONNREFUSED:
	case -ENOENT:
		return 0;
	default:
		return rc;
	}
}

static int folder_check(const char *path, bool server, char **canon, struct fault *f)
{
	const char *base = strrchr(path, '/') + 1;
	char *folder = strndup(path, base - path), *real = NULL;
	int rc;

	if (folder == NULL)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory");
	real = realpath(folder, NULL);
	if (real == NULL)
		rc = fault_str(f, errno == ENOENT || errno == ENOTDIR ? -ENOENT : -errno, "path", path, allowed,
			       "no folder %s", folder);
	else if (access(real, server ? W_OK | X_OK : X_OK) < 0)
		rc = fault_str(f, -errno, "path", path, allowed, "no access to the folder %s", folder);
	else if (asprintf(canon, "%s/%s", strcmp(real, "/") ? real : "", base) < 0)
		rc = fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory");
	else
		rc = 0;
	free(folder);
	free(real);
	return rc;
}

static int nobody_listens(const char *path, struct fault *f)
{
	const int alive = vhost_path_probe(path);

	if (alive > 0)
		return fault_str(f, -EBUSY, "path", path, "a path at which nobody listens",
				 "another process listens there");
	if (alive < 0)
		return fault_str(f, alive, "path", path, allowed, "cannot tell whether the socket is in use");
	return 0;
}

int vhost_path_clear(const char *path, struct fault *f)
{
	if (unlink(path) < 0 && errno != ENOENT)
		return fault_str(f, -errno, "path", path, allowed, "cannot remove the socket that a dead process left");
	return 0;
}

int vhost_path_check(const char *path, bool server, char **canon, struct fault *f)
{
	const char *base = strrchr(path, '/');
	struct stat st;
	int rc;

	if (path[0] != '/')
		return fault_str(f, -EINVAL, "path", path, allowed, "the path is not absolute");
	if (strlen(path) > VHOST_PATH_MAX)
		return fault_str(f, -EINVAL, "path", path, allowed, "the path has %zu bytes", strlen(path));
	if (base[1] == '\0' || strcmp(base, "/.") == 0 || strcmp(base, "/..") == 0)
		return fault_str(f, -EINVAL, "path", path, allowed, "the path names no file");
	rc = folder_check(path, server, canon, f);
	if (rc < 0)
		return rc;
	// The socket is the file that bind() would meet, so a symbolic link is no socket for a listener.
	if ((server ? lstat : stat)(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			rc = fault_str(f, -EEXIST, "path", path, "a socket, or no file yet",
				       "the file is not a socket");
		else if (server)
			rc = nobody_listens(path, f);
	} else if (errno != ENOENT) {
		rc = fault_str(f, -errno, "path", path, allowed, "cannot look at the path");
	}
	if (rc < 0) {
		free(*canon);
		*canon = NULL;
	}
	return rc;
}

static bool socket_is(int fd, const char *path)
{
	int (*const name[])(int, struct sockaddr *restrict, socklen_t *restrict) = {getsockname, getpeername};

	for (int i = 0; i < 2; i++) {
		struct sockaddr_un un = {0};
		socklen_t len = sizeof(un) - 1;

		if (name[i](fd, (struct sockaddr *)&un, &len) == 0 && un.sun_family == AF_UNIX &&
		    len > sizeof(sa_family_t) && strncmp(un.sun_path, path, sizeof(un.sun_path)) == 0)
			return true;
	}
	return false;
}

void vhost_path_shutdown(const char *path)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;

	if (dir == NULL)
		return;
	while ((e = readdir(dir)) != NULL) {
		const int fd = atoi(e->d_name);

		if (e->d_name[0] != '.' && socket_is(fd, path))
			shutdown(fd, SHUT_RDWR);
	}
	closedir(dir);
}
