/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Services in topologies that are discovered from trees of /proc. */
#include "host/host-internal.h"
#include "host/libvirt-view.h"
#include "tests/unit/proc-fixture.h"

#define DAEMON(number, ...)                                                                        \
	fixture_process(                                                                           \
		&(struct fixture_process){ .pid = number,                                          \
					   .comm = "qemu-storage-da",                              \
					   .cmdline = "qemu-storage-daemon|" __VA_ARGS__ })
#define VM(number, ...)                                                                            \
	fixture_process(&(struct fixture_process){ .pid = number, .cmdline = "kvm|" __VA_ARGS__ })
#define FILE_NODE(name, path)                                                                      \
	"--blockdev|driver=file,node-name=" name ",filename=" path ",cache.direct=on,aio=native|"
#define NBD_NODE(name, path)                                                                       \
	"--blockdev|driver=nbd,node-name=" name ",server.type=unix,server.path=" path              \
	",export=" name "|"
#define VHOST(name, path, rest)                                                                    \
	"--export|vhost-user-blk,id=" name ",node-name=" name                                      \
	",addr.type=unix,addr.path=" path rest "|"
#define NBD_SERVER(path) "--nbd-server|addr.type=unix,addr.path=" path "|"
#define NBD(name, rest) "--export|nbd,id=" name ",node-name=" name rest "|"
#define VHOST_DISK(name, path)                                                                     \
	"-chardev|socket,id=" name ",path=" path "|-device|vhost-user-blk-pci,chardev=" name "|"

static struct rootfs root;

static struct host *open_host(const char *name, const struct host_options *extra)
{
	struct host_options options = *extra;
	struct error error = { 0 };
	struct host *host;

	options.root = &root;
	options.without_libvirt = true;
	fixture_begin(name, &root);
	fixture_mounts("v2");
	fixture_write("20 1 8:1 / / rw - ext4 /dev/sda1 rw\n", "/proc/10/mountinfo");
	if (host_open(&host, &options, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	host->list_share = 0; /* no test waits */
	return host;
}

static const struct host_options no_options;

static void close_host(struct host *host)
{
	host_close(host);
	rootfs_close(&root);
}

static struct topology *discover(struct host *host)
{
	struct error error = { 0 }, check = { 0 };
	struct topology *topology;

	if (host_discover(host, &topology, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	topology_check(topology, &check);
	UNIT_EQUAL_TEXT("", check.text);
	return topology;
}

/* "!TID", or "~TID" where workers do a part. */
static void add_own_thread(const struct attachment *of, const struct topology *topology, char *text,
			   size_t size)
{
	const struct service *service = &topology->services[of->provider];

	UNIT_TRUE(of->own_thread <= service->thread_count);
	if (of->own_thread > 0 && of->own_thread <= service->thread_count)
		snprintf(text + strlen(text), size - strlen(text), "%c%d",
			 of->own_alone ? '!' : '~', (int)service->threads[of->own_thread - 1].tid);
}

/* "NAME[PID]*UNITS" of each service, then "CLIENT>PID[:TID]" of each attachment, with the
 * thread that works for it alone. */
static void expect(const char *expected, struct host *host)
{
	struct topology *topology = discover(host);
	char found[1024] = "";

	for (size_t i = 0; i < topology->service_count; i++)
		snprintf(found + strlen(found), sizeof found - strlen(found), "%s[%d]*%g ",
			 topology->services[i].name, (int)topology->services[i].pid,
			 topology->services[i].idle_units);
	for (size_t i = 0; i < topology->attachment_count; i++) {
		const struct attachment *of = &topology->attachments[i];
		char client[64], tid[64] = "";

		if (of->kind == CLIENT_SERVICE)
			snprintf(client, sizeof client, "%d",
				 (int)topology->services[of->client].pid);
		else
			snprintf(client, sizeof client, "%s.%s", topology->domains[of->domain].name,
				 topology->domains[of->domain].vdisks[of->vdisk].name);
		if (of->tid)
			snprintf(tid, sizeof tid, ":%d/%d", (int)of->pid, (int)of->tid);
		add_own_thread(of, topology, tid, sizeof tid);
		snprintf(found + strlen(found), sizeof found - strlen(found), "%s>%d%s ", client,
			 (int)topology->services[of->provider].pid, tid);
	}
	UNIT_EQUAL_TEXT(expected, found);
	topology_unref(topology);
}

static void add_threads(pid_t pid, pid_t last)
{
	struct fixture_process process = { .pid = pid };

	for (pid_t tid = pid + 1; tid <= last; tid++) {
		fixture_thread(&process, tid, "qemu-storage-da", NULL);
		fixture_write("do_poll", "/proc/%d/task/%d/wchan", (int)pid, (int)tid);
	}
}

static void test_two_clients(void)
{
	struct host *host = open_host("two", &no_options);

	DAEMON(10, "--object|iothread,id=x|--object|iothread,id=y|" FILE_NODE("a", "/v/a")
			   FILE_NODE("b", "/v/b") VHOST("a", "/run/a", ",iothread=x")
				   VHOST("b", "/run/b", ",iothread=y"));
	expect("qemu-storage-daemon[10]*1 ", host);
	UNIT_TRUE(host_changed(host)); /* its threads may come yet */
	add_threads(10, 13);
	VM(20, "-name|one|" VHOST_DISK("c", "/run/a"));
	VM(30, "-name|two|" VHOST_DISK("d", "/run/none") VHOST_DISK("c", "/run/b"));
	UNIT_TRUE(host_changed(host));
	expect("qemu-storage-daemon[10]*1 one.vda>10:10/12!12 two.vdb>10:10/13!13 ", host);
	UNIT_TRUE(!host_changed(host));
	/* What ended is still its client, once. */
	fixture_remove("/proc/20");
	UNIT_TRUE(host_changed(host));
	expect("qemu-storage-daemon[10]*1 one.vda>10:10/12!12 two.vdb>10:10/13!13 ", host);
	UNIT_TRUE(host_changed(host));
	expect("qemu-storage-daemon[10]*1 two.vdb>10:10/13!13 ", host);
	UNIT_TRUE(!host_changed(host));
	fixture_remove("/proc/10");
	UNIT_TRUE(host_changed(host));
	expect("", host);
	close_host(host);
}

static void test_threads_shared(void)
{
	struct host *host = open_host("shared", &no_options);

	/* One thread for two exports; pool workers; the page cache; the main loop alone. */
	DAEMON(10, "--object|iothread,id=x|" FILE_NODE("a", "/v/a") FILE_NODE("b", "/v/b")
			   VHOST("a", "/run/a", ",iothread=x") VHOST("b", "/run/b", ",iothread=x"));
	add_threads(10, 12);
	DAEMON(40, "--blockdev|driver=file,node-name=c,filename=/v/c,cache.direct=on|"
		   "--blockdev|driver=file,node-name=d,filename=/v/d,aio=io_uring|"
		   "--object|iothread,id=y|" VHOST("c", "/run/c", "")
			   VHOST("d", "/run/d", ",iothread=y"));
	add_threads(40, 42);
	DAEMON(50, FILE_NODE("e", "/v/e") VHOST("e", "/run/e", ""));
	VM(90, "-name|vm|" VHOST_DISK("1", "/run/a") VHOST_DISK("2", "/run/b") VHOST_DISK(
		       "3", "/run/c") VHOST_DISK("4", "/run/d") VHOST_DISK("5", "/run/e"));
	expect("qemu-storage-daemon[10]*1 qemu-storage-daemon[40]*1 qemu-storage-daemon[50]*1 "
	       "vm.vda>10 vm.vdb>10 vm.vdc>40 vm.vdd>40~42 vm.vde>50:50/50 ",
	       host);
	close_host(host);
}

/* A whole daemon over another: what it is charged goes on to its clients. */
static void test_chain(void)
{
	struct host *host = open_host("chain", &no_options);

	DAEMON(10, FILE_NODE("a", "/v/a") NBD_SERVER("/run/n") NBD("a", ""));
	DAEMON(20, NBD_NODE("a", "/run/n") VHOST("a", "/run/v", ""));
	VM(30, "-name|vm|" VHOST_DISK("c", "/run/v"));
	expect("qemu-storage-daemon[10]*1 qemu-storage-daemon[20]*1 vm.vda>20:10/10 "
	       "20>10:10/10 ",
	       host);
	/* With a file of its own beside it, only the one who is served from there pays there. */
	DAEMON(20, NBD_NODE("a", "/run/n") VHOST("a", "/run/v", "") FILE_NODE("b", "/v/b")
			   VHOST("b", "/run/w", ""));
	VM(40, "-name|wm|" VHOST_DISK("c", "/run/w"));
	expect("qemu-storage-daemon[10]*1 qemu-storage-daemon[20]*1 vm.vda>20:10/10 wm.vda>20 "
	       "vm.vda>10:10/10 ",
	       host);
	close_host(host);
}

/* A thread serves an export of another daemon, which serves vDISKs: one, or two. */
static void test_chain_of_threads(void)
{
	struct host *host = open_host("chain-threads", &no_options);

	DAEMON(10, "--object|iothread,id=x|" FILE_NODE("a", "/v/a") NBD_SERVER("/run/n")
			   NBD("a", ",iothread=x") FILE_NODE("c", "/v/c") NBD("c", ""));
	add_threads(10, 12);
	DAEMON(20, "--object|iothread,id=y|" NBD_NODE("a", "/run/n")
			   VHOST("a", "/run/v", ",iothread=y"));
	add_threads(20, 22);
	VM(30, "-name|vm|" VHOST_DISK("c", "/run/v"));
	expect("qemu-storage-daemon[10]*1 qemu-storage-daemon[20]*1 vm.vda>20:10/12!22 "
	       "20>10:10/12!12 ",
	       host);
	/* With a file of its own beside it: still for that vDISK alone. */
	DAEMON(20,
	       "--object|iothread,id=y|" NBD_NODE("a", "/run/n") VHOST("a", "/run/v", ",iothread=y")
		       FILE_NODE("b", "/v/b") VHOST("b", "/run/w", ""));
	VM(40, "-name|wm|" VHOST_DISK("c", "/run/w"));
	expect("qemu-storage-daemon[10]*1 qemu-storage-daemon[20]*1 vm.vda>20:10/12!22 "
	       "wm.vda>20:20/20 vm.vda>10:10/12!12 ",
	       host);
	/* A second client of what is over it. */
	VM(50, "-name|xm|" VHOST_DISK("c", "/run/v"));
	expect("qemu-storage-daemon[10]*1 qemu-storage-daemon[20]*1 vm.vda>20 wm.vda>20:20/20 "
	       "xm.vda>20 vm.vda>10 xm.vda>10 ",
	       host);
	close_host(host);
}

static bool has_note(const struct topology *topology, const char *part)
{
	for (size_t i = 0; i < topology->note_count; i++)
		if (strstr(topology->notes[i], part))
			return true;
	return false;
}

static void test_circle(void)
{
	struct host *host = open_host("circle", &no_options);
	struct topology *topology;

	DAEMON(10, NBD_NODE("a", "/run/m") NBD_SERVER("/run/n") NBD("a", ""));
	DAEMON(20, NBD_NODE("a", "/run/n") NBD_SERVER("/run/m") NBD("a", ""));
	VM(30, "-name|vm|-drive|if=virtio,file=nbd:unix:/run/m:exportname=a|");
	expect("qemu-storage-daemon[10]*1 qemu-storage-daemon[20]*1 vm.vda>20 10>20 ", host);
	topology = discover(host);
	UNIT_TRUE(has_note(topology, "qemu-storage-daemon (10) -> qemu-storage-daemon (20) -> "
				     "qemu-storage-daemon (10)"));
	topology_unref(topology);
	close_host(host);
}

static void test_rules(void)
{
	const struct host_service_rule rules[] = {
		{ "blocks", "*--pidfile /run/blocks.pid*", 0 },
		{ "spdk", "spdk_tgt", 2.5 },
	};
	struct host *host =
		open_host("rules", &(struct host_options){ .services = rules, .service_count = 2 });

	DAEMON(10, "--pidfile|/run/blocks.pid|" FILE_NODE("a", "/v/a") VHOST("a", "/run/a", ""));
	fixture_process(&(struct fixture_process){
		.pid = 20, .comm = "spdk_tgt", .cmdline = "/opt/spdk|-r|/run/rpc|" });
	fixture_process(&(struct fixture_process){
		.pid = 30, .comm = "bash", .cmdline = "bash|-c|spdk_tgt|" });
	VM(40, "-name|spdk_tgt|" VHOST_DISK("c", "/run/a")); /* a VM is none */
	expect("blocks[10]*0 spdk[20]*2.5 spdk_tgt.vda>10:10/10 ", host);
	close_host(host);
}

/* A sandbox's parent waits; a fork becomes another program; nbd on this machine by TCP. */
static void test_processes(void)
{
	struct fixture_process fs = { .pid = 10,
				      .comm = "virtiofsd",
				      .cmdline =
					      "virtiofsd|--socket-path=/run/fs|-o|source=/srv|" };
	struct host *host = open_host("processes", &no_options);

	fixture_process(&fs);
	fs.parent = 10;
	fs.pid = 11;
	fixture_process(&fs);
	fixture_process(&(struct fixture_process){
		.pid = 20, .comm = "qemu-nbd", .cmdline = "qemu-nbd|-p|7|-b|10.9.9.9|/v/a|" });
	VM(30, "-name|vm|-chardev|socket,id=f,path=/run/fs|"
	       "-device|vhost-user-fs-pci,chardev=f,tag=home|"
	       "-drive|if=virtio,file=nbd:10.9.9.9:7|-drive|if=virtio,file=nbd:10.9.9.8:7|");
	expect("virtiofsd[11]*1 qemu-nbd[20]*1 vm.home>11 vm.vda>20 ", host);
	fixture_process(
		&(struct fixture_process){ .pid = 20, .comm = "sleep", .cmdline = "sleep|9|" });
	expect("virtiofsd[11]*1 vm.home>11 ", host);
	close_host(host);
}

/* Its folder in sysfs, and the links to it. */
/* Whoever says that he serves another's socket. */
static void test_pretenders(void)
{
	struct host *host = open_host("pretenders", &no_options);
	struct fixture_process pretender = { .pid = 5,
					     .uid = 12345,
					     .comm = "sleep",
					     .cmdline = "qemu-storage-daemon|" FILE_NODE(
						     "a", "/v/a") VHOST("a", "/run/a", "") };

	VM(20, "-name|one|" VHOST_DISK("c", "/run/a"));
	fixture_process(&pretender);
	expect("qemu-storage-daemon[5]*1 one.vda>5:5/5 ", host);
	DAEMON(10, FILE_NODE("a", "/v/a") VHOST("a", "/run/a", ""));
	expect("qemu-storage-daemon[5]*1 qemu-storage-daemon[10]*1 one.vda>10:10/10 ", host);
	pretender.pid = 11;
	fixture_process(&pretender);
	expect("qemu-storage-daemon[5]*1 qemu-storage-daemon[10]*1 qemu-storage-daemon[11]*1 "
	       "one.vda>10:10/10 ",
	       host);
	close_host(host);
}

static void add_device(const char *place, const char *number)
{
	const char *slash = strrchr(place, '/'), *name = slash ? slash + 1 : place;
	char text[64];

	snprintf(text, sizeof text, "%s\n", number);
	fixture_write(text, "/sys/devices/block/%s/dev", place);
	fixture_write("1000\n", "/sys/devices/block/%s/size", place);
	fixture_write("", "/sys/block/folder");
	fixture_write("", "/sys/dev/block/folder");
	fixture_write("", "/sys/class/block/folder");
	snprintf(text, sizeof text, "../../devices/block/%s", place);
	fixture_link(text, "/sys/dev/block/%s", number);
	fixture_link(text, "/sys/class/block/%s", name);
}

/* Process 10 has its files on a partition of it. */
static void add_disk(void)
{
	add_device("sda", "8:0");
	add_device("sda/sda1", "8:1");
	fixture_write("1\n", "/sys/devices/block/sda/sda1/partition");
	fixture_link("../devices/block/sda", "/sys/block/sda");
}

/* "PID/TID on MAJOR:MINOR": who hands in for the only attachment, and to what. */
static void expect_submitter(const char *expected, struct host *host)
{
	struct topology *topology = discover(host);
	const struct attachment *of = topology->attachments;
	char found[64] = "";

	UNIT_EQUAL_U64(1, topology->attachment_count);
	if (topology->attachment_count)
		snprintf(found, sizeof found, "%d/%d on %u:%u", (int)of->pid, (int)of->tid,
			 of->major, of->minor);
	UNIT_EQUAL_TEXT(expected, found);
	topology_unref(topology);
}

static void test_submitters(void)
{
	static const char buffered[] = "--blockdev|driver=file,node-name=a,filename=/v/a|";
	struct host *host = open_host("submitters", &no_options);
	char command[512];

	add_disk();
	VM(20, "-name|vm|" VHOST_DISK("c", "/run/a"));
	/* Its only export: the process, whoever of its threads. */
	DAEMON(10, FILE_NODE("a", "/v/a") VHOST("a", "/run/a", ""));
	expect_submitter("10/0 on 8:0", host);
	/* What reaches the disk through the page cache is not what was asked for. */
	snprintf(command, sizeof command, "qemu-storage-daemon|%s%s", buffered,
		 VHOST("a", "/run/a", ""));
	fixture_process(&(struct fixture_process){
		.pid = 10, .comm = "qemu-storage-da", .cmdline = command });
	expect_submitter("10/0 on 0:0", host);
	/* Beside another one: the thread. */
	DAEMON(10, FILE_NODE("a", "/v/a") FILE_NODE("b", "/v/b")
			   VHOST("a", "/run/a", "") "--object|iothread,id=x|" VHOST("b", "/run/b",
										    ",iothread=x"));
	expect_submitter("10/10 on 8:0", host);
	/* Both in one thread: nobody knows. */
	DAEMON(10, FILE_NODE("a", "/v/a") FILE_NODE("b", "/v/b") VHOST("a", "/run/a", "")
			   VHOST("b", "/run/b", ""));
	expect_submitter("0/0 on 8:0", host);
	close_host(host);
}

/* A descriptor of a process, of a file on the mount that all have. */
static void add_file(pid_t pid, int fd, const char *path, unsigned inode)
{
	char text[128];

	snprintf(text, sizeof text, "pos:\t0\nflags:\t02140002\nmnt_id:\t20\n%s%u\n",
		 inode ? "ino:\t" : "lock:\t", inode);
	fixture_write(text, "/proc/%d/fdinfo/%d", (int)pid, fd);
	fixture_write("", "/proc/%d/fd/folder", (int)pid);
	fixture_link(path, "/proc/%d/fd/%d", (int)pid, fd);
}

/* "PID:DEVICE/INODE" of each attachment's file, "~" for ":" where it is an estimate, or "-". */
static void expect_files(const char *expected, struct host *host)
{
	struct topology *topology = discover(host);
	char found[256] = "";

	for (size_t i = 0; i < topology->attachment_count; i++) {
		const struct attachment_file *file = &topology->attachments[i].file;
		size_t length = strlen(found);

		if (file->pid)
			snprintf(found + length, sizeof found - length, "%d%c%u:%u/%u ",
				 (int)file->pid, file->is_estimate ? '~' : ':', file->major,
				 file->minor, (unsigned)file->inode);
		else
			snprintf(found + length, sizeof found - length, "- ");
	}
	UNIT_EQUAL_TEXT(expected, found);
	topology_unref(topology);
}

static void test_files(void)
{
	struct host *host = open_host("files", &no_options);

	VM(20, "-name|vm|" VHOST_DISK("c", "/run/a") VHOST_DISK("d", "/run/b"));
	/* In one thread. */
	DAEMON(10, FILE_NODE("a", "/v/a") FILE_NODE("b", "/v/b") VHOST("a", "/run/a", "")
			   VHOST("b", "/run/b", ""));
	add_file(10, 8, "/v/a", 100);
	expect_files("10:8:1/100 - ", host);
	add_file(10, 9, "/v/b", 101);
	expect_files("10:8:1/100 10:8:1/101 ", host);
	/* Open twice: under another image, too. Before Linux 5.14 it has no number there. */
	add_file(10, 11, "/v/a", 100);
	expect_files("- 10:8:1/101 ", host);
	fixture_remove("/proc/10/fd/11");
	add_file(10, 8, "/v/a", 0);
	expect_files("- 10:8:1/101 ", host);
	add_file(10, 8, "/v/a", 101); /* by two names */
	expect_files("- - ", host);
	add_file(10, 8, "/v/a", 100);
	/* One has its thread, which says enough. */
	DAEMON(10, "--object|iothread,id=x|" FILE_NODE("a", "/v/a") FILE_NODE("b", "/v/b") VHOST(
			   "a", "/run/a", ",iothread=x") "--export|vhost-user-blk,id=n,node-name=b,"
							 "addr.type=unix,addr.path=/run/n|" VHOST(
								 "b", "/run/b", ""));
	add_threads(10, 12);
	expect_files("- - ", host);
	/* Workers of a pool; the page cache; an image. */
	DAEMON(10, "--blockdev|driver=file,node-name=a,filename=/v/a,cache.direct=on|"
		   "--blockdev|driver=file,node-name=f,filename=/v/b,cache.direct=on|"
		   "--blockdev|driver=qcow2,node-name=b,file=f|" VHOST("a", "/run/a", "")
			   VHOST("b", "/run/b", ""));
	expect_files("10:8:1/100 10~8:1/101 ", host);
	DAEMON(10, "--blockdev|driver=file,node-name=a,filename=/v/a|"
		   "--blockdev|driver=raw,node-name=b,file.driver=file,file.filename=/v/b,"
		   "file.cache.direct=on|" VHOST("a", "/run/a", "") VHOST("b", "/run/b", ""));
	expect_files("10~8:1/100 10:8:1/101 ", host);
	close_host(host);
}

/* The last of a chain has the files; of an export with two clients it is not known whose they are.
 */
static void test_files_of_chains(void)
{
	struct host *host = open_host("chain-files", &no_options);

	fixture_write("20 1 8:1 / / rw - ext4 /dev/sda1 rw\n", "/proc/30/mountinfo");
	DAEMON(30, FILE_NODE("a", "/v/a") FILE_NODE("b", "/v/b") NBD_SERVER("/run/n") NBD("a", "")
			   NBD("b", ""));
	add_file(30, 8, "/v/a", 100);
	add_file(30, 9, "/v/b", 101);
	DAEMON(10, NBD_NODE("a", "/run/n") NBD_NODE("b", "/run/n") VHOST("a", "/run/a", "")
			   VHOST("b", "/run/b", ""));
	VM(40, "-name|vm|" VHOST_DISK("c", "/run/a") VHOST_DISK("d", "/run/b"));
	expect_files("30:8:1/100 30:8:1/101 - ", host);
	VM(50, "-name|wm|-drive|if=virtio,file=nbd:unix:/run/n:exportname=b|");
	expect_files("30:8:1/100 - - - ", host);
	close_host(host);
}

static void test_leaves(void)
{
	struct host *host = open_host("leaves", &no_options);
	struct topology *topology;
	const struct vdisk *vdisk;

	add_disk();
	DAEMON(10, FILE_NODE("a", "/v/a") VHOST("a", "/run/a", ""));
	VM(20, "-name|vm|" VHOST_DISK("c", "/run/a") VHOST_DISK("d", "/run/b"));
	topology = discover(host);
	vdisk = topology->domains[0].vdisks;
	UNIT_EQUAL_TEXT("vhost-user:/run/a", vdisk[0].source);
	UNIT_TRUE(vdisk[0].direct);
	UNIT_EQUAL_I64(VDISK_LOCAL, vdisk[0].backing);
	UNIT_EQUAL_U64(1, vdisk[0].leaf_count);
	if (vdisk[0].leaf_count)
		UNIT_EQUAL_TEXT("sda", topology->disks[vdisk[0].leaves[0]].name);
	UNIT_EQUAL_TEXT(NULL, vdisk[0].reason);
	UNIT_TRUE(!vdisk[1].direct);
	UNIT_EQUAL_I64(VDISK_NETWORK, vdisk[1].backing);
	UNIT_EQUAL_TEXT("another process serves it (vhost-user)", vdisk[1].reason);
	topology_unref(topology);
	fixture_remove("/proc/10");
	topology = discover(host);
	UNIT_EQUAL_U64(0, topology->attachment_count);
	UNIT_EQUAL_I64(VDISK_NETWORK, topology->domains[0].vdisks[0].backing);
	UNIT_EQUAL_U64(0, topology->domains[0].vdisks[0].leaf_count);
	topology_unref(topology);
	close_host(host);
}

/* libvirt's own disks by vhost-user and NBD, and a shared folder that it calls no disk. */
static void test_libvirt(void)
{
#define UUID "aaaaaaaa-0000-4000-8000-000000000001"
	static const char xml[] =
		"<domain><devices><disk type='vhostuser' device='disk'><source type='unix' "
		"path='/run/a'/><target dev='vda' bus='virtio'/></disk><disk type='network'>"
		"<source protocol='nbd' name='b'><host transport='unix' socket='/run/n'/></source>"
		"<target dev='vdb' bus='virtio'/></disk></devices></domain>";
	struct host *host = open_host("libvirt", &no_options);
	struct libvirt_view *view = calloc(1, sizeof *view);
	struct error error = { 0 };
	struct topology *topology;

	if (!view || !(view->domains = calloc(1, sizeof *view->domains)))
		abort();
	view->uri = strdup("qemu:///system");
	view->references = 1;
	view->domain_count = 1;
	view->domains[0].uuid = strdup(UUID);
	view->domains[0].name = strdup("vm");
	if (libvirt_domain_xml(&view->domains[0], xml, &error))
		abort();
	DAEMON(10, FILE_NODE("a", "/v/a") VHOST("a", "/run/a", "") FILE_NODE("b", "/v/b")
			   NBD_SERVER("/run/n") NBD("b", ""));
	fixture_process(&(struct fixture_process){
		.pid = 20, .comm = "virtiofsd", .cmdline = "virtiofsd|--socket-path=/run/fs|" });
	VM(30, "-name|vm|-uuid|" UUID
	       "|" VHOST_DISK("c", "/run/a") "-chardev|socket,id=f,path=/run/fs|"
					     "-device|vhost-user-fs-pci,chardev=f,tag=home|");
	if (host_discover_with(host, view, &topology, &error))
		abort();
	UNIT_EQUAL_U64(1, topology->domain_count);
	UNIT_EQUAL_U64(3, topology->domains[0].vdisk_count);
	UNIT_EQUAL_U64(3, topology->attachment_count);
	for (size_t i = 0; i < topology->attachment_count; i++) {
		UNIT_EQUAL_U64(i, topology->attachments[i].vdisk);
		UNIT_EQUAL_U64(i / 2, topology->attachments[i].provider);
	}
	UNIT_EQUAL_TEXT("home", topology->domains[0].vdisks[2].name);
	topology_unref(topology);
	close_host(host);
}

int main(void)
{
	return UNIT_RUN(
		"service-discover",
		{ "a storage daemon, its clients and their threads", test_two_clients },
		{ "of several who say a socket is theirs, whose it can be", test_pretenders },
		{ "a thread that does not work for one alone is nobody's", test_threads_shared },
		{ "a service of a service", test_chain },
		{ "threads of a service of a service", test_chain_of_threads },
		{ "a circle is opened, and its path is named", test_circle },
		{ "services that are configured", test_rules },
		{ "processes that come, fork and change", test_processes },
		{ "a vDISK is on what its service opens", test_leaves },
		{ "who hands in the requests, and to which device", test_submitters },
		{ "an export's own file, where nobody does alone", test_files },
		{ "files of a service of a service", test_files_of_chains },
		{ "domains of libvirt", test_libvirt });
}
