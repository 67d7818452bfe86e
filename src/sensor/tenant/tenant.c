/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tenant/tenant.h"

#include "base/cursor.h"
#include "base/text.h"
#include "sensor/config/config.h"

enum { TAG_MOST = 4094, ID_MOST = UINT32_MAX - 1 };

/* ---- whose is it ---- */

static bool is_tag(uint16_t type)
{
	return type == 0x8100 || type == 0x88a8 || type == 0x9100; /* as sensor/decode/vlan.c */
}

/* Where a link type has its first ether type; false: where tags are is not known. */
static bool type_offset(uint32_t linktype, size_t *out)
{
	static const struct {
		uint32_t linktype;
		size_t offset;
	} links[] = {{1, 12}, {113, 14}, {276, 0}}; /* Ethernet, Linux cooked, its version 2 */

	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
		if (links[i].linktype == linktype) {
			*out = links[i].offset;
			return true;
		}
	return false;
}

/* The tags of a frame, outermost first; one too many counts, too. */
static size_t tags_of(uint32_t linktype, struct slice frame, uint16_t out[TENANT_TAGS_MAX])
{
	struct cursor c = cursor_of(frame);
	size_t offset, n = 0;
	uint16_t type;

	if (!type_offset(linktype, &offset))
		return 0;
	(void)cursor_take(&c, offset);
	type = cursor_be16(&c);
	if (linktype == 276)
		(void)cursor_take(&c, 18); /* the rest of its head */
	while (n <= TENANT_TAGS_MAX && is_tag(type)) {
		uint16_t tag = cursor_be16(&c) & 0x0fff;

		type = cursor_be16(&c);
		if (!cursor_ok(&c))
			break;
		if (n < TENANT_TAGS_MAX)
			out[n] = tag;
		n++;
	}
	return n;
}

static bool tuple_is(const struct tenant_mapping *k, const uint16_t *tags, size_t n)
{
	if (k->tag_count != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (k->tags[i] != 0 && k->tags[i] != tags[i])
			return false;
	return true;
}

size_t tenant_of_frame(const struct tenant_map *m, uint32_t linktype, struct slice frame)
{
	uint16_t tags[TENANT_TAGS_MAX];
	size_t n;

	if (m->selector != TENANT_BY_VLAN && m->selector != TENANT_BY_VLANS)
		return 0;
	n = tags_of(linktype, frame, tags);
	if (n == 0 || n > TENANT_TAGS_MAX)
		return m->selector == TENANT_BY_VLAN && n != 0 ? m->by_tag[tags[0]] : 0;
	if (m->selector == TENANT_BY_VLAN)
		return m->by_tag[tags[0]];
	for (size_t i = 0; i < m->mapping_count; i++)
		if (tuple_is(&m->mappings[i], tags, n))
			return m->mappings[i].tenant;
	return 0;
}

size_t tenant_of_device(const struct tenant_map *m, struct slice device)
{
	for (size_t i = 0; m->selector == TENANT_BY_DEVICE && i < m->mapping_count; i++)
		if (slice_equal(m->mappings[i].device, device))
			return m->mappings[i].tenant;
	return 0;
}

/* ---- reading ---- */

static enum status wrong(const struct config *n, struct fail *why, const char *what)
{
	return fail_set(why, ST_INVALID, "%.*s:%u: multi-detect: %s", SLICE_ARG(n->file), n->line,
			what);
}

static enum status read_tenants(struct tenant_map *m, struct config *list, struct fail *why)
{
	for (struct config *n = config_first(list); n != NULL; n = config_next(n)) {
		struct tenant t = {.yaml = config_text(n, "yaml", "")};
		uint64_t id;

		if (!text_u64(config_text(n, "id", ""), 1, ID_MOST, &id))
			return wrong(n, why, "a tenant has an id, a number from 1");
		if (t.yaml.len == 0)
			return wrong(n, why, "a tenant has a file of its own: yaml");
		if (m->count == sizeof m->tenants / sizeof m->tenants[0])
			return fail_set(why, ST_LIMIT, "multi-detect: more than %d tenants",
					TENANTS_MAX);
		t.id = (uint32_t)id;
		for (size_t i = 1; i < m->count; i++)
			if (m->tenants[i].id == t.id)
				return wrong(n, why, "this id is another tenant's");
		m->tenants[m->count++] = t;
	}
	return ST_OK;
}

static enum status read_tag(struct config *n, const char *key, uint64_t least, uint16_t *out,
			    struct fail *why)
{
	uint64_t tag;

	if (!text_u64(config_text(n, key, ""), least, TAG_MOST, &tag))
		return wrong(n, why, "a VLAN is a number from 1 to 4094 (in a tuple also 0: any)");
	*out = (uint16_t)tag;
	return ST_OK;
}

static enum status read_tuple(struct config *n, struct tenant_mapping *k, struct fail *why)
{
	struct config *list = config_at(n, "vlan-tuple");

	for (struct config *t = config_first(list); t != NULL; t = config_next(t)) {
		enum status st;

		if (k->tag_count == TENANT_TAGS_MAX)
			return wrong(n, why, "a tuple has three VLANs at most");
		st = read_tag(t, "", 0, &k->tags[k->tag_count++], why);
		if (st != ST_OK)
			return st;
	}
	return k->tag_count != 0 ? ST_OK : wrong(n, why, "expected vlan-tuple: [OUTER, INNER]");
}

/* Two that some frame is both of. */
static bool overlap(const struct tenant_mapping *a, const struct tenant_mapping *b)
{
	if (a->tag_count != b->tag_count || !slice_equal(a->device, b->device))
		return false;
	for (size_t i = 0; i < a->tag_count; i++)
		if (a->tags[i] != b->tags[i] && a->tags[i] != 0 && b->tags[i] != 0)
			return false;
	return true;
}

static enum status read_mapping(struct tenant_map *m, struct config *n, struct arena *a,
				struct fail *why)
{
	struct tenant_mapping k = {0};
	enum status st = ST_OK;
	uint64_t id;

	if (!text_u64(config_text(n, "tenant-id", ""), 1, ID_MOST, &id))
		return wrong(n, why, "a mapping has a tenant-id");
	for (size_t i = 1; i < m->count; i++)
		if (m->tenants[i].id == id)
			k.tenant = (uint8_t)i;
	if (k.tenant == 0)
		return wrong(n, why, "no tenant has this tenant-id");
	if (m->selector == TENANT_BY_VLAN) {
		k.tag_count = 1;
		st = read_tag(n, "vlan-id", 1, &k.tags[0], why);
	} else if (m->selector == TENANT_BY_VLANS) {
		st = read_tuple(n, &k, why);
	} else {
		k.device = config_text(n, "device", "");
		if (k.device.len == 0)
			return wrong(n, why, "expected device: NAME of an interface");
	}
	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < m->mapping_count; i++)
		if (m->mappings[i].tenant != k.tenant && overlap(&m->mappings[i], &k))
			return wrong(n, why, "this traffic is another tenant's already");
	if (m->mapping_count == TENANT_MAPPINGS_MAX)
		return fail_set(why, ST_LIMIT, "multi-detect: more than %d mappings",
				TENANT_MAPPINGS_MAX);
	if (m->selector == TENANT_BY_VLAN)
		m->by_tag[k.tags[0]] = k.tenant;
	if (!ARENA_PUSH(a, m->mappings, m->mapping_count, m->mapping_room, k))
		return fail_set(why, ST_NOMEM, "no memory for mappings of tenants");
	return ST_OK;
}

static enum status read_selector(struct config *node, struct tenant_map *m, struct fail *why)
{
	static const struct {
		const char *word;
		enum tenant_selector selector;
	} words[] = {{"direct", TENANT_BY_NOTHING},
		     {"vlan", TENANT_BY_VLAN},
		     {"vlan-tuple", TENANT_BY_VLANS},
		     {"device", TENANT_BY_DEVICE}};
	struct slice word = config_text(node, "selector", "direct");

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (slice_equal(word, slice_of(words[i].word))) {
			m->selector = words[i].selector;
			return ST_OK;
		}
	return wrong(node, why, "selector is vlan, vlan-tuple, device or direct");
}

enum status tenant_map_read(struct config *c, struct arena *a, struct tenant_map **out,
			    struct fail *why)
{
	struct config *node = config_at(c, "multi-detect");
	struct tenant_map *m = ARENA_NEW(a, struct tenant_map);
	enum status st = ST_OK;

	if (m == NULL)
		return fail_set(why, ST_NOMEM, "no memory for tenants");
	m->count = 1;
	*out = m;
	if (!config_bool(node, "enabled", false))
		return ST_OK;
	st = read_selector(node, m, why);
	if (st != ST_OK)
		return st;
	m->folder = config_text(node, "config-path", "");
	(void)config_u64(node, "loaders", 0, UINT32_MAX, 0); /* rules are compiled on all cores */
	st = read_tenants(m, config_at(node, "tenants"), why);
	if (m->selector == TENANT_BY_NOTHING)
		return st;
	for (struct config *n = config_first(config_at(node, "mappings")); st == ST_OK && n != NULL;
	     n = config_next(n))
		st = read_mapping(m, n, a, why);
	return st;
}
