/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ctl.h - `vmenergyd ctl ...`: the scripted client of the control socket.
 *
 *   ctl status [--json]                 the daemon, its caps, who is held back
 *   ctl cap DOMAIN 20W | none | default [--total|--cpu|--disk]
 *   ctl cap --host 300W | default       ("default": as the configuration says)
 *   ctl watch [--json] [-n N]           a table (or the snapshot as JSON) per tick
 *   ctl reload
 */
#ifndef VMENERGY_VMENERGYD_CTL_H
#define VMENERGY_VMENERGYD_CTL_H

/* argv[0] is "ctl". Exit status: 0, 1 failed, 2 wrong usage. */
int ctl_main(int argc, char **argv);

#endif
