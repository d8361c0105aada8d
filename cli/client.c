/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

#define LINE_MAX_BYTES ((size_t)1 << 30)
#define EVENTS_MAX 10000

volatile sig_atomic_t client_interrupted;

struct client {
	int fd;
	bool watch_stdout;
	json_int_t id; // of the last request
	char *buf;     // received: bytes [start, end), of which [start, seen) hold no newline
	size_t start, seen, end, cap;
	json_t *events;
	unsigned long lost;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int client_adopt(struct client **out, int fd)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
		int err = -errno;

		free(c);
		return err;
	}
	c->fd = fd;
	c->events = json_array();
	*out = c;
	return 0;
}

int client_open(struct client **out, const char *path, double timeout)
{
	struct timeval limit = {.tv_sec = (time_t)timeout,
				.tv_usec = (suseconds_t)((timeout - (double)(time_t)timeout) * 1e6)};
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd, err;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	strcpy(sa.sun_path, path);

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)); // of connect(), while the backlog is full
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
		err = errno == EAGAIN ? -ETIMEDOUT : -errno;
		goto close_fd;
	}
	err = client_adopt(out, fd);
	if (err == 0)
		return 0;
close_fd:
	close(fd);
	return err;
}

void client_close(struct client *c)
{
	if (c == NULL)
		return;
	close(c->fd);
	json_decref(c->events);
	free(c->buf);
	free(c);
}

bool client_alive(const struct client *c)
{
	char byte;

	return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
}

void client_watch_stdout(struct client *c)
{
	c->watch_stdout = true;
}

unsigned long client_events_lost(struct client *c)
{
	unsigned long n = c->lost;

	c->lost = 0;
	return n;
}

int client_poll(struct pollfd *p, nfds_t nfds, const struct timespec *left)
{
	sigset_t block, old;
	int n, err;

	// With SIGINT blocked but inside ppoll(), one that comes after the check is not slept through.
	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigprocmask(SIG_BLOCK, &block, &old);
	do {
		n = client_interrupted ? -1 : ppoll(p, nfds, left, &old);
		err = client_interrupted ? EINTR : errno;
	} while (n < 0 && err == EINTR && !client_interrupted && left == NULL);
	sigprocmask(SIG_SETMASK, &old, NULL);

	// Any other signal, as of a resized terminal, only cuts the time short.
	return n < 0 ? (err == EINTR && !client_interrupted ? 0 : -err) : n;
}

// Waits until the socket is ready for `events`. `end`: a time of now(), or 0 for no limit.
static int wait_ready(struct client *c, short events, double end)
{
	struct pollfd p[2] = {{.fd = c->fd, .events = events}, {.fd = c->watch_stdout ? STDOUT_FILENO : -1}};
	int n;

	do {
		double s = end > now() ? end - now() : 0;
		struct timespec left = {.tv_sec = (time_t)s, .tv_nsec = (long)((s - (double)(time_t)s) * 1e9)};

		n = client_poll(p, 2, end > 0 ? &left : NULL);
	} while (n == 0 && now() < end);
	if (n <= 0)
		return n == 0 ? -ETIMEDOUT : n;
	return (p[1].revents & (POLLERR | POLLHUP)) ? -EPIPE : 0;
}

// Makes room for at least 64 KiB more.
static int make_room(struct client *c)
{
	size_t room = 65536, len = c->end - c->start;
	char *p;

	if (c->cap - c->end >= room)
		return 0;
	if (c->start > 0 && c->start >= c->cap / 2) {
		memmove(c->buf, c->buf + c->start, len);
		c->seen -= c->start;
		c->end = len;
		c->start = 0;
		if (c->cap - c->end >= room)
			return 0;
	}
	if (c->cap > LINE_MAX_BYTES)
		return -EMSGSIZE;
	p = realloc(c->buf, c->cap * 2 + room);
	if (p == NULL)
		return -ENOMEM;
	c->buf = p;
	c->cap = c->cap * 2 + room;
	return 0;
}

// Takes what the socket has. 0 also when it had nothing.
static int receive(struct client *c)
{
	ssize_t n;
	int err = make_room(c);

	if (err != 0)
		return err;
	n = recv(c->fd, c->buf + c->end, c->cap - c->end, 0);
	if (n > 0)
		c->end += (size_t)n;
	else if (n == 0)
		return -ECONNRESET;
	else if (errno != EAGAIN && errno != EINTR)
		return -errno;
	return 0;
}

// The next whole line as JSON: 1 and a new reference, 0 if there is none yet, or -errno.
static int take_message(struct client *c, json_t **msg)
{
	while (c->seen < c->end) {
		char *nl = memchr(c->buf + c->seen, '\n', c->end - c->seen);
		size_t from = c->start;

		if (nl == NULL) {
			c->seen = c->end;
			return 0;
		}
		c->start = c->seen = (size_t)(nl + 1 - c->buf);
		if (strspn(c->buf + from, " \t\r") >= (size_t)(nl - c->buf) - from)
			continue;
		*msg = json_loadb(c->buf + from, (size_t)(nl - c->buf) - from, JSON_ALLOW_NUL, NULL);
		return json_is_object(*msg) ? 1 : -EPROTO;
	}
	return 0;
}

// Takes messages until one answers request `id` (0: until a notification waits).
static int await(struct client *c, json_int_t id, double end, json_t **answer)
{
	for (;;) {
		json_t *msg = NULL;
		int err = take_message(c, &msg);

		if (err < 0) {
			json_decref(msg);
			return err;
		}
		if (err == 0) {
			if (id == 0 && json_array_size(c->events) > 0)
				return 0;
			err = wait_ready(c, POLLIN, end);
			if (err == 0)
				err = receive(c);
			if (err != 0)
				return err;
			continue;
		}
		if (json_object_get(msg, "method") != NULL) {
			if (json_array_size(c->events) >= EVENTS_MAX) {
				json_array_remove(c->events, 0);
				c->lost++;
			}
			json_array_append_new(c->events, msg);
		} else if (json_integer_value(json_object_get(msg, "id")) == id && id != 0) {
			*answer = msg;
			return 0;
		} else if (json_is_null(json_object_get(msg, "id")) && json_object_get(msg, "error") != NULL &&
			   id != 0) {
			*answer = msg; // the daemon could not read the request so far as to find its id
			return 0;
		} else {
			json_decref(msg);
		}
	}
}

static int send_all(struct client *c, const char *text, size_t len, double end)
{
	while (len > 0) {
		ssize_t n = send(c->fd, text, len, MSG_NOSIGNAL);
		int err = 0;

		if (n >= 0) {
			text += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			// Reading goes on meanwhile: a daemon that refuses early, or sends events, is never waited for
			// crosswise.
			err = wait_ready(c, POLLIN | POLLOUT, end);
			if (err == 0)
				err = receive(c);
		} else if (errno != EINTR) {
			err = -errno;
		}
		if (err != 0)
			return err;
	}
	return 0;
}

int client_call(struct client *c, const char *method, const json_t *params, double timeout, json_t **result,
		json_t **error)
{
	double end = timeout > 0 ? now() + timeout : 0;
	json_t *req, *answer = NULL;
	char *text;
	size_t len;
	int err;

	*result = *error = NULL;
	req = json_pack("{s:s, s:I, s:s, s:O*}", "jsonrpc", "2.0", "id", ++c->id, "method", method, "params", params);
	text = req != NULL ? json_dumps(req, JSON_COMPACT) : NULL;
	json_decref(req);
	if (text == NULL)
		return -ENOMEM;
	len = strlen(text);
	text[len] = '\n'; // in place of the closing NUL
	err = send_all(c, text, len + 1, end);
	free(text);
	// Half a request spoils the connection; but a daemon that closed it may have said why.
	if (err == -ETIMEDOUT || err == -EINTR)
		return -ECONNABORTED;
	if (err != 0 && err != -EPIPE && err != -ECONNRESET)
		return err;

	err = await(c, c->id, end, &answer);
	if (err != 0)
		return err;
	*error = json_incref(json_object_get(answer, "error"));
	if (*error == NULL)
		*result = json_incref(json_object_get(answer, "result"));
	json_decref(answer);
	return *error == NULL && *result == NULL ? -EPROTO : 0;
}

int client_event(struct client *c, double timeout, json_t **event)
{
	json_t *none = NULL;
	int err = 0;

	if (json_array_size(c->events) == 0)
		err = await(c, 0, timeout > 0 ? now() + timeout : 0, &none);
	if (err != 0)
		return err;
	*event = json_incref(json_array_get(c->events, 0));
	json_array_remove(c->events, 0);
	return 0;
}
