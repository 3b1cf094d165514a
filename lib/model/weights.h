/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weights.h - what an event costs on this hardware: vmenergy.weights(5).
 *
 * A file describes one CPU (with its machine's constant power), one kind of
 * disk or of network card. Energies are nJ per event in the file and here; power is watts.
 */
#ifndef VMENERGY_MODEL_WEIGHTS_H
#define VMENERGY_MODEL_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "model/sample.h"
#include "model/topology.h"

enum weights_kind { WEIGHTS_CPU, WEIGHTS_DISK, WEIGHTS_NIC };
enum scope { SCOPE_WALL, SCOPE_DC, SCOPE_PACKAGE, SCOPE_PACKAGE_DRAM, SCOPE_RAIL };
enum standing { STANDING_MEASURED, STANDING_MODELLED, STANDING_ESTIMATE };
enum verdict { VERDICT_NONE, VERDICT_GOOD, VERDICT_USABLE, VERDICT_POOR };
const char *scope_name(enum scope scope); /* "wall" "dc" "package" "package+dram" "rail" */
const char *standing_name(enum standing standing);
const char *verdict_name(enum verdict verdict); /* NONE: "none" */
int scope_parse(const char *word);              /* or -1, as the next two */
int standing_parse(const char *word);
int verdict_parse(const char *word);
#define VERDICT_GOOD_POOLED_PERCENT 5.0
#define VERDICT_GOOD_WORST_PERCENT 10.0
/* model.md 6: by errors on what was held out, pooled over rows and of the worst workload. NaN is
 * poor. */
enum verdict verdict_of(double pooled_mape_percent, double worst_mape_percent);

enum { WEIGHTS_EVENTS_MAX = 16, WEIGHTS_POINTS_MAX = 32, WEIGHTS_REPLICATES_MAX = 256 };

struct weight {
	char event[EVENT_NAME_BYTES]; /* as libpfm4 names it, or CPUTIME_EVENT */
	double nj;
	double se_nj;          /* standard error; NaN = unknown */
	double *replicates_nj; /* jackknife, weights.replicate_count of them; owned; NULL = none */
};

/* One operating point. A file has at least one; ascending frequency. */
struct operating_point {
	double frequency_hz; /* 0 = the only one: holds at any frequency */
	double voltage_v;    /* NaN = not stated */
	double base_w;    /* all constant power in scope, disks powered in calibration included */
	double base_se_w; /* standard error; NaN = unknown */
	double *base_replicates_w;                 /* owned; NULL = none */
	struct weight weights[WEIGHTS_EVENTS_MAX]; /* perf events: one additive set */
	unsigned weight_count;
	/* Stands in for the whole set where events cannot be counted: nJ per ns on a CPU (= W per
	 * busy CPU). NaN = the file has none. Never added to `weights`. */
	struct weight on_cpu;
};

struct disk_direction {    /* energy-equivalent constants (model.md 3), not latencies */
	double overhead_s; /* per request; rotational: per non-contiguous request */
	double rate_bytes_s;
};

struct disk_constants {
	double idle_w, active_w;       /* as the data sheet or the meter gives them */
	double idle_se_w, active_se_w; /* NaN = unknown */
	struct disk_direction read, write;
};

struct nic_constants {
	double idle_w;                                   /* of one port while its link is up */
	double receive_nj, transmit_nj;                  /* per byte, beyond idle */
	double idle_se_w, receive_se_nj, transmit_se_nj; /* NaN = unknown */
};

enum { MATCH_ANY = -1 };
/*
 * What the file is for; every stated field must agree. A file that is no guess
 * and states nothing is never chosen, only named. Patterns (text_matches,
 * letter case ignored) are tried on the name, and on the name with a blank at
 * either end: "* Platinum 8592+ *" finds whole words.
 */
struct weights_match {
	char *vendor;                /* NULL = any */
	char *model_name;            /* pattern; NULL = any */
	int family, model, stepping; /* MATCH_ANY */
	int chips;                   /* MATCH_ANY */
	int cpus;                    /* MATCH_ANY */
	char *pmu;        /* libpfm4 PMU of the events, for whoever opens them; NULL = not stated */
	char *disk_model; /* pattern; NULL = any (kind disk) */
	char *disk_name;  /* pattern of the kernel's name, "nvme*"; NULL = any */
	int rotational;   /* 0, 1 or MATCH_ANY */
	/* kind NIC; patterns, NULL = any */
	char *nic_driver; /* of the kernel: "ixgbe" */
	char *nic_model;  /* PCI numbers of vendor and device: "8086:10fb" */
	char *nic_name;   /* the kernel's name */
	int nic_speed;    /* Mbit/s; MATCH_ANY */
};

struct weights {
	char *path; /* where it was read from; "" = nowhere */
	char *name; /* one line: what it is for */
	enum weights_kind kind;
	struct weights_match match;
	bool guess; /* a fallback: matches anything, says so */
	enum scope scope;
	enum standing standing; /* at best: cputime makes it an estimate */
	/* kind CPU: the machine that was calibrated */
	unsigned cpus, chips; /* both 0 with per_cpu */
	double tsc_hz;        /* 0 = the host's own */
	bool per_cpu;         /* base_w is per CPU present (guesses that scale with the machine) */
	struct operating_point *points; /* owned */
	unsigned point_count;
	unsigned replicate_count;
	double disks_idle_w; /* P_idle of the disks powered during calibration, inside base_w */
	char *disks_note;    /* which; NULL */
	double nics_idle_w;  /* the same of network cards */
	double thermal_c1, thermal_c2, thermal_t0_c; /* dT/dt = c1 P + c2 (T - T0); NaN = none */
	/* kind DISK */
	struct disk_constants disk;
	struct nic_constants nic; /* kind NIC */
	/* provenance, each NULL or a line of text */
	char *source, *meter, *date, *kernel, *command;
	uint64_t rows;                      /* 0 = not stated */
	uint64_t servers;                   /* machines behind a default; 0 = not stated */
	double meter_lag_s, meter_window_s; /* NaN = not stated */
	/* validation (leave-one-workload-out); NaN = not stated */
	double lowo_mape_percent, lowo_worst_percent, in_sample_mape_percent, energy_error_percent;
	enum verdict verdict;
};

/*
 * Strict: every error of the text goes to `errors` with its line. 0 and
 * *weights (owned by the caller), or -EINVAL / -ENOMEM and *weights NULL.
 */
int weights_parse(const char *path, const char *text, size_t length, struct weights **weights,
		  struct error_list *errors);
/* Canonical: print(parse(x)) is a fixed point. */
void weights_print(const struct weights *weights, struct text *out);
void weights_free(struct weights *weights);

/* Does the file have prices for what this source counts? */
bool weights_prices(const struct weights *weights, enum cpu_source source);

/*
 * How well does a file fit? 0 = not at all; higher is closer; every guess is
 * below every other file. `why` (may be NULL) gets, appended, a clause
 * such as "same CPU model, 2 chips". A file that cannot price `source` gives 0: events cannot be
 * made from time, nor time from events. Nor does the file of a whole machine
 * fit one with other CPUs than it was calibrated with, a factor of two (SMT off
 * in firmware) excepted: a virtual machine shows its host's CPU model.
 */
unsigned weights_match_cpu(const struct weights *weights, const struct cpu_identity *cpu,
			   enum cpu_source source, struct text *why);
unsigned weights_match_disk(const struct weights *weights, const struct disk *disk,
			    struct text *why);
unsigned weights_match_nic(const struct weights *weights, const struct nic *nic, struct text *why);

/* Prices at one operating point, ready to multiply with an event_set's counts. */
struct price {
	double idle_w; /* constant power, disks excepted, of the whole calibrated machine */
	double tsc_nj; /* model.md 2: idle_w / (cpus * tsc_hz); NaN where the file has no tsc_hz */
	double event_nj[SAMPLE_EVENTS_MAX];    /* parallel to event_set.names; 0 where the file has
						  none */
	double event_se_nj[SAMPLE_EVENTS_MAX]; /* NaN = unknown */
	double idle_se_w;
	unsigned quality; /* ESTIMATE, EXTRAPOLATED */
};

/* A point holds within this part of its frequency: measured clocks jitter. */
#define WEIGHTS_FREQUENCY_TOLERANCE 0.01

/*
 * Interpolate between calibrated points; beyond them hold the nearest and mark
 * EXTRAPOLATED. frequency_hz 0 (unknown) takes the highest point, and marks
 * ESTIMATE if there are several. -ENOENT with text when the file cannot price
 * this set: no stand-in for cputime, or it prices an event that the set does
 * not count. `cpus_present` scales per_cpu files.
 */
int weights_price(const struct weights *weights, const struct event_set *events,
		  unsigned cpus_present, double frequency_hz, struct price *price,
		  struct error *error);

#endif
