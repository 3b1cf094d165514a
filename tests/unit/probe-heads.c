/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The host's own processes and kernel threads, by name, on this machine. */
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/proc.h"
#include "probe/head-name.h"
#include "probe/heads.h"
#include "tests/unit/perf-scene.h"
#include "vmenergyd/rights.h"

struct host_scene {
	struct rootfs root;
	struct heads *heads;
	struct topology topology;
	struct domain domain;
	struct sample sample;
};

static void host_open(struct host_scene *scene)
{
	struct error error = { "" };

	*scene = (struct host_scene){ .domain = { .id = none, .name = none } };
	scene->topology.domains = &scene->domain;
	rootfs_open(&scene->root, NULL, &error);
	UNIT_EQUAL_I64(0, heads_open(&scene->heads, &scene->root, false, NULL, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_I64(0, heads_follow(scene->heads, &scene->topology));
}

static void host_close(struct host_scene *scene)
{
	heads_close(scene->heads);
	sample_clear(&scene->sample);
	rootfs_close(&scene->root);
}

static void host_read(struct host_scene *scene)
{
	UNIT_EQUAL_I64(0, sample_prepare(&scene->sample, &scene->topology));
	UNIT_EQUAL_I64(0, heads_read(scene->heads, &scene->sample));
}

/* Cumulative; 0 where the name has not been heard of. */
static uint64_t head_ns(const struct host_scene *scene, const char *name)
{
	for (size_t i = 0; i < scene->sample.head_count; i++)
		if (strcmp(scene->sample.heads[i].name, name) == 0)
			return scene->sample.heads[i].cpu.count[0];
	return 0;
}

enum { ANSWER_NS = 2000000 };

/*
 * All threads of it, one that has ended, too: what the child itself says, within 1 %,
 * and what it takes to say so.
 */
static void test_a_process_has_its_time(void)
{
	struct host_scene scene;
	struct child child;
	struct used first, last;
	uint64_t before_ns, used_ns;

	child_start_as(&child, "heads-one");
	host_open(&scene);
	host_read(&scene);
	first = child_do(&child, 'h');
	host_read(&scene);
	before_ns = head_ns(&scene, "heads-one");
	child_do(&child, 'e');
	last = child_do(&child, 'b');
	host_read(&scene);
	used_ns = last.process_ns - first.process_ns;
	check_between(used_ns / 100 * 99 - ANSWER_NS, used_ns / 100 * 101 + ANSWER_NS,
		      head_ns(&scene, "heads-one") - before_ns, "time on a CPU");
	child_end(&child);
	host_close(&scene);
}

/* Those that ended between readings stay counted, and so do those that nobody saw. */
static void test_what_ended_stays_counted(void)
{
	struct host_scene scene;
	struct child seen, unseen;
	uint64_t one_ns;

	host_open(&scene);
	host_read(&scene);
	child_start_as(&seen, "heads-seen");
	child_do(&seen, 'b');
	host_read(&scene);
	one_ns = head_ns(&scene, "heads-seen");
	check_between(BURN_NS, 2 * BURN_NS, one_ns, "time on a CPU");
	child_do(&seen, 'b');
	child_start_as(&unseen, "heads-unseen");
	child_do(&unseen, 'b');
	child_end(&seen);
	child_end(&unseen);
	host_read(&scene);
	if (heads_note(scene.heads)) {
		fprintf(stderr, "(%s) ", heads_note(scene.heads));
		UNIT_TRUE(head_ns(&scene, "heads-seen") >= one_ns);
	} else {
		check_between(2 * BURN_NS / 100 * 95, 4 * BURN_NS, head_ns(&scene, "heads-seen"),
			      "time on a CPU");
		check_between(BURN_NS / 100 * 95, 2 * BURN_NS, head_ns(&scene, "heads-unseen"),
			      "time on a CPU");
	}
	one_ns = head_ns(&scene, "heads-seen");
	host_read(&scene);
	UNIT_EQUAL_U64(one_ns, head_ns(&scene, "heads-seen"));
	host_close(&scene);
}

static void test_a_domain_is_no_head(void)
{
	struct host_scene scene;
	struct child child;
	uint64_t before_ns;

	host_open(&scene);
	host_read(&scene);
	child_start_as(&child, "heads-vm");
	child_do(&child, 'b');
	host_read(&scene);
	before_ns = head_ns(&scene, "heads-vm");
	UNIT_TRUE(before_ns >= BURN_NS);
	scene.domain.pid = child.pid;
	scene.topology.domain_count = 1;
	UNIT_EQUAL_I64(0, heads_follow(scene.heads, &scene.topology));
	child_do(&child, 'b');
	host_read(&scene);
	UNIT_EQUAL_U64(before_ns, head_ns(&scene, "heads-vm"));
	scene.topology.domain_count = 0; /* what it used as a domain is not a head's later */
	UNIT_EQUAL_I64(0, heads_follow(scene.heads, &scene.topology));
	host_read(&scene);
	UNIT_EQUAL_U64(before_ns, head_ns(&scene, "heads-vm"));
	child_do(&child, 'b');
	host_read(&scene);
	check_between(before_ns + BURN_NS, before_ns + 2 * BURN_NS, head_ns(&scene, "heads-vm"),
		      "time on a CPU");
	child_end(&child);
	host_close(&scene);
}

static bool write_number(const char *path, pid_t number)
{
	FILE *file = fopen(path, "r+e");
	bool done = file && fprintf(file, "%d\n", (int)number) > 0;

	return file && fclose(file) == 0 && done;
}

/* A cgroup with the child in it; its name below the mount, or NULL: none can be made. */
static const char *enclose(pid_t child, char folder[128])
{
	static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/cpuacct",
					      "/sys/fs/cgroup/cpu,cpuacct" };
	char procs[160];

	for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
		snprintf(folder, 128, "%s/vmenergy-heads-%d", mounts[i], (int)getpid());
		snprintf(procs, sizeof procs, "%s/cgroup.procs", folder);
		if (mkdir(folder, 0755) == 0 && write_number(procs, child))
			return folder + strlen(mounts[i]);
		rmdir(folder);
	}
	return NULL;
}

/* What libvirt puts into a domain's cgroup is in that total: it is not a head as well. */
static void test_who_works_beside_a_domain_is_no_head(void)
{
	struct host_scene scene;
	struct child child;
	char folder[128];
	const char *cgroup;
	uint64_t before_ns;

	child_start_as(&child, "heads-beside");
	cgroup = enclose(child.pid, folder);
	if (!cgroup) {
		fprintf(stderr, "(skipped: no cgroup can be made) ");
		child_end(&child);
		return;
	}
	host_open(&scene);
	host_read(&scene);
	child_do(&child, 'b');
	host_read(&scene);
	before_ns = head_ns(&scene, "heads-beside");
	UNIT_TRUE(before_ns >= BURN_NS);
	scene.domain.cgroup = strdup(cgroup);
	scene.topology.domain_count = 1;
	UNIT_EQUAL_I64(0, heads_follow(scene.heads, &scene.topology));
	child_do(&child, 'b');
	host_read(&scene);
	UNIT_EQUAL_U64(before_ns, head_ns(&scene, "heads-beside"));
	child_end(&child);
	free(scene.domain.cgroup);
	rmdir(folder);
	host_close(&scene);
}

static void test_we_are_no_head(void)
{
	struct host_scene scene;
	uint64_t before_ns;

	prctl(PR_SET_NAME, "heads-own");
	host_open(&scene);
	host_read(&scene);
	host_read(&scene);
	before_ns = head_ns(&scene, "heads-own");
	burn(NULL);
	host_read(&scene);
	UNIT_EQUAL_U64(before_ns, head_ns(&scene, "heads-own"));
	host_close(&scene);
}

/* Everybody's time is not more than the machine has. */
static void test_heads_are_within_the_machine(void)
{
	struct host_scene scene;
	uint64_t sum_ns = 0, from_ns, to_ns;

	host_open(&scene);
	from_ns = clock_now_ns();
	host_read(&scene);
	burn(NULL);
	host_read(&scene);
	to_ns = clock_now_ns();
	for (size_t i = 0; i < scene.sample.head_count; i++)
		sum_ns += scene.sample.heads[i].cpu.count[0];
	UNIT_TRUE(sum_ns <= (to_ns - from_ns) * (uint64_t)sysconf(_SC_NPROCESSORS_CONF));
	UNIT_TRUE(scene.sample.head_count >= 1);
	host_close(&scene);
}

static void test_another_root_has_no_heads(void)
{
	struct error error = { "" };
	struct rootfs root;
	struct heads *heads;

	rootfs_open(&root, unit_folder(), &error);
	UNIT_EQUAL_I64(-EOPNOTSUPP, heads_open(&heads, &root, false, NULL, &error));
	UNIT_TRUE(!heads);
	UNIT_CONTAINS("another root", error.text);
	rootfs_close(&root);
}

/* Without the right to: 0 = they have what was opened before, and cannot open it anew. */
static int use_what_was_opened(struct exits *exits, const struct rootfs *root)
{
	const struct rights_needs needs = { .groups = false };
	struct heads *with = NULL, *without = NULL;
	struct error error = { "" };
	int status = 1;

	if (!rights_drop(&needs, &error) && !heads_open(&with, root, false, exits, &error) &&
	    !heads_open(&without, root, false, exits, &error))
		status = heads_note(with) || exits->is_open || !heads_note(without);
	heads_close(with);
	heads_close(without);
	return status;
}

static void test_ends_are_heard_without_rights(void)
{
	struct error error = { "" };
	struct rootfs root;
	struct exits exits;
	int status = -1;
	pid_t child;

	rootfs_open(&root, NULL, &error);
	if (geteuid() != 0 || exits_open(&exits, &root, &error)) {
		fprintf(stderr, "(skipped: not root, or %s) ", error.text);
		rootfs_close(&root);
		return;
	}
	child = fork();
	if (child == 0)
		_exit(use_what_was_opened(&exits, &root));
	waitpid(child, &status, 0);
	UNIT_EQUAL_I64(0, status);
	exits_close(&exits);
	rootfs_close(&root);
}

int main(void)
{
	return UNIT_RUN(
		"heads",
		{ "a process has the time of all its threads, ended ones too",
		  test_a_process_has_its_time },
		{ "what ended between readings stays counted", test_what_ended_stays_counted },
		{ "a domain's process is no head, and was none meanwhile",
		  test_a_domain_is_no_head },
		{ "who works for a domain in its cgroup is no head",
		  test_who_works_beside_a_domain_is_no_head },
		{ "we ourselves are no head", test_we_are_no_head },
		{ "heads are within what the machine has", test_heads_are_within_the_machine },
		{ "another root has no heads", test_another_root_has_no_heads },
		{ "ends are heard by who opened that before giving up rights",
		  test_ends_are_heard_without_rights });
}
