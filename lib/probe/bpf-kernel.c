/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/bpf-kernel.h"

#ifdef VMENERGY_BPF
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/log.h"

static __attribute__((format(printf, 2, 0))) int log_libbpf(enum libbpf_print_level level,
							    const char *format, va_list arguments)
{
	char text[512];

	/* Of each instruction that it looks at. */
	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(text, sizeof text, format, arguments);
	text[strcspn(text, "\n")] = '\0';
	log_debug("%s", text);
	return 0;
}

/* Number of parameters of the function that the tracepoint's typedef points to, or -errno. */
static int count_parameters(const struct btf *btf, const char *point)
{
	const struct btf_type *type;
	char name[64];
	int id;

	snprintf(name, sizeof name, "btf_trace_%s", point);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);
	if (id < 0)
		return id;
	type = btf__type_by_id(btf, btf__type_by_id(btf, (unsigned)id)->type);
	if (!type || !btf_is_ptr(type))
		return -EINVAL;
	type = btf__type_by_id(btf, type->type);
	return type && btf_is_func_proto(type) ? btf_vlen(type) : -EINVAL;
}

int bpf_kernel_check(const struct rootfs *root, const struct bpf_point *points, size_t count,
		     struct error *error)
{
	struct btf *btf;
	int result = 0;

	if (!rootfs_is_real(root))
		return error_setf(error, EOPNOTSUPP, "another root than this kernel's");
	libbpf_set_print(log_libbpf);
	btf = btf__load_vmlinux_btf();
	if (!btf)
		return error_setf(error, errno,
				  "this kernel does not tell its types (BTF: "
				  "CONFIG_DEBUG_INFO_BTF)");
	for (size_t i = 0; i < count && !result; i++) {
		/* The first of them is for private data. */
		int found = count_parameters(btf, points[i].name) - 1;

		if (found < (int)points[i].least || found > (int)points[i].most)
			result = error_setf(error, EOPNOTSUPP,
					    "%s or later is needed: %s has other arguments",
					    points[i].since, points[i].name);
	}
	btf__free(btf);
	return result;
}

int bpf_kernel_explain(const struct rootfs *root, int result, struct error *error)
{
	struct utsname system = { .release = "unknown" };
	char lockdown[64];

	rootfs_readf(root, lockdown, sizeof lockdown, "/sys/kernel/security/lockdown");
	if (strstr(lockdown, "[confidentiality]"))
		return error_setf(error, -result, "the kernel is locked down (confidentiality)");
	if (result == -EPERM || result == -EACCES)
		return error_setf(error, -result, "%s (CAP_BPF and CAP_PERFMON are needed)",
				  strerror(-result));
	uname(&system);
	return error_setf(error, -result, "%s (Linux %s)", strerror(-result), system.release);
}
#endif
