/* SPDX-License-Identifier: Apache-2.0
 * TLS versions by number: tls.version, ssl_version. They compare with the text of the field
 * tls.version; without a value that word is the buffer itself. And the old words that look for a
 * text in a certificate: tls.issuerdn:"CN=a"; */
#include "sensor/detect/detect_priv.h"

enum { VERSIONS_MAX = 8 };

struct version_operand {
	struct slice text[VERSIONS_MAX];
	uint32_t count;
	bool negated;
};

static const struct {
	const char *word, *text;
} versions[] = {
	{"1.0", "TLSv1"},      {"1.1", "TLS 1.1"},    {"1.2", "TLS 1.2"},  {"1.3", "TLS 1.3"},
	{"sslv2", "SSLv2"},    {"sslv3", "SSLv3"},    {"tls1.0", "TLSv1"}, {"tls1.1", "TLS 1.1"},
	{"tls1.2", "TLS 1.2"}, {"tls1.3", "TLS 1.3"},
};

static bool version(const void *operand, struct detect_inspect *in)
{
	const struct version_operand *o = operand;
	bool any = false;

	for (uint32_t i = 0; i < o->count; i++)
		any |= slice_equal(in->bytes, o->text[i]);
	return in->bytes.len != 0 && any != o->negated;
}

static bool version_add(struct version_operand *o, struct slice word)
{
	for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
		if (slice_equal_nocase(word, slice_of(versions[i].word))) {
			o->text[o->count++] = slice_of(versions[i].text);
			return true;
		}
	}
	return false;
}

/* "1.2"; "sslv3,tls1.0"; "!sslv2,!sslv3": all negated or none */
static enum status compile_version(struct detect_compiler *c, const struct detect_keyword *kw,
				   struct slice value, struct fail *why)
{
	struct version_operand *o = ARENA_NEW(c->arena, struct version_operand);
	struct detect_draft_list *keep = c->current;
	struct slice rest = value;
	enum status st;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (value.ptr == NULL)
		return detect_stick(c, SLICE("tls.version"), why);
	if (slice_starts(value, SLICE("0x"))) {
		const struct app_protocol *p;
		const struct app_field *f = app_field_find(SLICE("tls.version_number"), &p);

		return f == NULL ? fail_set(why, ST_NOTFOUND, "TLS is not read")
				 : detect_number_add(c, f, value, why);
	}
	while (rest.ptr != NULL) {
		struct slice w = slice_trim(slice_split(&rest, ','));
		bool not = w.len > 0 && w.ptr[0] == '!';

		if (o->count == VERSIONS_MAX || (o->count != 0 && not != o->negated) ||
		    !version_add(o, slice_from(w, not ? 1 : 0)))
			return fail_set(why, ST_INVALID, "%s does not know \"%.*s\"", kw->name,
					SLICE_ARG(w));
		o->negated = not ;
	}
	st = detect_list_for(c, SLICE("tls.version"), &c->current, why);
	if (st == ST_OK)
		st = detect_add_step(c, kw, o, false, why);
	c->current = keep;
	return st;
}

struct text_operand {
	struct slice bytes;
	bool negated;
};

static bool text(const void *operand, struct detect_inspect *in)
{
	const struct text_operand *o = operand;

	return in->bytes.ptr != NULL &&
	       (detect_search(in->bytes, o->bytes, false) != SIZE_MAX) != o->negated;
}

/* "C=FR, CN=a"; negated: "!..." */
static enum status compile_text(struct detect_compiler *c, const struct detect_keyword *kw,
				struct slice value, struct fail *why)
{
	struct text_operand *o = ARENA_NEW(c->arena, struct text_operand);
	struct detect_draft_list *keep = c->current;
	enum status st;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	st = rule_content_parse(value, c->arena, &o->negated, &o->bytes, why);
	if (st == ST_OK)
		st = detect_list_for(c, slice_of(kw->field), &c->current, why);
	if (st == ST_OK)
		st = detect_add_step(c, kw, o, false, why);
	c->current = keep;
	return st;
}

/* --- ssl_state --- */

enum { STATE_OTHER = 1 << 4 };

struct state_operand {
	const struct app_field *messages;
	uint8_t wanted, negated; /* bits: of state_words[] */
};

static const struct {
	const char *word;
	uint8_t message; /* RFC 5246 7.4 */
} state_words[] = {{"client_hello", 1},
		   {"server_hello", 2},
		   {"client_keyx", 16},
		   {"server_keyx", 12},
		   {"unknown", 0}};

static bool state(const void *operand, const struct detect_view *v)
{
	const struct state_operand *o = operand;
	struct slice s = o->messages->get(v->tx, (enum app_dir)v->dir, 0);
	uint64_t came;
	uint8_t have = 0;

	if (s.len != sizeof came)
		return false;
	memcpy(&came, s.ptr, sizeof came);
	for (unsigned i = 0; i < 4; i++) {
		uint64_t bit = UINT64_C(1) << state_words[i].message;

		have |= (uint8_t)((came & bit) != 0 ? 1U << i : 0);
		came &= ~bit;
	}
	if (came != 0)
		have |= STATE_OTHER;
	return ((have & o->wanted) ^ o->negated) != 0;
}

/* "client_hello|!server_keyx" */
static enum status compile_state(struct detect_compiler *c, const struct detect_keyword *kw,
				 struct slice value, struct fail *why)
{
	struct state_operand *o = ARENA_NEW(c->arena, struct state_operand);
	const struct app_protocol *p;
	struct slice rest = value;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	o->messages = app_field_find(SLICE("tls.messages"), &p);
	if (o->messages == NULL)
		return fail_set(why, ST_NOTFOUND, "TLS is not read");
	while (rest.ptr != NULL) {
		struct slice w = slice_trim(slice_split(&rest, '|'));
		bool not = slice_starts(w, SLICE("!"));
		unsigned i = 0;

		w = slice_trim(slice_from(w, not ? 1 : 0));
		while (i < 5 && !slice_equal(w, slice_of(state_words[i].word)))
			i++;
		if (i == 5)
			return fail_set(why, ST_INVALID,
					"%s wants client_hello, server_hello, client_keyx, "
					"server_keyx or unknown, with | between, not \"%.*s\"",
					kw->name, SLICE_ARG(w));
		o->wanted |= (uint8_t)(1U << i);
		o->negated |= (uint8_t)(not ? 1U << i : 0);
	}
	c->event_apps |= detect_apps_named(slice_of(p->name));
	return detect_add_tx_test(c, kw, o, why);
}

KEYWORD(tls) = {
	{.name = "ssl_state",
	 .compile = compile_state,
	 .test = state,
	 .cost = 1,
	 .doc = "a handshake message of this kind came from the side looked at"},
	{.name = "tls.issuerdn",
	 .field = "tls.cert_issuer",
	 .compile = compile_text,
	 .step = text,
	 .doc = "the certificate's issuer holds this text"},
	{.name = "tls.subject",
	 .field = "tls.cert_subject",
	 .compile = compile_text,
	 .step = text,
	 .doc = "the certificate's subject holds this text"},
	{.name = "tls.fingerprint",
	 .field = "tls.cert_fingerprint",
	 .compile = compile_text,
	 .step = text,
	 .doc = "the certificate's SHA-1 fingerprint holds this text"},
	{.name = "tls.version",
	 .compile = compile_version,
	 .step = version,
	 .doc = "the TLS version offered or agreed; without a value, the buffer of its text"},
	{.name = "ssl_version",
	 .compile = compile_version,
	 .step = version,
	 .doc = "one of (or none of) these versions"},
	{0},
};
