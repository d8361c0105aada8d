/* SPDX-License-Identifier: BSD-3-Clause */
#include "linux_sync.h"

#include <errno.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "host_tap.h"
#include "linux_table.h"
#include "log.h"
#include "neigh.h"
#include "netns.h"
#include "rpc.h"

#define BUFFER 65536
#define SOCKET_BUFFER (64 << 20)

// What is being dumped, one after the other.
enum stage { STAGE_CLOSED, STAGE_NEXTHOPS, STAGE_IP4, STAGE_IP6, STAGE_LIVE };

struct linux_sync {
	struct vrf *vrf;
	uint32_t table_id;
	char netns[HOST_NETNS_LEN];
	json_t *conf;
	bool alive; // in force
	enum stage stage;
	uint32_t sequence;
	bool torn;          // the dump under way is not of one instant
	uint64_t resync_ms; // when to dump, 0: no need
	uint64_t retry_ms;
	struct mnl_socket *nl;
	struct event *event;
	struct linux_table *table;
	uint64_t dumps, overruns;
	char error[128];
	LIST_ENTRY(linux_sync) link;
};

static LIST_HEAD(, linux_sync) all = LIST_HEAD_INITIALIZER(all);
static struct event_base *base;

static void resync_soon(struct linux_sync *s)
{
	if (s->resync_ms == 0)
		s->resync_ms = slow_now_ms() + LINUX_RESYNC_MS;
}

static void sync_close(struct linux_sync *s)
{
	if (s->event)
		event_free(s->event);
	if (s->nl)
		mnl_socket_close(s->nl);
	s->event = NULL;
	s->nl = NULL;
	s->stage = STAGE_CLOSED;
}

static void sync_fail(struct linux_sync *s, int rc)
{
	sync_close(s);
	if (!s->error[0])
		LOG(ERR, "Linux' routes for VRF %s: %s", s->vrf->name, strerror(-rc));
	snprintf(s->error, sizeof(s->error), "%s", strerror(-rc));
	s->retry_ms = slow_now_ms() + LINUX_RETRY_MS;
}

// Dumps.

static int ask_nexthops(struct linux_sync *s, char *buffer)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);

	h->nlmsg_type = RTM_GETNEXTHOP;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = ++s->sequence;
	mnl_nlmsg_put_extra_header(h, sizeof(struct nhmsg));
	return mnl_socket_sendto(s->nl, h, h->nlmsg_len) < 0 ? -errno : 0;
}

static int ask_routes(struct linux_sync *s, char *buffer, uint8_t family)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct rtmsg *rt;

	h->nlmsg_type = RTM_GETROUTE;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = ++s->sequence;
	rt = mnl_nlmsg_put_extra_header(h, sizeof(*rt));
	rt->rtm_family = family;
	mnl_attr_put_u32(h, RTA_TABLE, s->table_id);
	return mnl_socket_sendto(s->nl, h, h->nlmsg_len) < 0 ? -errno : 0;
}

static void dump_stage(struct linux_sync *s, enum stage stage)
{
	char buffer[512];
	int rc = 0;

	s->stage = stage;
	if (stage == STAGE_NEXTHOPS)
		rc = ask_nexthops(s, buffer);
	else if (stage != STAGE_LIVE)
		rc = ask_routes(s, buffer, stage == STAGE_IP4 ? AF_INET : AF_INET6);
	if (rc < 0)
		sync_fail(s, rc);
}

static void dump_begin(struct linux_sync *s)
{
	s->resync_ms = 0;
	s->torn = false;
	s->dumps++;
	linux_table_round(s->table);
	dump_stage(s, STAGE_NEXTHOPS);
}

// A part of the dump is complete, or the kernel has no such part (no such table).
static void dump_next(struct linux_sync *s)
{
	struct linux_table_stats stats;

	dump_stage(s, (enum stage)(s->stage + 1));
	if (s->stage != STAGE_LIVE)
		return;
	if (s->torn) {
		resync_soon(s);
		return;
	}
	linux_table_sweep(s->table);
	linux_table_stats(s->table, &stats);
	s->error[0] = '\0';
	LOG(INFO, "Linux' routes for VRF %s: %u, of which %u go by host TAPs of it", s->vrf->name, stats.routes,
	    stats.installed);
}

// Messages.

static void on_route(struct linux_sync *s, const struct nlmsghdr *h)
{
	static struct linux_route_msg m;

	if (linux_msg_route(h, &m) && m.table == s->table_id && linux_table_route(s->table, &m) == -EAGAIN)
		resync_soon(s);
}

static void on_nexthop(struct linux_sync *s, const struct nlmsghdr *h)
{
	static struct linux_nexthop_msg m;

	memset(&m, 0, sizeof(m));
	if (linux_msg_nexthop(h, &m))
		linux_table_nexthop(s->table, &m);
}

static void on_neigh(const struct linux_sync *s, const struct nlmsghdr *h)
{
	struct linux_neigh_msg m;
	struct iface *i;

	if (!linux_msg_neigh(h, &m))
		return;
	i = host_iface_of(s->netns, m.ifindex);
	if (i && i->vrf == s->vrf && !neigh_find(i, &m.addr))
		neigh_heard(i, &m.addr, &m.mac, NEIGH_HEARD_CREATE);
}

// Routes go silently with their link, those by next hop objects already with its carrier.
static void on_link(struct linux_sync *s, const struct nlmsghdr *h)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(h);

	if (mnl_nlmsg_get_payload_len(h) >= sizeof(*info) &&
	    (h->nlmsg_type == RTM_DELLINK || !(info->ifi_flags & IFF_UP) || !(info->ifi_flags & IFF_RUNNING) ||
	     (info->ifi_change & IFF_UP)))
		resync_soon(s);
}

static void on_message(struct linux_sync *s, const struct nlmsghdr *h)
{
	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		s->torn = true;
	switch (h->nlmsg_type) {
	case NLMSG_DONE:
	case NLMSG_ERROR:
		if (h->nlmsg_seq == s->sequence && s->stage != STAGE_LIVE)
			dump_next(s);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		on_route(s, h);
		break;
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		on_nexthop(s, h);
		break;
	case RTM_NEWNEIGH:
		on_neigh(s, h);
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		on_link(s, h);
		break;
	case RTM_DELADDR:
		resync_soon(s);
		break;
	default:
		break;
	}
}

static unsigned int on_buffer(struct linux_sync *s, const char *buffer, int len)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)buffer;
	unsigned int n = 0;

	for (; mnl_nlmsg_ok(h, len) && s->stage != STAGE_CLOSED; h = mnl_nlmsg_next(h, &len), n++)
		on_message(s, h);
	return n;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	static char buffer[BUFFER] __attribute__((aligned(8)));
	struct linux_sync *s = arg;
	unsigned int taken = 0;

	while (s->stage != STAGE_CLOSED && taken < LINUX_QUOTA) {
		ssize_t n = mnl_socket_recvfrom(s->nl, buffer, sizeof(buffer));

		if (n > 0) {
			taken += on_buffer(s, buffer, (int)n);
			continue;
		}
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n == 0 || errno != ENOBUFS) {
			sync_fail(s, n == 0 ? -ENOTCONN : -errno);
			return;
		}
		// The kernel dropped what there was no room for; a dump under way is lost as well.
		s->overruns++;
		s->torn = true;
		resync_soon(s);
	}
	if (s->stage == STAGE_LIVE)
		linux_table_settle(s->table);
}

// Life.

static int open_here(void *arg)
{
	static const int groups[] = {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,  RTNLGRP_NEXTHOP,    RTNLGRP_LINK,
				     RTNLGRP_NEIGH,      RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR};
	struct linux_sync *s = arg;
	const int size = SOCKET_BUFFER, on = 1;
	int rc;

	s->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!s->nl)
		return -errno;
	if (mnl_socket_bind(s->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		goto fail;
	for (size_t k = 0; k < RTE_DIM(groups); k++)
		if (mnl_socket_setsockopt(s->nl, NETLINK_ADD_MEMBERSHIP, (void *)(uintptr_t)&groups[k], sizeof(int)) <
			    0 &&
		    groups[k] != RTNLGRP_NEXTHOP) // Linux before 5.3 has none
			goto fail;
	// Has dumps filtered by table; before Linux 4.20 all tables come, and are filtered here.
	mnl_socket_setsockopt(s->nl, NETLINK_GET_STRICT_CHK, (void *)(uintptr_t)&on, sizeof(on));
	// The more room, the rarer are overruns; without the right to so much it is what the system allows.
	if (setsockopt(mnl_socket_get_fd(s->nl), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(mnl_socket_get_fd(s->nl), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return 0;

fail:
	rc = -errno;
	mnl_socket_close(s->nl);
	s->nl = NULL;
	return rc;
}

static void sync_open(struct linux_sync *s)
{
	int rc = netns_run(s->netns, open_here, s);

	if (rc == 0) {
		s->event = event_new(base, mnl_socket_get_fd(s->nl), EV_READ | EV_PERSIST, on_readable, s);
		rc = s->event && event_add(s->event, NULL) == 0 ? 0 : -ENOMEM;
	}
	if (rc < 0)
		sync_fail(s, rc);
	else
		dump_begin(s);
}

static void taps_changed(void)
{
	struct linux_sync *s;

	LIST_FOREACH (s, &all, link) {
		if (!s->alive)
			continue;
		linux_table_refresh(s->table);
		resync_soon(s);
	}
}

void linux_sync_create(struct event_base *b)
{
	base = b;
	host_tap_listen(taps_changed);
}

void linux_sync_tick(void)
{
	const uint64_t now = slow_now_ms();
	struct linux_sync *s;

	LIST_FOREACH (s, &all, link) {
		if (!s->alive)
			continue;
		if (s->stage == STAGE_CLOSED && now >= s->retry_ms)
			sync_open(s);
		// A dump whose end was lost in an overrun never ends: its socket is opened anew.
		else if (s->resync_ms && now >= s->resync_ms && s->stage == STAGE_LIVE)
			dump_begin(s);
		else if (s->resync_ms && now >= s->resync_ms + LINUX_RETRY_MS)
			sync_fail(s, -ENOBUFS);
	}
}

static void sync_free(void *arg)
{
	struct linux_sync *s = arg;

	sync_close(s);
	linux_table_destroy(s->table);
	json_decref(s->conf);
	free(s);
}

void linux_sync_destroy(void)
{
	struct linux_sync *s;

	host_tap_listen(NULL);
	while ((s = LIST_FIRST(&all))) {
		LIST_REMOVE(s, link);
		sync_free(s);
	}
}

// Configuration.

static struct linux_sync *sync_of(const struct vrf *v)
{
	struct linux_sync *s;

	LIST_FOREACH (s, &all, link)
		if (s->vrf == v)
			return s;
	return NULL;
}

bool linux_sync_has(const struct vrf *v)
{
	return sync_of(v) != NULL;
}

static void add_undo(void *arg)
{
	struct linux_sync *s = arg;

	LIST_REMOVE(s, link);
	sync_free(s);
}

static void add_done(void *arg)
{
	struct linux_sync *s = arg;

	s->alive = true;
	sync_open(s);
}

int linux_sync_add(struct txn *t, const json_t *conf, struct fault *f)
{
	const char *netns = json_string_value(json_object_get(conf, "netns"));
	struct linux_sync *s;
	struct vrf *v;
	int rc = vrf_get("vrf", json_string_value(json_object_get(conf, "vrf")), &v, f);

	if (rc < 0)
		return rc;
	if (sync_of(v))
		return fault_str(f, -EEXIST, "vrf", v->name, "a VRF without routes of Linux",
				 "VRF %s has a table of Linux already", v->name);
	s = calloc(1, sizeof(*s));
	if (!s || linux_table_create(&s->table, v, netns ? netns : "") < 0) {
		free(s);
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for Linux' routes");
	}
	s->vrf = v;
	s->table_id = (uint32_t)json_integer_value(json_object_get(conf, "table"));
	snprintf(s->netns, sizeof(s->netns), "%s", netns ? netns : "");
	s->conf = json_deep_copy(conf);
	LIST_INSERT_HEAD(&all, s, link);
	txn_undo(t, add_undo, NULL, s);
	txn_done(t, add_done, NULL, s);
	txn_put(t, "linux", v->name, json_incref(s->conf));
	return 0;
}

static void del_undo(void *arg)
{
	LIST_INSERT_HEAD(&all, (struct linux_sync *)arg, link);
}

int linux_sync_del(struct txn *t, const char *vrf, struct fault *f)
{
	struct linux_sync *s;
	struct vrf *v;
	int rc = vrf_get("vrf", vrf, &v, f);

	if (rc < 0)
		return rc;
	s = sync_of(v);
	if (!s)
		return fault_str(f, -ENOENT, "vrf", vrf, "a VRF with routes of Linux", "VRF %s has no table of Linux",
				 vrf);
	LIST_REMOVE(s, link);
	txn_undo(t, del_undo, NULL, s);
	txn_done(t, sync_free, NULL, s);
	txn_del(t, "linux", vrf);
	return 0;
}

json_t *linux_sync_list(void)
{
	static const char *const states[] = {"failed", "dumping", "dumping", "dumping", "synchronised"};
	json_t *array = json_array();
	struct linux_table_stats stats;
	struct linux_sync *s;

	LIST_FOREACH (s, &all, link) {
		linux_table_stats(s->table, &stats);
		json_array_append_new(array, json_pack("{s:s,s:I,s:s,s:s,s:s,s:i,s:i,s:i,s:I,s:I,s:I}", "vrf",
						       s->vrf->name, "table", (json_int_t)s->table_id, "netns",
						       s->netns, "state", states[s->stage], "error", s->error, "routes",
						       stats.routes, "installed", stats.installed, "nexthops",
						       stats.nexthops, "dumps", (json_int_t)s->dumps, "overruns",
						       (json_int_t)s->overruns, "refused", (json_int_t)stats.refused));
	}
	return array;
}
