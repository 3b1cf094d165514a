/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Heads of the switch log on this kernel, by each way that is open.
 *
 * no valgrind: it does not know bpf(2), and takes what the kernel writes for unset
 */
#include "tests/unit/switch-scene.h"

/* Cumulative; 0 where the name has not been heard of. */
static uint64_t head_count(const struct log *log, const char *name, unsigned event)
{
	for (size_t i = 0; i < log->sample.head_count; i++)
		if (strcmp(log->sample.heads[i].name, name) == 0)
			return log->sample.heads[i].cpu.count[event];
	return 0;
}

static uint64_t sum_heads(const struct log *log, unsigned event)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < log->sample.head_count; i++)
		sum += log->sample.heads[i].cpu.count[event];
	return sum;
}

/* Of what the machine did: what is a domain's, ours, or a head's. */
static uint64_t sum_named(const struct log *log, unsigned event)
{
	uint64_t sum = sum_heads(log, event) + log->sample.own.count[event];

	return log->topology.domain_count ? sum + log->sample.domains[0].total.count[event] : sum;
}

/* The rings tell no name of who is gone before they are read. */
static bool tells_all_names(const struct switch_driver *way)
{
	return strcmp(way->name, "BPF") == 0;
}

/* All but what there is no room to keep apart. */
static void test_names_add_up_to_the_machine(void)
{
	uint64_t all[2][3], named[2][3];
	struct child child;
	struct log log;

	for (unsigned way = 0; way < WAYS; way++) {
		if (!log_open(&log, ways[way], 2))
			continue;
		child_start_as(&child, "heads-vm");
		log.threads[0] = make_thread(child.pid, THREAD_VCPU);
		log_follow(&log, child.pid, 1);
		for (unsigned i = 0; i < 2; i++) {
			log_read(&log);
			for (unsigned event = 0; event <= log.events; event++) {
				all[i][event] = sum_packages(&log, event);
				named[i][event] = sum_named(&log, event);
			}
			child_do(&child, 'b');
		}
		for (unsigned event = 0; event <= log.events && is_whole(&log); event++) {
			uint64_t used = all[1][event] - all[0][event];

			check_between(tells_all_names(ways[way]) ? used - used / 50 : used / 2,
				      used, named[1][event] - named[0][event],
				      "counts that have a name");
		}
		UNIT_EQUAL_U64(0, head_count(&log, "heads-vm", 0));
		child_end(&child);
		log_close(&log);
	}
}

/* A process that anybody has seen, and one that began and ended between two readings. */
static void test_what_ended_keeps_its_name(void)
{
	struct child seen, unseen;
	uint64_t before_ns;
	struct log log;

	for (unsigned way = 0; way < WAYS; way++) {
		if (!log_open(&log, ways[way], 0))
			continue;
		log_follow(&log, 0, 0);
		log_read(&log);
		child_start_as(&seen, "heads-seen");
		child_do(&seen, 'b');
		log_read(&log);
		before_ns = head_count(&log, "heads-seen", 0);
		if (is_whole(&log))
			check_between(BURN_NS / 100 * 99, 2 * BURN_NS, before_ns, "time on a CPU");
		child_do(&seen, 'b');
		child_start_as(&unseen, "heads-unseen");
		child_do(&unseen, 'b');
		child_end(&seen);
		child_end(&unseen);
		log_read(&log);
		if (is_whole(&log))
			check_between(before_ns + BURN_NS / 100 * 99, before_ns + 2 * BURN_NS,
				      head_count(&log, "heads-seen", 0), "what ended");
		if (is_whole(&log) && tells_all_names(ways[way]))
			check_between(BURN_NS / 100 * 99, 2 * BURN_NS,
				      head_count(&log, "heads-unseen", 0), "what nobody saw");
		before_ns = head_count(&log, "heads-seen", 0);
		log_read(&log);
		log_read(&log);
		UNIT_EQUAL_U64(before_ns, head_count(&log, "heads-seen", 0));
		log_close(&log);
	}
}

int main(void)
{
	return UNIT_RUN("switch heads",
			{ "domains, ourselves and heads are what the machine did",
			  test_names_add_up_to_the_machine },
			{ "what ended keeps its name", test_what_ended_keeps_its_name });
}
