/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The same, on real QEMU processes without a guest; what needs QEMU is left out without it. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/host.h"
#include "tests/unit/unit.h"

#define PROGRAM "qemu-system-x86_64"
#define UUID "3d9e5a52-7c1b-4e0e-9a51-6f0c2a8f3b77"

static struct rootfs real;
static char disk_argument[256], qmp_argument[256], qmp_path[128];

static bool have_qemu(void)
{
	static int have = -1;

	if (have < 0)
		/* NOLINTNEXTLINE(cert-env33-c): a fixed command line of a test */
		have = system("command -v " PROGRAM " >/dev/null 2>&1") == 0;
	if (!have)
		fprintf(stderr, "left out: no " PROGRAM " (Debian: qemu-system-x86)\n");
	return have;
}

static pid_t spawn(const char *const *arguments)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (chdir(unit_folder()) == 0)
			execvp(PROGRAM, (char *const *)(uintptr_t)arguments);
		_exit(127);
	}
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static struct host *open_host(const char *const *sockets, size_t count)
{
	struct host_options options = {
		.root = &real, .without_libvirt = true, .qmp_sockets = sockets, .qmp_count = count
	};
	struct error error = { 0 };
	struct host *host;

	if (rootfs_open(&real, NULL, NULL) || host_open(&host, &options, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	return host;
}

static void close_host(struct host *host)
{
	host_close(host);
	rootfs_close(&real);
}

static const struct domain *find(const struct topology *topology, pid_t pid)
{
	for (size_t i = 0; i < topology->domain_count; i++)
		if (topology->domains[i].pid == pid && topology->domains[i].state != DOMAIN_ENDED)
			return &topology->domains[i];
	return NULL;
}

static unsigned count_role(const struct domain *domain, enum thread_role role)
{
	unsigned count = 0;

	for (size_t i = 0; i < domain->thread_count; i++)
		count += domain->threads[i].role == role;
	return count;
}

/* Look as a program does, on change only, until `vcpus` vCPUs show. NULL after 20 s. */
static struct topology *watch(struct host *host, pid_t pid, unsigned vcpus)
{
	struct topology *topology = NULL;

	for (unsigned round = 0; round < 2000; round++) {
		const struct domain *domain;

		if (host_changed(host)) {
			if (topology)
				topology_unref(topology);
			if (host_discover(host, &topology, NULL))
				return NULL;
		}
		domain = topology ? find(topology, pid) : NULL;
		if (domain && count_role(domain, THREAD_VCPU) == vcpus)
			return topology;
		poll(NULL, 0, 10);
	}
	if (topology)
		topology_unref(topology);
	return NULL;
}

static const char *const named[] = {
	PROGRAM,
	"-name",
	"guest=a b%\n,,c,debug-threads=on",
	"-uuid",
	UUID,
	"-accel",
	"tcg",
	"-display",
	"none",
	"-S",
	"-nodefaults",
	"-m",
	"16",
	"-smp",
	"2",
	"-object",
	"iothread,id=io0",
	"-drive",
	"if=none,id=d0,format=raw,file=disk.img",
	"-device",
	"virtio-blk-pci,drive=d0,iothread=io0",
	NULL,
};

static void check_named(const struct domain *domain)
{
	char *folder = realpath(unit_folder(), NULL), path[256];

	snprintf(path, sizeof path, "%s/disk.img", folder ? folder : "");
	free(folder);
	UNIT_EQUAL_TEXT(UUID, domain->id);
	UNIT_EQUAL_TEXT("a b%\n,c", domain->name);
	UNIT_EQUAL_I64(DOMAIN_RUNNING, domain->state);
	UNIT_EQUAL_I64(DOMAIN_QEMU, domain->manager);
	UNIT_EQUAL_U64(2, domain->vcpus);
	UNIT_TRUE(domain->start_ns > 0);
	UNIT_EQUAL_U64(1, count_role(domain, THREAD_IOTHREAD));
	UNIT_EQUAL_U64(1, domain->vdisk_count);
	UNIT_EQUAL_TEXT(path, domain->vdisks[0].source);
	UNIT_EQUAL_TEXT("vda", domain->vdisks[0].name);
	UNIT_EQUAL_TEXT(NULL, domain->reason);
}

/* When it notices that something has happened. */
static struct topology *look(struct host *host)
{
	struct topology *topology = NULL;
	bool changed = false;

	for (unsigned round = 0; round < 2000 && !changed; round++) {
		changed = host_changed(host);
		if (!changed)
			poll(NULL, 0, 10);
	}
	UNIT_TRUE(changed);
	UNIT_EQUAL_I64(0, host_discover(host, &topology, NULL));
	if (!topology)
		abort();
	return topology;
}

/* Among many VMs its turn may come later than another one's news. */
static void look_until_paused(struct host *host, pid_t pid)
{
	bool paused = false;

	for (unsigned round = 0; round < 100 && !paused; round++) {
		struct topology *topology = look(host);
		const struct domain *domain = find(topology, pid);

		paused = domain && domain->state == DOMAIN_PAUSED;
		topology_unref(topology);
	}
	UNIT_TRUE(paused);
}

static void test_named(void)
{
	struct topology *topology;
	struct host *host;
	pid_t pid;

	if (!have_qemu())
		return;
	unit_write_file("disk.img", "a disk of one sector");
	host = open_host(NULL, 0);
	topology_unref(look(host));
	pid = spawn(named);
	topology = watch(host, pid, 2);
	UNIT_TRUE(topology != NULL);
	if (topology) {
		check_named(find(topology, pid));
		topology_unref(topology);
	}
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	look_until_paused(host, pid);
	stop(pid);
	topology = look(host);
	UNIT_TRUE(find(topology, pid) == NULL);
	topology_unref(topology);
	close_host(host);
}

static void check_figures(struct host *host, const struct topology *topology, pid_t pid)
{
	const struct domain *domain = find(topology, pid);
	struct sample sample = { 0 };
	size_t index;

	UNIT_TRUE(domain != NULL);
	if (!domain)
		return;
	index = (size_t)(domain - topology->domains);
	UNIT_EQUAL_TEXT(NULL, domain->reason);
	UNIT_EQUAL_I64(0, sample_prepare(&sample, topology));
	host_request_stats(host);
	UNIT_EQUAL_I64(0, host_read_vdisks(host, topology, &sample, 0));
	UNIT_EQUAL_U64(1, domain->vdisk_count);
	UNIT_TRUE(sample.domains[index].vdisks[0].at_ns > 0);
	UNIT_EQUAL_U64(0, sample.domains[index].vdisks[0].quality);
	sample_clear(&sample);
}

/* Without names the monitor tells the vCPU threads, and the disk's figures. */
static void test_unnamed_with_monitor(void)
{
	const char *sockets[] = { qmp_path };
	const char *const nameless[] = { PROGRAM, "-accel",      "tcg",    "-display",
					 "none",  "-nodefaults", "-m",     "16",
					 "-smp",  "2",           "-drive", disk_argument,
					 "-qmp",  qmp_argument,  "-S",     NULL };
	struct topology *topology;
	struct host *host;
	pid_t pid;

	if (!have_qemu())
		return;
	unit_write_file("disk.img", "a disk of one sector");
	snprintf(qmp_path, sizeof qmp_path, "%s/qmp", unit_folder());
	snprintf(qmp_argument, sizeof qmp_argument, "unix:%s,server=on,wait=off", qmp_path);
	snprintf(disk_argument, sizeof disk_argument, "if=virtio,format=raw,file=%s/disk.img",
		 unit_folder());
	host = open_host(sockets, 1);
	pid = spawn(nameless);
	topology = watch(host, pid, 2);
	UNIT_TRUE(topology != NULL);
	if (topology) {
		check_figures(host, topology, pid);
		topology_unref(topology);
	}
	stop(pid);
	close_host(host);
}

static void test_other_processes(void)
{
	struct host *host;
	struct topology *topology;
	pid_t pid;

	host = open_host(NULL, 0);
	UNIT_EQUAL_I64(0, host_discover(host, &topology, NULL));
	topology_unref(topology);
	/* A process that is no VM changes nothing that we show. */
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	UNIT_EQUAL_I64(0, host_discover(host, &topology, NULL));
	UNIT_TRUE(find(topology, pid) == NULL);
	topology_unref(topology);
	stop(pid);
	close_host(host);
}

int main(void)
{
	return UNIT_RUN("host-real", { "a real QEMU is found, stopped and ended", test_named },
			{ "a monitor tells unnamed vCPUs and figures", test_unnamed_with_monitor },
			{ "other processes are no VMs", test_other_processes });
}
