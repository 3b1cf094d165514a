/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stands on the screen, as text. */
#include "tests/unit/pages-scene.h"

/* --- whole screens ---------------------------------------------------------------------------- */

static const char list_screen[] =
	"vmetop  kvm01  2023-11-14 22:13:26Z  every 2s  VMs 3: 2 running, 1 paused\n"
	"Host [========================###################+... ]  ~66.25 W  max ~66.25\n"
	"VMs ~62.25  = idle ~33.00  # CPU ~25.00 disk ~1.50  + serv ~0.75  . kept ~4.00\n"
	"estimate from cputime  extrapolated  weights sample.weights: usable  scope wall\n"
	"no meter  (same CPU model)\n"
	"  NAME            9> S  TOTAL/W  IDLE/W   CPU/W  DISK/W  SERV/W    ENERGY TREND\n"
	"+ database           R   ~31.75  ~11.00  ~20.00   ~0.50   ~0.25  ~2.000kJ   ▅▆▇█\n"
	"  web-front-?[31m    R   ~16.75  ~11.00   ~5.00   ~0.50   ~0.25   ~500.0J   ▅▅▅▅\n"
	"  a-name-th…w-screen P   ~11.75  ~11.00   ~<.01   ~0.50   ~0.25   ~0.100J   ▃▃▃▃\n"
	"(kept by the host)        ~4.00   ~2.00   ~2.50   ~1.50       -   ~40.00J\n"
	"\n"
	"\n"
	"\n"
	"\n"
	"\n"
	"? Help q Quit | 0 VMs 1 Host 2 Services 3 Disks | Enter Graph t Tree > Sort\n";

static void test_list(void)
{
	prepare();
	expect_screen(16, 80, list_screen);
}

static const char tree_screen[] =
	"vmetop  kvm01  2023-11-14 22:13:26Z  every 2s  VMs 3: 2 running, 1 paused\n"
	"Host [========================###################+... ]  ~66.25 W  max ~66.25\n"
	"VMs ~62.25  = idle ~33.00  # CPU ~25.00 disk ~1.50  + serv ~0.75  . kept ~4.00\n"
	"estimate from cputime  extrapolated  weights sample.weights: usable  scope wall\n"
	"no meter  (same CPU model)\n"
	"  NAME            9> S  TOTAL/W  IDLE/W   CPU/W  DISK/W  SERV/W    ENERGY TREND\n"
	"- database           R   ~31.75  ~11.00  ~20.00   ~0.50   ~0.25  ~2.000kJ   ▅▆▇█\n"
	"    vcpu0                ~12.00       -  ~12.00       -       -         -\n"
	"    vcpu1                 ~8.00       -   ~8.00       -       -         -\n"
	"    vda sda               ~1.88   ~1.25       -   ~0.50   ~0.12         -\n"
	"    other, idle           ~9.88   ~9.75   ~0.00   ~0.00   ~0.12         -\n"
	"  web-front-?[31m    R   ~16.75  ~11.00   ~5.00   ~0.50   ~0.25   ~500.0J   ▅▅▅▅\n"
	"  a-name-th…w-screen P   ~11.75  ~11.00   ~<.01   ~0.50   ~0.25   ~0.100J   ▃▃▃▃\n"
	"(kept by the host)        ~4.00   ~2.00   ~2.50   ~1.50       -   ~40.00J\n"
	"    vmetop                ~0.05   ~0.00       -       -       -         -\n"
	"    host                  ~3.95   ~2.00       -       -       -         -\n"
	"\n"
	"? Help q Quit | 0 VMs 1 Host 2 Services 3 Disks | Enter Graph t Tree > Sort\n";

static void test_tree(void)
{
	prepare();
	press(L't');
	expect_screen(18, 80, tree_screen);
}

static const char host_screen[] =
	"vmetop  kvm01  2023-11-14 22:13:26Z  every 2s  VMs 3: 2 running, 1 paused\n"
	"Host [========================###################+... ]  ~66.25 W  max ~66.25\n"
	"VMs ~62.25  = idle ~33.00  # CPU ~25.00 disk ~1.50  + serv ~0.75  . kept ~4.00\n"
	"estimate from cputime  extrapolated  weights sample.weights: usable  scope wall\n"
	"no meter  (same CPU model)\n"
	"idle by vcpu  ~ estimate  > part missing  * held  - unknown\n"
	"HOST                TOTAL/W   IDLE/W    ACT/W    ENERGY\n"
	"host                 ~66.25   ~35.00   ~31.25   ~660.0J all that has weights\n"
	"  CPUs, board        ~60.25   ~32.00   ~28.25   ~0.000J idle: constant power\n"
	"    CPUs             ~25.75        -   ~25.75         - 2.40GHz 54C extrapolated\n"
	"  disks               ~6.00    ~3.00    ~3.00   ~0.000J 1 of 2 with weights\n"
	"  VMs                ~62.25   ~33.00   ~27.25   ~620.0J 94.0% of the host\n"
	"  kept by the host    ~4.00    ~2.00    ~2.00   ~40.00J\n"
	"    vmetop            ~0.05    ~0.00    ~0.05         - this program\n"
	"    host              ~3.95    ~2.00    ~1.95         -\n"
	"metered            no meter\n"
	"residual           no meter\n"
	"temperature        54.0 C, the hottest package\n"
	"ticks              number 4, of 2.00 s; missed 0\n"
	"account            energy since 2023-11-14 22:13:20Z; idle power by vcpu\n"
	"weights            /a/folder/sample.weights: same CPU model\n"
	"note sample: a note of the source\n"
	"\n"
	"? Help q Quit | 0 VMs 1 Host 2 Services 3 Disks | / Find z Pause u J/Wh\n";

static void test_host(void)
{
	prepare();
	press(L'1');
	expect_screen(24, 80, host_screen);
}

/* The head: a maximum of estimates is one, also when the newest tick was measured. */
static void test_host_says_how_it_reads(void)
{
	prepare();
	info.counting = "perf groups of 2 events on 8 CPUs";
	info.frequency = "APERF/MPERF of 8 CPUs";
	info.service_times = "BPF";
	snapshot.host.quality = 0;
	press(L'1');
	draw(30, 80);
	UNIT_TRUE(is_on_screen("\ncounting           perf groups of 2 events on 8 CPUs\n"
			       "frequency          from APERF/MPERF of 8 CPUs\n"
			       "disk requests      followed by BPF\nnote "));
	UNIT_TRUE(is_on_screen("]  66.25 W  max ~66.25\n"));
	info.counting = info.frequency = NULL;
	info.why_not_events = "No event is priced.";
	draw(30, 80);
	UNIT_TRUE(is_on_screen("\nevents             No event is priced.\n"
			       "disk requests      followed by BPF\nnote "));
}

static const char services_screen[] =
	"vmetop  kvm01  2023-11-14 22:13:26Z  every 2s  VMs 3: 2 running, 1 paused\n"
	"estimate from cputime  extrapolated  weights sample.weights: usable  scope wall\n"
	"no meter  (same CPU model)\n"
	"SERVICE                                  PID  TOTAL/W   IDLE/W    ACT/W CLIENTS\n"
	"storage daemon                           900    ~0.75    ~0.50    ~0.25       2\n"
	"\n"
	"WORKS FOR                IDLE/W    ACT/W  SIDLE/W   SERV/W  REQ/s   RD/s   WR/s\n"
	"database/vda              ~1.00    ~0.50    ~0.25    ~0.12     50   2.0M   1.0k\n"
	"gone\n"
	"\n"
	"\n"
	"? Help q Quit | 0 VMs 1 Host 2 Services 3 Disks | / Find z Pause u J/Wh\n";

static void test_services(void)
{
	prepare();
	press(L'2');
	expect_screen(12, 80, services_screen);
}

static const char disks_screen[] =
	"vmetop  kvm01  2023-11-14 22:13:26Z  every 2s  VMs 3: 2 running, 1 paused\n"
	"Host [========================###################+... ]  ~66.25 W  max ~66.25\n"
	"VMs ~62.25  = idle ~33.00  # CPU ~25.00 disk ~1.50  + serv ~0.75  . kept ~4.00\n"
	"estimate from cputime  extrapolated  weights sample.weights: usable  scope wall\n"
	"no meter  (same CPU model)\n"
	"DISK          TOTAL/W   IDLE/W    ACT/W BUSY%  REQ/s   RD/s   WR/s    ENERGY\n"
	"sda              4.50     3.00     1.50  12.5     50   2.0M   1.0k    45.00J\n"
	"nvme0n1             -        -        -     -      -      -      -         -\n"
	"\n"
	"sda  SAMPLE 1, sample.weights\n"
	"ON IT                    IDLE/W    ACT/W  SIDLE/W   SERV/W  REQ/s   RD/s   WR/s\n"
	"database/vda              ~1.00    ~0.50    ~0.25    ~0.12     50   2.0M   1.0k\n"
	"\n"
	"\n"
	"\n"
	"? Help q Quit | 0 VMs 1 Host 2 Services 3 Disks | / Find z Pause u J/Wh\n";

static void test_disks(void)
{
	prepare();
	press(L'3');
	expect_screen(16, 80, disks_screen);
}

static const char small_screen[] = "estimate from cputime\n"
				   "extrapolated\n"
				   "weights sample.weights: usable\n"
				   "  NAME      14> S  TOTAL/W   CPU/W\n"
				   "+ database      R   ~31.75  ~20.00\n"
				   "  web-fr..?[31m R   ~16.75   ~5.00\n"
				   "  a-name..creen P   ~11.75   ~<.01\n"
				   "? Help q Quit | 0 VMs 1 Host\n";

/* Of a small screen the basis of the figures and the rows remain. */
static void test_small(void)
{
	prepare();
	ui.unicode = ui.view.unicode = false;
	expect_screen(8, 34, small_screen);
}

/* --- what must not be missed ------------------------------------------------------------------ */

static void test_the_head_says_what_figures_rest_on(void)
{
	prepare();
	draw(24, 80);
	UNIT_TRUE(is_on_screen("estimate from cputime"));
	UNIT_TRUE(is_on_screen("scope wall"));
	UNIT_TRUE(is_on_screen("weights sample.weights: usable"));
	UNIT_TRUE(is_on_screen("extrapolated"));
	UNIT_TRUE(is_on_screen("no meter"));
	info.verdict = VERDICT_NONE;
	draw(24, 80);
	UNIT_TRUE(is_on_screen("weights sample.weights: not verified"));
	snapshot.source.meter = unit_literal("ipmi");
	snapshot.host.metered_w = 70;
	draw(24, 80);
	UNIT_TRUE(is_on_screen("ipmi 70.00 W"));
}

static void test_standing_still_is_said(void)
{
	prepare();
	press(L'z');
	draw(24, 80);
	UNIT_TRUE(is_on_screen("FROZEN"));
	info.is_replay = true;
	draw(24, 80);
	UNIT_TRUE(is_on_screen("PAUSED"));
	info.ended = true;
	draw(24, 80);
	UNIT_TRUE(is_on_screen("ENDED"));
}

static void test_an_empty_list_says_why(void)
{
	prepare();
	strcpy(ui.filter_line, "zzz");
	ui.view.filter = ui.filter_line;
	draw(24, 80);
	UNIT_TRUE(is_on_screen("The filter hides all domains"));
	UNIT_TRUE(is_on_screen("filter zzz"));
	UNIT_TRUE(is_on_screen("3 hidden"));
	ui.view.filter = NULL;
	snapshot.domain_count = 0;
	draw(24, 80);
	UNIT_TRUE(is_on_screen("No domains found"));
	frame.snapshot = NULL;
	draw(24, 80);
	UNIT_TRUE(is_on_screen("Waiting for the first tick"));
	frame.snapshot = &snapshot;
}

static void test_the_footer_asks(void)
{
	prepare();
	press(L'/');
	press(L'x');
	draw(24, 80);
	UNIT_TRUE(is_on_screen("Find: x"));
	press(27);
	strcpy(ui.message, "something happened");
	draw(24, 80);
	UNIT_TRUE(is_on_screen("something happened"));
}

/* A style alone is not seen by everybody: there is a letter, too. */
static void test_caps_have_a_letter(void)
{
	prepare();
	domains[0].control.cap_w = 5;
	domains[0].throttle_cpu = 0.2;
	domains[1].control.cap_w = 60;
	domains[1].throttle_cpu = 0.5;
	draw(24, 100);
	UNIT_TRUE(is_on_screen("R!"));
	UNIT_TRUE(is_on_screen("RT"));
	UNIT_TRUE(is_on_screen("CAP%"));
	UNIT_TRUE(is_on_screen("THR%"));
}

/* --- attached to a daemon ------------------------------------------------------------------------
 */

static struct source_daemon daemon_;
static struct protocol_status status;
static struct protocol_status_domain limits[2];
static char *words[] = { NULL, NULL, NULL };

static void attach(void)
{
	prepare();
	words[0] = unit_literal("owner");
	words[1] = unit_literal("host");
	words[2] = unit_literal("cannot write a quota");
	protocol_status_init(&status);
	limits[0] = (struct protocol_status_domain){ .id = unit_literal("id0"),
						     .name = unit_literal("database"),
						     .cap_w = 20,
						     .cap_total_w = NAN,
						     .cpu_cap_w = NAN,
						     .disk_cap_w = NAN,
						     .held_by = { words, 2, 2 } };
	limits[1] = (struct protocol_status_domain){ .id = unit_literal("id2"),
						     .name = unit_literal("a-name"),
						     .cap_w = 60,
						     .cap_total_w = NAN,
						     .cpu_cap_w = NAN,
						     .disk_cap_w = NAN,
						     .override_by = unit_literal("uid 0 (root)") };
	status.domains.items = limits;
	status.domains.count = 2;
	status.host.limit_w = status.host.cap_w = snapshot.host.cap_w = 100;
	status.trouble = (struct protocol_words){ words + 2, 1, 1 };
	daemon_ = (struct source_daemon){ .version = "0.1.0", .tick_s = 1, .status = &status };
	info.daemon = &daemon_;
	info.interval_s = 1;
	ui.view.status = &status;
	domains[0].control.cap_w = 20;
	domains[0].control.headroom_w = 0.25;
	domains[0].control.infeasible_w = 3.2;
	domains[0].throttle_cpu = 0.35;
	domains[2].control.cap_w = 60;
}

static const char attached_screen[] =
	"vmetop  kvm01  2023-11-14 22:13:26Z  every 1s  VMs 3: 2 running, 1 paused\n"
	"Host [================#############..                |]  ~66.25 W  cap 100.00\n"
	"VMs ~62.25  = idle ~33.00  # CPU ~25.00 disk ~1.50  + serv ~0.75  . kept ~4.00\n"
	"estimate from cputime  extrapolated  weights sample.weights: usable  scope wall\n"
	"no meter  attached to vmenergyd 0.1.0, ticks of 1s  trouble: see page 1\n"
	"  NAME          14> S  TOTAL/W  IDLE/W   CPU/W   CAP/W THR%      LIMIT    ENERGY\n"
	"+ database          RT  ~31.75  ~11.00  ~20.00   20.00   35    !owner+  ~2.000kJ\n"
	"  web-front-?[31m   R   ~16.75  ~11.00   ~5.00       -    -          -   ~500.0J\n"
	"  a-name-t…w-screen P   ~11.75  ~11.00   ~<.01   60.00    -       free   ~0.100J\n"
	"(kept by the host)       ~4.00   ~2.00   ~2.50       -    -          -   ~40.00J\n"
	"\n"
	"\n"
	"\n"
	"\n"
	"\n"
	"? Help q Quit | 0 VMs 1 Host 2 Services 3 Disks | Enter Graph c Cap t Tree\n";

static void test_attached(void)
{
	attach();
	expect_screen(16, 80, attached_screen);
	press(L'1');
	draw(24, 80);
	UNIT_TRUE(is_on_screen("\ncap of the host      100.00        -        -         - "
			       "~33.75 W left\n"
			       "  database         CANNOT BE MET by 3.20 W; CPU 35% withheld by "
			       "owner, host\n"
			       "  a-name           cap 60.00 W; set by uid 0 (root)\n"
			       "trouble cannot write a quota\n"));
	press(L'0');
	press(L'c');
	draw(24, 80);
	UNIT_TRUE(is_on_screen("Cap of database (W, none, default):"));
	press(27);
	status.dry_run = true;
	draw(24, 80);
	UNIT_TRUE(is_on_screen("DRY RUN"));
}

/* Nothing of the lines of the host's cap is cut on a screen of usual size. */
static void test_a_host_cap_says_all(void)
{
	attach();
	press(L'1');
	status.host.used_w = 66.25;
	status.host.headroom_w = 23.75;
	status.interval_s = status.control_interval_s = 1;
	status.host.override_by = unit_literal("uid 1000 (operator), vmetop[31337]");
	draw(24, 80);
	UNIT_TRUE(is_on_screen("100.00        -        -         - ~23.75 W left\n"
			       "  that cap         10.00 W of it kept free: no meter\n"
			       "  that cap         set by uid 1000 (operator), vmetop[31337]\n"));
	status.host.override_by = NULL;
	/* One that is configured and does not open is told from none. */
	snapshot.host.residual_reason = unit_literal("meter ipmi: no BMC");
	draw(24, 80);
	UNIT_TRUE(is_on_screen("  that cap         10.00 W of it kept free: meter ipmi: no BMC\n"));
	snapshot.host.residual_reason = NULL;
	status.host.held_by = (struct protocol_words){ words + 1, 1, 1 };
	status.host.infeasible_w = 1234.5;
	draw(24, 80);
	UNIT_TRUE(is_on_screen("~23.75 W left\n"
			       "  that cap         CANNOT BE MET by 1234.5 W\n"
			       "  that cap         10.00 W of it kept free: no meter\n"
			       "  that cap         1 VM is held back by host\n"));
	/* A cap that holds nobody says nothing of it. */
	limits[0].held_by.count = 1;
	status.host.infeasible_w = 0;
	draw(24, 80);
	UNIT_TRUE(is_on_screen("  that cap         10.00 W of it kept free: no meter\n"
			       "  database "));
	limits[0].held_by.count = 2;
	/* With a meter there is no such margin, and a decision of long ago has another power. */
	status.host.infeasible_w = NAN;
	snapshot.source.meter = unit_literal("ipmi");
	draw(24, 80);
	UNIT_TRUE(is_on_screen("~23.75 W left\n"
			       "  that cap         1 VM is held back by host\n"));
	snapshot.source.meter = NULL;
	status.control_interval_s = 5;
	draw(24, 80);
	UNIT_TRUE(is_on_screen("~23.75 W left\n"
			       "  that cap         1 VM is held back by host\n"));
	status.host.limit_w = 60;
	status.host.headroom_w = -12.25;
	draw(24, 80);
	UNIT_TRUE(is_on_screen(" 60.00        -        -         - ~6.25 W ABOVE IT\n"));
	status.host.limit_w = 70;
	draw(24, 80);
	UNIT_TRUE(is_on_screen(" 70.00        -        -         - ~0.00 W left\n"));
	status.host.limit_w = status.host.cap_w = NAN;
	status.host.headroom_w = NAN;
	draw(24, 80);
	UNIT_TRUE(is_on_screen("cap of the host    none\n"));
}

static void test_a_graph_labels_its_cap(void)
{
	attach();
	snapshot.host.cap_w = 114.6;
	UNIT_EQUAL_I64(0, history_add((struct history *)(uintptr_t)frame.history, &snapshot));
	press(L'1');
	press(L'\n');
	draw(24, 80);
	UNIT_TRUE(is_on_screen("─ cap 114.6 W ─"));
}

static void test_a_lost_daemon_is_told(void)
{
	attach();
	daemon_.state = SOURCE_HELD;
	daemon_.age_s = 3;
	daemon_.lost_s = 2;
	draw(24, 80);
	UNIT_TRUE(is_on_screen("VMENERGYD GONE 2s\nheld from 3s ago"));
	daemon_.state = SOURCE_FORGOTTEN;
	snapshot.host.total_w = snapshot.host.kept_w = NAN;
	draw(24, 80);
	UNIT_TRUE(is_on_screen("last figures 3s ago"));
	UNIT_TRUE(is_on_screen("]  - W  cap 100.00"));
	UNIT_TRUE(is_on_screen("VMs -  = idle -  # CPU - disk -  + serv -  . kept -"));
}

int main(void)
{
	int result;

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1; /* part of glibc since 2.35 */
	result = UNIT_RUN(
		"vmetop pages", { "the list", test_list }, { "the tree", test_tree },
		{ "the host", test_host }, { "services", test_services }, { "disks", test_disks },
		{ "the host page says how counters are read, the head how far",
		  test_host_says_how_it_reads },
		{ "a small screen", test_small },
		{ "the head says what figures rest on", test_the_head_says_what_figures_rest_on },
		{ "standing still is said", test_standing_still_is_said },
		{ "an empty list says why", test_an_empty_list_says_why },
		{ "the footer asks and tells", test_the_footer_asks },
		{ "caps have a letter", test_caps_have_a_letter },
		{ "a daemon, its caps and who is held are seen", test_attached },
		{ "the host's cap says what is left, and why", test_a_host_cap_says_all },
		{ "a graph labels its cap", test_a_graph_labels_its_cap },
		{ "a lost daemon is told, and nothing unknown is zero",
		  test_a_lost_daemon_is_told });
	clear_scene();
	return result;
}
