/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip_reass.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <rte_ip.h>

#include "icmp.h"
#include "ip_out.h"
#include "slow.h"

#define IP6_LEN ((uint32_t)sizeof(struct rte_ipv6_hdr))
#define FRAG6_LEN 8u
#define OFFSET6_MASK 0xfff8

struct part {
	struct rte_mbuf *m;
	uint32_t at, len; // of the datagram's payload
};

struct datagram {
	TAILQ_ENTRY(datagram) link; // oldest first
	const struct iface *in;
	struct ip_addr src, dst;
	uint32_t id;
	uint64_t due_ms;
	uint32_t have, total; // bytes of payload; total 0: the last fragment has not come
	bool spoilt;
	uint8_t nparts;
	struct part part[IP_REASS_PARTS];
};

// What a fragment says of itself.
struct fragment {
	struct ip_addr src, dst;
	uint32_t id, header_len, at, len;
	bool more;
};

static TAILQ_HEAD(datagram_list, datagram) datagrams = TAILQ_HEAD_INITIALIZER(datagrams);
static uint32_t held, ndatagrams;

bool ip_reass_is_fragment(const uint8_t *ip, uint32_t len, uint8_t protocol)
{
	if (ip[0] >> 4 == 6)
		return len >= IP6_LEN + FRAG6_LEN && ip[6] == IPPROTO_FRAGMENT && ip[IP6_LEN] == protocol;
	return len >= sizeof(struct rte_ipv4_hdr) && ip[9] == protocol &&
	       ((ip[6] << 8 | ip[7]) & (RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) != 0;
}

static bool read4(struct rte_mbuf **m, struct fragment *f)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(*m, const struct rte_ipv4_hdr *);
	uint32_t total = rte_be_to_cpu_16(ip->total_length);
	uint16_t field = rte_be_to_cpu_16(ip->fragment_offset);

	f->header_len = rte_ipv4_hdr_len(ip);
	if (f->header_len < sizeof(*ip) || total <= f->header_len || total > (*m)->pkt_len)
		return false;
	f->id = ip->packet_id;
	f->at = (field & RTE_IPV4_HDR_OFFSET_MASK) * 8u;
	f->more = field & RTE_IPV4_HDR_MF_FLAG;
	f->len = total - f->header_len;
	return rte_pktmbuf_trim(*m, (uint16_t)((*m)->pkt_len - total)) == 0 &&
	       f->header_len + f->at + f->len <= UINT16_MAX && slow_pull(m, f->header_len);
}

static bool read6(struct rte_mbuf **m, struct fragment *f)
{
	const uint8_t *ip = rte_pktmbuf_mtod(*m, const uint8_t *);
	uint32_t payload = (uint32_t)(ip[4] << 8 | ip[5]);
	uint16_t field = (uint16_t)(ip[IP6_LEN + 2] << 8 | ip[IP6_LEN + 3]);

	f->header_len = IP6_LEN + FRAG6_LEN;
	if (payload <= FRAG6_LEN || payload > (*m)->pkt_len - IP6_LEN)
		return false;
	memcpy(&f->id, ip + IP6_LEN + 4, sizeof(f->id));
	f->at = field & OFFSET6_MASK;
	f->more = field & 1;
	f->len = payload - FRAG6_LEN;
	return rte_pktmbuf_trim(*m, (uint16_t)((*m)->pkt_len - IP6_LEN - payload)) == 0 && f->at + f->len <= UINT16_MAX;
}

// false: its lengths do not fit together, or the datagram would be longer than there are.
static bool fragment_read(struct rte_mbuf **m, struct fragment *f)
{
	bool ip6 = *rte_pktmbuf_mtod(*m, const uint8_t *) >> 4 == 6;

	if (ip6 && !slow_pull(m, IP6_LEN + FRAG6_LEN))
		return false;
	ip_out_addrs(*m, &f->src, &f->dst);
	return (ip6 ? read6(m, f) : read4(m, f)) && !(f->more && f->len % 8 != 0);
}

// The end of a datagram: of all its fragments that are still there.
static void end(struct datagram *d, enum slow_outcome why)
{
	for (unsigned int k = 0; k < d->nparts; k++)
		slow_end(d->part[k].m, why);
	held -= d->nparts;
	ndatagrams--;
	TAILQ_REMOVE(&datagrams, d, link);
	free(d);
}

static struct datagram *find(const struct fragment *f, const struct iface *in)
{
	struct datagram *d;

	TAILQ_FOREACH (d, &datagrams, link) {
		if (d->in == in && d->id == f->id && ip_equal(&d->src, &f->src) && ip_equal(&d->dst, &f->dst))
			return d;
	}
	return NULL;
}

// Makes room for one more fragment that came in by `in`, and for one more datagram if it is the first of one.
static void make_room(const struct iface *in, bool first)
{
	uint32_t fragments = 0, count = first;
	struct datagram *d, *oldest = NULL;

	TAILQ_FOREACH (d, &datagrams, link) {
		if (d->in != in)
			continue;
		oldest = oldest ?: d;
		fragments += d->nparts;
		count++;
	}
	if (oldest && (fragments >= IP_REASS_IFACE || count > IP_REASS_IFACE_DATAGRAMS))
		end(oldest, SLOW_REASS_FULL);
	else if (held >= IP_REASS_ALL || ndatagrams + first > IP_REASS_DATAGRAMS)
		end(TAILQ_FIRST(&datagrams), SLOW_REASS_FULL);
}

static struct datagram *make(const struct fragment *f, const struct iface *in)
{
	struct datagram *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->in = in;
	d->src = f->src;
	d->dst = f->dst;
	d->id = f->id;
	d->due_ms = slow_now_ms() + IP_REASS_MS;
	TAILQ_INSERT_TAIL(&datagrams, d, link);
	ndatagrams++;
	return d;
}

// Nothing that comes of it will be used.
static void spoil(struct datagram *d)
{
	for (unsigned int k = 0; k < d->nparts; k++)
		slow_end(d->part[k].m, SLOW_REASS_OVERLAP);
	held -= d->nparts;
	d->nparts = 0;
	d->spoilt = true;
}

// Whether the fragment says something else of where the datagram ends than others did.
static bool end_differs(const struct datagram *d, const struct fragment *f)
{
	uint32_t last = d->nparts ? d->part[d->nparts - 1].at + d->part[d->nparts - 1].len : 0;

	if (d->total)
		return f->more ? f->at + f->len >= d->total : f->at + f->len != d->total;
	return !f->more && last > f->at;
}

// SLOW_OUTCOME_COUNT: it is in the datagram now; else why it is not. m is not freed.
static enum slow_outcome insert(struct datagram *d, const struct fragment *f, struct rte_mbuf *m)
{
	unsigned int k = d->nparts;

	if (d->spoilt)
		return SLOW_REASS_OVERLAP;
	while (k > 0 && d->part[k - 1].at > f->at)
		k--;
	if (k > 0 && d->part[k - 1].at == f->at && d->part[k - 1].len == f->len)
		return SLOW_REASS_AGAIN;
	if (end_differs(d, f) || (k > 0 && d->part[k - 1].at + d->part[k - 1].len > f->at) ||
	    (k < d->nparts && f->at + f->len > d->part[k].at)) {
		spoil(d);
		return SLOW_REASS_OVERLAP;
	}
	if (d->nparts == IP_REASS_PARTS)
		return SLOW_REASS_FULL;
	memmove(&d->part[k + 1], &d->part[k], (d->nparts - k) * sizeof(*d->part));
	d->part[k] = (struct part){m, f->at, f->len};
	d->nparts++;
	held++;
	d->have += f->len;
	d->total = f->more ? d->total : f->at + f->len;
	return SLOW_OUTCOME_COUNT;
}

// The header is that of a packet in one piece.
static void header_whole(struct rte_mbuf *m, uint32_t total)
{
	uint8_t *ip = rte_pktmbuf_mtod(m, uint8_t *);
	struct rte_ipv4_hdr *ip4 = (struct rte_ipv4_hdr *)ip;

	if (ip[0] >> 4 == 6) {
		ip[6] = ip[IP6_LEN];
		ip[4] = (uint8_t)(total >> 8);
		ip[5] = (uint8_t)total;
		memmove(ip + FRAG6_LEN, ip, IP6_LEN);
		rte_pktmbuf_adj(m, FRAG6_LEN);
		return;
	}
	ip4->total_length = rte_cpu_to_be_16((uint16_t)(rte_ipv4_hdr_len(ip4) + total));
	ip4->fragment_offset = 0;
	ip4->hdr_checksum = 0;
	ip4->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, rte_ipv4_hdr_len(ip4));
}

// All of it is there: the parts behind one another.
static struct rte_mbuf *join(struct datagram *d)
{
	struct rte_mbuf *whole = d->part[0].m;

	header_whole(whole, d->total);
	for (unsigned int k = 1; k < d->nparts; k++) {
		rte_pktmbuf_adj(d->part[k].m, (uint16_t)(d->part[k].m->pkt_len - d->part[k].len));
		rte_pktmbuf_chain(whole, d->part[k].m); // cannot fail: far fewer segments than there may be
		slow_count(SLOW_REASSEMBLED);
	}
	whole->ol_flags = 0;
	held -= d->nparts;
	d->nparts = 0;
	end(d, SLOW_REASSEMBLED);
	return whole;
}

struct rte_mbuf *ip_reass_take(struct rte_mbuf *m, struct iface *in)
{
	struct fragment f;
	struct datagram *d;
	enum slow_outcome why;

	if (!fragment_read(&m, &f)) {
		slow_end(m, SLOW_MALFORMED);
		return NULL;
	}
	make_room(in, find(&f, in) == NULL);
	d = find(&f, in) ?: make(&f, in); // it may have given way itself
	why = d ? insert(d, &f, m) : SLOW_NO_BUFFER;
	if (why != SLOW_OUTCOME_COUNT) {
		slow_end(m, why);
		return NULL;
	}
	return d->total && d->have == d->total ? join(d) : NULL;
}

// Who sent the datagram is told, if its beginning is here to be told of.
static void give_up(struct datagram *d)
{
	struct iface *in = iface_by_id(d->in->id);
	struct rte_mbuf *first = in && d->nparts && d->part[0].at == 0 ? d->part[0].m : NULL;

	if (first) {
		d->nparts--;
		held--;
		memmove(d->part, d->part + 1, d->nparts * sizeof(*d->part));
	}
	end(d, SLOW_REASS_TIMEOUT);
	if (first)
		icmp_error_about(first, in, ICMP_ERROR_REASS, 0);
}

void ip_reass_tick(void)
{
	struct datagram *d;

	while ((d = TAILQ_FIRST(&datagrams)) && d->due_ms <= slow_now_ms())
		give_up(d);
}

void ip_reass_iface_gone(struct iface *in)
{
	struct datagram *d, *next;

	for (d = TAILQ_FIRST(&datagrams); d; d = next) {
		next = TAILQ_NEXT(d, link);
		if (d->in == in)
			end(d, SLOW_NO_IFACE);
	}
}

void ip_reass_iface_changed(struct iface *in)
{
	if (!in->up)
		ip_reass_iface_gone(in);
}

uint32_t ip_reass_held(void)
{
	return held;
}
