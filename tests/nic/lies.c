/*
 * A NIC or a driver that is wrong, in one or several ways:
 *
 *   wrong      the mark of another rule, or of the only one with a bit turned
 *   stale      the mark of the rule that was removed last
 *   range      a mark that no rule has or can have
 *   zero       a mark of zero
 *   missing    no mark
 *   stray      the first rule's mark, on packets that match none
 *   wrapped    the mark of a rule that strips, on packets that are not stripped
 *   good       checksums are right, of all headers
 *   tunnel     there is a tunnel in every packet
 *   blind      there is a tunnel in none
 */
#include "nic.h"

#include <stdlib.h>
#include <string.h>

static bool tells(const char *name)
{
	const char *lies = getenv("NICMODEL_LIES");
	size_t len = strlen(name);
	while (lies != NULL && *lies != '\0') {
		size_t word = strcspn(lies, ",");
		if (word == len && strncmp(lies, name, len) == 0)
			return true;
		lies += word + (lies[word] == ',');
	}
	return false;
}

static void set_mark(struct rte_mbuf *mbuf, uint32_t mark)
{
	mbuf->hash.fdir.hi = mark;
	mbuf->ol_flags |= RTE_MBUF_F_RX_FDIR | RTE_MBUF_F_RX_FDIR_ID;
}

static void lie_of_mark(struct nic *nic, struct rte_mbuf *mbuf, const struct rte_flow *rule)
{
	if (rule == NULL) {
		if (tells("stray") && nic->rules != NULL)
			set_mark(mbuf, nic->rules->mark);
		return;
	}
	if (tells("wrong")) {
		const struct rte_flow *other = rule->next != NULL ? rule->next : nic->rules;
		set_mark(mbuf, other != rule ? other->mark : rule->mark ^ 1);
	}
	if (tells("stale"))
		set_mark(mbuf, nic->last_mark);
	if (tells("range"))
		set_mark(mbuf, 0xffffffff);
	if (tells("zero"))
		set_mark(mbuf, 0);
	if (tells("missing"))
		mbuf->ol_flags &= ~(RTE_MBUF_F_RX_FDIR | RTE_MBUF_F_RX_FDIR_ID);
}

/* Whether this packet is lied about. */
static bool lies_now(const struct nic *nic)
{
	const char *text = getenv("NICMODEL_LIE_EVERY");
	uint64_t every = text != NULL ? strtoull(text, NULL, 10) : 1;
	return getenv("NICMODEL_LIES") != NULL && every != 0 && nic->packets % every == 0;
}

bool leaves_headers(const struct nic *nic)
{
	return lies_now(nic) && tells("wrapped");
}

void lie(struct nic *nic, struct rte_mbuf *mbuf, const struct rte_flow *rule)
{
	if (!lies_now(nic))
		return;
	lie_of_mark(nic, mbuf, rule);
	if (tells("good")) {
		mbuf->ol_flags &= ~(RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK |
				    RTE_MBUF_F_RX_OUTER_IP_CKSUM_BAD |
				    RTE_MBUF_F_RX_OUTER_L4_CKSUM_MASK);
		mbuf->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD |
				  RTE_MBUF_F_RX_OUTER_L4_CKSUM_GOOD;
	}
	if (tells("tunnel"))
		mbuf->packet_type |= RTE_PTYPE_TUNNEL_VXLAN;
	if (tells("blind"))
		mbuf->packet_type &= ~RTE_PTYPE_TUNNEL_MASK;
}
