/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/sample.h"
#include "model/topology.h"

/* --- one topology with something of everything ----------------------------- */

static void fill_domain(struct domain *domain, const char *id, size_t leaf_count)
{
	domain->id = strdup(id);
	domain->name = strdup("web 1");
	domain->uuid = strdup("7b2c1d1e-0000-4000-8000-000000000001");
	domain->cpu_weight = 100;
	domain->vcpus = 2;
	domain->vdisk_count = 1;
	domain->vdisks = calloc(1, sizeof *domain->vdisks);
	domain->vdisks[0].name = strdup("vda");
	domain->vdisks[0].source = strdup("/images/a");
	domain->vdisks[0].leaf_count = leaf_count;
	domain->vdisks[0].leaves = calloc(leaf_count, sizeof *domain->vdisks[0].leaves);
	for (size_t i = 0; i < leaf_count; i++)
		domain->vdisks[0].leaves[i] = i;
	domain->vnic_count = 1;
	domain->vnics = calloc(1, sizeof *domain->vnics);
	domain->vnics[0].name = strdup("vnet0");
	domain->vnics[0].leaf_count = 1;
	domain->vnics[0].leaves = calloc(1, sizeof *domain->vnics[0].leaves);
	domain->thread_count = 3;
	domain->threads = calloc(3, sizeof *domain->threads);
	for (int i = 0; i < 3; i++) {
		domain->threads[i] = (struct thread){
			.tid = 100 + i,
			.role = i < 2 ? THREAD_VCPU : THREAD_IOTHREAD,
			.vcpu = i < 2 ? i : VCPU_NONE,
			.vdisk = i < 2 ? VDISK_NONE : 0,
			.sampled = true,
			.name = "CPU 0/KVM",
		};
	}
}

static struct topology *example(void)
{
	struct topology *topology = topology_new();

	topology->generation = 7;
	topology->disk_count = 2;
	topology->disks = calloc(2, sizeof *topology->disks);
	for (size_t i = 0; i < 2; i++) {
		topology->disks[i].name = strdup(i ? "sdb" : "sda");
		topology->disks[i].model = strdup("Maxtor");
	}
	topology->nic_count = 1;
	topology->nics = calloc(1, sizeof *topology->nics);
	topology->nics[0].name = strdup("eth0");
	topology->nics[0].driver = strdup("ixgbe");
	topology->nics[0].model = strdup("8086:10fb");
	topology->domain_count = 2;
	topology->domains = calloc(2, sizeof *topology->domains);
	fill_domain(&topology->domains[0], "a", 2);
	fill_domain(&topology->domains[1], "b", 1);
	topology->service_count = 2;
	topology->services = calloc(2, sizeof *topology->services);
	for (size_t i = 0; i < 2; i++) {
		topology->services[i].id = strdup(i ? "t" : "s");
		topology->services[i].name = strdup("storage");
		topology->services[i].idle_units = 1;
	}
	topology->attachment_count = 2;
	topology->attachments = calloc(2, sizeof *topology->attachments);
	topology->attachments[0] =
		(struct attachment){ .kind = CLIENT_VDISK, .domain = 1, .provider = 0 };
	topology->attachments[1] =
		(struct attachment){ .kind = CLIENT_SERVICE, .client = 0, .provider = 1 };
	topology->note_count = 1;
	topology->notes = calloc(1, sizeof *topology->notes);
	topology->notes[0] = strdup("libvirt: not running");
	return topology;
}

/* --- spoiling it, one thing at a time -------------------------------------- */

static void replace(char **text, const char *with)
{
	free(*text);
	*text = with ? strdup(with) : NULL;
}

static void repeat_id(struct topology *t)
{
	replace(&t->domains[1].id, "a");
}

static void repeat_service_id(struct topology *t)
{
	replace(&t->services[1].id, "s");
}

static void repeat_vcpu(struct topology *t)
{
	t->domains[1].threads[1].vcpu = 0;
}

static void leaf_outside(struct topology *t)
{
	t->domains[0].vdisks[0].leaves[1] = 2;
}

static void leaves_descend(struct topology *t)
{
	t->domains[0].vdisks[0].leaves[0] = 1;
	t->domains[0].vdisks[0].leaves[1] = 0;
}

static void thread_vdisk_outside(struct topology *t)
{
	t->domains[0].threads[2].vdisk = 1;
}

static void vcpu_below_all(struct topology *t)
{
	t->domains[0].threads[0].vcpu = VCPU_ALL - 1;
}

static void client_domain_outside(struct topology *t)
{
	t->attachments[0].domain = 2;
}

static void client_vdisk_outside(struct topology *t)
{
	t->attachments[0].vdisk = 1;
}

static void client_service_outside(struct topology *t)
{
	t->attachments[1].client = 2;
}

static void provider_outside(struct topology *t)
{
	t->attachments[1].provider = 2;
}

static void name_missing(struct topology *t)
{
	replace(&t->domains[1].name, NULL);
}

static void weight_not_a_number(struct topology *t)
{
	t->domains[1].cpu_weight = NAN;
}

static void own_thread_outside(struct topology *t)
{
	t->attachments[1].own_thread = 1;
}

static void units_negative(struct topology *t)
{
	t->services[1].idle_units = -1;
}

static void role_unknown(struct topology *t)
{
	t->domains[1].threads[0].role = THREAD_KVM + 1;
}

static void card_outside(struct topology *t)
{
	t->domains[1].vnics[0].leaves[0] = 1;
}

static void vnic_without_name(struct topology *t)
{
	replace(&t->domains[1].vnics[0].name, NULL);
}

static void card_without_driver(struct topology *t)
{
	replace(&t->nics[0].driver, NULL);
}

static const struct {
	void (*spoil)(struct topology *topology);
	const char *text;
} faults[] = {
	{ repeat_id, "domains: two have the id 'a'" },
	{ repeat_service_id, "services: two have the id 's'" },
	{ repeat_vcpu, "domains[1]: threads: two run vCPU 0" },
	{ leaf_outside, "domains[0]: vdisks[0]: leaves[1]: 2 is none of 2 disks" },
	{ leaves_descend, "leaves[1]: must ascend" },
	{ thread_vdisk_outside, "domains[0]: threads[2].vdisk: 1 is none of 1 vDISKs" },
	{ vcpu_below_all, "threads[0].vcpu: must be -2 or more" },
	{ client_domain_outside, "attachments[0]: client" },
	{ client_vdisk_outside, "attachments[0]: client" },
	{ client_service_outside, "attachments[1]: client" },
	{ provider_outside, "attachments[1]: provider: 2 is none of 2 services" },
	{ name_missing, "domains[1]: without an id or a name" },
	{ weight_not_a_number, "domains[1]: cpu_weight" },
	{ own_thread_outside, "attachments[1]: own_thread: 1 is none of 0 threads" },
	{ units_negative, "services[1]: idle_units" },
	{ role_unknown, "domains[1]: threads[0].role" },
	{ card_outside, "domains[1]: vnics[0]: leaves[0]: 1 is none of 1 nics" },
	{ vnic_without_name, "domains[1]: vnics[0]: without a name" },
	{ card_without_driver, "nics[0]: without a name, driver or model" },
};

static void test_check(void)
{
	struct topology *topology = example();
	struct error error = { "" };

	UNIT_EQUAL_I64(0, topology_check(topology, &error));
	UNIT_EQUAL_TEXT("", error.text);
	topology_unref(topology);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		topology = example();
		faults[i].spoil(topology);
		UNIT_EQUAL_I64(-EINVAL, topology_check(topology, &error));
		UNIT_CONTAINS(faults[i].text, error.text);
		UNIT_TRUE(topology_check(topology, NULL) == -EINVAL);
		topology_unref(topology);
	}
}

static void test_check_allows(void)
{
	struct topology *topology = example();

	topology->domains[0].threads[0].vcpu = VCPU_ALL; /* single-threaded TCG */
	topology->domains[0].threads[1].vcpu = VCPU_ALL;
	topology->domains[1].threads[1].vcpu = 255; /* numbers have holes after unplugging */
	replace(&topology->domains[0].name, "\xff\n%s");
	replace(&topology->domains[1].name, "\xff\n%s");
	UNIT_EQUAL_I64(0, topology_check(topology, NULL));
	topology_unref(topology);
}

/* --- equality -------------------------------------------------------------- */

static void note_changes(struct topology *t)
{
	replace(&t->notes[0], "libvirt: running");
}

static void state_changes(struct topology *t)
{
	t->domains[0].state = DOMAIN_PAUSED;
}

static void uuid_vanishes(struct topology *t)
{
	replace(&t->domains[0].uuid, NULL);
}

static void thread_ends(struct topology *t)
{
	t->domains[1].thread_count--;
}

static void thread_id_reused(struct topology *t)
{
	t->domains[1].threads[2].start_ticks++;
}

static void cpu_changes(struct topology *t)
{
	t->cpu.tsc_hz = 1;
}

static void disk_changes(struct topology *t)
{
	t->disks[1].size_bytes = 1;
}

static void link_goes_up(struct topology *t)
{
	t->nics[0].up = true;
}

static void vnic_hides(struct topology *t)
{
	t->domains[1].vnics[0].unseen = true;
}

static void file_is_opened_anew(struct topology *t)
{
	t->attachments[0].file.inode++;
}

static void (*const changes[])(struct topology *topology) = {
	note_changes,           state_changes,       uuid_vanishes, thread_ends, cpu_changes,
	disk_changes,           thread_id_reused,    leaf_outside,  repeat_id,   repeat_vcpu,
	client_service_outside, provider_outside,    link_goes_up,  vnic_hides,  card_outside,
	own_thread_outside,     file_is_opened_anew,
};

static void test_equal(void)
{
	struct topology *a = example(), *b = example();

	b->generation = 8;
	b->discovered_ns = 9;
	UNIT_TRUE(topology_equal(a, b));
	topology_unref(b);
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		b = example();
		changes[i](b);
		UNIT_TRUE(!topology_equal(a, b));
		UNIT_TRUE(!topology_equal(b, a));
		topology_unref(b);
	}
	topology_unref(a);
}

static void test_references(void)
{
	struct topology *topology = example();
	const struct topology *shared = topology_ref(topology);

	UNIT_TRUE(shared == topology);
	UNIT_EQUAL_U64(2, topology->references);
	topology_unref(topology);
	UNIT_EQUAL_U64(1, shared->references);
	UNIT_EQUAL_TEXT("b", shared->domains[1].id);
	topology_unref(shared);
	topology_unref(NULL);
	UNIT_TRUE(topology_ref(NULL) == NULL);
}

/* --- words ----------------------------------------------------------------- */

static void test_words(void)
{
	UNIT_EQUAL_TEXT("ended", domain_state_name(DOMAIN_ENDED));
	UNIT_EQUAL_I64(DOMAIN_PAUSED, domain_state_parse("paused"));
	UNIT_EQUAL_TEXT("vhost", thread_role_name(THREAD_VHOST));
	UNIT_EQUAL_TEXT("unknown", vdisk_backing_name(VDISK_UNKNOWN));
	UNIT_EQUAL_I64(-1, vdisk_backing_parse("Local"));
	UNIT_EQUAL_I64(DOMAIN_QEMU, domain_manager_parse("qemu"));
	UNIT_EQUAL_TEXT("cputime", cpu_source_name(CPU_SOURCE_CPUTIME));
	UNIT_EQUAL_I64(-1, cpu_source_parse(""));
	for (int role = 0; role <= THREAD_KVM; role++)
		UNIT_EQUAL_I64(role, thread_role_parse(thread_role_name((enum thread_role)role)));
	for (unsigned i = 0; i < QUALITY_COUNT; i++)
		UNIT_EQUAL_I64(1 << i, quality_parse(quality_name(i)));
	UNIT_EQUAL_TEXT("extrapolated", quality_name(7));
	UNIT_EQUAL_I64(QUALITY_GAP, quality_parse("gap"));
	UNIT_EQUAL_I64(-1, quality_parse("gaps"));
}

/* --- samples --------------------------------------------------------------- */

static void fill_sample(struct sample *sample)
{
	sample->domains[1].threads[2].count[7] = 1;
	sample->domains[1].vdisks[0].read_bytes = 1;
	sample->domains[1].total_source = TOTAL_CGROUP;
	sample->domains[0].total.at_ns = 1;
	sample->disks[1].at_ns = 1;
	sample->services[1].total.at_ns = 1;
	sample->attachments[1].at_ns = 1;
	sample->package_count = 1;
	sample->packages[0].total.at_ns = 1;
	sample->own.at_ns = 1;
	sample_add_issued(sample)->domain = 1;
	sample->seq = 5;
	sample->missed_ticks = 3;
	sample->end_ns = 1;
}

static void check_prepared(const struct sample *sample, const struct topology *topology)
{
	UNIT_EQUAL_U64(topology->generation, sample->generation);
	UNIT_EQUAL_U64(topology->domain_count, sample->domain_count);
	UNIT_EQUAL_U64(topology->disk_count, sample->disk_count);
	UNIT_EQUAL_U64(0, sample->issued_count);
	UNIT_EQUAL_U64(0, sample->package_count);
	UNIT_EQUAL_U64(0, sample->end_ns);
	UNIT_EQUAL_U64(0, sample->own.at_ns + sample->packages[0].total.at_ns);
	for (size_t i = 0; i < sample->domain_count; i++) {
		UNIT_EQUAL_U64(TOTAL_NONE, sample->domains[i].total_source);
		UNIT_EQUAL_U64(0, sample->domains[i].total.at_ns);
		for (size_t j = 0; j < topology->domains[i].thread_count; j++)
			UNIT_EQUAL_U64(0, sample->domains[i].threads[j].count[7]);
		UNIT_EQUAL_U64(0, sample->domains[i].vdisks[0].read_bytes);
	}
	for (size_t i = 0; i < sample->disk_count; i++)
		UNIT_EQUAL_U64(0, sample->disks[i].at_ns);
}

static void test_prepare(void)
{
	struct topology *topology = example(), *smaller = example(), *empty = topology_new();
	struct sample sample = { 0 };

	domain_clear(&smaller->domains[1]);
	smaller->domain_count = 1;
	smaller->attachment_count = 0;
	UNIT_EQUAL_I64(0, sample_prepare(&sample, topology));
	check_prepared(&sample, topology);
	fill_sample(&sample);
	UNIT_EQUAL_I64(0, sample_prepare(&sample, topology));
	check_prepared(&sample, topology);
	UNIT_EQUAL_U64(5, sample.seq);
	UNIT_EQUAL_U64(3, sample.missed_ticks);
	fill_sample(&sample);
	UNIT_EQUAL_I64(0, sample_prepare(&sample, smaller));
	check_prepared(&sample, smaller);
	UNIT_EQUAL_I64(0, sample_prepare(&sample, empty));
	UNIT_EQUAL_U64(0, sample.domain_count + sample.disk_count + sample.service_count);
	UNIT_EQUAL_I64(0, sample_prepare(&sample, topology));
	check_prepared(&sample, topology);
	sample_clear(&sample);
	sample_clear(&sample);
	topology_unref(topology);
	topology_unref(smaller);
	topology_unref(empty);
}

static void test_issued(void)
{
	struct topology *topology = example();
	struct sample sample = { 0 };

	sample_prepare(&sample, topology);
	for (size_t i = 0; i < 100; i++)
		sample_add_issued(&sample)->domain = i;
	UNIT_EQUAL_U64(100, sample.issued_count);
	UNIT_EQUAL_U64(99, sample.issued[99].domain);
	sample_prepare(&sample, topology);
	UNIT_EQUAL_U64(0, sample.issued_count);
	for (size_t i = 0; i < 3; i++) /* memory of the tick before */
		UNIT_EQUAL_U64(0, sample_add_issued(&sample)->domain);
	sample_clear(&sample);
	topology_unref(topology);
}

int main(void)
{
	return UNIT_RUN(
		"topology", { "check names what is out of bounds", test_check },
		{ "check allows odd names, holes and shared vCPU threads", test_check_allows },
		{ "equality sees each change, but not the generation", test_equal },
		{ "references keep a topology", test_references },
		{ "words are those of the contract", test_words },
		{ "prepare sizes and clears, and reuses", test_prepare },
		{ "issued readings start clear", test_issued });
}
