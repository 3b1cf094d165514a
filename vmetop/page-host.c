/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The host: where its power goes, resource by resource and head by head. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/known.h"
#include "vmetop/kept.h"
#include "vmetop/page-host.h"

static void set_power(struct line *line, double idle_w, double active_w)
{
	line->idle_w = idle_w;
	line->active_w = active_w;
	line->total_w = isnan(idle_w) ? active_w : idle_w + known(active_w);
}

/* --- all of it, and by resource -----------------------------------------------------------------
 */

static void put_host(const struct frame *frame, size_t i, struct line *line)
{
	const struct snapshot_host *host = &frame->snapshot->host;

	(void)i;
	line->name = "host";
	line->style = STYLE_STRONG;
	set_power(line, host->cpu_idle_w + known(host->disk_idle_w) + known(host->net_idle_w),
		  host->cpu_active_w + known(host->disk_active_w) + known(host->net_active_w));
	line->total_w = host->total_w;
	line->total_j = host->total_j;
	strcpy(line->note, "all that has weights");
}

static void put_cpu(const struct frame *frame, size_t i, struct line *line)
{
	const struct snapshot_host *host = &frame->snapshot->host;

	(void)i;
	line->name = "CPUs, board";
	line->depth = 1;
	set_power(line, host->cpu_idle_w, host->cpu_active_w);
	line->total_j = host->cpu_idle_j + host->cpu_active_j;
	strcpy(line->note, "idle: constant power");
}

static void put_package(const struct frame *frame, size_t i, struct line *line)
{
	const struct snapshot_package *package = &frame->snapshot->packages[i];
	char frequency[FIGURE_BYTES];
	size_t length;

	line->depth = 2;
	line->active_w = line->total_w = package->active_w;
	line->quality |= package->quality;
	if (frame->snapshot->package_count == 1)
		strcpy(line->text, "CPUs"); /* of one package, or who can tell? */
	else
		snprintf(line->text, sizeof line->text, "package %zu", i);
	figure_frequency(package->frequency_hz, frequency);
	length = (size_t)snprintf(line->note, sizeof line->note, "%s",
				  isnan(package->frequency_hz) ? "frequency ?" : frequency);
	if (!isnan(package->temperature_c))
		length += (size_t)snprintf(line->note + length, sizeof line->note - length,
					   " %.0fC", package->temperature_c);
	if (package->quality & QUALITY_EXTRAPOLATED)
		snprintf(line->note + length, sizeof line->note - length, " extrapolated");
}

static void put_disks(const struct frame *frame, size_t i, struct line *line)
{
	const struct snapshot_host *host = &frame->snapshot->host;
	size_t priced = 0;

	(void)i;
	line->depth = 1;
	for (size_t j = 0; j < frame->snapshot->disk_count; j++)
		priced += frame->snapshot->disks[j].weights != NULL;
	snprintf(line->text, sizeof line->text, "disks");
	set_power(line, host->disk_idle_w, host->disk_active_w);
	line->total_j = host->disk_idle_j + host->disk_active_j;
	snprintf(line->note, sizeof line->note, "%zu of %zu with weights", priced,
		 frame->snapshot->disk_count);
}

static void put_nics(const struct frame *frame, size_t i, struct line *line)
{
	const struct snapshot_host *host = &frame->snapshot->host;

	(void)i;
	line->depth = 1;
	line->name = "network cards";
	set_power(line, host->net_idle_w, host->net_active_w);
	line->total_j = host->net_idle_j + host->net_active_j;
	strcpy(line->note, "those with weights");
}

/* --- by head ---------------------------------------------------------------------------------- */

static void put_domains(const struct frame *frame, size_t i, struct line *line)
{
	const struct snapshot *snapshot = frame->snapshot;

	(void)i;
	line->name = "VMs";
	line->depth = 1;
	line->idle_w = line->active_w = isnan(snapshot->host.total_w) ? NAN : 0;
	for (size_t j = 0; j < snapshot->domain_count; j++) {
		const struct snapshot_domain *domain = &snapshot->domains[j];

		line->idle_w += known(domain->cpu.idle_w) + known(domain->disk.idle_w) +
				known(domain->service.idle_w) + known(domain->net.idle_w);
		line->active_w += known(domain->cpu.active_w) + known(domain->disk.active_w) +
				  known(domain->service.active_w) + known(domain->net.active_w);
	}
	line->total_w = snapshot->host.total_w - snapshot->host.kept_w;
	line->total_j = snapshot->host.total_j - snapshot->host.kept_j;
	if (snapshot->host.total_w > 0)
		snprintf(line->note, sizeof line->note, "%.1f%% of the host",
			 100 * line->total_w / snapshot->host.total_w);
}

static void put_kept(const struct frame *frame, size_t i, struct line *line)
{
	const struct snapshot *snapshot = frame->snapshot;

	(void)i;
	line->name = "kept by the host";
	line->depth = 1;
	line->idle_w = line->active_w = isnan(snapshot->host.total_w) ? NAN : 0;
	for (size_t j = 0; j < snapshot->kept_count; j++) {
		line->idle_w += known(snapshot->kept[j].idle_w);
		line->active_w += known(snapshot->kept[j].active_w);
	}
	line->total_w = snapshot->host.kept_w;
	line->total_j = snapshot->host.kept_j;
}

static void put_kept_head(const struct frame *frame, size_t i, struct line *line)
{
	struct snapshot_kept heads[KEPT_ROWS];
	const struct snapshot_kept *kept = &heads[i];

	kept_rows(frame->snapshot, heads);
	line->name = kept->name;
	line->depth = 2;
	set_power(line, kept->idle_w, kept->active_w);
	if (frame->info->daemon && strcmp(kept->name, "vmenergyd") == 0)
		strcpy(line->note, "the daemon");
	else if (strcmp(kept->name, "vmetop") == 0)
		strcpy(line->note, "this program");
}

/* --- beside the account ----------------------------------------------------------------------- */

static void put_metered(const struct frame *frame, size_t i, struct line *line)
{
	const struct snapshot *snapshot = frame->snapshot;

	(void)i;
	line->name = "metered";
	line->total_w = snapshot->host.metered_w;
	line->quality = 0;
	line->no_figures = isnan(line->total_w);
	snprintf(line->note, sizeof line->note, "%s",
		 snapshot->source.meter ? snapshot->source.meter : "no meter");
}

static void put_residual(const struct frame *frame, size_t i, struct line *line)
{
	const struct snapshot_host *host = &frame->snapshot->host;

	(void)i;
	line->name = "residual";
	line->total_w = host->residual_w;
	line->no_figures = isnan(line->total_w);
	if (isnan(host->residual_w))
		snprintf(line->note, sizeof line->note, "%s",
			 host->residual_reason ? host->residual_reason : "not known");
	else
		strcpy(line->note, "metered less attributed power");
}

static void put_temperature(const struct frame *frame, size_t i, struct line *line)
{
	double temperature_c = frame->snapshot->host.temperature_c;

	(void)i;
	line->name = "temperature";
	line->no_figures = true;
	if (isnan(temperature_c))
		strcpy(line->note, "not known");
	else
		snprintf(line->note, sizeof line->note, "%.1f C, the hottest package",
			 temperature_c);
}

static void put_ticks(const struct frame *frame, size_t i, struct line *line)
{
	const struct snapshot *snapshot = frame->snapshot;

	(void)i;
	line->name = "ticks";
	line->no_figures = true;
	snprintf(line->note, sizeof line->note, "number %" PRIu64 ", of %.2f s; missed %" PRIu64,
		 snapshot->seq, snapshot->interval_s, snapshot->missed_ticks);
}

static void put_account(const struct frame *frame, size_t i, struct line *line)
{
	const struct snapshot *snapshot = frame->snapshot;
	char time[FIGURE_BYTES];

	(void)i;
	line->name = "account";
	line->no_figures = true;
	figure_time(snapshot->since_s, time);
	snprintf(line->note, sizeof line->note, "energy since %s; idle power by %s", time,
		 idle_policy_name(snapshot->idle_policy));
}

static void put_weights(const struct frame *frame, size_t i, struct line *line)
{
	const char *weights = frame->snapshot->source.weights;

	(void)i;
	line->name = "weights";
	line->no_figures = true;
	snprintf(line->note, sizeof line->note, "%s: %s", weights ? weights : "-",
		 frame->info->weights_why ? frame->info->weights_why : "as chosen");
}

/* How the source reads, as far as it says so. */
static const struct phrase {
	const char *name, *begin;
	size_t offset; /* of its end in struct source_info */
} phrases[] = {
	{ "counting", "", offsetof(struct source_info, counting) },
	{ "events", "", offsetof(struct source_info, why_not_events) },
	{ "frequency", "from ", offsetof(struct source_info, frequency) },
	{ "disk requests", "followed by ", offsetof(struct source_info, service_times) },
};
enum { PHRASES = sizeof phrases / sizeof *phrases };

static const char *phrase_end(const struct frame *frame, const struct phrase *phrase)
{
	return *(const char *const *)((const char *)frame->info + phrase->offset);
}

static void put_phrase(const struct frame *frame, size_t i, struct line *line)
{
	const struct phrase *phrase = phrases;

	for (i++; i > 0; phrase++)
		i -= phrase_end(frame, phrase) != NULL;
	phrase--;
	line->name = phrase->name;
	line->no_figures = true;
	snprintf(line->note, sizeof line->note, "%s%s", phrase->begin, phrase_end(frame, phrase));
}

static void put_note(const struct frame *frame, size_t i, struct line *line)
{
	line->name = "note";
	line->no_figures = line->is_long = true;
	line->style = STYLE_WARNING;
	snprintf(line->note, sizeof line->note, "%s", frame->info->notes[i]);
}

/* --- the lines of the page -------------------------------------------------------------------- */

static size_t one(const struct frame *frame)
{
	(void)frame;
	return 1;
}

/* Nothing is said of network cards where none has weights. */
static size_t known_nics(const struct frame *frame)
{
	return isnan(frame->snapshot->host.net_idle_w) ? 0u : 1u;
}

static size_t packages(const struct frame *frame)
{
	return frame->snapshot->package_count;
}

static size_t kept_heads(const struct frame *frame)
{
	struct snapshot_kept heads[KEPT_ROWS];

	return kept_rows(frame->snapshot, heads);
}

static size_t known_phrases(const struct frame *frame)
{
	size_t count = 0;

	for (size_t i = 0; i < PHRASES; i++)
		count += phrase_end(frame, &phrases[i]) != NULL;
	return count;
}

static size_t notes(const struct frame *frame)
{
	return frame->info->note_count;
}

static const struct section own_sections[] = {
	{ one, put_host },
	{ one, put_cpu },
	{ packages, put_package },
	{ one, put_disks },
	{ known_nics, put_nics },
	{ one, put_domains },
	{ one, put_kept },
	{ kept_heads, put_kept_head },
	{ one, put_metered },
	{ one, put_residual },
	{ one, put_temperature },
	{ one, put_ticks },
	{ one, put_account },
	{ one, put_weights },
	{ known_phrases, put_phrase },
	{ notes, put_note },
};
enum { OWN_SECTIONS = sizeof own_sections / sizeof *own_sections };

/* Limits first: where there are some, who is held back is what one looks for. */
static const struct section *section_at(size_t i)
{
	static const struct section *const limits[] = { &section_cap, &section_cap_why,
							&section_held, &section_by_hand,
							&section_trouble };
	enum { LIMITS = sizeof limits / sizeof *limits };

	return i < LIMITS                  ? limits[i]
	       : i - LIMITS < OWN_SECTIONS ? &own_sections[i - LIMITS]
					   : NULL;
}

static size_t host_count(const struct frame *frame)
{
	size_t count = 0;
	const struct section *section;

	for (size_t i = 0; (section = section_at(i)); i++)
		count += section->count(frame);
	return count;
}

static void make_line(const struct frame *frame, size_t row, struct line *line)
{
	const struct section *section;
	size_t i = 0;

	*line = (struct line){ .idle_w = NAN,
			       .active_w = NAN,
			       .total_w = NAN,
			       .total_j = NAN,
			       .quality = frame->snapshot->host.quality };
	while ((section = section_at(i++)) && row >= section->count(frame))
		row -= section->count(frame);
	if (section)
		section->put(frame, row, line);
	if (!line->name)
		line->name = line->text;
}

/* Notes and heads may have the same name: the number tells them apart as long as none comes. */
static void host_key(const struct frame *frame, size_t row, char key[UI_ID_BYTES])
{
	struct line line;

	make_line(frame, row, &line);
	snprintf(key, UI_ID_BYTES, "%.100s %.100s", line.name, line.no_figures ? line.note : "");
}

/* Names of kept heads belong to the snapshot; of the rest only fixed ones outlive the call. */
static const char *host_name(const struct frame *frame, size_t row)
{
	struct line line;

	make_line(frame, row, &line);
	return line.name == line.text ? NULL : line.name;
}

enum { NAME_CELLS = 18, FIGURES = 3 * 9 + 10 };
static const struct table_column table_columns[] = {
	{ "HOST", NAME_CELLS, true, 0 }, { "TOTAL/W", 8, false, 1 }, { "IDLE/W", 8, false, 3 },
	{ "ACT/W", 8, false, 2 },        { "ENERGY", 9, false, 4 },  { "", 0, true, 5 },
};

static void draw_line(const struct table *table, int at, size_t row, enum style style)
{
	char name[PAGE_TEXT_BYTES], total[FIGURE_BYTES] = "", idle[FIGURE_BYTES] = "";
	char active[FIGURE_BYTES] = "", energy[FIGURE_BYTES] = "";
	const char *const texts[] = { name, total, idle, active, energy, "" };
	struct area rest = table->area;
	struct line line;

	make_line(table->frame, row, &line);
	snprintf(name, sizeof name, "%*s%s", 2 * line.depth, "", line.name);
	if (!line.no_figures) {
		page_power(line.total_w, line.quality, total);
		page_power(line.idle_w, line.quality, idle);
		page_power(line.active_w, line.quality, active);
		figure_energy(line.total_j, table->frame->ui->view.unit, figure_flag(line.quality),
			      energy);
	}
	style = style == STYLE_CURSOR ? style : line.style;
	table_row(table, at, style, texts);
	/* Sentences begin where figures would, if there are none. */
	rest.row = at;
	rest.column += 1 + (line.is_long ? (int)strlen(line.name) : NAME_CELLS);
	rest.column += line.no_figures ? 0 : FIGURES;
	rest.columns -= rest.column - table->area.column;
	page_put_name(table->grid, table->frame, rest, style, line.note);
}

static void host_draw(struct grid *grid, struct area area, struct frame *frame)
{
	const struct table table = { grid, frame, area, table_columns,
				     sizeof table_columns / sizeof *table_columns };

	table_draw(&table, host_count(frame), draw_line);
}

const struct page page_host = {
	.title = "Host",
	.count = host_count,
	.key = host_key,
	.name = host_name,
	.draw = host_draw,
};
