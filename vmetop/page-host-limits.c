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
	say(line, "CANNOT BE MET: at best %s W over", text);
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

static void put_cap(const struct frame *frame, size_t i, struct line *line)
{
	const struct protocol_status *status = status_of(frame);
	const struct snapshot_host *host = &frame->snapshot->host;
	double cap_w = status ? fmin(status->host.limit_w, status->host.cap_w) : host->cap_w;
	char text[FIGURE_BYTES];

	(void)i;
	line->name = "cap of the host";
	line->quality = 0;
	line->total_w = cap_w;
	line->no_figures = !(cap_w < INFINITY);
	if (line->no_figures)
		strcpy(line->note, "none");
	else if (!isnan(host->total_w))
		say(line, "%s W %s", page_power(fabs(cap_w - host->total_w), host->quality, text),
		    host->total_w > cap_w ? "ABOVE IT" : "left");
	if (!line->no_figures && host->total_w > cap_w)
		line->style = STYLE_WARNING;
}

const struct section section_cap = { count_caps, put_cap };

/* Sentences of it have lines of their own: beside the figures there is no room for them. */
static void begin_of_cap(struct line *line)
{
	line->name = "that cap";
	line->depth = 1;
	line->no_figures = true;
}

static size_t count_short(const struct frame *frame)
{
	return status_of(frame) && status_of(frame)->host.infeasible_w > 0;
}

static void put_short(const struct frame *frame, size_t i, struct line *line)
{
	(void)i;
	begin_of_cap(line);
	if (status_of(frame))
		say_short(line, status_of(frame)->host.infeasible_w);
}

const struct section section_cap_short = { count_short, put_short };

static size_t count_whys(const struct frame *frame)
{
	const struct protocol_status *status = status_of(frame);

	return status && (status->host.held_by.count || status->host.override_by);
}

static void put_why(const struct frame *frame, size_t i, struct line *line)
{
	const struct protocol_status *status = status_of(frame);
	char words[128];

	(void)i;
	begin_of_cap(line);
	if (!status)
		return;
	if (status->host.held_by.count)
		say(line, "VMs are held back by %s", join_words(&status->host.held_by, words));
	say_by_whom(line, status->host.override_by);
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
