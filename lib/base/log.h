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

void log_at(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
