/* SPDX-License-Identifier: BSD-3-Clause */
// Random frames of all kinds that flow tables know, with few values in each field so that rules and flows meet them,
// some of them spoilt.
#ifndef FLOW_FRAMES_H
#define FLOW_FRAMES_H

#include <string.h>

#include "../rng.h"

#define FRAME_MAX 160

struct frame {
	uint8_t byte[FRAME_MAX];
	uint16_t len;
};

static inline uint32_t frame_random(uint64_t *rng, uint32_t below)
{
	return (uint32_t)(rng_next(rng) % below);
}

static inline void frame_put(struct frame *f, uint64_t value, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		f->byte[f->len++] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

static inline void frame_put_l4(struct frame *f, uint64_t *rng, uint8_t proto)
{
	const uint32_t ports = proto == 6 || proto == 17 || proto == 132;

	if (ports)
		frame_put(f, (1 + frame_random(rng, 3)) << 16 | (uint32_t)(1 + frame_random(rng, 3)), 4);
	else
		frame_put(f,
			  frame_random(rng, 8) == 0 ? (135u + frame_random(rng, 2)) << 24
						    : frame_random(rng, 3) << 24 | frame_random(rng, 2) << 16,
			  4);
	// What is left of the header, and some payload that differs from packet to packet.
	for (uint32_t i = 0; i < 40; i++)
		frame_put(f, frame_random(rng, 256), 1);
}

static inline void frame_put_ip4(struct frame *f, uint64_t *rng)
{
	static const uint8_t protos[] = {1, 6, 17, 17, 132, 47, 58};
	const uint8_t proto = protos[frame_random(rng, sizeof(protos))];
	const uint32_t options = frame_random(rng, 16) == 0 ? 4 : 0, start = f->len;

	frame_put(f, 0x45 + options / 4, 1);
	frame_put(f, frame_random(rng, 2) << 2 | frame_random(rng, 2), 1);
	frame_put(f, 0, 2);
	frame_put(f, frame_random(rng, 65536), 2);
	frame_put(f, frame_random(rng, 16) == 0 ? frame_random(rng, 65536) : frame_random(rng, 2) << 14, 2);
	frame_put(f, frame_random(rng, 256), 1);
	frame_put(f, proto, 1);
	frame_put(f, frame_random(rng, 65536), 2);
	frame_put(f, 0x0a000000 | frame_random(rng, 3), 4);
	frame_put(f, 0x0a000100 | frame_random(rng, 3), 4);
	frame_put(f, 0, options);
	frame_put_l4(f, rng, proto);
	f->byte[start + 2] = (uint8_t)((f->len - start) >> 8);
	f->byte[start + 3] = (uint8_t)(f->len - start);
}

static inline void frame_put_ip6(struct frame *f, uint64_t *rng)
{
	static const uint8_t protos[] = {58, 6, 17, 17, 132, 47, 0, 44, 60, 43, 59};
	const uint8_t proto = protos[frame_random(rng, sizeof(protos))];
	const bool more = proto == 0 || proto == 44 || proto == 60 || proto == 43;
	const uint32_t start = f->len;

	frame_put(f, 0x60000000 | frame_random(rng, 2) << 22 | frame_random(rng, 2), 4);
	frame_put(f, 0, 2);
	frame_put(f, proto, 1);
	frame_put(f, frame_random(rng, 256), 1);
	frame_put(f, 0xfd00000000000000, 8);
	frame_put(f, frame_random(rng, 3), 8);
	frame_put(f, 0xfd00000000000001, 8);
	frame_put(f, frame_random(rng, 3), 8);
	if (more)
		frame_put(f, UINT64_C(17) << 56 | (uint64_t)frame_random(rng, 3) << 32, 8);
	frame_put_l4(f, rng, more ? 17 : proto);
	f->byte[start + 4] = (uint8_t)((f->len - start - 40) >> 8);
	f->byte[start + 5] = (uint8_t)(f->len - start - 40);
}

static inline void frame_put_arp(struct frame *f, uint64_t *rng)
{
	frame_put(f, 0x000108000604, 6);
	frame_put(f, 1 + frame_random(rng, 2), 2);
	frame_put(f, 0x020000000000 | frame_random(rng, 3), 6);
	frame_put(f, 0x0a000000 | frame_random(rng, 3), 4);
	frame_put(f, 0, 6);
	frame_put(f, 0x0a000100 | frame_random(rng, 3), 4);
	frame_put(f, rng_next(rng), 8);
}

// Spoils some frames: a byte, or the length.
static inline void frame_spoil(struct frame *f, uint64_t *rng)
{
	if (frame_random(rng, 8) == 0)
		f->byte[frame_random(rng, f->len)] ^= (uint8_t)(1 << frame_random(rng, 8));
	if (frame_random(rng, 16) == 0)
		f->len = (uint16_t)frame_random(rng, f->len + 1u);
}

static inline void frame_make(struct frame *f, uint64_t *rng)
{
	static const uint16_t types[] = {0x0800, 0x0800, 0x0800, 0x86dd, 0x86dd, 0x0806,
					 0x8847, 0x8848, 0x88e7, 0x1234, 0x0100};
	const uint16_t type = types[frame_random(rng, sizeof(types) / sizeof(types[0]))];
	const uint32_t tags = frame_random(rng, 8) == 0 ? frame_random(rng, 4) : frame_random(rng, 2);

	*f = (struct frame){0};
	frame_put(f, 0x020000000100 | frame_random(rng, 3), 6);
	frame_put(f, 0x020000000200 | frame_random(rng, 3), 6);
	for (uint32_t i = 0; i < tags; i++)
		frame_put(f,
			  (frame_random(rng, 2) ? 0x81000000 : 0x88a80000) | frame_random(rng, 2) << 13 |
				  frame_random(rng, 3),
			  4);
	frame_put(f, type, 2);
	if (type == 0x0800)
		frame_put_ip4(f, rng);
	else if (type == 0x86dd)
		frame_put_ip6(f, rng);
	else if (type == 0x0806)
		frame_put_arp(f, rng);
	else
		frame_put(f, frame_random(rng, 3) << 12 | 0x100 | frame_random(rng, 256), 4);
	while (f->len < 60)
		frame_put(f, frame_random(rng, 256), 1);
	frame_spoil(f, rng);
}

#endif
