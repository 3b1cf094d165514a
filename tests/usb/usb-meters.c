/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * usb-meters [OPTION...] -- PROGRAM [ARGUMENT...]
 *
 * Runs PROGRAM with models of USB power meters plugged in, under umockdev's preload
 * library; the program itself is not changed. Exits as the program does.
 */
#include <argp.h>
#include <errno.h>
#include <glib-unix.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/numbers.h"
#include "tests/usb/bus.h"
#include "tests/usb/model.h"

enum { METERS_MAX = 8, FIRST_NUMBER = 2, NUMBERS_PER_PLUG = 16, FAULT_TICK_MS = 5 };

struct rig {
	struct power_settings power;
	struct model_fault fault;
	struct {
		const struct model_kind *kind;
		const char *serial;
	} asked[METERS_MAX];
	unsigned count;
	char **command; /* of the arguments; ends with NULL */

	UMockdevTestbed *testbed;
	GMainLoop *loop;
	struct model *models[METERS_MAX];
	struct device *devices[METERS_MAX], *unplugged[METERS_MAX];
	gint64 read_us; /* when the program first got a figure; 0 = not yet */
	bool out, back;
	GPid child;
	int status;
};

/* --- options -------------------------------------------------------------------- */

static const struct model_kind *const kinds[] = {
	&model_wattsup,
	&model_wt310e,
	&model_mcp39f511n,
	&model_fnb58,
};

static const char *const fault_names[] = {
	[FAULT_NONE] = "none",           [FAULT_BAD_SUM] = "bad-sum", [FAULT_HALF] = "half",
	[FAULT_GARBAGE] = "garbage",     [FAULT_UNPLUG] = "unplug",   [FAULT_FROZEN] = "frozen",
	[FAULT_OVERRANGE] = "overrange",
};

static const struct argp_option options[] = {
	{ "model", 'm', "NAME[=SERIAL]", 0,
	  "wattsup (default), wt310e, mcp39f511n, fnb58; may be given several times", 0 },
	{ "watts", 'w', "square|FILE", 0, "100 and 150 W in turn, a second each; or a plant's file",
	  0 },
	{ "fault", 'f', "NAME", 0,
	  "bad-sum, half, garbage, overrange: every fifth figure; frozen; "
	  "unplug=SECONDS[,back=SECONDS] after the first figure",
	  0 },
	{ "speed", 's', "TIMES", 0, "of the square wave and the meters; a plant has its own", 0 },
	{ "noise", 'n', "PERCENT", 0, "standard deviation of a figure", 0 },
	{ "outliers", 'o', "PERCENT", 0, "of the figures are off by 20 to 60 %", 0 },
	{ "lag", 'l', "SECONDS", 0, "of model time that figures are late", 0 },
	{ "window", 'W', "SECONDS", 0, "of model time that a figure is a mean over", 0 },
	{ "seed", 'S', "NUMBER", 0, "of noise and outliers", 0 },
	{ 0 },
};

static double parse_number(struct argp_state *state, const char *text)
{
	char digits[NUMBER_TEXT_BYTES];
	size_t length = number_length(text);
	double value = 0;

	snprintf(digits, sizeof digits, "%.*s", (int)length, text);
	if (number_parse_double(digits, &value) != 0 || value < 0)
		argp_error(state, "\"%s\" is no number", text);
	return strcmp(text + length, "%") == 0 ? value / 100 : value;
}

static void parse_model(struct argp_state *state, struct rig *rig, const char *text)
{
	size_t length = strcspn(text, "=");

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		if (strlen(kinds[i]->name) != length || strncmp(kinds[i]->name, text, length) != 0)
			continue;
		if (rig->count == METERS_MAX)
			argp_error(state, "more than %d meters", METERS_MAX);
		rig->asked[rig->count].kind = kinds[i];
		rig->asked[rig->count++].serial = text[length] ? text + length + 1 : NULL;
		return;
	}
	argp_error(state, "no such model: %s", text);
}

/* "=SECONDS[,back=SECONDS]" */
static void parse_unplug(struct argp_state *state, struct model_fault *fault, const char *text)
{
	int found = sscanf(text, "=%lf,back=%lf", &fault->unplug_s, &fault->back_s);

	if (found < 1 || !(fault->unplug_s >= 0))
		argp_error(state, "unplug=SECONDS: unplug%s", text);
	if (found > 1 ? !(fault->back_s >= fault->unplug_s) : strchr(text, ',') != NULL)
		argp_error(state, "back=SECONDS, not before it is unplugged: unplug%s", text);
}

static void parse_fault(struct argp_state *state, struct rig *rig, const char *text)
{
	size_t length = strcspn(text, "=,");

	for (size_t i = 0; i < G_N_ELEMENTS(fault_names); i++)
		if (strlen(fault_names[i]) == length &&
		    strncmp(fault_names[i], text, length) == 0) {
			rig->fault.kind = (enum fault_kind)i;
			if (i == FAULT_UNPLUG)
				parse_unplug(state, &rig->fault, text + length);
			return;
		}
	argp_error(state, "no such fault: %s", text);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct rig *rig = state->input;

	switch (key) {
	case 'm':
		parse_model(state, rig, argument);
		return 0;
	case 'w':
		rig->power.plant_path = strcmp(argument, "square") == 0 ? NULL : argument;
		return 0;
	case 'f':
		parse_fault(state, rig, argument);
		return 0;
	case 's':
		rig->power.speed = parse_number(state, argument);
		return 0;
	case 'n':
		rig->power.noise = parse_number(state, argument);
		return 0;
	case 'o':
		rig->power.outliers = parse_number(state, argument);
		return 0;
	case 'l':
		rig->power.lag_s = parse_number(state, argument);
		return 0;
	case 'W':
		rig->power.window_s = parse_number(state, argument);
		return 0;
	case 'S':
		rig->power.seed = (uint64_t)parse_number(state, argument);
		return 0;
	case ARGP_KEY_ARGS:
		rig->command = state->argv + state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which program?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	options,
	parse_option,
	"-- PROGRAM [ARGUMENT...]",
	"Runs PROGRAM with models of USB power meters plugged in.",
	NULL,
	NULL,
	NULL,
};

/* --- the program ------------------------------------------------------------------ */

static const char preload_library[] = "libumockdev-preload.so.0";

/* AddressSanitizer wants to be loaded before every other library. A program built with it
 * names the library among its strings; the name goes to `name`, or "". */
static void sanitizer_of(const char *program, char *name, size_t size)
{
	static const char begin[] = "libasan.so.";
	g_autofree char *path = g_find_program_in_path(program), *bytes = NULL;
	gsize length = 0;
	const char *at;

	*name = '\0';
	if (!path || !g_file_get_contents(path, &bytes, &length, NULL))
		return;
	at = bytes;
	while ((at = memmem(at, length - (gsize)(at - bytes), begin, strlen(begin))) != NULL) {
		at += strlen(begin);
		/* With a number behind it: this very text has none. */
		if (g_ascii_isdigit(*at))
			snprintf(name, size, "%s%s ", begin, at);
	}
}

/* For LD_PRELOAD; to be freed. */
static char *preload_of(const char *program)
{
	char sanitizer[32];

	sanitizer_of(program, sanitizer, sizeof sanitizer);
	return g_strdup_printf("%s%s", sanitizer, preload_library);
}

/* udev's events are only sent by a process that is under the preload library itself. */
static void begin_again_preloaded(char **argv)
{
	static const char self[] = "/proc/self/exe";
	g_autofree char *preload = NULL;

	if (strstr(getenv("LD_PRELOAD") ?: "", preload_library))
		return;
	preload = preload_of(self);
	setenv("LD_PRELOAD", preload, 1);
	execv(self, argv);
	fprintf(stderr, "usb-meters: %s: %s\n", self, strerror(errno));
	exit(1);
}

static void end_with_us(gpointer data)
{
	(void)data;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
}

static void start_program(struct rig *rig)
{
	g_auto(GStrv) environment = g_get_environ();
	g_autofree char *preload = preload_of(rig->command[0]);
	GError *error = NULL;

	environment = g_environ_setenv(environment, "LD_PRELOAD", preload, TRUE);
	if (!g_spawn_async(NULL, rig->command, environment,
			   G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD |
				   G_SPAWN_CHILD_INHERITS_STDIN,
			   end_with_us, NULL, &rig->child, &error)) {
		fprintf(stderr, "usb-meters: %s\n", error->message);
		exit(127);
	}
}

static void program_ended(GPid child, gint status, gpointer data)
{
	struct rig *rig = data;

	(void)child;
	rig->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	g_main_loop_quit(rig->loop);
}

static gboolean pass_on_signal(gpointer data)
{
	struct rig *rig = data;

	kill(rig->child, SIGTERM);
	return G_SOURCE_CONTINUE;
}

/* --- the meters ------------------------------------------------------------------- */

/*
 * umockdev shows a /sys of its own. What a calibration reads there of the machine itself
 * stays visible through links, which the kernel follows where umockdev does not look.
 */
static const char *const real_folders[] = {
	"fs",          "kernel",         "module",        "block",          "class/block",
	"class/hwmon", "class/powercap", "class/thermal", "devices/system", "bus/event_source",
};

static void link_real_folders(struct rig *rig, bool make)
{
	g_autofree char *root = umockdev_testbed_get_root_dir(rig->testbed);

	for (size_t i = 0; i < G_N_ELEMENTS(real_folders); i++) {
		g_autofree char *target = g_strdup_printf("/sys/%s", real_folders[i]);
		g_autofree char *link = g_strdup_printf("%s%s", root, target);
		g_autofree char *folder = g_path_get_dirname(link);

		if (make && (g_mkdir_with_parents(folder, 0755) != 0 || symlink(target, link) != 0))
			fprintf(stderr, "usb-meters: %s: %s\n", link, strerror(errno));
		if (!make && g_file_test(link, G_FILE_TEST_IS_SYMLINK))
			unlink(link);
	}
}

static void plug_in(struct rig *rig, unsigned i, unsigned plug)
{
	rig->devices[i] = device_plug_in(rig->testbed, rig->models[i], i + 1,
					 FIRST_NUMBER + i + plug * NUMBERS_PER_PLUG);
}

static gboolean fault_tick(gpointer data)
{
	struct rig *rig = data;
	gint64 now_us = g_get_monotonic_time();
	double since_s;

	for (unsigned i = 0; !rig->read_us && i < rig->count; i++)
		if (device_was_read(rig->devices[i]))
			rig->read_us = now_us;
	since_s = rig->read_us ? (double)(now_us - rig->read_us) / 1e6 : -1;
	for (unsigned i = 0; !rig->out && since_s >= rig->fault.unplug_s && i < rig->count; i++) {
		device_unplug(rig->devices[i]);
		rig->unplugged[i] = rig->devices[i];
		rig->devices[i] = NULL;
	}
	rig->out |= since_s >= rig->fault.unplug_s;
	for (unsigned i = 0; since_s >= rig->fault.back_s && i < rig->count; i++) {
		model_restart(rig->models[i]);
		plug_in(rig, i, 1);
	}
	rig->back = since_s >= rig->fault.back_s;
	return rig->back ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

static void start_meters(struct rig *rig)
{
	rig->testbed = umockdev_testbed_new();
	link_real_folders(rig, true);
	for (unsigned i = 0; i < rig->count; i++) {
		rig->models[i] = model_new(rig->asked[i].kind, rig->asked[i].serial, &rig->power,
					   &rig->fault);
		plug_in(rig, i, 0);
	}
	if (rig->fault.kind == FAULT_UNPLUG)
		g_timeout_add(FAULT_TICK_MS, fault_tick, rig);
}

static void stop_meters(struct rig *rig)
{
	link_real_folders(rig, false);
	g_clear_object(&rig->testbed);
	for (unsigned i = 0; i < rig->count; i++) {
		if (rig->devices[i])
			device_free(rig->devices[i]);
		if (rig->unplugged[i])
			device_free(rig->unplugged[i]);
		model_free(rig->models[i]);
	}
}

int main(int argc, char **argv)
{
	struct rig rig = {
		.power = { .speed = 1, .window_s = NAN, .seed = 1 },
		.fault = { .unplug_s = NAN, .back_s = NAN },
	};

	begin_again_preloaded(argv);
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &rig);
	if (rig.count == 0)
		rig.asked[rig.count++].kind = &model_wattsup;
	rig.loop = g_main_loop_new(NULL, FALSE);
	start_meters(&rig);
	start_program(&rig);
	g_child_watch_add(rig.child, program_ended, &rig);
	g_unix_signal_add(SIGTERM, pass_on_signal, &rig);
	g_unix_signal_add(SIGINT, pass_on_signal, &rig);
	g_main_loop_run(rig.loop);
	stop_meters(&rig);
	g_main_loop_unref(rig.loop);
	return rig.status;
}
