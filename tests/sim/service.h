/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * service.h - a storage daemon of the plant: it serves the disks of domains whose disk is_served,
 * each in a throttle group of its own, with work of its own for each request.
 */
#ifndef VMENERGY_TESTS_SIM_SERVICE_H
#define VMENERGY_TESTS_SIM_SERVICE_H

#include "model/sample.h"
#include "tests/sim/plant.h"
#include "vmenergyd/actuator/verb.h"
#include "vmenergyd/enforce.h"

/* Its work for so many requests, in CPU time; counted. Watts of the step. */
double sim_service_work(struct sim_plant *plant, double requests, double seconds);

/* Into a topology that has the domains that are present, in their order. */
void sim_service_list(const struct sim_plant *plant, struct topology *to);
/* Its monitor, that may be used. */
void sim_service_socket(struct enforce_input *input);
/* A limit that is set at it, as the privileged child would do it. */
void sim_service_do(struct sim_plant *plant, const struct verb *verb, struct applied *applied);

#endif
