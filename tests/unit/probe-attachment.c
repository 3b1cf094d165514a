/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/attachment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/proc-fixture.h"

static char none[] = "";

/* Two services and three attachments: of a thread, of a thread behind, of none. */
struct scene {
	struct rootfs root;
	struct attachment_probe *probe;
	struct topology topology;
	struct service services[2];
	struct attachment attachments[3];
	struct sample sample;
};

static void write_io(pid_t pid, pid_t tid, const char *numbers)
{
	char text[256];

	snprintf(text, sizeof text,
		 "rchar: 9\nwchar: 9\nsyscr: 9\nsyscw: 9\n%scancelled_write_bytes: 9\n", numbers);
	fixture_write(text, "/proc/%d/task/%d/io", (int)pid, (int)tid);
}

static void write_worker(pid_t pid, pid_t tid, const char *name, const char *numbers)
{
	char comm[32];

	snprintf(comm, sizeof comm, "%s\n", name);
	fixture_write(comm, "/proc/%d/task/%d/comm", (int)pid, (int)tid);
	write_io(pid, tid, numbers);
}

static void scene_open(struct scene *scene, const char *name)
{
	*scene = (struct scene){ 0 };
	fixture_begin(name, &scene->root);
	if (attachment_probe_open(&scene->probe, &scene->root))
		abort();
	for (pid_t i = 0; i < 2; i++)
		scene->services[i] = (struct service){
			.id = none, .name = none, .pid = 10 * (i + 1), .start_ticks = 5
		};
	scene->attachments[0] = (struct attachment){ .pid = 10, .tid = 12 };
	scene->attachments[1] = (struct attachment){ .pid = 20, .tid = 20 };
	scene->topology = (struct topology){ .services = scene->services,
					     .service_count = 2,
					     .attachments = scene->attachments,
					     .attachment_count = 3,
					     .generation = 1 };
	write_io(10, 12, "read_bytes: 4096\nwrite_bytes: 512\n");
	write_io(20, 20, "read_bytes: 7\nwrite_bytes: 18446744073709551615\n");
}

static void scene_read(struct scene *scene)
{
	UNIT_EQUAL_I64(0, attachment_probe_follow(scene->probe, &scene->topology));
	if (sample_prepare(&scene->sample, &scene->topology))
		abort();
	UNIT_EQUAL_I64(0, attachment_probe_read(scene->probe, &scene->topology, &scene->sample));
}

static void scene_close(struct scene *scene)
{
	attachment_probe_close(scene->probe);
	sample_clear(&scene->sample);
	rootfs_close(&scene->root);
}

static void test_bytes(void)
{
	unsigned descriptors = unit_count_descriptors();
	struct scene scene;
	const struct io_reading *io;

	scene_open(&scene, "bytes");
	scene_read(&scene);
	io = scene.sample.attachments;
	UNIT_EQUAL_U64(4096, io[0].read_bytes);
	UNIT_EQUAL_U64(512, io[0].write_bytes);
	UNIT_TRUE(io[0].at_ns > 0 && !io[0].has_requests && !io[0].quality);
	UNIT_EQUAL_U64(7, io[1].read_bytes);
	UNIT_EQUAL_U64(UINT64_MAX, io[1].write_bytes);
	/* Without a thread of its own it was never read: absent, not zero. */
	UNIT_EQUAL_U64(0, io[2].at_ns);
	UNIT_EQUAL_U64(0, io[2].quality);
	scene_close(&scene);
	UNIT_EQUAL_U64(descriptors, unit_count_descriptors());
}

static void test_missing(void)
{
	struct scene scene;

	scene_open(&scene, "missing");
	scene.attachments[0].tid = 13; /* it ended */
	fixture_write("read_bytes: 5\n", "/proc/20/task/20/io");
	scene_read(&scene);
	UNIT_EQUAL_U64(QUALITY_MISSING, scene.sample.attachments[0].quality);
	UNIT_EQUAL_U64(0, scene.sample.attachments[0].at_ns);
	UNIT_EQUAL_U64(QUALITY_MISSING, scene.sample.attachments[1].quality);
	scene_close(&scene);
}

static void test_follow(void)
{
	struct scene scene;

	scene_open(&scene, "follow");
	scene_read(&scene);
	/* Another order: each keeps its own. */
	scene.attachments[2] = scene.attachments[0];
	scene.attachments[0] = (struct attachment){ 0 };
	scene.topology.generation = 2;
	UNIT_EQUAL_I64(-EINVAL, attachment_probe_read(scene.probe, &scene.topology, &scene.sample));
	write_io(10, 12, "read_bytes: 8192\nwrite_bytes: 512\n");
	scene_read(&scene);
	UNIT_EQUAL_U64(8192, scene.sample.attachments[2].read_bytes);
	UNIT_EQUAL_U64(7, scene.sample.attachments[1].read_bytes);
	UNIT_EQUAL_U64(0, scene.sample.attachments[0].at_ns);
	scene.topology.attachment_count = 0;
	scene_read(&scene);
	scene_close(&scene);
}

/* What a ring of the thread's hands on to workers; those of another thread are not its own. */
static void test_workers(void)
{
	unsigned descriptors = unit_count_descriptors();
	struct scene scene;

	scene_open(&scene, "workers");
	write_worker(10, 14, "iou-wrk-12", "read_bytes: 100\nwrite_bytes: 10\n");
	write_worker(10, 15, "iou-wrk-13", "read_bytes: 999\nwrite_bytes: 999\n");
	write_worker(10, 16, "iou-wrk-12x", "read_bytes: 999\nwrite_bytes: 999\n");
	scene_read(&scene);
	UNIT_EQUAL_U64(4196, scene.sample.attachments[0].read_bytes);
	UNIT_EQUAL_U64(522, scene.sample.attachments[0].write_bytes);
	/* One comes, one ends: what it did stays. */
	write_worker(10, 17, "iou-sqp-12", "read_bytes: 1000\nwrite_bytes: 0\n");
	write_worker(10, 14, "iou-wrk-12", "read_bytes: 200\nwrite_bytes: 10\n");
	scene_read(&scene);
	UNIT_EQUAL_U64(5296, scene.sample.attachments[0].read_bytes);
	fixture_write("", "/proc/10/task/14/io");
	scene.topology.generation = 3;
	scene_read(&scene);
	UNIT_EQUAL_U64(5296, scene.sample.attachments[0].read_bytes);
	UNIT_EQUAL_U64(522, scene.sample.attachments[0].write_bytes);
	scene_close(&scene);
	UNIT_EQUAL_U64(descriptors, unit_count_descriptors());
}

static void test_process(void)
{
	struct scene scene;

	scene_open(&scene, "process");
	scene.attachments[1] = (struct attachment){ .pid = 20, .major = 8 };
	fixture_write("rchar: 9\nread_bytes: 70\nwrite_bytes: 80\n", "/proc/20/io");
	scene_read(&scene);
	UNIT_EQUAL_U64(70, scene.sample.attachments[1].read_bytes);
	UNIT_EQUAL_U64(80, scene.sample.attachments[1].write_bytes);
	/* Tracepoints are this kernel's, not another root's: that is said. */
	UNIT_TRUE(!scene.sample.attachments[1].has_requests);
	UNIT_CONTAINS("not counted: another root", attachment_probe_note(scene.probe));
	scene_close(&scene);
}

static void test_files(void)
{
	static const char reason[] = "requests of exports that share a thread are not counted: ";
	unsigned descriptors = unit_count_descriptors();
	struct scene scene;
	const char *note;

	scene_open(&scene, "files");
	scene.attachments[2].file =
		(struct attachment_file){ .pid = 20, .major = 8, .minor = 1, .inode = 100 };
	for (int i = 0; i < 2; i++) {
		scene_read(&scene);
		UNIT_EQUAL_U64(0, scene.sample.attachments[2].at_ns);
		UNIT_EQUAL_U64(0, scene.sample.attachments[2].quality);
		UNIT_CONTAINS(reason, attachment_probe_note(scene.probe));
		scene.topology.generation++;
	}
	/* Once, and beside the reason of others. */
	scene.attachments[0].major = 8;
	scene_read(&scene);
	note = attachment_probe_note(scene.probe);
	UNIT_EQUAL_I64(0, strncmp(note, reason, strlen(reason)));
	UNIT_TRUE(!strstr(note + 1, reason));
	UNIT_CONTAINS("; requests that services hand in are not counted: another root", note);
	scene_close(&scene);
	UNIT_EQUAL_U64(descriptors, unit_count_descriptors());
}

int main(void)
{
	return UNIT_RUN("probe-attachment",
			{ "an attachment's bytes are its thread's", test_bytes },
			{ "what cannot be read is missing", test_missing },
			{ "files stay with their threads", test_follow },
			{ "io_uring's workers work for their thread", test_workers },
			{ "a process that serves one export", test_process },
			{ "why files are not counted is said once", test_files });
}
