/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/control.h - the two ends of the control socket: what a sensor (control.c) and who asks it
 * (control_ask.c) share. docs/formats/control.md. Private to the module.
 */
#ifndef DEW_DAEMON_CONTROL_H
#define DEW_DAEMON_CONTROL_H

#include "base/slice.h"
#include "base/status.h"
#include "daemon/throttle.h"

struct sockaddr_un;

enum {
	CONTROL_NAME_MAX = 32,	 /* bytes of a command with a NUL */
	CONTROL_ANSWER_MS = 250, /* for a client to take what it asked for */
};

/* All of it within CONTROL_ANSWER_MS; false: the other end does not read. */
MUST_USE bool daemon_control_send(int fd, struct slice s);
MUST_USE enum status daemon_control_address(struct slice path, struct sockaddr_un *out,
					    struct fail *why);
int daemon_control_dial(const struct sockaddr_un *at); /* a descriptor, or -1 with errno */

/* A request with its line feed; its answer as daemon_control_ask() gives it. */
struct arena;
MUST_USE enum status daemon_control_ask_line(struct slice path, struct slice text, struct arena *a,
					     struct slice *out, struct fail *why);

struct control_request {
	char name[CONTROL_NAME_MAX];
	bool greeting; /* not a request: {"version":"0.2"}, as a client of Suricata says first */
	uint32_t id;   /* arguments.id, a tenant's or an order's; 0: not said */
	/* Of throttle-add, as throttle.h says; "" and 0: not said, or it does not fit. */
	char target[THROTTLE_TARGET_MAX], basis[THROTTLE_BASIS_MAX];
	uint64_t bits_per_s;
	uint32_t seconds;
};

/* {"command":"reload-tenant","arguments":{"id":2}}: true. */
bool daemon_control_parse(struct slice line, struct control_request *out);

#endif
