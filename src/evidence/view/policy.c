/* SPDX-License-Identifier: Apache-2.0
 *
 * C2SP tlog-policy. A name's members stand before it in the text, so one pass from the front says
 * who has witnessed a checkpoint: no recursion, no cycles.
 */
#include "base/text.h"
#include "evidence/view/view.h"

enum {
	WORDS_MAX = VIEW_NAMES_MAX + 4, /* on a line: "group", its name, k, members */
	MLDSA44_BYTES = 1312,		/* of a public key: FIPS 204, table 2 */
};

struct parse {
	struct view_policy p;
	size_t log_room, name_room;
	bool *taken; /* of each name: it is a member of a group already */
	bool quorum; /* there was a quorum line */
	struct slice *words;
	size_t word_count;
	struct arena *a;
};

static bool text_allowed(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];

		if ((c < ' ' && c != '\t' && c != '\n') || c == 0x7f)
			return false;
	}
	return true;
}

/* Cuts a line at spaces and tabs. False: more words than a line can have. */
static bool words_of(struct parse *s, struct slice line)
{
	size_t at = 0;

	s->word_count = 0;
	while (at < line.len) {
		size_t from;

		while (at < line.len && (line.ptr[at] == ' ' || line.ptr[at] == '\t'))
			at++;
		from = at;
		while (at < line.len && line.ptr[at] != ' ' && line.ptr[at] != '\t')
			at++;
		if (at == from)
			break;
		if (s->word_count == WORDS_MAX)
			return false;
		s->words[s->word_count++] = slice_part(line, from, at - from);
	}
	return true;
}

static size_t name_find(const struct view_policy *p, struct slice name)
{
	for (size_t i = 0; i < p->name_count; i++)
		if (slice_equal(p->names[i].name, name))
			return i;
	return SIZE_MAX;
}

static enum status key_parse(struct slice text, enum note_type type, struct note_verifier *out,
			     struct fail *why)
{
	struct note_verifier v;
	enum status st = note_verifier_parse(text, &v, why);

	if (st == ST_OK && v.type != type)
		st = fail_set(why, ST_INVALID, "a key of type %d; a %s has one of type %d",
			      (int)v.type, type == NOTE_ED25519 ? "log" : "witness", (int)type);
	if (st == ST_OK)
		*out = v;
	return st;
}

/* A key of type 6: its name, id and, for comparing, a hash of it. False: it is no such key. */
static bool key_reserved(struct slice text, struct note_verifier *out)
{
	struct slice rest = text, name = slice_split(&rest, '+'), id = slice_split(&rest, '+');
	uint8_t raw[1 + MLDSA44_BYTES], hash[CRYPTO_SHA256_BYTES], is[CRYPTO_SHA256_BYTES];
	uint8_t said[NOTE_ID_BYTES];
	struct crypto_sha256 s;
	struct note_verifier v;
	struct fail why;
	size_t n;

	if (!crypto_hex_parse(id, sizeof said, said) ||
	    !crypto_base64_parse(CRYPTO_BASE64, rest, sizeof raw, raw, &n) || n != sizeof raw ||
	    raw[0] != NOTE_COSIGNATURE_MLDSA44)
		return false;
	crypto_sha256_init(&s);
	crypto_sha256_add(&s, name);
	crypto_sha256_add(&s, SLICE("\n"));
	crypto_sha256_add(&s, (struct slice){raw, sizeof raw});
	crypto_sha256_end(&s, is);
	crypto_sha256_of((struct slice){raw, sizeof raw}, hash);
	if (memcmp(is, said, sizeof said) != 0 ||
	    note_verifier_of(name, NOTE_COSIGNATURE_MLDSA44, hash, &v, &why) != ST_OK)
		return false;
	memcpy(v.id, said, sizeof said);
	*out = v;
	return true;
}

static bool same_key(const struct note_verifier *a, const struct note_verifier *b)
{
	return memcmp(a->key, b->key, sizeof a->key) == 0;
}

static enum status log_line(struct parse *s, struct fail *why)
{
	struct view_log log = {0};
	enum status st;

	if (s->word_count < 2 || s->word_count > 3)
		return fail_set(why, ST_INVALID, "expected: log VKEY [URL]");
	if (s->p.log_count == VIEW_LOGS_MAX)
		return fail_set(why, ST_LIMIT, "more than %d logs", VIEW_LOGS_MAX);
	st = key_parse(s->words[1], NOTE_ED25519, &log.key, why);
	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < s->p.log_count; i++)
		if (same_key(&s->p.logs[i].key, &log.key))
			return fail_set(why, ST_INVALID, "the same key is that of another log");
	if (s->word_count == 3)
		log.url = s->words[2];
	if (!ARENA_PUSH(s->a, s->p.logs, s->p.log_count, s->log_room, log))
		return fail_set(why, ST_NOMEM, "no memory for a policy");
	return ST_OK;
}

static enum status name_add(struct parse *s, const struct view_name *n, struct fail *why)
{
	if (slice_equal(n->name, SLICE("none")))
		return fail_set(why, ST_INVALID, "\"none\" cannot be defined");
	if (name_find(&s->p, n->name) != SIZE_MAX)
		return fail_set(why, ST_INVALID, "\"%.*s\" is defined twice", SLICE_ARG(n->name));
	if (s->p.name_count == VIEW_NAMES_MAX)
		return fail_set(why, ST_LIMIT, "more than %d witnesses and groups", VIEW_NAMES_MAX);
	if (!ARENA_PUSH(s->a, s->p.names, s->p.name_count, s->name_room, *n))
		return fail_set(why, ST_NOMEM, "no memory for a policy");
	return ST_OK;
}

static enum status witness_line(struct parse *s, struct fail *why)
{
	struct view_name n = {0};
	enum status st;

	if (s->word_count < 3 || s->word_count > 4)
		return fail_set(why, ST_INVALID, "expected: witness NAME VKEY [URL]");
	n.name = s->words[1];
	st = key_reserved(s->words[2], &n.key)
		     ? ST_OK
		     : key_parse(s->words[2], NOTE_COSIGNATURE, &n.key, why);
	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < s->p.name_count; i++)
		if (s->p.names[i].least == 0 && same_key(&s->p.names[i].key, &n.key))
			return fail_set(why, ST_INVALID, "the same key is that of \"%.*s\"",
					SLICE_ARG(s->p.names[i].name));
	if (s->word_count == 4)
		n.url = s->words[3];
	return name_add(s, &n, why);
}

/* k of "group NAME k MEMBER...": a number in 1..n, "any" or "all". */
static bool least_parse(struct slice word, size_t n, unsigned *out)
{
	uint64_t k;

	if (slice_equal(word, SLICE("any")))
		*out = 1;
	else if (slice_equal(word, SLICE("all")))
		*out = (unsigned)n;
	else if (word.ptr[0] != '0' && text_is_digit(word.ptr[0]) && text_u64(word, 1, n, &k))
		*out = (unsigned)k;
	else
		return false;
	return true;
}

static enum status group_line(struct parse *s, struct fail *why)
{
	struct view_name g = {0};

	if (s->word_count < 4)
		return fail_set(why, ST_INVALID, "expected: group NAME all|any|K MEMBER...");
	g.name = s->words[1];
	g.count = s->word_count - 3;
	if (!least_parse(s->words[2], g.count, &g.least))
		return fail_set(why, ST_INVALID,
				"\"%.*s\" of %zu members; expected all, any, or 1 to %zu",
				SLICE_ARG(s->words[2]), g.count, g.count);
	g.members = ARENA_ARRAY(s->a, uint16_t, g.count);
	if (g.members == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a policy");
	for (size_t i = 0; i < g.count; i++) {
		struct slice member = s->words[3 + i];
		size_t at = name_find(&s->p, member);

		if (at == SIZE_MAX)
			return fail_set(why, ST_INVALID, "\"%.*s\" is not defined before this line",
					SLICE_ARG(member));
		if (s->taken[at])
			return fail_set(why, ST_INVALID,
					"\"%.*s\" is a member already: it counts once",
					SLICE_ARG(member));
		s->taken[at] = true;
		g.members[i] = (uint16_t)at;
	}
	return name_add(s, &g, why);
}

static enum status quorum_line(struct parse *s, struct fail *why)
{
	if (s->word_count != 2)
		return fail_set(why, ST_INVALID, "expected: quorum NAME, or quorum none");
	if (s->quorum)
		return fail_set(why, ST_INVALID, "a second quorum line");
	s->quorum = true;
	s->p.quorum = SIZE_MAX;
	if (slice_equal(s->words[1], SLICE("none")))
		return ST_OK;
	s->p.quorum = name_find(&s->p, s->words[1]);
	if (s->p.quorum == SIZE_MAX)
		return fail_set(why, ST_INVALID, "\"%.*s\" is not defined before this line",
				SLICE_ARG(s->words[1]));
	return ST_OK;
}

static enum status line_parse(struct parse *s, struct slice line, struct fail *why)
{
	static const struct {
		const char *word;
		enum status (*parse)(struct parse *s, struct fail *why);
	} kinds[] = {{"log", log_line},
		     {"witness", witness_line},
		     {"group", group_line},
		     {"quorum", quorum_line}};

	if (!words_of(s, line))
		return fail_set(why, ST_LIMIT, "more than %d words", WORDS_MAX);
	if (s->word_count == 0 || s->words[0].ptr[0] == '#')
		return ST_OK;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (slice_equal(s->words[0], slice_of(kinds[i].word)))
			return kinds[i].parse(s, why);
	return fail_set(why, ST_INVALID, "\"%.*s\"; expected log, witness, group or quorum",
			SLICE_ARG(slice_part(s->words[0], 0, 40)));
}

enum status view_policy_parse(struct slice text, struct arena *a, struct view_policy *out,
			      struct fail *why)
{
	struct parse s = {.a = a};
	struct slice rest = text;
	unsigned number = 0;

	if (text.len > VIEW_POLICY_MAX)
		return fail_set(why, ST_LIMIT, "a policy of more than %d bytes", VIEW_POLICY_MAX);
	if (!text_allowed(text))
		return fail_set(why, ST_INVALID, "a policy has no control characters but tabs");
	s.words = ARENA_ARRAY(a, struct slice, WORDS_MAX);
	s.taken = ARENA_ARRAY(a, bool, VIEW_NAMES_MAX);
	if (s.words == NULL || s.taken == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a policy");
	while (rest.ptr != NULL) {
		number++;
		if (line_parse(&s, slice_split(&rest, '\n'), why) != ST_OK)
			return fail_wrap(why, "line %u", number);
	}
	if (!s.quorum)
		return fail_set(why, ST_INVALID, "there is no quorum line");
	*out = s.p;
	return ST_OK;
}

enum status view_policy_of(const struct note_verifier *log, struct arena *a,
			   struct view_policy *out, struct fail *why)
{
	struct view_policy p = {.log_count = 1, .quorum = SIZE_MAX};

	p.logs = ARENA_NEW(a, struct view_log);
	if (p.logs == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a policy");
	p.logs[0].key = *log;
	*out = p;
	return ST_OK;
}

/* --- asking one --- */

/* All keys that may have signed a checkpoint of this origin: its logs' first, then witnesses'. */
static struct note_verifier *keys_of(const struct view_policy *p, struct slice origin,
				     struct arena *a, size_t *out_logs, size_t *out_count)
{
	struct note_verifier *keys =
		ARENA_ARRAY(a, struct note_verifier, p->log_count + p->name_count + 1);
	size_t n = 0;

	if (keys == NULL)
		return NULL;
	for (size_t i = 0; i < p->log_count; i++)
		if (slice_equal(p->logs[i].key.name, origin))
			keys[n++] = p->logs[i].key;
	*out_logs = n;
	for (size_t i = 0; i < p->name_count; i++)
		if (p->names[i].key.type == NOTE_COSIGNATURE)
			keys[n++] = p->names[i].key;
	*out_count = n;
	return keys;
}

/* Does the name at `quorum` count as having witnessed? `signed_by`: the witnesses whose type is
 * known, in order. */
static bool quorum_met(const struct view_policy *p, const bool *signed_by, bool *met)
{
	size_t witness = 0;

	if (p->quorum == SIZE_MAX)
		return true;
	for (size_t i = 0; i <= p->quorum; i++) {
		const struct view_name *n = &p->names[i];
		unsigned have = 0;

		if (n->least == 0) {
			met[i] = n->key.type == NOTE_COSIGNATURE && signed_by[witness++];
			continue;
		}
		for (size_t k = 0; k < n->count; k++)
			have += met[n->members[k]];
		met[i] = have >= n->least;
	}
	return met[p->quorum];
}

static const struct note_verifier *signing_log(const struct view_policy *p, struct slice origin,
					       const bool *good)
{
	size_t n = 0;

	for (size_t i = 0; i < p->log_count; i++)
		if (slice_equal(p->logs[i].key.name, origin) && good[n++])
			return &p->logs[i].key;
	return NULL;
}

enum status view_policy_open(const struct view_policy *p, struct slice bytes, struct arena *a,
			     struct merkle_checkpoint *out, const struct note_verifier **out_log,
			     size_t *cosigned, struct fail *why)
{
	const struct note_verifier *log;
	struct merkle_checkpoint c;
	struct note_verifier *keys;
	struct note note;
	size_t logs = 0, count = 0, witnesses = 0;
	bool *good, *met;
	enum status st = note_parse(bytes, a, &note, why);

	if (st == ST_OK)
		st = merkle_checkpoint_parse(note.text, &c, why);
	if (st != ST_OK)
		return st;
	keys = keys_of(p, c.origin, a, &logs, &count);
	good = ARENA_ARRAY(a, bool, count + 1);
	met = ARENA_ARRAY(a, bool, p->name_count + 1);
	if (keys == NULL || good == NULL || met == NULL)
		return fail_set(why, ST_NOMEM, "no memory to check a checkpoint");
	if (logs == 0)
		return fail_set(why, ST_REFUSED, "a checkpoint of %.*s, which is no log we know",
				SLICE_ARG(slice_part(c.origin, 0, 80)));
	st = note_verify(&note, keys, count, good, a, why);
	if (st != ST_OK)
		return st;
	log = signing_log(p, c.origin, good);
	if (log == NULL)
		return fail_set(why, ST_REFUSED, "the checkpoint is not signed by the log %.*s",
				SLICE_ARG(slice_part(c.origin, 0, 80)));
	for (size_t i = logs; i < count; i++)
		witnesses += good[i];
	if (!quorum_met(p, good + logs, met))
		return fail_set(why, ST_REFUSED,
				"the checkpoint of %.*s is cosigned by %zu of %zu known witnesses: "
				"not the quorum \"%.*s\"",
				SLICE_ARG(slice_part(c.origin, 0, 80)), witnesses, count - logs,
				SLICE_ARG(slice_part(p->names[p->quorum].name, 0, 40)));
	if (out_log != NULL)
		*out_log = log;
	if (cosigned != NULL)
		*cosigned = witnesses;
	*out = c;
	return ST_OK;
}
