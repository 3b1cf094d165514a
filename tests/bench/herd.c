/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * herd DOMAINS [BUSY [MILLISECONDS]] - processes that look like QEMU machines: 2 vCPU
 * threads, 4 helpers, 2 disks of their own. All sleep but the first vCPU of the
 * first BUSY machines, which runs for so many MILLISECONDS of CPU time (3) and sleeps for the
 * rest of 100; 100 and more: never sleeps.
 *
 * Prints "ready" when all are up; ends, with all of them, on SIGTERM, SIGINT or
 * SIGHUP, or when standard input or its parent ends. Exit status 0; 1: something failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STACK_BYTES = 64 * 1024, DISKS = 2, DISK_BYTES = 1 << 20 };
enum { PERIOD_MS = 100 };
#define BURST_MS "3"
enum { DOMAINS_MAX = 10000, PATIENCE_MS = 120000 };

/* In the environment of a machine: the descriptor that it writes a byte to; its milliseconds. */
#define READY_VARIABLE "HERD_READY"
#define BUSY_VARIABLE "HERD_BUSY"

/* --- one machine ----------------------------------------------------------- */

static const char *const thread_names[] = { "CPU 0/KVM",       "CPU 1/KVM", "IO iothread1",
					    "IO mon_iothread", "call_rcu",  "vnc_worker" };
enum { THREADS = sizeof thread_names / sizeof *thread_names };

static pthread_barrier_t all_up;
static long burst_ms; /* 0 = sleeps */

static void sleep_ms(long milliseconds)
{
	const struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

static double thread_cpu_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void run_bursts(void)
{
	for (;;) {
		double end_ms = thread_cpu_ms() + (double)burst_ms;

		while (thread_cpu_ms() < end_ms)
			;
		if (burst_ms < PERIOD_MS)
			sleep_ms(PERIOD_MS - burst_ms);
	}
}

static void *run_thread(void *name)
{
	prctl(PR_SET_NAME, name);
	pthread_barrier_wait(&all_up);
	if (burst_ms > 0 && name == (const void *)thread_names[0])
		run_bursts();
	for (;;)
		pause();
	return NULL;
}

static int run_machine(int ready)
{
	pthread_attr_t attributes;
	pthread_t thread;

	if (getenv(BUSY_VARIABLE))
		burst_ms = strtol(getenv(BUSY_VARIABLE), NULL, 10);
	prctl(PR_SET_NAME, "qemu-system-x86");
	pthread_barrier_init(&all_up, NULL, THREADS + 1);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	for (size_t i = 0; i < THREADS; i++) {
		union {
			const char *name;
			void *argument;
		} name = { thread_names[i] };

		if (pthread_create(&thread, &attributes, run_thread, name.argument))
			return 1;
	}
	pthread_barrier_wait(&all_up);
	if (write(ready, "", 1) != 1)
		return 1;
	close(ready);
	for (;;)
		pause();
}

/* --- all of them ----------------------------------------------------------- */

struct herd {
	char folder[PATH_MAX];
	unsigned wanted, busy, made;
	const char *burst_ms;
	int ready[2];
	pid_t *pids;
	pid_t own_pid;
	sigset_t signals, former;
	int signal_fd;
};

static int complain(const char *what)
{
	fprintf(stderr, "herd: %s: %s\n", what, strerror(errno));
	return 1;
}

static void disk_path(const struct herd *herd, unsigned domain, unsigned disk, char *path)
{
	snprintf(path, PATH_MAX + 64, "%s/%u-%u.img", herd->folder, domain, disk);
}

static int make_disks(const struct herd *herd, unsigned domain)
{
	char path[PATH_MAX + 64];

	for (unsigned i = 0; i < DISKS; i++) {
		int fd, result;

		disk_path(herd, domain, i, path);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0)
			return complain(path);
		result = ftruncate(fd, DISK_BYTES);
		close(fd);
		if (result)
			return complain(path);
	}
	return 0;
}

/* In the new process: become the machine, or end. */
static void become_machine(const struct herd *herd, unsigned domain)
{
	char name[64], uuid[64], system[PATH_MAX + 128], data[PATH_MAX + 128], ready[16];
	char path[PATH_MAX + 64];
	char *const arguments[] = { (char[]){ "qemu-system-x86_64" },
				    (char[]){ "-name" },
				    name,
				    (char[]){ "-machine" },
				    (char[]){ "q35,accel=kvm" },
				    (char[]){ "-m" },
				    (char[]){ "64" },
				    (char[]){ "-smp" },
				    (char[]){ "2" },
				    (char[]){ "-uuid" },
				    uuid,
				    (char[]){ "-object" },
				    (char[]){ "iothread,id=iothread1" },
				    (char[]){ "-drive" },
				    system,
				    (char[]){ "-drive" },
				    data,
				    (char[]){ "-device" },
				    (char[]){ "virtio-blk-pci,drive=data,iothread=iothread1" },
				    NULL };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != herd->own_pid)
		_exit(1);
	snprintf(name, sizeof name, "guest=herd-%04u,debug-threads=on", domain);
	snprintf(uuid, sizeof uuid, "00000000-0000-4000-8000-%012x", domain + 1);
	disk_path(herd, domain, 0, path);
	snprintf(system, sizeof system, "file=%s,if=virtio,format=raw", path);
	disk_path(herd, domain, 1, path);
	snprintf(data, sizeof data, "file=%s,if=none,id=data,format=raw,cache=none", path);
	snprintf(ready, sizeof ready, "%d", herd->ready[1]);
	setenv(READY_VARIABLE, ready, 1);
	if (domain < herd->busy)
		setenv(BUSY_VARIABLE, herd->burst_ms, 1);
	sigprocmask(SIG_SETMASK, &herd->former, NULL);
	execv("/proc/self/exe", arguments);
	_exit(1);
}

/* 0, or 1: told to end, or a machine has ended. */
static int wait_until_ready(const struct herd *herd)
{
	struct pollfd events[] = { { .fd = herd->ready[0], .events = POLLIN },
				   { .fd = herd->signal_fd, .events = POLLIN } };
	char bytes[64];

	for (unsigned ready = 0; ready < herd->made;) {
		int count = poll(events, 2, PATIENCE_MS);
		ssize_t got;

		if (count <= 0 || events[1].revents) {
			fprintf(stderr, "herd: only %u of %u machines are up\n", ready, herd->made);
			return 1;
		}
		got = read(herd->ready[0], bytes, sizeof bytes);
		if (got > 0)
			ready += (unsigned)got;
	}
	return 0;
}

static int start(struct herd *herd)
{
	for (unsigned i = 0; i < herd->wanted; i++) {
		pid_t pid;

		if (make_disks(herd, i))
			return 1;
		pid = fork();
		if (pid < 0)
			return complain("fork");
		if (pid == 0)
			become_machine(herd, i);
		herd->pids[herd->made++] = pid;
	}
	return wait_until_ready(herd);
}

static void end(struct herd *herd)
{
	char path[PATH_MAX + 64];

	for (unsigned i = 0; i < herd->made; i++)
		kill(herd->pids[i], SIGKILL);
	for (unsigned i = 0; i < herd->made; i++)
		waitpid(herd->pids[i], NULL, 0);
	for (unsigned i = 0; i < herd->wanted; i++)
		for (unsigned k = 0; k < DISKS; k++) {
			disk_path(herd, i, k, path);
			unlink(path);
		}
	rmdir(herd->folder);
	free(herd->pids);
}

/* From here on signals are read, not served; SIGCHLD tells of a machine that ended. */
static int prepare(struct herd *herd)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	const char *folder = getenv("TMPDIR");

	herd->own_pid = getpid();
	sigemptyset(&herd->signals);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		sigaddset(&herd->signals, numbers[i]);
	sigprocmask(SIG_BLOCK, &herd->signals, &herd->former);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	herd->signal_fd = signalfd(-1, &herd->signals, SFD_CLOEXEC);
	herd->pids = calloc(herd->wanted, sizeof *herd->pids);
	if (herd->signal_fd < 0 || !herd->pids || pipe(herd->ready) ||
	    fcntl(herd->ready[0], F_SETFD, FD_CLOEXEC))
		return complain("start");
	snprintf(herd->folder, sizeof herd->folder, "%s/herd-XXXXXX", folder ? folder : "/var/tmp");
	return mkdtemp(herd->folder) ? 0 : complain(herd->folder);
}

/* 0: told to end; 1: a machine has ended by itself. */
static int wait_for_end(const struct herd *herd)
{
	struct pollfd events[] = { { .fd = STDIN_FILENO, .events = POLLIN },
				   { .fd = herd->signal_fd, .events = POLLIN } };
	struct signalfd_siginfo info;
	char bytes[64];

	for (;;) {
		if (poll(events, 2, -1) < 0)
			return complain("poll");
		if (events[1].revents)
			break;
		if (events[0].revents && read(STDIN_FILENO, bytes, sizeof bytes) <= 0)
			return 0;
	}
	if (read(herd->signal_fd, &info, sizeof info) != sizeof info)
		return complain("signals");
	return info.ssi_signo == SIGCHLD;
}

static int run_herd(struct herd *herd)
{
	int result = prepare(herd);

	if (!result)
		result = start(herd);
	if (!result) {
		puts("ready");
		fflush(stdout);
		result = wait_for_end(herd);
	}
	end(herd);
	return result;
}

int main(int argc, char **argv)
{
	const char *ready = getenv(READY_VARIABLE);
	struct herd herd = { 0 };

	if (ready)
		return run_machine((int)strtol(ready, NULL, 10));
	if (argc >= 2 && argc <= 4) {
		herd.wanted = (unsigned)strtoul(argv[1], NULL, 10);
		herd.busy = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
		herd.burst_ms = argc > 3 ? argv[3] : BURST_MS;
	}
	if (!herd.wanted || herd.wanted > DOMAINS_MAX) {
		fprintf(stderr, "usage: herd DOMAINS [BUSY [MILLISECONDS]]   (at most %d)\n",
			DOMAINS_MAX);
		return 2;
	}
	return run_herd(&herd);
}
