/* SPDX-License-Identifier: Apache-2.0
 *
 * The kinds of evidence. Ranges are proposals of ours: how much more often such an item is seen
 * where it names the right one than where it does not (docs/formats/evidence.md 3). A dossier that
 * knows better says so item by item.
 */
#include "assess/dossier/dossier.h"

const struct dossier_kind dossier_kinds[] = {
	{"territory", true, 5, 1500, 4000, FUSE_MODERATE,
	 "where the machine stands to which it was traced; not where it began"},
	{"infrastructure", true, 3, 3000, 9000, FUSE_MODERATE,
	 "servers, domains or accounts that were used before"},
	{"malware", true, 3, 2000, 6000, FUSE_CHEAP, "the family a program belongs to"},
	{"tool-mark", true, 3, 2000, 12000, FUSE_CHEAP,
	 "marks a build leaves: headers, strings, paths"},
	{"hours", true, 3, 1200, 3000, FUSE_TRIVIAL, "when somebody worked"},
	{"language", true, 3, 1200, 3000, FUSE_TRIVIAL, "languages, fonts, keyboards"},
	{"victims", true, 3, 1500, 4000, FUSE_CHEAP, "who was attacked, and who was spared"},
	{"secret", true, 3, 6000, 20000, FUSE_HARD,
	 "keys, unpublished code or knowledge of a target that few have"},
	{"slip", true, 3, 4000, 15000, FUSE_HARD, "what operators did by mistake, over months"},
	{"path-proof", true, 3, 4000, 20000, FUSE_CRYPTOGRAPHIC,
	 "a path over machines that stations of several parties signed"},
	{"claim", false, 4, 1200, 3000, FUSE_TRIVIAL, "somebody says it was him"},
	{"denial", false, 5, 700, 1000, FUSE_TRIVIAL, "somebody says it was not him"},
	{"statement", false, 5, 1500, 5000, FUSE_CHEAP, "a government or a firm says who it was"},
	{"intelligence", false, 5, 3000, 12000, FUSE_MODERATE, "people, intercepts; mostly sealed"},
	{"legal", false, 5, 4000, 20000, FUSE_HARD,
	 "an indictment or judgment, with what it shows"},
	{"motive", false, 5, 1200, 3000, FUSE_CHEAP, "who had a reason, and the time it came at"},
	{0},
};

const char *const dossier_relations[DOSSIER_RELATIONS] = {
	"state-prohibited", "state-prohibited-but-inadequate",
	"state-ignored",    "state-encouraged",
	"state-shaped",	    "state-coordinated",
	"state-ordered",    "state-rogue-conducted",
	"state-executed",   "state-integrated"};

const char *const dossier_forgings[FUSE_FORGINGS] = {"trivial", "cheap", "moderate", "hard",
						     "cryptographic"};

const char *const dossier_operators[FUSE_OPERATORS] = {"state organ", "directed proxy", "criminal",
						       "independent", "insider",	"unknown"};
