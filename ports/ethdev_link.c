/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include <rte_alarm.h>
#include <rte_bus.h>

#include "ethdev_priv.h"

#define LINK_POLL_US 500000

static void removed(struct ethdev *e)
{
	port_link_set(e->port, false);
	port_notify(e->port, PORT_EVENT_REMOVED);
}

void ethdev_link_update(struct ethdev *e)
{
	const bool was = e->port->link_up;
	struct rte_eth_link link;

	if (e->gone || rte_eth_link_get_nowait(e->id, &link) != 0)
		return;
	port_link_set(e->port, link.link_status == RTE_ETH_LINK_UP);
	// What was connected to a socket never connects again; another look would only make the driver complain.
	if (e->path[0] != '\0' && was && link.link_status != RTE_ETH_LINK_UP) {
		e->gone = true;
		PORT_LOG(WARNING, e->port, "the other side has closed %s", e->path);
		removed(e);
	}
}

static void link_poll(void *arg)
{
	ethdev_link_update(arg);
	rte_eal_alarm_set(LINK_POLL_US, link_poll, arg);
}

static int event_link(uint16_t id, enum rte_eth_event_type type, void *arg, void *ret_param)
{
	ethdev_link_update(arg);
	return 0;
}

static int event_removed(uint16_t id, enum rte_eth_event_type type, void *arg, void *ret_param)
{
	removed(arg);
	return 0;
}

static void event_bus(const char *name, enum rte_dev_event_type event, void *arg)
{
	if (event == RTE_DEV_EVENT_REMOVE)
		removed(arg);
}

bool ethdev_is_virtual(const struct rte_eth_dev_info *info)
{
	return strcmp(rte_bus_name(rte_dev_bus(info->device)), "vdev") == 0;
}

void ethdev_events_register(struct ethdev *e, const struct rte_eth_dev_info *info)
{
	if ((*info->dev_flags & RTE_ETH_DEV_INTR_LSC) != 0)
		e->lsc = rte_eth_dev_callback_register(e->id, RTE_ETH_EVENT_INTR_LSC, event_link, e) == 0;
	if ((*info->dev_flags & RTE_ETH_DEV_INTR_RMV) != 0)
		e->rmv = rte_eth_dev_callback_register(e->id, RTE_ETH_EVENT_INTR_RMV, event_removed, e) == 0;
	// A virtual device goes only when it is told to.
	if (!ethdev_is_virtual(info))
		e->bus_events = rte_dev_event_monitor_start() == 0 &&
				rte_dev_event_callback_register(e->device, event_bus, e) == 0;
}

// All unregister calls return -EAGAIN while the callback runs, which takes microseconds.
void ethdev_events_unregister(struct ethdev *e)
{
	while (e->lsc && rte_eth_dev_callback_unregister(e->id, RTE_ETH_EVENT_INTR_LSC, event_link, e) == -EAGAIN)
		rte_pause();
	while (e->rmv && rte_eth_dev_callback_unregister(e->id, RTE_ETH_EVENT_INTR_RMV, event_removed, e) == -EAGAIN)
		rte_pause();
	while (e->bus_events && rte_dev_event_callback_unregister(e->device, event_bus, e) == -EAGAIN)
		rte_pause();
	e->lsc = e->rmv = e->bus_events = false;
}

void ethdev_link_watch(struct ethdev *e)
{
	if (!e->lsc)
		rte_eal_alarm_set(LINK_POLL_US, link_poll, e);
}

void ethdev_link_unwatch(struct ethdev *e)
{
	rte_eal_alarm_cancel(link_poll, e);
}
