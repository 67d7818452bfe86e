/* SPDX-License-Identifier: Apache-2.0
 * reference:SYSTEM,ID to an address, by the prefixes of reference.config. */
#include "base/buf.h"
#include "base/text.h"
#include "sensor/rule/rule_priv.h"

#define REFERENCE(system, prefix)                                                                  \
	{                                                                                          \
		{(const uint8_t *)(system), sizeof(system) - 1},                                   \
		{                                                                                  \
			(const uint8_t *)(prefix), sizeof(prefix) - 1                              \
		}                                                                                  \
	}

/* The systems that rule writers count on, with Suricata's prefixes, so that events of both say the
 * same. */
static const struct {
	struct slice system, prefix;
} defaults[] = {
	REFERENCE("url", "https://"),
	REFERENCE("cve", "https://cve.mitre.org/cgi-bin/cvename.cgi?name="),
	REFERENCE("nessus", "https://www.tenable.com/plugins/nessus/"),
	REFERENCE("mcafee", "https://vil.nai.com/vil/content/v_"),
	REFERENCE("bid", "https://www.securityfocus.com/bid/"),
	REFERENCE("bugtraq", "https://www.securityfocus.com/bid/"),
	REFERENCE("md5", "https://www.threatexpert.com/report.aspx?md5="),
	REFERENCE("secunia", "https://www.secunia.com/advisories/"),
	REFERENCE("arachnids", "https://www.whitehats.com/info/IDS"),
	REFERENCE("exploitdb", "https://www.exploit-db.com/exploits/"),
	REFERENCE("msft", "https://technet.microsoft.com/security/bulletin/"),
	REFERENCE("et", "https://doc.emergingthreats.net/"),
};

/* Systems are known by their names in lower case. */
static struct slice lowered(struct slice s, struct arena *a)
{
	uint8_t *copy = ARENA_ARRAY(a, uint8_t, s.len + 1);

	if (copy == NULL)
		return (struct slice){NULL, 0};
	for (size_t i = 0; i < s.len; i++)
		copy[i] = text_lower(s.ptr[i]);
	return (struct slice){copy, s.len};
}

static bool put(struct rule_references *r, struct arena *a, struct slice system,
		struct slice prefix)
{
	struct slice *copy = ARENA_NEW(a, struct slice);

	if (copy == NULL)
		return false;
	*copy = prefix;
	return rule_table_put(&r->prefixes, a, system, copy);
}

bool rule_references_init(struct rule_references *r, struct arena *a)
{
	for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
		if (!put(r, a, defaults[i].system, defaults[i].prefix))
			return false;
	return true;
}

/* "config reference: system prefix" */
static bool line_parse(struct slice line, struct slice *system, struct slice *prefix)
{
	static const struct slice words[] = {{(const uint8_t *)"config", 6},
					     {(const uint8_t *)"reference", 9},
					     {(const uint8_t *)":", 1}};
	size_t n = 0;

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		line = slice_trim(line);
		if (!slice_starts(line, words[i]))
			return false;
		line = slice_from(line, words[i].len);
	}
	line = slice_trim(line);
	while (n < line.len && !text_is_space(line.ptr[n]))
		n++;
	*system = slice_part(line, 0, n);
	*prefix = slice_trim(slice_from(line, n));
	return rule_name_ok(*system) && prefix->len != 0;
}

enum status rule_set_references(struct rule_set *s, struct slice file, struct slice text,
				struct fail *why)
{
	struct slice name = arena_copy(s->arena, file), rest = arena_copy(s->arena, text);
	bool ok = rest.len == text.len && name.len == file.len;
	uint32_t number = 0;

	while (ok && rest.len > 0) {
		struct slice line = slice_trim(rule_text_line(&rest)), system, prefix;

		number++;
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		if (!line_parse(line, &system, &prefix)) {
			rule_set_warn(s, name, number,
				      "expected \"config reference: system prefix\"");
			continue;
		}
		system = lowered(system, s->arena);
		ok = system.len != 0 && put(s->references, s->arena, system, prefix);
	}
	if (!ok || s->arena->exhausted)
		return fail_set(why, ST_NOMEM, "%.*s: no memory for references", RULE_SHOW(file));
	return ST_OK;
}

/* The address of one value, "cve,2024-1"; an address that is whole already stays. */
static struct slice address_of(const struct rule_set *s, struct slice value)
{
	struct slice system = slice_trim(slice_split(&value, ',')), id = slice_trim(value);
	struct slice key = lowered(system, s->arena);
	const struct slice *prefix = rule_table_find(&s->references->prefixes, key);

	if (prefix == NULL || slice_starts(id, SLICE("http://")) ||
	    slice_starts(id, SLICE("https://")))
		return id;
	return buf_text(s->arena, "%.*s%.*s", SLICE_ARG(*prefix), SLICE_ARG(id));
}

enum status rule_references_read(const struct rule_set *s, struct rule *r, struct fail *why)
{
	size_t n = 0;

	for (size_t i = 0; i < r->option_count; i++)
		n += slice_equal(r->options[i].keyword, SLICE("reference"));
	if (n == 0)
		return ST_OK;
	r->references = ARENA_ARRAY(s->arena, struct slice, n);
	for (size_t i = 0; r->references != NULL && i < r->option_count; i++) {
		const struct rule_option *o = &r->options[i];

		if (!slice_equal(o->keyword, SLICE("reference")))
			continue;
		if (o->value.ptr == NULL || memchr(o->value.ptr, ',', o->value.len) == NULL)
			return fail_set(why, ST_INVALID, "expected reference:SYSTEM,ID");
		r->references[r->reference_count++] = address_of(s, o->value);
	}
	return s->arena->exhausted || r->references == NULL
		       ? fail_set(why, ST_NOMEM, "no memory for references")
		       : ST_OK;
}
