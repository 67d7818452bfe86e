/* SPDX-License-Identifier: Apache-2.0
 * geoip: the country of an IPv4 address: "src,RU,CN", "any,!FR", "DE". The database is the
 * configuration's geoip-database. Suricata 8 rules/header-keywords. */
#include "sensor/config/config.h"
#include "sensor/detect/detect_priv.h"
#include "sensor/detect/geo.h"

enum { COUNTRIES_MAX = 64 };

struct geoip_operand {
	const struct detect_geo *database;
	enum detect_sides sides;
	bool negated;
	struct slice country[COUNTRIES_MAX];
	uint32_t count;
};

static bool holds(const void *operand, const struct addr *a)
{
	const struct geoip_operand *o = operand;
	struct slice country = detect_geo_country(o->database, a);

	if (country.ptr == NULL)
		return false;
	for (uint32_t i = 0; i < o->count; i++)
		if (slice_equal(country, o->country[i]))
			return !o->negated;
	return o->negated;
}

static bool geoip(const void *operand, const struct detect_view *v)
{
	const struct geoip_operand *o = operand;

	return v->packet != NULL && v->src != NULL && v->src->family == 4 &&
	       detect_sides_hold(o->sides, v, holds, o);
}

static enum status database_get(struct detect_compiler *c, struct fail *why)
{
	struct slice path, bytes;
	struct detect_geo *g;
	enum status st;

	if (c->rules->geo != NULL)
		return ST_OK;
	if (c->options == NULL || c->options->read == NULL || c->options->config == NULL)
		return fail_set(why, ST_INVALID, "there is no geoip-database here");
	path = config_text(c->options->config, "geoip-database", NULL);
	if (path.len == 0)
		return fail_set(why, ST_INVALID, "the configuration names no geoip-database");
	st = c->options->read(c->options->read_ctx, NULL, path, c->arena, &bytes, why);
	if (st != ST_OK)
		return fail_wrap(why, "geoip-database");
	g = ARENA_NEW(c->arena, struct detect_geo);
	if (g == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %.*s", SLICE_ARG(path));
	st = detect_geo_open(bytes, g, why);
	if (st != ST_OK)
		return fail_wrap(why, "%.*s", SLICE_ARG(path));
	c->rules->geo = g;
	return ST_OK;
}

static enum status compile(struct detect_compiler *c, const struct detect_keyword *kw,
			   struct slice value, struct fail *why)
{
	struct geoip_operand *o = ARENA_NEW(c->arena, struct geoip_operand);
	struct slice rest = value, first = slice_trim(slice_split(&rest, ','));
	enum status st;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (rest.ptr == NULL || !detect_sides_parse(first, &o->sides))
		rest = value; /* countries at once: of either side */
	while (rest.ptr != NULL) {
		struct slice country = slice_trim(slice_split(&rest, ','));

		if (slice_starts(country, SLICE("!"))) {
			o->negated = true;
			country = slice_trim(slice_from(country, 1));
		}
		if (country.len != 2 || o->count == COUNTRIES_MAX)
			return fail_set(why, ST_INVALID,
					"geoip wants src, dst, both or any, then 1 to %d "
					"countries of two letters, not \"%.*s\"",
					COUNTRIES_MAX, SLICE_ARG(country));
		o->country[o->count++] = country;
	}
	st = database_get(c, why);
	if (st != ST_OK)
		return st;
	o->database = c->rules->geo;
	c->wants_packet = true;
	return detect_add_test(c, kw, o, why);
}

KEYWORD(geoip) = {
	{.name = "geoip",
	 .compile = compile,
	 .test = geoip,
	 .cost = 6,
	 .doc = "the country of an IPv4 address, by the geoip-database"},
	{0},
};
