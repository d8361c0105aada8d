/* SPDX-License-Identifier: BSD-3-Clause */
// Numbers in network order, read from messages and written into them.
//
// Purpose: messages are read at offsets that were checked against their length, and written into a buffer that cannot
// be overrun.
//
// Design: a message under construction is a fixed array of the longest message. What does not fit is dropped and noted,
// so that an encoder checks once, at the end: the caller goes back to where the last whole entry ended.
//
// Threads: a buffer belongs to its caller.
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ofp.h"

static inline uint16_t wire_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t wire_u32(const uint8_t *p)
{
	return (uint32_t)wire_u16(p) << 16 | wire_u16(p + 2);
}

static inline uint64_t wire_u64(const uint8_t *p)
{
	return (uint64_t)wire_u32(p) << 32 | wire_u32(p + 4);
}

static inline void wire_set16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void wire_set32(uint8_t *p, uint32_t v)
{
	wire_set16(p, (uint16_t)(v >> 16));
	wire_set16(p + 2, (uint16_t)v);
}

static inline void wire_set64(uint8_t *p, uint64_t v)
{
	wire_set32(p, (uint32_t)(v >> 32));
	wire_set32(p + 4, (uint32_t)v);
}

static inline size_t wire_pad8(size_t len)
{
	return (len + 7) & ~(size_t)7;
}

struct wire {
	size_t len;
	bool full; // something did not fit
	uint8_t data[OFP_MESSAGE_MAX];
};

// `n` zeroed bytes at the end, n <= 1024; bytes that go nowhere if they do not fit.
static inline uint8_t *wire_put(struct wire *w, size_t n)
{
	static uint8_t nowhere[1024];
	uint8_t *at = nowhere;

	if (n > sizeof(w->data) - w->len) {
		w->full = true;
	} else {
		at = w->data + w->len;
		w->len += n;
	}
	memset(at, 0, n);
	return at;
}

static inline void wire_bytes(struct wire *w, const void *bytes, size_t n)
{
	if (n > sizeof(w->data) - w->len) {
		w->full = true;
		return;
	}
	memcpy(w->data + w->len, bytes, n);
	w->len += n;
}

// Zeroes up to a multiple of 8 bytes from `start`.
static inline void wire_align(struct wire *w, size_t start)
{
	wire_put(w, wire_pad8(w->len - start) - (w->len - start));
}

// Begins a message; wire_end() writes its length.
static inline void wire_begin(struct wire *w, uint8_t type, uint32_t xid)
{
	uint8_t *p;

	w->len = 0;
	w->full = false;
	p = wire_put(w, OFP_HEADER);
	p[0] = OFP_VERSION;
	p[1] = type;
	wire_set32(p + 4, xid);
}

static inline void wire_end(struct wire *w)
{
	wire_set16(w->data + 2, (uint16_t)w->len);
}

#endif
