/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/tenants.h - the station and its tenants: whose settings, whose folders, whose outputs.
 * Private to the module; the main thread. docs/decisions/0019-tenants.md.
 *
 * A tenant is a sensor of its own that is given its packets by somebody else's interface: settings,
 * rules, outputs, file-store, thresholds, memory. Its settings are the station's, and its own file
 * over them, section by section; its rules are those that its own file names.
 *
 * Where its file says where logs go (outputs or default-log-dir) it is apart: what is said of it
 * goes there and nowhere else. Else it is the station's guest: its events go to the station's
 * outputs, each with its tenant_id, as with Suricata.
 */
#ifndef DEW_DAEMON_TENANTS_H
#define DEW_DAEMON_TENANTS_H

#include "daemon/daemon_priv.h"
#include "daemon/outputs.h"
#include "daemon/packets.h"
#include "daemon/store.h"
#include "sensor/tenant/tenant.h"

struct daemon_tenant {
	uint32_t id;			    /* 0: the station */
	struct slice file;		    /* its own; "": none */
	struct daemon_config_source source; /* of config: read again with the rules */
	struct config *config;
	struct slice dir, data_dir; /* of logs; of sets that rules change */
	bool apart;
	bool exports; /* flow-export is of its own file: who is apart does not take the station's */
	struct daemon_rules_source rules;
	struct daemon_tenant *says; /* whose outputs and file-store are its own: itself, if apart */
	struct daemon_outputs outputs;
	struct daemon_store store;
	struct daemon_packets *packets; /* its ring; NULL: none is kept, or it is a guest */
	bool keeps;			/* its packets are kept, in the ring of who `says` */
};

struct daemon_tenants {
	struct tenant_map *map;
	struct daemon_tenant *list; /* by place: the station first */
	size_t count;
};

/* What the station was given. */
struct daemon_station {
	struct daemon_config_source source;
	struct config *config; /* NULL: the code's defaults, and no tenants */
	struct daemon_rules_source rules;
	struct slice dir; /* of logs */
	bool patient;	  /* daemon_outputs_open() */
	void *ctx;
	void (*say)(void *ctx, const char *text); /* daemon_outputs_mended(); NULL: nobody hears */
};

/* Reads the tenants' settings, makes folders, opens outputs and file-stores. ST_REFUSED: two would
 * write the same file. Close with daemon_tenants_close(), also after failure. */
MUST_USE enum status daemon_tenants_open(const struct daemon_station *s, struct arena *a,
					 struct daemon_tenants *out, struct fail *why);
/* Its settings, read again. */
MUST_USE enum status daemon_tenant_config(const struct daemon_tenant *t, struct arena *a,
					  struct config **out, struct fail *why);
uint64_t daemon_tenants_records(const struct daemon_tenants *t);
uint64_t daemon_tenants_lost(const struct daemon_tenants *t); /* lines that sockets did not take */
MUST_USE enum status daemon_tenants_flush(struct daemon_tenants *t, struct fail *why);
void daemon_tenants_close(struct daemon_tenants *t);

/* The settings of all tenants, for who says what is wrong with them. */
struct config **daemon_tenants_configs(const struct daemon_tenants *t, struct arena *a,
				       size_t *out_count);

#endif
