/* SPDX-License-Identifier: Apache-2.0
 * The reader's side of a disclosure: a key of his own, what he was given, and showing it on. */
#include "base/buf.h"
#include "base/json.h"
#include "console/cli/cmd_disclose.h"
#include "evidence/disclose/disclose.h"
#include "os/clock.h"
#include "os/file.h"

enum { KEY_FILE_MAX = 1 << 20, AGE_S = 300 };

static uint64_t now_s(void)
{
	int64_t ns = os_clock_wall().ns;

	return ns > 0 ? (uint64_t)(ns / TIME_NS_PER_S) : 0;
}

int cmd_disclose_key(struct cli *c)
{
	struct buf secret = buf_in(c->arena), open = buf_in(c->arena);
	struct slice path = cli_value(c, "write");
	struct crypto_signer s;
	struct fail why;

	if (path.ptr == NULL) {
		cli_say(c, "where to? Name the file for the secret key with -w FILE");
		return CLI_CANNOT;
	}
	if (os_file_exists(path)) {
		cli_say(c, "%.*s is there already; a key is never written over", SLICE_ARG(path));
		return CLI_CANNOT;
	}
	crypto_signer_new(&s);
	disclose_signer_add(&s, true, &secret);
	disclose_signer_add(&s, false, &open);
	crypto_wipe(&s, sizeof s);
	buf_add_byte(&secret, '\n');
	buf_add_byte(&open, '\n');
	if (os_file_replace_private(NULL, path, buf_slice(&secret), &why) != ST_OK)
		return cli_cannot(c, &why);
	return cli_print(c, buf_slice(&open)) ? CLI_DONE : CLI_CANNOT;
}

/* The presentation number --line of the file, without white space around it. */
static enum status presented(struct cli *c, struct slice *out, struct fail *why)
{
	struct slice text, rest;
	enum status st =
		os_file_read(c->words[1], (size_t)DISCLOSE_PRESENTED_MAX * 4, c->arena, &text, why);

	if (st != ST_OK)
		return st;
	rest = slice_trim(text);
	*out = slice_trim(slice_split(&rest, '\n'));
	if (rest.ptr != NULL)
		return fail_set(why, ST_INVALID,
				"%.*s holds several lines: give one at a time, as head -n1 does",
				SLICE_ARG(c->words[1]));
	return ST_OK;
}

int cmd_disclose_bind(struct cli *c)
{
	struct slice text, path = cli_value(c, "reader-key"), key, bound;
	struct buf line = buf_in(c->arena);
	struct crypto_signer holder;
	struct fail why;
	enum status st;

	if (path.ptr == NULL || cli_value(c, "audience").ptr == NULL ||
	    cli_value(c, "nonce").ptr == NULL) {
		cli_say(c, "bind needs --reader-key FILE, --audience NAME and --nonce TEXT");
		return CLI_CANNOT;
	}
	st = presented(c, &text, &why);
	if (st == ST_OK)
		st = os_file_read(path, KEY_FILE_MAX, c->arena, &key, &why);
	if (st == ST_OK)
		st = disclose_signer_parse(key, &holder, &why);
	if (st == ST_OK)
		st = disclose_bind(text, &holder, cli_value(c, "audience"), cli_value(c, "nonce"),
				   now_s(), c->arena, &bound, &why);
	crypto_wipe(&holder, sizeof holder);
	if (st != ST_OK)
		return cli_cannot(c, &why);
	buf_add(&line, bound);
	buf_add_byte(&line, '\n');
	return cli_put(c, "write", false, buf_slice(&line));
}

/* One key as a JWK, or a JWK set as dewline writes it. */
static enum status issuer_keys(struct cli *c, struct disclose_keys *out, struct fail *why)
{
	struct disclose_key *one = ARENA_NEW(c->arena, struct disclose_key);
	struct slice text;
	enum status st = os_file_read(cli_value(c, "issuer"), KEY_FILE_MAX, c->arena, &text, why);

	if (st != ST_OK || one == NULL)
		return st != ST_OK ? st : fail_set(why, ST_NOMEM, "no memory for a key");
	if (disclose_key_parse(text, one, why) == ST_OK) {
		*out = (struct disclose_keys){one, 1};
		return ST_OK;
	}
	st = disclose_keys_parse(slice_trim(text), c->arena, out, why);
	return st == ST_OK ? st : fail_wrap(why, "%.*s", SLICE_ARG(cli_value(c, "issuer")));
}

static void write_json(const struct disclose_presented *p, bool bound, struct buf *out)
{
	struct json j = json_in(out);

	json_object(&j);
	json_key(&j, "claims");
	json_raw(&j, p->claims);
	json_member_u64(&j, "hidden", p->hidden);
	if (p->has_holder) {
		json_member_str(&j, "holder",
				(struct slice){(const uint8_t *)p->holder, sizeof p->holder});
		json_member_bool(&j, "holder_proved", bound);
	}
	json_member_str(&j, "kid", p->kid);
	json_member_u64(&j, "shown", p->shown);
	json_member_some(&j, "typ", p->type);
	json_end(&j);
	buf_add_byte(out, '\n');
}

static void write_text(const struct disclose_presented *p, const struct disclose_demand *d,
		       struct buf *out)
{
	buf_add(out, p->claims);
	buf_add_fmt(out, "\nsigned by key %.*s; %zu disclosed, %zu digests closed\n",
		    SLICE_ARG(p->kid), p->shown, p->hidden);
	if (p->has_holder && d->bound)
		buf_add_fmt(out, "shown by the holder of key %.*s, whom it was made out for\n",
			    DISCLOSE_KID, p->holder);
	else if (p->has_holder)
		buf_add_fmt(out,
			    "made out for the holder of key %.*s; whether he showed it was not "
			    "asked\n",
			    DISCLOSE_KID, p->holder);
}

int cmd_disclose_read(struct cli *c)
{
	struct disclose_demand d = {.now_s = now_s(), .age_s = AGE_S};
	struct disclose_presented p;
	struct buf out = buf_in(c->arena);
	struct disclose_keys keys;
	struct slice text;
	struct fail why;
	enum status st;

	if (cli_value(c, "issuer").ptr == NULL) {
		cli_say(c, "whose signature? Name his key with --issuer FILE (station.jwks of his "
			   "data folder)");
		return CLI_CANNOT;
	}
	d.audience = cli_value(c, "audience");
	d.nonce = cli_value(c, "nonce");
	d.bound = d.audience.ptr != NULL || d.nonce.ptr != NULL;
	d.keys = &keys;
	if (d.bound && (d.audience.len == 0 || d.nonce.len == 0)) {
		cli_say(c, "a key binding is asked for with both --audience and --nonce");
		return CLI_CANNOT;
	}
	if (presented(c, &text, &why) != ST_OK || issuer_keys(c, &keys, &why) != ST_OK)
		return cli_cannot(c, &why);
	st = disclose_read(text, &d, c->arena, &p, &why);
	if (st == ST_NOMEM)
		return cli_cannot(c, &why);
	if (st != ST_OK) {
		cli_say(c, "no: %s", why.text);
		return CLI_NO;
	}
	if (cli_value(c, "json").ptr != NULL)
		write_json(&p, d.bound, &out);
	else
		write_text(&p, &d, &out);
	return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
}
