/* SPDX-License-Identifier: Apache-2.0
 * dewline rules explain and profile. */
#include "base/json.h"
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

/* What there is to say about one rule. */
struct explained {
	const struct rule *rule; /* NULL: it is not in the files, or not as a rule */
	bool loads;
	struct buf sentences;
};

static struct explained explain(const struct daemon_rules *r, uint64_t gid, uint64_t sid,
				struct arena *a)
{
	struct explained e = {.sentences = buf_in(a)};

	for (size_t i = 0; i < r->set.count; i++)
		if (r->set.rules[i].gid == gid && r->set.rules[i].sid == sid)
			e.rule = &r->set.rules[i];
	e.loads = e.rule != NULL && detect_rule_explain(r->compiled, gid, sid, &e.sentences);
	return e;
}

static void explain_text(const struct daemon_rules *r, const struct explained *e, uint64_t sid,
			 struct buf *out)
{
	const struct rule *rule = e->rule;

	if (rule != NULL)
		buf_add_fmt(out, "%.*s:%u: %llu:%llu rev %llu: %.*s\n  %.*s\n",
			    SLICE_ARG(rule->file), rule->line, (unsigned long long)rule->gid,
			    (unsigned long long)sid, (unsigned long long)rule->rev,
			    SLICE_ARG(rule->msg.len != 0 ? rule->msg : SLICE("(no msg)")),
			    SLICE_ARG(rule->text));
	buf_add(out, buf_slice(&e->sentences));
	for (size_t i = 0; i < r->set.problem_count; i++) {
		const struct rule_problem *p = &r->set.problems[i];

		if (p->sid == sid)
			buf_add_fmt(out, "%.*s:%u: %s: %.*s\n", SLICE_ARG(p->file), p->line,
				    p->warning ? "warning" : "does not load", SLICE_ARG(p->text));
	}
}

static void explain_json(const struct daemon_rules *r, const struct explained *e, uint64_t sid,
			 struct buf *out)
{
	struct slice rest = buf_slice(&e->sentences);
	struct json j = json_in(out);

	json_object(&j);
	json_member_u64(&j, "sid", sid);
	json_member_bool(&j, "loaded", e->loads);
	if (e->rule != NULL) {
		json_member_u64(&j, "gid", e->rule->gid);
		json_member_u64(&j, "rev", e->rule->rev);
		json_member_str(&j, "msg", e->rule->msg);
		json_member_str(&j, "file", e->rule->file);
		json_member_u64(&j, "line", e->rule->line);
		json_member_str(&j, "rule", e->rule->text);
	}
	json_key(&j, "sentences");
	json_array(&j);
	while (rest.len != 0)
		json_str(&j, slice_trim(slice_split(&rest, '\n')));
	json_end(&j);
	json_key(&j, "problems");
	json_array(&j);
	for (size_t i = 0; i < r->set.problem_count; i++)
		if (r->set.problems[i].sid == sid)
			json_str(&j, r->set.problems[i].text);
	json_end(&j);
	json_end(&j);
	buf_add_byte(out, '\n');
}

/* The rule is named in the files, though it may not be one. */
static bool is_there(const struct daemon_rules *r, const struct explained *e, uint64_t sid)
{
	bool there = e->rule != NULL;

	for (size_t i = 0; i < r->set.problem_count; i++)
		there |= r->set.problems[i].sid == sid;
	return there;
}

int rules_explain(struct cli *c)
{
	struct buf out = buf_in(c->arena);
	struct daemon_rules rules;
	struct explained e;
	uint64_t gid, sid;
	int code;

	if (c->word_count < 2 || !id_read(c->words[1], &gid, &sid)) {
		cli_say(c, "which rule? dewline rules explain SID FILE...");
		return CLI_CANNOT;
	}
	code = rules_open(c, 2, &rules, NULL);
	if (code != CLI_DONE)
		return code;
	e = explain(&rules, gid, sid, c->arena);
	code = e.loads ? CLI_DONE : CLI_NO;
	if (is_there(&rules, &e, sid))
		(cli_value(c, "json").ptr != NULL ? explain_json : explain_text)(&rules, &e, sid,
										 &out);
	else
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
