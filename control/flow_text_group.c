/* SPDX-License-Identifier: BSD-3-Clause */
// Groups and meters: "group_id=1,type=select,bucket=weight:5,output:1", "meter=1,kbps,burst,band=type=drop,rate=100".
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "flow_text_priv.h"
#include "flow_value.h"

static const char *const group_types[] = {"all", "select", "indirect", "ff"};

static const struct {
	const char *word;
	uint16_t flag;
} meter_flags[] = {{"kbps", METER_KBPS}, {"pktps", METER_PKTPS}, {"burst", METER_BURST}, {"stats", METER_STATS}};

static int bad(struct flow_error *e, const char *word, const char *allowed)
{
	return flow_text_refuse(e, OFPGMFC_INVALID_GROUP, word, allowed, "unknown word or value");
}

static int bad_meter(struct flow_error *e, const char *word, const char *allowed)
{
	return flow_text_refuse(e, OFPMMFC_INVALID_METER, word, allowed, "unknown word or value");
}

// Cuts a text at the next `word` that begins one; returns what is behind, or NULL.
static char *section_cut(char *text, const char *word)
{
	for (char *at = text; (at = strstr(at, word)) != NULL; at++)
		if (at == text || at[-1] == ',' || at[-1] == ' ') {
			*at = '\0';
			return at + strlen(word);
		}
	return NULL;
}

// --- groups ----------------------------------------------------------------------------------------------------------

// A word of a bucket that is no action: 1, 0 if it is one, or -errno.
static int bucket_word(struct group_bucket *b, const char *key, const char *value, struct flow_error *e)
{
	uint64_t number;

	if (strcmp(key, "weight") == 0) {
		if (value == NULL || !flow_number_parse(value, UINT16_MAX, &number))
			return bad(e, value != NULL ? value : key, "0..65535");
		b->weight = (uint16_t)number;
		return 1;
	}
	if (strcmp(key, "watch_port") == 0)
		return value != NULL && flow_port_parse(value, &b->watch_port) ? 1 : bad(e, key, "a port");
	if (strcmp(key, "watch_group") == 0) {
		if (value == NULL || !flow_number_parse(value, UINT32_MAX, &number))
			return bad(e, value != NULL ? value : key, "a group");
		b->watch_group = (uint32_t)number;
		return 1;
	}
	return 0;
}

// The words that are none of actions come first, as ovs-ofctl writes them; "actions=" may stand between.
static int bucket_parse(struct group_mod *m, char *text, struct flow_error *e)
{
	struct group_bucket *b = group_mod_add(m);
	char *actions = section_cut(text, "actions="), *rest = actions != NULL ? actions : NULL;
	char *at = text;

	if (b == NULL)
		return flow_error_set(e, OFPGMFC_OUT_OF_BUCKETS, "text", NULL, NULL, "no memory for the buckets");
	b->weight = m->type == GROUP_SELECT;
	for (char *begin = at; *(begin = at + strspn(at, ", ")) != '\0';) {
		char word[64];
		const size_t n = strcspn(begin, ", ");
		const char *value;
		int rc;

		memcpy(word, begin, n < sizeof(word) ? n : sizeof(word) - 1);
		word[n < sizeof(word) ? n : sizeof(word) - 1] = '\0';
		value = flow_text_value(word);
		rc = bucket_word(b, word, value, e);
		if (rc < 0)
			return rc;
		if (rc == 0 && actions != NULL)
			return bad(e, word, "weight, watch_port, watch_group");
		if (rc == 0) {
			rest = begin;
			break;
		}
		at = begin + n;
	}
	return rest != NULL ? flow_text_actions(rest, &b->actions, NULL, NULL, e) : 0;
}

static int group_word(struct group_mod *m, const char *key, const char *value, bool *has_type, struct flow_error *e)
{
	uint64_t number;

	if (strcmp(key, "group_id") == 0 && value != NULL) {
		if (strcmp(value, "all") == 0)
			number = FLOW_GROUP_ALL;
		else if (!flow_number_parse(value, UINT32_MAX, &number))
			return bad(e, value, "a number, or all");
		m->group = (uint32_t)number;
		return 0;
	}
	if (strcmp(key, "type") != 0 || value == NULL)
		return bad(e, key, "group_id, type, bucket");
	for (uint8_t i = 0; i < sizeof(group_types) / sizeof(group_types[0]); i++)
		if (strcmp(value, group_types[i]) == 0 || (i == GROUP_FF && strcmp(value, "fast_failover") == 0)) {
			m->type = i;
			*has_type = true;
			return 0;
		}
	return bad(e, value, "all, select, indirect or ff");
}

static int group_parse(char *text, struct group_mod *m, struct flow_error *e)
{
	char *bucket = section_cut(text, "bucket="), *key;
	bool has_type = false;
	int rc = 0;

	while (rc == 0 && (key = flow_text_word(&text)) != NULL)
		rc = group_word(m, key, flow_text_value(key), &has_type, e);
	if (rc == 0 && m->group == FLOW_GROUP_ANY)
		return bad(e, "group_id", "a number");
	if (rc == 0 && !has_type && m->command != GROUP_DELETE)
		return bad(e, "type", "all, select, indirect or ff");
	while (rc == 0 && bucket != NULL) {
		char *next = section_cut(bucket, "bucket=");

		rc = bucket_parse(m, bucket, e);
		bucket = next;
	}
	return rc < 0 ? rc : group_mod_check(m, e);
}

// A copy that may be cut; NULL and a refusal if it is too long.
static char *text_copy(const char *text, enum flow_errno what, struct flow_error *e)
{
	char *copy = strnlen(text, FLOW_TEXT_MAX) < FLOW_TEXT_MAX ? strdup(text) : NULL;

	if (copy == NULL)
		flow_error_set(e, what, "text", NULL, "less than 64 KiB", "the text is too long");
	return copy;
}

int group_text_parse(const char *text, enum group_command command, struct group_mod *m, struct flow_error *e)
{
	char *copy = text_copy(text, OFPGMFC_OUT_OF_BUCKETS, e);
	int rc;

	*m = (struct group_mod){.command = (uint16_t)command,
				.group = command == GROUP_DELETE ? FLOW_GROUP_ALL : FLOW_GROUP_ANY};
	if (copy == NULL)
		return e->fault.err;
	rc = group_parse(copy, m, e);
	free(copy);
	if (rc < 0)
		group_mod_clear(m);
	return rc;
}

static void group_print(FILE *out, const struct group_mod *m)
{
	fprintf(out, "group_id=%" PRIu32 ",type=%s", m->group, group_types[m->type]);
	for (uint32_t i = 0; i < m->nbuckets; i++) {
		const struct group_bucket *b = &m->buckets[i];

		fputs(",bucket=", out);
		if (m->type == GROUP_SELECT)
			fprintf(out, "weight:%u,", b->weight);
		if (group_bucket_watches(b) && b->watch_port != FLOW_PORT_ANY) {
			fputs("watch_port:", out);
			flow_port_print(out, b->watch_port);
			fputc(',', out);
		}
		if (group_bucket_watches(b) && b->watch_group != FLOW_GROUP_ANY)
			fprintf(out, "watch_group:%" PRIu32 ",", b->watch_group);
		fputs("actions=", out);
		if (b->actions.n == 0)
			fputs("drop", out);
		flow_text_actions_print(out, &b->actions);
	}
}

char *group_text_format(const struct group_mod *m)
{
	size_t size;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	group_print(out, m);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

// --- meters ----------------------------------------------------------------------------------------------------------

static int band_word(struct meter_band *b, const char *key, const char *value, struct flow_error *e)
{
	uint64_t number;

	if (value != NULL && strcmp(key, "type") == 0) {
		b->type = strcmp(value, "drop") == 0          ? METER_DROP
			  : strcmp(value, "dscp_remark") == 0 ? METER_DSCP_REMARK
							      : 0;
		return b->type != 0 ? 0 : bad_meter(e, value, "drop or dscp_remark");
	}
	if (value == NULL ||
	    !flow_number_parse(value, strcmp(key, "prec_level") == 0 ? UINT8_MAX : UINT32_MAX, &number))
		return bad_meter(e, value != NULL ? value : key, "a number");
	if (strcmp(key, "rate") == 0)
		b->rate = (uint32_t)number;
	else if (strcmp(key, "burst_size") == 0)
		b->burst = (uint32_t)number;
	else if (strcmp(key, "prec_level") == 0)
		b->prec_level = (uint8_t)number;
	else
		return bad_meter(e, key, "type, rate, burst_size, prec_level");
	return 0;
}

static int meter_word(struct meter_mod *m, const char *key, const char *value, struct flow_error *e)
{
	uint64_t number;

	for (size_t i = 0; value == NULL && i < sizeof(meter_flags) / sizeof(meter_flags[0]); i++)
		if (strcmp(key, meter_flags[i].word) == 0) {
			m->flags |= meter_flags[i].flag;
			return 0;
		}
	if (strcmp(key, "meter") != 0 || value == NULL)
		return bad_meter(e, key, "meter, kbps, pktps, burst, stats, band");
	if (strcmp(value, "all") == 0)
		number = FLOW_METER_ALL;
	else if (strcmp(value, "controller") == 0)
		number = FLOW_METER_CONTROLLER;
	else if (strcmp(value, "slowpath") == 0)
		number = FLOW_METER_SLOWPATH;
	else if (!flow_number_parse(value, UINT32_MAX, &number))
		return bad_meter(e, value, "a number, controller, slowpath or all");
	m->meter = (uint32_t)number;
	return 0;
}

static int meter_parse(char *text, struct meter_mod *m, struct flow_error *e)
{
	char *band = section_cut(text, "band="), *key;
	int rc = 0;

	while (rc == 0 && (key = flow_text_word(&text)) != NULL)
		rc = meter_word(m, key, flow_text_value(key), e);
	if (rc == 0 && m->command != METER_DELETE && (m->flags & (METER_KBPS | METER_PKTPS)) == 0)
		m->flags |= METER_KBPS;
	while (rc == 0 && band != NULL) {
		char *next = section_cut(band, "band=");

		if (m->nbands == METER_BANDS_MAX)
			return flow_text_refuse(e, OFPMMFC_OUT_OF_BANDS, "band", "16 bands at most", "too many bands");
		while (rc == 0 && (key = flow_text_word(&band)) != NULL)
			rc = band_word(&m->bands[m->nbands], key, flow_text_value(key), e);
		m->nbands++;
		band = next;
	}
	return rc < 0 ? rc : meter_mod_check(m, e);
}

int meter_text_parse(const char *text, enum meter_command command, struct meter_mod *m, struct flow_error *e)
{
	char *copy = text_copy(text, OFPMMFC_OUT_OF_BANDS, e);
	int rc;

	*m = (struct meter_mod){.command = (uint16_t)command, .meter = command == METER_DELETE ? FLOW_METER_ALL : 0};
	if (copy == NULL)
		return e->fault.err;
	rc = meter_parse(copy, m, e);
	free(copy);
	return rc;
}

static void meter_print(FILE *out, const struct meter_mod *m)
{
	if (m->meter == FLOW_METER_CONTROLLER || m->meter == FLOW_METER_SLOWPATH)
		fprintf(out, "meter=%s", m->meter == FLOW_METER_CONTROLLER ? "controller" : "slowpath");
	else
		fprintf(out, "meter=%" PRIu32, m->meter);
	for (size_t i = 0; i < sizeof(meter_flags) / sizeof(meter_flags[0]); i++)
		if (m->flags & meter_flags[i].flag)
			fprintf(out, ",%s", meter_flags[i].word);
	for (uint32_t i = 0; i < m->nbands; i++) {
		const struct meter_band *b = &m->bands[i];

		fprintf(out, ",band=type=%s,rate=%" PRIu32, b->type == METER_DROP ? "drop" : "dscp_remark", b->rate);
		if ((m->flags & METER_BURST) || b->burst != 0)
			fprintf(out, ",burst_size=%" PRIu32, b->burst);
		if (b->type == METER_DSCP_REMARK)
			fprintf(out, ",prec_level=%u", b->prec_level);
	}
}

char *meter_text_format(const struct meter_mod *m)
{
	size_t size;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	meter_print(out, m);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
