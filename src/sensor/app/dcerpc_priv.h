/* SPDX-License-Identifier: Apache-2.0
 *
 * DCE/RPC PDUs, wherever they travel: TCP, UDP (dcerpc.c) and SMB's named pipes (smb_pipe.c).
 * C706 12.6 (connection-oriented), 12.5 (connectionless).
 */
#ifndef DEW_SENSOR_APP_DCERPC_PRIV_H
#define DEW_SENSOR_APP_DCERPC_PRIV_H

#include "base/cursor.h"
#include "base/json.h"
#include "sensor/app/app.h"

enum dcerpc_type {
	DCERPC_REQUEST = 0,
	DCERPC_RESPONSE = 2,
	DCERPC_FAULT = 3,
	DCERPC_BIND = 11,
	DCERPC_BIND_ACK = 12,
	DCERPC_BIND_NAK = 13,
	DCERPC_ALTER = 14,
	DCERPC_ALTER_RESP = 15,
	DCERPC_SHUTDOWN = 17,
	DCERPC_TYPES = 21, /* 20 is the last */
	DCERPC_UNKNOWN = 99,
};

enum {
	DCERPC_HEADER_BYTES = 16,
	DCERPC_REQUEST_BYTES = 24,     /* header and what follows it in a request or response */
	DCERPC_INTERFACES_MAX = 64,    /* of one connection; the oldest goes */
	DCERPC_STUB_MAX = 1024 * 1024, /* bytes of stub data kept of a call and direction */
	DCERPC_FIRST = 0x01,	       /* pfc_flags */
	DCERPC_LAST = 0x02,
	DCERPC_OBJECT = 0x80,
};

struct dcerpc_header {
	uint8_t major, minor, type, flags;
	bool little;
	uint16_t length; /* of the fragment, with this header */
	uint32_t call;
};

/* One presentation context of a bind. */
struct dcerpc_interface {
	uint8_t uuid[16]; /* in the order in which it is written */
	uint16_t context, version, minor;
	uint16_t result;
	bool acked;
	bool first; /* the bind was a first fragment */
	uint32_t call;
};

struct dcerpc_interfaces {
	struct dcerpc_interface *of; /* room for DCERPC_INTERFACES_MAX, in the flow's arena */
	uint32_t count;
};

/* One call: a request and its response. */
struct dcerpc_call {
	uint8_t request, response; /* enum dcerpc_type */
	bool has_request, has_response;
	uint16_t context, opnum;
	uint32_t call;
	uint16_t fragments[2];
	struct buf stub[2];
	uint64_t opnum_value; /* opnum, as a field has it */
};

/* Of any version. False: there are not so many bytes. */
bool app_dcerpc_header(struct cursor *c, struct dcerpc_header *out);
uint16_t app_dcerpc_u16(struct cursor *c, bool little);
uint32_t app_dcerpc_u32(struct cursor *c, bool little);
/* 16 bytes as they travel to the order in which a UUID is written. */
void app_dcerpc_uuid(struct cursor *c, bool little, uint8_t out[16]);
/* The body of a bind or alter_context behind its header: its contexts are added. */
bool app_dcerpc_bind(struct dcerpc_interfaces *all, struct arena *a, struct cursor *c,
		     const struct dcerpc_header *h);
/* The body of its answer: results go to the contexts of the same call, in their order. */
bool app_dcerpc_bind_ack(struct dcerpc_interfaces *all, struct cursor *c,
			 const struct dcerpc_header *h);
/* The body of a request: context, opnum and the stub. */
bool app_dcerpc_request(struct cursor *c, const struct dcerpc_header *h, uint16_t *out_context,
			uint16_t *out_opnum, struct slice *out_stub);
bool app_dcerpc_response(struct cursor *c, const struct dcerpc_header *h, struct slice *out_stub);
void app_dcerpc_stub_add(struct dcerpc_call *call, struct arena *a, enum app_dir dir,
			 struct slice stub);

/* What rules look at: "dcerpc.iface" has a value for each context that was accepted and has the
 * call's id, 16 bytes UUID, 2 bytes version, 1 byte whether the bind was a first fragment. */
struct slice app_dcerpc_get_interface(const struct dcerpc_interfaces *all,
				      const struct dcerpc_call *call, struct arena *a, unsigned n);

/* EVE */
const char *app_dcerpc_type_name(uint8_t type, char text[4]);
void app_dcerpc_json_uuid(struct json *j, const uint8_t uuid[16]);
void app_dcerpc_json_interface(struct json *j, const struct dcerpc_interface *i, bool with_result,
			       bool with_reason);
void app_dcerpc_json_side(struct json *j, const struct dcerpc_call *call, enum app_dir dir,
			  bool with_opnum);

#endif
