/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/setup-about.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "calibrate/command.h"
#include "host/cpu.h"
#include "meter/plant.h"

/* What would be taken for this host's CPU must not be. */
static int describe_emulated(const struct plant *plant, struct cpu_identity *cpu)
{
	cpu->vendor = strdup("emulated");
	cpu->model_name = strdup("EMULATED plant (no machine)");
	cpu->cpus = plant_cpus(plant);
	cpu->cores = (cpu->cpus + 1) / 2;
	cpu->chips = 1;
	return cpu->vendor && cpu->model_name ? 0 : -ENOMEM;
}

static void add_part(struct text *line, const char *label, const char *part)
{
	if (part[0])
		text_addf(line, "%s%s%s", line->length ? ", " : "", label, part);
}

static int describe_meter(const struct meter_about *meter, struct trace_about *about)
{
	char printable[4 * METER_TEXT_BYTES];
	struct text line = { 0 };
	int result = -ENOMEM;

	add_part(&line, "", meter->driver);
	add_part(&line, "", meter->model);
	add_part(&line, "serial number ", meter->serial);
	add_part(&line, "", meter->measures);
	if (line.bytes && !line.failed)
		result = text_replace(&about->meter,
				      text_printable(line.bytes, printable, sizeof printable));
	text_free(&line);
	return result;
}

static int describe_run(struct trace_about *about)
{
	char date[32], kernel[2 * sizeof((struct utsname *)NULL)->release];
	struct utsname system;
	time_t now = time(NULL);
	struct tm utc;
	int result;

	strftime(date, sizeof date, "%Y-%m-%d", gmtime_r(&now, &utc));
	uname(&system);
	snprintf(kernel, sizeof kernel, "%s %s", system.sysname, system.release);
	result = text_replace(&about->date, date);
	if (!result)
		result = text_replace(&about->kernel, kernel);
	return result ? result : text_replace(&about->command, command_line());
}

/*
 * On the clock of the session. An emulated meter says how fast its own is; behind any other, a
 * plant's seconds are the meter's: whoever shows it the plant's power makes it as fast.
 */
static void describe_times(const struct setup *setup, struct meter_about *meter)
{
	const struct plant *plant = counters_plant(setup->counters);

	if (meter->emulated) {
		double factor = (plant ? plant_speed(plant) : 1) / meter->speed;

		meter->interval_s *= factor;
		meter->window_s *= factor;
	}
	meter->speed = 1;
}

static void warn(struct setup *setup, const struct setup_options *options,
		 const struct session *session)
{
	const struct trace_about *about = &session->about;
	struct error_list *warnings = &setup->warnings;

	if (about->emulated)
		error_list_addf(warnings,
				"EMULATED: no machine is measured; what is made from it is for "
				"trying the program");
	if (!about->has_scope)
		error_list_addf(warnings,
				"the meter does not say what it measures: --scope wall (or dc, "
				"package, ...) does");
	if (isnan(options->disks_idle_w) && !about->emulated && about->has_scope &&
	    (about->scope == SCOPE_WALL || about->scope == SCOPE_DC))
		error_list_addf(warnings,
				"idle power of the disks is not stated (--disks-idle): it will be "
				"taken for the CPU's");
	if (counters_note(setup->counters))
		error_list_addf(warnings, "%s", counters_note(setup->counters));
	if (strcmp(counters_name(setup->counters), "perf") == 0 && !counters_pmu(setup->counters))
		error_list_addf(warnings,
				"libpfm4 does not know this CPU's own events: generic ones stand "
				"in for them");
}

static int describe(struct setup *setup, const struct setup_options *options,
		    struct session *session, struct error *error)
{
	const struct plant *plant = counters_plant(setup->counters);
	struct trace_about *about = &session->about;
	int result;

	about->emulated = session->meter.emulated || plant;
	about->has_scope = session->meter.has_scope || options->scope;
	about->scope =
		options->scope ? (enum scope)scope_parse(options->scope) : session->meter.scope;
	about->meter_resolution_w = session->meter.resolution_w;
	about->disks_idle_w = options->disks_idle_w;
	about->has_cpu = true;
	result = plant ? describe_emulated(plant, &about->cpu)
		       : cpu_identify(&setup->root, &about->cpu, error);
	if (!result)
		result = text_replace(&about->pmu, counters_pmu(setup->counters));
	if (!result)
		result = text_replace(&about->probe, counters_name(setup->counters));
	if (!result)
		result = describe_meter(&session->meter, about);
	return result ? result : describe_run(about);
}

int setup_describe(struct setup *setup, const struct setup_options *options,
		   struct session *session, struct error *error)
{
	int result;

	session->meter = *meter_about(setup->meter);
	if (options->scope && session->meter.has_scope &&
	    session->meter.scope != (enum scope)scope_parse(options->scope))
		return error_setf(error, EINVAL, "scope %s: the meter measures %s", options->scope,
				  scope_name(session->meter.scope));
	describe_times(setup, &session->meter);
	result = describe(setup, options, session, error);
	if (result == -ENOMEM)
		return error_setf(error, ENOMEM, "out of memory");
	if (!result)
		warn(setup, options, session);
	return result;
}
