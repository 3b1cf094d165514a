/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/record-scene.h"

#include <errno.h>
#include <math.h>

enum { SECOND = 1000000000 };

static void add_phase(struct session *session, uint64_t *seed, const char *workload, unsigned pass)
{
	uint64_t begin_ns = (session->phases.count + 1) * 10ull * SECOND;
	struct session_phase *phase = SCENE_APPEND(&session->phases);

	strcpy(phase->workload, workload);
	strcpy(phase->variant, "4 threads, \"spread\"");
	phase->pass = pass;
	phase->threads = 4;
	phase->frequency_hz = 2400000000;
	phase->begin_ns = begin_ns;
	phase->end_ns = begin_ns + 8ull * SECOND;
	phase->complete = true;
	for (unsigned i = 0; i <= 8; i++) {
		struct session_sample *sample = SCENE_APPEND(&session->samples);

		sample->phase = session->phases.count - 1;
		sample->time_ns = begin_ns + i * (uint64_t)SECOND;
		sample->busy_ns = unit_random(seed);
		sample->frequency_hz = unit_random_double(seed, 1e9, 4e9);
		sample->temperature_c = i % 2 ? 48.5 : NAN;
		sample->disk_read_bytes = unit_random(seed);
		sample->disk_writes = i;
		sample->quality = i == 3 ? QUALITY_GAP : 0;
		for (unsigned e = 0; e < session->passes.items[pass].event_count; e++)
			sample->count[e] = unit_random(seed);
	}
	for (unsigned i = 0; i < 10; i++) {
		struct meter_reading *reading = SCENE_APPEND(&session->readings);

		reading->time_ns = begin_ns + i * (uint64_t)SECOND + 7;
		reading->power_w = i == 2 ? NAN : unit_random_double(seed, 10, 99);
		reading->energy_j = NAN;
		reading->flags = i == 2 ? METER_DAMAGED : 0;
	}
}

/* Of the last one. */
static void continue_phase(struct session *session, uint64_t *seed, unsigned pass)
{
	const struct session_phase *last = &session->phases.items[session->phases.count - 1];
	char workload[SESSION_NAME_BYTES];

	strcpy(workload, last->workload);
	add_phase(session, seed, workload, pass);
	session->phases.items[session->phases.count - 1].continues = true;
}

static void make(struct session *session, uint64_t *seed)
{
	struct session_pass *pass;

	*session = (struct session){
		.about = { .emulated = true,
			   .has_scope = true,
			   .scope = SCOPE_DC,
			   .meter_lag_s = NAN,
			   .meter_window_s = NAN,
			   .meter_resolution_w = 0.1,
			   .disks_idle_w = 4.5 },
		.meter = { .driver = "wattsup",
			   .serial = "17,\"b\"",
			   .model = "Watts up? PRO",
			   .scope = SCOPE_WALL,
			   .has_scope = true,
			   .range_w = NAN,
			   .resolution_w = 0.1,
			   .accuracy_percent = 1.5,
			   .interval_s = 1,
			   .window_s = NAN,
			   .speed = 1 },
		.disk = "sda",
	};
	text_replace(&session->about.probe, "perf");
	text_replace(&session->about.command, "calibrate record, with a comma");
	pass = SCENE_APPEND(&session->passes);
	pass->event_count = 2;
	strcpy(pass->names[0], "skl::INST_RETIRED:ANY_P");
	strcpy(pass->names[1], "skl::UOPS_ISSUED");
	SCENE_APPEND(&session->passes);
	add_phase(session, seed, "idle", 0);
	add_phase(session, seed, "memory-latency", 1);
	add_phase(session, seed, "integer", 0);
	continue_phase(session, seed, 1);
}

static struct text print(const struct session *session)
{
	struct text text = { 0 };

	session_print(session, &text);
	UNIT_TRUE(!text.failed);
	return text;
}

/* Parse a copy without anything behind it, so that sanitizers see a step too far. */
static int parse(const char *text, size_t length, struct session *session, struct error *error)
{
	char *copy = strndup(text, length);
	int result = session_parse("x.session", copy, strlen(copy), session, error);

	free(copy);
	return result;
}

static void check_phase(const struct session *expected, const struct session *got, size_t i)
{
	const struct session_phase *a = &expected->phases.items[i], *b = &got->phases.items[i];

	UNIT_EQUAL_TEXT(a->workload, b->workload);
	UNIT_EQUAL_TEXT(a->variant, b->variant);
	UNIT_EQUAL_U64(a->pass, b->pass);
	UNIT_EQUAL_U64(a->continues, b->continues);
	UNIT_EQUAL_U64(a->threads, b->threads);
	UNIT_EQUAL_U64(a->frequency_hz, b->frequency_hz);
	UNIT_EQUAL_U64(a->begin_ns, b->begin_ns);
	UNIT_EQUAL_U64(a->end_ns, b->end_ns);
	UNIT_TRUE(b->complete);
}

static void check_sample(const struct session_sample *a, const struct session_sample *b)
{
	UNIT_EQUAL_U64(a->time_ns, b->time_ns);
	UNIT_EQUAL_U64(a->phase, b->phase);
	UNIT_EQUAL_U64(a->busy_ns, b->busy_ns);
	UNIT_EQUAL_U64(a->count[0], b->count[0]);
	UNIT_EQUAL_U64(a->count[1], b->count[1]);
	UNIT_EQUAL_DOUBLE(a->frequency_hz, b->frequency_hz, 0);
	UNIT_EQUAL_DOUBLE(a->temperature_c, b->temperature_c, 0);
	UNIT_EQUAL_U64(a->disk_read_bytes, b->disk_read_bytes);
	UNIT_EQUAL_U64(a->disk_writes, b->disk_writes);
	UNIT_EQUAL_U64(a->quality, b->quality);
}

static void test_round_trip(void)
{
	uint64_t seed = 1;
	struct session session, again;
	struct error error = { "" };
	struct text text, second;

	printf("seed 1\n");
	make(&session, &seed);
	text = print(&session);
	UNIT_EQUAL_I64(0, parse(text.bytes, text.length, &again, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_U64(4, again.phases.count);
	UNIT_EQUAL_U64(session.samples.count, again.samples.count);
	UNIT_EQUAL_U64(session.readings.count, again.readings.count);
	for (size_t i = 0; i < again.phases.count; i++)
		check_phase(&session, &again, i);
	for (size_t i = 0; i < again.samples.count; i++)
		check_sample(&session.samples.items[i], &again.samples.items[i]);
	for (size_t i = 0; i < again.readings.count; i++) {
		const struct meter_reading *a = &session.readings.items[i];

		UNIT_EQUAL_U64(a->time_ns, again.readings.items[i].time_ns);
		UNIT_EQUAL_DOUBLE(a->power_w, again.readings.items[i].power_w, 0);
		UNIT_EQUAL_U64(a->flags, again.readings.items[i].flags);
	}
	UNIT_EQUAL_TEXT("skl::UOPS_ISSUED", again.passes.items[0].names[1]);
	UNIT_EQUAL_U64(0, again.passes.items[1].event_count);
	UNIT_EQUAL_TEXT("17,\"b\"", again.meter.serial);
	UNIT_EQUAL_DOUBLE(NAN, again.meter.range_w, 0);
	UNIT_EQUAL_DOUBLE(1.5, again.meter.accuracy_percent, 0);
	UNIT_EQUAL_TEXT("sda", again.disk);
	UNIT_EQUAL_TEXT("calibrate record, with a comma", again.about.command);
	UNIT_EQUAL_DOUBLE(4.5, again.about.disks_idle_w, 0);
	second = print(&again);
	UNIT_EQUAL_TEXT(text.bytes, second.bytes);
	text_free(&text);
	text_free(&second);
	session_clear(&session);
	session_clear(&again);
}

/* How many phases had ended, and how many readings stand before the phase that had not. */
static void count_whole(const char *text, size_t length, size_t *phases, size_t *readings)
{
	size_t inside = 0;
	bool open = false;

	*phases = *readings = 0;
	for (const char *line = text, *end; line < text + length; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + length - line));
		if (!end)
			break;
		if (*line == 'w') {
			open = true;
			inside = 0;
		}
		inside += *line == 'r' && open;
		*readings += *line == 'r' && !open;
		if (*line == 'e') {
			*readings += inside;
			++*phases;
			open = false;
		}
	}
}

static void test_cut_anywhere(void)
{
	uint64_t seed = 2;
	struct session session;
	struct text text;
	size_t head, step;

	make(&session, &seed);
	text = print(&session);
	head = (size_t)(strstr(text.bytes, "\nw,") - text.bytes) + 1;
	step = 1 + 100 / unit_rounds(100);
	for (size_t length = head; length <= text.length; length += step) {
		struct session cut;
		struct error error = { "" };
		size_t phases, readings;

		count_whole(text.bytes, length, &phases, &readings);
		UNIT_EQUAL_I64(0, parse(text.bytes, length, &cut, &error));
		UNIT_EQUAL_TEXT("", error.text);
		UNIT_EQUAL_U64(phases, cut.phases.count);
		UNIT_EQUAL_U64(readings, cut.readings.count);
		UNIT_EQUAL_U64(9 * phases, cut.samples.count);
		session_clear(&cut);
	}
	text_free(&text);
	session_clear(&session);
}

/* The head, then phases and what came between one by one: the same file as all at once. */
static void test_piecewise(void)
{
	uint64_t seed = 3, done_ns = 0;
	struct session session;
	struct text whole, pieces = { 0 };

	make(&session, &seed);
	whole = print(&session);
	session_print_head(&session, &pieces);
	for (size_t i = 0; i < session.phases.count; i++) {
		session_print_readings(&session, done_ns, session.phases.items[i].begin_ns,
				       &pieces);
		session_print_phase(&session, i, &pieces);
		done_ns = session.phases.items[i].end_ns;
	}
	session_print_readings(&session, done_ns, UINT64_MAX, &pieces);
	UNIT_EQUAL_TEXT(whole.bytes, pieces.bytes);
	text_free(&whole);
	text_free(&pieces);
	session_clear(&session);
}

#define ABOUT "f,1\na,[trace]\na,format = 1\n"
#define HEAD ABOUT "m,x,,,,,,wall,,,,,,0\np,E\n"
#define BEGIN "w,idle,,0,0,0,100,0\n"

static void test_damage(void)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "not a session" },
		{ "f,2\n", "x.session:1: format 2" },
		{ "f,1\n", "not whole" },
		{ "m,x\n", "x.session:1: a line 'm' cannot stand here" },
		{ ABOUT "m,x,,,,,,nowhere,,,,,,0\n", "scope 'nowhere'" },
		{ ABOUT "m,x,,,,,,wall,,,,,,2\n", "'2': must be a whole number up to 1" },
		{ "f,1\na,nonsense\nm,x,,,,,,wall,,,,,,0\n", "x.session:3: about:1" },
		{ HEAD "z,1\n", "x.session:6: 'z': no such kind" },
		{ HEAD "r,5,1,,0\nr,4,1,,0\n", "x.session:7: times must ascend" },
		{ HEAD "r,5,1,,64\n", "up to 63" },
		{ HEAD "r,5,nan,,0\n", "'nan'" },
		{ HEAD "s,1,2,0,,,0,0,0,0,9\n", "cannot stand here" },
		{ HEAD "w,idle,,1,0,0,100,0\n", "'1': must be a whole number up to 0" },
		{ HEAD BEGIN "w,idle,,0,0,0,200,0\n", "a phase cannot begin here" },
		{ HEAD BEGIN "s,101,2,0,,,0,0,0,0\n", "has 1 counts" },
		{ HEAD BEGIN "s,99,2,0,,,0,0,0,0,9\n", "times must ascend" },
		{ HEAD BEGIN "s,101,-2,0,,,0,0,0,0,9\n", "'-2'" },
		{ HEAD BEGIN "e,99\n", "ends before" },
		{ HEAD BEGIN "e,150\ne,160\n", "no phase to end" },
		{ HEAD BEGIN "e,150\nw,idle,,0,0,0,149,0\n", "begins before the end" },
		{ HEAD BEGIN "e,150\nw,idle,,0,0,0,150,2\n", "'2': must be a whole" },
		{ HEAD BEGIN "e,150\nw,spin,,0,0,0,150,1\n", "does not continue" },
		{ HEAD BEGIN "e,150\nw,idle,,0,1,0,150,1\n", "does not continue" },
		{ HEAD "w,idle,,0,0,0,100,1\n", "does not continue" },
		{ HEAD BEGIN "e,150\nw,idle,,0,0,0,\"200,0\n", "quoted field" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct session session;
		struct error error = { "" };

		UNIT_EQUAL_I64(-EINVAL,
			       parse(cases[i].text, strlen(cases[i].text), &session, &error));
		UNIT_CONTAINS(cases[i].says, error.text);
		UNIT_TRUE(!session.phases.items && !session.samples.items);
	}
}

static void test_hostile_meter(void)
{
	struct session session = { .about = { .meter_lag_s = NAN,
					      .meter_window_s = NAN,
					      .meter_resolution_w = NAN,
					      .disks_idle_w = NAN },
				   .meter = { .driver = "x", .serial = "1\n2\x1b[31m\r" } };
	struct session again;
	struct error error = { "" };
	struct text text = print(&session);

	UNIT_EQUAL_I64(0, parse(text.bytes, text.length, &again, &error));
	UNIT_EQUAL_TEXT("1?2?[31m?", again.meter.serial);
	text_free(&text);
	session_clear(&again);
}

int main(void)
{
	return UNIT_RUN(
		"session",
		{ "what was printed reads back the same, and prints the same", test_round_trip },
		{ "a file that was cut anywhere keeps its complete phases, and no more",
		  test_cut_anywhere },
		{ "written piece by piece it is the file as a whole", test_piecewise },
		{ "damage is refused with its line", test_damage },
		{ "what a meter says of itself cannot break a line", test_hostile_meter });
}
