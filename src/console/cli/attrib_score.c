/* SPDX-License-Identifier: Apache-2.0
 * dewline attrib score: results written earlier, against what turned out to be true. */
#include "console/cli/attrib.h"

#include <jansson.h>

#include "assess/fuse/fuse.h"

enum { RESULT_MAX = 16 << 20, STAGES = CMD_ATTRIB_STAGES };

struct scorer {
	struct cli *c;
	json_t *truth; /* case -> id of a hypothesis */
	struct cmd_attrib_scores scores;
	struct slice path;
	struct fail *why;
};

static enum status wrong(struct scorer *s, const char *expected)
{
	return fail_set(s->why, ST_INVALID, "%.*s: expected %s",
			SLICE_ARG(slice_part(s->path, 0, 80)), expected);
}

static json_t *load(struct scorer *s, struct slice path)
{
	json_error_t error;
	struct slice text;
	json_t *o;

	s->path = path;
	if (!cli_read(s->c, path, RESULT_MAX, &text))
		return NULL;
	o = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
	if (o == NULL)
		cli_say(s->c, "%.*s:%d: %s", SLICE_ARG(path), error.line, error.text);
	return o;
}

/* A share with three decimals; -1: it is none. */
static int32_t share_of(const json_t *v)
{
	double d = json_number_value(v) * CLAIM_CERTAIN;

	return json_is_number(v) && d >= 0 && d <= CLAIM_CERTAIN ? (int32_t)(d + .5) : -1;
}

/* The rung of the operator: its candidates. */
static const json_t *candidates_of(const json_t *o)
{
	const json_t *ladder = json_object_get(o, "ladder");

	for (size_t i = 0; i < json_array_size(ladder); i++) {
		const json_t *r = json_array_get(ladder, i);

		if (json_integer_value(json_object_get(r, "level")) == 3)
			return json_object_get(r, "candidates");
	}
	return NULL;
}

static enum status score(struct scorer *s, const json_t *o)
{
	const char *name = json_string_value(json_object_get(o, "case"));
	const char *stage = json_string_value(json_object_get(o, "stage"));
	const json_t *list = candidates_of(o);
	const char *truth;
	int32_t milli[FUSE_HYPOTHESES_MAX];
	size_t n = json_array_size(list), at = SIZE_MAX, k = 0;

	if (name == NULL || stage == NULL || n == 0 || n > FUSE_HYPOTHESES_MAX)
		return wrong(s, "a result of `dewline attrib --json`");
	while (k < STAGES - 1 && strcmp(stage, cmd_attrib_stages[k]) != 0)
		k++;
	if (k == STAGES - 1)
		return wrong(s, "stage B1, B2 or B3");
	truth = json_string_value(json_object_get(s->truth, name));
	if (truth == NULL) {
		s->scores.open++;
		return ST_OK;
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *x = json_array_get(list, i);
		const char *id = json_string_value(json_object_get(x, "id"));

		milli[i] = share_of(json_object_get(x, "middle"));
		if (milli[i] < 0 || id == NULL)
			return wrong(s, "candidates with an \"id\" and a \"middle\"");
		at = strcmp(id, truth) == 0 ? i : at;
	}
	if (at == SIZE_MAX)
		return wrong(s, "a candidate that is what the case turned out to be");
	fuse_score_add(&s->scores.of[k], milli, n, at);
	fuse_score_add(&s->scores.of[STAGES - 1], milli, n, at);
	return ST_OK;
}

static enum status read_truth(struct scorer *s, json_t *o)
{
	const char *key;
	json_t *v;

	s->truth = json_object_get(o, "cases");
	if (!json_is_string(json_object_get(o, "format")) ||
	    strcmp(json_string_value(json_object_get(o, "format")), "dewline-truth/1") != 0 ||
	    !json_is_object(s->truth))
		return wrong(s,
			     "\"format\": \"dewline-truth/1\" and \"cases\": {CASE: HYPOTHESIS}");
	json_object_foreach(s->truth, key, v)
	{
		if (!json_is_string(v))
			return wrong(s, "for each case the id of a hypothesis");
	}
	return ST_OK;
}

int cmd_attrib_score(struct cli *c)
{
	struct slice path = cli_value(c, "truth");
	struct buf out = buf_in(c->arena);
	struct scorer *s = ARENA_NEW(c->arena, struct scorer);
	struct fail why = {0};
	json_t *truth;
	enum status st;

	if (path.ptr == NULL || s == NULL) {
		cli_say(c, "score wants to know what was true: dewline attrib score --truth FILE "
			   "RESULT...");
		return CLI_CANNOT;
	}
	*s = (struct scorer){.c = c, .why = &why};
	truth = load(s, path);
	if (truth == NULL)
		return CLI_CANNOT;
	st = read_truth(s, truth);
	for (size_t i = 1; i < c->word_count && st == ST_OK; i++) {
		json_t *o = load(s, c->words[i]);

		st = o == NULL ? fail_set(&why, ST_IO, "nothing was scored") : score(s, o);
		json_decref(o);
	}
	json_decref(truth);
	if (st != ST_OK)
		return cli_cannot(c, &why);
	(cli_value(c, "json").ptr != NULL ? cmd_attrib_score_json
					  : cmd_attrib_score_text)(&s->scores, &out);
	return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
}
