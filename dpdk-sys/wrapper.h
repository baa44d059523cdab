/*
 * What the bindings are generated from: the headers, the constants that bindgen cannot read from
 * macros, and the shims of shim.c. The same text serves every DPDK from 22.11 on.
 */
#ifndef OVERPATH_WRAPPER_H
#define OVERPATH_WRAPPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_flow.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_version.h>

/* RTE_BIT64() macros and flags, whose type bindgen would guess from the value. */
#define K64(name) static const uint64_t K_##name = RTE_##name

K64(ETH_RX_OFFLOAD_IPV4_CKSUM);
K64(ETH_RX_OFFLOAD_UDP_CKSUM);
K64(ETH_RX_OFFLOAD_TCP_CKSUM);
K64(ETH_RX_OFFLOAD_OUTER_IPV4_CKSUM);
K64(ETH_RX_OFFLOAD_OUTER_UDP_CKSUM);
K64(ETH_TX_OFFLOAD_MULTI_SEGS);
K64(ETH_TX_OFFLOAD_IPV4_CKSUM);
K64(ETH_TX_OFFLOAD_UDP_CKSUM);
K64(ETH_TX_OFFLOAD_TCP_CKSUM);
K64(ETH_TX_OFFLOAD_TCP_TSO);
K64(ETH_TX_OFFLOAD_OUTER_IPV4_CKSUM);
K64(ETH_TX_OFFLOAD_OUTER_UDP_CKSUM);
K64(ETH_TX_OFFLOAD_VXLAN_TNL_TSO);

K64(ETH_RX_METADATA_USER_FLAG);
K64(ETH_RX_METADATA_USER_MARK);
K64(ETH_DEV_CAPA_FLOW_RULE_KEEP);

K64(ETH_RSS_IP);
K64(ETH_RSS_UDP);
K64(ETH_RSS_TCP);

K64(MBUF_F_INDIRECT);
K64(MBUF_F_EXTERNAL);
K64(MBUF_F_RX_IP_CKSUM_MASK);
K64(MBUF_F_RX_IP_CKSUM_BAD);
K64(MBUF_F_RX_IP_CKSUM_GOOD);
K64(MBUF_F_RX_IP_CKSUM_NONE);
K64(MBUF_F_RX_L4_CKSUM_MASK);
K64(MBUF_F_RX_L4_CKSUM_BAD);
K64(MBUF_F_RX_L4_CKSUM_GOOD);
K64(MBUF_F_RX_L4_CKSUM_NONE);
K64(MBUF_F_RX_OUTER_IP_CKSUM_BAD);
K64(MBUF_F_RX_OUTER_L4_CKSUM_MASK);
K64(MBUF_F_RX_OUTER_L4_CKSUM_BAD);
K64(MBUF_F_RX_OUTER_L4_CKSUM_GOOD);
K64(MBUF_F_RX_LRO);
K64(MBUF_F_RX_FDIR);
K64(MBUF_F_RX_FDIR_ID);
K64(MBUF_F_TX_OFFLOAD_MASK);
K64(MBUF_F_TX_L4_MASK);
K64(MBUF_F_TX_UDP_CKSUM);
K64(MBUF_F_TX_TCP_CKSUM);
K64(MBUF_F_TX_TCP_SEG);
K64(MBUF_F_TX_IP_CKSUM);
K64(MBUF_F_TX_IPV4);
K64(MBUF_F_TX_IPV6);
K64(MBUF_F_TX_OUTER_IPV4);
K64(MBUF_F_TX_OUTER_IP_CKSUM);
K64(MBUF_F_TX_TUNNEL_VXLAN);
K64(MBUF_L2_LEN_OFS);
K64(MBUF_L3_LEN_OFS);
K64(MBUF_L4_LEN_OFS);
K64(MBUF_TSO_SEGSZ_OFS);
K64(MBUF_OUTL2_LEN_OFS);
K64(MBUF_OUTL3_LEN_OFS);
#undef K64

#define K32(name) static const uint32_t K_##name = RTE_##name

K32(PTYPE_TUNNEL_MASK);
K32(ETH_DEV_INTR_LSC);
K32(ETH_DEV_INTR_RMV);
K32(ETH_NAME_MAX_LEN);
K32(ETH_LINK_SPEED_AUTONEG);
K32(MAX_LCORE);
K32(PKTMBUF_HEADROOM);
#undef K32

static const uint16_t K_ETH_ALL = RTE_ETH_ALL;
static const uint16_t K_MAX_ETHPORTS = RTE_MAX_ETHPORTS;
static const int K_SOCKET_ID_ANY = SOCKET_ID_ANY;

/*
 * Where the fields of an mbuf lie, and how large they are. The struct itself is opaque: its unions and markers changed
 * from release to release, so that a field has no stable path in Rust.
 */
#define OFFSET(name, field) \
	static const size_t K_MBUF_##name = offsetof(struct rte_mbuf, field); \
	static const size_t K_MBUF_##name##_SIZE = sizeof(((struct rte_mbuf *)0)->field)

OFFSET(BUF_ADDR, buf_addr);
OFFSET(DATA_OFF, data_off);
OFFSET(REFCNT, refcnt);
OFFSET(NB_SEGS, nb_segs);
OFFSET(OL_FLAGS, ol_flags);
OFFSET(PACKET_TYPE, packet_type);
OFFSET(PKT_LEN, pkt_len);
OFFSET(DATA_LEN, data_len);
OFFSET(BUF_LEN, buf_len);
OFFSET(NEXT, next);
OFFSET(MARK, hash.fdir.hi);
OFFSET(TX_OFFLOAD, tx_offload);
#undef OFFSET

/* Wrappers of inline functions: see shim.c. */
int shim_errno(void);
unsigned int shim_lcore_id(void);
uint64_t shim_rdtsc(void);
uint16_t shim_eth_rx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count);
uint16_t shim_eth_tx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count);
struct rte_mbuf *shim_pktmbuf_alloc(struct rte_mempool *pool);
void shim_pktmbuf_free(struct rte_mbuf *mbuf);
void shim_pktmbuf_attach(struct rte_mbuf *indirect, struct rte_mbuf *direct);
const char *shim_dev_arguments(const struct rte_device *device);
int shim_eth_link_get_nowait(uint16_t port, uint32_t *speed, bool *full_duplex, bool *up);

#endif
