/* SPDX-License-Identifier: BSD-3-Clause */
#include "ifname.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

bool ifname_exists(const char *ifname)
{
	return if_nametoindex(ifname) != 0;
}

int ifname_check(const char *ifname, struct fault *f)
{
	const size_t len = strlen(ifname);

	// The kernel takes %d for "the next free number".
	for (size_t i = 0; i < len; i++)
		if (ifname[i] <= ' ' || ifname[i] == 0x7f || strchr("/:,=[]%", ifname[i]) != NULL)
			return fault_str(f, -EINVAL, "ifname", ifname,
					 "letters, digits, and no spaces nor any of /:,=[]%",
					 "no interface can be called this");
	if (len == 0 || len >= IF_NAMESIZE || strcmp(ifname, ".") == 0 || strcmp(ifname, "..") == 0)
		return fault_str(f, -EINVAL, "ifname", ifname, "1 to 15 characters", "no interface can be called this");
	return 0;
}
