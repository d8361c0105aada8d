/* SPDX-License-Identifier: BSD-3-Clause */
// show port info: what the daemon and the driver know of a port, a line each.
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "testpmd.h"
#include "text.h"

#define LINE_MAX_CELLS 64 // of the list of hash types

// A line that is there if the port, or its driver, has the member.
struct line {
	const char *label;
	const char *key;
	const char *on, *off; // the words for a truth value
	const char *absent;   // what stands where the driver does not say; NULL: no line
};

static const struct line head[] = {
	{"MAC address", "mac", NULL, NULL, NULL},
	{"Device name", "device", NULL, NULL, NULL},
	{"Driver name", "driver", NULL, NULL, NULL},
	{"Firmware-version", "firmware", NULL, NULL, "not available"},
	{"Devargs", "devargs", NULL, NULL, NULL},
	{"Connect to socket", "numa_node", NULL, NULL, NULL},
	{"memory allocation on the socket", "numa_node", NULL, NULL, NULL},
	{"Link status", "link", NULL, NULL, NULL},
	{"Link speed", "link_speed", NULL, NULL, NULL},
	{"Link duplex", "full_duplex", "full-duplex", "half-duplex", NULL},
	{"Autoneg status", "autoneg", "On", "Off", NULL},
	{"MTU", "mtu", NULL, NULL, NULL},
	{"Promiscuous mode", "promiscuous", "enabled", "disabled", NULL},
	{"Allmulticast mode", "allmulticast", "enabled", "disabled", NULL},
	{"Maximum number of MAC addresses", "max_mac_addrs", NULL, NULL, NULL},
	{"Maximum number of MAC addresses of hash filtering", "max_hash_mac_addrs", NULL, NULL, NULL},
};

static const struct line tail[] = {
	{"Minimum size of RX buffer", "min_rx_buf", NULL, NULL, NULL},
	{"Maximum configurable length of RX packet", "max_rx_packet", NULL, NULL, NULL},
	{"Maximum configurable size of LRO aggregated packet", "max_lro_packet", NULL, NULL, NULL},
	{"Current number of RX queues", "rxq", NULL, NULL, NULL},
	{"Max possible RX queues", "max_rxq", NULL, NULL, NULL},
	{"Max possible number of RXDs per queue", "max_rx_descs", NULL, NULL, NULL},
	{"Min possible number of RXDs per queue", "min_rx_descs", NULL, NULL, NULL},
	{"RXDs number alignment", "rx_desc_align", NULL, NULL, NULL},
	{"Current number of TX queues", "txq", NULL, NULL, NULL},
	{"Max possible TX queues", "max_txq", NULL, NULL, NULL},
	{"Max possible number of TXDs per queue", "max_tx_descs", NULL, NULL, NULL},
	{"Min possible number of TXDs per queue", "min_tx_descs", NULL, NULL, NULL},
	{"TXDs number alignment", "tx_desc_align", NULL, NULL, NULL},
	{"Max segment number per packet", "max_segs", NULL, NULL, NULL},
	{"Max segment number per MTU/TSO", "max_tso_segs", NULL, NULL, NULL},
};

static void print_lines(const struct line *line, size_t n, const json_t *facts, bool driver)
{
	for (; n-- > 0; line++) {
		const json_t *v = json_object_get(facts, line->key);
		char *text;

		if (v == NULL && (!driver || line->absent == NULL))
			continue;
		if (json_is_boolean(v))
			text = strdup(json_is_true(v) ? line->on : line->off);
		else if (json_is_string(v))
			text = text_safe(json_string_value(v));
		else
			text = v != NULL ? text_value(v, TEXT_PLAIN) : strdup(line->absent);
		printf("%s: %s\n", line->label, text);
		free(text);
	}
}

static const char *on_off(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key)) ? "on" : "off";
}

static void print_rss(const json_t *driver)
{
	const json_t *types = json_object_get(driver, "rss_types"), *v;
	size_t i, used = 2;

	if (testpmd_count(driver, "hash_key_bytes") > 0)
		printf("Hash key size in bytes: %llu\n", testpmd_count(driver, "hash_key_bytes"));
	if (testpmd_count(driver, "reta_size") > 0)
		printf("Redirection table size: %llu\n", testpmd_count(driver, "reta_size"));
	if (json_array_size(types) == 0) {
		puts("No RSS offload flow type is supported.");
		return;
	}
	fputs("Supported RSS offload flow types:\n  ", stdout);
	json_array_foreach (types, i, v) {
		size_t len = json_string_length(v) + (i > 0 && used > 2 ? 2 : 0);

		if (used + len > LINE_MAX_CELLS) {
			fputs("\n  ", stdout);
			len = json_string_length(v);
			used = 2;
		}
		printf("%s%s", used > 2 ? "  " : "", json_string_value(v));
		used += len;
	}
	putchar('\n');
}

static void print_capabilities(const json_t *driver)
{
	const json_t *v;
	size_t i;

	printf("Device capabilities: 0x%llx(", testpmd_count(driver, "capability_bits"));
	json_array_foreach (json_object_get(driver, "capabilities"), i, v)
		printf(" %s", json_string_value(v));
	puts(" )");
	printf("Device error handling mode: %s\n", describe_text(driver, "error_handling"));
}

// The devargs without the device's name, as testpmd shows them.
static void cut_devargs(json_t *facts)
{
	const char *all = json_string_value(json_object_get(facts, "devargs"));
	const char *comma = all != NULL ? strchr(all, ',') : NULL;

	if (all != NULL)
		json_object_set_new(facts, "devargs", json_string(comma != NULL ? comma + 1 : ""));
}

static enum status print_info(struct session *s, const json_t *port)
{
	json_t *driver, *facts = json_copy((json_t *)port);
	bool known;
	enum status st = testpmd_driver(s, port, &driver);

	known = json_object_size(driver) > 0;
	json_object_update(facts, driver);
	cut_devargs(facts);
	json_object_set_new(facts, "mac", json_string(testpmd_mac(port).text));
	// Without a DPDK driver the port's own name and kind are what tells it.
	if (!known) {
		json_object_set(facts, "device", json_object_get(port, "name"));
		json_object_set(facts, "driver", json_object_get(port, "type"));
	}
	if (st == STATUS_DONE) {
		printf("\n********************* Infos for port %-2u *********************\n", testpmd_number(port));
		print_lines(head, sizeof(head) / sizeof(*head), facts, known);
		if (json_object_get(driver, "vlan_strip") != NULL)
			printf("VLAN offload: \n  strip %s, filter %s, extend %s, qinq strip %s\n",
			       on_off(driver, "vlan_strip"), on_off(driver, "vlan_filter"),
			       on_off(driver, "vlan_extend"), on_off(driver, "qinq_strip"));
		if (known)
			print_rss(driver);
		print_lines(tail, sizeof(tail) / sizeof(*tail), facts, known);
		if (known)
			print_capabilities(driver);
	}
	json_decref(facts);
	json_decref(driver);
	return st;
}

enum status testpmd_show_info(struct session *s, char *const *words, size_t n)
{
	return testpmd_for_ports(s, "show port info", words[3], print_info);
}
