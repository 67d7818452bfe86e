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
	c->out->noalert = true;
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
	ACCEPTED("tag", "accepted; no packets are recorded"),
	{.name = "target", .compile = compile_target, .doc = "which side is the victim"},
	{.name = "noalert",
	 .compile = compile_noalert,
	 .doc = "matches have effects, but no alert"},
	{0},
};
