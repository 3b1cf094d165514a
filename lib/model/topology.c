/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/topology.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "model/words.h"

/* --- words ----------------------------------------------------------------- */

static const char *const state_words[] = {
	[DOMAIN_RUNNING] = "running",
	[DOMAIN_PAUSED] = "paused",
	[DOMAIN_ENDED] = "ended",
};
static const char *const role_words[] = {
	[THREAD_VCPU] = "vcpu",     [THREAD_EMULATOR] = "emulator", [THREAD_IOTHREAD] = "iothread",
	[THREAD_WORKER] = "worker", [THREAD_VHOST] = "vhost",       [THREAD_KVM] = "kvm",
};
static const char *const backing_words[] = {
	[VDISK_LOCAL] = "local",
	[VDISK_NETWORK] = "network",
	[VDISK_EMPTY] = "empty",
	[VDISK_UNKNOWN] = "unknown",
};
static const char *const manager_words[] = {
	[DOMAIN_LIBVIRT] = "libvirt",
	[DOMAIN_QEMU] = "qemu",
};

const char *domain_state_name(enum domain_state state)
{
	return words_name(state_words, WORDS_COUNT(state_words), state);
}

const char *thread_role_name(enum thread_role role)
{
	return words_name(role_words, WORDS_COUNT(role_words), role);
}

const char *vdisk_backing_name(enum vdisk_backing backing)
{
	return words_name(backing_words, WORDS_COUNT(backing_words), backing);
}

const char *domain_manager_name(enum domain_manager manager)
{
	return words_name(manager_words, WORDS_COUNT(manager_words), manager);
}

int domain_state_parse(const char *word)
{
	return words_parse(state_words, WORDS_COUNT(state_words), word);
}

int thread_role_parse(const char *word)
{
	return words_parse(role_words, WORDS_COUNT(role_words), word);
}

int vdisk_backing_parse(const char *word)
{
	return words_parse(backing_words, WORDS_COUNT(backing_words), word);
}

int domain_manager_parse(const char *word)
{
	return words_parse(manager_words, WORDS_COUNT(manager_words), word);
}

/* --- ownership ------------------------------------------------------------- */

void vdisk_clear(struct vdisk *vdisk)
{
	free(vdisk->name);
	free(vdisk->source);
	free(vdisk->reason);
	free(vdisk->leaves);
	memset(vdisk, 0, sizeof *vdisk);
}

void vnic_clear(struct vnic *vnic)
{
	free(vnic->name);
	free(vnic->reason);
	free(vnic->leaves);
	memset(vnic, 0, sizeof *vnic);
}

void domain_clear(struct domain *domain)
{
	free(domain->id);
	free(domain->name);
	free(domain->uuid);
	free(domain->owner);
	free(domain->reason);
	free(domain->cgroup);
	free(domain->connection);
	for (size_t i = 0; i < domain->vdisk_count; i++)
		vdisk_clear(&domain->vdisks[i]);
	for (size_t i = 0; i < domain->vnic_count; i++)
		vnic_clear(&domain->vnics[i]);
	free(domain->vdisks);
	free(domain->vnics);
	free(domain->threads);
	memset(domain, 0, sizeof *domain);
}

void service_clear(struct service *service)
{
	free(service->id);
	free(service->name);
	free(service->threads);
	memset(service, 0, sizeof *service);
}

void disk_clear(struct disk *disk)
{
	free(disk->name);
	free(disk->model);
	memset(disk, 0, sizeof *disk);
}

void nic_clear(struct nic *nic)
{
	free(nic->name);
	free(nic->driver);
	free(nic->model);
	memset(nic, 0, sizeof *nic);
}

void cpu_identity_clear(struct cpu_identity *cpu)
{
	free(cpu->vendor);
	free(cpu->model_name);
	memset(cpu, 0, sizeof *cpu);
}

struct topology *topology_new(void)
{
	struct topology *topology = calloc(1, sizeof *topology);

	if (!topology)
		return NULL;
	topology->references = 1;
	topology->cpu.vendor = strdup("");
	topology->cpu.model_name = strdup("");
	if (!topology->cpu.vendor || !topology->cpu.model_name) {
		topology_unref(topology);
		return NULL;
	}
	return topology;
}

/* The reference count is the one thing that changes in a shared, const topology. */
static struct topology *writable(const struct topology *topology)
{
	return (struct topology *)(uintptr_t)topology;
}

struct topology *topology_ref(const struct topology *topology)
{
	struct topology *shared = writable(topology);

	if (shared)
		__atomic_add_fetch(&shared->references, 1, __ATOMIC_RELAXED);
	return shared;
}

static void topology_free(struct topology *topology)
{
	cpu_identity_clear(&topology->cpu);
	for (size_t i = 0; i < topology->domain_count; i++)
		domain_clear(&topology->domains[i]);
	for (size_t i = 0; i < topology->disk_count; i++)
		disk_clear(&topology->disks[i]);
	for (size_t i = 0; i < topology->nic_count; i++)
		nic_clear(&topology->nics[i]);
	for (size_t i = 0; i < topology->service_count; i++)
		service_clear(&topology->services[i]);
	for (size_t i = 0; i < topology->note_count; i++)
		free(topology->notes[i]);
	free(topology->domains);
	free(topology->disks);
	free(topology->nics);
	free(topology->services);
	free(topology->attachments);
	free(topology->notes);
	free(topology);
}

void topology_unref(const struct topology *topology)
{
	struct topology *shared = writable(topology);

	if (shared && __atomic_sub_fetch(&shared->references, 1, __ATOMIC_ACQ_REL) == 0)
		topology_free(shared);
}

const struct service *topology_service(const struct topology *topology, pid_t pid)
{
	for (size_t i = 0; i < topology->service_count; i++)
		if (topology->services[i].pid == pid)
			return &topology->services[i];
	return NULL;
}

/* --- inside bounds --------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_ints(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/* Sorts `ids`. */
static int check_unique(const char **ids, size_t count, const char *what, struct error *error)
{
	qsort(ids, count, sizeof *ids, compare_ids);
	for (size_t i = 1; i < count; i++)
		if (strcmp(ids[i - 1], ids[i]) == 0)
			return error_setf(error, EINVAL, "%s: two have the id '%s'", what, ids[i]);
	return 0;
}

static int check_ids(const struct topology *topology, struct error *error)
{
	size_t domains = topology->domain_count, services = topology->service_count;
	const char **ids = calloc(domains + services + 1, sizeof *ids);
	int result;

	if (!ids)
		return error_setf(error, ENOMEM, "out of memory");
	for (size_t i = 0; i < domains; i++)
		ids[i] = topology->domains[i].id;
	for (size_t i = 0; i < services; i++)
		ids[domains + i] = topology->services[i].id;
	result = check_unique(ids, domains, "domains", error);
	if (!result)
		result = check_unique(ids + domains, services, "services", error);
	free(ids);
	return result;
}

static int check_vcpu_numbers(const struct domain *domain, struct error *error)
{
	int *numbers = calloc(domain->thread_count + 1, sizeof *numbers);
	size_t count = 0;
	int result = 0;

	if (!numbers)
		return error_setf(error, ENOMEM, "out of memory");
	for (size_t i = 0; i < domain->thread_count; i++)
		if (domain->threads[i].vcpu >= 0)
			numbers[count++] = domain->threads[i].vcpu;
	qsort(numbers, count, sizeof *numbers, compare_ints);
	for (size_t i = 1; i < count && !result; i++)
		if (numbers[i - 1] == numbers[i])
			result = error_setf(error, EINVAL, "threads: two run vCPU %d", numbers[i]);
	free(numbers);
	return result;
}

static int check_threads(const struct thread *threads, size_t count, size_t vdisk_count,
			 struct error *error)
{
	for (size_t i = 0; i < count; i++) {
		const struct thread *thread = &threads[i];

		if (thread->role > THREAD_KVM)
			return error_setf(error, EINVAL, "threads[%zu].role: unknown", i);
		if (thread->vcpu < VCPU_ALL)
			return error_setf(error, EINVAL, "threads[%zu].vcpu: must be %d or more", i,
					  VCPU_ALL);
		if (thread->vdisk < VDISK_NONE || thread->vdisk >= (long long)vdisk_count)
			return error_setf(error, EINVAL,
					  "threads[%zu].vdisk: %d is none of %zu vDISKs", i,
					  thread->vdisk, vdisk_count);
	}
	return 0;
}

struct leaves {
	const size_t *items;
	size_t count;
};

static int check_leaves(struct leaves leaves, size_t all, const char *what, struct error *error)
{
	for (size_t i = 0; i < leaves.count; i++) {
		if (leaves.items[i] >= all)
			return error_setf(error, EINVAL, "leaves[%zu]: %zu is none of %zu %s", i,
					  leaves.items[i], all, what);
		if (i > 0 && leaves.items[i] <= leaves.items[i - 1])
			return error_setf(error, EINVAL, "leaves[%zu]: must ascend", i);
	}
	return 0;
}

static int check_vdisk(const struct vdisk *vdisk, size_t disk_count, struct error *error)
{
	if (!vdisk->name || !vdisk->source)
		return error_setf(error, EINVAL, "without a name or a source");
	if (vdisk->backing > VDISK_UNKNOWN)
		return error_setf(error, EINVAL, "backing: unknown");
	if (vdisk->write_copies != 0 && !(vdisk->write_copies >= 1 && vdisk->write_copies <= 1024))
		return error_setf(error, EINVAL, "write_copies: %g is not in 1..1024",
				  vdisk->write_copies);
	return check_leaves((struct leaves){ vdisk->leaves, vdisk->leaf_count }, disk_count,
			    "disks", error);
}

static int check_vnics(const struct domain *domain, size_t nic_count, struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < domain->vnic_count && !result; i++) {
		const struct vnic *vnic = &domain->vnics[i];

		if (!vnic->name)
			result = error_setf(error, EINVAL, "without a name");
		else
			result = check_leaves((struct leaves){ vnic->leaves, vnic->leaf_count },
					      nic_count, "nics", error);
		if (result)
			result = error_prefixf(error, result, "vnics[%zu]", i);
	}
	return result;
}

static int check_domain(const struct domain *domain, const struct topology *topology,
			struct error *error)
{
	int result;

	if (!domain->id || !domain->name)
		return error_setf(error, EINVAL, "without an id or a name");
	if (domain->state > DOMAIN_ENDED || domain->manager > DOMAIN_QEMU)
		return error_setf(error, EINVAL, "state or manager: unknown");
	if (!isfinite(domain->cpu_weight) || domain->cpu_weight < 0)
		return error_setf(error, EINVAL, "cpu_weight: must be 0 or more");
	for (size_t i = 0; i < domain->vdisk_count; i++) {
		result = check_vdisk(&domain->vdisks[i], topology->disk_count, error);
		if (result)
			return error_prefixf(error, result, "vdisks[%zu]", i);
	}
	result = check_vnics(domain, topology->nic_count, error);
	if (!result)
		result = check_threads(domain->threads, domain->thread_count, domain->vdisk_count,
				       error);
	return result ? result : check_vcpu_numbers(domain, error);
}

static int check_service(const struct service *service, struct error *error)
{
	if (!service->id || !service->name)
		return error_setf(error, EINVAL, "without an id or a name");
	if (!isfinite(service->idle_units) || service->idle_units < 0)
		return error_setf(error, EINVAL, "idle_units: must be 0 or more");
	return check_threads(service->threads, service->thread_count, 0, error);
}

static int check_attachment(const struct topology *topology, const struct attachment *attachment,
			    struct error *error)
{
	bool client;

	switch (attachment->kind) {
	case CLIENT_VDISK:
		client = attachment->domain < topology->domain_count &&
			 attachment->vdisk < topology->domains[attachment->domain].vdisk_count;
		break;
	case CLIENT_SERVICE:
		client = attachment->client < topology->service_count;
		break;
	default:
		client = false;
	}
	if (!client)
		return error_setf(error, EINVAL, "client: does not exist");
	if (attachment->provider >= topology->service_count)
		return error_setf(error, EINVAL, "provider: %zu is none of %zu services",
				  attachment->provider, topology->service_count);
	if (attachment->own_thread > topology->services[attachment->provider].thread_count)
		return error_setf(error, EINVAL, "own_thread: %u is none of %zu threads",
				  attachment->own_thread,
				  topology->services[attachment->provider].thread_count);
	return 0;
}

int topology_check(const struct topology *topology, struct error *error)
{
	int result;

	if (!topology->cpu.vendor || !topology->cpu.model_name)
		return error_setf(error, EINVAL, "cpu: without a vendor or a model name");
	for (size_t i = 0; i < topology->disk_count; i++)
		if (!topology->disks[i].name || !topology->disks[i].model)
			return error_setf(error, EINVAL, "disks[%zu]: without a name or a model",
					  i);
	for (size_t i = 0; i < topology->nic_count; i++)
		if (!topology->nics[i].name || !topology->nics[i].driver ||
		    !topology->nics[i].model)
			return error_setf(error, EINVAL,
					  "nics[%zu]: without a name, driver or model", i);
	for (size_t i = 0; i < topology->domain_count; i++) {
		result = check_domain(&topology->domains[i], topology, error);
		if (result)
			return error_prefixf(error, result, "domains[%zu]", i);
	}
	for (size_t i = 0; i < topology->service_count; i++) {
		result = check_service(&topology->services[i], error);
		if (result)
			return error_prefixf(error, result, "services[%zu]", i);
	}
	for (size_t i = 0; i < topology->attachment_count; i++) {
		result = check_attachment(topology, &topology->attachments[i], error);
		if (result)
			return error_prefixf(error, result, "attachments[%zu]", i);
	}
	return check_ids(topology, error);
}

/* --- equality -------------------------------------------------------------- */

/* As stored: a NaN equals itself, which tells "unchanged" from "changed". */
static bool same_double(double a, double b)
{
	return memcmp(&a, &b, sizeof a) == 0;
}

static bool same_cpu(const struct cpu_identity *a, const struct cpu_identity *b)
{
	return text_equal(a->vendor, b->vendor) && text_equal(a->model_name, b->model_name) &&
	       a->family == b->family && a->model == b->model && a->stepping == b->stepping &&
	       a->cpus == b->cpus && a->cores == b->cores && a->chips == b->chips &&
	       a->tsc_hz == b->tsc_hz;
}

static bool same_disk(const void *first, const void *second)
{
	const struct disk *a = first, *b = second;

	return text_equal(a->name, b->name) && text_equal(a->model, b->model) &&
	       a->major == b->major && a->minor == b->minor && a->rotational == b->rotational &&
	       a->size_bytes == b->size_bytes;
}

static bool same_nic(const void *first, const void *second)
{
	const struct nic *a = first, *b = second;

	return text_equal(a->name, b->name) && text_equal(a->driver, b->driver) &&
	       text_equal(a->model, b->model) && a->speed_mbits == b->speed_mbits && a->up == b->up;
}

static bool same_leaves(struct leaves a, struct leaves b)
{
	return a.count == b.count &&
	       (a.count == 0 || memcmp(a.items, b.items, a.count * sizeof *a.items) == 0);
}

static bool same_vnic(const void *first, const void *second)
{
	const struct vnic *a = first, *b = second;

	return text_equal(a->name, b->name) && text_equal(a->reason, b->reason) &&
	       a->unseen == b->unseen && a->swapped == b->swapped &&
	       same_leaves((struct leaves){ a->leaves, a->leaf_count },
			   (struct leaves){ b->leaves, b->leaf_count });
}

static bool same_vdisk(const void *first, const void *second)
{
	const struct vdisk *a = first, *b = second;

	return text_equal(a->name, b->name) && text_equal(a->source, b->source) &&
	       a->backing == b->backing && text_equal(a->reason, b->reason) &&
	       a->direct == b->direct && a->write_copies == b->write_copies &&
	       same_leaves((struct leaves){ a->leaves, a->leaf_count },
			   (struct leaves){ b->leaves, b->leaf_count });
}

static bool same_thread(const void *first, const void *second)
{
	const struct thread *a = first, *b = second;

	return a->tid == b->tid && a->start_ticks == b->start_ticks && a->role == b->role &&
	       a->vcpu == b->vcpu && a->vdisk == b->vdisk && a->sampled == b->sampled &&
	       strncmp(a->name, b->name, sizeof a->name) == 0;
}

struct array {
	const void *items;
	size_t count;
};

static bool same_array(struct array a, struct array b, size_t item_bytes,
		       bool (*same)(const void *, const void *))
{
	if (a.count != b.count)
		return false;
	for (size_t i = 0; i < a.count; i++)
		if (!same((const char *)a.items + i * item_bytes,
			  (const char *)b.items + i * item_bytes))
			return false;
	return true;
}

#define SAME_ARRAY(a, b, items, count, same)                                                       \
	same_array((struct array){ (a)->items, (a)->count },                                       \
		   (struct array){ (b)->items, (b)->count }, sizeof *(a)->items, same)

static bool same_domain(const void *first, const void *second)
{
	const struct domain *a = first, *b = second;

	return text_equal(a->id, b->id) && text_equal(a->name, b->name) &&
	       text_equal(a->uuid, b->uuid) && text_equal(a->owner, b->owner) &&
	       a->state == b->state && a->manager == b->manager &&
	       text_equal(a->reason, b->reason) && a->pid == b->pid &&
	       a->start_ticks == b->start_ticks && a->start_ns == b->start_ns &&
	       a->end_ns == b->end_ns && a->vcpus == b->vcpus &&
	       same_double(a->cpu_weight, b->cpu_weight) && text_equal(a->cgroup, b->cgroup) &&
	       text_equal(a->connection, b->connection) &&
	       SAME_ARRAY(a, b, vdisks, vdisk_count, same_vdisk) &&
	       SAME_ARRAY(a, b, vnics, vnic_count, same_vnic) &&
	       SAME_ARRAY(a, b, threads, thread_count, same_thread);
}

static bool same_service(const void *first, const void *second)
{
	const struct service *a = first, *b = second;

	return text_equal(a->id, b->id) && text_equal(a->name, b->name) && a->pid == b->pid &&
	       a->start_ticks == b->start_ticks && same_double(a->idle_units, b->idle_units) &&
	       SAME_ARRAY(a, b, threads, thread_count, same_thread);
}

static bool same_throttle(const struct attachment_throttle *a, const struct attachment_throttle *b)
{
	return a->pid == b->pid && a->start_ticks == b->start_ticks &&
	       strcmp(a->group, b->group) == 0 && a->for_others == b->for_others;
}

static bool same_file(const struct attachment_file *a, const struct attachment_file *b)
{
	return a->pid == b->pid && a->major == b->major && a->minor == b->minor &&
	       a->inode == b->inode && a->is_estimate == b->is_estimate;
}

static bool same_attachment(const void *first, const void *second)
{
	const struct attachment *a = first, *b = second;

	if (a->kind != b->kind || a->provider != b->provider || a->pid != b->pid ||
	    a->own_thread != b->own_thread || a->own_alone != b->own_alone || a->tid != b->tid ||
	    a->major != b->major || a->minor != b->minor || !same_file(&a->file, &b->file) ||
	    !same_throttle(&a->throttle, &b->throttle))
		return false;
	return a->kind == CLIENT_SERVICE ? a->client == b->client
					 : a->domain == b->domain && a->vdisk == b->vdisk;
}

static bool same_note(const void *first, const void *second)
{
	return text_equal(*(const char *const *)first, *(const char *const *)second);
}

bool topology_equal(const struct topology *a, const struct topology *b)
{
	return same_cpu(&a->cpu, &b->cpu) && SAME_ARRAY(a, b, domains, domain_count, same_domain) &&
	       SAME_ARRAY(a, b, disks, disk_count, same_disk) &&
	       SAME_ARRAY(a, b, nics, nic_count, same_nic) &&
	       SAME_ARRAY(a, b, services, service_count, same_service) &&
	       SAME_ARRAY(a, b, attachments, attachment_count, same_attachment) &&
	       SAME_ARRAY(a, b, notes, note_count, same_note);
}
