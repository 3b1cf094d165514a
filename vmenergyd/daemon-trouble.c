/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/daemon-trouble.h"

#include "base/text.h"

#define SAY_AGAIN_NS UINT64_C(60000000000)
#define SILENT_NS UINT64_C(2000000000)

enum daemon_news daemon_trouble_take(struct daemon_trouble *trouble, const char *text,
				     uint64_t now_ns)
{
	bool changed = !text_equal(trouble->text, text);

	if (changed && text_replace(&trouble->text, text))
		return NEWS_NONE;
	trouble->said = trouble->said && !changed;
	if (!text && trouble->told) {
		trouble->told = false;
		return NEWS_WELL;
	}
	if (!text || trouble->said ||
	    (trouble->logged_ns && now_ns - trouble->logged_ns < SAY_AGAIN_NS))
		return NEWS_NONE;
	trouble->said = trouble->told = true;
	trouble->logged_ns = now_ns;
	return NEWS_TROUBLE;
}

enum daemon_news daemon_silence_take(struct daemon_silence *silence, const char *text,
				     uint64_t heard_ns, uint64_t now_ns, double *silent_s)
{
	bool was_silent = silence->text != NULL;

	if (!silence->heard_ns)
		silence->heard_ns = now_ns;
	*silent_s = (double)(now_ns - silence->heard_ns) / 1e9;
	if (!text) {
		(void)text_replace(&silence->text, NULL);
		silence->heard_ns = heard_ns ? heard_ns : now_ns;
		silence->was_heard = true;
		return was_silent ? NEWS_WELL : NEWS_NONE;
	}
	if (was_silent || now_ns - silence->heard_ns < SILENT_NS ||
	    text_replace(&silence->text, text))
		return NEWS_NONE;
	return NEWS_TROUBLE;
}
