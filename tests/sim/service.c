/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/files.h"
#include "tests/sim/host.h"

enum { SERVICE_PID = 900 };

double sim_service_work(struct sim_plant *plant, double requests, double seconds)
{
	double cpu_s = requests * plant->service_request_s;

	plant->service_cpu_us += cpu_s * 1e6;
	return plant->kept_model_w * cpu_s / seconds;
}

/* --- discovery ----------------------------------------------------------------------------- */

static void name_group(const struct sim_domain *domain, char *group, size_t size)
{
	snprintf(group, size, "group-%d", (int)domain->pid);
}

static void list_attachment(const struct sim_domain *from, size_t index, struct topology *to)
{
	struct attachment *attachment = &to->attachments[to->attachment_count++];

	*attachment = (struct attachment){ .kind = CLIENT_VDISK, .domain = index };
	attachment->throttle.pid = SERVICE_PID;
	attachment->throttle.start_ticks = sim_start_ticks(SERVICE_PID);
	name_group(from, attachment->throttle.group, sizeof attachment->throttle.group);
}

void sim_service_list(const struct sim_plant *plant, struct topology *to)
{
	size_t index = 0;

	to->services = calloc(1, sizeof *to->services);
	to->attachments = calloc(plant->domain_count + 1, sizeof *to->attachments);
	to->service_count = 1;
	to->services[0] = (struct service){ .id = strdup("service:900"),
					    .name = strdup("storage"),
					    .pid = SERVICE_PID,
					    .start_ticks = sim_start_ticks(SERVICE_PID),
					    .idle_units = 1 };
	for (size_t i = 0; i < plant->domain_count; i++) {
		if (plant->domains[i].is_present && plant->domains[i].is_served)
			list_attachment(&plant->domains[i], index, to);
		index += plant->domains[i].is_present;
	}
}

void sim_service_socket(struct enforce_input *input)
{
	static const struct place_socket socket = { SERVICE_PID, "/run/storage.qmp" };

	input->sockets = &socket;
	input->socket_count = 1;
}

/* --- limits -------------------------------------------------------------------------------- */

static struct sim_domain *find_group(struct sim_plant *plant, const char *group)
{
	char name[32];

	for (size_t i = 0; i < plant->domain_count; i++) {
		name_group(&plant->domains[i], name, sizeof name);
		if (plant->domains[i].is_present && plant->domains[i].is_served &&
		    strcmp(name, group) == 0)
			return &plant->domains[i];
	}
	return NULL;
}

static struct disk_limit limit_of(const struct sim_domain *domain)
{
	return (struct disk_limit){ .read_bytes_s = domain->read.bytes_s,
				    .write_bytes_s = domain->write.bytes_s,
				    .read_requests_s = domain->read.iops,
				    .write_requests_s = domain->write.iops };
}

static void put_limit(struct sim_plant *plant, struct sim_domain *domain,
		      const struct disk_limit *limit)
{
	struct sim_counts *counts = &plant->counts[domain - plant->domains];
	struct sim_limits before = sim_files_limits(domain), after;

	domain->read.bytes_s = limit->read_bytes_s;
	domain->write.bytes_s = limit->write_bytes_s;
	domain->read.iops = limit->read_requests_s;
	domain->write.iops = limit->write_requests_s;
	after = sim_files_limits(domain);
	counts->writes++;
	counts->unchanged += sim_limits_equal(&before, &after);
}

void sim_service_do(struct sim_plant *plant, const struct verb *verb, struct applied *applied)
{
	struct sim_domain *domain = find_group(plant, verb->target.service.group);

	*applied = (struct applied){ .seq = verb->seq, .value.knob = verb->value.knob };
	if (!domain) {
		applied->result = error_setf(&applied->error, ESRCH, "no such group");
		return;
	}
	if (verb->kind == VERB_SET)
		put_limit(plant, domain, &verb->value.disk);
	applied->value.disk = limit_of(domain);
}
