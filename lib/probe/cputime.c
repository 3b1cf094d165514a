/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/cputime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "probe/cputime-domain.h"
#include "probe/cputime-total.h"
#include "probe/service-cgroups.h"
#include "base/clock.h"

/* Parallel to the topology that is followed; threads of all domains one after the other, then
 * those of all services. */
struct followed {
	struct domain_clock *domains, *services;
	struct thread_clock *threads;
	size_t domain_count, service_count, thread_count;
	uint64_t generation;
};

struct cputime {
	struct clock_context context;
	struct cputime_total total;
	struct followed followed;
	struct error problem; /* of the last total; "" = none */
};

/* Without CONFIG_SCHED_INFO every thread reads "0 0 0", which would be zero energy for all. */
static int check_schedstat(const struct rootfs *root, struct error *error)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	char text[64];
	long length;

	if (!rootfs_is_real(root))
		return 0;
	nanosleep(&moment, NULL); /* a time slice for it to count */
	length = rootfs_readf(root, text, sizeof text, "/proc/thread-self/schedstat");
	if (length < 0)
		return error_setf(error, (int)-length, "/proc/PID/schedstat: %s",
				  strerrordesc_np((int)-length));
	if (strncmp(text, "0 0 0", 5) == 0)
		return error_setf(error, ENOTSUP,
				  "/proc/PID/schedstat: this kernel does not count on-CPU time "
				  "(CONFIG_SCHED_INFO)");
	return 0;
}

int cputime_open(struct cputime **out, const struct rootfs *root, struct error *error)
{
	struct cputime *cputime;
	int result = check_schedstat(root, error);

	*out = NULL;
	if (result)
		return result;
	cputime = calloc(1, sizeof *cputime);
	if (!cputime)
		return error_setf(error, ENOMEM, "out of memory");
	kept_files_init(&cputime->context.files, root);
	cgroup_find_mounts(root, &cputime->context.mounts);
	result = cputime_total_open(&cputime->total, &cputime->context.files,
				    &cputime->context.mounts, error);
	if (result) {
		cputime_close(cputime);
		return result;
	}
	*out = cputime;
	return 0;
}

static void followed_clear(struct followed *followed)
{
	for (size_t i = 0; i < followed->thread_count; i++)
		kept_close(&followed->threads[i].file);
	for (size_t i = 0; i < followed->domain_count; i++)
		domain_clock_close(&followed->domains[i]);
	for (size_t i = 0; i < followed->service_count; i++)
		domain_clock_close(&followed->services[i]);
	free(followed->threads);
	free(followed->domains);
	free(followed->services);
	*followed = (struct followed){ 0 };
}

void cputime_close(struct cputime *cputime)
{
	if (!cputime)
		return;
	followed_clear(&cputime->followed);
	cputime_total_close(&cputime->total);
	free(cputime->context.buffer.bytes);
	free(cputime);
}

void cputime_events(struct event_set *events)
{
	*events = (struct event_set){ .source = CPU_SOURCE_CPUTIME, .count = 1 };
	strcpy(events->names[0], CPUTIME_EVENT);
}

const char *cputime_total_source(const struct cputime *cputime)
{
	return cputime_total_phrase(&cputime->total);
}

const char *cputime_note(const struct cputime *cputime)
{
	const char *note = cputime->problem.text[0] ? cputime->problem.text
						    : cputime_total_note(&cputime->total);

	return note ? note : kept_files_note(&cputime->context.files);
}

/* --- following ------------------------------------------------------------- */

/* Topologies keep their order by and large: look at `hint` first, then around. */
static struct domain_clock *find_domain(struct domain_clock *clocks, size_t count, size_t hint,
					pid_t pid, uint64_t start_ticks)
{
	for (size_t i = 0; i < count; i++) {
		struct domain_clock *clock = &clocks[(hint + i) % count];

		if (clock->pid == pid && clock->start_ticks == start_ticks)
			return clock;
	}
	return NULL;
}

static bool same_cgroup(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Take over the old clock, or open a new one where the domain or its cgroup is new. */
static int follow_domain(struct cputime *cputime, struct domain_clock *new,
			 struct domain_clock *old, const struct domain_clock *wanted)
{
	int result;

	if (old && same_cgroup(old->cgroup, wanted->cgroup)) {
		*new = *old;
		*old = (struct domain_clock){ 0 };
		return 0;
	}
	result = domain_clock_open(&cputime->context, new, wanted->pid, wanted->start_ticks,
				   wanted->cgroup);
	if (old) {
		new->ended_outside_ns = old->ended_outside_ns;
		new->ended_apart_ns = old->ended_apart_ns;
	}
	return result;
}

static int follow_domains(struct cputime *cputime, struct followed *new,
			  const struct topology *topology)
{
	struct followed *old = &cputime->followed;
	struct service_cgroups services;
	int result = service_cgroups_find(&services, cputime->context.files.root, topology);

	for (size_t i = 0; i < topology->domain_count && !result; i++) {
		const struct domain *domain = &topology->domains[i];
		const struct domain_clock wanted = {
			.pid = domain->pid,
			.start_ticks = domain->start_ticks,
			.cgroup = service_cgroups_free_of(&services, domain),
		};

		result = follow_domain(cputime, &new->domains[new->domain_count++],
				       find_domain(old->domains, old->domain_count, i, domain->pid,
						   domain->start_ticks),
				       &wanted);
	}
	service_cgroups_clear(&services);
	return result;
}

static int follow_services(struct cputime *cputime, struct followed *new,
			   const struct topology *topology)
{
	struct followed *old = &cputime->followed;
	int result = 0;

	for (size_t i = 0; i < topology->service_count && !result; i++) {
		const struct service *service = &topology->services[i];
		const struct domain_clock wanted = { .pid = service->pid,
						     .start_ticks = service->start_ticks };

		result = follow_domain(cputime, &new->services[new->service_count++],
				       find_domain(old->services, old->service_count, i,
						   service->pid, service->start_ticks),
				       &wanted);
	}
	return result;
}

static struct thread_clock *find_thread(const struct followed *old, size_t *cursor,
					const struct domain_clock *of, const struct thread *thread)
{
	for (size_t i = 0; i < old->thread_count; i++) {
		size_t index = (*cursor + i) % old->thread_count;
		struct thread_clock *clock = &old->threads[index];

		if (clock->tid == thread->tid && clock->start_ticks == thread->start_ticks &&
		    clock->pid == of->pid && clock->domain_start_ticks == of->start_ticks &&
		    clock->file.path) {
			*cursor = index + 1;
			return clock;
		}
	}
	return NULL;
}

struct threads {
	const struct thread *items;
	size_t count;
};

static void follow_party(struct cputime *cputime, struct followed *new, size_t *cursor,
			 const struct domain_clock *of, struct threads threads)
{
	for (size_t i = 0; i < threads.count; i++) {
		const struct thread *thread = &threads.items[i];
		struct thread_clock *clock = &new->threads[new->thread_count++];
		struct thread_clock *known = NULL;

		/* What was not read before is not found, and that by a long search. */
		if (thread_clock_is_wanted(thread))
			known = find_thread(&cputime->followed, cursor, of, thread);
		if (known) {
			*clock = *known;
			*known = (struct thread_clock){ 0 };
		} else {
			thread_clock_open(&cputime->context, clock, of, thread);
		}
		thread_clock_place(&cputime->context, clock, of);
	}
}

static void follow_threads(struct cputime *cputime, struct followed *new,
			   const struct topology *topology)
{
	struct followed *old = &cputime->followed;
	size_t cursor = 0;

	for (size_t i = 0; i < topology->domain_count; i++)
		follow_party(cputime, new, &cursor, &new->domains[i],
			     (struct threads){ topology->domains[i].threads,
					       topology->domains[i].thread_count });
	for (size_t i = 0; i < topology->service_count; i++)
		follow_party(cputime, new, &cursor, &new->services[i],
			     (struct threads){ topology->services[i].threads,
					       topology->services[i].thread_count });
	for (size_t i = 0; i < old->thread_count; i++) {
		struct thread_clock *clock = &old->threads[i];

		if (clock->file.path)
			thread_clock_retire(clock,
					    find_domain(new->domains, new->domain_count, 0,
							clock->pid, clock->domain_start_ticks));
	}
}

int cputime_follow(struct cputime *cputime, const struct topology *topology)
{
	struct followed new = { .generation = topology->generation };
	size_t thread_count = 0;
	int result;

	for (size_t i = 0; i < topology->domain_count; i++)
		thread_count += topology->domains[i].thread_count;
	for (size_t i = 0; i < topology->service_count; i++)
		thread_count += topology->services[i].thread_count;
	new.domains = calloc(topology->domain_count + 1, sizeof *new.domains);
	new.services = calloc(topology->service_count + 1, sizeof *new.services);
	new.threads = calloc(thread_count + 1, sizeof *new.threads);
	result = new.domains &&new.services &&new.threads ? 0 : -ENOMEM;
	if (!result)
		result = follow_domains(cputime, &new, topology);
	if (!result)
		result = follow_services(cputime, &new, topology);
	if (!result)
		follow_threads(cputime, &new, topology);
	followed_clear(result ? &new : &cputime->followed);
	if (result)
		return result;
	cputime->followed = new;
	return 0;
}

/* --- reading --------------------------------------------------------------- */

static void read_own(struct cpu_reading *own)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	*own = (struct cpu_reading){
		.at_ns = clock_now_ns(),
		.quality = QUALITY_ESTIMATE,
		.count = { clock_timespec_ns(&time) },
	};
}

/* Workers are read for the total in any case, whether sampled or not. */
static void read_threads(struct cputime *cputime, struct thread_clock *clocks,
			 struct threads threads, struct cpu_reading *readings)
{
	struct cpu_reading unsampled;

	for (size_t i = 0; i < threads.count; i++)
		if (clocks[i].is_wanted)
			thread_clock_read(&cputime->context, &clocks[i],
					  threads.items[i].sampled ? &readings[i] : &unsampled);
}

int cputime_read_parts(struct cputime *cputime, const struct topology *topology,
		       struct sample *sample)
{
	struct followed *followed = &cputime->followed;
	struct thread_clock *threads = followed->threads;
	enum total_source ignored;

	if (followed->generation != topology->generation ||
	    followed->domain_count != topology->domain_count ||
	    followed->service_count != topology->service_count)
		return -EINVAL;
	for (size_t i = 0; i < topology->domain_count; i++) {
		struct domain_reading *reading = &sample->domains[i];
		size_t count = topology->domains[i].thread_count;

		read_threads(cputime, threads,
			     (struct threads){ topology->domains[i].threads, count },
			     reading->threads);
		domain_clock_read(&cputime->context, &followed->domains[i], threads, count,
				  &reading->total, &reading->total_source);
		threads += count;
	}
	for (size_t i = 0; i < topology->service_count; i++) {
		struct service_reading *reading = &sample->services[i];
		size_t count = topology->services[i].thread_count;

		read_threads(cputime, threads,
			     (struct threads){ topology->services[i].threads, count },
			     reading->threads);
		domain_clock_read(&cputime->context, &followed->services[i], threads, count,
				  &reading->total, &ignored);
		threads += count;
	}
	read_own(&sample->own);
	return 0;
}

int cputime_read_total(struct cputime *cputime, struct sample *sample, struct error *error)
{
	struct cpu_reading *total = &sample->packages[0].total;
	uint64_t ns;
	int result;

	cputime->problem.text[0] = '\0';
	result = cputime_total_read(&cputime->total, &ns, &cputime->problem);
	sample->package_count = 1;
	*total = (struct cpu_reading){ .quality = QUALITY_ESTIMATE };
	if (result) {
		total->quality |= QUALITY_MISSING;
		return result == -ENOMEM ? error_setf(error, ENOMEM, "out of memory") : 0;
	}
	total->count[0] = ns;
	total->at_ns = clock_now_ns();
	return 0;
}
