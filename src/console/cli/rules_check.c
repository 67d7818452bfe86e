/* SPDX-License-Identifier: Apache-2.0
 * dewline rules check and list. */
#include "base/json.h"
#include "console/cli/rules.h"
#include "console/cli/talk.h"

int rules_open(struct cli *c, size_t first, struct daemon_rules *out, struct config **out_config)
{
	struct daemon_progress progress = talk_progress(c);
	struct daemon_rules_source src;
	struct config *config;
	struct fail why;

	if (c->word_count <= first) {
		cli_say(c, "which rule file? dewline rules --help has examples");
		return CLI_CANNOT;
	}
	if (talk_config(c, &config, &why) != ST_OK)
		return cli_cannot(c, &why);
	src = talk_rules_source(c, config);
	src.files = &c->words[first];
	src.file_count = c->word_count - first;
	if (daemon_rules_load(&src, &progress, c->arena, out, &why) != ST_OK)
		return cli_cannot(c, &why);
	talk_config_problems(c, config);
	if (out_config != NULL)
		*out_config = config;
	return CLI_DONE;
}

static void problem_json(struct json *j, const struct rule_problem *p)
{
	json_object(j);
	json_key(j, "file");
	json_str(j, p->file);
	json_key(j, "line");
	json_u64(j, p->line);
	json_key(j, "sid");
	json_u64(j, p->sid);
	if (p->keyword.ptr != NULL)
		json_member_str(j, "keyword", p->keyword);
	json_member_bool(j, "warning", p->warning);
	json_key(j, "text");
	json_str(j, p->text);
	json_end(j);
}

/* {"flow":3,"lua":1} of the keywords that are known, or not. */
static void stoppers_json(struct json *j, const struct daemon_keyword_count *k, size_t n,
			  bool known)
{
	json_object(j);
	for (size_t i = 0; i < n; i++) {
		if (k[i].known != known)
			continue;
		json_key_slice(j, k[i].keyword);
		json_u64(j, k[i].rules);
	}
	json_end(j);
}

static void check_json(const struct daemon_rules *r, const struct daemon_keyword_count *k, size_t n,
		       struct buf *out)
{
	struct json j = json_in(out);

	json_object(&j);
	json_key(&j, "loaded");
	json_u64(&j, detect_rules_count(r->compiled));
	json_key(&j, "failed");
	json_u64(&j, rule_set_failed(&r->set));
	json_member_u64(&j, "warnings", r->set.warning_count);
	json_key(&j, "unsupported");
	stoppers_json(&j, k, n, false);
	json_key(&j, "wrong");
	stoppers_json(&j, k, n, true);
	json_key(&j, "skipped");
	json_u64(&j, r->set.skipped);
	json_key(&j, "problems");
	json_array(&j);
	for (size_t i = 0; i < r->set.problem_count; i++)
		problem_json(&j, &r->set.problems[i]);
	json_end(&j);
	json_end(&j);
	buf_add_byte(out, '\n');
}

int rules_check(struct cli *c)
{
	struct daemon_keyword_count *keywords;
	struct buf out = buf_in(c->arena);
	struct daemon_rules rules;
	int code = rules_open(c, 1, &rules, NULL);
	size_t n;

	if (code != CLI_DONE)
		return code;
	n = daemon_rules_unsupported(&rules, c->arena, &keywords);
	if (cli_value(c, "json").ptr != NULL)
		check_json(&rules, keywords, n, &out);
	else
		talk_rules(&rules, cli_value(c, "all").ptr ? SIZE_MAX : 20, c->arena, &out);
	code = rule_set_failed(&rules.set) == 0 ? CLI_DONE : CLI_NO;
	daemon_rules_close(&rules);
	return cli_print(c, buf_slice(&out)) ? code : CLI_CANNOT;
}

static const char *action_name(const struct rule *r)
{
	static const char *const names[] = {[RULE_ALERT] = "alert",
					    [RULE_PASS] = "pass",
					    [RULE_DROP] = "drop",
					    [RULE_REJECT] = "reject",
					    [RULE_REJECT_SRC] = "rejectsrc",
					    [RULE_REJECT_DST] = "rejectdst",
					    [RULE_REJECT_BOTH] = "rejectboth"};

	return r->config ? "config" : names[r->action];
}

static void rule_json(const struct rule *r, bool loaded, struct buf *out)
{
	struct json j = json_in(out);

	json_object(&j);
	json_key(&j, "gid");
	json_u64(&j, r->gid);
	json_key(&j, "sid");
	json_u64(&j, r->sid);
	json_key(&j, "rev");
	json_u64(&j, r->rev);
	json_key(&j, "action");
	json_str(&j, slice_of(action_name(r)));
	json_key(&j, "proto");
	json_str(&j, r->proto);
	json_key(&j, "msg");
	json_str(&j, r->msg);
	json_key(&j, "classtype");
	json_str(&j, r->classtype);
	json_key(&j, "priority");
	json_u64(&j, r->priority);
	json_key(&j, "file");
	json_str(&j, r->file);
	json_key(&j, "line");
	json_u64(&j, r->line);
	json_key(&j, "loaded");
	json_bool(&j, loaded);
	json_end(&j);
	buf_add_byte(out, '\n');
}

static void rule_text(const struct rule *r, bool loaded, struct buf *out)
{
	buf_add_fmt(out, "%s %llu:%llu:%llu %s %.*s %.*s\n", loaded ? " " : "-",
		    (unsigned long long)r->gid, (unsigned long long)r->sid,
		    (unsigned long long)r->rev, action_name(r), SLICE_ARG(r->proto),
		    SLICE_ARG(r->msg.len != 0 ? r->msg : SLICE("(no msg)")));
}

int rules_list(struct cli *c)
{
	void (*row)(const struct rule *, bool, struct buf *) =
		cli_value(c, "json").ptr != NULL ? rule_json : rule_text;
	struct buf out = buf_in(c->arena);
	struct daemon_rules rules;
	int code = rules_open(c, 1, &rules, NULL);
	bool *loaded;

	if (code != CLI_DONE)
		return code;
	loaded = ARENA_ARRAY(c->arena, bool, rules.set.count + 1);
	ASSERT(loaded != NULL); /* before the first packet, out of memory ends the process */
	detect_rules_loaded(rules.compiled, &rules.set, loaded);
	for (size_t i = 0; i < rules.set.count; i++)
		row(&rules.set.rules[i], loaded[i], &out);
	code = rule_set_failed(&rules.set) == 0 ? CLI_DONE : CLI_NO;
	daemon_rules_close(&rules);
	return cli_print(c, buf_slice(&out)) ? code : CLI_CANNOT;
}
