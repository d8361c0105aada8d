/* SPDX-License-Identifier: BSD-3-Clause */
#include "of_stream.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#define TURN_MESSAGES 100
#define IN_HIGH (128 << 10) // bytes read ahead: more than a message
#define SILENT_TICKS 3

struct of_stream {
	struct of_session *session;
	struct bufferevent *bev;
	struct event *turn, *tick;
	uint64_t messages; // at the last tick
	unsigned int silent;
	bool read_lately; // the peer read from what was written
	bool eof;
	void (*ended)(void *arg, bool said_hello);
	void *arg;
};

void of_stream_destroy(struct of_stream *s)
{
	if (s == NULL)
		return;
	of_session_destroy(s->session);
	if (s->turn != NULL)
		event_free(s->turn);
	if (s->tick != NULL)
		event_free(s->tick);
	bufferevent_free(s->bev);
	free(s);
}

const struct of_session *of_stream_session(const struct of_stream *s)
{
	return s->session;
}

static void end(struct of_stream *s)
{
	void (*ended)(void *arg, bool said_hello) = s->ended;
	const bool said_hello = s->session->open;
	void *arg = s->arg;

	of_stream_destroy(s);
	ended(arg, said_hello);
}

static void turn_schedule(struct of_stream *s)
{
	static const struct timeval now;

	// By the clock, and not at once: the loop looks at other connections before.
	event_add(s->turn, &now);
}

static void input_run(struct of_stream *s)
{
	struct evbuffer *in = bufferevent_get_input(s->bev);
	const size_t n = evbuffer_get_length(in);
	const size_t used = of_session_input(s->session, evbuffer_pullup(in, -1), n, TURN_MESSAGES);

	evbuffer_drain(in, used);
	// There may be more to do, but now it is the others' turn.
	if (used > 0 && used < n && !of_session_waits(s->session))
		turn_schedule(s);
}

// What there is to do. May end the stream.
static void turn(struct of_stream *s)
{
	of_session_resume(s->session);
	if (evbuffer_get_length(bufferevent_get_input(s->bev)) > 0 && !s->session->closed)
		input_run(s);
	const size_t unread = evbuffer_get_length(s->session->out);
	// The end of the last words is waited for, and of answers to a peer that will say no more.
	if (s->session->closed || s->eof)
		bufferevent_setwatermark(s->bev, EV_WRITE, 0, 0);
	if (s->session->broken || (s->session->closed && unread == 0) ||
	    (s->eof && unread == 0 && s->session->wait == NULL && !event_pending(s->turn, EV_TIMEOUT, NULL)))
		end(s);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	turn(arg);
}

static void on_wake(void *arg)
{
	turn_schedule(arg);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	turn(arg);
}

static void on_written(struct bufferevent *bev, void *arg)
{
	struct of_stream *s = arg;

	// What the kernel took says nothing of the peer, but when it makes room for the rest of a long answer.
	s->read_lately |= s->session->reply.active;
	turn(s);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct of_stream *s = arg;

	if (what & BEV_EVENT_CONNECTED)
		return;
	if (what & BEV_EVENT_EOF) {
		s->eof = true;
		turn(s);
		return;
	}
	end(s);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct of_stream *s = arg;
	const struct of_session *session = s->session;

	if (session->messages != s->messages || s->read_lately || session->wait != NULL)
		s->silent = 0;
	else
		s->silent++;
	s->messages = session->messages;
	s->read_lately = false;
	if (s->silent >= SILENT_TICKS || (!session->open && s->silent > 0))
		end(s);
	else if (s->silent > 0 && session->open)
		of_session_echo(s->session);
}

int of_stream_create(struct of_stream **out, struct of_agent *a, struct event_base *base, struct bufferevent *bev,
		     bool controls, unsigned int echo_s, void (*ended)(void *arg, bool said_hello), void *arg)
{
	const struct timeval period = {.tv_sec = echo_s > 0 ? echo_s : OF_ECHO_S};
	struct of_stream *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		bufferevent_free(bev);
		return -ENOMEM;
	}
	s->bev = bev;
	s->ended = ended;
	s->arg = arg;
	s->turn = event_new(base, -1, 0, on_turn, s);
	s->tick = event_new(base, -1, EV_PERSIST, on_tick, s);
	if (s->turn == NULL || s->tick == NULL || event_add(s->tick, &period) != 0 ||
	    of_session_create(&s->session, a, bufferevent_get_output(bev), controls, on_wake, s) < 0) {
		of_stream_destroy(s);
		return -ENOMEM;
	}
	bufferevent_setcb(bev, on_read, on_written, on_event, s);
	bufferevent_setwatermark(bev, EV_READ, 0, IN_HIGH);
	bufferevent_setwatermark(bev, EV_WRITE, OF_OUT_HIGH / 2, 0);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
	*out = s;
	return 0;
}
