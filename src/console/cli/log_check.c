/* SPDX-License-Identifier: Apache-2.0
 * dewline log check, prove, convict: what anybody can ask of a log. */
#include "base/text.h"
#include "console/cli/log.h"
#include "evidence/merkle/merkle.h"
#include "os/file.h"

struct check {
	struct cli *c;
	struct slice name;
	const struct view_policy *policy;
	const struct ledger_source *source;
	struct merkle_checkpoint is;
	size_t cosigned;
	struct ledger_report report;
	struct buf out;
	struct json json;
	bool machine, sound, believed; /* the checkpoint is */
};

/* What was asked for and the answer is no, not that it could not be asked. */
static bool said_no(enum status st)
{
	return st == ST_REFUSED || st == ST_INVALID || st == ST_CORRUPT;
}

static void finding(struct check *k, struct slice file, struct slice text)
{
	k->sound = false;
	if (!k->machine) {
		buf_add_fmt(&k->out, "%.*s: %.*s\n", SLICE_ARG(file), SLICE_ARG(text));
		return;
	}
	json_object(&k->json);
	json_member_str(&k->json, "file", file);
	json_member_str(&k->json, "text", text);
	json_end(&k->json);
}

/* Is what an older checkpoint signed the front of this log? */
static enum status old_check(struct check *k, struct slice file, struct fail *why)
{
	struct view_policy alone = *k->policy;
	struct merkle_checkpoint old;
	struct merkle_tiles tiles;
	uint8_t root[MERKLE_BYTES];
	struct slice note;
	enum status st = os_file_read(file, NOTE_BYTES_MAX, k->c->arena, &note, why);

	alone.quorum = SIZE_MAX;
	if (st != ST_OK)
		return st;
	st = view_policy_open(&alone, note, k->c->arena, &old, NULL, NULL, why);
	if (said_no(st)) {
		finding(k, file, slice_of(why->text));
		return ST_OK;
	}
	if (st == ST_OK && !slice_equal(old.origin, k->is.origin)) {
		finding(k, file, SLICE("is a checkpoint of another log"));
		return ST_OK;
	}
	if (st == ST_OK && old.size > k->is.size) {
		finding(k, file,
			buf_text(k->c->arena, "has %llu leaves, the log %llu: it went back",
				 (unsigned long long)old.size, (unsigned long long)k->is.size));
		return ST_OK;
	}
	if (st == ST_OK)
		st = ledger_source_tiles(k->source, k->c->arena, &tiles, why);
	if (st == ST_OK)
		st = merkle_root_before(&tiles, old.size, k->is.size, root, why);
	if (st == ST_OK && memcmp(root, old.root, sizeof root) != 0)
		finding(k, file,
			buf_text(k->c->arena,
				 "signs another history: its %llu leaves are not the "
				 "first of the log",
				 (unsigned long long)old.size));
	return st;
}

static enum status check_all(struct check *k, struct fail *why)
{
	size_t n;
	const struct slice *olds = cli_values(k->c, "old", &n);
	struct slice note;
	enum status st = ledger_source_checkpoint(k->source, k->c->arena, &note, why);

	if (st == ST_OK) {
		st = view_policy_open(k->policy, note, k->c->arena, &k->is, NULL, &k->cosigned,
				      why);
		if (said_no(st)) {
			finding(k, SLICE("checkpoint"), slice_of(why->text));
			return ST_OK;
		}
		k->believed = st == ST_OK;
	}
	if (st == ST_OK)
		st = ledger_check_source(k->source, &k->is, k->c->arena, &k->report, why);
	for (size_t i = 0; i < k->report.count && st == ST_OK; i++)
		finding(k, k->report.damage[i].file, k->report.damage[i].text);
	/* tiles that are damaged prove nothing about what came before */
	for (size_t i = 0; i < n && st == ST_OK && k->report.count == 0; i++)
		st = old_check(k, olds[i], why);
	return st;
}

static int check_place(struct cli *c)
{
	struct check k = {.c = c, .out = buf_in(c->arena), .sound = true};
	struct view_policy policy;
	struct log_place place = {0};
	struct fail why;
	enum status st = log_place_open(c, c->words[1], &place, &why);

	k.json = json_in(&k.out);
	k.machine = cli_value(c, "json").ptr != NULL;
	k.name = place.name;
	k.policy = &policy;
	k.source = &place.source;
	if (k.machine) {
		json_object(&k.json);
		json_key(&k.json, "findings");
		json_array(&k.json);
	}
	if (st == ST_OK)
		st = log_policy(c, place.name, &policy, &why);
	if (st == ST_OK)
		st = check_all(&k, &why);
	log_place_close(&place);
	if (st != ST_OK)
		return cli_cannot(c, &why);
	if (k.machine) {
		json_end(&k.json);
		json_member_str(&k.json, "log", k.name);
		json_member_u64(&k.json, "size", k.is.size);
		json_member_u64(&k.json, "cosigned", k.cosigned);
		json_member_bool(&k.json, "whole", k.sound);
		json_end(&k.json);
		buf_add_byte(&k.out, '\n');
	} else {
		buf_add_fmt(&k.out, "%.*s: ", SLICE_ARG(k.name));
		if (k.believed)
			buf_add_fmt(&k.out, "%llu leaves, ", (unsigned long long)k.is.size);
		if (k.cosigned != 0)
			buf_add_fmt(&k.out, "cosigned by %zu, ", k.cosigned);
		buf_add_fmt(&k.out, "%s\n",
			    !k.believed ? "not believed"
			    : k.sound	? "whole"
					: "damaged");
	}
	return log_print(c, &k.out, k.sound ? CLI_DONE : CLI_NO);
}

/* A .tlog-proof and its entry, without the log. */
static int check_proof(struct cli *c, struct slice file)
{
	struct slice entry_file = cli_value(c, "entry"), text, entry;
	struct buf out = buf_in(c->arena);
	struct merkle_checkpoint is;
	struct view_policy policy;
	struct view_proof proof;
	struct fail why;
	enum status st = entry_file.ptr != NULL ? ST_OK
						: fail_set(&why, ST_NOTFOUND,
							   "--proof of which entry? Say --entry");

	if (st == ST_OK)
		st = os_file_read(entry_file, LEDGER_ENTRY_MAX, c->arena, &entry, &why);
	if (st == ST_OK)
		st = os_file_read(file, NOTE_BYTES_MAX, c->arena, &text, &why);
	if (st == ST_OK && log_policy(c, (struct slice){NULL, 0}, &policy, &why) != ST_OK)
		st = ST_IO; /* what is asked is unclear: that is no no */
	if (st == ST_OK)
		st = view_proof_parse(text, c->arena, &proof, &why);
	if (st == ST_OK)
		st = view_proof_check(&proof, &policy, entry, c->arena, &is, &why);
	if (said_no(st)) {
		cli_say(c, "%.*s: %s", SLICE_ARG(file), why.text);
		return CLI_NO;
	}
	if (st != ST_OK)
		return cli_cannot(c, &why);
	buf_add_fmt(&out, "%.*s: it is leaf %llu of %.*s, which has %llu\n", SLICE_ARG(entry_file),
		    (unsigned long long)proof.index, SLICE_ARG(is.origin),
		    (unsigned long long)is.size);
	return log_print(c, &out, CLI_DONE);
}

int log_check(struct cli *c)
{
	struct slice proof = cli_value(c, "proof");

	if ((proof.ptr != NULL) == (c->word_count == 2)) {
		cli_say(c, "check what? A log (a folder or an address), or --proof FILE");
		return CLI_CANNOT;
	}
	return proof.ptr != NULL ? check_proof(c, proof) : check_place(c);
}

/* --- proofs --- */

static enum status output(struct cli *c, const struct buf *text, struct fail *why)
{
	struct slice file = cli_value(c, "output");

	if (file.ptr != NULL)
		return os_file_replace(NULL, file, buf_slice(text), why);
	return cli_print(c, buf_slice(text)) ? ST_OK
					     : fail_set(why, ST_IO, "cannot write the proof");
}

/* That a leaf is in the log; checked as its reader will. */
static enum status prove_leaf(struct cli *c, const struct ledger_source *source,
			      const struct view_policy *policy, struct slice note,
			      const struct merkle_checkpoint *is, uint64_t leaf, struct fail *why)
{
	uint8_t hashes[MERKLE_PROOF_MAX][MERKLE_BYTES];
	struct view_proof proof = {.index = leaf,
				   .hashes = (const uint8_t(*)[MERKLE_BYTES])hashes,
				   .checkpoint = note};
	struct slice entries[MERKLE_WIDTH], file = cli_value(c, "entry"), entry;
	struct buf text = buf_in(c->arena);
	struct merkle_checkpoint checked;
	struct merkle_tiles tiles;
	uint64_t bundle = leaf / MERKLE_WIDTH;
	enum status st = ledger_source_tiles(source, c->arena, &tiles, why);

	if (st == ST_OK)
		st = merkle_prove_inclusion(&tiles, leaf, is->size, hashes, &proof.count, why);
	if (st == ST_OK)
		st = ledger_source_entries(source, bundle, merkle_width(is->size, 0, bundle),
					   c->arena, entries, why);
	if (st != ST_OK)
		return st;
	entry = entries[leaf % MERKLE_WIDTH];
	st = view_proof_check(&proof, policy, entry, c->arena, &checked, why);
	if (st != ST_OK)
		return fail_wrap(why, "the log is damaged (dewline log check says where)");
	view_proof_add(&proof, &text);
	if (file.ptr != NULL)
		st = os_file_replace(NULL, file, entry, why);
	return st == ST_OK ? output(c, &text, why) : st;
}

/* That the log has only grown since it had `old` leaves: as a witness is asked. */
static enum status prove_from(struct cli *c, const struct ledger_source *source, struct slice note,
			      const struct merkle_checkpoint *is, uint64_t old, struct fail *why)
{
	uint8_t hashes[MERKLE_PROOF_MAX][MERKLE_BYTES], root[MERKLE_BYTES];
	struct view_request r = {
		.old = old, .hashes = (const uint8_t(*)[MERKLE_BYTES])hashes, .checkpoint = note};
	struct buf text = buf_in(c->arena);
	struct merkle_tiles tiles;
	enum status st = ledger_source_tiles(source, c->arena, &tiles, why);

	if (st == ST_OK)
		st = merkle_prove_consistency(&tiles, old, is->size, hashes, &r.count, why);
	if (st == ST_OK)
		st = merkle_root_before(&tiles, old, is->size, root, why);
	if (st == ST_OK &&
	    !merkle_verify_consistency(old, is->size, root, is->root, r.hashes, r.count))
		st = fail_set(why, ST_CORRUPT, "the log is damaged: dewline log check says where");
	if (st != ST_OK)
		return st;
	view_request_add(&r, &text);
	return output(c, &text, why);
}

int log_prove(struct cli *c)
{
	struct slice from = cli_value(c, "from"), note, where = c->words[c->word_count - 1];
	struct log_place place = {0};
	struct view_policy policy;
	struct merkle_checkpoint is;
	struct fail why;
	uint64_t number = 0;
	enum status st;

	if ((from.ptr != NULL) == (c->word_count == 3)) {
		cli_say(c, "prove what? LEAF DIR, or --from SIZE DIR");
		return CLI_CANNOT;
	}
	if (!text_u64(from.ptr != NULL ? from : c->words[1], 0, INT64_MAX, &number)) {
		cli_say(c, "\"%.*s\" is no number of leaves",
			SLICE_ARG(from.ptr != NULL ? from : c->words[1]));
		return CLI_CANNOT;
	}
	st = log_place_open(c, where, &place, &why);
	if (st == ST_OK)
		st = log_policy(c, place.name, &policy, &why);
	if (st == ST_OK)
		st = ledger_source_checkpoint(&place.source, c->arena, &note, &why);
	if (st == ST_OK)
		st = view_policy_open(&policy, note, c->arena, &is, NULL, NULL, &why);
	if (st == ST_OK && from.ptr != NULL)
		st = prove_from(c, &place.source, note, &is, number, &why);
	else if (st == ST_OK)
		st = prove_leaf(c, &place.source, &policy, note, &is, number, &why);
	log_place_close(&place);
	if (st == ST_OK)
		return CLI_DONE;
	(void)cli_cannot(c, &why);
	return said_no(st) ? CLI_NO : CLI_CANNOT;
}

/* --- two histories --- */

int log_convict(struct cli *c)
{
	struct slice key = cli_value(c, "key"), text;
	struct buf out = buf_in(c->arena);
	struct merkle_checkpoint two[2];
	struct view_conviction v;
	struct note_verifier known;
	struct fail why;
	enum status st = os_file_read(c->words[1], VIEW_CONVICTION_MAX, c->arena, &text, &why);

	if (st == ST_OK && key.ptr != NULL) {
		st = cli_key(c, &key, &why);
		if (st == ST_OK && note_verifier_parse(key, &known, &why) != ST_OK)
			st = ST_IO; /* what is asked is unclear */
	}
	if (st == ST_OK)
		st = view_conviction_parse(text, c->arena, &v, &why);
	if (st == ST_OK && key.ptr != NULL && !note_verifier_equal(&known, &v.log))
		st = fail_set(&why, ST_REFUSED, "it is about another key than --key");
	if (st == ST_OK)
		st = view_conviction_check(&v, c->arena, two, &why);
	if (said_no(st)) {
		cli_say(c, "%.*s: %s", SLICE_ARG(c->words[1]), why.text);
		return CLI_NO;
	}
	if (st != ST_OK)
		return cli_cannot(c, &why);
	buf_add_fmt(&out, "%.*s has signed two histories.\nkey: ", SLICE_ARG(v.log.name));
	note_verifier_add(&v.log, &out);
	for (size_t i = 0; i < 2; i++) {
		buf_add_fmt(&out, "\n%s: %llu leaves, root ", i == 0 ? "one" : "the other",
			    (unsigned long long)two[i].size);
		crypto_hex_add((struct slice){two[i].root, MERKLE_BYTES}, &out);
	}
	if (v.sizes_differ) {
		buf_add_fmt(&out, "\nthe other's first %llu leaves have root ",
			    (unsigned long long)two[0].size);
		crypto_hex_add((struct slice){v.prefix, MERKLE_BYTES}, &out);
	}
	buf_add_byte(&out, '\n');
	if (key.ptr == NULL)
		buf_add_z(&out, "Whether that key is the log's is for you to know (--key).\n");
	return log_print(c, &out, CLI_DONE);
}
