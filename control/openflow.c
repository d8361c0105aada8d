/* SPDX-License-Identifier: BSD-3-Clause */
#include "openflow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow_table.h"
#include "log.h"
#include "objects.h"
#include "openflow/ofp.h"

#define RETRY_S 3
#define ADDRESSES_MAX OF_CHANNELS_MAX // of each kind; of_channels_set() refuses more in all

static struct event_base *base;
static struct event *settle, *retry;

// --- life ------------------------------------------------------------------------------------------------------------

static void openflow_free(struct openflow *of)
{
	if (of == NULL)
		return;
	of_channels_destroy(of->channels);
	of_agent_destroy(of->agent);
	json_decref(of->conf);
	free(of);
}

static struct openflow *openflow_get(struct flow_bridge *fb)
{
	struct of_channels_conf conf = {.base = base};
	struct openflow *of;

	if (fb->openflow != NULL)
		return fb->openflow;
	of = calloc(1, sizeof(*of));
	if (of == NULL)
		return NULL;
	of->fb = fb;
	if (of_agent_create(&of->agent, &openflow_switch_ops, fb) < 0)
		goto free_of;
	conf.agent = of->agent;
	if (of_channels_create(&of->channels, &conf) < 0)
		goto free_of;
	fb->openflow = of;
	return of;
free_of:
	openflow_free(of);
	return NULL;
}

// A bridge without controllers is on its own, if it shall be.
static void on_settle(evutil_socket_t fd, short what, void *arg)
{
	struct flow_bridge *fb;
	bool changed = false;

	LIST_FOREACH (fb, flow_switches(), link) {
		const struct openflow *of = fb->openflow;
		const bool standalone =
			of != NULL && of->conf != NULL && of->fail == OPENFLOW_STANDALONE && !of->connected;

		if (fb->standalone == standalone)
			continue;
		fb->standalone = standalone;
		flow_switch_mark(fb);
		changed = true;
	}
	if (changed)
		publish();
}

void openflow_connected(struct flow_bridge *fb, bool any)
{
	fb->openflow->connected = any;
	// Not now: it may be within a transaction, whose changes nobody is to see yet.
	if (settle != NULL)
		event_active(settle, EV_TIMEOUT, 0);
}

// --- addresses -------------------------------------------------------------------------------------------------------

struct addresses {
	const char *at[2 * ADDRESSES_MAX];
	unsigned int n, controllers;
};

static void addresses_get(const json_t *conf, struct addresses *out)
{
	const char *const fields[] = {"controllers", "listen"};

	*out = (struct addresses){.n = 0};
	for (int f = 0; f < 2; f++) {
		const json_t *array = json_object_get(conf, fields[f]);

		for (size_t i = 0; i < json_array_size(array) && out->n < RTE_DIM(out->at); i++)
			out->at[out->n++] = json_string_value(json_array_get(array, i));
		if (f == 0)
			out->controllers = out->n;
	}
}

static int addresses_check(const json_t *conf, struct fault *f)
{
	const bool tls = json_object_get(conf, "tls_key") != NULL;
	struct addresses a;
	int rc = 0;

	addresses_get(conf, &a);
	for (unsigned int i = 0; rc == 0 && i < a.n; i++) {
		const bool listens = i >= a.controllers;
		struct of_address address;
		char field[32];

		snprintf(field, sizeof(field), "%s[%u]", listens ? "listen" : "controllers",
			 listens ? i - a.controllers : i);
		rc = of_address_parse(a.at[i], field, &address, f);
		if (rc == 0 && address.passive != listens)
			rc = fault_str(f, -EINVAL, field, a.at[i],
				       listens ? "ptcp:, pssl: or punix:" : "tcp:, ssl: or unix:",
				       listens ? "this address is dialled" : "this address waits for others");
		if (rc == 0 && address.tls && !tls)
			rc = fault_str(f, -EINVAL, field, a.at[i], "tls_key, tls_cert and tls_ca beside it",
				       "TLS needs a key and certificates");
	}
	return rc;
}

// Makes the channels what the configuration says. In a restart (`keep`) what cannot be now is tried again.
static int channels_apply(struct openflow *of, bool keep, struct fault *f)
{
	struct addresses a;
	int rc;

	addresses_get(of->conf, &a);
	rc = of_channels_set(of->channels, "targets", a.at, a.n, f);
	of->retry = rc < 0 && keep;
	if (rc < 0 && keep) {
		unsigned int n = 0;

		for (unsigned int i = 0; i < a.n; i++) {
			const char *one[2 * ADDRESSES_MAX];

			memcpy(one, a.at, n * sizeof(*one));
			one[n] = a.at[i];
			if (of_channels_set(of->channels, "targets", one, n + 1, f) == 0)
				a.at[n++] = a.at[i];
		}
		return 0;
	}
	if (rc < 0) {
		unsigned int i = 0;

		if (sscanf(f->field, "targets[%u]", &i) == 1 && i >= a.controllers)
			snprintf(f->field, sizeof(f->field), "listen[%u]", i - a.controllers);
	}
	return rc;
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct flow_bridge *fb;
	struct fault f;

	LIST_FOREACH (fb, flow_switches(), link)
		if (fb->openflow != NULL && fb->openflow->retry)
			channels_apply(fb->openflow, true, &f);
}

// --- changes ---------------------------------------------------------------------------------------------------------

struct change {
	struct openflow *of;
	json_t *before; // NULL: nothing was configured
	struct of_tls *tls;
	uint64_t datapath_id;
	bool replay, applied;
};

static uint64_t conf_datapath_id(const json_t *conf)
{
	const char *text = json_string_value(json_object_get(conf, "datapath_id"));

	return text != NULL ? strtoull(text, NULL, 16) : 0;
}

static void conf_use(struct openflow *of)
{
	const char *mode = json_string_value(json_object_get(of->conf, "fail_mode"));

	of->fail = mode != NULL && strcmp(mode, "standalone") == 0 ? OPENFLOW_STANDALONE : OPENFLOW_SECURE;
	flow_switch_set_datapath_id(of->fb, conf_datapath_id(of->conf));
	event_active(settle, EV_TIMEOUT, 0);
}

static void change_free(void *arg)
{
	struct change *c = arg;

	json_decref(c->before);
	of_tls_destroy(c->tls);
	free(c);
}

static void change_undo(void *arg)
{
	struct change *c = arg;
	struct fault f;

	json_decref(c->of->conf);
	c->of->conf = c->before;
	c->before = NULL;
	conf_use(c->of);
	if (c->applied)
		channels_apply(c->of, true, &f);
	change_free(c);
}

static int change_apply(void *arg, struct fault *f)
{
	struct change *c = arg;
	int rc;

	// Who is connected has heard another id.
	if (c->datapath_id != c->of->fb->datapath_id)
		of_channels_set(c->of->channels, "targets", NULL, 0, f);
	c->applied = true;
	if (c->tls != NULL)
		of_channels_tls(c->of->channels, c->tls);
	c->tls = NULL;
	rc = channels_apply(c->of, c->replay, f);
	if (c->of->retry)
		LOG(ERR, "bridge %s: %s (%s): trying again", c->of->fb->bridge->name, f->message, f->field);
	return rc;
}

static int change_begin(struct txn *t, struct flow_bridge *fb, const json_t *conf, struct of_tls *tls, struct fault *f)
{
	struct openflow *of = openflow_get(fb);
	struct change *c = calloc(1, sizeof(*c));
	json_t *copy = json_incref((json_t *)(uintptr_t)conf);

	if (of == NULL || c == NULL) {
		json_decref(copy);
		free(c);
		of_tls_destroy(tls);
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for controllers");
	}
	*c = (struct change){
		.of = of, .before = of->conf, .tls = tls, .datapath_id = fb->datapath_id, .replay = t->replay};
	of->conf = copy;
	conf_use(of);
	txn_undo(t, change_undo, change_free, c);
	txn_check(t, change_apply, c);
	return 0;
}

static int tls_get(const json_t *conf, struct of_tls **out, struct fault *f)
{
	const char *key = json_string_value(json_object_get(conf, "tls_key"));
	const char *cert = json_string_value(json_object_get(conf, "tls_cert"));
	const char *ca = json_string_value(json_object_get(conf, "tls_ca"));

	*out = NULL;
	if (key == NULL && cert == NULL && ca == NULL)
		return 0;
	if (key == NULL || cert == NULL || ca == NULL)
		return fault_set(f, -EINVAL,
				 key == NULL    ? "tls_key"
				 : cert == NULL ? "tls_cert"
						: "tls_ca",
				 NULL, "all three of tls_key, tls_cert, tls_ca, or none", "TLS needs all three files");
	return of_tls_create(out, key, cert, ca, f);
}

int openflow_set(struct txn *t, struct flow_bridge *fb, const json_t *conf, struct fault *f)
{
	const char *id = json_string_value(json_object_get(conf, "datapath_id"));
	struct of_tls *tls;
	int rc;

	if (id != NULL &&
	    (strlen(id) != 16 || strspn(id, "0123456789abcdefABCDEF") != 16 || conf_datapath_id(conf) == 0))
		return fault_str(f, -EINVAL, "datapath_id", id, "16 hexadecimal digits, not all 0",
				 "this is no datapath id");
	rc = addresses_check(conf, f);
	if (rc == 0)
		rc = tls_get(conf, &tls, f);
	// What names files that are gone must not cost the rest of the configuration.
	if (rc < 0 && t->replay && json_object_get(conf, "tls_key") != NULL) {
		LOG(ERR, "bridge %s: %s (%s)", fb->bridge->name, f->message, f->field);
		tls = NULL;
		rc = 0;
	}
	if (rc == 0)
		rc = change_begin(t, fb, conf, tls, f);
	if (rc < 0)
		return rc;
	txn_put(t, "openflow", fb->bridge->name, json_incref(fb->openflow->conf));
	return 0;
}

int openflow_del(struct txn *t, struct flow_bridge *fb, struct fault *f)
{
	int rc;

	if (fb->openflow == NULL || fb->openflow->conf == NULL)
		return fault_str(f, -ENOENT, "bridge", fb->bridge->name, "a bridge with openflow.set",
				 "bridge %s has no controllers", fb->bridge->name);
	rc = change_begin(t, fb, NULL, NULL, f);
	if (rc == 0)
		txn_del(t, "openflow", fb->bridge->name);
	return rc;
}

// --- what became of it -----------------------------------------------------------------------------------------------

static json_t *channels_json(const struct openflow *of)
{
	static const char *const roles[] = {NULL, "equal", "master", "slave"};
	json_t *array = json_array();
	struct of_channel_info info;

	for (unsigned int i = 0; of_channels_info(of->channels, i, &info); i++)
		json_array_append_new(array, json_pack("{s:s,s:i,s:s?,s:s?}", "target", info.target, "connected",
						       (int)info.open, "role", roles[info.open > 0 ? info.role : 0],
						       "error", info.error));
	return array;
}

json_t *openflow_json(const struct flow_bridge *fb)
{
	const struct openflow *of = fb->openflow;
	struct of_agent_stats stats;
	char id[17];
	json_t *o;

	if (of == NULL || of->conf == NULL)
		return NULL;
	of_agent_stats(of->agent, &stats);
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)fb->datapath_id);
	o = json_deep_copy(of->conf);
	json_object_set_new(o, "datapath_id", json_string(id));
	json_object_set_new(o, "standalone", json_boolean(fb->standalone));
	json_object_set_new(o, "channels", channels_json(of));
	json_object_set_new(o, "packet_ins", json_integer((json_int_t)stats.packet_ins));
	json_object_set_new(o, "packet_ins_limited", json_integer((json_int_t)stats.packet_ins_limited));
	json_object_set_new(o, "packet_ins_unread", json_integer((json_int_t)stats.packet_ins_unread));
	return o;
}

// --- events of bridges -----------------------------------------------------------------------------------------------

static int on_busy(const struct flow_bridge *fb, struct fault *f)
{
	if (fb->openflow == NULL || fb->openflow->conf == NULL)
		return 0;
	return fault_str(f, -EBUSY, "name", fb->bridge->name, "a bridge without controllers (openflow.del)",
			 "bridge %s has controllers", fb->bridge->name);
}

static void on_freed(struct flow_bridge *fb)
{
	openflow_free(fb->openflow);
	fb->openflow = NULL;
}

static void on_port(struct flow_bridge *fb, const struct bridge_port *bp, enum flow_port_reason reason)
{
	struct of_port port;

	if (fb->openflow == NULL)
		return;
	openflow_port_describe(bp, &port);
	of_agent_port_status(fb->openflow->agent, &port, (uint8_t)reason);
}

static void on_flow_removed(struct flow_bridge *fb, const struct of_flow_removed *r)
{
	if (fb->openflow != NULL)
		of_agent_flow_removed(fb->openflow->agent, r);
}

static struct flow_listener listener = {
	.busy = on_busy, .freed = on_freed, .port = on_port, .flow_removed = on_flow_removed};

int openflow_create(struct event_base *b)
{
	const struct timeval again = {.tv_sec = RETRY_S};

	base = b;
	settle = event_new(base, -1, 0, on_settle, NULL);
	retry = event_new(base, -1, EV_PERSIST, on_retry, NULL);
	if (settle == NULL || retry == NULL || event_add(retry, &again) < 0)
		return -ENOMEM;
	openflow_packet_init();
	return openflow_barrier_create(base);
}

__attribute__((constructor)) static void openflow_listen(void)
{
	flow_switch_listen(&listener);
}

void openflow_destroy(void)
{
	if (settle != NULL)
		event_free(settle);
	if (retry != NULL)
		event_free(retry);
	settle = retry = NULL;
	openflow_barrier_destroy();
}
