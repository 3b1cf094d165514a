/* SPDX-License-Identifier: GPL-3.0-or-later */
/* enforce-say.c - sentences for the log: what has changed, not what goes on. */
#include "vmenergyd/enforce-internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Free again is who was not held for so long: near a cap it comes and goes. */
#define CALM_NS (30 * UINT64_C(1000000000))
/* Less than this is rounding. */
#define DEFICIT_LEAST_W 0.05

void enforce_sayf(const struct enforce *enforce, bool is_warning, const char *format, ...)
{
	char sentence[1024];
	va_list arguments;

	if (!enforce->say)
		return;
	va_start(arguments, format);
	vsnprintf(sentence, sizeof sentence, format, arguments);
	va_end(arguments);
	enforce->say(enforce->context, is_warning, sentence);
}

static const char *domain_name(const struct enforce_domain *domain)
{
	return domain->name && domain->name[0] ? domain->name : domain->id;
}

const char *enforce_knob_text(const struct enforce_knob *knob, char *text, size_t size)
{
	static const char *const whats[] = { [KNOB_CPU] = "the CPU limit",
					     [KNOB_SHARES] = "the CPU weight",
					     [KNOB_DISK] = "the disk limit",
					     [KNOB_PLACE] = "the cgroup" };

	snprintf(text, size, "%s of %.200s%s%s", whats[knob->knob], domain_name(knob->domain),
		 knob->vdisk[0] ? " " : "", knob->vdisk);
	return text;
}

/* --- decisions ---------------------------------------------------------------------------- */

static void reasons(unsigned held_by, char *text, size_t size)
{
	text[0] = '\0';
	for (unsigned i = 0; i < HELD_BY_COUNT; i++) {
		size_t used = strlen(text);

		if (held_by & 1u << i)
			snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "",
				 policy_reason_name(i));
	}
}

struct finding { /* of one domain, or of the host */
	const char *name;
	double limit_w, infeasible_w;
	unsigned held_by;
};

static void say_held(struct enforce *enforce, struct enforce_voice *voice,
		     const struct finding *finding)
{
	char why[160];

	if (finding->held_by)
		voice->held_ns = enforce->now_ns;
	if (finding->held_by && !voice->held) {
		reasons(finding->held_by, why, sizeof why);
		/* A part of it alone, or the host's cap, may be what holds. */
		if (isfinite(finding->limit_w))
			enforce_sayf(enforce, false, "%s is held to %.3g W (%s)", finding->name,
				     finding->limit_w, why);
		else
			enforce_sayf(enforce, false, "%s is held back (%s)", finding->name, why);
		voice->held = true;
	} else if (voice->held && enforce->now_ns > voice->held_ns + CALM_NS) {
		enforce_sayf(enforce, false, "%s is not held back any more", finding->name);
		voice->held = false;
	}
}

static void say_infeasible(struct enforce *enforce, struct enforce_voice *voice,
			   const struct finding *finding)
{
	bool is_so = finding->infeasible_w > DEFICIT_LEAST_W; /* NaN: no limit */

	if (is_so)
		voice->infeasible_ns = enforce->now_ns;
	if (is_so && !voice->infeasible) {
		enforce_sayf(enforce, true,
			     "the limits of %s cannot be met: %.3g W over them at the least",
			     finding->name, finding->infeasible_w);
		voice->infeasible = true;
	} else if (voice->infeasible && enforce->now_ns > voice->infeasible_ns + CALM_NS) {
		enforce_sayf(enforce, false, "the limits of %s can be met again", finding->name);
		voice->infeasible = false;
	}
}

static void say_finding(struct enforce *enforce, struct enforce_voice *voice,
			const struct finding *finding)
{
	say_held(enforce, voice, finding);
	say_infeasible(enforce, voice, finding);
}

/* Of the last decisions: what this one wants may yet be refused. */
static bool is_held_by_us(const struct enforce_domain *domain)
{
	for (size_t i = 0; i < domain->knobs.count; i++) {
		const struct enforce_knob *knob = domain->knobs.items[i];

		if ((knob->knob == KNOB_CPU || knob->knob == KNOB_DISK) && knob->taken &&
		    !knob->virgin && !knob_value_equal(&knob->current, &knob->original))
			return true;
	}
	return false;
}

void enforce_say_decision(struct enforce *enforce)
{
	const struct policy_output *output = &enforce->decision.output;
	struct finding host = { .name = "the host",
				.limit_w = output->host.cap_w,
				.infeasible_w = output->host.infeasible_w };
	const unsigned by_host = HELD_BY_HOST | HELD_BY_PEAK | HELD_BY_THERMAL;
	bool trims = false;

	for (size_t i = 0; i < enforce->decision.count; i++) {
		struct enforce_domain *domain = enforce->decision.rows[i];
		const struct policy_allotment *allotment = &output->domains[i];
		unsigned held_by = is_held_by_us(domain) ? allotment->held_by : 0;
		struct finding finding = { domain_name(domain), allotment->limit_w,
					   allotment->infeasible_w, held_by };

		trims |= (held_by & by_host) != 0;
		say_finding(enforce, &domain->voice, &finding);
	}
	/* The host is held where its limit is what a domain feels. */
	if (trims)
		host.held_by = output->host.held_by;
	say_finding(enforce, &enforce->voice, &host);
}
