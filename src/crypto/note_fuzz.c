/* SPDX-License-Identifier: Apache-2.0
 * Notes and verifier keys from anywhere: what is accepted says what it was made of. */
#include "crypto/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_pool pool = {.budget = 4 << 20};
	struct arena a = {.pool = &pool};
	struct slice bytes = {data, size};
	struct note_verifier v;
	struct note note;
	struct fail why;

	if (note_verifier_parse(bytes, &v, &why) == ST_OK) {
		struct buf b = buf_in(&a);

		note_verifier_add(&v, &b);
		ASSERT(b.full || slice_equal(buf_slice(&b), bytes));
	}
	if (note_parse(bytes, &a, &note, &why) == ST_OK) {
		ASSERT(note.count > 0 && note.count <= NOTE_SIGNATURES_MAX);
		ASSERT(note.text.len > 0 && slice_ends(note.text, SLICE("\n")));
		ASSERT(slice_starts(bytes, note.text));
		v = (struct note_verifier){.name = note.signatures[0].name, .type = NOTE_ED25519};
		memcpy(v.id, note.signatures[0].id, sizeof v.id);
		ASSERT(note_verify(&note, &v, 1, NULL, &a, &why) == ST_REFUSED);
		v.type = NOTE_COSIGNATURE;
		ASSERT(note_verify(&note, &v, 1, NULL, &a, &why) != ST_OK);
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
	return 0;
}
