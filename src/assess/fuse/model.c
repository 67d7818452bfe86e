/* SPDX-License-Identifier: Apache-2.0
 * The numbers that are no evidence. Where each is from: docs/formats/evidence.md 4. */
#include "assess/fuse/fuse.h"

const struct fuse_model fuse_ladder_1 = {
	.name = "ladder-1",
	.forged = {950, 750, 450, 120, 10},
	.feared = {1000, 950, 800, 500, 50},
	.cost = {1, 2, 5, 20, 1000},
	.reliable = {950, 850, 700, 500, 300, 500},
	.credible = {1000, 900, 750, 500, 200, 500},
	.echo = {[FUSE_CAMPAIGN] = 400, [FUSE_FEED] = 600, [FUSE_BINARY] = 800, [FUSE_APART] = 0},
	.framing = {[FUSE_ORGAN] = 150,
		    [FUSE_PROXY] = 100,
		    [FUSE_CRIMINAL] = 50,
		    [FUSE_INDEPENDENT] = 20,
		    [FUSE_INSIDER] = 20,
		    [FUSE_UNKNOWN] = 100},
	.stubborn = 900,
	.most_technical = 20000,
	.most = 50000,
};
