/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/recording-sample.h"

#include <inttypes.h>

#include "wire/recording-fields.h"

/* Absolute zero; hotter than anything that computes. */
#define CELSIUS_MIN (-273.15)
#define CELSIUS_MAX 1000.0

/* --- readings -------------------------------------------------------------- */

static int parse_cpu_reading(const struct node *node, void *item)
{
	struct cpu_reading *reading = item;
	size_t head = recording_cpu_reading_fields.count, size = json_array_size(node->value);
	int result;

	if (!node_present(node))
		return 0; /* not read: stays clear */
	result = node_array(node, head + SAMPLE_EVENTS_MAX);
	if (!result)
		result = fields_parse_array(node, &recording_cpu_reading_fields, reading);
	for (size_t i = head; i < size && !result; i++) {
		struct node count = node_element(node, i);

		result = node_u64(&count, &reading->count[i - head]);
	}
	return result;
}

static int parse_io_reading(const struct node *node, void *item)
{
	struct io_reading *reading = item;
	const struct field_table *fields = &recording_bytes_fields;
	size_t size = json_array_size(node->value);

	if (!node_present(node))
		return 0;
	reading->has_requests = size > recording_bytes_fields.count;
	reading->has_service = size >= recording_service_io_fields.count;
	if (reading->has_requests)
		fields = &recording_requests_fields;
	if (reading->has_service)
		fields = &recording_service_io_fields;
	return fields_parse_array(node, fields, reading);
}

static int parse_net_reading(const struct node *node, void *reading)
{
	return node_present(node) ? fields_parse_array(node, &recording_net_reading_fields, reading)
				  : 0;
}

static int parse_service_reading(const struct node *node, void *reading)
{
	return parse_cpu_reading(node, &((struct service_reading *)reading)->total);
}

static int parse_member_reading(const struct node *up, const char *key, node_parser *parse,
				void *reading)
{
	struct node node = node_member(up, key);

	return parse(&node, reading);
}

/* It may be below zero, unlike what a table of fields holds. Left out: stays unknown. */
static int parse_temperature(const struct node *node, double *temperature_c)
{
	double value;
	int result;

	if (!node_present(node))
		return 0;
	result = node_real(node, &value);
	if (result)
		return result;
	if (value < CELSIUS_MIN || value > CELSIUS_MAX)
		return node_fail(node, "must be %g..%g", CELSIUS_MIN, CELSIUS_MAX);
	*temperature_c = value;
	return 0;
}

static int parse_package(const struct node *node, void *item)
{
	struct package_reading *package = item;
	int result = fields_parse(node, &recording_package_fields, package);
	struct node temperature;

	if (!result)
		result = parse_member_reading(node, "total", parse_cpu_reading, &package->total);
	temperature = node_member(node, "temperature_c");
	return result ? result : parse_temperature(&temperature, &package->temperature_c);
}

/* --- arrays that run parallel to the topology ------------------------------ */

struct parallel {
	const char *key;
	void *items;
	size_t count, item_bytes;
	node_parser *parse;
};

static int check_elements(const struct node *array, size_t count)
{
	int result = node_array(array, SIZE_MAX);

	if (!result && json_array_size(array->value) != count)
		result = node_fail(array, "has %zu elements: the topology has %zu",
				   json_array_size(array->value), count);
	return result;
}

/* The array `key` of exactly `count` elements; it may be left out when there are none. */
static int open_parallel(const struct node *up, const char *key, size_t count, struct node *array)
{
	*array = node_member(up, key);
	return count == 0 && !node_present(array) ? 0 : check_elements(array, count);
}

static int parse_elements(const struct node *array, const struct parallel *parallel)
{
	int result = 0;

	for (size_t i = 0; i < parallel->count && !result; i++) {
		struct node element = node_element(array, i);

		result = parallel->parse(&element,
					 (char *)parallel->items + i * parallel->item_bytes);
	}
	return result;
}

static int parse_parallel(const struct node *up, const struct parallel *parallel)
{
	struct node array;
	int result = open_parallel(up, parallel->key, parallel->count, &array);

	return result ? result : parse_elements(&array, parallel);
}

#define PARALLEL(key, items, count, parse)                                                         \
	&(const struct parallel)                                                                   \
	{                                                                                          \
		(key), (items), (count), sizeof *(items), (parse)                                  \
	}

static int parse_domain_reading(const struct node *node, const struct domain *domain,
				struct domain_reading *reading)
{
	int result = fields_parse(node, &recording_reading_fields, reading);

	if (!result)
		result = parse_member_reading(node, "total", parse_cpu_reading, &reading->total);
	if (!result)
		result = parse_parallel(node, PARALLEL("threads", reading->threads,
						       domain->thread_count, parse_cpu_reading));
	if (!result)
		result = parse_parallel(node, PARALLEL("vdisks", reading->vdisks,
						       domain->vdisk_count, parse_io_reading));
	if (!result)
		result = parse_parallel(node, PARALLEL("vnics", reading->vnics, domain->vnic_count,
						       parse_net_reading));
	return result;
}

static int parse_domains(const struct node *root, const struct topology *topology,
			 struct sample *sample)
{
	struct node array;
	int result = open_parallel(root, "domains", topology->domain_count, &array);

	for (size_t i = 0; i < topology->domain_count && !result; i++) {
		struct node element = node_element(&array, i);

		result = parse_domain_reading(&element, &topology->domains[i], &sample->domains[i]);
	}
	return result;
}

/* Left out: none of their threads was read. */
static int parse_service_threads(const struct node *root, const struct topology *topology,
				 struct sample *sample)
{
	struct node array = node_member(root, "service_threads");
	int result;

	if (!node_present(&array))
		return 0;
	result = open_parallel(root, "service_threads", topology->service_count, &array);
	for (size_t i = 0; i < topology->service_count && !result; i++) {
		struct node element = node_element(&array, i);

		result = check_elements(&element, topology->services[i].thread_count);
		if (result)
			break;
		result = parse_elements(&element, PARALLEL(NULL, sample->services[i].threads,
							   topology->services[i].thread_count,
							   parse_cpu_reading));
	}
	return result;
}

/* --- the rest -------------------------------------------------------------- */

static int parse_packages(const struct node *root, struct sample *sample)
{
	struct node array = node_member(root, "packages");
	int result = node_present(&array) ? node_array(&array, SAMPLE_PACKAGES_MAX) : 0;
	size_t count = json_array_size(array.value);

	for (size_t i = 0; i < count && !result; i++) {
		struct node element = node_element(&array, i);

		result = parse_package(&element, &sample->packages[i]);
		sample->package_count++;
	}
	return result;
}

static int parse_issued(const struct node *node, const struct topology *topology,
			struct issued_reading *issued)
{
	struct node domain = node_member(node, "domain"), disk = node_member(node, "disk");
	int64_t domain_index = 0, disk_index = 0;
	int result = node_object(node);

	if (!result)
		result = node_i64(&domain, 0, (int64_t)topology->domain_count - 1, &domain_index);
	if (!result)
		result = node_i64(&disk, ISSUED_ANY_DISK, (int64_t)topology->disk_count - 1,
				  &disk_index);
	issued->domain = (size_t)domain_index;
	issued->disk = (int)disk_index;
	return result ? result : parse_member_reading(node, "io", parse_io_reading, &issued->io);
}

static int parse_issued_list(const struct node *root, const struct topology *topology,
			     struct sample *sample)
{
	struct node array = node_member(root, "issued");
	int result = node_present(&array) ? node_array(&array, RECORDING_ITEMS_MAX) : 0;
	size_t count = json_array_size(array.value);

	for (size_t i = 0; i < count && !result; i++) {
		struct node element = node_element(&array, i);
		struct issued_reading *issued = sample_add_issued(sample);

		if (!issued)
			return node_no_memory(&array);
		result = parse_issued(&element, topology, issued);
	}
	return result;
}

static int parse_head_reading(const struct node *node, struct head_reading *head)
{
	int result = fields_parse(node, &recording_head_fields, head);

	return result ? result : parse_member_reading(node, "cpu", parse_cpu_reading, &head->cpu);
}

static int parse_heads(const struct node *root, struct sample *sample)
{
	struct node array = node_member(root, "heads");
	int result = node_present(&array) ? node_array(&array, SAMPLE_HEADS_MAX) : 0;
	size_t count = json_array_size(array.value);

	for (size_t i = 0; i < count && !result; i++) {
		struct node element = node_element(&array, i);
		struct head_reading *head = sample_add_head(sample);

		if (!head)
			return node_no_memory(&array);
		result = parse_head_reading(&element, head);
	}
	return result ? result
		      : parse_member_reading(root, "on_cpu", parse_cpu_reading, &sample->on_cpu);
}

static int parse_lists(const struct node *root, const struct topology *topology,
		       struct sample *sample)
{
	int result = parse_parallel(root, PARALLEL("services", sample->services,
						   sample->service_count, parse_service_reading));

	if (!result)
		result = parse_service_threads(root, topology, sample);
	if (!result)
		result = parse_parallel(root, PARALLEL("disks", sample->disks, sample->disk_count,
						       parse_io_reading));
	if (!result)
		result = parse_parallel(root, PARALLEL("attachments", sample->attachments,
						       sample->attachment_count, parse_io_reading));
	if (!result)
		result = parse_parallel(
			root, PARALLEL("nics", sample->nics, sample->nic_count, parse_net_reading));
	if (!result)
		result = parse_issued_list(root, topology, sample);
	return result ? result : parse_heads(root, sample);
}

/* The sample's own numbers; what they must agree with. */
static int parse_head(const struct node *root, const struct topology *topology,
		      struct sample *sample)
{
	struct node generation = node_member(root, "generation"), end = node_member(root, "end_ns");
	int result = fields_parse(root, &recording_sample_fields, sample);

	if (result)
		return result;
	if (sample->generation != topology->generation)
		return node_fail(&generation, "%" PRIu64 ", but the topology before it is %" PRIu64,
				 sample->generation, topology->generation);
	if (sample->end_ns < sample->begin_ns)
		return node_fail(&end, "must not be before begin_ns");
	return 0;
}

int recording_parse_sample(const struct node *root, const struct topology *topology,
			   struct recording_line *line)
{
	struct sample *sample = &line->sample;
	int result;

	if (!topology)
		return node_fail(root, "stands before any topology");
	if (sample_prepare(sample, topology))
		return node_no_memory(root);
	result = parse_head(root, topology, sample);
	if (!result)
		result = parse_packages(root, sample);
	if (!result)
		result = parse_member_reading(root, "own", parse_cpu_reading, &sample->own);
	if (!result)
		result = parse_domains(root, topology, sample);
	return result ? result : parse_lists(root, topology, sample);
}
