/* SPDX-License-Identifier: GPL-3.0-or-later */
/* account-own-thread.h - threads of a service that work for one client each. */
#ifndef VMENERGY_MODEL_ACCOUNT_OWN_THREAD_H
#define VMENERGY_MODEL_ACCOUNT_OWN_THREAD_H

#include "model/account-internal.h"

void account_own_bind(struct account_edge *edge, const struct attachment *of,
		      const struct service *provider);
void account_own_forget(struct account_service *service);
void account_own_clear(struct account_service *service);
/* After account_own_clear(), where anything is known of the host. */
void account_own_read(struct account *account, struct account_service *service,
		      const struct service_reading *now);
/* The service's energy is not known: that of its threads waits for it. */
void account_own_wait(struct account_service *service);
/* Make edges' `own` a part of the service's energy, and *pool the rest of it. */
void account_own_split(struct account_service *service, struct load *pool);
/* Is the rest of this tick known by itself? */
bool account_own_teaches(const struct account_service *service);

#endif
