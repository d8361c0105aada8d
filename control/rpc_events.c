/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "rpc.h"
#include "rpc_client.h"

static const struct param topics_params[] = {
	{.name = "topics",
	 .type = PARAM_STRINGS,
	 .choices = event_topics,
	 .help = "What to be told of; all topics if not given."},
	{.name = NULL},
};

static uint32_t topics_bits(const json_t *params)
{
	const json_t *topics = json_object_get(params, "topics"), *topic;
	uint32_t bits = 0;
	size_t i;

	json_array_foreach (topics, i, topic)
		for (unsigned int t = 0; event_topics[t] != NULL; t++)
			if (strcmp(event_topics[t], json_string_value(topic)) == 0)
				bits |= UINT32_C(1) << t;
	return topics != NULL ? bits : UINT32_MAX;
}

static json_t *topics_json(const struct rpc_client *c)
{
	json_t *topics = json_array();

	for (unsigned int t = 0; event_topics[t] != NULL; t++)
		if (c->topics >> t & 1)
			json_array_append_new(topics, json_string(event_topics[t]));
	return topics;
}

static int no_client(struct fault *f)
{
	return fault_set(f, -ENOTSUP, NULL, NULL, NULL, "events go to a client of the socket");
}

static int events_subscribe(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	if (c->client == NULL)
		return no_client(f);
	event_subscribe(c->client, topics_bits(params));
	*result = topics_json(c->client);
	return 0;
}

static int events_unsubscribe(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	if (c->client == NULL)
		return no_client(f);
	event_unsubscribe(c->client, topics_bits(params));
	*result = topics_json(c->client);
	return 0;
}

static const struct rpc_method method_subscribe = {
	.name = "events.subscribe",
	.help = "From now on sends this client a notification {\"method\": \"event\", \"params\": {topic, event, "
		"data}} for "
		"each event of the topics.",
	.params = topics_params,
	.result = "The topics that this client is now subscribed to.",
	.example = "{\"topics\": [\"port\", \"link\"]}",
	.call = events_subscribe,
};
RPC_METHOD(method_subscribe)

static const struct rpc_method method_unsubscribe = {
	.name = "events.unsubscribe",
	.help = "Sends this client no more events of the topics.",
	.params = topics_params,
	.result = "The topics that this client is still subscribed to.",
	.example = "{\"topics\": [\"link\"]}",
	.call = events_unsubscribe,
};
RPC_METHOD(method_unsubscribe)
