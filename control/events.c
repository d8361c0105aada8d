/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "rpc.h"
#include "rpc_client.h"

const char *const event_topics[] = {"port",  "link",  "bridge", "fdb",    "vrf",    "iface",
				    "neigh", "route", "flow",   "worker", "pktgen", NULL};

static TAILQ_HEAD(, rpc_client) subscribers = TAILQ_HEAD_INITIALIZER(subscribers);
static uint32_t wanted; // topics that anybody subscribed to

static void wanted_count(void)
{
	const struct rpc_client *c;

	wanted = 0;
	TAILQ_FOREACH (c, &subscribers, subscribers)
		wanted |= c->topics;
}

void event_subscribe(struct rpc_client *c, uint32_t topics)
{
	if (c->topics == 0 && topics != 0)
		TAILQ_INSERT_TAIL(&subscribers, c, subscribers);
	c->topics |= topics;
	wanted_count();
}

void event_unsubscribe(struct rpc_client *c, uint32_t topics)
{
	if (c->topics != 0 && (c->topics & ~topics) == 0)
		TAILQ_REMOVE(&subscribers, c, subscribers);
	c->topics &= ~topics;
	wanted_count();
}

static uint32_t topic_bit(const char *topic)
{
	for (unsigned int i = 0; event_topics[i] != NULL; i++)
		if (strcmp(event_topics[i], topic) == 0)
			return UINT32_C(1) << i;
	return 0;
}

bool event_wanted(const char *topic)
{
	return wanted != 0 && (wanted & topic_bit(topic)) != 0;
}

void event_send(const char *topic, const char *what, json_t *data)
{
	uint32_t bit = topic_bit(topic);
	struct rpc_client *c;
	json_t *event;
	char *text;

	if (!event_wanted(topic)) {
		json_decref(data);
		return;
	}
	event = json_pack("{s:s, s:s, s:{s:s, s:s, s:o}}", "jsonrpc", "2.0", "method", "event", "params", "topic",
			  topic, "event", what, "data", data);
	text = event != NULL ? json_dumps(event, JSON_COMPACT) : NULL;
	json_decref(event);
	TAILQ_FOREACH (c, &subscribers, subscribers) {
		if (!(c->topics & bit))
			continue;
		if (text != NULL)
			rpc_client_event(c, text, strlen(text));
		else
			c->broken = true; // a subscriber that misses an event must notice
	}
	free(text);
}
