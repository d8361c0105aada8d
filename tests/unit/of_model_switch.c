/* SPDX-License-Identifier: BSD-3-Clause */
// A model switch at the targets given as arguments, for real controllers and ovs-ofctl. "--tls KEY CERT CA" may come
// first. It says "ready" once it listens, then writes each flow, group and meter that is added as text; it answers each
// packet-out by a packet-in of the same bytes, and ends when its standard input does.
// "--text flow|group|meter" is a filter instead: of a text a line, as it would be written.
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../control/openflow/of_channel.h"
#include "../../control/flow_text.h"
#include "../../control/openflow/ofp.h"
#include "of_model.h"

static struct model model;
static struct event_base *base;

static void die(const char *what, const struct fault *f)
{
	fprintf(stderr, "%s: %s (%s %s; allowed: %s)\n", what, f->message, f->field, f->value, f->allowed);
	exit(1);
}

static void on_packet_out(struct model *m, void *agent)
{
	struct of_packet_in in = {.reason = OFPR_ACTION,
				  .cookie = 0x1234,
				  .total_size = m->last_out.size,
				  .max_len = FLOW_MAX_LEN_NO_BUFFER,
				  .data = m->last_out.data,
				  .size = m->last_out.size};

	flow_match_add(&in.match, FLOW_FIELD_IN_PORT, (struct flow_value){.lo = m->last_out.in_port}, NULL, NULL);
	of_agent_packet_in(agent, &in);
}

static void on_removed(struct model *m, const struct of_flow_removed *r, void *agent)
{
	of_agent_flow_removed(agent, r);
}

static void line_print(char *text)
{
	puts(text);
	fflush(stdout);
	free(text);
}

static int flow_mod(void *sw, const struct flow_mod *m, struct flow_error *e)
{
	const int rc = model_ops.flow_mod(sw, m, e);

	if (rc == 0 && m->command == FLOW_ADD)
		line_print(flow_text_format(m));
	return rc;
}

static int group_mod(void *sw, const struct group_mod *m, struct flow_error *e)
{
	const int rc = model_ops.group_mod(sw, m, e);

	if (rc == 0 && m->command == GROUP_ADD)
		line_print(group_text_format(m));
	return rc;
}

static int meter_mod(void *sw, const struct meter_mod *m, struct flow_error *e)
{
	const int rc = model_ops.meter_mod(sw, m, e);

	if (rc == 0 && m->command == METER_ADD)
		line_print(meter_text_format(m));
	return rc;
}

static int filter_line(const char *kind, const char *line)
{
	struct flow_error e;
	struct group_mod g;
	struct meter_mod m;
	struct flow_mod f;

	if (strcmp(kind, "flow") == 0 && flow_text_parse(line, FLOW_ADD, &f, &e) == 0) {
		line_print(flow_text_format(&f));
		flow_mod_clear(&f);
	} else if (strcmp(kind, "group") == 0 && group_text_parse(line, GROUP_ADD, &g, &e) == 0) {
		line_print(group_text_format(&g));
		group_mod_clear(&g);
	} else if (strcmp(kind, "meter") == 0 && meter_text_parse(line, METER_ADD, &m, &e) == 0) {
		line_print(meter_text_format(&m));
	} else {
		fprintf(stderr, "%s: %s\n", line, e.fault.message);
		return 1;
	}
	return 0;
}

static int filter(const char *kind)
{
	char *line = NULL;
	size_t size;
	int rc = 0;

	while (rc == 0 && getline(&line, &size, stdin) > 0)
		rc = filter_line(kind, line);
	free(line);
	return rc;
}

static void on_stdin(evutil_socket_t fd, short what, void *arg)
{
	char c;

	if (read(fd, &c, 1) <= 0)
		event_base_loopbreak(base);
}

int main(int argc, char **argv)
{
	struct of_channels_conf conf = {.echo_s = 1};
	static struct of_switch_ops ops;
	struct of_channels *channels;
	struct of_tls *tls = NULL;
	struct event *end;
	struct fault f = {0};
	unsigned int port;
	int first = 1;

	if (argc == 3 && strcmp(argv[1], "--text") == 0)
		return filter(argv[2]);
	ops = model_ops;
	ops.flow_mod = flow_mod;
	ops.group_mod = group_mod;
	ops.meter_mod = meter_mod;
	signal(SIGPIPE, SIG_IGN);
	base = conf.base = event_base_new();
	if (of_agent_create(&conf.agent, &ops, &model) < 0 || of_channels_create(&channels, &conf) < 0)
		return 1;
	model.on_packet_out = on_packet_out;
	model.on_removed = on_removed;
	model.arg = conf.agent;
	if (argc > 4 && strcmp(argv[1], "--tls") == 0) {
		if (of_tls_create(&tls, argv[2], argv[3], argv[4], &f) < 0)
			die("tls", &f);
		of_channels_tls(channels, tls);
		first = 5;
	}
	if (of_channels_set(channels, "targets", (const char *const *)argv + first, (unsigned int)(argc - first), &f) <
	    0)
		die("targets", &f);
	end = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_stdin, NULL);
	event_add(end, NULL);
	for (unsigned int i = 0; i < (unsigned int)(argc - first); i++)
		printf("%u ", of_channels_port(channels, i, &port) == 0 ? port : 0);
	puts("ready");
	fflush(stdout);
	event_base_dispatch(base);
	of_channels_destroy(channels);
	event_base_loop(base, EVLOOP_NONBLOCK); // what libevent frees later
	model_clear(&model);
	of_agent_destroy(conf.agent);
	event_free(end);
	event_base_free(base);
	return 0;
}
