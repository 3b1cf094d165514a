/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/events-count.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/perf-events.h"

enum { EXIT_NO_PROGRAM = 127 };

struct program {
	pid_t pid;
	int start; /* a byte to it, and it begins */
	unsigned opened;
	int fds[PERF_EVENTS_MAX];
};

/* --- the program's own counters ------------------------------------------------------------ */

/* Children are counted with it: groups cannot be, so each event is alone. */
static int open_event(const struct perf_code *code, pid_t pid)
{
	struct perf_event_attr attributes = {
		.type = code->type,
		.size = sizeof attributes,
		.config = code->config,
		.config1 = code->config1,
		.config2 = code->config2,
		.exclude_user = code->exclude_user,
		.exclude_kernel = code->exclude_kernel,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
		.disabled = true,
		.enable_on_exec = true,
		.inherit = true,
	};
	long fd = syscall(SYS_perf_event_open, &attributes, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

static int open_events(struct program *program, const struct session_pass *pass,
		       struct error *error)
{
	const char *names[PERF_EVENTS_MAX];
	struct perf_set set;
	int result;

	if (pass->event_count > PERF_EVENTS_MAX)
		return error_setf(error, EINVAL, "at most %d events at a time", PERF_EVENTS_MAX);
	for (unsigned i = 0; i < pass->event_count; i++)
		names[i] = pass->names[i];
	result = perf_set_resolve(&set, names, pass->event_count, error);
	for (; !result && program->opened < set.count; program->opened++) {
		int fd = open_event(&set.codes[program->opened], program->pid);

		if (fd < 0)
			return error_setf(error, -fd, "event %s: perf_event_open: %s",
					  names[program->opened], strerrordesc_np(-fd));
		program->fds[program->opened] = fd;
	}
	return result;
}

/* Not for a part of the time only: that would be a guess. */
static int read_events(const struct program *program, struct events_count *count,
		       struct error *error)
{
	for (unsigned i = 0; i < program->opened; i++) {
		struct {
			uint64_t value, enabled_ns, running_ns;
		} now;

		if (read(program->fds[i], &now, sizeof now) != sizeof now ||
		    now.running_ns < now.enabled_ns)
			return error_setf(error, ENOSPC,
					  "event %s: counters did not suffice for all CPUs and the "
					  "program together: ask for fewer events",
					  count->pass.names[i]);
		count->program[i] = now.value;
	}
	return 0;
}

/* --- the program ------------------------------------------------------------------------------ */

_Noreturn static void run_child(int start, char *const *argv)
{
	char go;

	if (read(start, &go, 1) == 1)
		execvp(argv[0], argv);
	_exit(EXIT_NO_PROGRAM);
}

static int fork_program(struct program *program, char *const *argv, struct error *error)
{
	int ends[2];

	if (pipe(ends))
		return error_setf(error, errno, "pipe: %s", strerror(errno));
	program->pid = fork();
	if (program->pid == 0) {
		close(ends[1]);
		run_child(ends[0], argv);
	}
	close(ends[0]);
	program->start = ends[1];
	return program->pid < 0 ? error_setf(error, errno, "fork: %s", strerror(errno)) : 0;
}

static int wait_for(struct program *program, struct events_count *count)
{
	int status;
	pid_t ended;

	do
		ended = waitpid(program->pid, &status, 0);
	while (ended < 0 && errno == EINTR);
	program->pid = -1;
	if (ended < 0)
		return -errno;
	count->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return 0;
}

static void end_program(struct program *program)
{
	close(program->start);
	if (program->pid > 0) {
		kill(program->pid, SIGKILL);
		waitpid(program->pid, NULL, 0);
	}
	while (program->opened > 0)
		close(program->fds[--program->opened]);
}

static int count_cpus(struct counters *counters, struct program *program,
		      struct events_count *count, struct error *error)
{
	struct session_sample before = { 0 }, after = { 0 };
	int result = counters_read(counters, &before, error);

	if (result)
		return result;
	if (write(program->start, "", 1) != 1)
		return error_setf(error, errno, "pipe: %s", strerror(errno));
	result = wait_for(program, count);
	if (result)
		return error_setf(error, -result, "waitpid: %s", strerrordesc_np(-result));
	result = counters_read(counters, &after, error);
	if (result)
		return result;
	if (before.quality | after.quality)
		return error_setf(error, EIO, "all CPUs: some of them could not be counted");
	for (unsigned i = 0; i < count->pass.event_count; i++)
		count->cpus[i] = after.count[i] - before.count[i];
	count->seconds = (double)(after.time_ns - before.time_ns) * 1e-9;
	return 0;
}

int events_count_run(struct events_count *count, struct counters *counters, char *const *argv,
		     struct error *error)
{
	struct program program = { .start = -1, .pid = -1 };
	int result = counters_choose(counters, &count->pass, error);

	if (result)
		return result;
	result = fork_program(&program, argv, error);
	if (!result)
		result = open_events(&program, &count->pass, error);
	if (!result)
		result = count_cpus(counters, &program, count, error);
	if (!result && count->status == EXIT_NO_PROGRAM)
		result = error_setf(error, ENOENT, "%s: cannot be run", argv[0]);
	if (!result)
		result = read_events(&program, count, error);
	end_program(&program);
	return result;
}
