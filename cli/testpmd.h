/* SPDX-License-Identifier: BSD-3-Clause */
// testpmd's vocabulary: the commands of DPDK's tester, in its spelling and with its output layout.
//
// Purpose: people know them and scripts are written in them. Here they are words for the daemon's methods.
//
// Design: a port's number is its id less one, so that the first port made is 0 and numbers behave as testpmd's do: they
// stay while a port lives, and the lowest free one comes next. Wherever a number may stand, a port's name may too.
// What the daemon cannot do is refused with the reason; nothing is accepted and then ignored.
// What testpmd keeps between commands (counters at the last show, at the start of forwarding) is in the session.
//
// Threads: one.
#ifndef TESTPMD_H
#define TESTPMD_H

#include "session.h"

// Runs words whose first ones are testpmd's. The exit status; a command that is unknown or not supported says why.
enum status testpmd_run(struct session *s, char *const *words, size_t n);

// Whether these words, which begin with "show", are testpmd's and not ours: `show port NAME` is ours.
bool testpmd_shows(char *const *words, size_t n);

// Why a command of testpmd is not to be had here, or NULL if it is none that we know of.
const char *testpmd_missing(char *const *words, size_t n);

// The i-th second word that may follow `first`, or NULL past the end: for completion.
const char *testpmd_second(const char *first, size_t i);
// The same for the third word, "" where it is not one of a few.
const char *testpmd_third(const char *first, const char *second, size_t i);

// --- for testpmd_*.c ---

// All ports as port.list tells them, by number. *list is a new reference.
enum status testpmd_ports(struct session *s, json_t **list);

// Those that `spec` stands for: "all", a number or a name. *picked is a new array. An error is said after `what`, as
// testpmd does.
enum status testpmd_pick(struct session *s, const char *what, const char *spec, json_t **picked);

// Runs fn on the ports that `spec` stands for, in order; goes on after one that fails, and answers the first failure.
typedef enum status (*testpmd_port_fn)(struct session *s, const json_t *port);
enum status testpmd_for_ports(struct session *s, const char *what, const char *spec, testpmd_port_fn fn);

unsigned int testpmd_number(const json_t *port);

// Calls a method that takes the port's `name` beside `more` (stolen; NULL: nothing). *result may be NULL.
enum status testpmd_port_call(struct session *s, const char *method, const json_t *port, json_t *more, json_t **result);

// What port.driver says of the port, a new reference; an empty object where no driver can be asked.
enum status testpmd_driver(struct session *s, const json_t *port, json_t **driver);

// A port's MAC address in testpmd's capitals; "" while there is none.
struct testpmd_mac {
	char text[18];
};
struct testpmd_mac testpmd_mac(const json_t *port);

// As session_fail(): a command of testpmd that cannot be had, and why.
enum status testpmd_refuse(struct session *s, char *const *words, size_t n, const char *why);

// A count or a number of `o`, 0 where there is none.
unsigned long long testpmd_count(const json_t *o, const char *key);

// Reads a decimal number. False if `text` is none up to `max`.
bool testpmd_parse(const char *text, unsigned int max, unsigned int *out);

// What the session keeps under `key` for these commands: an object, made if absent, borrowed.
json_t *testpmd_memory(struct session *s, const char *key);

typedef enum status (*testpmd_fn)(struct session *s, char *const *words, size_t n);
enum status testpmd_show_stats(struct session *s, char *const *words, size_t n);
enum status testpmd_show_xstats(struct session *s, char *const *words, size_t n);
enum status testpmd_show_summary(struct session *s, char *const *words, size_t n);
enum status testpmd_show_info(struct session *s, char *const *words, size_t n);
enum status testpmd_show_fwd(struct session *s, char *const *words, size_t n);
enum status testpmd_show_config(struct session *s, char *const *words, size_t n);
enum status testpmd_clear_stats(struct session *s, char *const *words, size_t n);
enum status testpmd_clear_fwd(struct session *s, char *const *words, size_t n);
enum status testpmd_set_fwd(struct session *s, char *const *words, size_t n);
enum status testpmd_set_burst(struct session *s, char *const *words, size_t n);
enum status testpmd_set_nbcore(struct session *s, char *const *words, size_t n);
enum status testpmd_set_verbose(struct session *s, char *const *words, size_t n);
enum status testpmd_set_promisc(struct session *s, char *const *words, size_t n);
enum status testpmd_set_txpkts(struct session *s, char *const *words, size_t n);
enum status testpmd_start(struct session *s, char *const *words, size_t n);
enum status testpmd_stop(struct session *s, char *const *words, size_t n);
enum status testpmd_port_admin(struct session *s, char *const *words, size_t n);
enum status testpmd_port_close(struct session *s, char *const *words, size_t n);
enum status testpmd_port_attach(struct session *s, char *const *words, size_t n);
enum status testpmd_port_detach(struct session *s, char *const *words, size_t n);
enum status testpmd_port_config(struct session *s, char *const *words, size_t n);
enum status testpmd_flow(struct session *s, char *const *words, size_t n);

// The block that `show fwd stats` and `stop` print.
enum status testpmd_print_fwd(struct session *s);

// From now on forward statistics count from zero, in this session.
enum status testpmd_fwd_zero(struct session *s);

#endif
