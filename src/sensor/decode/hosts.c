/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

uint32_t decode_hosts_find(const struct decode_hosts *h, const struct addr *a, uint32_t fallback)
{
	for (size_t i = 0; i < h->count; i++)
		if (addr_prefix_holds(&h->list[i].net, a))
			return h->list[i].value;
	return fallback;
}

/* Keeps the list sorted; of equal networks the first one counts. */
static enum status host_add(struct decode_hosts *h, struct arena *a, struct slice text,
			    uint32_t value, struct fail *why)
{
	struct decode_host new = {.value = value};
	size_t at;

	if (!addr_prefix_parse(text, &new.net))
		return fail_set(why, ST_INVALID, "\"%.*s\" is no network", SLICE_ARG(text));
	if (h->count == DECODE_HOSTS_MAX)
		return fail_set(why, ST_LIMIT, "more than %d networks", DECODE_HOSTS_MAX);
	if (!ARENA_PUSH(a, h->list, h->count, h->room, new))
		return fail_set(why, ST_NOMEM, "no memory for networks");
	for (at = h->count - 1; at > 0 && h->list[at - 1].net.bits < new.net.bits; at--)
		h->list[at] = h->list[at - 1];
	h->list[at] = new;
	return ST_OK;
}

enum status decode_hosts_add(struct decode_hosts *h, struct arena *a, struct config *node,
			     uint32_t value, struct fail *why)
{
	struct slice rest;

	if (node == NULL)
		return ST_OK;
	node->asked = true;
	for (struct config *c = node->first; c != NULL; c = c->next) {
		enum status st = decode_hosts_add(h, a, c, value, why); /* a list of texts */

		if (st != ST_OK)
			return st;
	}
	rest = slice_trim(node->value);
	if (rest.len >= 2 && rest.ptr[0] == '[' && rest.ptr[rest.len - 1] == ']')
		rest = slice_part(rest, 1, rest.len - 2);
	while (rest.len != 0) {
		struct slice text = slice_trim(slice_split(&rest, ','));
		enum status st = text.len == 0 ? ST_OK : host_add(h, a, text, value, why);

		if (st != ST_OK)
			return st;
	}
	return ST_OK;
}

enum status decode_hosts_os(struct config *root, struct arena *a, struct decode_hosts *out,
			    struct fail *why)
{
	static const char *const names[DECODE_OSES] = {
		[DECODE_OS_BSD] = "bsd",
		[DECODE_OS_BSD_RIGHT] = "bsd-right",
		[DECODE_OS_OLD_LINUX] = "old-linux",
		[DECODE_OS_LINUX] = "linux",
		[DECODE_OS_OLD_SOLARIS] = "old-solaris",
		[DECODE_OS_SOLARIS] = "solaris",
		[DECODE_OS_HPUX10] = "hpux10",
		[DECODE_OS_HPUX11] = "hpux11",
		[DECODE_OS_IRIX] = "irix",
		[DECODE_OS_MACOS] = "macos",
		[DECODE_OS_WINDOWS] = "windows",
		[DECODE_OS_VISTA] = "vista",
		[DECODE_OS_WINDOWS2K3] = "windows2k3",
		[DECODE_OS_FIRST] = "first",
		[DECODE_OS_LAST] = "last",
	};
	struct config *policy = config_at(root, "host-os-policy");

	*out = (struct decode_hosts){0};
	for (uint32_t i = 0; i < DECODE_OSES; i++) {
		enum status st = decode_hosts_add(out, a, config_at(policy, names[i]), i, why);

		if (st != ST_OK)
			return fail_wrap(why, "host-os-policy.%s", names[i]);
	}
	return ST_OK;
}
