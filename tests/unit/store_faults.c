/* SPDX-License-Identifier: BSD-3-Clause */
#include "store_faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNSYNCED_MAX 4096
#define RENAMED_MAX 16

struct store_faults store_faults;

static struct {
	ino_t inode;
	int fd;
	off_t at;
	size_t size;
} unsynced[UNSYNCED_MAX];
static unsigned int nunsynced;

static struct {
	char from[256], to[256], old[300];
} renamed[RENAMED_MAX];
static unsigned int nrenamed;

ssize_t __real_pwrite64(int fd, const void *bytes, size_t size, off_t at);
int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_rename(const char *from, const char *to);
int __real_ftruncate64(int fd, off_t size);
int __real_fallocate64(int fd, int mode, off_t at, off_t size);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off_t at);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_ftruncate64(int fd, off_t size);
int __wrap_fallocate64(int fd, int mode, off_t at, off_t size);

void store_faults_reset(void)
{
	nunsynced = 0;
	while (nrenamed > 0)
		unlink(renamed[--nrenamed].old);
	memset(&store_faults, 0, sizeof(store_faults));
}

static void lose(void)
{
	static const char zeros[1 << 16];

	srand(store_faults.seed);
	for (unsigned int i = 0; i < nunsynced; i++) {
		size_t from = (size_t)rand() % (unsynced[i].size + 1), size = unsynced[i].size - from;

		if (rand() % 3 != 0 && size <= sizeof(zeros) &&
		    __real_pwrite64(unsynced[i].fd, zeros, size, unsynced[i].at + (off_t)from) < 0)
			_exit(99);
	}
	while (nrenamed > 0 && rand() % 2 == 0) {
		nrenamed--;
		if (__real_rename(renamed[nrenamed].to, renamed[nrenamed].from) < 0)
			_exit(98);
		// Where nothing was before, nothing is again.
		__real_rename(renamed[nrenamed].old, renamed[nrenamed].to);
	}
}

static void step(void)
{
	store_faults.calls++;
	if (store_faults.crash_at == 0 || --store_faults.crash_at > 0)
		return;
	if (store_faults.lose)
		lose();
	_exit(42);
}

static ino_t inode_of(int fd)
{
	struct stat st = {0};

	fstat(fd, &st);
	return st.st_ino;
}

ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off_t at)
{
	step();
	if (store_faults.no_space && size > 1)
		return __real_pwrite64(fd, bytes, size / 2, at);
	if (store_faults.no_space) {
		errno = ENOSPC;
		return -1;
	}
	if (nunsynced < UNSYNCED_MAX) {
		unsynced[nunsynced].inode = inode_of(fd);
		// The file may be closed when the crash comes.
		unsynced[nunsynced].fd = store_faults.lose ? dup(fd) : fd;
		unsynced[nunsynced].at = at;
		unsynced[nunsynced++].size = size;
	}
	return __real_pwrite64(fd, bytes, size, at);
}

static void synced(int fd)
{
	struct stat st = {0};
	unsigned int kept = 0;

	fstat(fd, &st);
	for (unsigned int i = 0; i < nunsynced; i++) {
		if (unsynced[i].inode != st.st_ino)
			unsynced[kept++] = unsynced[i];
		else if (store_faults.lose)
			close(unsynced[i].fd);
	}
	nunsynced = kept;
	while (S_ISDIR(st.st_mode) && nrenamed > 0)
		unlink(renamed[--nrenamed].old);
}

static int sync_wrapped(int fd, int (*real)(int fd))
{
	step();
	if (store_faults.no_sync) {
		errno = EIO;
		return -1;
	}
	synced(fd);
	// A crash is played by lose(); what the test's own disk has kept does not matter to it.
	return store_faults.skip_sync || store_faults.lose ? 0 : real(fd);
}

int __wrap_fsync(int fd)
{
	return sync_wrapped(fd, __real_fsync);
}

int __wrap_fdatasync(int fd)
{
	return sync_wrapped(fd, __real_fdatasync);
}

int __wrap_rename(const char *from, const char *to)
{
	step();
	if (store_faults.lose && nrenamed < RENAMED_MAX) {
		snprintf(renamed[nrenamed].from, sizeof(renamed[0].from), "%s", from);
		snprintf(renamed[nrenamed].to, sizeof(renamed[0].to), "%s", to);
		snprintf(renamed[nrenamed].old, sizeof(renamed[0].old), "%s.old", to);
		unlink(renamed[nrenamed].old);
		if (link(to, renamed[nrenamed].old) < 0 && errno != ENOENT)
			_exit(97);
		nrenamed++;
	}
	return __real_rename(from, to);
}

int __wrap_ftruncate64(int fd, off_t size)
{
	step();
	return __real_ftruncate64(fd, size);
}

int __wrap_fallocate64(int fd, int mode, off_t at, off_t size)
{
	step();
	if (store_faults.no_space) {
		errno = ENOSPC;
		return -1;
	}
	return __real_fallocate64(fd, mode, at, size);
}
