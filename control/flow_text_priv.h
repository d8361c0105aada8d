/* SPDX-License-Identifier: BSD-3-Clause */
// The parts of the text syntax.
//
// Threads: control only.
#ifndef FLOW_TEXT_PRIV_H
#define FLOW_TEXT_PRIV_H

#include "flow_text.h"

// A refusal of the word at fault.
int flow_text_refuse(struct flow_error *e, enum flow_errno what, const char *word, const char *allowed,
		     const char *message);

// Cuts the next word off `*text`: up to a comma or a blank that stands in no brackets. NULL: there is none.
char *flow_text_word(char **text);
// Cuts a word in two at the first of `=`, `:` or a bracket (whose closing one goes, too); returns what is behind, or
// NULL if there is none.
char *flow_text_value(char *word);

// flow_text_match.c: the fields of a match, gathered as they come and then added in order.
struct flow_text_match {
	struct flow_value value[FLOW_FIELD_COUNT], mask[FLOW_FIELD_COUNT];
	uint64_t given;
	// Words whose field depends on the protocol.
	const char *nw_src, *nw_dst, *nw_proto, *tp_src, *tp_dst, *icmp_type, *icmp_code;
};

// Takes a word, if it is one of a match: 1, 0 if it is not, or -errno.
int flow_text_match_word(struct flow_text_match *t, const char *key, const char *value, struct flow_error *e);
int flow_text_match_end(struct flow_text_match *t, struct flow_match *m, struct flow_error *e);
void flow_text_match_print(FILE *out, const struct flow_match *m);

// flow_text_action.c. `m`: what is matched, or NULL. Reads actions, and of flows (`i` not NULL) instructions among
// them.
int flow_text_actions(char *text, struct flow_actions *a, struct flow_instructions *i, const struct flow_match *m,
		      struct flow_error *e);
void flow_text_actions_print(FILE *out, const struct flow_actions *a);
void flow_text_instructions_print(FILE *out, const struct flow_instructions *i);

// The field of a name, of OpenFlow or of Open vSwitch; -1: none, or one that depends on the protocol.
int flow_text_field(const char *name);
// Open vSwitch's name of a field, where it has one.
const char *flow_text_field_name(enum flow_field field);

#endif
