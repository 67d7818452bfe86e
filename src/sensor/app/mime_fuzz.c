/* SPDX-License-Identifier: Apache-2.0
 * A message of mail, given in whole lines and in pieces of them: both say the same, parts open and
 * close in pairs, and all memory comes back. */
#include "sensor/app/mime_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	uint64_t sum;
	bool open;
};

static void add(struct seen *s, struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		s->sum = (s->sum ^ bytes.ptr[i]) * UINT64_C(0x100000001b3);
}

static void mark(struct seen *s, uint64_t n)
{
	s->sum = (s->sum + n + 1) * UINT64_C(0x100000001b3);
}

static void part_open(void *ctx, struct slice name)
{
	struct seen *s = ctx;

	ASSERT(!s->open && name.len <= MIME_NAME_MAX);
	s->open = true;
	mark(s, name.len);
	add(s, name);
}

static void part_data(void *ctx, struct slice bytes)
{
	struct seen *s = ctx;

	ASSERT(s->open);
	add(s, bytes);
}

static void part_close(void *ctx)
{
	struct seen *s = ctx;

	ASSERT(s->open);
	s->open = false;
	mark(s, 1);
}

/* Lines end in CR LF or LF; pieces of lines have `cut` bytes. */
static void say(struct app_mime *m, struct slice text, size_t cut)
{
	while (text.len != 0) {
		size_t lf = slice_find(text, SLICE("\n"));
		struct slice line = slice_part(text, 0, lf == SIZE_MAX ? lf : lf + 1), left;
		uint8_t end = lf == SIZE_MAX ? 0 : lf > 0 && line.ptr[lf - 1] == '\r' ? 2 : 1;

		text = slice_from(text, line.len);
		left = (struct slice){line.ptr, line.len - end};
		for (; left.len > cut; left = slice_from(left, cut))
			app_mime_line(m, slice_part(left, 0, cut), 0);
		app_mime_line(m, left, end);
	}
}

static void look(const struct app_mime *m, struct seen *s, struct arena *a)
{
	static const char *const params[] = {"name", "filename", "boundary", "charset"};

	for (size_t i = 0; i < m->header_count; i++) {
		const struct app_mime_header *h = &m->headers[i];

		ASSERT(h->value.len <= MIME_VALUE_MAX);
		mark(s, h->name.len);
		add(s, h->name);
		mark(s, h->value.len);
		add(s, h->value);
		for (size_t k = 0; k < sizeof params / sizeof params[0]; k++)
			add(s, app_mime_param(h->value, slice_of(params[k]), a));
	}
	for (size_t i = 0; i < m->attachment_count; i++)
		add(s, m->attachments[i]);
	for (size_t i = 0; i < m->url_count; i++)
		add(s, m->urls[i]);
	if (m->md5_state == MIME_MD5_DONE)
		add(s, (struct slice){m->body_md5, sizeof m->body_md5});
	add(s, app_mime_header(m, SLICE("subject"), 0));
	mark(s, m->anomalies);
	mark(s, m->main_headers);
}

static uint64_t run(struct slice text, size_t cut, uint8_t how)
{
	static const struct slice schemes[] = {{(const uint8_t *)"http://", 7},
					       {(const uint8_t *)"ftp://", 6}};
	const struct app_mime_options options = {.base64 = (how & 1) == 0,
						 .quoted_printable = (how & 2) == 0,
						 .urls = (how & 4) == 0,
						 .url_schemes_kept = (how & 8) != 0,
						 .body_md5 = (how & 16) == 0,
						 .schemes = schemes,
						 .scheme_count = 2};
	struct arena_pool pool = {.budget = 8 << 20};
	struct arena arena = {.pool = &pool};
	struct seen s = {0};
	struct app_mime m;

	app_mime_start(&m, &options, (struct app_mime_sink){&s, part_open, part_data, part_close},
		       &arena);
	say(&m, text, cut);
	app_mime_end(&m);
	ASSERT(!s.open);
	look(&m, &s, &arena);
	ASSERT(!arena.exhausted);
	arena_reset(&arena);
	ASSERT(pool.out == 0);
	arena_pool_drain(&pool);
	return s.sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t cuts[] = {MIME_PIECE_MIN, MIME_PIECE_MIN + 1, 1000};
	struct slice all = {data, size};
	uint8_t how = size == 0 ? 0 : data[0];
	struct slice text = slice_from(all, 1);
	uint64_t whole = run(text, SIZE_MAX, how);

	for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++)
		ASSERT(run(text, cuts[i], how) == whole);
	return 0;
}
