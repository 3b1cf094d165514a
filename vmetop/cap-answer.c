/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/cap-answer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

enum { POWER_BYTES = 64, LIMITS = 4, LIST_BYTES = LIMITS * (POWER_BYTES + 16) };

static const char *whose(const struct source_cap *cap)
{
	return cap->domain ? cap->name : "the host";
}

static bool is_none(const struct source_cap *cap)
{
	return !cap->clear && isinf(cap->cap_w);
}

void cap_answer_agreed(const struct source_cap *cap, const char *not_saved, struct error *text)
{
	char power[POWER_BYTES];

	if (cap->clear)
		error_setf(text, 0, "%s: as it is configured", whose(cap));
	else if (is_none(cap))
		error_setf(text, 0, "%s: no cap any more, not even the file's", whose(cap));
	else
		error_setf(text, 0, "cap of %s: %s", whose(cap),
			   unit_format(QUANTITY_POWER, cap->cap_w, power, sizeof power));
	if (not_saved)
		error_prefixf(text, 0, "NOT SAVED, lost when vmenergyd ends (%s)", not_saved);
}

/* "cap of 20W, cpu-cap of 5W": those that there are; how many they are. */
static int list_limits(const struct protocol_status_domain *limits, char list[LIST_BYTES])
{
	const struct {
		const char *word;
		double watts;
	} all[LIMITS] = { { "cap", limits->cap_w },
			  { "cap-total", limits->cap_total_w },
			  { "cpu-cap", limits->cpu_cap_w },
			  { "disk-cap", limits->disk_cap_w } };
	int count = 0;

	list[0] = '\0';
	for (size_t i = 0; i < LIMITS; i++) {
		size_t length = strlen(list);
		char power[POWER_BYTES];

		if (!isfinite(all[i].watts))
			continue;
		snprintf(list + length, LIST_BYTES - length, "%s%s of %s", count ? ", " : "",
			 all[i].word,
			 unit_format(QUANTITY_POWER, all[i].watts, power, sizeof power));
		count++;
	}
	return count;
}

/* Limits of the subject; of the host, and of a domain that nothing limits, none but its cap. */
static struct protocol_status_domain limits_now(const struct source_cap *cap,
						const struct protocol_status *status)
{
	struct protocol_status_domain limits = {
		.cap_w = NAN, .cap_total_w = NAN, .cpu_cap_w = NAN, .disk_cap_w = NAN
	};

	if (!cap->domain)
		limits.cap_w = status->host.cap_w;
	for (size_t i = 0; cap->domain && i < status->domains.count; i++)
		if (strcmp(status->domains.items[i].id, cap->domain) == 0)
			limits = status->domains.items[i];
	return limits;
}

bool cap_answer_holds(const struct source_cap *cap, const struct protocol_status *status,
		      struct error *text)
{
	const struct protocol_status_domain limits = limits_now(cap, status);
	char list[LIST_BYTES];
	int count = list_limits(&limits, list);

	if (cap->clear && !count)
		error_setf(text, 0, "%s: no cap any more, the file has none", whose(cap));
	else if (cap->clear)
		error_setf(text, 0, "%s: the file's %s hold%s", whose(cap), list,
			   count == 1 ? "s" : "");
	else if (is_none(cap) && count && isnan(limits.cap_w))
		error_setf(text, 0, "%s: no cap any more; %s still hold%s", whose(cap), list,
			   count == 1 ? "s" : "");
	else
		return false;
	return true;
}
