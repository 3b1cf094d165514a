/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/ticks.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/text.h"

/* --- figures, by struct ---------------------------------------------------------------------- */

enum how {
	POWER, /* a mean; what knew it for a part of the time alone lacks a part */
	MEAN,  /* a mean over the time that it was known */
	COUNT, /* of the tick */
};
struct field {
	size_t offset;
	enum how how;
};
struct fields {
	const struct field *items;
	size_t count;
};
#define FIELDS(name, ...)                                                                          \
	static const struct field name##_items[] = { __VA_ARGS__ };                                \
	static const struct fields name = { name##_items,                                          \
					    sizeof name##_items / sizeof *name##_items }
#define AT(type, member, how)                                                                      \
	{                                                                                          \
		offsetof(struct type, member), how                                                 \
	}

FIELDS(of_host, AT(snapshot_host, total_w, POWER), AT(snapshot_host, cpu_idle_w, POWER),
       AT(snapshot_host, cpu_active_w, POWER), AT(snapshot_host, disk_idle_w, POWER),
       AT(snapshot_host, disk_active_w, POWER), AT(snapshot_host, net_idle_w, POWER),
       AT(snapshot_host, net_active_w, POWER), AT(snapshot_host, kept_w, POWER),
       AT(snapshot_host, metered_w, MEAN), AT(snapshot_host, residual_w, MEAN));
FIELDS(of_domain, AT(snapshot_domain, cpu.idle_w, POWER), AT(snapshot_domain, cpu.active_w, POWER),
       AT(snapshot_domain, disk.idle_w, POWER), AT(snapshot_domain, disk.active_w, POWER),
       AT(snapshot_domain, service.idle_w, POWER), AT(snapshot_domain, service.active_w, POWER),
       AT(snapshot_domain, net.idle_w, POWER), AT(snapshot_domain, net.active_w, POWER),
       AT(snapshot_domain, total_w, POWER), AT(snapshot_domain, error_w, MEAN),
       AT(snapshot_domain, cpu_percent, MEAN), AT(snapshot_domain, control.headroom_w, MEAN),
       AT(snapshot_domain, throttle_cpu, MEAN), AT(snapshot_domain, throttle_disk, MEAN));
FIELDS(of_vcpu, AT(snapshot_vcpu, active_w, POWER), AT(snapshot_vcpu, cpu_percent, MEAN));
FIELDS(of_vdisk, AT(snapshot_vdisk, idle_w, POWER), AT(snapshot_vdisk, active_w, POWER),
       AT(snapshot_vdisk, service_idle_w, POWER), AT(snapshot_vdisk, service_active_w, POWER),
       AT(snapshot_vdisk, read_bytes, COUNT), AT(snapshot_vdisk, write_bytes, COUNT),
       AT(snapshot_vdisk, requests, COUNT));
FIELDS(of_vnic, AT(snapshot_vnic, idle_w, POWER), AT(snapshot_vnic, active_w, POWER),
       AT(snapshot_vnic, service_active_w, POWER), AT(snapshot_vnic, rx_bytes, COUNT),
       AT(snapshot_vnic, tx_bytes, COUNT), AT(snapshot_vnic, packets, COUNT));
FIELDS(of_kept, AT(snapshot_kept, idle_w, POWER), AT(snapshot_kept, active_w, POWER));
FIELDS(of_service, AT(snapshot_service, idle_w, POWER), AT(snapshot_service, active_w, POWER));
FIELDS(of_package, AT(snapshot_package, active_w, POWER), AT(snapshot_package, frequency_hz, MEAN));
FIELDS(of_disk, AT(snapshot_disk, idle_w, POWER), AT(snapshot_disk, active_w, POWER),
       AT(snapshot_disk, busy_percent, MEAN), AT(snapshot_disk, read_bytes, COUNT),
       AT(snapshot_disk, write_bytes, COUNT), AT(snapshot_disk, requests, COUNT));

static double get(const void *object, size_t offset)
{
	double value;

	memcpy(&value, (const char *)object + offset, sizeof value);
	return value;
}

static void set(void *object, size_t offset, double value)
{
	memcpy((char *)object + offset, &value, sizeof value);
}

/* --- two objects as one ------------------------------------------------------------------------
 */

/* How much of all the time the earlier and the later one are. */
struct parts {
	double earlier, later;
};

static double join_figures(double earlier, double later, enum how how, struct parts parts)
{
	if (how == COUNT)
		return earlier + later;
	if (isnan(earlier) || isnan(later))
		return isnan(earlier) ? later : earlier;
	return earlier * parts.earlier + later * parts.later;
}

/* `earlier` NULL: it was not there, and used nothing. Returns what is to be said of its quality. */
static unsigned join_object(const struct fields *fields, const void *earlier, void *later,
			    struct parts parts)
{
	unsigned quality = 0;

	for (size_t i = 0; i < fields->count; i++) {
		const struct field *field = &fields->items[i];
		double now = get(later, field->offset);
		double before = field->how == MEAN ? now : 0;

		if (earlier)
			before = get(earlier, field->offset);
		if (field->how == POWER && isnan(before) != isnan(now))
			quality = QUALITY_MISSING;
		set(later, field->offset, join_figures(before, now, field->how, parts));
	}
	return quality;
}

/* What only the earlier one had: its power was used in a part of the time. */
static void thin_out(const struct fields *fields, void *object, struct parts parts)
{
	for (size_t i = 0; i < fields->count; i++)
		if (fields->items[i].how == POWER)
			set(object, fields->items[i].offset,
			    get(object, fields->items[i].offset) * parts.earlier);
}

/* --- lists: who is who ---------------------------------------------------------------------------
 */

/* One kind of list; items lie `size` bytes apart. */
struct list {
	const struct fields *fields;
	size_t size;
	bool (*same)(const void *a, const void *b); /* NULL: by their places */
	size_t quality_at;                          /* 0 = they have none */
	void (*join_parts)(const void *earlier, void *later, struct parts parts);
};

static bool same_domain(const void *a, const void *b)
{
	const struct snapshot_domain *left = a, *right = b;

	return strcmp(left->id, right->id) == 0;
}

static bool same_vcpu(const void *a, const void *b)
{
	const struct snapshot_vcpu *left = a, *right = b;

	return left->id == right->id;
}

static bool same_vdisk(const void *a, const void *b)
{
	const struct snapshot_vdisk *left = a, *right = b;

	return strcmp(left->name, right->name) == 0;
}

static bool same_vnic(const void *a, const void *b)
{
	const struct snapshot_vnic *left = a, *right = b;

	return strcmp(left->name, right->name) == 0;
}

static bool same_kept(const void *a, const void *b)
{
	const struct snapshot_kept *left = a, *right = b;

	return strcmp(left->name, right->name) == 0;
}

static bool same_service(const void *a, const void *b)
{
	const struct snapshot_service *left = a, *right = b;

	return left->pid == right->pid && strcmp(left->name, right->name) == 0;
}

static bool same_disk(const void *a, const void *b)
{
	const struct snapshot_disk *left = a, *right = b;

	return strcmp(left->name, right->name) == 0;
}

/* The one that is the same as `item`, looked for first where that one stood; NULL. */
static const void *find(const struct list *list, const void *items, size_t count, const void *item,
			size_t hint)
{
	const char *bytes = items;

	if (hint < count && (!list->same || list->same(bytes + hint * list->size, item)))
		return bytes + hint * list->size;
	for (size_t i = 0; list->same && i < count; i++)
		if (list->same(bytes + i * list->size, item))
			return bytes + i * list->size;
	return NULL;
}

struct items {
	const void *earlier;
	size_t earlier_count;
	void *later;
	size_t later_count;
};

static void mark(void *object, size_t quality_at, unsigned quality)
{
	if (quality_at)
		*(unsigned *)(void *)((char *)object + quality_at) |= quality;
}

static unsigned quality_of(const void *object, size_t quality_at)
{
	return object && quality_at
		       ? *(const unsigned *)(const void *)((const char *)object + quality_at)
		       : 0;
}

static void join_list(const struct list *list, const struct items *items, struct parts parts)
{
	for (size_t i = 0; i < items->later_count; i++) {
		void *later = (char *)items->later + i * list->size;
		const void *earlier = find(list, items->earlier, items->earlier_count, later, i);

		mark(later, list->quality_at,
		     join_object(list->fields, earlier, later, parts) |
			     quality_of(earlier, list->quality_at));
		if (list->join_parts)
			list->join_parts(earlier, later, parts);
	}
}

static const struct list vcpus = { &of_vcpu, sizeof(struct snapshot_vcpu), same_vcpu, 0, NULL };
static const struct list vdisks = { &of_vdisk, sizeof(struct snapshot_vdisk), same_vdisk, 0, NULL };
static const struct list vnics = { &of_vnic, sizeof(struct snapshot_vnic), same_vnic, 0, NULL };

static void join_domain(const void *before, void *now, struct parts parts)
{
	static const struct snapshot_domain nothing;
	const struct snapshot_domain *earlier = before ? before : &nothing;
	struct snapshot_domain *later = now;

	join_list(&vcpus,
		  &(struct items){ earlier->vcpus, earlier->vcpu_count, later->vcpus,
				   later->vcpu_count },
		  parts);
	join_list(&vdisks,
		  &(struct items){ earlier->vdisks, earlier->vdisk_count, later->vdisks,
				   later->vdisk_count },
		  parts);
	join_list(&vnics,
		  &(struct items){ earlier->vnics, earlier->vnic_count, later->vnics,
				   later->vnic_count },
		  parts);
}

static const struct list domains = { &of_domain, sizeof(struct snapshot_domain), same_domain,
				     offsetof(struct snapshot_domain, quality), join_domain };
static const struct list heads = { &of_kept, sizeof(struct snapshot_kept), same_kept, 0, NULL };
static const struct list services = { &of_service, sizeof(struct snapshot_service), same_service, 0,
				      NULL };
static const struct list packages = { &of_package, sizeof(struct snapshot_package), NULL,
				      offsetof(struct snapshot_package, quality), NULL };
static const struct list disks = { &of_disk, sizeof(struct snapshot_disk), same_disk,
				   offsetof(struct snapshot_disk, quality), NULL };

/* --- what only the earlier tick had --------------------------------------------------------------
 */

/* A copy that lasts as long as the snapshot; NULL stays NULL. */
static bool keep_text(struct snapshot *snapshot, char **text)
{
	size_t bytes = *text ? strlen(*text) + 1 : 0;
	char *copy;

	if (!bytes)
		return true;
	copy = snapshot_take(snapshot, bytes);
	if (copy)
		memcpy(copy, *text, bytes);
	*text = copy;
	return copy != NULL;
}

static bool keep_domain(struct snapshot *snapshot, struct snapshot_domain *domain,
			struct parts parts)
{
	domain->vcpus = NULL;
	domain->vdisks = NULL;
	domain->vcpu_count = domain->vdisk_count = 0;
	domain->state = DOMAIN_ENDED;
	thin_out(&of_domain, domain, parts);
	return keep_text(snapshot, &domain->id) && keep_text(snapshot, &domain->name) &&
	       keep_text(snapshot, &domain->uuid) && keep_text(snapshot, &domain->owner) &&
	       keep_text(snapshot, &domain->reason);
}

/* The later one's items with room for so many more behind them; NULL: no memory. */
static void *more_room(struct snapshot *snapshot, const void *items, size_t count, size_t more,
		       size_t size)
{
	void *larger = snapshot_take(snapshot, (count + more) * size);

	if (larger && count)
		memcpy(larger, items, count * size);
	return larger;
}

/* The items of the earlier list that the later one lacks. */
static size_t count_gone(const struct list *list, const struct items *items)
{
	size_t gone = 0;

	for (size_t i = 0; i < items->earlier_count; i++)
		gone += !find(list, items->later, items->later_count,
			      (const char *)items->earlier + i * list->size, i);
	return gone;
}

static int keep_domains(const struct snapshot *earlier, struct snapshot *later, struct parts parts)
{
	const struct items items = { earlier->domains, earlier->domain_count, later->domains,
				     later->domain_count };
	size_t gone = count_gone(&domains, &items), count = later->domain_count;
	struct snapshot_domain *all;

	if (!gone)
		return 0;
	all = more_room(later, later->domains, count, gone, sizeof *all);
	for (size_t i = 0; all && i < earlier->domain_count; i++) {
		const struct snapshot_domain *domain = &earlier->domains[i];

		if (find(&domains, items.later, items.later_count, domain, i))
			continue;
		all[count] = *domain;
		if (!keep_domain(later, &all[count++], parts))
			return -ENOMEM;
	}
	if (!all)
		return -ENOMEM;
	later->domains = all;
	later->domain_count = count;
	return 0;
}

static int keep_heads(const struct snapshot *earlier, struct snapshot *later, struct parts parts)
{
	const struct items items = { earlier->kept, earlier->kept_count, later->kept,
				     later->kept_count };
	size_t gone = count_gone(&heads, &items), count = later->kept_count;
	struct snapshot_kept *all;

	if (!gone)
		return 0;
	all = more_room(later, later->kept, count, gone, sizeof *all);
	for (size_t i = 0; all && i < earlier->kept_count; i++) {
		const struct snapshot_kept *head = &earlier->kept[i];

		if (find(&heads, items.later, items.later_count, head, i))
			continue;
		all[count] = *head;
		thin_out(&of_kept, &all[count], parts);
		if (!keep_text(later, &all[count++].name))
			return -ENOMEM;
	}
	if (!all)
		return -ENOMEM;
	later->kept = all;
	later->kept_count = count;
	return 0;
}

/* --- whole ticks
 * ----------------------------------------------------------------------------------
 */

static void join_lists(const struct snapshot *earlier, struct snapshot *later, struct parts parts)
{
	const struct {
		const struct list *list;
		struct items items;
	} all[] = {
		{ &domains,
		  { earlier->domains, earlier->domain_count, later->domains,
		    later->domain_count } },
		{ &heads, { earlier->kept, earlier->kept_count, later->kept, later->kept_count } },
		{ &services,
		  { earlier->services, earlier->service_count, later->services,
		    later->service_count } },
		{ &packages,
		  { earlier->packages, earlier->package_count, later->packages,
		    later->package_count } },
		{ &disks,
		  { earlier->disks, earlier->disk_count, later->disks, later->disk_count } },
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		join_list(all[i].list, &all[i].items, parts);
}

int ticks_join(const struct snapshot *earlier, struct snapshot *later)
{
	double all_s = earlier->interval_s + later->interval_s;
	struct parts parts = { earlier->interval_s / all_s, later->interval_s / all_s };
	int result;

	if (!(all_s > 0))
		return 0;
	join_lists(earlier, later, parts);
	later->host.quality |=
		earlier->host.quality | join_object(&of_host, &earlier->host, &later->host, parts);
	later->interval_s = all_s;
	result = keep_domains(earlier, later, parts);
	return result ? result : keep_heads(earlier, later, parts);
}

void ticks_hold(struct snapshot *snapshot)
{
	snapshot->host.quality |= QUALITY_STALE;
	for (size_t i = 0; i < snapshot->domain_count; i++)
		snapshot->domains[i].quality |= QUALITY_STALE;
	for (size_t i = 0; i < snapshot->package_count; i++)
		snapshot->packages[i].quality |= QUALITY_STALE;
	for (size_t i = 0; i < snapshot->disk_count; i++)
		snapshot->disks[i].quality |= QUALITY_STALE;
}

static void forget(const struct list *list, void *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < list->fields->count; k++)
			set((char *)items + i * list->size, list->fields->items[k].offset, NAN);
}

void ticks_forget(struct snapshot *snapshot)
{
	static const struct list host = { &of_host, sizeof(struct snapshot_host), NULL, 0, NULL };

	ticks_hold(snapshot);
	forget(&host, &snapshot->host, 1);
	forget(&domains, snapshot->domains, snapshot->domain_count);
	for (size_t i = 0; i < snapshot->domain_count; i++) {
		struct snapshot_domain *domain = &snapshot->domains[i];

		forget(&vcpus, domain->vcpus, domain->vcpu_count);
		forget(&vdisks, domain->vdisks, domain->vdisk_count);
		forget(&vnics, domain->vnics, domain->vnic_count);
	}
	forget(&heads, snapshot->kept, snapshot->kept_count);
	forget(&services, snapshot->services, snapshot->service_count);
	forget(&packages, snapshot->packages, snapshot->package_count);
	forget(&disks, snapshot->disks, snapshot->disk_count);
}
