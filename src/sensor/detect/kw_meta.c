/* SPDX-License-Identifier: Apache-2.0
 * Words that say something about the rule, not about traffic. sensor/rule has read those that
 * records show; the others are accepted and change nothing. */
#include "sensor/detect/detect_priv.h"

static enum status accept(struct detect_compiler *c, const struct detect_keyword *kw,
			  struct slice value, struct fail *why)
{
	return ST_OK;
}

static enum status compile_noalert(struct detect_compiler *c, const struct detect_keyword *kw,
				   struct slice value, struct fail *why)
{
	if (c->out->alert)
		return fail_set(why, ST_INVALID, "noalert does not go with alert");
	c->out->noalert = true;
	return ST_OK;
}

static enum status compile_alert(struct detect_compiler *c, const struct detect_keyword *kw,
				 struct slice value, struct fail *why)
{
	if (c->out->noalert)
		return fail_set(why, ST_INVALID, "alert does not go with noalert");
	c->out->alert = true;
	return ST_OK;
}

/* What makes candidates is our own choice; that there is something before it is the author's. */
static enum status compile_prefilter(struct detect_compiler *c, const struct detect_keyword *kw,
				     struct slice value, struct fail *why)
{
	if (c->test_count == 0 && c->tx_test_count == 0 && c->current->count == 0 &&
	    c->list_count <= 1)
		return fail_set(why, ST_INVALID, "prefilter needs a keyword before it");
	return ST_OK;
}

static enum status compile_target(struct detect_compiler *c, const struct detect_keyword *kw,
				  struct slice value, struct fail *why)
{
	if (!slice_equal(value, SLICE("src_ip")) && !slice_equal(value, SLICE("dest_ip")))
		return fail_set(why, ST_INVALID, "target is src_ip or dest_ip");
	return ST_OK;
}

#define ACCEPTED(word, text)                                                                       \
	{                                                                                          \
		.name = (word), .compile = accept, .doc = (text)                                   \
	}

KEYWORD(meta) = {
	ACCEPTED("msg", "what the alert says"),
	ACCEPTED("sid", "the rule's number"),
	ACCEPTED("rev", "the rule's revision"),
	ACCEPTED("gid", "the number space of the sid"),
	ACCEPTED("classtype", "category and priority"),
	ACCEPTED("priority", "1 is the most urgent"),
	ACCEPTED("reference", "where to read more"),
	ACCEPTED("metadata", "key and value pairs"),
	ACCEPTED("requires", "which engine the rule is for; sensor/rule has looked"),
	{.name = "target", .compile = compile_target, .doc = "which side is the victim"},
	ACCEPTED("nfq_set_mark", "accepted; nothing is marked"),
	{.name = "prefilter",
	 .bare = true,
	 .compile = compile_prefilter,
	 .doc = "the keyword before it is a good one to look for"},
	{.name = "alert",
	 .bare = true,
	 .compile = compile_alert,
	 .doc = "matches are alerts, of a pass rule, too"},
	{.name = "noalert",
	 .bare = true,
	 .compile = compile_noalert,
	 .doc = "matches have effects, but no alert"},
	{0},
};
