/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a frame and as the section: a tenant that there is, and one that does not depend on
 * what follows the tags. */
#include "sensor/config/config.h"
#include "sensor/tenant/tenant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const sections[] = {
	"%YAML 1.1\n---\nmulti-detect:\n  enabled: yes\n  selector: vlan\n"
	"  tenants: [{id: 1, yaml: a}, {id: 2, yaml: b}]\n"
	"  mappings: [{vlan-id: 1, tenant-id: 1}, {vlan-id: 2, tenant-id: 2}]\n",
	"%YAML 1.1\n---\nmulti-detect:\n  enabled: yes\n  selector: vlan-tuple\n"
	"  tenants: [{id: 1, yaml: a}, {id: 2, yaml: b}]\n"
	"  mappings: [{vlan-tuple: [0, 1], tenant-id: 1}, {vlan-tuple: [3, 2], tenant-id: 2}]\n"};

static void ask(struct slice section, uint32_t linktype, struct slice frame)
{
	struct arena_pool pool = {.budget = 64 << 20};
	struct arena a = {.pool = &pool};
	struct config *root = config_new(&a);
	struct tenant_map *map;
	struct fail why;

	ASSERT(root != NULL);
	if (config_load(root, SLICE("f"), section, NULL, &why) == ST_OK &&
	    tenant_map_read(root, &a, &map, &why) == ST_OK) {
		size_t whose = tenant_of_frame(map, linktype, frame);

		ASSERT(map->count >= 1 && map->count <= 1 + TENANTS_MAX && whose < map->count);
		if (frame.len >= 64) /* longer than the heads of all links, and four tags */
			ASSERT(whose == tenant_of_frame(map, linktype, slice_part(frame, 0, 64)));
		for (size_t i = 0; i < map->mapping_count; i++)
			ASSERT(map->mappings[i].tenant > 0 && map->mappings[i].tenant < map->count);
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t links[] = {1, 113, 276, 12};
	struct slice all = {data, size};

	if (size == 0)
		return 0;
	for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
		ask(slice_of(sections[i]), links[data[0] & 3], slice_from(all, 1));
	ask(all, links[data[0] & 3], all);
	return 0;
}
