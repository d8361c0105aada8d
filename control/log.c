/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <rte_common.h>

#include "log.h"

RTE_LOG_REGISTER(control_logtype, sluice.control, INFO);

static bool to_journal;

// One call per message: rte_vlog() flushes after each. A message is written with one system call, so that lines of
// several threads do not mix.
static ssize_t log_write(void *cookie, const char *text, size_t size)
{
	char head[64];
	struct iovec part[2] = {{head, 0}, {(char *)(uintptr_t)text, size}};
	unsigned int level = rte_log_cur_msg_loglevel();

	if (to_journal) {
		// RTE_LOG_EMERG is 1 where syslog counts from 0.
		part[0].iov_len = snprintf(head, sizeof(head), "<%u>", level >= 1 && level <= 8 ? level - 1 : 6);
	} else {
		struct timespec now;
		struct tm tm;

		clock_gettime(CLOCK_REALTIME, &now);
		localtime_r(&now.tv_sec, &tm);
		part[0].iov_len = strftime(head, sizeof(head), "%Y-%m-%d %H:%M:%S", &tm);
		part[0].iov_len += snprintf(head + part[0].iov_len, sizeof(head) - part[0].iov_len, ".%03ld %s",
					    now.tv_nsec / 1000000,
					    level <= RTE_LOG_ERR       ? "ERROR: "
					    : level == RTE_LOG_WARNING ? "warning: "
								       : "");
	}
	// A reader that is gone must not end the daemon, nor is there anybody to tell.
	if (writev(STDERR_FILENO, part, 2) < 0)
		return size;
	return size;
}

// systemd says which file its journal reads; standard error may have been redirected since.
static bool journal_reads(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(fd, &st) == 0 &&
	       st.st_dev == device && st.st_ino == inode;
}

int log_open(uint32_t level)
{
	FILE *stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = log_write});

	if (stream == NULL)
		return -errno;
	to_journal = journal_reads(STDERR_FILENO);
	if (rte_openlog_stream(stream) != 0) {
		fclose(stream);
		return -ENOMEM;
	}
	rte_log_set_global_level(level);
	rte_log_set_level_pattern("sluice.*", level);
	// What DPDK says about itself is for those who debug it: missing page sizes, a guest that is not there yet, ...
	if (level < RTE_LOG_DEBUG)
		rte_log_set_level_pattern("lib.*", RTE_LOG_ERR);
	return 0;
}
