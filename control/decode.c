/* SPDX-License-Identifier: BSD-3-Clause */
// rpc_decode(): parameters against their declaration. The name of a field at fault is put together only when one is,
// because bulk methods decode a hundred thousand elements.
#include "rpc.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-"
#define NAME_MAX_LEN 31

// Where in the input we are: a chain on the stack, from the innermost part out.
struct place {
	const struct place *outer;
	const char *prefix; // outermost: what the caller gave
	const char *name;   // a member, or NULL: element `index`
	size_t index;
};

static size_t place_format(const struct place *at, char *buf, size_t size)
{
	size_t len = 0;
	int n;

	if (at == NULL)
		return 0;
	len = place_format(at->outer, buf, size);
	if (at->prefix != NULL)
		n = snprintf(buf + len, size - len, "%s", at->prefix);
	else if (at->name != NULL)
		n = snprintf(buf + len, size - len, "%s%s", at->outer->prefix == NULL ? "." : "", at->name);
	else
		n = snprintf(buf + len, size - len, "[%zu]", at->index);
	if (n < 0 || (size_t)n >= size - len)
		return size - 1;
	return len + (size_t)n;
}

static const char *range_text(const struct param *p, const char *what, char *buf, size_t size)
{
	const char *space = p->unit != NULL ? " " : "", *unit = p->unit != NULL ? p->unit : "";

	if (p->min == 0 && p->max == 0)
		snprintf(buf, size, "%s%s%s", what, p->unit != NULL ? " in " : "", unit);
	else
		snprintf(buf, size, "%s %" PRId64 "..%" PRId64 "%s%s", what, p->min, p->max, space, unit);
	return buf;
}

static const char *choices_text(const struct param *p, const char *what, char *buf, size_t size)
{
	size_t len = (size_t)snprintf(buf, size, "%s", what);

	for (const char *const *choice = p->choices; *choice != NULL && len < size; choice++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", choice == p->choices ? "" : ", ", *choice);
	return buf;
}

// What a parameter accepts, in words.
static const char *allowed_text(const struct param *p, char *buf, size_t size)
{
	bool limited = p->min != 0 || p->max != 0;

	switch (p->type) {
	case PARAM_BOOL:
		return "true or false";
	case PARAM_INT:
		return range_text(p, "an integer", buf, size);
	case PARAM_NUMBER:
		return range_text(p, "a number", buf, size);
	case PARAM_STRING:
		if (!limited)
			return "a string";
		snprintf(buf, size, "a string of %" PRId64 "..%" PRId64 " bytes", p->min, p->max);
		return buf;
	case PARAM_NAME:
		return "a name: 1-31 of [A-Za-z0-9_.:-]";
	case PARAM_MAC:
		return "a MAC address: aa:bb:cc:dd:ee:ff";
	case PARAM_ENUM:
		return choices_text(p, "one of: ", buf, size);
	case PARAM_INTS:
		return range_text(p, "an array of integers", buf, size);
	case PARAM_STRINGS:
		return p->choices != NULL ? choices_text(p, "an array of: ", buf, size) : "an array of strings";
	case PARAM_OBJECT:
		return "an object";
	case PARAM_VALUE:
		return "a value, as its help says";
	case PARAM_OBJECTS:
		if (!limited)
			return "an array of objects";
		snprintf(buf, size, "an array of %" PRId64 "..%" PRId64 " objects", p->min, p->max);
		return buf;
	}
	return "";
}

static int refuse(const struct param *p, const struct place *at, const json_t *value, const char *problem,
		  struct fault *f)
{
	char field[sizeof(f->field)] = "";
	char allowed[sizeof(f->allowed)];

	place_format(at, field, sizeof(field));
	return rpc_fault_value(f, -EINVAL, field, value, allowed_text(p, allowed, sizeof(allowed)), "%s %s", p->name,
			       problem);
}

static bool in_range(const struct param *p, int64_t value)
{
	return (p->min == 0 && p->max == 0) || (value >= p->min && value <= p->max);
}

static bool number_in_range(const struct param *p, double value)
{
	return (p->min == 0 && p->max == 0) || (value >= (double)p->min && value <= (double)p->max);
}

static bool is_choice(const struct param *p, const char *text)
{
	for (const char *const *choice = p->choices; *choice != NULL; choice++)
		if (strcmp(*choice, text) == 0)
			return true;
	return false;
}

static bool mac_valid(const char *text)
{
	for (unsigned int i = 0; i < 17; i++)
		if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
			return false;
	return text[17] == '\0';
}

static json_t *mac_lower(json_t *value)
{
	char mac[18];

	for (unsigned int i = 0; i < sizeof(mac); i++)
		mac[i] = (char)tolower((unsigned char)json_string_value(value)[i]);
	return json_string(mac);
}

// What is wrong with a string, or NULL.
static const char *string_problem(const struct param *p, const json_t *value)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (text == NULL)
		return "has the wrong type";
	if (strlen(text) != len)
		return "has a NUL inside";
	switch (p->type) {
	case PARAM_NAME:
		return len == 0 || len > NAME_MAX_LEN || strspn(text, NAME_CHARS) != len ? "is no valid name" : NULL;
	case PARAM_MAC:
		return mac_valid(text) ? NULL : "is no MAC address";
	default:
		if (p->choices != NULL)
			return is_choice(p, text) ? NULL : "is none of the choices";
		return in_range(p, (int64_t)len) ? NULL : "has the wrong length";
	}
}

// JSON has one kind of number, and some programs write all of theirs with a point: 2.0 is an integer.
static const char *int_problem(const struct param *p, const json_t *value)
{
	double number = json_number_value(value);

	if (!json_is_number(value) || (json_is_real(value) && number != floor(number)))
		return "has the wrong type";
	if (json_is_real(value) && !(fabs(number) < 0x1p63))
		return "is out of range";
	return in_range(p, json_is_real(value) ? (int64_t)number : json_integer_value(value)) ? NULL
											      : "is out of range";
}

static json_t *int_value(json_t *value)
{
	return json_is_real(value) ? json_integer((json_int_t)json_real_value(value)) : json_incref(value);
}

static const char *scalar_problem(const struct param *p, const json_t *value)
{
	switch (p->type) {
	case PARAM_BOOL:
		return json_is_boolean(value) ? NULL : "has the wrong type";
	case PARAM_INT:
	case PARAM_INTS:
		return int_problem(p, value);
	case PARAM_NUMBER:
		if (!json_is_number(value))
			return "has the wrong type";
		return number_in_range(p, json_number_value(value)) ? NULL : "is out of range";
	case PARAM_VALUE:
		return NULL;
	case PARAM_OBJECT:
		return json_is_object(value) ? NULL : "has the wrong type";
	default:
		return string_problem(p, value);
	}
}

static int decode_object(const struct param *params, const struct param *more, bool open_too, const json_t *in,
			 const struct place *at, json_t **out, struct fault *f);

// Whether values of these parameters come out of decoding as they went in, so that an object of them need not be
// copied: a bulk has a hundred thousand.
static bool stay_the_same(const struct param *params)
{
	for (const struct param *p = params; p->name != NULL; p++)
		if (p->def != NULL || p->type == PARAM_MAC || p->type == PARAM_INT || p->type == PARAM_INTS ||
		    p->type == PARAM_OBJECTS)
			return false;
	return true;
}

static int decode_objects(const struct param *p, const json_t *in, const struct place *at, json_t **out,
			  struct fault *f)
{
	bool same = stay_the_same(p->items);
	json_t *array = json_array();
	size_t i;
	json_t *item;

	json_array_foreach (in, i, item) {
		struct place here = {.outer = at, .index = i};
		json_t *decoded;
		int rc = decode_object(p->items, NULL, false, item, &here, same ? NULL : &decoded, f);

		if (rc < 0) {
			json_decref(array);
			return rc;
		}
		json_array_append_new(array, same ? json_incref(item) : decoded);
	}
	*out = array;
	return 0;
}

static int decode_array(const struct param *p, json_t *in, const struct place *at, json_t **out, struct fault *f)
{
	json_t *item, *array;
	size_t i;

	if (!json_is_array(in))
		return refuse(p, at, in, "has the wrong type", f);
	if (p->type == PARAM_OBJECTS) {
		if (!in_range(p, (int64_t)json_array_size(in)))
			return refuse(p, at, NULL, "has the wrong number of elements", f);
		return decode_objects(p, in, at, out, f);
	}
	json_array_foreach (in, i, item) {
		struct place here = {.outer = at, .index = i};
		const char *problem = scalar_problem(p, item);

		if (problem != NULL)
			return refuse(p, &here, item, problem, f);
	}
	if (p->type != PARAM_INTS) {
		*out = json_incref(in);
		return 0;
	}
	array = json_array();
	json_array_foreach (in, i, item)
		json_array_append_new(array, int_value(item));
	*out = array;
	return 0;
}

static int decode_value(const struct param *p, json_t *in, const struct place *at, json_t **out, struct fault *f)
{
	const char *problem;

	if (p->type == PARAM_INTS || p->type == PARAM_STRINGS || p->type == PARAM_OBJECTS)
		return decode_array(p, in, at, out, f);
	problem = scalar_problem(p, in);
	if (problem != NULL)
		return refuse(p, at, in, problem, f);
	if (p->type == PARAM_MAC)
		*out = mac_lower(in);
	else
		*out = p->type == PARAM_INT ? int_value(in) : json_incref(in);
	return 0;
}

// Decodes the declared members of `in` into `out` (NULL: checks them only); adds how many were there to *seen.
static int decode_members(const struct param *params, const json_t *in, const struct place *at, json_t *out,
			  size_t *seen, struct fault *f)
{
	for (const struct param *p = params; p != NULL && p->name != NULL; p++) {
		struct place here = {.outer = at, .name = p->name};
		json_t *value = json_object_get(in, p->name);
		json_t *decoded = NULL;
		int rc;

		if (value != NULL) {
			(*seen)++;
			rc = decode_value(p, value, &here, &decoded, f);
			if (rc < 0)
				return rc;
		} else if (p->flags & PARAM_REQUIRED) {
			return refuse(p, &here, NULL, "is missing", f);
		} else if (p->def != NULL) {
			decoded = json_loads(p->def, JSON_DECODE_ANY, NULL);
		}
		if (decoded != NULL && out != NULL)
			json_object_set_new_nocheck(out, p->name, decoded);
		else
			json_decref(decoded);
	}
	return 0;
}

static bool is_declared(const struct param *params, const char *name)
{
	for (const struct param *p = params; p != NULL && p->name != NULL; p++)
		if (strcmp(p->name, name) == 0)
			return true;
	return false;
}

static int refuse_unknown(const struct param *params, const struct param *more, const json_t *in,
			  const struct place *at, struct fault *f)
{
	const struct param *tables[] = {params, more};
	char field[sizeof(f->field)] = "";
	char allowed[sizeof(f->allowed)] = "no parameters";
	size_t len = 0;
	const char *name;
	json_t *value;

	for (unsigned int i = 0; i < 2; i++)
		for (const struct param *p = tables[i]; p != NULL && p->name != NULL && len < sizeof(allowed); p++)
			len += (size_t)snprintf(allowed + len, sizeof(allowed) - len, "%s%s", len == 0 ? "" : ", ",
						p->name);
	json_object_foreach ((json_t *)(uintptr_t)in, name, value) {
		struct place here = {.outer = at, .name = name};

		if (is_declared(params, name) || is_declared(more, name))
			continue;
		place_format(&here, field, sizeof(field));
		return rpc_fault_value(f, -EINVAL, field, value, allowed, "%.100s is no parameter here", name);
	}
	return 0;
}

// An open method checks by itself what it does not declare.
static int copy_rest(const json_t *in, json_t *out)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)in, name, value)
		if (json_object_get(out, name) == NULL)
			json_object_set(out, name, value);
	return 0;
}

// out NULL: it is only checked.
static int decode_object(const struct param *params, const struct param *more, bool open_too, const json_t *in,
			 const struct place *at, json_t **out, struct fault *f)
{
	char field[sizeof(f->field)] = "";
	size_t seen = 0;
	json_t *object;
	int rc;

	if (in != NULL && !json_is_object(in)) {
		place_format(at, field, sizeof(field));
		return rpc_fault_value(f, -EINVAL, field[0] != '\0' ? field : "params", in, "an object",
				       "an object is expected");
	}
	object = out != NULL ? json_object() : NULL;
	rc = decode_members(params, in, at, object, &seen, f);
	if (rc == 0)
		rc = decode_members(more, in, at, object, &seen, f);
	if (rc == 0 && seen < json_object_size(in))
		rc = open_too ? copy_rest(in, object) : refuse_unknown(params, more, in, at, f);
	if (rc < 0) {
		json_decref(object);
		return rc;
	}
	if (out != NULL)
		*out = object;
	return 0;
}

int rpc_decode(const struct param *params, const json_t *in, const char *path, json_t **out, struct fault *f)
{
	struct place top = {.prefix = path};

	return decode_object(params, NULL, false, in, &top, out, f);
}

int rpc_decode_params(const struct rpc_method *m, const json_t *in, const char *path, json_t **out, struct fault *f)
{
	const struct param *more = m->more != NULL ? m->more(in) : NULL;
	struct place top = {.prefix = path};

	return decode_object(m->params, more, m->flags & RPC_OPEN, in, &top, out, f);
}
