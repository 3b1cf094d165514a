/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * types.h - the kernel's names of numbers, which <bpf/bpf_helpers.h> expects to be there.
 * For BPF programs alone: <linux/types.h> wants the headers of a machine.
 */
#ifndef VMENERGY_PROBE_BPF_TYPES_H
#define VMENERGY_PROBE_BPF_TYPES_H

typedef __UINT8_TYPE__ __u8;
typedef __UINT16_TYPE__ __u16;
typedef __UINT32_TYPE__ __u32;
typedef __UINT64_TYPE__ __u64;
typedef __INT16_TYPE__ __s16;
typedef __INT32_TYPE__ __s32;
typedef __INT64_TYPE__ __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

#endif
