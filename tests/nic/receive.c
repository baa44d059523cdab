/* What a driver says of a packet that it delivers. */
#include "nic.h"

#define PLAIN_TYPE (RTE_PTYPE_L2_ETHER | RTE_PTYPE_L3_IPV4_EXT_UNKNOWN)

static uint64_t flag(enum verdict verdict, uint64_t good, uint64_t bad)
{
	return verdict == VERDICT_GOOD ? good : verdict == VERDICT_BAD ? bad : 0;
}

static uint64_t plain_pair(const uint8_t *ip, size_t len)
{
	return flag(ipv4_verdict(ip, len), RTE_MBUF_F_RX_IP_CKSUM_GOOD, RTE_MBUF_F_RX_IP_CKSUM_BAD) |
	       flag(l4_verdict(ip, len), RTE_MBUF_F_RX_L4_CKSUM_GOOD, RTE_MBUF_F_RX_L4_CKSUM_BAD);
}

/* Once a tunnel is seen the plain pair is of the inner headers. */
static void classify(const struct nic *nic, struct rte_mbuf *mbuf, const uint8_t *bytes, size_t len,
		     const struct layers *layers)
{
	size_t ip = layers->at[LAYER_IPV4], inner = layers->at[LAYER_INNER_IPV4];
	if (ip == NOWHERE)
		return;
	mbuf->packet_type = PLAIN_TYPE;
	if (layers->at[LAYER_UDP] != NOWHERE)
		mbuf->packet_type |= RTE_PTYPE_L4_UDP;
	if (layers->at[LAYER_VXLAN] == NOWHERE) {
		mbuf->ol_flags |= plain_pair(bytes + ip, len - ip);
		return;
	}
	mbuf->packet_type |= RTE_PTYPE_TUNNEL_VXLAN | RTE_PTYPE_INNER_L2_ETHER;
	/* There is no "good" for the outer IPv4 header. */
	if (nic->dialect->rx_offloads & RTE_ETH_RX_OFFLOAD_OUTER_IPV4_CKSUM)
		mbuf->ol_flags |= flag(ipv4_verdict(bytes + ip, len - ip), 0,
				       RTE_MBUF_F_RX_OUTER_IP_CKSUM_BAD);
	if (nic->dialect->rx_offloads & RTE_ETH_RX_OFFLOAD_OUTER_UDP_CKSUM)
		mbuf->ol_flags |= flag(l4_verdict(bytes + ip, len - ip),
				       RTE_MBUF_F_RX_OUTER_L4_CKSUM_GOOD,
				       RTE_MBUF_F_RX_OUTER_L4_CKSUM_BAD);
	if (inner != NOWHERE) {
		mbuf->packet_type |= RTE_PTYPE_INNER_L3_IPV4_EXT_UNKNOWN;
		mbuf->ol_flags |= plain_pair(bytes + inner, len - inner);
	}
}

struct rte_flow *nic_receive(struct nic *nic, struct rte_mbuf *mbuf)
{
	const uint8_t *bytes = rte_pktmbuf_mtod(mbuf, const uint8_t *);
	size_t len = rte_pktmbuf_data_len(mbuf);
	struct layers layers;
	struct rte_flow *rule = nic->rules;

	nic->packets++;
	parse(bytes, len, nic_knows_port, nic, &layers);
	classify(nic, mbuf, bytes, len, &layers);
	/* What has no inner header is not stripped. */
	while (rule != NULL && (!rule_matches(rule, bytes, len, &layers) ||
				(rule->strips && layers.at[LAYER_INNER_ETH] == NOWHERE)))
		rule = rule->next;
	if (rule != NULL) {
		rule->hits++;
		rule->bytes += rte_pktmbuf_pkt_len(mbuf);
		if (rule->marks) {
			mbuf->hash.fdir.hi = rule->mark;
			mbuf->ol_flags |= RTE_MBUF_F_RX_FDIR | RTE_MBUF_F_RX_FDIR_ID;
		}
		if (rule->strips && !leaves_headers(nic)) {
			rte_pktmbuf_adj(mbuf, layers.at[LAYER_INNER_ETH]);
			mbuf->packet_type = PLAIN_TYPE;
		}
	}
	lie(nic, mbuf, rule);
	return rule;
}
