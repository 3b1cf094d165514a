/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processes in a domain's cgroup beside its own are in its total by the switch log, once. */
#include "probe/beside.h"

#include <string.h>

#include "probe/switch-follow.h"
#include "probe/switch-heads.h"
#include "tests/unit/proc-fixture.h"

enum { QEMU = 100, VHOST = 200, CUT_SHORT = 201, TPM = 300, SHARED_FOLDERS = 301 };

static char none[] = "", cgroup[] = "/machine.slice/machine-qemu.scope";
static struct thread threads[] = {
	{ .tid = QEMU, .role = THREAD_EMULATOR },
	{ .tid = VHOST, .role = THREAD_VHOST, .start_ticks = 1000 },
};
static struct domain domain = { .id = none,
				.name = none,
				.pid = QEMU,
				.cgroup = cgroup,
				.threads = threads,
				.thread_count = 2 };
static struct service service = { .id = none, .name = none, .pid = SHARED_FOLDERS };
static struct topology topology = { .generation = 1,
				    .domains = &domain,
				    .domain_count = 1,
				    .services = &service,
				    .service_count = 1 };

static void find(const char *layout, const char *mount, struct beside *beside)
{
	struct cgroup_mounts mounts;
	struct rootfs root;

	fixture_begin(layout, &root);
	fixture_mounts(layout);
	fixture_process(&(struct fixture_process){ .pid = TPM, .comm = "swtpm" });
	fixture_process(&(struct fixture_process){
		.pid = CUT_SHORT, .comm = "kvm-nx-lpage-re", .kernel = true, .parent = 2 });
	fixture_process(&(struct fixture_process){ .pid = SHARED_FOLDERS, .comm = "virtiofsd" });
	fixture_process(&(struct fixture_process){
		.pid = VHOST, .comm = "vhost-100", .kernel = true, .parent = 2 });
	fixture_write("201\n", "%s%s/cgroup.procs", mount, cgroup);
	fixture_write("100\n200\n300\n301\n999\n", "%s%s/libvirt/cgroup.procs", mount, cgroup);
	fixture_write("100\n300\n", "%s%s/libvirt/emulator/cgroup.procs", mount, cgroup);
	cgroup_find_mounts(&root, &mounts);
	*beside = (struct beside){ 0 };
	UNIT_EQUAL_I64(0, beside_find(&root, &mounts, &topology, 0, beside));
	rootfs_close(&root);
}

static void test_found(void)
{
	struct beside beside;

	find("v2", "/sys/fs/cgroup", &beside);
	UNIT_EQUAL_U64(2, beside.count);
	if (beside.count == 2) {
		UNIT_EQUAL_I64(CUT_SHORT, beside.items[0].pid);
		UNIT_EQUAL_I64(TPM, beside.items[1].pid);
		UNIT_EQUAL_U64(1000, beside.items[1].start_ticks);
	}
	beside_clear(&beside);
	find("v1", "/sys/fs/cgroup/cpu,cpuacct", &beside);
	UNIT_EQUAL_U64(2, beside.count);
	beside_clear(&beside);
	domain.cgroup = NULL; /* not its own: who else is there works for others */
	find("v2", "/sys/fs/cgroup", &beside);
	UNIT_EQUAL_U64(0, beside.count);
	domain.cgroup = cgroup;
}

/* --- counting ------------------------------------------------------------------------------ */

static struct switch_books books;

static void charge(uint32_t tgid, uint32_t tid, uint64_t ns)
{
	const struct switch_identity identity = { .process = tgid, .tid = tid, .tgid = tgid };
	const uint64_t delta[SWITCH_COUNTS] = { ns };

	switch_books_charge(&books, &identity, delta);
}

static bool none_is_alive(const struct switch_process *process)
{
	(void)process;
	return false;
}

static uint64_t read_total(struct switch_followed *followed)
{
	static struct sample sample;
	uint64_t total;

	UNIT_EQUAL_I64(0, sample_prepare(&sample, &topology));
	UNIT_EQUAL_I64(0, switch_followed_read(followed, &books, 0, &topology, &sample));
	total = sample.domains[0].total.count[0];
	sample_clear(&sample);
	return total;
}

static void follow(struct switch_followed *followed, const struct beside *beside)
{
	topology.generation++;
	UNIT_EQUAL_I64(0, switch_followed_update(followed, &topology, beside));
}

static void test_counted(void)
{
	struct besider tpm = { .pid = TPM };
	const struct beside beside = { &tpm, 1, 1 }, nobody = { 0 };
	struct switch_followed followed = { 0 };

	follow(&followed, &beside);
	switch_books_begin(&books);
	charge(QEMU, QEMU, 1);
	charge(VHOST, VHOST, 10);
	charge(TPM, TPM, 100);
	charge(TPM, TPM + 50, 1000); /* all its threads */
	charge(SHARED_FOLDERS, SHARED_FOLDERS, 10000);
	switch_books_end(&books, 1, none_is_alive);
	UNIT_EQUAL_U64(1111, read_total(&followed));
	switch_books_begin(&books);
	charge(QEMU, QEMU, 1);
	switch_books_end(&books, 2, none_is_alive);
	UNIT_EQUAL_U64(1112, read_total(&followed));
	follow(&followed, &nobody); /* it is over: what it used stays */
	UNIT_EQUAL_U64(1112, read_total(&followed));
	switch_followed_clear(&followed);
	switch_books_clear(&books);
}

/* What it used before was a head's, which keeps it; as when it goes, and comes back. */
static void test_found_late(void)
{
	struct besider tpm = { .pid = TPM };
	const struct beside beside = { &tpm, 1, 1 }, nobody = { 0 };
	struct switch_followed followed = { 0 };
	struct rootfs root;

	fixture_begin("v2", &root);
	follow(&followed, &nobody);
	switch_books_begin(&books);
	charge(QEMU, QEMU, 1);
	charge(TPM, TPM, 100);
	switch_books_end(&books, 1, none_is_alive);
	UNIT_EQUAL_U64(1, read_total(&followed));
	switch_heads_charge(&books, &followed, &root);
	for (unsigned turn = 1; turn <= 2; turn++) {
		follow(&followed, &beside);
		switch_books_begin(&books);
		charge(TPM, TPM, 1000);
		switch_books_end(&books, 1 + turn, none_is_alive);
		UNIT_EQUAL_U64(1 + turn * 1000, read_total(&followed));
		switch_heads_charge(&books, &followed, &root);
		follow(&followed, &nobody);
		UNIT_EQUAL_U64(1 + turn * 1000, read_total(&followed));
	}
	switch_followed_clear(&followed);
	switch_books_clear(&books);
	rootfs_close(&root);
}

int main(void)
{
	return UNIT_RUN(
		"beside",
		{ "who is in the cgroup beside, and in no other account, is found", test_found },
		{ "it counts once, with all its threads, and stays (model.md 2)", test_counted },
		{ "found late, it brings nothing from before", test_found_late });
}
