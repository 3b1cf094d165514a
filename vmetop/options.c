/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/options.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "engine/counting.h"
#include "vmetop/delay.h"

#ifdef VMENERGY_BPF
#define BPF_WORD "yes"
#else
#define BPF_WORD "no"
#endif
const char *argp_program_version = "vmetop " VMENERGY_VERSION "\n"
				   "counting: perf (libpfm4), cputime, switch; BPF: " BPF_WORD;
const char *argp_program_bug_address = NULL;

enum {
	OPTION_ONCE = 256,
	OPTION_CSV,
	OPTION_WEIGHTS,
	OPTION_IDLE_POLICY,
	OPTION_RECORD,
	OPTION_REPLAY,
	OPTION_ROOT,
	OPTION_QMP,
	OPTION_NO_LIBVIRT,
	OPTION_STANDALONE,
	OPTION_SOCKET,
	OPTION_SOURCE,
	OPTION_SPEED,
	OPTION_GRAPH,
	OPTION_CONFIG,
	OPTION_NO_CONFIG,
};

static const struct argp_option argp_options[] = {
	{ NULL, 0, NULL, 0, "What to watch:", 1 },
	{ "connect", 'c', "URI", 0, "libvirt to ask (default: qemu:///system, then session)", 1 },
	{ "no-libvirt", OPTION_NO_LIBVIRT, NULL, 0, "do not ask libvirt: QEMU processes only", 1 },
	{ "qmp", OPTION_QMP, "SOCKET", 0,
	  "use this QMP monitor for disk figures (repeatable); only one that nobody else uses", 1 },
	{ "standalone", OPTION_STANDALONE, NULL, 0, "count by itself, do not attach to vmenergyd",
	  1 },
	{ "socket", OPTION_SOCKET, "PATH", 0,
	  "attach to the vmenergyd of this socket, or fail (default: where there is one)", 1 },
	{ "replay", OPTION_REPLAY, "FILE", 0, "account a recording instead of this host", 1 },
	{ "speed", OPTION_SPEED, "FACTOR", 0,
	  "replay: times as fast as it was, 0 = as fast as it goes (default 1, in batch mode 0)",
	  1 },
	{ "root", OPTION_ROOT, "DIR", 0, "folder that stands before /proc, /sys and /dev", 1 },
	{ NULL, 0, NULL, 0, "How often:", 2 },
	{ "delay", 'd', "SECONDS", 0, "length of a tick (default 2)", 2 },
	{ "iterations", 'n', "N", 0, "end after N ticks", 2 },
	{ "once", OPTION_ONCE, NULL, 0, "one tick, the same as -b -n 1", 2 },
	{ NULL, 0, NULL, 0, "Output:", 3 },
	{ "batch", 'b', NULL, 0, "print a table for each tick (also where no screen can be had)",
	  3 },
	{ "csv", OPTION_CSV, "FILE", OPTION_ARG_OPTIONAL, "write CSV (default: standard output)",
	  3 },
	{ "json", 'J', "FILE", OPTION_ARG_OPTIONAL,
	  "write JSON, an object per line and tick (default: standard output)", 3 },
	{ "record", OPTION_RECORD, "FILE", 0, "write what the counters say, for --replay", 3 },
	{ NULL, 0, NULL, 0, "Which domains, and how:", 4 },
	{ "sort", 'o', "KEY", 0, "sort by a column; `help' lists them (a table: power)", 4 },
	{ "invert", 'I', NULL, 0, "sort the other way round", 4 },
	{ "filter", 'F', "PATTERN", 0, "domains whose name matches (* and ?), or contains it", 4 },
	{ "domain", 'p', "NAME,...", 0, "these domains only, by name or id", 4 },
	{ "hide-idle", 'i', NULL, 0, "leave out domains without active power", 4 },
	{ "tree", 't', NULL, 0, "table: show vCPUs, vDISKs and what the host kept, each by name",
	  4 },
	{ "unit", 'u', "j|wh", 0, "unit of energy (default j)", 4 },
	{ "width", 'w', "CELLS", 0, "width of the table (default: as wide as the names)", 4 },
	{ NULL, 0, NULL, 0, "The screen:", 5 },
	{ "mouse", 'M', NULL, 0, "take the mouse (copying text then needs Shift)", 5 },
	{ "no-color", 'C', NULL, 0, "monochrome; so does a NO_COLOR that is not empty", 5 },
	{ "no-unicode", 'U', NULL, 0, "ASCII only", 5 },
	{ "graph", OPTION_GRAPH, "STYLE", 0, "ascii, block or braille (default block)", 5 },
	{ "config", OPTION_CONFIG, "FILE", 0, "saved settings (see vmetop.conf(5))", 5 },
	{ "no-config", OPTION_NO_CONFIG, NULL, 0, "neither read nor write saved settings", 5 },
	{ NULL, 0, NULL, 0, "The account:", 6 },
	{ "source", OPTION_SOURCE, "SOURCE", 0,
	  "what is counted: perf (hardware events), cputime, switch (both, of all tasks) or auto",
	  6 },
	{ "weights", OPTION_WEIGHTS, "auto|FILE", 0, "what an event costs (default auto)", 6 },
	{ "idle-policy", OPTION_IDLE_POLICY, "POLICY", 0,
	  "who is charged idle power: vcpu, equal, share or host (default vcpu)", 6 },
	{ 0 },
};

static void parse_interval(struct argp_state *state, const char *text, double *interval_s)
{
	struct error error = { 0 };

	if (delay_parse(text, interval_s, &error))
		argp_error(state, "delay %s", error.text);
}

static void parse_speed(struct argp_state *state, const char *text, double *speed)
{
	if (number_parse_double(text, speed) || *speed < 0 || *speed > 1e6)
		argp_error(state, "speed %s: must be 0..1000000", text);
}

static uint64_t parse_count(struct argp_state *state, const char *what, const char *text,
			    uint64_t most)
{
	uint64_t value = 0;

	if (number_parse_u64(text, &value) || value < 1 || value > most)
		argp_error(state, "%s %s: must be 1..%llu", what, text, (unsigned long long)most);
	return value;
}

static void add_string(struct argp_state *state, struct string_list *list, const char *item)
{
	const char **place = MEMORY_APPEND(list);

	if (!place)
		argp_failure(state, 1, 0, "out of memory");
	else
		*place = item;
}

static void add_names(struct argp_state *state, struct string_list *list, char *names)
{
	char *save = NULL;

	for (char *name = strtok_r(names, ",", &save); name; name = strtok_r(NULL, ",", &save))
		add_string(state, list, name);
}

static void list_columns(void)
{
	for (size_t i = 0; i < column_count; i++)
		printf("%-9s %s\n", columns[i].key, columns[i].help);
	exit(0);
}

static void parse_sort(struct argp_state *state, const char *key, struct view *view)
{
	if (strcmp(key, "help") == 0)
		list_columns();
	if (!column_find(key))
		argp_error(state, "sort %s: no such column (`--sort help' lists them)", key);
	view->sort = key;
}

static void parse_unit(struct argp_state *state, const char *word, struct view *view)
{
	if (strcmp(word, "j") != 0 && strcmp(word, "wh") != 0)
		argp_error(state, "unit %s: must be j or wh", word);
	view->unit = word[0] == 'w' ? ENERGY_WATT_HOUR : ENERGY_JOULE;
}

static void parse_policy(struct argp_state *state, const char *word, struct options *options)
{
	int policy = idle_policy_parse(word);

	if (policy < 0)
		argp_error(state, "idle-policy %s: must be vcpu, equal, share or host", word);
	else
		options->idle_policy = policy;
}

static void parse_source(struct argp_state *state, const char *word, struct options *options)
{
	int source = cpu_source_parse(word);

	if (strcmp(word, "auto") == 0)
		options->cpu_source = COUNTING_AUTO;
	else if (source >= 0)
		options->cpu_source = source;
	else
		argp_error(state, "source %s: must be auto, perf, cputime or switch", word);
}

static void parse_graph(struct argp_state *state, const char *word, struct options *options)
{
	static const char *const words[] = { "ascii", "block", "braille" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(word, words[i]) == 0) {
			options->graph_style = (enum graph_style)i;
			return;
		}
	argp_error(state, "graph %s: must be ascii, block or braille", word);
}

/* Options of the screen. */
static error_t parse_screen(int key, const char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'M':
		options->mouse = true;
		return 0;
	case 'C':
		options->without_color = true;
		return 0;
	case 'U':
		options->without_unicode = true;
		return 0;
	case OPTION_GRAPH:
		parse_graph(state, argument, options);
		return 0;
	case OPTION_CONFIG:
		options->config = argument;
		return 0;
	case OPTION_NO_CONFIG:
		options->without_config = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Options of the account. */
static error_t parse_account(int key, const char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case OPTION_WEIGHTS:
		options->weights = argument;
		return 0;
	case OPTION_IDLE_POLICY:
		parse_policy(state, argument, options);
		return 0;
	case OPTION_SOURCE:
		parse_source(state, argument, options);
		return 0;
	default:
		return parse_screen(key, argument, state);
	}
}

/* Options that choose what is written where. */
static error_t parse_output(int key, const char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'b':
		options->batch = true;
		return 0;
	case 'J':
		options->json = (struct output_option){ true, argument };
		return 0;
	case OPTION_CSV:
		options->csv = (struct output_option){ true, argument };
		return 0;
	case OPTION_RECORD:
		options->record = argument;
		return 0;
	default:
		return parse_account(key, argument, state);
	}
}

/* Options that shape the table. */
static error_t parse_view(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'o':
		parse_sort(state, argument, &options->view);
		return 0;
	case 'I':
		options->view.invert = true;
		return 0;
	case 'F':
		options->view.filter = argument;
		return 0;
	case 'p':
		add_names(state, &options->domains, argument);
		return 0;
	case 'i':
		options->view.hide_idle = true;
		return 0;
	case 't':
		options->view.tree = true;
		return 0;
	case 'u':
		parse_unit(state, argument, &options->view);
		return 0;
	case 'w':
		options->width = (int)parse_count(state, "width", argument, 10000);
		return 0;
	default:
		return parse_output(key, argument, state);
	}
}

/* Are these one regular file, that exists, or the same path to one that does not? */
static bool is_same_file(const char *a, const char *b)
{
	struct stat first, second;

	if (stat(a, &first) || stat(b, &second))
		return strcmp(a, b) == 0;
	return S_ISREG(first.st_mode) && first.st_dev == second.st_dev &&
	       first.st_ino == second.st_ino;
}

static void check_files(struct argp_state *state, const struct options *options)
{
	const char *const files[] = { options->replay, options->record, options->csv.path,
				      options->json.path };
	const size_t count = sizeof files / sizeof *files;

	for (size_t i = 0; i < count; i++)
		for (size_t k = i + 1; k < count; k++)
			if (files[i] && files[k] && is_same_file(files[i], files[k]))
				argp_error(state, "%s: used twice", files[k]);
}

/* A daemon counts as it was started: who asks for something else means the own counting. */
static void check_daemon(struct argp_state *state, struct options *options)
{
	static const struct {
		int key;
		const char *name;
	} own[] = {
		{ OPTION_STANDALONE, "--standalone" },
		{ OPTION_REPLAY, "--replay" },
		{ 'c', "--connect" },
		{ OPTION_NO_LIBVIRT, "--no-libvirt" },
		{ OPTION_QMP, "--qmp" },
		{ OPTION_ROOT, "--root" },
		{ OPTION_RECORD, "--record" },
		{ OPTION_SOURCE, "--source" },
		{ OPTION_WEIGHTS, "--weights" },
		{ OPTION_IDLE_POLICY, "--idle-policy" },
	};

	for (size_t i = 0; i < sizeof own / sizeof *own && !options->standalone; i++)
		if (options->given[own[i].key])
			options->standalone = own[i].name;
	if (options->socket && options->standalone)
		argp_error(state,
			   "%s means not to attach to a daemon, and --socket to attach to one",
			   options->standalone);
}

/* What only makes sense together, or not. */
static void check(struct argp_state *state, struct options *options)
{
	if (options->json.wanted && options->csv.wanted && !options->json.path &&
	    !options->csv.path)
		argp_error(state, "--json and --csv cannot both go to standard output");
	if (options->replay && options->record)
		argp_error(state, "--replay and --record exclude each other");
	if (options->replay && options->weights)
		argp_error(state, "--replay and --weights exclude each other: a recording "
				  "carries its weights");
	check_files(state, options);
	check_daemon(state, options);
	/* The running libvirtd knows nothing of another root. */
	if (options->root && !options->uri)
		options->without_libvirt = true;
	if (options->replay && (options->uri || options->qmp_sockets.count))
		argp_error(state, "--replay excludes --connect and --qmp");
	if (options->replay && options->given[OPTION_SOURCE])
		argp_error(state, "--replay and --source exclude each other: a recording says "
				  "what was counted");
	if (options->given[OPTION_SPEED] && !options->replay)
		argp_error(state, "--speed is for --replay; -d sets the length of a tick");
	if (options->config && options->without_config)
		argp_error(state, "--config and --no-config exclude each other");
	if (options->replay && options->root)
		argp_error(state, "--replay and --root exclude each other");
	options->table.wanted = options->batch
					? !(options->json.wanted && !options->json.path) &&
						  !(options->csv.wanted && !options->csv.path)
					: !options->json.wanted && !options->csv.wanted;
	options->view.names = options->domains.items;
	options->view.name_count = options->domains.count;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	if (key > 0 && key < OPTIONS_KEYS)
		options->given[key] = true;
	switch (key) {
	case 'c':
		options->uri = argument;
		return 0;
	case OPTION_NO_LIBVIRT:
		options->without_libvirt = true;
		return 0;
	case OPTION_QMP:
		add_string(state, &options->qmp_sockets, argument);
		return 0;
	case OPTION_STANDALONE:
		return 0;
	case OPTION_SOCKET:
		options->socket = argument;
		return 0;
	case OPTION_REPLAY:
		options->replay = argument;
		return 0;
	case OPTION_ROOT:
		options->root = argument;
		return 0;
	case 'd':
		parse_interval(state, argument, &options->interval_s);
		options->interval_chosen = true;
		return 0;
	case 'n':
		options->iterations = parse_count(state, "iterations", argument, UINT32_MAX);
		return 0;
	case OPTION_ONCE:
		options->batch = true;
		options->iterations = 1;
		return 0;
	case OPTION_SPEED:
		parse_speed(state, argument, &options->speed);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "%s: no arguments are taken", argument);
		return 0;
	case ARGP_KEY_END:
		check(state, options);
		return 0;
	default:
		return parse_view(key, argument, state);
	}
}

void options_parse(struct options *options, int argc, char **argv)
{
	static const struct argp argp = {
		argp_options,
		parse,
		NULL,
		"Show the energy of each virtual machine on this host, live: per domain, vCPU and "
		"vDISK, idle and active.\v"
		"Figures marked ~ are estimates, * are held from an earlier tick, > lack a part. "
		"See vmetop(1).",
		NULL,
		NULL,
		NULL,
	};

	*options = (struct options){ .interval_s = UI_INTERVAL_S,
				     .idle_policy = -1,
				     .cpu_source = COUNTING_AUTO,
				     .speed = -1 };
	argp_err_exit_status = 2;
	if (argp_parse(&argp, argc, argv, 0, NULL, options))
		exit(2);
}

void options_clear(struct options *options)
{
	free(options->qmp_sockets.items);
	free(options->domains.items);
}

static bool *switch_of(struct ui *ui, int key)
{
	switch (key) {
	case 'I':
		return &ui->view.invert;
	case 'i':
		return &ui->view.hide_idle;
	case 't':
		return &ui->view.tree;
	default:
		return &ui->mouse; /* 'M' */
	}
}

void options_apply(const struct options *options, struct ui *ui)
{
	for (const char *key = "IitM"; *key; key++)
		if (options->given[(unsigned char)*key])
			*switch_of(ui, *key) = true;
	if (options->given['o'])
		ui->view.sort = options->view.sort;
	if (options->given['u'])
		ui->view.unit = options->view.unit;
	if (options->given['d'])
		ui->interval_s = options->interval_s;
	if (options->given[OPTION_GRAPH])
		ui->graph_style = options->graph_style;
	if (options->given['F']) {
		snprintf(ui->filter_line, sizeof ui->filter_line, "%s", options->view.filter);
		ui->view.filter = ui->filter_line;
	}
	ui->view.names = options->view.names;
	ui->view.name_count = options->view.name_count;
	if (options->without_color)
		ui->color = false;
	if (options->without_unicode)
		ui->unicode = false;
	if (options->speed >= 0)
		ui->speed = options->speed;
}
