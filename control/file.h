/* SPDX-License-Identifier: BSD-3-Clause */
// Files that are there whole or not at all.
//
// Purpose: a file is replaced so that a crash at any instant leaves the old one or the new one.
//
// Design: the new content goes to PATH.tmp, is synced, renamed over PATH, and the folder is synced.
//
// Threads: control only (each struct belongs to its caller).
#ifndef FILE_H
#define FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FILE_PATH_LEN 4096

struct file_new {
	int fd;       // -1: not open
	uint32_t crc; // CRC-32C of what was written
	off_t size;   // bytes written
	bool renamed; // PATH is the new file already
	const char *path;
	char tmp[FILE_PATH_LEN];
};

// Writes all bytes at an offset. 0 or -errno.
int file_write_at(int fd, const void *bytes, size_t size, off_t offset);

// Syncs the folder that PATH is in, so that a new name in it survives a crash. 0 or -errno.
int file_sync_folder(const char *path);

// Maps a whole file for reading; *bytes is NULL and *size 0 for an empty one. 0 or -errno.
int file_map(int fd, const char **bytes, size_t *size);
void file_unmap(const char *bytes, size_t size);

// Begins a new PATH (which must live as long), to be ended by file_commit() or file_abort(). 0 or -errno.
int file_create(struct file_new *n, const char *path, mode_t mode);
int file_write(struct file_new *n, const void *bytes, size_t size);
// Replaces PATH. 0, and the descriptor stays open, the caller's to close. Or -errno: PATH is as before, or, if
// `renamed`, the new file, of which it is not sure that a crash leaves it there.
int file_commit(struct file_new *n);
void file_abort(struct file_new *n);

#endif
