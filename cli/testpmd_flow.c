/* SPDX-License-Identifier: BSD-3-Clause */
// flow create|validate|list|destroy|flush: rte_flow rules for the driver of a port. The rule itself is the daemon's to
// read.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "testpmd.h"

// The words of a rule, from the fourth on, as one text.
static char *join(char *const *words, size_t n)
{
	size_t size = 1, used = 0;
	char *text;

	for (size_t i = 3; i < n; i++)
		size += strlen(words[i]) + 1;
	text = calloc(1, size);
	for (size_t i = 3; i < n && text != NULL; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i > 3 ? " " : "", words[i]);
	return text;
}

static enum status rule(struct session *s, const char *name, char *const *words, size_t n)
{
	bool create = strcmp(words[1], "create") == 0;
	char *text = join(words, n);
	json_t *params = json_pack("{s:s,s:s}", "name", name, "rule", text != NULL ? text : ""), *result;
	enum status st = session_call(s, create ? "port.flow_create" : "port.flow_validate", params, &result);

	if (st == STATUS_DONE && create)
		printf("Flow rule #%llu created\n", testpmd_count(result, "id"));
	else if (st == STATUS_DONE)
		puts("Flow rule validated");
	json_decref(result);
	json_decref(params);
	free(text);
	return st;
}

static enum status list(struct session *s, const char *name)
{
	json_t *params = json_pack("{s:s}", "name", name), *rules;
	enum status st = session_call(s, "port.flow_list", params, &rules);
	const json_t *r;
	size_t i;

	if (st == STATUS_DONE && json_array_size(rules) > 0)
		puts("ID\tGroup\tPrio\tAttr\tRule");
	json_array_foreach (rules, i, r)
		printf("%llu\t%llu\t%llu\t%c%c%c\t%s\n", testpmd_count(r, "id"), testpmd_count(r, "group"),
		       testpmd_count(r, "priority"), json_is_true(json_object_get(r, "ingress")) ? 'i' : '-',
		       json_is_true(json_object_get(r, "egress")) ? 'e' : '-',
		       json_is_true(json_object_get(r, "transfer")) ? 't' : '-', describe_text(r, "shown"));
	json_decref(rules);
	json_decref(params);
	return st;
}

// flow destroy N rule ID [rule ID]...
static enum status destroy(struct session *s, const char *name, char *const *words, size_t n)
{
	enum status first = STATUS_DONE;

	for (size_t i = 3; i < n; i += 2) {
		json_t *params, *result;
		enum status st;
		unsigned int id;

		if (strcmp(words[i], "rule") != 0 || i + 1 == n || !testpmd_parse(words[i + 1], UINT32_MAX, &id))
			return session_fail(s, STATUS_USAGE, "flow destroy: Bad arguments (usage: N rule ID ...)");
		params = json_pack("{s:s,s:I}", "name", name, "id", (json_int_t)id);
		st = session_call(s, "port.flow_destroy", params, &result);
		json_decref(params);
		json_decref(result);
		if (st == STATUS_DONE)
			printf("Flow rule #%u destroyed\n", id);
		else if (first == STATUS_DONE)
			first = st;
	}
	return first;
}

static enum status flush(struct session *s, const char *name)
{
	json_t *params = json_pack("{s:s}", "name", name), *result;
	enum status st = session_call(s, "port.flow_flush", params, &result);

	json_decref(params);
	json_decref(result);
	return st;
}

enum status testpmd_flow(struct session *s, char *const *words, size_t n)
{
	static const char *const others[] = {"query", "isolate", "dump", "aged"};
	const char *verb = words[1], *name;
	json_t *ports;
	enum status st;

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strcmp(verb, others[i]) == 0)
			return testpmd_refuse(s, words, n,
					      "rules are created, validated, listed, destroyed and flushed");
	if (n < 3)
		return session_fail(s, STATUS_USAGE,
				    "flow: Bad arguments (usage: create|validate|list|destroy|flush N ...)");
	st = testpmd_pick(s, "flow", words[2], &ports);
	if (st != STATUS_DONE)
		return st;
	name = describe_text(json_array_get(ports, 0), "name");
	if (json_array_size(ports) != 1)
		st = session_fail(s, STATUS_USAGE, "flow: one port at a time");
	else if (strcmp(verb, "create") == 0 || strcmp(verb, "validate") == 0)
		st = rule(s, name, words, n);
	else if (strcmp(verb, "destroy") == 0 && n > 4)
		st = destroy(s, name, words, n);
	else if (strcmp(verb, "list") == 0 && n == 3)
		st = list(s, name);
	else if (strcmp(verb, "flush") == 0 && n == 3)
		st = flush(s, name);
	else
		st = session_fail(s, STATUS_USAGE,
				  "flow: Bad arguments (usage: create|validate|list|destroy|flush N ...)");
	json_decref(ports);
	return st;
}
