/* SPDX-License-Identifier: Apache-2.0
 * dewline rules update: new rules in the place of old ones, if they are as good. */
#include "base/text.h"
#include "console/cli/rules.h"
#include "console/cli/talk.h"
#include "crypto/crypto.h"
#include "os/fetch.h"
#include "os/file.h"

enum { RULES_BYTES_MAX = 512 << 20 };

struct update {
	struct slice source, target;
	struct daemon_file file; /* what the source says */
	struct daemon_rules now, next;
	bool had; /* there is a target, and `now` is what it holds */
	size_t added, gone, changed, lost;
};

static enum status source_read(struct cli *c, struct update *u, struct fail *why)
{
	struct slice want = cli_value(c, "sha256");
	struct buf hex = buf_in(c->arena);
	enum status st =
		os_fetch_is_url(u->source)
			? os_fetch(u->source, RULES_BYTES_MAX, c->arena, &u->file.text, why)
			: os_file_read(u->source, RULES_BYTES_MAX, c->arena, &u->file.text, why);

	if (st != ST_OK)
		return st;
	u->file.name = u->target;
	crypto_sha256_of(u->file.text, u->file.sha256);
	crypto_hex_add((struct slice){u->file.sha256, sizeof u->file.sha256}, &hex);
	cli_say(c, "%.*s: %zu bytes, sha256 %.*s", SLICE_ARG(u->source), u->file.text.len,
		SLICE_ARG(buf_slice(&hex)));
	if (want.ptr != NULL && !slice_equal_nocase(want, buf_slice(&hex)))
		return fail_set(why, ST_REFUSED,
				"the source does not have the hash that --sha256 "
				"asks for");
	return ST_OK;
}

static enum status load_both(struct cli *c, struct update *u, struct fail *why)
{
	struct daemon_progress progress = talk_progress(c);
	struct daemon_rules_source src;
	struct config *config;
	enum status st = talk_config(c, &config, why);

	if (st != ST_OK)
		return st;
	src = talk_rules_source(c, config);
	src.files = NULL;
	src.file_count = 0;
	src.given = &u->file;
	src.given_count = 1;
	st = daemon_rules_load(&src, &progress, c->arena, &u->next, why);
	u->had = os_file_exists(u->target);
	if (st != ST_OK || !u->had)
		return st;
	src.given_count = 0;
	src.files = &u->target;
	src.file_count = 1;
	return daemon_rules_load(&src, &progress, c->arena, &u->now, why);
}

/* Both sets walked in the order of gid and sid. */
static void compare(struct cli *c, struct update *u)
{
	const struct rule_set *old = &u->now.set, *new = &u->next.set;
	const struct rule **a = rule_set_sorted(old, c->arena);
	const struct rule **b = rule_set_sorted(new, c->arena);
	bool *was = ARENA_ARRAY(c->arena, bool, old->count + 1);
	bool *is = ARENA_ARRAY(c->arena, bool, new->count + 1);
	size_t i = 0, k = 0;

	ASSERT(a != NULL && b != NULL && was != NULL && is != NULL); /* ends the process */
	detect_rules_loaded(u->now.compiled, old, was);
	detect_rules_loaded(u->next.compiled, new, is);
	while (i < old->count || k < new->count) {
		int d = i == old->count ? 1 : k == new->count ? -1 : rule_id_compare(a[i], b[k]);

		if (d < 0) {
			u->gone++;
			i++;
		} else if (d > 0) {
			u->added++;
			k++;
		} else {
			u->changed += !slice_equal(a[i]->text, b[k]->text);
			u->lost += was[a[i] - old->rules] && !is[b[k] - new->rules];
			i++;
			k++;
		}
	}
}

static enum status judge(struct cli *c, struct update *u, struct fail *why)
{
	if (detect_rules_count(u->next.compiled) == 0)
		return fail_set(why, ST_REFUSED, "no rule of it loads; %.*s is as it was",
				SLICE_ARG(u->target));
	if (u->lost != 0 && cli_value(c, "force").ptr == NULL)
		return fail_set(why, ST_REFUSED,
				"%zu rules that load now would not any more; %.*s is as it was "
				"(--force replaces it all the same)",
				u->lost, SLICE_ARG(u->target));
	return ST_OK;
}

static enum status update(struct cli *c, struct update *u, struct fail *why)
{
	struct buf out = buf_in(c->arena);
	enum status st = source_read(c, u, why);

	if (st == ST_OK)
		st = load_both(c, u, why);
	if (st != ST_OK)
		return st;
	compare(c, u);
	talk_rules(&u->next, 5, c->arena, &out);
	cli_say(c, "%.*s%zu new rules, %zu changed, %zu gone", SLICE_ARG(buf_slice(&out)), u->added,
		u->changed, u->gone);
	st = judge(c, u, why);
	if (st != ST_OK)
		return st;
	if (u->had && u->now.file_count == 1 && slice_equal(u->now.files[0].text, u->file.text)) {
		cli_say(c, "%.*s is the same already", SLICE_ARG(u->target));
		return ST_OK;
	}
	if (cli_value(c, "dry-run").ptr != NULL) {
		cli_say(c, "%.*s would be replaced", SLICE_ARG(u->target));
		return ST_OK;
	}
	st = os_file_replace(NULL, u->target, u->file.text, why);
	if (st == ST_OK)
		cli_say(c, "%.*s is replaced", SLICE_ARG(u->target));
	return st;
}

int rules_update(struct cli *c)
{
	struct update u = {.target = cli_value(c, "output")};
	struct fail why;
	int code = CLI_DONE;

	if (c->word_count != 2 || u.target.ptr == NULL) {
		cli_say(c, "from where to where? dewline rules update FILE-OR-ADDRESS -o FILE");
		return CLI_CANNOT;
	}
	u.source = c->words[1];
	if (update(c, &u, &why) != ST_OK) {
		(void)cli_cannot(c, &why);
		code = why.status == ST_REFUSED ? CLI_NO : CLI_CANNOT;
	}
	daemon_rules_close(&u.now);
	daemon_rules_close(&u.next);
	return code;
}
