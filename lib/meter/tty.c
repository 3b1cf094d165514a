/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"

static const struct {
	unsigned baud;
	speed_t speed;
} speeds[] = {
	{ 9600, B9600 },   { 19200, B19200 },   { 38400, B38400 },
	{ 57600, B57600 }, { 115200, B115200 },
};

static int set_line(int fd, unsigned baud)
{
	struct termios line;

	for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++) {
		if (speeds[i].baud != baud)
			continue;
		if (tcgetattr(fd, &line) != 0)
			return -errno;
		cfmakeraw(&line);
		line.c_cflag &= ~(tcflag_t)(CSTOPB | CRTSCTS);
		line.c_cflag |= CLOCAL | CREAD;
		line.c_cc[VMIN] = 0;
		line.c_cc[VTIME] = 0;
		cfsetspeed(&line, speeds[i].speed);
		return tcsetattr(fd, TCSANOW, &line) == 0 ? 0 : -errno;
	}
	return -EINVAL;
}

/* Root may open what is exclusive: the lock says it to others like us. */
static int take_alone(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return ioctl(fd, TIOCEXCL) == 0 ? 0 : -errno;
}

int tty_open(const struct rootfs *root, const char *path, unsigned baud, struct error *error)
{
	int fd = rootfs_openf(root, O_RDWR | O_NOCTTY | O_NONBLOCK, "%s", path), result;

	if (fd == -EACCES)
		return error_setf(error, EACCES,
				  "%s: permission denied: only root and its group (dialout) may "
				  "open it",
				  path);
	if (fd < 0)
		return error_setf(error, -fd, "%s: %s", path, strerror(-fd));
	if (!isatty(fd)) {
		result = error_setf(error, EINVAL, "%s: not a serial port", path);
		goto failed;
	}
	result = take_alone(fd);
	if (result == 0)
		result = set_line(fd, baud);
	if (result < 0) {
		error_setf(error, -result, "%s: %s", path, strerror(-result));
		goto failed;
	}
	tty_flush(fd);
	return fd;
failed:
	close(fd);
	return result;
}

void tty_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

void tty_flush(int fd)
{
	tcflush(fd, TCIOFLUSH);
}

/* 0 = the deadline, 1 = ready, -EINTR, -ENODEV. Past the deadline it still looks once. */
static int wait_for(int fd, short events, uint64_t deadline_ns)
{
	struct pollfd waited = { .fd = fd, .events = events };
	uint64_t now_ns = clock_now_ns(), left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
	struct timespec left = { .tv_sec = (time_t)(left_ns / 1000000000),
				 .tv_nsec = (long)(left_ns % 1000000000) };
	int ready = ppoll(&waited, 1, &left, NULL);

	if (ready < 0)
		return errno == EINTR ? -EINTR : -ENODEV;
	if (ready == 0)
		return 0;
	return waited.revents & events ? 1 : -ENODEV;
}

int tty_read(int fd, uint8_t *bytes, size_t size, uint64_t deadline_ns)
{
	int ready = wait_for(fd, POLLIN, deadline_ns);
	ssize_t length;

	if (ready <= 0)
		return ready;
	length = read(fd, bytes, size);
	if (length < 0 && (errno == EINTR || errno == EAGAIN))
		return -EINTR;
	/* Readable with nothing to read: hung up. */
	return length > 0 ? (int)length : -ENODEV;
}

int tty_write(int fd, const uint8_t *bytes, size_t length, uint64_t deadline_ns)
{
	while (length > 0) {
		int ready = wait_for(fd, POLLOUT, deadline_ns);
		ssize_t written;

		if (ready <= 0)
			return ready < 0 ? ready : -ETIMEDOUT;
		written = write(fd, bytes, length);
		if (written < 0 && errno != EINTR && errno != EAGAIN)
			return -ENODEV;
		if (written > 0) {
			bytes += written;
			length -= (size_t)written;
		}
	}
	return 0;
}
