/* SPDX-License-Identifier: BSD-3-Clause */
// JSON-RPC methods and the server that calls them.
//
// Purpose: a method is a declaration (name, parameters, result, help) and a function; everything a caller can see of it
// comes from the declaration.
//
// Design: RPC_METHOD() registers at program start. The server decodes params against the declaration (unknown,
// missing, wrong type or out of range: -32602 naming the field), fills in defaults, wraps changing methods in a
// transaction, and answers after store_sync(). Answers to all requests of one loop iteration share one sync.
//
// Threads: control only.
#ifndef RPC_H
#define RPC_H

#include <event2/event.h>
#include <jansson.h>

#include "../ports/fault.h"
#include "../ports/param.h"
#include "txn.h"

enum rpc_flag {
	RPC_CHANGES = 1 << 0, // takes dry_run (added by the server), runs in a transaction, may be an op of `txn`
	RPC_OPEN = 1 << 1, // fields that `params` does not declare are passed on as they are: the method decodes them
			   // by a table of its own (port.add: those of the port's kind, listed by rpc.describe as such)
};

struct rpc_client;

struct rpc_call {
	struct txn *txn;           // RPC_CHANGES only
	struct rpc_client *client; // NULL when not called over the socket
};

// `params`: decoded, with defaults; borrowed. On success 0 and *result (a new reference; leave NULL for `true`). On
// failure -errno with the fault filled.
typedef int (*rpc_fn)(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f);

struct rpc_method {
	const char *name;           // "port.add"
	const char *help;           // one or two sentences
	const struct param *params; // NULL: none
	// More parameters, which depend on the others (those of port.add's kind); NULL: none. `in` is not yet checked.
	// A NULL answer: none, and then `params` must be what refuses the input.
	const struct param *(*more)(const json_t *in);
	const char *result;  // one sentence: the shape of the answer
	const char *example; // params as JSON text, run by a test; NULL if none makes sense
	unsigned int flags;
	rpc_fn call;
};

void rpc_method_register(const struct rpc_method *m);
const struct rpc_method *rpc_method_find(const char *name);
const struct rpc_method *rpc_method_at(unsigned int i); // in order of names; NULL past the end

#define RPC_METHOD(m)                                                                                                  \
	__attribute__((constructor)) static void rpc_method_register_##m(void)                                         \
	{                                                                                                              \
		rpc_method_register(&(m));                                                                             \
	}

// Checks `in` (an object, array in declared order not accepted; NULL counts as {}) against `params` and makes *out, a
// new object with defaults filled in. `path` is prefixed to field names ("" at the top). 0 or -EINVAL with a fault.
int rpc_decode(const struct param *params, const json_t *in, const char *path, json_t **out, struct fault *f);

// As rpc_decode() for all parameters of a method, those of `more` included. An object that came out of it goes through
// again unchanged.
int rpc_decode_params(const struct rpc_method *m, const json_t *in, const char *path, json_t **out, struct fault *f);

// What is wrong with a value, in one place for all checks that methods make beyond their declaration.
int rpc_fault_value(struct fault *f, int err, const char *field, const json_t *value, const char *allowed,
		    const char *fmt, ...) __attribute__((format(printf, 6, 7)));

// "ops[3]." + field: for a method that runs others on parts of its own parameters.
void rpc_fault_prefix(struct fault *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// Decodes params and runs a method by name inside c->txn (which may be NULL for methods that change nothing), as txn
// and config.apply do. Errors: those of the method; an unknown one is -ENOSYS, naming "method".
int rpc_run(const char *method, const json_t *params, struct rpc_call *c, json_t **result, struct fault *f);

// As the server does it: rpc_run() in a transaction of its own with dry_run where the method changes something.
// `params` may be NULL; a dry_run in it is taken out.
int rpc_do(const char *method, json_t *params, struct rpc_client *client, json_t **result, struct fault *f);

// The JSON-RPC error code of an -errno, and the error object of a fault (new reference).
int rpc_code(int err);
json_t *rpc_error(int code, const struct fault *f);

// The declaration of parameters as rpc.describe shows it: [{name, type, required, min, max, unit, default, choices,
// items, help}]. New reference.
json_t *rpc_describe_params(const struct param *params);

// Adds a member `name` to rpc.describe's answer ("port_types", "drop_reasons"); fn makes its value, a new reference.
// Both stay the caller's and must live on. At program start, by a constructor.
void rpc_describe_section(const char *name, json_t *(*fn)(void));

struct rpc_server_conf {
	struct event_base *base;
	const char *path;     // unix socket; at most 107 bytes
	unsigned int stall_s; // a client that reads nothing of its answers for so long is cut off; 0: 10 s
};

// Listens. A socket file where nobody answers is removed first; if a daemon answers: -EADDRINUSE.
int rpc_server_start(const struct rpc_server_conf *conf, struct fault *f);
void rpc_server_stop(void);

// Takes in a connected stream socket as a client, and owns it from then on. While the server is up.
void rpc_server_adopt(int fd);

// Tells subscribers of `topic` ("port", "link", "fdb", ...). `data` is stolen. Cheap when nobody subscribed;
// event_wanted() tells beforehand.
bool event_wanted(const char *topic);
void event_send(const char *topic, const char *what, json_t *data);

#endif
