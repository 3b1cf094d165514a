/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the configuration says and this machine has not. */
#include <errno.h>

#include "vmenergyd/control/peer.h"
#include "vmenergyd/daemon.h"

static void check_group(const struct config *config, const char *key, const char *group,
			struct error_list *errors)
{
	struct config_origin origin = config_origin(config, key);

	/* The default need not be there. */
	if (!origin.line || !group || peer_find_group(group) != PEER_NO_GROUP)
		return;
	error_list_addf(errors, "%s:%u: %s %s: there is no such group", origin.path, origin.line,
			key, group);
}

int daemon_check_config(const struct config *config, struct error_list *errors)
{
	size_t before = errors->count + errors->dropped;
	int result;

	check_group(config, "read-group", config->read_group, errors);
	check_group(config, "change-group", config->change_group, errors);
	result = errors->count + errors->dropped == before ? 0 : -EINVAL;
	config_sort_errors(errors);
	return result;
}
