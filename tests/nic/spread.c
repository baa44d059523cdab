/* RSS: the Toeplitz hash of addresses and ports, of outer or inner headers. */
#include "driver.h"

#include <rte_thash.h>

/* The key that Microsoft's specification of RSS verifies implementations by. */
static const uint8_t key[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static uint32_t be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t hash(const uint8_t *ip, size_t len, uint64_t types)
{
	size_t l4 = (size_t)(ip[0] & 0xf) * 4;
	bool fragment = ((ip[6] << 8 | ip[7]) & 0x3fff) != 0;
	bool ports = !fragment && l4 + 4 <= len &&
		     ((ip[9] == 17 && (types & RTE_ETH_RSS_UDP) != 0) ||
		      (ip[9] == 6 && (types & RTE_ETH_RSS_TCP) != 0));
	uint32_t tuple[3] = {be32(ip + 12), be32(ip + 16), ports ? be32(ip + l4) : 0};
	return rte_softrss(tuple, ports ? 3 : 2, key);
}

uint16_t spread(const struct nic *nic, const struct rte_flow *rule, struct rte_mbuf *mbuf,
		uint16_t queues, uint64_t types)
{
	const uint8_t *bytes = rte_pktmbuf_mtod(mbuf, const uint8_t *);
	size_t len = rte_pktmbuf_data_len(mbuf);
	bool ruled = rule != NULL && rule->queues != 0;
	struct layers layers;

	if (ruled)
		types = rule->rss_types;
	if (types == 0)
		return 0;
	parse(bytes, len, nic_knows_port, nic, &layers);
	size_t ip = layers.at[LAYER_IPV4];
	if (ruled && rule->level == 2 && !rule->strips)
		ip = layers.at[LAYER_INNER_IPV4];
	/* What has no such header is hashed to zero. */
	uint32_t value = ip != NOWHERE ? hash(bytes + ip, len - ip, types) : 0;
	mbuf->hash.rss = value;
	mbuf->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
	uint16_t queue = ruled ? rule->queue[value % rule->queues] : (uint16_t)(value % queues);
	return queue < queues ? queue : 0;
}
