/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A worker, with an actuator that is told what to answer. */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/unit.h"
#include "vmenergyd/helper-internal.h"

#define AGAIN_NS UINT64_C(100000000)

static struct rootfs root = { .prefix = NULL };
static struct actuator_room room;
static atomic_int calls, answer;
static atomic_bool blocks, inside;
static struct applied last;
static unsigned answers, later;

static bool serves(const struct actuator_room *unused, const struct target *target, enum knob knob)
{
	(void)unused;
	(void)target;
	return knob == KNOB_CPU;
}

static int get(struct actuator_room *unused, const struct target *target, struct knob_value *value,
	       struct error *error)
{
	(void)unused;
	(void)target;
	value->cpu = (struct cpu_limit){ -1, 100000 };
	atomic_store(&inside, true);
	while (atomic_load(&blocks))
		poll(NULL, 0, 1);
	atomic_fetch_add(&calls, 1);
	return atomic_load(&answer) ? error_setf(error, -atomic_load(&answer), "not now") : 0;
}

static int set(struct actuator_room *unused, const struct target *target,
	       const struct knob_value *value, struct error *error)
{
	(void)unused;
	(void)target;
	(void)value;
	(void)error;
	return 0;
}

static const struct actuator told = {
	.name = "told", .serves = serves, .get = get, .set = set, .may_block = true
};

static void take(void *context, const struct applied *applied)
{
	(void)context;
	last = *applied;
	answers++;
	later += applied->result == -EAGAIN;
}

static struct worker *start(uint64_t patience_ns)
{
	const struct worker_options options = { .actuator = &told,
						.room = &room,
						.patience_ns = patience_ns,
						.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
						.answer = take };
	struct worker *worker = NULL;
	struct error error;

	if (!root.prefix) {
		UNIT_EQUAL_I64(0, rootfs_open(&root, unit_folder(), &error));
		UNIT_EQUAL_I64(0, actuator_room_open(&room, &root, false, &error));
	}
	atomic_store(&calls, 0);
	atomic_store(&answer, 0);
	atomic_store(&blocks, false);
	atomic_store(&inside, false);
	answers = later = 0;
	UNIT_EQUAL_I64(0, worker_start(&worker, &options));
	return worker;
}

static void ask(struct worker *worker, uint64_t seq, enum verb_kind kind)
{
	struct verb verb = { .seq = seq,
			     .kind = kind,
			     .target = { .manager = DOMAIN_LIBVIRT, .name = "web" },
			     .value = { .knob = KNOB_CPU, .cpu = { 5000, 20000 } } };

	snprintf(verb.target.id, sizeof verb.target.id, "%llu", (unsigned long long)seq);
	worker_add(worker, &verb);
}

static void serve_until(struct worker *worker, unsigned count)
{
	while (answers < count) {
		worker_serve(worker, clock_now_ns());
		poll(NULL, 0, 1);
	}
}

/* One attempt each 100 ms, and an end. */
static void test_again(void)
{
	uint64_t begin = clock_now_ns(), elapsed;
	struct worker *worker = start(350000000);

	atomic_store(&answer, -EAGAIN);
	ask(worker, 1, VERB_GET);
	serve_until(worker, 1);
	elapsed = clock_now_ns() - begin;
	UNIT_EQUAL_I64(-ETIMEDOUT, last.result);
	UNIT_CONTAINS("told has not answered for 0.35 s", last.error.text);
	printf("%d attempts in %.0f ms\n", atomic_load(&calls), (double)elapsed * 1e-6);
	UNIT_TRUE(elapsed >= 350000000);
	UNIT_TRUE((uint64_t)atomic_load(&calls) <= elapsed / AGAIN_NS + 1);
	atomic_store(&answer, 0);
	ask(worker, 2, VERB_GET);
	serve_until(worker, 2);
	UNIT_EQUAL_I64(0, last.result);
	UNIT_EQUAL_U64(2, last.seq);
}

/* Full means later: nothing is lost, and what comes afterwards is taken again. */
static void test_full(void)
{
	struct worker *worker = start(UINT64_C(3600000000000));
	unsigned extra = 10, count = WORKER_QUEUE_MAX + 1 + extra;

	atomic_store(&blocks, true);
	ask(worker, 0, VERB_GET);
	/* Until it runs, the first counts as one that waits. */
	while (!atomic_load(&inside))
		poll(NULL, 0, 1);
	for (unsigned i = 1; i < count; i++)
		ask(worker, i, VERB_GET);
	UNIT_EQUAL_U64(extra, later);
	UNIT_CONTAINS("too much waits already", last.error.text);
	atomic_store(&blocks, false);
	serve_until(worker, count);
	UNIT_EQUAL_U64(extra, later);
	ask(worker, count, VERB_GET);
	serve_until(worker, count + 1);
	UNIT_EQUAL_I64(0, last.result);
	UNIT_EQUAL_U64(count, last.seq);
}

int main(void)
{
	return UNIT_RUN(
		"helper-worker",
		{ "\"try again\" is tried again, with a pause, until patience ends", test_again },
		{ "a full queue says \"later\" and loses nothing", test_full });
}
