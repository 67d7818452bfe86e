/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "sensor/rule/rule_priv.h"

#define CLASS(name, priority, description)                                                         \
	{                                                                                          \
		{(const uint8_t *)(name), sizeof(name) - 1},                                       \
			{(const uint8_t *)(description), sizeof(description) - 1}, (priority)      \
	}

/* The classes rule writers count on; names, descriptions and priorities are Suricata's, so that
 * alerts of both sort alike. */
static const struct rule_class default_classes[] = {
	CLASS("attempted-admin", 1, "Attempted Administrator Privilege Gain"),
	CLASS("attempted-user", 1, "Attempted User Privilege Gain"),
	CLASS("command-and-control", 1, "Malware Command and Control Activity Detected"),
	CLASS("credential-theft", 1, "Successful Credential Theft Detected"),
	CLASS("domain-c2", 1, "Domain Observed Used for C2 Detected"),
	CLASS("exploit-kit", 1, "Exploit Kit Activity Detected"),
	CLASS("policy-violation", 1, "Potential Corporate Privacy Violation"),
	CLASS("shellcode-detect", 1, "Executable code was detected"),
	CLASS("successful-admin", 1, "Successful Administrator Privilege Gain"),
	CLASS("successful-user", 1, "Successful User Privilege Gain"),
	CLASS("targeted-activity", 1, "Targeted Malicious Activity was Detected"),
	CLASS("trojan-activity", 1, "A Network Trojan was detected"),
	CLASS("unsuccessful-user", 1, "Unsuccessful User Privilege Gain"),
	CLASS("web-application-attack", 1, "Web Application Attack"),
	CLASS("attempted-dos", 2, "Attempted Denial of Service"),
	CLASS("attempted-recon", 2, "Attempted Information Leak"),
	CLASS("bad-unknown", 2, "Potentially Bad Traffic"),
	CLASS("coin-mining", 2, "Crypto Currency Mining Activity Detected"),
	CLASS("default-login-attempt", 2, "Attempt to login by a default username and password"),
	CLASS("denial-of-service", 2, "Detection of a Denial of Service Attack"),
	CLASS("external-ip-check", 2, "Device Retrieving External IP Address Detected"),
	CLASS("misc-attack", 2, "Misc Attack"),
	CLASS("non-standard-protocol", 2, "Detection of a non-standard protocol or event"),
	CLASS("pup-activity", 2, "Possibly Unwanted Program Detected"),
	CLASS("rpc-portmap-decode", 2, "Decode of an RPC Query"),
	CLASS("social-engineering", 2, "Possible Social Engineering Attempted"),
	CLASS("successful-dos", 2, "Denial of Service"),
	CLASS("successful-recon-largescale", 2, "Large Scale Information Leak"),
	CLASS("successful-recon-limited", 2, "Information Leak"),
	CLASS("suspicious-filename-detect", 2, "A suspicious filename was detected"),
	CLASS("suspicious-login", 2, "An attempted login using a suspicious username was detected"),
	CLASS("system-call-detect", 2, "A system call was detected"),
	CLASS("unusual-client-port-connection", 2, "A client was using an unusual port"),
	CLASS("web-application-activity", 2, "access to a potentially vulnerable web application"),
	CLASS("icmp-event", 3, "Generic ICMP event"),
	CLASS("misc-activity", 3, "Misc activity"),
	CLASS("network-scan", 3, "Detection of a Network Scan"),
	CLASS("not-suspicious", 3, "Not Suspicious Traffic"),
	CLASS("protocol-command-decode", 3, "Generic Protocol Command Decode"),
	CLASS("string-detect", 3, "A suspicious string was detected"),
	CLASS("unknown", 3, "Unknown Traffic"),
	CLASS("tcp-connection", 4, "A TCP connection was detected"),
};

static bool class_put(struct rule_classes *c, struct arena *a, const struct rule_class *new)
{
	struct rule_class *copy = ARENA_NEW(a, struct rule_class);

	if (copy == NULL)
		return false;
	*copy = *new;
	return rule_table_put(&c->names, a, copy->name, copy);
}

bool rule_classes_init(struct rule_classes *c, struct arena *a)
{
	for (size_t i = 0; i < sizeof default_classes / sizeof default_classes[0]; i++)
		if (!class_put(c, a, &default_classes[i]))
			return false;
	return true;
}

/* "config classification: short,description,priority"; the description may hold commas. */
static bool class_parse(struct slice line, struct rule_class *out)
{
	static const struct slice words[] = {{(const uint8_t *)"config", 6},
					     {(const uint8_t *)"classification", 14},
					     {(const uint8_t *)":", 1}};
	size_t comma;

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		line = slice_trim(line);
		if (!slice_starts(line, words[i]))
			return false;
		line = slice_from(line, words[i].len);
	}
	out->name = slice_trim(slice_split(&line, ','));
	for (comma = line.len; comma > 0 && line.ptr[comma - 1] != ','; comma--)
		;
	if (comma == 0 || !rule_name_ok(out->name))
		return false;
	out->description = slice_trim(slice_part(line, 0, comma - 1));
	return out->description.len > 0 &&
	       text_u64(slice_trim(slice_from(line, comma)), 1, RULE_PRIORITY_MAX, &out->priority);
}

enum status rule_set_classes(struct rule_set *s, struct slice file, struct slice text,
			     struct fail *why)
{
	struct rule_problem where = {.file = arena_copy(s->arena, file)};
	struct slice rest = arena_copy(s->arena, text);
	bool ok = rest.len == text.len && where.file.len == file.len;

	while (ok && rest.len > 0) {
		struct slice line = slice_trim(rule_text_line(&rest));
		struct rule_class c;

		where.line++;
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		if (class_parse(line, &c))
			ok = class_put(s->classes, s->arena, &c);
		else
			rule_problem_add(s, &where,
					 "expected \"config classification: "
					 "name,description,priority\" with a priority of 1 to %d",
					 RULE_PRIORITY_MAX);
	}
	if (!ok || s->arena->exhausted)
		return fail_set(why, ST_NOMEM, "%.*s: no memory for classifications",
				RULE_SHOW(file));
	return ST_OK;
}
