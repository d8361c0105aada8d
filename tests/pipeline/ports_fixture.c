/* SPDX-License-Identifier: BSD-3-Clause */
#include "ports_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>

int fixture_create(struct port *p, const char *type, const char *params, unsigned int workers, struct fault *f)
{
	static uint16_t id;
	json_t *json = json_loads(params, 0, NULL);

	assert_non_null(json);
	memset(p, 0, sizeof(*p));
	memset(f, 0, sizeof(*f));
	p->id = ++id;
	p->ops = port_kind(type);
	assert_non_null(p->ops);
	snprintf(p->name, sizeof(p->name), "p%u", id);
	const int ret = p->ops->create(p, json, workers, f);
	json_decref(json);
	assert_int_equal(ret, f->err);
	if (ret != 0) {
		assert_null(p->priv);
		assert_null(p->rxq);
		assert_null(p->txq);
	}
	return ret;
}

void fixture_start(struct port *p, const char *type, const char *params, unsigned int workers)
{
	struct fault f;

	if (fixture_create(p, type, params, workers, &f) != 0)
		fail_msg("%s %s: %s", type, params, f.message);
	if (p->ops->start(p, &f) != 0)
		fail_msg("start of %s %s: %s", type, params, f.message);
}

void fixture_stop(struct port *p)
{
	p->ops->stop(p);
	p->ops->destroy(p);
	assert_null(p->rxq);
	assert_null(p->priv);
}

struct rte_mbuf *fixture_mbuf(const void *data, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(port_pool());

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, len), data, len);
	return m;
}

struct rte_mbuf *fixture_rx(struct port *p, unsigned int timeout_ms)
{
	const uint64_t end = rte_rdtsc() + rte_get_tsc_hz() / 1000 * timeout_ms;
	struct rxq *q = &p->rxq[0];
	struct rte_mbuf *m;

	do {
		if (q->idle_word != NULL && __atomic_load_n(q->idle_word, __ATOMIC_ACQUIRE) == q->idle_value)
			continue;
		if (q->rx(q, &m, 1) == 1)
			return m;
	} while (rte_rdtsc() < end);
	return NULL;
}

void fixture_tx(struct port *p, struct rte_mbuf *m)
{
	assert_int_equal(p->txq[0].tx(&p->txq[0], &m, 1), 1);
}

bool fixture_link(const struct port *p, bool up)
{
	for (int i = 0; i < 2000; i++) {
		if (__atomic_load_n(&p->link_up, __ATOMIC_ACQUIRE) == up)
			return true;
		usleep(1000);
	}
	return false;
}

void fixture_no_mbuf_lost(void)
{
	assert_int_equal(rte_mempool_in_use_count(port_pool()), 0);
}

static bool file_write(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY);
	const bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

bool fixture_netns(void)
{
	char map[64];
	const unsigned int uid = getuid();

	if (uid == 0)
		return unshare(CLONE_NEWNET) == 0;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 && file_write("/proc/self/uid_map", map);
}

void fixture_run(const char *fmt, ...)
{
	char command[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}
