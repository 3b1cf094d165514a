/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-nic.c - the energy of network cards, and who is charged for it: the
 * rule of disks (model.md 3, 4), with bytes in the place of request time.
 *
 *     active(card) = bytes received * receive_nj + bytes sent * transmit_nj
 *     active(v)    = the same of those of its bytes that passed the card
 *
 * A card's constants are per byte beyond idle, so that its active energy is a
 * sum and needs no bound. What guests send one another stays on the bridge and
 * never reaches a card: claims cannot exceed, in either direction, what the card
 * moved, and are scaled down together. What they leave over is the host's own.
 *
 * vhost workers are a domain's helpers, their energy is its service; which of
 * its vNICs they worked for is a memo, in proportion to packets.
 */
#include "model/account-internal.h"

static double byte_j(const struct account_nic *nic, int direction)
{
	const struct nic_constants *constants = &nic->weights->nic;

	return (direction == RECEIVE ? constants->receive_nj : constants->transmit_nj) * 1e-9;
}

static double bytes_j(const struct account_nic *nic, const double bytes[DIRECTIONS])
{
	return bytes[RECEIVE] * byte_j(nic, RECEIVE) + bytes[TRANSMIT] * byte_j(nic, TRANSMIT);
}

typedef void port_visitor(struct account_domain *domain, struct account_port *port);

static void each_port(struct account *account, port_visitor *visit)
{
	for (size_t i = 0; i < account->bound_count; i++)
		for (size_t k = 0; k < account->bound[i]->port_count; k++)
			visit(account->bound[i], &account->bound[i]->ports[k]);
}

/* --- readings ----------------------------------------------------------------------------- */

static void read_nic(const struct account *account, struct account_nic *nic,
		     const struct net_reading *now)
{
	struct charge *active = &nic->active;
	double joules;

	account_net_delta(&nic->delta, &nic->previous, now, &account->tick);
	nic->claimed[RECEIVE] = nic->claimed[TRANSMIT] = 0;
	nic->charged = (struct charge){ 0, 0 };
	nic->charged_idle_j = 0;
	nic->idle_j = NAN;
	*active = CHARGE_UNKNOWN;
	if (!nic->weights)
		return;
	nic->idle_j = nic->up ? nic->weights->nic.idle_w * account->tick.seconds : 0;
	if (!nic->delta.known)
		return;
	joules = bytes_j(nic, nic->delta.bytes);
	active->now_j = joules * nic->delta.on_time;
	active->late_j = joules - active->now_j;
}

static void read_vnics(const struct account *account, struct account_domain *domain,
		       const struct domain_reading *now)
{
	for (size_t i = 0; i < domain->vnic_count; i++) {
		struct account_vnic *vnic = domain->vnics[i];

		account_net_delta(&vnic->delta, &vnic->previous, &now->vnics[i], &account->tick);
		vnic->idle_j = NAN;
		vnic->active = CHARGE_UNKNOWN;
		vnic->service_active_j = 0;
	}
}

/* --- claims within what the card moved ---------------------------------------------------- */

/* A vNIC's traffic goes over its cards (a bond) as their own does. */
static double part_of(const struct account_domain *domain, const struct account_port *port,
		      int direction)
{
	double sum = 0;

	if (port->vnic->leaf_count == 1)
		return 1;
	for (size_t i = 0; i < domain->port_count; i++)
		if (domain->ports[i].vnic == port->vnic)
			sum += domain->ports[i].nic->delta.bytes[direction];
	return sum > 0 ? port->nic->delta.bytes[direction] / sum : 0;
}

static void claim(struct account_domain *domain, struct account_port *port)
{
	const struct net_delta *vnic = &port->vnic->delta, *nic = &port->nic->delta;

	port->bytes[RECEIVE] = port->bytes[TRANSMIT] = 0;
	if (!vnic->known || !nic->known)
		return;
	for (int dir = 0; dir < DIRECTIONS; dir++) {
		/* One that was not read for longer than the card: what fell into its time. */
		port->bytes[dir] = vnic->bytes[dir] * fmin(1, nic->seconds / vnic->seconds) *
				   part_of(domain, port, dir);
		port->nic->claimed[dir] += port->bytes[dir];
	}
}

static void bound(struct account_domain *domain, struct account_port *port)
{
	const struct account_nic *nic = port->nic;

	(void)domain;
	for (int dir = 0; dir < DIRECTIONS; dir++)
		if (nic->claimed[dir] > nic->delta.bytes[dir])
			port->bytes[dir] *= nic->delta.bytes[dir] / nic->claimed[dir];
}

/* --- charges ------------------------------------------------------------------------------ */

static void charge_active(struct account_domain *domain, struct account_port *port)
{
	struct account_nic *nic = port->nic;
	struct charge charge;
	double whole_j;

	(void)domain;
	if (isnan(nic->active.now_j) || !port->vnic->delta.known)
		return;
	whole_j = bytes_j(nic, nic->delta.bytes);
	charge = charge_scale(nic->active, whole_j > 0 ? bytes_j(nic, port->bytes) / whole_j : 0);
	nic->charged = charge_sum(nic->charged, charge);
	port->vnic->active = charge_sum(port->vnic->active, charge);
}

static void charge_idle(struct account_domain *domain, struct account_port *port)
{
	double idle_j = port->nic->idle_j * port->idle_part;

	(void)domain;
	if (isnan(idle_j))
		return;
	port->nic->charged_idle_j += idle_j;
	port->vnic->idle_j = known(port->vnic->idle_j) + idle_j;
}

/* P_idle * period / vNICs on that card; the host is no sharer. */
static void share_idle(struct account *account, const struct account_nic *nic)
{
	bool kept = account->options.idle_policy == IDLE_HOST;
	struct span *span = account->spans;

	for (size_t i = 0; i < account->bound_count; i++) {
		const struct account_domain *domain = account->bound[i];

		for (size_t k = 0; k < domain->port_count; k++)
			if (domain->ports[k].nic == nic)
				*span++ = (struct span){ kept ? 0 : 1, domain->tick.from_ns,
							 domain->tick.to_ns, 0 };
	}
	account_share(account->spans, (size_t)(span - account->spans), account->span_events,
		      &account->tick);
	span = account->spans;
	for (size_t i = 0; i < account->bound_count; i++)
		for (size_t k = 0; k < account->bound[i]->port_count; k++)
			if (account->bound[i]->ports[k].nic == nic)
				account->bound[i]->ports[k].idle_part = (span++)->part;
}

/* Without a card whose constants are known nothing is said of a domain, nor of the tick. */
static void sum_domain(struct account_domain *domain)
{
	struct domain_tick *tick = &domain->tick;

	tick->net = domain->vnic_count > 0 ? CHARGE_UNKNOWN : (struct charge){ 0, 0 };
	tick->net_idle_j = domain->vnic_count > 0 ? NAN : 0;
	for (size_t i = 0; i < domain->vnic_count; i++) {
		const struct account_vnic *vnic = domain->vnics[i];

		tick->net = charge_sum(tick->net, vnic->active);
		if (!isnan(vnic->idle_j))
			tick->net_idle_j = known(tick->net_idle_j) + vnic->idle_j;
	}
	for (size_t i = 0; i < domain->port_count; i++) {
		const struct account_port *port = &domain->ports[i];

		if (port->nic->weights)
			tick->quality |= port->nic->quality | port->vnic->delta.quality;
	}
}

static void sum_nics(struct account *account)
{
	account->net_head = CHARGE_UNKNOWN;
	account->net_idle_j = NAN;
	for (size_t i = 0; i < account->nic_count; i++) {
		const struct account_nic *nic = account->nics[i];

		if (!nic->weights)
			continue;
		account->net_head = charge_sum(account->net_head, nic->active);
		account->net_idle_j = known(account->net_idle_j) + nic->idle_j;
		account->tick.quality |= nic->quality | nic->delta.quality;
	}
}

/* --- the memo of vhost workers ------------------------------------------------------------ */

static double packets_of(const struct account_vnic *vnic)
{
	return vnic->delta.packets[RECEIVE] + vnic->delta.packets[TRANSMIT];
}

/* Threads were read a little before the total: what vDISKs leave of it is the bound. */
static void share_workers(struct account_domain *domain)
{
	double workers_j = 0, disks_j = 0, packets = 0;

	for (size_t i = 0; i < domain->thread_count; i++) {
		const struct account_thread *thread = &domain->threads[i];

		workers_j += thread->vhost ? known(thread->active.now_j) : 0;
		disks_j += thread->vdisk != VDISK_NONE ? known(thread->active.now_j) : 0;
	}
	workers_j = fmin(workers_j, fmax(0, known(domain->tick.helpers_j) - disks_j));
	for (size_t i = 0; i < domain->vnic_count; i++)
		packets += packets_of(domain->vnics[i]);
	for (size_t i = 0; i < domain->vnic_count && workers_j > 0; i++)
		domain->vnics[i]->service_active_j =
			packets > 0 ? workers_j * packets_of(domain->vnics[i]) / packets
				    : workers_j / (double)domain->vnic_count;
}

/* --- all ---------------------------------------------------------------------------------- */

void account_net(struct account *account, const struct sample *sample)
{
	for (size_t i = 0; i < account->nic_count; i++) {
		read_nic(account, account->nics[i], &sample->nics[i]);
		share_idle(account, account->nics[i]);
	}
	for (size_t i = 0; i < account->bound_count; i++)
		read_vnics(account, account->bound[i], &sample->domains[i]);
	each_port(account, claim);
	each_port(account, bound);
	each_port(account, charge_active);
	each_port(account, charge_idle);
	for (size_t i = 0; i < account->bound_count; i++) {
		sum_domain(account->bound[i]);
		share_workers(account->bound[i]);
	}
	sum_nics(account);
}

/* An error of a constant is one for all bytes; idle and bytes are apart. NaN: not stated. */
double account_nic_variance(const struct account *account, const struct account_domain *domain)
{
	double variance = 0;

	for (size_t i = 0; i < domain->port_count; i++) {
		const struct account_port *port = &domain->ports[i];
		const struct nic_constants *nic;
		double parts[3] = { 0, 0, 0 };

		if (!port->nic->weights)
			continue;
		nic = &port->nic->weights->nic;
		if (port->nic->up && port->idle_part > 0)
			parts[0] = port->idle_part * account->tick.seconds * nic->idle_se_w;
		if (port->bytes[RECEIVE] > 0)
			parts[1] = port->bytes[RECEIVE] * nic->receive_se_nj * 1e-9;
		if (port->bytes[TRANSMIT] > 0)
			parts[2] = port->bytes[TRANSMIT] * nic->transmit_se_nj * 1e-9;
		for (int k = 0; k < 3; k++)
			variance += parts[k] * parts[k];
	}
	return variance;
}
