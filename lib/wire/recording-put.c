/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "wire/recording-fields.h"
#include "wire/recording.h"

enum { RECORDING_DIGITS = 17 }; /* a double reads back as itself */

typedef json_t *item_value(struct build *build, const void *item);

struct items {
	const void *items;
	size_t count, item_bytes;
};

static json_t *list_value(struct build *build, struct items list, item_value *value)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list.count; i++)
		build_append(build, array,
			     value(build, (const char *)list.items + i * list.item_bytes));
	return array;
}

/* A list that is empty is left out. */
#define PUT_LIST(build, object, key, array, size, value)                                           \
	do {                                                                                       \
		struct items items_ = { (array), (size), sizeof *(array) };                        \
		if (items_.count > 0)                                                              \
			build_put(build, object, key, list_value(build, items_, value));           \
	} while (0)

static json_t *record(struct build *build, const char *kind)
{
	json_t *root = json_object();

	build_put(build, root, "kind", json_string(kind));
	return root;
}

/* --- header ---------------------------------------------------------------- */

static json_t *file_value(struct build *build, const void *file)
{
	json_t *object = json_object();

	fields_put(build, object, &recording_file_fields, file);
	return object;
}

static json_t *event_value(struct build *build, const void *name)
{
	return fields_value(build, &recording_event_name, name);
}

int recording_put_header(const struct recording_header *header, struct text *out,
			 struct error *error)
{
	struct build build = { .error = error };
	json_t *root = record(&build, "header");

	build_put(&build, root, "format", json_integer(RECORDING_FORMAT));
	fields_put(&build, root, &recording_header_fields, header);
	PUT_LIST(&build, root, "events", header->events.names, header->events.count, event_value);
	build_put(&build, root, "cpu_weights", file_value(&build, &header->cpu_weights));
	PUT_LIST(&build, root, "disk_weights", header->disk_weights, header->disk_weights_count,
		 file_value);
	PUT_LIST(&build, root, "nic_weights", header->nic_weights, header->nic_weights_count,
		 file_value);
	return build_line(&build, root, RECORDING_DIGITS, out);
}

/* --- topology -------------------------------------------------------------- */

static json_t *disk_value(struct build *build, const void *disk)
{
	json_t *object = json_object();

	fields_put(build, object, &recording_disk_fields, disk);
	return object;
}

static json_t *nic_value(struct build *build, const void *nic)
{
	json_t *object = json_object();

	fields_put(build, object, &recording_nic_fields, nic);
	return object;
}

static json_t *leaf_value(struct build *build, const void *leaf)
{
	return build_u64(build, "leaf", *(const size_t *)leaf);
}

static json_t *vdisk_value(struct build *build, const void *item)
{
	const struct vdisk *vdisk = item;
	json_t *object = json_object();

	fields_put(build, object, &recording_vdisk_fields, vdisk);
	PUT_LIST(build, object, "leaves", vdisk->leaves, vdisk->leaf_count, leaf_value);
	return object;
}

static json_t *vnic_value(struct build *build, const void *item)
{
	const struct vnic *vnic = item;
	json_t *object = json_object();

	fields_put(build, object, &recording_vnic_fields, vnic);
	PUT_LIST(build, object, "leaves", vnic->leaves, vnic->leaf_count, leaf_value);
	return object;
}

static json_t *thread_value(struct build *build, const void *thread)
{
	json_t *array = json_array();

	fields_append(build, array, &recording_thread_fields, thread);
	return array;
}

static json_t *domain_value(struct build *build, const void *item)
{
	const struct domain *domain = item;
	json_t *object = json_object();

	fields_put(build, object, &recording_domain_fields, domain);
	PUT_LIST(build, object, "vdisks", domain->vdisks, domain->vdisk_count, vdisk_value);
	PUT_LIST(build, object, "vnics", domain->vnics, domain->vnic_count, vnic_value);
	PUT_LIST(build, object, "threads", domain->threads, domain->thread_count, thread_value);
	return object;
}

static json_t *service_value(struct build *build, const void *item)
{
	const struct service *service = item;
	json_t *object = json_object();

	fields_put(build, object, &recording_service_fields, service);
	PUT_LIST(build, object, "threads", service->threads, service->thread_count, thread_value);
	return object;
}

static json_t *attachment_value(struct build *build, const void *item)
{
	const struct attachment *attachment = item;
	json_t *object = json_object();

	build_put(build, object, "client",
		  json_string(recording_client_word.name(attachment->kind)));
	if (attachment->kind == CLIENT_VDISK) {
		build_put(build, object, "domain", build_u64(build, "domain", attachment->domain));
		build_put(build, object, "vdisk", build_u64(build, "vdisk", attachment->vdisk));
	} else {
		build_put(build, object, "service",
			  build_u64(build, "service", attachment->client));
	}
	build_put(build, object, "provider", build_u64(build, "provider", attachment->provider));
	fields_put(build, object, &recording_attachment_fields, attachment);
	return object;
}

static json_t *note_value(struct build *build, const void *note)
{
	return fields_value(build, &recording_note, note);
}

int recording_put_topology(const struct topology *topology, struct text *out, struct error *error)
{
	struct build build = { .error = error };
	json_t *root = record(&build, "topology"), *cpu = json_object();

	fields_put(&build, root, &recording_topology_fields, topology);
	fields_put(&build, cpu, &recording_cpu_fields, &topology->cpu);
	build_put(&build, root, "cpu", cpu);
	PUT_LIST(&build, root, "disks", topology->disks, topology->disk_count, disk_value);
	PUT_LIST(&build, root, "nics", topology->nics, topology->nic_count, nic_value);
	PUT_LIST(&build, root, "domains", topology->domains, topology->domain_count, domain_value);
	PUT_LIST(&build, root, "services", topology->services, topology->service_count,
		 service_value);
	PUT_LIST(&build, root, "attachments", topology->attachments, topology->attachment_count,
		 attachment_value);
	PUT_LIST(&build, root, "notes", topology->notes, topology->note_count, note_value);
	return build_line(&build, root, RECORDING_DIGITS, out);
}

/* --- sample ---------------------------------------------------------------- */

static size_t counts_of(const struct cpu_reading *reading)
{
	size_t count = SAMPLE_EVENTS_MAX;

	while (count > 0 && reading->count[count - 1] == 0)
		count--;
	return count;
}

static bool was_made(const struct cpu_reading *reading)
{
	return reading->at_ns || reading->quality || counts_of(reading) > 0;
}

/* Counts behind the last one that is not 0 are left out: the header says how many there are. */
static json_t *cpu_reading_value(struct build *build, const void *item)
{
	const struct cpu_reading *reading = item;
	size_t count = counts_of(reading);
	json_t *array;

	if (!was_made(reading))
		return json_null();
	array = json_array();
	fields_append(build, array, &recording_cpu_reading_fields, reading);
	for (size_t i = 0; i < count; i++)
		build_append(build, array, build_u64(build, "count", reading->count[i]));
	return array;
}

static const struct field_table *io_fields(const struct io_reading *reading)
{
	if (!reading->has_requests)
		return &recording_bytes_fields;
	return reading->has_service ? &recording_service_io_fields : &recording_requests_fields;
}

static json_t *io_reading_value(struct build *build, const void *item)
{
	const struct io_reading *reading = item;
	json_t *array;

	if (reading->at_ns == 0 && reading->quality == 0 && !reading->has_requests &&
	    reading->read_bytes == 0 && reading->write_bytes == 0)
		return json_null();
	array = json_array();
	fields_append(build, array, io_fields(reading), reading);
	return array;
}

static json_t *net_reading_value(struct build *build, const void *item)
{
	const struct net_reading *reading = item;
	json_t *array;

	if (reading->at_ns == 0 && reading->quality == 0)
		return json_null();
	array = json_array();
	fields_append(build, array, &recording_net_reading_fields, reading);
	return array;
}

static json_t *package_value(struct build *build, const void *item)
{
	const struct package_reading *package = item;
	json_t *object = json_object();

	build_put(build, object, "total", cpu_reading_value(build, &package->total));
	fields_put(build, object, &recording_package_fields, package);
	if (isfinite(package->temperature_c))
		build_put(build, object, "temperature_c", json_real(package->temperature_c));
	return object;
}

static json_t *domain_reading_value(struct build *build, const struct domain_reading *reading,
				    const struct domain *domain)
{
	json_t *object = json_object();

	fields_put(build, object, &recording_reading_fields, reading);
	build_put(build, object, "total", cpu_reading_value(build, &reading->total));
	PUT_LIST(build, object, "threads", reading->threads, domain->thread_count,
		 cpu_reading_value);
	PUT_LIST(build, object, "vdisks", reading->vdisks, domain->vdisk_count, io_reading_value);
	PUT_LIST(build, object, "vnics", reading->vnics, domain->vnic_count, net_reading_value);
	return object;
}

static json_t *service_reading_value(struct build *build, const void *item)
{
	return cpu_reading_value(build, &((const struct service_reading *)item)->total);
}

/* Parallel to the services: a list for each, parallel to its threads. */
static json_t *thread_lists_value(struct build *build, const struct sample *sample,
				  const struct topology *topology)
{
	json_t *array = json_array();

	for (size_t i = 0; i < sample->service_count; i++) {
		struct items list = { sample->services[i].threads,
				      topology->services[i].thread_count,
				      sizeof *sample->services[i].threads };

		build_append(build, array, list_value(build, list, cpu_reading_value));
	}
	return array;
}

static bool has_service_threads(const struct sample *sample, const struct topology *topology)
{
	for (size_t i = 0; i < sample->service_count; i++)
		for (size_t k = 0; k < topology->services[i].thread_count; k++)
			if (was_made(&sample->services[i].threads[k]))
				return true;
	return false;
}

static json_t *issued_value(struct build *build, const void *item)
{
	const struct issued_reading *issued = item;
	json_t *object = json_object();

	build_put(build, object, "domain", build_u64(build, "domain", issued->domain));
	build_put(build, object, "disk", json_integer(issued->disk));
	build_put(build, object, "io", io_reading_value(build, &issued->io));
	return object;
}

static json_t *head_value(struct build *build, const void *item)
{
	const struct head_reading *head = item;
	json_t *object = json_object();

	fields_put(build, object, &recording_head_fields, head);
	build_put(build, object, "cpu", cpu_reading_value(build, &head->cpu));
	return object;
}

static void put_heads(struct build *build, json_t *root, const struct sample *sample)
{
	PUT_LIST(build, root, "heads", sample->heads, sample->head_count, head_value);
	if (sample->on_cpu.at_ns)
		build_put(build, root, "on_cpu", cpu_reading_value(build, &sample->on_cpu));
}

static void put_domains(struct build *build, json_t *root, const struct sample *sample,
			const struct topology *topology)
{
	json_t *array;

	if (sample->domain_count == 0)
		return;
	array = json_array();
	for (size_t i = 0; i < sample->domain_count; i++)
		build_append(
			build, array,
			domain_reading_value(build, &sample->domains[i], &topology->domains[i]));
	build_put(build, root, "domains", array);
}

static bool fits(const struct sample *sample, const struct topology *topology)
{
	return sample->generation == topology->generation &&
	       sample->domain_count == topology->domain_count &&
	       sample->service_count == topology->service_count &&
	       sample->disk_count == topology->disk_count &&
	       sample->attachment_count == topology->attachment_count &&
	       sample->nic_count == topology->nic_count;
}

int recording_put_sample(const struct sample *sample, const struct topology *topology,
			 struct text *out, struct error *error)
{
	struct build build = { .error = error };
	json_t *root;

	if (!fits(sample, topology))
		return error_setf(error, EINVAL, "the sample was not taken with this topology");
	root = record(&build, "sample");
	fields_put(&build, root, &recording_sample_fields, sample);
	PUT_LIST(&build, root, "packages", sample->packages, sample->package_count, package_value);
	build_put(&build, root, "own", cpu_reading_value(&build, &sample->own));
	put_domains(&build, root, sample, topology);
	PUT_LIST(&build, root, "services", sample->services, sample->service_count,
		 service_reading_value);
	if (has_service_threads(sample, topology))
		build_put(&build, root, "service_threads",
			  thread_lists_value(&build, sample, topology));
	PUT_LIST(&build, root, "disks", sample->disks, sample->disk_count, io_reading_value);
	PUT_LIST(&build, root, "attachments", sample->attachments, sample->attachment_count,
		 io_reading_value);
	PUT_LIST(&build, root, "nics", sample->nics, sample->nic_count, net_reading_value);
	PUT_LIST(&build, root, "issued", sample->issued, sample->issued_count, issued_value);
	put_heads(&build, root, sample);
	return build_line(&build, root, RECORDING_DIGITS, out);
}
