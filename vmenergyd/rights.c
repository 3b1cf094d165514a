/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/rights.h"

#include <cap-ng.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>

/* Linux 5.8 gave counting rights of its own; before, only this would do. */
enum { FIRST_WITH_PERFMON = CAP_PERFMON };

enum need { ALWAYS, QMP_SOCKETS, GROUPS, OLD_KERNEL };

/* capabilities(7) of each, and what for. */
static const struct {
	unsigned capability;
	enum need need;
} kept[] = {
	{ CAP_PERFMON, ALWAYS },           /* perf_event_open(2) of others' tasks and of all CPUs */
	{ CAP_BPF, ALWAYS },               /* programs that follow disk requests and switches */
	{ CAP_SYS_PTRACE, ALWAYS },        /* /proc/PID/fd and counters of others' processes */
	{ CAP_DAC_READ_SEARCH, ALWAYS },   /* images and folders that only QEMU's user may enter */
	{ CAP_DAC_OVERRIDE, QMP_SOCKETS }, /* connecting takes the right to write */
	{ CAP_CHOWN, GROUPS },
	{ CAP_SYS_ADMIN, OLD_KERNEL },
};

static bool is_needed(enum need need, const struct rights_needs *needs)
{
	switch (need) {
	case QMP_SOCKETS:
		return needs->qmp_sockets;
	case GROUPS:
		return needs->groups;
	case OLD_KERNEL:
		return prctl(PR_CAPBSET_READ, FIRST_WITH_PERFMON, 0, 0, 0) < 0;
	default:
		return true;
	}
}

static void choose(const struct rights_needs *needs, bool *has)
{
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		has[kept[i].capability] =
			is_needed(kept[i].need, needs) &&
			capng_have_capability(CAPNG_PERMITTED, kept[i].capability);
}

int rights_drop(const struct rights_needs *needs, struct error *error)
{
	bool has[CAP_LAST_CAP + 1] = { false };
	capng_select_t what = CAPNG_SELECT_CAPS;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return error_setf(error, errno, "rights: no_new_privs: %s", strerror(errno));
	if (capng_get_caps_process())
		return error_setf(error, EIO, "rights: cannot be read");
	choose(needs, has);
	/* Only who may set capabilities can empty this; without new privileges it grants nothing.
	 */
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		what = CAPNG_SELECT_BOTH;
	capng_clear(CAPNG_SELECT_BOTH);
	for (unsigned i = 0; i <= CAP_LAST_CAP; i++)
		if (has[i])
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, i);
	if (capng_apply(what))
		return error_setf(error, EPERM, "rights: those of root cannot be given up");
	return 0;
}
