/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as an instrument's transfers, each of the length that its first byte gives,
 * and what comes out as the answer of every dialect: a finite power has no flag, none has one. */
#include "meter/usbtmc-code.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_answer(const char *text)
{
	char field[16];

	for (const struct scpi_dialect *dialect = scpi_dialects; dialect->idn; dialect++) {
		unsigned flags;
		double power_w = scpi_power_w(dialect, text, &flags);

		if (isfinite(power_w) != (flags == 0) || fabs(power_w) >= 9.9e37)
			abort();
	}
	if (isinf(scpi_number(text)))
		abort();
	for (unsigned i = 0; i < 5; i++)
		scpi_idn_field(text, i, field, sizeof field);
	scpi_dialect_of(text);
	scpi_knows_product(text);
}

/* One transfer: false when the message is over. */
static bool transfer(struct usbtmc_answer *answer, const uint8_t *data, size_t length)
{
	uint8_t *bytes = malloc(length + 1); /* exact: what is read past it is found */
	enum usbtmc_kind kind;

	if (!bytes)
		return false;
	memcpy(bytes, data, length);
	kind = usbtmc_feed(answer, bytes, length);
	free(bytes);
	if (answer->length > USBTMC_ANSWER_MAX || strlen(answer->text) > answer->length)
		abort();
	if (kind == USBTMC_WHOLE)
		read_answer(answer->text);
	if (kind == USBTMC_ASK_ON)
		usbtmc_expect(answer, 1);
	return kind == USBTMC_ASK_ON || kind == USBTMC_MORE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct usbtmc_answer answer;
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	read_answer(text);
	free(text);
	usbtmc_start(&answer);
	usbtmc_expect(&answer, 1);
	while (size > 1) {
		size_t length = data[0] < size ? data[0] : size - 1;

		if (!transfer(&answer, data + 1, length)) {
			usbtmc_start(&answer);
			usbtmc_expect(&answer, 1);
		}
		data += length + 1;
		size -= length + 1;
	}
	return 0;
}
