/* SPDX-License-Identifier: Apache-2.0
 * Bounds by configuration. Suricata's zero, "no limit", is the largest number here: work for a
 * packet always has an end. */
#include "sensor/config/config.h"
#include "sensor/detect/detect_priv.h"

enum {
	STEPS = 3000,
	STEPS_MOST = 1000000,
	PCRE_MATCHES = 3500,
	PCRE_DEPTH = 1500,
	PCRE_MOST = 10000000,
	CHUNK = 2560,
	CHUNK_MOST = 1 << 20,
	CHUNK_RANGE = 10, /* per cent, half of it on each side */
};

static uint32_t bound(struct config *c, const char *path, uint32_t most, uint32_t fallback)
{
	uint64_t n = config_u64(c, path, 0, UINT32_MAX, fallback);

	return n == 0 || n > most ? most : (uint32_t)n;
}

/* Suricata makes its chunks larger or smaller by up to half the range, by chance and anew at each
 * start. A verdict here has to come out the same twice: always the largest of those. */
static size_t chunk(struct config *c, const char *path, unsigned range)
{
	uint64_t n = config_size(c, path, CHUNK);

	if (n == 0 || n > CHUNK_MOST)
		n = CHUNK_MOST;
	return (size_t)(n + n * range / 200);
}

void detect_bounds_read(struct config *config, struct detect_bounds *out)
{
	unsigned range = 0;

	if (config_bool(config, "stream.reassembly.randomize-chunk-size", true))
		range = config_percent(config, "stream.reassembly.randomize-chunk-range",
				       CHUNK_RANGE);
	*out = (struct detect_bounds){
		.steps = bound(config, "detect.inspection-recursion-limit", STEPS_MOST, STEPS),
		.pcre_matches = bound(config, "pcre.match-limit", PCRE_MOST, PCRE_MATCHES),
		.pcre_depth = bound(config, "pcre.match-limit-recursion", PCRE_MOST, PCRE_DEPTH),
		.chunk = {[FLOW_TO_SERVER] =
				  chunk(config, "stream.reassembly.toserver-chunk-size", range),
			  [FLOW_TO_CLIENT] =
				  chunk(config, "stream.reassembly.toclient-chunk-size", range)},
	};
}
