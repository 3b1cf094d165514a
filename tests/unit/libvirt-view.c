/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Views, the list of known domains, and statistics. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "host/libvirt-view.h"
#include "tests/unit/unit.h"
#include "base/text.h"

static struct libvirt_domain sample_domain(const char *uuid)
{
	struct libvirt_domain domain = { .state = DOMAIN_RUNNING, .vcpus = 2, .cpu_shares = 1024 };

	domain.uuid = strdup(uuid);
	domain.name = strdup("a name");
	domain.owner = strdup("owner");
	domain.disk_count = 2;
	domain.disks = calloc(2, sizeof *domain.disks);
	for (size_t i = 0; i < 2; i++) {
		domain.disks[i].target = strdup(i ? "vdb" : "vda");
		domain.disks[i].type = strdup(i ? "volume" : "file");
		domain.disks[i].source = strdup(i ? "volume:p/v" : "/a");
	}
	return domain;
}

static void test_copy_is_deep(void)
{
	struct libvirt_domain domain = sample_domain("u"), copy;

	domain.disks[0].io.read_bytes = 5;
	UNIT_EQUAL_I64(0, libvirt_domain_copy(&copy, &domain));
	UNIT_TRUE(libvirt_domain_equal(&domain, &copy));
	UNIT_TRUE(copy.disks[0].target != domain.disks[0].target);
	UNIT_EQUAL_U64(5, copy.disks[0].io.read_bytes);
	libvirt_domain_clear(&domain);
	UNIT_EQUAL_TEXT("/a", copy.disks[0].source);
	UNIT_EQUAL_TEXT("owner", copy.owner);
	libvirt_domain_clear(&copy);
}

static void expect_change(struct libvirt_domain *domain, const struct libvirt_domain *other,
			  bool change)
{
	UNIT_EQUAL_U64(!change, libvirt_domain_equal(domain, other));
	libvirt_domain_clear(domain);
	*domain = sample_domain("u");
}

static void test_equality(void)
{
	struct libvirt_domain domain = sample_domain("u"), other = sample_domain("u");

	expect_change(&domain, &other, false);
	domain.disks[1].io.write_bytes = 9;
	expect_change(&domain, &other, false);
	domain.state = DOMAIN_PAUSED;
	expect_change(&domain, &other, true);
	domain.vcpus++;
	expect_change(&domain, &other, true);
	domain.disks[1].direct = true;
	expect_change(&domain, &other, true);
	text_replace(&domain.disks[1].source, "");
	expect_change(&domain, &other, true);
	text_replace(&domain.name, "other");
	expect_change(&domain, &other, true);
	text_replace(&domain.owner, NULL);
	expect_change(&domain, &other, true);
	text_replace(&domain.reason, "r");
	expect_change(&domain, &other, true);
	libvirt_disk_clear(&domain.disks[--domain.disk_count]);
	expect_change(&domain, &other, true);
	libvirt_domain_clear(&domain);
	libvirt_domain_clear(&other);
}

enum { HOLDERS = 4, TURNS = 200000 };

static void *hold_and_drop(void *view)
{
	for (unsigned i = 0; i < TURNS; i++)
		libvirt_view_unref(libvirt_view_ref(view));
	libvirt_view_unref(view);
	return NULL;
}

static void test_references(void)
{
	struct libvirt_view *view = libvirt_view_new("test:///x", 1);
	pthread_t holders[HOLDERS];

	view->domains[0] = sample_domain("u");
	for (unsigned i = 0; i < HOLDERS; i++) {
		libvirt_view_ref(view);
		pthread_create(&holders[i], NULL, hold_and_drop, view);
	}
	for (unsigned i = 0; i < HOLDERS; i++)
		pthread_join(holders[i], NULL);
	UNIT_EQUAL_U64(1, view->references);
	UNIT_EQUAL_TEXT("u", view->domains[0].uuid);
	libvirt_view_unref(view);
	libvirt_view_unref(NULL);
	UNIT_TRUE(libvirt_view_ref(NULL) == NULL);
}

static void test_clone(void)
{
	struct libvirt_view *view = libvirt_view_new("a", 1), *clone;

	view->domains[0] = sample_domain("u");
	view->generation = 7;
	view->lost_ns = 8;
	view->stats_seq = 9;
	clone = libvirt_view_clone(view, "b");
	UNIT_TRUE(libvirt_view_same_domains(view, clone));
	libvirt_view_unref(view);
	UNIT_EQUAL_TEXT("b", clone->uri);
	UNIT_EQUAL_U64(7, clone->generation);
	UNIT_EQUAL_U64(8, clone->lost_ns);
	UNIT_EQUAL_U64(9, clone->stats_seq);
	UNIT_EQUAL_U64(1, clone->references);
	libvirt_view_unref(clone);
	clone = libvirt_view_clone(NULL, "c");
	UNIT_EQUAL_U64(0, clone->domain_count);
	libvirt_view_unref(clone);
}

/* Random additions and sweeps against a plain table. */
static void test_known_list(void)
{
	uint64_t seed = 20240611, state = seed;
	struct libvirt_known_list list = { 0 };
	bool present[64] = { false };

	for (uint64_t round = 1; round <= 200; round++) {
		for (unsigned i = 0; i < 64; i++)
			present[i] = unit_random(&state) % 3 == 0;
		for (unsigned i = 0; i < 64; i++) {
			unsigned k = (i * 37) % 64;
			char uuid[8];

			snprintf(uuid, sizeof uuid, "u%02u", k);
			if (present[k])
				libvirt_known_get(&list, uuid)->seen = round;
		}
		libvirt_known_sweep(&list, round);
		for (unsigned k = 0, at = 0; k < 64; k++) {
			char uuid[8];

			snprintf(uuid, sizeof uuid, "u%02u", k);
			if (!present[k])
				continue;
			UNIT_TRUE(at < list.count);
			UNIT_EQUAL_TEXT(uuid, list.items[at++].domain.uuid);
		}
	}
	libvirt_known_clear(&list);
	UNIT_EQUAL_U64(0, list.count);
}

static void test_doubt(void)
{
	struct libvirt_known_list list = { 0 };

	for (const char *uuid = "ba"; *uuid; uuid++)
		libvirt_known_get(&list, uuid)->need_xml = false;
	UNIT_EQUAL_U64(2, list.count);
	libvirt_known_get(&list, "ba")->asked_ns = 5;
	libvirt_known_get(&list, "ba")->need_xml = false;
	libvirt_known_doubt(&list, "absent");
	UNIT_TRUE(!libvirt_known_get(&list, "a")->need_xml);
	libvirt_known_doubt(&list, "ba");
	UNIT_TRUE(libvirt_known_get(&list, "ba")->need_xml);
	UNIT_EQUAL_U64(0, libvirt_known_get(&list, "ba")->asked_ns);
	UNIT_TRUE(!libvirt_known_get(&list, "a")->need_xml);
	libvirt_known_doubt(&list, NULL);
	UNIT_TRUE(libvirt_known_get(&list, "a")->need_xml);
	libvirt_known_clear(&list);
}

struct figure_case {
	const char *name, *text;
	uint64_t number;
};

static void feed(struct libvirt_domain *domain, uint64_t at_ns, const struct figure_case *cases)
{
	struct libvirt_figures figures;

	libvirt_figures_begin(&figures, domain, at_ns);
	for (; cases->name; cases++)
		libvirt_figures_add(&figures, &(struct libvirt_figure){ .name = cases->name,
									.text = cases->text,
									.number = cases->number });
	libvirt_figures_end(&figures);
}

static void test_statistics(void)
{
	static const struct figure_case full[] = {
		{ "state.state", NULL, 1 },        { "vcpu.current", NULL, 3 },
		{ "vcpu.0.time", NULL, 99 },       { "block.count", NULL, 3 },
		{ "block.0.name", "vda", 0 },      { "block.0.path", "/other", 0 },
		{ "block.0.rd.reqs", NULL, 1 },    { "block.0.rd.bytes", NULL, 512 },
		{ "block.0.wr.reqs", NULL, 2 },    { "block.0.wr.bytes", NULL, UINT64_MAX },
		{ "block.0.fl.reqs", NULL, 4 },    { "block.1.name", "hdc", 0 },
		{ "block.1.rd.bytes", NULL, 7 },   { "block.1.wr.bytes", NULL, 7 },
		{ "block.12.rd.bytes", NULL, 8 },  { "block.12.wr.bytes", NULL, 9 },
		{ "block.12.path", "/pool/v", 0 }, { "block.12.name", "vdb", 0 },
		{ "block.x.name", "vda", 0 },      { "block.", "vda", 0 },
		{ "block.3", "vda", 0 },           { NULL, NULL, 0 },
	};
	struct libvirt_domain domain = sample_domain("u");

	feed(&domain, 1000, full);
	UNIT_EQUAL_U64(3, domain.vcpus);
	UNIT_EQUAL_U64(1000, domain.disks[0].io.at_ns);
	UNIT_EQUAL_U64(0, domain.disks[0].io.quality);
	UNIT_TRUE(domain.disks[0].io.has_requests);
	UNIT_EQUAL_U64(512, domain.disks[0].io.read_bytes);
	UNIT_EQUAL_U64(1, domain.disks[0].io.read_requests);
	UNIT_EQUAL_U64(2 + 4, domain.disks[0].io.write_requests); /* flushes are writes */
	UNIT_EQUAL_U64(UINT64_MAX, domain.disks[0].io.write_bytes);
	UNIT_EQUAL_TEXT("/a", domain.disks[0].source);
	UNIT_EQUAL_U64(1000, domain.disks[1].io.at_ns);
	UNIT_TRUE(!domain.disks[1].io.has_requests);
	UNIT_EQUAL_U64(9, domain.disks[1].io.write_bytes);
	UNIT_EQUAL_TEXT("/pool/v", domain.disks[1].source);
	libvirt_domain_clear(&domain);
}

/* With NOWAIT, libvirt names a busy domain's disks but does not count. */
static void test_partial_statistics(void)
{
	static const struct figure_case first[] = { { "block.0.name", "vda", 0 },
						    { "block.0.rd.bytes", NULL, 1 },
						    { "block.0.wr.bytes", NULL, 2 },
						    { NULL, NULL, 0 } };
	static const struct figure_case busy[] = { { "block.0.name", "vda", 0 },
						   { "block.0.rd.bytes", NULL, 9 },
						   { "block.1.name", "vdb", 0 },
						   { NULL, NULL, 0 } };
	struct libvirt_domain domain = sample_domain("u");

	feed(&domain, 1000, first);
	UNIT_EQUAL_U64(QUALITY_MISSING, domain.disks[1].io.quality);
	feed(&domain, 2000, busy);
	UNIT_EQUAL_U64(1000, domain.disks[0].io.at_ns);
	UNIT_EQUAL_U64(1, domain.disks[0].io.read_bytes);
	UNIT_EQUAL_U64(QUALITY_STALE, domain.disks[0].io.quality);
	UNIT_EQUAL_U64(0, domain.disks[1].io.at_ns);
	UNIT_EQUAL_U64(QUALITY_MISSING, domain.disks[1].io.quality);
	feed(&domain, 3000, first);
	UNIT_EQUAL_U64(3000, domain.disks[0].io.at_ns);
	UNIT_EQUAL_U64(0, domain.disks[0].io.quality);
	libvirt_domain_clear(&domain);
}

static bool moves(struct libvirt_domain *domain, const char *path)
{
	struct libvirt_figures figures;

	libvirt_figures_begin(&figures, domain, 1);
	libvirt_figures_add(&figures, &(struct libvirt_figure){ "block.0.name", "vda", 0 });
	if (path)
		libvirt_figures_add(&figures, &(struct libvirt_figure){ "block.0.path", path, 0 });
	libvirt_figures_end(&figures);
	return figures.moved;
}

static void test_media(void)
{
	struct libvirt_domain domain = sample_domain("u");

	UNIT_TRUE(!moves(&domain, NULL)); /* a driver that tells no paths */
	UNIT_TRUE(!moves(&domain, "/a")); /* as the definition says */
	UNIT_TRUE(!moves(&domain, "/a"));
	UNIT_TRUE(moves(&domain, NULL)); /* taken out */
	UNIT_TRUE(!moves(&domain, NULL));
	text_replace(&domain.disks[0].source, "");
	UNIT_TRUE(moves(&domain, "/b")); /* put in */
	UNIT_TRUE(!moves(&domain, "/b"));
	UNIT_TRUE(moves(&domain, "/c")); /* exchanged */
	libvirt_domain_clear(&domain);
}

int main(void)
{
	return UNIT_RUN(
		"libvirt-view", { "a copy of a domain shares nothing", test_copy_is_deep },
		{ "domains differ in what is known, not in what is counted", test_equality },
		{ "a view lives as long as anyone holds it", test_references },
		{ "a clone keeps everything but the address", test_clone },
		{ "the list is sorted and swept", test_known_list },
		{ "doubt is about one domain or all", test_doubt },
		{ "figures go to the disk of their name", test_statistics },
		{ "what a busy domain does not tell is stale or missing", test_partial_statistics },
		{ "a medium that comes or goes is noticed", test_media });
}
