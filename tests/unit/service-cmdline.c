/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "host/service.h"
#include "tests/unit/unit.h"

/* '|' ends an argument. */
static int parse(const char *arguments, struct service_process *process)
{
	size_t length = strlen(arguments);
	char *text = strdup(arguments);
	int result;

	if (!text)
		abort();
	for (size_t i = 0; i < length; i++)
		if (text[i] == '|')
			text[i] = '\0';
	result = service_parse_cmdline(text, length, process);
	free(text);
	return result;
}

static void add_address(const struct service_address *address, char *text, size_t size)
{
	static const char *const doors[] = { "unix", "tcp", "file" };

	snprintf(text + strlen(text), size - strlen(text), "%s:%s%s%s%s%s", doors[address->door],
		 address->place, address->port ? ":" : "", address->port ? address->port : "",
		 address->export ? "#" : "", address->export ? address->export : "");
}

/* "ID DOOR SOURCE [direct] [submits] IOTHREAD [GROUP]" of each export, lines. */
static void expect(const char *expected, const char *arguments)
{
	struct service_process process;
	char found[2048] = "";

	UNIT_EQUAL_I64(0, parse(arguments, &process));
	for (size_t i = 0; i < process.exports.count; i++) {
		const struct service_export *export = &process.exports.items[i];
		size_t size = sizeof found;

		snprintf(found + strlen(found), size - strlen(found), "%s ", export->id);
		add_address(&export->address, found, size);
		snprintf(found + strlen(found), size - strlen(found), " %s%s%s %d%s%s\n",
			 export->source, export->direct ? " direct" : "",
			 export->submits ? " submits" : "", export->iothread,
			 export->throttle_group ? " " : "",
			 export->throttle_group ? export->throttle_group : "");
	}
	UNIT_EQUAL_TEXT(expected, found);
	service_process_clear(&process);
}

#define UNIX "addr.type=unix,addr.path="

static void test_daemon(void)
{
	expect("e0 unix:/run/a.sock /v/a direct submits 1\n"
	       "e1 unix:/run/b.sock /v/b,c -1 tg0\n",
	       "/usr/bin/qemu-storage-daemon|--object|iothread,id=t0|--object|iothread,id=t1|"
	       "--object|throttle-group,id=tg0,limits.bps-total=1|"
	       "--blockdev|driver=file,node-name=a,filename=/v/a,cache.direct=on,aio=native|"
	       "--blockdev|{\"driver\":\"throttle\",\"throttle-group\":\"tg0\",\"node-name\":\"b\","
	       "\"file\":{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"aio\":\"threads\","
	       "\"filename\":\"/v/b,c\"}}}|"
	       "--export|type=vhost-user-blk,id=e0,node-name=a," UNIX "/run/a.sock,iothread=t1|"
	       "--export|vhost-user-blk,id=e1,node-name=b,writable=on," UNIX "/run/b.sock|");
	expect("e unix:/run/a.sock /v/a -1\n",
	       "qemu-storage-daemon|--chardev|socket,id=m,path=/run/"
	       "m,server=on|--monitor|chardev=m|"
	       "--blockdev=driver=file,node-name=a,filename=/v/a|"
	       "--export={\"type\":\"vhost-user-blk\",\"id\":\"e\",\"node-name\":\"a\","
	       "\"addr\":{\"type\":\"unix\",\"path\":\"/run/a.sock\"}}|--daemonize|");
}

static void test_daemon_doors(void)
{
	expect("n unix:/run/n.sock#disk /v/in 0\nm unix:/run/n.sock#a nbd+unix:///x?socket=/run/o "
	       "-1\n"
	       "f file:/mnt/f /v/in -1\n",
	       "qemu-storage-daemon|--object|iothread,id=t|"
	       "--blockdev|driver=qcow2,node-name=q,file.driver=file,file.filename=/v/in,"
	       "file.node-name=inner|"
	       "--blockdev|driver=nbd,node-name=a,server.type=unix,server.path=/run/o,export=x|"
	       "--nbd-server|" UNIX "/run/n.sock,max-connections=3|"
	       "--export|type=nbd,id=n,node-name=inner,name=disk,iothread=t|"
	       "--export|type=nbd,id=m,node-name=a|"
	       "--export|type=fuse,id=f,node-name=q,mountpoint=/mnt/f|");
	expect("n tcp:0.0.0.0:10809#a /v/a -1\n",
	       "qemu-storage-daemon|--blockdev|driver=file,node-name=a,filename=/v/a|"
	       "--nbd-server|addr.type=inet,addr.host=0.0.0.0,addr.port=10809|"
	       "--export|type=nbd,id=n,node-name=a|");
	/* A node that is not there, a socket that was passed. */
	expect("e unix:  -1\n", "qemu-storage-daemon|--export|type=vhost-user-blk,id=e,"
				"node-name=gone,addr.type=fd,addr.str=5|");
	expect("", "qemu-storage-daemon|--blockdev|{broken|--monitor|");
}

static void expect_monitor(int after, const char *arguments)
{
	struct service_process process;

	UNIT_EQUAL_I64(0, parse(arguments, &process));
	UNIT_EQUAL_I64(after, process.monitor_after);
	UNIT_EQUAL_U64(2, process.iothreads.count);
	UNIT_EQUAL_TEXT("a", process.iothreads.items[0]);
	UNIT_EQUAL_TEXT("b", process.iothreads.items[1]);
	service_process_clear(&process);
}

static void test_monitor(void)
{
#define A "--object|iothread,id=a|"
#define B "--object|{\"qom-type\":\"iothread\",\"id\":\"b\"}|"
#define SOCKET "--chardev|socket,id=m,path=/run/m|"
	expect_monitor(-1, "qemu-storage-daemon|" A B);
	expect_monitor(0, "qemu-storage-daemon|" SOCKET "--monitor|m|" A B);
	expect_monitor(1, "qemu-storage-daemon|" SOCKET A "--monitor|chardev=m,mode=control|" B);
	expect_monitor(2, "qemu-storage-daemon|" A B SOCKET "--monitor|chardev=m|--monitor|m|");
	expect_monitor(-1, "qemu-storage-daemon|" SOCKET "--monitor|chardev=m,mode=readline|" A B);
	expect_monitor(-1, "qemu-storage-daemon|--chardev|stdio,id=m|--monitor|m|" A B);
}

static void test_nbd(void)
{
	expect(" unix:/run/n.sock /v/a direct submits -1\n",
	       "/usr/bin/qemu-nbd|-tk/run/n.sock|-f|raw|-n|--aio=native|/v/a|");
	expect(" tcp::10809#disk a.img -1\n", "qemu-nbd|-r|-x|disk|a.img|");
	expect(" tcp:127.0.0.1:7 /v/a direct -1\n",
	       "qemu-nbd|--port=7|-b|127.0.0.1|--cache|none|--|/v/a|");
	expect(" file:/dev/nbd3 /v/q -1\n", "qemu-nbd|-c|/dev/nbd3|--image-opts|"
					    "driver=qcow2,file.driver=file,file.filename=/v/q|");
}

static void test_virtiofs(void)
{
	expect(" unix:/run/fs.sock /srv/a -1\n",
	       "/usr/libexec/virtiofsd|--socket-path=/run/fs.sock|-o|source=/srv/a,cache=auto|");
	expect(" unix:/run/fs.sock /srv/b -1\n",
	       "virtiofsd|--socket-path|/run/fs.sock|--shared-dir|/srv/b|");
	expect(" unix: /srv/c -1\n", "virtiofsd|--fd=31|-o|source=/srv/c|");
}

static void expect_none(const char *arguments)
{
	struct service_process process;

	UNIT_EQUAL_I64(-ENOENT, parse(arguments, &process));
	UNIT_EQUAL_TEXT(NULL, process.name);
}

static void test_others(void)
{
	expect_none("");
	expect_none("bash|-c|qemu-nbd x|");
	expect_none("qemu-nbd|--disconnect|");
	expect_none("qemu-nbd|--socket|");
	expect_none("/usr/bin/qemu-system-x86_64|-blockdev|driver=file|");
	/* The kernel's cut: no NUL at the end. */
	expect(" tcp::10809 a.im -1\n", "qemu-nbd|a.im");
}

static void expect_address(const char *expected, const char *source)
{
	struct service_address address;
	char found[256] = "";

	if (service_address_parse(source, &address) == 0)
		add_address(&address, found, sizeof found);
	UNIT_EQUAL_TEXT(expected, found);
	service_address_clear(&address);
}

static void test_addresses(void)
{
	static const char *const pairs[][2] = {
		{ "unix:/run/v.sock", "vhost-user:/run/v.sock" },
		{ "unix:char0", "vhost-user:char0" },
		{ "unix:/run/n#e", "nbd+unix:///e?socket=/run/n" },
		{ "unix:/run/n", "nbd+unix://?socket=/run/n" },
		{ "", "nbd+unix:///e" },
		{ "unix:/run/n", "nbd:unix:/run/n" },
		{ "unix:/run/n#a:b", "nbd:unix:/run/n:exportname=a:b" },
		{ "tcp:h:9", "nbd:h:9" },
		{ "tcp:::1:9#e", "nbd:::1:9:exportname=e" },
		{ "", "nbd:h" },
		{ "tcp:h:10809", "nbd://h" },
		{ "tcp:h:9#e", "nbd://h:9/e" },
		{ "tcp:fe80::1:9#e", "nbd+tcp://[fe80::1]:9/e?x=y" },
		{ "tcp:h:10809", "nbd://h/" },
		{ "tcp:[:10809", "nbd://[[" },
		{ "file:/dev/nbd0", "/dev/nbd0" },
		{ "", "rbd:pool/x" },
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		expect_address(pairs[i][0], pairs[i][1]);
}

/* Of a daemon that was given `count` exports of a short name, or as many options of one node. */
static size_t count_exports(size_t count, bool in_one)
{
	struct service_process process;
	struct text line = { 0 };
	size_t found;

	text_addf(&line, "qemu-storage-daemon|--blockdev|driver=file,node-name=n,filename=/v/a");
	for (size_t i = 0; i < count; i++)
		text_add(&line, in_one ? ",a" : "|--export|fuse,node-name=n");
	text_add(&line, "|--export|fuse,node-name=n|");
	UNIT_EQUAL_I64(0, parse(line.bytes, &process));
	found = process.exports.count;
	if (found > 0)
		UNIT_EQUAL_TEXT(in_one && count > 8192 ? "" : "/v/a",
				process.exports.items[0].source);
	service_process_clear(&process);
	text_free(&line);
	return found;
}

static void test_bounds(void)
{
	UNIT_EQUAL_U64(401, count_exports(400, false));
	UNIT_EQUAL_U64(512, count_exports(2000, false));
	UNIT_EQUAL_U64(1, count_exports(400, true));
	UNIT_EQUAL_U64(1, count_exports(9000, true));
}

int main(void)
{
	return UNIT_RUN("service-cmdline",
			{ "a storage daemon's exports, and what is behind them", test_daemon },
			{ "exports by NBD, FUSE and passed sockets", test_daemon_doors },
			{ "where the monitor's thread stands among the I/O threads", test_monitor },
			{ "qemu-nbd", test_nbd }, { "virtiofsd of either kind", test_virtiofs },
			{ "other programs are no services", test_others },
			{ "where a disk's source leads", test_addresses },
			{ "a command line that is too much is cut", test_bounds });
}
