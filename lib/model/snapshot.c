/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/snapshot.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "model/words.h"

static const char *const idle_policy_words[] = {
	[IDLE_VCPU] = "vcpu",
	[IDLE_EQUAL] = "equal",
	[IDLE_SHARE] = "share",
	[IDLE_HOST] = "host",
};

const char *idle_policy_name(enum idle_policy policy)
{
	return words_name(idle_policy_words, WORDS_COUNT(idle_policy_words), policy);
}

int idle_policy_parse(const char *word)
{
	return words_parse(idle_policy_words, WORDS_COUNT(idle_policy_words), word);
}

/* --- memory ------------------------------------------------------------------------------- */

enum { BLOCK_BYTES = 16 * 1024 };

/* The newest first. A snapshot that is filled for each tick soon has one, large enough. */
struct snapshot_block {
	struct snapshot_block *next;
	size_t size, used; /* of bytes[] */
	_Alignas(max_align_t) char bytes[];
};

static struct snapshot_block *add_block(struct snapshot *snapshot, size_t least)
{
	size_t size = least > BLOCK_BYTES ? least : BLOCK_BYTES;
	struct snapshot_block *block = malloc(sizeof *block + size);

	if (!block)
		return NULL;
	*block = (struct snapshot_block){ .next = snapshot->memory, .size = size };
	snapshot->memory = block;
	return block;
}

void *snapshot_take(struct snapshot *snapshot, size_t bytes)
{
	struct snapshot_block *block = snapshot->memory;
	size_t unit = _Alignof(max_align_t), need;
	void *taken;

	if (bytes > PTRDIFF_MAX / 2)
		return NULL;
	need = (bytes + unit - 1) / unit * unit;
	if (!block || block->size - block->used < need)
		block = add_block(snapshot, block && block->size > need ? 2 * block->size : need);
	if (!block)
		return NULL;
	taken = block->bytes + block->used;
	block->used += need;
	return memset(taken, 0, bytes);
}

void snapshot_replace_text(struct snapshot *snapshot, char **text, const char *with)
{
	size_t bytes = strlen(with) + 1;
	char *fresh = NULL;

	if (!*text || strcmp(*text, with) != 0)
		fresh = snapshot_take(snapshot, bytes);
	if (fresh)
		*text = memcpy(fresh, with, bytes);
}

void snapshot_reset(struct snapshot *snapshot)
{
	struct snapshot_block *block = snapshot->memory;
	size_t used = 0;

	for (const struct snapshot_block *each = block; each; each = each->next)
		used += each->used;
	/* In pieces, or far too large: one of the size that was needed, and a little more. */
	if (block && (block->next || (block->size > BLOCK_BYTES && used < block->size / 4))) {
		snapshot_clear(snapshot);
		block = add_block(snapshot, used + used / 8);
	}
	if (block)
		block->used = 0;
	*snapshot = (struct snapshot){ .memory = block };
}

void snapshot_clear(struct snapshot *snapshot)
{
	while (snapshot->memory) {
		struct snapshot_block *block = snapshot->memory;

		snapshot->memory = block->next;
		free(block);
	}
	*snapshot = (struct snapshot){ 0 };
}
