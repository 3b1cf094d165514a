/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernel's word on processes that end: messages made here, and those of this machine. */
#include "probe/heads-exits.h"

#include <errno.h>
#include <linux/acct.h>
#include <linux/genetlink.h>
#include <linux/taskstats.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/unit.h"

enum { FAMILY = 31, ROOM = 4096 };

/* --- messages ------------------------------------------------------------------------------ */

struct message {
	char bytes[ROOM];
	size_t length;
};

static void put(struct message *message, const void *bytes, size_t length)
{
	memcpy(message->bytes + message->length, bytes, length);
	message->length += (length + 3) & ~(size_t)3;
}

static void put_head(struct message *message, unsigned type, size_t length)
{
	const struct nlattr head = { .nla_type = (uint16_t)type,
				     .nla_len = (uint16_t)(sizeof head + length) };

	put(message, &head, sizeof head);
}

/* As the kernel nests them: an id, and the figures. `bytes` of these, as an old kernel has. */
static void put_stats(struct message *message, unsigned type, const struct taskstats *stats,
		      size_t bytes)
{
	const uint32_t id = stats->ac_pid;

	put_head(message, type | NLA_F_NESTED, 2 * sizeof(struct nlattr) + sizeof id + bytes);
	put_head(message, TASKSTATS_TYPE_PID, sizeof id);
	put(message, &id, sizeof id);
	put_head(message, TASKSTATS_TYPE_STATS, bytes);
	put(message, stats, bytes);
}

static void finish(struct message *message)
{
	struct nlmsghdr head = { .nlmsg_len = (uint32_t)message->length, .nlmsg_type = FAMILY };

	memcpy(message->bytes, &head, sizeof head);
}

static struct message begin(void)
{
	return (struct message){ .length = sizeof(struct nlmsghdr) + sizeof(struct genlmsghdr) };
}

static struct taskstats stats_of(unsigned pid, unsigned tgid, uint64_t ns)
{
	struct taskstats stats = { .version = 12, .ac_pid = pid, .cpu_run_virtual_total = ns };

	stats.ac_tgid = tgid;
	strcpy(stats.ac_comm, "cc1");
	return stats;
}

/* --- who heard what ------------------------------------------------------------------------ */

struct heard {
	unsigned count;
	struct process_exit last;
	pid_t wanted;
	uint64_t wanted_ns;
};

static void hear(void *context, const struct process_exit *exit)
{
	struct heard *heard = context;

	heard->count++;
	heard->last = *exit;
	if (exit->pid == heard->wanted)
		heard->wanted_ns = exit->ns;
}

static struct heard parse(const struct message *message)
{
	struct heard heard = { 0 };

	exits_parse(message->bytes, message->length, FAMILY, hear, &heard);
	return heard;
}

static void test_the_end_of_a_process(void)
{
	struct taskstats stats = stats_of(4711, 4711, 123456);
	struct message message = begin();
	struct heard heard;

	stats.ac_flag = AGROUP;
	stats.ac_ppid = 2;
	put_stats(&message, TASKSTATS_TYPE_AGGR_PID, &stats, sizeof stats);
	finish(&message);
	heard = parse(&message);
	UNIT_EQUAL_U64(1, heard.count);
	UNIT_EQUAL_I64(4711, heard.last.pid);
	UNIT_EQUAL_U64(123456, heard.last.ns);
	UNIT_EQUAL_TEXT("cc1", heard.last.comm);
	UNIT_TRUE(heard.last.is_kernel && !heard.last.had_threads && !heard.last.may_be_thread);
}

static void test_the_end_of_a_thread_is_none_of_its_process(void)
{
	struct taskstats stats = stats_of(4712, 4711, 1000);
	struct message message = begin();

	put_stats(&message, TASKSTATS_TYPE_AGGR_PID, &stats, sizeof stats);
	finish(&message);
	UNIT_EQUAL_U64(0, parse(&message).count);
}

static void test_the_last_thread_brings_all_of_them(void)
{
	struct taskstats thread = stats_of(4712, 4711, 1000), all = stats_of(4711, 4711, 9000);
	struct message message = begin();
	struct heard heard;

	thread.ac_flag = AGROUP;
	put_stats(&message, TASKSTATS_TYPE_AGGR_PID, &thread, sizeof thread);
	put_stats(&message, TASKSTATS_TYPE_AGGR_TGID, &all, sizeof all);
	finish(&message);
	heard = parse(&message);
	UNIT_EQUAL_U64(1, heard.count);
	UNIT_EQUAL_I64(4711, heard.last.pid);
	UNIT_EQUAL_U64(9000, heard.last.ns);
	UNIT_TRUE(heard.last.had_threads && !heard.last.is_kernel);
}

static void test_an_old_kernel_leaves_it_open(void)
{
	struct taskstats stats = stats_of(4711, 0, 1000);
	struct message message = begin();
	struct heard heard;

	stats.version = 8;
	put_stats(&message, TASKSTATS_TYPE_AGGR_PID, &stats, offsetof(struct taskstats, ac_tgid));
	finish(&message);
	heard = parse(&message);
	UNIT_EQUAL_U64(1, heard.count);
	UNIT_EQUAL_I64(4711, heard.last.pid);
	UNIT_TRUE(heard.last.may_be_thread);
}

/* Each in memory of its own size, so that a reading beyond it is found. */
static void test_cut_messages_are_bounded(void)
{
	struct taskstats stats = stats_of(4711, 4711, 1000);
	struct message message = begin();

	stats.ac_flag = AGROUP;
	put_stats(&message, TASKSTATS_TYPE_AGGR_PID, &stats, sizeof stats);
	finish(&message);
	for (size_t length = 0; length < message.length; length++) {
		char *cut = malloc(length + 1);
		struct heard heard = { 0 };

		memcpy(cut, message.bytes, length);
		exits_parse(cut, length, FAMILY, hear, &heard);
		UNIT_EQUAL_U64(0, heard.count);
		free(cut);
	}
}

/* --- this machine -------------------------------------------------------------------------- */

static pid_t run_child(uint64_t ns)
{
	pid_t child = fork();

	if (child == 0) {
		while (clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) < ns)
			;
		_exit(0);
	}
	if (child < 0 || waitpid(child, NULL, 0) != child)
		abort();
	return child;
}

static void test_of_this_machine(void)
{
	enum { BURN_NS = 50000000 };
	struct exits exits;
	struct heard heard = { 0 };
	struct error error = { "" };
	struct rootfs root;

	rootfs_open(&root, NULL, &error);
	if (exits_open(&exits, &root, &error)) {
		fprintf(stderr, "(skipped: %s) ", error.text);
		UNIT_CONTAINS("taskstats: ", error.text);
		UNIT_TRUE(!exits.is_open);
	} else {
		heard.wanted = run_child(BURN_NS);
		exits_read(&exits, hear, &heard);
		fprintf(stderr, "(%llu ns of %d) ", (unsigned long long)heard.wanted_ns, BURN_NS);
		UNIT_TRUE(heard.wanted_ns >= BURN_NS / 10 * 9);
		UNIT_TRUE(heard.wanted_ns < 2 * BURN_NS);
	}
	exits_close(&exits);
	rootfs_close(&root);
}

int main(void)
{
	return UNIT_RUN(
		"exits", { "a process that ends is heard of", test_the_end_of_a_process },
		{ "a thread that ends is not the end of its process",
		  test_the_end_of_a_thread_is_none_of_its_process },
		{ "the last thread brings what all have used",
		  test_the_last_thread_brings_all_of_them },
		{ "an old kernel leaves open whose end it is", test_an_old_kernel_leaves_it_open },
		{ "messages that are cut are read no further", test_cut_messages_are_bounded },
		{ "a child of this machine has its time", test_of_this_machine });
}
