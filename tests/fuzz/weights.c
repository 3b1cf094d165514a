/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any text: no crash, and what is accepted prints canonically, prices and matches. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct weights *parse(const char *text, size_t length)
{
	struct error_list errors = { 0 };
	struct weights *weights = NULL;
	int result = weights_parse("fuzz", text, length, &weights, &errors);

	/* Success, a file and no complaint are the same thing. */
	if ((result == 0) != (weights != NULL) ||
	    (result == 0) != (errors.count + errors.dropped == 0))
		abort();
	error_list_clear(&errors);
	return weights;
}

static void check_fixed_point(const struct weights *weights)
{
	struct text first = { 0 }, second = { 0 };
	struct weights *again;

	weights_print(weights, &first);
	again = parse(first.bytes, first.length);
	if (!again)
		abort();
	weights_print(again, &second);
	if (strcmp(first.bytes, second.bytes) != 0)
		abort();
	weights_free(again);
	text_free(&first);
	text_free(&second);
}

static void use(const struct weights *weights)
{
	static char name[] = "Intel(R) Xeon(R) Platinum 8380 CPU @ 2.30GHz",
		    vendor[] = "GenuineIntel";
	struct cpu_identity cpu = { .vendor = vendor, .model_name = name, .cpus = 4, .chips = 1 };
	struct disk disk = { .name = vendor, .model = name };
	struct event_set events = { CPU_SOURCE_CPUTIME, 1, { CPUTIME_EVENT } };
	struct text why = { 0 };
	struct price price;

	weights_match_cpu(weights, &cpu, CPU_SOURCE_PERF, &why);
	weights_match_disk(weights, &disk, &why);
	if (weights_price(weights, &events, 4, 1.7e9, &price, NULL) == 0 &&
	    !(price.idle_w >= 0 && price.event_nj[0] >= 0))
		abort();
	text_free(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct weights *weights;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	weights = parse(text, size);
	if (weights) {
		check_fixed_point(weights);
		use(weights);
	}
	weights_free(weights);
	free(text);
	return 0;
}
