/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * usbtmc.c - power analysers that speak SCPI over USBTMC. Of instruments of this class
 * there are many that are no power meter: "auto" takes one whose name on USB is that of
 * a known family, and one whose *IDN? has no row in the table is refused by its name.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "meter/pace.h"
#include "meter/usb.h"
#include "meter/usbtmc-code.h"

#define MILLISECOND_NS UINT64_C(1000000)
#define ANSWER_NS (1000 * MILLISECOND_NS)
#define LESSER_NS (300 * MILLISECOND_NS) /* for what one can do without */
#define WRITE_NS (200 * MILLISECOND_NS)
#define CHECK_NS (10 * MILLISECOND_NS)
enum { READ_BYTES = 2048, SILENT_MAX = 3, CHECKS = 10 };

enum { INTERFACE_IN = 0xa1, ENDPOINT_IN = 0xa2 }; /* bmRequestType */
enum { INITIATE_ABORT_BULK_IN = 3, INITIATE_CLEAR = 5, CHECK_CLEAR_STATUS = 6 };
enum { STATUS_PENDING = 2 };

struct usbtmc {
	struct usb_link *link;
	const struct scpi_dialect *dialect;
	struct meter_pace pace;
	uint64_t asked_ns;
	bool is_asked;
	unsigned silent; /* answers in a row that did not come */
	uint8_t tag;
	struct usbtmc_answer answer;
};

static void describe(struct meter_about *about, const struct usb_about *usb)
{
	if (!scpi_knows_product(usb->name))
		snprintf(about->missing, sizeof about->missing,
			 "not asked, as it may be an instrument of another kind: "
			 "name it to have it asked, -m %.100s",
			 about->address);
	snprintf(about->measures, sizeof about->measures, "what it is wired to");
	snprintf(about->worth, sizeof about->worth,
		 "a laboratory's figures; what they hold depends on where it is wired");
}

static const struct usb_kind kind = { .class = 0xfe, .subclass = 3, .describe = describe };

static int list(const struct meter_place *place, struct meter_list *found)
{
	(void)place;
	return usb_list(&meter_usbtmc, &kind, found);
}

/* --- questions ---------------------------------------------------------------------- */

/*
 * Back to a state where the next message is understood: as the specification says, 4.2.1.
 * Only after a fault; takes up to 0.3 s then.
 */
static void recover(struct usbtmc *meter)
{
	const struct usb_request abort = { ENDPOINT_IN, INITIATE_ABORT_BULK_IN, meter->tag,
					   usb_in_endpoint(meter->link) };
	const struct usb_request clear = { INTERFACE_IN, INITIATE_CLEAR, 0,
					   usb_interface(meter->link) };
	const struct usb_request check = { INTERFACE_IN, CHECK_CLEAR_STATUS, 0,
					   usb_interface(meter->link) };
	uint8_t status[2];

	meter->is_asked = false;
	if (meter->tag)
		usb_control(meter->link, &abort, status, 2, NULL);
	if (usb_control(meter->link, &clear, status, 1, NULL) == 1)
		for (unsigned i = 0; i < CHECKS; i++) {
			if (usb_control(meter->link, &check, status, 2, NULL) != 2 ||
			    status[0] != STATUS_PENDING)
				break;
			meter_sleep_until(clock_now_ns() + CHECK_NS);
		}
	usb_clear_halts(meter->link);
}

static int say(struct usbtmc *meter, const char *message, struct error *error)
{
	uint8_t packed[USBTMC_PACKED_MAX];
	char line[USBTMC_MESSAGE_MAX + 1];
	size_t length;

	snprintf(line, sizeof line, "%s\n", message);
	meter->tag = usbtmc_next_tag(meter->tag);
	length = usbtmc_pack_message(line, meter->tag, packed);
	return usb_write(meter->link, packed, length, clock_now_ns() + WRITE_NS, error);
}

static int request(struct usbtmc *meter, struct error *error)
{
	uint8_t packed[USBTMC_HEADER_BYTES];

	meter->tag = usbtmc_next_tag(meter->tag);
	usbtmc_pack_request(meter->tag, packed);
	usbtmc_expect(&meter->answer, meter->tag);
	return usb_write(meter->link, packed, sizeof packed, clock_now_ns() + WRITE_NS, error);
}

static int ask(struct usbtmc *meter, const char *query, struct error *error)
{
	int result = say(meter, query, error);

	usbtmc_start(&meter->answer);
	meter->asked_ns = clock_now_ns();
	meter->is_asked = true;
	return result ? result : request(meter, error);
}

/* 0 with *what; USBTMC_MORE = not all of it came before the deadline. Or -errno. */
static int listen(struct usbtmc *meter, uint64_t deadline_ns, enum usbtmc_kind *what,
		  struct error *error)
{
	uint8_t bytes[READ_BYTES];
	int result;

	do {
		*what = USBTMC_MORE;
		result = usb_read(meter->link, bytes, sizeof bytes, deadline_ns, error);
		if (result > 0)
			*what = usbtmc_feed(&meter->answer, bytes, (size_t)result);
		/* A short packet ends a transfer: half of an answer. */
		if (*what == USBTMC_MORE && (size_t)result % usb_packet_bytes(meter->link) != 0)
			*what = USBTMC_DAMAGED;
		if (result >= 0 && *what == USBTMC_ASK_ON)
			result = request(meter, error);
	} while (result >= 0 && (*what == USBTMC_ASK_ON ||
				 (*what == USBTMC_MORE && clock_now_ns() < deadline_ns)));
	if (result == -EPIPE || result == -EOVERFLOW) { /* the endpoint halted, not the link */
		*what = USBTMC_DAMAGED;
		return 0;
	}
	return result < 0 ? result : 0;
}

/* 1 with the answer's text; 0 = none, or a damaged one; -errno. */
static int query(struct usbtmc *meter, const char *message, uint64_t patience_ns,
		 struct error *error)
{
	enum usbtmc_kind what = USBTMC_MORE;
	int result = ask(meter, message, error);

	if (!result)
		result = listen(meter, meter->asked_ns + patience_ns, &what, error);
	meter->is_asked = false;
	if (!result && what != USBTMC_WHOLE)
		recover(meter);
	return result ? result : what == USBTMC_WHOLE;
}

/* NaN = not told. */
static int query_number(struct usbtmc *meter, const char *message, double *value,
			struct error *error)
{
	int result = message ? query(meter, message, LESSER_NS, error) : 0;

	*value = result > 0 ? scpi_number(meter->answer.text) : NAN;
	return result < 0 ? result : 0;
}

/* --- opening ------------------------------------------------------------------------- */

static int identify(struct usbtmc *meter, struct meter_about *about, struct error *error)
{
	char maker[32], model[48];
	int result = query(meter, "*IDN?", ANSWER_NS, error);

	if (result == 0)
		result = query(meter, "*IDN?", ANSWER_NS, error);
	if (result < 0)
		return result;
	if (result == 0)
		return error_setf(error, ENODEV, "%s does not say what it is (*IDN?)",
				  about->address);
	meter->dialect = scpi_dialect_of(meter->answer.text);
	if (!meter->dialect) {
		char idn[128];

		meter->answer.text[strcspn(meter->answer.text, "\r\n")] = '\0';
		return error_setf(
			error, ENODEV, "%s calls itself \"%s\": no power meter known here",
			about->address, text_printable(meter->answer.text, idn, sizeof idn));
	}
	scpi_idn_field(meter->answer.text, 0, maker, sizeof maker);
	scpi_idn_field(meter->answer.text, 1, model, sizeof model);
	snprintf(about->model, sizeof about->model, "%s %s", maker, model);
	if (!about->serial[0])
		scpi_idn_field(meter->answer.text, 2, about->serial, sizeof about->serial);
	return 0;
}

/* A range that follows the load is no limit to what may be read. */
static int learn_range(struct usbtmc *meter, struct meter_about *about, struct error *error)
{
	double product = 1, range, follows = NAN;

	for (unsigned i = 0; i < 2 && !isnan(product); i++) {
		int result = query_number(meter, meter->dialect->ranges[i], &range, error);

		if (!result && !isnan(range))
			result = query_number(meter, meter->dialect->autos[i], &follows, error);
		if (result)
			return result;
		product *= range > 0 && !(follows > 0) ? range : NAN;
	}
	about->range_w = product;
	return 0;
}

static int learn(void *state, struct meter_about *about, struct error *error)
{
	struct usbtmc *meter = state;
	const struct scpi_dialect *dialect;
	double rate_s;
	int result;

	recover(meter);
	result = identify(meter, about, error);
	if (result)
		return result;
	dialect = meter->dialect;
	for (unsigned i = 0; i < SCPI_SETUP_MAX && dialect->setup[i] && !result; i++)
		result = say(meter, dialect->setup[i], error);
	if (!result)
		result = query_number(meter, dialect->rate, &rate_s, error);
	if (!result)
		result = learn_range(meter, about, error);
	if (result)
		return result;
	about->interval_s = rate_s > 0 ? rate_s : dialect->interval_s;
	about->window_s = dialect->rate ? about->interval_s : NAN;
	about->accuracy_percent = dialect->accuracy_percent;
	about->resolution_w = dialect->resolution_w;
	meter_pace_start(&meter->pace, about->interval_s);
	return 0;
}

static void close_meter(void *state)
{
	struct usbtmc *meter = state;

	if (meter->is_asked)
		recover(meter);
	usb_close(meter->link);
	free(meter);
}

static int open_meter(void **state, const char *address, const struct meter_place *place,
		      struct meter_about *about, struct error *error)
{
	static const struct usb_state what = { &kind, sizeof(struct usbtmc), learn };

	(void)place;
	return usb_open_state(state, &what, address, about, error);
}

/* --- reading -------------------------------------------------------------------------- */

static int give(struct usbtmc *meter, enum usbtmc_kind what, struct meter_reading *reading,
		struct error *error)
{
	unsigned flags = METER_DAMAGED;
	double power_w = NAN;

	meter->is_asked = false;
	meter->silent = what == USBTMC_MORE ? meter->silent + 1 : 0;
	if (meter->silent >= SILENT_MAX)
		return error_setf(error, ETIMEDOUT, "the meter does not answer");
	if (what == USBTMC_WHOLE)
		power_w = scpi_power_w(meter->dialect, meter->answer.text, &flags);
	else
		recover(meter);
	*reading = flags ? meter_reading_none(flags) : meter_reading_of(power_w);
	return 1;
}

static int read_meter(void *state, uint64_t deadline_ns, struct meter_reading *reading,
		      struct error *error)
{
	struct usbtmc *meter = state;
	enum usbtmc_kind what;
	uint64_t end_ns;
	int result;

	if (!meter->is_asked) {
		if (!meter_pace_wait(&meter->pace, deadline_ns))
			return 0;
		result = ask(meter, meter->dialect->query, error);
		if (result)
			return result;
	}
	end_ns = meter->asked_ns + ANSWER_NS;
	result = listen(meter, deadline_ns < end_ns ? deadline_ns : end_ns, &what, error);
	if (result)
		return result;
	if (what == USBTMC_MORE && clock_now_ns() < end_ns)
		return 0;
	return give(meter, what, reading, error);
}

const struct meter_driver meter_usbtmc = {
	.name = "usbtmc",
	.sentence = "power analysers with SCPI on USB: Yokogawa WT310, WT330, R&S HMC8015, ITECH "
		    "IT9121, Chroma 66200",
	.address = "SERIAL NUMBER",
	.list = list,
	.open = open_meter,
	.read = read_meter,
	.close = close_meter,
};
