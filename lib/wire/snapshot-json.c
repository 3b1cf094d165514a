/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The snapshot contract, format 1: keys, their order and nesting are fixed. */
#include "wire/wire.h"

#include <math.h>

#include "wire/build.h"

/*
 * Significant digits of a real: all that a double holds for every decimal (so
 * 0.1 prints as 0.1); sums over 1000 domains still agree to 1e-12.
 */
enum { SNAPSHOT_FORMAT = 1, SNAPSHOT_DIGITS = 15 };

static const double exact_integer_max = 9007199254740992.0; /* 2^53 */

static void put_text(struct build *build, json_t *object, const char *key, const char *text)
{
	build_put(build, object, key, build_text(text));
}

static void put_real(struct build *build, json_t *object, const char *key, double value)
{
	build_put(build, object, key, build_real(value));
}

/* Bytes and requests are whole numbers unless a late reading was spread over ticks. */
static void put_count(struct build *build, json_t *object, const char *key, double value)
{
	if (fabs(value) < exact_integer_max && trunc(value) == value)
		build_put(build, object, key, json_integer((json_int_t)value));
	else
		put_real(build, object, key, value);
}

static json_t *quality_words(struct build *build, unsigned quality)
{
	json_t *words = json_array();

	for (unsigned i = 0; i < QUALITY_COUNT; i++)
		if (quality & 1u << i)
			build_append(build, words, build_text(quality_name(i)));
	return words;
}

static json_t *source_object(struct build *build, const struct snapshot_source *source)
{
	json_t *object = json_object();

	put_text(build, object, "cpu", cpu_source_name(source->cpu));
	put_text(build, object, "standing", standing_name(source->standing));
	put_text(build, object, "weights", source->weights);
	put_text(build, object, "scope", scope_name(source->scope));
	put_text(build, object, "meter", source->meter);
	return object;
}

static json_t *kept_array(struct build *build, const struct snapshot *snapshot)
{
	json_t *array = json_array();

	for (size_t i = 0; i < snapshot->kept_count; i++) {
		const struct snapshot_kept *kept = &snapshot->kept[i];
		json_t *object = json_object();

		put_text(build, object, "name", kept->name);
		put_real(build, object, "idle_w", kept->idle_w);
		put_real(build, object, "active_w", kept->active_w);
		build_append(build, array, object);
	}
	return array;
}

static json_t *host_object(struct build *build, const struct snapshot *snapshot)
{
	const struct snapshot_host *host = &snapshot->host;
	json_t *object = json_object();

	put_real(build, object, "total_w", host->total_w);
	put_real(build, object, "total_j", host->total_j);
	put_real(build, object, "cpu_idle_w", host->cpu_idle_w);
	put_real(build, object, "cpu_active_w", host->cpu_active_w);
	put_real(build, object, "disk_idle_w", host->disk_idle_w);
	put_real(build, object, "disk_active_w", host->disk_active_w);
	put_real(build, object, "kept_w", host->kept_w);
	build_put(build, object, "kept", kept_array(build, snapshot));
	put_real(build, object, "metered_w", host->metered_w);
	put_real(build, object, "residual_w", host->residual_w);
	put_text(build, object, "residual_reason", host->residual_reason);
	put_real(build, object, "cap_w", host->cap_w);
	put_real(build, object, "temperature_c", host->temperature_c);
	build_put(build, object, "quality", quality_words(build, host->quality));
	return object;
}

static json_t *power_object(struct build *build, const struct account_power *power)
{
	json_t *object = json_object();

	put_real(build, object, "idle_w", power->idle_w);
	put_real(build, object, "active_w", power->active_w);
	put_real(build, object, "idle_j", power->idle_j);
	put_real(build, object, "active_j", power->active_j);
	return object;
}

static json_t *control_object(struct build *build, const struct snapshot_control *control)
{
	json_t *object = json_object();

	put_real(build, object, "cap_w", control->cap_w);
	put_real(build, object, "cap_total_w", control->cap_total_w);
	put_real(build, object, "cpu_cap_w", control->cpu_cap_w);
	put_real(build, object, "disk_cap_w", control->disk_cap_w);
	put_real(build, object, "floor_w", control->floor_w);
	put_real(build, object, "share", control->share);
	put_real(build, object, "stride", control->stride);
	put_real(build, object, "headroom_w", control->headroom_w);
	put_real(build, object, "infeasible_w", control->infeasible_w);
	return object;
}

static json_t *throttle_object(struct build *build, const struct snapshot_domain *domain)
{
	json_t *object = json_object();

	put_real(build, object, "cpu", domain->throttle_cpu);
	put_real(build, object, "disk", domain->throttle_disk);
	return object;
}

/* A thread that runs all vCPUs has no number: null. */
static json_t *vcpus_array(struct build *build, const struct snapshot_domain *domain)
{
	json_t *array = json_array();

	for (size_t i = 0; i < domain->vcpu_count; i++) {
		const struct snapshot_vcpu *vcpu = &domain->vcpus[i];
		json_t *object = json_object();

		build_put(build, object, "id",
			  vcpu->id >= 0 ? json_integer(vcpu->id) : json_null());
		build_put(build, object, "tid", json_integer(vcpu->tid));
		put_real(build, object, "active_w", vcpu->active_w);
		put_real(build, object, "cpu_percent", vcpu->cpu_percent);
		build_append(build, array, object);
	}
	return array;
}

static json_t *vdisks_array(struct build *build, const struct snapshot_domain *domain)
{
	json_t *array = json_array();

	for (size_t i = 0; i < domain->vdisk_count; i++) {
		const struct snapshot_vdisk *vdisk = &domain->vdisks[i];
		json_t *object = json_object();

		put_text(build, object, "name", vdisk->name);
		put_text(build, object, "disk", vdisk->disk);
		put_real(build, object, "idle_w", vdisk->idle_w);
		put_real(build, object, "active_w", vdisk->active_w);
		put_real(build, object, "service_idle_w", vdisk->service_idle_w);
		put_real(build, object, "service_active_w", vdisk->service_active_w);
		put_count(build, object, "read_bytes", vdisk->read_bytes);
		put_count(build, object, "write_bytes", vdisk->write_bytes);
		put_count(build, object, "requests", vdisk->requests);
		build_append(build, array, object);
	}
	return array;
}

static json_t *domain_object(struct build *build, const struct snapshot_domain *domain)
{
	json_t *object = json_object();

	put_text(build, object, "id", domain->id);
	put_text(build, object, "name", domain->name);
	put_text(build, object, "uuid", domain->uuid);
	put_text(build, object, "owner", domain->owner);
	put_text(build, object, "state", domain_state_name(domain->state));
	put_text(build, object, "reason", domain->reason);
	build_put(build, object, "quality", quality_words(build, domain->quality));
	build_put(build, object, "cpu", power_object(build, &domain->cpu));
	build_put(build, object, "disk", power_object(build, &domain->disk));
	build_put(build, object, "service", power_object(build, &domain->service));
	put_real(build, object, "total_w", domain->total_w);
	put_real(build, object, "total_j", domain->total_j);
	put_real(build, object, "error_w", domain->error_w);
	build_put(build, object, "control", control_object(build, &domain->control));
	build_put(build, object, "throttle", throttle_object(build, domain));
	build_put(build, object, "vcpus", vcpus_array(build, domain));
	build_put(build, object, "vdisks", vdisks_array(build, domain));
	return object;
}

static json_t *domains_array(struct build *build, const struct snapshot *snapshot)
{
	json_t *array = json_array();

	for (size_t i = 0; i < snapshot->domain_count; i++)
		build_append(build, array, domain_object(build, &snapshot->domains[i]));
	return array;
}

static json_t *services_array(struct build *build, const struct snapshot *snapshot)
{
	json_t *array = json_array();

	for (size_t i = 0; i < snapshot->service_count; i++) {
		const struct snapshot_service *service = &snapshot->services[i];
		json_t *object = json_object(), *clients = json_array();

		put_text(build, object, "name", service->name);
		build_put(build, object, "pid", json_integer(service->pid));
		put_real(build, object, "idle_w", service->idle_w);
		put_real(build, object, "active_w", service->active_w);
		for (size_t j = 0; j < service->client_count; j++)
			build_append(build, clients, build_text(service->clients[j]));
		build_put(build, object, "clients", clients);
		build_append(build, array, object);
	}
	return array;
}

int snapshot_json(const struct snapshot *snapshot, struct text *out, struct error *error)
{
	struct build build = { .error = error };
	json_t *root = json_object();

	build_put(&build, root, "format", json_integer(SNAPSHOT_FORMAT));
	build_put(&build, root, "seq", build_u64(&build, "seq", snapshot->seq));
	build_put(&build, root, "epoch", build_u64(&build, "epoch", snapshot->epoch));
	put_real(&build, root, "time", snapshot->time_s);
	put_real(&build, root, "interval_s", snapshot->interval_s);
	put_real(&build, root, "since", snapshot->since_s);
	put_text(&build, root, "idle_policy", idle_policy_name(snapshot->idle_policy));
	build_put(&build, root, "source", source_object(&build, &snapshot->source));
	build_put(&build, root, "host", host_object(&build, snapshot));
	build_put(&build, root, "domains", domains_array(&build, snapshot));
	build_put(&build, root, "services", services_array(&build, snapshot));
	return build_line(&build, root, SNAPSHOT_DIGITS, out);
}
