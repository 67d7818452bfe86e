/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/tenant/tenant.h - several networks on one station: whose is a frame?
 *
 * `multi-detect:` of suricata.yaml names tenants and what is theirs, in Suricata's words
 * (docs.suricata.io, configuration/multi-tenant.html): a tag (selector vlan), several tags one
 * within another (vlan-tuple), or an interface (device). What nobody was given is the station's
 * own. With `direct` nothing is anybody's: Suricata says tenants along with captures, at its
 * socket.
 *
 * A tenant is known here by its place: 0 is the station, 1.. are the tenants in the file's order.
 * The table is made once and never changed: any thread may ask it. docs/decisions/0019-tenants.md.
 */
#ifndef DEW_SENSOR_TENANT_H
#define DEW_SENSOR_TENANT_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"

struct config;

enum {
	TENANTS_MAX = 64,	    /* and the station */
	TENANT_MAPPINGS_MAX = 4096, /* as many as there are tags */
	TENANT_TAGS_MAX = 3,	    /* one within another */
};

enum tenant_selector {
	TENANT_BY_NOTHING, /* there are none, or they are direct: all is the station's */
	TENANT_BY_VLAN,
	TENANT_BY_VLANS,
	TENANT_BY_DEVICE,
};

struct tenant {
	uint32_t id;	   /* the operator's number; 0: the station */
	struct slice yaml; /* its own file, as it was named; the station has none */
};

/* Tags from the outermost, 0: any; or an interface. */
struct tenant_mapping {
	uint16_t tags[TENANT_TAGS_MAX];
	uint8_t tag_count, tenant;
	struct slice device;
};

struct tenant_map {
	enum tenant_selector selector;
	struct tenant tenants[1 + TENANTS_MAX];
	size_t count;	     /* with the station: at least 1 */
	struct slice folder; /* config-path: where relative names of files start; "": not said */
	struct tenant_mapping *mappings;
	size_t mapping_count, mapping_room;
	uint8_t by_tag[4096]; /* selector vlan */
};

/* Reads multi-detect of c, which may be NULL; without it, or if it is not enabled, only the station
 * is there. What could give one tenant's traffic to another is no problem to be said but a failure:
 * ST_INVALID for an id or a mapping that is given twice or makes no sense, ST_LIMIT. Texts are
 * borrowed from c. */
MUST_USE enum status tenant_map_read(struct config *c, struct arena *a, struct tenant_map **out,
				     struct fail *why);

/* Whose is what comes in at an interface; selector device, else 0. */
size_t tenant_of_device(const struct tenant_map *m, struct slice device);

/* Whose is a frame (linktype: a LINKTYPE_ value of tcpdump.org); selector vlan or vlan-tuple, else
 * 0. A frame that is cut short or has other tags than were mapped is the station's. */
size_t tenant_of_frame(const struct tenant_map *m, uint32_t linktype, struct slice frame);

#endif
