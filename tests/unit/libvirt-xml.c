/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lib/host/libvirt-xml.c reads out of definitions. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/libvirt-view.h"
#include "tests/unit/unit.h"

#define DOMAIN(inside) "<domain type='kvm' id='3'><name>vm</name>" inside "</domain>"
#define DISK(type, inside)                                                                         \
	DOMAIN("<devices><disk type='" type "' device='disk'>" inside                              \
	       "<target dev='vda' bus='virtio'/></disk></devices>")

static const char debian[] =
	"<?xml version='1.0' encoding='UTF-8'?>\n"
	"<domain type='kvm' id='1'>\n"
	"  <name>bookworm</name>\n"
	"  <uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid>\n"
	"  <title>Build host of the\n     kernel team </title>\n"
	"  <vcpu placement='static' current='2'>4</vcpu>\n"
	"  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>\n"
	"  <devices>\n"
	"    <emulator>/usr/bin/qemu-system-x86_64</emulator>\n"
	"    <disk type='file' device='disk'>\n"
	"      <driver name='qemu' type='qcow2' cache='none' io='native' iothread='2'/>\n"
	"      <source file='/var/lib/libvirt/images/bookworm.qcow2' index='2'/>\n"
	"      <backingStore type='file' index='3'>\n"
	"        <format type='qcow2'/>\n"
	"        <source file='/var/lib/libvirt/images/base.qcow2'/>\n"
	"        <backingStore/>\n"
	"      </backingStore>\n"
	"      <target dev='vda' bus='virtio'/>\n"
	"    </disk>\n"
	"    <disk type='block' device='disk'>\n"
	"      <driver name='qemu' type='raw' cache='directsync'/>\n"
	"      <source dev='/dev/vg0/data'/>\n"
	"      <target dev='vdb' bus='virtio'/>\n"
	"    </disk>\n"
	"    <disk type='file' device='cdrom'>\n"
	"      <driver name='qemu' type='raw'/>\n"
	"      <target dev='sda' bus='sata'/>\n"
	"      <readonly/>\n"
	"    </disk>\n"
	"    <disk type='dir' device='floppy'>\n"
	"      <driver name='qemu' type='fat' cache='writeback'/>\n"
	"      <source dir='/srv/floppy'/>\n"
	"      <target dev='fda' bus='fdc'/>\n"
	"    </disk>\n"
	"  </devices>\n"
	"</domain>\n";

static const char nova[] =
	"<domain type='kvm' id='7'><name>instance-0000002a</name>"
	"<uuid>9d3f5a6e-0f0e-4d1a-8f8e-2a8f5a3f1c11</uuid>"
	"<metadata><other:thing xmlns:other='urn:other'><other:owner>no one</other:owner>"
	"</other:thing>"
	"<nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'>"
	"<nova:package version='25.1.0'/><nova:name>web-1 &lt;blue&gt; &amp; &#xfc;ber</nova:name>"
	"<nova:creationTime>2023-02-01 10:11:12</nova:creationTime>"
	"<nova:flavor name='m1.small'><nova:vcpus>1</nova:vcpus></nova:flavor>"
	"<nova:owner><nova:user uuid='3c5f'>alice</nova:user>"
	"<nova:project uuid='77aa'>shop</nova:project></nova:owner>"
	"</nova:instance></metadata>"
	"<title>not this one</title>"
	"<devices><disk type='network' device='disk'>"
	"<driver name='qemu' type='raw' cache='writeback' discard='unmap'/>"
	"<auth username='nova'><secret type='ceph' uuid='457eb676-33da'/></auth>"
	"<source protocol='rbd' name='vms/9d3f5a6e_disk' index='1'>"
	"<host name='10.0.0.1' port='6789'/><host name='10.0.0.2' port='6789'/></source>"
	"<target dev='vda' bus='virtio'/></disk></devices></domain>";

static const char rhel[] =
	"<domain type='kvm' id='2'><name>rhel9</name>"
	"<devices><emulator>/usr/libexec/qemu-kvm</emulator>"
	"<disk type='block' device='lun' rawio='no'>"
	"<driver name='qemu' type='raw' cache='none' io='native'/>"
	"<source dev='/dev/mapper/mpatha'/><target dev='sda' bus='scsi'/>"
	"<address type='drive' controller='1' bus='0' target='0' unit='0'/></disk>"
	"<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
	"<source file='/var/lib/libvirt/images/b.qcow2'/><target dev='sdb' bus='scsi'/>"
	"<address type='drive' controller='0' bus='0' target='0' unit='1'/></disk>"
	"<disk type='file' device='disk'><driver name='qemu' type='raw'/>"
	"<source file='/c.img'/><target dev='sdc' bus='sata'/>"
	"<address type='drive' controller='1' bus='0' target='0' unit='1'/></disk>"
	"<disk type='file' device='disk'><driver name='qemu' type='raw'>"
	"<iothreads><iothread id='5'><queue id='0'/></iothread></iothreads></driver>"
	"<source file='/d.img'/><target dev='vda' bus='virtio'/></disk>"
	"<disk type='file' device='disk'><driver name='qemu' type='raw'>"
	"<iothreads><iothread id='5'/><iothread id='6'/></iothreads></driver>"
	"<source file='/e.img'/><target dev='vdb' bus='virtio'/></disk>"
	"<controller type='scsi' index='0' model='virtio-scsi'/>"
	"<controller type='usb' index='1'><driver iothread='9'/></controller>"
	"<controller type='scsi' index='1' model='virtio-scsi'><driver iothread='3'/></controller>"
	"</devices></domain>";

static struct libvirt_domain parsed(const char *xml)
{
	struct libvirt_domain domain = { 0 };
	struct error error = { "" };

	UNIT_EQUAL_I64(0, libvirt_domain_xml(&domain, xml, &error));
	UNIT_EQUAL_TEXT("", error.text);
	return domain;
}

static void expect_disk(const struct libvirt_domain *domain, size_t index, const char *target,
			const char *type, const char *source)
{
	UNIT_TRUE(index < domain->disk_count);
	if (index >= domain->disk_count)
		return;
	UNIT_EQUAL_TEXT(target, domain->disks[index].target);
	UNIT_EQUAL_TEXT(type, domain->disks[index].type);
	UNIT_EQUAL_TEXT(source, domain->disks[index].source);
}

static void test_local_disks(void)
{
	struct libvirt_domain domain = parsed(debian);

	UNIT_EQUAL_U64(4, domain.disk_count);
	expect_disk(&domain, 0, "vda", "file", "/var/lib/libvirt/images/bookworm.qcow2");
	expect_disk(&domain, 1, "vdb", "block", "/dev/vg0/data");
	expect_disk(&domain, 2, "sda", "file", "");
	expect_disk(&domain, 3, "fda", "dir", "/srv/floppy");
	UNIT_TRUE(domain.disks[0].direct);
	UNIT_TRUE(domain.disks[1].direct);
	UNIT_TRUE(!domain.disks[2].direct);
	UNIT_TRUE(!domain.disks[3].direct);
	UNIT_EQUAL_I64(2, domain.disks[0].iothread);
	UNIT_EQUAL_I64(0, domain.disks[1].iothread);
	UNIT_EQUAL_U64(0, domain.disks[0].io.at_ns);
	/* A <title> is a description, not a name. */
	UNIT_TRUE(domain.display_name == NULL);
	UNIT_TRUE(domain.owner == NULL);
	libvirt_domain_clear(&domain);
}

static void test_openstack(void)
{
	struct libvirt_domain domain = parsed(nova);

	UNIT_EQUAL_TEXT("web-1 <blue> & \xc3\xbc"
			"ber",
			domain.display_name);
	UNIT_EQUAL_TEXT("shop", domain.owner);
	expect_disk(&domain, 0, "vda", "network", "rbd:vms/9d3f5a6e_disk");
	libvirt_domain_clear(&domain);
}

static void test_owner_order(void)
{
	static const struct {
		const char *xml, *owner;
	} cases[] = {
		{ DOMAIN("<metadata><n:instance "
			 "xmlns:n='http://openstack.org/xmlns/libvirt/nova/1.0'><n:owner>"
			 "<n:user>bob</n:user></n:owner></n:instance></metadata>"),
		  "bob" },
		{ DOMAIN("<metadata><n:instance "
			 "xmlns:n='http://openstack.org/xmlns/libvirt/nova/1.0'><n:owner>"
			 "<n:user>bob</n:user></n:owner></n:instance>"
			 "<v:owner xmlns:v='urn:vmenergy'> carol </v:owner></metadata>"),
		  "carol" },
		{ DOMAIN("<metadata><x xmlns='http://example.org/vmenergy/1'>"
			 "<owner>dave</owner></x></metadata>"),
		  "dave" },
		{ DOMAIN("<metadata><owner xmlns='urn:other'>eve</owner></metadata>"), NULL },
		{ DOMAIN("<metadata><v:owner xmlns:v='urn:vmenergy'>  </v:owner></metadata>"),
		  NULL },
		{ DOMAIN("<metadata/>"), NULL },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct libvirt_domain domain = parsed(cases[i].xml);

		if (cases[i].owner && domain.owner)
			UNIT_EQUAL_TEXT(cases[i].owner, domain.owner);
		else
			UNIT_TRUE(cases[i].owner == domain.owner);
		libvirt_domain_clear(&domain);
	}
}

static void test_iothreads(void)
{
	static const int expected[] = { 3, 0, 0, 5, 0 };
	struct libvirt_domain domain = parsed(rhel);

	UNIT_EQUAL_U64(5, domain.disk_count);
	for (size_t i = 0; i < domain.disk_count; i++)
		UNIT_EQUAL_I64(expected[i], domain.disks[i].iothread);
	expect_disk(&domain, 0, "sda", "block", "/dev/mapper/mpatha");
	libvirt_domain_clear(&domain);
}

static void test_sources(void)
{
	static const struct {
		const char *xml, *source;
	} cases[] = {
		{ DISK("network", "<source protocol='nbd' name='exp'><host name='h' port='10809'/>"
				  "</source>"),
		  "nbd://h:10809/exp" },
		{ DISK("network",
		       "<source protocol='nbd'><host name='fe80::1' port='1'/></source>"),
		  "nbd://[fe80::1]:1" },
		{ DISK("network", "<source protocol='nbd' name='e'><host transport='unix' "
				  "socket='/run/nbd.sock'/></source>"),
		  "nbd+unix:///e?socket=/run/nbd.sock" },
		{ DISK("network", "<source protocol='iscsi' name='iqn.2013-07.com.ex:t/1'>"
				  "<host name='ex.com' port='3260'/></source>"),
		  "iscsi://ex.com:3260/iqn.2013-07.com.ex:t/1" },
		{ DISK("network", "<source protocol='https' name='/i/a.iso' query='a=b&amp;c'>"
				  "<host name='w' port='443'/></source>"),
		  "https://w:443/i/a.iso?a=b&c" },
		{ DISK("network", "<source protocol='gluster' name='vol/a.img'><host name='g'/>"
				  "</source>"),
		  "gluster://g/vol/a.img" },
		{ DISK("network", "<source protocol='rbd' name='pool/image'/>"), "rbd:pool/image" },
		{ DISK("network", "<source protocol='sheepdog' name='i'/>"), "sheepdog:i" },
		{ DISK("vhostuser", "<source type='unix' path='/run/qsd.sock'><reconnect "
				    "enabled='yes' timeout='1'/></source>"),
		  "/run/qsd.sock" },
		{ DISK("nvme", "<source type='pci' managed='yes' namespace='1'><address "
			       "domain='0x0000' bus='0x0b' slot='0x1f' function='0x2'/></source>"),
		  "nvme://0000:0b:1f.2/1" },
		{ DISK("volume", "<source pool='default' volume='a b.img'/>"),
		  "volume:default/a b.img" },
		{ DISK("block", "<source/>"), "" },
		{ DISK("moonbeam", "<source beam='1'/>"), "" },
		{ DISK("file", "<source file='/a &amp; b/&quot;&#228;&quot;&lt;'/>"),
		  "/a & b/\"\xc3\xa4\"<" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct libvirt_domain domain = parsed(cases[i].xml);

		UNIT_EQUAL_U64(1, domain.disk_count);
		if (domain.disk_count == 1)
			UNIT_EQUAL_TEXT(cases[i].source, domain.disks[0].source);
		libvirt_domain_clear(&domain);
	}
}

static void test_refusals(void)
{
	static const struct {
		const char *xml, *text;
	} cases[] = {
		{ "", "line" },
		{ "hello", "line 1" },
		{ "<domain>\n<devices>\n</domain>", "line 3" },
		{ "<domainsnapshot/>", "<domainsnapshot>, not <domain>" },
		{ "<!DOCTYPE d [<!ENTITY a 'x'>]><domain><title>&a;</title></domain>",
		  "document type" },
		{ "<!DOCTYPE d SYSTEM 'http://192.0.2.1/d.dtd'><domain/>", "document type" },
	};
	struct libvirt_domain domain = parsed(debian);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error error = { "" };

		UNIT_EQUAL_I64(-EINVAL, libvirt_domain_xml(&domain, cases[i].xml, &error));
		UNIT_CONTAINS(cases[i].text, error.text);
		UNIT_EQUAL_U64(4, domain.disk_count);
	}
	expect_disk(&domain, 1, "vdb", "block", "/dev/vg0/data");
	libvirt_domain_clear(&domain);
}

/* Names of files may be long; the text of an error may not grow with them. */
static void test_long_names(void)
{
	char name[201], xml[4096];
	struct libvirt_domain domain;

	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	snprintf(xml, sizeof xml,
		 DOMAIN("<devices><disk type='file'><source "
			"file='/%s'/><target dev='%s'/></disk></devices>"),
		 name, name);
	domain = parsed(xml);
	expect_disk(&domain, 0, name, "file", domain.disks[0].source);
	UNIT_EQUAL_TEXT(name, domain.disks[0].source + 1);
	libvirt_domain_clear(&domain);
}

/* Every prefix of a definition is refused or read; none may crash. */
static void test_cut_definitions(void)
{
	size_t length = strlen(nova), refused = 0;

	for (size_t cut = 0; cut < length; cut++) {
		char *xml = strndup(nova, cut);
		struct libvirt_domain domain = { 0 };

		refused += xml && libvirt_domain_xml(&domain, xml, NULL) == -EINVAL;
		libvirt_domain_clear(&domain);
		free(xml);
	}
	UNIT_EQUAL_U64(length, refused);
}

static void test_readings_stay(void)
{
	struct libvirt_domain domain = parsed(debian);

	domain.disks[1].io.at_ns = 77;
	domain.disks[1].io.read_bytes = 4096;
	UNIT_EQUAL_I64(0, libvirt_domain_xml(&domain,
					     DOMAIN("<devices><disk type='file'><target dev='vdc'/>"
						    "</disk><disk type='file'><source file='/new'/>"
						    "<target dev='vdb'/></disk></devices>"),
					     NULL));
	UNIT_EQUAL_U64(2, domain.disk_count);
	UNIT_EQUAL_U64(0, domain.disks[0].io.at_ns);
	UNIT_EQUAL_U64(77, domain.disks[1].io.at_ns);
	UNIT_EQUAL_U64(4096, domain.disks[1].io.read_bytes);
	UNIT_EQUAL_TEXT("/new", domain.disks[1].source);
	UNIT_TRUE(domain.display_name == NULL);
	libvirt_domain_clear(&domain);
}

int main(void)
{
	return UNIT_RUN(
		"libvirt-xml",
		{ "files, block devices, empty drives and folders are told apart",
		  test_local_disks },
		{ "OpenStack's name and project are display name and owner", test_openstack },
		{ "our own owner goes before the project, that before the user", test_owner_order },
		{ "an I/O thread is the disk's, its controller's, or nobody's", test_iothreads },
		{ "each kind of source has its text", test_sources },
		{ "what is no definition is refused and changes nothing", test_refusals },
		{ "long names survive", test_long_names },
		{ "cut definitions are refused", test_cut_definitions },
		{ "readings stay with their target", test_readings_stay });
}
