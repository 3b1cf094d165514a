/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The head of every page: which host and when, its power, and what the figures rest on. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/known.h"
#include "vmetop/page-parts.h"

/* What domains have of the host, by kind. */
struct shares {
	double idle_w, cpu_w, disk_w, service_w, net_w;
	size_t count, running, paused, ended;
};

struct head {
	const struct frame *frame;
	const struct snapshot *snapshot; /* NULL: nothing yet */
	struct shares shares;
};

/* Of a host that is not known any more, the parts are not either: their sum is not 0. */
static struct shares add_up(const struct snapshot *snapshot)
{
	double start_w = isnan(snapshot->host.total_w) ? NAN : 0;
	struct shares shares = { .idle_w = start_w,
				 .cpu_w = start_w,
				 .disk_w = start_w,
				 .service_w = start_w,
				 .net_w = start_w,
				 .count = snapshot->domain_count };
	size_t *const states[] = { &shares.running, &shares.paused, &shares.ended };

	for (size_t i = 0; i < snapshot->domain_count; i++) {
		const struct snapshot_domain *domain = &snapshot->domains[i];

		++*states[domain->state];
		shares.idle_w += known(domain->cpu.idle_w) + known(domain->disk.idle_w) +
				 known(domain->service.idle_w) + known(domain->net.idle_w);
		shares.cpu_w += known(domain->cpu.active_w);
		shares.disk_w += known(domain->disk.active_w);
		shares.service_w += known(domain->service.active_w);
		shares.net_w += known(domain->net.active_w);
	}
	return shares;
}

/* --- which host, when, how fast ------------------------------------------------------------ */

/* Of a daemon that has gone: how old is what is seen. */
static void put_silence(struct flow *flow, const struct source_daemon *daemon)
{
	if (daemon->state == SOURCE_FRESH)
		return;
	flow_putf(flow, STYLE_ALARM, "VMENERGYD GONE %.0fs", daemon->lost_s);
	flow_putf(flow, STYLE_WARNING, "%s %.0fs ago",
		  daemon->state == SOURCE_HELD ? "held from" : "last figures", daemon->age_s);
}

static void put_clock(struct flow *flow, const struct frame *frame)
{
	const struct ui *ui = frame->ui;

	if (frame->info->daemon)
		flow_putf(flow, STYLE_NORMAL, "every %gs", frame->info->interval_s);
	else if (!frame->info->is_replay)
		flow_putf(flow, STYLE_NORMAL, "every %gs", ui->interval_s);
	else if (ui->speed > 0)
		flow_putf(flow, STYLE_NORMAL, "replay x%g", ui->speed);
	else
		flow_put(flow, STYLE_NORMAL, "replay, as fast as it goes");
	if (frame->info->ended)
		flow_put(flow, STYLE_WARNING, "ENDED");
	else if (ui->paused)
		flow_put(flow, STYLE_WARNING, frame->info->is_replay ? "PAUSED" : "FROZEN");
}

static void put_counts(struct flow *flow, const struct head *head)
{
	const struct shares *shares = &head->shares;
	const struct rows *rows = head->frame->rows;
	struct text counts = { 0 };

	text_addf(&counts, "VMs %zu", shares->count);
	if (shares->count)
		text_addf(&counts, ": %zu running", shares->running);
	if (shares->paused)
		text_addf(&counts, ", %zu paused", shares->paused);
	if (shares->ended)
		text_addf(&counts, ", %zu ended", shares->ended);
	if (rows && rows->domains_hidden)
		text_addf(&counts, ", %zu hidden", rows->domains_hidden);
	flow_put(flow, STYLE_NORMAL, counts.failed ? "" : counts.bytes);
	text_free(&counts);
}

static void put_title(struct flow *flow, const struct head *head)
{
	enum { HOST_CELLS = 24 };
	char time[FIGURE_BYTES], name[PAGE_TEXT_BYTES];

	flow_put(flow, STYLE_STRONG, "vmetop");
	figure_name(head->frame->info->hostname, HOST_CELLS, name, sizeof name);
	flow_put(flow, STYLE_STRONG, name);
	if (head->snapshot) {
		figure_time(head->snapshot->time_s, time);
		flow_put(flow, STYLE_NORMAL, time);
	}
	put_clock(flow, head->frame);
	if (head->frame->info->daemon)
		put_silence(flow, head->frame->info->daemon);
	if (!head->snapshot)
		return;
	put_counts(flow, head);
	if (head->snapshot->missed_ticks)
		flow_putf(flow, STYLE_WARNING, "missed ticks: %" PRIu64,
			  head->snapshot->missed_ticks);
}

/* --- its power ------------------------------------------------------------------------------ */

struct bar_part {
	double watts;
	enum style style;
	wchar_t sign;
};

struct bar {
	const struct bar_part *parts;
	size_t count;
	double scale_w, cap_w; /* NaN: no cap */
};

static int bar_cell(const struct bar *bar, double watts, int cells)
{
	return bar->scale_w > 0 ? (int)lround(fmin(watts / bar->scale_w, 1) * cells) : 0;
}

/* Whole cells by the sum so far, so that rounding does not add up. */
static void draw_bar(struct grid *grid, struct area area, const struct bar *bar)
{
	double sum = 0;
	int from = 0;

	for (size_t i = 0; i < bar->count; i++) {
		const struct bar_part *part = &bar->parts[i];
		int to;

		sum += fmax(known(part->watts), 0);
		to = bar_cell(bar, sum, area.columns);
		grid_fill(grid, (struct area){ area.row, area.column + from, 1, to - from },
			  part->style, part->sign);
		from = to;
	}
	if (bar->cap_w > 0)
		grid_put(grid, area.row, area.column + bar_cell(bar, bar->cap_w, area.columns - 1),
			 1, STYLE_STRONG, sum > bar->cap_w ? "!" : "|");
}

/* Names, the same letters as in the bar, and figures. */
static void put_bar(struct flow *flow, const struct head *head)
{
	enum { BAR_LEAST = 10, BAR_MOST = 400, AROUND = 32 };
	const struct snapshot_host *host = &head->snapshot->host;
	const struct shares *shares = &head->shares;
	const struct bar_part parts[] = {
		{ shares->idle_w, STYLE_IDLE, L'=' },
		{ shares->cpu_w + shares->disk_w + shares->net_w, STYLE_ACTIVE, L'#' },
		{ shares->service_w, STYLE_SERVICE, L'+' },
		{ host->kept_w, STYLE_KEPT, L'.' },
	};
	const struct history *history = head->frame->history;
	const struct track *track = history ? history_host(history) : NULL;
	double most_w = track_max_w(history, track);
	const struct bar bar = { parts, sizeof parts / sizeof *parts,
				 fmax(fmax(host->total_w, most_w), host->cap_w), host->cap_w };
	char total[FIGURE_BYTES], most[FIGURE_BYTES];
	int cells = flow->area.columns - AROUND;
	char text[PAGE_TEXT_BYTES];

	cells = cells < BAR_LEAST ? 0 : cells > BAR_MOST ? BAR_MOST : cells;
	snprintf(text, sizeof text, cells ? "Host [%*s]" : "Host", cells, "");
	flow_put(flow, STYLE_STRONG, text);
	if (flow->grid && flow->line < flow->area.rows)
		draw_bar(flow->grid,
			 (struct area){ flow->area.row + flow->line,
					flow->area.column + flow->column - 1 - cells, 1, cells },
			 &bar);
	flow_putf(flow, STYLE_STRONG, "%s W", page_power(host->total_w, host->quality, total));
	if (host->cap_w > 0)
		flow_tryf(flow, STYLE_NORMAL, "cap %s", page_power(host->cap_w, 0, most));
	else if (most_w > 0)
		flow_tryf(flow, STYLE_NORMAL, "max %s",
			  page_power(most_w, track_quality(track), most));
}

static void put_sums(struct flow *flow, const struct head *head)
{
	const struct snapshot_host *host = &head->snapshot->host;
	const struct shares *shares = &head->shares;
	unsigned q = host->quality;
	char text[FIGURE_BYTES], disk[FIGURE_BYTES];

	flow_putf(flow, STYLE_STRONG, "VMs %s", page_power(host->total_w - host->kept_w, q, text));
	flow_putf(flow, STYLE_NORMAL, "= idle %s", page_power(shares->idle_w, q, text));
	flow_putf(flow, STYLE_NORMAL, "# CPU %s disk %s", page_power(shares->cpu_w, q, text),
		  page_power(shares->disk_w, q, disk));
	if (!isnan(host->net_idle_w))
		flow_putf(flow, STYLE_NORMAL, "net %s", page_power(shares->net_w, q, text));
	flow_putf(flow, STYLE_NORMAL, "+ serv %s", page_power(shares->service_w, q, text));
	flow_putf(flow, STYLE_NORMAL, ". kept %s", page_power(host->kept_w, q, text));
}

/* --- what the figures rest on --------------------------------------------------------------- */

static const char *file_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What the weights were found to be worth; doubtful ones stand out. */
static void put_verdict(struct flow *flow, const struct head *head)
{
	enum verdict verdict = head->frame->info->verdict;
	bool doubtful = verdict == VERDICT_NONE || verdict == VERDICT_POOR;
	const char *weights = head->snapshot->source.weights;
	char name[PAGE_TEXT_BYTES];

	figure_name(weights ? file_of(weights) : "-", 30, name, sizeof name);
	flow_putf(flow, doubtful ? STYLE_WARNING : STYLE_NORMAL, "weights %s: %s", name,
		  verdict == VERDICT_NONE ? "not verified" : verdict_name(verdict));
}

static void put_quality(struct flow *flow, unsigned quality)
{
	for (unsigned i = 0; i < QUALITY_COUNT; i++)
		/* An estimate is said by the standing. */
		if (quality & 1u << i && 1u << i != QUALITY_ESTIMATE)
			flow_put(flow, STYLE_WARNING, quality_name(i));
}

/* Who counts for us, where, and how often: it is the daemon's account that is seen. */
static void put_daemon(struct flow *flow, const struct source_info *info)
{
	const struct source_daemon *daemon = info->daemon;
	const struct protocol_status *status = daemon->status;

	flow_putf(flow, STYLE_STRONG, "attached to vmenergyd %s, ticks of %gs",
		  daemon->version ? daemon->version : "", daemon->tick_s);
	if (status && status->dry_run)
		flow_put(flow, STYLE_WARNING, "DRY RUN: caps hold nothing");
	if (status && status->trouble.count && !status->dry_run)
		flow_put(flow, STYLE_WARNING, "trouble: see page 1");
}

static void put_basis(struct flow *flow, const struct head *head)
{
	const struct snapshot_source *source = &head->snapshot->source;
	const struct source_info *info = head->frame->info;
	char text[FIGURE_BYTES], why[PAGE_TEXT_BYTES];

	flow_putf(flow, source->standing == STANDING_ESTIMATE ? STYLE_WARNING : STYLE_NORMAL,
		  "%s from %s", standing_name(source->standing), cpu_source_name(source->cpu));
	put_quality(flow, head->snapshot->host.quality);
	put_verdict(flow, head);
	flow_putf(flow, STYLE_NORMAL, "scope %s", scope_name(source->scope));
	if (!source->meter)
		flow_put(flow, STYLE_NORMAL, "no meter");
	else
		flow_putf(flow, STYLE_NORMAL, "%s %s W", source->meter,
			  page_power(head->snapshot->host.metered_w, 0, text));
	if (info->daemon)
		put_daemon(flow, info);
	if (info->weights_why) {
		figure_name(info->weights_why, PAGE_TEXT_BYTES / 4, why, sizeof why);
		flow_tryf(flow, STYLE_FAINT, "(%s)", why);
	}
	if (info->counting)
		flow_tryf(flow, STYLE_FAINT, "(%s)", info->counting);
}

/* --- what of it is shown --------------------------------------------------------------------- */

static const char *sort_title(const struct ui *ui)
{
	const struct column *column = ui->view.sort ? column_find(ui->view.sort) : NULL;

	return column ? column->title : "-";
}

static void put_order(struct flow *flow, const struct ui *ui)
{
	char text[PAGE_TEXT_BYTES];

	flow_putf(flow, STYLE_NORMAL, "sort %s %c", sort_title(ui), ui->view.invert ? '^' : 'v');
	if (ui->view.filter) {
		figure_name(ui->view.filter, 20, text, sizeof text);
		flow_putf(flow, STYLE_STRONG, "filter %s", text);
	} else {
		flow_put(flow, STYLE_NORMAL, "filter -");
	}
	if (ui->follow)
		flow_put(flow, STYLE_NORMAL, "follow");
}

static void put_view(struct flow *flow, const struct head *head)
{
	const struct frame *frame = head->frame;

	if (frame->ui->page == PAGE_DOMAINS)
		put_order(flow, frame->ui);
	flow_putf(flow, STYLE_NORMAL, "idle by %s", idle_policy_name(head->snapshot->idle_policy));
	if (frame->info->note_count && frame->ui->page != PAGE_HOST)
		flow_putf(flow, STYLE_WARNING, "notes on page 1: %zu", frame->info->note_count);
	flow_try(flow, STYLE_FAINT, "~ estimate  > part missing  * held  - unknown");
}

/* --- all of it -------------------------------------------------------------------------------- */

/* From the top; where there is no room, the highest rank goes first. */
static const struct {
	void (*put)(struct flow *flow, const struct head *head);
	unsigned rank;
	bool always; /* else only with a snapshot */
	/* On a screen of usual width: words that come and go shall not move the rows below. */
	int least;
} lines[] = {
	{ put_title, 1, true, 1 },  { put_bar, 2, false, 1 },  { put_sums, 3, false, 1 },
	{ put_basis, 0, false, 2 }, { put_view, 4, false, 1 },
};
enum { LINES = sizeof lines / sizeof *lines, WIDE = 110 };

static int height(const struct head *head, size_t line, struct area area)
{
	struct flow flow = { .area = area };

	if (!lines[line].always && !head->snapshot)
		return 0;
	lines[line].put(&flow, head);
	if (area.columns < WIDE && flow_lines(&flow) < lines[line].least)
		return lines[line].least;
	return flow_lines(&flow);
}

int head_draw(struct grid *grid, struct area area, const struct frame *frame)
{
	struct head head = { .frame = frame, .snapshot = frame->snapshot };
	int left = area.rows, heights[LINES] = { 0 };

	if (head.snapshot)
		head.shares = add_up(head.snapshot);
	for (unsigned rank = 0; rank < LINES; rank++)
		for (size_t i = 0; i < LINES; i++)
			if (lines[i].rank == rank) {
				int wanted = height(&head, i, area);

				heights[i] = wanted < left ? wanted : left;
				left -= heights[i];
			}
	for (size_t i = 0; i < LINES; i++) {
		struct flow flow = { .grid = grid, .area = area };

		flow.area.rows = heights[i];
		if (heights[i])
			lines[i].put(&flow, &head);
		area.row += heights[i];
	}
	return area.row;
}
