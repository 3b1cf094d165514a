/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The figures of the page, for a terminal. */
#include "calibrate/report/report.h"

#include <math.h>

#include "calibrate/fit-input.h"
#include "calibrate/fit-text.h"

static void put_selection(const struct report *report, struct text *out)
{
	const struct selection *selection = report->selection;

	text_add(out, "\nCHOICE OF EVENTS                     HELD-OUT RMSE W    VIF\n");
	for (unsigned i = 0; i < selection->count; i++) {
		const struct select_step *step = &selection->steps[i];

		fit_text_name(out, 36, report->candidate_names[step->event]);
		fit_text_number(out, 16, step->lowo_rmse, 4);
		fit_text_number(out, 7, step->vif, 3);
		text_add(out, "\n");
	}
	for (size_t i = 0; i < selection->notes.count; i++)
		fit_text_note(out, selection->notes.texts[i]);
}

static void put_meter(const struct report *report, struct text *out)
{
	if (report->about && report->about->meter)
		text_addf(out, "\nMeter: %s\n", report->about->meter);
	if (report->align)
		text_addf(out, "Lag %.2f s, a mean over %.2f s%s%s\n", report->align->lag_s,
			  report->align->window_s, report->align->note[0] ? ": " : "",
			  report->align->note);
}

static void put_disk(const struct disk_fit *disk, struct text *out)
{
	text_addf(out, "\nDisk: idle %.3f W, active %.3f W, R2 %.3f, held-out error %.2f %%: %s\n",
		  disk->constants.idle_w, disk->constants.active_w, disk->r2,
		  disk->lowo_mape_percent, verdict_name(disk->verdict));
	for (size_t i = 0; i < disk->warnings.count; i++)
		fit_text_note(out, disk->warnings.texts[i]);
}

static void put_thermal(const struct thermal_fit *thermal, struct text *out)
{
	text_addf(out, "\nTemperature: time constant %.0f s, steady at %.1f C, off by %.2f K\n",
		  thermal->time_constant_s, thermal->steady_c, thermal->rmse_c);
	for (size_t i = 0; i < thermal->warnings.count; i++)
		fit_text_note(out, thermal->warnings.texts[i]);
}

void report_text(const struct report *report, struct text *out)
{
	if (report->about && report->about->emulated)
		text_add(out, "EMULATED: no physical machine and meter are behind these figures\n");
	if (report->fit && report->trace) {

		const struct fit_input input = { .path = report->title, .trace = report->trace };
		const struct fits fits = { .events = report->fit, .on_cpu = report->on_cpu_fit };

		fit_text(&input, &fits, out);
	}
	put_meter(report, out);
	if (report->selection)
		put_selection(report, out);
	if (report->disk)
		put_disk(report->disk, out);
	if (report->thermal)
		put_thermal(report->thermal, out);
}
