/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/proc-fixture.h"
#include "vmenergyd/places-internal.h"

#define V1_CPU "/sys/fs/cgroup/cpu"
#define V1_IO "/sys/fs/cgroup/blkio"
#define V2 "/sys/fs/cgroup"

static struct rootfs root;
static struct places *places;
static struct domain domains[4];
static struct topology topology = { .domains = domains };

static struct domain domain_of(const char *id, const char *name, pid_t pid)
{
	return (struct domain){
		.id = unit_literal(id),
		.name = unit_literal(name),
		.state = DOMAIN_RUNNING,
		.manager = DOMAIN_QEMU,
		.pid = pid,
		.start_ticks = 1000,
		.vcpus = 2,
	};
}

static void open_places(void)
{
	struct error error = { "" };

	if (places_open(&places, &root, &error))
		abort();
}

static void begin(const char *name, const char *mountinfo, const char *v2_controllers)
{
	fixture_begin(name, &root);
	fixture_write(mountinfo, "/proc/self/mountinfo");
	if (v2_controllers)
		fixture_write(v2_controllers, V2 "/cgroup.controllers");
	domains[0] = domain_of("qemu:100:1000", "web1", 100);
	topology.domain_count = 1;
	topology.generation++;
}

static void begin_v1(const char *name)
{
	begin(name,
	      "30 20 0:26 / " V1_CPU " rw - cgroup cgroup rw,cpu\n"
	      "31 20 0:27 / " V1_IO " rw - cgroup cgroup rw,blkio\n",
	      NULL);
	open_places();
}

static void begin_v2(const char *name)
{
	begin(name, "31 20 0:27 / " V2 " rw - cgroup2 cgroup2 rw\n", "cpuset cpu io memory\n");
	open_places();
}

static void end(void)
{
	places_close(places);
	rootfs_close(&root);
}

static const struct enforce_reading *read_all(size_t expected)
{
	const struct enforce_reading *readings = NULL;
	struct error error = { "" };
	size_t count = 99;

	UNIT_EQUAL_I64(0, places_read(places, &topology, &readings, &count, &error));
	UNIT_EQUAL_U64(expected, count);
	return readings;
}

static void write_v1(const char *cgroup, const char *quota, const char *counts)
{
	fixture_write(quota, V1_CPU "%s/cpu.cfs_quota_us", cgroup);
	fixture_write("20000\n", V1_CPU "%s/cpu.cfs_period_us", cgroup);
	fixture_write(counts, V1_CPU "%s/cpu.stat", cgroup);
	fixture_write("100\n", V1_CPU "%s/cgroup.procs", cgroup);
}

static void write_v1_io(const char *cgroup)
{
	fixture_write("", V1_IO "%s/blkio.throttle.read_bps_device", cgroup);
	fixture_write("100\n", V1_IO "%s/cgroup.procs", cgroup);
}

#define V1_FOLDER "/machine/qemu-1-web1.libvirt-qemu"
#define COUNTS "nr_periods 500\nnr_throttled 20\nthrottled_time 123456\n"

static void test_libvirt_v1(void)
{
	struct fixture_process vm = { .pid = 100,
				      .cmdline = "kvm|",
				      .cgroup = "3:cpu:" V1_FOLDER "/emulator\n4:blkio:" V1_FOLDER
						"\n" };
	const struct enforce_reading *reading;

	begin_v1("libvirt-v1");
	fixture_process(&vm);
	fixture_thread(&vm, 101, "CPU 0/KVM", "3:cpu:" V1_FOLDER "/vcpu0\n4:blkio:" V1_FOLDER "\n");
	write_v1(V1_FOLDER, "-1\n", COUNTS);
	write_v1_io(V1_FOLDER);
	domains[0].manager = DOMAIN_LIBVIRT;
	domains[0].id = domains[0].uuid = unit_literal("6b1f2c3d-0001-4a5b-8c9d-aabbccddeeff");
	domains[0].connection = unit_literal("qemu:///system");
	reading = read_all(1);
	UNIT_EQUAL_TEXT(domains[0].id, reading->id);
	UNIT_EQUAL_TEXT(domains[0].id, reading->target.id);
	UNIT_EQUAL_TEXT(domains[0].uuid, reading->target.uuid);
	UNIT_EQUAL_TEXT("web1", reading->target.name);
	UNIT_EQUAL_TEXT("qemu:///system", reading->target.uri);
	UNIT_EQUAL_I64(DOMAIN_LIBVIRT, reading->target.manager);
	UNIT_EQUAL_I64(100, reading->target.pid);
	UNIT_EQUAL_U64(1000, reading->target.start_ticks);
	UNIT_EQUAL_U64(2, reading->target.vcpus);
	UNIT_EQUAL_TEXT(V1_FOLDER, reading->target.cpu_cgroup);
	UNIT_EQUAL_TEXT(V1_FOLDER, reading->target.io_cgroup);
	UNIT_TRUE(reading->has_bandwidth);
	UNIT_TRUE(reading->cgroup_inode > 0);
	UNIT_EQUAL_U64(500, reading->periods);
	UNIT_EQUAL_U64(20, reading->throttled);
	UNIT_EQUAL_I64(-1, reading->in_force.quota_us);
	UNIT_EQUAL_U64(20000, reading->in_force.period_us);
	end();
}

/* What is read next is what the files say then. */
static void test_follows_figures(void)
{
	struct fixture_process vm = { .pid = 100, .cgroup = "3:cpu:/vm/a\n4:blkio:/vm/a\n" };
	const struct enforce_reading *reading;
	unsigned descriptors;

	begin_v1("figures");
	fixture_process(&vm);
	write_v1("/vm/a", "-1\n", COUNTS);
	write_v1_io("/vm/a");
	read_all(1);
	descriptors = unit_count_descriptors();
	write_v1("/vm/a", "8000\n", "nr_periods 600\nnr_throttled 70\nthrottled_time 1\n");
	reading = read_all(1);
	UNIT_EQUAL_U64(600, reading->periods);
	UNIT_EQUAL_U64(70, reading->throttled);
	UNIT_EQUAL_I64(8000, reading->in_force.quota_us);
	/* Another topology in which the process is where it was: the files stay open. */
	topology.generation++;
	read_all(1);
	UNIT_EQUAL_U64(descriptors, unit_count_descriptors());
	topology.generation++;
	topology.domain_count = 0;
	read_all(0);
	UNIT_TRUE(unit_count_descriptors() < descriptors);
	end();
}

/* CPU time: of the cgroup if cpuacct has the same one, else of the process. */
static void test_usage_v1(void)
{
	static const struct {
		const char *cpuacct;
		uint64_t usage_ns;
	} cases[] = { { "/vm/a/emulator", 123456789 }, { "/elsewhere", 70000000 } };

	for (size_t i = 0; i < 2; i++) {
		char cgroups[128];
		struct fixture_process vm = { .pid = 100, .comm = "a) b", .cgroup = cgroups };
		const struct enforce_reading *reading;

		snprintf(cgroups, sizeof cgroups, "3:cpu:/vm/a\n4:blkio:/vm/a\n5:cpuacct:%s\n",
			 cases[i].cpuacct);
		begin("usage",
		      "30 20 0:26 / " V1_CPU " rw - cgroup cgroup rw,cpu\n"
		      "32 20 0:28 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n",
		      NULL);
		open_places();
		fixture_process(&vm);
		fixture_write("100 (a) b) S 1 1 1 0 -1 4194560 9 8 7 6 4 3 0 0 20 0 1 0 1000 0\n",
			      "/proc/100/stat");
		fixture_write("123456789\n", "/sys/fs/cgroup/cpuacct/vm/a/cpuacct.usage");
		write_v1("/vm/a", "-1\n", COUNTS);
		reading = read_all(1);
		UNIT_TRUE(reading->has_usage);
		UNIT_EQUAL_U64(cases[i].usage_ns, reading->usage_ns);
		end();
	}
}

#define SCOPE "/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope"

static void write_v2(const char *cgroup)
{
	fixture_write("5000 20000\n", V2 "%s/cpu.max", cgroup);
	fixture_write("usage_usec 7\nuser_usec 5\nsystem_usec 2\nnr_periods 10\nnr_throttled 3\n",
		      V2 "%s/cpu.stat", cgroup);
	fixture_write("", V2 "%s/io.max", cgroup);
}

/* libvirt writes cpu.max into its own folder below systemd's scope. */
static void test_libvirt_v2(void)
{
	struct fixture_process vm = { .pid = 100, .cgroup = "0::" SCOPE "/libvirt/emulator\n" };
	const struct enforce_reading *reading;

	begin_v2("libvirt-v2");
	fixture_process(&vm);
	fixture_thread(&vm, 101, "CPU 0/KVM", "0::" SCOPE "/libvirt/vcpu0\n");
	write_v2(SCOPE);
	write_v2(SCOPE "/libvirt");
	/* Others that work for the domain. */
	fixture_write("100\n555\n", V2 "%s/libvirt/cgroup.procs", SCOPE);
	fixture_process(&(struct fixture_process){ .pid = 555, .comm = "swtpm" });
	reading = read_all(1);
	UNIT_EQUAL_TEXT(SCOPE "/libvirt", reading->target.cpu_cgroup);
	UNIT_EQUAL_TEXT(SCOPE "/libvirt", reading->target.io_cgroup);
	UNIT_TRUE(reading->has_bandwidth);
	UNIT_EQUAL_I64(5000, reading->in_force.quota_us);
	UNIT_EQUAL_U64(20000, reading->in_force.period_us);
	UNIT_EQUAL_U64(10, reading->periods);
	UNIT_EQUAL_U64(3, reading->throttled);
	UNIT_TRUE(reading->has_usage);
	UNIT_EQUAL_U64(7000, reading->usage_ns);
	fixture_write("max 100000\n", V2 "%s/libvirt/cpu.max", SCOPE);
	reading = read_all(1);
	UNIT_EQUAL_I64(-1, reading->in_force.quota_us);
	UNIT_EQUAL_U64(100000, reading->in_force.period_us);
	end();
}

/* Before libvirt 7.1 there was no folder below; and controllers may not be handed down to it. */
static void test_libvirt_v2_scope(void)
{
	struct fixture_process vm = { .pid = 100, .cgroup = "0::" SCOPE "/libvirt\n" };
	const struct enforce_reading *reading;

	begin_v2("libvirt-v2-scope");
	fixture_process(&vm);
	write_v2(SCOPE);
	fixture_write("100\n", V2 "%s/libvirt/cgroup.procs", SCOPE);
	reading = read_all(1);
	UNIT_EQUAL_TEXT(SCOPE, reading->target.cpu_cgroup);
	UNIT_EQUAL_TEXT(SCOPE, reading->target.io_cgroup);
	end();
}

static void test_proxmox(void)
{
	struct fixture_process vm = { .pid = 100, .cgroup = "0::/qemu.slice/100.scope\n" };
	const struct enforce_reading *reading;

	begin_v2("proxmox");
	fixture_process(&vm);
	write_v2("/qemu.slice/100.scope");
	write_v2("/qemu.slice");
	fixture_write("100\n", V2 "/qemu.slice/100.scope/cgroup.procs");
	reading = read_all(1);
	UNIT_EQUAL_TEXT("/qemu.slice/100.scope", reading->target.cpu_cgroup);
	end();
}

/* KNOB_PLACE gives it a cgroup of its own: no new topology tells. */
static void test_moved(void)
{
	struct fixture_process vm = { .pid = 100, .cgroup = "3:cpu:/shared\n4:blkio:/shared\n" };
	const struct enforce_reading *reading;

	begin_v1("moved");
	fixture_process(&vm);
	fixture_process(&(struct fixture_process){ .pid = 50, .comm = "bash" });
	write_v1("/shared", "-1\n", COUNTS);
	write_v1_io("/shared");
	fixture_write("50\n100\n", V1_CPU "/shared/cgroup.procs");
	fixture_write("50\n100\n", V1_IO "/shared/cgroup.procs");
	reading = read_all(1);
	UNIT_EQUAL_TEXT("", reading->target.cpu_cgroup);
	UNIT_EQUAL_TEXT("", reading->target.io_cgroup);
	UNIT_TRUE(!reading->has_bandwidth);
	UNIT_EQUAL_U64(0, reading->cgroup_inode);
	vm.cgroup = "3:cpu:/vmenergy/100\n4:blkio:/vmenergy/100\n";
	fixture_process(&vm);
	write_v1("/vmenergy/100", "4000\n", COUNTS);
	write_v1_io("/vmenergy/100");
	places_look_again(places);
	reading = read_all(1);
	UNIT_EQUAL_TEXT("/vmenergy/100", reading->target.cpu_cgroup);
	UNIT_EQUAL_TEXT("/vmenergy/100", reading->target.io_cgroup);
	UNIT_EQUAL_I64(4000, reading->in_force.quota_us);
	/* And back: seen with the next topology at the latest. */
	vm.cgroup = "3:cpu:/shared\n4:blkio:/shared\n";
	fixture_process(&vm);
	topology.generation++;
	UNIT_EQUAL_TEXT("", read_all(1)->target.cpu_cgroup);
	end();
}

/* By an operator: no topology tells, and nothing is missing. A write that is refused does. */
static void test_moved_by_others(void)
{
	struct fixture_process vm = { .pid = 100, .cgroup = "3:cpu:/vm/a\n4:blkio:/vm/a\n" };

	begin_v1("operator");
	fixture_process(&vm);
	write_v1("/vm/a", "-1\n", COUNTS);
	write_v1_io("/vm/a");
	UNIT_EQUAL_TEXT("/vm/a", read_all(1)->target.cpu_cgroup);
	vm.cgroup = "3:cpu:/vm/b\n4:blkio:/vm/b\n";
	fixture_process(&vm);
	write_v1("/vm/b", "-1\n", COUNTS);
	write_v1_io("/vm/b");
	places_doubt(places);
	UNIT_EQUAL_TEXT("/vm/b", read_all(1)->target.cpu_cgroup);
	end();
}

/* While there is no place: whether the process moved each second, everything each half minute. */
static void test_pace_of_looking(void)
{
	struct fixture_process vm = { .pid = 100, .cgroup = "3:cpu:/\n4:blkio:/\n" };
	const uint64_t second = 1000000000;
	struct spot_room room = { .root = &root };
	struct spot spot;

	begin_v1("pace");
	cgroup_find_mounts(&root, &room.mounts);
	fixture_process(&vm);
	spot_init(&spot);
	UNIT_TRUE(!spot_must_look(&room, &spot, second));
	spot.pid = 100;
	UNIT_TRUE(spot_must_look(&room, &spot, second));
	spot_look(&room, &spot, second);
	UNIT_TRUE(!spot_must_look(&room, &spot, 3 * second));
	vm.cgroup = "3:cpu:/a\n4:blkio:/a\n";
	fixture_process(&vm);
	UNIT_TRUE(!spot_must_look(&room, &spot, 4 * second - 1));
	UNIT_TRUE(spot_must_look(&room, &spot, 4 * second));
	spot_look(&room, &spot, 4 * second);
	UNIT_TRUE(!spot_must_look(&room, &spot, 33 * second));
	UNIT_TRUE(spot_must_look(&room, &spot, 34 * second));
	spot_clear(&spot);
	end();
}

/* While there is one: whether the process moved each half minute, or at once where it is doubted,
 * and who else is there then, too. */
static void test_pace_of_checking(void)
{
	struct fixture_process vm = { .pid = 100, .cgroup = "3:cpu:/a\n4:blkio:/a\n" };
	const uint64_t second = 1000000000;
	struct spot_room room = { .root = &root };
	struct spot spot;

	begin_v1("checking");
	cgroup_find_mounts(&root, &room.mounts);
	fixture_process(&vm);
	write_v1("/a", "-1\n", COUNTS);
	write_v1_io("/a");
	spot_init(&spot);
	spot.pid = 100;
	spot_look(&room, &spot, second);
	UNIT_EQUAL_TEXT("/a", spot.cpu_cgroup);
	UNIT_TRUE(!spot_must_look(&room, &spot, 31 * second));
	vm.cgroup = "3:cpu:/b\n4:blkio:/b\n";
	fixture_process(&vm);
	UNIT_TRUE(!spot_must_look(&room, &spot, 61 * second - 1));
	UNIT_TRUE(spot_must_look(&room, &spot, 61 * second));
	spot_look(&room, &spot, 61 * second);
	vm.cgroup = "3:cpu:/a\n4:blkio:/a\n";
	fixture_process(&vm);
	spot_look(&room, &spot, 62 * second);
	spot.doubted = true;
	UNIT_TRUE(!spot_must_look(&room, &spot, 63 * second));
	UNIT_TRUE(spot_must_look(&room, &spot, 92 * second));
	spot_look(&room, &spot, 92 * second);
	UNIT_TRUE(!spot.doubted);
	spot_clear(&spot);
	end();
}

/* Files of a removed cgroup give nothing; a new one in its place is found. */
static void test_vanished(void)
{
	struct fixture_process vm = { .pid = 100, .cgroup = "3:cpu:/vm/a\n4:blkio:/vm/a\n" };
	const struct enforce_reading *reading;
	uint64_t inode;

	begin_v1("vanished");
	fixture_process(&vm);
	write_v1("/vm/a", "-1\n", COUNTS);
	write_v1_io("/vm/a");
	inode = read_all(1)->cgroup_inode;
	fixture_write("", V1_CPU "/vm/a/cpu.stat");
	reading = read_all(1);
	UNIT_TRUE(!reading->has_bandwidth);
	UNIT_EQUAL_TEXT("/vm/a", reading->target.cpu_cgroup);
	UNIT_EQUAL_U64(inode, reading->cgroup_inode);
	/* Nothing is tried at each reading. */
	write_v1("/vm/a", "-1\n", COUNTS);
	UNIT_TRUE(!read_all(1)->has_bandwidth);
	places_look_again(places);
	UNIT_TRUE(read_all(1)->has_bandwidth);
	end();
}

static void test_garbage(void)
{
	static const char *const counts[] = { "nr_periods x\nnr_throttled 1\n", "nr_periods 5\n",
					      "xnr_periods 5\nnr_throttled 1\n", "\n" };
	struct fixture_process vm = { .pid = 100, .cgroup = "3:cpu:/vm/a\n4:blkio:/vm/a\n" };

	begin_v1("garbage");
	fixture_process(&vm);
	write_v1_io("/vm/a");
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		write_v1("/vm/a", "-1\n", counts[i]);
		places_look_again(places);
		UNIT_TRUE(!read_all(1)->has_bandwidth);
	}
	write_v1("/vm/a", "much\n", COUNTS);
	places_look_again(places);
	UNIT_TRUE(!read_all(1)->has_bandwidth);
	end();
}

static void test_domains(void)
{
	static const struct place_socket sockets[] = { { 300, "/run/c.qmp" },
						       { 200, "/run/b.qmp" } };
	const struct enforce_reading *readings;

	begin_v1("domains");
	domains[1] = domain_of("b", "b", 200);
	domains[1].state = DOMAIN_PAUSED;
	domains[2] = domain_of("c", "c", 300);
	domains[2].state = DOMAIN_ENDED;
	domains[3] = domain_of("d", "d", 0);
	topology.domain_count = 4;
	readings = read_all(3);
	UNIT_EQUAL_TEXT("", readings[1].target.qmp_socket);
	UNIT_EQUAL_I64(0, places_set_qmp(places, sockets, 2));
	readings = read_all(3);
	UNIT_EQUAL_TEXT("qemu:100:1000", readings[0].id);
	UNIT_EQUAL_TEXT("", readings[0].target.qmp_socket);
	UNIT_EQUAL_TEXT("b", readings[1].id);
	UNIT_EQUAL_TEXT("/run/b.qmp", readings[1].target.qmp_socket);
	/* Without a process here libvirt alone can hold it. */
	UNIT_EQUAL_TEXT("d", readings[2].id);
	UNIT_EQUAL_TEXT("", readings[2].target.cpu_cgroup);
	end();
}

/* A pid that is used again is another process: nothing of the old place is kept. */
static void test_another_process(void)
{
	struct fixture_process vm = { .pid = 100, .cgroup = "3:cpu:/vm/a\n4:blkio:/vm/a\n" };

	begin_v1("another");
	fixture_process(&vm);
	write_v1("/vm/a", "-1\n", COUNTS);
	write_v1_io("/vm/a");
	UNIT_EQUAL_TEXT("/vm/a", read_all(1)->target.cpu_cgroup);
	fixture_write("50\n100\n", V1_CPU "/vm/a/cgroup.procs");
	fixture_process(&(struct fixture_process){ .pid = 50, .comm = "bash" });
	domains[0].start_ticks = 2000;
	topology.generation++;
	UNIT_EQUAL_TEXT("", read_all(1)->target.cpu_cgroup);
	end();
}

/* --- the kernel's own files ------------------------------------------------------------------- */

static bool write_real(const char *folder, const char *file, const char *text)
{
	char path[300];
	FILE *stream;
	bool written;

	snprintf(path, sizeof path, "%s/%s", folder, file);
	stream = fopen(path, "w");
	if (!stream)
		return false;
	written = fputs(text, stream) >= 0;
	return fclose(stream) == 0 && written;
}

static pid_t spawn_in(const char *folder)
{
	char number[32];
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			pause();
	}
	snprintf(number, sizeof number, "%d\n", (int)pid);
	UNIT_TRUE(write_real(folder, "cgroup.procs", number));
	return pid;
}

static void check_real(const char *folder, const char *path)
{
	pid_t pid = spawn_in(folder);
	const struct enforce_reading *reading;

	domains[0] = domain_of("real", "real", pid);
	topology.domain_count = 1;
	topology.generation++;
	open_places();
	reading = read_all(1);
	UNIT_EQUAL_TEXT(path, reading->target.cpu_cgroup);
	UNIT_TRUE(reading->has_bandwidth);
	UNIT_EQUAL_I64(-1, reading->in_force.quota_us);
	UNIT_TRUE(write_real(folder, "cpu.cfs_quota_us", "30000\n"));
	reading = read_all(1);
	UNIT_EQUAL_I64(30000, reading->in_force.quota_us);
	UNIT_EQUAL_U64(100000, reading->in_force.period_us);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	UNIT_EQUAL_I64(0, rmdir(folder));
	UNIT_TRUE(!read_all(1)->has_bandwidth);
	end();
}

/* Where this machine has v1's cpu and we may write there. */
static void test_real(void)
{
	struct cgroup_mounts mounts;
	char path[64], folder[256];

	if (rootfs_open(&root, NULL, NULL))
		abort();
	cgroup_find_mounts(&root, &mounts);
	snprintf(path, sizeof path, "/vmenergy-unit-%d", (int)getpid());
	snprintf(folder, sizeof folder, "%s%s", mounts.cpu, path);
	if (!mounts.cpu[0] || mkdir(folder, 0755)) {
		fprintf(stderr, "left out: no cgroup v1 cpu hierarchy to write to\n");
		rootfs_close(&root);
		return;
	}
	check_real(folder, path);
	rmdir(folder);
}

int main(void)
{
	return UNIT_RUN("places", { "libvirt on v1: the domain's folder", test_libvirt_v1 },
			{ "files stay open and are read again", test_follows_figures },
			{ "CPU time on v1: of the cgroup, or of the process", test_usage_v1 },
			{ "libvirt on v2: its folder in the scope", test_libvirt_v2 },
			{ "libvirt on v2: else the scope", test_libvirt_v2_scope },
			{ "Proxmox: the VM's scope", test_proxmox },
			{ "a process that moved is found again", test_moved },
			{ "one that others have moved is found when a write is refused",
			  test_moved_by_others },
			{ "what is missing is looked for now and then", test_pace_of_looking },
			{ "what is not missing is checked now and then", test_pace_of_checking },
			{ "a cgroup that vanished is no error", test_vanished },
			{ "files that say something else give nothing", test_garbage },
			{ "domains without an end, and their sockets", test_domains },
			{ "another process of the same pid", test_another_process },
			{ "a real cgroup", test_real });
}
