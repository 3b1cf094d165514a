/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/heads-exits.h"

#include <errno.h>
#include <linux/acct.h>
#include <linux/genetlink.h>
#include <linux/taskstats.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	QUEUE_BYTES = 16 << 20, /* some thousand messages; taken only as they come */
	MESSAGE_BYTES = 8192,
	KERNEL_PARENT = 2, /* kthreadd */
	WITH_AGROUP = 12,  /* the version that says whether the process has ended, too */
};

/* --- attributes ---------------------------------------------------------------------------- */

/* NLA_HDRLEN, NLA_ALIGN and NLMSG_LENGTH, without their mixed signs. */
enum { HEAD_BYTES = sizeof(struct nlattr) };
#define MESSAGE_HEADS (sizeof(struct nlmsghdr) + sizeof(struct genlmsghdr))

static size_t aligned(size_t bytes)
{
	return (bytes + 3) & ~(size_t)3;
}

struct attributes {
	const char *at;
	size_t left;
};
struct attribute {
	unsigned type;
	struct attributes inside; /* its bytes */
};

static bool next_attribute(struct attributes *all, struct attribute *found)
{
	struct nlattr head;
	size_t whole;

	if (all->left < HEAD_BYTES)
		return false;
	memcpy(&head, all->at, sizeof head);
	if (head.nla_len < HEAD_BYTES || head.nla_len > all->left)
		return false;
	found->type = head.nla_type & ~(unsigned)(NLA_F_NESTED | NLA_F_NET_BYTEORDER);
	found->inside =
		(struct attributes){ all->at + HEAD_BYTES, head.nla_len - (size_t)HEAD_BYTES };
	whole = aligned(head.nla_len);
	all->at += whole < all->left ? whole : all->left;
	all->left -= whole < all->left ? whole : all->left;
	return true;
}

/* An attribute behind the heads of netlink and its generic family. */
static bool open_message(const char *bytes, size_t length, uint16_t family,
			 struct attributes *attributes)
{
	const size_t heads = MESSAGE_HEADS;
	struct nlmsghdr head;

	if (length < heads)
		return false;
	memcpy(&head, bytes, sizeof head);
	if (head.nlmsg_type != family || head.nlmsg_len < heads || head.nlmsg_len > length)
		return false;
	*attributes = (struct attributes){ bytes + heads, head.nlmsg_len - heads };
	return true;
}

/* --- what a message says ------------------------------------------------------------------- */

/* Kernels differ in the length of it; what one has not is 0. */
static bool find_stats(struct attributes inside, struct taskstats *stats)
{
	struct attribute attribute;

	while (next_attribute(&inside, &attribute)) {
		size_t length = attribute.inside.left;

		if (attribute.type != TASKSTATS_TYPE_STATS)
			continue;
		*stats = (struct taskstats){ 0 };
		memcpy(stats, attribute.inside.at, length < sizeof *stats ? length : sizeof *stats);
		return true;
	}
	return false;
}

/*
 * A message is of a thread; that of a process's last one has the sum of all its
 * threads with it, if there were others.
 */
static void tell(const struct taskstats *thread, const struct taskstats *process, exit_heard *heard,
		 void *context)
{
	bool says = thread->version >= WITH_AGROUP;
	struct process_exit exit = {
		.pid = (pid_t)(says ? thread->ac_tgid : thread->ac_pid),
		.ns = process ? process->cpu_run_virtual_total : thread->cpu_run_virtual_total,
		.is_kernel = thread->ac_ppid == KERNEL_PARENT,
		.had_threads = process != NULL,
		.may_be_thread = !says && !process,
	};

	if (says && !(thread->ac_flag & AGROUP))
		return;
	snprintf(exit.comm, sizeof exit.comm, "%.*s", (int)sizeof thread->ac_comm, thread->ac_comm);
	heard(context, &exit);
}

void exits_parse(const void *bytes, size_t length, uint16_t family, exit_heard *heard,
		 void *context)
{
	struct taskstats thread, process;
	bool has_thread = false, has_process = false;
	struct attributes attributes;
	struct attribute attribute;

	if (!open_message(bytes, length, family, &attributes))
		return;
	while (next_attribute(&attributes, &attribute)) {
		if (attribute.type == TASKSTATS_TYPE_AGGR_PID)
			has_thread = find_stats(attribute.inside, &thread);
		else if (attribute.type == TASKSTATS_TYPE_AGGR_TGID)
			has_process = find_stats(attribute.inside, &process);
	}
	if (has_thread)
		tell(&thread, has_process ? &process : NULL, heard, context);
}

/* --- the socket ---------------------------------------------------------------------------- */

struct request {
	uint16_t family;
	uint8_t command;
	uint16_t attribute;
	const char *text;
};

/* Returns the length of the first answer, or -errno. */
static long ask(int socket, const struct request *request, char *answer, size_t size)
{
	struct {
		struct nlmsghdr head;
		struct genlmsghdr generic;
		struct nlattr attribute;
		char text[256];
	} message = {
		.head = { .nlmsg_type = request->family, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.generic = { .cmd = request->command, .version = 1 },
	};
	size_t length = strlen(request->text) + 1;
	struct nlmsgerr refusal;
	ssize_t got;

	if (length > sizeof message.text)
		return -E2BIG;
	memcpy(message.text, request->text, length);
	message.attribute.nla_type = request->attribute;
	message.attribute.nla_len = (uint16_t)(HEAD_BYTES + length);
	message.head.nlmsg_len = (uint32_t)(MESSAGE_HEADS + aligned(HEAD_BYTES + length));
	if (send(socket, &message, message.head.nlmsg_len, 0) < 0)
		return -errno;
	got = recv(socket, answer, size, 0);
	if (got < (ssize_t)sizeof(struct nlmsghdr))
		return got < 0 ? -errno : -EPROTO;
	memcpy(&message.head, answer, sizeof message.head);
	if (message.head.nlmsg_type != NLMSG_ERROR)
		return got;
	if (got < (ssize_t)(NLMSG_HDRLEN + sizeof refusal))
		return -EPROTO;
	memcpy(&refusal, answer + NLMSG_HDRLEN, sizeof refusal);
	return refusal.error ? refusal.error : got;
}

static int find_family(struct exits *exits)
{
	const struct request request = { GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME,
					 TASKSTATS_GENL_NAME };
	char answer[MESSAGE_BYTES];
	long length = ask(exits->socket, &request, answer, sizeof answer);
	struct attributes attributes;
	struct attribute attribute;

	if (length < 0)
		return (int)length;
	if (!open_message(answer, (size_t)length, GENL_ID_CTRL, &attributes))
		return -EPROTO;
	while (next_attribute(&attributes, &attribute))
		if (attribute.type == CTRL_ATTR_FAMILY_ID &&
		    attribute.inside.left >= sizeof exits->family)
			memcpy(&exits->family, attribute.inside.at, sizeof exits->family);
	if (exits->family == 0)
		return -ENOENT;
	/* The acknowledgement that follows. */
	return recv(exits->socket, answer, sizeof answer, 0) < 0 ? -errno : 0;
}

/* Of all CPUs that there may ever be. */
static int listen_to_cpus(struct exits *exits, const struct rootfs *root)
{
	struct request request = { 0, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_REGISTER_CPUMASK,
				   NULL };
	char answer[MESSAGE_BYTES], cpus[256];
	long length = rootfs_readf(root, cpus, sizeof cpus, "/sys/devices/system/cpu/possible");

	if (length < 0)
		return (int)length;
	cpus[strcspn(cpus, "\n")] = '\0';
	request.family = exits->family;
	request.text = cpus;
	length = ask(exits->socket, &request, answer, sizeof answer);
	return length < 0 ? (int)length : 0;
}

static void make_room(int socket)
{
	const int bytes = QUEUE_BYTES;

	if (setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes))
		setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

int exits_open(struct exits *exits, const struct rootfs *root, struct error *error)
{
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int result;

	*exits = (struct exits){ .socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
						  NETLINK_GENERIC) };
	exits->is_open = exits->socket >= 0;
	if (!exits->is_open || bind(exits->socket, (const struct sockaddr *)&any, sizeof any))
		result = -errno;
	else
		result = find_family(exits);
	if (!result) {
		make_room(exits->socket);
		result = listen_to_cpus(exits, root);
	}
	if (!result)
		return 0;
	exits_close(exits);
	return error_setf(error, -result, "taskstats: %s", strerrordesc_np(-result));
}

void exits_close(struct exits *exits)
{
	if (exits->is_open)
		close(exits->socket);
	*exits = (struct exits){ 0 };
}

/* Before ENOBUFS some were lost; those behind it are there. */
void exits_read(struct exits *exits, exit_heard *heard, void *context)
{
	char bytes[MESSAGE_BYTES];
	ssize_t got;

	exits->lost = false;
	while (exits->is_open) {
		got = recv(exits->socket, bytes, sizeof bytes, MSG_DONTWAIT);
		if (got >= 0)
			exits_parse(bytes, (size_t)got, exits->family, heard, context);
		else if (errno == ENOBUFS)
			exits->lost = true;
		else if (errno != EINTR)
			return;
	}
}
