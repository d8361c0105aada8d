/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_common.h>

#include "hugepages.h"
#include "log.h"

#define NODES "/sys/devices/system/node"

// A number in a file of sysfs; 0 if there is none.
static unsigned long read_number(const char *path)
{
	FILE *in = fopen(path, "re");
	unsigned long n = 0;

	if (in == NULL)
		return 0;
	if (fscanf(in, "%lu", &n) != 1)
		n = 0;
	fclose(in);
	return n;
}

bool hugepages_node_in_use(const cpu_set_t *cpus, int node)
{
	char path[96];

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, cpus))
			continue;
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/node%d", cpu, node);
		if (access(path, F_OK) == 0 || (node == 0 && access(NODES, F_OK) != 0))
			return true;
	}
	return false;
}

// The folder with one subfolder per page size, of a node or, where the kernel has no NUMA, of the machine.
static void pages_folder(int node, char *path, size_t size)
{
	snprintf(path, size, NODES "/node%d/hugepages", node);
	if (access(path, F_OK) != 0)
		snprintf(path, size, "/sys/kernel/mm/hugepages");
}

// Free memory in hugepages of all sizes, in MB.
static unsigned long free_mb(int node)
{
	char folder[128], path[512];
	struct dirent *entry;
	unsigned long kb = 0, page_kb;
	DIR *dir;

	pages_folder(node, folder, sizeof(folder));
	dir = opendir(folder);
	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL) {
		if (sscanf(entry->d_name, "hugepages-%lukB", &page_kb) != 1)
			continue;
		snprintf(path, sizeof(path), "%s/%s/free_hugepages", folder, entry->d_name);
		kb += page_kb * read_number(path);
	}
	closedir(dir);
	return kb >> 10;
}

// The page size that the kernel takes by default, in kB.
static unsigned long default_page_kb(void)
{
	FILE *in = fopen("/proc/meminfo", "re");
	unsigned long kb = 0;
	char line[128];

	while (in != NULL && fgets(line, sizeof(line), in) != NULL)
		if (sscanf(line, "Hugepagesize: %lu kB", &kb) == 1)
			break;
	if (in != NULL)
		fclose(in);
	return kb != 0 ? kb : 2048;
}

static void tell_how(int node, unsigned int mb)
{
	unsigned long page_kb = default_page_kb(), wanted = (mb * 1024ul + page_kb - 1) / page_kb, there, idle;
	char folder[128], path[256];

	pages_folder(node, folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/hugepages-%lukB/free_hugepages", folder, page_kb);
	idle = read_number(path);
	snprintf(path, sizeof(path), "%s/hugepages-%lukB/nr_hugepages", folder, page_kb);
	there = read_number(path);
	if (access(path, F_OK) != 0) {
		LOG(WARNING, "no hugepages: this kernel has none; running without, in ordinary memory");
		return;
	}
	LOG(WARNING,
	    "no hugepages: %lu pages of %lu kB (%u MB) were wanted on NUMA node %d, %lu are free; running without, in "
	    "ordinary memory",
	    wanted, page_kb, mb, node, idle);
	LOG(WARNING, "to reserve them: echo %lu > %s", there + wanted - RTE_MIN(idle, wanted), path);
}

bool hugepages_enough(const cpu_set_t *cpus, unsigned int mb)
{
	bool enough = true;

	for (int node = 0; node < RTE_MAX_NUMA_NODES; node++) {
		if (!hugepages_node_in_use(cpus, node) || free_mb(node) >= mb)
			continue;
		tell_how(node, mb);
		enough = false;
	}
	return enough;
}
