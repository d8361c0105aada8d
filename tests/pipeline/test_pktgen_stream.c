/* SPDX-License-Identifier: BSD-3-Clause */
// Generator and sink with a wire between them that loses, repeats, reorders and spoils a known number of frames: the
// counts must be those, to the packet.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "../../control/pktgen_profile.h"
#include "../../datapath/pktgen.h"
#include "harness.h"

#define PROFILE                                                                                                        \
	"{\"name\":\"t\",\"size\":%d,\"flows\":7,\"layers\":[{\"layer\":\"eth\"},{\"layer\":\"ipv4\",\"src\":"         \
	"{\"walk\":\"inc\",\"from\":\"10.0.0.1\",\"count\":7}},{\"layer\":\"udp\"}]}"
#define WIRE_MAX 8192

static struct rte_mbuf *wire[WIRE_MAX];
static uint32_t on_wire, room;
static struct pktgen_port sink;
static uint64_t now; // the test's own clock, in TSC cycles

static uint16_t wire_tx(void *arg, struct rte_mbuf **pkt, uint16_t n, uint64_t bytes)
{
	uint16_t take = (uint16_t)RTE_MIN(n, room);

	assert_true(on_wire + take <= WIRE_MAX);
	memcpy(wire + on_wire, pkt, take * sizeof(*pkt));
	on_wire += take;
	room -= take;
	return take;
}

static struct pktgen_stream *stream_of(const char *text)
{
	static struct pktgen_profile p;
	struct pktgen_stream *s = calloc(1, sizeof(*s));
	json_t *in = json_loads(text, 0, NULL);
	struct fault f = {0};

	assert_non_null(in);
	assert_int_equal(pktgen_profile_load(&p, in, "profile", &f), 0);
	json_decref(in);
	pktgen_compile(&p, &s->frame);
	s->id = 5;
	pktgen_streams[5] = s;
	sink = (struct pktgen_port){.stream_mask = 1U << 5};
	rte_spinlock_init(&sink.lock);
	now = 1000000;
	room = UINT32_MAX;
	on_wire = 0;
	return s;
}

static struct pktgen_stream *stream(int size)
{
	char text[512];

	snprintf(text, sizeof(text), PROFILE, size);
	return stream_of(text);
}

static void stream_end(struct pktgen_stream *s)
{
	rte_pktmbuf_free_bulk(wire, on_wire);
	pktgen_stream_drop_pending(s);
	pktgen_streams[5] = NULL;
	free(s);
	assert_int_equal(rte_mempool_in_use_count(port_pool()), 0);
}

static void send_all(struct pktgen_stream *s, uint64_t count)
{
	s->limits.count = count;
	s->state = PKTGEN_RUNNING;
	while (s->state == PKTGEN_RUNNING) {
		pktgen_send(s, port_pool(), now, wire_tx, NULL);
		now += 1000;
	}
	assert_int_equal(s->packets, count);
}

static uint64_t lost(const struct pktgen_stream *s)
{
	return s->packets - (s->received.packets - s->received.duplicates) - s->received.corrupt;
}

static void a_clean_wire_is_found_clean(void **state)
{
	static const int sizes[] = {64, 65, 128, 1518, 2051, 2052, 2066, 2080, 4200, 9000, 9720};

	for (unsigned int i = 0; i < RTE_DIM(sizes); i++) {
		struct pktgen_stream *s = stream(sizes[i]);

		send_all(s, 200);
		assert_int_equal(on_wire, 200);
		for (uint32_t k = 0; k < on_wire; k++)
			assert_int_equal(wire[k]->pkt_len, sizes[i] - 4);
		pktgen_receive(&sink, wire, on_wire, now);
		assert_int_equal(s->received.packets, 200);
		assert_int_equal(s->received.bytes, 200 * (sizes[i] - 4));
		assert_int_equal(s->received.duplicates + s->received.reordered + s->received.corrupt, 0);
		assert_int_equal(lost(s) + sink.unknown, 0);
		stream_end(s);
	}
}

static void what_is_lost_repeated_and_late_is_counted_to_the_packet(void **state)
{
	struct pktgen_stream *s = stream(64);
	uint64_t losses = 0, repeats = 0, swaps = 0;

	srand(3);
	send_all(s, 5000);
	for (uint32_t k = 0; k < on_wire; k++) {
		switch (rand() % 20) {
		case 0: // lost
			losses++;
			continue;
		case 1: // twice
			repeats++;
			pktgen_receive(&sink, &wire[k], 1, now);
			break;
		case 2: // behind the next
			if (k + 1 == on_wire)
				break;
			swaps++;
			pktgen_receive(&sink, &wire[k + 1], 1, now);
			pktgen_receive(&sink, &wire[k], 1, now);
			k++;
			continue;
		default:
			break;
		}
		pktgen_receive(&sink, &wire[k], 1, now);
	}
	assert_true(losses > 100 && repeats > 100 && swaps > 100);
	// A frame lost at the very end is one that only the sender's count tells of.
	assert_int_equal(lost(s), losses);
	assert_int_equal(s->received.duplicates, repeats);
	assert_int_equal(s->received.reordered, swaps);
	assert_int_equal(s->received.too_late, 0);
	stream_end(s);
}

static void any_flipped_bit_behind_the_addresses_is_found(void **state)
{
	static const int sizes[] = {64, 300};

	for (unsigned int i = 0; i < RTE_DIM(sizes); i++) {
		struct pktgen_stream *s = stream(sizes[i]);
		uint32_t bits = 0, unknown = 0;

		send_all(s, 2);
		for (uint32_t bit = 12 * 8; bit < wire[1]->pkt_len * 8; bit++, bits++) {
			uint8_t *at = rte_pktmbuf_mtod_offset(wire[1], uint8_t *, bit / 8);

			*at ^= (uint8_t)(1U << bit % 8);
			pktgen_receive(&sink, &wire[1], 1, now);
			*at ^= (uint8_t)(1U << bit % 8);
		}
		// 16 bits are the magic number and 16 the stream's: nobody can tell whose frame that was.
		unknown = 32;
		assert_int_equal(sink.unknown, unknown);
		assert_int_equal(s->received.corrupt, bits - unknown);
		assert_int_equal(s->received.packets, 0);
		stream_end(s);
	}
}

static void every_kind_of_frame_is_intact_and_spoilt_ones_are_not(void **state)
{
	static const char *const layers[] = {
		"[{\"layer\":\"eth\"}]",
		"[{\"layer\":\"eth\"},{\"layer\":\"qinq\"},{\"layer\":\"vlan\"},{\"layer\":\"ipv4\"},{\"layer\":"
		"\"tcp\"}]",
		"[{\"layer\":\"eth\"},{\"layer\":\"mpls\"},{\"layer\":\"mpls\"},{\"layer\":\"ipv6\"},{\"layer\":"
		"\"udp\"}]",
		"[{\"layer\":\"eth\"},{\"layer\":\"ipv6\"},{\"layer\":\"tcp\"}]",
		"[{\"layer\":\"eth\"},{\"layer\":\"ipv4\"},{\"layer\":\"gre\",\"key\":9},{\"layer\":\"ipv4\"},{"
		"\"layer\":\"udp\"}]",
		"[{\"layer\":\"eth\"},{\"layer\":\"ipv4\"},{\"layer\":\"gre\"},{\"layer\":\"eth\"},{\"layer\":\"ipv6\"}"
		",{\"layer\":\"udp\"}]",
		"[{\"layer\":\"eth\"},{\"layer\":\"ipv4\"},{\"layer\":\"gre\"},{\"layer\":\"mpls\"},{\"layer\":"
		"\"ipv4\"},{\"layer\":\"udp\"}]",
		"[{\"layer\":\"eth\"},{\"layer\":\"ipv4\"},{\"layer\":\"udp\"},{\"layer\":\"vxlan\"},{\"layer\":"
		"\"eth\"},{\"layer\":"
		"\"ipv4\"},{\"layer\":\"udp\"}]",
		"[{\"layer\":\"eth\"},{\"layer\":\"ipv4\"},{\"layer\":\"ipv6\"},{\"layer\":\"ipv4\"}]",
	};
	char text[1024];

	for (unsigned int i = 0; i < RTE_DIM(layers); i++) {
		struct pktgen_stream *s;

		snprintf(text, sizeof(text), "{\"name\":\"t\",\"size\":201,\"layers\":%s}", layers[i]);
		s = stream_of(text);
		send_all(s, 1);
		pktgen_receive(&sink, wire, 1, now);
		assert_int_equal(s->received.packets, 1);
		*rte_pktmbuf_mtod_offset(wire[0], uint8_t *, 170) ^= 1;
		pktgen_receive(&sink, wire, 1, now);
		assert_int_equal(s->received.packets, 1);
		assert_int_equal(s->received.corrupt, 1);
		stream_end(s);
	}
}

static void numbers_far_apart_and_beyond_32_bits(void **state)
{
	struct pktgen_stream *s = stream(64);
	struct pktgen_received *r = &s->received;

	s->made = UINT32_MAX - 3u;
	r->next = s->made;
	s->limits.count = s->made + 8;
	while (s->state == PKTGEN_RUNNING)
		pktgen_send(s, port_pool(), now, wire_tx, NULL);
	assert_int_equal(on_wire, 8);
	pktgen_receive(&sink, wire, 8, now);
	assert_int_equal(r->packets, 8);
	assert_int_equal(r->reordered + r->duplicates + r->corrupt, 0);
	assert_int_equal(r->next, (uint64_t)UINT32_MAX + 5);
	// One that comes after more than the sink remembers.
	r->next += PKTGEN_WINDOW;
	pktgen_receive(&sink, wire, 1, now);
	assert_int_equal(r->too_late, 1);
	stream_end(s);
}

static void what_is_of_no_stream_is_unknown(void **state)
{
	struct pktgen_stream *s = stream(64);
	uint8_t other[60] = {2};

	send_all(s, 3);
	wire[on_wire++] = harness_mbuf(other, sizeof(other));
	wire[on_wire++] = harness_mbuf(other, 14);
	sink.stream_mask = 1U << 4;
	pktgen_receive(&sink, wire, on_wire, now);
	assert_int_equal(sink.unknown, 5);
	assert_int_equal(s->received.packets, 0);
	stream_end(s);
}

static void a_port_that_takes_little_loses_nothing(void **state)
{
	struct pktgen_stream *s = stream(64);

	s->limits.count = 1000;
	for (uint32_t i = 0; s->state == PKTGEN_RUNNING; i++) {
		room = i % 5;
		pktgen_send(s, port_pool(), now++, wire_tx, NULL);
		assert_true(i < 10000);
	}
	assert_int_equal(on_wire, 1000);
	pktgen_receive(&sink, wire, on_wire, now);
	assert_int_equal(s->received.packets, 1000);
	assert_int_equal(lost(s) + s->received.reordered + s->received.duplicates, 0);
	stream_end(s);
}

// Visits every `step` cycles for `cycles`; returns how many frames came.
static uint64_t visits(struct pktgen_stream *s, uint64_t cycles, uint64_t step)
{
	uint64_t before = s->packets, end = now + cycles;

	for (; now < end; now += step) {
		pktgen_send(s, port_pool(), now, wire_tx, NULL);
		rte_pktmbuf_free_bulk(wire, on_wire);
		on_wire = 0;
	}
	return s->packets - before;
}

static void a_rate_is_kept_to_the_frame(void **state)
{
	uint64_t hz = rte_get_tsc_hz();

	for (unsigned int i = 0; i < 3; i++) {
		static const double cycles[] = {134.4, 1000, 2345.678};
		struct pktgen_stream *s = stream(64);

		s->limits.cost[0] = (uint64_t)(cycles[i] * (1 << PKTGEN_COST_SHIFT) + 0.5);
		// A frame more than intervals fit, since the first is due at once.
		assert_in_range(visits(s, hz / 100, 777), (uint64_t)((double)hz / 100 / cycles[i]) - 8,
				(uint64_t)((double)hz / 100 / cycles[i]) + 1);
		assert_int_equal(s->behind, 0);
		stream_end(s);
	}
}

// The sender keeps its rate and says so, but the wire delivers at another: half, double, or a thousandth off. The
// receiver's rate is the wire's.
static void a_rate_error_of_the_wire_is_found(void **state)
{
	static const uint64_t sent_every = 10000, came_every[] = {20000, 5000, 10010, 10000};
	const uint64_t hz = rte_get_tsc_hz(), n = 4096;

	for (unsigned int i = 0; i < RTE_DIM(came_every); i++) {
		for (uint32_t visit = 1; visit <= 64; visit *= 8) {
			struct pktgen_stream *s = stream(64);
			uint64_t begin;

			s->limits.cost[0] = sent_every << PKTGEN_COST_SHIFT;
			s->limits.count = n;
			for (begin = now; s->state == PKTGEN_RUNNING; now += sent_every)
				pktgen_send(s, port_pool(), now, wire_tx, NULL);
			assert_int_equal(on_wire, n);
			assert_int_equal(s->last - s->start, (n - 1) * sent_every);
			assert_int_equal(s->start, begin);
			for (uint32_t k = 0; k < n; k += visit)
				pktgen_receive(&sink, wire + k, visit, begin + 12345 + (k + visit) * came_every[i]);
			assert_int_equal(s->received.packets, n);
			assert_float_equal(pktgen_received_pps(&s->received, hz), (double)hz / (double)came_every[i],
					   1e-3);
			stream_end(s);
		}
	}
}

static void frames_that_came_at_once_have_no_rate(void **state)
{
	struct pktgen_stream *s = stream(64);

	assert_true(pktgen_received_pps(&s->received, 1000) == 0);
	send_all(s, 100);
	pktgen_receive(&sink, wire, on_wire, now);
	assert_int_equal(s->received.packets, 100);
	assert_true(pktgen_received_pps(&s->received, 1000) == 0);
	stream_end(s);
}

static void lost_time_is_not_made_up_for_without_bound(void **state)
{
	struct pktgen_stream *s = stream(64);
	uint64_t hz = rte_get_tsc_hz(), cost = hz / 1000000, n;

	s->limits.cost[0] = cost << PKTGEN_COST_SHIFT;
	visits(s, hz / 1000, 500);
	now += hz / 10; // the worker was away
	n = visits(s, hz / 100, 500);
	assert_in_range(n, 10990, 11010); // the time, and one millisecond of what was missed
	assert_int_equal(s->behind, 1);
	stream_end(s);
}

static void bursts_are_on_and_off(void **state)
{
	struct pktgen_stream *s = stream(64);
	uint64_t us = rte_get_tsc_hz() / 1000000;

	s->limits = (struct pktgen_limits){.cost = {us << PKTGEN_COST_SHIFT}, .on = 100 * us, .off = 900 * us};
	assert_in_range(visits(s, 100 * us, 100), 99, 101);
	assert_in_range(visits(s, 890 * us, 100), 0, 1);
	now += 10 * us;
	assert_in_range(visits(s, 100 * us, 100), 98, 101);
	assert_in_range(visits(s, 9900 * us, 100), 880, 902);
	stream_end(s);
}

static void it_ends_after_its_time(void **state)
{
	struct pktgen_stream *s = stream(64);

	s->limits.duration = 100000;
	visits(s, 99000, 1000);
	assert_int_equal(s->state, PKTGEN_RUNNING);
	room = 0; // even with a port that takes nothing
	visits(s, 3000, 1000);
	assert_int_equal(s->state, PKTGEN_DONE);
	stream_end(s);
}

static void latency_has_its_quantiles(void **state)
{
	struct pktgen_latency *l = calloc(1, sizeof(*l));

	assert_int_equal(pktgen_latency_quantile(l, 0.5), 0);
	for (uint64_t v = 1; v <= 100000; v++)
		pktgen_latency_add(l, v);
	assert_int_equal(l->max, 100000);
	for (unsigned int i = 0; i < 4; i++) {
		static const double q[] = {0.01, 0.5, 0.99, 0.999};
		double got = (double)pktgen_latency_quantile(l, q[i]);

		assert_true(got >= q[i] * 100000 && got <= q[i] * 100000 * 17 / 16 + 1);
	}
	assert_int_equal(pktgen_latency_quantile(l, 1), 100000);
	pktgen_latency_add(l, UINT64_MAX >> 16); // the longest that a stamp can tell
	assert_int_equal(pktgen_latency_quantile(l, 1), UINT64_MAX >> 16);
	free(l);
}

static void latency_is_from_stamp_to_sink(void **state)
{
	struct pktgen_stream *s = stream(64);

	s->limits.count = 10;
	pktgen_send(s, port_pool(), now, wire_tx, NULL);
	pktgen_receive(&sink, wire, on_wire, now + 5000);
	assert_int_equal(s->received.latency.max, 5000);
	assert_int_equal(s->received.latency.sum, 50000);
	stream_end(s);
}

static int start(void **state)
{
	harness_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clean_wire_is_found_clean),
		cmocka_unit_test(what_is_lost_repeated_and_late_is_counted_to_the_packet),
		cmocka_unit_test(any_flipped_bit_behind_the_addresses_is_found),
		cmocka_unit_test(every_kind_of_frame_is_intact_and_spoilt_ones_are_not),
		cmocka_unit_test(numbers_far_apart_and_beyond_32_bits),
		cmocka_unit_test(what_is_of_no_stream_is_unknown),
		cmocka_unit_test(a_port_that_takes_little_loses_nothing),
		cmocka_unit_test(a_rate_is_kept_to_the_frame),
		cmocka_unit_test(a_rate_error_of_the_wire_is_found),
		cmocka_unit_test(frames_that_came_at_once_have_no_rate),
		cmocka_unit_test(lost_time_is_not_made_up_for_without_bound),
		cmocka_unit_test(bursts_are_on_and_off),
		cmocka_unit_test(it_ends_after_its_time),
		cmocka_unit_test(latency_has_its_quantiles),
		cmocka_unit_test(latency_is_from_stamp_to_sink),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
