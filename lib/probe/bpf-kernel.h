/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bpf-kernel.h - may BPF programs be loaded into this kernel, and if not, why. */
#ifndef VMENERGY_PROBE_BPF_KERNEL_H
#define VMENERGY_PROBE_BPF_KERNEL_H

#ifdef VMENERGY_BPF
#include "base/error.h"
#include "base/rootfs.h"

/* A tracepoint as a program expects it. */
struct bpf_point {
	const char *name;     /* "sched_switch" */
	unsigned least, most; /* arguments */
	const char *since;    /* the kernel that has them: "Linux 5.11" */
};

/*
 * Does this kernel tell its types, and are its tracepoints as expected? From here
 * on libbpf speaks to our log. 0 or -errno with text; -EOPNOTSUPP under another root.
 */
int bpf_kernel_check(const struct rootfs *root, const struct bpf_point *points, size_t count,
		     struct error *error);

/* Why loading failed with -errno: what right is missing, or whether it is locked. */
int bpf_kernel_explain(const struct rootfs *root, int result, struct error *error);
#endif

#endif
