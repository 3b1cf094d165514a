/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests, answers and the status. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wire/protocol.h"

#define F "\"format\":1,"

/* --- requests ------------------------------------------------------------------- */

static const struct {
	const char *line;
	int64_t id;
	enum protocol_verb verb;
	const char *domain;
	double cap_w, cap_total_w, cpu_cap_w, disk_cap_w;
} good[] = {
	{ "{" F "\"do\":\"status\"}", -1, PROTOCOL_STATUS, NULL, NAN, NAN, NAN, NAN },
	{ "{" F "\"id\":0,\"do\":\"subscribe\"}", 0, PROTOCOL_SUBSCRIBE, NULL, NAN, NAN, NAN, NAN },
	{ " {\t\"do\":\"unsubscribe\",\"id\":null,\"format\":1} \r", -1, PROTOCOL_UNSUBSCRIBE, NULL,
	  NAN, NAN, NAN, NAN },
	{ "{" F "\"id\":9223372036854775807,\"do\":\"reload\"}", INT64_MAX, PROTOCOL_RELOAD, NULL,
	  NAN, NAN, NAN, NAN },
	{ "{" F "\"do\":\"cap\",\"domain\":\"web1\",\"cap_w\":20}", -1, PROTOCOL_CAP, "web1", 20,
	  NAN, NAN, NAN },
	{ "{" F "\"do\":\"cap\",\"domain\":\"a b\",\"cap_w\":null,\"cap_total_w\":0,"
	  "\"cpu_cap_w\":1.5,\"disk_cap_w\":1e9}",
	  -1, PROTOCOL_CAP, "a b", INFINITY, 0, 1.5, 1e9 },
	{ "{" F "\"do\":\"cap\",\"domain\":{\"hex\":\"62ff\"},\"disk_cap_w\":3}", -1, PROTOCOL_CAP,
	  "b\xff", NAN, NAN, NAN, 3 },
	{ "{" F "\"do\":\"cap\",\"cap_w\":300}", -1, PROTOCOL_CAP, NULL, 300, NAN, NAN, NAN },
	{ "{" F "\"do\":\"clear\",\"domain\":\"web1\"}", -1, PROTOCOL_CLEAR, "web1", NAN, NAN, NAN,
	  NAN },
	{ "{" F "\"do\":\"clear\"}", -1, PROTOCOL_CLEAR, NULL, NAN, NAN, NAN, NAN },
};

/* Infinity less itself is no number. */
static void check_limit(double expected, double actual)
{
	if (isinf(expected))
		UNIT_TRUE(isinf(actual) && actual > 0);
	else
		UNIT_EQUAL_DOUBLE(expected, actual, 0);
}

static void check_good(size_t i, const struct protocol_request *request)
{
	UNIT_EQUAL_I64(good[i].id, request->id);
	UNIT_EQUAL_I64(good[i].verb, request->verb);
	UNIT_TRUE(text_equal(good[i].domain, request->domain));
	check_limit(good[i].cap_w, request->cap_w);
	check_limit(good[i].cap_total_w, request->cap_total_w);
	check_limit(good[i].cpu_cap_w, request->cpu_cap_w);
	check_limit(good[i].disk_cap_w, request->disk_cap_w);
}

static void test_requests(void)
{
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct protocol_request request, again;
		struct text line = { 0 };
		struct error error = { "" };

		UNIT_EQUAL_I64(0, protocol_parse_request(good[i].line, strlen(good[i].line),
							 &request, &error));
		UNIT_EQUAL_TEXT("", error.text);
		check_good(i, &request);
		UNIT_EQUAL_I64(0, protocol_put_request(&request, &line, &error));
		UNIT_EQUAL_I64('\n', line.bytes[line.length - 1]);
		UNIT_EQUAL_I64(0, protocol_parse_request(line.bytes, line.length, &again, &error));
		check_good(i, &again);
		protocol_request_clear(&request);
		protocol_request_clear(&again);
		text_free(&line);
	}
}

static void test_request_line(void)
{
	struct protocol_request request = protocol_request_of(PROTOCOL_CAP);
	struct text line = { 0 };

	request.id = 7;
	request.domain = unit_literal("web1");
	request.cap_w = 20;
	request.cpu_cap_w = INFINITY;
	UNIT_EQUAL_I64(0, protocol_put_request(&request, &line, NULL));
	UNIT_EQUAL_TEXT("{\"format\":1,\"id\":7,\"do\":\"cap\",\"domain\":\"web1\",\"cap_w\":20.0,"
			"\"cpu_cap_w\":null}\n",
			line.bytes);
	text_free(&line);
}

static const struct {
	const char *line;
	int64_t id;
	const char *says;
} bad[] = {
	{ "", -1, "not a line of JSON" },
	{ "hello", -1, "not a line of JSON" },
	{ "[1]", -1, "must be an object" },
	{ "7", -1, "not a line of JSON" },
	{ "{" F "\"do\":\"status\"}}", -1, "not a line of JSON" },
	{ "{" F "\"do\":\"status\",\"do\":\"reload\"}", -1, "duplicate" },
	{ "{\"id\":3,\"do\":\"status\"}", 3, "format: missing: must be 1..1" },
	{ "{\"format\":2,\"id\":3,\"do\":\"status\"}", 3, "format: must be 1..1" },
	{ "{" F "\"id\":-3,\"do\":\"status\"}", -1, "id: must be 0.." },
	{ "{" F "\"id\":\"x\",\"do\":\"status\"}", -1, "id: must be 0.." },
	{ "{" F "\"id\":3}", 3, "do: missing (a word)" },
	{ "{" F "\"id\":3,\"do\":\"dance\"}", 3, "do: 'dance' is no word known here" },
	{ "{" F "\"id\":3,\"do\":\"status\",\"domain\":\"a\"}", 3,
	  "domain: no member of the request \"status\"" },
	{ "{" F "\"id\":3,\"do\":\"clear\",\"domain\":\"a\",\"cap_w\":1}", 3,
	  "cap_w: no member of the request \"clear\"" },
	{ "{" F "\"id\":3,\"do\":\"cap\",\"domain\":\"a\",\"cap\":1}", 3,
	  "cap: no member of the request \"cap\"" },
	{ "{" F "\"id\":3,\"do\":\"cap\",\"domain\":\"a\"}", 3, "no limit is mentioned" },
	{ "{" F "\"id\":3,\"do\":\"cap\",\"domain\":null,\"cap_w\":1}", 3,
	  "domain: must be a string" },
	{ "{" F "\"id\":3,\"do\":\"cap\",\"domain\":\"\",\"cap_w\":1}", 3,
	  "domain: must not be empty" },
	{ "{" F "\"id\":3,\"do\":\"cap\",\"domain\":\"a\\u0000b\",\"cap_w\":1}", -1, "not a line" },
	{ "{" F "\"id\":3,\"do\":\"cap\",\"domain\":\"a\",\"cap_w\":-1}", 3,
	  "cap_w: must be null or 0..1e+09" },
	{ "{" F "\"id\":3,\"do\":\"cap\",\"domain\":\"a\",\"cap_w\":1e10}", 3,
	  "cap_w: must be null or 0..1e+09" },
	{ "{" F "\"id\":3,\"do\":\"cap\",\"domain\":\"a\",\"cap_w\":\"20W\"}", 3,
	  "cap_w: must be null or" },
	{ "{" F "\"id\":3,\"do\":\"cap\",\"domain\":\"a\",\"cap_w\":NaN}", -1, "not a line" },
	{ "{" F "\"id\":3,\"do\":\"cap\",\"cap_w\":1,\"cpu_cap_w\":1}", 3,
	  "cpu_cap_w: needs a domain" },
};

static void test_bad_requests(void)
{
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct protocol_request request;
		struct error error = { "" };

		UNIT_EQUAL_I64(-EINVAL, protocol_parse_request(bad[i].line, strlen(bad[i].line),
							       &request, &error));
		UNIT_CONTAINS(bad[i].says, error.text);
		UNIT_EQUAL_I64(bad[i].id, request.id);
		UNIT_TRUE(request.domain == NULL);
	}
}

static void test_nul_inside(void)
{
	static const char line[] = "{" F "\"do\":\"status\"}\0\n";
	struct protocol_request request;
	struct error error = { "" };

	UNIT_EQUAL_I64(-EINVAL, protocol_parse_request(line, sizeof line - 1, &request, &error));
	UNIT_CONTAINS("not a line of JSON", error.text);
}

static void test_verbs(void)
{
	static const char *const names[PROTOCOL_VERBS] = { "status", "subscribe", "unsubscribe",
							   "cap",    "clear",     "reload" };

	for (int i = 0; i < PROTOCOL_VERBS; i++) {
		UNIT_EQUAL_TEXT(names[i], protocol_verb_name((enum protocol_verb)i));
		UNIT_TRUE(protocol_verb_changes((enum protocol_verb)i) == (i >= PROTOCOL_CAP));
	}
}

/* --- answers -------------------------------------------------------------------- */

static struct protocol_message read_message(const char *line)
{
	struct snapshot snapshot = { .seq = 5 };
	struct protocol_message message;
	struct error error = { "" };

	UNIT_EQUAL_I64(0, protocol_parse_message(line, strlen(line), &message, &snapshot, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_U64(5, snapshot.seq);
	return message;
}

static void test_answers(void)
{
	struct text line = { 0 };
	struct protocol_message message;

	UNIT_EQUAL_I64(0, protocol_put_answer(7, NULL, &line, NULL));
	UNIT_EQUAL_TEXT("{\"format\":1,\"id\":7,\"ok\":true}\n", line.bytes);
	message = read_message(line.bytes);
	UNIT_EQUAL_I64(PROTOCOL_ANSWER, message.kind);
	UNIT_EQUAL_I64(7, message.id);
	protocol_message_clear(&message);

	text_reset(&line);
	UNIT_EQUAL_I64(
		0, protocol_put_answer(-1, json_pack("{s:i,s:b}", "n", 3, "ok", 0), &line, NULL));
	UNIT_EQUAL_TEXT("{\"format\":1,\"ok\":true,\"n\":3}\n", line.bytes);
	message = read_message(line.bytes);
	UNIT_EQUAL_I64(-1, message.id);
	UNIT_EQUAL_I64(3, json_integer_value(json_object_get(message.answer, "n")));
	protocol_message_clear(&message);
	text_free(&line);
}

static void test_refusals(void)
{
	struct text line = { 0 };
	struct protocol_message message;

	UNIT_EQUAL_I64(0, protocol_put_refusal(8, "no \"x\"\n\xff", &line));
	UNIT_EQUAL_TEXT("{\"format\":1,\"id\":8,\"ok\":false,\"error\":"
			"\"no \\\"x\\\"\\n\xef\xbf\xbd\"}\n",
			line.bytes);
	message = read_message(line.bytes);
	UNIT_EQUAL_I64(PROTOCOL_REFUSAL, message.kind);
	UNIT_EQUAL_I64(8, message.id);
	UNIT_EQUAL_TEXT("no \"x\"\n\xef\xbf\xbd", message.refusal);
	UNIT_TRUE(message.answer == NULL);
	protocol_message_clear(&message);
	text_free(&line);
}

static void test_other_events(void)
{
	struct protocol_message message = read_message("{\"format\":1,\"event\":\"eclipse\"}");

	UNIT_EQUAL_I64(PROTOCOL_OTHER, message.kind);
	protocol_message_clear(&message);
}

static void test_wrong_answers(void)
{
	static const char *const lines[] = {
		"{\"format\":1}",
		"{\"format\":1,\"ok\":1}",
		"{\"format\":1,\"ok\":false}",
		"{\"format\":1,\"ok\":true,\"id\":-4}",
		"{\"ok\":true}",
		"{}",
	};

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct snapshot snapshot = { 0 };
		struct protocol_message message;
		struct error error = { "" };

		UNIT_EQUAL_I64(-EINVAL, protocol_parse_message(lines[i], strlen(lines[i]), &message,
							       &snapshot, &error));
		UNIT_TRUE(error.text[0] != '\0');
	}
}

/* --- status --------------------------------------------------------------------- */

static void fill_status(struct protocol_status *status)
{
	struct protocol_status_domain *domain;

	protocol_status_init(status);
	status->version = strdup("9");
	status->hostname = strdup("host");
	status->source = strdup("perf");
	status->meter = strdup("rapl");
	status->since_s = 1700000000.5;
	status->interval_s = 0.25;
	status->control_interval_s = 1;
	status->dry_run = true;
	status->decisions = 1;
	status->writes = 2;
	status->unchanged_left_out = 3;
	status->refused = 4;
	status->foreign_changes = 5;
	status->clients = 6;
	status->dropped = 7;
	status->host.cap_w = 300;
	status->host.limit_w = 250;
	status->host.used_w = 240;
	UNIT_EQUAL_I64(0, protocol_words_add(&status->host.held_by, "peak"));
	UNIT_EQUAL_I64(0, protocol_words_add(&status->trouble, "meter: silent for 5 s"));
	domain = protocol_status_add(status);
	domain->id = strdup("u-1");
	domain->name = strdup("web 1");
	domain->cap_w = 20;
	domain->limit_w = 18.5;
	domain->throttle_cpu = 0.25;
	domain->override_by = strdup("uid 0 (root), pid 7 (vmetop)");
	UNIT_EQUAL_I64(0, protocol_words_add(&domain->held_by, "cap"));
	UNIT_EQUAL_I64(0, protocol_words_add(&domain->held_by, "host"));
	domain = protocol_status_add(status);
	domain->id = strdup("u-2");
	domain->name = strdup("");
}

static const char status_line[] =
	"{\"format\":1,\"id\":3,\"ok\":true,\"status\":{\"version\":\"9\",\"hostname\":\"host\","
	"\"since\":1700000000.5,\"interval_s\":0.25,\"control_interval_s\":1.0,\"dry_run\":true,"
	"\"source\":\"perf\",\"weights\":null,\"meter\":\"rapl\",\"decisions\":1,\"writes\":2,"
	"\"unchanged_left_out\":3,\"refused\":4,\"foreign_changes\":5,\"clients\":6,\"dropped\":7,"
	"\"host\":{\"cap_w\":300.0,\"limit_w\":250.0,\"used_w\":240.0,\"headroom_w\":null,"
	"\"infeasible_w\":null,\"temperature_c\":null,\"held_by\":[\"peak\"],\"override_by\":null},"
	"\"domains\":[{\"id\":\"u-1\",\"name\":\"web 1\",\"cap_w\":20.0,\"cap_total_w\":null,"
	"\"cpu_cap_w\":null,\"disk_cap_w\":null,\"limit_w\":18.5,\"used_w\":null,"
	"\"headroom_w\":null,\"infeasible_w\":null,\"throttle_cpu\":0.25,\"throttle_disk\":null,"
	"\"held_by\":[\"cap\",\"host\"],\"override_by\":\"uid 0 (root), pid 7 (vmetop)\"},"
	"{\"id\":\"u-2\",\"name\":\"\",\"cap_w\":null,\"cap_total_w\":null,\"cpu_cap_w\":null,"
	"\"disk_cap_w\":null,\"limit_w\":null,\"used_w\":null,\"headroom_w\":null,"
	"\"infeasible_w\":null,\"throttle_cpu\":null,\"throttle_disk\":null,\"held_by\":[],"
	"\"override_by\":null}],\"trouble\":[\"meter: silent for 5 s\"]}}\n";

static void test_status(void)
{
	struct protocol_status status, read;
	struct protocol_message message;
	struct text line = { 0 };

	fill_status(&status);
	UNIT_EQUAL_I64(0, protocol_put_status(3, &status, &line, NULL));
	UNIT_EQUAL_TEXT(status_line, line.bytes);
	message = read_message(line.bytes);
	UNIT_EQUAL_I64(0, protocol_parse_status(&message, &read, NULL));
	UNIT_EQUAL_TEXT("web 1", read.domains.items[0].name);
	UNIT_EQUAL_DOUBLE(18.5, read.domains.items[0].limit_w, 0);
	UNIT_EQUAL_DOUBLE(NAN, read.domains.items[1].limit_w, 0);
	UNIT_EQUAL_U64(2, read.domains.items[0].held_by.count);
	UNIT_EQUAL_TEXT("host", read.domains.items[0].held_by.items[1]);
	UNIT_EQUAL_DOUBLE(240, read.host.used_w, 0);
	UNIT_EQUAL_U64(7, read.dropped);
	text_reset(&line);
	UNIT_EQUAL_I64(0, protocol_put_status(3, &read, &line, NULL));
	UNIT_EQUAL_TEXT(status_line, line.bytes);
	protocol_message_clear(&message);
	protocol_status_clear(&read);
	protocol_status_clear(&status);
	text_free(&line);
}

static void test_no_status(void)
{
	struct protocol_message message = read_message("{\"format\":1,\"ok\":true}");
	struct protocol_status status;
	struct error error = { "" };

	UNIT_EQUAL_I64(-EINVAL, protocol_parse_status(&message, &status, &error));
	UNIT_EQUAL_TEXT("status: missing (an object)", error.text);
	UNIT_TRUE(status.version == NULL);
	protocol_message_clear(&message);
	message = read_message("{\"format\":1,\"ok\":true,\"status\":{\"version\":\"1\","
			       "\"hostname\":\"h\",\"dry_run\":0}}");
	UNIT_EQUAL_I64(-EINVAL, protocol_parse_status(&message, &status, &error));
	UNIT_EQUAL_TEXT("status.dry_run: must be true or false", error.text);
	UNIT_TRUE(status.version == NULL);
	protocol_message_clear(&message);
}

int main(void)
{
	return UNIT_RUN(
		"protocol-request", { "requests are read, written and read again", test_requests },
		{ "a request is one line", test_request_line },
		{ "what is wrong is named, with the id where it can be read", test_bad_requests },
		{ "a NUL ends no line", test_nul_inside },
		{ "verbs that change are cap, clear and reload", test_verbs },
		{ "answers take more members, never over their own", test_answers },
		{ "refusals say why in one line", test_refusals },
		{ "events of later versions are passed over", test_other_events },
		{ "answers without what they must have are refused", test_wrong_answers },
		{ "the status is written, read and written the same", test_status },
		{ "a status that is not there or wrong is refused", test_no_status });
}
