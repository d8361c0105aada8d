/* SPDX-License-Identifier: BSD-3-Clause */
// The kinds of desired objects, as config.get and config.apply see them.
//
// Purpose: computing and applying the difference between a document and the desired state needs to know of a kind only
// what is declared here, so a new kind of object costs config nothing.
//
// Design: an object of the store is the decoded parameters of its add method (defaults filled in, nothing chosen by the
// daemon), so that a document's object, decoded in the same way, compares equal to it. A document is one array per
// kind, named `plural`, in rising `order`.
//
// Threads: control only; registered at program start.
#ifndef KINDS_H
#define KINDS_H

#include <jansson.h>
#include <stddef.h>

#include "../ports/fault.h"

struct txn;

#define KIND_KEY_LEN 256 // a key with its closing NUL

struct kind_ref {
	const char *field; // names an object, or NULL: the one that has this one's values in its key fields...
	const char *kind;  // ...of this kind
	const char *list;  // NULL, or the object's array whose elements have the field
};

struct kind {
	const char *name;       // as in txn_put(): "bridge_port"
	const char *plural;     // the document's member: "bridge_ports"
	unsigned int order;     // what others refer to has the lower number
	const char *add, *del;  // methods; del takes the key's fields
	const char *set;        // takes the key's fields and those to change; NULL: a change is del and add
	const char *const *key; // fields that make up the key, ends with NULL; none: there is one such object at most
	// For a kind that keeps its objects itself (store_table); both NULL for others. objects: a map from key to
	// object, a new reference, NULL: no memory. restore: makes them all, as objects_restore() does by `add`.
	json_t *(*objects)(void);
	void (*restore)(struct txn *t);
	const struct kind_ref *refs; // objects that must be there before and longer; ends with a NULL kind; NULL: none
};

void kind_register(const struct kind *k);
const struct kind *kind_at(unsigned int i); // by rising order; NULL past the end
const struct kind *kind_find(const char *name);

// All desired objects of a kind by key; new reference, NULL: no memory.
json_t *kind_objects(const struct kind *k);

// The store's key of an object: the values of its key fields joined by "/" (a name alone for most kinds; the kind's own
// where there are none). 0, or -EINVAL if a field is missing, no string or integer, or the key too long.
int kind_key(const struct kind *k, const json_t *object, char key[KIND_KEY_LEN]);

#define KIND(k)                                                                                                        \
	__attribute__((constructor)) static void kind_register_##k(void)                                               \
	{                                                                                                              \
		kind_register(&(k));                                                                                   \
	}

#endif
