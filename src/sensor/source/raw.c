/* SPDX-License-Identifier: Apache-2.0
 * Packets of our own, routed as this machine routes its own (raw(7)). */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sensor/source/source.h"

enum status source_raw_open(struct source_raw *out, struct fail *why)
{
	/* of this protocol nothing is ever received, and headers are ours */
	out->v4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
	out->v6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
	out->open = true;
	if (out->v4 >= 0 || out->v6 >= 0)
		return ST_OK;
	return fail_set(why, errno == EPERM ? ST_REFUSED : ST_IO, "cannot send packets: %s",
			strerrordesc_np(errno));
}

bool source_raw_send(const struct source_raw *r, struct slice packet, const struct addr *to)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	const void *at = to->family == 6 ? (const void *)&v6 : (const void *)&v4;

	if (!r->open)
		return false;
	memcpy(&v4.sin_addr, to->b, sizeof v4.sin_addr);
	memcpy(&v6.sin6_addr, to->b, sizeof v6.sin6_addr);
	return sendto(to->family == 6 ? r->v6 : r->v4, packet.ptr, packet.len, MSG_DONTWAIT, at,
		      to->family == 6 ? sizeof v6 : sizeof v4) == (ssize_t)packet.len;
}

void source_raw_close(struct source_raw *r)
{
	if (!r->open)
		return;
	if (r->v4 >= 0)
		(void)close(r->v4);
	if (r->v6 >= 0)
		(void)close(r->v6);
	r->open = false;
}
