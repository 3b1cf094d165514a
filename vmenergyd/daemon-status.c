/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The answer to "status": the daemon, its caps, who is held back. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/known.h"
#include "vmenergyd/daemon.h"

static int put_reasons(unsigned held_by, struct protocol_words *words)
{
	for (unsigned i = 0; i < HELD_BY_COUNT; i++)
		if (held_by & 1u << i && protocol_words_add(words, policy_reason_name(i)))
			return -ENOMEM;
	return 0;
}

/* What is looked for by its id, once for each domain: sorted. */
struct index {
	struct entry {
		const char *id;
		const void *item;
	} * entries;
	size_t count;
};

static int compare(const void *a, const void *b)
{
	const struct entry *one = a, *other = b;

	return strcmp(one->id, other->id);
}

static const void *find(const struct index *index, const char *id)
{
	const struct entry wanted = { .id = id };
	const struct entry *found = index->count ? bsearch(&wanted, index->entries, index->count,
							   sizeof wanted, compare)
						 : NULL;

	return found ? found->item : NULL;
}

/* `id_at`: where the id stands in an item, a pointer to text. */
static int index_items(const void *items, size_t count, size_t item_bytes, size_t id_at,
		       struct index *index)
{
	index->entries = calloc(count + 1, sizeof *index->entries);
	if (!index->entries)
		return -ENOMEM;
	for (; index->count < count; index->count++) {
		struct entry *entry = &index->entries[index->count];

		entry->item = (const char *)items + index->count * item_bytes;
		memcpy(&entry->id, (const char *)entry->item + id_at, sizeof entry->id);
	}
	qsort(index->entries, index->count, sizeof *index->entries, compare);
	return 0;
}

static int index_domains(const struct snapshot *snapshot, struct index *index)
{
	return index_items(snapshot->domains, snapshot->domain_count, sizeof *snapshot->domains,
			   offsetof(struct snapshot_domain, id), index);
}

static int index_overrides(const struct state *state, struct index *index)
{
	return index_items(state->overrides, state->override_count, sizeof *state->overrides,
			   offsetof(struct state_override, id), index);
}

static double used_w(const struct snapshot_domain *domain)
{
	return domain->cpu.active_w + domain->disk.active_w + domain->service.active_w +
	       known(domain->net.active_w);
}

/* One that a limit stands for, or that an owner's or the host's holds back. */
static bool is_limited(const struct snapshot_domain *domain,
		       const struct policy_allotment *allotment)
{
	const struct snapshot_control *control = &domain->control;

	return isfinite(allotment->limit_w) || isfinite(allotment->cpus) || allotment->held_by ||
	       !isnan(control->cap_w) || !isnan(control->cap_total_w) ||
	       !isnan(control->cpu_cap_w) || !isnan(control->disk_cap_w);
}

static int put_domain(struct protocol_status *status, const struct snapshot_domain *domain,
		      const struct policy_allotment *allotment, const char *by)
{
	struct protocol_status_domain *row = protocol_status_add(status);

	if (!row)
		return -ENOMEM;
	row->cap_w = domain->control.cap_w;
	row->cap_total_w = domain->control.cap_total_w;
	row->cpu_cap_w = domain->control.cpu_cap_w;
	row->disk_cap_w = domain->control.disk_cap_w;
	row->limit_w = isfinite(allotment->limit_w) ? allotment->limit_w : NAN;
	row->used_w = used_w(domain);
	row->headroom_w = allotment->headroom_w;
	row->infeasible_w = allotment->infeasible_w;
	row->throttle_cpu = allotment->throttle_cpu;
	row->throttle_disk = allotment->throttle_disk;
	if (text_replace(&row->id, domain->id) || text_replace(&row->name, domain->name) ||
	    text_replace(&row->override_by, by))
		return -ENOMEM;
	return put_reasons(allotment->held_by, &row->held_by);
}

static int put_domains(struct daemon *daemon, const struct policy_output *output,
		       const char *const *ids, struct protocol_status *status)
{
	struct index domains = { 0 }, overrides = { 0 };
	int result = index_domains(&daemon->snapshot, &domains);

	if (!result)
		result = index_overrides(&daemon->state, &overrides);
	for (size_t i = 0; !result && i < output->domain_count; i++) {
		const struct snapshot_domain *domain = find(&domains, ids[i]);
		const struct state_override *by = find(&overrides, ids[i]);

		if (domain && is_limited(domain, &output->domains[i]))
			result =
				put_domain(status, domain, &output->domains[i], by ? by->by : NULL);
	}
	free(domains.entries);
	free(overrides.entries);
	return result;
}

static int put_host(struct daemon *daemon, const struct policy_output *output,
		    struct protocol_status_host *host)
{
	const struct snapshot_host *now = &daemon->snapshot.host;

	host->cap_w = config_host_cap_w(daemon->config, daemon->state.host_cap_w);
	host->used_w = daemon->snapshot.seq ? now->total_w : NAN;
	host->temperature_c = daemon->snapshot.seq ? now->temperature_c : NAN;
	if (!output)
		return 0;
	host->infeasible_w = output->host.infeasible_w;
	if (isfinite(output->host.cap_w)) {
		host->limit_w = output->host.cap_w;
		host->headroom_w = output->host.headroom_w;
	}
	return put_reasons(output->host.held_by, &host->held_by);
}

static void put_counts(struct daemon *daemon, struct protocol_status *status)
{
	struct enforce_counts counts = { 0 };

	if (daemon->enforce)
		counts = enforce_counts(daemon->enforce);
	status->decisions = counts.decisions;
	status->writes = counts.writes;
	status->unchanged_left_out = counts.unchanged_left_out;
	status->refused = counts.refused;
	status->foreign_changes = counts.foreign_changes;
	status->clients = server_client_count(daemon->server);
	status->dropped = server_dropped(daemon->server);
}

/* Of which file, as the snapshots name it: before the first of them, too. */
static const char *weights_name(const struct daemon *daemon)
{
	const struct weights *cpu = daemon->accounting.counting.choice.cpu;
	const char *name = daemon->snapshot.source.weights, *slash;

	if (name || !cpu || !cpu->path)
		return name;
	slash = strrchr(cpu->path, '/');
	return slash ? slash + 1 : cpu->path;
}

static int put_daemon(struct daemon *daemon, struct protocol_status *status)
{
	const struct snapshot *snapshot = &daemon->snapshot;
	int failed = text_replace(&status->version, VMENERGY_VERSION);

	status->since_s = daemon->since_s;
	status->interval_s = daemon->config->interval_s;
	status->control_interval_s = daemon->config->control_interval_s;
	status->dry_run = daemon->config->dry_run;
	failed |= text_replace(&status->hostname, daemon->accounting.machine.nodename);
	failed |=
		text_replace(&status->source, cpu_source_name(daemon->accounting.counting.source));
	failed |= text_replace(&status->weights, weights_name(daemon));
	failed |= text_replace(&status->meter, snapshot->source.meter);
	for (unsigned i = 0; i < TROUBLE_COUNT; i++)
		if (daemon->troubles[i].text)
			failed |= protocol_words_add(&status->trouble, daemon->troubles[i].text);
	/* Where there never was one, it is no trouble. */
	if (daemon->libvirt.text && daemon->libvirt.was_heard)
		failed |= protocol_words_add(&status->trouble, daemon->libvirt.text);
	return failed ? -ENOMEM : 0;
}

static int fill(struct daemon *daemon, struct protocol_status *status)
{
	const char *const *ids = NULL;
	const struct policy_output *output =
		daemon->enforce ? enforce_output(daemon->enforce, &ids) : NULL;
	int result;

	put_counts(daemon, status);
	result = put_daemon(daemon, status);
	if (!result)
		result = put_host(daemon, output, &status->host);
	if (!result && output)
		result = put_domains(daemon, output, ids, status);
	return result;
}

/* How each answer begins (protocol_object()); what follows is the same for all who ask in a tick.
 */
static void put_head(struct text *answer, int64_t id)
{
	text_addf(answer, "{\"format\":%d,", PROTOCOL_FORMAT);
	if (id >= 0)
		text_addf(answer, "\"id\":%lld,", (long long)id);
}

static int print(struct daemon *daemon, struct text *answer, struct error *error)
{
	struct protocol_status status;
	int result;

	protocol_status_init(&status);
	result = fill(daemon, &status);
	if (result)
		error_setf(error, ENOMEM, "out of memory");
	else
		result = protocol_put_status(0, &status, answer, error);
	protocol_status_clear(&status);
	return result;
}

static int print_tail(struct daemon *daemon, struct error *error)
{
	struct text answer = { 0 }, head = { 0 };
	int result = print(daemon, &answer, error);

	put_head(&head, 0);
	if (!result && (head.failed || answer.length < head.length ||
			memcmp(answer.bytes, head.bytes, head.length) != 0))
		result = error_setf(error, EPROTO, "an answer that does not begin as all do");
	if (!result)
		text_add_bytes(&daemon->status_tail, answer.bytes + head.length,
			       answer.length - head.length);
	text_free(&head);
	text_free(&answer);
	return result;
}

int daemon_put_status(struct daemon *daemon, int64_t id, struct text *answer, struct error *error)
{
	int result = 0;

	if (daemon->status_tail.length == 0) {
		text_reset(&daemon->status_tail);
		result = print_tail(daemon, error);
	}
	if (result)
		return result;
	put_head(answer, id);
	text_add_bytes(answer, daemon->status_tail.bytes, daemon->status_tail.length);
	if (!daemon->status_tail.failed && !answer->failed)
		return 0;
	text_reset(&daemon->status_tail);
	return error_setf(error, ENOMEM, "out of memory");
}
