/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sockets of real processes: who is connected with whom, under whatever name. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/service.h"
#include "tests/unit/unit.h"

struct child {
	pid_t pid;
	int told; /* it writes a byte here when it is ready */
};

static int make_socket(const char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(address->sun_path, sizeof address->sun_path, "%s", path);
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static int serve(const char *path)
{
	struct sockaddr_un address;
	int fd = make_socket(path, &address);

	return bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4) ? -1 : fd;
}

static int come(const char *path)
{
	struct sockaddr_un address;
	int fd = make_socket(path, &address);

	return connect(fd, (struct sockaddr *)&address, sizeof address) ? -1 : fd;
}

/* A process in the test's folder that opens a socket and keeps all that comes to it. */
static struct child start(int (*begin)(const char *path), const char *path)
{
	struct child child = { 0 };
	int pipes[2], fd;
	char byte;

	unit_folder(); /* made before there are two of us */
	if (pipe(pipes))
		abort();
	child.pid = fork();
	if (child.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = chdir(unit_folder()) ? -1 : begin(path);
		if (fd < 0 || write(pipes[1], "", 1) != 1)
			_exit(1);
		for (;;)
			if (accept(fd, NULL, NULL) < 0)
				pause();
	}
	close(pipes[1]);
	child.told = pipes[0];
	if (read(child.told, &byte, 1) != 1) {
		fprintf(stderr, "%s: the child did not get ready\n", path);
		abort();
	}
	return child;
}

static void end(struct child *child)
{
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
	close(child->told);
}

static struct rootfs real_root(void)
{
	struct error error = { 0 };
	struct rootfs root;

	if (rootfs_open(&root, NULL, &error))
		abort();
	return root;
}

/* As the server may take the client's call only after a while. */
static bool joined(const struct rootfs *root, pid_t client, pid_t server, const char *path)
{
	struct service_peers *peers;
	bool found;

	if (service_peers_open(&peers, root))
		abort();
	found = service_peers_joined(peers, client, server, path);
	service_peers_close(peers);
	return found;
}

static bool comes_to_be_joined(const struct rootfs *root, pid_t client, pid_t server,
			       const char *path)
{
	for (unsigned i = 0; i < 500; i++) {
		if (joined(root, client, server, path))
			return true;
		usleep(10000);
	}
	return false;
}

static void test_peers(void)
{
	struct rootfs root = real_root();
	struct child server = start(serve, "peers.sock"), other = start(serve, "other.sock");
	struct child client = start(come, "peers.sock");
	struct service_peers *peers;

	UNIT_TRUE(comes_to_be_joined(&root, client.pid, server.pid, "peers.sock"));
	UNIT_TRUE(joined(&root, client.pid, server.pid, "")); /* whatever it is called */
	UNIT_TRUE(!joined(&root, client.pid, server.pid, "other.sock"));
	UNIT_TRUE(!joined(&root, client.pid, other.pid, ""));
	UNIT_TRUE(!joined(&root, other.pid, server.pid, ""));
	if (service_peers_open(&peers, &root))
		abort();
	UNIT_EQUAL_I64(server.pid, service_peers_owner(peers, client.pid, "peers.sock"));
	UNIT_EQUAL_I64(0, service_peers_owner(peers, client.pid, "other.sock"));
	UNIT_EQUAL_I64(0, service_peers_owner(peers, other.pid, "peers.sock"));
	service_peers_close(peers);
	end(&client);
	end(&server);
	end(&other);
	rootfs_close(&root);
}

static bool same(const struct rootfs *root, pid_t server, const char *theirs, pid_t client,
		 const char *ours)
{
	struct service_address address = { .place = strdup(theirs) };
	struct service_address wanted = { .place = strdup(ours) };
	bool found;

	if (service_locate(root, server, &address) || service_locate(root, client, &wanted))
		abort();
	found = service_same_door(root, &address, &wanted);
	service_address_clear(&address);
	service_address_clear(&wanted);
	return found;
}

static void test_paths(void)
{
	struct rootfs root = real_root();
	struct child server = start(serve, "a.sock"), other = start(serve, "b.sock");
	char absolute[512], linked[600];

	snprintf(absolute, sizeof absolute, "%s/a.sock", unit_folder());
	snprintf(linked, sizeof linked, "%s/folder", unit_folder());
	if (symlink(".", linked))
		abort();
	strcat(linked, "/a.sock");
	UNIT_TRUE(same(&root, server.pid, "a.sock", getpid(), absolute));
	UNIT_TRUE(same(&root, server.pid, absolute, getpid(), linked));
	UNIT_TRUE(same(&root, server.pid, "a.sock", other.pid, "./a.sock"));
	UNIT_TRUE(!same(&root, server.pid, "a.sock", other.pid, "b.sock"));
	UNIT_TRUE(!same(&root, server.pid, "", other.pid, ""));
	/* Its name is taken away: then names are all there is. */
	unlink(absolute);
	UNIT_TRUE(same(&root, server.pid, "a.sock", other.pid, absolute));
	end(&server);
	end(&other);
	rootfs_close(&root);
}

static bool same_tcp(const char *theirs, const char *ours)
{
	struct rootfs root = real_root();
	struct service_address address, wanted;
	bool found;

	if (service_address_parse(theirs, &address) || service_address_parse(ours, &wanted) ||
	    service_locate(&root, getpid(), &address) || service_locate(&root, getpid(), &wanted))
		abort();
	found = service_same_door(&root, &address, &wanted);
	service_address_clear(&address);
	service_address_clear(&wanted);
	rootfs_close(&root);
	return found;
}

static void test_hosts(void)
{
	char own[300] = "nbd://", name[256];

	gethostname(name, sizeof name);
	snprintf(own, sizeof own, "nbd://%s:7/e", name);
	UNIT_TRUE(same_tcp("nbd://0.0.0.0:7/e", "nbd://localhost:7/e"));
	UNIT_TRUE(same_tcp("nbd://0.0.0.0:7/e", "nbd://127.0.0.1:7/e"));
	UNIT_TRUE(same_tcp("nbd://0.0.0.0:7/e", own));
	UNIT_TRUE(same_tcp("nbd://192.0.2.1:7/e", "nbd://192.0.2.1:7/e"));
	UNIT_TRUE(!same_tcp("nbd://0.0.0.0:7/e", "nbd://192.0.2.1:7/e")); /* another machine */
	UNIT_TRUE(!same_tcp("nbd://0.0.0.0:7/e", "nbd://localhost:8/e"));
	UNIT_TRUE(!same_tcp("nbd://0.0.0.0:7/e", "nbd://localhost:7/f"));
	UNIT_TRUE(!same_tcp("nbd://0.0.0.0:7/e", "nbd+unix:///e?socket=/s"));
}

int main(void)
{
	return UNIT_RUN("service-real", { "connected sockets are told by the kernel", test_peers },
			{ "a socket is the same by any of its names", test_paths },
			{ "servers of this machine and of others", test_hosts });
}
