/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/pseudonym.h"

#include "base/buf.h"
#include "base/text.h"

/* Another network that lies in this one, or is the same and another party's. */
static const struct addr_prefix *net_inside(const struct party *parties, size_t n,
					    const struct party *of, const struct addr_prefix *net)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < parties[i].network_count; k++) {
			const struct addr_prefix *p = &parties[i].networks[k];

			if (p->bits >= net->bits && addr_prefix_holds(net, &p->addr) &&
			    (p->bits != net->bits || &parties[i] != of))
				return p;
		}
	return NULL;
}

enum status daemon_pseudonym_nets(const struct party *parties, size_t n, struct arena *a,
				  struct pseudonym_nets *out, struct fail *why)
{
	struct addr_prefix *list = NULL;
	size_t count = 0, room = 0;
	char one[ADDR_TEXT_MAX], other[ADDR_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < parties[i].hidden_count; k++) {
			const struct addr_prefix *net = &parties[i].hidden[k];
			const struct addr_prefix *in = net_inside(parties, n, &parties[i], net);

			if (in != NULL)
				return fail_set(
					why, ST_INVALID,
					"%.*s: addresses of %.*s/%u cannot leave as pseudonyms, "
					"for "
					"%.*s/%u of a party is in it: name its parts instead",
					SLICE_ARG(parties[i].file),
					SLICE_ARG(addr_format(&net->addr, one)), net->bits,
					SLICE_ARG(addr_format(&in->addr, other)), in->bits);
			if (!ARENA_PUSH(a, list, count, room, *net))
				return fail_set(why, ST_NOMEM, "no memory for networks");
		}
	*out = (struct pseudonym_nets){list, count};
	return ST_OK;
}

const struct addr_prefix *daemon_pseudonym_net(struct pseudonym_nets nets, const struct addr *a)
{
	for (size_t i = 0; i < nets.count; i++)
		if (addr_prefix_holds(&nets.list[i], a))
			return &nets.list[i];
	return NULL;
}

bool daemon_pseudonym_of(const struct crypto_pan *pan, struct pseudonym_nets nets,
			 const struct addr *a, struct addr *out)
{
	const struct addr_prefix *net = daemon_pseudonym_net(nets, a);
	struct addr hidden = {.family = a->family};

	if (a->family == 0 ||
	    !crypto_pan_hide_in(pan, a->b, addr_bytes(a), net != NULL ? net->bits : 0, hidden.b))
		return false;
	*out = hidden;
	return true;
}

bool daemon_pseudonym_whose(const struct crypto_pan *pan, struct pseudonym_nets nets,
			    const struct addr *pseudonym, struct addr *out)
{
	const struct addr_prefix *net = daemon_pseudonym_net(nets, pseudonym);
	struct addr shown = {.family = pseudonym->family};

	if (net == NULL ||
	    !crypto_pan_show_in(pan, pseudonym->b, addr_bytes(pseudonym), net->bits, shown.b))
		return false;
	*out = shown;
	return true;
}

/* ---- in a text ---- */

/* An address as it stands in a text: from, to; behind it "/bits", or all its bits. */
struct named {
	struct addr addr;
	size_t from, to;
	unsigned bits;
};

static bool of_ipv4(uint8_t c)
{
	return text_is_digit(c) || c == '.';
}

static bool of_ipv6(uint8_t c)
{
	return text_is_digit(c) || c == '.' || c == ':' || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F');
}

/* The run of such bytes around `at`, without the dots and colons of the sentence behind it. */
static bool read_run(struct slice text, size_t at, bool (*of)(uint8_t c), struct named *out)
{
	struct slice run;
	size_t end = at;

	while (end < text.len && of(text.ptr[end]))
		end++;
	out->to = end;
	for (;; end--) {
		run = slice_part(text, at, end - at);
		if (addr_parse(run, &out->addr))
			break;
		if (run.len < 2 || (run.ptr[run.len - 1] != '.' && run.ptr[run.len - 1] != ':'))
			return false;
	}
	out->from = at;
	out->to = end;
	return true;
}

/* "/24" behind it. */
static void read_bits(struct slice text, struct named *n)
{
	struct slice rest = slice_from(text, n->to);
	size_t digits = 1;
	uint64_t bits;

	n->bits = (unsigned)addr_bytes(&n->addr) * 8;
	while (digits < rest.len && digits < 4 && text_is_digit(rest.ptr[digits]))
		digits++;
	if (rest.len > 1 && rest.ptr[0] == '/' &&
	    text_u64(slice_part(rest, 1, digits - 1), 0, n->bits, &bits))
		n->bits = (unsigned)bits;
}

/* The next address of these networks, from byte `at` on, that its network's prefix does not tell.
 * An IPv4 address is looked for also in what looks like IPv6, and is none: "10.0.0.1:80". */
static bool next_named(struct pseudonym_nets nets, struct slice text, size_t at, struct named *out)
{
	for (size_t i = at; i < text.len; i++) {
		bool begins6 = of_ipv6(text.ptr[i]) && (i == 0 || !of_ipv6(text.ptr[i - 1]));
		bool begins4 = text_is_digit(text.ptr[i]) && (i == 0 || !of_ipv4(text.ptr[i - 1]));
		bool (*const forms[])(uint8_t c) = {begins6 ? of_ipv6 : NULL,
						    begins4 ? of_ipv4 : NULL};

		for (size_t k = 0; k < 2; k++) {
			const struct addr_prefix *net;

			if (forms[k] == NULL || !read_run(text, i, forms[k], out))
				continue;
			net = daemon_pseudonym_net(nets, &out->addr);
			read_bits(text, out);
			if (net != NULL && out->bits > net->bits)
				return true;
		}
	}
	return false;
}

bool daemon_pseudonym_needed(struct pseudonym_nets nets, struct slice text)
{
	struct named n;

	return nets.count != 0 && next_named(nets, text, 0, &n);
}

bool daemon_pseudonym_next(struct pseudonym_nets nets, struct slice text, size_t *at,
			   struct addr *out)
{
	struct named n;

	if (nets.count == 0 || !next_named(nets, text, *at, &n))
		return false;
	*at = n.to;
	*out = n.addr;
	return true;
}

/* Bits behind the first n are 0. */
static void cut(struct addr *a, unsigned n)
{
	for (unsigned i = n; i < addr_bytes(a) * 8; i++)
		a->b[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
}

enum status daemon_pseudonym_text(const struct crypto_pan *pan, struct pseudonym_nets nets,
				  struct slice text, struct arena *a, struct slice *out,
				  struct fail *why)
{
	struct buf b = buf_in(a);
	char address[ADDR_TEXT_MAX];
	struct named n;
	size_t at = 0;

	if (!daemon_pseudonym_needed(nets, text)) {
		*out = text;
		return ST_OK;
	}
	while (next_named(nets, text, at, &n)) {
		if (!daemon_pseudonym_of(pan, nets, &n.addr, &n.addr))
			return fail_set(why, ST_IO, "OpenSSL has no AES for pseudonyms");
		cut(&n.addr, n.bits);
		buf_add(&b, slice_part(text, at, n.from - at));
		buf_add(&b, addr_format(&n.addr, address));
		at = n.to;
	}
	buf_add(&b, slice_from(text, at));
	if (b.full)
		return fail_set(why, ST_NOMEM, "no memory to put pseudonyms into a text");
	*out = buf_slice(&b);
	return ST_OK;
}
