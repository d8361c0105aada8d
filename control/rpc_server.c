/* SPDX-License-Identifier: BSD-3-Clause */
// The unix socket and its clients. Requests run in turns: all clients with something to do get a share of the time in
// order, then the store is synced once for all their changes, and then their answers go out.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "rpc.h"
#include "rpc_client.h"
#include "socket_path.h"
#include "store.h"

#define CLIENTS_MAX 256
#define BACKLOG 1024
#define ACCEPTS_MAX 32         // a loop iteration
#define TURN_CLIENT_NS 1000000 // of one client
#define TURN_ALL_NS 10000000   // of all, so that other events of the loop wait no longer
#define STALL_S 10
#define BUFFER_FREE (1 << 20)          // bytes that a client may hold whatever the others hold
#define INPUT_MAX ((size_t)512 << 20)  // bytes of input buffers of all clients
#define OUTPUT_MAX ((size_t)512 << 20) // bytes of unread answers of all clients
#define IOVECS 16

struct peer {
	struct rpc_client client; // first, so that one is the other
	TAILQ_ENTRY(peer) all, ready;
	int fd;
	struct event *read, *write;
	bool reading, writing, is_ready;
	enum rpc_client_state state;
	uint64_t read_ns, written_ns; // when it last sent something, and read something or had nothing to read
};

TAILQ_HEAD(peers, peer);

static struct {
	struct event_base *base;
	int fd, lock;
	struct event *listen, *turn, *tick;
	struct peers all, ready;
	unsigned int count;
	uint64_t stall_ns; // a client that reads nothing for so long is cut off
	bool turn_due;
	bool sync_failed; // said so in the log
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
} server = {.fd = -1, .lock = -1};

static void turn_schedule(void)
{
	static const struct timeval now;

	if (!server.turn_due)
		event_add(server.turn, &now);
	server.turn_due = true;
}

static void peer_ready(struct peer *p)
{
	if (!p->is_ready)
		TAILQ_INSERT_TAIL(&server.ready, p, ready);
	p->is_ready = true;
	turn_schedule();
}

static void on_event_added(struct rpc_client *c)
{
	turn_schedule();
}

static void peer_close(struct peer *p)
{
	if (p->is_ready)
		TAILQ_REMOVE(&server.ready, p, ready);
	TAILQ_REMOVE(&server.all, p, all);
	server.count--;
	if (p->read != NULL)
		event_free(p->read);
	if (p->write != NULL)
		event_free(p->write);
	close(p->fd);
	rpc_client_clear(&p->client);
	free(p);
}

static void watch(struct event *ev, bool *on, bool wanted)
{
	if (wanted != *on && (wanted ? event_add(ev, NULL) : event_del(ev)) == 0)
		*on = wanted;
}

// After anything happened to a peer: what to wait for next. May close it.
static void peer_update(struct peer *p)
{
	struct rpc_client *c = &p->client;
	size_t unread = rpc_client_unread(c), out = evbuffer_get_length(c->out);

	if (c->broken || (c->eof && p->state == RPC_CLIENT_IDLE && !p->is_ready && unread == 0)) {
		peer_close(p);
		return;
	}
	if (p->state == RPC_CLIENT_FULL && !rpc_client_full(c))
		p->state = RPC_CLIENT_READY;
	if (p->state == RPC_CLIENT_READY)
		peer_ready(p);
	watch(p->read, &p->reading, p->state == RPC_CLIENT_IDLE && !c->eof);
	watch(p->write, &p->writing, out > 0);
}

// Sends what the socket takes now.
static void peer_send(struct peer *p)
{
	struct evbuffer *out = p->client.out;
	struct evbuffer_iovec vec[IOVECS];
	struct iovec iov[IOVECS];

	while (evbuffer_get_length(out) > 0) {
		int n = evbuffer_peek(out, -1, NULL, vec, IOVECS);
		struct msghdr msg = {.msg_iov = iov, .msg_iovlen = n < IOVECS ? (size_t)n : IOVECS};
		ssize_t sent;

		for (size_t i = 0; i < msg.msg_iovlen; i++)
			iov[i] = (struct iovec){vec[i].iov_base, vec[i].iov_len};
		sent = sendmsg(p->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			return;
		if (sent < 0) {
			p->client.broken = true;
			return;
		}
		evbuffer_drain(out, (size_t)sent);
		p->written_ns = rpc_now_ns();
	}
}

static size_t held_input(const struct peer *p)
{
	return p->client.in_size > BUFFER_FREE ? p->client.in_size : 0;
}

static size_t held_output(const struct peer *p)
{
	size_t unread = rpc_client_unread(&p->client);

	return unread > BUFFER_FREE ? unread : 0;
}

// Cuts off, of the clients that hold large buffers, those that moved least lately, until the rest is within `max`.
static void shed(size_t (*held)(const struct peer *p), size_t since, size_t max)
{
	struct peer *p, *victim;
	size_t total;

	do {
		total = 0;
		victim = NULL;
		TAILQ_FOREACH (p, &server.all, all) {
			uint64_t moved = *(const uint64_t *)((const char *)p + since);

			if (held(p) == 0 || p->client.broken)
				continue;
			total += held(p);
			if (victim == NULL || moved < *(const uint64_t *)((const char *)victim + since))
				victim = p;
		}
		if (total > max)
			victim->client.broken = true; // closed by the next turn
	} while (total > max);
	turn_schedule();
}

static void on_read(evutil_socket_t fd, short what, void *arg)
{
	struct peer *p = arg;
	size_t room;
	char *in = rpc_client_room(&p->client, &room);
	ssize_t n;

	if (in == NULL) {
		p->client.broken = true;
		peer_update(p);
		return;
	}
	n = recv(fd, in, room, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	p->read_ns = rpc_now_ns();
	if (n > 0)
		rpc_client_input(&p->client, (size_t)n);
	else
		rpc_client_eof(&p->client);
	if (held_input(p) > 0)
		shed(held_input, offsetof(struct peer, read_ns), INPUT_MAX);
	p->state = RPC_CLIENT_READY;
	peer_update(p);
}

static void on_write(evutil_socket_t fd, short what, void *arg)
{
	struct peer *p = arg;

	peer_send(p);
	peer_update(p);
}

static void release_all(void)
{
	struct fault f = {0};
	const struct fault *failed = store_dirty() && store_sync(&f) < 0 ? &f : NULL;
	struct peer *p, *next;

	if (failed != NULL && !server.sync_failed)
		fprintf(stderr, "%s: nothing can be changed any more until the daemon is restarted\n", f.message);
	server.sync_failed = failed != NULL;
	for (p = TAILQ_FIRST(&server.all); p != NULL; p = next) {
		bool was_empty = evbuffer_get_length(p->client.out) == 0;

		next = TAILQ_NEXT(p, all);
		rpc_client_release(&p->client, failed);
		if (was_empty)
			p->written_ns = rpc_now_ns();
		if (!p->writing)
			peer_send(p);
		peer_update(p);
	}
}

static bool compact(void)
{
	struct fault f = {0};
	int rc = store_compact_step(&f);

	if (rc < 0)
		fprintf(stderr, "%s: %s\n", "the journal was not compacted", f.message);
	return rc > 0;
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	uint64_t now = rpc_now_ns(), end = now + TURN_ALL_NS;
	struct peers todo = TAILQ_HEAD_INITIALIZER(todo);
	struct peer *p;

	server.turn_due = false;
	TAILQ_CONCAT(&todo, &server.ready, ready);
	while ((p = TAILQ_FIRST(&todo)) != NULL && now < end) {
		TAILQ_REMOVE(&todo, p, ready);
		p->is_ready = false;
		p->state = rpc_client_turn(&p->client, now + TURN_CLIENT_NS);
		if (held_output(p) > 0)
			shed(held_output, offsetof(struct peer, written_ns), OUTPUT_MAX);
		now = rpc_now_ns();
	}
	// Who had no turn this time comes first the next.
	TAILQ_CONCAT(&todo, &server.ready, ready);
	TAILQ_CONCAT(&server.ready, &todo, ready);
	release_all();
	if (compact() || !TAILQ_EMPTY(&server.ready))
		turn_schedule();
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	uint64_t now = rpc_now_ns();
	struct peer *p, *next;

	for (p = TAILQ_FIRST(&server.all); p != NULL; p = next) {
		next = TAILQ_NEXT(p, all);
		peer_send(p);
		if (evbuffer_get_length(p->client.out) > 0 && now > p->written_ns + server.stall_ns)
			p->client.broken = true;
		peer_update(p);
	}
	// It was taken off when there were no more descriptors.
	event_add(server.listen, NULL);
}

// One client too many is told so, and need not be read.
static void turn_away(int fd)
{
	struct evbuffer *out = evbuffer_new();
	struct fault f = {0};

	fault_set(&f, -ENOSPC, NULL, NULL, NULL, "there are %d clients already", CLIENTS_MAX);
	if (out != NULL) {
		rpc_client_refuse(out, rpc_code(-ENOSPC), NULL, &f);
		send(fd, evbuffer_pullup(out, -1), evbuffer_get_length(out), MSG_NOSIGNAL | MSG_DONTWAIT);
		evbuffer_free(out);
	}
	close(fd);
}

static void peer_create(int fd)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (p == NULL || rpc_client_create(&p->client) < 0) {
		free(p);
		close(fd);
		return;
	}
	p->client.wake = on_event_added;
	p->fd = fd;
	p->read = event_new(server.base, fd, EV_READ | EV_PERSIST, on_read, p);
	p->write = event_new(server.base, fd, EV_WRITE | EV_PERSIST, on_write, p);
	p->client.broken = p->read == NULL || p->write == NULL;
	p->read_ns = p->written_ns = rpc_now_ns();
	TAILQ_INSERT_TAIL(&server.all, p, all);
	server.count++;
	peer_update(p);
}

void rpc_server_adopt(int fd)
{
	fcntl(fd, F_SETFL, O_NONBLOCK);
	peer_create(fd);
}

static void on_accept(evutil_socket_t listener, short what, void *arg)
{
	for (unsigned int i = 0; i < ACCEPTS_MAX; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0 && server.count < CLIENTS_MAX)
			peer_create(fd);
		else if (fd >= 0)
			turn_away(fd);
		else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			event_del(server.listen); // else it would be called again at once; on_tick() tries again
		if (fd < 0)
			return;
	}
}

// The lock closes the gap in which two daemons that start at once take each other's new socket for an old one.
static int lock_take(const char *path, struct fault *f)
{
	char name[sizeof(server.path) + 8];

	snprintf(name, sizeof(name), "%s.lock", path);
	server.lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (server.lock < 0)
		return fault_str(f, -errno, "socket", name, NULL, "the lock file cannot be opened");
	if (flock(server.lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return fault_str(f, -EADDRINUSE, "socket", path, NULL, "another daemon has this socket");
	return fault_str(f, -errno, "socket", name, NULL, "the lock file cannot be locked");
}

static int listen_at(const char *path, struct fault *f)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct group *group = getgrnam("sluice");
	int rc;

	if (strlen(path) >= sizeof(address.sun_path))
		return fault_str(f, -EINVAL, "socket", path, "a path of at most 107 bytes", "the path is too long");
	strcpy(address.sun_path, path);
	rc = lock_take(path, f);
	if (rc == 0)
		rc = socket_path_free(&address, "socket", f);
	if (rc < 0)
		return rc;
	server.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (server.fd < 0)
		return fault_set(f, -errno, NULL, NULL, NULL, "no socket");
	// Its mode holds from the moment it has a name; group and mode are then made exact.
	fchmod(server.fd, 0660);
	if (bind(server.fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fault_str(f, -errno, "socket", path, NULL, "the socket cannot be bound");
	strcpy(server.path, path);
	// Without the right to give it away the socket stays the daemon's own group's.
	if (group != NULL && chown(path, (uid_t)-1, group->gr_gid) < 0)
		fprintf(stderr, "%s: not given to group sluice: %s\n", server.path, strerror(errno));
	if (chmod(path, 0660) < 0 || listen(server.fd, BACKLOG) < 0)
		return fault_str(f, -errno, "socket", path, NULL, "the socket cannot be opened");
	return 0;
}

int rpc_server_start(const struct rpc_server_conf *conf, struct fault *f)
{
	static const struct timeval second = {.tv_sec = 1};
	int rc;

	TAILQ_INIT(&server.all);
	TAILQ_INIT(&server.ready);
	server.base = conf->base;
	server.stall_ns = (conf->stall_s > 0 ? conf->stall_s : STALL_S) * UINT64_C(1000000000);
	rc = listen_at(conf->path, f);
	if (rc < 0)
		goto stop;
	server.listen = event_new(server.base, server.fd, EV_READ | EV_PERSIST, on_accept, NULL);
	server.turn = event_new(server.base, -1, 0, on_turn, NULL);
	server.tick = event_new(server.base, -1, EV_PERSIST, on_tick, NULL);
	if (server.listen != NULL && server.turn != NULL && server.tick != NULL &&
	    event_add(server.listen, NULL) == 0 && event_add(server.tick, &second) == 0)
		return 0;
	rc = fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for the events of the socket");
stop:
	rpc_server_stop();
	return rc;
}

static void event_drop(struct event **ev)
{
	if (*ev != NULL)
		event_free(*ev);
	*ev = NULL;
}

void rpc_server_stop(void)
{
	// The last answers, that of system.shutdown among them.
	if (server.turn != NULL)
		release_all();
	while (!TAILQ_EMPTY(&server.all))
		peer_close(TAILQ_FIRST(&server.all));
	event_drop(&server.listen);
	event_drop(&server.turn);
	event_drop(&server.tick);
	if (server.fd >= 0)
		close(server.fd);
	if (server.path[0] != '\0')
		unlink(server.path);
	if (server.lock >= 0)
		close(server.lock);
	server.fd = server.lock = -1;
	server.path[0] = '\0';
	server.turn_due = false;
}
