/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/plant.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "meter/plant-internal.h"

static const uint64_t magic = 0x746e616c706d6576; /* "vmeplant" */
enum { VERSION = 1 };

static int map(struct plant *plant, int fd, const char *path, struct error *error)
{
	int protection = PROT_READ | (plant->writable ? PROT_WRITE : 0);
	void *memory = mmap(NULL, sizeof *plant->file, protection, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return error_setf(error, errno, "%s: %s", path, strerror(errno));
	plant->file = memory;
	return 0;
}

/* What follows from a file that is mapped and whole. */
static int begin(struct plant *plant, struct error *error)
{
	plant_truth_make(&plant->truth, plant->file->seed, plant->file->cpus);
	plant->course = plant_course_new(&plant->truth);
	return plant->course ? 0 : error_setf(error, ENOMEM, "out of memory");
}

static int check_settings(const struct plant_settings *settings, struct error *error)
{
	if (settings->cpus > PLANT_CPUS_MAX)
		return error_setf(error, EINVAL, "plant: %u CPUs: must be 1..%d", settings->cpus,
				  PLANT_CPUS_MAX);
	if (!isfinite(settings->speed) || settings->speed < 0)
		return error_setf(error, EINVAL, "plant: speed %g: must be above 0",
				  settings->speed);
	return 0;
}

int plant_create(struct plant **out, const char *path, const struct plant_settings *settings,
		 struct error *error)
{
	struct plant *plant = NULL;
	int fd = -1, result = check_settings(settings, error);

	*out = NULL;
	if (result)
		return result;
	plant = calloc(1, sizeof *plant);
	if (!plant)
		return error_setf(error, ENOMEM, "out of memory");
	plant->writable = true;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || ftruncate(fd, sizeof *plant->file)) {
		result = error_setf(error, errno, "%s: %s", path, strerror(errno));
		goto out;
	}
	result = map(plant, fd, path, error);
	if (result || !plant->file)
		goto out;
	plant->file->seed = settings->seed;
	plant->file->created_ns = clock_now_ns();
	plant->file->speed = settings->speed > 0 ? settings->speed : 1;
	plant->file->cpus = settings->cpus ? settings->cpus : 8;
	plant->file->version = VERSION;
	result = begin(plant, error);
	if (!result)
		__atomic_store_n(&plant->file->magic, magic, __ATOMIC_RELEASE);
out:
	if (fd >= 0) {
		close(fd);
		if (result)
			unlink(path);
	}
	if (result)
		plant_close(plant);
	else
		*out = plant;
	return result;
}

static int check_file(const struct plant_file *file, const char *path, struct error *error)
{
	if (__atomic_load_n(&file->magic, __ATOMIC_ACQUIRE) != magic)
		return error_setf(error, EINVAL, "%s: is not an emulated plant", path);
	if (file->version != VERSION)
		return error_setf(error, EINVAL, "%s: version %u of the plant's file: must be %d",
				  path, file->version, VERSION);
	if (file->cpus == 0 || file->cpus > PLANT_CPUS_MAX || !isfinite(file->speed) ||
	    file->speed <= 0)
		return error_setf(error, EINVAL, "%s: the plant's file is damaged", path);
	return 0;
}

/* For writing if that is allowed: who only reads watts may be another user. */
static int open_file(struct plant *plant, const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	plant->writable = fd >= 0;
	if (fd < 0 && (errno == EACCES || errno == EROFS))
		fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int plant_open(struct plant **out, const char *path, struct error *error)
{
	struct plant *plant = calloc(1, sizeof *plant);
	struct stat status;
	int fd = -1, result;

	*out = NULL;
	if (!plant)
		return error_setf(error, ENOMEM, "out of memory");
	fd = open_file(plant, path);
	if (fd < 0 || fstat(fd, &status)) {
		int cause = fd < 0 ? -fd : errno;

		result = error_setf(error, cause, "%s: %s", path, strerror(cause));
		goto out;
	}
	/* A shorter file would be a SIGBUS later. */
	if (!S_ISREG(status.st_mode) || status.st_size != (off_t)sizeof *plant->file) {
		result = error_setf(error, EINVAL, "%s: is not an emulated plant", path);
		goto out;
	}
	result = map(plant, fd, path, error);
	if (result || !plant->file)
		goto out;
	result = check_file(plant->file, path, error);
	if (!result)
		result = begin(plant, error);
out:
	if (fd >= 0)
		close(fd);
	if (result)
		plant_close(plant);
	else
		*out = plant;
	return result;
}

void plant_close(struct plant *plant)
{
	if (!plant)
		return;
	if (plant->file)
		munmap(plant->file, sizeof *plant->file);
	plant_course_free(plant->course);
	free(plant);
}

unsigned plant_event_count(const struct plant *plant)
{
	(void)plant;
	return plant_truth_events();
}

const char *plant_event_name(const struct plant *plant, unsigned event)
{
	(void)plant;
	return plant_truth_name(event);
}

double plant_weight_j(const struct plant *plant, unsigned event)
{
	return event < plant_truth_events() ? plant->truth.weight_j[event] : NAN;
}

double plant_base_w(const struct plant *plant)
{
	return plant->truth.base_w;
}

double plant_speed(const struct plant *plant)
{
	return plant->file->speed;
}

unsigned plant_cpus(const struct plant *plant)
{
	return plant->truth.cpus;
}

uint64_t plant_time_ns(const struct plant *plant, uint64_t monotonic_ns)
{
	uint64_t created = plant->file->created_ns;

	if (monotonic_ns <= created)
		return 0;
	return (uint64_t)((double)(monotonic_ns - created) * plant->file->speed);
}

int plant_run(struct plant *plant, uint64_t time_ns, const char *workload, unsigned threads,
	      struct error *error)
{
	struct plant_file *file = plant->file;
	uint32_t count = __atomic_load_n(&file->change_count, __ATOMIC_ACQUIRE);
	struct plant_change *change;

	if (!plant->writable)
		return error_setf(error, EROFS, "the emulated plant's file may only be read");
	if (count >= PLANT_CHANGES_MAX)
		return error_setf(error, ENOSPC, "the emulated plant has seen %d changes: no more",
				  PLANT_CHANGES_MAX);
	if (count > 0 && time_ns < file->changes[count - 1].time_ns)
		return error_setf(error, EINVAL, "%s begins before the workload before it",
				  workload);
	if (strlen(workload) >= PLANT_WORKLOAD_BYTES)
		return error_setf(error, ENAMETOOLONG, "workload %s: at most %d bytes", workload,
				  PLANT_WORKLOAD_BYTES - 1);
	change = &file->changes[count];
	change->time_ns = time_ns;
	change->threads = threads;
	strcpy(change->workload, workload);
	__atomic_store_n(&file->change_count, count + 1, __ATOMIC_RELEASE);
	return 0;
}

void plant_counts(const struct plant *plant, uint64_t time_ns, uint64_t count[PLANT_EVENTS_MAX],
		  uint64_t *busy_ns)
{
	struct plant_total total;

	plant_course_total(plant, time_ns, &total);
	for (unsigned i = 0; i < PLANT_EVENTS_MAX; i++)
		count[i] = (uint64_t)total.count[i];
	*busy_ns = (uint64_t)total.busy_ns;
}

double plant_power_w(const struct plant *plant, uint64_t from_ns, uint64_t to_ns)
{
	struct plant_total from, to;
	double per_ns[PLANT_EVENTS_MAX];

	if (to_ns <= from_ns)
		return NAN;
	plant_course_total(plant, from_ns, &from);
	plant_course_total(plant, to_ns, &to);
	for (unsigned i = 0; i < PLANT_EVENTS_MAX; i++)
		per_ns[i] = (to.count[i] - from.count[i]) / (double)(to_ns - from_ns);
	return plant->truth.base_w + plant_truth_dynamic_w(&plant->truth, per_ns);
}

double plant_temperature_c(const struct plant *plant, uint64_t time_ns)
{
	struct plant_total total;

	plant_course_total(plant, time_ns, &total);
	return round(total.temperature_c);
}
