/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list.h - the table of drivers, and what they find. For lib/meter alone. */
#ifndef VMENERGY_METER_LIST_H
#define VMENERGY_METER_LIST_H

#include "meter/driver.h"

/* With the root and the speed that stand for NULL and 0; place may be NULL. */
struct meter_place meter_place_of(const struct meter_place *place);
/* The table's, then those of place->more; NULL behind the last. */
const struct meter_driver *meter_driver_at(const struct meter_place *place, unsigned index);

#endif
