/* SPDX-License-Identifier: Apache-2.0
 * "arp" events: RFC 826, for IPv4 on Ethernet. */
#include "sensor/pipeline/report_priv.h"

#include "base/cursor.h"

static const char *operation_name(uint16_t operation)
{
	static const char *const names[] = {
		[1] = "request",       [2] = "reply",	      [3] = "request_reverse",
		[4] = "reply_reverse", [8] = "inarp_request", [9] = "inarp_reply",
	};

	return operation < sizeof names / sizeof names[0] && names[operation] != NULL
		       ? names[operation]
		       : "unknown";
}

static void put_mac(struct json *j, const char *key, struct slice bytes)
{
	json_key(j, key);
	report_mac(j, bytes.ptr);
}

static void put_ip(struct json *j, const char *key, struct slice bytes)
{
	struct addr addr = addr_v4(bytes.ptr);
	char text[ADDR_TEXT_MAX];

	json_key(j, key);
	json_str(j, addr_format(&addr, text));
}

void pipeline_report_arp(struct pipeline *p)
{
	REPORT_EACH(p, o, REPORT_ARP)
	{
		struct cursor c = cursor_of(p->packet.arp);
		struct buf b = buf_in(&p->scratch);
		struct json j = json_in(&b);
		struct record *r = report_of_packet(p, o, RECORD_OBJECT, NULL);
		uint16_t hardware = cursor_be16(&c), protocol = cursor_be16(&c);

		(void)cursor_be16(&c); /* lengths: the decoder has seen to them */
		r->type = SLICE("arp");
		json_object(&j);
		json_key(&j, "hw_type");
		json_z(&j, hardware == 1 ? "ethernet" : "unknown");
		json_key(&j, "proto_type");
		json_z(&j, protocol == 0x0800 ? "ipv4" : "unknown");
		json_key(&j, "opcode");
		json_z(&j, operation_name(cursor_be16(&c)));
		put_mac(&j, "src_mac", cursor_take(&c, 6));
		put_ip(&j, "src_ip", cursor_take(&c, 4));
		put_mac(&j, "dest_mac", cursor_take(&c, 6));
		put_ip(&j, "dest_ip", cursor_take(&c, 4));
		json_end(&j);
		report_add_json(p, "", "arp", &b);
		report_emit(p, o, r);
	}
}
