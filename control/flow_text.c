/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "flow_text_priv.h"
#include "flow_value.h"

int flow_text_refuse(struct flow_error *e, enum flow_errno what, const char *word, const char *allowed,
		     const char *message)
{
	char text[80];
	size_t n = 0;

	// The word goes into JSON: what is odd in it is left out.
	text[n++] = '"';
	for (; *word != '\0' && n < sizeof(text) - 2; word++)
		if (isprint((unsigned char)*word) && *word != '"' && *word != '\\')
			text[n++] = *word;
	text[n++] = '"';
	text[n] = '\0';
	return flow_error_set(e, what, "text", text, allowed, "%s: %s", text, message);
}

static bool is_gap(char c)
{
	return c == ',' || isspace((unsigned char)c);
}

char *flow_text_word(char **text)
{
	unsigned int depth = 0;
	char *at = *text, *begin;

	while (is_gap(*at))
		at++;
	begin = at;
	for (; *at != '\0' && (depth > 0 || !is_gap(*at)); at++) {
		depth += *at == '(';
		depth -= *at == ')' && depth > 0;
	}
	*text = at;
	if (*at != '\0') {
		*at = '\0';
		*text = at + 1;
	}
	return *begin != '\0' ? begin : NULL;
}

char *flow_text_value(char *word)
{
	char *at = word + strcspn(word, "=:(");
	size_t len;

	if (*at == '\0')
		return NULL;
	len = strlen(at);
	if (*at == '(' && at[len - 1] == ')')
		at[len - 1] = '\0';
	*at = '\0';
	return at + 1;
}

// --- reading ---------------------------------------------------------------------------------------------------------

// What dumped flows have besides.
static bool is_counter(const char *key)
{
	static const char *const words[] = {"duration", "n_packets", "n_bytes", "idle_age", "hard_age"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(key, words[i]) == 0)
			return true;
	return false;
}

static bool flag_word(struct flow_mod *m, const char *key)
{
	static const struct {
		const char *word;
		uint16_t flag;
	} flags[] = {
		{"send_flow_rem", FLOW_SEND_FLOW_REM},  {"check_overlap", FLOW_CHECK_OVERLAP},
		{"reset_counts", FLOW_RESET_COUNTS},    {"no_packet_counts", FLOW_NO_PKT_COUNTS},
		{"no_byte_counts", FLOW_NO_BYT_COUNTS},
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strcmp(key, flags[i].word) == 0) {
			m->flags |= flags[i].flag;
			return true;
		}
	return false;
}

// VALUE[/MASK]; without a mask all bits count, where there is something to compare with.
static int cookie_parse(struct flow_mod *m, const char *value, struct flow_error *e)
{
	struct flow_value v, mask;

	if (!flow_value_parse(FLOW_FIELD_METADATA, value, &v, &mask))
		return flow_text_refuse(e, OFPBMC_BAD_VALUE, value, "VALUE[/MASK]", "this is no cookie");
	if (m->command == FLOW_ADD && mask.lo != UINT64_MAX)
		return flow_text_refuse(e, OFPBMC_BAD_MASK, value, "VALUE", "an entry's cookie has no mask");
	m->cookie = v.lo;
	m->cookie_mask = m->command == FLOW_ADD ? 0 : mask.lo;
	return 1;
}

// Numbers of the entry. 1 if it was one, 0 if not, or -errno.
static int entry_word(struct flow_mod *m, const char *key, const char *value, struct flow_error *e)
{
	uint64_t number = 0;
	const struct {
		const char *word;
		uint64_t max;
		void *to;
	} numbers[] = {
		{"table", UINT8_MAX, &m->table},
		{"priority", UINT16_MAX, &m->priority},
		{"idle_timeout", UINT16_MAX, &m->idle_timeout},
		{"hard_timeout", UINT16_MAX, &m->hard_timeout},
		{"importance", UINT16_MAX, &m->importance},
		{"out_group", UINT32_MAX, &m->out_group},
	};

	if (value == NULL)
		return flag_word(m, key);
	if (strcmp(key, "cookie") == 0)
		return cookie_parse(m, value, e);
	if (m->command == FLOW_ADD && strncmp(key, "out_", 4) == 0)
		return 0; // chooses among entries that are there
	if (strcmp(key, "out_port") == 0)
		return flow_port_parse(value, &m->out_port)
			       ? 1
			       : flow_text_refuse(e, OFPBMC_BAD_VALUE, value, "a port", "this is no port");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(key, numbers[i].word) != 0)
			continue;
		if (!flow_number_parse(value, numbers[i].max, &number))
			return flow_text_refuse(e, OFPBMC_BAD_VALUE, value, NULL, "no number that fits");
		if (numbers[i].max == UINT8_MAX)
			*(uint8_t *)numbers[i].to = (uint8_t)number;
		else if (numbers[i].max == UINT16_MAX)
			*(uint16_t *)numbers[i].to = (uint16_t)number;
		else
			*(uint32_t *)numbers[i].to = (uint32_t)number;
		return 1;
	}
	return is_counter(key);
}

// Where the actions begin, which is cut off from what is before; NULL: nowhere.
static char *actions_find(char *text)
{
	static const char *const words[] = {"actions=", "action="};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (char *at = text; (at = strstr(at, words[i])) != NULL; at++)
			if (at == text || is_gap(at[-1])) {
				*at = '\0';
				return at + strlen(words[i]);
			}
	return NULL;
}

static int flow_parse(char *text, struct flow_mod *m, struct flow_error *e)
{
	const bool is_delete = m->command == FLOW_DELETE || m->command == FLOW_DELETE_STRICT;
	struct flow_instructions *i = &m->instructions;
	struct flow_text_match match = {.given = 0};
	char *actions = actions_find(text), *key;
	int rc;

	if (actions == NULL && !is_delete)
		return flow_text_refuse(e, OFPBAC_BAD_TYPE, "actions", "...,actions=drop", "actions are missing");
	if (actions != NULL && is_delete)
		return flow_text_refuse(e, OFPBAC_BAD_TYPE, "actions", "no actions", "a delete has no actions");
	while ((key = flow_text_word(&text)) != NULL) {
		const char *value = flow_text_value(key);

		rc = entry_word(m, key, value, e);
		if (rc == 0)
			rc = flow_text_match_word(&match, key, value, e);
		if (rc == 0)
			rc = flow_text_refuse(e, OFPBMC_BAD_FIELD, key, NULL, "unknown field");
		if (rc < 0)
			return rc;
	}
	rc = flow_text_match_end(&match, &m->match, e);
	if (rc == 0 && actions != NULL)
		rc = flow_text_actions(actions, &i->apply, i, &m->match, e);
	i->has |= i->apply.n > 0 ? FLOW_INST_APPLY : 0;
	return rc < 0 ? rc : flow_mod_check(m, e);
}

static char *text_copy(const char *text, struct flow_error *e)
{
	char *copy = strnlen(text, FLOW_TEXT_MAX) < FLOW_TEXT_MAX ? strdup(text) : NULL;

	if (copy == NULL)
		flow_error_set(e, OFPBAC_TOO_MANY, "text", NULL, "less than 64 KiB", "the text is too long");
	return copy;
}

int flow_text_parse(const char *text, enum flow_command command, struct flow_mod *m, struct flow_error *e)
{
	const bool is_delete = command == FLOW_DELETE || command == FLOW_DELETE_STRICT;
	char *copy = text_copy(text, e);
	int rc;

	*m = (struct flow_mod){.command = (uint8_t)command,
			       .table = is_delete ? FLOW_TABLE_ALL : 0,
			       .priority = FLOW_PRIORITY_DEFAULT,
			       .buffer_id = FLOW_NO_BUFFER,
			       .out_port = FLOW_PORT_ANY,
			       .out_group = FLOW_GROUP_ANY};
	if (copy == NULL)
		return e->fault.err;
	rc = flow_parse(copy, m, e);
	free(copy);
	if (rc < 0)
		flow_mod_clear(m);
	return rc;
}

// --- writing ---------------------------------------------------------------------------------------------------------

static void flow_print(FILE *out, const struct flow_mod *m)
{
	static const char *const flags[] = {"send_flow_rem", "check_overlap", "reset_counts", "no_packet_counts",
					    "no_byte_counts"};

	if (m->cookie != 0)
		fprintf(out, "cookie=0x%" PRIx64 ",", m->cookie);
	if (m->table != 0)
		fprintf(out, "table=%u,", m->table);
	if (m->idle_timeout != 0)
		fprintf(out, "idle_timeout=%u,", m->idle_timeout);
	if (m->hard_timeout != 0)
		fprintf(out, "hard_timeout=%u,", m->hard_timeout);
	if (m->importance != 0)
		fprintf(out, "importance=%u,", m->importance);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (m->flags >> i & 1)
			fprintf(out, "%s,", flags[i]);
	fprintf(out, "priority=%u,", m->priority);
	flow_text_match_print(out, &m->match);
	fputs("actions=", out);
	flow_text_instructions_print(out, &m->instructions);
}

char *flow_text_format(const struct flow_mod *m)
{
	size_t size;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	flow_print(out, m);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
