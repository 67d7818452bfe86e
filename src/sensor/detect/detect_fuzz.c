/* SPDX-License-Identifier: Apache-2.0
 * Rules up to the first line that is "--", then what a client and a server say by turns, each part
 * ended by NUL NUL. Nothing may crash, and every byte of memory comes back. With libFuzzer, half of
 * the changes to an input are made to the rules as rules: every keyword, buffer and protocol of the
 * tables is put in sooner or later. */
#include "sensor/detect/detect_fixture.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice rules_of(struct slice all)
{
	size_t cut = slice_find(all, SLICE("\n--\n"));

	return slice_part(all, 0, cut == SIZE_MAX ? all.len : cut + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = {data, size}, rules = rules_of(all);
	struct slice rest = slice_from(all, rules.len + 3);
	enum flow_dir dir = FLOW_TO_SERVER;
	struct fixture x;

	if (!fixture_rules(&x, rules, 0)) {
		fixture_done(&x);
		return 0;
	}
	fixture_flow(&x, size % 2 == 0 ? IP_PROTO_TCP : IP_PROTO_UDP, 80);
	fixture_app(&x, size % 2 == 0 ? APP_TCP : APP_UDP);
	if (size % 2 == 0)
		fixture_handshake(&x);
	while (rest.len != 0) {
		size_t end = slice_find(rest, SLICE("\0\0"));
		struct slice part = slice_part(rest, 0, end);

		rest = end == SIZE_MAX ? (struct slice){NULL, 0} : slice_from(rest, end + 2);
		part = slice_part(part, 0, 1400);
		if (size % 2 == 0)
			fixture_say(&x, dir, part);
		else
			fixture_datagram(&x, dir, part);
		dir = dir == FLOW_TO_SERVER ? FLOW_TO_CLIENT : FLOW_TO_SERVER;
	}
	fixture_done(&x);
	ASSERT(x.pool.out == 0 && x.fixed.out == 0);
	return 0;
}

#ifdef DEW_FUZZING

enum { ARGUMENT_MAX = 48 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);

static uint32_t draw(uint32_t *state, size_t below)
{
	*state = *state * 1664525 + 1013904223;
	return (uint32_t)((*state >> 8) % below);
}

/* Word number n of the keywords and the protocols' buffers; NULL: there are not so many. */
static const char *word_at(size_t n)
{
	for (size_t i = 0; detect_keywords[i] != NULL; i++)
		for (const struct detect_keyword *k = detect_keywords[i]; k->name != NULL; k++)
			if (n-- == 0)
				return k->name;
	for (size_t i = 0; app_protocols[i] != NULL; i++)
		for (const struct app_field *f = app_protocols[i]->fields;
		     f != NULL && f->name != NULL; f++)
			if (n-- == 0)
				return f->name;
	return NULL;
}

static const char *word_draw(uint32_t *state)
{
	static size_t words;

	while (word_at(words) != NULL)
		words++;
	return word_at(draw(state, words));
}

static const char *protocol_draw(uint32_t *state)
{
	static const char *const others[] = {"ip", "tcp", "udp", "icmp", "tcp-pkt", "pkthdr"};
	size_t n = 0, i;

	while (app_protocols[n] != NULL)
		n++;
	i = draw(state, n + sizeof others / sizeof others[0]);
	return i < n ? app_protocols[i]->name : others[i - n];
}

/* Where an option of a rule ends: behind a ';' that is drawn; SIZE_MAX: there is none. */
static size_t end_draw(struct slice rules, uint32_t *state)
{
	size_t from = rules.len == 0 ? 0 : draw(state, rules.len);
	size_t at = slice_find(slice_from(rules, from), SLICE(";"));

	if (at == SIZE_MAX) {
		from = 0;
		at = slice_find(rules, SLICE(";"));
	}
	return at == SIZE_MAX ? SIZE_MAX : from + at + 1;
}

/* What an option may say: the words of another, or something of a usual form. */
static struct slice argument_draw(struct slice rules, uint32_t *state)
{
	static const char *const usual[] = {"0",
					    "1",
					    ">1",
					    "<5",
					    "2<>9",
					    "!3",
					    "1-3",
					    "4294967296",
					    "0x10",
					    "\"a\"",
					    "!\"a b\"",
					    "\"|00 ff|\"",
					    "a",
					    "set,a",
					    "isset,a",
					    "1,=,2,0",
					    "4,0,relative",
					    "2,>,1,0,string,dec",
					    "yes",
					    "\"/a+/i\"",
					    "\"a\",b,c",
					    "to_server",
					    "established",
					    "both",
					    "type limit,track by_src,count 1,seconds 2",
					    "set,a,type string",
					    "isset,a,type md5,state b",
					    "1,a",
					    "+,1",
					    "bytes 4,offset 1"};
	size_t end = end_draw(rules, state), colon;
	struct slice option;

	if (draw(state, 2) == 0 || end == SIZE_MAX)
		return slice_of(usual[draw(state, sizeof usual / sizeof usual[0])]);
	option = slice_part(rules, 0, end - 1);
	for (size_t i = option.len; i > 0; i--)
		if (option.ptr[i - 1] == ';') {
			option = slice_from(option, i);
			break;
		}
	colon = slice_find(option, SLICE(":"));
	return colon == SIZE_MAX ? (struct slice){NULL, 0}
				 : slice_part(slice_from(option, colon + 1), 0, ARGUMENT_MAX);
}

/* Puts text in the place of `gone` bytes at `at`; the new size, or size if there is no room. */
static size_t splice(uint8_t *data, size_t size, size_t room, size_t at, size_t gone,
		     struct slice text)
{
	if (size - gone + text.len > room)
		return size;
	memmove(data + at + text.len, data + at + gone, size - at - gone);
	memcpy(data + at, text.ptr, text.len);
	return size - gone + text.len;
}

static size_t option_add(uint8_t *data, size_t size, size_t room, uint32_t *state)
{
	struct slice rules = rules_of((struct slice){data, size}), argument;
	size_t at = end_draw(rules, state);
	const char *word = word_draw(state);
	char text[192];
	int n;

	if (at == SIZE_MAX)
		return size;
	argument = draw(state, 4) == 0 ? (struct slice){NULL, 0} : argument_draw(rules, state);
	n = snprintf(text, sizeof text, "%s%s%.*s;", word, argument.len != 0 ? ":" : "",
		     (int)argument.len, argument.len != 0 ? (const char *)argument.ptr : "");
	ASSERT(n > 0 && (size_t)n < sizeof text);
	return splice(data, size, room, at, 0, (struct slice){(const uint8_t *)text, (size_t)n});
}

static size_t option_remove(uint8_t *data, size_t size, size_t room, uint32_t *state)
{
	struct slice rules = rules_of((struct slice){data, size});
	size_t from = end_draw(rules, state), n;

	if (from == SIZE_MAX)
		return size;
	n = slice_find(slice_from(rules, from), SLICE(";"));
	return n == SIZE_MAX ? size : splice(data, size, room, from, n + 1, SLICE(""));
}

/* The second word of the first rule, or of one behind a line's end that is drawn. */
static size_t protocol_change(uint8_t *data, size_t size, size_t room, uint32_t *state)
{
	struct slice rules = rules_of((struct slice){data, size});
	size_t at = rules.len == 0 ? 0 : draw(state, rules.len), from, n;

	from = slice_find(slice_from(rules, at), SLICE("\n"));
	from = from == SIZE_MAX ? 0 : at + from + 1;
	n = slice_find(slice_from(rules, from), SLICE(" "));
	if (n == SIZE_MAX)
		return size;
	from += n + 1;
	n = slice_find(slice_from(rules, from), SLICE(" "));
	return n == SIZE_MAX ? size
			     : splice(data, size, room, from, n, slice_of(protocol_draw(state)));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
	uint32_t state = seed;

	switch (draw(&state, 8)) {
	case 0:
	case 1:
	case 2:
		return option_add(data, size, room, &state);
	case 3:
		return option_remove(data, size, room, &state);
	case 4:
		return protocol_change(data, size, room, &state);
	default:
		return LLVMFuzzerMutate(data, size, room);
	}
}

#endif
