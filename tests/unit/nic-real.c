/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kernel's own taps and bridges, in a network namespace of this test's: what this process
 * holds open is found, and what it writes is counted as what a guest sends.
 */
#include "host/nic.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/nic.h"
#include "tests/unit/unit.h"

enum { FRAME_BYTES = 1000, FRAMES = 25 };

static const struct rootfs real = { .prefix = (char[]){ "" } };

/* With a sysfs of its own, which shows that namespace. False: not allowed. */
static bool enter_namespaces(void)
{
	return unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
	       mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("sysfs", "/sys", "sysfs", 0, "") == 0;
}

static int open_tap(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	strcpy(request.ifr_name, name);
	if (fd >= 0 && ioctl(fd, TUNSETIFF, &request) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool bring_up(int control, const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_UP };

	strcpy(request.ifr_name, name);
	return ioctl(control, SIOCSIFFLAGS, &request) == 0;
}

static bool make_bridge(int control, const char *bridge, const char *port)
{
	struct ifreq request = { .ifr_ifindex = (int)if_nametoindex(port) };

	if (ioctl(control, SIOCBRADDBR, bridge))
		return false;
	strcpy(request.ifr_name, bridge);
	return ioctl(control, SIOCBRADDIF, &request) == 0;
}

static void send_frames(int tap)
{
	unsigned char frame[FRAME_BYTES] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1 };

	frame[12] = 0x88; /* a protocol that nobody here speaks */
	frame[13] = 0xb5;
	for (int i = 0; i < FRAMES; i++)
		UNIT_EQUAL_I64(FRAME_BYTES, write(tap, frame, sizeof frame));
}

static const struct vnic *find_vnic(const struct domain *domain, const char *name)
{
	for (size_t i = 0; i < domain->vnic_count; i++)
		if (strcmp(domain->vnics[i].name, name) == 0)
			return &domain->vnics[i];
	return NULL;
}

static void check_bytes(struct topology *topology, int tap)
{
	struct sample before = { 0 }, after = { 0 };
	struct nic_probe *probe;
	size_t index =
		(size_t)(find_vnic(&topology->domains[0], "unittap1") - topology->domains[0].vnics);

	UNIT_EQUAL_I64(0, nic_probe_open(&probe, &real));
	UNIT_EQUAL_I64(0, nic_probe_follow(probe, topology));
	UNIT_EQUAL_I64(0, sample_prepare(&before, topology));
	UNIT_EQUAL_I64(0, sample_prepare(&after, topology));
	UNIT_EQUAL_I64(0, nic_probe_read(probe, &before));
	send_frames(tap);
	UNIT_EQUAL_I64(0, nic_probe_read(probe, &after));
	UNIT_EQUAL_U64(0, after.domains[0].vnics[index].quality);
	UNIT_EQUAL_U64(FRAMES * FRAME_BYTES, after.domains[0].vnics[index].tx_bytes -
						     before.domains[0].vnics[index].tx_bytes);
	UNIT_EQUAL_U64(FRAMES, after.domains[0].vnics[index].tx_packets -
				       before.domains[0].vnics[index].tx_packets);
	nic_probe_close(probe);
	sample_clear(&before);
	sample_clear(&after);
}

static void check_namespace(int control, int tap)
{
	struct topology *topology = topology_new();
	struct nic_list nics = { 0 };
	struct domain *domain = calloc(1, sizeof *domain);
	const struct vnic *vnic;

	topology->generation = 1;
	topology->domains = domain;
	topology->domain_count = 1;
	domain->pid = getpid();
	UNIT_EQUAL_I64(0, nic_leaves(&real, &nics));
	UNIT_EQUAL_U64(0, nics.count);
	UNIT_EQUAL_I64(0, nic_find(&real, domain, &nics));
	vnic = find_vnic(domain, "unittap1");
	UNIT_TRUE(vnic && vnic->swapped && !vnic->unseen);
	UNIT_EQUAL_TEXT("unitbr1 leads to no network card", vnic ? vnic->reason : NULL);
	UNIT_TRUE(bring_up(control, "unittap1"));
	if (vnic)
		check_bytes(topology, tap);
	nic_list_clear(&nics);
	topology_unref(topology);
}

/* In a child: the namespaces of this process stay as they are. Status 77: not possible here. */
static int run_inside(void)
{
	int control, tap;

	if (!enter_namespaces())
		return 77;
	control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	tap = open_tap("unittap1");
	if (control < 0 || tap < 0 || !make_bridge(control, "unitbr1", "unittap1"))
		return 77;
	check_namespace(control, tap);
	close(tap);
	close(control);
	return CU_get_number_of_failures() ? 1 : 0;
}

static void test_own_namespace(void)
{
	int status = -1;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0)
		_exit(run_inside());
	UNIT_TRUE(child > 0 && waitpid(child, &status, 0) == child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		printf(" (skipped: needs root, /dev/net/tun and bridges) ");
	else
		UNIT_EQUAL_I64(0, status);
}

/* Whatever the machine has: it is read without complaint, and each card is counted. */
static void test_this_machine(void)
{
	struct topology *topology = topology_new();
	struct sample sample = { 0 };
	struct nic_list nics = { 0 };
	struct nic_probe *probe;

	UNIT_EQUAL_I64(0, nic_leaves(&real, &nics));
	topology->generation = 1;
	topology->nics = nics.items;
	topology->nic_count = nics.count;
	UNIT_EQUAL_I64(0, nic_probe_open(&probe, &real));
	UNIT_EQUAL_I64(0, nic_probe_follow(probe, topology));
	UNIT_EQUAL_I64(0, sample_prepare(&sample, topology));
	UNIT_EQUAL_I64(0, nic_probe_read(probe, &sample));
	for (size_t i = 0; i < nics.count; i++)
		UNIT_EQUAL_U64(0, sample.nics[i].quality);
	nic_probe_close(probe);
	sample_clear(&sample);
	topology_unref(topology);
}

int main(void)
{
	return UNIT_RUN("nic-real",
			{ "a real tap on a real bridge is found and counted", test_own_namespace },
			{ "this machine's cards are read", test_this_machine });
}
