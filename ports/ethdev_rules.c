/* SPDX-License-Identifier: BSD-3-Clause */
// The rules that a port's driver was given: kept to be shown and taken back, and gone with the device's stop.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ethdev.h"
#include "ethdev_flow.h"
#include "ethdev_priv.h"

struct ethdev_rule {
	struct ethdev_rule *next;
	struct rte_flow *flow;
	struct rte_flow_attr attr;
	uint32_t id;
	char *text;
	char shown[sizeof(((struct flow_rule *)0)->shown)];
};

// What a driver says of a rule.
static int complain(const struct ethdev *e, int rc, const char *rule, const struct rte_flow_error *error,
		    struct fault *f)
{
	const char *why = error->message != NULL ? error->message : strerror(-rc);

	if (rc == -ENOSYS || rc == -ENOTSUP)
		return fault_str(f, -ENOTSUP, "rule", rule, NULL, "the driver of device %s does not take it: %s",
				 e->device, why);
	return fault_str(f, rc < 0 ? rc : -EIO, "rule", rule, NULL, "the driver of device %s refuses it: %s", e->device,
			 why);
}

static int validate(const struct ethdev *e, const struct flow_rule *r, const char *text, struct fault *f)
{
	struct rte_flow_error error = {0};
	int rc = rte_flow_validate(e->id, &r->attr, r->item, r->action, &error);

	return rc == 0 ? 0 : complain(e, rc, text, &error, f);
}

static int create(struct ethdev *e, const struct flow_rule *r, const char *text, uint32_t *id, struct fault *f)
{
	struct ethdev_rule *rule = calloc(1, sizeof(*rule)), **last = &e->rules;
	struct rte_flow_error error = {0};

	if (rule != NULL)
		rule->text = strdup(text);
	if (rule == NULL || rule->text == NULL) {
		free(rule);
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for a rule");
	}
	rule->flow = rte_flow_create(e->id, &r->attr, r->item, r->action, &error);
	if (rule->flow == NULL) {
		free(rule->text);
		free(rule);
		return complain(e, rte_errno != 0 ? -rte_errno : -EIO, text, &error, f);
	}
	rule->attr = r->attr;
	strcpy(rule->shown, r->shown);
	for (; *last != NULL; last = &(*last)->next)
		rule->id = (*last)->id + 1;
	*last = rule;
	*id = rule->id;
	return 0;
}

static void drop(struct ethdev_rule **at)
{
	struct ethdev_rule *rule = *at;

	*at = rule->next;
	free(rule->text);
	free(rule);
}

static int destroy(struct ethdev *e, uint32_t id, struct fault *f)
{
	struct ethdev_rule **at = &e->rules;
	struct rte_flow_error error = {0};
	char number[16];
	int rc;

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	snprintf(number, sizeof(number), "%u", id);
	if (*at == NULL)
		return fault_set(f, -ENOENT, "id", number, "an id that port.flow_list shows", "no such rule");
	rc = rte_flow_destroy(e->id, (*at)->flow, &error);
	if (rc != 0)
		return complain(e, rc, (*at)->text, &error, f);
	drop(at);
	return 0;
}

static void list(const struct ethdev *e, json_t *out)
{
	for (const struct ethdev_rule *r = e->rules; r != NULL; r = r->next)
		json_array_append_new(out,
				      json_pack("{s:I,s:I,s:I,s:b,s:b,s:b,s:s,s:s}", "id", (json_int_t)r->id, "group",
						(json_int_t)r->attr.group, "priority", (json_int_t)r->attr.priority,
						"ingress", r->attr.ingress, "egress", r->attr.egress, "transfer",
						r->attr.transfer, "shown", r->shown, "rule", r->text));
}

void ethdev_rules_forget(struct ethdev *e)
{
	struct rte_flow_error error;

	if (e->rules != NULL)
		rte_flow_flush(e->id, &error);
	while (e->rules != NULL)
		drop(&e->rules);
}

int ethdev_flow(struct port *p, enum port_flow op, const char *text, uint32_t *id, json_t *out, struct fault *f)
{
	struct ethdev *e = p->priv;
	struct flow_rule r;
	int rc = 0;

	if (op == PORT_FLOW_VALIDATE || op == PORT_FLOW_CREATE)
		rc = flow_rule_parse(&r, text, f);
	if (rc < 0)
		return rc;
	switch (op) {
	case PORT_FLOW_VALIDATE:
		return validate(e, &r, text, f);
	case PORT_FLOW_CREATE:
		return create(e, &r, text, id, f);
	case PORT_FLOW_DESTROY:
		return destroy(e, *id, f);
	case PORT_FLOW_FLUSH:
		ethdev_rules_forget(e);
		return 0;
	default:
		list(e, out);
		return 0;
	}
}
