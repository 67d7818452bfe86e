/* SPDX-License-Identifier: Apache-2.0
 * dewline rules explain and profile. */
#include "base/text.h"
#include "console/cli/rules.h"
#include "console/cli/talk.h"

enum { PROFILE_ROWS = 30 };

/* "2027758" or "1:2027758". */
static bool id_read(struct slice s, uint64_t *gid, uint64_t *sid)
{
	struct slice rest = s, head = slice_split(&rest, ':');

	*gid = 1;
	if (rest.ptr == NULL)
		return text_u64(head, 1, UINT32_MAX, sid);
	return text_u64(head, 0, UINT32_MAX, gid) && text_u64(rest, 1, UINT32_MAX, sid);
}

/* True: the rule is in the files and loads. */
static bool explain(const struct daemon_rules *r, uint64_t gid, uint64_t sid, struct buf *out)
{
	const struct rule *rule = NULL;

	for (size_t i = 0; i < r->set.count; i++)
		if (r->set.rules[i].gid == gid && r->set.rules[i].sid == sid)
			rule = &r->set.rules[i];
	if (rule != NULL)
		buf_add_fmt(out, "%.*s:%u: %llu:%llu rev %llu: %.*s\n  %.*s\n",
			    SLICE_ARG(rule->file), rule->line, (unsigned long long)gid,
			    (unsigned long long)sid, (unsigned long long)rule->rev,
			    SLICE_ARG(rule->msg), SLICE_ARG(rule->text));
	if (rule != NULL && detect_rule_explain(r->compiled, gid, sid, out))
		return true;
	for (size_t i = 0; i < r->set.problem_count; i++) {
		const struct rule_problem *p = &r->set.problems[i];

		if (p->sid == sid)
			buf_add_fmt(out, "%.*s:%u: does not load: %.*s\n", SLICE_ARG(p->file),
				    p->line, SLICE_ARG(p->text));
	}
	return false;
}

int rules_explain(struct cli *c)
{
	struct buf out = buf_in(c->arena);
	struct daemon_rules rules;
	uint64_t gid, sid;
	int code;

	if (c->word_count < 2 || !id_read(c->words[1], &gid, &sid)) {
		cli_say(c, "which rule? dewline rules explain SID FILE...");
		return CLI_CANNOT;
	}
	code = rules_open(c, 2, &rules, NULL);
	if (code != CLI_DONE)
		return code;
	code = explain(&rules, gid, sid, &out) ? CLI_DONE : CLI_NO;
	if (out.len == 0)
		cli_say(c, "there is no rule %llu:%llu in these files", (unsigned long long)gid,
			(unsigned long long)sid);
	daemon_rules_close(&rules);
	return cli_print(c, buf_slice(&out)) ? code : CLI_CANNOT;
}

static void put_nowhere(void *ctx, const struct record *r)
{
}

int rules_profile(struct cli *c)
{
	struct daemon_progress progress = talk_progress(c);
	struct buf out = buf_in(c->arena);
	struct daemon_capture *done;
	const struct slice *paths;
	struct daemon_rules rules;
	struct config *config;
	struct fail why;
	size_t n;
	int code;

	paths = cli_values(c, "read", &n);
	if (n == 0) {
		cli_say(c, "which capture? Name it with -r FILE");
		return CLI_CANNOT;
	}
	code = rules_open(c, 1, &rules, &config);
	if (code != CLI_DONE)
		return code;
	done = ARENA_ARRAY(c->arena, struct daemon_capture, n);
	ASSERT(done != NULL); /* before the first packet, out of memory ends the process */
	for (size_t i = 0; i < n && code == CLI_DONE; i++) {
		struct pipeline_options o = {.rules = rules.compiled,
					     .config = config,
					     .sink = {NULL, put_nowhere},
					     .profile = true};

		if (daemon_sense(paths[i], &o, &progress, NULL, c->arena, &done[i], &why) != ST_OK)
			code = cli_cannot(c, &why);
	}
	if (code == CLI_DONE) {
		code = talk_read(c, &rules, done, n);
		talk_costs(done, n, cli_value(c, "all").ptr ? SIZE_MAX : PROFILE_ROWS,
			   cli_value(c, "json").ptr != NULL, c->arena, &out);
	}
	daemon_rules_close(&rules);
	return cli_print(c, buf_slice(&out)) ? code : CLI_CANNOT;
}
