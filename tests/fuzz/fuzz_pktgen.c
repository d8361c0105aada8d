/* SPDX-License-Identifier: BSD-3-Clause */
// Traffic profiles: what can be loaded can be generated and exported, what cannot is refused with its path.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../control/pktgen_export.h"
#include "../../control/pktgen_profile.h"

#define BURSTS 3
#define EXPORTED 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Frames into buffers that are as long as they have to be.
static void generate(struct pktgen_frame *f)
{
	const struct pktgen_size *which[PKTGEN_FRAMES_MAX];
	uint8_t *at[PKTGEN_FRAMES_MAX];

	if (f->header_len > f->header_lines * 64 || f->header_lines * 64 > PKTGEN_HEADER_MAX || f->flows == 0)
		abort();
	for (unsigned int i = 0; i < PKTGEN_FRAMES_MAX; i++)
		at[i] = malloc(f->header_lines * 64u);
	for (unsigned int burst = 0; burst < BURSTS; burst++) {
		for (unsigned int i = 0; i < PKTGEN_FRAMES_MAX; i++) {
			which[i] = pktgen_frame_size(f);
			if (which[i]->bytes < f->header_len || which[i]->bytes > PKTGEN_FRAME_MAX - PKTGEN_FCS)
				abort();
		}
		pktgen_frame_headers(f, which, at, PKTGEN_FRAMES_MAX);
	}
	for (unsigned int i = 0; i < PKTGEN_FRAMES_MAX; i++)
		free(at[i]);
}

static void export(const struct pktgen_profile *p)
{
	for (unsigned int format = 0; pktgen_formats[format] != NULL; format++) {
		FILE *out = fopen("/dev/null", "w");
		struct fault f = {0};

		if (pktgen_export(p, (enum pktgen_format)format, EXPORTED, out, &f) < 0 && f.message[0] == '\0')
			abort();
		fclose(out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pktgen_profile p;
	static struct pktgen_frame frame;
	json_t *in = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
	struct fault f = {0};

	if (in == NULL)
		return 0;
	if (pktgen_profile_load(&p, in, "profile", &f) < 0) {
		if (f.message[0] == '\0' || strncmp(f.field, "profile", strlen("profile")) != 0)
			abort();
	} else {
		pktgen_compile(&p, &frame);
		generate(&frame);
		export(&p);
	}
	json_decref(in);
	return 0;
}
