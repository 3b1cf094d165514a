/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/report/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A file without a name that holds the script, read from its beginning. fd or -errno. */
static int keep_script(const struct text *script)
{
	int fd = memfd_create("gnuplot", MFD_CLOEXEC);
	size_t done = 0;

	if (fd < 0)
		return -errno;
	while (done < script->length) {
		ssize_t length = write(fd, script->bytes + done, script->length - done);

		if (length < 0) {
			int result = -errno;

			close(fd);
			return result;
		}
		done += (size_t)length;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static int spawn(pid_t *pid, int input, int output, int errors)
{
	char *arguments[] = { (char[]){ "gnuplot" }, NULL };
	posix_spawn_file_actions_t actions;
	int result = posix_spawn_file_actions_init(&actions);

	if (result)
		return -result;
	posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
	result = posix_spawnp(pid, "gnuplot", &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -result;
}

static void read_all(int fd, struct text *out)
{
	char bytes[65536];
	ssize_t length;

	while ((length = read(fd, bytes, sizeof bytes)) > 0 || (length < 0 && errno == EINTR))
		if (length > 0)
			text_add_bytes(out, bytes, (size_t)length);
}

/* What it wrote to a file without a name: the first line that says something. */
static int complain(int errors, struct error *error)
{
	char text[400] = "";
	ssize_t length = pread(errors, text, sizeof text - 1, 0);
	const char *line = text;

	if (length < 0)
		length = 0;
	text[length] = '\0';
	line += strspn(line, "\n ");
	return error_setf(error, EIO, "gnuplot: %.*s", (int)strcspn(line, "\n"),
			  *line ? line : "failed");
}

static int run(int input, int errors, struct text *out, struct error *error)
{
	int pipes[2], result, status = 0;
	pid_t pid = -1;

	if (pipe2(pipes, O_CLOEXEC))
		return error_setf(error, errno, "pipe: %m");
	result = spawn(&pid, input, pipes[1], errors);
	close(pipes[1]);
	if (result) {
		close(pipes[0]);
		return error_setf(error, -result,
				  "gnuplot, which draws the pictures, cannot be run: %s",
				  strerror(-result));
	}
	read_all(pipes[0], out);
	close(pipes[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status == 0 ? 0 : complain(errors, error);
}

int gnuplot_run(const struct text *script, struct text *out, struct error *error)
{
	int input = keep_script(script), errors = -1, result;

	if (input < 0)
		return error_setf(error, -input, "a file for gnuplot: %s", strerror(-input));
	errors = memfd_create("gnuplot-errors", MFD_CLOEXEC);
	result = errors < 0 ? error_setf(error, errno, "a file for gnuplot: %m")
			    : run(input, errors, out, error);
	if (errors >= 0)
		close(errors);
	close(input);
	return result;
}
