/* SPDX-License-Identifier: BSD-3-Clause */
#include "fdb_event.h"

#include "../tables/fdb.h"
#include "fdb_ctl.h"
#include "rpc.h"

static uint32_t sent, suppressed; // in this second
static uint64_t second;

void fdb_event_send(const char *what, const struct domain *d, uint64_t key, const struct port_obj *p)
{
	char mac[RTE_ETHER_ADDR_FMT_SIZE];
	struct rte_ether_addr addr;

	if (!event_wanted("fdb"))
		return;
	if (sent >= FDB_EVENTS_PER_S) {
		suppressed++;
		return;
	}
	sent++;
	fdb_key_mac(key, addr.addr_bytes);
	fdb_mac_text(&addr, mac);
	event_send("fdb", what,
		   json_pack("{s:s,s:i,s:s,s:s}", "bridge", d->bridge->name, "vlan", fdb_vlan(d), "mac", mac, "port",
			     p ? p->name : ""));
}

void fdb_event_flushed(uint32_t n)
{
	if (n && event_wanted("fdb"))
		event_send("fdb", "flushed", json_pack("{s:I}", "count", (json_int_t)n));
}

void fdb_event_tick(uint64_t now_s)
{
	if (now_s == second)
		return;
	second = now_s;
	if (suppressed)
		event_send("fdb", "suppressed", json_pack("{s:I}", "count", (json_int_t)suppressed));
	sent = 0;
	suppressed = 0;
}
