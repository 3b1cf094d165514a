/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/libvirt-write.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "base/text.h"
#include "host/libvirt-quota.h"

#define UNUSED __attribute__((unused))
enum { KEEPALIVE_S = 1, KEEPALIVE_COUNT = 3 };

struct libvirt_write {
	pthread_t loop;
	int timer;
	atomic_bool stop;
	virConnectPtr connection; /* NULL = none */
	char *uri;                /* of the connection */
};

/* --- libvirt's event loop: keepalive needs it -------------------------------- */

static void on_timer(int timer UNUSED, void *write)
{
	atomic_store(&((struct libvirt_write *)write)->stop, true);
}

static void *run_loop(void *argument)
{
	struct libvirt_write *write = argument;

	pthread_setname_np(pthread_self(), "libvirt-events");
	while (!atomic_load(&write->stop))
		virEventRunDefaultImpl();
	return NULL;
}

/* Signals are the program's: none may end in this thread. */
static int start_loop(struct libvirt_write *write)
{
	sigset_t all, before;
	int result;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&write->loop, NULL, run_loop, write);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return result;
}

static void drop_message(void *unused UNUSED, virErrorPtr error UNUSED)
{
}

int libvirt_write_open(struct libvirt_write **opened, struct error *error)
{
	struct libvirt_write *write = calloc(1, sizeof *write);
	int result;

	*opened = NULL;
	if (!write)
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0) {
		free(write);
		return error_setf(error, ENOSYS, "libvirt: cannot be initialised");
	}
	virSetErrorFunc(NULL, drop_message);
	write->timer = virEventAddTimeout(-1, on_timer, write, NULL);
	result = write->timer < 0 ? ENOMEM : start_loop(write);
	if (result) {
		if (write->timer >= 0)
			virEventRemoveTimeout(write->timer);
		free(write);
		return error_setf(error, result, "libvirt: thread: %s", strerror(result));
	}
	*opened = write;
	return 0;
}

static void disconnect(struct libvirt_write *write)
{
	if (write->connection)
		virConnectClose(write->connection);
	write->connection = NULL;
}

void libvirt_write_close(struct libvirt_write *write)
{
	/* What libvirt still has to free, it frees in the loop once nothing else is to be done. */
	enum { FAREWELL_MS = 10 };

	if (!write)
		return;
	disconnect(write);
	virEventUpdateTimeout(write->timer, FAREWELL_MS);
	pthread_join(write->loop, NULL);
	virEventRemoveTimeout(write->timer);
	free(write->uri);
	free(write);
}

/* --- connecting, and finding a domain ----------------------------------------- */

/* What the errno of libvirtd means here. Another program's ENOENT is not that a domain is gone. */
static int known_number(int remote)
{
	switch (remote) {
	case EAGAIN:
	case EINTR:
	case EBUSY:
		return EBUSY;
	case EINVAL:
	case ERANGE:
		return EINVAL;
	case EPERM:
	case EACCES:
	case EROFS:
		return EPERM;
	case EOPNOTSUPP:
	case ENOSYS:
		return EOPNOTSUPP;
	default:
		return EIO;
	}
}

static int last_error_number(const struct libvirt_write *write)
{
	const virError *reason = virGetLastError();

	if (!write->connection || virConnectIsAlive(write->connection) == 0)
		return ENOTCONN;
	switch (reason ? reason->code : VIR_ERR_OK) {
	case VIR_ERR_NO_DOMAIN:
	case VIR_ERR_OPERATION_INVALID: /* it does not run */
		return ENOENT;
	case VIR_ERR_OPERATION_TIMEOUT: /* "cannot acquire state change lock" */
	case VIR_ERR_RESOURCE_BUSY:
		return EBUSY;
	case VIR_ERR_INVALID_ARG:
	case VIR_ERR_CONFIG_UNSUPPORTED:
		return EINVAL;
	case VIR_ERR_NO_SUPPORT:
	case VIR_ERR_OPERATION_UNSUPPORTED:
	case VIR_ERR_ARGUMENT_UNSUPPORTED:
		return EOPNOTSUPP;
	case VIR_ERR_SYSTEM_ERROR:
		return known_number(reason->int1);
	default:
		return EIO;
	}
}

static int fail(struct libvirt_write *write, const char *what, struct error *error)
{
	int number = last_error_number(write);

	error_setf(error, number, "libvirt: %s: %s", what, virGetLastErrorMessage());
	if (number == ENOTCONN)
		disconnect(write);
	return -number;
}

static int connect_to(struct libvirt_write *write, const char *uri, struct error *error)
{
	if (write->connection &&
	    (virConnectIsAlive(write->connection) == 0 || !text_equal(write->uri, uri)))
		disconnect(write);
	if (write->connection)
		return 0;
	if (text_replace(&write->uri, uri))
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	write->connection = virConnectOpen(uri);
	if (!write->connection)
		return fail(write, uri, error);
	/* Drivers inside this process have none. */
	virConnectSetKeepAlive(write->connection, KEEPALIVE_S, KEEPALIVE_COUNT);
	return 0;
}

/* NULL with the reason; to be freed. */
static virDomainPtr find(struct libvirt_write *write, const struct libvirt_domain_ref *ref,
			 struct error *error, int *result)
{
	virDomainPtr domain = NULL;

	*result = connect_to(write, ref->uri, error);
	if (*result)
		return NULL;
	domain = virDomainLookupByUUIDString(write->connection, ref->uuid);
	if (!domain)
		*result = fail(write, ref->uuid, error);
	return domain;
}

/* --- typed parameters --------------------------------------------------------- */

struct params {
	virTypedParameterPtr items;
	int count, capacity;
};

static void params_clear(struct params *params)
{
	virTypedParamsClear(params->items, params->count);
	free(params->items);
	*params = (struct params){ 0 };
}

/* One kind of parameters: how libvirt gives and takes them. `disk` may be unused. */
struct kind {
	const char *what;
	/* As libvirt's calls: without items, only the number. 0 or -1. */
	int (*get)(virDomainPtr domain, const char *disk, virTypedParameterPtr items, int *count);
	int (*set)(virDomainPtr domain, const char *disk, virTypedParameterPtr items, int count);
};

static int get_scheduler(virDomainPtr domain, const char *disk UNUSED, virTypedParameterPtr items,
			 int *count)
{
	char *type;

	if (items)
		return virDomainGetSchedulerParametersFlags(domain, items, count,
							    VIR_DOMAIN_AFFECT_LIVE);
	type = virDomainGetSchedulerType(domain, count);
	free(type);
	return type ? 0 : -1;
}

static int set_scheduler(virDomainPtr domain, const char *disk UNUSED, virTypedParameterPtr items,
			 int count)
{
	return virDomainSetSchedulerParametersFlags(domain, items, count, VIR_DOMAIN_AFFECT_LIVE);
}

static int get_tune(virDomainPtr domain, const char *disk, virTypedParameterPtr items, int *count)
{
	return virDomainGetBlockIoTune(domain, disk, items, count, VIR_DOMAIN_AFFECT_LIVE);
}

static int set_tune(virDomainPtr domain, const char *disk, virTypedParameterPtr items, int count)
{
	return virDomainSetBlockIoTune(domain, disk, items, count, VIR_DOMAIN_AFFECT_LIVE);
}

static const struct kind scheduler = { "scheduler parameters", get_scheduler, set_scheduler };
static const struct kind tune = { "limits of a disk", get_tune, set_tune };

/* What is in force, to be cleared. */
static int read_params(struct libvirt_write *write, const struct libvirt_domain_ref *ref,
		       const struct kind *kind, const char *disk, struct params *params,
		       struct error *error)
{
	int count = 0, result;
	virDomainPtr domain = find(write, ref, error, &result);

	*params = (struct params){ 0 };
	if (!domain)
		return result;
	if (kind->get(domain, disk, NULL, &count) == 0 && count > 0)
		params->items = calloc((size_t)count, sizeof *params->items);
	if (params->items && kind->get(domain, disk, params->items, &count) == 0)
		params->count = params->capacity = count;
	else
		result = fail(write, kind->what, error);
	virDomainFree(domain);
	return result;
}

/* Takes the parameters over. */
static int send_params(struct libvirt_write *write, const struct libvirt_domain_ref *ref,
		       const struct kind *kind, const char *disk, struct params *params,
		       struct error *error)
{
	int result;
	virDomainPtr domain = find(write, ref, error, &result);

	if (domain && kind->set(domain, disk, params->items, params->count))
		result = fail(write, kind->what, error);
	if (domain)
		virDomainFree(domain);
	params_clear(params);
	return result;
}

static bool has(const struct params *params, const char *name)
{
	return virTypedParamsGet(params->items, params->count, name) != NULL;
}

static uint64_t get_u64(const struct params *params, const char *name)
{
	unsigned long long value = 0;

	virTypedParamsGetULLong(params->items, params->count, name, &value);
	return value;
}

static int64_t get_i64(const struct params *params, const char *name)
{
	long long value = 0;

	virTypedParamsGetLLong(params->items, params->count, name, &value);
	return value;
}

/* Out of memory is noticed when the parameter is missed. */
static void add_u64(struct params *params, const char *name, uint64_t value)
{
	virTypedParamsAddULLong(&params->items, &params->count, &params->capacity, name, value);
}

static void add_i64(struct params *params, const char *name, int64_t value)
{
	virTypedParamsAddLLong(&params->items, &params->count, &params->capacity, name, value);
}

/* --- bandwidth ---------------------------------------------------------------- */

/* A quota and its period, as libvirt calls them. */
struct quota_names {
	const char *quota, *period;
};
static const struct quota_names whole_names = { VIR_DOMAIN_SCHEDULER_GLOBAL_QUOTA,
						VIR_DOMAIN_SCHEDULER_GLOBAL_PERIOD };
static const struct quota_names vcpu_names = { VIR_DOMAIN_SCHEDULER_VCPU_QUOTA,
					       VIR_DOMAIN_SCHEDULER_VCPU_PERIOD };
static const struct quota_names emulator_names = { VIR_DOMAIN_SCHEDULER_EMULATOR_QUOTA,
						   VIR_DOMAIN_SCHEDULER_EMULATOR_PERIOD };

static struct libvirt_quota get_quota(const struct params *params, const struct quota_names *names)
{
	return (struct libvirt_quota){ get_i64(params, names->quota),
				       get_u64(params, names->period) };
}

static struct libvirt_quotas get_quotas(const struct params *params)
{
	return (struct libvirt_quotas){
		.has_whole = has(params, whole_names.quota),
		.whole = get_quota(params, &whole_names),
		.vcpu = get_quota(params, &vcpu_names),
		.emulator = get_quota(params, &emulator_names),
	};
}

/* A period that is in force already is not written again. */
static void put_quota(struct params *params, const struct quota_names *names,
		      const struct libvirt_quota *quota, const struct params *now)
{
	if (get_u64(now, names->period) != quota->period_us)
		add_u64(params, names->period, quota->period_us);
	add_i64(params, names->quota, quota->quota_us);
}

static void put_cpu(struct params *params, const struct params *now, unsigned vcpus,
		    const struct libvirt_bandwidth *cpu)
{
	struct libvirt_quotas quotas;

	libvirt_quota_split(cpu, vcpus, &quotas);
	if (has(now, whole_names.quota)) {
		put_quota(params, &whole_names, &quotas.whole, now);
		return;
	}
	put_quota(params, &vcpu_names, &quotas.vcpu, now);
	put_quota(params, &emulator_names, &quotas.emulator, now);
}

int libvirt_write_get_cpu(struct libvirt_write *write, const struct libvirt_domain_ref *ref,
			  struct libvirt_bandwidth *cpu, struct error *error)
{
	struct params params;
	struct libvirt_quotas quotas;
	int result = read_params(write, ref, &scheduler, NULL, &params, error);

	if (!result) {
		quotas = get_quotas(&params);
		result = libvirt_quota_join(&quotas, ref->vcpus, cpu, error);
	}
	params_clear(&params);
	return result;
}

int libvirt_write_set_cpu(struct libvirt_write *write, const struct libvirt_domain_ref *ref,
			  const struct libvirt_bandwidth *cpu, struct error *error)
{
	struct params now, next = { 0 };
	int result = read_params(write, ref, &scheduler, NULL, &now, error);

	if (!result) {
		put_cpu(&next, &now, ref->vcpus, cpu);
		result = send_params(write, ref, &scheduler, NULL, &next, error);
	}
	params_clear(&now);
	return result;
}

/* --- shares ------------------------------------------------------------------- */

int libvirt_write_get_shares(struct libvirt_write *write, const struct libvirt_domain_ref *ref,
			     uint64_t *shares, struct error *error)
{
	struct params params;
	int result = read_params(write, ref, &scheduler, NULL, &params, error);

	if (!result)
		*shares = get_u64(&params, VIR_DOMAIN_SCHEDULER_CPU_SHARES);
	params_clear(&params);
	return result;
}

int libvirt_write_set_shares(struct libvirt_write *write, const struct libvirt_domain_ref *ref,
			     uint64_t shares, struct error *error)
{
	struct params params = { 0 };

	add_u64(&params, VIR_DOMAIN_SCHEDULER_CPU_SHARES, shares);
	return send_params(write, ref, &scheduler, NULL, &params, error);
}

/* --- disks -------------------------------------------------------------------- */

static const char *const tune_names[IO_LIMIT_COUNT] = {
	[IO_LIMIT_READ_BYTES_S] = VIR_DOMAIN_BLOCK_IOTUNE_READ_BYTES_SEC,
	[IO_LIMIT_WRITE_BYTES_S] = VIR_DOMAIN_BLOCK_IOTUNE_WRITE_BYTES_SEC,
	[IO_LIMIT_READ_REQUESTS_S] = VIR_DOMAIN_BLOCK_IOTUNE_READ_IOPS_SEC,
	[IO_LIMIT_WRITE_REQUESTS_S] = VIR_DOMAIN_BLOCK_IOTUNE_WRITE_IOPS_SEC,
	[IO_LIMIT_TOTAL_BYTES_S] = VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_BYTES_SEC,
	[IO_LIMIT_TOTAL_REQUESTS_S] = VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_IOPS_SEC,
	[IO_LIMIT_TOTAL_BYTES_MAX] = VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_BYTES_SEC_MAX,
	[IO_LIMIT_READ_BYTES_MAX] = VIR_DOMAIN_BLOCK_IOTUNE_READ_BYTES_SEC_MAX,
	[IO_LIMIT_WRITE_BYTES_MAX] = VIR_DOMAIN_BLOCK_IOTUNE_WRITE_BYTES_SEC_MAX,
	[IO_LIMIT_TOTAL_REQUESTS_MAX] = VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_IOPS_SEC_MAX,
	[IO_LIMIT_READ_REQUESTS_MAX] = VIR_DOMAIN_BLOCK_IOTUNE_READ_IOPS_SEC_MAX,
	[IO_LIMIT_WRITE_REQUESTS_MAX] = VIR_DOMAIN_BLOCK_IOTUNE_WRITE_IOPS_SEC_MAX,
	[IO_LIMIT_REQUEST_BYTES] = VIR_DOMAIN_BLOCK_IOTUNE_SIZE_IOPS_SEC,
};

int libvirt_write_get_disk(struct libvirt_write *write, const struct libvirt_domain_ref *ref,
			   const char *disk, struct io_throttle *throttle, struct error *error)
{
	struct params params;
	int result = read_params(write, ref, &tune, disk, &params, error);

	for (unsigned i = 0; !result && i < IO_LIMIT_COUNT; i++)
		throttle->limits[i] = get_u64(&params, tune_names[i]);
	params_clear(&params);
	return result;
}

/* The lengths of bursts and the group are not named: libvirt keeps them. */
int libvirt_write_set_disk(struct libvirt_write *write, const struct libvirt_domain_ref *ref,
			   const char *disk, const struct io_throttle *throttle,
			   struct error *error)
{
	struct params params = { 0 };

	for (unsigned i = 0; i < IO_LIMIT_COUNT; i++)
		add_u64(&params, tune_names[i], throttle->limits[i]);
	return send_params(write, ref, &tune, disk, &params, error);
}
