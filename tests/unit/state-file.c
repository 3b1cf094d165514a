/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state on disk: whole, or as it was. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rootfs.h"
#include "vmenergyd/state.h"

static const char *path(const char *name)
{
	static char full[4][512];
	static unsigned turn;
	char *into = full[turn++ % 4];

	snprintf(into, sizeof full[0], "%s/%s", unit_folder(), name);
	return into;
}

static void make(struct state *state, size_t domains)
{
	char id[32];

	state_init(state);
	for (size_t i = 0; i < domains; i++) {
		snprintf(id, sizeof id, "domain-%zu", i);
		if (!state_domain_add(state, id))
			abort();
	}
}

static size_t loaded(const char *folder)
{
	struct state state;
	struct error error;
	size_t count = SIZE_MAX;

	if (state_load(folder, &state, &error) == 0)
		count = state.domain_count;
	state_clear(&state);
	return count;
}

static unsigned mode(const char *name)
{
	struct stat status;

	return stat(path(name), &status) ? 0 : status.st_mode & 07777;
}

static void test_save_and_load(void)
{
	struct state state;
	struct error error = { "" };
	mode_t old = umask(0);

	UNIT_EQUAL_I64(-ENOENT, state_load(path("a/b"), &state, &error));
	UNIT_EQUAL_U64(0, state.domain_count);
	state_clear(&state);
	make(&state, 3);
	UNIT_EQUAL_I64(0, state_save(path("a/b"), &state, &error));
	UNIT_EQUAL_U64(0600, mode("a/b/state.json"));
	UNIT_EQUAL_U64(0700, mode("a/b"));
	UNIT_EQUAL_U64(3, loaded(path("a/b")));
	state_domain_remove(&state, "domain-1");
	UNIT_EQUAL_I64(0, state_save(path("a/b"), &state, &error));
	UNIT_EQUAL_U64(2, loaded(path("a/b")));
	UNIT_EQUAL_I64(-1, access(path("a/b/state.json.new"), F_OK));
	state_clear(&state);
	umask(old);
}

static void test_bad_file_is_kept(void)
{
	struct state state;
	struct error error = { "" };

	unit_write_file("bad/state.json", "{\"format\":1,");
	UNIT_EQUAL_I64(-EINVAL, state_load(path("bad"), &state, &error));
	UNIT_CONTAINS("bad/state.json (kept as state.json.bad): line 1", error.text);
	UNIT_EQUAL_I64(0, access(path("bad/state.json.bad"), F_OK));
	UNIT_EQUAL_I64(-ENOENT, state_load(path("bad"), &state, &error));
	state_clear(&state);
	/* Nor can one be below a file. */
	UNIT_EQUAL_I64(-ENOENT, state_load(path("bad/state.json.bad/x"), &state, &error));
	state_clear(&state);
}

/* Who only reads leaves it where it is. */
static void test_reading_moves_nothing(void)
{
	struct state state;
	struct error error = { "" };

	unit_write_file("read/state.json", "{\"format\":1,");
	UNIT_EQUAL_I64(-EINVAL, state_read(path("read"), &state, &error));
	UNIT_EQUAL_I64(0, access(path("read/state.json"), F_OK));
	UNIT_EQUAL_I64(-1, access(path("read/state.json.bad"), F_OK));
	state_clear(&state);
}

static void test_unreadable_is_refused(void)
{
	struct state state;
	struct error error = { "" };

	make(&state, 1);
	UNIT_EQUAL_I64(0, state_save(path("refused"), &state, &error));
	state_domain_add(&state, "b")->target.vcpus = UINT32_MAX;
	UNIT_EQUAL_I64(-EINVAL, state_save(path("refused"), &state, &error));
	UNIT_CONTAINS("refused/state.json is not replaced", error.text);
	UNIT_EQUAL_U64(1, loaded(path("refused")));
	state_clear(&state);
}

static void test_what_was_saved(void)
{
	struct state state;
	struct error error = { "" };
	struct rootfs root = { .prefix = unit_literal("") };
	struct text text = { 0 };
	char *kept, *file = NULL;

	make(&state, 2);
	UNIT_EQUAL_I64(0, state_save_text(path("told"), &state, &text, &error));
	UNIT_TRUE(rootfs_read_allf(&root, &file, "%s/state.json", path("told")) > 0);
	UNIT_EQUAL_TEXT(file, text.bytes);
	kept = text.bytes;
	state_domain_add(&state, "b")->target.vcpus = UINT32_MAX;
	UNIT_EQUAL_I64(-EINVAL, state_save_text(path("told"), &state, &text, &error));
	UNIT_TRUE(text.bytes == kept);
	UNIT_EQUAL_TEXT(file, text.bytes);
	free(file);
	text_free(&text);
	state_clear(&state);
}

static void test_lock(void)
{
	struct error error = { "" };
	int lock = state_lock(path("locked"), &error);

	UNIT_TRUE(lock >= 0);
	UNIT_EQUAL_I64(-EBUSY, state_lock(path("locked"), &error));
	UNIT_CONTAINS("locked/lock: another vmenergyd holds it", error.text);
	state_unlock(lock);
	lock = state_lock(path("locked"), &error);
	UNIT_TRUE(lock >= 0);
	state_unlock(lock);
}

/* Killed while it was written beside: the old one holds, and the next save is not in the way. */
static void test_killed_before_rename(void)
{
	struct state state;
	struct error error = { "" };

	make(&state, 2);
	UNIT_EQUAL_I64(0, state_save(path("killed"), &state, &error));
	unit_write_file("killed/state.json.new", "{\"format\":1,\"domains\":[{\"id\":\"x");
	UNIT_EQUAL_U64(2, loaded(path("killed")));
	state_domain_remove(&state, "domain-0");
	UNIT_EQUAL_I64(0, state_save(path("killed"), &state, &error));
	UNIT_EQUAL_U64(1, loaded(path("killed")));
	UNIT_EQUAL_I64(-1, access(path("killed/state.json.new"), F_OK));
	state_clear(&state);
}

static void test_link_is_not_followed(void)
{
	struct state state;
	struct error error = { "" };

	make(&state, 1);
	unit_write_file("victim", "precious");
	UNIT_EQUAL_I64(0, state_save(path("link"), &state, &error));
	UNIT_EQUAL_I64(0, symlink(path("victim"), path("link/state.json.new")));
	UNIT_TRUE(state_save(path("link"), &state, &error) != 0);
	UNIT_EQUAL_U64(8, (uint64_t)({
			       struct stat status;
			       stat(path("victim"), &status) ? 0 : status.st_size;
		       }));
	state_clear(&state);
}

static void test_full_disk(void)
{
	struct state small, large;
	struct error error = { "" };
	const char *folder = path("full");

	unit_write_file("full/x", "");
	if (mount("none", folder, "tmpfs", 0, "size=64k")) {
		fprintf(stderr, "full disk not tried: %s (needs root)\n", strerror(errno));
		return;
	}
	make(&small, 2);
	make(&large, 2000);
	UNIT_EQUAL_I64(0, state_save(path("full"), &small, &error));
	UNIT_EQUAL_I64(-ENOSPC, state_save(path("full"), &large, &error));
	UNIT_CONTAINS("full/state.json: No space left on device", error.text);
	UNIT_EQUAL_U64(2, loaded(path("full")));
	UNIT_EQUAL_I64(-1, access(path("full/state.json.new"), F_OK));
	UNIT_EQUAL_I64(0, state_save(path("full"), &small, &error));
	UNIT_EQUAL_I64(0, umount(path("full")));
	state_clear(&small);
	state_clear(&large);
}

static void test_no_folder(void)
{
	struct state state;
	struct error error = { "" };

	make(&state, 1);
	unit_write_file("file", "x");
	UNIT_EQUAL_I64(-ENOTDIR, state_save(path("file"), &state, &error));
	UNIT_CONTAINS("file/state.json: Not a directory", error.text);
	state_clear(&state);
}

int main(void)
{
	return UNIT_RUN(
		"state-file",
		{ "a state is saved for its owner alone and loaded", test_save_and_load },
		{ "a file that does not parse is kept beside", test_bad_file_is_kept },
		{ "who only reads a bad file leaves it there", test_reading_moves_nothing },
		{ "what could not be read back does not replace the file",
		  test_unreadable_is_refused },
		{ "who saves learns what stands in the file", test_what_was_saved },
		{ "one at a time holds the state", test_lock },
		{ "a kill before the rename leaves the old state", test_killed_before_rename },
		{ "a link in the way is not followed", test_link_is_not_followed },
		{ "disk full: the old state stays", test_full_disk },
		{ "a folder that is none is said", test_no_folder });
}
