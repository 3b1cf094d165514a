/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tty.h - a serial port as a line of bytes: raw, 8N1, with deadlines. For lib/meter alone. */
#ifndef VMENERGY_METER_TTY_H
#define VMENERGY_METER_TTY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/rootfs.h"

/*
 * Open for this process alone, without waiting for a carrier. fd or -errno with
 * text: -EACCES names the port; -EBUSY: another program has it; -EINVAL: no port, or no such speed.
 */
int tty_open(const struct rootfs *root, const char *path, unsigned baud, struct error *error);
void tty_close(int fd);

/* Drop what came and what is still to go. */
void tty_flush(int fd);
/* Bytes read (at least one), 0 = none until deadline_ns (CLOCK_MONOTONIC), -EINTR, or
 * -ENODEV: the port is gone. */
int tty_read(int fd, uint8_t *bytes, size_t size, uint64_t deadline_ns);
/* All of it: 0, -ETIMEDOUT, -EINTR, -ENODEV. */
int tty_write(int fd, const uint8_t *bytes, size_t length, uint64_t deadline_ns);

#endif
