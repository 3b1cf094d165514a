/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Command lines, lines of stat and names of threads, as any user may write them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/proc.h"
#include "host/qemu-cmdline.h"
#include "host/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qemu_process process;
	struct service_process service;
	struct service_address address;
	enum thread_role role;
	struct proc_stat stat;
	pid_t owner;
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	qemu_parse_cmdline(text, size, &process);
	qemu_process_clear(&process);
	if (qemu_parse_arguments(text, size, &process))
		qemu_process_clear(&process);
	service_parse_cmdline(text, size, &service);
	service_process_clear(&service);
	service_address_parse(text, &address);
	service_address_clear(&address);
	proc_parse_stat(text, &stat);
	qemu_worker_parse(text, &role, &owner);
	qemu_thread_is_transient(text);
	free(text);
	return 0;
}
