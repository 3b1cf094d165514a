/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * actuate KEY=VALUE... - read and set the limits of one VM, as lines on standard input say:
 *
 *     get KNOB | restore KNOB (to what the first get of it said) | look (for its cgroups again)
 *     set cpu QUOTA_US PERIOD_US | set shares N | set place CPU_CGROUP IO_CGROUP ("-" = leave it)
 *     set disk READ_BYTES_S WRITE_BYTES_S READ_REQUESTS_S WRITE_REQUESTS_S
 *
 * One line of output each: "ACTUATOR VALUE", "failsafe VALUE", or "error NUMBER: TEXT".
 *
 *     pid=N uuid=UUID (makes it libvirt's) vdisk=NAME qmp=SOCKET leaf=MAJOR:MINOR
 *     patience=SECONDS    through the privileged child; without it, here
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/proc.h"
#include "host/cgroup.h"
#include "vmenergyd/helper.h"

static struct rootfs root;
static struct actuator_room room;
static struct target target = { .manager = DOMAIN_QEMU, .name = "VM", .vcpus = 1 };
static struct helper *helper;
static double patience_s;
static struct {
	bool known;
	struct knob_value value;
} originals[KNOB_COUNT];

static void die(const char *what)
{
	fprintf(stderr, "actuate: %s\n", what);
	exit(1);
}

static void copy(char *to, size_t size, const char *from)
{
	if (strlen(from) >= size)
		die("an argument is too long");
	strcpy(to, from);
}

static void take_argument(const char *argument)
{
	const char *value = strchr(argument, '=');
	int pid;

	if (!value++)
		die("KEY=VALUE expected");
	if (sscanf(argument, "pid=%d", &pid) == 1) {
		target.pid = pid;
	} else if (strncmp(argument, "uuid=", 5) == 0) {
		target.manager = DOMAIN_LIBVIRT;
		copy(target.uuid, sizeof target.uuid, value);
	} else if (strncmp(argument, "vdisk=", 6) == 0) {
		copy(target.vdisk, sizeof target.vdisk, value);
	} else if (strncmp(argument, "qmp=", 4) == 0) {
		copy(target.qmp_socket, sizeof target.qmp_socket, value);
	} else if (sscanf(argument, "leaf=%u:%u", &target.leaves[0].major,
			  &target.leaves[0].minor) == 2) {
		target.leaf_count = 1;
	} else if (sscanf(argument, "patience=%lf", &patience_s) != 1) {
		die("no such argument");
	}
}

static void look(void)
{
	char *const places[] = { target.cpu_cgroup, target.io_cgroup };
	struct proc_stat stat;

	if (proc_read_stat(&root, target.pid, 0, &stat))
		die("no such process");
	target.start_ticks = stat.start_ticks;
	snprintf(target.id, sizeof target.id, "qemu:%d", (int)target.pid);
	for (int i = 0; i < 2; i++) {
		char *path =
			cgroup_limited(&root, &room.mounts, i ? CGROUP_IO : CGROUP_CPU, target.pid);

		copy(places[i], TARGET_TEXT, path ? path : "");
		free(path);
	}
	printf("looked cpu=%s io=%s\n", target.cpu_cgroup, target.io_cgroup);
}

static bool parse_value(const char *text, struct knob_value *value)
{
	struct disk_limit *disk = &value->disk;
	struct place *place = &value->place;

	switch (value->knob) {
	case KNOB_CPU:
		return sscanf(text, "%" SCNd64 " %" SCNu64, &value->cpu.quota_us,
			      &value->cpu.period_us) == 2;
	case KNOB_SHARES:
		return sscanf(text, "%" SCNu64, &value->shares) == 1;
	case KNOB_DISK:
		return sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
			      &disk->read_bytes_s, &disk->write_bytes_s, &disk->read_requests_s,
			      &disk->write_requests_s) == 4;
	case KNOB_PLACE:
		if (sscanf(text, "%255s %255s", place->cpu_cgroup, place->io_cgroup) != 2)
			return false;
		if (strcmp(place->cpu_cgroup, "-") == 0)
			place->cpu_cgroup[0] = '\0';
		if (strcmp(place->io_cgroup, "-") == 0)
			place->io_cgroup[0] = '\0';
		return true;
	}
	return false;
}

static void do_verb(const struct verb *verb, struct applied *applied)
{
	struct pollfd wanted = { .events = POLLIN };

	if (!helper) {
		verb_perform(&room, verb, applied);
		return;
	}
	wanted.fd = helper_fd(helper);
	if (helper_send(helper, verb) || poll(&wanted, 1, -1) < 0 ||
	    helper_receive(helper, applied) != 1)
		die("the privileged child is dead");
}

static void perform(struct verb *verb)
{
	static uint64_t seq;
	struct applied applied;
	struct text out = { 0 };
	enum knob knob = verb->value.knob;

	verb->seq = ++seq;
	verb->target = target;
	do_verb(verb, &applied);
	if (applied.seq != seq)
		die("an answer to another question");
	if (applied.result) {
		printf("error %d: %s\n", -applied.result, applied.error.text);
		return;
	}
	if (verb->kind == VERB_GET && !originals[knob].known) {
		originals[knob].known = true;
		originals[knob].value = applied.value;
	}
	knob_value_print(&applied.value, &out);
	printf("%s %s\n", applied.by_failsafe ? "failsafe" : applied.actuator, out.bytes);
	text_free(&out);
}

static void obey(const char *line)
{
	struct verb verb = { .kind = VERB_SET };
	char word[16] = "", name[16] = "";
	int rest = 0, knob;

	sscanf(line, "%15s %15s %n", word, name, &rest);
	if (strcmp(word, "look") == 0) {
		look();
		return;
	}
	knob = knob_parse(name);
	if (knob < 0)
		die("no such knob");
	verb.value.knob = (enum knob)knob;
	if (strcmp(word, "get") == 0)
		verb.kind = VERB_GET;
	else if (strcmp(word, "restore") == 0 && originals[knob].known)
		verb.value = originals[knob].value;
	else if (strcmp(word, "set") != 0 || !parse_value(line + rest, &verb.value))
		die(line);
	perform(&verb);
}

int main(int argc, char **argv)
{
	struct helper_options options = { .root = NULL };
	const char *const monitor = target.qmp_socket;
	struct error error = { "" };
	char line[1024];

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN); /* as the daemon: a monitor that went away is an error */
	for (int i = 1; i < argc; i++)
		take_argument(argv[i]);
	options.libvirt_patience_s = patience_s;
	options.monitors = (struct monitor_list){ &monitor, 1 };
	if (patience_s > 0 && helper_start(&helper, &options, &error))
		die(error.text);
	if (rootfs_open(&root, NULL, &error) || actuator_room_open(&room, &root, false, &error))
		die(error.text);
	room.monitors = options.monitors;
	look();
	while (fgets(line, sizeof line, stdin))
		obey(line);
	helper_stop(helper);
	actuator_room_close(&room);
	rootfs_close(&root);
	return 0;
}
