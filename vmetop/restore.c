/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/restore.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* All that end a program but for those that wait.h takes; first those that an instruction raises.
 */
static const int crash_signals[] = { SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP,   SIGSYS,
				     SIGABRT, SIGQUIT, SIGXCPU, SIGXFSZ, SIGALRM,   SIGUSR1,
				     SIGUSR2, SIGPROF, SIGPOLL, SIGPWR,  SIGVTALRM, SIGSTKFLT };
enum { FAULTS = 6 };
enum { CRASH_SIGNALS = sizeof crash_signals / sizeof *crash_signals, STACK_BYTES = 65536 };

static struct {
	struct termios modes;
	char sequence[256];
	size_t length;
	struct sigaction before[CRASH_SIGNALS];
	stack_t stack_before;
} kept;
static char crash_stack[STACK_BYTES] __attribute__((aligned(16))); /* a full stack has none left */

/* What the processor found comes again when the instruction does. */
static bool comes_again(int number, const siginfo_t *info)
{
	for (size_t i = 0; i < FAULTS; i++)
		if (crash_signals[i] == number)
			return info->si_code > 0;
	return false;
}

/* Calls nothing that signal-safety(7) does not allow. */
static void crash(int number, siginfo_t *info, void *context)
{
	(void)context;
	for (size_t i = 0; i < CRASH_SIGNALS; i++)
		sigaction(crash_signals[i], &kept.before[i], NULL);
	for (size_t at = 0; at < kept.length;) {
		ssize_t written = write(STDOUT_FILENO, kept.sequence + at, kept.length - at);

		if (written <= 0)
			break;
		at += (size_t)written;
	}
	tcsetattr(STDIN_FILENO, TCSANOW, &kept.modes);
	/* It stays blocked until we return. */
	if (!comes_again(number, info))
		raise(number);
}

int restore_keep(void)
{
	return tcgetattr(STDIN_FILENO, &kept.modes) ? -errno : 0;
}

void restore_arm(const char *sequence)
{
	/* All signals wait: SIGTTOU would stop tcsetattr() of a program in the background. */
	struct sigaction action = { .sa_sigaction = crash, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t stack = { .ss_sp = crash_stack, .ss_size = sizeof crash_stack };

	sigfillset(&action.sa_mask);
	kept.length = strnlen(sequence, sizeof kept.sequence);
	memcpy(kept.sequence, sequence, kept.length);
	sigaltstack(&stack, &kept.stack_before);
	for (size_t i = 0; i < CRASH_SIGNALS; i++) {
		sigaction(crash_signals[i], NULL, &kept.before[i]);
		if (kept.before[i].sa_handler != SIG_IGN)
			sigaction(crash_signals[i], &action, NULL);
	}
}

void restore_disarm(void)
{
	for (size_t i = 0; i < CRASH_SIGNALS; i++)
		sigaction(crash_signals[i], &kept.before[i], NULL);
	sigaltstack(&kept.stack_before, NULL);
}
