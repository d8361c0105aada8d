/* SPDX-License-Identifier: BSD-3-Clause */
// CRC-32C (Castagnoli; RFC 3720 section 12.1) by the instruction that every x86-64-v2 processor has.
//
// Threads: any.
#ifndef CRC32C_H
#define CRC32C_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// The checksum of `size` bytes; `crc` is 0, or the checksum of what came before them. About 0.4 ns a byte.
__attribute__((target("sse4.2"))) static inline uint32_t crc32c(uint32_t crc, const void *bytes, size_t size)
{
	const unsigned char *p = (const unsigned char *)bytes;
	uint64_t state = ~crc;
	uint64_t word;

	for (; size >= sizeof(word); size -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		state = __builtin_ia32_crc32di(state, word);
	}
	for (; size > 0; size--)
		state = __builtin_ia32_crc32qi((uint32_t)state, *p++);
	return ~(uint32_t)state;
}

#endif
