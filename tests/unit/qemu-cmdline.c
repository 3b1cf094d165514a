/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "host/qemu.h"
#include "tests/unit/unit.h"

/* Arguments ended by '|'. */
static bool parse(const char *arguments, struct qemu_process *process)
{
	size_t length = strlen(arguments);
	char *text = strdup(arguments);
	bool is_vm;

	if (!text)
		abort();
	for (size_t i = 0; i < length; i++)
		if (text[i] == '|')
			text[i] = '\0';
	is_vm = qemu_parse_cmdline(text, length, process);
	free(text);
	return is_vm;
}

static void expect_name(const char *name, const char *arguments)
{
	struct qemu_process process;

	UNIT_TRUE(parse(arguments, &process));
	UNIT_EQUAL_TEXT(name, process.name);
	qemu_process_clear(&process);
}

static void test_names(void)
{
	expect_name("web1", "qemu-system-x86_64|-name|web1|");
	expect_name("web1", "qemu-system-x86_64|-name|guest=web1,debug-threads=on|");
	expect_name("web1", "qemu-system-x86_64|-name|web1,debug-threads=on|");
	expect_name("web1", "qemu-system-x86_64|--name|debug-threads=on,guest=web1|");
	expect_name("a,b", "qemu-system-x86_64|-name|guest=a,,b,process=x|");
	expect_name("a,b,", "qemu-system-x86_64|-name|a,,b,,|");
	expect_name("x=y", "qemu-system-x86_64|-name|guest=x=y|");
	expect_name("a b%s\n\x1b[2J", "qemu-system-x86_64|-name|guest=a b%s\n\x1b[2J|");
	expect_name("last", "qemu-system-x86_64|-name|first|-name|guest=last|");
	expect_name(NULL, "qemu-system-x86_64|-m|64|");
	expect_name(NULL, "qemu-system-x86_64|-name|");
	expect_name("cut", "qemu-system-x86_64|-name|cut");
}

static void test_long_name(void)
{
	char name[201], arguments[300];

	memset(name, 'n', 200);
	name[200] = '\0';
	snprintf(arguments, sizeof arguments, "qemu-system-x86_64|-name|guest=%s|", name);
	expect_name(name, arguments);
}

static void test_option_position(void)
{
	expect_name("real", "qemu-system-x86_64|-append|-name fake|-name|real|");
	expect_name("real", "qemu-system-x86_64|-name|real|-append|-name|fake|");
	expect_name("real", "qemu-system-x86_64|-append|-name|-name|real|");
	expect_name("real", "qemu-system-x86_64|-nodefaults|-name|real|");
	expect_name("real", "qemu-system-x86_64|-S|-enable-kvm|-name|real|-no-reboot|");
	expect_name("real", "qemu-system-x86_64|-serial|-name|real|-fancy-new-flag|-name|real|");
	expect_name("real", "qemu-system-x86_64|-fw_cfg|name=opt/x,string=-name|-name|real|");
	expect_name("real", "qemu-system-x86_64|-name|real|disk.img|-kernel|-name=fake|");
}

static void expect_program(bool is_vm, const char *program)
{
	struct qemu_process process;
	char arguments[256];
	bool found;

	snprintf(arguments, sizeof arguments, "%s|-name|x|", program);
	found = parse(arguments, &process);
	if (found != is_vm)
		fprintf(stderr, "\n%s: expected %d, got %d\n", program, is_vm, found);
	UNIT_TRUE(found == is_vm);
	qemu_process_clear(&process);
}

static void test_programs(void)
{
	expect_program(true, "/usr/bin/qemu-system-x86_64");
	expect_program(true, "qemu-system-aarch64");
	expect_program(true, "/usr/bin/kvm");
	expect_program(true, "/usr/libexec/qemu-kvm");
	expect_program(true, "/usr/bin/kvm-spice");
	expect_program(true, "/usr/bin/qemu-system-x86_64 (deleted)");
	expect_program(true, "/nix/store/abc-qemu/bin/.qemu-system-x86_64-wrapped");
	expect_program(true, "/nix/store/abc-qemu/bin/.kvm-wrapped");
	expect_program(true, "/opt/qemu/qemu-system-x86_64.real");
	expect_program(false, "/usr/bin/qemu-storage-daemon");
	expect_program(false, "/usr/bin/qemu-img");
	expect_program(false, "/usr/bin/qemu-nbd");
	expect_program(false, "/usr/sbin/qemu-ga");
	expect_program(false, "/usr/bin/qemu-io");
	expect_program(false, "/usr/libexec/virtiofsd");
	expect_program(false, "/usr/bin/qemu-x86_64");
	expect_program(false, "/usr/bin/qemu-aarch64-static");
	expect_program(false, "/usr/bin/kvmtool");
	expect_program(false, "/usr/sbin/libvirtd");
	expect_program(false, "");
	expect_program(false, "/home/qemu-system-x86_64/bin/bash");
}

static void test_capability_probe(void)
{
	struct qemu_process process;

	UNIT_TRUE(!parse("/usr/bin/qemu-system-x86_64|-S|-no-user-config|-nodefaults|-nographic|"
			 "-machine|none,accel=kvm:tcg|-qmp|unix:/x/qmp.monitor|-daemonize|",
			 &process));
	UNIT_TRUE(!parse("/usr/bin/qemu-system-x86_64|-M|none|", &process));
	UNIT_TRUE(parse("/usr/bin/qemu-system-x86_64|-machine|q35|", &process));
	qemu_process_clear(&process);
}

static void expect_vcpus(unsigned vcpus, const char *smp)
{
	struct qemu_process process;
	char arguments[256];

	snprintf(arguments, sizeof arguments, "kvm|-smp|%s|", smp);
	UNIT_TRUE(parse(arguments, &process));
	UNIT_EQUAL_U64(vcpus, process.vcpus);
	qemu_process_clear(&process);
}

static void test_smp(void)
{
	expect_vcpus(4, "4");
	expect_vcpus(4, "4,sockets=1,cores=4,maxcpus=8");
	expect_vcpus(2, "cpus=2,maxcpus=16");
	expect_vcpus(12, "sockets=2,cores=3,threads=2");
	expect_vcpus(8, "maxcpus=8");
	expect_vcpus(0, "many");
	expect_vcpus(0, "99999999999999999999");
	expect_vcpus(0, "sockets=60000,cores=60000");
}

static void expect_uuid(const char *uuid, const char *arguments)
{
	struct qemu_process process;

	UNIT_TRUE(parse(arguments, &process));
	UNIT_EQUAL_TEXT(uuid, process.uuid);
	qemu_process_clear(&process);
}

static void test_uuid(void)
{
	const char *uuid = "6b5a1f30-0000-4000-8000-0123456789ab";

	expect_uuid(uuid, "kvm|-uuid|6B5A1F30-0000-4000-8000-0123456789AB|");
	expect_uuid(uuid, "kvm|-smbios|type=1,uuid=6b5a1f30-0000-4000-8000-0123456789ab|");
	expect_uuid(NULL, "kvm|-uuid|not-a-uuid|");
	expect_uuid(NULL, "kvm|-m|64|");
}

static void test_who_wrote_it(void)
{
	struct qemu_process process;

	UNIT_TRUE(parse("/usr/bin/qemu-system-x86_64|-name|guest=a,debug-threads=on|-S|-object|"
			"{\"qom-type\":\"secret\",\"id\":\"masterKey0\",\"format\":\"raw\"}|",
			&process));
	UNIT_TRUE(process.libvirt);
	qemu_process_clear(&process);
	UNIT_TRUE(parse("qemu-kvm|-chardev|socket,id=charmonitor,fd=27,server=on|", &process));
	UNIT_TRUE(process.libvirt);
	UNIT_TRUE(!process.daemonizes);
	qemu_process_clear(&process);
	UNIT_TRUE(parse("kvm|-id|100|-name|web1,debug-threads=on|-chardev|socket,id=qmp,path=/x|"
			"-daemonize|",
			&process));
	UNIT_TRUE(!process.libvirt);
	UNIT_TRUE(process.daemonizes);
	qemu_process_clear(&process);
}

/* Any bytes: no crash, and what was parsed can be released. */
static void test_random_bytes(void)
{
	static const char *const words[] = { "-name", "guest=", ",", "=",      "-drive", "{\"a\":[",
					     "}",     "file=",  "-", "-smp",   "if=",    "virtio",
					     "-hda",  "json:",  "|", "-device" };
	uint64_t state = 20260101;

	for (unsigned round = 0; round < unit_rounds(3000); round++) {
		struct qemu_process process;
		char text[512] = "kvm|";

		while (strlen(text) < 400) {
			uint64_t random = unit_random(&state);

			strcat(text, words[random % 16]);
			if (random & 0x100)
				strcat(text, "|");
		}
		parse(text, &process);
		qemu_process_clear(&process);
	}
	UNIT_TRUE(state != 20260101);
}

int main(void)
{
	return UNIT_RUN("qemu-cmdline", { "names are read as QEMU reads them", test_names },
			{ "a name of 200 characters stays whole", test_long_name },
			{ "arguments of options are no options", test_option_position },
			{ "system emulators are told from tools", test_programs },
			{ "a probe for capabilities is no VM", test_capability_probe },
			{ "vCPUs are counted from -smp", test_smp },
			{ "UUIDs come from -uuid and -smbios", test_uuid },
			{ "command lines of libvirt are told apart", test_who_wrote_it },
			{ "random arguments do no harm (seed 20260101)", test_random_bytes });
}
