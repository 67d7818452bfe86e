/* SPDX-License-Identifier: Apache-2.0
 * The eve-logs of a configuration, opened. */
#include "daemon/outputs.h"

#include "daemon/daemon_priv.h"
#include "os/file.h"

#include <stdlib.h>

static struct slice path_in(struct arena *a, struct slice dir, struct slice name)
{
	return name.len != 0 && name.ptr[0] == '/' ? name : daemon_path(a, dir, name);
}

static enum status open_one(struct config *node, struct slice dir, struct arena *a,
			    struct daemon_outputs *out, struct fail *why)
{
	struct slice name = config_text(node, "filename", "eve.json");
	struct daemon_eve *eve = &out->eves[out->count];
	enum status st;

	if (out->count == PIPELINE_OUTPUTS_MAX)
		return fail_set(why, ST_LIMIT, "more than %d eve-logs", PIPELINE_OUTPUTS_MAX);
	st = daemon_eve_open(eve, path_in(a, dir, name), a, why);
	if (st != ST_OK)
		return st;
	out->outputs[out->count++] = (struct pipeline_output){daemon_eve_sink(eve), node};
	return ST_OK;
}

/* The eve-log of a member of `outputs:`, NULL if it is another kind. */
static struct config *eve_log(struct config *member)
{
	struct config *node = member->first;

	if (member->kind != CONFIG_MAP || node == NULL ||
	    !slice_equal(node->name, SLICE("eve-log")))
		return NULL;
	return config_at(member, "eve-log");
}

/* Suricata reads the version of its DNS events from there, too. */
static enum status read_environment(struct config *root, struct fail *why)
{
	const char *version = getenv("SURICATA_EVE_DNS_VERSION");

	return version == NULL || root == NULL
		       ? ST_OK
		       : config_set(root, SLICE("eve-dns-version"), slice_of(version), why);
}

enum status daemon_outputs_open(struct config *root, struct slice dir, struct arena *a,
				struct daemon_outputs *out, struct fail *why)
{
	struct slice usual = daemon_path(a, dir, SLICE("eve.json"));
	struct config *list = config_at(root, "outputs");
	enum status st = ST_OK;

	*out = (struct daemon_outputs){0};
	if (root == NULL)
		return open_one(NULL, dir, a, out, why);
	st = read_environment(root, why);
	for (struct config *m = config_first(list); st == ST_OK && m != NULL; m = config_next(m)) {
		struct config *node = eve_log(m);

		if (node == NULL || !config_bool(node, "enabled", false))
			continue;
		st = open_one(node, dir, a, out, why);
	}
	if (st == ST_OK && !os_file_exists(usual))
		st = os_file_put(NULL, usual, SLICE(""), why);
	return st;
}

uint64_t daemon_outputs_records(const struct daemon_outputs *o)
{
	uint64_t n = 0;

	for (size_t i = 0; i < o->count; i++)
		n += o->eves[i].records;
	return n;
}

enum status daemon_outputs_flush(struct daemon_outputs *o, struct fail *why)
{
	for (size_t i = 0; i < o->count; i++) {
		enum status st = daemon_eve_flush(&o->eves[i], why);

		if (st != ST_OK)
			return st;
	}
	return ST_OK;
}

void daemon_outputs_close(struct daemon_outputs *o)
{
	for (size_t i = 0; i < o->count; i++)
		daemon_eve_close(&o->eves[i]);
	o->count = 0;
}
