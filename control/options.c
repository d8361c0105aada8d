/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <rte_common.h>
#include <rte_log.h>

#include "options.h"
#include "../tables/fdb.h"
#include "../tables/fib_pool.h"
#include "../tables/flow_cache.h"

enum option_type { OPTION_FLAG, OPTION_UNSET, OPTION_TEXT, OPTION_UINT, OPTION_CPUS, OPTION_ENUM };

struct choice {
	const char *name;
	uint32_t value;
};

struct option_def {
	const char *name;
	const char *argument; // as --help shows it; NULL: takes none
	enum option_type type;
	size_t offset;     // of the field in struct options
	size_t given;      // OPTION_CPUS: of the flag beside it
	uint32_t min, max; // OPTION_UINT: the range. OPTION_TEXT: the length
	const struct choice *choices;
	const char *help;
};

static const struct choice idle_choices[] = {{"poll", WORKER_IDLE_POLL}, {"sleep", WORKER_IDLE_SLEEP}, {NULL, 0}};
static const struct choice isa_choices[] = {{"v2", 0}, {"v3", 0}, {"v4", 0}, {NULL, 0}};
static const struct choice level_choices[] = {{"error", RTE_LOG_ERR},     {"warning", RTE_LOG_WARNING},
					      {"notice", RTE_LOG_NOTICE}, {"info", RTE_LOG_INFO},
					      {"debug", RTE_LOG_DEBUG},   {NULL, 0}};

#define FIELD(f) .offset = offsetof(struct options, f)
#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

static const struct option_def option_defs[] = {
	{"socket", "PATH", OPTION_TEXT, FIELD(socket), .min = 1, .max = SOCKET_PATH_MAX,
	 .help = "the control socket (/run/sluice/control.sock)"},
	{"state", "PATH", OPTION_TEXT, FIELD(state), .min = 1, .max = 4000,
	 .help = "the file that keeps the desired state (/var/lib/sluice/state.json)"},
	{"no-state", NULL, OPTION_UNSET, FIELD(state), .help = "keep the desired state in memory only"},
	{"config", "PATH", OPTION_TEXT, FIELD(config), .min = 1, .max = 4000,
	 .help = "a config.apply document to apply at start, on top of the state"},
	{"worker-cpus", "LIST", OPTION_CPUS, FIELD(worker_cpus), .given = offsetof(struct options, worker_cpus_given),
	 .help = "one worker on each of these CPUs, as in 2-5,8 (the last CPU)"},
	{"control-cpus", "LIST", OPTION_CPUS, FIELD(control_cpus),
	 .given = offsetof(struct options, control_cpus_given), .help = "where all else runs (the other CPUs)"},
	{"idle", "poll|sleep", OPTION_ENUM, FIELD(idle), .choices = idle_choices,
	 .help = "what a worker does that finds no packets: poll on, or sleep ever longer (sleep)"},
	{"idle-max-us", "N", OPTION_UINT, FIELD(idle_max_us), .min = 1, .max = 100000,
	 .help = "the longest such sleep, in microseconds (200)"},
	{"mbufs", "N", OPTION_UINT, FIELD(mbufs), .min = 1024, .max = 16777216, .help = "packet buffers (65536)"},
	{"fdb-size", "N", OPTION_UINT, FIELD(fdb_size), .min = FDB_CAPACITY_MIN, .max = FDB_CAPACITY_MAX,
	 .help = "capacity of the table of MAC addresses (1048576)"},
	{"fib-mem", "MB", OPTION_UINT, FIELD(fib_mem_mb), .min = 1, .max = FIB_POOL_MAX_BYTES >> 20,
	 .help = "memory of all routing tables at most, taken as it is needed (512)"},
	{"flow-cache", "N", OPTION_UINT, FIELD(flow_cache), .min = FLOW_CACHE_ENTRIES_MIN, .max = 1 << 24,
	 .help = "flows that each worker keeps the verdict of flow tables for; 72 bytes each (262144)"},
	{"socket-mem", "MB", OPTION_UINT, FIELD(socket_mem_mb), .min = 32, .max = 1048576,
	 .help = "memory on each NUMA node with a worker (what the two above need)"},
	{"no-huge", NULL, OPTION_FLAG, FIELD(no_huge), .help = "do without hugepages even if there are some"},
	{"isa", "v2|v3|v4", OPTION_ENUM, FIELD(isa), .choices = isa_choices,
	 .help = "the x86-64 level of the datapath (the best that the CPU has)"},
	{"file-prefix", "NAME", OPTION_TEXT, FIELD(file_prefix), .min = 1, .max = 60,
	 .help = "DPDK's name for this instance (made from the socket's path)"},
	{"log-level", "error|warning|notice|info|debug", OPTION_ENUM, FIELD(log_level), .choices = level_choices,
	 .help = "how much is logged, on standard error (info)"},
	{"eal", "ARGUMENTS", OPTION_TEXT, FIELD(eal), .max = 4000, .help = "more arguments for DPDK's EAL"},
	{"export", NULL, OPTION_FLAG, FIELD(export_only),
	 .help = "start nothing: answer one pktgen.export, parameters on standard input, as sluicectl asks for"},
	{"interactive", NULL, OPTION_FLAG, FIELD(interactive),
	 .help = "-i: with sluicectl at this terminal; when that ends, so does the daemon"},
	{"version", NULL, OPTION_FLAG, FIELD(version), .help = "say which version this is"},
	{"help", NULL, OPTION_FLAG, FIELD(help), .help = "this"},
};

int cpus_parse(const char *text, cpu_set_t *cpus)
{
	CPU_ZERO(cpus);
	do {
		char *end;
		unsigned long first, last;

		if (*text < '0' || *text > '9')
			return -EINVAL;
		first = last = strtoul(text, &end, 10);
		if (*end == '-') {
			text = end + 1;
			if (*text < '0' || *text > '9')
				return -EINVAL;
			last = strtoul(text, &end, 10);
		}
		if (first > last || last >= CPU_SETSIZE)
			return -EINVAL;
		for (; first <= last; first++)
			CPU_SET(first, cpus);
		text = end;
	} while (*text++ == ',');
	return text[-1] == '\0' ? 0 : -EINVAL;
}

void cpus_print(const cpu_set_t *cpus, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (int cpu = 0; cpu < CPU_SETSIZE && used < size; cpu++) {
		int first = cpu;

		if (!CPU_ISSET(cpu, cpus))
			continue;
		while (cpu + 1 < CPU_SETSIZE && CPU_ISSET(cpu + 1, cpus))
			cpu++;
		used += snprintf(text + used, size - used, first == cpu ? "%s%d" : "%s%d-%d", used ? "," : "", first,
				 cpu);
	}
}

// What the option accepts, as text for an error.
static void allowed_text(const struct option_def *d, char *text, size_t size)
{
	if (d->type == OPTION_UINT)
		snprintf(text, size, "%" PRIu32 " to %" PRIu32, d->min, d->max);
	else if (d->type == OPTION_TEXT)
		snprintf(text, size, "%" PRIu32 " to %" PRIu32 " bytes", d->min, d->max);
	else if (d->type == OPTION_CPUS)
		snprintf(text, size, "CPU numbers and ranges below %d, as in 0,2-5", CPU_SETSIZE);
	else
		snprintf(text, size, "%s", d->argument);
}

// Reads `value` into its field. False if it is not acceptable.
static bool option_set(const struct option_def *d, void *o, const char *value)
{
	void *field = RTE_PTR_ADD(o, d->offset);
	unsigned long long n;
	char *end;

	switch (d->type) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return true;
	case OPTION_UNSET:
		*(const char **)field = NULL;
		return true;
	case OPTION_TEXT:
		*(const char **)field = value;
		return strlen(value) >= d->min && strlen(value) <= d->max;
	case OPTION_UINT:
		errno = 0;
		n = strtoull(value, &end, 10);
		*(uint32_t *)field = n;
		return *value >= '0' && *value <= '9' && *end == '\0' && errno == 0 && n >= d->min && n <= d->max;
	case OPTION_CPUS:
		*(bool *)RTE_PTR_ADD(o, d->given) = true;
		return cpus_parse(value, field) == 0;
	case OPTION_ENUM:
		for (const struct choice *c = d->choices; c->name != NULL; c++) {
			if (strcmp(c->name, value) != 0)
				continue;
			if (d->choices == isa_choices)
				*(const char **)field = c->name;
			else
				*(uint32_t *)field = c->value;
			return true;
		}
	}
	return false;
}

// Several instances run on a host: what tells them apart is the socket.
static const char *prefix_of(const char *socket)
{
	static char prefix[48];
	uint64_t hash = 0xcbf29ce484222325; // FNV-1a

	for (const char *c = socket; *c != '\0'; c++)
		hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
	snprintf(prefix, sizeof(prefix), "sluice-%016" PRIx64, hash);
	return prefix;
}

int options_parse(struct options *o, int argc, char **argv, struct fault *f)
{
	struct option longopts[RTE_DIM(option_defs) + 1] = {0};
	int i, interactive = 0;

	static_assert(RTE_DIM(option_defs) < ' ', "an index is no letter");

	*o = (struct options){
		.socket = "/run/sluice/control.sock",
		.state = "/var/lib/sluice/state.json",
		.idle = WORKER_IDLE_SLEEP,
		.idle_max_us = 200,
		.mbufs = 65536,
		.fdb_size = 1048576,
		.fib_mem_mb = 512,
		.flow_cache = 262144,
		.log_level = RTE_LOG_INFO,
	};
	for (i = 0; i < (int)RTE_DIM(option_defs); i++) {
		longopts[i].name = option_defs[i].name;
		longopts[i].has_arg = option_defs[i].argument != NULL ? required_argument : no_argument;
		longopts[i].val = strcmp(option_defs[i].name, "interactive") == 0 ? 'i' : i;
		if (longopts[i].val == 'i')
			interactive = i;
	}
	opterr = 0;
	optind = 1;
	for (;;) {
		const char *word = argv[optind < argc ? optind : argc - 1];
		int c = getopt_long(argc, argv, "+:i", longopts, NULL);

		if (c == -1)
			break;
		if (c == ':')
			return fault_set(f, -EINVAL, word, NULL, NULL, "the option %s needs a value", word);
		if (c == '?')
			return fault_set(f, -EINVAL, word, NULL, NULL, "no such option, or not unique: %s", word);
		if (c == 'i') // the one option that has a letter, because testpmd's has
			c = interactive;
		if (!option_set(&option_defs[c], o, optarg)) {
			char field[32], allowed[96];

			snprintf(field, sizeof(field), "--%s", option_defs[c].name);
			allowed_text(&option_defs[c], allowed, sizeof(allowed));
			return fault_str(f, -EINVAL, field, optarg, allowed, "bad value of option %s", field);
		}
		if (o->help || o->version)
			return 0;
	}
	if (optind < argc)
		return fault_str(f, -EINVAL, NULL, argv[optind], NULL, "this is not an option");
	if (o->file_prefix == NULL)
		o->file_prefix = prefix_of(o->socket);
	if (strchr(o->file_prefix, '/') != NULL || o->file_prefix[0] == '.')
		return fault_str(f, -EINVAL, "--file-prefix", o->file_prefix, "a file name",
				 "bad value of option --file-prefix");
	return 0;
}

static int check_allowed(const char *option, const cpu_set_t *cpus, const cpu_set_t *allowed, struct fault *f)
{
	char text[128], ok[128];
	cpu_set_t both;

	CPU_AND(&both, cpus, allowed);
	if (CPU_EQUAL(&both, cpus))
		return 0;
	cpus_print(cpus, text, sizeof(text));
	cpus_print(allowed, ok, sizeof(ok));
	return fault_str(f, -EINVAL, option, text, ok, "option %s names a CPU that this process may not use", option);
}

int options_cpus(struct options *o, const cpu_set_t *allowed, struct fault *f)
{
	cpu_set_t rest;
	int rc;

	if (o->worker_cpus_given) {
		rc = check_allowed("--worker-cpus", &o->worker_cpus, allowed, f);
		if (rc == 0 && CPU_COUNT(&o->worker_cpus) > WORKERS_MAX) {
			char allow[32];

			snprintf(allow, sizeof(allow), "at most %d", WORKERS_MAX);
			rc = fault_set(f, -EINVAL, "--worker-cpus", NULL, allow, "too many workers");
		}
		if (rc != 0)
			return rc;
	}
	if (o->control_cpus_given) {
		rc = check_allowed("--control-cpus", &o->control_cpus, allowed, f);
		if (rc != 0)
			return rc;
	}
	if (!o->worker_cpus_given) {
		rest = *allowed;
		if (o->control_cpus_given)
			CPU_XOR(&rest, allowed, &o->control_cpus); // control_cpus is part of allowed
		if (CPU_COUNT(&rest) == 0)
			rest = *allowed;
		for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--) {
			if (CPU_ISSET(cpu, &rest)) {
				CPU_ZERO(&o->worker_cpus);
				CPU_SET(cpu, &o->worker_cpus);
				break;
			}
		}
	}
	if (!o->control_cpus_given) {
		CPU_XOR(&rest, allowed, &o->worker_cpus);
		o->control_cpus = CPU_COUNT(&rest) > 0 ? rest : *allowed;
	}
	return 0;
}

void options_help(FILE *out)
{
	fprintf(out, "sluiced: the daemon of Sluice, a software switch.\n\nUsage: sluiced [OPTION]...\n\n");
	for (unsigned int i = 0; i < RTE_DIM(option_defs); i++) {
		const struct option_def *d = &option_defs[i];
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", d->name, d->argument != NULL ? " " : "",
			 d->argument != NULL ? d->argument : "");
		fprintf(out, strlen(left) > 24 ? "  %s\n                            %s\n" : "  %-24s  %s\n", left,
			d->help);
	}
	fprintf(out, "\nDefaults are in brackets. Exit status: 0 ended in order, 1 could not start, 2 wrong usage.\n");
}
