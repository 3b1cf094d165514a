/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vmenergyd ctl`, run in a child against a socket of this process. */
#include <math.h>
#include <poll.h>
#include <sys/wait.h>

#include "tests/unit/protocol-scene.h"

#include "tests/unit/control-scene.h"
#include "vmenergyd/ctl.h"
#include "wire/wire.h"

/* --- a daemon ------------------------------------------------------------------- */

struct asked {
	unsigned count;
	struct protocol_request request; /* the last; its domain is in `domain` */
	char domain[64];
};

static struct asked asked;

static void fill_status(struct protocol_status *status)
{
	struct protocol_status_domain *domain;

	protocol_status_init(status);
	status->version = strdup("9");
	status->hostname = strdup("host");
	status->source = strdup("perf");
	status->weights = strdup("x.weights");
	status->since_s = 1700000000;
	status->interval_s = 0.25;
	status->control_interval_s = 1;
	status->writes = 2;
	status->host.used_w = 240;
	status->host.cap_w = 300;
	status->host.limit_w = 250;
	status->host.headroom_w = 10;
	protocol_words_add(&status->host.held_by, "peak");
	protocol_words_add(&status->trouble, "meter: silent");
	domain = protocol_status_add(status);
	domain->id = strdup("u-1");
	domain->name = strdup("web\x1b[1m");
	domain->cap_w = 20;
	domain->cpu_cap_w = 15;
	domain->used_w = 19.5;
	domain->headroom_w = 0.5;
	domain->infeasible_w = 0;
	domain->throttle_cpu = 0.254;
	protocol_words_add(&domain->held_by, "cap");
	protocol_words_add(&domain->held_by, "host");
	domain = protocol_status_add(status);
	domain->id = strdup("u-2");
	domain->name = strdup("d\xc3\xa4mon");
	domain->used_w = 1.25;
	domain->infeasible_w = 3;
	domain->override_by = strdup("uid 0 (root)");
}

static int answer_status(int64_t id, struct text *answer, struct error *error)
{
	struct protocol_status status;
	int result;

	fill_status(&status);
	result = protocol_put_status(id, &status, answer, error);
	protocol_status_clear(&status);
	return result;
}

static int handle(void *context, const struct peer *peer, const struct protocol_request *request,
		  struct text *answer, struct error *error)
{
	(void)context;
	(void)peer;
	asked.count++;
	asked.request = *request;
	snprintf(asked.domain, sizeof asked.domain, "%s",
		 request->domain ? request->domain : "(host)");
	if (request->verb == PROTOCOL_STATUS)
		return answer_status(request->id, answer, error);
	if (request->verb == PROTOCOL_RELOAD)
		return protocol_put_answer(request->id, json_pack("{s:s}", "restart", "socket"),
					   answer, error);
	if (strcmp(asked.domain, "unsaved") == 0)
		return protocol_put_answer(
			request->id, json_pack("{s:s}", "not_saved", "disk full"), answer, error);
	if (strcmp(asked.domain, "unknown") == 0)
		return error_setf(error, ENOENT, "no domain is called 'unknown'");
	return 0;
}

static struct server *open_server(void)
{
	const struct server_options options = { .path = scene_path(), .handle = handle };
	struct server *server = NULL;

	UNIT_EQUAL_I64(0, server_open(&server, &options, NULL));
	if (!server)
		abort();
	asked = (struct asked){ 0 };
	return server;
}

/* --- a child that runs the command -------------------------------------------------- */

enum { WORDS_MAX = 8 };

/* Before what the test does at its own end. */
static void leave(int status, void *context)
{
	(void)context;
	fflush(NULL);
	_exit(status);
}

static void run_child(const char *line, int out)
{
	char *words[WORDS_MAX + 1] = { NULL }, *copy = strdup(line), *save = NULL;
	int count = 0, status;

	for (char *word = strtok_r(copy, " ", &save); word && count < WORDS_MAX;
	     word = strtok_r(NULL, " ", &save))
		words[count++] = word;
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	on_exit(leave, NULL);
	unsetenv("JOURNAL_STREAM");
	setenv("VMENERGY_SOCKET", scene_path(), 1);
	status = ctl_main(count, words);
	free(copy);
	exit(status);
}

/* Published to whoever subscribes; NULL = nothing. */
static const struct text *event;

static void serve(struct server *server)
{
	struct pollfd ready = { .fd = server ? server_fd(server) : -1, .events = POLLIN };

	if (poll(&ready, 1, 5) > 0)
		server_serve(server);
	if (server && event)
		server_publish(server, event);
}

/* What it prints; its exit status in *status. */
static const char *run(struct server *server, const char *line, int *status)
{
	static char heard[1 << 16];
	size_t length = 0;
	int out[2], end = 0;
	ssize_t got;
	pid_t child;

	if (pipe2(out, O_CLOEXEC))
		abort();
	child = fork();
	if (child == 0)
		run_child(line, out[1]);
	close(out[1]);
	while (waitpid(child, &end, WNOHANG) == 0)
		serve(server);
	while ((got = read(out[0], heard + length, sizeof heard - 1 - length)) > 0)
		length += (size_t)got;
	heard[length] = '\0';
	close(out[0]);
	*status = WIFEXITED(end) ? WEXITSTATUS(end) : -end;
	return heard;
}

/* --- tests -------------------------------------------------------------------------- */

static void test_status(void)
{
	struct server *server = open_server();
	int status;

	UNIT_EQUAL_TEXT(
		"vmenergyd 9 on host since 2023-11-14 22:13:20Z, every 0.25 s, decides every 1 s\n"
		"From perf, weights x.weights, meter -\n"
		"Decisions 0, writes 2 (unchanged, left out 0; refused 0; changed by others 0)"
		" | clients 0, dropped 0\n"
		"Host 240.00 W, cap 300.00 W, limit 250.00 W, headroom 10.00 W, held by peak\n"
		"Trouble: meter: silent\n"
		"\n"
		"NAME     WATTS               CAP  HEADROOM  CPU-HELD%  DISK-HELD%  INFEASIBLE  "
		"HELD-BY   BY-HAND\n"
		"web?[1m  19.50  20.00, cpu 15.00      0.50         25           -           -  "
		"cap,host  -\n"
		"d\xc3\xa4mon     1.25                 -         -          -           -        "
		"3.00  -         uid 0 (root)\n",
		run(server, "ctl status", &status));
	UNIT_EQUAL_I64(0, status);
	server_close(server);
}

static void test_status_json(void)
{
	struct server *server = open_server();
	const char *line;
	json_t *object;
	int status;

	line = run(server, "ctl status --json", &status);
	UNIT_EQUAL_I64(0, status);
	UNIT_EQUAL_U64(1, scene_count(line, "\n"));
	object = json_loads(line, 0, NULL);
	UNIT_EQUAL_DOUBLE(
		300, json_real_value(json_object_get(json_object_get(object, "host"), "cap_w")), 0);
	json_decref(object);
	server_close(server);
}

static const struct {
	const char *line, *domain;
	enum protocol_verb verb;
	double cap_w, cap_total_w, cpu_cap_w, disk_cap_w; /* -1 = none */
} caps[] = {
	{ "ctl cap web1 20W", "web1", PROTOCOL_CAP, 20, NAN, NAN, NAN },
	{ "ctl cap --total web1 1.5kW", "web1", PROTOCOL_CAP, NAN, 1500, NAN, NAN },
	{ "ctl cap web1 --cpu none", "web1", PROTOCOL_CAP, NAN, NAN, -1, NAN },
	{ "ctl cap web1 500mW --disk", "web1", PROTOCOL_CAP, NAN, NAN, NAN, 0.5 },
	{ "ctl cap web1 none", "web1", PROTOCOL_CAP, -1, NAN, NAN, NAN },
	{ "ctl cap web1 default", "web1", PROTOCOL_CLEAR, NAN, NAN, NAN, NAN },
	{ "ctl cap --host 300W", "(host)", PROTOCOL_CAP, 300, NAN, NAN, NAN },
	{ "ctl cap default --host", "(host)", PROTOCOL_CLEAR, NAN, NAN, NAN, NAN },
};

static double limit(double watts)
{
	return isinf(watts) ? -1 : watts;
}

static void test_caps(void)
{
	struct server *server = open_server();

	for (size_t i = 0; i < sizeof caps / sizeof *caps; i++) {
		int status;

		UNIT_EQUAL_TEXT("", run(server, caps[i].line, &status));
		UNIT_EQUAL_I64(0, status);
		UNIT_EQUAL_U64(i + 1, asked.count);
		UNIT_EQUAL_I64(caps[i].verb, asked.request.verb);
		UNIT_EQUAL_TEXT(caps[i].domain, asked.domain);
		UNIT_EQUAL_DOUBLE(caps[i].cap_w, limit(asked.request.cap_w), 0);
		UNIT_EQUAL_DOUBLE(caps[i].cap_total_w, limit(asked.request.cap_total_w), 0);
		UNIT_EQUAL_DOUBLE(caps[i].cpu_cap_w, limit(asked.request.cpu_cap_w), 0);
		UNIT_EQUAL_DOUBLE(caps[i].disk_cap_w, limit(asked.request.disk_cap_w), 0);
	}
	server_close(server);
}

static const struct {
	const char *line, *says;
} wrong[] = {
	{ "ctl", "no command is given" },
	{ "ctl dance", "dance: no such command" },
	{ "ctl status now", "now: there are no arguments" },
	{ "ctl status --csv", "unrecognized option" },
	{ "ctl cap", "a domain and a limit are needed" },
	{ "ctl cap web1", "a domain and a limit are needed" },
	{ "ctl cap web1 20W 30W", "30W: one word too many" },
	{ "ctl cap web1 20V", "20V" },
	{ "ctl cap web1 -- -5W", "-5W" },
	{ "ctl cap web1 0.0001W", "0.0001W: must be 1mW.." },
	{ "ctl cap --host 0W", "0W: must be 1mW.." },
	{ "ctl cap --host web1 20W", "--host: one limit is needed" },
	{ "ctl cap --host 20W --cpu", "the host has one cap" },
	{ "ctl cap web1 20W --cpu --disk", "one at a time" },
	{ "ctl cap web1 default --cpu", "all limits of the domain" },
	{ "ctl watch -n 0", "iterations 0: must be 1 or more" },
	{ "ctl reload now", "now: there are no arguments" },
};

static void test_wrong_usage(void)
{
	struct server *server = open_server();

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		int status;

		UNIT_CONTAINS(wrong[i].says, run(server, wrong[i].line, &status));
		UNIT_EQUAL_I64(2, status);
	}
	UNIT_EQUAL_U64(0, asked.count);
	server_close(server);
}

/* The socket may be said before the command or behind it, where it wins. */
static const char *const nowhere[] = {
	"ctl status --socket /nowhere", "ctl --socket /nowhere status",
	"ctl -s /nowhere cap web1 20W", "ctl --socket=/nowhere watch",
	"ctl -s /nowhere reload",       "ctl -s /elsewhere status -s /nowhere",
};

static void test_failures(void)
{
	struct server *server = open_server();
	int status;

	UNIT_EQUAL_TEXT("vmenergyd ctl: no domain is called 'unknown'\n",
			run(server, "ctl cap unknown 20W", &status));
	UNIT_EQUAL_I64(1, status);
	UNIT_EQUAL_TEXT("vmenergyd ctl: in force, but lost when the daemon ends: disk full\n",
			run(server, "ctl cap unsaved 20W", &status));
	UNIT_EQUAL_I64(0, status);
	UNIT_EQUAL_TEXT("vmenergyd ctl: in force only after a restart: socket\n",
			run(server, "ctl reload", &status));
	UNIT_EQUAL_I64(0, status);
	for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++) {
		UNIT_CONTAINS("no vmenergyd runs here (/nowhere: ",
			      run(server, nowhere[i], &status));
		UNIT_EQUAL_I64(1, status);
	}
	server_close(server);
	UNIT_CONTAINS("vmenergyd ctl: no vmenergyd runs here (",
		      run(NULL, "ctl watch --json", &status));
	UNIT_EQUAL_I64(1, status);
}

static void test_watch_json(void)
{
	struct server *server = open_server();
	struct snapshot made = { 0 };
	struct scene scene = { .seed = 31, .snapshot = &made, .most = 3 };
	struct protocol_about about = { .hostname = unit_literal("h"),
					.version = unit_literal("1"),
					.weights_why = unit_literal("w") };
	struct text line = { 0 }, expected = { 0 };
	int status;

	scene_fill(&scene);
	UNIT_EQUAL_I64(0, protocol_put_snapshot(&made, &about, &line, NULL));
	UNIT_EQUAL_I64(0, snapshot_json(&made, &expected, NULL));
	UNIT_EQUAL_I64(0, snapshot_json(&made, &expected, NULL));
	event = &line;
	UNIT_EQUAL_TEXT(expected.bytes, run(server, "ctl watch --json -n 2", &status));
	UNIT_EQUAL_I64(0, status);
	event = NULL;
	server_close(server);
	snapshot_clear(&made);
	text_free(&line);
	text_free(&expected);
}

static void test_watch(void)
{
	struct server *server = open_server();
	struct snapshot_domain domains[2] = {
		{ .id = unit_literal("u-1"),
		  .name = unit_literal("web1"),
		  .cpu.active_w = 15,
		  .disk.active_w = 3,
		  .service.active_w = 0.5,
		  .control = { 20, NAN, NAN, NAN, NAN, NAN, NAN, 1.5, 0 },
		  .throttle_cpu = 0.1,
		  .throttle_disk = NAN },
		{ .id = unit_literal("u-2"), .name = unit_literal("old"), .state = DOMAIN_ENDED },
	};
	struct snapshot made = {
		.seq = 7, .time_s = 1700000000.75, .domains = domains, .domain_count = 2
	};
	struct protocol_about about = { .hostname = unit_literal("h"),
					.version = unit_literal("1"),
					.weights_why = unit_literal("w") };
	struct text line = { 0 };
	int status;

	made.host.total_w = 100;
	made.host.cap_w = NAN;
	UNIT_EQUAL_I64(0, protocol_put_snapshot(&made, &about, &line, NULL));
	event = &line;
	UNIT_EQUAL_TEXT("2023-11-14 22:13:20Z  tick 7  host 100.00 W\n"
			"NAME  WATTS    CAP  HEADROOM  CPU-HELD%  DISK-HELD%  INFEASIBLE\n"
			"web1  18.50  20.00      1.50         10           -           -\n"
			"\n",
			run(server, "ctl watch -n 1", &status));
	UNIT_EQUAL_I64(0, status);
	event = NULL;
	server_close(server);
	text_free(&line);
}

int main(void)
{
	return UNIT_RUN("control-ctl", { "status is a table for a person", test_status },
			{ "status --json is the daemon's object", test_status_json },
			{ "cap asks for what its words say", test_caps },
			{ "wrong usage ends with 2 and asks for nothing", test_wrong_usage },
			{ "what fails ends with 1 and a sentence", test_failures },
			{ "watch --json prints the contract's lines", test_watch_json },
			{ "watch prints a table per tick", test_watch });
}
