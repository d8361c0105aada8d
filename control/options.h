/* SPDX-License-Identifier: BSD-3-Clause */
// The command line of sluiced.
//
// Purpose: one table of options feeds the parser, the range checks, the error texts and --help.
//
// Threads: the main thread, at start.
#ifndef OPTIONS_H
#define OPTIONS_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../datapath/worker.h"
#include "../ports/fault.h"

struct options {
	const char *socket;
	const char *state;  // NULL: kept in memory only
	const char *config; // NULL: none
	cpu_set_t worker_cpus, control_cpus;
	bool worker_cpus_given, control_cpus_given;
	uint32_t socket_mem_mb; // 0: what mbufs and fdb_size need
	bool no_huge;
	const char *isa; // NULL: the best there is
	uint32_t idle;   // enum worker_idle
	uint32_t idle_max_us;
	uint32_t mbufs, fdb_size;
	uint32_t fib_mem_mb;
	uint32_t flow_cache;     // entries of each worker
	const char *file_prefix; // never NULL after options_parse()
	uint32_t log_level;      // RTE_LOG_*
	const char *eal;         // more EAL arguments, separated by blanks; NULL: none
	bool export_only;        // answer one pktgen.export and end
	bool interactive;        // with a command line at its own terminal
	bool help, version;      // asked for; nothing else was checked then
};

// Fills `o` with the defaults and what the command line says; strings are borrowed from argv or static. `o->help` or
// `o->version` may be set: then nothing else matters. 0, or -EINVAL with a fault whose field is the option.
int options_parse(struct options *o, int argc, char **argv, struct fault *f);

// Chooses the CPUs that the command line did not, among `allowed`: the last one for the only worker, the others for
// control; a single CPU serves both. -EINVAL if one that was named is not allowed.
int options_cpus(struct options *o, const cpu_set_t *allowed, struct fault *f);

void options_help(FILE *out);

// A CPU set as text, "0-3,8", in `text`, cut to fit `size` bytes; and back: 0 or -EINVAL.
void cpus_print(const cpu_set_t *cpus, char *text, size_t size);
int cpus_parse(const char *text, cpu_set_t *cpus);

#endif
