/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * workload-process.c - a workload's processes: one for each thread, pinned to a CPU of its own,
 * each with a process group for what it starts itself.
 *
 * They end with us, however we end: the kernel kills a child whose parent is gone, and
 * stress-ng sees to its own workers in the same way.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calibrate/workload/caches.h"
#include "calibrate/workload/child.h"
#include "calibrate/workload/placement.h"
#include "calibrate/workload/workload-disk.h"

enum { TAIL_BYTES = 320 };

struct workload_process {
	const char *name;
	int output;   /* what children print, read end, not blocking; -1 = none */
	size_t count; /* of children that were started */
	pid_t pids[];
};

/* What there is to start. */
struct plan {
	unsigned *cpus; /* threads of them; NULL = one child that is not pinned */
	unsigned threads;
	struct child child;
	struct program_arguments arguments;
	char path[PROGRAM_PATH_BYTES];
};

static int plan_cpus(struct plan *plan, const struct workload_run *run, const struct rootfs *root,
		     struct error *error)
{
	struct placement_cpus cpus = { 0 };
	int result = placement_read(&cpus, root, error);

	if (!result && (run->threads == 0 || run->threads > cpus.count))
		result = error_setf(error, EINVAL, "%s: %u threads, there are %zu CPUs",
				    run->workload->name, run->threads, cpus.count);
	if (!result) {
		plan->cpus = calloc(cpus.count, sizeof *plan->cpus);
		result = plan->cpus ? placement_order(&cpus, run->placement, plan->cpus) : -ENOMEM;
		if (result)
			error_setf(error, ENOMEM, "%s: %s", run->workload->name,
				   strerrordesc_np(ENOMEM));
	}
	plan->threads = run->threads;
	placement_clear(&cpus);
	return result;
}

static int plan_program(struct plan *plan, const char *program, struct error *error)
{
	int result = plan->arguments.failed ? -ENOMEM : program_find(program, plan->path);

	if (result)
		return error_setf(error, -result, "%s: %s", program,
				  result == -ENOENT ? "is not installed"
						    : strerrordesc_np(-result));
	plan->child.path = plan->path;
	plan->child.arguments = plan->arguments.words;
	return 0;
}

static int plan_disk(struct plan *plan, const struct workload_run *run, struct error *error)
{
	const struct disk_job *job = run->disk_job ? disk_job_find(run->disk_job) : NULL;
	int result;

	if (!job || (job->pattern && !run->target))
		return error_setf(error, EINVAL, "%s: no such job of a disk, or no target",
				  run->disk_job ? run->disk_job : "?");
	plan->threads = job->pattern ? 1 : 0;
	result = disk_job_check(job, run->target, error);
	if (result || !job->pattern)
		return result;
	result = disk_job_arguments(job, run->target, &plan->arguments);
	if (result)
		return error_setf(error, -result, "%s: %s", run->target, strerrordesc_np(-result));
	return plan_program(plan, "fio", error);
}

static int plan_make(struct plan *plan, const struct workload_run *run, const struct rootfs *root,
		     struct error *error)
{
	const struct workload *workload = run->workload;
	struct caches caches;
	int result;

	plan->child.name = workload->name;
	plan->child.parent = getpid();
	switch (workload->kind) {
	case WORKLOAD_IDLE:
		return 0;
	case WORKLOAD_KERNEL:
		caches_read(&caches, root);
		plan->child.kernel = workload->kernel;
		plan->child.bytes = caches_share(&caches, workload->cache_level, run->threads);
		return plan_cpus(plan, run, root, error);
	case WORKLOAD_STRESS_NG:
		program_add(&plan->arguments, "stress-ng");
		program_add_words(&plan->arguments, workload->arguments);
		program_add_words(&plan->arguments, "--timeout 0 --no-rand-seed --quiet");
		result = plan_program(plan, "stress-ng", error);
		return result ? result : plan_cpus(plan, run, root, error);
	case WORKLOAD_FIO:
		return plan_disk(plan, run, error);
	}
	return error_setf(error, EINVAL, "%s: no such kind of workload", workload->name);
}

/* Signals wait meanwhile: in the child our handlers must not run. */
static int start_child(struct workload_process *process, const struct child *child,
		       struct error *error)
{
	sigset_t all, old;
	pid_t pid;
	int result = 0;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0)
		child_run(child);
	if (pid < 0)
		result = error_setf(error, errno, "%s: cannot start a process: %s", child->name,
				    strerrordesc_np(errno));
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (result)
		return result;
	process->pids[process->count++] = pid;
	setpgid(pid, pid); /* the child does it too: whoever comes first */
	return 0;
}

/* Until all have said that they are at work, which they do by closing their end. */
static int wait_ready(int ready, const char *name, struct error *error)
{
	char text[TAIL_BYTES];
	size_t length = 0;

	for (;;) {
		char rest[64];
		bool full = length == sizeof text - 1;
		ssize_t bytes = full ? read(ready, rest, sizeof rest)
				     : read(ready, text + length, sizeof text - 1 - length);

		if (bytes < 0 && errno == EINTR)
			continue;
		if (bytes <= 0)
			break;
		length += full ? 0 : (size_t)bytes;
	}
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return length > 0 ? error_setf(error, EIO, "%s: %s", name, text) : 0;
}

static int start_all(struct workload_process *process, struct plan *plan, struct error *error)
{
	int output[2] = { -1, -1 }, ready[2] = { -1, -1 };
	int result = 0;

	if (pipe2(output, O_CLOEXEC | O_NONBLOCK) || pipe2(ready, O_CLOEXEC))
		result = error_setf(error, errno, "%s: %s", process->name, strerrordesc_np(errno));
	process->output = output[0];
	plan->child.output = output[1];
	plan->child.ready = ready[1];
	for (unsigned i = 0; !result && i < plan->threads; i++) {
		plan->child.cpu = plan->cpus ? (int)plan->cpus[i] : -1;
		result = start_child(process, &plan->child, error);
	}
	if (output[1] >= 0)
		close(output[1]);
	if (ready[1] >= 0)
		close(ready[1]);
	if (!result)
		result = wait_ready(ready[0], process->name, error);
	if (ready[0] >= 0)
		close(ready[0]);
	return result;
}

static int run_plan(struct workload_process **process, struct plan *plan, struct error *error)
{
	struct workload_process *new = calloc(1, sizeof *new + plan->threads * sizeof *new->pids);
	int result = 0;

	if (!new)
		return error_setf(error, ENOMEM, "%s: %s", plan->child.name,
				  strerrordesc_np(ENOMEM));
	new->name = plan->child.name;
	new->output = -1;
	/* What stress-ng leaves when it is killed comes to us, to be reaped. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (plan->threads > 0)
		result = start_all(new, plan, error);
	if (result)
		workload_stop(new);
	else
		*process = new;
	return result;
}

int workload_start(struct workload_process **process, const struct workload_run *run,
		   const struct rootfs *root, struct error *error)
{
	struct plan plan = { .threads = 0 };
	int result;

	*process = NULL;
	result = plan_make(&plan, run, root, error);
	if (!result)
		result = run_plan(process, &plan, error);
	program_clear(&plan.arguments);
	free(plan.cpus);
	return result;
}

/* The end of what children printed: read all there is, so that the pipe does not fill up. */
static void read_output(const struct workload_process *process, char tail[TAIL_BYTES])
{
	size_t length = 0;
	char text[TAIL_BYTES];

	for (;;) {
		ssize_t bytes =
			process->output < 0 ? 0 : read(process->output, text, sizeof text - 1);
		size_t drop;

		if (bytes < 0 && errno == EINTR)
			continue;
		if (bytes <= 0)
			break;
		drop = length + (size_t)bytes >= TAIL_BYTES
			       ? length + (size_t)bytes - (TAIL_BYTES - 1)
			       : 0;
		memmove(tail, tail + drop, length - drop);
		length -= drop;
		memcpy(tail + length, text, (size_t)bytes);
		length += (size_t)bytes;
	}
	while (length > 0 && tail[length - 1] == '\n')
		length--;
	tail[length] = '\0';
	for (size_t i = 0; i < length; i++)
		if (tail[i] == '\n')
			tail[i] = ' ';
}

static int describe_end(const struct workload_process *process, const siginfo_t *info,
			struct error *error)
{
	char output[TAIL_BYTES], printable[TAIL_BYTES];
	const char *how = info->si_code == CLD_EXITED ? "with status" : "by signal";

	read_output(process, output);
	text_printable(output, printable, sizeof printable);
	return error_setf(error, ECHILD, "%s: ended by itself, %s %d%s%s", process->name, how,
			  info->si_status, printable[0] ? ": " : "", printable);
}

int workload_check(struct workload_process *process, struct error *error)
{
	for (size_t i = 0; i < process->count; i++) {
		siginfo_t info = { .si_pid = 0 };

		/* Left to be reaped when it is stopped: its number stays ours until then. */
		if (waitid(P_PID, (id_t)process->pids[i], &info, WEXITED | WNOHANG | WNOWAIT))
			return error_setf(error, ECHILD, "%s: is gone: %s", process->name,
					  strerrordesc_np(errno));
		if (info.si_pid != 0)
			return describe_end(process, &info, error);
	}
	return 0;
}

void workload_stop(struct workload_process *process)
{
	if (!process)
		return;
	for (size_t i = 0; i < process->count; i++)
		kill(-process->pids[i], SIGKILL);
	for (size_t i = 0; i < process->count; i++)
		while (waitpid(-process->pids[i], NULL, 0) > 0 || errno == EINTR)
			;
	if (process->output >= 0)
		close(process->output);
	free(process);
}
