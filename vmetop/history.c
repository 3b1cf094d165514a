/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "model/known.h"
#include "vmetop/history-internal.h"

/* --- tracks --------------------------------------------------------------------------------- */

static struct track *track_new(const char *id)
{
	size_t length = strlen(id) + 1;
	struct track *track = calloc(1, sizeof *track + length);

	if (!track)
		return NULL;
	memcpy(track->id, id, length);
	track->hash = hash_text(id);
	track->last_j = track->max_w = NAN;
	return track;
}

static void track_free(struct track *track)
{
	for (unsigned i = 0; track && i < LEVELS; i++)
		free(track->rings[i].points);
	free(track);
}

struct history *history_new(void)
{
	struct history *history = calloc(1, sizeof *history);

	if (history)
		history->host = track_new("");
	if (history && !history->host) {
		free(history);
		history = NULL;
	}
	return history;
}

void history_free(struct history *history)
{
	if (!history)
		return;
	for (size_t i = 0; i < history->count; i++)
		track_free(history->tracks[i]);
	track_free(history->host);
	free(history->tracks);
	free(history->table);
	free(history);
}

/* All domains', then the host's. */
static struct track *track_at(const struct history *history, size_t i)
{
	return i < history->count ? history->tracks[i] : history->host;
}

static struct track *table_find(const struct history *history, const char *id)
{
	uint64_t hash = hash_text(id);

	for (size_t i = hash; history->table; i++) {
		struct track *track = history->table[i & (history->table_size - 1)];

		if (!track || (track->hash == hash && strcmp(track->id, id) == 0))
			return track;
	}
	return NULL;
}

static int table_build(struct history *history)
{
	size_t size = 16;

	while (size < 2 * history->count)
		size *= 2;
	free(history->table);
	history->table = calloc(size, sizeof *history->table);
	history->table_size = size;
	if (!history->table)
		return -ENOMEM;
	for (size_t i = 0; i < history->count; i++) {
		struct track *track = history->tracks[i];
		size_t at = track ? track->hash : 0;

		while (track && history->table[at & (size - 1)])
			at++;
		if (track)
			history->table[at & (size - 1)] = track;
	}
	return 0;
}

struct track *history_track(const struct history *history, const char *id, size_t hint)
{
	struct track *track = hint < history->count ? history->tracks[hint] : NULL;

	if (!*id)
		return history->host;
	return track && strcmp(track->id, id) == 0 ? track : table_find(history, id);
}

const struct track *history_find(const struct history *history, const char *id, size_t hint)
{
	return history_track(history, id, hint);
}

const struct track *history_host(const struct history *history)
{
	return history->host;
}

double history_span_s(const struct history *history)
{
	return history_seconds(0, history->now_ns);
}

/* --- a copy --------------------------------------------------------------------------------- */

static struct track *track_copy(const struct track *track)
{
	struct track *copy = track ? track_new(track->id) : NULL;
	size_t length = track ? sizeof *track : 0;

	if (!copy)
		return NULL;
	memcpy(copy, track, length);
	for (unsigned i = 0; i < LEVELS; i++)
		copy->rings[i].points = NULL;
	for (unsigned i = 0; i < LEVELS; i++) {
		const struct ring *ring = &track->rings[i];

		if (!ring->points)
			continue;
		copy->rings[i].points = calloc(ring->capacity, sizeof *ring->points);
		if (!copy->rings[i].points) {
			track_free(copy);
			return NULL;
		}
		memcpy(copy->rings[i].points, ring->points, ring->capacity * sizeof *ring->points);
	}
	return copy;
}

struct history *history_copy(const struct history *history)
{
	struct history *copy = calloc(1, sizeof *copy);
	bool failed;

	if (!copy)
		return NULL;
	*copy = *history;
	copy->table = NULL;
	copy->host = track_copy(history->host);
	copy->tracks = calloc(history->count + 1, sizeof *copy->tracks);
	failed = !copy->host || !copy->tracks;
	copy->count = failed ? 0 : history->count;
	for (size_t i = 0; i < copy->count; i++) {
		copy->tracks[i] = track_copy(history->tracks[i]);
		failed |= history->tracks[i] && !copy->tracks[i];
	}
	if (failed || table_build(copy)) {
		history_free(copy);
		return NULL;
	}
	return copy;
}

/* --- who is who ------------------------------------------------------------------------------ */

/* The track of a domain in this tick; one that another row already took is not it. */
static struct track *claim(const struct history *history, const char *id, size_t hint)
{
	/* "" is the host's, which no domain may take. */
	struct track *track = *id ? history_track(history, id, hint) : NULL;

	if (!track || track->seen == history->adds)
		track = track_new(id);
	if (track)
		track->seen = history->adds;
	return track;
}

/* Make `tracks` those of the snapshot, in its order, and forget the rest. */
static int follow(struct history *history, const struct snapshot *snapshot)
{
	struct track **tracks = calloc(snapshot->domain_count + 1, sizeof *tracks);
	bool moved = history->count != snapshot->domain_count || !history->table;
	int result = 0;

	if (!tracks)
		return -ENOMEM;
	for (size_t i = 0; i < snapshot->domain_count; i++) {
		tracks[i] = claim(history, snapshot->domains[i].id, i);
		moved |= i >= history->count || tracks[i] != history->tracks[i];
		if (!tracks[i])
			result = -ENOMEM;
	}
	for (size_t i = 0; i < history->count; i++)
		if (history->tracks[i] && history->tracks[i]->seen != history->adds)
			track_free(history->tracks[i]);
	free(history->tracks);
	history->tracks = tracks;
	history->count = snapshot->domain_count;
	if (moved && table_build(history))
		result = -ENOMEM;
	return result;
}

/* --- a tick --------------------------------------------------------------------------------- */

/*
 * As total_w adds them up: a disk or service that is not known is a missing part
 * (quality says so), a CPU that is not known leaves nothing to show.
 */
struct bin bin_of_domain(const struct snapshot_domain *domain)
{
	const struct snapshot_control *control = &domain->control;
	struct bin bin = {
		.idle_w = domain->cpu.idle_w + known(domain->disk.idle_w) +
			  known(domain->service.idle_w) + known(domain->net.idle_w),
		.active_w = domain->cpu.active_w + known(domain->disk.active_w) +
			    known(domain->service.active_w) + known(domain->net.active_w),
		.throttled = fmax(domain->throttle_cpu, domain->throttle_disk),
		.quality = domain->quality,
	};

	bin.max_w = bin.idle_w + bin.active_w;
	/* In a graph of all its power: cap_w limits what is not idle, cap_total_w all. */
	bin.cap_w = fmin(bin.idle_w + control->cap_w, control->cap_total_w);
	return bin;
}

struct bin bin_of_host(const struct snapshot_host *host)
{
	struct bin bin = {
		.idle_w = host->cpu_idle_w + known(host->disk_idle_w) + known(host->net_idle_w),
		.active_w =
			host->cpu_active_w + known(host->disk_active_w) + known(host->net_active_w),
		.cap_w = host->cap_w,
		.throttled = NAN,
		.quality = host->quality,
	};

	bin.max_w = bin.idle_w + bin.active_w;
	return bin;
}

/* A total that begins at zero again goes on counting from where it was. */
static void track_count(struct track *track, double total_j, bool new_epoch)
{
	if (track->recounted && (new_epoch || total_j < track->last_j))
		track->base_j -= track->last_j;
	if (!isnan(total_j))
		track->last_j = total_j;
}

static int put_tick(struct history *history, size_t i, const struct snapshot *snapshot)
{
	const struct snapshot_domain *domain = i < history->count ? &snapshot->domains[i] : NULL;
	struct bin bin = domain ? bin_of_domain(domain) : bin_of_host(&snapshot->host);
	struct track *track = track_at(history, i);

	track_count(track, domain ? domain->total_j : snapshot->host.total_j,
		    snapshot->epoch != history->epoch);
	track->max_w = fmax(track->max_w, bin.max_w);
	track->quality |= bin.quality;
	return track_put(track, 0, history->levels[0].count - 1, point_from(&bin, 1));
}

/* Close a slot of a level of means with what lies below. */
static int close_mean(struct history *history, unsigned number)
{
	const struct level *below = &history->levels[number - 1];
	struct level *level = &history->levels[number];
	uint64_t slot = level->count++;
	uint64_t oldest = (below->count - FAN) % history_slots(number - 1);
	int result = 0;

	level->spans[slot % history_slots(number)] =
		(struct span){ below->spans[oldest].begin_ns, history->now_ns };
	for (size_t i = 0; i <= history->count; i++) {
		struct track *track = track_at(history, i);

		if (track &&
		    track_put(track, number, slot, track_merge(history, track, number - 1)))
			result = -ENOMEM;
	}
	return result;
}

/* One slot of ticks: what `snapshot` says, or with NULL a gap. */
static int push(struct history *history, double seconds, const struct snapshot *snapshot)
{
	struct level *ticks = &history->levels[0];
	uint64_t slot = ticks->count++;
	uint64_t begin_ns = history->now_ns;
	int result = 0;

	history->now_ns += (uint64_t)llround(seconds * 1e9);
	ticks->spans[slot % history_slots(0)] = (struct span){ begin_ns, history->now_ns };
	for (size_t i = 0; i <= history->count; i++) {
		struct track *track = track_at(history, i);

		if (snapshot ? put_tick(history, i, snapshot)
			     : track && track_put(track, 0, slot, (struct point){ 0 }))
			result = -ENOMEM;
	}
	for (unsigned i = 1; i < LEVELS && history->levels[i - 1].count % FAN == 0; i++)
		if (close_mean(history, i))
			result = -ENOMEM;
	return result;
}

/*
 * Ticks that were missed or left out lie inside this tick's interval. Its means are those of
 * all of it, but when the energy was used nobody saw: only its own share shows them.
 */
static double lost_ticks(const struct history *history, const struct snapshot *snapshot)
{
	double missed = (double)snapshot->missed_ticks - (double)history->missed_ticks;
	double left_out = (double)snapshot->seq - (double)history->seq - 1;

	return history->adds ? fmax(missed, 0) + fmax(left_out, 0) : 0;
}

int history_add(struct history *history, const struct snapshot *snapshot)
{
	double lost = lost_ticks(history, snapshot);
	double own_s = snapshot->interval_s / (lost + 1);
	int result = 0, followed;

	if (!isfinite(own_s) || own_s < 1e-9)
		return 0;
	if (lost > 0)
		result = push(history, snapshot->interval_s - own_s, NULL);
	history->adds++;
	followed = follow(history, snapshot);
	/* Not knowing who is who, all that can be kept is that time has passed. */
	if (push(history, own_s, followed ? NULL : snapshot))
		result = -ENOMEM;
	history->seq = snapshot->seq;
	history->missed_ticks = snapshot->missed_ticks;
	history->epoch = snapshot->epoch;
	return followed ? followed : result;
}

int history_add_gap(struct history *history, double seconds, const struct snapshot *next)
{
	/* What was lost is in the gap. */
	history->seq = next->seq - 1;
	history->missed_ticks = next->missed_ticks;
	return history->adds && seconds > 0 ? push(history, seconds, NULL) : 0;
}

/* --- energy --------------------------------------------------------------------------------- */

static void recount(struct track *track, double total_j)
{
	track->base_j = track->last_j = total_j;
	track->recounted = true;
}

void history_reset_energy(struct history *history, const struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	recount(history->host, snapshot->host.total_j);
	for (size_t i = 0; i < snapshot->domain_count; i++) {
		struct track *track = history_track(history, snapshot->domains[i].id, i);

		if (track)
			recount(track, snapshot->domains[i].total_j);
	}
}

double track_energy_j(const struct track *track, double total_j)
{
	return track ? total_j - track->base_j : total_j;
}
