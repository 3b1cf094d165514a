/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scpi.h - matching of commands as IEEE 488.2 and SCPI-99 spell them. */
#ifndef VMENERGY_TESTS_USB_SCPI_H
#define VMENERGY_TESTS_USB_SCPI_H

/*
 * Does `text` begin with the header `pattern`, and a blank or the end behind it?
 * Returns what follows (arguments), or NULL. A pattern is ":NUMeric[:NORMal]:ITEM#":
 * capitals are the short form, both forms and either case are taken; [:X] may be
 * missing; # stands for digits, 1 where there are none, and goes to *suffix.
 */
const char *scpi_match(const char *pattern, const char *text, unsigned *suffix);

#endif
