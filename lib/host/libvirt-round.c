/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/libvirt-round.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include "base/clock.h"
#include "base/text.h"

#define XML_RETRY_NS UINT64_C(1000000000) /* of a definition that was not to be had */

/* --- one domain ------------------------------------------------------------ */

static enum domain_state state_of(uint64_t libvirt_state)
{
	/* Shutting down still runs; crashed and preserved, or asleep, it holds its memory. */
	static const enum domain_state states[] = {
		[VIR_DOMAIN_NOSTATE] = DOMAIN_RUNNING,  [VIR_DOMAIN_RUNNING] = DOMAIN_RUNNING,
		[VIR_DOMAIN_BLOCKED] = DOMAIN_RUNNING,  [VIR_DOMAIN_PAUSED] = DOMAIN_PAUSED,
		[VIR_DOMAIN_SHUTDOWN] = DOMAIN_RUNNING, [VIR_DOMAIN_SHUTOFF] = DOMAIN_ENDED,
		[VIR_DOMAIN_CRASHED] = DOMAIN_PAUSED,   [VIR_DOMAIN_PMSUSPENDED] = DOMAIN_PAUSED,
	};

	return libvirt_state < sizeof states / sizeof *states ? states[libvirt_state]
							      : DOMAIN_RUNNING;
}

static void read_info(virDomainPtr handle, struct libvirt_domain *domain)
{
	virDomainInfo info;

	if (virDomainGetInfo(handle, &info))
		return;
	domain->state = state_of(info.state);
	domain->vcpus = info.nrVirtCpu;
}

static unsigned long read_shares(virDomainPtr handle)
{
	int count = 0;
	char *type = virDomainGetSchedulerType(handle, &count);
	virTypedParameterPtr params = NULL;
	unsigned long long shares = 0;

	if (type && count > 0)
		params = calloc((size_t)count, sizeof *params);
	if (params && virDomainGetSchedulerParametersFlags(handle, params, &count,
							   VIR_DOMAIN_AFFECT_LIVE) == 0)
		virTypedParamsGetULLong(params, count, VIR_DOMAIN_SCHEDULER_CPU_SHARES, &shares);
	free(params);
	free(type);
	return (unsigned long)shares;
}

/* Read the definition. -ENOENT: the domain is gone. */
static int describe(struct libvirt_reader *reader, virDomainPtr handle, struct libvirt_known *known)
{
	struct libvirt_domain *domain = &known->domain;
	struct error error = { "" };
	char *xml;

	known->asked_ns = clock_now_ns();
	board_call_begin(reader->hand, reader->uri, false);
	xml = virDomainGetXMLDesc(handle, 0);
	if (xml) {
		known->need_xml = libvirt_domain_xml(domain, xml, &error) != 0;
	} else {
		if (virGetLastErrorCode() == VIR_ERR_NO_DOMAIN)
			return -ENOENT;
		error_setf(&error, EIO, "no definition: %s", virGetLastErrorMessage());
	}
	free(xml);
	domain->transient = virDomainIsPersistent(handle) == 0;
	domain->cpu_shares = read_shares(handle);
	read_info(handle, domain);
	return text_replace(&domain->reason, error.text[0] ? error.text : NULL);
}

static void add_params(struct libvirt_known *known, const virTypedParameter *params, int count,
		       uint64_t at_ns)
{
	struct libvirt_domain *domain = &known->domain;
	struct libvirt_figures figures;

	libvirt_figures_begin(&figures, domain, at_ns);
	for (int i = 0; i < count; i++) {
		struct libvirt_figure figure = { .name = params[i].field };

		switch (params[i].type) {
		case VIR_TYPED_PARAM_INT:
			figure.number = (uint64_t)(params[i].value.i < 0 ? 0 : params[i].value.i);
			break;
		case VIR_TYPED_PARAM_UINT:
			figure.number = params[i].value.ui;
			break;
		case VIR_TYPED_PARAM_ULLONG:
			figure.number = params[i].value.ul;
			break;
		case VIR_TYPED_PARAM_STRING:
			figure.text = params[i].value.s;
			break;
		default:
			continue;
		}
		if (strcmp(figure.name, "state.state") == 0)
			domain->state = state_of(figure.number);
		libvirt_figures_add(&figures, &figure);
	}
	libvirt_figures_end(&figures);
	if (figures.moved) {
		known->need_xml = true;
		known->asked_ns = 0;
	}
	/* A busy domain's disks are at least named. No memory for the reason: no reason. */
	if (domain->disk_count && !figures.has_blocks && !domain->reason)
		(void)text_replace(&domain->reason, "libvirt has no disk statistics of it");
}

/* For drivers that know no statistics of all domains (LXC, Xen): disk by disk. */
static void poll_disks(virDomainPtr handle, struct libvirt_domain *domain)
{
	struct libvirt_figures figures;
	struct error error = { "" };

	libvirt_figures_begin(&figures, domain, 0);
	for (size_t i = 0; i < domain->disk_count; i++) {
		struct libvirt_disk *disk = &domain->disks[i];
		virDomainBlockStatsStruct stats;

		if (virDomainBlockStats(handle, disk->target, &stats, sizeof stats) ||
		    stats.rd_bytes < 0 || stats.wr_bytes < 0) {
			error_setf(&error, ENOTSUP, "no statistics of %s: %s", disk->target,
				   virGetLastErrorMessage());
			continue;
		}
		disk->io = (struct io_reading){
			.at_ns = clock_now_ns(),
			.has_requests = stats.rd_req >= 0 && stats.wr_req >= 0,
			.read_bytes = (uint64_t)stats.rd_bytes,
			.write_bytes = (uint64_t)stats.wr_bytes,
			.read_requests = (uint64_t)(stats.rd_req < 0 ? 0 : stats.rd_req),
			.write_requests = (uint64_t)(stats.wr_req < 0 ? 0 : stats.wr_req),
		};
	}
	if (error.text[0])
		(void)text_replace(&domain->reason, error.text);
}

/* The entry of a listed domain, its definition read if need be; NULL: gone, or no memory. */
static struct libvirt_known *meet_domain(struct libvirt_reader *reader, virDomainPtr handle)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	int id = (int)virDomainGetID(handle);
	struct libvirt_known *known;

	if (virDomainGetUUIDString(handle, uuid))
		return NULL;
	known = libvirt_known_get(&reader->known, uuid);
	if (!known || text_replace(&known->domain.name, virDomainGetName(handle)))
		return NULL;
	if (known->id != id) { /* another run: its counters begin again */
		for (size_t i = 0; i < known->domain.disk_count; i++)
			known->domain.disks[i].io = (struct io_reading){ 0 };
		known->need_xml = true;
		known->asked_ns = 0;
		known->id = id;
	}
	known->seen = reader->round;
	if (known->need_xml && clock_now_ns() - known->asked_ns >= XML_RETRY_NS &&
	    describe(reader, handle, known)) {
		known->seen = 0;
		return NULL;
	}
	return known;
}

/* --- one round ------------------------------------------------------------- */

/* All active domains' statistics in one call. Count or -1. */
static int read_records(struct libvirt_reader *reader, unsigned flags, bool vcpus)
{
	unsigned types = VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_BLOCK;
	uint64_t begin_ns = clock_now_ns(), at_ns;
	virDomainStatsRecordPtr *records = NULL;
	int count;

	if (vcpus)
		types |= VIR_DOMAIN_STATS_VCPU;
	count = virConnectGetAllDomainStats(reader->connection, types, &records,
					    flags | VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE);
	at_ns = begin_ns + (clock_now_ns() - begin_ns) / 2;
	for (int i = 0; i < count; i++) {
		struct libvirt_known *known = meet_domain(reader, records[i]->dom);

		if (known)
			add_params(known, records[i]->params, records[i]->nparams, at_ns);
	}
	if (count >= 0)
		virDomainStatsRecordListFree(records);
	return count;
}

static int read_list(struct libvirt_reader *reader, unsigned flags, bool vcpus)
{
	virDomainPtr *handles = NULL;
	int count = virConnectListAllDomains(reader->connection, &handles,
					     flags | VIR_CONNECT_LIST_DOMAINS_ACTIVE);

	(void)vcpus;
	for (int i = 0; i < count; i++) {
		struct libvirt_known *known = meet_domain(reader, handles[i]);

		if (known) {
			read_info(handles[i], &known->domain);
			poll_disks(handles[i], &known->domain);
		}
		virDomainFree(handles[i]);
	}
	free(handles);
	return count;
}

/* From the best to what every driver can: libvirt before 4.5 has no NOWAIT. */
static const struct {
	int (*read)(struct libvirt_reader *reader, unsigned flags, bool vcpus);
	unsigned flags;
} ways[] = {
	{ read_records, VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT },
	{ read_records, 0 },
	{ read_list, 0 },
};
enum { WAYS = sizeof ways / sizeof *ways };

static bool is_unsupported(int code)
{
	return code == VIR_ERR_NO_SUPPORT || code == VIR_ERR_INVALID_ARG ||
	       code == VIR_ERR_ARGUMENT_UNSUPPORTED || code == VIR_ERR_OPERATION_UNSUPPORTED;
}

int libvirt_read_round(struct libvirt_reader *reader, bool vcpus)
{
	for (;;) {
		int count = ways[reader->way].read(reader, ways[reader->way].flags, vcpus);

		if (count >= 0 || !is_unsupported(virGetLastErrorCode()) || reader->way + 1 == WAYS)
			return count;
		reader->way++;
	}
}
