/* SPDX-License-Identifier: Apache-2.0
 *
 * source_priv.h - what the files of this module share.
 */
#ifndef DEW_SENSOR_SOURCE_PRIV_H
#define DEW_SENSOR_SOURCE_PRIV_H

#include <linux/filter.h>
#include <sys/socket.h>

#include "sensor/source/source.h"

enum { SOURCE_SPREAD_MAX = 160 /* instructions */ };

enum {
	SOURCE_LINK_EN10MB = 1,
	SOURCE_LINK_RAW = 101,
	SOURCE_SNAP_ALL = 256 << 10,
};

/* A packet socket (packet(7)) on an interface. */
struct source_socket {
	int fd; /* -1: not open */
	char name[SOURCE_NAME_MAX];
	uint32_t linktype;
	bool loopback;
};

/* In this order. Nothing comes in before source_socket_let_in(). */
enum status source_socket_open(struct source_socket *k, struct slice name, struct fail *why);
enum status source_socket_look_at(struct source_socket *k, int *out_index, struct fail *why);
enum status source_socket_refuse_all(const struct source_socket *k, struct fail *why);
enum status source_socket_bind(const struct source_socket *k, int index, bool promiscuous,
			       struct fail *why);
enum status source_socket_join(const struct source_socket *k, const struct source_tap_options *o,
			       struct fail *why); /* o->group */
enum status source_socket_let_in(const struct source_socket *k, struct slice filter,
				 uint32_t snaplen, struct fail *why);
/* Instead: what comes to the interface, and nothing that leaves by it. (PACKET_IGNORE_OUTGOING does
 * not hold for a socket that has joined others.) */
enum status source_socket_let_in_arrivals(const struct source_socket *k, struct fail *why);

int source_socket_option(const struct source_socket *k, int name, const void *value,
			 socklen_t bytes);
/* By errno. */
enum status source_socket_failed(const struct source_socket *k, const char *what, struct fail *why);

/* Puts a tag back that the card or the kernel has taken out: what decoders want to see is what was
 * on the wire. There is room for it before the frame. tpid 0: 802.1Q. */
uint8_t *source_tag_restore(uint8_t *frame, uint32_t tpid, uint32_t tci);
enum { SOURCE_MACS = 12, SOURCE_TAG = 4 }; /* bytes: two addresses before a tag; a tag */

/* Writes the program that spreads packets by pair of addresses; how many instructions it has. */
uint16_t source_spread_program(uint32_t seed, struct sock_filter out[SOURCE_SPREAD_MAX]);

#endif
