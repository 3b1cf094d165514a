/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The power's course as the counters tell it: weights from readings far from any
 * change of workload, where the lag does not matter, times counts. It need only
 * be right in shape: at each change its level and scale are fitted anew.
 */
#include "calibrate/fit/align-internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "calibrate/fit/factor.h"

/* Longest that a meter may take until it shows a change (align.h: 5 s + 4 s, rarely); less where
 * phases are so short that hardly a row is left. */
static const double settled_s[] = { 6, 4, 2 };
enum { SETTLED = sizeof settled_s / sizeof *settled_s };

/* Watts of a pass: the constant, its events, time on CPUs. */
struct proxy {
	unsigned events;
	double base_w;
	double weight_j[SESSION_EVENTS_MAX + 1];
};

/* Without anything to fit, power in proportion to time on CPUs. */
static void proxy_of_time(struct proxy *proxy, unsigned events)
{
	memset(proxy, 0, sizeof *proxy);
	proxy->events = events;
	proxy->weight_j[events] = 1e-9;
}

static int fit_proxy(const struct trace *trace, struct proxy *proxy)
{
	struct factors factors = { 0 };
	struct factor all = { 0 };
	double x[SESSION_EVENTS_MAX + 2] = { 0 }, sum = 0;
	int result = factors_make(&factors, trace, &(struct factor_rows){ NULL, NULL });

	if (!result)
		result = factors_without(&factors, FACTOR_ALL_GROUPS, &all);
	if (!result)
		result = factor_solve(&all, FIT_NNLS, 0, x);
	for (unsigned i = 0; !result && i < trace->event_count; i++) {
		proxy->weight_j[i] = x[i + 1] / factors.scale[i + 1];
		sum += x[i + 1];
	}
	if (!result)
		proxy->base_w = x[0] / factors.scale[0];
	if (!result && sum == 0)
		proxy_of_time(proxy, proxy->events);
	factor_clear(&all);
	factors_clear(&factors);
	return result;
}

static int make_proxy(const struct session *session, size_t pass, struct proxy *proxy)
{
	struct align documented = align_documented(session);
	bool is_fitted = false;
	int result = 0;

	proxy_of_time(proxy, session->passes.items[pass].event_count);
	for (unsigned i = 0; i < SETTLED && !result && !is_fitted; i++) {
		struct trace *trace = NULL;
		struct error error;

		result =
			align_trace(session, pass, &documented, settled_s[i], &trace, NULL, &error);
		is_fitted = !result && trace->row_count > trace->event_count + 1;
		if (is_fitted)
			result = fit_proxy(trace, proxy);
		trace_free(trace);
	}
	return result;
}

static int add_knot(struct curve *curve, uint64_t time_ns, double power_w)
{
	double time_s = (double)(int64_t)(time_ns - curve->origin_ns) * 1e-9;
	const struct curve_knot *last = curve->count ? &curve->items[curve->count - 1] : NULL;
	struct curve_knot next = { time_s, last ? last->energy_j : 0 }, *knot;

	if (last && time_s <= last->time_s)
		return 0;
	if (last)
		next.energy_j += power_w * (time_s - last->time_s);
	knot = MEMORY_APPEND(curve);
	if (!knot)
		return -ENOMEM;
	*knot = next;
	return 0;
}

static double mean_power_w(const struct proxy *proxy, const struct session_sample *a,
			   const struct session_sample *b)
{
	double joules = proxy->weight_j[proxy->events] * (double)(b->busy_ns - a->busy_ns);

	for (unsigned i = 0; i < proxy->events; i++)
		joules += proxy->weight_j[i] * (double)(b->count[i] - a->count[i]);
	return proxy->base_w + joules / ((double)(b->time_ns - a->time_ns) * 1e-9);
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
	return value < low ? low : value > high ? high : value;
}

static bool is_one_stretch(const struct session_sample *a, const struct session_sample *b)
{
	return a->phase == b->phase && b->time_ns > a->time_ns && b->busy_ns >= a->busy_ns;
}

/* From the last sample of a phase to the first of the next: as it was, idle unless the workload
 * goes on, as it will be. */
static int bridge(const struct session *session, const struct proxy *proxies, size_t sample,
		  double last_w, struct curve *curve)
{
	const struct session_sample *a = &session->samples.items[sample - 1], *b = a + 1;
	const struct session_phase *from = &session->phases.items[a->phase];
	const struct session_phase *to = &session->phases.items[b->phase];
	uint64_t end, begin;
	double next_w = proxies[to->pass].base_w;
	int result;

	if (b->time_ns <= a->time_ns)
		return 0;
	end = clamp(from->end_ns, a->time_ns, b->time_ns);
	begin = clamp(to->begin_ns, end, b->time_ns);
	if (sample + 1 < session->samples.count && is_one_stretch(b, b + 1))
		next_w = mean_power_w(&proxies[to->pass], b, b + 1);
	result = add_knot(curve, end, last_w);
	if (!result)
		result =
			add_knot(curve, begin, to->continues ? last_w : proxies[from->pass].base_w);
	if (!result)
		result = add_knot(curve, b->time_ns, next_w);
	return result;
}

static int add_samples(const struct session *session, const struct proxy *proxies,
		       struct curve *curve)
{
	double power_w =
		proxies[session->phases.items[session->samples.items[0].phase].pass].base_w;
	int result = add_knot(curve, curve->origin_ns, 0);

	for (size_t i = 1; i < session->samples.count && !result; i++) {
		const struct session_sample *b = &session->samples.items[i], *a = b - 1;

		if (is_one_stretch(a, b)) {
			power_w =
				mean_power_w(&proxies[session->phases.items[b->phase].pass], a, b);
			result = add_knot(curve, b->time_ns, power_w);
		} else {
			result = bridge(session, proxies, i, power_w, curve);
		}
	}
	return result;
}

int curve_make(const struct session *session, struct curve *curve)
{
	struct proxy *proxies = NULL;
	int result = 0;

	memset(curve, 0, sizeof *curve);
	if (session->samples.count < 2)
		return -EINVAL;
	proxies = calloc(session->passes.count, sizeof *proxies);
	if (!proxies)
		return -ENOMEM;
	curve->origin_ns = session->samples.items[0].time_ns;
	for (size_t i = 0; i < session->passes.count && !result; i++)
		result = make_proxy(session, i, &proxies[i]);
	if (!result)
		result = add_samples(session, proxies, curve);
	if (!result && curve->count < 2)
		result = -EINVAL;
	free(proxies);
	if (result)
		curve_clear(curve);
	return result;
}

void curve_clear(struct curve *curve)
{
	free(curve->items);
	memset(curve, 0, sizeof *curve);
}

double curve_energy_j(const struct curve *curve, double time_s, size_t *hint)
{
	const struct curve_knot *knot;

	while (*hint + 2 < curve->count && curve->items[*hint + 1].time_s <= time_s)
		++*hint;
	knot = &curve->items[*hint];
	return knot->energy_j + (knot[1].energy_j - knot->energy_j) * (time_s - knot->time_s) /
					(knot[1].time_s - knot->time_s);
}

size_t curve_find(const struct curve *curve, double time_s)
{
	size_t low = 0, high = curve->count - 1;

	while (low + 1 < high) {
		size_t middle = low + (high - low) / 2;

		if (curve->items[middle].time_s <= time_s)
			low = middle;
		else
			high = middle;
	}
	return low;
}
