/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machines made of a few lines each, below a movable root: cards, vNICs and their counters. */
#include "base/text.h"
#include "host/nic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/nic.h"
#include "tests/unit/proc-fixture.h"

enum { QEMU_PID = 4711 };

static unsigned machines;
static struct rootfs root;

static void begin(void)
{
	char name[32];

	snprintf(name, sizeof name, "nic%u", ++machines);
	fixture_begin(name, &root);
}

static void interface_file(const char *name, const char *file, const char *text)
{
	fixture_write(text, "/sys/class/net/%s/%s", name, file);
}

static void interface_link(const char *name, const char *link, const char *target)
{
	fixture_link(target, "/sys/class/net/%s/%s", name, link);
}

static void add_interface(const char *name)
{
	interface_file(name, "ifindex", "7\n");
}

static void add_card(const char *name, const char *speed, const char *state)
{
	add_interface(name);
	interface_file(name, "device/vendor", "0x8086\n");
	interface_file(name, "device/device", "0x10fb\n");
	interface_link(name, "device/driver", "../../../bus/pci/drivers/ixgbe");
	interface_file(name, "speed", speed);
	interface_file(name, "operstate", state);
}

/* As both sides' folders show it. */
static void put_over(const char *upper, const char *lower)
{
	char link[64], target[64];

	snprintf(link, sizeof link, "lower_%s", lower);
	snprintf(target, sizeof target, "../%s", lower);
	interface_link(upper, link, target);
}

static void enslave(const char *master, const char *name)
{
	char target[64];

	put_over(master, name);
	snprintf(target, sizeof target, "../%s", master);
	interface_link(name, "master", target);
}

static void add_tap(const char *name)
{
	add_interface(name);
	interface_file(name, "tun_flags", "0x1002\n");
}

static void add_bridge(const char *name)
{
	add_interface(name);
	interface_file(name, "bridge/stp_state", "0\n");
}

static void resolve(const char *name, struct vnic *vnic, struct nic_list *nics)
{
	vnic_clear(vnic);
	vnic->name = strdup(name);
	if (!nics->count)
		UNIT_EQUAL_I64(0, nic_leaves(&root, nics));
	UNIT_EQUAL_I64(0, nic_resolve(&root, vnic, nics));
}

static void test_cards(void)
{
	struct nic_list nics = { 0 };

	begin();
	add_card("eth10", "10000\n", "up\n");
	add_card("eth1", "-1\n", "down\n");
	add_card("eth2", "1000\n", "unknown\n");
	add_interface("lo");
	add_tap("vnet0");
	UNIT_EQUAL_I64(0, nic_leaves(&root, &nics));
	UNIT_EQUAL_U64(3, nics.count);
	UNIT_EQUAL_TEXT("eth1", nics.items[0].name);
	UNIT_EQUAL_U64(0, nics.items[0].speed_mbits);
	UNIT_TRUE(!nics.items[0].up);
	UNIT_EQUAL_TEXT("eth10", nics.items[1].name);
	UNIT_EQUAL_TEXT("ixgbe", nics.items[1].driver);
	UNIT_EQUAL_TEXT("8086:10fb", nics.items[1].model);
	UNIT_EQUAL_U64(10000, nics.items[1].speed_mbits);
	UNIT_TRUE(nics.items[1].up);
	UNIT_TRUE(nics.items[2].up);
	nic_list_clear(&nics);
	rootfs_close(&root);
}

static void test_bridge(void)
{
	struct nic_list nics = { 0 };
	struct vnic vnic = { 0 };

	begin();
	add_card("eth0", "1000\n", "up\n");
	add_bridge("br0");
	add_tap("vnet0");
	add_tap("vnet1");
	enslave("br0", "eth0");
	enslave("br0", "vnet0");
	enslave("br0", "vnet1");
	for (int i = 0; i < 2; i++) {
		resolve(i ? "vnet1" : "vnet0", &vnic, &nics);
		UNIT_TRUE(vnic.swapped && !vnic.unseen && !vnic.reason);
		UNIT_EQUAL_U64(1, vnic.leaf_count);
		UNIT_EQUAL_U64(0, vnic.leaf_count ? vnic.leaves[0] : 99);
	}
	UNIT_EQUAL_U64(1, nics.masters.count);
	vnic_clear(&vnic);
	nic_list_clear(&nics);
	rootfs_close(&root);
}

/* A bridge over a VLAN over a bond of two cards; a third card is beside it. */
static void test_layers(void)
{
	struct nic_list nics = { 0 };
	struct vnic vnic = { 0 };

	begin();
	add_card("eth0", "1000\n", "up\n");
	add_card("eth1", "1000\n", "up\n");
	add_card("eth2", "1000\n", "up\n");
	add_interface("bond0");
	add_interface("bond0.7");
	add_bridge("br7");
	add_tap("tap3");
	enslave("bond0", "eth2");
	enslave("bond0", "eth0");
	put_over("bond0.7", "bond0");
	enslave("br7", "bond0.7");
	enslave("br7", "tap3");
	resolve("tap3", &vnic, &nics);
	UNIT_EQUAL_U64(2, vnic.leaf_count);
	UNIT_EQUAL_U64(0, vnic.leaf_count == 2 ? vnic.leaves[0] : 99);
	UNIT_EQUAL_U64(2, vnic.leaf_count == 2 ? vnic.leaves[1] : 99);
	vnic_clear(&vnic);
	nic_list_clear(&nics);
	rootfs_close(&root);
}

static void test_macvtap(void)
{
	struct nic_list nics = { 0 };
	struct vnic vnic = { 0 };

	begin();
	add_card("eth0", "1000\n", "up\n");
	add_interface("macvtap0");
	put_over("macvtap0", "eth0");
	resolve("macvtap0", &vnic, &nics);
	UNIT_TRUE(!vnic.swapped && !vnic.unseen && !vnic.reason);
	UNIT_EQUAL_U64(1, vnic.leaf_count);
	vnic_clear(&vnic);
	nic_list_clear(&nics);
	rootfs_close(&root);
}

/* Interfaces that are each other's lower one. */
static void test_circle(void)
{
	struct nic_list nics = { 0 };
	struct vnic vnic = { 0 };

	begin();
	add_card("eth0", "1000\n", "up\n");
	add_interface("a0");
	add_interface("b0");
	put_over("a0", "b0");
	put_over("b0", "a0");
	resolve("a0", &vnic, &nics);
	UNIT_EQUAL_U64(0, vnic.leaf_count);
	UNIT_EQUAL_TEXT("a0 leads to no network card", vnic.reason);
	vnic_clear(&vnic);
	nic_list_clear(&nics);
	rootfs_close(&root);
}

static void test_reasons(void)
{
	static const struct {
		const char *name, *reason;
		bool unseen;
	} cases[] = {
		{ "gone0", "gone0 is no interface here", true },
		{ "free0", "on no bridge", false },
		{ "ovs0", "behind Open vSwitch", false },
		{ "vrf0", "behind vrf, which is no bridge", false },
		{ "nat0", "virbr0 leads to no network card", false },
	};
	struct nic_list nics = { 0 };
	struct vnic vnic = { 0 };

	begin();
	add_card("eth0", "1000\n", "up\n");
	add_tap("free0");
	add_tap("ovs0");
	add_tap("vrf0");
	add_tap("nat0");
	add_interface("ovs-system");
	add_interface("vrf");
	add_bridge("virbr0");
	enslave("ovs-system", "ovs0");
	enslave("ovs-system", "eth0");
	enslave("vrf", "vrf0");
	enslave("virbr0", "nat0");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		resolve(cases[i].name, &vnic, &nics);
		UNIT_EQUAL_TEXT(cases[i].reason, vnic.reason);
		UNIT_EQUAL_U64(cases[i].unseen, vnic.unseen);
		UNIT_EQUAL_U64(0, vnic.leaf_count);
	}
	vnic_clear(&vnic);
	nic_list_clear(&nics);
	rootfs_close(&root);
}

/* --- a process ---------------------------------------------------------------------------- */

static void process_fd(int fd, const char *target, const char *info)
{
	fixture_link(target, "/proc/%d/fd/%d", QEMU_PID, fd);
	fixture_write(info, "/proc/%d/fdinfo/%d", QEMU_PID, fd);
}

static void namespaces(const char *own, const char *its)
{
	fixture_link(own, "/proc/self/ns/net");
	fixture_link(its, "/proc/%d/ns/net", QEMU_PID);
}

static void test_process(void)
{
	struct nic_list nics = { 0 };
	struct domain domain = { .pid = QEMU_PID };

	begin();
	add_card("eth0", "1000\n", "up\n");
	add_bridge("br0");
	add_tap("vnet5");
	enslave("br0", "eth0");
	enslave("br0", "vnet5");
	add_interface("macvtap1");
	put_over("macvtap1", "eth0");
	fixture_link("../../devices/virtual/net/macvtap1/macvtap/tap12",
		     "/sys/class/macvtap/tap12");
	process_fd(3, "/dev/kvm", "pos:\t0\nflags:\t02\n");
	process_fd(4, "/dev/net/tun", "pos:\t0\nflags:\t0104002\nmnt_id:\t21\niff:\tvnet5\n");
	process_fd(5, "/dev/net/tun", "pos:\t0\nflags:\t0104002\nmnt_id:\t21\niff:\tvnet5\n");
	process_fd(6, "/dev/tap12", "pos:\t0\n");
	process_fd(7, "/dev/net/tun", "pos:\t0\nflags:\t0104002\n"); /* not attached yet */
	fixture_cmdline(QEMU_PID, "qemu-system-x86_64|-netdev|tap,fd=4,id=n0|-nic|user,id=slow|"
				  "-netdev|{\"type\":\"vhost-user\",\"id\":\"fast\"}|"
				  "-netdev|{\"type\":\"tap\",\"fd\":\"6\",\"id\":\"n1\"}|-netdev|");
	UNIT_EQUAL_I64(0, nic_leaves(&root, &nics));
	UNIT_EQUAL_I64(0, nic_find(&root, &domain, &nics));
	UNIT_EQUAL_U64(4, domain.vnic_count);
	if (domain.vnic_count == 4) {
		UNIT_EQUAL_TEXT("vnet5", domain.vnics[0].name);
		UNIT_EQUAL_U64(1, domain.vnics[0].leaf_count);
		UNIT_EQUAL_TEXT("macvtap1", domain.vnics[1].name);
		UNIT_EQUAL_U64(1, domain.vnics[1].leaf_count);
		UNIT_EQUAL_TEXT("slow", domain.vnics[2].name);
		UNIT_EQUAL_TEXT("inside QEMU", domain.vnics[2].reason);
		UNIT_TRUE(domain.vnics[2].unseen);
		UNIT_EQUAL_TEXT("at a vhost-user back end", domain.vnics[3].reason);
	}
	domain_clear(&domain);
	nic_list_clear(&nics);
	rootfs_close(&root);
}

/* A command line hides no tap, and has no end of interfaces. */
static void test_pretenders(void)
{
	struct nic_list nics = { 0 };
	struct domain domain = { .pid = QEMU_PID };
	struct text line = { 0 };

	begin();
	add_tap("vnet5");
	process_fd(4, "/dev/net/tun", "pos:\t0\niff:\tvnet5\n");
	fixture_cmdline(QEMU_PID, "qemu-system-x86_64|-netdev|user,id=vnet5|");
	UNIT_EQUAL_I64(0, nic_find(&root, &domain, &nics));
	UNIT_EQUAL_U64(1, domain.vnic_count);
	UNIT_TRUE(!domain.vnics[0].unseen && domain.vnics[0].swapped);
	domain_clear(&domain);
	domain = (struct domain){ .pid = QEMU_PID };
	for (unsigned i = 0; i < 1000; i++)
		text_addf(&line, "%s-netdev|user,id=n%u|", i ? "" : "qemu-system-x86_64|", i);
	fixture_cmdline(QEMU_PID, line.bytes);
	UNIT_EQUAL_I64(0, nic_find(&root, &domain, &nics));
	UNIT_EQUAL_U64(256, domain.vnic_count);
	text_free(&line);
	domain_clear(&domain);
	nic_list_clear(&nics);
	rootfs_close(&root);
}

static void test_namespace(void)
{
	struct nic_list nics = { 0 };
	struct domain domain = { .pid = QEMU_PID };

	begin();
	add_tap("vnet5"); /* another one of that name is ours */
	process_fd(4, "/dev/net/tun", "pos:\t0\niff:\tvnet5\n");
	fixture_cmdline(QEMU_PID, "qemu-system-x86_64|");
	namespaces("net:[1]", "net:[2]");
	UNIT_EQUAL_I64(0, nic_find(&root, &domain, &nics));
	UNIT_EQUAL_U64(1, domain.vnic_count);
	UNIT_EQUAL_TEXT("in another network namespace",
			domain.vnic_count ? domain.vnics[0].reason : NULL);
	UNIT_TRUE(domain.vnic_count && domain.vnics[0].unseen);
	domain_clear(&domain);
	nic_list_clear(&nics);
	rootfs_close(&root);
}

static void test_no_process(void)
{
	struct nic_list nics = { 0 };
	struct domain away = { .pid = 0 }, hidden = { .pid = QEMU_PID + 1 };

	begin();
	UNIT_EQUAL_I64(0, nic_find(&root, &away, &nics));
	UNIT_EQUAL_I64(0, nic_find(&root, &hidden, &nics));
	UNIT_EQUAL_U64(0, away.vnic_count + hidden.vnic_count);
	domain_clear(&away);
	domain_clear(&hidden);
	nic_list_clear(&nics);
	rootfs_close(&root);
}

/* In the newer list the cards have other places, and one is gone. */
static void test_copy(void)
{
	struct nic_list nics = { 0 };
	struct nic old[] = { { .name = unit_literal("eth0") }, { .name = unit_literal("eth1") } };
	struct topology last = { .nics = old, .nic_count = 2 };
	size_t leaves[] = { 0, 1 };
	struct vnic vnic = {
		.name = unit_literal("vnet0"), .swapped = true, .leaves = leaves, .leaf_count = 2
	};
	struct domain from = { .vnics = &vnic, .vnic_count = 1 }, to = { 0 };

	begin();
	add_card("em1", "1000\n", "up\n");
	add_card("eth1", "1000\n", "up\n");
	UNIT_EQUAL_I64(0, nic_leaves(&root, &nics));
	UNIT_EQUAL_I64(0, nic_copy(&last, &from, &to, &nics));
	UNIT_EQUAL_U64(1, to.vnic_count);
	UNIT_EQUAL_TEXT("vnet0", to.vnic_count ? to.vnics[0].name : NULL);
	UNIT_TRUE(to.vnic_count && to.vnics[0].swapped);
	UNIT_EQUAL_U64(1, to.vnic_count ? to.vnics[0].leaf_count : 0);
	UNIT_EQUAL_U64(1, to.vnic_count ? to.vnics[0].leaves[0] : 99);
	domain_clear(&to);
	nic_list_clear(&nics);
	rootfs_close(&root);
}

/* --- the probe ---------------------------------------------------------------------------- */

#define DEV_HEAD                                                                                   \
	"Inter-|   Receive                                                |  Transmit\n"           \
	" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs " \
	"drop fifo colls carrier compressed\n"

static struct topology *probe_topology(void)
{
	struct topology *topology = topology_new();
	struct domain *domain;

	topology->generation = 1;
	topology->nics = calloc(2, sizeof *topology->nics);
	topology->nic_count = 2;
	topology->nics[0].name = strdup("eth0");
	topology->nics[1].name = strdup("gone0");
	topology->domains = calloc(1, sizeof *topology->domains);
	topology->domain_count = 1;
	domain = &topology->domains[0];
	domain->vnics = calloc(4, sizeof *domain->vnics);
	domain->vnic_count = 4;
	domain->vnics[0] = (struct vnic){ .name = strdup("vnet0"), .swapped = true };
	domain->vnics[1] = (struct vnic){ .name = strdup("macvtap0") };
	domain->vnics[2] = (struct vnic){ .name = strdup("lo"), .unseen = true };
	domain->vnics[3] = (struct vnic){ .name = strdup("a-name-longer-than-any") };
	return topology;
}

static void check_net(const struct net_reading *reading, const uint64_t expected[4])
{
	UNIT_TRUE(reading->at_ns > 0);
	UNIT_EQUAL_U64(0, reading->quality);
	UNIT_EQUAL_U64(expected[0], reading->rx_bytes);
	UNIT_EQUAL_U64(expected[1], reading->rx_packets);
	UNIT_EQUAL_U64(expected[2], reading->tx_bytes);
	UNIT_EQUAL_U64(expected[3], reading->tx_packets);
}

static void test_probe(void)
{
	struct topology *topology = probe_topology();
	struct sample sample = { 0 };
	struct nic_probe *probe;

	begin();
	fixture_write(DEV_HEAD
		      "    lo:    5       1    0    0    0     0          0         0 5 1 0 0 "
		      "0 0 0 0\n"
		      "  eth0: 18446744073709551615 200 0 0 0 0 0 0 300 400 0 0 0 0 0 0\n"
		      "vnet0:10 20 1 1 1 1 1 1 30 40 0 0 0 0 0 0\n"
		      "macvtap0: 50 60 0 0 0 0 0 0 70 80 0 0 0 0 0 0\n"
		      "broken: 1 2 3\n",
		      "/proc/net/dev");
	UNIT_EQUAL_I64(0, nic_probe_open(&probe, &root));
	UNIT_EQUAL_I64(0, sample_prepare(&sample, topology));
	UNIT_EQUAL_I64(-EINVAL, nic_probe_read(probe, &sample));
	UNIT_EQUAL_I64(0, nic_probe_follow(probe, topology));
	UNIT_EQUAL_I64(0, nic_probe_read(probe, &sample));
	check_net(&sample.nics[0], (const uint64_t[]){ UINT64_MAX, 200, 300, 400 });
	UNIT_EQUAL_U64(QUALITY_MISSING, sample.nics[1].quality);
	check_net(&sample.domains[0].vnics[0], (const uint64_t[]){ 30, 40, 10, 20 });
	check_net(&sample.domains[0].vnics[1], (const uint64_t[]){ 50, 60, 70, 80 });
	UNIT_EQUAL_U64(0, sample.domains[0].vnics[2].at_ns);
	UNIT_EQUAL_U64(0, sample.domains[0].vnics[2].quality);
	UNIT_EQUAL_U64(0, sample.domains[0].vnics[3].at_ns);
	UNIT_EQUAL_U64(sample.nics[0].at_ns, sample.domains[0].vnics[0].at_ns);
	nic_probe_close(probe);
	sample_clear(&sample);
	topology_unref(topology);
	rootfs_close(&root);
}

/* Nobody can be read: each is missing, none is zero. */
static void test_probe_without_a_list(void)
{
	struct topology *topology = probe_topology();
	struct sample sample = { 0 };
	struct nic_probe *probe;

	begin();
	UNIT_EQUAL_I64(0, nic_probe_open(&probe, &root));
	UNIT_EQUAL_I64(0, nic_probe_follow(probe, topology));
	UNIT_EQUAL_I64(0, sample_prepare(&sample, topology));
	UNIT_EQUAL_I64(0, nic_probe_read(probe, &sample));
	UNIT_EQUAL_U64(QUALITY_MISSING, sample.nics[0].quality);
	UNIT_EQUAL_U64(QUALITY_MISSING, sample.domains[0].vnics[0].quality);
	nic_probe_close(probe);
	sample_clear(&sample);
	topology_unref(topology);
	rootfs_close(&root);
}

int main(void)
{
	return UNIT_RUN(
		"nic", { "cards are what has a device", test_cards },
		{ "a tap leads over its bridge to the card", test_bridge },
		{ "bridge, VLAN and bond lead to all cards below, and no other", test_layers },
		{ "a macvtap leads to the card below", test_macvtap },
		{ "a circle ends", test_circle },
		{ "what leads nowhere has a reason", test_reasons },
		{ "a process's taps and macvtaps are its vNICs, others have a reason",
		  test_process },
		{ "a command line hides no tap, and is not without end", test_pretenders },
		{ "taps of another network namespace are not mistaken for ours", test_namespace },
		{ "no process, no vNIC", test_no_process },
		{ "a copied vNIC finds its cards by name", test_copy },
		{ "one reading serves cards and vNICs, as the guest sees them", test_probe },
		{ "without the kernel's list all are missing", test_probe_without_a_list });
}
