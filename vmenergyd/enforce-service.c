/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * enforce-service.c - vDISKs that another process serves. What it spends on a vDISK counts for the
 * domain, and is held by holding the vDISK's requests back: at that process where it takes limits,
 * else by the domain's QEMU where the requests pass that.
 *
 * Such a limit is the service's: it goes with that process, and stays when the domain goes, until
 * the original is put back.
 */
#include "vmenergyd/enforce-internal.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "model/known.h"

#define REQUESTS_LEAST 20.0        /* of a period: fewer tell nothing of the cost */
#define BYTES_LEAST (20 * 65536.0) /* the same, where requests are not counted */
#define COST_GAIN 0.3
#define GUESS_S 20e-6 /* of a CPU, for a request, until some were seen */
#define ROOM_OVER 1.5 /* over what was seen, where that is more than a CPU's */
/* Decisions: a service that starts has its threads and its monitor a moment later. */
enum { SAY_AFTER = 5 };

/* --- who serves it, and how he is limited ------------------------------------------------- */

static const char *socket_of(const struct enforce_input *input, pid_t pid)
{
	for (size_t i = 0; i < input->socket_count; i++)
		if (input->sockets[i].pid == pid && strlen(input->sockets[i].path) < TARGET_TEXT)
			return input->sockets[i].path;
	return NULL;
}

/* NULL, or why its group cannot be used. */
static const char *use_group(const struct enforce_input *input,
			     const struct attachment_throttle *throttle,
			     struct target_service *service)
{
	const char *socket = socket_of(input, throttle->pid);

	if (!throttle->group[0])
		return "its export has no throttle group";
	if (throttle->for_others)
		return "its throttle group holds others back, too";
	if (!socket)
		return "no qmp-socket of the configuration is its service's monitor";
	*service = (struct target_service){ .pid = throttle->pid,
					    .start_ticks = throttle->start_ticks };
	strcpy(service->group, throttle->group);
	strcpy(service->qmp_socket, socket);
	return NULL;
}

/* Its main thread has more to do than that. */
static bool use_thread(const struct enforce_input *input, const struct attachment *attachment,
		       struct target_service *service)
{
	const struct service *of = topology_service(input->topology, attachment->pid);

	if (!attachment->tid || attachment->tid == attachment->pid || !input->holds_threads)
		return false;
	*service = (struct target_service){ .pid = attachment->pid,
					    .start_ticks = of ? of->start_ticks : 0,
					    .tid = attachment->tid };
	return true;
}

static void find_service(const struct enforce_input *input, const struct attachment *attachment,
			 struct enforce_disk *disk)
{
	const char *why_not;

	disk->is_served = true;
	if (disk->service.pid)
		return;
	why_not = use_group(input, &attachment->throttle, &disk->service);
	if (!why_not || use_thread(input, attachment, &disk->service))
		disk->why_not = NULL;
	else if (!disk->why_not)
		disk->why_not = why_not;
}

static bool is_past_qemu(const struct vdisk *vdisk)
{
	static const char scheme[] = "vhost-user:";

	return vdisk->source && strncmp(vdisk->source, scheme, strlen(scheme)) == 0;
}

static void find_of_vdisk(const struct enforce_input *input, size_t domain, size_t vdisk,
			  struct enforce_disk *disk)
{
	const struct topology *topology = input->topology;

	disk->past_qemu = is_past_qemu(&topology->domains[domain].vdisks[vdisk]);
	for (size_t i = 0; i < topology->attachment_count; i++) {
		const struct attachment *attachment = &topology->attachments[i];

		if (attachment->kind == CLIENT_VDISK && attachment->domain == domain &&
		    attachment->vdisk == vdisk)
			find_service(input, attachment, disk);
	}
}

static void find_of_disk(const struct enforce_input *input, size_t domain,
			 struct enforce_disk *disk)
{
	const struct domain *of = &input->topology->domains[domain];

	disk->is_served = disk->past_qemu = false;
	disk->service.pid = 0;
	disk->why_not = NULL;
	for (size_t i = 0; i < of->vdisk_count; i++)
		if (strncmp(disk->name, of->vdisks[i].name, sizeof disk->name - 1) == 0)
			find_of_vdisk(input, domain, i, disk);
}

void enforce_find_services(const struct enforce_input *input, struct enforce_domain *domain,
			   size_t index)
{
	for (size_t i = 0; i < domain->disks.count; i++)
		find_of_disk(input, index, &domain->disks.items[i]);
}

enum disk_way enforce_disk_way(const struct enforce_domain *domain, const struct enforce_disk *disk)
{
	const struct target *target = &domain->target;

	if (disk->service.pid > 0)
		return WAY_SERVICE;
	if (disk->past_qemu)
		return WAY_NONE;
	if (target->manager == DOMAIN_LIBVIRT || target->qmp_socket[0])
		return WAY_QEMU;
	return disk->is_served ? WAY_NONE : WAY_CGROUP;
}

bool enforce_same_service(const struct target_service *a, const struct target_service *b)
{
	return a->pid == b->pid && a->start_ticks == b->start_ticks && a->tid == b->tid &&
	       strcmp(a->group, b->group) == 0;
}

/* --- what it costs -------------------------------------------------------------------------- */

static void follow_cost(double *cost, double joules, double amount)
{
	double now = joules / amount;

	*cost = isnan(*cost) ? now : *cost + COST_GAIN * (now - *cost);
}

/* By requests, as long as their sizes stay as they are; by bytes where requests are not counted. */
void enforce_note_costs(struct enforce_disk *disk)
{
	double bytes = disk->read_bytes + disk->write_bytes;

	if (!disk->is_served) {
		disk->request_cost = disk->byte_cost = NAN;
	} else if (disk->requests >= REQUESTS_LEAST) {
		follow_cost(&disk->request_cost, disk->service_j, disk->requests);
		disk->byte_cost = NAN;
	} else if (isnan(disk->requests) && bytes >= BYTES_LEAST) {
		follow_cost(&disk->byte_cost, disk->service_j, bytes);
		disk->request_cost = NAN;
	}
}

/* Without constants of the leaf, its part of `span_w` is 0. */
static void price(const struct enforce_disk *disk, double most_w, double span_w,
		  struct disk_direction *into)
{
	double leaf_w = known(disk->span_w);
	double request_j = known(disk->request_cost), byte_j = known(disk->byte_cost);

	if (isnan(disk->request_cost) && isnan(disk->byte_cost))
		request_j = most_w * GUESS_S;

	if (leaf_w > 0) {
		request_j += leaf_w * into->overhead_s;
		byte_j += leaf_w / into->rate_bytes_s;
	}
	into->overhead_s = request_j / span_w;
	into->rate_bytes_s = span_w / byte_j; /* INFINITY: bytes cost nothing */
}

/*
 * The same constants as a disk has (model.md 3), of one that costs what the leaf and the service's
 * work cost together: what is spent at the most is the leaf's and a CPU's, or what was seen.
 */
void enforce_price_disk(const struct enforce *enforce, const struct enforce_disk *disk,
			double seconds, struct policy_disk *into)
{
	double cpu_w = fmax(known(enforce->default_w_per_cpu), known(enforce->highest_w_per_cpu));
	double driver_w = disk->service_j / seconds, most_w = fmax(cpu_w, ROOM_OVER * driver_w);

	if (!disk->is_served || !(most_w > 0))
		return;
	into->driver_w = driver_w;
	into->active_w = known(into->active_w) + driver_w;
	into->span_w = known(disk->span_w) + most_w;
	price(disk, most_w, into->span_w, &into->read);
	price(disk, most_w, into->span_w, &into->write);
}

/* --- limits that are a service's ------------------------------------------------------------ */

bool enforce_service_lives(const struct enforce *enforce, const struct target_service *service)
{
	const struct enforce_options *options = &enforce->options;

	return !options->lives ||
	       options->lives(options->lives_context, service->pid, service->start_ticks);
}

static struct enforce_disk *disk_of(const struct enforce_domain *domain,
				    const struct enforce_knob *knob)
{
	for (size_t i = 0; i < domain->disks.count; i++)
		if (strcmp(domain->disks.items[i].name, knob->vdisk) == 0)
			return &domain->disks.items[i];
	return NULL;
}

static void give_back(struct enforce_knob *knob)
{
	knob->is_former = knob->leaving = true;
	knob->has_wanted = false;
}

/* A service that was started again has its own limits, which are read before ours are put over
 * them. One that lives, and serves the vDISK no more or in another way, gets its own back. */
static void follow_service(struct enforce *enforce, struct enforce_knob *knob,
			   const struct target_service *now)
{
	const struct target_service *before = &knob->former.service;

	if (now && enforce_same_service(now, before))
		return;
	if (before->pid && !enforce_service_lives(enforce, before)) {
		enforce_knob_untake(enforce, knob);
		knob->former.service = (struct target_service){ .pid = 0 };
		knob->failures = 0;
		knob->retry_ns = 0;
		if (!now)
			enforce_knob_drop(enforce, knob);
	} else if (knob->taken && now) {
		give_back(knob);
	}
}

void enforce_follow_services(struct enforce *enforce, struct enforce_domain *domain)
{
	for (size_t i = domain->knobs.count; i-- > 0;) {
		struct enforce_knob *knob = domain->knobs.items[i];
		const struct enforce_disk *disk = disk_of(domain, knob);
		bool is_served = disk && disk->service.pid > 0;

		if (knob->knob == KNOB_DISK && (is_served || knob->former.service.pid > 0) &&
		    (!knob->is_former || knob->former.service.pid > 0))
			follow_service(enforce, knob,
				       is_served && !knob->is_former ? &disk->service : NULL);
	}
}

bool enforce_leaves_services(struct enforce *enforce, struct enforce_domain *domain)
{
	for (size_t i = domain->knobs.count; i-- > 0;) {
		struct enforce_knob *knob = domain->knobs.items[i];

		if (knob->taken && knob->former.service.pid &&
		    enforce_service_lives(enforce, &knob->former.service))
			give_back(knob);
		else
			enforce_knob_drop(enforce, knob);
	}
	domain->ended = true;
	return domain->knobs.count > 0;
}

int enforce_meet_gone(struct enforce *enforce, const struct state_domain *state)
{
	struct enforce_domain *domain;
	struct target target = state->target;
	bool is_any = false;

	for (size_t i = 0; i < state->knob_count; i++)
		is_any |= state->knobs[i].service.pid > 0 &&
			  enforce_service_lives(enforce, &state->knobs[i].service);
	if (!is_any)
		return 0;
	domain = enforce_domain_add(enforce, state->id);
	if (!domain || text_replace(&domain->name, target.name))
		return -ENOMEM;
	snprintf(target.id, sizeof target.id, "%s", domain->id);
	domain->target = target;
	domain->has_target = domain->had_state = true;
	if (enforce_knobs_adopt(enforce, domain, &target))
		return -ENOMEM;
	enforce_leaves_services(enforce, domain);
	return 0;
}

bool enforce_is_taken_there(const struct enforce *enforce, const struct enforce_knob *knob)
{
	struct target target;

	if (knob->knob != KNOB_DISK)
		return false;
	enforce_fill_target(knob, &target);
	for (size_t i = 0; i < enforce->domains.count && target.service.pid; i++) {
		const struct enforce_knobs *knobs = &enforce->domains.items[i]->knobs;

		for (size_t k = 0; k < knobs->count; k++)
			if (knobs->items[k] != knob && knobs->items[k]->taken &&
			    enforce_same_service(&knobs->items[k]->former.service, &target.service))
				return true;
	}
	return false;
}

/* --- what is said --------------------------------------------------------------------------- */

void enforce_say_services(struct enforce *enforce, struct enforce_domain *domain)
{
	for (size_t i = 0; i < domain->disks.count; i++) {
		struct enforce_disk *disk = &domain->disks.items[i];
		bool is_so = disk->why_not && enforce_disk_way(domain, disk) == WAY_NONE;

		disk->unlimited = is_so ? disk->unlimited + (disk->unlimited < SAY_AFTER) : 0;
		if (disk->unlimited == SAY_AFTER && !disk->said_why_not)
			enforce_sayf(
				enforce, true,
				"%s %s: the work of its service counts, but cannot be limited: "
				"%s",
				domain->name && *domain->name ? domain->name : domain->id,
				disk->name, disk->why_not);
		disk->said_why_not = disk->unlimited == SAY_AFTER;
	}
}
