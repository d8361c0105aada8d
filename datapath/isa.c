/* SPDX-License-Identifier: BSD-3-Clause */
// Which build of the datapath runs: the sources of the hot path are compiled once per x86-64 level.
#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include "worker_priv.h"

static const struct datapath_ops *chosen = &datapath_v2;

static const struct {
	const char *name;
	const struct datapath_ops *ops;
} levels[] = {{"v4", &datapath_v4}, {"v3", &datapath_v3}, {"v2", &datapath_v2}};

// The levels of the x86-64 psABI. Clang before 18 knows no names of theirs, but builds only fuzz targets: a feature
// that each level is not without will do there.
#ifdef __clang__
#define CPU_V4 "avx512bw"
#define CPU_V3 "avx2"
#define CPU_V2 "sse4.2"
#else
#define CPU_V4 "x86-64-v4"
#define CPU_V3 "x86-64-v3"
#define CPU_V2 "x86-64-v2"
#endif

static bool cpu_has(const char *level)
{
	__builtin_cpu_init();
	if (!strcmp(level, "v4"))
		return __builtin_cpu_supports(CPU_V4);
	if (!strcmp(level, "v3"))
		return __builtin_cpu_supports(CPU_V3);
	return __builtin_cpu_supports(CPU_V2);
}

int datapath_isa_set(const char *isa, struct fault *f)
{
	for (unsigned int i = 0; i < RTE_DIM(levels); i++) {
		if (isa && strcmp(isa, levels[i].name))
			continue;
		if (cpu_has(levels[i].name)) {
			chosen = levels[i].ops;
			return 0;
		}
		if (isa)
			return fault_str(f, -ENOTSUP, "isa", isa, "a level that this CPU has",
					 "this CPU lacks x86-64-%s", isa);
	}
	return fault_str(f, isa ? -EINVAL : -ENOTSUP, "isa", isa ? isa : "", "v2, v3, v4",
			 "no instruction set level fits");
}

const char *datapath_isa(void)
{
	return chosen->isa;
}

const struct datapath_ops *datapath_ops(void)
{
	return chosen;
}
