/* SPDX-License-Identifier: BSD-3-Clause */
// A store in a folder of its own, changes that depend on nothing but their number, and a model to compare it with.
#ifndef STORE_MODEL_H
#define STORE_MODEL_H

#include <stdbool.h>

#include "../../ports/fault.h"

extern char store_model_dir[64], store_model_path[96], store_model_journal[112];

// Setup and teardown of a test: the folder, and no faults.
int store_model_setup(void **state);
int store_model_teardown(void **state);
void store_model_clean(void); // removes all files
void store_model_open(void);

// Makes the n-th change of a series, as one transaction. store_model_change() also syncs, and must succeed.
int store_model_apply(unsigned int seed, unsigned int n, struct fault *f);
void store_model_change(unsigned int seed, unsigned int n);
// Whether the store is what the first n changes make.
bool store_model_is_at(unsigned int seed, unsigned int n);

#endif
