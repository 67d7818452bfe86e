/* SPDX-License-Identifier: Apache-2.0
 * dewline log append, cosign, key: what the owner of a log does. */
#include "base/text.h"
#include "console/cli/log.h"
#include "daemon/daemon.h"
#include "evidence/witness/witness.h"
#include "os/file.h"

enum { BATCH = 1024, BATCH_MAX = 1 << 20 };

struct append {
	struct cli *c;
	struct ledger *ledger;
	uint64_t batch, queued, first, count;
	struct fail *why;
};

static enum status entry_add(struct append *j, struct slice entry)
{
	uint64_t leaf;
	enum status st = ledger_append(j->ledger, entry, &leaf, j->why);

	if (st != ST_OK)
		return st;
	if (j->count++ == 0)
		j->first = leaf;
	if (++j->queued < j->batch)
		return ST_OK;
	j->queued = 0;
	return ledger_commit(j->ledger, j->why);
}

static enum status file_add(struct append *j, struct slice name, bool lines)
{
	struct slice bytes, rest;
	enum status st = os_file_read(name, CLI_FILE_MAX, j->c->arena, &bytes, j->why);

	if (st != ST_OK || !lines)
		return st == ST_OK ? entry_add(j, bytes) : st;
	if (slice_ends(bytes, SLICE("\n")))
		bytes.len--;
	else if (bytes.len == 0)
		return ST_OK;
	rest = bytes;
	while (rest.ptr != NULL && st == ST_OK)
		st = entry_add(j, slice_split(&rest, '\n'));
	return st;
}

static enum status files_add(struct append *j)
{
	bool lines = cli_value(j->c, "lines").ptr != NULL;
	enum status st = ST_OK;

	if (j->c->word_count == 2)
		st = file_add(j, SLICE("-"), lines);
	for (size_t i = 2; i < j->c->word_count && st == ST_OK; i++) {
		st = file_add(j, j->c->words[i], lines);
		if (st != ST_OK && st != ST_IO && st != ST_NOTFOUND)
			return fail_wrap(j->why, "%.*s", SLICE_ARG(j->c->words[i]));
	}
	return st == ST_OK ? ledger_commit(j->ledger, j->why) : st;
}

/* Asks the policy's witnesses that have an address and puts what they give under the checkpoint.
 * *out_quorum: the policy is content. Who says no is told to the person. */
static enum status witnesses_ask(struct cli *c, struct ledger *l, const struct view_policy *p,
				 size_t *out_cosigned, bool *out_quorum, struct fail *why)
{
	struct buf lines = buf_in(c->arena);
	struct view_policy any = *p;
	struct merkle_checkpoint is;
	struct os_web *web;
	enum status st = os_web_open(cli_value(c, "ca"), c->arena, &web, why);

	if (st != ST_OK)
		return st;
	any.quorum = SIZE_MAX; /* to count them, whether they are enough or not */
	for (size_t i = 0; i < p->name_count; i++) {
		const struct view_name *n = &p->names[i];
		struct fail no;

		if (n->key.type == NOTE_COSIGNATURE && n->url.len != 0 &&
		    witness_submit(web, n->url, &n->key, l, c->arena, &lines, &no) != ST_OK)
			cli_say(c, "%s", no.text);
	}
	os_web_close(web);
	if (lines.len != 0)
		st = ledger_cosign(l, buf_slice(&lines), why);
	if (st != ST_OK)
		return st;
	st = view_policy_open(&any, ledger_checkpoint(l), c->arena, &is, NULL, out_cosigned, why);
	if (st != ST_OK)
		return st;
	*out_quorum =
		view_policy_open(p, ledger_checkpoint(l), c->arena, &is, NULL, NULL, why) == ST_OK;
	if (!*out_quorum)
		cli_say(c, "%s", why->text);
	return ST_OK;
}

static enum status writer_open(struct cli *c, struct crypto_signer *signer, struct ledger **out,
			       struct fail *why)
{
	struct ledger_options o = {.folder = c->words[1], .signer = signer};
	struct note_verifier key;
	enum status st = log_signer(c, &key, signer, why);

	if (st == ST_OK && key.type != NOTE_ED25519)
		st = fail_set(why, ST_INVALID, "that is a witness's key (type %d), not a log's",
			      (int)key.type);
	o.origin = key.name;
	return st == ST_OK ? ledger_open(&o, c->arena, out, why) : st;
}

/* The policy, if there is one, and what its witnesses say. */
static enum status gather(struct cli *c, struct ledger *l, size_t *out_cosigned, bool *out_quorum,
			  struct fail *why)
{
	struct view_policy p;
	enum status st;

	*out_quorum = true;
	if (cli_value(c, "policy").ptr == NULL)
		return ST_OK;
	st = log_policy(c, (struct slice){NULL, 0}, &p, why);
	return st == ST_OK ? witnesses_ask(c, l, &p, out_cosigned, out_quorum, why) : st;
}

static void report(struct cli *c, const struct append *j, uint64_t size, size_t cosigned,
		   struct buf *out)
{
	struct json o = json_in(out);

	if (cli_value(c, "json").ptr != NULL) {
		json_object(&o);
		json_member_str(&o, "log", c->words[1]);
		if (j->count != 0)
			json_member_u64(&o, "first", j->first);
		json_member_u64(&o, "appended", j->count);
		json_member_u64(&o, "size", size);
		json_member_u64(&o, "cosigned", cosigned);
		json_end(&o);
		buf_add_byte(out, '\n');
		return;
	}
	buf_add_fmt(out, "%.*s: %llu leaves", SLICE_ARG(c->words[1]), (unsigned long long)size);
	if (j->count != 0)
		buf_add_fmt(out, ", new are %llu to %llu", (unsigned long long)j->first,
			    (unsigned long long)(j->first + j->count - 1));
	if (cli_value(c, "policy").ptr != NULL)
		buf_add_fmt(out, ", cosigned by %zu", cosigned);
	buf_add_byte(out, '\n');
}

static int finish(struct cli *c, struct append *j, enum status st, struct crypto_signer *signer)
{
	struct buf out = buf_in(c->arena);
	size_t cosigned = 0;
	bool quorum = true;

	if (st == ST_OK)
		st = gather(c, j->ledger, &cosigned, &quorum, j->why);
	if (st == ST_OK)
		report(c, j, ledger_size(j->ledger), cosigned, &out);
	ledger_close(j->ledger);
	crypto_wipe(signer, sizeof *signer);
	if (st != ST_OK)
		return cli_cannot(c, j->why);
	return log_print(c, &out, quorum ? CLI_DONE : CLI_NO);
}

int log_append(struct cli *c)
{
	struct slice batch = cli_value(c, "batch");
	struct crypto_signer signer = {0};
	struct fail why;
	struct append j = {.c = c, .batch = BATCH, .why = &why};
	enum status st;

	if (batch.ptr != NULL && !text_u64(batch, 1, BATCH_MAX, &j.batch)) {
		cli_say(c, "--batch %.*s; expected 1 to %d", SLICE_ARG(batch), BATCH_MAX);
		return CLI_CANNOT;
	}
	st = writer_open(c, &signer, &j.ledger, &why);
	if (st == ST_OK)
		st = files_add(&j);
	return finish(c, &j, st, &signer);
}

int log_cosign(struct cli *c)
{
	struct crypto_signer signer = {0};
	struct fail why;
	struct append j = {.c = c, .why = &why};
	enum status st;

	if (cli_value(c, "policy").ptr == NULL) {
		cli_say(c, "which witnesses? Say --policy FILE");
		return CLI_CANNOT;
	}
	st = daemon_log_leaves(c->words[1], c->arena, &why); /* witnesses are others, too */
	if (st == ST_REFUSED) {
		cli_say(c, "no: %s", why.text);
		return CLI_NO;
	}
	if (st != ST_OK)
		return cli_cannot(c, &why);
	return finish(c, &j, writer_open(c, &signer, &j.ledger, &why), &signer);
}

int log_key(struct cli *c)
{
	bool witness = cli_value(c, "cosigner").ptr != NULL;
	struct buf secret = buf_in(c->arena), out = buf_in(c->arena);
	struct crypto_signer signer;
	struct note_verifier v;
	struct fail why;
	enum status st;

	if (os_file_exists(c->words[2])) {
		cli_say(c, "%.*s is there already; a key is never overwritten",
			SLICE_ARG(c->words[2]));
		return CLI_CANNOT;
	}
	crypto_signer_new(&signer);
	st = note_verifier_of(c->words[1], witness ? NOTE_COSIGNATURE : NOTE_ED25519, signer.key,
			      &v, &why);
	if (st == ST_OK) {
		note_signer_add(&v, &signer, &secret);
		buf_add_byte(&secret, '\n');
		st = os_file_replace_private(NULL, c->words[2], buf_slice(&secret), &why);
	}
	crypto_wipe(&signer, sizeof signer);
	crypto_wipe(secret.ptr, secret.len);
	if (st != ST_OK)
		return cli_cannot(c, &why);
	note_verifier_add(&v, &out);
	buf_add_byte(&out, '\n');
	return log_print(c, &out, CLI_DONE);
}
