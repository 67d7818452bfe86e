/* SPDX-License-Identifier: Apache-2.0
 * dewline evidence: what people know, added to a dossier. */
#include "assess/dossier/dossier.h"
#include "assess/prior/prior.h"
#include "base/json.h"
#include "console/cli/cli.h"
#include "os/file.h"

static const struct cli_option options[] = {
	{0, "id", "ID", false, "What the item is called; no other item may be called so."},
	{0, "title", "TEXT", false, "What was found, in one line."},
	{0, "kind", "KIND", false, "One that `dewline attrib kinds` lists."},
	{0, "supports", "ID", true, "A hypothesis that it speaks for."},
	{0, "against", "ID", true, "Or one that it speaks against."},
	{0, "source", "ID", false, "Who says so."},
	{0, "grade", "A1..F6", false, "How reliable the source is, and how credible the item."},
	{0, "at", "DATE", false, "When it became known."},
	{0, "lr", "LEAST-MOST", false, "Likelihood ratio, as 2.5-8. Default: its kind's."},
	{0, "forging", "CLASS", false,
	 "trivial, cheap, moderate, hard, cryptographic. Default: its kind's."},
	{0, "group", "ID", false, "Items with one group hang together."},
	{0, "kin", "HOW", false, "How: campaign (the default), feed, binary, apart."},
	{0, "about", "TEXT", false, "What was seen: found again under whatever name."},
	{0, "sealed", NULL, false, "It is not for the public."},
	{0, "prior", "FILE", false, "As for attrib."},
	{0},
};

/* "2.5" as it may stand in JSON: digits, and a point between them. */
static bool is_number(struct slice s)
{
	size_t points = 0;

	for (size_t i = 0; i < s.len; i++) {
		points += s.ptr[i] == '.';
		if (s.ptr[i] != '.' && (s.ptr[i] < '0' || s.ptr[i] > '9'))
			return false;
	}
	return s.len > 0 && points <= 1 && s.ptr[0] != '.' && s.ptr[s.len - 1] != '.' &&
	       (s.ptr[0] != '0' || s.len == 1 || s.ptr[1] == '.');
}

static void strings(struct json *j, struct cli *c, const char *key)
{
	size_t n;
	const struct slice *list = cli_values(c, key, &n);

	if (n == 0)
		return;
	json_key(j, key);
	json_array(j);
	for (size_t i = 0; i < n; i++)
		json_str(j, list[i]);
	json_end(j);
}

/* The options as an object; what is wrong with them, reading the dossier tells. */
static enum status item(struct cli *c, struct buf *out, struct fail *why)
{
	static const char *const texts[] = {"id", "title",   "kind",  "source", "grade",
					    "at", "forging", "group", "kin",	"about"};
	struct slice most = cli_value(c, "lr"), least = slice_split(&most, '-');
	struct json j = json_in(out);

	json_object(&j);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (cli_value(c, texts[i]).ptr != NULL)
			json_member_str(&j, texts[i], cli_value(c, texts[i]));
	strings(&j, c, "supports");
	strings(&j, c, "against");
	if (least.ptr != NULL) {
		if (!is_number(least) || !is_number(most))
			return fail_set(why, ST_INVALID, "--lr: expected LEAST-MOST, as 2.5-8");
		json_key(&j, "lr");
		json_array(&j);
		json_raw(&j, least);
		json_raw(&j, most);
		json_end(&j);
	}
	if (cli_value(c, "sealed").ptr != NULL)
		json_member_bool(&j, "sealed", true);
	json_end(&j);
	return out->full ? fail_set(why, ST_NOMEM, "no memory") : ST_OK;
}

/* Can it be read? What is told are its last item's counterparts, if it says what they said. */
static enum status check(struct cli *c, struct slice path, struct slice text, struct dossier *d,
			 struct dossier_finding *f, struct fail *why)
{
	struct prior *prior = ARENA_NEW(c->arena, struct prior);
	struct slice own = cli_value(c, "prior"), numbers;
	enum status st;

	if (prior == NULL)
		return fail_set(why, ST_NOMEM, "no memory");
	if (own.ptr != NULL && !cli_read(c, own, PRIOR_TEXT_MAX, &numbers))
		return fail_set(why, ST_IO, "no prior");
	st = own.ptr != NULL ? prior_parse(own, numbers, prior, why)
			     : prior_parse(prior_builtin_name(), prior_builtin_text(), prior, why);
	if (st == ST_OK)
		st = dossier_read(path, text, prior, (struct wall_ns){0}, c->arena, d, why);
	return st == ST_OK ? dossier_judge(d, c->arena, f, why) : st;
}

static int add(struct cli *c)
{
	struct dossier *d = ARENA_NEW(c->arena, struct dossier);
	struct dossier_finding *before = ARENA_NEW(c->arena, struct dossier_finding);
	struct dossier_finding *after = ARENA_NEW(c->arena, struct dossier_finding);
	struct buf one = buf_in(c->arena), out = buf_in(c->arena);
	struct slice path = c->words[1], text;
	struct fuse_answer *was, *is;
	struct fail why = {0};
	enum status st;
	size_t last, same;

	if (d == NULL || before == NULL || after == NULL)
		return fail_set(&why, ST_NOMEM, "no memory"), cli_cannot(c, &why);
	if (!cli_read(c, path, DOSSIER_BYTES_MAX, &text))
		return CLI_CANNOT;
	st = check(c, path, text, d, before, &why);
	if (st == ST_OK)
		st = item(c, &one, &why);
	if (st == ST_OK && (!dossier_insert(text, buf_slice(&one), &out) || out.full))
		st = fail_set(&why, ST_INVALID, "%.*s: expected a list in \"items\"",
			      SLICE_ARG(path));
	was = &before->rungs[DOSSIER_OPERATOR];
	if (st == ST_OK)
		st = check(c, path, buf_slice(&out), d, after, &why);
	if (st == ST_OK)
		st = os_file_replace(NULL, path, buf_slice(&out), &why);
	if (st != ST_OK)
		return cli_cannot(c, &why);
	last = d->item_count - 1;
	same = fuse_duplicate_of(after->fuse, last);
	is = &after->rungs[DOSSIER_OPERATOR];
	if (same != SIZE_MAX)
		cli_say(c, "it says what %.*s said, and counts for nothing",
			SLICE_ARG(d->items[same].id));
	cli_say(c, "%.*s: %d.%d %% before, %d.%d %% now", SLICE_ARG(d->hypotheses[is->leader].name),
		was->of[is->leader].mid / 10, was->of[is->leader].mid % 10,
		is->of[is->leader].mid / 10, is->of[is->leader].mid % 10);
	return CLI_DONE;
}

static int run(struct cli *c)
{
	static const struct cli_act acts[] = {{"add", add, 1, 1}, {0}};

	return cli_act(c, acts);
}

COMMAND(evidence) = {
	.name = "evidence",
	.usage = "evidence add FILE --id ID --title TEXT --kind KIND --supports ID --source ID "
		 "--grade A1 --at DATE",
	.doc = "Adds what people know to a dossier.",
	.more = "FILE is a dossier (docs/formats/evidence.md). The item is written behind its "
		"others, whose bytes stay as they\n"
		"are, if the whole can still be read; else nothing is written, and what is wrong "
		"is said. An item that says\n"
		"what another one said is kept, and counts for nothing. What is sealed counts in "
		"\"all evidence\" only; to commit\n"
		"to it now and open it later, see dewline seal.\n\n"
		"Exit 0 when it was done, 2 when it could not be done.\n\n"
		"Examples:\n"
		"  dewline evidence add case.json --id witness-2 --title \"one of them talked\" "
		"--kind intelligence \\\n"
		"      --supports ru --source service-x --grade B3 --at 2018-04-02 --sealed\n"
		"  dewline evidence add case.json --id denial --title \"the ministry denies it\" "
		"--kind denial \\\n"
		"      --supports ru --source ministry --grade D4 --at 2018-02-13\n",
	.options = options,
	.words_least = 1,
	.words_most = CLI_VALUES_MAX,
	.run = run,
};
