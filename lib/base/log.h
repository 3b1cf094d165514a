/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * log.h - messages for the person who runs the program.
 *
 * To stderr as "PROGRAM: text", or with the journal's "<N>" priority prefix
 * when JOURNAL_STREAM names our stderr (sd-daemon(3)). Control characters in
 * the text are replaced, so that a domain's name cannot drive the terminal.
 * Thread-safe: one write(2) per message.
 */
#ifndef VMENERGY_BASE_LOG_H
#define VMENERGY_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Call once from main.c, before any thread. Messages above `level` are dropped. */
void log_open(const char *program, enum log_level level);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
