/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/hw/vm-double.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/hw/check.h"
#include "tests/hw/load.h"

static sem_t order;
static uint64_t vcpu_loops;

bool vm_double_is_called(const char *program)
{
	const char *slash = strrchr(program, '/');

	return strncmp(slash ? slash + 1 : program, "qemu-system-", strlen("qemu-system-")) == 0;
}

static void *run_vcpu(void *argument)
{
	for (;;) {
		while (sem_wait(&order))
			;
		load_burn(vcpu_loops);
	}
	return argument;
}

static uint64_t number_of(const char *variable)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 10) : 0;
}

/* Not by fork(3): what that does for the sake of other threads would be counted as well. */
static void burn_in_child(uint64_t loops)
{
	pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (child == 0) {
		load_burn(loops);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

int vm_double_run(void)
{
	uint64_t helper_loops = number_of("HELPER_LOOPS"), child_loops = number_of("CHILD_LOOPS");
	pthread_t vcpu;
	sigset_t set;
	int signal;

	vcpu_loops = number_of("LOOPS");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &set, NULL) || sem_init(&order, 0, 0) ||
	    pthread_create(&vcpu, NULL, run_vcpu, NULL) || pthread_setname_np(vcpu, "CPU 0/TCG"))
		check_die("double", "cannot start");
	while (sigwait(&set, &signal) == 0) {
		sem_post(&order);
		load_burn(helper_loops);
		if (child_loops)
			burn_in_child(child_loops);
	}
	return 1;
}
