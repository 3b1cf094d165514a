/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Throttle groups of storage daemons, and their monitors, in trees of /proc. */
#include "tests/unit/host-scene.h"

#define DAEMON(number, ...)                                                                        \
	fixture_process(                                                                           \
		&(struct fixture_process){ .pid = number,                                          \
					   .comm = "qemu-storage-da",                              \
					   .cmdline = "qemu-storage-daemon|" __VA_ARGS__ })
#define VM(number, name, path)                                                                     \
	fixture_process(&(struct fixture_process){                                                 \
		.pid = number,                                                                     \
		.cmdline = "kvm|-name|" name "|-chardev|socket,id=c,path=" path                    \
			   "|-device|vhost-user-blk-pci,chardev=c|" })
#define NODE(name, group)                                                                          \
	"--blockdev|driver=file,node-name=file-" name ",filename=/v/" name "|"                     \
	"--blockdev|driver=throttle,node-name=" name ",throttle-group=" group ",file=file-" name   \
	"|"
#define EXPORT(name)                                                                               \
	"--export|vhost-user-blk,id=" name ",node-name=" name                                      \
	",addr.type=unix,addr.path=/run/" name "|"

/* "DOMAIN:GROUP@PID" of each attachment of a vDISK, with a "!" where it is for others, too. */
static void expect(struct host *host, const char *expected)
{
	struct topology *topology = discover(host);
	char found[512] = "";

	for (size_t i = 0; i < topology->attachment_count; i++) {
		const struct attachment *of = &topology->attachments[i];
		size_t used = strlen(found);

		if (of->kind == CLIENT_VDISK)
			snprintf(found + used, sizeof found - used, "%s:%s@%d%s ",
				 topology->domains[of->domain].name, of->throttle.group,
				 (int)of->throttle.pid, of->throttle.for_others ? "!" : "");
	}
	UNIT_EQUAL_TEXT(expected, found);
	topology_unref(topology);
}

static void test_groups(void)
{
	struct host *host = open_host("groups");

	DAEMON(10, NODE("a", "ga") NODE("b", "gb") EXPORT("a") EXPORT(
			   "b") "--blockdev|driver=file,node-name=c,filename=/v/c|" EXPORT("c"));
	VM(20, "one", "/run/a");
	VM(21, "two", "/run/b");
	VM(22, "three", "/run/c");
	expect(host, "one:ga@10 three:@10 two:gb@10 ");
	close_host(host);
}

/* One that is not there yet may come. */
static void test_shared(void)
{
	struct host *host = open_host("shared");

	DAEMON(10, NODE("a", "g") NODE("b", "g") NODE("c", "h") NODE("d", "h") EXPORT("a")
			   EXPORT("b") EXPORT("c") EXPORT("d"));
	VM(20, "one", "/run/a");
	VM(21, "two", "/run/b");
	VM(22, "three", "/run/c");
	expect(host, "one:g@10! three:h@10! two:g@10! ");
	close_host(host);
}

/* What passes one's group may pass another's, too. */
static void test_layers(void)
{
	struct host *host = open_host("layers");

	DAEMON(10, NODE("b", "gb") "--blockdev|driver=throttle,node-name=a,throttle-group=ga,file="
				   "b|" EXPORT("a") EXPORT("b"));
	VM(20, "one", "/run/a");
	VM(21, "two", "/run/b");
	expect(host, "one:ga@10 two:gb@10! ");
	close_host(host);
}

static void test_same_domain(void)
{
	struct host *host = open_host("same");

	DAEMON(10, NODE("a", "g") NODE("b", "g") EXPORT("a") EXPORT("b"));
	fixture_process(&(struct fixture_process){
		.pid = 20,
		.cmdline = "kvm|-name|one|-chardev|socket,id=c,path=/run/a|"
			   "-device|vhost-user-blk-pci,chardev=c|-chardev|socket,id=d,path=/run/b|"
			   "-device|vhost-user-blk-pci,chardev=d|" });
	expect(host, "one:g@10 one:g@10 ");
	close_host(host);
}

/* A change of the group alone is another topology: who follows it looks again. */
static void test_news(void)
{
	struct host *host = open_host("news");
	struct topology *before, *after;

	DAEMON(10, NODE("a", "g") NODE("b", "g") EXPORT("a") EXPORT("b"));
	VM(20, "one", "/run/a");
	before = discover(host);
	UNIT_TRUE(before->attachments[0].throttle.for_others);
	after = discover(host);
	UNIT_TRUE(topology_equal(before, after));
	after->attachments[0].throttle.for_others = false;
	UNIT_TRUE(before == after || !topology_equal(before, after));
	topology_unref(before);
	topology_unref(after);
	close_host(host);
}

static void expect_spares(const struct host *host, size_t count, pid_t pid)
{
	struct host_spare spares[2];

	UNIT_EQUAL_U64(count, host_spare_monitors(host, spares, 2));
	if (count > 0)
		UNIT_EQUAL_I64(pid, spares[0].pid);
}

/* By what its command line says: nobody connects, so nobody who uses it is disturbed. */
static void test_monitor(void)
{
	static const char *const sockets[] = { "/run/m" };
	struct host *host;

	begin_tree("monitor");
	host = open_host_with(&(struct host_options){ .qmp_sockets = sockets, .qmp_count = 1 });
	expect_spares(host, 0, 0);
	fixture_write("", "/run/m");
	fixture_process(&(struct fixture_process){
		.pid = 9,
		.uid = 12345,
		.cmdline = "qemu-storage-daemon|--chardev|socket,id=x,path=/run/m|"
			   "--monitor|chardev=x|" });
	DAEMON(10, "--chardev|socket,id=x,path=/run/m,server=on,wait=off|--monitor|chardev=x|" NODE(
			   "a", "g") EXPORT("a"));
	topology_unref(discover(host));
	expect_spares(host, 1, 10);
	UNIT_EQUAL_TEXT("", host->monitors[0].trouble.text);
	UNIT_EQUAL_I64(10, service_watch_find_monitor(host->services, "/run/m"));
	UNIT_EQUAL_I64(0, service_watch_find_monitor(host->services, "/run/n"));
	fixture_remove("/run/m");
	UNIT_EQUAL_I64(0, service_watch_find_monitor(host->services, "/run/m"));
	UNIT_TRUE(service_watch_is_daemon(host->services, 10));
	UNIT_TRUE(!service_watch_is_daemon(host->services, 11));
	close_host(host);
}

static void test_program(void)
{
	struct host *host = open_host("program");

	DAEMON(10, NODE("a", "g"));
	fixture_process(&(struct fixture_process){ .pid = 11, .cmdline = "qemu-nbd|/v/a|" });
	fixture_process(&(struct fixture_process){ .pid = 12, .cmdline = "" });
	UNIT_TRUE(service_is_storage_daemon(&root, 10));
	UNIT_TRUE(!service_is_storage_daemon(&root, 11));
	UNIT_TRUE(!service_is_storage_daemon(&root, 12));
	UNIT_TRUE(!service_is_storage_daemon(&root, 13));
	close_host(host);
}

int main(void)
{
	return UNIT_RUN("service-throttle",
			{ "an export's throttle group is known by the command line", test_groups },
			{ "a group that others' exports are in is told", test_shared },
			{ "a group below another is for others, too", test_layers },
			{ "one domain's exports may share a group", test_same_domain },
			{ "another state of the group is news", test_news },
			{ "a storage daemon's monitor is for limits", test_monitor },
			{ "a storage daemon is known by its program", test_program });
}
