/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/attachment.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "probe/file-requests.h"
#include "probe/io-file.h"
#include "probe/io-workers.h"
#include "probe/kept.h"
#include "probe/submit.h"

struct submitter {
	struct submit_of of;
	uint64_t start_ticks; /* of the process */
	struct kept_file io;
	struct io_workers workers; /* of a thread */
	struct submit submit;
	struct io_reading last; /* at_ns 0 = none yet */
};

struct attachment_probe {
	struct kept_files files;
	struct submitter *items; /* parallel to the topology's attachments */
	size_t count;
	uint64_t generation;
	int tracepoint; /* its id; 0 = not looked for, or not to be had */
	bool looked;
	struct file_requests *asked; /* NULL = no attachment needs it, or it cannot be opened */
	bool tried;                  /* to open it: not again at each topology */
	struct text note;
	bool said; /* there: why no requests of a thread or process are counted */
};

int attachment_probe_open(struct attachment_probe **out, const struct rootfs *root)
{
	*out = calloc(1, sizeof **out);
	if (!*out)
		return -ENOMEM;
	kept_files_init(&(*out)->files, root);
	return 0;
}

static void close_all(struct submitter *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		kept_close(&items[i].io);
		io_workers_close(&items[i].workers);
		submit_close(&items[i].submit);
	}
	free(items);
}

void attachment_probe_close(struct attachment_probe *probe)
{
	if (!probe)
		return;
	close_all(probe->items, probe->count);
	file_requests_close(probe->asked);
	text_free(&probe->note);
	free(probe);
}

const char *attachment_probe_note(const struct attachment_probe *probe)
{
	return probe->note.length > 0 ? probe->note.bytes : NULL;
}

/* --- following ---------------------------------------------------------------- */

static bool is_same(const struct submitter *a, const struct submitter *b)
{
	return a->of.pid == b->of.pid && a->of.tid == b->of.tid && a->of.major == b->of.major &&
	       a->of.minor == b->of.minor && a->start_ticks == b->start_ticks;
}

/* What is open moves over: it stays with its thread, whoever has the number. */
static bool take_old(struct attachment_probe *probe, struct submitter *new)
{
	for (size_t i = 0; i < probe->count; i++) {
		struct submitter *old = &probe->items[i];

		if (!old->io.path || !is_same(old, new))
			continue;
		*new = *old;
		*old = (struct submitter){ 0 };
		return true;
	}
	return false;
}

static void add_note(struct attachment_probe *probe, const char *what, const char *reason)
{
	text_addf(&probe->note, "%s%s are not counted: %s", probe->note.length > 0 ? "; " : "",
		  what, reason);
}

/* The reason that was found first is said. */
static void say(struct attachment_probe *probe, const char *reason)
{
	if (!probe->said)
		add_note(probe, "requests that services hand in", reason);
	probe->said = true;
}

static void open_requests(struct attachment_probe *probe, struct submitter *submitter)
{
	struct error error;

	if (!probe->looked) {
		probe->looked = true;
		probe->tracepoint = submit_find(probe->files.root, &error);
		if (probe->tracepoint < 0)
			say(probe, error.text);
	}
	if (probe->tracepoint > 0 && submitter->of.major &&
	    submit_open(&submitter->submit, probe->files.root, probe->tracepoint, &submitter->of,
			&error))
		say(probe, error.text);
}

static void open_submitter(struct attachment_probe *probe, struct submitter *submitter)
{
	int pid = (int)submitter->of.pid, tid = (int)submitter->of.tid;

	if (!tid) {
		kept_open(&probe->files, &submitter->io, "/proc/%d/io", pid);
	} else {
		kept_open(&probe->files, &submitter->io, "/proc/%d/task/%d/io", pid, tid);
		io_workers_open(&submitter->workers, &probe->files, pid, tid);
	}
	open_requests(probe, submitter);
}

static void open_asked(struct attachment_probe *probe)
{
	struct error error;

	if (probe->tried)
		return;
	probe->tried = true;
	if (file_requests_open(&probe->asked, probe->files.root, &error))
		add_note(probe, "requests of exports that share a thread", error.text);
}

static int follow_files(struct attachment_probe *probe, const struct topology *topology)
{
	struct attachment_file *files = calloc(topology->attachment_count + 1, sizeof *files);
	size_t count = 0;
	int result = 0;

	if (!files)
		return -ENOMEM;
	for (size_t i = 0; i < topology->attachment_count; i++)
		if (topology->attachments[i].file.pid)
			files[count++] = topology->attachments[i].file;
	if (count > 0) {
		open_asked(probe);
	} else if (probe->asked) {
		file_requests_close(probe->asked);
		probe->asked = NULL;
		probe->tried = false;
	}
	if (probe->asked)
		result = file_requests_follow(probe->asked, files, count);
	free(files);
	return result;
}

int attachment_probe_follow(struct attachment_probe *probe, const struct topology *topology)
{
	struct submitter *items = calloc(topology->attachment_count + 1, sizeof *items);

	if (!items || follow_files(probe, topology)) {
		free(items);
		return -ENOMEM;
	}
	for (size_t i = 0; i < topology->attachment_count; i++) {
		const struct attachment *attachment = &topology->attachments[i];
		const struct service *service = topology_service(topology, attachment->pid);

		items[i].of = (struct submit_of){ attachment->pid, attachment->tid,
						  attachment->major, attachment->minor };
		items[i].start_ticks = service ? service->start_ticks : 0;
		if (attachment->pid && !take_old(probe, &items[i]))
			open_submitter(probe, &items[i]);
	}
	close_all(probe->items, probe->count);
	probe->items = items;
	probe->count = topology->attachment_count;
	probe->generation = topology->generation;
	return 0;
}

/* --- reading ------------------------------------------------------------------ */

/*
 * What the block layer's throttle holds back, a worker of its own hands on: its bytes are the
 * task's, its requests are not. So where bytes move without requests, those are not known.
 */
static bool is_held_back(const struct io_reading *last, const struct io_reading *now)
{
	return last->at_ns > 0 &&
	       ((now->read_bytes > last->read_bytes && now->read_requests == last->read_requests) ||
		(now->write_bytes > last->write_bytes &&
		 now->write_requests == last->write_requests));
}

static int read_submitter(struct attachment_probe *probe, struct submitter *submitter,
			  struct io_reading *io)
{
	uint64_t counts[SUBMIT_DIRECTIONS];
	int result;

	if (io_file_read(&probe->files, &submitter->io, io)) {
		*io = (struct io_reading){ .quality = QUALITY_MISSING };
		return 0;
	}
	result = io_workers_add(&submitter->workers, &probe->files, io);
	if (submitter->submit.count == 0 || submit_read(&submitter->submit, counts))
		return result;
	io->read_requests = counts[SUBMIT_READ];
	io->write_requests = counts[SUBMIT_WRITE];
	io->has_requests = !is_held_back(&submitter->last, io);
	submitter->last = *io;
	return result;
}

int attachment_probe_read(struct attachment_probe *probe, const struct topology *topology,
			  struct sample *sample)
{
	int result = 0;

	if (probe->generation != topology->generation || probe->count != topology->attachment_count)
		return -EINVAL;
	if (probe->asked)
		file_requests_read(probe->asked);
	for (size_t i = 0; i < probe->count && !result; i++) {
		if (probe->items[i].of.pid)
			result = read_submitter(probe, &probe->items[i], &sample->attachments[i]);
		else if (probe->asked && topology->attachments[i].file.pid)
			file_requests_find(probe->asked, &topology->attachments[i].file,
					   &sample->attachments[i]);
	}
	return result;
}
