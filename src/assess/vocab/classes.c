/* SPDX-License-Identifier: Apache-2.0
 *
 * Our own closed lists. A word is here because a clause, a party's file or a report turns on it.
 */
#include "assess/vocab/vocab.h"

static const struct vocab_value actor_type[] = {
	{"state-organ", "an organ of a state, or somebody lent to it"},
	{"empowered-entity", "has public powers by a state's law, and used them"},
	{"state-directed", "instructed, directed or in effect controlled by a state in this act"},
	{"state-tolerated", "a state knows and lets it happen"},
	{"activist", "for a cause, not for gain"},
	{"criminal", "for gain, alone or in a small circle"},
	{"crime-syndicate", "for gain, as an enterprise"},
	{"terrorist", "to spread fear among those who are no combatants"},
	{"insider", "trusted by whoever was attacked, on purpose or by accident"},
	{"hacker", "for the thrill or for fame"},
	{"private-company", "sells attacks or their tools"},
	{"unknown", "not known"},
	{0},
};

static const struct vocab_value actor_role[] = {
	{"director", "says what is done to whom"},
	{"sponsor", "pays"},
	{"agent", "does it, for somebody or for itself"},
	{"operator", "sits at the keyboard while it runs"},
	{"infrastructure-operator", "runs the machines that it comes from"},
	{"malware-author", "wrote the code"},
	{"independent", "acts by itself"},
	{0},
};

static const struct vocab_value act[] = {
	{"disclosure", "data was read or copied"},
	{"alteration", "data was changed"},
	{"degradation", "a service became worse"},
	{"interruption", "a service stopped for a time"},
	{"destruction", "a system or its data was made useless for good"},
	{"hijack", "a system was made to serve somebody else"},
	{"pre-position", "code that can disrupt or destroy lies ready"},
	{"denial-of-view", "whoever watches sees something else than there is"},
	{"content", "messages were spread, and nothing else was done"},
	{0},
};

static const struct vocab_value means[] = {
	{"exploit-known", "a weakness that was published"},
	{"exploit-unknown", "a weakness that nobody had published"},
	{"credential", "a name and a secret that are somebody else's, or tried ones"},
	{"flood", "more than the other side can take"},
	{"malware", "code that does harm where it runs"},
	{"supply-chain", "a product or an update that carries it"},
	{"insider", "somebody who is trusted"},
	{"physical", "by hand, or by radiation"},
	{"social", "a person was deceived"},
	{0},
};

/* The words of party files (docs/formats/party.md). */
static const struct vocab_value sector[] = {
	{"energy", ""},
	{"transport", ""},
	{"banking", ""},
	{"financial-market", ""},
	{"health", ""},
	{"drinking-water", ""},
	{"waste-water", ""},
	{"digital-infrastructure", ""},
	{"ict-services", ""},
	{"public-administration", ""},
	{"space", ""},
	{"courier", ""},
	{"waste-management", ""},
	{"chemical", ""},
	{"food", ""},
	{"manufacturing", ""},
	{"digital-providers", ""},
	{"research", ""},
	{"defence", ""},
	{"emergency", ""},
	{"elections", ""},
	{"media", ""},
	{"nuclear", ""},
	{"dams", ""},
	{"cert", ""},
	{0},
};

static const struct vocab_value status[] = {
	{"civilian", "serves civilians"},
	{"military", "is a military objective"},
	{"dual-use", "serves both"},
	{"protected", "medical, humanitarian, response teams, dams and nuclear plants"},
	{0},
};

static const struct vocab_value context[] = {
	{"peace", "no armed conflict between the two"},
	{"armed-conflict", "there is one"},
	{"occupation", "one holds the territory of the other"},
	{"prior-attack", "the other side used cyber weapons first"},
	{"consent", "whoever was affected had agreed"},
	{"exercise", "both knew that it was one"},
	{"authorised-test", "whoever was affected had ordered it"},
	{0},
};

static const struct vocab_value knowledge[] = {
	{"none", "the territory state did not know, and need not have known"},
	{"should-have-known", "it did not know, and should have"},
	{"notified", "it was told"},
	{"actual", "it knew"},
	{"ordered", "it ordered the act"},
	{0},
};

static const struct vocab_value level[] = {
	{"L0", "the event is real"},
	{"L1", "which machine"},
	{"L2", "which network and territory"},
	{"L3", "who operated it"},
	{"L4", "how that relates to a state"},
	{"L5", "which state answers"},
	{0},
};

static const struct vocab_value relation[] = {
	{"state-prohibited", "the state helps to stop it"},
	{"state-prohibited-but-inadequate", "it would stop it and cannot"},
	{"state-ignored", "it knows, and does nothing"},
	{"state-encouraged", "it encourages those who act"},
	{"state-shaped", "it lends some support"},
	{"state-coordinated", "it suggests targets and times"},
	{"state-ordered", "it has others do it"},
	{"state-rogue-conducted", "its own people do it without orders"},
	{"state-executed", "it does it itself"},
	{"state-integrated", "it and others do it under one command"},
	{0},
};

static const struct vocab_value hook[] = {
	{"organ", "the act of an organ is the state's"},
	{"empowered-entity", "so is that of whoever has public powers"},
	{"directed", "and that of whoever was instructed, directed or controlled"},
	{"adopted", "and what the state makes its own afterwards"},
	{"aided", "a state answers for knowing help to another one"},
	{"due-diligence", "a state answers for what it let happen in its territory"},
	{"none", "no state answers"},
	{0},
};

static const struct vocab_value handling[] = {
	{"red", "named persons only"},
	{"amber-strict", "the organisation only"},
	{"amber", "the organisation and its clients"},
	{"green", "the community"},
	{"clear", "everybody"},
	{"sealed", "k of n named reviewers together"},
	{0},
};

static const struct vocab_value response[] = {
	{"none", "nothing"},
	{"notify", "tell the other side"},
	{"clarify", "ask it"},
	{"preserve", "keep data"},
	{"disclose", "hand data over"},
	{"assist", "help"},
	{"clean-up", "take it off the machines"},
	{"inspect", "look on the spot"},
	{"retorsion", "an unfriendly act that breaks nothing"},
	{"throttle", "slow traffic down"},
	{"countermeasure", "an answer that would be a wrong without the wrong it answers"},
	{"necessity", "the only way against a peril that is grave and near"},
	{"collective", "several parties together"},
	{"self-defence", "against an armed attack"},
	{0},
};

static const struct vocab_value disposition[] = {
	{"confirmed", "it happened"},
	{"suspected", "it may have"},
	{"near-miss", "it was tried, and stopped"},
	{"false-positive", "it did not happen"},
	{0},
};

static const struct vocab_class classes[] = {
	{"actor-type", "who acted", actor_type},
	{"actor-role", "in which part", actor_role},
	{"act", "what was done", act},
	{"means", "by what", means},
	{"sector", "what the target is for", sector},
	{"status", "how the law protects it", status},
	{"context", "between whom it stood how", context},
	{"knowledge", "what the territory state knew", knowledge},
	{"level", "how far an attribution reaches", level},
	{"relation", "what the state has to do with it", relation},
	{"hook", "why a state would answer for it", hook},
	{"handling", "who may see it", handling},
	{"response", "what is done about it", response},
	{"disposition", "whether it happened", disposition},
};

const struct vocab_class *vocab_classes(size_t *out_count)
{
	*out_count = sizeof classes / sizeof *classes;
	return classes;
}
