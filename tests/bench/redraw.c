/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * redraw [-n DOMAINS] [-r ROWS] [-c COLUMNS] [-f FRAMES] [-t] - what it costs
 * to bring vmetop's screen up to date when all figures of DOMAINS have changed
 * (-t: as a tree, each with 2 vCPUs and 2 vDISKs), on a pseudo-terminal that
 * somebody reads.
 *
 * Prints "KEY MEDIAN Q1 Q3 MEAN" lines; times in us of CPU.
 *
 *   rows_us      the list made anew: filtered, sorted, expanded
 *   draw_us      the page drawn into the grid
 *   screen_us    what differs found by ncurses and written to the terminal
 *   redraw_us    these three
 *   frame_bytes  written per redraw
 *   history_us   a tick added to what trends and graphs show
 */
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/bench/measure.h"
#include "vmetop/grid.h"
#include "vmetop/page.h"
#include "vmetop/screen.h"

enum { VCPUS = 2, VDISKS = 2, PARTS = 4 /* rows below a domain */, BUSY = 10 /* one in so many */ };

struct wanted {
	unsigned domains, frames;
	unsigned short rows, columns;
	bool tree;
};

/* --- a snapshot that changes ----------------------------------------------- */

static char *new_text(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		abort();
	return copy;
}

static char *new_numbered(const char *beginning, unsigned number)
{
	char text[64];

	snprintf(text, sizeof text, "%s%04u", beginning, number);
	return new_text(text);
}

static void *new_items(size_t count, size_t bytes)
{
	void *items = calloc(count, bytes);

	if (!items)
		abort();
	return items;
}

static const char *const vdisk_names[VDISKS] = { "vda", "vdb" };
static const char *const disk_names[VDISKS] = { "sda", "sdb" };

static void fill_domain(struct snapshot_domain *domain, unsigned number)
{
	*domain = (struct snapshot_domain){
		.id = new_numbered("00000000-0000-4000-8000-00000000", number),
		.name = new_numbered("tenant.example.org-", number),
		.state = DOMAIN_RUNNING,
		.quality = QUALITY_ESTIMATE,
		.error_w = 0.5,
		.throttle_cpu = NAN,
		.throttle_disk = NAN,
		.control = { NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN },
		.vcpus = new_items(VCPUS, sizeof *domain->vcpus),
		.vcpu_count = VCPUS,
		.vdisks = new_items(VDISKS, sizeof *domain->vdisks),
		.vdisk_count = VDISKS,
	};
	for (unsigned i = 0; i < VCPUS; i++)
		domain->vcpus[i] = (struct snapshot_vcpu){ .id = (int)i };
	for (unsigned i = 0; i < VDISKS; i++)
		domain->vdisks[i] = (struct snapshot_vdisk){ .name = new_text(vdisk_names[i]),
							     .disk = new_text(disk_names[i]) };
}

static double random_to(double most)
{
	static uint64_t state = 88172645463325252; /* xorshift64 (Marsaglia, 2003): repeatable */

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return most * (double)(state >> 11) / (double)(1ull << 53);
}

/* Few are busy, but no figure is what it was. */
static void change_domain(struct snapshot_domain *domain, unsigned number, double interval_s)
{
	double most_w = number % BUSY == 0 ? 8 : 0.2;

	domain->cpu.idle_w = 0.5;
	domain->disk.idle_w = 0.1;
	domain->cpu.active_w = 0;
	for (unsigned i = 0; i < VCPUS; i++) {
		domain->vcpus[i].active_w = random_to(most_w);
		domain->vcpus[i].cpu_percent = domain->vcpus[i].active_w / 8 * 100;
		domain->cpu.active_w += domain->vcpus[i].active_w;
	}
	for (unsigned i = 0; i < VDISKS; i++)
		domain->vdisks[i].active_w = random_to(most_w / 8);
	domain->disk.active_w = domain->vdisks[0].active_w + domain->vdisks[1].active_w;
	domain->service.active_w = random_to(most_w / 4);
	domain->cpu_percent = domain->cpu.active_w / 8 * 100;
	domain->total_w = domain->cpu.idle_w + domain->cpu.active_w + domain->disk.idle_w +
			  domain->disk.active_w + domain->service.active_w;
	domain->total_j += domain->total_w * interval_s;
}

static void change(struct snapshot *snapshot)
{
	struct snapshot_host *host = &snapshot->host;

	*host = (struct snapshot_host){ .metered_w = NAN,
					.residual_w = NAN,
					.cap_w = NAN,
					.temperature_c = NAN,
					.kept_w = 40 + random_to(5),
					.quality = QUALITY_ESTIMATE };
	host->cpu_idle_w = host->kept_w;
	for (unsigned i = 0; i < snapshot->domain_count; i++) {
		const struct snapshot_domain *domain = &snapshot->domains[i];

		change_domain(&snapshot->domains[i], i, snapshot->interval_s);
		host->cpu_idle_w += domain->cpu.idle_w;
		host->cpu_active_w += domain->cpu.active_w + domain->service.active_w;
		host->disk_idle_w += domain->disk.idle_w;
		host->disk_active_w += domain->disk.active_w;
	}
	host->total_w =
		host->cpu_idle_w + host->cpu_active_w + host->disk_idle_w + host->disk_active_w;
	snapshot->seq++;
	snapshot->time_s += snapshot->interval_s;
}

static void fill(struct snapshot *snapshot, unsigned domains)
{
	*snapshot = (struct snapshot){
		.epoch = 1,
		.time_s = 1.7e9,
		.since_s = 1.7e9,
		.interval_s = 2,
		.source = { .cpu = CPU_SOURCE_CPUTIME,
			    .standing = STANDING_ESTIMATE,
			    .weights = new_text("guess.weights"),
			    .scope = SCOPE_WALL },
		.domains = new_items(domains, sizeof *snapshot->domains),
		.domain_count = domains,
	};
	for (unsigned i = 0; i < domains; i++)
		fill_domain(&snapshot->domains[i], i);
}

/* --- at the terminal -------------------------------------------------------- */

static struct {
	struct series rows_us, draw_us, screen_us, redraw_us, history_us, frame_bytes;
} measured;

struct view_of_host {
	struct snapshot snapshot;
	struct history *history;
	struct source_info info;
	struct ui ui;
	struct rows rows;
	struct grid grid;
	struct frame frame;
};

/* Bytes that this process has written so far; NaN where the kernel does not count them. */
static double bytes_written(void)
{
	FILE *file = fopen("/proc/self/io", "re");
	unsigned long long bytes;
	bool known = file && fscanf(file, "rchar: %*u wchar: %llu", &bytes) == 1;

	if (file)
		fclose(file);
	return known ? (double)bytes : NAN;
}

/* As vmetop's loop does. */
static void draw_page(struct view_of_host *view)
{
	for (size_t visible = SIZE_MAX; visible != view->frame.layout.visible;) {
		visible = view->frame.layout.visible;
		ui_settle(&view->ui, &view->frame);
		grid_erase(&view->grid);
		frame_draw(&view->grid, &view->frame);
	}
}

static int draw(struct view_of_host *view)
{
	double moment_us = measure_cpu_us(), rows_us, draw_us, screen_us, bytes;
	int result = rows_build(&view->rows, &view->snapshot, &view->ui.view);

	if (result)
		return result;
	rows_us = measure_lap_us(&moment_us);
	draw_page(view);
	draw_us = measure_lap_us(&moment_us);
	bytes = bytes_written();
	moment_us = measure_cpu_us();
	screen_draw(&view->grid);
	screen_us = measure_lap_us(&moment_us);
	series_add(&measured.frame_bytes, bytes_written() - bytes);
	series_add(&measured.rows_us, rows_us);
	series_add(&measured.draw_us, draw_us);
	series_add(&measured.screen_us, screen_us);
	series_add(&measured.redraw_us, rows_us + draw_us + screen_us);
	return 0;
}

static int run_frames(struct view_of_host *view, const struct wanted *wanted)
{
	int result = 0;

	for (unsigned i = 0; i <= wanted->frames && !result; i++) {
		double begin_us;

		if (i == 1) /* the first one fills an empty screen */
			memset(&measured, 0, sizeof measured);
		change(&view->snapshot);
		begin_us = measure_cpu_us();
		result = history_add(view->history, &view->snapshot);
		series_add(&measured.history_us, measure_cpu_us() - begin_us);
		if (!result)
			result = draw(view);
	}
	return result;
}

static int show(const struct wanted *wanted, struct error *error)
{
	static struct view_of_host view;
	int row_count, cells, result;

	fill(&view.snapshot, wanted->domains);
	view.history = history_new();
	if (!view.history)
		return error_setf(error, ENOMEM, "out of memory");
	view.info = (struct source_info){ .hostname = "host.example.org",
					  .weights_why = "a guess",
					  .interval_s = view.snapshot.interval_s };
	ui_init(&view.ui);
	view.ui.view.tree = wanted->tree;
	view.ui.view.history = view.history;
	view.frame = (struct frame){ .snapshot = &view.snapshot,
				     .history = view.history,
				     .info = &view.info,
				     .rows = &view.rows,
				     .ui = &view.ui };
	result = screen_open(&(struct screen_options){ .color = true }, error);
	if (result)
		return result;
	screen_size(&row_count, &cells);
	result = grid_resize(&view.grid, row_count, cells);
	if (!result)
		result = run_frames(&view, wanted);
	screen_close();
	return result ? error_setf(error, -result, "%s", strerrordesc_np(-result)) : 0;
}

static void print_measured(const struct wanted *wanted)
{
	printf("domains %u\nlist_rows %u\n", wanted->domains,
	       wanted->domains * (wanted->tree ? 1 + PARTS : 1));
	series_print(&measured.rows_us, "rows_us");
	series_print(&measured.draw_us, "draw_us");
	series_print(&measured.screen_us, "screen_us");
	series_print(&measured.redraw_us, "redraw_us");
	series_print(&measured.frame_bytes, "frame_bytes");
	series_print(&measured.history_us, "history_us");
}

/* In the child: standard input and output are the terminal, what we found goes to `results`. */
static int run_at_terminal(const struct wanted *wanted, int results)
{
	struct error error = { "" };
	int result;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setenv("TERM", "xterm-256color", 1);
	setlocale(LC_ALL, "C.UTF-8");
	result = show(wanted, &error);
	if (dup2(results, STDOUT_FILENO) < 0)
		return 1;
	if (result)
		printf("error %s\n", error.text);
	else
		print_measured(wanted);
	fflush(stdout);
	return result ? 1 : 0;
}

/* --- the other end of the terminal ------------------------------------------ */

static void drain(int terminal)
{
	char bytes[65536];
	ssize_t got;

	do
		got = read(terminal, bytes, sizeof bytes);
	while (got > 0 || (got < 0 && errno == EINTR)); /* EIO: its last user has gone */
}

static void copy_results(int results)
{
	char bytes[4096];
	ssize_t got;

	while ((got = read(results, bytes, sizeof bytes)) > 0)
		fwrite(bytes, 1, (size_t)got, stdout);
}

static int run(const struct wanted *wanted)
{
	struct winsize size = { .ws_row = wanted->rows, .ws_col = wanted->columns };
	int terminal, status, results[2];
	pid_t child;

	if (pipe2(results, O_CLOEXEC))
		return 1;
	child = forkpty(&terminal, NULL, NULL, &size);
	if (child < 0) {
		fprintf(stderr, "redraw: no pseudo-terminal: %s\n", strerror(errno));
		return 1;
	}
	if (child == 0)
		_exit(run_at_terminal(wanted, results[1]));
	close(results[1]);
	drain(terminal);
	copy_results(results[0]);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	struct wanted wanted = { .domains = 1000, .frames = 100, .rows = 24, .columns = 80 };
	unsigned long value;
	int option;

	while ((option = getopt(argc, argv, "n:r:c:f:t")) != -1) {
		value = optarg ? strtoul(optarg, NULL, 10) : 1;
		if (option == 'n')
			wanted.domains = (unsigned)value;
		else if (option == 'r')
			wanted.rows = (unsigned short)value;
		else if (option == 'c')
			wanted.columns = (unsigned short)value;
		else if (option == 'f')
			wanted.frames = (unsigned)value;
		wanted.tree = wanted.tree || option == 't';
		if (option == '?' || !value)
			break;
	}
	if (option != -1 || optind != argc) {
		fprintf(stderr, "usage: redraw [-n DOMAINS] [-r ROWS] [-c COLUMNS] [-f FRAMES] "
				"[-t]\n");
		return 2;
	}
	return run(&wanted);
}
