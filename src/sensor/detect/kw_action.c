/* SPDX-License-Identifier: Apache-2.0
 * What a match does beside being an alert: bypass, config. Suricata 8 rules/bypass-keyword,
 * rules/config. */
#include "sensor/detect/detect_priv.h"

/* From the next packet on nothing looks at the flow; its packets are counted. */
static void bypass(const void *operand, const struct detect_view *v)
{
	if (v->flow != NULL)
		v->flow->bypassed = true;
}

static enum status compile_bypass(struct detect_compiler *c, const struct detect_keyword *kw,
				  struct slice value, struct fail *why)
{
	if (c->files != NULL && detect_files_store(c->files))
		return fail_set(why, ST_INVALID, "bypass does not go with filestore");
	return detect_add_after(c, kw, NULL, why);
}

/* No event is written about the transaction. */
static void no_event(const void *operand, const struct detect_view *v)
{
	if (v->tx == NULL)
		return;
	v->tx->logged = true;
	if (v->tx->exchange != 0)
		app_exchange_silence(v->flow->app, v->tx->exchange);
}

struct setting {
	struct slice subsystem, state, type, scope;
};

/* "logging disable, type tx, scope tx" */
static bool setting_parse(struct slice value, struct setting *out)
{
	struct slice parts[3], words[3][2];

	for (size_t i = 0; i < 3; i++) {
		struct slice rest = slice_trim(parts[i] = slice_split(&value, ','));

		if (rest.len == 0)
			return false;
		words[i][0] = slice_split(&rest, ' ');
		words[i][1] = slice_trim(rest);
	}
	*out = (struct setting){words[0][0], words[0][1], words[1][1], words[2][1]};
	return value.ptr == NULL && slice_equal(words[1][0], SLICE("type")) &&
	       slice_equal(words[2][0], SLICE("scope"));
}

static bool is_one_of(struct slice s, const char *const *list)
{
	while (*list != NULL && !slice_equal(s, slice_of(*list)))
		list++;
	return *list != NULL;
}

static enum status compile_config(struct detect_compiler *c, const struct detect_keyword *kw,
				  struct slice value, struct fail *why)
{
	static const char *const subsystems[] = {"logging", "tracking", NULL};
	static const char *const types[] = {"tx", "flow", NULL};
	static const char *const scopes[] = {"tx", "flow", "packet", NULL};
	struct setting s;

	if (!setting_parse(value, &s) || !is_one_of(s.subsystem, subsystems) ||
	    !slice_equal(s.state, SLICE("disable")) || !is_one_of(s.type, types) ||
	    !is_one_of(s.scope, scopes))
		return fail_set(why, ST_INVALID,
				"config is \"logging disable, type tx, scope tx\" or the like, not "
				"\"%.*s\"",
				SLICE_ARG(value));
	if (slice_equal(s.subsystem, SLICE("tracking")))
		return fail_set(why, ST_INVALID,
				"rules are asked behind the flow table: config cannot take a "
				"packet out of it");
	if (!slice_equal(s.scope, SLICE("tx"))) /* as in Suricata, which has no more either */
		return ST_OK;
	return detect_add_after(c, kw, NULL, why);
}

static enum status compile_store(struct detect_compiler *c, const struct detect_keyword *kw,
				 struct slice value, struct fail *why)
{
	c->event_apps |= detect_apps_named(SLICE("tls"));
	return ST_OK;
}

/* Suricata's names for what it has no longer, or what is not to run here. */
static enum status refuse(struct detect_compiler *c, const struct detect_keyword *kw,
			  struct slice value, struct fail *why)
{
	return fail_set(why, ST_INVALID, "%s is refused: %s", kw->name, kw->doc);
}

#define REFUSED(word, text)                                                                        \
	{                                                                                          \
		.name = (word), .refused = true, .compile = refuse, .doc = (text)                  \
	}

KEYWORD(action) = {
	{.name = "bypass",
	 .bare = true,
	 .compile = compile_bypass,
	 .after = bypass,
	 .doc = "nothing looks at the flow any more"},
	{.name = "config",
	 .compile = compile_config,
	 .after = no_event,
	 .doc = "no event is written about the transaction"},
	{.name = "tls.store",
	 .kind = KIND_EFFECT,
	 .bare = true,
	 .compile = compile_store,
	 .doc = "accepted; the certificate is in the tls event, not in a file"},
	{.name = "tls_store",
	 .kind = KIND_EFFECT,
	 .bare = true,
	 .compile = compile_store,
	 .doc = "older name of tls.store"},
	REFUSED("lua", "a verdict must be recomputable by a stranger from the rule's text, and a "
		       "script is a program with effects"),
	REFUSED("luajit", "as lua"),
	REFUSED("luaxform", "as lua"),
	REFUSED("ssh.protoversion", "obsolete in Suricata, too; ssh.proto is the buffer"),
	REFUSED("ssh.softwareversion", "obsolete in Suricata, too; ssh.software is the buffer"),
	{0},
};
