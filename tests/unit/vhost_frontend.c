/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost_frontend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/vhost_types.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>

enum request {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	SET_VRING_ENABLE = 18,
};

struct message {
	uint32_t request, flags, size;
	union {
		uint64_t u64;
		struct {
			uint32_t index, num;
		} state;
		struct {
			uint32_t index, flags;
			uint64_t desc, used, avail, log;
		} addr;
		struct {
			uint32_t n, pad;
			uint64_t guest, size, user, offset;
		} mem;
	};
} __attribute__((packed));

#define HEADER offsetof(struct message, u64)

static void send_message(struct frontend *g, struct message *m, uint32_t size, int fd)
{
	struct iovec iov = {.iov_base = m, .iov_len = HEADER + size};
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;

	m->flags = 1; // the protocol's version
	m->size = size;
	if (fd >= 0) {
		h.msg_control = control;
		h.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	assert_int_equal(sendmsg(g->fd, &h, MSG_NOSIGNAL), HEADER + size);
}

static void send_u64(struct frontend *g, uint32_t request, uint64_t value, int fd)
{
	struct message m = {.request = request, .u64 = value};

	send_message(g, &m, sizeof(m.u64), fd);
}

static void send_state(struct frontend *g, uint32_t request, uint32_t index, uint32_t num)
{
	struct message m = {.request = request, .state = {index, num}};

	send_message(g, &m, sizeof(m.state), -1);
}

uint64_t frontend_ask(struct frontend *g, uint32_t request)
{
	struct message m = {.request = request};

	send_message(g, &m, 0, -1);
	assert_int_equal(recv(g->fd, &m, HEADER + sizeof(m.u64), MSG_WAITALL), HEADER + sizeof(m.u64));
	assert_int_equal(m.request, request);
	return m.u64;
}

void frontend_half_message(struct frontend *g, uint32_t size)
{
	struct message m = {.request = SET_FEATURES, .flags = 1, .size = size};

	assert_int_equal(send(g->fd, &m, HEADER, MSG_NOSIGNAL), HEADER);
}

static void guest_make(struct frontend *g)
{
	g->memfd = memfd_create("guest", MFD_CLOEXEC);
	assert_int_equal(ftruncate(g->memfd, FRONTEND_MEM), 0);
	g->mem = mmap(NULL, FRONTEND_MEM, PROT_READ | PROT_WRITE, MAP_SHARED, g->memfd, 0);
	assert_ptr_not_equal(g->mem, MAP_FAILED);
	for (int i = 0; i < FRONTEND_RINGS; i++) {
		// A ring takes three pages of the first MiB, buffers are in the second.
		g->desc[i] = (void *)(g->mem + i * 0x4000);
		g->avail[i] = (void *)(g->mem + i * 0x4000 + 0x1000);
		g->used[i] = (void *)(g->mem + i * 0x4000 + 0x2000);
		g->kick[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		g->call[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
}

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	assert_true(strlen(path) < sizeof(un.sun_path));
	strcpy(un.sun_path, path);
	return un;
}

void frontend_connect(struct frontend *g, const char *path)
{
	struct sockaddr_un un = address(path);

	memset(g, 0, sizeof(*g));
	g->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(g->fd, (struct sockaddr *)&un, sizeof(un)), 0);
	guest_make(g);
}

int frontend_listen(const char *path)
{
	struct sockaddr_un un = address(path);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

void frontend_accept(struct frontend *g, int listener)
{
	memset(g, 0, sizeof(*g));
	g->fd = accept(listener, NULL, NULL);
	assert_true(g->fd >= 0);
	guest_make(g);
}

void frontend_close(struct frontend *g)
{
	close(g->fd);
	munmap(g->mem, FRONTEND_MEM);
	close(g->memfd);
	for (int i = 0; i < FRONTEND_RINGS; i++) {
		close(g->kick[i]);
		close(g->call[i]);
	}
}

void frontend_mem_table(struct frontend *g, uint64_t size)
{
	struct message m = {.request = SET_MEM_TABLE, .mem = {.n = 1, .size = size, .user = (uintptr_t)g->mem}};

	send_message(g, &m, sizeof(m.mem), g->memfd);
}

static uint64_t buffer(unsigned int ring, unsigned int i)
{
	return (1 << 20) + (ring * FRONTEND_RING + i) * (uint64_t)FRONTEND_BUF;
}

static void ring_start(struct frontend *g, unsigned int i)
{
	struct message m = {.request = SET_VRING_ADDR,
			    .addr = {.index = i,
				     .desc = (uintptr_t)g->desc[i],
				     .used = (uintptr_t)g->used[i],
				     .avail = (uintptr_t)g->avail[i]}};

	for (int d = 0; d < FRONTEND_RING; d++)
		g->desc[i][d] = (struct vring_desc){
			.addr = buffer(i, d), .len = FRONTEND_BUF, .flags = i & 1 ? 0 : VRING_DESC_F_WRITE};
	for (int d = 0; d < FRONTEND_RING; d++)
		g->avail[i]->ring[d] = d;
	g->used[i]->idx = 0;
	g->avail[i]->idx = i & 1 ? 0 : FRONTEND_RING;
	send_state(g, SET_VRING_NUM, i, FRONTEND_RING);
	send_state(g, SET_VRING_BASE, i, 0);
	send_message(g, &m, sizeof(m.addr), -1);
	send_u64(g, SET_VRING_CALL, i, g->call[i]);
	send_u64(g, SET_VRING_KICK, i, g->kick[i]);
	send_state(g, SET_VRING_ENABLE, i, 1);
}

void frontend_start(struct frontend *g, unsigned int pairs, uint64_t without)
{
	send_message(g, &(struct message){.request = SET_OWNER}, 0, -1);
	// Not the status message, for the guest has none of its own to give.
	send_u64(g, SET_PROTOCOL_FEATURES, frontend_ask(g, GET_PROTOCOL_FEATURES) & 1, -1);
	// Nor packed rings, event indices or the logging of a migration, which this guest does not speak.
	without |= 1ull << VIRTIO_F_RING_PACKED | 1ull << VIRTIO_RING_F_EVENT_IDX | 1ull << VHOST_F_LOG_ALL;
	g->features = frontend_ask(g, GET_FEATURES) & ~without;
	send_u64(g, SET_FEATURES, g->features, -1);
	frontend_mem_table(g, FRONTEND_MEM);
	for (unsigned int i = 0; i < 2 * pairs; i++)
		ring_start(g, i);
}

void frontend_stop_ring(struct frontend *g, unsigned int ring)
{
	struct message m = {.request = GET_VRING_BASE, .state = {ring, 0}};

	send_message(g, &m, sizeof(m.state), -1);
	assert_int_equal(recv(g->fd, &m, HEADER + sizeof(m.state), MSG_WAITALL), HEADER + sizeof(m.state));
}

bool frontend_send(struct frontend *g, unsigned int ring, const void *frame, uint32_t len)
{
	const uint16_t at = g->avail[ring]->idx;
	const unsigned int d = at % FRONTEND_RING;
	uint8_t *buf = g->mem + buffer(ring, d);

	if ((uint16_t)(at - __atomic_load_n(&g->used[ring]->idx, __ATOMIC_ACQUIRE)) >= FRONTEND_RING)
		return false;
	memset(buf, 0, FRONTEND_HDR);
	memcpy(buf + FRONTEND_HDR, frame, len);
	g->desc[ring][d] = (struct vring_desc){.addr = buffer(ring, d), .len = FRONTEND_HDR + len};
	g->avail[ring]->ring[d] = d;
	__atomic_store_n(&g->avail[ring]->idx, at + 1, __ATOMIC_RELEASE);
	return true;
}

unsigned int frontend_receive(struct frontend *g, unsigned int ring)
{
	// All buffers were offered at the start and each one used is offered again, so the two indices keep their
	// distance.
	const uint16_t seen = g->avail[ring]->idx - FRONTEND_RING;
	const uint16_t n = __atomic_load_n(&g->used[ring]->idx, __ATOMIC_ACQUIRE) - seen;

	for (uint16_t i = 0; i < n; i++)
		g->avail[ring]->ring[(seen + i) % FRONTEND_RING] = g->used[ring]->ring[(seen + i) % FRONTEND_RING].id;
	__atomic_store_n(&g->avail[ring]->idx, (uint16_t)(seen + n + FRONTEND_RING), __ATOMIC_RELEASE);
	return n;
}
