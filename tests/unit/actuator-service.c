/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A real qemu-storage-daemon that serves nobody: its throttle group, and its I/O thread. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proc.h"
#include "host/service.h"
#include "tests/unit/unit.h"
#include "vmenergyd/actuator/cgroup.h"
#include "vmenergyd/helper.h"

static struct rootfs root;
static struct actuator_room room;
static char monitor[128];
static const char *const monitors[] = { monitor };

static void start(const char *image)
{
	char node[256], chardev[256];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(node, sizeof node, "driver=file,node-name=f,filename=%s", image);
	snprintf(chardev, sizeof chardev, "socket,id=m,path=%s,server=on,wait=off", monitor);
	execlp("qemu-storage-daemon", "qemu-storage-daemon", "--object", "iothread,id=t",
	       "--object", "throttle-group,id=g,x-bps-read=5000000", "--blockdev", node,
	       "--blockdev", "driver=throttle,node-name=n,throttle-group=g,file=f", "--chardev",
	       chardev, "--monitor", "chardev=m", (char *)NULL);
	_exit(77);
}

/* Its I/O thread is the third of the daemon's, and the monitor's comes last. */
static pid_t third_thread(pid_t pid)
{
	struct proc_ids ids = { 0 };
	pid_t tid = 0;

	for (unsigned i = 0; i < 500 && ids.count < 4; i++) {
		usleep(10000);
		proc_ids_clear(&ids);
		if (proc_read_ids(&root, pid, "task", &ids))
			break;
	}
	for (size_t i = 0; i < ids.count; i++)
		for (size_t k = 0, older = 0; k < ids.count; k++) {
			older += ids.items[k].id < ids.items[i].id;
			if (k + 1 == ids.count && older == 2)
				tid = ids.items[i].id;
		}
	proc_ids_clear(&ids);
	return tid;
}

/* false: there is no such program here. */
static bool open_daemon(struct target *target)
{
	struct target_service *service = &target->service;
	struct proc_stat stat = { .start_ticks = 0 };
	char image[128];

	snprintf(monitor, sizeof monitor, "%s/monitor", unit_folder());
	snprintf(image, sizeof image, "%s/image", unit_folder());
	unit_write_file("image", "512 bytes are enough");
	UNIT_EQUAL_I64(0, truncate(image, 1 << 20));
	*target = (struct target){ .manager = DOMAIN_LIBVIRT, .pid = getpid(), .leaf_count = 1 };
	strcpy(target->name, "web");
	strcpy(target->vdisk, "vda");
	service->pid = fork();
	if (service->pid == 0)
		start(image);
	for (unsigned i = 0; i < 500 && access(monitor, F_OK); i++)
		usleep(10000);
	if (access(monitor, F_OK)) {
		printf("skipped: no qemu-storage-daemon\n");
		waitpid(service->pid, NULL, 0);
		return false;
	}
	UNIT_EQUAL_I64(0, proc_read_stat(&root, service->pid, 0, &stat));
	service->start_ticks = stat.start_ticks;
	return true;
}

static void close_daemon(const struct target *target)
{
	kill(target->service.pid, SIGKILL);
	waitpid(target->service.pid, NULL, 0);
	unlink(monitor);
}

static struct applied perform(const struct target *target, enum verb_kind kind,
			      const struct disk_limit *limit)
{
	struct verb verb = { .kind = kind, .target = *target, .value.knob = KNOB_DISK };
	struct applied applied;

	if (limit)
		verb.value.disk = *limit;
	verb_perform(&room, &verb, &applied);
	return applied;
}

static void use_group(struct target *target)
{
	strcpy(target->service.group, "g");
	strcpy(target->service.qmp_socket, monitor);
}

static void test_group(void)
{
	const struct disk_limit wanted = { .read_bytes_s = 1000000, .write_requests_s = 50 };
	struct applied applied;
	struct target target;
	struct disk_limit original;

	if (!open_daemon(&target))
		return;
	use_group(&target);
	applied = perform(&target, VERB_GET, NULL);
	UNIT_EQUAL_TEXT("", applied.error.text);
	UNIT_EQUAL_TEXT("service", applied.actuator);
	UNIT_EQUAL_U64(5000000, applied.value.disk.read_bytes_s);
	original = applied.value.disk;
	applied = perform(&target, VERB_SET, &wanted);
	UNIT_EQUAL_TEXT("", applied.error.text);
	UNIT_EQUAL_U64(1000000, applied.value.disk.read_bytes_s);
	UNIT_EQUAL_U64(50, applied.value.disk.write_requests_s);
	applied = perform(&target, VERB_SET, &original);
	UNIT_TRUE(memcmp(&original, &applied.value.disk, sizeof original) == 0);
	strcpy(target.service.group, "none");
	UNIT_CONTAINS("not found", perform(&target, VERB_GET, NULL).error.text);
	strcpy(target.service.group, "../g");
	UNIT_CONTAINS("no throttle group", perform(&target, VERB_GET, NULL).error.text);
	close_daemon(&target);
}

/* Who is connected is served; who comes meanwhile waits, and does not wait for ever. */
static void test_busy(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct target target;
	int other;

	if (!open_daemon(&target))
		return;
	use_group(&target);
	other = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	memcpy(address.sun_path, monitor, strlen(monitor) + 1);
	UNIT_EQUAL_I64(0, connect(other, (struct sockaddr *)&address, sizeof address));
	UNIT_CONTAINS("in use by another client", perform(&target, VERB_GET, NULL).error.text);
	close(other);
	UNIT_EQUAL_TEXT("", perform(&target, VERB_GET, NULL).error.text);
	close_daemon(&target);
}

/* What its sender may not, it may not by us. */
static void test_refusals(void)
{
	struct target target, other;

	if (!open_daemon(&target))
		return;
	use_group(&target);
	other = target;
	other.service.start_ticks--;
	UNIT_EQUAL_I64(-ESRCH, perform(&other, VERB_GET, NULL).result);
	other = target;
	strcpy(other.service.qmp_socket, "/run/other");
	UNIT_CONTAINS("no qmp-socket of the configuration",
		      perform(&other, VERB_GET, NULL).error.text);
	other = target;
	other.service.pid = getpid();
	other.service.start_ticks = 0;
	UNIT_TRUE(perform(&other, VERB_GET, NULL).result < 0);
	other = target;
	other.service.pid = -1;
	UNIT_CONTAINS("is no process", perform(&other, VERB_GET, NULL).error.text);
	close_daemon(&target);
	UNIT_EQUAL_I64(-ESRCH, perform(&target, VERB_GET, NULL).result);
}

static bool has_v1(void)
{
	const struct cgroup_at at = cgroup_disk(&room);

	if (geteuid() == 0 && *at.mount && !at.v2 && access(at.mount, W_OK) == 0)
		return true;
	printf("skipped: needs root and cgroup v1 with blkio\n");
	return false;
}

/* A device that there is, whatever it is called here. */
static bool find_device(struct target *target)
{
	char text[4096];
	const char *line = text;

	if (rootfs_readf(&root, text, sizeof text, "/proc/partitions") <= 0)
		return false;
	line = strstr(text, "\n\n");
	return line &&
	       sscanf(line, " %u %u", &target->leaves[0].major, &target->leaves[0].minor) == 2;
}

static void expect_place(const struct target *target, bool ours)
{
	char path[TARGET_TEXT], origin[TARGET_TEXT];

	UNIT_EQUAL_I64(0, cgroup_get_disk_place(&room, target->service.tid, path, NULL));
	UNIT_EQUAL_I64(0, cgroup_get_disk_place(&room, target->service.pid, origin, NULL));
	UNIT_TRUE(cgroup_is_ours(path) == ours);
	UNIT_TRUE(ours || strcmp(path, origin) == 0);
	UNIT_TRUE(!cgroup_is_ours(origin));
}

static void test_thread(void)
{
	const struct disk_limit none = { 0 };
	const struct disk_limit wanted = { .read_bytes_s = 2000000, .write_requests_s = 10 };
	struct applied applied;
	struct target target;

	if (!has_v1() || !open_daemon(&target))
		return;
	target.service.tid = third_thread(target.service.pid);
	UNIT_TRUE(find_device(&target) && target.service.tid > 0);
	applied = perform(&target, VERB_GET, NULL);
	UNIT_EQUAL_TEXT("", applied.error.text);
	UNIT_TRUE(memcmp(&none, &applied.value.disk, sizeof none) == 0);
	applied = perform(&target, VERB_SET, &wanted);
	UNIT_EQUAL_TEXT("", applied.error.text);
	UNIT_TRUE(memcmp(&wanted, &applied.value.disk, sizeof wanted) == 0);
	expect_place(&target, true);
	/* As after a restart, when it is not known which device it was. */
	target.leaf_count = 0;
	applied = perform(&target, VERB_GET, NULL);
	UNIT_EQUAL_U64(2000000, applied.value.disk.read_bytes_s);
	applied = perform(&target, VERB_SET, &none);
	UNIT_EQUAL_TEXT("", applied.error.text);
	expect_place(&target, false);
	/* The main thread is the process. */
	target.service.tid = target.service.pid;
	UNIT_EQUAL_I64(-ESRCH, perform(&target, VERB_GET, NULL).result);
	close_daemon(&target);
}

/* Of a daemon that ended while it was limited nothing stays. */
static void test_left_over(void)
{
	const struct disk_limit wanted = { .read_bytes_s = 2000000 };
	char first[PATH_MAX], second[PATH_MAX], *folders[] = { first, second };
	struct target target;

	for (size_t i = 0; i < 2; i++) {
		if (!has_v1() || !open_daemon(&target))
			return;
		target.service.tid = third_thread(target.service.pid);
		UNIT_TRUE(find_device(&target) && target.service.tid > 0);
		UNIT_EQUAL_TEXT("", perform(&target, VERB_SET, &wanted).error.text);
		snprintf(folders[i], PATH_MAX, "%s" CGROUP_OURS "/thread-%d",
			 cgroup_disk(&room).mount, (int)target.service.tid);
		UNIT_EQUAL_I64(0, access(folders[i], F_OK));
		close_daemon(&target);
	}
	UNIT_TRUE(access(first, F_OK) != 0);
	UNIT_EQUAL_I64(0, rmdir(second));
}

/* Into a folder of the test's own. */
static void confine(const struct target *target, const char *limit, char folder[TARGET_TEXT])
{
	const struct cgroup_at mount = cgroup_disk(&room);
	struct cgroup_at at = mount;
	struct error error = { "" };

	snprintf(folder, TARGET_TEXT, "%s/vmenergy-unit-%d", mount.mount, (int)getpid());
	UNIT_EQUAL_I64(0, mkdir(folder, 0755));
	at.path = folder + strlen(mount.mount);
	cgroup_writef(&at, "cgroup.procs", &error, "%d", (int)target->service.pid);
	cgroup_writef(&at, "blkio.throttle.read_bps_device", &error, "%u:%u %s",
		      target->leaves[0].major, target->leaves[0].minor, limit);
	UNIT_EQUAL_TEXT("", error.text);
}

/* Where somebody has tightened the process's own limit meanwhile. */
static void test_never_freer(void)
{
	const struct disk_limit looser = { .read_bytes_s = 2000000 };
	const struct disk_limit mixed = { .read_bytes_s = 2000000, .write_requests_s = 10 };
	char folder[TARGET_TEXT];
	struct applied applied;
	struct target target;

	if (!has_v1() || !open_daemon(&target))
		return;
	target.service.tid = third_thread(target.service.pid);
	UNIT_TRUE(find_device(&target) && target.service.tid > 0);
	confine(&target, "1000000", folder);
	applied = perform(&target, VERB_SET, &mixed);
	UNIT_EQUAL_TEXT("", applied.error.text);
	UNIT_EQUAL_U64(1000000, applied.value.disk.read_bytes_s);
	UNIT_EQUAL_U64(10, applied.value.disk.write_requests_s);
	expect_place(&target, true);
	applied = perform(&target, VERB_SET, &looser);
	UNIT_EQUAL_U64(1000000, applied.value.disk.read_bytes_s);
	expect_place(&target, false);
	close_daemon(&target);
	UNIT_EQUAL_I64(0, rmdir(folder));
}

int main(void)
{
	struct error error;
	int status;

	if (rootfs_open(&root, NULL, &error) || actuator_room_open(&room, &root, false, &error))
		abort();
	room.monitors = (struct monitor_list){ monitors, 1 };
	status = UNIT_RUN(
		"actuator-service", { "a throttle group is read, set and put back", test_group },
		{ "a monitor in use gives an error in time", test_busy },
		{ "other processes and sockets are let alone", test_refusals },
		{ "a thread is limited in a place of its own, and goes back", test_thread },
		{ "what one that ended has left is removed", test_left_over },
		{ "a thread is never freer than its process", test_never_freer });
	actuator_room_close(&room);
	rootfs_close(&root);
	return status;
}
