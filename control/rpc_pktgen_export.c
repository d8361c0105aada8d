/* SPDX-License-Identifier: BSD-3-Clause */
// pktgen.export.
#include <errno.h>
#include <stdlib.h>

#include "pktgen_export.h"
#include "pktgen_library.h"
#include "rpc.h"

#define COUNT_DEFAULT_MAX 100000

static json_t *base64(const char *bytes, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *b = (const unsigned char *)bytes;
	char *text = malloc((n + 2) / 3 * 4 + 1), *at = text;
	json_t *out;

	if (!text)
		return NULL;
	for (size_t i = 0; i < n; i += 3) {
		uint32_t v =
			(uint32_t)b[i] << 16 | (i + 1 < n ? (uint32_t)b[i + 1] << 8 : 0) | (i + 2 < n ? b[i + 2] : 0);

		*at++ = digits[v >> 18];
		*at++ = digits[v >> 12 & 63];
		*at++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
		*at++ = i + 2 < n ? digits[v & 63] : '=';
	}
	out = json_stringn_nocheck(text, (size_t)(at - text));
	free(text);
	return out;
}

// How many frames a pcap file gets: as asked, or one of each flow and size if that is not too much.
static int frame_count(const struct pktgen_profile *p, const json_t *asked, uint32_t *count, struct fault *f)
{
	double frame = pktgen_profile_mean_size(p) + 16;
	uint64_t period = pktgen_period(p);
	char allowed[64];

	*count = asked ? (uint32_t)json_integer_value(asked)
		       : (uint32_t)(period < COUNT_DEFAULT_MAX ? period : COUNT_DEFAULT_MAX);
	if (*count * frame <= PKTGEN_EXPORT_BYTES_MAX)
		return 0;
	if (!asked) {
		*count = (uint32_t)(PKTGEN_EXPORT_BYTES_MAX / frame);
		return 0;
	}
	snprintf(allowed, sizeof(allowed), "at most %.0f of this size", PKTGEN_EXPORT_BYTES_MAX / frame);
	return rpc_fault_value(f, -EINVAL, "count", asked, allowed, "the file would be larger than 32 MiB");
}

static int export_to(const struct pktgen_profile *p, enum pktgen_format format, uint32_t count, json_t **result,
		     struct fault *f)
{
	size_t size = 0;
	char *bytes = NULL;
	FILE *out = open_memstream(&bytes, &size);
	json_t *data = NULL;
	int rc = -ENOMEM;

	if (!out)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for the export");
	rc = pktgen_export(p, format, count, out, f);
	if (fclose(out) != 0 && rc == 0)
		rc = fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for the export");
	if (rc == 0) {
		data = format == PKTGEN_PCAP ? base64(bytes, size) : json_stringn(bytes, size);
		*result = json_pack("{s:s,s:s,s:s,s:o*}", "profile", p->name, "format", pktgen_formats[format],
				    "encoding", format == PKTGEN_PCAP ? "base64" : "text", "data", data);
		if (!*result || !data)
			rc = fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for the export");
	}
	free(bytes);
	return rc;
}

static const struct param params[] = {
	{.name = "profile",
	 .type = PARAM_VALUE,
	 .flags = PARAM_REQUIRED,
	 .help = "a traffic profile, as pktgen-profiles/schema.json describes it (on the command line: @FILE), or the "
		 "name "
		 "of one that comes with the programs"},
	{.name = "format",
	 .type = PARAM_ENUM,
	 .flags = PARAM_REQUIRED,
	 .choices = pktgen_formats,
	 .help = "pcap: the frames themselves; pktgen-dpdk: a command file for its port 0; trex: a stream profile in "
		 "Python"},
	{.name = "count",
	 .type = PARAM_INT,
	 .min = 1,
	 .max = 1000000,
	 .unit = "packets",
	 .help = "frames in a pcap file; absent: one of each flow and size, at most 100000 and 32 MiB"},
	{0},
};

static int call(struct rpc_call *c, const json_t *in, json_t **result, struct fault *f)
{
	static struct pktgen_profile p; // large; control is one thread
	const char *name = json_string_value(json_object_get(in, "format"));
	enum pktgen_format format = PKTGEN_PCAP;
	uint32_t count = 0;
	json_t *profile;
	int rc = pktgen_library_get("profile", json_object_get(in, "profile"), &profile, f);

	if (rc == 0) {
		rc = pktgen_profile_load(&p, profile, "profile", f);
		json_decref(profile);
	}
	while (rc == 0 && strcmp(pktgen_formats[format], name) != 0)
		format++;
	if (rc == 0)
		rc = frame_count(&p, json_object_get(in, "count"), &count, f);
	return rc < 0 ? rc : export_to(&p, format, count, result, f);
}

static const struct rpc_method method = {
	.name = "pktgen.export",
	.help = "Writes a traffic profile as a pcap file or in the language of another generator.",
	.params = params,
	.result = "An object: profile (its name), format, encoding (base64 or text), data.",
	.example =
		"{\"format\": \"trex\", \"profile\": {\"name\": \"one-flow\", \"size\": 64, \"layers\": [{\"layer\": "
		"\"eth\"}, {\"layer\": \"ipv4\"}, {\"layer\": \"udp\"}]}}",
	.call = call,
};
RPC_METHOD(method)
