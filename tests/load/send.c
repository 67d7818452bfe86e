/* SPDX-License-Identifier: Apache-2.0
 *
 * send INTERFACE CAPTURE PACKETS_A_SECOND SECONDS [PASS]: a capture's frames, again and again, at a
 * rate.
 *
 * Each time through, the addresses of IPv4 packets are others (their checksums are not: who listens
 * must not look at them), so every pass is other flows. Passes are numbered from PASS (0 if not
 * given), modulo 65536: who send at the same time begin far apart. 0 packets a second: as fast as
 * it goes.
 *
 * Prints what it did as one JSON object: a rate that could not be kept is seen in it. `late_us` is
 * the most that a packet went out behind its time; `refused` how often the interface had no room,
 * after which the same packet was sent again.
 *
 * Frames come from the file as it is mapped; sendmmsg() takes BATCH at a time. One thread. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/file.h"
#include "sensor/capture/capture.h"

enum { BATCH = 32, FRAME_MOST = 65535, HEAD = 34 /* Ethernet, IPv4 */ };

struct sending {
	int fd;
	uint8_t *frames; /* of BATCH */
	struct mmsghdr m[BATCH];
	struct iovec v[BATCH];
	unsigned count;
	uint64_t sent, bytes, refused, too_long;
	int64_t begin, late, gap_ps; /* picoseconds between two packets */
};

static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "send: %s: %m\n", what);
	exit(2);
}

static int interface_open(const char *name)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd = socket(AF_PACKET, SOCK_RAW, 0), one = 1;

	at.sll_ifindex = (int)if_nametoindex(name);
	if (fd < 0 || at.sll_ifindex == 0 ||
	    bind(fd, (const struct sockaddr *)(const void *)&at, sizeof at) != 0)
		die(name);
	/* no queue between us and the wire; a kernel without it has one */
	(void)setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
	return fd;
}

/* When the packet behind those that were sent is due. */
static void wait_for_turn(struct sending *s)
{
	int64_t due = s->begin + (int64_t)(s->sent * (uint64_t)s->gap_ps / 1000);
	int64_t now = os_clock_mono().ns;

	if (s->gap_ps == 0)
		return;
	if (now - due > s->late)
		s->late = now - due;
	while (now < due) {
		if (due - now > 100 * 1000) { /* else the turn comes sooner than a sleeper wakes */
			struct timespec t = {.tv_nsec = due - now - 60 * 1000};

			(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL); /* the loop looks */
		}
		now = os_clock_mono().ns;
	}
}

static void flush(struct sending *s)
{
	unsigned done = 0;

	wait_for_turn(s);
	while (done < s->count) {
		int n = sendmmsg(s->fd, s->m + done, s->count - done, 0);

		if (n > 0) {
			done += (unsigned)n;
		} else if (errno == EMSGSIZE) {
			s->too_long++;
			s->sent--; /* the batch is counted as a whole */
			s->bytes -= s->v[done].iov_len;
			done++;
		} else if (errno == ENOBUFS || errno == EAGAIN || errno == EINTR) {
			s->refused++;
		} else {
			die("sendmmsg");
		}
	}
	s->sent += s->count;
	s->count = 0;
}

static void put(struct sending *s, struct slice frame, uint32_t pass)
{
	uint8_t *to = s->frames + (size_t)s->count * FRAME_MOST;

	if (frame.len > FRAME_MOST || frame.len < ETHER_HDR_LEN) {
		s->too_long++;
		return;
	}
	memcpy(to, frame.ptr, frame.len);
	if (frame.len >= HEAD && to[12] == 8 && to[13] == 0)
		for (unsigned i = 0; i < 2; i++) { /* both ends alike: a pair stays a pair */
			to[27 + 4 * i] ^= (uint8_t)(pass >> 8);
			to[28 + 4 * i] ^= (uint8_t)pass;
		}
	s->v[s->count].iov_base = to;
	s->v[s->count].iov_len = frame.len;
	s->bytes += frame.len;
	if (++s->count == BATCH)
		flush(s);
}

/* Once through the file. False: time is over. */
static bool pass(struct sending *s, struct slice file, uint32_t number, int64_t until)
{
	static struct capture c; /* too large for a stack */
	struct capture_packet p;
	struct fail why;

	if (capture_open(&c, file, &why) != ST_OK) {
		(void)fprintf(stderr, "send: %s\n", why.text);
		exit(2);
	}
	while (capture_next(&c, &p, &why) == ST_OK) {
		put(s, p.data, number);
		if (s->count == 0 && os_clock_mono().ns >= until)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct sending s = {0};
	struct os_map map;
	struct fail why;
	uint64_t rate;
	int64_t until;
	double seconds;

	if (argc != 5 && argc != 6) {
		(void)fprintf(stderr, "send INTERFACE CAPTURE PACKETS_A_SECOND SECONDS [PASS]\n");
		return 2;
	}
	if (os_file_map(slice_of(argv[2]), &map, &why) != ST_OK) {
		(void)fprintf(stderr, "send: %s\n", why.text);
		return 2;
	}
	rate = strtoull(argv[3], NULL, 10);
	s.gap_ps = rate != 0 ? (int64_t)(1000000000000 / rate) : 0;
	s.fd = interface_open(argv[1]);
	s.frames = calloc(BATCH, FRAME_MOST);
	if (s.frames == NULL)
		die("memory");
	for (unsigned i = 0; i < BATCH; i++)
		s.m[i].msg_hdr = (struct msghdr){.msg_iov = &s.v[i], .msg_iovlen = 1};
	s.begin = os_clock_mono().ns;
	until = s.begin + (int64_t)(strtod(argv[4], NULL) * 1e9);
	for (uint32_t i = argc == 6 ? (uint32_t)strtoul(argv[5], NULL, 10) : 0;
	     pass(&s, map.bytes, i, until); i++)
		;
	flush(&s);
	seconds = (double)(os_clock_mono().ns - s.begin) * 1e-9;
	(void)printf("{\"asked\":%llu,\"sent\":%llu,\"bytes\":%llu,\"seconds\":%.6f,"
		     "\"refused\":%llu,\"too_long\":%llu,\"late_us\":%lld}\n",
		     (unsigned long long)rate, (unsigned long long)s.sent,
		     (unsigned long long)s.bytes, seconds, (unsigned long long)s.refused,
		     (unsigned long long)s.too_long, (long long)(s.late / 1000));
	free(s.frames);
	os_map_done(&map);
	(void)close(s.fd);
	return 0;
}
