/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include "probe/switch-driver.h"
static int ring_open(void **s, struct switch_scope *scope, struct error *error)
{
	(void)s;
	(void)scope;
	return error_setf(error, EOPNOTSUPP, "stub");
}
const struct switch_driver switch_by_ring = { .name = "perf rings", .open = ring_open };
