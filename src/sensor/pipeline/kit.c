/* SPDX-License-Identifier: Apache-2.0
 * What a pipeline exchanges to go over to other rules: detection's gear, and libmagic's table where
 * rules ask for types of files and nothing did before. */
#include "sensor/pipeline/pipeline_priv.h"

struct pipeline_kit {
	struct arena_pool pool;
	struct arena arena; /* this struct, and the table */
	const struct detect_rules *rules;
	struct detect_gear *gear; /* NULL: a worker has it */
	struct file_magic *types; /* NULL: the rules need none */
};

static struct pipeline_kit *kit_make(const struct detect_rules *rules)
{
	struct arena_pool pool = {.budget = SIZE_MAX};
	struct arena arena = {.pool = &pool};
	struct pipeline_kit *k = ARENA_NEW(&arena, struct pipeline_kit);

	if (k == NULL)
		return NULL;
	k->pool = pool;
	k->arena = arena;
	k->arena.pool = &k->pool;
	k->rules = rules;
	return k;
}

void pipeline_rules_ask(struct pipeline *p, const struct detect_rules *rules)
{
	detect_rules_files(rules, &p->app->files);
	p->app->hassh = detect_rules_use(rules, SLICE("ssh.hassh"));
	if (detect_rules_want_frames(rules))
		p->app->frames |= APP_FRAMES_FOR_RULES;
}

bool pipeline_kit_first(struct pipeline *p)
{
	p->kit = kit_make(p->options.rules);
	p->own_types = p->app->files.types;
	return p->kit != NULL;
}

enum status pipeline_kit_new(const struct detect_rules *rules, bool profile,
			     struct slice magic_path, struct pipeline_kit **out, struct fail *why)
{
	struct pipeline_kit *k = kit_make(rules);
	struct file_setup wants = {0};
	enum status st;

	if (k == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a worker");
	st = detect_gear_new(rules, profile, &k->gear, why);
	detect_rules_files(rules, &wants);
	if (st == ST_OK && wants.types_wanted) {
		k->types = file_magic_open(magic_path, &k->arena);
		if (k->types == NULL)
			st = fail_set(why, ST_IO, "cannot read libmagic's table \"%.*s\"",
				      SLICE_ARG(magic_path));
	}
	if (st != ST_OK) {
		pipeline_kit_free(k);
		return st;
	}
	*out = k;
	return ST_OK;
}

struct pipeline_kit *pipeline_exchange(struct pipeline *p, struct pipeline_kit *kit)
{
	struct pipeline_kit *old = p->kit;

	ASSERT(p->detect != NULL && !p->in_packet && !p->finished);
	old->gear = detect_worker_exchange(p->detect, kit->gear);
	kit->gear = NULL;
	p->kit = kit;
	p->options.rules = kit->rules;
	p->verdict = (struct verdict){0}; /* it may name a rule that goes */
	pipeline_rules_ask(p, kit->rules);
	p->app->files.types = p->own_types != NULL ? p->own_types : kit->types;
	return old;
}

void pipeline_kit_free(struct pipeline_kit *k)
{
	if (k == NULL)
		return;
	detect_gear_free(k->gear);
	file_magic_close(k->types);
	arena_end(k->arena, k->pool); /* k lies in it */
}
