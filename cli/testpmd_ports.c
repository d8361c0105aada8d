/* SPDX-License-Identifier: BSD-3-Clause */
// testpmd's port numbers, and what all its commands ask of a port.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "testpmd.h"

unsigned long long testpmd_count(const json_t *o, const char *key)
{
	return (unsigned long long)json_integer_value(json_object_get(o, key));
}

unsigned int testpmd_number(const json_t *port)
{
	return (unsigned int)testpmd_count(port, "id") - 1;
}

struct testpmd_mac testpmd_mac(const json_t *port)
{
	struct testpmd_mac mac;

	snprintf(mac.text, sizeof(mac.text), "%s", describe_text(port, "mac"));
	for (char *c = mac.text; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	return mac;
}

bool testpmd_parse(const char *text, unsigned int max, unsigned int *out)
{
	unsigned long v;
	char *end;

	if (*text < '0' || *text > '9' || strlen(text) > 9)
		return false;
	v = strtoul(text, &end, 10);
	*out = (unsigned int)v;
	return *end == '\0' && v <= max;
}

json_t *testpmd_memory(struct session *s, const char *key)
{
	json_t *v;

	if (s->memory == NULL)
		s->memory = json_object();
	v = json_object_get(s->memory, key);
	if (v == NULL) {
		v = json_object();
		json_object_set_new(s->memory, key, v);
	}
	return v;
}

static int by_number(const void *a, const void *b)
{
	unsigned int x = testpmd_number(*(json_t *const *)a), y = testpmd_number(*(json_t *const *)b);

	return (x > y) - (x < y);
}

enum status testpmd_ports(struct session *s, json_t **list)
{
	json_t *all, **port;
	size_t n;
	enum status st;

	*list = NULL;
	st = session_call(s, "port.list", NULL, &all);
	if (st != STATUS_DONE)
		return st;
	n = json_array_size(all);
	port = calloc(n + 1, sizeof(*port));
	for (size_t i = 0; i < n; i++)
		port[i] = json_array_get(all, i);
	qsort(port, n, sizeof(*port), by_number);
	*list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append(*list, port[i]);
	free(port);
	json_decref(all);
	return STATUS_DONE;
}

// As testpmd: which there are on standard output, where something is shown, and what is wrong on standard error.
static enum status invalid_port(struct session *s, const char *what, const char *spec, const json_t *ports)
{
	const json_t *p;
	size_t i;

	if (strncmp(what, "show", 4) == 0 || strncmp(what, "clear", 5) == 0) {
		fputs("The valid ports array is [", stdout);
		json_array_foreach (ports, i, p)
			printf(" %u", testpmd_number(p));
		puts(" ]");
	}
	return session_fail(s, STATUS_REFUSED, "%s: Invalid port %s", what, spec);
}

enum status testpmd_pick(struct session *s, const char *what, const char *spec, json_t **picked)
{
	bool all = strcmp(spec, "all") == 0;
	unsigned int number = 0;
	bool numeric = testpmd_parse(spec, 16384, &number);
	json_t *ports, *p;
	size_t i;
	enum status st = testpmd_ports(s, &ports);

	*picked = NULL;
	if (st != STATUS_DONE)
		return st;
	*picked = json_array();
	json_array_foreach (ports, i, p) {
		if (all || (numeric ? testpmd_number(p) == number : strcmp(describe_text(p, "name"), spec) == 0))
			json_array_append(*picked, p);
	}
	if (!all && json_array_size(*picked) == 0)
		st = invalid_port(s, what, spec, ports);
	json_decref(ports);
	return st;
}

enum status testpmd_port_call(struct session *s, const char *method, const json_t *port, json_t *more, json_t **result)
{
	json_t *params = more != NULL ? more : json_object(), *ignored = NULL;
	enum status st;

	json_object_set(params, "name", json_object_get(port, "name"));
	st = session_call(s, method, params, result != NULL ? result : &ignored);
	json_decref(params);
	json_decref(ignored);
	return st;
}

enum status testpmd_driver(struct session *s, const json_t *port, json_t **driver)
{
	json_t *params = json_pack("{s:O}", "name", json_object_get(port, "name")), *error;
	enum status st = session_try(s, "port.driver", params, driver, &error);

	// A port that no DPDK driver serves has less to tell, and a failed one nothing.
	if (st == STATUS_REFUSED) {
		*driver = json_object();
		st = STATUS_DONE;
	}
	json_decref(error);
	json_decref(params);
	return st;
}

enum status testpmd_for_ports(struct session *s, const char *what, const char *spec, testpmd_port_fn fn)
{
	json_t *ports;
	const json_t *p;
	size_t i;
	enum status st = testpmd_pick(s, what, spec, &ports), one;

	if (st == STATUS_DONE) {
		json_array_foreach (ports, i, p) {
			one = fn(s, p);
			st = st == STATUS_DONE ? one : st;
		}
	}
	json_decref(ports);
	return st;
}
