/* SPDX-License-Identifier: BSD-3-Clause */
#include "pktgen_profile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rpc.h"

#define HEADER_LEN_MAX (PKTGEN_HEADER_MAX - PKTGEN_STAMP)

static const struct param size_params[] = {
	{.name = "size",
	 .type = PARAM_INT,
	 .flags = PARAM_REQUIRED,
	 .min = PKTGEN_FRAME_MIN,
	 .max = PKTGEN_FRAME_MAX,
	 .unit = "bytes"},
	{.name = "weight", .type = PARAM_INT, .min = 1, .max = PKTGEN_SCHEDULE_MAX, .def = "1"},
	{0},
};

static const struct param rate_params[] = {
	{.name = "pps", .type = PARAM_INT, .min = 1, .max = 1000000000, .unit = "packets/s"},
	{.name = "bps", .type = PARAM_INT, .min = 1000, .max = 1000000000000, .unit = "bits/s"},
	{0},
};

static const struct param burst_params[] = {
	{.name = "on", .type = PARAM_NUMBER, .flags = PARAM_REQUIRED, .max = 3600, .unit = "s"},
	{.name = "off", .type = PARAM_NUMBER, .flags = PARAM_REQUIRED, .max = 3600, .unit = "s"},
	{0},
};

static const struct param profile_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED},
	{.name = "description", .type = PARAM_STRING, .max = 1000},
	{.name = "layers",
	 .type = PARAM_OBJECT,
	 .flags = PARAM_REQUIRED}, // stands for the array, read by layers_load()
	{.name = "size", .type = PARAM_INT, .min = PKTGEN_FRAME_MIN, .max = PKTGEN_FRAME_MAX, .unit = "bytes"},
	{.name = "sizes", .type = PARAM_OBJECTS, .min = 1, .max = PKTGEN_SIZES_MAX, .items = size_params},
	{.name = "flows", .type = PARAM_INT, .min = 1, .max = PKTGEN_FLOWS_MAX},
	{.name = "stamp", .type = PARAM_BOOL, .def = "true"},
	{.name = "rate", .type = PARAM_OBJECT},
	{.name = "burst", .type = PARAM_OBJECT},
	{0},
};

// The names in a set of layer types, as an error lists them.
static const char *layer_names(uint32_t types, bool end, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (unsigned int i = 0; i < PKTGEN_LAYER_COUNT; i++)
		if (types >> i & 1)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? ", " : "", pktgen_layers[i].name);
	if (end)
		snprintf(buf + len, size - len, "%snothing", len ? ", " : "");
	return buf;
}

static const char *field_names(const struct pktgen_layer_decl *d, char *buf, size_t size)
{
	size_t len = (size_t)snprintf(buf, size, "layer");

	for (const struct pktgen_field_decl *fd = d->field; fd->name; fd++)
		len += (size_t)snprintf(buf + len, size - len, ", %s", fd->name);
	return buf;
}

// The member "layer" names the type, since "type" is a field of eth.
static int layer_type(const json_t *in, const char *path, enum pktgen_layer_type *out, struct fault *f)
{
	const json_t *type = json_object_get(in, "layer");
	const char *name = json_string_value(type);
	char at[PKTGEN_PATH], allowed[160];

	for (*out = 0; name && *out < PKTGEN_LAYER_COUNT; ++*out)
		if (strcmp(pktgen_layers[*out].name, name) == 0)
			return 0;
	pktgen_path(at, "%s%s", path, json_is_object(in) ? ".layer" : "");
	return rpc_fault_value(f, -EINVAL, at, json_is_object(in) ? type : in,
			       layer_names((1U << PKTGEN_LAYER_COUNT) - 1, false, allowed, sizeof(allowed)),
			       "not a layer");
}

static int layer_load(struct pktgen_profile *p, struct pktgen_layer *l, const json_t *in, const char *path,
		      struct fault *f)
{
	const struct pktgen_layer_decl *d;
	char at[PKTGEN_PATH], allowed[160];
	const char *name;
	json_t *value;
	int rc = layer_type(in, path, &l->type, f);

	if (rc < 0)
		return rc;
	d = &pktgen_layers[l->type];
	for (int i = 0; d->field[i].name; i++)
		l->field[i].from.lo = d->field[i].def;
	json_object_foreach ((json_t *)(uintptr_t)in, name, value) {
		int i = pktgen_field_find(l->type, name);

		pktgen_path(at, "%s.%.40s", path, name);
		if (strcmp(name, "layer") == 0)
			continue;
		if (i < 0)
			return rpc_fault_value(f, -EINVAL, at, value, field_names(d, allowed, sizeof(allowed)),
					       "%s has no such field", d->name);
		rc = pktgen_field_load(p, &d->field[i], value, at, &l->field[i], f);
		if (rc < 0)
			return rc;
	}
	l->bytes = d->bytes;
	if (l->type == PKTGEN_GRE && l->field[0].given)
		l->bytes += 4;
	return 0;
}

// What the layer says of the one behind it.
static void computed_fields(struct pktgen_layer *l, const struct pktgen_layer *next)
{
	const struct pktgen_layer_decl *d = &pktgen_layers[l->type], *nd = &pktgen_layers[next->type];

	for (int i = 0; d->field[i].name; i++)
		if (d->field[i].computed)
			l->field[i].from.lo =
				l->type == PKTGEN_IPV4 || l->type == PKTGEN_IPV6 ? nd->proto : nd->ethertype;
	if (next->type == PKTGEN_VXLAN && !l->field[1].given)
		l->field[1].from.lo = 4789; // RFC 7348
}

// Whether layer i fits behind the one before it.
static int layer_follows(struct pktgen_profile *p, unsigned int i, const json_t *in, const char *path, struct fault *f)
{
	struct pktgen_layer *before = i ? &p->layer[i - 1] : NULL;
	const struct pktgen_layer_decl *d = before ? &pktgen_layers[before->type] : NULL;
	uint32_t may = d ? d->next : 1U << PKTGEN_ETH;
	char at[PKTGEN_PATH], allowed[160];

	pktgen_path(at, "%s[%u].layer", path, i);
	if (!(may >> p->layer[i].type & 1))
		return rpc_fault_value(f, -EINVAL, at, json_object_get(in, "layer"),
				       layer_names(may, d && d->may_end, allowed, sizeof(allowed)),
				       "%s cannot follow %s", pktgen_layers[p->layer[i].type].name,
				       d ? d->name : "nothing");
	for (int k = 0; d && d->field[k].name; k++) {
		if (!d->field[k].computed || !before->field[k].given)
			continue;
		pktgen_path(at, "%s[%u].%s", path, i - 1, d->field[k].name);
		return rpc_fault_value(f, -EINVAL, at, NULL, "nothing here, or no layer behind it",
				       "%s follows from the next layer", d->field[k].name);
	}
	if (before)
		computed_fields(before, &p->layer[i]);
	return 0;
}

static int layers_end(struct pktgen_profile *p, const char *path, struct fault *f)
{
	const struct pktgen_layer_decl *d = &pktgen_layers[p->layer[p->nlayers - 1].type];
	unsigned int walks = 0;
	char allowed[160];

	if (!d->may_end)
		return rpc_fault_value(f, -EINVAL, path, NULL, layer_names(d->next, false, allowed, sizeof(allowed)),
				       "%s needs a layer behind it", d->name);
	for (unsigned int i = 0; i < p->nlayers; i++) {
		p->layer[i].offset = p->header_len;
		p->header_len += p->layer[i].bytes;
		for (unsigned int k = 0; k < PKTGEN_FIELDS_MAX; k++)
			walks += p->layer[i].field[k].walk != PKTGEN_CONST;
	}
	if (p->header_len > HEADER_LEN_MAX)
		return rpc_fault_value(f, -EINVAL, path, NULL, "at most 240 bytes of headers", "%u bytes of headers",
				       p->header_len);
	if (walks > PKTGEN_WRITES_MAX)
		return rpc_fault_value(f, -EINVAL, path, NULL, "at most 16 fields that differ between frames",
				       "%u fields differ", walks);
	return 0;
}

static int layers_load(struct pktgen_profile *p, const json_t *in, const char *path, struct fault *f)
{
	const json_t *item;
	char at[PKTGEN_PATH];
	size_t i;
	int rc;

	if (!json_is_array(in) || json_array_size(in) == 0 || json_array_size(in) > PKTGEN_LAYERS_MAX)
		return rpc_fault_value(f, -EINVAL, path, in, "an array of 1..16 layers", "layers is no such array");
	json_array_foreach (in, i, item) {
		pktgen_path(at, "%s[%zu]", path, i);
		rc = layer_load(p, &p->layer[i], item, at, f);
		if (rc == 0)
			rc = layer_follows(p, (unsigned int)i, item, path, f);
		if (rc < 0)
			return rc;
		p->nlayers++;
	}
	return layers_end(p, path, f);
}

static int size_add(struct pktgen_profile *p, const json_t *size, uint32_t weight, const char *path, struct fault *f)
{
	unsigned int least = p->header_len + PKTGEN_FCS + (p->stamp ? PKTGEN_STAMP : 0);
	uint32_t bytes = (uint32_t)json_integer_value(size);
	char allowed[96];

	if (bytes < least) {
		snprintf(allowed, sizeof(allowed), "%u..%u%s", least, PKTGEN_FRAME_MAX,
			 p->stamp ? ", or 16 less with \"stamp\": false" : "");
		return rpc_fault_value(f, -EINVAL, path, size, allowed, "too small for %u bytes of headers%s and FCS",
				       p->header_len, p->stamp ? ", stamp" : "");
	}
	p->size[p->nsizes].bytes = (uint16_t)bytes;
	p->size[p->nsizes++].weight = (uint16_t)weight;
	return 0;
}

static int sizes_load(struct pktgen_profile *p, const json_t *in, const char *path, struct fault *f)
{
	const json_t *one = json_object_get(in, "size"), *list = json_object_get(in, "sizes"), *item;
	uint32_t weights = 0;
	char at[PKTGEN_PATH];
	size_t i;
	int rc = 0;

	pktgen_path(at, "%s.size", path);
	if (!one == !list)
		return rpc_fault_value(f, -EINVAL, at, one, "one of size and sizes",
				       one ? "both size and sizes" : "neither size nor sizes");
	if (one)
		return size_add(p, one, 1, at, f);
	json_array_foreach (list, i, item) {
		uint32_t weight = (uint32_t)json_integer_value(json_object_get(item, "weight"));

		pktgen_path(at, "%s.sizes[%zu].size", path, i);
		rc = size_add(p, json_object_get(item, "size"), weight, at, f);
		if (rc < 0)
			return rc;
		weights += weight;
	}
	pktgen_path(at, "%s.sizes", path);
	if (weights > PKTGEN_SCHEDULE_MAX)
		return rpc_fault_value(f, -EINVAL, at, NULL, "weights of at most 1024 in sum", "the weights' sum is %u",
				       weights);
	return 0;
}

static int flows_load(struct pktgen_profile *p, const json_t *flows, const char *path, struct fault *f)
{
	bool walks = false;
	char at[PKTGEN_PATH];

	for (unsigned int i = 0; i < p->nlayers; i++)
		for (unsigned int k = 0; k < PKTGEN_FIELDS_MAX; k++)
			walks |= p->layer[i].field[k].walk != PKTGEN_CONST;
	pktgen_path(at, "%s.flows", path);
	if (walks && !flows)
		return rpc_fault_value(f, -EINVAL, at, NULL, "an integer 1..16777216",
				       "fields walk, but flows is missing");
	p->flows = flows ? (uint32_t)json_integer_value(flows) : 1;
	if (p->flows > 1 && !walks)
		return rpc_fault_value(f, -EINVAL, at, flows, "1, or a field that walks", "all frames are the same");
	return 0;
}

// Decodes a member object of the profile by its own table; NULL if it is not there.
static int part(const json_t *in, const char *name, const struct param *params, const char *path, json_t **out,
		struct fault *f)
{
	const json_t *value = json_object_get(in, name);
	char at[PKTGEN_PATH];

	*out = NULL;
	pktgen_path(at, "%s.%s.", path, name);
	return value ? rpc_decode(params, value, at, out, f) : 0;
}

static int rate_load(struct pktgen_profile *p, const json_t *in, const char *path, struct fault *f)
{
	const json_t *pps, *bps;
	char at[PKTGEN_PATH];
	json_t *rate;
	int rc = part(in, "rate", rate_params, path, &rate, f);

	if (!rate)
		return rc;
	pps = json_object_get(rate, "pps");
	bps = json_object_get(rate, "bps");
	pktgen_path(at, "%s.rate", path);
	if (!pps == !bps)
		rc = rpc_fault_value(f, -EINVAL, at, rate, "one of pps and bps", "the rate is not clear");
	p->pps = (uint64_t)json_integer_value(pps);
	p->bps = (uint64_t)json_integer_value(bps);
	json_decref(rate);
	return rc;
}

static int burst_load(struct pktgen_profile *p, const json_t *in, const char *path, struct fault *f)
{
	double pps = p->pps ? (double)p->pps : (double)p->bps / 8 / (pktgen_profile_mean_size(p) + 20);
	const char *short_of;
	char at[PKTGEN_PATH];
	json_t *burst;
	int rc = part(in, "burst", burst_params, path, &burst, f);

	if (!burst)
		return rc;
	p->on_s = json_number_value(json_object_get(burst, "on"));
	p->off_s = json_number_value(json_object_get(burst, "off"));
	short_of = p->on_s < 1e-6 ? "on" : p->off_s < 1e-6 ? "off" : NULL;
	pktgen_path(at, "%s.burst%s%s", path, short_of ? "." : "", short_of ? short_of : "");
	if (short_of)
		rc = rpc_fault_value(f, -EINVAL, at, json_object_get(burst, short_of), "0.000001..3600 s",
				     "too short a time");
	else if (pps > 0 && pps * p->on_s < 1)
		rc = rpc_fault_value(f, -EINVAL, at, burst, "at least one packet of the rate in `on`",
				     "no packet in a burst");
	json_decref(burst);
	return rc;
}

static int rest_load(struct pktgen_profile *p, const json_t *in, const char *path, struct fault *f)
{
	int rc;

	snprintf(p->name, sizeof(p->name), "%s", json_string_value(json_object_get(in, "name")));
	p->stamp = json_is_true(json_object_get(in, "stamp"));
	rc = sizes_load(p, in, path, f);
	if (rc == 0)
		rc = flows_load(p, json_object_get(in, "flows"), path, f);
	if (rc == 0)
		rc = rate_load(p, in, path, f);
	if (rc == 0)
		rc = burst_load(p, in, path, f);
	return rc;
}

int pktgen_profile_load(struct pktgen_profile *p, const json_t *in, const char *path, struct fault *f)
{
	const json_t *layers = json_object_get(in, "layers");
	json_t *copy, *decoded = NULL;
	char at[PKTGEN_PATH];
	int rc;

	memset(p, 0, sizeof(*p));
	if (!json_is_object(in))
		return rpc_fault_value(f, -EINVAL, path, in, "an object", "a profile is an object");
	copy = json_copy((json_t *)(uintptr_t)in);
	if (!copy)
		return fault_set(f, -ENOMEM, path, NULL, NULL, "no memory for the profile");
	if (layers)
		json_object_set_new(copy, "layers", json_object());
	pktgen_path(at, "%s.", path);
	rc = rpc_decode(profile_params, copy, at, &decoded, f);
	json_decref(copy);
	if (rc < 0)
		return rc;
	pktgen_path(at, "%s.layers", path);
	rc = layers_load(p, layers, at, f);
	if (rc == 0)
		rc = rest_load(p, decoded, path, f);
	json_decref(decoded);
	return rc;
}

double pktgen_profile_mean_size(const struct pktgen_profile *p)
{
	double bytes = 0, weights = 0;

	for (unsigned int i = 0; i < p->nsizes; i++) {
		bytes += (double)p->size[i].bytes * p->size[i].weight;
		weights += p->size[i].weight;
	}
	return bytes / weights;
}
