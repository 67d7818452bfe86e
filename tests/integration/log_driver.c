/* SPDX-License-Identifier: Apache-2.0
 *
 * Logs for other people's verifiers to read, and our own verdict on logs that were tampered with.
 *
 *	log_driver write DIR SIZE BATCH     entries up to SIZE, checkpoints each BATCH; prints a key
 *	log_driver check DIR                damage, a line each; exit 0 none, 1 some, 2 unknown
 *	log_driver seal COUNT               seals COUNT events of 30 fields; prints what one took
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/text.h"
#include "evidence/disclose/disclose.h"
#include "evidence/ledger/ledger.h"
#include "os/clock.h"

struct driver {
	struct arena_pool pool;
	struct arena a;
	struct fail why;
	struct crypto_signer signer;
	struct buf key;
};

static const struct slice origin = {(const uint8_t *)"log.test/driver", 15};

static int cannot(struct driver *d)
{
	(void)fprintf(stderr, "%s\n", d->why.text);
	return 2;
}

static enum status init(struct driver *d)
{
	static const uint8_t seed[CRYPTO_SEED_BYTES] = {4, 2};
	struct note_verifier v;
	enum status st = crypto_init(&d->why);

	*d = (struct driver){.pool = {.budget = (size_t)1 << 30}};
	d->a.pool = &d->pool;
	d->key = buf_in(&d->a);
	crypto_signer_from_seed(seed, &d->signer);
	if (st == ST_OK)
		st = note_verifier_of(origin, NOTE_ED25519, d->signer.key, &v, &d->why);
	if (st == ST_OK)
		note_verifier_add(&v, &d->key);
	return st;
}

/* 300 bytes, as an event's JWT may have, that say i. */
static struct slice entry_of(uint64_t i, char buf[512])
{
	int n = snprintf(buf, 512, "entry %" PRIu64 " %0280d", i, 7);

	return (struct slice){(const uint8_t *)buf, (size_t)n};
}

static int write_log(struct driver *d, struct slice dir, uint64_t size, uint64_t batch)
{
	struct ledger_options o = {.folder = dir, .origin = origin, .signer = &d->signer};
	struct mono_ns wall, cpu;
	struct ledger *l;
	uint64_t from;
	char buf[512];

	if (ledger_open(&o, &d->a, &l, &d->why) != ST_OK)
		return cannot(d);
	from = ledger_size(l);
	wall = os_clock_mono();
	cpu = os_clock_cpu();
	for (uint64_t i = from; i < size; i++) {
		uint64_t leaf;

		if (ledger_append(l, entry_of(i, buf), &leaf, &d->why) != ST_OK ||
		    ((i + 1) % batch == 0 && ledger_commit(l, &d->why) != ST_OK))
			return cannot(d);
	}
	if (ledger_commit(l, &d->why) != ST_OK)
		return cannot(d);
	wall.ns = os_clock_mono().ns - wall.ns;
	cpu.ns = os_clock_cpu().ns - cpu.ns;
	printf("%.*s\n", SLICE_ARG(buf_slice(&d->key)));
	if (size > from)
		printf("%" PRIu64 " entries: %" PRId64 " ns processor, %" PRId64
		       " ns in all, for one\n",
		       size - from, cpu.ns / (int64_t)(size - from),
		       wall.ns / (int64_t)(size - from));
	ledger_close(l);
	return 0;
}

static int check_log(struct driver *d, struct slice dir)
{
	struct ledger_report report;

	if (ledger_check(dir, buf_slice(&d->key), &d->a, &report, &d->why) != ST_OK)
		return cannot(d);
	for (size_t i = 0; i < report.count; i++)
		printf("%.*s %.*s\n", SLICE_ARG(report.damage[i].file),
		       SLICE_ARG(report.damage[i].text));
	return report.count != 0;
}

static int seal(struct driver *d, uint64_t count)
{
	enum { FIELDS = 30 };
	static struct record_field fields[FIELDS];
	static char names[FIELDS][16];
	struct disclose_issuer issuer;
	struct mono_ns cpu;

	for (size_t i = 0; i < FIELDS; i++) {
		int n = snprintf(names[i], sizeof names[i], "field_%zu", i);

		fields[i] = (struct record_field){.group = i < 14 ? SLICE("") : SLICE("alert"),
						  .name = {(const uint8_t *)names[i], (size_t)n},
						  .json = SLICE("\"twenty-four bytes or so\"")};
	}
	if (disclose_issuer_init(&issuer, SLICE("a/edge"), &d->signer, (struct crypto_random){0},
				 &d->why) != ST_OK)
		return cannot(d);
	cpu = os_clock_cpu();
	for (uint64_t i = 0; i < count; i++) {
		struct arena a = {.pool = &d->pool};
		struct disclose_sealed sealed;

		if (disclose_seal(&issuer, fields, FIELDS, 1, &a, &sealed, &d->why) != ST_OK)
			return cannot(d);
		arena_reset(&a);
	}
	if (count > 0)
		printf("%" PRId64 " ns processor for one event of %d fields\n",
		       (os_clock_cpu().ns - cpu.ns) / (int64_t)count, FIELDS);
	disclose_issuer_done(&issuer);
	return 0;
}

int main(int argc, char **argv)
{
	struct slice verb = slice_of(argc > 1 ? argv[1] : "");
	struct driver d = {0};
	uint64_t a = 0, b = 1;
	int code = 2;

	if (init(&d) != ST_OK)
		return cannot(&d);
	if (slice_equal(verb, SLICE("write")) && argc == 5 &&
	    text_u64(slice_of(argv[3]), 0, UINT64_MAX, &a) &&
	    text_u64(slice_of(argv[4]), 1, UINT64_MAX, &b))
		code = write_log(&d, slice_of(argv[2]), a, b);
	else if (slice_equal(verb, SLICE("check")) && argc == 3)
		code = check_log(&d, slice_of(argv[2]));
	else if (slice_equal(verb, SLICE("seal")) && argc == 3 &&
		 text_u64(slice_of(argv[2]), 0, UINT64_MAX, &a))
		code = seal(&d, a);
	arena_reset(&d.a);
	arena_pool_drain(&d.pool);
	return code;
}
