/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/screen-terminfo.h"

#include <stddef.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>

bool terminfo_is_usable(const char *name)
{
	int status;
	bool known;

	if (setupterm(name, STDOUT_FILENO, &status) == ERR)
		return false;
	known = cursor_address && *cursor_address;
	del_curterm(cur_term);
	return known;
}

static struct text *filled; /* tputs() has no argument for it */

static int add_byte(int byte)
{
	char character = (char)byte;

	text_add_bytes(filled, &character, 1);
	return byte;
}

void terminfo_add_restore(struct text *sequence)
{
	const char *capabilities[] = { exit_attribute_mode, orig_pair, keypad_local, cursor_normal,
				       exit_ca_mode };

	filled = sequence;
	/* Mouse reports have no standard capability: xterm's ctlseqs, "Mouse Tracking". */
	if (key_mouse)
		text_add(sequence, "\033[?1006l\033[?1000l");
	for (size_t i = 0; i < sizeof capabilities / sizeof *capabilities; i++)
		if (capabilities[i])
			tputs(capabilities[i], 1, add_byte);
	if (!exit_ca_mode)
		text_add(sequence, "\r\n");
}

void terminfo_define_keys(void)
{
	static const struct {
		const char *sequence;
		int key;
	} more[] = {
		{ "\033[H", KEY_HOME },    { "\033OH", KEY_HOME },    { "\033[1~", KEY_HOME },
		{ "\033[7~", KEY_HOME },   { "\033[F", KEY_END },     { "\033OF", KEY_END },
		{ "\033[4~", KEY_END },    { "\033[8~", KEY_END },    { "\033[A", KEY_UP },
		{ "\033[B", KEY_DOWN },    { "\033[C", KEY_RIGHT },   { "\033[D", KEY_LEFT },
		{ "\033[5~", KEY_PPAGE },  { "\033[6~", KEY_NPAGE },  { "\033[3~", KEY_DC },
		{ "\033[Z", KEY_BTAB },    { "\033OP", KEY_F(1) },    { "\033OQ", KEY_F(2) },
		{ "\033OR", KEY_F(3) },    { "\033OS", KEY_F(4) },    { "\033[15~", KEY_F(5) },
		{ "\033[17~", KEY_F(6) },  { "\033[18~", KEY_F(7) },  { "\033[19~", KEY_F(8) },
		{ "\033[20~", KEY_F(9) },  { "\033[21~", KEY_F(10) }, { "\033[23~", KEY_F(11) },
		{ "\033[24~", KEY_F(12) },
	};

	for (size_t i = 0; i < sizeof more / sizeof *more; i++)
		if (key_defined(more[i].sequence) == 0)
			define_key(more[i].sequence, more[i].key);
}
