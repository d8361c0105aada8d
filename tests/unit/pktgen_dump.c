/* SPDX-License-Identifier: BSD-3-Clause */
// Prints what a profile makes, for test_pktgen.py to compare with a model of its own: pktgen_dump COUNT [FORMAT] <
// PROFILE One frame a line in hexadecimal, or an export; or the fault as JSON.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../control/pktgen_export.h"

static int refused(const struct fault *f)
{
	json_t *o = json_pack("{s:s,s:s,s:s,s:s}", "message", f->message, "field", f->field, "value", f->value,
			      "allowed", f->allowed);

	json_dumpf(o, stdout, JSON_COMPACT);
	puts("");
	json_decref(o);
	return 0;
}

int main(int argc, char **argv)
{
	static uint8_t data[PKTGEN_FRAME_MAX + 64];
	static struct pktgen_profile p;
	static struct pktgen_frame frame;
	json_t *in = json_loadf(stdin, JSON_DECODE_ANY, NULL);
	struct fault f = {0};
	int rc = pktgen_profile_load(&p, in, "profile", &f);

	json_decref(in);
	if (argc < 2)
		return 2;
	if (rc < 0)
		return refused(&f);
	if (argc > 2) {
		enum pktgen_format format = PKTGEN_PCAP;

		while (strcmp(pktgen_formats[format], argv[2]) != 0)
			format++;
		return pktgen_export(&p, format, (uint32_t)atol(argv[1]), stdout, &f) < 0 ? refused(&f) : 0;
	}
	pktgen_compile(&p, &frame);
	for (long n = atol(argv[1]); n > 0; n--) {
		const struct pktgen_size *s = pktgen_frame_size(&frame);

		pktgen_frame_whole(&frame, s, data);
		for (unsigned int i = 0; i < s->bytes; i++)
			printf("%02x", data[i]);
		puts("");
	}
	return 0;
}
