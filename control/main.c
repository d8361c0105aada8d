/* SPDX-License-Identifier: BSD-3-Clause */
// sluiced: brings everything up in order, runs the control thread's event loop, takes everything down again.
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>
#include <jansson.h>
#include <rte_common.h>
#include <rte_version.h>
#include <systemd/sd-daemon.h>

#include "eal.h"
#include "log.h"
#include "objects.h"
#include "options.h"
#include "prompt.h"
#include "rpc.h"
#include "store.h"
#include "system.h"
#include "../datapath/flow.h"
#include "../datapath/rcu.h"
#include "../datapath/worker.h"
#include "../ports/port.h"
#include "../tables/fdb.h"

#define SIGNALS 3

struct daemon {
	struct options options;
	struct event_base *base;
	struct event *signal[SIGNALS];
	struct event *watchdog;
	struct fdb *fdb;
};

static void print_fault(const struct fault *f)
{
	LOG(ERR, "%s%s%s%s%s%s", f->message, f->value[0] ? ": " : "", f->value, f->allowed[0] ? " (allowed: " : "",
	    f->allowed, f->allowed[0] ? ")" : "");
}

// A thousand guests have several descriptors each.
static void raise_limits(void)
{
	struct rlimit limit = {1 << 20, 1 << 20};

	if (setrlimit(RLIMIT_NOFILE, &limit) == 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		LOG(WARNING, "cannot raise the limit of open files: %s", strerror(errno));
}

// Makes the folder that a file is to be in, but not its parents.
static int make_folder(const char *path, mode_t mode, const char *option, struct fault *f)
{
	char copy[4096], *folder;

	snprintf(copy, sizeof(copy), "%s", path);
	folder = dirname(copy);
	if (mkdir(folder, mode) == 0 || errno == EEXIST)
		return 0;
	return fault_str(f, -errno, option, path, NULL, "cannot make the folder %s: %s", folder, strerror(errno));
}

// Whether somebody answers at the socket. The server finds that out too when it binds, but by then this instance would
// have taken devices.
static int check_socket(const char *path, struct fault *f)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int rc, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return fault_set(f, -errno, NULL, NULL, NULL, "no socket");
	memcpy(address.sun_path, path, strlen(path)); // its length is checked
	rc = connect(fd, (struct sockaddr *)&address, sizeof(address));
	rc = rc == 0 || errno == EAGAIN ? -EADDRINUSE : 0;
	close(fd);
	return rc == 0 ? 0 : fault_str(f, rc, "--socket", path, NULL, "another daemon answers at this socket");
}

static void warn_of_shared_cpus(const struct options *o)
{
	char text[256], list[1024] = "";
	cpu_set_t isolated, bad;
	FILE *in = fopen("/sys/devices/system/cpu/isolated", "re");

	CPU_ZERO(&isolated);
	if (in != NULL) {
		if (fgets(list, sizeof(list), in) != NULL && cpus_parse(strtok(list, "\n") ?: "", &isolated) != 0)
			CPU_ZERO(&isolated);
		fclose(in);
	}
	CPU_AND(&bad, &o->worker_cpus, &o->control_cpus);
	if (CPU_COUNT(&bad) > 0) {
		cpus_print(&bad, text, sizeof(text));
		LOG(WARNING, "worker CPU %s is shared with the control thread, so that packets wait at times", text);
		return;
	}
	CPU_AND(&bad, &o->worker_cpus, &isolated);
	CPU_XOR(&bad, &bad, &o->worker_cpus);
	if (CPU_COUNT(&bad) == 0)
		return;
	cpus_print(&bad, text, sizeof(text));
	LOG(WARNING,
	    "worker CPU %s is not isolated: other programs may run there and make packets wait (isolcpus=%s on the "
	    "kernel's command line)",
	    text, text);
}

// What is wrong with the document, with the place in it.
static int config_fault(const char *path, struct fault *f)
{
	static const char document[] = "document.";
	struct fault was = *f;
	const char *field = was.field;

	if (strncmp(field, document, sizeof(document) - 1) == 0)
		field += sizeof(document) - 1;
	if (snprintf(f->message, sizeof(f->message), "%s: %s%s%s", path, field, *field != '\0' ? ": " : "",
		     was.message) >= (int)sizeof(f->message))
		*f = was; // the place is not worth half a message
	return was.err;
}

// Applies the document of --config, as config.apply would.
static int apply_config(struct daemon *d, struct fault *f)
{
	const char *path = d->options.config;
	json_t *document, *params, *result = NULL;
	json_error_t error;
	int rc;

	if (path == NULL)
		return 0;
	document = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (document == NULL && json_error_code(&error) == json_error_cannot_open_file)
		return fault_set(f, -EINVAL, NULL, NULL, NULL, "--config: %s", error.text);
	if (document == NULL)
		return fault_set(f, -EINVAL, NULL, NULL, NULL, "--config %s: not JSON, line %d column %d: %s", path,
				 error.line, error.column, error.text);
	params = json_pack("{s:o}", "document", document);
	if (params == NULL)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for %s", path);
	rc = rpc_do("config.apply", params, NULL, &result, f);
	json_decref(params);
	json_decref(result);
	return rc == 0 ? store_sync(f) : config_fault(path, f);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct daemon *d = arg;

	if (number == SIGINT && d->options.interactive) // typed at the command line, which sees to it
		return;
	LOG(NOTICE, "ending on %s", strsignal(number));
	event_base_loopexit(d->base, NULL);
}

static void on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	sd_notify(0, "WATCHDOG=1");
}

static int open_loop(struct daemon *d, struct fault *f)
{
	static const int number[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
	uint64_t watchdog_us;

	signal(SIGPIPE, SIG_IGN);
	d->base = event_base_new();
	if (d->base == NULL)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no event loop");
	for (int i = 0; i < SIGNALS; i++) {
		d->signal[i] = evsignal_new(d->base, number[i], on_signal, d);
		if (d->signal[i] == NULL || event_add(d->signal[i], NULL) != 0)
			return fault_set(f, -ENOMEM, NULL, NULL, NULL, "cannot watch signals");
	}
	if (sd_watchdog_enabled(0, &watchdog_us) > 0) {
		struct timeval half = {.tv_sec = watchdog_us / 2000000, .tv_usec = watchdog_us / 2 % 1000000};

		d->watchdog = event_new(d->base, -1, EV_PERSIST, on_watchdog, NULL);
		if (d->watchdog == NULL || event_add(d->watchdog, &half) != 0)
			return fault_set(f, -ENOMEM, NULL, NULL, NULL, "cannot feed the watchdog");
	}
	return 0;
}

static void close_loop(struct daemon *d)
{
	for (int i = 0; i < SIGNALS; i++)
		if (d->signal[i] != NULL)
			event_free(d->signal[i]);
	if (d->watchdog != NULL)
		event_free(d->watchdog);
	if (d->base != NULL)
		event_base_free(d->base);
}

static void run_loop(struct daemon *d)
{
	LOG(NOTICE, "ready: version %s, %s, x86-64-%s, %u worker(s), socket %s", SLUICE_VERSION, rte_version(),
	    datapath_isa(), workers_count(), d->options.socket);
	sd_notifyf(0, "READY=1\nSTATUS=%u worker(s), socket %s", workers_count(), d->options.socket);
	event_base_dispatch(d->base);
	sd_notify(0, "STOPPING=1");
}

static int rcu_up(struct daemon *d, struct fault *f)
{
	int rc = rcu_create(CPU_COUNT(&d->options.worker_cpus));

	return rc == 0 ? 0 : fault_set(f, rc, NULL, NULL, NULL, "cannot create the RCU variable");
}

static void rcu_down(struct daemon *d)
{
	rcu_destroy();
}

static int pool_up(struct daemon *d, struct fault *f)
{
	return port_pool_create(d->options.mbufs, f);
}

static void pool_down(struct daemon *d)
{
	port_pool_destroy();
}

static int fdb_up(struct daemon *d, struct fault *f)
{
	uint32_t n = d->options.fdb_size;
	int rc = fdb_create(&d->fdb, n);

	return rc == 0 ? 0 : fault_set(f, rc, "--fdb-size", NULL, NULL, "no memory for an FDB of %u entries", n);
}

static void fdb_down(struct daemon *d)
{
	rcu_drain();
	fdb_destroy(d->fdb);
}

static int workers_up(struct daemon *d, struct fault *f)
{
	struct worker_conf conf[WORKERS_MAX] = {0};
	const struct options *o = &d->options;
	unsigned int n = 0;
	int rc;

	for (; n < WORKERS_MAX && eal_worker(o, n, &conf[n].lcore, &conf[n].cpu); n++) {
		conf[n].idle = o->idle;
		conf[n].sleep_max_us = o->idle_max_us;
	}
	rc = workers_create(conf, n, d->fdb);
	if (rc < 0)
		return fault_set(f, rc, NULL, NULL, NULL, "cannot create %u workers", n);
	rc = flow_create(o->flow_cache);
	if (rc == 0)
		return 0;
	workers_destroy();
	return fault_set(f, rc, NULL, NULL, NULL, "no memory for flow tables");
}

static void workers_down(struct daemon *d)
{
	flow_destroy();
	workers_destroy();
}

static int store_up(struct daemon *d, struct fault *f)
{
	return store_open(d->options.state, f);
}

static void store_down(struct daemon *d)
{
	store_close();
}

static int objects_up(struct daemon *d, struct fault *f)
{
	int rc = objects_create(d->base, d->fdb, (uint64_t)d->options.fib_mem_mb << 20);

	return rc == 0 ? 0 : fault_set(f, rc, NULL, NULL, NULL, "cannot create the objects");
}

static void objects_down(struct daemon *d)
{
	objects_destroy();
}

static int restore(struct daemon *d, struct fault *f)
{
	return objects_restore(f);
}

static int packets_up(struct daemon *d, struct fault *f)
{
	int rc = workers_start();

	return rc == 0 ? 0 : fault_set(f, rc, NULL, NULL, NULL, "cannot start the workers");
}

static void packets_down(struct daemon *d)
{
	workers_stop();
}

static int server_up(struct daemon *d, struct fault *f)
{
	return rpc_server_start(&(struct rpc_server_conf){.base = d->base, .path = d->options.socket}, f);
}

static void server_down(struct daemon *d)
{
	rpc_server_stop();
}

static int prompt_up(struct daemon *d, struct fault *f)
{
	return d->options.interactive ? prompt_start(d->base, d->options.socket, f) : 0;
}

static void prompt_down(struct daemon *d)
{
	prompt_stop();
}

// The parts of the daemon, each standing on those before it.
static const struct part {
	int (*up)(struct daemon *d, struct fault *f);
	void (*down)(struct daemon *d); // NULL: there is nothing to take down
} parts[] = {
	{rcu_up, rcu_down},     {pool_up, pool_down},       {fdb_up, fdb_down},       {workers_up, workers_down},
	{store_up, store_down}, {objects_up, objects_down}, {restore, NULL},          {packets_up, packets_down},
	{apply_config, NULL},   {server_up, server_down},   {prompt_up, prompt_down},
};

static int serve(struct daemon *d, struct fault *f)
{
	unsigned int n = 0;
	int rc = 0;

	while (n < RTE_DIM(parts) && (rc = parts[n].up(d, f)) == 0)
		n++;
	if (rc == 0)
		run_loop(d);
	while (n-- > 0)
		if (parts[n].down != NULL)
			parts[n].down(d);
	return rc;
}

static int start(struct daemon *d, char **argv, struct fault *f)
{
	struct options *o = &d->options;
	cpu_set_t allowed;
	int rc;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
		return fault_set(f, -errno, NULL, NULL, NULL, "cannot tell which CPUs are allowed");
	rc = options_cpus(o, &allowed, f);
	if (rc != 0)
		return rc;
	rc = datapath_isa_set(o->isa, f);
	if (rc != 0)
		return rc;
	rc = make_folder(o->socket, 0755, "--socket", f);
	if (rc == 0 && o->state != NULL)
		rc = make_folder(o->state, 0750, "--state", f);
	if (rc == 0)
		rc = check_socket(o->socket, f);
	if (rc != 0)
		return rc;
	raise_limits();
	rc = eal_start(o, argv, f);
	if (rc != 0)
		return rc;
	warn_of_shared_cpus(o);
	rc = open_loop(d, f);
	if (rc == 0) {
		system_init(d->base, o);
		rc = serve(d, f);
	}
	close_loop(d);
	eal_stop();
	return rc;
}

// What sluicectl has no daemon for: the answer, as JSON-RPC has it, on standard output.
static int answer_export(void)
{
	struct fault f = {0};
	json_t *params = json_loadf(stdin, JSON_REJECT_DUPLICATES, NULL), *result = NULL, *answer;
	int rc = params != NULL ? rpc_do("pktgen.export", params, NULL, &result, &f)
				: fault_set(&f, -EINVAL, NULL, NULL, NULL, "no JSON on standard input");

	answer = rc < 0 ? json_pack("{s:o}", "error", rpc_error(rpc_code(rc), &f))
			: json_pack("{s:o}", "result", result);
	if (json_dumpf(answer, stdout, JSON_COMPACT) != 0 || fflush(stdout) != 0)
		rc = -EIO;
	json_decref(answer);
	json_decref(params);
	return rc < 0;
}

int main(int argc, char **argv)
{
	struct daemon d = {0};
	struct fault f = {0};
	int rc;

	// What a request of many megabytes took is kept for the next one: to give it back and fault it in anew costs a
	// bulk of routes a tenth of its time, and each unmapping interrupts the workers.
	mallopt(M_MXFAST, 160); // JSON's objects are larger than the default
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	rc = options_parse(&d.options, argc, argv, &f);
	if (rc == 0 && d.options.help) {
		options_help(stdout);
		return 0;
	}
	if (rc == 0 && d.options.version) {
		printf("sluiced %s (%s)\n", SLUICE_VERSION, rte_version());
		return 0;
	}
	if (rc == 0 && d.options.export_only)
		return answer_export();
	if (log_open(rc == 0 ? d.options.log_level : RTE_LOG_INFO) != 0)
		return 1;
	if (rc != 0) {
		print_fault(&f);
		return 2;
	}
	rc = start(&d, argv, &f);
	if (rc != 0) {
		print_fault(&f);
		return 1;
	}
	LOG(NOTICE, "ended");
	return 0;
}
