/* SPDX-License-Identifier: BSD-3-Clause */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32c.h"

int file_write_at(int fd, const void *bytes, size_t size, off_t offset)
{
	const char *p = bytes;

	while (size > 0) {
		ssize_t n = pwrite(fd, p, size, offset);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n <= 0)
			continue;
		p += n;
		size -= (size_t)n;
		offset += n;
	}
	return 0;
}

int file_sync_folder(const char *path)
{
	char copy[FILE_PATH_LEN];
	int fd, rc = 0;

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
		return -ENAMETOOLONG;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

int file_map(int fd, const char **bytes, size_t *size)
{
	struct stat st;
	void *map;

	*bytes = NULL;
	*size = 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size == 0)
		return 0;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	*bytes = map;
	*size = (size_t)st.st_size;
	return 0;
}

void file_unmap(const char *bytes, size_t size)
{
	if (bytes != NULL)
		munmap((void *)(uintptr_t)bytes, size);
}

int file_create(struct file_new *n, const char *path, mode_t mode)
{
	*n = (struct file_new){.fd = -1, .path = path};
	if (snprintf(n->tmp, sizeof(n->tmp), "%s.tmp", path) >= (int)sizeof(n->tmp))
		return -ENAMETOOLONG;
	n->fd = open(n->tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	return n->fd < 0 ? -errno : 0;
}

int file_write(struct file_new *n, const void *bytes, size_t size)
{
	int rc = file_write_at(n->fd, bytes, size, n->size);

	if (rc < 0)
		return rc;
	n->crc = crc32c(n->crc, bytes, size);
	n->size += (off_t)size;
	return 0;
}

int file_commit(struct file_new *n)
{
	if (fsync(n->fd) < 0 || rename(n->tmp, n->path) < 0)
		return -errno;
	n->renamed = true;
	return file_sync_folder(n->path);
}

void file_abort(struct file_new *n)
{
	if (n->fd < 0)
		return;
	close(n->fd);
	if (!n->renamed)
		unlink(n->tmp);
	n->fd = -1;
}
