/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sigrok-code.h - watts of what a device of libsigrok sends: voltages, currents and
 * powers, in packets, some in frames that hold what was measured at one instant. Pure,
 * and without libsigrok's types.
 */
#ifndef VMENERGY_METER_SIGROK_CODE_H
#define VMENERGY_METER_SIGROK_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* "DRIVER[:conn=PORT][:serialcomm=9600/8n1][:channel=NAME]", as sigrok-cli's --driver. */
struct sigrok_address {
	char driver[48], connection[96], serialcomm[48];
	char channel[48]; /* whose value is taken as watts, whatever it is; "" = look for watts */
};
int sigrok_parse_address(const char *text, struct sigrok_address *address, struct error *error);

enum sigrok_quantity { SIGROK_OTHER, SIGROK_POWER_W, SIGROK_VOLTAGE_V, SIGROK_CURRENT_A };

/* Without frames, a voltage and a current are of one instant if they come this close together. */
enum { SIGROK_INSTANT_MS = 20 };

/* Start from {0}. */
struct sigrok_collector {
	bool in_frame, has_power;
	bool has_voltage, has_current;
	double voltage_v, current_a;
	uint64_t voltage_ns, current_ns;
};

void sigrok_frame_begin(struct sigrok_collector *collector);
void sigrok_frame_end(struct sigrok_collector *collector);

/*
 * A value that came at time_ns. True: *power_w is a figure, inf where the device says
 * overload. A product of volts and amperes is one only of direct current (of
 * alternating current it is the apparent power, VA), and never for a device that
 * also sends watts.
 */
bool sigrok_collect(struct sigrok_collector *collector, enum sigrok_quantity quantity,
		    bool alternating, double value, uint64_t time_ns, double *power_w);

#endif
