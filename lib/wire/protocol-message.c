/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/protocol-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire/snapshot-parse.h"

/* --- what all lines have --------------------------------------------------- */

int protocol_load(const char *line, size_t length, json_t **root, struct error *error)
{
	json_error_t problem;

	*root = json_loadb(line, length, JSON_REJECT_DUPLICATES, &problem);
	if (!*root && json_error_code(&problem) == json_error_out_of_memory)
		return error_setf(error, ENOMEM, "out of memory");
	if (!*root)
		return error_setf(error, EINVAL, "not a line of JSON: byte %d: %s",
				  problem.position, problem.text);
	if (json_is_object(*root))
		return 0;
	json_decref(*root);
	*root = NULL;
	return error_setf(error, EINVAL, "must be an object");
}

int protocol_check_format(const struct node *root)
{
	struct node node = node_member(root, "format");
	int64_t format;

	return node_i64(&node, PROTOCOL_FORMAT, PROTOCOL_FORMAT, &format);
}

json_t *protocol_object(struct build *build, int64_t id)
{
	json_t *root = json_object();

	build_put(build, root, "format", json_integer(PROTOCOL_FORMAT));
	if (id >= 0)
		build_put(build, root, "id", json_integer(id));
	return root;
}

int protocol_parse_id(const struct node *root, int64_t *id)
{
	struct node node = node_member(root, "id");

	*id = -1;
	return node_present(&node) ? node_i64(&node, 0, INT64_MAX, id) : 0;
}

/* --- answers --------------------------------------------------------------- */

int protocol_put_answer(int64_t id, json_t *members, struct text *out, struct error *error)
{
	struct build build = { .error = error };
	json_t *root = protocol_object(&build, id);

	build_put(&build, root, "ok", json_true());
	if (members && json_object_update_missing(root, members) && !build.result)
		build.result = error_setf(error, ENOMEM, "out of memory");
	json_decref(members);
	return build_line(&build, root, PROTOCOL_DIGITS, out);
}

int protocol_put_refusal(int64_t id, const char *why, struct text *out)
{
	struct build build = { 0 };
	json_t *root = protocol_object(&build, id);

	build_put(&build, root, "ok", json_false());
	build_put(&build, root, "error", build_text(why));
	return build_line(&build, root, PROTOCOL_DIGITS, out);
}

/* --- reading --------------------------------------------------------------- */

void protocol_message_clear(struct protocol_message *message)
{
	json_decref(message->answer);
	free(message->refusal);
	protocol_about_clear(&message->about);
	*message = (struct protocol_message){ .kind = PROTOCOL_OTHER, .id = -1 };
}

static int parse_answer(json_t *answer, const struct node *root, struct protocol_message *message)
{
	struct node ok = node_member(root, "ok"), why = node_member(root, "error");
	bool good = false;
	int result = protocol_parse_id(root, &message->id);

	if (!result)
		result = node_bool(&ok, &good);
	if (!result && !good) {
		message->kind = PROTOCOL_REFUSAL;
		return node_text(&why, FIELD_TEXT_MAX, &message->refusal);
	}
	message->kind = PROTOCOL_ANSWER;
	message->answer = json_incref(answer);
	return result;
}

static int parse_snapshot(const struct node *root, struct protocol_message *message,
			  struct snapshot *snapshot)
{
	struct node contract = node_member(root, "snapshot"), more = node_member(root, "more"),
		    about;
	int result = snapshot_parse(&contract, &more, snapshot);

	if (result)
		return result;
	message->kind = PROTOCOL_SNAPSHOT;
	about = node_member(&more, "about");
	result = shape_parse(&about, &protocol_about_shape, &shape_heap, &message->about);
	if (result)
		snapshot_reset(snapshot);
	return result;
}

static int parse_message(json_t *value, struct protocol_message *message, struct snapshot *snapshot,
			 struct error *error)
{
	struct node root = node_root(value, "", error);
	const char *event = json_string_value(json_object_get(value, "event"));
	int result = protocol_check_format(&root);

	if (result)
		return result;
	if (event && strcmp(event, "snapshot") == 0)
		return parse_snapshot(&root, message, snapshot);
	return event ? 0 : parse_answer(value, &root, message);
}

int protocol_parse_message(const char *line, size_t length, struct protocol_message *message,
			   struct snapshot *snapshot, struct error *error)
{
	json_t *value;
	int result;

	*message = (struct protocol_message){ .kind = PROTOCOL_OTHER, .id = -1 };
	result = protocol_load(line, length, &value, error);
	if (result)
		return result;
	result = parse_message(value, message, snapshot, error);
	if (result)
		protocol_message_clear(message);
	json_decref(value);
	return result;
}
