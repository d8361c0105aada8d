/* SPDX-License-Identifier: BSD-3-Clause */
// The traffic profiles that come with the programs.
//
// Purpose: a profile may be given by its name instead of as a document.
//
// Design: in ../pktgen-profiles seen from sluiced (a checkout), else in ../share/sluice/pktgen-profiles (installed).
// Names have no slash, so that a client reads nothing else by them.
//
// Threads: control only.
#ifndef PKTGEN_LIBRARY_H
#define PKTGEN_LIBRARY_H

#include <jansson.h>

#include "../ports/fault.h"

// `in`: a profile, or the name of one as a string. *out is the document, to be released. 0, -ENOENT for a name that
// there is not, -EINVAL for neither; `field` is at fault then.
int pktgen_library_get(const char *field, json_t *in, json_t **out, struct fault *f);

#endif
