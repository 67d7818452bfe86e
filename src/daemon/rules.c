/* SPDX-License-Identifier: Apache-2.0
 * Rule files to compiled rules. */
#include "base/text.h"
#include "crypto/crypto.h"
#include "daemon/daemon_priv.h"
#include "os/clock.h"
#include "os/pool.h"

static enum status set_var(struct rule_set *s, struct slice assignment, struct fail *why)
{
	struct slice value = assignment, name = slice_split(&value, '=');

	if (value.ptr == NULL || name.len == 0)
		return fail_set(why, ST_INVALID, "--set %.*s: expected VAR=VALUE",
				SLICE_ARG(assignment));
	return rule_set_var(s, name, value, why);
}

static enum status prepare(const struct daemon_rules_source *src, struct arena *a,
			   struct daemon_rules *out, struct fail *why)
{
	enum status st = rule_set_init(&out->set, a, why);
	struct daemon_file classes;

	if (st == ST_OK && src->home_net.len != 0)
		st = rule_set_var(&out->set, SLICE("HOME_NET"), src->home_net, why);
	for (size_t i = 0; st == ST_OK && i < src->var_count; i++)
		st = set_var(&out->set, src->vars[i], why);
	if (st == ST_OK && src->classes.len != 0) {
		st = daemon_file_read(src->classes, a, &classes, why);
		if (st == ST_OK)
			st = rule_set_classes(&out->set, classes.name, classes.text, why);
	}
	return st;
}

enum status daemon_rules_load(const struct daemon_rules_source *src,
			      const struct daemon_progress *progress, struct arena *a,
			      struct daemon_rules *out, struct fail *why)
{
	struct detect_options options = {.parallel = os_pool_run};
	struct mono_ns begin = os_clock_mono(), parsed;
	struct daemon_rules r = {0};
	enum status st;

	daemon_progress_say(progress, "loading rules", begin, false);
	st = prepare(src, a, &r, why);
	r.files = ARENA_ARRAY(a, struct daemon_file, src->file_count + 1);
	if (r.files == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %zu rule files", src->file_count);
	for (size_t i = 0; st == ST_OK && i < src->file_count; i++) {
		st = daemon_file_read(src->files[i], a, &r.files[i], why);
		if (st == ST_OK)
			st = rule_set_load(&r.set, r.files[i].name, r.files[i].text, why);
		r.file_count += st == ST_OK;
	}
	parsed = os_clock_mono();
	if (st == ST_OK && src->file_count != 0) {
		daemon_progress_say(progress, "compiling rules", begin, false);
		st = detect_compile(&r.set, &options, a, &r.compiled, why);
	}
	daemon_progress_say(progress, "compiling rules", begin, true);
	if (st != ST_OK)
		return st;
	r.parse_ns = parsed.ns - begin.ns;
	r.compile_ns = os_clock_mono().ns - parsed.ns;
	*out = r;
	return ST_OK;
}

void daemon_rules_close(struct daemon_rules *r)
{
	detect_rules_free(r->compiled);
	r->compiled = NULL;
}

size_t daemon_rules_unsupported(const struct daemon_rules *r, struct arena *a,
				struct daemon_keyword_count **out)
{
	struct daemon_keyword_count *list = NULL;
	size_t n = 0, room = 0;

	for (size_t i = 0; i < r->set.problem_count; i++) {
		struct slice k = r->set.problems[i].keyword;
		size_t at = 0;

		if (k.ptr == NULL)
			continue;
		while (at < n && !slice_equal(list[at].keyword, k))
			at++;
		if (at == n &&
		    !ARENA_PUSH(a, list, n, room, ((struct daemon_keyword_count){.keyword = k})))
			break;
		for (list[at].rules++; at > 0 && list[at].rules > list[at - 1].rules; at--) {
			struct daemon_keyword_count swap = list[at];

			list[at] = list[at - 1];
			list[at - 1] = swap;
		}
	}
	*out = list;
	return n;
}
