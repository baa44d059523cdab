/*
 * What is asked of a NIC with a packet that it sends: a checksum, or to be cut into segments of TCP, as
 * rte_mbuf_core.h has it of RTE_MBUF_F_TX_TCP_SEG and of the flags beside it. What is asked for in a way
 * that is not allowed there is an error, and not sent: a real NIC may send something wrong, or stop.
 */
#include "driver.h"

#include <stdlib.h>
#include <string.h>

#define FIN 0x01
#define PSH 0x08
#define CWR 0x80

#define FAIL(reason)                                                                               \
	do {                                                                                       \
		*why = (reason);                                                                   \
		return false;                                                                      \
	} while (0)

/* Where headers are by what is said beside the packet. */
struct front {
	bool tunnel, ipv6;
	size_t outer_ip, outer_udp, ip, l4, payload;
};

static uint16_t be16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

static uint32_t be32(const uint8_t *at) { return (uint32_t)be16(at) << 16 | be16(at + 2); }

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* The sum of the addresses, of the protocol, and of a length. */
static uint32_t pseudo(const uint8_t *ip, bool ipv6, uint8_t protocol, size_t len)
{
	return ipv6 ? sum_bytes(protocol + (uint32_t)len, ip + 8, 32)
		    : sum_bytes(protocol + (uint32_t)len, ip + 12, 8);
}

static struct front front_of(const struct rte_mbuf *mbuf)
{
	struct front front = {
		.tunnel = (mbuf->ol_flags & RTE_MBUF_F_TX_TUNNEL_MASK) != 0,
		.ipv6 = (mbuf->ol_flags & RTE_MBUF_F_TX_IPV6) != 0,
	};
	if (front.tunnel) {
		front.outer_ip = mbuf->outer_l2_len;
		front.outer_udp = front.outer_ip + mbuf->outer_l3_len;
		front.ip = front.outer_udp;
	}
	front.ip += mbuf->l2_len;
	front.l4 = front.ip + mbuf->l3_len;
	front.payload = front.l4 + mbuf->l4_len;
	return front;
}

/* Whether all that is asked for was said to be asked for when the port was configured. */
static bool enabled(const struct rte_mbuf *mbuf, uint64_t offloads, const char **why)
{
	uint64_t flags = mbuf->ol_flags, l4 = flags & RTE_MBUF_F_TX_L4_MASK;
	if (mbuf->nb_segs > 1 && !(offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS))
		FAIL("several buffers were not configured");
	if (flags & RTE_MBUF_F_TX_TCP_SEG) {
		bool tunnel = flags & RTE_MBUF_F_TX_TUNNEL_MASK;
		if (tunnel && !(offloads & RTE_ETH_TX_OFFLOAD_VXLAN_TNL_TSO))
			FAIL("cuts in VXLAN were not configured");
		if (!tunnel && !(offloads & RTE_ETH_TX_OFFLOAD_TCP_TSO))
			FAIL("cuts were not configured");
	}
	if (l4 == RTE_MBUF_F_TX_UDP_CKSUM && !(offloads & RTE_ETH_TX_OFFLOAD_UDP_CKSUM))
		FAIL("UDP checksums were not configured");
	if (l4 == RTE_MBUF_F_TX_TCP_CKSUM && !(offloads & RTE_ETH_TX_OFFLOAD_TCP_CKSUM))
		FAIL("TCP checksums were not configured");
	if (flags & RTE_MBUF_F_TX_IP_CKSUM && !(offloads & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM))
		FAIL("IP checksums were not configured");
	if (flags & RTE_MBUF_F_TX_OUTER_IP_CKSUM && !(offloads & RTE_ETH_TX_OFFLOAD_OUTER_IPV4_CKSUM))
		FAIL("outer IP checksums were not configured");
	return true;
}

/* Whether headers are where and what they are said to be. */
static bool headers(const struct rte_mbuf *mbuf, const uint8_t *bytes, const struct front *front,
		    const char **why)
{
	uint64_t flags = mbuf->ol_flags, l4 = flags & RTE_MBUF_F_TX_L4_MASK;
	const uint8_t *ip = bytes + front->ip;
	bool udp = l4 == RTE_MBUF_F_TX_UDP_CKSUM;
	if (front->ip < 14 || front->payload < front->l4 + (udp ? 8 : 20) || mbuf->l3_len < 20)
		FAIL("headers of no length");
	if (mbuf->data_len < front->payload)
		FAIL("headers are not in the first buffer");
	if (!!(flags & RTE_MBUF_F_TX_IPV4) == front->ipv6)
		FAIL("not one version of IP");
	if (front->tunnel) {
		if ((flags & RTE_MBUF_F_TX_TUNNEL_MASK) != RTE_MBUF_F_TX_TUNNEL_VXLAN)
			FAIL("a tunnel that is not known");
		if (!(flags & RTE_MBUF_F_TX_OUTER_IPV4))
			FAIL("an outer header that is not known");
		const uint8_t *outer = bytes + front->outer_ip;
		if (outer[0] >> 4 != 4 || (outer[0] & 0xf) * 4 != mbuf->outer_l3_len || outer[9] != 17)
			FAIL("no outer IPv4 header is there");
		if (mbuf->l2_len < 8 + 8 + 14)
			FAIL("no room for UDP, VXLAN and Ethernet");
	}
	if (be16(ip - 2) != (front->ipv6 ? 0x86dd : 0x0800) || ip[0] >> 4 != (front->ipv6 ? 6 : 4))
		FAIL("no IP header is there");
	if (mbuf->l3_len != (front->ipv6 ? 40 : (ip[0] & 0xf) * 4))
		FAIL("the length of the IP header is another");
	if (ip[front->ipv6 ? 6 : 9] != (udp ? 17 : 6))
		FAIL("another protocol");
	if (mbuf->l4_len != (udp ? 8 : (bytes[front->l4 + 12] >> 4) * 4))
		FAIL("the length of the TCP or UDP header is another");
	return true;
}

/* Whether what the NIC is going to write is as it is to be before. */
static bool prepared(const struct rte_mbuf *mbuf, const uint8_t *bytes, const struct front *front,
		     const char **why)
{
	uint64_t flags = mbuf->ol_flags;
	bool cut = flags & RTE_MBUF_F_TX_TCP_SEG;
	bool udp = (flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_UDP_CKSUM;
	const uint8_t *ip = bytes + front->ip, *outer = bytes + front->outer_ip;
	/* A length of segments that are not there yet is in no sum. */
	size_t len = cut ? 0 : mbuf->pkt_len - front->l4;
	uint32_t begin = pseudo(ip, front->ipv6, udp ? 17 : 6, len);
	if (be16(bytes + front->l4 + (udp ? 6 : 16)) != fold(begin))
		FAIL("the sum of another pseudo header");
	if (flags & RTE_MBUF_F_TX_IP_CKSUM && be16(ip + 10) != 0)
		FAIL("an IP checksum is there");
	if (flags & RTE_MBUF_F_TX_OUTER_IP_CKSUM && be16(outer + 10) != 0)
		FAIL("an outer IP checksum is there");
	if (!cut)
		return true;
	if (mbuf->tso_segsz == 0)
		FAIL("segments of no length");
	if (!front->ipv6 && !(flags & RTE_MBUF_F_TX_IP_CKSUM))
		FAIL("IP checksums of segments are not asked for");
	if (front->tunnel && !(flags & RTE_MBUF_F_TX_OUTER_IP_CKSUM))
		FAIL("outer IP checksums of segments are not asked for");
	if (front->tunnel && be16(bytes + front->outer_udp + 6) != 0)
		FAIL("an outer UDP checksum is there");
	return true;
}

static void write_ipv4(uint8_t *ip, size_t len, size_t number)
{
	put16(ip + 2, len);
	put16(ip + 4, be16(ip + 4) + number);
	put16(ip + 10, 0);
	put16(ip + 10, (uint16_t)~fold(sum_bytes(0, ip, (size_t)(ip[0] & 0xf) * 4)));
}

/* Makes headers of the whole those of a segment of `len` bytes with them. */
static void write_headers(uint8_t *bytes, const struct front *front, size_t len, size_t number,
			  size_t size, bool last)
{
	uint8_t *ip = bytes + front->ip, *tcp = bytes + front->l4;
	if (front->tunnel) {
		write_ipv4(bytes + front->outer_ip, len - front->outer_ip, number);
		put16(bytes + front->outer_udp + 4, len - front->outer_udp);
	}
	if (front->ipv6)
		put16(ip + 4, len - front->ip - 40);
	else
		write_ipv4(ip, len - front->ip, number);
	uint32_t sequence = be32(tcp + 4) + (uint32_t)(number * size);
	put16(tcp + 4, sequence >> 16);
	put16(tcp + 6, sequence);
	if (number > 0)
		tcp[13] &= (uint8_t)~CWR;
	if (!last)
		tcp[13] &= (uint8_t) ~(FIN | PSH);
	put16(tcp + 16, 0);
	uint32_t begin = pseudo(ip, front->ipv6, 6, len - front->l4);
	put16(tcp + 16, (uint16_t)~fold(sum_bytes(begin, tcp, len - front->l4)));
}

/* Gives up the whole for its segments. */
static bool cut(const struct rte_mbuf *mbuf, const uint8_t *bytes, const struct front *front,
		struct rte_mempool *pool, each_sent each, void *of, const char **why)
{
	size_t size = mbuf->tso_segsz, end = mbuf->pkt_len, number = 0;
	for (size_t at = front->payload; at < end; at += size, number++) {
		size_t part = RTE_MIN(size, end - at), len = front->payload + part;
		struct rte_mbuf *segment = rte_pktmbuf_alloc(pool);
		uint8_t *to = segment != NULL ? (uint8_t *)rte_pktmbuf_append(segment, (uint16_t)len)
					      : NULL;
		if (to == NULL) {
			rte_pktmbuf_free(segment);
			FAIL("no buffer for a segment");
		}
		memcpy(to, bytes, front->payload);
		memcpy(to + front->payload, bytes + at, part);
		write_headers(to, front, len, number, size, at + part == end);
		each(of, segment);
	}
	return true;
}

static bool send_asked(struct rte_mbuf *mbuf, uint8_t *bytes, uint64_t offloads,
		       struct rte_mempool *pool, each_sent each, void *of, const char **why)
{
	struct front front = front_of(mbuf);
	if (!enabled(mbuf, offloads, why) || !headers(mbuf, bytes, &front, why) ||
	    !prepared(mbuf, bytes, &front, why))
		return false;
	if (mbuf->ol_flags & RTE_MBUF_F_TX_TCP_SEG) {
		if (!cut(mbuf, bytes, &front, pool, each, of, why))
			return false;
		rte_pktmbuf_free(mbuf);
		return true;
	}
	bool udp = (mbuf->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_UDP_CKSUM;
	uint16_t made = (uint16_t)~fold(sum_bytes(0, bytes + front.l4, mbuf->pkt_len - front.l4));
	uint8_t *field = rte_pktmbuf_mtod_offset(mbuf, uint8_t *, front.l4 + (udp ? 6 : 16));
	put16(field, udp && made == 0 ? 0xffff : made);
	each(of, mbuf);
	return true;
}

bool send_packet(struct rte_mbuf *mbuf, uint64_t offloads, struct rte_mempool *pool, each_sent each,
		 void *of, const char **why)
{
	const uint64_t asks = RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_IP_CKSUM |
			      RTE_MBUF_F_TX_OUTER_IP_CKSUM;
	if (!(mbuf->ol_flags & asks)) {
		each(of, mbuf);
		return true;
	}
	uint8_t *bytes = malloc(mbuf->pkt_len);
	*why = "no memory";
	bool sent = false;
	if (bytes != NULL) {
		const void *read = rte_pktmbuf_read(mbuf, 0, mbuf->pkt_len, bytes);
		if (read != bytes)
			memcpy(bytes, read, mbuf->pkt_len);
		sent = send_asked(mbuf, bytes, offloads, pool, each, of, why);
	}
	free(bytes);
	if (!sent)
		rte_pktmbuf_free(mbuf);
	return sent;
}
