/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire/recording-fields.h"
#include "wire/recording.h"
#include "wire/recording-sample.h"

static void file_clear(struct recording_file *file)
{
	free(file->path);
	free(file->text);
}

void recording_header_clear(struct recording_header *header)
{
	free(header->program);
	free(header->hostname);
	free(header->kernel);
	free(header->cpu_weights_why);
	file_clear(&header->cpu_weights);
	for (size_t i = 0; i < header->disk_weights_count; i++)
		file_clear(&header->disk_weights[i]);
	free(header->disk_weights);
	for (size_t i = 0; i < header->nic_weights_count; i++)
		file_clear(&header->nic_weights[i]);
	free(header->nic_weights);
	memset(header, 0, sizeof *header);
}

void recording_line_clear(struct recording_line *line)
{
	recording_header_clear(&line->header);
	if (line->topology)
		topology_unref(line->topology);
	sample_clear(&line->sample);
	memset(line, 0, sizeof *line);
}

/* Parse the member `key` into ARRAY and COUNT of a struct; a list that is not there is empty. */
#define PARSE_LIST(up, member_key, max, parse, array, count_)                                      \
	({                                                                                         \
		struct node node_ = node_member(up, member_key);                                   \
		struct node_list list_ = { 0 };                                                    \
		int result_ = 0;                                                                   \
		if (node_present(&node_))                                                          \
			result_ = node_parse_list(&node_, max, sizeof *(array), parse, &list_);    \
		(array) = list_.items;                                                             \
		(count_) = list_.count;                                                            \
		result_;                                                                           \
	})

/* --- header ---------------------------------------------------------------- */

static int parse_file(const struct node *node, void *file)
{
	return fields_parse(node, &recording_file_fields, file);
}

static int parse_events(const struct node *root, struct event_set *events)
{
	struct node list = node_member(root, "events");
	int result = node_array(&list, SAMPLE_EVENTS_MAX);

	if (result)
		return result;
	events->count = (unsigned)json_array_size(list.value);
	if (events->count == 0)
		return node_fail(&list, "has 0 elements: must be 1..%d", SAMPLE_EVENTS_MAX);
	for (unsigned i = 0; i < events->count && !result; i++) {
		struct node name = node_element(&list, i);

		result = fields_parse_one(&name, &recording_event_name, events->names[i]);
	}
	return result;
}

static int parse_header(const struct node *root, const struct topology *topology,
			struct recording_line *line)
{
	struct recording_header *header = &line->header;
	struct node format = node_member(root, "format"), weights;
	int64_t number = 0;
	int result = node_i64(&format, 1, RECORDING_FORMAT, &number);

	(void)topology;
	if (!result)
		result = fields_parse(root, &recording_header_fields, header);
	if (!result)
		result = parse_events(root, &header->events);
	weights = node_member(root, "cpu_weights");
	if (!result)
		result = parse_file(&weights, &header->cpu_weights);
	if (!result)
		result = PARSE_LIST(root, "disk_weights", RECORDING_FILES_MAX, parse_file,
				    header->disk_weights, header->disk_weights_count);
	if (!result)
		result = PARSE_LIST(root, "nic_weights", RECORDING_FILES_MAX, parse_file,
				    header->nic_weights, header->nic_weights_count);
	return result;
}

/* --- topology -------------------------------------------------------------- */

static int parse_disk(const struct node *node, void *disk)
{
	return fields_parse(node, &recording_disk_fields, disk);
}

static int parse_nic(const struct node *node, void *nic)
{
	return fields_parse(node, &recording_nic_fields, nic);
}

static int parse_index(const struct node *node, void *index)
{
	unsigned number = 0;
	int result = node_unsigned(node, RECORDING_ITEMS_MAX, &number);

	*(size_t *)index = number;
	return result;
}

static int parse_member_index(const struct node *up, const char *key, size_t *index)
{
	struct node node = node_member(up, key);

	return parse_index(&node, index);
}

static int parse_vdisk(const struct node *node, void *item)
{
	struct vdisk *vdisk = item;
	int result = fields_parse(node, &recording_vdisk_fields, vdisk);

	if (result)
		return result;
	return PARSE_LIST(node, "leaves", RECORDING_LEAVES_MAX, parse_index, vdisk->leaves,
			  vdisk->leaf_count);
}

static int parse_vnic(const struct node *node, void *item)
{
	struct vnic *vnic = item;
	int result = fields_parse(node, &recording_vnic_fields, vnic);

	if (result)
		return result;
	return PARSE_LIST(node, "leaves", RECORDING_LEAVES_MAX, parse_index, vnic->leaves,
			  vnic->leaf_count);
}

static int parse_thread(const struct node *node, void *thread)
{
	return fields_parse_array(node, &recording_thread_fields, thread);
}

static int parse_domain(const struct node *node, void *item)
{
	struct domain *domain = item;
	int result = fields_parse(node, &recording_domain_fields, domain);

	if (!result)
		result = PARSE_LIST(node, "vdisks", RECORDING_VDISKS_MAX, parse_vdisk,
				    domain->vdisks, domain->vdisk_count);
	if (!result)
		result = PARSE_LIST(node, "vnics", RECORDING_VDISKS_MAX, parse_vnic, domain->vnics,
				    domain->vnic_count);
	if (!result)
		result = PARSE_LIST(node, "threads", RECORDING_ITEMS_MAX, parse_thread,
				    domain->threads, domain->thread_count);
	return result;
}

static int parse_service(const struct node *node, void *item)
{
	struct service *service = item;
	int result = fields_parse(node, &recording_service_fields, service);

	if (result)
		return result;
	return PARSE_LIST(node, "threads", RECORDING_ITEMS_MAX, parse_thread, service->threads,
			  service->thread_count);
}

static int parse_attachment(const struct node *node, void *item)
{
	struct attachment *attachment = item;
	struct node client = node_member(node, "client");
	unsigned kind = 0;
	int result = node_word(&client, recording_client_word.parse, &kind);

	if (result)
		return result;
	attachment->kind = kind;
	if (kind == CLIENT_SERVICE) {
		result = parse_member_index(node, "service", &attachment->client);
	} else {
		result = parse_member_index(node, "domain", &attachment->domain);
		if (!result)
			result = parse_member_index(node, "vdisk", &attachment->vdisk);
	}
	if (!result)
		result = parse_member_index(node, "provider", &attachment->provider);
	return result ? result : fields_parse(node, &recording_attachment_fields, attachment);
}

static int parse_note(const struct node *node, void *note)
{
	return fields_parse_one(node, &recording_note, note);
}

static int parse_lists(const struct node *root, struct topology *topology)
{
	int result = PARSE_LIST(root, "disks", RECORDING_ITEMS_MAX, parse_disk, topology->disks,
				topology->disk_count);

	if (!result)
		result = PARSE_LIST(root, "nics", RECORDING_ITEMS_MAX, parse_nic, topology->nics,
				    topology->nic_count);
	if (!result)
		result = PARSE_LIST(root, "domains", RECORDING_ITEMS_MAX, parse_domain,
				    topology->domains, topology->domain_count);
	if (!result)
		result = PARSE_LIST(root, "services", RECORDING_ITEMS_MAX, parse_service,
				    topology->services, topology->service_count);
	if (!result)
		result = PARSE_LIST(root, "attachments", RECORDING_ITEMS_MAX, parse_attachment,
				    topology->attachments, topology->attachment_count);
	if (!result)
		result = PARSE_LIST(root, "notes", RECORDING_NOTES_MAX, parse_note, topology->notes,
				    topology->note_count);
	return result;
}

static int parse_topology(const struct node *root, const struct topology *before,
			  struct recording_line *line)
{
	struct node cpu = node_member(root, "cpu");
	struct topology *topology = topology_new();
	int result;

	(void)before;
	if (!topology)
		return node_no_memory(root);
	line->topology = topology;
	cpu_identity_clear(&topology->cpu); /* its texts are read, not kept */
	result = fields_parse(root, &recording_topology_fields, topology);
	if (!result)
		result = fields_parse(&cpu, &recording_cpu_fields, &topology->cpu);
	if (!result)
		result = parse_lists(root, topology);
	if (result)
		return result;
	result = topology_check(topology, root->error);
	return result ? error_prefixf(root->error, result, "topology") : 0;
}

/* --- any line -------------------------------------------------------------- */

static const struct {
	const char *word;
	enum recording_kind kind;
	int (*parse)(const struct node *root, const struct topology *topology,
		     struct recording_line *line);
} records[] = {
	{ "header", RECORDING_HEADER, parse_header },
	{ "topology", RECORDING_TOPOLOGY, parse_topology },
	{ "sample", RECORDING_SAMPLE, recording_parse_sample },
};

static int parse_record(const json_t *value, const struct topology *topology,
			struct recording_line *line, struct error *error)
{
	struct node root = node_root(value, "record", error), kind = node_member(&root, "kind");
	const char *word = json_string_value(kind.value);

	for (size_t i = 0; word && i < sizeof records / sizeof *records; i++) {
		if (strcmp(records[i].word, word) != 0)
			continue;
		root.key = word;
		line->kind = records[i].kind;
		return records[i].parse(&root, topology, line);
	}
	return node_fail(&kind, "must be \"header\", \"topology\" or \"sample\"");
}

int recording_parse(const char *text, size_t length, const struct topology *topology,
		    struct recording_line *line, struct error *error)
{
	json_error_t wrong;
	json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &wrong);
	int result;

	memset(line, 0, sizeof *line);
	if (!value)
		return error_setf(error,
				  json_error_code(&wrong) == json_error_out_of_memory ? ENOMEM
										      : EINVAL,
				  "column %d: %s", wrong.column, wrong.text);
	result = parse_record(value, topology, line, error);
	if (result)
		recording_line_clear(line);
	json_decref(value);
	return result;
}
