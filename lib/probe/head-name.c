/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/head-name.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define BLOCK "kernel block"
#define NET "kernel net"
#define INTERRUPTS "interrupts"
#define EVENTS "kernel events"
#define LIBVIRT "libvirtd"

struct rule {
	const char *pattern, *head;
};

/*
 * Names of kernel threads and of work queues, as the kernel's sources give them
 * (kthread_create(), alloc_workqueue()). The first that matches.
 */
static const struct rule kernel_rules[] = {
	{ "irq/*", INTERRUPTS },
	{ "ksoftirqd/*", INTERRUPTS },
	{ "events*", EVENTS },
	{ "kblockd*", BLOCK },
	{ "flush-*", BLOCK },
	{ "writeback*", BLOCK },
	{ "jbd2*", BLOCK },
	{ "ext4*", BLOCK },
	{ "xfs*", BLOCK },
	{ "btrfs*", BLOCK },
	{ "f2fs*", BLOCK },
	{ "zfs*", BLOCK },
	{ "z_*", BLOCK },
	{ "spl_*", BLOCK },
	{ "txg_*", BLOCK },
	{ "loop*", BLOCK },
	{ "dm-*", BLOCK },
	{ "dm_*", BLOCK },
	{ "kdmflush*", BLOCK },
	{ "kcopyd*", BLOCK },
	{ "kcryptd*", BLOCK },
	{ "dmcrypt*", BLOCK },
	{ "ksnaphd*", BLOCK },
	{ "md", BLOCK },
	{ "md_*", BLOCK },
	{ "md*_recover*", BLOCK },
	{ "md*_raid*", BLOCK },
	{ "md*_resync*", BLOCK },
	{ "raid*", BLOCK },
	{ "bcache*", BLOCK },
	{ "drbd*", BLOCK },
	{ "nbd*", BLOCK },
	{ "rbd*", BLOCK },
	{ "nvme*", BLOCK },
	{ "scsi*", BLOCK },
	{ "ata_*", BLOCK },
	{ "usb-storage", BLOCK },
	{ "uas*", BLOCK },
	{ "mmc*", BLOCK },
	{ "virtio-blk*", BLOCK },
	{ "virtblk*", BLOCK },
	{ "blk*", BLOCK },
	{ "kintegrityd*", BLOCK },
	{ "kthrotld*", BLOCK },
	{ "dio/*", BLOCK },
	{ "iomap*", BLOCK },
	{ "napi/*", NET },
	{ "net_*", NET },
	{ "netns", NET },
	{ "*netdev*", NET },
	{ "ipv6_*", NET },
	{ "inet_*", NET },
	{ "mld", NET },
	{ "bond*", NET },
	{ "bridge*", NET },
	{ "wg-*", NET },
	{ "tls-*", NET },
	{ "ktls*", NET },
	{ "vhost-*", NET },
	{ "rpciod", NET },
	{ "xprtiod", NET },
	{ "nfs*", NET },
	{ "lockd", NET },
	{ "cifs*", NET },
	{ "ceph-*", NET },
	{ "iscsi*", NET },
	{ "mlx*", NET },
	{ "ixgbe*", NET },
	{ "i40e*", NET },
	{ "ice*", NET },
	{ "virtio-net*", NET },
};

/* libvirtd(8), and the daemons that do a part of its work each. */
static const struct rule process_rules[] = {
	{ "libvirt*", LIBVIRT },     { "rpc-libvirt*", LIBVIRT }, { "virtqemud", LIBVIRT },
	{ "virtlogd", LIBVIRT },     { "virtlockd", LIBVIRT },    { "virtproxyd", LIBVIRT },
	{ "virtnetworkd", LIBVIRT }, { "virtnodedevd", LIBVIRT }, { "virtnwfilterd", LIBVIRT },
	{ "virtsecretd", LIBVIRT },  { "virtstoraged", LIBVIRT }, { "virtinterfaced", LIBVIRT },
	{ "virtlxcd", LIBVIRT },     { "virtchd", LIBVIRT },      { "virtxend", LIBVIRT },
	{ "virtvboxd", LIBVIRT },    { "virtvzd", LIBVIRT },      { "virtbhyved", LIBVIRT },
};

/* What a process must not pass for. */
static const char *const reserved[] = {
	"kernel *", INTERRUPTS, "other", HEAD_OTHER_PROCESSES, "disk *",
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *find(const struct rule *rules, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (text_matches(rules[i].pattern, name))
			return rules[i].head;
	return NULL;
}

/* "kworker/0:1H-kblockd", "kworker/u9:0+flush-259:0", "kworker/R-rcu_gp": what follows. */
static const char *work_queue(const char *comm)
{
	const char *mark;

	if (strncmp(comm, "kworker/", 8) != 0)
		return comm;
	mark = strpbrk(comm, "-+");
	return mark && mark[1] ? mark + 1 : "kworker";
}

/* Without what tells one of many from the next: "kswapd0", "cpuhp/1", "kdamond.0". */
static int stem_length(const char *name)
{
	size_t length = strcspn(name, "/");

	while (length > 1 && strchr("0123456789.:", name[length - 1]))
		length--;
	return (int)length;
}

static void make_printable(char *name)
{
	for (; *name; name++)
		if (!isascii((unsigned char)*name) || iscntrl((unsigned char)*name))
			*name = '?';
}

static void name_kernel_thread(const char *comm, char name[HEAD_NAME_BYTES])
{
	const char *work = work_queue(comm);
	const char *head = find(kernel_rules, COUNT(kernel_rules), work);

	if (head)
		snprintf(name, HEAD_NAME_BYTES, "%s", head);
	else
		snprintf(name, HEAD_NAME_BYTES, "kernel %.*s", stem_length(work), work);
}

static void name_process(const char *comm, char name[HEAD_NAME_BYTES])
{
	const char *head = find(process_rules, COUNT(process_rules), comm);
	bool passes_for = false;

	for (size_t i = 0; i < COUNT(reserved); i++)
		passes_for |= text_matches(reserved[i], comm);
	snprintf(name, HEAD_NAME_BYTES, "%s%s", passes_for ? "process " : "",
		 head    ? head
		 : *comm ? comm
			 : "unnamed");
}

void head_name(const char *comm, bool is_kernel, char name[HEAD_NAME_BYTES])
{
	if (is_kernel)
		name_kernel_thread(comm, name);
	else
		name_process(comm, name);
	make_printable(name);
}

bool head_name_changes(const char *comm, bool is_kernel)
{
	return is_kernel && strncmp(comm, "kworker/", 8) == 0;
}
