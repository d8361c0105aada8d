/* SPDX-License-Identifier: BSD-3-Clause */
#include "fwd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../datapath/burst.h"
#include "publish.h"
#include "rpc.h"

struct fwd_pair {
	struct port_obj *a, *b; // b == a: alone
	enum fwd_mode mode;
};

struct fwd_conf {
	enum fwd_mode mode; // of all ports, if no pairs are named
	bool started;
	uint16_t burst, txonly_bytes;
	json_t *object; // as in the desired state
	uint32_t npairs;
	struct fwd_pair pair[];
};

const char *const fwd_mode_names[] = {
	[FWD_MODE_SWITCH] = "switch",
#define X(id, name, fn, help) [FWD_MODE_##id] = name,
	FWD_MODES(X)
#undef X
		NULL,
};

static struct fwd_conf *conf; // NULL: as at the start
static bool applied;          // some port may be in another mode than switch
static uint32_t round_;       // of fwd_apply()

static void conf_free(void *arg)
{
	struct fwd_conf *c = arg;

	if (c)
		json_decref(c->object);
	free(c);
}

struct fwd_change {
	struct fwd_conf *before;
};

static void set_undo(void *arg)
{
	struct fwd_change *ch = arg;

	conf_free(conf);
	conf = ch->before;
	publish_mark_polls();
	free(ch);
}

static void set_drop(void *arg)
{
	struct fwd_change *ch = arg;

	conf_free(ch->before);
	free(ch);
}

// `next` becomes the configuration.
static int replace(struct txn *t, struct fwd_conf *next, struct fault *f)
{
	struct fwd_change *ch = malloc(sizeof(*ch));

	if (!ch) {
		conf_free(next);
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory to change the forwarding mode");
	}
	ch->before = conf;
	conf = next;
	txn_undo(t, set_undo, set_drop, ch);
	if (next)
		txn_put(t, "fwd", "fwd", json_incref(next->object));
	else
		txn_del(t, "fwd", "fwd");
	publish_mark_polls();
	t->publish = true;
	return 0;
}

static enum fwd_mode mode_of(const json_t *name, enum fwd_mode otherwise)
{
	for (unsigned int i = 0; name && fwd_mode_names[i]; i++)
		if (strcmp(fwd_mode_names[i], json_string_value(name)) == 0)
			return (enum fwd_mode)i;
	return otherwise;
}

// The port that pairs[i].`field` names, which no earlier pair nor the other field of this one may name.
static int pair_port(const struct fwd_conf *c, uint32_t i, const char *field, const json_t *name, struct port_obj **out,
		     struct fault *f)
{
	char path[32];
	int rc;

	snprintf(path, sizeof(path), "pairs[%u].%s", i, field);
	rc = port_obj_get(path, json_string_value(name), out, f);
	if (rc < 0)
		return rc;
	if (c->pair[i].a == *out)
		return rpc_fault_value(f, -EINVAL, path, name, "another port than a, or none: then it is alone",
				       "port %s is paired with itself", (*out)->name);
	if ((*out)->fwd_round == round_)
		return rpc_fault_value(f, -EINVAL, path, name, "a port that no earlier pair names",
				       "port %s is in two pairs", (*out)->name);
	(*out)->fwd_round = round_;
	return 0;
}

static int pair_parse(struct fwd_conf *c, uint32_t i, const json_t *pair, struct fault *f)
{
	const json_t *b = json_object_get(pair, "b");
	struct port_obj *p;
	int rc = pair_port(c, i, "a", json_object_get(pair, "a"), &p, f);

	if (rc < 0)
		return rc;
	c->pair[i] = (struct fwd_pair){p, p, mode_of(json_object_get(pair, "mode"), c->mode)};
	return b ? pair_port(c, i, "b", b, &c->pair[i].b, f) : 0;
}

// A number that the object leaves as it is stands in it if that is not what it is at the start.
static uint16_t number(json_t *object, const char *name, uint16_t now, uint16_t at_start)
{
	const json_t *given = json_object_get(object, name);

	if (!given && now != at_start)
		json_object_set_new(object, name, json_integer(now));
	return given ? (uint16_t)json_integer_value(given) : now;
}

static int conf_parse(const json_t *object, struct fwd_conf **out, struct fault *f)
{
	const json_t *pairs = json_object_get(object, "pairs"), *started = json_object_get(object, "started");
	uint32_t n = (uint32_t)json_array_size(pairs);
	struct fwd_conf *c = calloc(1, sizeof(*c) + n * sizeof(c->pair[0]));
	int rc = 0;

	if (c)
		c->object = json_deep_copy(object);
	if (!c || !c->object) {
		free(c);
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for the forwarding mode");
	}
	c->mode = mode_of(json_object_get(object, "mode"), FWD_MODE_SWITCH);
	c->started = started ? json_is_true(started) : fwd_started();
	if (!started && !c->started)
		json_object_set_new(c->object, "started", json_false());
	c->burst = number(c->object, "burst", fwd_burst(), BURST_MAX);
	c->txonly_bytes = number(c->object, "txonly_bytes", fwd_txonly_bytes(), FWD_TXONLY_BYTES);
	round_++;
	for (; c->npairs < n && rc == 0; c->npairs++)
		rc = pair_parse(c, c->npairs, json_array_get(pairs, c->npairs), f);
	if (rc < 0)
		conf_free(c);
	else
		*out = c;
	return rc;
}

int fwd_set(struct txn *t, const json_t *object, struct fault *f)
{
	struct fwd_conf *c = NULL;
	int rc = object ? conf_parse(object, &c, f) : 0;

	return rc < 0 ? rc : replace(t, c, f);
}

int fwd_start_stop(struct txn *t, bool started, struct fault *f)
{
	json_t *object = conf ? json_copy(conf->object) : json_pack("{s:s}", "mode", "switch");
	int rc;

	json_object_set_new(object, "started", json_boolean(started));
	rc = fwd_set(t, object, f);
	json_decref(object);
	return rc;
}

bool fwd_started(void)
{
	return !conf || conf->started;
}

uint16_t fwd_burst(void)
{
	return conf ? conf->burst : BURST_MAX;
}

uint16_t fwd_txonly_bytes(void)
{
	return conf ? conf->txonly_bytes : FWD_TXONLY_BYTES;
}

json_t *fwd_json(void)
{
	json_t *o = json_pack("{s:s,s:b,s:i,s:i}", "mode", fwd_mode_names[conf ? conf->mode : FWD_MODE_SWITCH],
			      "started", fwd_started(), "burst", fwd_burst(), "txonly_bytes", fwd_txonly_bytes());
	json_t *pairs = conf ? json_object_get(conf->object, "pairs") : NULL;

	if (pairs)
		json_object_set(o, "pairs", pairs);
	return o;
}

bool fwd_names_port(const struct port_obj *p)
{
	for (uint32_t i = 0; conf && i < conf->npairs; i++)
		if (conf->pair[i].a == p || conf->pair[i].b == p)
			return true;
	return false;
}

static void port_give(struct port_obj *p, enum fwd_mode mode, const struct port_obj *peer)
{
	uint16_t peer_id = mode == FWD_MODE_SWITCH ? 0 : peer->id;

	p->fwd_round = round_;
	if (p->fwd_mode == mode && p->fwd_peer == peer_id)
		return;
	p->fwd_mode = mode;
	p->fwd_peer = peer_id;
	publish_mark_port(p);
}

static void pair_give(struct port_obj *a, struct port_obj *b, enum fwd_mode mode)
{
	port_give(a, mode, b);
	port_give(b, mode, a);
	applied |= mode != FWD_MODE_SWITCH;
}

void fwd_apply(void)
{
	bool all = conf && !json_object_get(conf->object, "pairs") && conf->mode != FWD_MODE_SWITCH;
	struct port_obj *first = NULL;

	if (!applied && !all && !(conf && conf->npairs))
		return;
	applied = false;
	round_++;
	for (uint32_t i = 0; conf && i < conf->npairs; i++)
		pair_give(conf->pair[i].a, conf->pair[i].b, conf->pair[i].mode);
	for (uint32_t id = 1; id <= port_obj_max_id(); id++) {
		struct port_obj *p = port_obj_by_id((uint16_t)id);

		if (!p || p->deleted || p->fwd_round == round_)
			continue;
		if (!all) {
			port_give(p, FWD_MODE_SWITCH, p);
		} else if (!first) {
			first = p;
		} else {
			pair_give(first, p, conf->mode);
			first = NULL;
		}
	}
	if (first)
		pair_give(first, first, conf->mode);
}

void fwd_destroy(void)
{
	conf_free(conf);
	conf = NULL;
	applied = false;
}
