/* SPDX-License-Identifier: Apache-2.0
 * Which form a table has, and what all forms share. */
#include "assess/origin/origin_priv.h"
#include "base/time.h"
#include "crypto/crypto.h"

/* csv takes what is left, so it stands last. */
static const struct origin_form *const forms[] = {&origin_form_loc, &origin_form_mmdb,
						  &origin_form_mrt, &origin_form_csv};

void origin_code_apply(struct slice text, struct record_location *out)
{
	/* EU and AP are groups of states that old tables use, ZZ is "unknown" (CLDR). */
	static const struct slice no_territory[] = {SLICE("EU"), SLICE("AP"), SLICE("ZZ")};

	if (slice_equal(text, SLICE("A1")) || slice_equal(text, SLICE("T1")))
		out->proxy = true; /* anonymous proxy, Tor */
	else if (slice_equal(text, SLICE("A3")))
		out->anycast = true;
	if (text.len != 2 || text.ptr[0] < 'A' || text.ptr[0] > 'Z' || text.ptr[1] < 'A' ||
	    text.ptr[1] > 'Z')
		return;
	for (size_t i = 0; i < sizeof no_territory / sizeof no_territory[0]; i++)
		if (slice_equal(text, no_territory[i]))
			return;
	out->territory = text;
}

struct addr_prefix origin_prefix(const struct addr *a, unsigned bits)
{
	unsigned all = (unsigned)addr_bytes(a) * 8;
	struct addr_prefix p = {*a, (uint8_t)(bits < all ? bits : all)};

	for (unsigned byte = p.bits / 8; byte < all / 8; byte++) {
		unsigned kept = byte == p.bits / 8 ? 0xff00u >> p.bits % 8 : 0;

		p.addr.b[byte] = (uint8_t)(p.addr.b[byte] & kept);
	}
	return p;
}

struct slice origin_date(uint64_t epoch_s, struct arena *a)
{
	enum { DATE = 10 }; /* bytes of 2026-11-22 */
	char text[TIME_TEXT_MAX];
	struct wall_ns t = {(int64_t)(epoch_s % (uint64_t)(INT64_MAX / TIME_NS_PER_S)) *
			    TIME_NS_PER_S};

	return arena_copy(a, slice_part(time_format_rfc3339(t, text), 0, DATE));
}

enum status origin_table_open(struct slice name, const char *path, struct slice bytes,
			      struct arena *a, struct origin_table **out, struct fail *why)
{
	enum { EDITION_BYTES = 8 }; /* of the hash: 16 digits */
	struct origin_table *t = ARENA_NEW(a, struct origin_table);
	uint8_t hash[CRYPTO_SHA256_BYTES];
	char hex[2 * EDITION_BYTES];
	enum status st;
	size_t k = 0;

	if (t == NULL)
		goto nomem;
	t->name = arena_copy(a, name);
	while (!forms[k]->is(bytes))
		k++;
	t->form = forms[k];
	st = t->form->open(t, path, bytes, a, why);
	if (st != ST_OK)
		return st;
	if (t->edition.len == 0) {
		crypto_sha256_of(bytes, hash);
		t->edition =
			arena_copy(a, crypto_hex_write((struct slice){hash, EDITION_BYTES}, hex));
	}
	if (t->name.len != name.len || t->edition.len == 0) {
		origin_table_close(t);
		goto nomem;
	}
	*out = t;
	return ST_OK;
nomem:
	return fail_set(why, ST_NOMEM, "%.*s: the memory budget is spent", SLICE_ARG(name));
}

void origin_table_close(struct origin_table *t)
{
	if (t == NULL || t->form == NULL)
		return;
	if (t->form->close != NULL)
		t->form->close(t);
	t->form = NULL;
}

bool origin_table_ask(struct origin_table *t, const struct addr *address, struct arena *a,
		      struct record *r)
{
	struct record_location said = {
		.table = t->name, .edition = t->edition, .address = *address};

	if (address->family == 0 || t->form == NULL || !t->form->ask(t, address, a, &said))
		return false;
	*r = (struct record){.kind = RECORD_LOCATION, .at = r->at, .u.location = said};
	return true;
}
