/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/monitors.h"

#include <errno.h>
#include <stdlib.h>

int monitors_open(struct monitors *monitors, size_t most, struct error *error)
{
	monitors->most = most;
	monitors->limits = calloc(most + 1, sizeof *monitors->limits);
	monitors->spares = calloc(most + 1, sizeof *monitors->spares);
	if (!monitors->limits || !monitors->spares)
		return error_setf(error, ENOMEM, "out of memory");
	return 0;
}

void monitors_close(struct monitors *monitors)
{
	free(monitors->limits);
	free(monitors->spares);
	*monitors = (struct monitors){ 0 };
}

bool monitors_refresh(struct monitors *monitors, const struct live *live)
{
	size_t count = live_spare_monitors(live, monitors->spares, monitors->most);
	bool changed = count != monitors->limit_count;

	for (size_t i = 0; i < count && i < monitors->most; i++) {
		const struct host_spare *spare = &monitors->spares[i];
		struct place_socket *socket = &monitors->limits[i];

		changed = changed || socket->pid != spare->pid || socket->path != spare->path;
		*socket = (struct place_socket){ spare->pid, spare->path };
	}
	monitors->limit_count = count;
	return changed;
}
