/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The session's file: begun anew or taken up, then appended to phase by phase. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "calibrate/record/recorder.h"

#define BETWEEN_S 1.0 /* from the end of an earlier recording to what follows it */

static int failed(const struct recorder *recorder, int cause, struct error *error)
{
	return error_setf(error, cause, "%s: %s", recorder->setup->session_path,
			  strerrordesc_np(cause));
}

/* Whole and on the disk, or an error. Frees the text. */
static int append(const struct recorder *recorder, struct text *text, struct error *error)
{
	size_t done = 0;
	int result = text->failed ? error_setf(error, ENOMEM, "session: out of memory") : 0;

	while (!result && done < text->length) {
		ssize_t length = write(recorder->fd, text->bytes + done, text->length - done);

		if (length >= 0)
			done += (size_t)length;
		else if (errno != EINTR)
			result = failed(recorder, errno, error);
	}
	if (!result && fdatasync(recorder->fd) && errno != EINVAL)
		result = failed(recorder, errno, error);
	text_free(text);
	return result;
}

/* What a recording before has left is kept beside it. */
static int begin(struct recorder *recorder, struct error *error)
{
	const char *path = recorder->setup->session_path;
	struct text text = { 0 }, aside = { 0 };

	text_addf(&aside, "%s~", path);
	if (!aside.failed)
		rename(path, aside.bytes);
	text_free(&aside);
	recorder->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
	if (recorder->fd < 0)
		return failed(recorder, errno, error);
	session_print_head(recorder->session, &text);
	return append(recorder, &text, error);
}

/* --- an earlier recording -------------------------------------------------------------------- */

static int read_earlier(const struct recorder *recorder, struct session *earlier,
			struct error *error)
{
	const char *path = recorder->setup->session_path;
	char *text = NULL;
	struct rootfs real;
	int result = rootfs_open(&real, NULL, error);
	long length;

	if (result)
		return result;
	length = rootfs_read_allf(&real, &text, "%s", path);
	rootfs_close(&real);
	result = length < 0 ? (int)length : 0;
	if (result == -ENOENT)
		return result;
	if (result)
		return failed(recorder, -result, error);
	result = session_parse(path, text, (size_t)length, earlier, error);
	free(text);
	return result;
}

/* The newest moment that is known of. */
static uint64_t end_of(const struct session *session)
{
	uint64_t end_ns = 0;

	if (session->phases.count)
		end_ns = session->phases.items[session->phases.count - 1].end_ns;
	if (session->readings.count &&
	    session->readings.items[session->readings.count - 1].time_ns > end_ns)
		end_ns = session->readings.items[session->readings.count - 1].time_ns;
	return end_ns;
}

/* Its phases, samples and readings instead of those of the session, which has none. */
static void adopt(struct recorder *recorder, struct session *earlier)
{
	struct session *session = recorder->session;
	uint64_t now_ns = recorder_now_ns(recorder), end_ns = end_of(earlier);

	free(session->phases.items);
	free(session->samples.items);
	free(session->readings.items);
	session->phases.items = earlier->phases.items;
	session->phases.count = earlier->phases.count;
	session->phases.capacity = earlier->phases.capacity;
	session->samples.items = earlier->samples.items;
	session->samples.count = earlier->samples.count;
	session->samples.capacity = earlier->samples.capacity;
	session->readings.items = earlier->readings.items;
	session->readings.count = earlier->readings.count;
	session->readings.capacity = earlier->readings.capacity;
	earlier->phases.items = NULL;
	earlier->samples.items = NULL;
	earlier->readings.items = NULL;
	end_ns = recorder_after_ns(end_ns, BETWEEN_S);
	recorder->shift_ns = now_ns < end_ns ? end_ns - now_ns : 0;
	recorder->written_ns = end_ns;
}

/* The file is written again: what was cut short is then no longer in it. */
static int rewrite(struct recorder *recorder, struct error *error)
{
	struct text text = { 0 }, aside = { 0 };
	int result;

	text_addf(&aside, "%s.new", recorder->setup->session_path);
	if (aside.failed)
		return error_setf(error, ENOMEM, "session: out of memory");
	recorder->fd = open(aside.bytes, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
	if (recorder->fd < 0) {
		result = failed(recorder, errno, error);
		goto out;
	}
	session_print(recorder->session, &text);
	result = append(recorder, &text, error);
	if (!result && rename(aside.bytes, recorder->setup->session_path))
		result = failed(recorder, errno, error);
	if (result)
		unlink(aside.bytes);
out:
	text_free(&aside);
	return result;
}

static int take_up(struct recorder *recorder, struct error *error)
{
	struct session earlier = { 0 };
	int result = read_earlier(recorder, &earlier, error);

	if (result == -ENOENT)
		return begin(recorder, error);
	if (result)
		return result;
	result = record_compare(&earlier, recorder->session, error);
	if (!result)
		result = record_match(&earlier, recorder->setup->suite, recorder->is_done, error);
	if (result)
		error_prefixf(error, result, "%s cannot be resumed", recorder->setup->session_path);
	else
		adopt(recorder, &earlier);
	session_clear(&earlier);
	return result ? result : rewrite(recorder, error);
}

/* --- what the recorder calls -------------------------------------------------------------------
 */

int recorder_open_file(struct recorder *recorder, struct error *error)
{
	recorder->fd = -1;
	if (!recorder->setup->session_path)
		return 0;
	return recorder->setup->resume ? take_up(recorder, error) : begin(recorder, error);
}

int recorder_keep_phases(struct recorder *recorder, size_t first, struct error *error)
{
	const struct session *session = recorder->session;
	struct text text = { 0 };

	if (recorder->fd < 0)
		return 0;
	for (size_t i = first; i < session->phases.count; i++) {
		const struct session_phase *phase = &session->phases.items[i];

		session_print_readings(session, recorder->written_ns, phase->begin_ns, &text);
		session_print_phase(session, i, &text);
		recorder->written_ns = phase->end_ns;
	}
	return append(recorder, &text, error);
}

int recorder_keep_rest(struct recorder *recorder, struct error *error)
{
	struct text text = { 0 };

	if (recorder->fd < 0)
		return 0;
	session_print_readings(recorder->session, recorder->written_ns, UINT64_MAX, &text);
	return append(recorder, &text, error);
}

void recorder_close_file(struct recorder *recorder)
{
	if (recorder->fd >= 0)
		close(recorder->fd);
	recorder->fd = -1;
}
