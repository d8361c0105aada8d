/* SPDX-License-Identifier: BSD-3-Clause */
// What a driver tells of its device beyond what a switch needs: for people who know DPDK's applications.
#include <errno.h>
#include <stdlib.h>

#include "ethdev.h"
#include "ethdev_priv.h"

static const struct {
	uint64_t flag;
	const char *name;
} rss_types[] = {
	{RTE_ETH_RSS_IPV4, "ipv4"},
	{RTE_ETH_RSS_FRAG_IPV4, "ipv4-frag"},
	{RTE_ETH_RSS_NONFRAG_IPV4_TCP, "ipv4-tcp"},
	{RTE_ETH_RSS_NONFRAG_IPV4_UDP, "ipv4-udp"},
	{RTE_ETH_RSS_NONFRAG_IPV4_SCTP, "ipv4-sctp"},
	{RTE_ETH_RSS_NONFRAG_IPV4_OTHER, "ipv4-other"},
	{RTE_ETH_RSS_IPV6, "ipv6"},
	{RTE_ETH_RSS_FRAG_IPV6, "ipv6-frag"},
	{RTE_ETH_RSS_NONFRAG_IPV6_TCP, "ipv6-tcp"},
	{RTE_ETH_RSS_NONFRAG_IPV6_UDP, "ipv6-udp"},
	{RTE_ETH_RSS_NONFRAG_IPV6_SCTP, "ipv6-sctp"},
	{RTE_ETH_RSS_NONFRAG_IPV6_OTHER, "ipv6-other"},
	{RTE_ETH_RSS_L2_PAYLOAD, "l2-payload"},
	{RTE_ETH_RSS_IPV6_EX, "ipv6-ex"},
	{RTE_ETH_RSS_IPV6_TCP_EX, "ipv6-tcp-ex"},
	{RTE_ETH_RSS_IPV6_UDP_EX, "ipv6-udp-ex"},
	{RTE_ETH_RSS_PORT, "port"},
	{RTE_ETH_RSS_VXLAN, "vxlan"},
	{RTE_ETH_RSS_GENEVE, "geneve"},
	{RTE_ETH_RSS_NVGRE, "nvgre"},
	{RTE_ETH_RSS_GTPU, "gtpu"},
	{RTE_ETH_RSS_ETH, "eth"},
	{RTE_ETH_RSS_S_VLAN, "s-vlan"},
	{RTE_ETH_RSS_C_VLAN, "c-vlan"},
	{RTE_ETH_RSS_ESP, "esp"},
	{RTE_ETH_RSS_AH, "ah"},
	{RTE_ETH_RSS_L2TPV3, "l2tpv3"},
	{RTE_ETH_RSS_PFCP, "pfcp"},
	{RTE_ETH_RSS_PPPOE, "pppoe"},
	{RTE_ETH_RSS_ECPRI, "ecpri"},
	{RTE_ETH_RSS_MPLS, "mpls"},
	{RTE_ETH_RSS_IPV4_CHKSUM, "ipv4-chksum"},
	{RTE_ETH_RSS_L4_CHKSUM, "l4-chksum"},
};

static void set_int(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, json_integer((json_int_t)v));
}

static void set_on(json_t *o, const char *key, bool on)
{
	json_object_set_new(o, key, json_boolean(on));
}

static void add_link(const struct ethdev *e, json_t *out)
{
	struct rte_eth_link link;

	// For the same reason as in ethdev_info().
	if (e->path[0] != '\0' || rte_eth_link_get_nowait(e->id, &link) != 0)
		return;
	if (link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN)
		json_object_set_new(out, "link_speed", json_string(rte_eth_link_speed_to_str(link.link_speed)));
	set_on(out, "full_duplex", link.link_duplex == RTE_ETH_LINK_FULL_DUPLEX);
	set_on(out, "autoneg", link.link_autoneg == RTE_ETH_LINK_AUTONEG);
}

static void add_vlan(const struct ethdev *e, json_t *out)
{
	const int on = rte_eth_dev_get_vlan_offload(e->id);

	if (on < 0)
		return;
	set_on(out, "vlan_strip", (on & RTE_ETH_VLAN_STRIP_OFFLOAD) != 0);
	set_on(out, "vlan_filter", (on & RTE_ETH_VLAN_FILTER_OFFLOAD) != 0);
	set_on(out, "vlan_extend", (on & RTE_ETH_VLAN_EXTEND_OFFLOAD) != 0);
	set_on(out, "qinq_strip", (on & RTE_ETH_QINQ_STRIP_OFFLOAD) != 0);
}

static void add_rss(const struct rte_eth_dev_info *info, json_t *out)
{
	json_t *types = json_array();

	for (unsigned int i = 0; i < RTE_DIM(rss_types); i++)
		if ((info->flow_type_rss_offloads & rss_types[i].flag) != 0)
			json_array_append_new(types, json_string(rss_types[i].name));
	json_object_set_new(out, "rss_types", types);
	set_int(out, "hash_key_bytes", info->hash_key_size);
	set_int(out, "reta_size", info->reta_size);
}

static void add_capabilities(const struct rte_eth_dev_info *info, json_t *out)
{
	json_t *names = json_array();

	for (uint64_t left = info->dev_capa; left != 0; left &= left - 1)
		json_array_append_new(names, json_string(rte_eth_dev_capability_name(left & -left)));
	set_int(out, "capability_bits", info->dev_capa);
	json_object_set_new(out, "capabilities", names);
}

static const char *recovery_name(enum rte_eth_err_handle_mode mode)
{
	static const char *const names[] = {
		[RTE_ETH_ERROR_HANDLE_MODE_NONE] = "none",
		[RTE_ETH_ERROR_HANDLE_MODE_PASSIVE] = "passive",
		[RTE_ETH_ERROR_HANDLE_MODE_PROACTIVE] = "proactive",
	};

	return mode < RTE_DIM(names) ? names[mode] : "unknown";
}

static void add_limits(const struct rte_eth_dev_info *info, json_t *out)
{
	set_int(out, "max_mac_addrs", info->max_mac_addrs);
	set_int(out, "max_hash_mac_addrs", info->max_hash_mac_addrs);
	set_int(out, "min_rx_buf", info->min_rx_bufsize);
	set_int(out, "max_rx_packet", info->max_rx_pktlen);
	set_int(out, "max_lro_packet", info->max_lro_pkt_size);
	set_int(out, "max_rxq", info->max_rx_queues);
	set_int(out, "max_rx_descs", info->rx_desc_lim.nb_max);
	set_int(out, "min_rx_descs", info->rx_desc_lim.nb_min);
	set_int(out, "rx_desc_align", info->rx_desc_lim.nb_align);
	set_int(out, "max_txq", info->max_tx_queues);
	set_int(out, "max_tx_descs", info->tx_desc_lim.nb_max);
	set_int(out, "min_tx_descs", info->tx_desc_lim.nb_min);
	set_int(out, "tx_desc_align", info->tx_desc_lim.nb_align);
	set_int(out, "max_segs", info->tx_desc_lim.nb_seg_max);
	set_int(out, "max_tso_segs", info->tx_desc_lim.nb_mtu_seg_max);
}

static json_t *queue_json(uint16_t descs, uint16_t free, const struct rte_eth_thresh *t, uint64_t offloads)
{
	return json_pack("{s:i,s:i,s:i,s:i,s:i,s:I}", "descs", descs, "free_threshold", free, "prefetch_threshold",
			 t->pthresh, "host_threshold", t->hthresh, "writeback_threshold", t->wthresh, "offload_bits",
			 (json_int_t)offloads);
}

// How queue 0 is set up; the others are as it is. A driver that does not tell was set up by its own defaults.
static void add_queues(const struct ethdev *e, const struct rte_eth_dev_info *info, json_t *out)
{
	struct rte_eth_rxq_info rx = {.conf = info->default_rxconf, .nb_desc = e->rx_ring};
	struct rte_eth_txq_info tx = {.conf = info->default_txconf, .nb_desc = e->tx_ring};
	struct rte_eth_conf conf;
	json_t *txq;

	rte_eth_rx_queue_info_get(e->id, 0, &rx);
	rte_eth_tx_queue_info_get(e->id, 0, &tx);
	json_object_set_new(out, "rx_queue",
			    queue_json(rx.nb_desc, rx.conf.rx_free_thresh, &rx.conf.rx_thresh, rx.conf.offloads));
	txq = queue_json(tx.nb_desc, tx.conf.tx_free_thresh, &tx.conf.tx_thresh, tx.conf.offloads);
	set_int(txq, "rs_threshold", tx.conf.tx_rs_thresh);
	json_object_set_new(out, "tx_queue", txq);
	if (rte_eth_dev_conf_get(e->id, &conf) == 0) {
		set_int(out, "rx_offload_bits", conf.rxmode.offloads);
		set_int(out, "tx_offload_bits", conf.txmode.offloads);
	}
}

int ethdev_driver(const struct port *p, json_t *out, struct fault *f)
{
	const struct ethdev *e = p->priv;
	struct rte_eth_dev_info info;
	char firmware[128] = "";
	const int ret = rte_eth_dev_info_get(e->id, &info);

	if (ret != 0)
		return fault_set(f, ret, NULL, NULL, NULL, "device %s does not tell what it can do", e->device);
	json_object_set_new(out, "device", json_string(e->device));
	json_object_set_new(out, "driver", json_string(info.driver_name));
	if (rte_eth_dev_fw_version_get(e->id, firmware, sizeof(firmware)) == 0)
		json_object_set_new(out, "firmware", json_string(firmware));
	set_int(out, "numa_node", (uint64_t)RTE_MAX(rte_eth_dev_socket_id(e->id), 0));
	add_link(e, out);
	set_on(out, "promiscuous", rte_eth_promiscuous_get(e->id) == 1);
	set_on(out, "allmulticast", rte_eth_allmulticast_get(e->id) == 1);
	add_vlan(e, out);
	add_rss(&info, out);
	add_limits(&info, out);
	add_queues(e, &info, out);
	add_capabilities(&info, out);
	json_object_set_new(out, "error_handling", json_string(recovery_name(info.err_handle_mode)));
	return 0;
}

int ethdev_xstats(const struct port *p, json_t *out, struct fault *f)
{
	const struct ethdev *e = p->priv;
	struct rte_eth_xstat_name *names = NULL;
	struct rte_eth_xstat *values = NULL;
	int n = rte_eth_xstats_get_names(e->id, NULL, 0);

	if (n < 0)
		return fault_set(f, n, NULL, NULL, NULL, "device %s does not name its statistics", e->device);
	names = calloc((size_t)n + 1, sizeof(*names));
	values = calloc((size_t)n + 1, sizeof(*values));
	if (names == NULL || values == NULL) {
		n = fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for %d statistics", n);
		goto free_both;
	}
	if (rte_eth_xstats_get_names(e->id, names, (unsigned int)n) != n ||
	    rte_eth_xstats_get(e->id, values, (unsigned int)n) != n) {
		n = fault_set(f, -EIO, NULL, NULL, NULL, "device %s does not tell its statistics", e->device);
		goto free_both;
	}
	for (int i = 0; i < n; i++)
		set_int(out, names[values[i].id].name, values[i].value);
	n = 0;
free_both:
	free(values);
	free(names);
	return n;
}
