/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a discovery copies from the last one: one host that copies and one that
 * reads everything anew each time look at the same tree while it changes.
 */
#include "base/clock.h"
#include "host/libvirt-view.h"
#include "tests/unit/host-scene.h"

#define VM(number, ...) fixture_process(&(struct fixture_process){ .pid = number, __VA_ARGS__ })

/*
 * host_discover_with() takes over a view that it gets as const, which the analyzer takes for
 * a leak in each test; valgrind and the address sanitizer watch for real ones.
 * NOLINTBEGIN(clang-analyzer-unix.Malloc)
 */

/* Folders of some file systems do not count what is in them: there nothing is ever copied. */
static bool folders_count(void)
{
	struct stat status;
	char path[256];

	unit_write_file("links/one/file", "");
	snprintf(path, sizeof path, "%s/links", unit_folder());
	if (stat(path, &status) == 0 && status.st_nlink == 3)
		return true;
	fprintf(stderr, "left out: this file system does not count the folders in a folder\n");
	return false;
}

/* As if all had been known for long. */
static void let_age(struct host *host)
{
	for (size_t i = 0; i < host->marks.count; i++)
		host->marks.items[i].first_ns -= UINT64_C(3600000000000);
}

static struct topology *look(struct host *host, const struct libvirt_view *view)
{
	struct topology *topology = discover_with(host, view);

	let_age(host);
	return topology;
}

static struct topology *look_anew(struct host *host, const struct libvirt_view *view)
{
	host->must_read_all = true;
	return look(host, view);
}

/* --- signs ----------------------------------------------------------------- */

static double weight_of(struct topology *topology, size_t index)
{
	double weight = topology->domain_count > index ? topology->domains[index].cpu_weight : -1;

	topology_unref(topology);
	return weight;
}

static void write_weight(unsigned vm, unsigned weight)
{
	char text[16];

	snprintf(text, sizeof text, "%u\n", weight);
	fixture_write(text, "/sys/fs/cgroup/m/%u/cpu.weight", vm);
}

static void add_vm(unsigned vm)
{
	char cgroup[64], cmdline[64], member[16];
	struct fixture_process process = { .pid = (pid_t)vm * 10,
					   .cmdline = cmdline,
					   .cgroup = cgroup };

	snprintf(cgroup, sizeof cgroup, "0::/m/%u\n", vm);
	snprintf(cmdline, sizeof cmdline, "kvm|-name|vm%u|", vm);
	snprintf(member, sizeof member, "%u\n", vm * 10);
	fixture_write(member, "/sys/fs/cgroup/m/%u/cgroup.procs", vm);
	fixture_process(&process);
	fixture_thread(&process, process.pid + 1, "CPU 0/KVM", NULL);
}

/* A weight gives no sign: where the new one shows, the domain was read. */
static void test_copies(void)
{
	struct host *host;

	if (!folders_count())
		return;
	begin_tree("copies");
	add_vm(1);
	add_vm(2);
	write_weight(1, 150);
	write_weight(2, 250);
	host = open_host_with(NULL);
	UNIT_EQUAL_DOUBLE(150, weight_of(look(host, NULL), 0), 0);
	write_weight(1, 151);
	write_weight(2, 251);
	UNIT_EQUAL_DOUBLE(150, weight_of(look(host, NULL), 0), 0);
	/* Another one's thread, and a third VM, are no news of the first. */
	fixture_thread(&(struct fixture_process){ .pid = 20, .cgroup = "0::/m/2\n" }, 22,
		       "CPU 1/KVM", NULL);
	add_vm(3);
	UNIT_EQUAL_DOUBLE(150, weight_of(look(host, NULL), 0), 0);
	UNIT_EQUAL_DOUBLE(251, weight_of(look(host, NULL), 1), 0);
	/* The discovery that reads everything comes by itself. */
	UNIT_TRUE(!host_changed(host));
	host->whole_ns -= UINT64_C(3600000000000);
	UNIT_TRUE(host_changed(host));
	UNIT_EQUAL_DOUBLE(151, weight_of(look(host, NULL), 0), 0);
	host_close(host);
	rootfs_close(&root);
}

/* In its first seconds a process changes in ways that show nowhere. */
static void test_young(void)
{
	struct host *host;

	begin_tree("young");
	add_vm(1);
	write_weight(1, 150);
	host = open_host_with(NULL);
	UNIT_EQUAL_DOUBLE(150, weight_of(look(host, NULL), 0), 0);
	host->marks.items[0].first_ns = clock_now_ns();
	write_weight(1, 151);
	UNIT_EQUAL_DOUBLE(151, weight_of(look(host, NULL), 0), 0);
	host_close(host);
	rootfs_close(&root);
}

/* The same process with another program's command line is another VM. */
static void test_exec(void)
{
	struct topology *topology;
	struct host *host;

	begin_tree("exec");
	VM(10, .cmdline = "kvm|-name|before|");
	host = open_host_with(NULL);
	topology_unref(look(host, NULL));
	fixture_cmdline(10, "kvm|-name|after|");
	topology = look(host, NULL);
	UNIT_EQUAL_U64(1, topology->domain_count);
	UNIT_EQUAL_TEXT("after", topology->domains[0].name);
	topology_unref(topology);
	host_close(host);
	rootfs_close(&root);
}

/* What a failed discovery has left half done is not built upon. */
static void test_failure(void)
{
	struct topology *topology;
	struct error error = { 0 };
	struct host *host;
	char away[300], proc[300];

	begin_tree("failure");
	add_vm(1);
	write_weight(1, 150);
	host = open_host_with(NULL);
	UNIT_EQUAL_DOUBLE(150, weight_of(look(host, NULL), 0), 0);
	write_weight(1, 151);
	snprintf(proc, sizeof proc, "%s/%s/proc", unit_folder(), fixture_name);
	snprintf(away, sizeof away, "%s/%s/away", unit_folder(), fixture_name);
	UNIT_EQUAL_I64(0, rename(proc, away));
	UNIT_EQUAL_I64(-ENOENT, host_discover_with(host, NULL, &topology, &error));
	UNIT_TRUE(topology == NULL);
	UNIT_EQUAL_I64(0, rename(away, proc));
	UNIT_TRUE(host_changed(host));
	UNIT_EQUAL_DOUBLE(151, weight_of(look(host, NULL), 0), 0);
	UNIT_TRUE(!host_changed(host));
	host_close(host);
	rootfs_close(&root);
}

/* --- at random ------------------------------------------------------------- */

enum { VMS = 6, DISKS = 3, ROUNDS = 400 };

struct vm {
	struct fixture_process process;
	char cmdline[256], cgroup[64], uuid[40];
	unsigned threads; /* beside the first */
	unsigned vhost;   /* start of kernel thread PID + 9 that works for it; 0 = none */
	bool known;       /* libvirt lists it */
	bool paused;      /* so it says */
	unsigned source;  /* of its disk, as libvirt says */
};

struct scene {
	struct vm vms[VMS];
	bool disks[DISKS], lost;
	unsigned starts;
	uint64_t random;
};

static unsigned draw(struct scene *scene, unsigned below)
{
	return (unsigned)(unit_random(&scene->random) % below);
}

static pid_t pid_of(size_t index)
{
	return (pid_t)(100 + 20 * index);
}

static void write_vm(const struct vm *vm)
{
	static const char *const names[] = { "CPU 0/KVM", "worker", "IO io0",
					     "CPU 1/KVM", "worker", "worker" };
	const pid_t pid = vm->process.pid;

	fixture_process(&vm->process);
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		if (i < vm->threads)
			fixture_thread(&vm->process, pid + 1 + (pid_t)i, names[i], NULL);
		else
			fixture_remove("/proc/%d/task/%d", pid, pid + 1 + (int)i);
	fixture_remove("/proc/%d", pid + 9);
	if (vm->vhost) {
		char name[32];

		snprintf(name, sizeof name, "vhost-%d", pid);
		VM(pid + 9, .comm = name, .kernel = true, .parent = 2, .start = vm->vhost);
	}
}

static void start_vm(struct scene *scene, size_t index)
{
	struct vm *vm = &scene->vms[index];
	char uuid[sizeof vm->uuid];

	snprintf(uuid, sizeof uuid, "%08x-0000-4000-8000-000000000001", (unsigned)index);
	*vm = (struct vm){ .known = draw(scene, 2), .threads = draw(scene, 7) };
	memcpy(vm->uuid, uuid, sizeof uuid);
	snprintf(vm->cmdline, sizeof vm->cmdline,
		 "kvm|-name|guest=vm%u|-uuid|%s|-drive|if=none,id=d,file=/dev/sd%c|-object|"
		 "iothread,id=io0|-device|virtio-blk-pci,drive=d,iothread=io0|",
		 scene->starts, uuid, 'a' + draw(scene, DISKS));
	snprintf(vm->cgroup, sizeof vm->cgroup, "0::/m/%u\n", (unsigned)index);
	vm->process = (struct fixture_process){ .pid = pid_of(index),
						.cmdline = vm->cmdline,
						.cgroup = vm->cgroup,
						.start = 1000 + ++scene->starts,
						.uid = 1000 + draw(scene, 2) };
	fixture_remove("/proc/%d", vm->process.pid);
}

static void end_vm(struct vm *vm)
{
	fixture_remove("/proc/%d", vm->process.pid);
	fixture_remove("/proc/%d", vm->process.pid + 9);
	*vm = (struct vm){ 0 };
}

static void plug(struct scene *scene, unsigned disk)
{
	char name[] = { 's', 'd', (char)('a' + disk), '\0' }, target[64], number[16];

	scene->disks[disk] = !scene->disks[disk];
	snprintf(number, sizeof number, "8:%u\n", 16 * disk);
	fixture_remove("/sys/devices/x/%s", name);
	fixture_remove("/sys/dev/block/8:%u", 16 * disk);
	fixture_remove("/sys/class/block/%s", name);
	fixture_remove("/sys/block/%s", name);
	if (!scene->disks[disk])
		return;
	fixture_write(number, "/sys/devices/x/%s/dev", name);
	fixture_write("1000\n", "/sys/devices/x/%s/size", name);
	snprintf(target, sizeof target, "../../devices/x/%s", name);
	fixture_link(target, "/sys/dev/block/8:%u", 16 * disk);
	fixture_link(target, "/sys/class/block/%s", name);
	fixture_link(target + strlen("../"), "/sys/block/%s", name);
}

static void change_vm(struct scene *scene, size_t index)
{
	struct vm *vm = &scene->vms[index];

	switch (draw(scene, 9)) {
	case 0:
		end_vm(vm);
		return;
	case 1: /* its id is used again */
		start_vm(scene, index);
		break;
	case 2:
		vm->threads = draw(scene, 7);
		break;
	case 3:
		vm->process.state = vm->process.state == 'T' ? 'S' : 'T';
		break;
	case 4: /* into another's cgroup, perhaps */
		snprintf(vm->cgroup, sizeof vm->cgroup, "0::/m/%u\n", draw(scene, VMS));
		break;
	case 5:
		vm->vhost = draw(scene, 3) ? ++scene->starts : 0;
		break;
	case 6:
		vm->known = !vm->known;
		break;
	case 7:
		vm->paused = !vm->paused;
		break;
	default:
		vm->source = draw(scene, DISKS);
	}
	write_vm(vm);
}

static void change_anything(struct scene *scene)
{
	size_t index = draw(scene, VMS);

	if (draw(scene, 12) == 0) {
		plug(scene, draw(scene, DISKS));
	} else if (draw(scene, 12) == 0) {
		scene->lost = !scene->lost;
	} else if (scene->vms[index].process.pid) {
		change_vm(scene, index);
	} else {
		start_vm(scene, index);
		write_vm(&scene->vms[index]);
	}
}

static void tell_domain(const struct vm *vm, struct libvirt_domain *domain)
{
	char text[64];

	snprintf(text, sizeof text, "/dev/sd%c", 'a' + vm->source);
	*domain = (struct libvirt_domain){ .uuid = strdup(vm->uuid), .vcpus = 2, .disk_count = 1 };
	domain->state = vm->paused ? DOMAIN_PAUSED : DOMAIN_RUNNING;
	domain->disks = calloc(1, sizeof *domain->disks);
	if (!domain->disks)
		abort();
	domain->disks[0] = (struct libvirt_disk){ .target = strdup("vda"),
						  .type = strdup("block"),
						  .source = strdup(text),
						  .iothread = 1 };
	snprintf(text, sizeof text, "known-%.8s", vm->uuid);
	domain->name = strdup(text);
}

static const struct libvirt_view *tell(const struct scene *scene)
{
	struct libvirt_view *view = libvirt_view_new("qemu:///system", VMS);

	if (!view)
		abort();
	view->domain_count = 0;
	for (size_t i = 0; i < VMS; i++)
		if (scene->vms[i].known)
			tell_domain(&scene->vms[i], &view->domains[view->domain_count++]);
	view->trouble = scene->lost ? strdup("connection lost") : NULL;
	return view;
}

/* The two did not look at the same moment. */
static void copy_times(const struct topology *from, struct topology *to)
{
	for (size_t i = 0; i < to->domain_count; i++)
		for (size_t k = 0; k < from->domain_count; k++)
			if (strcmp(from->domains[k].id, to->domains[i].id) == 0) {
				to->domains[i].start_ns = from->domains[k].start_ns;
				to->domains[i].end_ns = from->domains[k].end_ns;
			}
}

/* Whatever happens between two discoveries, a copied domain is as a freshly read one. */
static void test_random(void)
{
	struct scene scene = { .random = 20260517 };
	const uint64_t seed = scene.random;
	struct topology *copied, *read;
	struct host *copying, *reading;

	begin_tree("random");
	fixture_write("", "/sys/dev/block/.keep");
	fixture_write("", "/sys/class/block/.keep");
	fixture_write("", "/sys/block/.keep");
	fixture_write("anna:x:1000:1000::/:/bin/sh\n", "/etc/passwd");
	for (unsigned i = 0; i < VMS; i++)
		fixture_write("", "/sys/fs/cgroup/m/%u/cgroup.procs", i);
	copying = open_host_with(NULL);
	reading = open_host_with(NULL);
	for (unsigned round = 0; round < unit_rounds(ROUNDS); round++) {
		for (unsigned i = draw(&scene, 3); i > 0; i--)
			change_anything(&scene);
		if (draw(&scene, 2))
			host_changed(copying);
		copied = look(copying, tell(&scene));
		read = look_anew(reading, tell(&scene));
		copy_times(copied, read);
		UNIT_TRUE(topology_equal(copied, read));
		if (!topology_equal(copied, read))
			fprintf(stderr, "seed %llu, round %u\n", (unsigned long long)seed, round);
		topology_unref(copied);
		topology_unref(read);
	}
	host_close(copying);
	host_close(reading);
	rootfs_close(&root);
}

/* NOLINTEND(clang-analyzer-unix.Malloc) */

int main(void)
{
	return UNIT_RUN("host-copy", { "a domain without a sign of change is copied", test_copies },
			{ "a young domain is always read", test_young },
			{ "a process that called exec is read", test_exec },
			{ "after a failure all is read", test_failure },
			{ "copied domains equal those read anew", test_random });
}
