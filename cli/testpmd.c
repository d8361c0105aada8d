/* SPDX-License-Identifier: BSD-3-Clause */
// Which of testpmd's commands there are, and which there are not.
#include <string.h>

#include "testpmd.h"

static const struct verb {
	const char *first, *second; // second NULL: the command is one word, and options may follow
	const char *third;          // NULL: whatever stands there is the function's
	size_t min, max;            // how many words there are, these included
	const char *usage;          // what follows the first word
	testpmd_fn run;
} verbs[] = {
	{"show", "port", "info", 4, 4, "port info all|N", testpmd_show_info},
	{"show", "port", "stats", 4, 4, "port stats all|N", testpmd_show_stats},
	{"show", "port", "xstats", 4, 4, "port xstats all|N", testpmd_show_xstats},
	{"show", "port", "summary", 4, 4, "port summary all|N", testpmd_show_summary},
	{"show", "fwd", "stats", 4, 4, "fwd stats all", testpmd_show_fwd},
	{"show", "config", NULL, 3, 3, "config fwd|rxtx|cores|txpkts", testpmd_show_config},
	{"clear", "port", "stats", 4, 4, "port stats all|N", testpmd_clear_stats},
	{"clear", "fwd", "stats", 4, 4, "fwd stats all", testpmd_clear_fwd},
	{"set", "fwd", NULL, 3, 4, "fwd MODE", testpmd_set_fwd},
	{"set", "burst", NULL, 3, 3, "burst N", testpmd_set_burst},
	{"set", "nbcore", NULL, 3, 3, "nbcore N", testpmd_set_nbcore},
	{"set", "verbose", NULL, 3, 3, "verbose LEVEL", testpmd_set_verbose},
	{"set", "promisc", NULL, 4, 4, "promisc all|N on", testpmd_set_promisc},
	{"set", "allmulti", NULL, 4, 4, "allmulti all|N on", testpmd_set_promisc},
	{"set", "txpkts", NULL, 3, 3, "txpkts LENGTH[,LENGTH...]", testpmd_set_txpkts},
	{"start", NULL, NULL, 1, 3, "", testpmd_start},
	{"stop", NULL, NULL, 1, 1, "", testpmd_stop},
	{"port", "start", NULL, 3, 3, "start all|N", testpmd_port_admin},
	{"port", "stop", NULL, 3, 3, "stop all|N", testpmd_port_admin},
	{"port", "close", NULL, 3, 3, "close all|N", testpmd_port_close},
	{"port", "attach", NULL, 3, 3, "attach DEVARGS", testpmd_port_attach},
	{"port", "detach", NULL, 3, 3, "detach N", testpmd_port_detach},
	{"port", "config", "mtu", 5, 5, "config mtu N MTU", testpmd_port_config},
	{"flow", NULL, NULL, 2, 1000, "create|validate|list|destroy|flush N ...", testpmd_flow},
};

// Known, and not to be had. The first entry whose words begin the command counts.
static const struct missing {
	const char *words, *why;
} missing[] = {
	{"clear port xstats", "a driver's counters run on; clear port stats starts the port's own anew"},
	{"show port rss-hash", "how a device hashes is its driver's default"},
	{"set portlist", "every port forwards; port stop takes one out"},
	{"set portmask", "every port forwards; port stop takes one out"},
	{"set nbport", "every port forwards; port stop takes one out"},
	{"set corelist", "workers are chosen when sluiced starts (sluiced --help); see worker.assign"},
	{"set coremask", "workers are chosen when sluiced starts (sluiced --help); see worker.assign"},
	{"set link-up", "the link is the device's; port start and port stop set what we do with it"},
	{"set link-down", "the link is the device's; port start and port stop set what we do with it"},
	{"set eth-peer", "the forwarding modes use addresses of their own"},
	{"set record-core-cycles", "workers always count theirs: show workers"},
	{"set record-burst-stats", "workers always count theirs: worker.list"},
	{"set txsplit", "frames are not split"},
	{"port config all", "queues and rings are parameters of port.add"},
	{"port config", "only the MTU can be changed so: port config mtu N MTU"},
	{"port reset", "port close and port attach make a device anew"},
	{"device", "port detach N takes a port and its device away"},
	{"csum", "checksums are handed on as the guest asked for them, and computed where a device cannot"},
	{"tso", "segments are cut where the port they leave by cannot take them whole"},
	{"gro", "frames are not joined"},
	{"gso", "segments are cut where the port they leave by cannot take them whole"},
	{"vlan", "VLANs belong to bridges: bridge.port_add"},
	{"rx_vlan", "VLANs belong to bridges: bridge.port_add"},
	{"tx_vlan", "VLANs belong to bridges: bridge.port_add"},
	{"mac_addr", "a port takes frames for everybody; its own address is set by port.set"},
	{"mcast_addr", "a port takes frames for everybody"},
	{"read", "registers and descriptors of a device are not shown"},
	{"write", "registers and descriptors of a device are not written"},
	{"dump_physmem", "memory is not dumped; see system.info"},
	{"dump_memzone", "memory is not dumped; see system.info"},
	{"dump_mempool", "memory is not dumped; see system.info"},
	{"bpf-load", "programs are not loaded into ports"},
	{"create", "devices are made by port attach or port.add"},
	{"ptype", "packet types are not taken from the driver"},
	{"reset", "there is no configuration apart from the ports' own"},
};

#define NVERBS (sizeof(verbs) / sizeof(*verbs))

// Whether `text`, words separated by one blank, begins the command.
static bool begins(const char *text, char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strcspn(text, " ");

		if (strlen(words[i]) != len || strncmp(words[i], text, len) != 0)
			return false;
		if (text[len] == '\0')
			return true;
		text += len + 1;
	}
	return false;
}

const char *testpmd_missing(char *const *words, size_t n)
{
	for (size_t i = 0; i < sizeof(missing) / sizeof(*missing); i++) {
		if (begins(missing[i].words, words, n))
			return missing[i].why;
	}
	return NULL;
}

const char *testpmd_second(const char *first, size_t i)
{
	for (size_t v = 0; v < NVERBS; v++) {
		if (strcmp(verbs[v].first, first) == 0 && verbs[v].second != NULL && i-- == 0)
			return verbs[v].second;
	}
	return NULL;
}

const char *testpmd_third(const char *first, const char *second, size_t i)
{
	for (size_t v = 0; v < NVERBS; v++) {
		if (strcmp(verbs[v].first, first) == 0 && verbs[v].second != NULL &&
		    strcmp(verbs[v].second, second) == 0 && i-- == 0)
			return verbs[v].third != NULL ? verbs[v].third : "";
	}
	return NULL;
}

bool testpmd_shows(char *const *words, size_t n)
{
	if (n < 3)
		return n == 2 && strcmp(words[1], "fwd") == 0;
	if (strcmp(words[1], "port") == 0)
		return n > 3;
	return strcmp(words[1], "fwd") == 0 || (strcmp(words[1], "config") == 0 && strpbrk(words[2], "={@") == NULL);
}

static bool fits(const struct verb *v, char *const *words, size_t n)
{
	if (strcmp(v->first, words[0]) != 0)
		return false;
	if (v->second != NULL && (n < 2 || strcmp(v->second, words[1]) != 0))
		return false;
	return v->third == NULL || (n > 2 && strcmp(v->third, words[2]) == 0);
}

// "Bad arguments", with all that may begin as these words do: the second one if it is right, else only the first.
static enum status bad_arguments(struct session *s, char *const *words, size_t n)
{
	bool second = false;
	char text[1024] = "";

	for (size_t i = 0; i < NVERBS; i++)
		second = second || (n > 1 && strcmp(verbs[i].first, words[0]) == 0 && verbs[i].second != NULL &&
				    strcmp(verbs[i].second, words[1]) == 0);
	for (size_t i = 0; i < NVERBS; i++) {
		const struct verb *v = &verbs[i];
		size_t len = strlen(text);

		if (strcmp(v->first, words[0]) == 0 && (!second || strcmp(v->second, words[1]) == 0))
			snprintf(text + len, sizeof(text) - len, "%s%s%s%s", len > 0 ? ", or " : "", v->first,
				 *v->usage != '\0' ? " " : "", v->usage);
	}
	return session_fail(s, STATUS_USAGE, "Bad arguments (usage: %s)", text);
}

enum status testpmd_refuse(struct session *s, char *const *words, size_t n, const char *why)
{
	char text[256] = "";

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s%s", i > 0 ? " " : "", words[i]);
	}
	return session_fail(s, STATUS_REFUSED, "%s: not supported: %s", text, why);
}

enum status testpmd_run(struct session *s, char *const *words, size_t n)
{
	const char *why;

	for (size_t i = 0; i < NVERBS; i++) {
		if (fits(&verbs[i], words, n) && n >= verbs[i].min && n <= verbs[i].max)
			return verbs[i].run(s, words, n);
	}
	why = testpmd_missing(words, n);
	return why != NULL ? testpmd_refuse(s, words, n, why) : bad_arguments(s, words, n);
}
