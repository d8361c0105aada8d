/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <rte_mbuf.h>

#include "eal.h"
#include "hugepages.h"
#include "log.h"
#include "../ports/port.h"

#define ARGS_MAX 128

struct eal_args {
	char *arg[ARGS_MAX + 1];
	int n;
};

static char arguments[4096];
static bool huge;
static unsigned int memory_mb;

bool eal_hugepages(void)
{
	return huge;
}

unsigned int eal_memory_mb(void)
{
	return memory_mb;
}

const char *eal_arguments(void)
{
	return arguments;
}

unsigned int eal_memory_needed_mb(uint32_t mbufs, uint32_t fdb_size)
{
	// An mbuf with its pool header and padding; a slot of the FDB at the fill it is made for, with what control
	// keeps beside it; devices, rings and counters.
	uint64_t bytes = (uint64_t)mbufs * (sizeof(struct rte_mbuf) + RTE_PKTMBUF_HEADROOM + PORT_MBUF_DATA + 192) +
			 (uint64_t)fdb_size * 48 + (96 << 20);

	return (bytes >> 20) + 1;
}

bool eal_worker(const struct options *o, unsigned int i, unsigned int *lcore, unsigned int *cpu)
{
	unsigned int n = 0;

	for (unsigned int c = 0; c < CPU_SETSIZE; c++) {
		if (!CPU_ISSET(c, &o->worker_cpus) || n++ != i)
			continue;
		*lcore = i + 1;
		*cpu = c;
		return true;
	}
	return false;
}

static void __attribute__((format(printf, 2, 3))) add(struct eal_args *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (a->n == ARGS_MAX || vasprintf(&a->arg[a->n], fmt, ap) < 0)
		abort(); // at start, a few hundred bytes
	va_end(ap);
	a->arg[++a->n] = NULL;
}

static void add_lcores(struct eal_args *a, const struct options *o)
{
	char control[1024], lcores[2048];
	unsigned int lcore, cpu;
	size_t used;

	cpus_print(&o->control_cpus, control, sizeof(control));
	used = snprintf(lcores, sizeof(lcores), "0@(%s)", control);
	for (unsigned int i = 0; eal_worker(o, i, &lcore, &cpu); i++)
		used += snprintf(lcores + used, sizeof(lcores) - used, ",%u@%u", lcore, cpu);
	add(a, "--lcores=%s", lcores);
	add(a, "--main-lcore=0");
}

// Memory on each NUMA node that a worker is on: "0,512" style.
static void add_memory(struct eal_args *a, const struct options *o)
{
	char list[256];
	size_t used = 0;
	int last = 0;

	if (!huge) {
		add(a, "--no-huge");
		add(a, "--no-shconf"); // this much of --in-memory goes together with --no-huge
		add(a, "-m");
		add(a, "%u", memory_mb);
		return;
	}
	for (int node = 0; node < RTE_MAX_NUMA_NODES; node++)
		if (hugepages_node_in_use(&o->worker_cpus, node))
			last = node;
	for (int node = 0; node <= last; node++)
		used += snprintf(list + used, sizeof(list) - used, "%s%u", node > 0 ? "," : "",
				 hugepages_node_in_use(&o->worker_cpus, node) ? memory_mb : 0);
	add(a, "--socket-mem=%s", list);
	// A vhost-user back end takes at most eight regions of memory from a virtio-user port.
	add(a, "--single-file-segments");
	add(a, "--in-memory");
}

// Whether the operator's own arguments say which devices EAL may see.
static bool chooses_devices(const struct eal_args *a)
{
	for (int i = 0; i < a->n; i++)
		if (!strncmp(a->arg[i], "-a", 2) || !strncmp(a->arg[i], "-b", 2) || !strncmp(a->arg[i], "--allow", 7) ||
		    !strncmp(a->arg[i], "--block", 7) || !strcmp(a->arg[i], "--no-pci"))
			return true;
	return false;
}

static void compose(struct eal_args *a, const struct options *o)
{
	struct eal_args own = {.n = 0};
	char *more = strdup(o->eal != NULL ? o->eal : ""), *rest = more;
	size_t used = 0;

	for (char *word; more != NULL && (word = strsep(&rest, " \t\n")) != NULL;)
		if (*word != '\0' && own.n < ARGS_MAX / 2)
			add(&own, "%s", word);
	add(a, "sluiced");
	add_lcores(a, o);
	add_memory(a, o);
	add(a, "--file-prefix=%s", o->file_prefix);
	add(a, "--no-telemetry");
	if (!chooses_devices(&own)) {
		// Scan, so that port.add finds what it names, but take nothing by ourselves: no device has this address
		// but a host bridge, which no driver wants.
		if (access("/sys/bus/pci/devices", F_OK) == 0)
			add(a, "--allow=0000:00:00.0");
		else
			add(a, "--no-pci");
	}
	for (int i = 0; i < own.n; i++) {
		add(a, "%s", own.arg[i]);
		free(own.arg[i]);
	}
	for (int i = 1; i < a->n && used < sizeof(arguments); i++)
		used += snprintf(arguments + used, sizeof(arguments) - used, "%s%s", i > 1 ? " " : "", a->arg[i]);
	free(more);
}

// Starts the program anew: what rte_eal_init() left half done cannot be undone in the process.
static void restart_without_hugepages(char **argv)
{
	int n = 0;
	char **again;

	while (argv[n] != NULL)
		n++;
	again = calloc(n + 2, sizeof(*again));
	if (again == NULL)
		return;
	memcpy(again, argv, n * sizeof(*again));
	again[n] = (char *)(uintptr_t) "--no-huge";
	execv("/proc/self/exe", again);
	free(again);
}

// On a wrong argument DPDK prints two screens about right ones on standard output, which would hide what it logs.
static int init_quietly(struct eal_args *a)
{
	int out = dup(STDOUT_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC), rc;

	if (out >= 0 && null >= 0)
		dup2(null, STDOUT_FILENO);
	rc = rte_eal_init(a->n, a->arg);
	fflush(stdout);
	if (out >= 0 && null >= 0)
		dup2(out, STDOUT_FILENO);
	if (out >= 0)
		close(out);
	if (null >= 0)
		close(null);
	return rc;
}

int eal_start(const struct options *o, char **argv, struct fault *f)
{
	static struct eal_args a; // DPDK may keep what it was given
	struct eal_args given;
	int rc;

	memory_mb = o->socket_mem_mb != 0 ? o->socket_mem_mb : eal_memory_needed_mb(o->mbufs, o->fdb_size);
	huge = !o->no_huge && hugepages_enough(&o->worker_cpus, memory_mb);
	// What was to be had of hugepages may be far more than the machine has of other memory.
	if (!huge && !o->no_huge)
		memory_mb = eal_memory_needed_mb(o->mbufs, o->fdb_size);
	compose(&a, o);
	LOG(DEBUG, "EAL arguments: %s", arguments);
	given = a; // it also moves and replaces the pointers
	if (init_quietly(&given) >= 0)
		return 0;
	rc = rte_errno != 0 ? -rte_errno : -EIO;
	rmdir(rte_eal_get_runtime_dir());
	if (huge) {
		LOG(WARNING, "DPDK does not start with hugepages (%s); starting again without", strerror(-rc));
		restart_without_hugepages(argv);
	}
	return fault_set(f, rc == -EINVAL ? -EIO : rc, NULL, NULL, NULL, "DPDK does not start with: %s", arguments);
}

// EAL makes a folder for every prefix and leaves it behind.
void eal_stop(void)
{
	char folder[256];

	snprintf(folder, sizeof(folder), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	rmdir(folder);
}
