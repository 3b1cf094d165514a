/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of the host's page: limits, who is held back by them, and what is wrong with them. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/known.h"
#include "vmetop/page-host.h"

static const struct protocol_status *status_of(const struct frame *frame)
{
	return frame->info->daemon ? frame->info->daemon->status : NULL;
}

/* --- sentences of a note, with "; " between them ------------------------------------------------
 */

static __attribute__((format(printf, 2, 3))) void say(struct line *line, const char *format, ...)
{
	size_t length = strlen(line->note);
	char text[PAGE_TEXT_BYTES / 2];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	snprintf(line->note + length, sizeof line->note - length, "%s%s", length ? "; " : "", text);
}

/* "cap, host" */
static const char *join_words(const struct protocol_words *words, char text[128])
{
	text[0] = '\0';
	for (size_t i = 0; i < words->count; i++) {
		size_t length = strlen(text);

		snprintf(text + length, 128 - length, "%s%s", i ? ", " : "", words->items[i]);
	}
	return text;
}

/* With everything throttled as far as it may be. */
static void say_short(struct line *line, double infeasible_w)
{
	char text[FIGURE_BYTES];

	if (!(infeasible_w > 0))
		return;
	figure_power(infeasible_w, '\0', text);
	line->style = STYLE_ALARM;
	say(line, "CANNOT BE MET by %s W", text);
}

static void say_by_whom(struct line *line, const char *override_by)
{
	if (override_by)
		say(line, "set by %s", override_by);
}

/* --- the host's cap ------------------------------------------------------------------------------
 */

static size_t count_caps(const struct frame *frame)
{
	return status_of(frame) || !isnan(frame->snapshot->host.cap_w);
}

/* The tightest of cap, peak and temperature; NaN = none. */
static double cap_w_of(const struct frame *frame)
{
	const struct protocol_status *status = status_of(frame);
	double cap_w = status ? fmin(status->host.limit_w, status->host.cap_w)
			      : frame->snapshot->host.cap_w;

	return cap_w < INFINITY ? cap_w : NAN;
}

/* What of a cap the daemon keeps free without a meter, as its figures may be wrong by so much: its
 * headroom is less by that than cap and power say. Of a decision of this tick alone, as power
 * changes; NaN = nothing, or it is not known.
 */
static double margin_w_of(const struct frame *frame)
{
	const struct protocol_status *status = status_of(frame);
	double cap_w = cap_w_of(frame), margin_w;

	if (!status || frame->snapshot->source.meter ||
	    status->control_interval_s > 1.01 * status->interval_s)
		return NAN;
	margin_w = cap_w - status->host.used_w - status->host.headroom_w;
	return margin_w > 0.01 * cap_w ? margin_w : NAN;
}

static double headroom_w_of(const struct frame *frame)
{
	const struct protocol_status *status = status_of(frame);

	return status ? status->host.headroom_w : NAN;
}

static void put_cap(const struct frame *frame, size_t i, struct line *line)
{
	const struct snapshot_host *host = &frame->snapshot->host;
	double cap_w = cap_w_of(frame), left_w = cap_w - host->total_w;
	char text[FIGURE_BYTES];

	(void)i;
	line->name = "cap of the host";
	line->quality = 0;
	line->total_w = cap_w;
	line->no_figures = isnan(cap_w);
	line->style = left_w < 0 ? STYLE_WARNING : line->style;
	if (line->no_figures)
		strcpy(line->note, "none");
	else if (left_w < 0)
		say(line, "%s W ABOVE IT", page_power(-left_w, host->quality, text));
	else if (!isnan(left_w))
		say(line, "%s W left",
		    page_power(fmax(0, fmin(left_w, headroom_w_of(frame))), host->quality, text));
}

const struct section section_cap = { count_caps, put_cap };

/* Beside the figures there is no room for what is to be said of it: each has a line of its own. */
struct limited_host {
	const struct protocol_status_host *host;
	size_t held; /* VMs that it holds back now */
	double margin_w;
	const char *why_margin; /* no meter, or one that is not open */
};

static bool share_a_word(const struct protocol_words *a, const struct protocol_words *b)
{
	for (size_t i = 0; i < a->count; i++)
		for (size_t j = 0; j < b->count; j++)
			if (strcmp(a->items[i], b->items[j]) == 0)
				return true;
	return false;
}

static struct limited_host limited_host_of(const struct frame *frame)
{
	const struct protocol_status *status = status_of(frame);
	struct limited_host limited = { .margin_w = margin_w_of(frame) };

	limited.why_margin = frame->snapshot->host.residual_reason;
	if (!limited.why_margin)
		limited.why_margin = "no meter";
	if (!status)
		return limited;
	limited.host = &status->host;
	for (size_t i = 0; i < status->domains.count; i++)
		limited.held +=
			share_a_word(&status->domains.items[i].held_by, &status->host.held_by);
	return limited;
}

static void say_cap_short(const struct limited_host *limited, struct line *line)
{
	say_short(line, limited->host->infeasible_w);
}

static void say_margin(const struct limited_host *limited, struct line *line)
{
	char text[FIGURE_BYTES];

	if (!isnan(limited->margin_w))
		say(line, "%s W of it kept free: %s", page_power(limited->margin_w, 0, text),
		    limited->why_margin);
}

static void say_held(const struct limited_host *limited, struct line *line)
{
	char words[128];

	if (limited->held)
		say(line, "%zu VM%s held back by %s", limited->held,
		    limited->held == 1 ? " is" : "s are",
		    join_words(&limited->host->held_by, words));
}

static void say_cap_by_whom(const struct limited_host *limited, struct line *line)
{
	say_by_whom(line, limited->host->override_by);
}

/* The i-th that there is, or how many there are. */
static size_t find_why(const struct frame *frame, size_t i, struct line *found)
{
	static void (*const sayers[])(const struct limited_host *,
				      struct line *) = { say_cap_short, say_margin, say_held,
							 say_cap_by_whom };
	const struct limited_host limited = limited_host_of(frame);
	size_t count = 0;

	for (size_t j = 0; limited.host && j < sizeof sayers / sizeof *sayers; j++) {
		struct line line = { 0 };

		sayers[j](&limited, &line);
		if (line.note[0] && count++ == i && found)
			*found = line;
	}
	return count;
}

static size_t count_whys(const struct frame *frame)
{
	return find_why(frame, 0, NULL);
}

static void put_why(const struct frame *frame, size_t i, struct line *line)
{
	find_why(frame, i, line);
	line->name = "that cap";
	line->depth = 1;
	line->no_figures = true;
}

const struct section section_cap_why = { count_whys, put_why };

/* --- domains of whose limits there is something to say
 * --------------------------------------------
 */

static const struct protocol_status_domain *limits_of(const struct frame *frame,
						      const struct snapshot_domain *domain)
{
	const struct protocol_status *status = status_of(frame);

	for (size_t i = 0; status && i < status->domains.count; i++)
		if (strcmp(status->domains.items[i].id, domain->id) == 0)
			return &status->domains.items[i];
	return NULL;
}

static bool is_held(const struct snapshot_domain *domain)
{
	return fmax(domain->throttle_cpu, domain->throttle_disk) > 0.005 ||
	       domain->control.infeasible_w > 0;
}

/* The i-th of them, or how many there are. */
static size_t find_held(const struct frame *frame, size_t i, const struct snapshot_domain **found)
{
	size_t count = 0;

	for (size_t j = 0; j < frame->snapshot->domain_count; j++) {
		const struct snapshot_domain *domain = &frame->snapshot->domains[j];

		if (is_held(domain) && count++ == i && found)
			*found = domain;
	}
	return count;
}

static size_t count_held(const struct frame *frame)
{
	return find_held(frame, 0, NULL);
}

static void say_withheld(struct line *line, const struct snapshot_domain *domain,
			 const struct protocol_words *held_by)
{
	double cpu = known(domain->throttle_cpu), disk = known(domain->throttle_disk);
	char words[128] = "", by[160] = "";

	if (held_by && held_by->count)
		snprintf(by, sizeof by, " by %s", join_words(held_by, words));
	if (cpu > 0.005 && disk > 0.005)
		say(line, "CPU %.0f%%, disk %.0f%% withheld%s", 100 * cpu, 100 * disk, by);
	else if (cpu > 0.005)
		say(line, "CPU %.0f%% withheld%s", 100 * cpu, by);
	else if (disk > 0.005)
		say(line, "disk %.0f%% withheld%s", 100 * disk, by);
}

static void put_held(const struct frame *frame, size_t i, struct line *line)
{
	const struct snapshot_domain *domain = NULL;
	const struct protocol_status_domain *limits;

	find_held(frame, i, &domain);
	if (!domain)
		return;
	limits = limits_of(frame, domain);
	line->name = domain->name;
	line->depth = 1;
	line->no_figures = true;
	line->style = STYLE_WARNING;
	/* Of a line that is too long the middle is cut: what is worse stands first. */
	say_short(line, domain->control.infeasible_w);
	say_withheld(line, domain, limits ? &limits->held_by : NULL);
}

const struct section section_held = { count_held, put_held };

/* --- limits that somebody set by hand ------------------------------------------------------------
 */

/* The i-th of them, or how many there are. */
static size_t find_by_hand(const struct frame *frame, size_t i,
			   const struct protocol_status_domain **found)
{
	const struct protocol_status *status = status_of(frame);
	size_t count = 0;

	for (size_t j = 0; status && j < status->domains.count; j++)
		if (status->domains.items[j].override_by && count++ == i && found)
			*found = &status->domains.items[j];
	return count;
}

static size_t count_by_hand(const struct frame *frame)
{
	return find_by_hand(frame, 0, NULL);
}

static void say_cap(struct line *line, const char *what, double cap_w)
{
	char text[FIGURE_BYTES];

	figure_power(cap_w, '\0', text);
	if (cap_w < INFINITY)
		say(line, "%s %s W", what, text);
}

static void put_by_hand(const struct frame *frame, size_t i, struct line *line)
{
	const struct protocol_status_domain *limits = NULL;

	find_by_hand(frame, i, &limits);
	if (!limits)
		return;
	line->name = limits->name;
	line->depth = 1;
	line->no_figures = true;
	say_cap(line, "cap", limits->cap_w);
	say_cap(line, "cap-total", limits->cap_total_w);
	say_cap(line, "cpu-cap", limits->cpu_cap_w);
	say_cap(line, "disk-cap", limits->disk_cap_w);
	if (!line->note[0])
		say(line, "no cap");
	say_by_whom(line, limits->override_by);
}

const struct section section_by_hand = { count_by_hand, put_by_hand };

/* --- what the daemon has trouble with
 * ------------------------------------------------------------- */

static size_t count_troubles(const struct frame *frame)
{
	return status_of(frame) ? status_of(frame)->trouble.count : 0;
}

static void put_trouble(const struct frame *frame, size_t i, struct line *line)
{
	const struct protocol_status *status = status_of(frame);

	line->name = "trouble";
	line->no_figures = line->is_long = true;
	line->style = STYLE_WARNING;
	if (status)
		say(line, "%s", status->trouble.items[i]);
}

const struct section section_trouble = { count_troubles, put_trouble };
