/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "vmenergyd/helper-internal.h"

#define NS_PER_S UINT64_C(1000000000)
#define CONNECT_PAUSE_NS (NS_PER_S / 4) /* between two attempts to connect */
#define AGAIN_PAUSE_NS (NS_PER_S / 10)  /* where the actuator says "try again" */

struct job {
	struct job *next;
	struct verb verb;
	bool answered;  /* by the fail-safe: it is only done so that the actuator knows */
	bool abandoned; /* it need not be done any more */
	struct applied applied;
};
struct job_list {
	struct job *first, **end;
	size_t count;
};

struct worker {
	struct worker_options options;
	struct actuator_room room; /* the thread's */
	pthread_mutex_t lock;      /* guards all below */
	pthread_cond_t work;
	struct job_list waiting, finished;
	struct job *running;
	/* When what is still unanswered by the actuator was begun; 0 = it has answered all. */
	uint64_t asked_ns;
	bool says_again; /* it answers, but with -EAGAIN: its silence is none */
};

/* --- lists -------------------------------------------------------------------- */

static void list_init(struct job_list *list)
{
	*list = (struct job_list){ .end = &list->first };
}

static void list_append(struct job_list *list, struct job *job)
{
	job->next = NULL;
	*list->end = job;
	list->end = &job->next;
	list->count++;
}

/* The job that *link points to. */
static struct job *list_take(struct job_list *list, struct job **link)
{
	struct job *job = *link;

	*link = job->next;
	if (list->end == &job->next)
		list->end = link;
	list->count--;
	return job;
}

/* --- the thread ---------------------------------------------------------------- */

/* With the lock held, which is given up meanwhile. */
static void pause_before_retry(struct worker *worker, uint64_t pause_ns)
{
	uint64_t until = clock_now_ns() + pause_ns;
	struct timespec time = { .tv_sec = (time_t)(until / NS_PER_S),
				 .tv_nsec = (long)(until % NS_PER_S) };

	/* New work wakes it early, but must not hurry what is tried again. */
	while (clock_now_ns() < until)
		pthread_cond_timedwait(&worker->work, &worker->lock, &time);
}

/* One attempt; the lock is given up meanwhile. */
static int attempt(struct worker *worker, struct job *job, bool again)
{
	int result;

	worker->says_again = false;
	pthread_mutex_unlock(&worker->lock);
	if (again) {
		result = verb_write(&worker->room, worker->options.actuator, &job->verb);
	} else {
		verb_do(&worker->room, worker->options.actuator, &job->verb, &job->applied);
		result = job->applied.result;
	}
	pthread_mutex_lock(&worker->lock);
	worker->says_again = result == -EAGAIN;
	return result;
}

/* How long until the next attempt; 0 = there is none. */
static uint64_t pause_after(int result)
{
	return result == -ENOTCONN ? CONNECT_PAUSE_NS : result == -EAGAIN ? AGAIN_PAUSE_NS : 0;
}

/* Until the actuator answers, or the job is given up. Patience counts from the first attempt. */
static void run_job(struct worker *worker, struct job *job)
{
	uint64_t pause_ns;
	bool again;
	int result;

	do {
		if (!worker->asked_ns)
			worker->asked_ns = clock_now_ns();
		again = job->answered;
		result = attempt(worker, job, again);
		pause_ns = pause_after(result);
		if (!pause_ns)
			worker->asked_ns = 0;
		else if (!job->abandoned)
			pause_before_retry(worker, pause_ns);
		/* Without a pause: the fail-safe came in between, and what was read may be what
		 * that had written. */
	} while (!job->abandoned && (pause_ns || (result == 0 && job->answered && !again)));
	if (worker->says_again) /* the next one's trouble is another */
		worker->asked_ns = 0;
}

static void *run_worker(void *argument)
{
	struct worker *worker = argument;
	const uint64_t one = 1;

	pthread_mutex_lock(&worker->lock);
	for (;;) {
		while (!worker->waiting.first)
			pthread_cond_wait(&worker->work, &worker->lock);
		worker->running = list_take(&worker->waiting, &worker->waiting.first);
		run_job(worker, worker->running);
		list_append(&worker->finished, worker->running);
		worker->running = NULL;
		if (write(worker->options.wake_fd, &one, sizeof one) < 0)
			continue; /* it counts up to 2^64: cannot be full */
	}
	return NULL;
}

static int start_thread(struct worker *worker)
{
	pthread_condattr_t monotonic;
	sigset_t all, before;
	pthread_t thread;
	int result;

	pthread_mutex_init(&worker->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&worker->work, &monotonic);
	pthread_condattr_destroy(&monotonic);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&thread, NULL, run_worker, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!result) {
		pthread_setname_np(thread, worker->options.actuator->name);
		pthread_detach(thread);
	}
	return -result;
}

int worker_start(struct worker **started, const struct worker_options *options)
{
	struct worker *worker = calloc(1, sizeof *worker);
	int result;

	*started = NULL;
	if (!worker)
		return -ENOMEM;
	worker->options = *options;
	list_init(&worker->waiting);
	list_init(&worker->finished);
	result = actuator_room_open(&worker->room, options->room->root, options->room->dry_run,
				    NULL);
	worker->room.monitors = options->room->monitors;
	if (!result)
		result = start_thread(worker);
	if (result)
		free(worker);
	else
		*started = worker;
	return result;
}

/* --- the main thread: adding ---------------------------------------------------- */

static void answer(struct worker *worker, struct job *job, int result, const char *text)
{
	struct applied applied = { .seq = job->verb.seq,
				   .result = result,
				   .value.knob = job->verb.value.knob };

	if (job->answered)
		return;
	snprintf(applied.actuator, sizeof applied.actuator, "%s", worker->options.actuator->name);
	error_setf(&applied.error, -result, "%s: %s", job->verb.target.name, text);
	worker->options.answer(worker->options.context, &applied);
	job->answered = true;
}

static bool same_knob(const struct verb *a, const struct verb *b)
{
	return a->kind == VERB_SET && b->kind == VERB_SET && a->value.knob == b->value.knob &&
	       a->target.pid == b->target.pid && strcmp(a->target.id, b->target.id) == 0 &&
	       strcmp(a->target.vdisk, b->target.vdisk) == 0;
}

/* What `verb` makes needless. */
static void replace_older(struct worker *worker, const struct verb *verb)
{
	struct job *running = worker->running;

	for (struct job **link = &worker->waiting.first; *link;) {
		if (same_knob(&(*link)->verb, verb)) {
			struct job *job = list_take(&worker->waiting, link);

			answer(worker, job, -ECANCELED, "a newer setting replaces it");
			free(job);
		} else {
			link = &(*link)->next;
		}
	}
	if (running && running->answered && same_knob(&running->verb, verb))
		running->abandoned = true;
}

void worker_add(struct worker *worker, const struct verb *verb)
{
	struct job *job = calloc(1, sizeof *job), none = { .verb = *verb };

	pthread_mutex_lock(&worker->lock);
	replace_older(worker, verb);
	if (job && worker->waiting.count < WORKER_QUEUE_MAX) {
		job->verb = *verb;
		list_append(&worker->waiting, job);
		/* Already now: the main thread looks before the other one runs. */
		if (!worker->asked_ns)
			worker->asked_ns = clock_now_ns();
		pthread_cond_signal(&worker->work);
	} else {
		answer(worker, &none, job ? -EAGAIN : -ENOMEM, "too much waits already");
		free(job);
	}
	pthread_mutex_unlock(&worker->lock);
}

/* --- the main thread: serving --------------------------------------------------- */

static bool failsafe_serves(const struct verb *verb)
{
	return verb->target.manager == DOMAIN_LIBVIRT && verb->target.pid > 0 &&
	       verb->value.knob == KNOB_CPU && *verb->target.cpu_cgroup;
}

/* The actuator is silent. What is written past it shall reach it later: the job stays. */
static void give_up_waiting(struct worker *worker, struct job *job)
{
	struct applied applied;
	char text[64];

	if (job->answered)
		return;
	if (failsafe_serves(&job->verb)) {
		verb_do(worker->options.room, &actuator_cgroup, &job->verb, &applied);
		applied.by_failsafe = true;
		worker->options.answer(worker->options.context, &applied);
		job->answered = true;
		job->abandoned = job->verb.kind != VERB_SET || applied.result;
		return;
	}
	snprintf(text, sizeof text, "%s has not answered for %.3g s",
		 worker->options.actuator->name, (double)worker->options.patience_ns * 1e-9);
	answer(worker, job, -ETIMEDOUT, text);
	job->abandoned = true;
}

static bool is_silent(const struct worker *worker, uint64_t now_ns)
{
	return worker->asked_ns && now_ns >= worker->asked_ns + worker->options.patience_ns;
}

void worker_serve(struct worker *worker, uint64_t now_ns)
{
	struct job *job;

	pthread_mutex_lock(&worker->lock);
	while (worker->finished.first) {
		job = list_take(&worker->finished, &worker->finished.first);
		if (!job->answered)
			worker->options.answer(worker->options.context, &job->applied);
		free(job);
	}
	if (is_silent(worker, now_ns)) {
		if (worker->running)
			give_up_waiting(worker, worker->running);
		for (struct job **link = &worker->waiting.first; *link;) {
			give_up_waiting(worker, *link);
			if ((*link)->abandoned)
				free(list_take(&worker->waiting, link));
			else
				link = &(*link)->next;
		}
		if (worker->says_again)
			worker->asked_ns = 0;
	}
	pthread_mutex_unlock(&worker->lock);
}

static bool has_unanswered(const struct worker *worker)
{
	if (worker->running && !worker->running->answered)
		return true;
	for (const struct job *job = worker->waiting.first; job; job = job->next)
		if (!job->answered)
			return true;
	return false;
}

uint64_t worker_due_ns(struct worker *worker)
{
	uint64_t due = UINT64_MAX;

	pthread_mutex_lock(&worker->lock);
	if (worker->asked_ns && has_unanswered(worker))
		due = worker->asked_ns + worker->options.patience_ns;
	pthread_mutex_unlock(&worker->lock);
	return due;
}

bool worker_is_idle(struct worker *worker)
{
	bool idle;

	pthread_mutex_lock(&worker->lock);
	idle = !worker->finished.first && !has_unanswered(worker);
	pthread_mutex_unlock(&worker->lock);
	return idle;
}
