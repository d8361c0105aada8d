/* SPDX-License-Identifier: BSD-3-Clause */
// VLANs of bridges: what is published is compared, frame by frame, with a model that knows only the configuration.
#include "objects_harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PORTS 12
#define BRIDGES 3
#define UNTAGGED 0xfff

// The configuration as the test asked for it.
struct member {
	int bridge; // -1: none
	enum vlan_mode mode;
	unsigned int tag;
	bool all, up;
	bool listed[VLAN_COUNT];
};

static struct member member[PORTS];
// Few VIDs, so that ports meet; with the borders of the range.
static const unsigned int vids[] = {0, 1, 2, 5, 100, 4093, 4094};

static bool model_names(const struct member *m, unsigned int v)
{
	if (m->mode != VLAN_TRUNK && m->tag == v)
		return true;
	if (m->mode == VLAN_NATIVE && m->all && v == 0)
		return true;
	return m->mode != VLAN_ACCESS && m->listed[v];
}

static bool model_in_use(int bridge, unsigned int v)
{
	for (unsigned int i = 0; i < PORTS; i++)
		if (member[i].bridge == bridge && model_names(&member[i], v))
			return true;
	return false;
}

// Whether the port carries frames of VLAN v (0: untagged ones of trunks).
static bool model_carries(const struct member *m, unsigned int v)
{
	switch (m->mode) {
	case VLAN_ACCESS:
		return v == m->tag;
	case VLAN_TRUNK:
		return m->all || m->listed[v];
	default:
		return v == m->tag || (v != 0 && (m->all || m->listed[v]));
	}
}

// The VLAN of a frame that comes in; -1: dropped.
static int model_vlan(const struct member *m, unsigned int tag)
{
	unsigned int v = m->mode == VLAN_TRUNK ? 0 : m->tag;

	if (tag != UNTAGGED && tag != 0) {
		if (m->mode == VLAN_ACCESS)
			return -1;
		v = tag;
	}
	return model_carries(m, v) ? (int)v : -1;
}

// How a frame of VLAN v leaves: its tag.
static unsigned int model_tag_out(const struct member *m, unsigned int v)
{
	return v == (m->mode == VLAN_TRUNK ? 0 : m->tag) ? UNTAGGED : v;
}

static const struct fwd_port *published_port(unsigned int i)
{
	char name[8];

	snprintf(name, sizeof(name), "p%u", i);
	return publish_current()->port[port_obj_find(name)->id];
}

static uint16_t published_domain(const struct fwd_port *fp, unsigned int tag)
{
	if (tag == UNTAGGED || tag == 0)
		return fp->untagged_domain;
	return fp->access || !fp->vid_domain ? 0 : fp->vid_domain[tag];
}

static bool is_member(const struct fwd_domain *d, uint16_t id)
{
	for (unsigned int i = 0; i < d->nmembers; i++)
		if (d->member[i].port_id == id)
			return true;
	return false;
}

// One frame into port `in`: who gets it, and with which tag.
static void check_frame(unsigned int in, unsigned int tag)
{
	const struct fwd_port *from = published_port(in);
	uint16_t id = published_domain(from, tag);
	int v = member[in].bridge < 0 ? -1 : model_vlan(&member[in], tag);
	const struct fwd_domain *d = id ? publish_current()->domain[id] : NULL;
	bool own;

	assert_int_equal(id != 0, v >= 0);
	if (v < 0)
		return;
	assert_non_null(d);
	assert_int_equal(d->bridge, from->bridge);
	own = model_in_use(member[in].bridge, v);
	assert_int_equal(d->vid, own ? v : VLAN_NONE);
	for (unsigned int out = 0; out < PORTS; out++) {
		const struct fwd_port *to = published_port(out);
		bool expected =
			member[out].bridge == member[in].bridge && member[out].up && model_carries(&member[out], v);
		unsigned int tag_out;

		assert_int_equal(is_member(d, to->port->id), expected);
		if (!expected)
			continue;
		tag_out = d->vid == VLAN_NONE          ? (v == 0 ? UNTAGGED : v)
			  : d->vid == to->untagged_vid ? UNTAGGED
						       : d->vid;
		assert_int_equal(tag_out, model_tag_out(&member[out], v));
	}
}

static void check_all(void)
{
	for (unsigned int i = 0; i < PORTS; i++) {
		check_frame(i, UNTAGGED);
		for (unsigned int k = 0; k < RTE_DIM(vids); k++)
			check_frame(i, vids[k]);
		check_frame(i, 3000); // nobody names it
	}
}

static void random_member(struct member *m, char *text, size_t size)
{
	static const char *const modes[] = {"access", "trunk", "native"};
	size_t len;

	m->mode = rand() % 3;
	m->tag = vids[1 + rand() % (RTE_DIM(vids) - 1)];
	memset(m->listed, 0, sizeof(m->listed));
	m->all = m->mode != VLAN_ACCESS;
	len = snprintf(text, size, "'vlan_mode': '%s'", modes[m->mode]);
	if (m->mode != VLAN_TRUNK)
		len += snprintf(text + len, size - len, ", 'tag': %u", m->tag);
	if (m->mode == VLAN_ACCESS || rand() % 2)
		return;
	len += snprintf(text + len, size - len, ", 'trunks': [");
	for (unsigned int n = rand() % 4, k = 0; k < n; k++) {
		unsigned int v = vids[rand() % RTE_DIM(vids)];

		if (v == 0 && m->mode == VLAN_NATIVE)
			v = 7;
		len += snprintf(text + len, size - len, "%s%u", m->all ? "" : ", ", v);
		m->listed[v] = true;
		m->all = false;
	}
	snprintf(text + len, size - len, "]");
}

static void random_change(void)
{
	unsigned int i = rand() % PORTS;
	struct member *m = &member[i];
	char text[256];

	if (rand() % 8 == 0) {
		m->up = !m->up;
		must_do("port.set", "{'name': 'p%u', 'admin': '%s'}", i, m->up ? "up" : "down");
	} else if (m->bridge >= 0) {
		must_do("bridge.port_del", "{'bridge': 'br%d', 'port': 'p%u'}", m->bridge, i);
		m->bridge = -1;
	} else {
		m->bridge = rand() % BRIDGES;
		random_member(m, text, sizeof(text));
		must_do("bridge.port_add", "{'bridge': 'br%d', 'port': 'p%u', %s}", m->bridge, i, text);
	}
}

static void start_model(void)
{
	for (unsigned int i = 0; i < BRIDGES; i++)
		must_do("bridge.add", "{'name': 'br%u'}", i);
	for (unsigned int i = 0; i < PORTS; i++) {
		member[i] = (struct member){.bridge = -1, .up = true};
		must_do("port.add", "{'name': 'p%u', 'type': 'fake'}", i);
	}
}

static void random_configurations_forward_as_the_model(void **state)
{
	unsigned int seed = time(NULL);

	print_message("seed %u\n", seed);
	srand(seed);
	start_model();
	for (unsigned int n = 0; n < 2000; n++) {
		random_change();
		check_all();
		if (n % 16 == 0)
			settle();
	}
}

// Changes that are rolled back, between changes that stay, must leave no mark on what is published.
static void rolled_back_changes_leave_the_model_as_it_is(void **state)
{
	struct fault f;

	srand(4711);
	start_model();
	for (unsigned int n = 0; n < 500; n++) {
		unsigned int i = rand() % PORTS;
		struct member scratch;
		json_t *result = NULL;
		char text[256];

		random_change();
		if (member[i].bridge >= 0) {
			try_call("bridge.port_del", &result, &f, "{'bridge': 'br%d', 'port': 'p%u', 'dry_run': true}",
				 member[i].bridge, i);
		} else {
			random_member(&scratch, text, sizeof(text));
			try_call("bridge.port_add", &result, &f,
				 "{'bridge': 'br0', 'port': 'p%u', %s, 'dry_run': true}", i, text);
		}
		json_decref(result);
		assert_int_equal(f.err, 0);
		check_all();
	}
}

static void ports_that_carry_every_vlan_share_one_table(void **state)
{
	const uint16_t *table;

	start_model();
	for (unsigned int i = 0; i < PORTS; i++)
		must_do("bridge.port_add", "{'bridge': 'br0', 'port': 'p%u'}", i);
	table = published_port(0)->vid_domain;
	for (unsigned int i = 1; i < PORTS; i++)
		assert_ptr_equal(published_port(i)->vid_domain, table);
	assert_int_equal(table[4095], 0);
}

static void domain_ids_run_out_with_a_refusal_and_come_back(void **state)
{
	unsigned int bridges = 0;
	struct fault f;
	json_t *result;
	char *before, *after;
	char *trunks = malloc(32768);
	size_t len = 0;

	for (unsigned int v = 1; v <= 4094; v++)
		len += sprintf(trunks + len, "%s%u", v > 1 ? "," : "", v);
	// 4095 domains each: 17 bridges do not fit.
	for (; bridges < 17; bridges++) {
		must_do("bridge.add", "{'name': 'b%u'}", bridges);
		must_do("port.add", "{'name': 'p%u', 'type': 'fake'}", bridges);
		before = everything();
		if (try_call("bridge.port_add", &result, &f, "{'bridge': 'b%u', 'port': 'p%u', 'trunks': [%s]}",
			     bridges, bridges, trunks) < 0)
			break;
		json_decref(result);
		free(before);
	}
	assert_int_equal(bridges, 16);
	assert_int_equal(f.err, -ENOSPC);
	after = everything();
	must_be_same(before, after);
	free(before);
	free(after);
	must_do("bridge.port_del", "{'bridge': 'b0', 'port': 'p0'}");
	settle();
	must_do("bridge.port_add", "{'bridge': 'b16', 'port': 'p16', 'trunks': [%s]}", trunks);
	free(trunks);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, harness_setup, harness_teardown)
	const struct CMUnitTest tests[] = {
		TEST(random_configurations_forward_as_the_model),
		TEST(rolled_back_changes_leave_the_model_as_it_is),
		TEST(ports_that_carry_every_vlan_share_one_table),
		TEST(domain_ids_run_out_with_a_refusal_and_come_back),
	};

	harness_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
