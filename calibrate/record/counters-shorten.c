/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which of hundreds of events are worth measuring: a table of what costs energy in a CPU, and
 * under which names vendors count it. Where there are several, the first one that is here.
 */
#include "calibrate/record/counters.h"

#include <errno.h>
#include <string.h>

enum { SPELLINGS_MAX = 7 };

static const char *const roles[][SPELLINGS_MAX] = {
	/* instructions */
	{ "*::INST_RETIRED:ANY_P", "*::RETIRED_INSTRUCTIONS", "*::INST_RETIRED",
	  "*::INSTRUCTION*_RETIRED", "*::INSTR_RETIRED*", "perf::INSTRUCTIONS" },
	/* cycles */
	{ "*::CPU_CLK_UNHALTED:THREAD_P", "*::CPU_CLK_UNHALTED:THREAD", "*::CYCLES_NOT_IN_HALT",
	  "*::CPU_CYCLES", "*::UNHALTED_CORE_CYCLES", "*::GLOBAL_POWER_EVENTS*",
	  "perf::CPU-CYCLES" },
	/* operations */
	{ "*::UOPS_EXECUTED:THREAD", "*::UOPS_ISSUED:ANY", "*::RETIRED_OPS", "*::RETIRED_UOPS",
	  "*::INST_SPEC", "*::UOPS_RETIRED:SLOTS", "*::UOPS_RETIRED:*" },
	/* branches */
	{ "*::BR_INST_RETIRED:ALL_BRANCHES", "*::RETIRED_BRANCH_INSTRUCTIONS", "*::BR_RETIRED",
	  "*::BR_PRED", "*::BRANCH_INSTRUCTIONS_RETIRED", "*::BRANCH_RETIRED*", "perf::BRANCHES" },
	/* mispredictions */
	{ "*::BR_MISP_RETIRED:ALL_BRANCHES", "*::RETIRED_BRANCH_INSTRUCTIONS_MISPREDICTED",
	  "*::RETIRED_MISPREDICTED_BRANCH_INSTRUCTIONS", "*::BR_MIS_PRED_RETIRED", "*::BR_MIS_PRED",
	  "*::MISPRED*BRANCH*", "perf::BRANCH-MISSES" },
	/* loads */
	{ "*::MEM_INST_RETIRED:ALL_LOADS", "*::MEM_UOPS_RETIRED:ALL_LOADS",
	  "*::LS_DISPATCH:LD_DISPATCH", "*::LD_SPEC", "*::MEM_INST_RETIRED:LOADS",
	  "perf::L1-DCACHE-LOADS" },
	/* stores */
	{ "*::MEM_INST_RETIRED:ALL_STORES", "*::MEM_UOPS_RETIRED:ALL_STORES",
	  "*::LS_DISPATCH:STORE_DISPATCH", "*::ST_SPEC", "*::MEM_INST_RETIRED:STORES",
	  "perf::L1-DCACHE-STORES" },
	/* first-level cache references */
	{ "*::L1D_CACHE", "*::DATA_CACHE_ACCESSES", "*::MEM_LOAD_RETIRED:L1_HIT" },
	/* first-level cache misses */
	{ "*::L1D:REPLACEMENT", "*::L1D_CACHE_REFILL", "*::ANY_DATA_CACHE_FILLS_FROM_SYSTEM:*ALL",
	  "*::MAB_ALLOCATION_BY_TYPE:*", "*::MEM_LOAD_RETIRED:L1_MISS", "*::DATA_CACHE_MISSES",
	  "perf::L1-DCACHE-LOAD-MISSES" },
	/* second-level cache references */
	{ "*::L2_RQSTS:REFERENCES", "*::L2D_CACHE", "*::REQUESTS_TO_L2_GROUP1:RD_BLK_L",
	  "*::REQUESTS_TO_L2:*", "*::L2_TRANS:ALL_REQUESTS" },
	/* second-level cache misses */
	{ "*::L2_RQSTS:MISS", "*::L2D_CACHE_REFILL", "*::L2_LINES_IN:ALL", "*::L2_LINES_IN:ANY",
	  "*::CORE_TO_L2_CACHEABLE_REQUEST_ACCESS_STATUS:LS_RD_BLK_C", "*::L2_CACHE_MISS:*",
	  "*::MEM_LOAD_RETIRED:L2_MISS" },
	/* last-level cache references */
	{ "*::LONGEST_LAT_CACHE:REFERENCE*", "*::LL_CACHE_RD", "*::L3D_CACHE", "*::LLC_REFERENCES",
	  "*::LAST_LEVEL_CACHE_REFERENCES", "perf::CACHE-REFERENCES" },
	/* last-level cache misses */
	{ "*::LONGEST_LAT_CACHE:MISS", "*::LL_CACHE_MISS_RD", "*::L3D_CACHE_REFILL",
	  "*::LLC_MISSES", "*::LAST_LEVEL_CACHE_MISSES", "*::MEM_LOAD_RETIRED:L3_MISS",
	  "perf::CACHE-MISSES" },
	/* memory */
	{ "*::OFFCORE_REQUESTS:ALL_REQUESTS", "*::OFFCORE_REQUESTS:ALL_DATA_RD", "*::BUS_ACCESS",
	  "*::MEM_ACCESS", "*::DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:*DRAM*",
	  "*::DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:*MEM*", "perf::NODE-LOADS" },
	/* write-backs */
	{ "*::L2_TRANS:L2_WB", "*::L2D_CACHE_WB", "*::L2_LINES_OUT:NON_SILENT",
	  "*::L2_LINES_OUT:DEMAND_DIRTY" },
	/* scalar floating point */
	{ "*::FP_ARITH_INST_RETIRED:SCALAR_DOUBLE", "*::VFP_SPEC", "*::RETIRED_SSE_AVX_FLOPS:ANY",
	  "*::RETIRED_SSE_AVX_FLOPS:*", "*::RETIRED_SSE_AVX_OPERATIONS:*",
	  "*::FP_COMP_OPS_EXE:*SCALAR_DOUBLE" },
	/* narrow vectors */
	{ "*::FP_ARITH_INST_RETIRED:128B_PACKED_DOUBLE", "*::ASE_SPEC",
	  "*::RETIRED_FP_OPS_BY_WIDTH:PACK_128*", "*::RETIRED_MMX_FP_INSTRUCTIONS:SSE*" },
	/* wide vectors */
	{ "*::FP_ARITH_INST_RETIRED:256B_PACKED_DOUBLE", "*::SVE_INST_SPEC",
	  "*::RETIRED_FP_OPS_BY_WIDTH:PACK_256*" },
	/* widest vectors */
	{ "*::FP_ARITH_INST_RETIRED:512B_PACKED_DOUBLE", "*::RETIRED_FP_OPS_BY_WIDTH:PACK_512*" },
	/* divisions */
	{ "*::ARITH:DIVIDER_ACTIVE", "*::ARITH:FPU_DIV_ACTIVE", "*::DIV_CYCLES_BUSY_COUNT",
	  "*::DIV_OP_COUNT" },
	/* stalls on memory */
	{ "*::CYCLE_ACTIVITY:STALLS_L3_MISS", "*::CYCLE_ACTIVITY:STALLS_L2_MISS",
	  "*::STALL_BACKEND_MEM", "*::CYCLE_ACTIVITY:STALLS_LDM_PENDING" },
	/* stalls */
	{ "*::CYCLE_ACTIVITY:STALLS_TOTAL", "*::STALL_BACKEND", "*::CYCLES_NO_RETIRE:*",
	  "*::UOPS_EXECUTED:STALL_CYCLES", "*::RESOURCE_STALLS:ANY",
	  "perf::STALLED-CYCLES-BACKEND" },
	/* address translation */
	{ "*::DTLB_LOAD_MISSES:WALK_COMPLETED", "*::L1D_TLB_REFILL", "*::L1_DTLB_MISS:*ALL*",
	  "*::L1_DTLB_MISS:*", "*::DTLB_WALK", "perf::DTLB-LOAD-MISSES" },
	/* decoded instructions */
	{ "*::IDQ:MITE_UOPS", "*::IDQ:DSB_UOPS", "*::OPS_SOURCE_DISPATCHED_FROM_DECODER:DECODER",
	  "*::L1I_CACHE" },
};
_Static_assert(sizeof roles / sizeof *roles <= COUNTERS_SHORT, "a shorter list");

static const char *find(const struct event_names *all, const char *pattern)
{
	for (size_t i = 0; i < all->count; i++)
		if (text_matches(pattern, all->items[i]))
			return all->items[i];
	return NULL;
}

int counters_shorten(const struct event_names *all, struct event_names *names)
{
	for (size_t r = 0; r < sizeof roles / sizeof *roles; r++) {
		const char *name = NULL;

		for (unsigned i = 0; i < SPELLINGS_MAX && roles[r][i] && !name; i++)
			name = find(all, roles[r][i]);
		if (name && !find(names, name) && event_names_add(names, name))
			return -ENOMEM;
	}
	return 0;
}
