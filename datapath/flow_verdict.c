/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_verdict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SPACE_LINES_MIN 1024
#define READY_BYTES ((size_t)2 << 20) // of each space: 32768 verdicts of one line
#define SWEEP 8                       // words of the memo that are cleared with each epoch
#define WORD_COST 4                   // looking at 64 lines that are clean, in counters

int flow_verdicts_create(struct flow_verdicts *v, uint32_t entries)
{
	uint32_t lines = SPACE_LINES_MIN;
	size_t bytes;

	while (lines < entries)
		lines *= 2;
	bytes = (size_t)2 * lines * (sizeof(*v->line) + sizeof(*v->memo)) + (size_t)2 * lines / 8;
	*v = (struct flow_verdicts){.space_lines = lines, .memo_mask = 2 * lines - 1, .epoch = 1, .head = {1, 0}};
	if (hugemem_reserve(&v->mem, bytes) < 0)
		return -ENOMEM;
	v->line = v->mem.addr;
	v->memo = (uint64_t *)(v->line + (size_t)2 * lines);
	v->dirty = v->memo + (size_t)2 * lines;
	// What is sure to be used is there before the worker waits for it.
	for (uint32_t space = 0; space < 2; space++)
		memset(&v->line[space * lines], 0, RTE_MIN(lines * sizeof(*v->line), READY_BYTES));
	memset(v->memo, 0, (size_t)2 * lines * sizeof(*v->memo) + (size_t)2 * lines / 8);
	return 0;
}

void flow_verdicts_destroy(struct flow_verdicts *v)
{
	hugemem_free(&v->mem);
}

void flow_verdicts_flush(struct flow_verdicts *v)
{
	const uint32_t other = !v->space;

	v->epoch++;
	// What is left of an epoch is gone long before its number is used again.
	for (uint32_t i = 0; i < SWEEP; i++)
		v->memo[v->sweep++ & v->memo_mask] = 0;
	if (v->ndirty[other] > 0)
		return;
	v->space = other;
	v->head[other] = other == 0; // 0 is no verdict's id
}

uint32_t flow_path_hash(const struct flow_path *path)
{
	uint64_t h = path->number;

	for (uint32_t i = 0; i < path->nsteps; i++) {
		h = (h ^ path->step[i]) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 32;
	}
	return (uint32_t)h;
}

uint32_t flow_verdict_find(const struct flow_verdicts *v, const struct flow_path *path, uint32_t hash)
{
	const uint64_t memo = v->memo[hash & v->memo_mask];
	const struct flow_verdict *d;

	if (memo >> 32 != v->epoch)
		return 0;
	d = flow_verdict_at(v, (uint32_t)memo);
	if (d->hash != hash || d->number != path->number || d->nsteps != path->nsteps ||
	    memcmp(d->step, path->step, path->nsteps * sizeof(path->step[0])) != 0)
		return 0;
	return (uint32_t)memo;
}

uint32_t flow_verdict_make(struct flow_verdicts *v, const struct flow_verdict_conf *conf, uint32_t hash, bool *flush)
{
	const struct flow_path *const path = conf->path;
	const size_t bytes = RTE_ALIGN_CEIL(sizeof(struct flow_verdict) + path->nsteps * sizeof(path->step[0]), 8) +
			     conf->ncode * sizeof(conf->code[0]);
	const uint32_t lines = (uint32_t)((bytes + RTE_CACHE_LINE_SIZE - 1) / RTE_CACHE_LINE_SIZE);
	const uint32_t id = v->space * v->space_lines + v->head[v->space];
	struct flow_verdict *const d = flow_verdict_at(v, id);

	*flush = false;
	if (v->head[v->space] + lines > v->space_lines) {
		*flush = v->ndirty[!v->space] == 0;
		return 0;
	}
	v->head[v->space] += lines;
	*d = (struct flow_verdict){.lines = lines,
				   .hash = hash,
				   .number = path->number,
				   .out_port = conf->out_port,
				   .kind = conf->kind,
				   .splits = conf->splits,
				   .simple = conf->kind == FLOW_VERDICT_OUTPUT && conf->meter == 0,
				   .reason = conf->reason,
				   .nsteps = (uint8_t)path->nsteps,
				   .meter = conf->meter,
				   .ncode = conf->ncode};
	memcpy(d->step, path->step, path->nsteps * sizeof(path->step[0]));
	memcpy((uint64_t *)(v->line + id + lines) - conf->ncode, conf->code, conf->ncode * sizeof(conf->code[0]));
	v->memo[hash & v->memo_mask] = (uint64_t)v->epoch << 32 | id;
	return id;
}

void flow_steps_count(struct flow_count *const count[FLOW_COUNT_KINDS], uint16_t number, const uint32_t *step,
		      uint32_t nsteps, uint64_t packets, uint64_t bytes, uint64_t now)
{
	for (uint32_t i = 0; i < nsteps; i++) {
		const uint32_t entry = step[i] & 0xffffff;
		struct flow_count *const table = &count[FLOW_COUNT_TABLE][flow_table_counter(number, step[i] >> 24)];

		flow_count_add(table, packets, entry != 0 ? packets : 0);
		if (entry == 0)
			continue;
		flow_count_add(&count[FLOW_COUNT_ENTRY][entry], packets, bytes);
		__atomic_store_n(&count[FLOW_COUNT_ENTRY][entry].used, now, __ATOMIC_RELAXED);
	}
}

static uint32_t fold_word(struct flow_verdicts *v, struct flow_count *const count[FLOW_COUNT_KINDS], uint32_t word,
			  uint64_t now)
{
	uint32_t cost = WORD_COST;

	for (uint64_t m = v->dirty[word]; m != 0; m &= m - 1)
		rte_prefetch0(&v->line[word * 64 + (uint32_t)__builtin_ctzll(m)]);
	for (uint64_t m = v->dirty[word]; m != 0; m &= m - 1) {
		const uint32_t id = word * 64 + (uint32_t)__builtin_ctzll(m);
		struct flow_verdict *const d = flow_verdict_at(v, id);

		flow_steps_count(count, d->number, d->step, d->nsteps, d->packets, d->bytes, now);
		cost += 2 * d->nsteps;
		d->packets = d->bytes = 0;
		v->ndirty[id >= v->space_lines]--;
	}
	v->dirty[word] = 0;
	return cost;
}

bool flow_verdicts_fold(struct flow_verdicts *v, struct flow_count *const count[FLOW_COUNT_KINDS], uint32_t budget,
			uint64_t now)
{
	const uint32_t words = v->space_lines / 64; // of each space
	uint32_t spent = 0;

	if (v->ndirty[0] + v->ndirty[1] == 0)
		v->hand = 2 * words;
	while (v->hand < 2 * words && spent < budget) {
		const uint32_t space = v->hand >= words, in_space = v->hand - space * words;

		if (in_space * 64 >= v->head[space] || v->ndirty[space] == 0) {
			v->hand = (space + 1) * words;
			continue;
		}
		spent += fold_word(v, count, v->hand, now);
		v->hand++;
	}
	if (v->hand < 2 * words)
		return false;
	v->hand = 0;
	return true;
}
