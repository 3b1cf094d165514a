/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "host/qemu.h"
#include "tests/unit/unit.h"

static void parse(const char *arguments, struct qemu_process *process)
{
	size_t length = strlen(arguments);
	char *text = strdup(arguments);

	if (!text)
		abort();
	for (size_t i = 0; i < length; i++)
		if (text[i] == '|')
			text[i] = '\0';
	UNIT_TRUE(qemu_parse_cmdline(text, length, process));
	free(text);
}

/* "NAME SOURCE" of each drive, lines; "!" before the name: direct, "@N" behind: iothread. */
static void expect_drives(const char *expected, const char *arguments)
{
	struct qemu_process process;
	char found[2048] = "";

	parse(arguments, &process);
	for (size_t i = 0; i < process.drive_count; i++) {
		const struct qemu_drive *drive = &process.drives[i];
		char thread[16] = "";

		if (drive->iothread >= 0)
			snprintf(thread, sizeof thread, "@%d", drive->iothread);
		snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s%s %s\n",
			 drive->direct ? "!" : "", drive->name, thread, drive->source);
	}
	UNIT_EQUAL_TEXT(expected, found);
	qemu_process_clear(&process);
}

static void test_simple(void)
{
	expect_drives("sda disk.img\n", "qemu-system-x86_64|disk.img|");
	expect_drives("sda a.img\nsdb b.img\nsdc c.iso\n",
		      "qemu-system-x86_64|-hda|a.img|-hdb|b.img|-cdrom|c.iso|");
	expect_drives("sda a,b.img\n", "qemu-system-x86_64|-hda|a,b.img|");
	expect_drives("vda a,b.img\n", "qemu-system-x86_64|-drive|if=virtio,file=a,,b.img|");
	expect_drives("vda x\n", "qemu-system-aarch64|-drive|file=x|");
	expect_drives("", "qemu-system-x86_64|-drive|if=pflash,file=OVMF.fd,readonly=on|");
	expect_drives("fda f.img\n", "qemu-system-x86_64|-fda|f.img|");
	expect_drives("sda \n", "qemu-system-x86_64|-drive|media=cdrom,if=ide|");
	expect_drives("", "qemu-system-x86_64|-drive|if=none,file=unused.img,id=u|");
}

static void test_devices(void)
{
	expect_drives("!vda /d/1.img\nvdb /d/2.img\n",
		      "kvm|-drive|file=/d/1.img,if=none,id=d1,cache=none,aio=native|"
		      "-drive|file=/d/2.img,if=none,id=d2|"
		      "-device|virtio-blk-pci,drive=d1|-device|virtio-blk-ccw,drive=d2|");
	/* Drives of virtio come after the devices, as QEMU makes them. */
	expect_drives("vda /b\nvdb /a\n",
		      "kvm|-drive|file=/a,if=virtio|-drive|file=/b,if=none,id=x|"
		      "-device|virtio-blk-pci,drive=x|");
	expect_drives("sda /c\nsdb /cd.iso\nnvme0n1 /n\n",
		      "kvm|-drive|file=/c,if=none,id=c|-device|virtio-scsi-pci,id=s|"
		      "-device|scsi-hd,drive=c,bus=s.0|-drive|if=none,id=cd,file=/cd.iso|"
		      "-device|ide-cd,drive=cd|-drive|if=none,id=n,file=/n|"
		      "-device|nvme,drive=n,serial=1|");
	expect_drives("vda vhost-user:/run/vu.sock\n",
		      "kvm|-chardev|socket,id=c0,path=/run/vu.sock|"
		      "-device|vhost-user-blk-pci,chardev=c0,id=vd0|");
	expect_drives("vda /j\n", "kvm|-drive|file=/j,if=none,id=j|"
				  "-device|{\"driver\":\"virtio-blk-pci\",\"drive\":\"j\"}|");
}

static void test_blockdevs(void)
{
	expect_drives(
		"!vda /v/a.qcow2\n",
		"kvm|-blockdev|{\"driver\":\"file\",\"filename\":\"/v/a.qcow2\",\"node-name\":"
		"\"f\",\"cache\":{\"direct\":true,\"no-flush\":false}}|"
		"-blockdev|{\"node-name\":\"q\",\"driver\":\"qcow2\",\"file\":\"f\"}|"
		"-device|{\"driver\":\"virtio-blk-pci\",\"drive\":\"q\",\"id\":\"disk0\"}|");
	expect_drives("vda /v/b\n", "kvm|-blockdev|driver=raw,node-name=r,file.driver=file,"
				    "file.filename=/v/b|-device|virtio-blk-pci,drive=r|");
	expect_drives("!vda /v/c\n",
		      "kvm|-blockdev|driver=host_device,node-name=h,filename=/v/c,cache.direct=on|"
		      "-blockdev|driver=throttle,node-name=t,file=h,throttle-group=g|"
		      "-blockdev|raw,node-name=r,file=t|-device|virtio-blk-pci,drive=r|");
	/* A node that was written inside another is there for others, too. */
	expect_drives("vda /v/n\nvdb /v/n\n",
		      "kvm|-blockdev|driver=raw,node-name=o,file.driver=file,file.filename=/v/n,"
		      "file.node-name=inner|-device|virtio-blk-pci,drive=o|"
		      "-device|virtio-blk-pci,drive=inner|");
	expect_drives("vda /v/d\n",
		      "kvm|-drive|file=json:{\"driver\":\"raw\",,\"file\":{\"driver\":\"file\",,"
		      "\"filename\":\"/v/d\"}},if=virtio|");
}

static void test_remote(void)
{
	expect_drives("vda nbd://10.0.0.1:10809/disk\n",
		      "kvm|-blockdev|driver=nbd,node-name=n,server.type=inet,server.host=10.0.0.1,"
		      "server.port=10809,export=disk|-device|virtio-blk-pci,drive=n|");
	expect_drives("vda nbd+unix:///disk?socket=/run/n.sock\n",
		      "kvm|-blockdev|driver=nbd,node-name=n,server.type=unix,"
		      "server.path=/run/n.sock,export=disk|-device|virtio-blk-pci,drive=n|");
	expect_drives("vda nbd://[::1]:7\n", "kvm|-drive|driver=nbd,host=::1,port=7,if=virtio|");
	expect_drives("vda rbd:pool/vm-1\n",
		      "kvm|-blockdev|{\"driver\":\"rbd\",\"pool\":\"pool\",\"image\":\"vm-1\","
		      "\"node-name\":\"n\"}|-device|virtio-blk-pci,drive=n|");
	expect_drives("vda nbd:unix:/run/n.sock\n",
		      "kvm|-drive|file=nbd:unix:/run/n.sock,if=virtio|");
	expect_drives("vda rbd:pool/img:id=x\n", "kvm|-drive|file=rbd:pool/img:id=x,if=virtio|");
	expect_drives("vda https://h/x.iso\n", "kvm|-drive|file=https://h/x.iso,if=virtio|");
	expect_drives("vda /v/e\n", "kvm|-drive|file=file:/v/e,if=virtio|");
	expect_drives("vda null-co://\n", "kvm|-drive|driver=null-co,if=virtio|");
}

static void test_served(void)
{
	expect_drives("vda vhost-user:/run/a.sock\nhome vhost-user:/run/fs.sock\n",
		      "kvm|-chardev|socket,id=c,path=/run/a.sock|"
		      "-chardev|socket,id=f,path=/run/fs.sock|"
		      "-device|vhost-user-blk-pci,chardev=c,num-queues=1|"
		      "-device|vhost-user-fs-pci,chardev=f,tag=home|");
}

static void test_broken(void)
{
	/* A ring of nodes, a node that is not there, JSON that is none. */
	expect_drives("vda \n", "kvm|-blockdev|driver=raw,node-name=a,file=b|"
				"-blockdev|driver=raw,node-name=b,file=a|"
				"-device|virtio-blk-pci,drive=a|");
	expect_drives("vda \n", "kvm|-device|virtio-blk-pci,drive=gone|");
	expect_drives("", "kvm|-device|{\"driver\":\"virtio-blk-pci\"|");
	expect_drives("vda \n", "kvm|-drive|file=json:{\"driver\":,if=virtio|");
}

static void test_iothreads(void)
{
	struct qemu_process process;

	expect_drives(
		"vda@1 /a\nvdb /b\nsda@0 /c\n",
		"kvm|-object|iothread,id=io0|-object|{\"qom-type\":\"iothread\",\"id\":\"io1\"}|"
		"-drive|if=none,id=a,file=/a|-drive|if=none,id=b,file=/b|"
		"-drive|if=none,id=c,file=/c|-device|virtio-scsi-pci,id=s,iothread=io0|"
		"-device|virtio-blk-pci,drive=a,iothread=io1|-device|virtio-blk-pci,drive=b|"
		"-device|scsi-hd,bus=s.0,drive=c|");
	parse("kvm|-object|iothread,id=io0|-object|rng-random,id=r|-object|iothread,id=io1|",
	      &process);
	UNIT_EQUAL_U64(2, process.iothread_count);
	UNIT_EQUAL_TEXT("io1", process.iothreads[1]);
	qemu_process_clear(&process);
}

static void test_many(void)
{
	char arguments[4096] = "kvm|";
	struct qemu_process process;

	for (unsigned i = 0; i < 28; i++)
		strcat(arguments, "-drive|if=virtio,file=/x|");
	parse(arguments, &process);
	UNIT_EQUAL_U64(28, process.drive_count);
	UNIT_EQUAL_TEXT("vdz", process.drives[25].name);
	UNIT_EQUAL_TEXT("vdaa", process.drives[26].name);
	UNIT_EQUAL_TEXT("vdab", process.drives[27].name);
	qemu_process_clear(&process);
}

/* As query-blockstats calls them. */
static void test_ids(void)
{
	struct qemu_process process;

	parse("kvm|-hda|a|-cdrom|b|-drive|if=virtio,file=c|-drive|if=none,id=mine,file=d|"
	      "-device|virtio-blk-pci,drive=mine,id=dev|",
	      &process);
	UNIT_EQUAL_U64(4, process.drive_count);
	UNIT_EQUAL_TEXT("ide0-hd0", process.drives[0].id);
	UNIT_EQUAL_TEXT("ide1-cd0", process.drives[1].id);
	UNIT_EQUAL_TEXT("mine", process.drives[2].id);
	UNIT_EQUAL_TEXT("dev", process.drives[2].device);
	UNIT_EQUAL_TEXT("virtio0", process.drives[3].id);
	qemu_process_clear(&process);
}

int main(void)
{
	return UNIT_RUN("qemu-drives", { "drives of a board are found", test_simple },
			{ "devices show their drives", test_devices },
			{ "chains of block nodes lead to a file", test_blockdevs },
			{ "network disks are named by their place", test_remote },
			{ "what other processes serve is named by its socket", test_served },
			{ "broken chains end", test_broken },
			{ "disks know their I/O thread", test_iothreads },
			{ "the 27th disk is vdaa", test_many },
			{ "ids are those of QEMU", test_ids });
}
