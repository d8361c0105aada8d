/* SPDX-License-Identifier: BSD-3-Clause */
// The frames of a traffic generator, one after the other, as cheaply as they can be made.
//
// Purpose: control compiles a traffic profile (control/pktgen_compile.c) into one template of headers per frame size
// and a short list of writes, one for each field that differs from frame to frame. Making a frame is then a copy of
// the template, the writes, and the checksums that the writes change.
//
// Design: what a frame holds depends on the number of its flow alone, so `flows` flows are exactly that, in the same
// order each time. A checksum is a sum of 16-bit words (RFC 1071), so each write adds its words to the sum of the
// template, and no byte is summed twice. Frames are made many at a time, field by field: the values of one field are
// independent of each other, so that they are computed in vectors. Payload is zero and the stamp at the frame's end
// sums to zero (0xffff), so that neither touches the checksum.
//
// The stamp is the last 16 bytes of a frame, wherever headers are pushed or taken off on the way: magic, stream,
// sequence number, and 48 bits of the sender's TSC, then a word that makes the eight words sum to 0xffff.
//
// Threads: a frame source belongs to one thread.
#ifndef PKTGEN_FRAME_H
#define PKTGEN_FRAME_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>

#define PKTGEN_FRAME_MIN 64 // bytes with the FCS, as RFC 2544 counts them, though the FCS is not in the buffer
#define PKTGEN_FRAME_MAX 9720
#define PKTGEN_FCS 4
#define PKTGEN_FLOWS_MAX (16U * 1024 * 1024)
#define PKTGEN_HEADER_MAX 256 // multiple of 64: templates are copied in whole lines
#define PKTGEN_FRAMES_MAX 64  // made by one call
#define PKTGEN_WRITES_MAX 16
#define PKTGEN_SUMS_MAX 8
#define PKTGEN_SIZES_MAX 16
#define PKTGEN_SCHEDULE_MAX 1024 // sum of the sizes' weights
#define PKTGEN_PREFIXES_MAX 64   // of all fields together
#define PKTGEN_STAMP 16
#define PKTGEN_MAGIC 0x51ce

enum pktgen_walk { PKTGEN_CONST, PKTGEN_INC, PKTGEN_RANDOM };
enum pktgen_width { PKTGEN_W16, PKTGEN_W32, PKTGEN_W48, PKTGEN_W128 };

// Values are host numbers; `hi` is the upper half of an IPv6 address.
struct pktgen_value {
	uint64_t hi, lo;
};

struct pktgen_prefix {
	struct pktgen_value net, host; // host: the bits that are free
};

// One field that differs from frame to frame: the word (or address) at `offset` is base | value << shift.
struct pktgen_write {
	uint16_t offset;
	uint8_t width; // enum pktgen_width
	uint8_t walk;  // enum pktgen_walk, never PKTGEN_CONST
	uint8_t shift;
	uint8_t first_prefix, nprefixes; // PKTGEN_RANDOM: 0 prefixes: from + 0..span-1
	uint8_t sums;                    // bit i: counts in sum i
	uint64_t base;
	struct pktgen_value from;
	uint64_t span; // PKTGEN_RANDOM: how many values
	uint64_t seed;
	uint64_t step;
	uint32_t count, each;     // PKTGEN_INC: values, and flows that have each
	uint64_t value;           // PKTGEN_INC: of the next flow
	uint32_t left, each_left; // until `from` again, until the next value
};

struct pktgen_sum {
	uint16_t offset;
	bool nonzero; // UDP: 0 would mean that there is none
};

struct pktgen_size {
	uint16_t bytes; // in the buffer, without FCS
	uint32_t sum[PKTGEN_SUMS_MAX];
	uint8_t header[PKTGEN_HEADER_MAX];
};

struct pktgen_frame {
	uint16_t header_len;   // bytes of headers
	uint16_t header_lines; // of 64 bytes
	uint8_t nwrites, nsums, nsizes, nprefixes;
	uint8_t written_sums; // bit i: some write counts in sum i; the others are in the templates
	bool stamp;
	uint32_t flows, flow; // flow: of the next frame
	uint32_t nschedule, scheduled;
	struct pktgen_write write[PKTGEN_WRITES_MAX];
	struct pktgen_sum sum[PKTGEN_SUMS_MAX];
	struct pktgen_prefix prefix[PKTGEN_PREFIXES_MAX];
	uint8_t schedule[PKTGEN_SCHEDULE_MAX]; // index of the size of each frame, repeated
	struct pktgen_size size[PKTGEN_SIZES_MAX];
};

// The size of the next frame; advances to the one after it.
static inline const struct pktgen_size *pktgen_frame_size(struct pktgen_frame *f)
{
	const struct pktgen_size *s = &f->size[f->schedule[f->scheduled]];

	if (++f->scheduled == f->nschedule)
		f->scheduled = 0;
	return s;
}

// Writes the headers of the next n flows (at most PKTGEN_FRAMES_MAX), in whole lines of 64 bytes (header_lines), of
// frames of the sizes size[0..n-1] to data[0..n-1]. Bytes behind the headers are zero. Cost, for many at once: about a
// cycle per 64 bytes, 3 per incremented and 5 per random field with their checksums.
void pktgen_frame_headers(struct pktgen_frame *f, const struct pktgen_size *const size[], uint8_t *const data[],
			  uint32_t n);

// Writes a whole frame of s->bytes to `data`, payload included, without stamp. `data` has room for s->bytes rounded
// up to 64.
void pktgen_frame_whole(struct pktgen_frame *f, const struct pktgen_size *s, uint8_t *data);

// From the first flow and size again.
void pktgen_frame_rewind(struct pktgen_frame *f);

// The 64-bit draws behind random fields: draw number `i` of a seed (splitmix64, Steele et al., OOPSLA 2014).
static inline uint64_t pktgen_draw(uint64_t seed, uint64_t i)
{
	uint64_t z = seed + (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static inline uint32_t pktgen_sum64(uint64_t v)
{
	return (uint32_t)((v >> 48) + (v >> 32 & 0xffff) + (v >> 16 & 0xffff) + (v & 0xffff));
}

static inline uint16_t pktgen_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

struct pktgen_stamp {
	uint16_t stream;
	uint32_t sequence;
	uint64_t tsc; // the lower 48 bits
};

// Writes a stamp to the 16 bytes at `at`.
static inline void pktgen_stamp_write(uint8_t *at, const struct pktgen_stamp *s)
{
	uint64_t a = (uint64_t)PKTGEN_MAGIC << 48 | (uint64_t)s->stream << 32 | s->sequence;
	uint64_t b = s->tsc << 16;
	uint64_t word[2];

	b |= (uint16_t)~pktgen_fold(pktgen_sum64(a) + pktgen_sum64(b));
	word[0] = rte_cpu_to_be_64(a);
	word[1] = rte_cpu_to_be_64(b);
	memcpy(at, word, sizeof(word));
}

// Reads the stamp at `at`. Returns whether there is one; *intact: its words sum up.
static inline bool pktgen_stamp_read(const uint8_t *at, struct pktgen_stamp *s, bool *intact)
{
	uint64_t word[2], a, b;

	memcpy(word, at, sizeof(word));
	a = rte_be_to_cpu_64(word[0]);
	b = rte_be_to_cpu_64(word[1]);
	s->stream = (uint16_t)(a >> 32);
	s->sequence = (uint32_t)a;
	s->tsc = b >> 16;
	*intact = pktgen_fold(pktgen_sum64(a) + pktgen_sum64(b)) == 0xffff;
	return a >> 48 == PKTGEN_MAGIC;
}

#endif
