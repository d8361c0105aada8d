/* SPDX-License-Identifier: BSD-3-Clause */
// Mbufs over heap blocks that end with the data, so that AddressSanitizer sees a step past it. A prepend has room.
#ifndef EXACT_MBUF_H
#define EXACT_MBUF_H

#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#define EXACT_HEADROOM 128

static inline void exact_mbuf_block_free(void *data, void *block)
{
	free(block);
}

// A copy of len (up to 60000) bytes. NULL: no memory, or the pool is empty.
static inline struct rte_mbuf *exact_mbuf(struct rte_mempool *pool, const uint8_t *data, uint32_t len)
{
	struct rte_mbuf_ext_shared_info *const info = malloc(sizeof(*info) + EXACT_HEADROOM + len);
	struct rte_mbuf *const m = rte_pktmbuf_alloc(pool);

	if (info == NULL || m == NULL) {
		free(info);
		rte_pktmbuf_free(m);
		return NULL;
	}
	info->free_cb = exact_mbuf_block_free;
	info->fcb_opaque = info;
	rte_mbuf_ext_refcnt_set(info, 1);
	rte_pktmbuf_attach_extbuf(m, info + 1, RTE_BAD_IOVA, (uint16_t)(EXACT_HEADROOM + len), info);
	m->data_off = EXACT_HEADROOM;
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
	memcpy(rte_pktmbuf_mtod(m, void *), data, len);
	return m;
}

#endif
