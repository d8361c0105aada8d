/* SPDX-License-Identifier: BSD-3-Clause */
#include "pktgen_library.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rpc.h"

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"

// In a checkout beside the folder that this program is in, else where it was installed.
static void folder(char *buf, size_t size)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	exe[n > 0 ? n : 0] = '\0';
	slash = strrchr(exe, '/');
	if (slash)
		*slash = '\0';
	snprintf(buf, size, "%s/../pktgen-profiles", exe);
	if (access(buf, X_OK) != 0)
		snprintf(buf, size, "%s/../share/sluice/pktgen-profiles", exe);
}

int pktgen_library_get(const char *field, json_t *in, json_t **out, struct fault *f)
{
	const char *name = json_string_value(in);
	char dir[PATH_MAX + 40], path[sizeof(dir) + 72], allowed[sizeof(f->allowed)];

	if (!name) {
		*out = json_incref(in);
		return 0;
	}
	folder(dir, sizeof(dir));
	if (*name && *name != '.' && strlen(name) < 64 && strspn(name, NAME_CHARS) == strlen(name)) {
		snprintf(path, sizeof(path), "%s/%s.json", dir, name);
		*out = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
		if (*out)
			return 0;
	}
	snprintf(allowed, sizeof(allowed), "a profile, or the name of one in %.150s", dir);
	return rpc_fault_value(f, -ENOENT, field, in, allowed, "there is no profile %.64s", name);
}
