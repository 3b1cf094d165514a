/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Under which names the host's own tasks are shown, and how many of them. */
#include <string.h>

#include "probe/head-name.h"
#include "probe/head-table.h"
#include "tests/unit/unit.h"

static const struct {
	const char *comm;
	bool is_kernel;
	const char *head;
} names[] = {
	{ "kworker/0:1H-kblockd", true, "kernel block" },
	{ "kworker/1:1H+kblockd", true, "kernel block" },
	{ "kworker/u9:0-flush-259:0", true, "kernel block" },
	{ "kworker/u8:3+ext4-rsv-conversion", true, "kernel block" },
	{ "kworker/R-writeback", true, "kernel block" },
	{ "jbd2/sda1-8", true, "kernel block" },
	{ "dm-thin", true, "kernel block" },
	{ "md127_raid1", true, "kernel block" },
	{ "loop0", true, "kernel block" },
	{ "nvme-wq", true, "kernel block" },
	{ "scsi_eh_0", true, "kernel block" },
	{ "xfs-sync/dm-0", true, "kernel block" },
	{ "napi/eth0-8193", true, "kernel net" },
	{ "vhost-4711", true, "kernel net" },
	{ "kworker/0:2-ipv6_addrconf", true, "kernel net" },
	{ "irq/28-nvme0q1", true, "interrupts" },
	{ "ksoftirqd/1", true, "interrupts" },
	{ "kworker/0:0-events", true, "kernel events" },
	{ "kworker/u8:1-events_unbound", true, "kernel events" },
	{ "kworker/0:0H", true, "kernel kworker" },
	{ "kworker/R-rcu_gp", true, "kernel rcu_gp" },
	{ "rcu_preempt", true, "kernel rcu_preempt" },
	{ "kswapd0", true, "kernel kswapd" },
	{ "migration/12", true, "kernel migration" },
	{ "kdamond.0", true, "kernel kdamond" },
	{ "libvirtd", false, "libvirtd" },
	{ "virtqemud", false, "libvirtd" },
	{ "virtlogd", false, "libvirtd" },
	{ "virtiofsd", false, "virtiofsd" },
	{ "dnsmasq", false, "dnsmasq" },
	{ "qemu-system-x86", false, "qemu-system-x86" },
	/* No process passes for another's head, nor drives a terminal. */
	{ "kernel block", false, "process kernel block" },
	{ "interrupts", false, "process interrupts" },
	{ "other", false, "process other" },
	{ "kworker/0:1", false, "kworker/0:1" },
	{ "a\033[31m\xff", false, "a?[31m?" },
	{ "", false, "unnamed" },
	{ "", true, "kernel " },
	{ "1", true, "kernel 1" },
};

static void test_names(void)
{
	char name[HEAD_NAME_BYTES];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		head_name(names[i].comm, names[i].is_kernel, name);
		UNIT_EQUAL_TEXT(names[i].head, name);
	}
}

static void test_long_names_are_cut(void)
{
	char name[HEAD_NAME_BYTES];

	head_name("kworker/u8:1-a_work_queue_of_a_very_long_name_indeed", true, name);
	UNIT_EQUAL_TEXT("kernel a_work_queue_of_a_very_l", name);
	UNIT_EQUAL_U64(HEAD_NAME_BYTES - 1, strlen(name));
}

static void test_workers_change_their_names(void)
{
	UNIT_TRUE(head_name_changes("kworker/0:1", true));
	UNIT_TRUE(!head_name_changes("kworker/0:1", false));
	UNIT_TRUE(!head_name_changes("ksoftirqd/0", true));
}

/* --- the table ----------------------------------------------------------------------------- */

static void add(struct head_table *table, const char *name, uint64_t ns)
{
	const uint64_t count[SAMPLE_EVENTS_MAX] = { ns, 2 * ns };

	head_table_add(table, name, count, NULL);
}

static const struct head *find(const struct head_table *table, const char *name)
{
	static const struct head none;

	for (size_t i = 0; i < table->count; i++)
		if (strcmp(table->items[i].name, name) == 0)
			return &table->items[i];
	return &none;
}

static uint64_t sum(const struct head_table *table)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < table->count; i++)
		ns += table->items[i].count[0];
	return ns;
}

static void test_counts_are_cumulative(void)
{
	struct head_table table = { 0 };
	struct sample sample = { 0 };
	const struct head_stamp stamp = { .at_ns = 77, .quality = QUALITY_ESTIMATE };

	head_table_begin(&table);
	add(&table, "make", 5);
	head_table_begin(&table);
	head_table_begin(&table);
	add(&table, "make", 6);
	UNIT_EQUAL_I64(0, head_table_put(&table, &stamp, &sample));
	UNIT_EQUAL_U64(2, sample.head_count);
	UNIT_EQUAL_TEXT(HEAD_OTHER_PROCESSES, sample.heads[0].name);
	UNIT_EQUAL_U64(0, sample.heads[0].cpu.count[0]);
	UNIT_EQUAL_TEXT("make", sample.heads[1].name);
	UNIT_EQUAL_U64(11, sample.heads[1].cpu.count[0]);
	UNIT_EQUAL_U64(22, sample.heads[1].cpu.count[1]);
	UNIT_EQUAL_U64(77, sample.heads[1].cpu.at_ns);
	sample_clear(&sample);
}

static void test_ten_thousand_names_find_room(void)
{
	struct head_table table = { 0 };
	char name[HEAD_NAME_BYTES];

	for (unsigned i = 0; i < 10000; i++) {
		uint64_t before;

		head_table_begin(&table);
		add(&table, "the busy one", 1000);
		snprintf(name, sizeof name, "one of many %u", i);
		before = find(&table, HEAD_OTHER_PROCESSES)->count[0];
		add(&table, name, 10);
		UNIT_TRUE(find(&table, name)->count[0] == 10 ||
			  find(&table, HEAD_OTHER_PROCESSES)->count[0] == before + 10);
	}
	UNIT_EQUAL_U64(HEAD_TABLE_MAX, table.count);
	UNIT_EQUAL_U64(10000 * 1000, find(&table, "the busy one")->count[0]);
}

/* Nobody who was used in a reading makes room in it, so that nothing of the reading is lost. */
static void test_nothing_of_a_reading_is_lost(void)
{
	struct head_table table = { 0 };
	char name[HEAD_NAME_BYTES];

	head_table_begin(&table);
	for (unsigned i = 1; i <= 100; i++) {
		snprintf(name, sizeof name, "name %u", i);
		add(&table, name, i);
	}
	UNIT_EQUAL_U64(100 * 101 / 2, sum(&table));
	UNIT_EQUAL_U64(HEAD_TABLE_MAX, table.count);
	UNIT_TRUE(find(&table, HEAD_OTHER_PROCESSES)->count[0] > 0);
}

int main(void)
{
	return UNIT_RUN(
		"head names",
		{ "tasks are shown under names that say what they are for", test_names },
		{ "a long name is cut", test_long_names_are_cut },
		{ "only a worker's name changes by itself", test_workers_change_their_names },
		{ "a head's counts are cumulative", test_counts_are_cumulative },
		{ "ten thousand names find room, and the busy one stays",
		  test_ten_thousand_names_find_room },
		{ "nothing of a reading is lost", test_nothing_of_a_reading_is_lost });
}
