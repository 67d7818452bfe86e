/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/collecting.h - flow export coming in. Private to the module; one thread.
 *
 *	collect.c	the job: outputs, powers, from sockets until told to end
 *	collect_wire.c	the sockets: datagrams and connections, whole messages out of them
 *	collect_file.c	captures of datagrams, and IPFIX files
 */
#ifndef DEW_DAEMON_COLLECTING_H
#define DEW_DAEMON_COLLECTING_H

#include "daemon/daemon_priv.h"
#include "sensor/collect/collect.h"

struct pollfd;

/* A file through one collector: into `collect`, which is finished by it. What the file was is in
 * *out (packets: messages). */
struct collecting_file {
	struct slice path;
	const uint16_t *ports; /* of datagrams in captures */
	size_t port_count;
	const struct daemon_progress *progress;
};
MUST_USE enum status daemon_collect_file(const struct collecting_file *f, struct collect *collect,
					 struct arena *a, struct daemon_capture *out,
					 struct fail *why);
/* The ports that exporters use by custom: 2055, 4739, 9995, 9996. */
extern const uint16_t daemon_collect_ports[];
extern const size_t daemon_collect_port_count;

/* ---- sockets ---- */

enum {
	COLLECT_LISTENERS_MAX = 8,
	COLLECT_CONNECTIONS_MAX = 32, /* one more is closed at once */
	COLLECT_FDS_MAX = COLLECT_LISTENERS_MAX + COLLECT_CONNECTIONS_MAX,
};

struct collect_wire;

/* listen: "udp://192.0.2.1:4739", "tcp://[::1]:4739". */
MUST_USE enum status daemon_collect_wire_open(const struct slice *listen, size_t count,
					      struct arena *a, struct collect_wire **out,
					      struct fail *why);
size_t daemon_collect_wire_fds(const struct collect_wire *w, struct pollfd *out);
/* Gives what came to collect; at most so much at once that others get their turn. */
void daemon_collect_wire_step(struct collect_wire *w, struct collect *collect,
			      const struct pollfd *fds, size_t n);
uint64_t daemon_collect_wire_dropped(const struct collect_wire *w); /* datagrams, by the kernel */
/* "udp://[::]:4739" of the i-th listener, with the port that it got; false behind the last. */
bool daemon_collect_wire_name(const struct collect_wire *w, size_t i, struct slice *out);
void daemon_collect_wire_close(struct collect_wire *w); /* NULL is fine */

#endif
