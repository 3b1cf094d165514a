/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "host/service.h"
#include "tests/unit/proc-fixture.h"
#include "tests/unit/unit.h"

enum { TASKS_MAX = 16 };

static char name_a[] = "disk-a", name_b[] = "a-very-long-name";
static char *ids[] = { name_a, name_b };

/* Words "TID@START" or "TID@START!" (in a futex) or "TID@START=NAME". */
static void expect(const char *expected, int monitor_after, const char *tasks)
{
	struct service_process process = { .monitor_after = monitor_after,
					   .iothreads = { ids, 2, 2 } };
	struct service_task items[TASKS_MAX] = { 0 };
	pid_t tids[2] = { 0 };
	size_t count = 0;
	char found[64], *copy = strdup(tasks), *rest = copy, *word;

	while (copy && (word = strsep(&rest, " "))) {
		struct service_task *task = &items[count++];
		char *after;

		task->tid = (pid_t)strtol(word, &after, 10);
		task->start_ticks = strtoul(after + 1, &after, 10);
		task->waits_on_lock = *after == '!';
		snprintf(task->name, sizeof task->name, "%s",
			 *after == '=' ? after + 1 : "qemu-storage-da");
		for (char *byte = task->name; *byte; byte++)
			*byte = *byte == '_' ? ' ' : *byte;
	}
	service_match_iothreads(&process, items, count, tids);
	snprintf(found, sizeof found, "%d %d", (int)tids[0], (int)tids[1]);
	UNIT_EQUAL_TEXT(expected, found);
	free(copy);
}

static void test_order(void)
{
	expect("12 13", -1, "10@5 11@5! 12@5 13@6");
	expect("13 14", 0, "10@5 11@5! 12@5 13@5 14@6");
	expect("12 14", 1, "10@5 11@5! 12@5 13@5 14@6");
	expect("12 13", 2, "10@5 11@5! 12@5 13@5 14@6");
	/* In any order; ids that began anew; workers of the pool. */
	expect("900 12", -1, "12@9 900@8 899@8! 898@8 13@9! 14@20!");
	/* RCU is the second, even while it runs. */
	expect("12 13", -1, "10@5 11@5 12@5 13@6");
}

static void test_doubt(void)
{
	expect("0 0", -1, "10@5 11@5! 12@5");
	expect("0 0", -1, "10@5 11@5! 12@5 13@6 14@7"); /* a worker that runs */
	expect("0 0", -1, "10@5 11@5! 12@5! 13@6");     /* one that waits for a lock just now */
	expect("0 0", 0, "10@5 11@5! 12@5 13@5");
	expect("0 0", -1, "10@5");
}

static void test_names(void)
{
	expect("13 12", -1, "10@5 11@5! 12@5=IO_a-very-long- 13@5=IO_disk-a 14@6");
	/* The name of one alone does not tell the other: the order does. */
	expect("12 13", -1, "10@5 11@5! 12@5=IO_disk-a 13@5");
}

static void test_reading(void)
{
	struct service_process process = { .pid = 10, .monitor_after = -1 };
	struct fixture_process daemon = { .pid = 10, .comm = "qemu-storage-da", .start = 5 };
	struct service service = { 0 };
	struct rootfs root;

	process.iothreads.items = ids;
	process.iothreads.count = 2;
	fixture_begin("threads", &root);
	fixture_process(&daemon);
	for (pid_t tid = 11; tid <= 14; tid++) {
		fixture_thread(&daemon, tid, "qemu-storage-da", NULL);
		fixture_write(tid == 11 || tid == 14 ? "futex_do_wait" : "do_poll",
			      "/proc/10/task/%d/wchan", tid);
	}
	UNIT_EQUAL_I64(0, service_read_threads(&root, &process, &service));
	UNIT_TRUE(service_threads_known(&process));
	UNIT_EQUAL_U64(3, service.thread_count);
	UNIT_EQUAL_I64(10, service.threads[0].tid);
	UNIT_EQUAL_I64(THREAD_EMULATOR, service.threads[0].role);
	UNIT_EQUAL_I64(13, service.threads[2].tid);
	UNIT_EQUAL_I64(THREAD_IOTHREAD, service.threads[2].role);
	UNIT_EQUAL_I64(VCPU_NONE, service.threads[2].vcpu);
	UNIT_EQUAL_I64(VDISK_NONE, service.threads[2].vdisk);
	UNIT_EQUAL_U64(5, service.threads[2].start_ticks);
	service_clear(&service);
	/* Once known, a worker that runs cannot confuse them. */
	fixture_write("0", "/proc/10/task/14/wchan");
	UNIT_EQUAL_I64(0, service_read_threads(&root, &process, &service));
	UNIT_EQUAL_U64(3, service.thread_count);
	service_clear(&service);
	/* One was deleted: which one is not to be told. */
	fixture_write("futex_do_wait", "/proc/10/task/14/wchan");
	fixture_remove("/proc/10/task/12");
	UNIT_EQUAL_I64(0, service_read_threads(&root, &process, &service));
	UNIT_TRUE(!service_threads_known(&process));
	UNIT_EQUAL_U64(1, service.thread_count);
	free(process.tids);
	service_clear(&service);
	rootfs_close(&root);
}

int main(void)
{
	return UNIT_RUN(
		"service-threads",
		{ "unnamed I/O threads are known by the order of their making", test_order },
		{ "what is not certain is not said", test_doubt },
		{ "named I/O threads are known by their names", test_names },
		{ "threads are read from /proc, and remembered", test_reading });
}
