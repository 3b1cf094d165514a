/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Discovery on trees of /proc, with what libvirt would have said put in by hand. */
#include "base/clock.h"
#include "tests/unit/host-scene.h"

#define VM(number, ...) fixture_process(&(struct fixture_process){ .pid = number, __VA_ARGS__ })
#define UUID_A "aaaaaaaa-0000-4000-8000-000000000001"
#define UUID_B "bbbbbbbb-0000-4000-8000-000000000002"
#define LIBVIRTS "-object|{\"qom-type\":\"secret\",\"id\":\"masterKey0\"}|"

/*
 * host_discover_with() takes over a view that it gets as const, which the analyzer takes for
 * a leak in each test; valgrind and the address sanitizer watch for real ones.
 * NOLINTBEGIN(clang-analyzer-unix.Malloc)
 */

/* "ID NAME STATE MANAGER" of each row, lines. */
static void expect_rows(const char *expected, const struct topology *topology)
{
	char found[4096] = "";

	for (size_t i = 0; i < topology->domain_count; i++) {
		const struct domain *domain = &topology->domains[i];

		snprintf(found + strlen(found), sizeof found - strlen(found), "%s %s %s %s\n",
			 domain->id, domain->name, domain_state_name(domain->state),
			 domain_manager_name(domain->manager));
	}
	UNIT_EQUAL_TEXT(expected, found);
}

static struct libvirt_view *make_view(const char *uri, size_t domains)
{
	struct libvirt_view *view = calloc(1, sizeof *view);

	if (!view)
		abort();
	view->uri = strdup(uri);
	view->references = 1;
	view->domains = calloc(domains + 1, sizeof *view->domains);
	view->domain_count = domains;
	return view;
}

static struct libvirt_domain *name_domain(struct libvirt_view *view, size_t index, const char *uuid,
					  const char *name)
{
	struct libvirt_domain *domain = &view->domains[index];

	domain->uuid = strdup(uuid);
	domain->name = strdup(name);
	domain->vcpus = 2;
	return domain;
}

static void add_disk(struct libvirt_domain *domain, const char *target, const char *source,
		     int iothread)
{
	domain->disks = realloc(domain->disks, (domain->disk_count + 1) * sizeof *domain->disks);
	if (!domain->disks)
		abort();
	domain->disks[domain->disk_count++] = (struct libvirt_disk){ .target = strdup(target),
								     .type = strdup("file"),
								     .source = strdup(source),
								     .iothread = iothread };
}

static const struct domain *row(const struct topology *topology, const char *id)
{
	static const struct domain none;

	for (size_t i = 0; i < topology->domain_count; i++)
		if (strcmp(topology->domains[i].id, id) == 0)
			return &topology->domains[i];
	UNIT_EQUAL_TEXT(id, "(a row of this id)");
	return &none;
}

static void test_plain(void)
{
	struct host *host = open_host("plain");
	struct topology *topology;
	const struct domain *domain;

	VM(10,
	   .cmdline = "kvm|-name|web|-smp|3|-drive|if=none,id=d,file=nbd:h:1,cache=none|"
		      "-object|iothread,id=io0|-device|virtio-blk-pci,drive=d,iothread=io0|",
	   .start = 777, .uid = 1000);
	fixture_thread(&(struct fixture_process){ .pid = 10 }, 11, "IO io0", NULL);
	fixture_thread(&(struct fixture_process){ .pid = 10 }, 12, "CPU 0/KVM", NULL);
	fixture_thread(&(struct fixture_process){ .pid = 10 }, 13, "CPU 1/KVM", NULL);
	VM(20, .cmdline = "kvm|-name|web|-uuid|" UUID_A "|", .uid = 64055);
	VM(30, .cmdline = "kvm|-m|64|", .state = 'T');
	fixture_write("root:x:0:0::/:/bin/sh\nanna:x:1000:1000::/home/anna:/bin/sh\n"
		      "libvirt-qemu:x:64055:1::/:/bin/false\n",
		      "/etc/passwd");
	topology = discover(host);
	expect_rows("qemu:30:1000 qemu-30 paused qemu\n" UUID_A " web running qemu\n"
		    "qemu:10:777 web running qemu\n",
		    topology);
	domain = row(topology, "qemu:10:777");
	UNIT_EQUAL_TEXT("anna", domain->owner);
	UNIT_EQUAL_TEXT(NULL, row(topology, UUID_A)->owner);
	UNIT_EQUAL_U64(2, domain->vcpus); /* those that run, not those of -smp */
	UNIT_EQUAL_U64(1, domain->vdisk_count);
	UNIT_EQUAL_TEXT("vda", domain->vdisks[0].name);
	UNIT_EQUAL_I64(VDISK_NETWORK, domain->vdisks[0].backing);
	UNIT_TRUE(domain->vdisks[0].direct);
	UNIT_EQUAL_I64(THREAD_IOTHREAD, domain->threads[1].role);
	UNIT_EQUAL_I64(0, domain->threads[1].vdisk);
	UNIT_EQUAL_U64(0, domain->start_ns); /* it ran before anyone looked */
	UNIT_EQUAL_TEXT(NULL, domain->connection);
	UNIT_EQUAL_DOUBLE(100, domain->cpu_weight, 0);
	topology_unref(topology);
	close_host(host);
}

static void test_generation(void)
{
	struct host *host = open_host("generation");
	struct topology *first, *second, *third, *fourth;

	VM(10, .cmdline = "kvm|-name|a|");
	UNIT_TRUE(host_changed(host));
	first = discover(host);
	UNIT_TRUE(!host_changed(host));
	second = discover(host);
	UNIT_EQUAL_U64(first->generation, second->generation);
	VM(20, .cmdline = "kvm|-name|b|");
	UNIT_TRUE(host_changed(host));
	UNIT_TRUE(host_changed(host)); /* until somebody looks */
	third = discover(host);
	UNIT_TRUE(third->generation > second->generation);
	UNIT_TRUE(row(third, "qemu:20:1000")->start_ns > 0);
	UNIT_TRUE(!host_changed(host));
	fixture_remove("/proc/10");
	UNIT_TRUE(host_changed(host));
	fourth = discover(host);
	expect_rows("qemu:10:1000 a ended qemu\nqemu:20:1000 b running qemu\n", fourth);
	UNIT_TRUE(row(fourth, "qemu:10:1000")->end_ns > 0);
	UNIT_EQUAL_U64(row(third, "qemu:20:1000")->start_ns, row(fourth, "qemu:20:1000")->start_ns);
	topology_unref(fourth);
	UNIT_TRUE(host_changed(host)); /* the ended row is to go */
	fourth = discover(host);
	expect_rows("qemu:20:1000 b running qemu\n", fourth);
	UNIT_TRUE(!host_changed(host));
	topology_unref(first);
	topology_unref(second);
	topology_unref(third);
	topology_unref(fourth);
	close_host(host);
}

static const struct thread *find_thread(const struct topology *topology, pid_t tid)
{
	static const struct thread none = { .role = (enum thread_role)99 };

	for (size_t i = 0; i < topology->domains[0].thread_count; i++)
		if (topology->domains[0].threads[i].tid == tid)
			return &topology->domains[0].threads[i];
	return &none;
}

/* A vNIC is plugged in: its worker is a kernel thread, or on newer kernels one of QEMU's. */
static void test_workers_come(void)
{
	struct fixture_process vm = { .pid = 10, .cmdline = "kvm|-name|a|" };
	struct host *host = open_host("workers");
	const struct topology *topology;

	fixture_process(&vm);
	fixture_thread(&vm, 11, "CPU 0/KVM", NULL);
	topology = discover(host);
	UNIT_EQUAL_U64(2, topology->domains[0].thread_count);
	topology_unref(topology);
	UNIT_TRUE(!host_changed(host));
	fixture_process(&(struct fixture_process){
		.pid = 300, .comm = "vhost-10", .kernel = true, .parent = 2 });
	UNIT_TRUE(host_changed(host));
	topology = discover(host);
	UNIT_EQUAL_I64(THREAD_VHOST, find_thread(topology, 300)->role);
	UNIT_TRUE(find_thread(topology, 300)->sampled);
	topology_unref(topology);
	UNIT_TRUE(!host_changed(host));
	fixture_thread(&vm, 12, "vhost-10", NULL);
	UNIT_TRUE(host_changed(host));
	topology = discover(host);
	UNIT_EQUAL_I64(THREAD_VHOST, find_thread(topology, 12)->role);
	UNIT_TRUE(!find_thread(topology, 12)->sampled); /* the process has it */
	topology_unref(topology);
	fixture_remove("/proc/300");
	UNIT_TRUE(host_changed(host));
	topology = discover(host);
	UNIT_EQUAL_U64(3, topology->domains[0].thread_count);
	topology_unref(topology);
	close_host(host);
}

static void test_threads_change(void)
{
	struct fixture_process vm = { .pid = 10, .cmdline = "kvm|-name|a|" };
	struct host *host = open_host("threads");

	fixture_process(&vm);
	fixture_thread(&vm, 11, "CPU 0/KVM", NULL);
	fixture_thread(&vm, 12, "worker", NULL);
	topology_unref(discover(host));
	UNIT_TRUE(!host_changed(host));
	/* Pool workers come and go: no news. */
	fixture_thread(&vm, 13, "worker", NULL);
	UNIT_TRUE(!host_changed(host));
	fixture_remove("/proc/10/task/12");
	fixture_remove("/proc/10/task/13");
	UNIT_TRUE(!host_changed(host));
	/* A new thread that has its maker's name yet will be a vCPU in a moment. */
	fixture_thread(&vm, 14, "qemu-system-x86", NULL);
	UNIT_TRUE(!host_changed(host));
	fixture_thread(&vm, 14, "CPU 1/KVM", NULL);
	UNIT_TRUE(host_changed(host));
	topology_unref(discover(host));
	UNIT_TRUE(!host_changed(host));
	fixture_remove("/proc/10/task/14");
	UNIT_TRUE(host_changed(host));
	topology_unref(discover(host));
	UNIT_TRUE(!host_changed(host));
	fixture_write("0::/elsewhere\n", "/proc/10/cgroup");
	UNIT_TRUE(host_changed(host));
	close_host(host);
}

/* Seen before it named its threads, a young process is looked at again. */
static void test_young_threads(void)
{
	struct fixture_process vm = { .pid = 10, .cmdline = "kvm|-name|a|" };
	struct host *host = open_host("young");
	struct topology *topology;

	fixture_process(&vm);
	fixture_thread(&vm, 11, "qemu-system-x86", NULL);
	topology = discover(host);
	UNIT_CONTAINS("debug-threads=on", topology->domains[0].reason);
	topology_unref(topology);
	UNIT_TRUE(host_changed(host));
	fixture_thread(&vm, 11, "CPU 0/KVM", NULL);
	topology = discover(host);
	UNIT_EQUAL_TEXT(NULL, topology->domains[0].reason);
	UNIT_EQUAL_I64(THREAD_VCPU, topology->domains[0].threads[1].role);
	topology_unref(topology);
	UNIT_TRUE(!host_changed(host));
	close_host(host);
}

static void test_join(void)
{
	struct host *host = open_host("join");
	struct libvirt_view *view = make_view("qemu:///system", 3);
	struct libvirt_domain *known = name_domain(view, 0, UUID_A, "web");
	struct topology *topology;
	const struct domain *domain;

	add_disk(known, "vda", "", 0);
	add_disk(known, "vdb", "rbd:pool/x", 2);
	known->owner = strdup("project");
	known = name_domain(view, 1, UUID_B, "instance-0000002a");
	known->display_name = strdup("shop of Anna");
	known->state = DOMAIN_PAUSED;
	name_domain(view, 2, "cccccccc-0000-4000-8000-000000000003", "container");

	VM(10, .cmdline = "/usr/bin/qemu-system-x86_64|-name|guest=web,debug-threads=on|"
			  "-uuid|" UUID_A "|" LIBVIRTS "-smp|2|-hda|/x|");
	fixture_thread(&(struct fixture_process){ .pid = 10 }, 11, "IO iothread2", NULL);
	VM(20, .cmdline = "/usr/bin/qemu-system-x86_64|-name|guest=instance-0000002a|"
			  "-uuid|" UUID_B "|" LIBVIRTS);
	VM(30, .cmdline = "kvm|-name|plain|");
	topology = discover_with(host, view);
	expect_rows("cccccccc-0000-4000-8000-000000000003 container running libvirt\n"
		    "qemu:30:1000 plain running qemu\n" UUID_B
		    " shop of Anna paused libvirt\n" UUID_A " web running libvirt\n",
		    topology);
	domain = row(topology, UUID_A);
	UNIT_EQUAL_I64(10, domain->pid);
	UNIT_EQUAL_TEXT("project", domain->owner);
	UNIT_EQUAL_TEXT("qemu:///system", domain->connection);
	UNIT_EQUAL_TEXT(NULL, domain->reason);
	UNIT_EQUAL_U64(2, domain->vdisk_count); /* of libvirt, not of the command line */
	UNIT_EQUAL_I64(VDISK_EMPTY, domain->vdisks[0].backing);
	UNIT_EQUAL_TEXT("rbd:pool/x", domain->vdisks[1].source);
	UNIT_EQUAL_I64(1, domain->threads[1].vdisk);
	domain = row(topology, "cccccccc-0000-4000-8000-000000000003");
	UNIT_EQUAL_I64(0, domain->pid);
	UNIT_CONTAINS("no QEMU process", domain->reason);
	topology_unref(topology);
	close_host(host);
}

/* A listing that took long is not made again soon; what is known is followed all the same. */
static void test_thrift(void)
{
	struct host *host = open_host("thrift");

	VM(10, .cmdline = "kvm|-name|a|");
	topology_unref(discover(host));
	host->list_share = 100;
	host->list_cost_ns = UINT64_C(1000000000000);
	host->listed_ns = clock_now_ns();
	VM(20, .cmdline = "kvm|-name|b|");
	UNIT_TRUE(!host_changed(host));
	fixture_remove("/proc/10");
	UNIT_TRUE(host_changed(host));
	close_host(host);
}

static void test_remote(void)
{
	struct host *host = open_host("remote");
	struct libvirt_view *view = make_view("qemu+ssh://root@other/system", 1);
	struct topology *topology;

	add_disk(name_domain(view, 0, UUID_A, "far"), "vda", "/images/far.img", 0);
	/* The same VM's copy here (it may be migrating): another process. */
	VM(10, .cmdline = "kvm|-name|here|-uuid|" UUID_B "|");
	topology = discover_with(host, view);
	expect_rows(UUID_A " far running libvirt\n" UUID_B " here running qemu\n", topology);
	UNIT_CONTAINS("another machine", row(topology, UUID_A)->reason);
	UNIT_EQUAL_I64(VDISK_UNKNOWN, row(topology, UUID_A)->vdisks[0].backing);
	UNIT_CONTAINS("another machine", row(topology, UUID_A)->vdisks[0].reason);
	topology_unref(topology);
	close_host(host);
}

static struct libvirt_view *lost_view(void)
{
	struct libvirt_view *view = make_view("qemu:///system", 1);

	name_domain(view, 0, UUID_A, "web");
	view->trouble = strdup("connection lost");
	view->lost_ns = clock_now_ns();
	return view;
}

static void test_libvirt_lost(void)
{
	struct host *host = open_host("lost");
	struct libvirt_view *view = make_view("qemu:///system", 1);
	struct topology *topology;

	name_domain(view, 0, UUID_A, "web");
	VM(10, .cmdline = "kvm|-name|guest=web|-uuid|" UUID_A "|" LIBVIRTS);
	topology_unref(discover_with(host, view));
	/* What was seen stays libvirt's; what is new is shown as its command line tells. */
	VM(20, .cmdline = "kvm|-name|guest=new|-uuid|" UUID_B "|" LIBVIRTS);
	topology = discover_with(host, lost_view());
	expect_rows(UUID_B " new running qemu\n" UUID_A " web running libvirt\n", topology);
	UNIT_CONTAINS("libvirt: connection lost; known as of ", row(topology, UUID_A)->reason);
	UNIT_CONTAINS("command line", row(topology, UUID_B)->reason);
	UNIT_EQUAL_U64(1, topology->note_count);
	UNIT_CONTAINS("libvirt: connection lost", topology->notes[0]);
	topology_unref(topology);
	/* One ends while libvirt cannot tell. */
	fixture_remove("/proc/10");
	topology = discover_with(host, lost_view());
	expect_rows(UUID_B " new running qemu\n" UUID_A " web ended libvirt\n", topology);
	topology_unref(topology);
	for (unsigned i = 0; i < 2; i++) {
		topology = discover_with(host, lost_view());
		expect_rows(UUID_B " new running qemu\n", topology);
		topology_unref(topology);
	}
	/* It is started again: the same id. */
	VM(11, .cmdline = "kvm|-name|guest=web|-uuid|" UUID_A "|" LIBVIRTS, .start = 5000);
	topology = discover_with(host, lost_view());
	expect_rows(UUID_B " new running qemu\n" UUID_A " web running libvirt\n", topology);
	UNIT_EQUAL_I64(11, row(topology, UUID_A)->pid);
	topology_unref(topology);
	close_host(host);
}

static void test_same_uuid(void)
{
	struct host *host = open_host("same-uuid");
	struct libvirt_view *view;
	struct topology *topology;

	VM(10, .cmdline = "kvm|-name|a|-uuid|" UUID_A "|");
	topology = discover(host);
	expect_rows(UUID_A " a running qemu\n", topology);
	topology_unref(topology);
	/* A copy is started: the first keeps its id, also when the copy is alone. */
	VM(20, .cmdline = "kvm|-name|b|-uuid|" UUID_A "|");
	topology = discover(host);
	expect_rows(UUID_A " a running qemu\n" UUID_A "@20 b running qemu\n", topology);
	topology_unref(topology);
	fixture_remove("/proc/10");
	topology = discover(host);
	expect_rows(UUID_A " a ended qemu\n" UUID_A "@20 b running qemu\n", topology);
	topology_unref(topology);
	close_host(host);

	/* Both new at once: both say which process; libvirt's is the one that it wrote. */
	host = open_host("same-uuid-at-once");
	VM(10, .cmdline = "kvm|-name|copy|-uuid|" UUID_A "|");
	VM(20, .cmdline = "kvm|-name|guest=web|-uuid|" UUID_A "|" LIBVIRTS);
	view = make_view("qemu:///system", 1);
	name_domain(view, 0, UUID_A, "web");
	topology = discover_with(host, view);
	expect_rows(UUID_A "@10 copy running qemu\n" UUID_A "@20 web running libvirt\n", topology);
	topology_unref(topology);
	close_host(host);
}

static void test_reboot(void)
{
	struct host *host = open_host("reboot");
	struct topology *topology;

	VM(10, .cmdline = "kvm|-name|a|-uuid|" UUID_A "|");
	topology_unref(discover(host));
	fixture_remove("/proc/10");
	VM(15, .cmdline = "kvm|-name|a|-uuid|" UUID_A "|", .start = 2000);
	topology = discover(host);
	expect_rows(UUID_A " a running qemu\n", topology);
	UNIT_EQUAL_I64(15, topology->domains[0].pid);
	UNIT_EQUAL_U64(2000, topology->domains[0].start_ticks);
	UNIT_TRUE(topology->domains[0].start_ns > 0);
	topology_unref(topology);
	close_host(host);
}

static void add_block_device(const char *name, const char *number)
{
	char target[128];

	fixture_write(number, "/sys/devices/x/%s/dev", name);
	fixture_write("1000\n", "/sys/devices/x/%s/size", name);
	fixture_write("1\n", "/sys/devices/x/%s/queue/rotational", name);
	fixture_write("", "/sys/dev/block/.keep");
	fixture_write("", "/sys/block/.keep");
	snprintf(target, sizeof target, "../../devices/x/%s", name);
	fixture_link(target, "/sys/dev/block/%.*s", (int)strcspn(number, "\n"), number);
	fixture_write("", "/sys/class/block/.keep");
	fixture_link(target, "/sys/class/block/%s", name);
	snprintf(target, sizeof target, "../devices/x/%s", name);
	fixture_link(target, "/sys/block/%s", name);
}

/* Disks stand by name, whatever the order in which they are met; unplugging is a change. */
static void test_disks(void)
{
	struct host *host = open_host("disks");
	struct topology *topology;

	add_block_device("sdb", "8:16\n");
	add_block_device("sda", "8:0\n");
	add_block_device("nvme10n1", "259:1\n");
	add_block_device("nvme2n1", "259:2\n");
	topology = discover(host);
	UNIT_EQUAL_U64(4, topology->disk_count);
	if (topology->disk_count == 4) {
		UNIT_EQUAL_TEXT("nvme2n1", topology->disks[0].name);
		UNIT_EQUAL_TEXT("nvme10n1", topology->disks[1].name);
		UNIT_EQUAL_TEXT("sda", topology->disks[2].name);
		UNIT_EQUAL_TEXT("sdb", topology->disks[3].name);
	}
	topology_unref(topology);
	close_host(host);
}

static void test_vdisk_figures(void)
{
	struct host *host = open_host("figures");
	struct libvirt_view *view = make_view("qemu:///system", 1);
	struct libvirt_domain *known = name_domain(view, 0, UUID_A, "web");
	struct sample sample = { 0 };
	struct topology *topology;

	add_disk(known, "vda", "rbd:pool/x", 0);
	add_disk(known, "sda", "", 0);
	VM(10, .cmdline = "kvm|-name|guest=web|-uuid|" UUID_A "|" LIBVIRTS);
	VM(20, .cmdline = "kvm|-name|plain|-drive|if=virtio,file=nbd:h:1|");
	topology = discover_with(host, view);
	UNIT_EQUAL_I64(0, sample_prepare(&sample, topology));
	UNIT_EQUAL_I64(0, host_read_vdisks(host, topology, &sample, 0));
	/* Of libvirt's disk there should be figures; of an empty drive and without QMP not. */
	UNIT_EQUAL_U64(20, topology->domains[0].pid);
	UNIT_EQUAL_U64(0, sample.domains[0].vdisks[0].quality);
	UNIT_EQUAL_U64(QUALITY_MISSING, sample.domains[1].vdisks[0].quality);
	UNIT_EQUAL_U64(0, sample.domains[1].vdisks[0].at_ns);
	UNIT_EQUAL_U64(0, sample.domains[1].vdisks[1].quality);
	sample_clear(&sample);
	topology_unref(topology);
	close_host(host);
}

static void test_monitor_away(void)
{
	const char *sockets[] = { "/nowhere/qmp.sock" };
	struct host_options options = {
		.root = &root, .without_libvirt = true, .qmp_sockets = sockets, .qmp_count = 1
	};
	struct topology *topology;
	struct host *host;

	fixture_begin("monitor", &root);
	UNIT_EQUAL_I64(0, host_open(&host, &options, NULL));
	topology = discover(host);
	UNIT_EQUAL_U64(1, topology->note_count);
	UNIT_CONTAINS("/nowhere/qmp.sock: ", topology->notes[0]);
	topology_unref(topology);
	close_host(host);
}

/* NOLINTEND(clang-analyzer-unix.Malloc) */

int main(void)
{
	return UNIT_RUN("host-discover", { "plain QEMU is shown as its owner runs it", test_plain },
			{ "generations follow the content", test_generation },
			{ "workers of the kernel are found when they come", test_workers_come },
			{ "pool workers are no news, vCPUs are", test_threads_change },
			{ "unnamed young threads are looked at again", test_young_threads },
			{ "listings are rationed", test_thrift },
			{ "libvirt's domains and processes are joined", test_join },
			{ "a remote libvirt's domains are not ours", test_remote },
			{ "a lost libvirt loses no domain", test_libvirt_lost },
			{ "one UUID twice gives two ids", test_same_uuid },
			{ "a reboot keeps the id", test_reboot },
			{ "disks are in order of their names", test_disks },
			{ "only what should have figures misses them", test_vdisk_figures },
			{ "an unreachable monitor is a note", test_monitor_away });
}
