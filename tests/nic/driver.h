/*
 * The driver front, whose files share this: driver.c is what DPDK calls, spread.c picks queues, cut.c does
 * what is asked for with packets that are sent.
 */
#ifndef NIC_DRIVER_H
#define NIC_DRIVER_H

#include "nic.h"

/*
 * The receive queue that a NIC puts a packet into: that of the rule, or by the hash of the port, whose
 * `types` are none without RSS. Writes the hash beside the packet. The caller has the lock.
 */
uint16_t spread(const struct nic *nic, const struct rte_flow *rule, struct rte_mbuf *mbuf,
		uint16_t queues, uint64_t types);

/* What is to become of a packet that is sent. It is given away. */
typedef void (*each_sent)(void *of, struct rte_mbuf *mbuf);

/*
 * Sends a packet by a port that was configured with these offloads, in segments from the pool if it is to be
 * cut. If something is asked for that may not be, it is freed, and the reason is in `why`. Of one that is
 * cut some segments may be sent then.
 */
bool send_packet(struct rte_mbuf *mbuf, uint64_t offloads, struct rte_mempool *pool, each_sent each,
		 void *of, const char **why);

#endif
