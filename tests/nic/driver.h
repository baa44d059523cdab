/* The driver front, whose two files share this: driver.c is what DPDK calls, spread.c picks queues. */
#ifndef NIC_DRIVER_H
#define NIC_DRIVER_H

#include "nic.h"

/*
 * The receive queue that a NIC puts a packet into: that of the rule, or by the hash of the port, whose
 * `types` are none without RSS. Writes the hash beside the packet. The caller has the lock.
 */
uint16_t spread(const struct nic *nic, const struct rte_flow *rule, struct rte_mbuf *mbuf,
		uint16_t queues, uint64_t types);

#endif
