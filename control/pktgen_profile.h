/* SPDX-License-Identifier: BSD-3-Clause */
// Traffic as data: a profile says which frames to make, how many flows, and how they are spread over time.
//
// Purpose: pktgen-profiles/*.json (described by pktgen-profiles/schema.json) become a `struct pktgen_profile`, which
// is checked in full: what can be loaded can be generated. From it come the generator's templates (pktgen_compile()),
// and exports to other generators (pktgen_export.h).
//
// Design: a layer is a table of fields (pktgen_layers.c): name, bits, place. Loader, compiler and exports know layers
// by that table, so a new one is a few lines there.
//
// Threads: control, or any one thread that owns the profile.
#ifndef PKTGEN_PROFILE_H
#define PKTGEN_PROFILE_H

#include <jansson.h>

#include "../datapath/pktgen_frame.h"
#include "../ports/fault.h"

#define PKTGEN_LAYERS_MAX 16
#define PKTGEN_FIELDS_MAX 10 // of one layer
#define PKTGEN_PATH 160      // a JSON path; what is longer is cut

enum pktgen_layer_type {
	PKTGEN_ETH,
	PKTGEN_VLAN,
	PKTGEN_QINQ,
	PKTGEN_MPLS,
	PKTGEN_IPV4,
	PKTGEN_IPV6,
	PKTGEN_UDP,
	PKTGEN_TCP,
	PKTGEN_GRE,
	PKTGEN_VXLAN,
	PKTGEN_LAYER_COUNT,
};

enum pktgen_notation { PKTGEN_NUMBER, PKTGEN_MAC, PKTGEN_IP4, PKTGEN_IP6 };

// What a layer's field is and where: `bits` bits, `shift` bits from the right of the word of `width` at `offset`.
struct pktgen_field_decl {
	const char *name;
	enum pktgen_notation notation;
	uint8_t bits, width, offset, shift;
	bool walks;    // may differ from frame to frame
	bool computed; // follows from the next layer unless given; only the last layer may be given one
	uint64_t def;
};

struct pktgen_layer_decl {
	const char *name;
	uint8_t bytes;
	uint32_t next;      // bit i: layer type i may follow
	bool may_end;       // may be the last layer
	uint16_t ethertype; // that names it in the layer before; 0: it follows no Ethernet type
	uint8_t proto;      // its IP protocol number, 0: none
	struct pktgen_field_decl field[PKTGEN_FIELDS_MAX + 1]; // ends with a NULL name
};

extern const struct pktgen_layer_decl pktgen_layers[PKTGEN_LAYER_COUNT];

struct pktgen_field {
	bool given;
	enum pktgen_walk walk;
	struct pktgen_value from; // the constant, or where the walk begins
	uint64_t step, span, seed;
	uint32_t count, each;
	uint8_t nprefixes, first_prefix;
};

struct pktgen_layer {
	enum pktgen_layer_type type;
	uint16_t offset; // in the frame
	uint16_t bytes;
	struct pktgen_field field[PKTGEN_FIELDS_MAX]; // in the order of the declaration
};

struct pktgen_profile {
	char name[64];
	struct pktgen_layer layer[PKTGEN_LAYERS_MAX];
	unsigned int nlayers;
	uint16_t header_len;
	struct {
		uint16_t bytes; // with FCS
		uint16_t weight;
	} size[PKTGEN_SIZES_MAX];
	unsigned int nsizes;
	uint32_t flows;
	bool stamp;
	struct pktgen_prefix prefix[PKTGEN_PREFIXES_MAX];
	uint8_t prefix_len[PKTGEN_PREFIXES_MAX];
	unsigned int nprefixes;
	uint64_t pps, bps;  // at most one is not 0; both 0: as fast as it goes
	double on_s, off_s; // microbursts; 0: constant
};

// Reads a profile. `path` names it in errors ("profile"). 0, or -EINVAL with a fault that has the JSON path, the value
// and what is allowed.
int pktgen_profile_load(struct pktgen_profile *p, const json_t *in, const char *path, struct fault *f);

// Reads one field's value, constant or walk (pktgen_value.c). `field` is its JSON path.
int pktgen_field_load(struct pktgen_profile *p, const struct pktgen_field_decl *d, const json_t *in, const char *path,
		      struct pktgen_field *out, struct fault *f);

// Prints a JSON path.
void pktgen_path(char buf[PKTGEN_PATH], const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// The templates and writes of a loaded profile; cannot fail.
void pktgen_compile(const struct pktgen_profile *p, struct pktgen_frame *out);

// Index of a field by name in a layer type; -1: none.
int pktgen_field_find(enum pktgen_layer_type type, const char *name);

// Bytes of a frame on average, with FCS.
double pktgen_profile_mean_size(const struct pktgen_profile *p);

#endif
