/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "budget.h"
#include "command.h"
#include "describe.h"
#include "table.h"
#include "testpmd.h"

static enum status budget_run(struct session *s, char *const *words, size_t n)
{
	struct budget b = {.gbps = 10, .size = 64, .ghz = 2};
	struct budget_result r;
	char why[160];
	json_t *v;

	if (budget_parse(&b, words + 1, n - 1, why, sizeof(why)) != 0)
		return session_fail(s, STATUS_USAGE, "budget: %s", why);
	budget_compute(&b, &r);
	if (!s->json) {
		printf("%g Gbit/s, frames of %g bytes (%g on the wire), %g GHz\n", b.gbps, b.size,
		       b.size + BUDGET_WIRE_BYTES, b.ghz);
		printf("packets/s:         %.0f\nns per packet:     %.2f\ncycles per packet: %.1f\n", r.pps, r.ns,
		       r.cycles);
		return STATUS_DONE;
	}
	v = json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "gbps", b.gbps, "size", b.size, "ghz", b.ghz, "packets_per_s",
		      r.pps, "ns_per_packet", r.ns, "cycles_per_packet", r.cycles);
	command_print(s, v);
	json_decref(v);
	return STATUS_DONE;
}

static const struct command commands[] = {
	{"show", "ports|bridges|fdb|workers|drops|audit|stats|config|info, or port|bridge|worker NAME",
	 "Shows a topic as a table; key=value words narrow it down. Also testpmd's: port info|stats|xstats|summary "
	 "all|N, fwd "
	 "stats all, config fwd|rxtx|cores.",
	 show_run},
	{"top", "[-n COUNT] [-d SECONDS]", "Shows port rates, drops and worker load, refreshed every second.", top_run},
	{"events", "[TOPIC ...] [count=N] [timeout=SECONDS]", "Prints events as they come.", events_run},
	{"wait", "TOPIC [NAME] key=value ... [gone] [timeout=SECONDS], or: wait daemon",
	 "Waits until an object is as described (or gone), or until the daemon answers.", wait_run},
	{"pktgen", "export pcap|pktgen-dpdk|trex PROFILE [FILE] [count=N]",
	 "Writes a traffic profile (a file, or the name of one that is installed) for another tool.", pktgen_run},
	{"set", "fwd|burst|nbcore|verbose|promisc|allmulti|txpkts ...",
	 "As in testpmd: sets the forwarding mode and what goes with it.", testpmd_run},
	{"start", "", "As in testpmd: starts forwarding, and shows what forwards where.", testpmd_run},
	{"stop", "", "As in testpmd: stops forwarding, and shows what was forwarded.", testpmd_run},
	{"clear", "port stats all|N, or fwd stats all", "As in testpmd: starts statistics anew from zero.",
	 testpmd_run},
	{"port", "start|stop|close|detach N|all, attach DEVARGS, or config mtu N MTU",
	 "As in testpmd: changes ports, by number or name.", testpmd_run},
	{"flow", "create|validate|list|destroy N ...", "As in testpmd; says why it cannot be had.", testpmd_run},
	{"load", "FILE", "As in testpmd: runs the commands in a file, and goes on after one that fails.", load_run},
	{"quit", "", "Ends the session, not the daemon.", quit_run},
	{"budget", "[--gbps N] [--size BYTES] [--ghz N]",
	 "Prints what a line rate leaves for each packet (default: 10 Gbit/s, 64 bytes, 2 GHz). Needs no daemon.",
	 budget_run},
	{"help", "[METHOD|COMMAND]", "Explains a method or a command, or lists them all.", help_run},
};

const struct command *command_at(size_t i)
{
	return i < sizeof(commands) / sizeof(*commands) ? &commands[i] : NULL;
}

void command_print(const struct session *s, const json_t *v)
{
	if (s->json) {
		// One line for a program, so that a script's answers can be told apart; more for a person.
		json_dumpf(v, stdout, (isatty(STDOUT_FILENO) ? JSON_INDENT(2) : 0) | JSON_ENCODE_ANY);
		putchar('\n');
	} else {
		table_value(stdout, v, table_width());
	}
}

// "show" for "shwo" and "port.list" for "port.lsit": the same letters but for one change or one swap.
static bool near(const char *a, const char *b)
{
	size_t p = 0, la = strlen(a), lb = strlen(b);

	while (a[p] != '\0' && a[p] == b[p])
		p++;
	while (la > p && lb > p && a[la - 1] == b[lb - 1]) {
		la--;
		lb--;
	}
	la -= p;
	lb -= p;
	return (la <= 1 && lb <= 1) || (la == 2 && lb == 2 && a[p] == b[p + 1] && a[p + 1] == b[p]);
}

static enum status unknown(struct session *s, const char *word)
{
	const json_t *m;
	size_t i;

	for (i = 0; command_at(i) != NULL; i++) {
		if (near(word, command_at(i)->name))
			return session_fail(s, STATUS_USAGE, "no command '%s'; did you mean '%s'?", word,
					    command_at(i)->name);
	}
	json_array_foreach (json_object_get(s->schema, "methods"), i, m) {
		if (near(word, describe_text(m, "name")))
			return session_fail(s, STATUS_USAGE, "no method '%s'; did you mean '%s'?", word,
					    describe_text(m, "name"));
	}
	return session_fail(s, STATUS_USAGE, "no command or method '%s' (try: sluicectl help)", word);
}

static enum status call_method(struct session *s, char *const *words, size_t n)
{
	const json_t *method;
	json_t *params, *result;
	char why[1024];
	enum status st;

	st = session_describe(s);
	if (st != STATUS_DONE)
		return st;
	method = describe_method(s->schema, words[0]);
	if (method == NULL && testpmd_missing(words, n) != NULL)
		return testpmd_refuse(s, words, n, testpmd_missing(words, n));
	if (method == NULL)
		return unknown(s, words[0]);
	if (args_params(s->schema, method, words + 1, n - 1, &params, why, sizeof(why)) != 0)
		return session_fail(s, STATUS_USAGE, "%s", why);
	st = session_call(s, words[0], params, &result);
	json_decref(params);
	if (st == STATUS_DONE)
		command_print(s, result);
	json_decref(result);
	return st;
}

static enum status dispatch(struct session *s, char *const *words, size_t n)
{
	for (const struct command *c = commands; c < commands + sizeof(commands) / sizeof(*commands); c++) {
		if (strcmp(c->name, words[0]) == 0)
			return c->run(s, words, n);
	}
	return call_method(s, words, n);
}

enum status command_run(struct session *s, char *const *words, size_t n)
{
	char **kept = calloc(n + 1, sizeof(char *));
	bool json = s->json;
	enum status st = STATUS_DONE;
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(words[i], "-j") == 0)
			s->json = true;
		else
			kept[k++] = words[i];
	}
	if (k > 0)
		st = dispatch(s, kept, k);
	s->json = json;
	free(kept);
	return st;
}
