/* SPDX-License-Identifier: BSD-3-Clause */
#include "of_channel.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../socket_path.h"

#define BACKLOG 16
#define ACCEPTS_MAX 16 // a loop iteration

struct of_channel;

struct peer {
	struct of_channel *channel;
	struct of_stream *stream;
	LIST_ENTRY(peer) all;
};

struct of_channel {
	struct of_channels *channels;
	struct of_address address;
	LIST_HEAD(, peer) peers;
	unsigned int streams;
	int fd;              // of one that listens, or of a connect() under way; -1
	struct event *ready; // the descriptor's
	struct event *redial;
	unsigned int redial_ms;
	char error[64];
	LIST_ENTRY(of_channel) all;
};

LIST_HEAD(channel_list, of_channel);

struct of_channels {
	struct of_channels_conf conf;
	struct of_tls *tls;
	struct channel_list list;
};

static void dial(struct of_channel *c);

static void event_drop(struct event **ev)
{
	if (*ev != NULL)
		event_free(*ev);
	*ev = NULL;
}

static void redial_schedule(struct of_channel *c)
{
	const struct timeval wait = {.tv_sec = c->redial_ms / 1000, .tv_usec = c->redial_ms % 1000 * 1000};

	c->redial_ms = c->redial_ms * 2 < OF_REDIAL_MAX_MS ? c->redial_ms * 2 : OF_REDIAL_MAX_MS;
	event_add(c->redial, &wait);
}

static void on_redial(evutil_socket_t fd, short what, void *arg)
{
	dial(arg);
}

static void failed(struct of_channel *c, const char *what, int err)
{
	snprintf(c->error, sizeof(c->error), "%s: %s", what, strerror(err));
	if (!c->address.passive)
		redial_schedule(c);
}

// --- connections -----------------------------------------------------------------------------------------------------

static void peer_free(struct peer *p)
{
	LIST_REMOVE(p, all);
	p->channel->streams--;
	free(p);
}

static void on_ended(void *arg, bool said_hello)
{
	struct peer *p = arg;
	struct of_channel *c = p->channel;

	peer_free(p);
	if (said_hello)
		c->redial_ms = OF_REDIAL_MIN_MS;
	if (!c->address.passive)
		failed(c, "the connection ended", ECONNRESET);
}

static struct bufferevent *bufferevent_of(struct of_channel *c, int fd)
{
	struct of_channels *all = c->channels;

	if (c->address.tls)
		return of_tls_bufferevent(all->tls, all->conf.base, fd, c->address.passive);
	return bufferevent_socket_new(all->conf.base, fd, BEV_OPT_CLOSE_ON_FREE);
}

// Makes a connected socket a session. Takes the descriptor, also if it fails.
static void peer_start(struct of_channel *c, int fd)
{
	const struct of_channels_conf *conf = &c->channels->conf;
	const bool controls = c->address.sa.ss_family != AF_UNIX || !c->address.passive;
	struct peer *p = calloc(1, sizeof(*p));
	struct bufferevent *bev = p != NULL ? bufferevent_of(c, fd) : NULL;
	static const int on = 1;

	if (bev == NULL) {
		free(p);
		close(fd);
		failed(c, "no connection", ENOMEM);
		return;
	}
	if (c->address.sa.ss_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	p->channel = c;
	LIST_INSERT_HEAD(&c->peers, p, all);
	c->streams++;
	if (of_stream_create(&p->stream, conf->agent, conf->base, bev, controls, conf->echo_s, on_ended, p) < 0) {
		peer_free(p);
		failed(c, "no connection", ENOMEM);
	}
}

// --- who comes -------------------------------------------------------------------------------------------------------

static void on_accept(evutil_socket_t listener, short what, void *arg)
{
	struct of_channel *c = arg;

	for (unsigned int i = 0; i < ACCEPTS_MAX; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
			// It would be called again at once: rather wait for better times.
			event_del(c->ready);
			event_add(c->redial, &(const struct timeval){.tv_sec = 1});
		}
		if (fd < 0)
			return;
		if (c->streams >= OF_CHANNEL_STREAMS || (c->address.tls && c->channels->tls == NULL))
			close(fd);
		else
			peer_start(c, fd);
	}
}

static void on_accept_again(evutil_socket_t fd, short what, void *arg)
{
	event_add(((struct of_channel *)arg)->ready, NULL);
}

static int listen_unix(struct of_channel *c, const char *field, struct fault *f)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&c->address.sa;
	int rc = socket_path_free(un, field, f);

	if (rc < 0)
		return rc;
	// Its mode holds from the moment it has a name.
	fchmod(c->fd, 0660);
	if (bind(c->fd, (const struct sockaddr *)un, sizeof(*un)) < 0)
		return fault_str(f, -errno, field, c->address.text, NULL, "the socket cannot be bound");
	if (chmod(un->sun_path, 0660) == 0)
		return 0;
	rc = -errno;
	unlink(un->sun_path);
	return fault_str(f, rc, field, c->address.text, NULL, "the socket's mode cannot be set");
}

static int listen_at(struct of_channel *c, const char *field, struct fault *f)
{
	static const int on = 1, off;
	const int family = c->address.sa.ss_family;
	int rc;

	c->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return fault_str(f, -errno, field, c->address.text, NULL, "no socket");
	if (family == AF_UNIX) {
		rc = listen_unix(c, field, f);
		if (rc < 0) {
			close(c->fd);
			c->fd = -1;
			return rc;
		}
	} else {
		setsockopt(c->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (family == AF_INET6)
			setsockopt(c->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
		if (bind(c->fd, (const struct sockaddr *)&c->address.sa, c->address.len) < 0)
			return fault_str(f, -errno, field, c->address.text, NULL, "the address cannot be bound");
	}
	if (listen(c->fd, BACKLOG) < 0)
		return fault_str(f, -errno, field, c->address.text, NULL, "the address cannot be listened at");
	c->ready = event_new(c->channels->conf.base, c->fd, EV_READ | EV_PERSIST, on_accept, c);
	if (c->ready == NULL || event_add(c->ready, NULL) != 0)
		return fault_set(f, -ENOMEM, field, NULL, NULL, "no memory for the events of a target");
	return 0;
}

// --- who is dialled --------------------------------------------------------------------------------------------------

static void on_connected(evutil_socket_t fd, short what, void *arg)
{
	struct of_channel *c = arg;
	socklen_t len = sizeof(int);
	int err = 0;

	event_drop(&c->ready);
	c->fd = -1;
	if (what & EV_TIMEOUT)
		err = ETIMEDOUT;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	if (err != 0) {
		close(fd);
		failed(c, "no connection", err);
		return;
	}
	c->error[0] = '\0';
	peer_start(c, fd);
}

static void dial(struct of_channel *c)
{
	static const struct timeval patience = {.tv_sec = 3};

	if (c->address.tls && c->channels->tls == NULL) {
		failed(c, "no key and certificates", EINVAL);
		return;
	}
	c->fd = socket(c->address.sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		failed(c, "no socket", errno);
		return;
	}
	if (connect(c->fd, (const struct sockaddr *)&c->address.sa, c->address.len) < 0 && errno != EINPROGRESS) {
		failed(c, "no connection", errno);
		goto close_fd;
	}
	c->ready = event_new(c->channels->conf.base, c->fd, EV_WRITE, on_connected, c);
	if (c->ready != NULL && event_add(c->ready, &patience) == 0)
		return;
	failed(c, "no connection", ENOMEM);
	event_drop(&c->ready);
close_fd:
	close(c->fd);
	c->fd = -1;
}

// --- channels --------------------------------------------------------------------------------------------------------

static void channel_destroy(struct of_channel *c)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&c->address.sa;
	struct peer *p;

	while ((p = LIST_FIRST(&c->peers)) != NULL) {
		of_stream_destroy(p->stream);
		peer_free(p);
	}
	event_drop(&c->ready);
	event_drop(&c->redial);
	if (c->fd >= 0 && c->address.passive && un->sun_family == AF_UNIX)
		unlink(un->sun_path);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

static int channel_create(struct of_channel **out, struct of_channels *all, const struct of_address *address,
			  const char *field, struct fault *f)
{
	struct of_channel *c = calloc(1, sizeof(*c));
	int rc = 0;

	if (c == NULL)
		return fault_set(f, -ENOMEM, field, NULL, NULL, "no memory for a target");
	c->channels = all;
	c->address = *address;
	c->fd = -1;
	c->redial_ms = OF_REDIAL_MIN_MS;
	LIST_INIT(&c->peers);
	c->redial = event_new(all->conf.base, -1, 0, address->passive ? on_accept_again : on_redial, c);
	if (c->redial == NULL)
		rc = fault_set(f, -ENOMEM, field, NULL, NULL, "no memory for the events of a target");
	else if (address->passive)
		rc = listen_at(c, field, f);
	if (rc < 0) {
		channel_destroy(c);
		return rc;
	}
	*out = c;
	return 0;
}

int of_channels_create(struct of_channels **out, const struct of_channels_conf *conf)
{
	struct of_channels *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	c->conf = *conf;
	LIST_INIT(&c->list);
	*out = c;
	return 0;
}

static void list_clear(struct channel_list *list)
{
	struct of_channel *c;

	while ((c = LIST_FIRST(list)) != NULL) {
		LIST_REMOVE(c, all);
		channel_destroy(c);
	}
}

void of_channels_destroy(struct of_channels *c)
{
	if (c == NULL)
		return;
	list_clear(&c->list);
	of_tls_destroy(c->tls);
	free(c);
}

void of_channels_tls(struct of_channels *c, struct of_tls *tls)
{
	of_tls_destroy(c->tls);
	c->tls = tls;
}

static struct of_channel *list_find(const struct channel_list *list, const char *text)
{
	struct of_channel *c;

	LIST_FOREACH (c, list, all)
		if (strcmp(c->address.text, text) == 0)
			return c;
	return NULL;
}

// Makes a channel of a target that has none yet.
static int target_add(struct of_channels *all, const char *field, const char *text, struct channel_list *made,
		      struct fault *f)
{
	struct of_address address;
	struct of_channel *c;
	int rc = of_address_parse(text, field, &address, f);

	if (rc < 0 || list_find(&all->list, text) != NULL)
		return rc;
	rc = channel_create(&c, all, &address, field, f);
	if (rc == 0)
		LIST_INSERT_HEAD(made, c, all);
	return rc;
}

int of_channels_set(struct of_channels *all, const char *field, const char *const *targets, unsigned int n,
		    struct fault *f)
{
	struct channel_list made = LIST_HEAD_INITIALIZER(made), kept = LIST_HEAD_INITIALIZER(kept);
	struct of_channel *c;
	int rc = 0;

	if (n > OF_CHANNELS_MAX)
		return fault_set(f, -ENOSPC, field, NULL, "16 targets at most", "too many targets");
	for (unsigned int i = 0; rc == 0 && i < n; i++) {
		char name[64];

		snprintf(name, sizeof(name), "%s[%u]", field, i);
		if (list_find(&made, targets[i]) == NULL)
			rc = target_add(all, name, targets[i], &made, f);
	}
	if (rc < 0) {
		list_clear(&made);
		return rc;
	}
	for (unsigned int i = 0; i < n; i++) {
		c = list_find(&all->list, targets[i]);
		if (c == NULL)
			c = list_find(&made, targets[i]);
		if (c == NULL)
			continue; // named twice
		LIST_REMOVE(c, all);
		LIST_INSERT_HEAD(&kept, c, all);
	}
	list_clear(&all->list);
	while ((c = LIST_FIRST(&kept)) != NULL) {
		LIST_REMOVE(c, all);
		LIST_INSERT_HEAD(&all->list, c, all);
		if (!c->address.passive && c->streams == 0 && c->fd < 0 && !event_pending(c->redial, EV_TIMEOUT, NULL))
			event_add(c->redial, &(const struct timeval){.tv_sec = 0});
	}
	return 0;
}

bool of_channels_info(const struct of_channels *all, unsigned int i, struct of_channel_info *out)
{
	const struct of_channel *c = LIST_FIRST(&all->list);
	const struct peer *p;

	while (c != NULL && i-- > 0)
		c = LIST_NEXT(c, all);
	if (c == NULL)
		return false;
	*out = (struct of_channel_info){
		.target = c->address.text, .streams = c->streams, .error = c->error[0] != '\0' ? c->error : NULL};
	LIST_FOREACH (p, &c->peers, all) {
		if (!of_stream_session(p->stream)->open)
			continue;
		out->open++;
		out->role = of_stream_session(p->stream)->role;
	}
	return true;
}

int of_channels_port(const struct of_channels *all, unsigned int i, unsigned int *port)
{
	const struct of_channel *c = LIST_FIRST(&all->list);
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	while (c != NULL && i-- > 0)
		c = LIST_NEXT(c, all);
	if (c == NULL || c->fd < 0 || getsockname(c->fd, (struct sockaddr *)&sa, &len) < 0)
		return -ENOENT;
	if (sa.ss_family != AF_INET && sa.ss_family != AF_INET6)
		return -ENOTSUP;
	// Both have their port in the same place.
	*port = ntohs(((struct sockaddr_in *)&sa)->sin_port);
	return 0;
}
