/* Functions that DPDK only has inline in its headers, given a symbol. One line each, no logic. */
#include "wrapper.h"

#include <rte_cycles.h>
#include <rte_devargs.h>

int shim_errno(void) { return rte_errno; }

unsigned int shim_lcore_id(void) { return rte_lcore_id(); }

uint64_t shim_rdtsc(void) { return rte_rdtsc(); }

uint16_t shim_eth_rx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count)
{
	return rte_eth_rx_burst(port, queue, mbufs, count);
}

uint16_t shim_eth_tx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count)
{
	return rte_eth_tx_burst(port, queue, mbufs, count);
}

struct rte_mbuf *shim_pktmbuf_alloc(struct rte_mempool *pool) { return rte_pktmbuf_alloc(pool); }

void shim_pktmbuf_free(struct rte_mbuf *mbuf) { rte_pktmbuf_free(mbuf); }

void shim_pktmbuf_attach(struct rte_mbuf *indirect, struct rte_mbuf *direct)
{
	rte_pktmbuf_attach(indirect, direct);
}

/* Not inline, but the struct that it returns is of no other use. */
const char *shim_dev_arguments(const struct rte_device *device)
{
	const struct rte_devargs *devargs = rte_dev_devargs(device);
	return devargs != NULL ? devargs->args : NULL;
}

/* Not inline, but the fields of its result are bit fields within unions that moved. */
int shim_eth_link_get_nowait(uint16_t port, uint32_t *speed, bool *full_duplex, bool *up)
{
	struct rte_eth_link link = {0};
	int rc = rte_eth_link_get_nowait(port, &link);
	*speed = link.link_speed;
	*full_duplex = link.link_duplex != 0;
	*up = link.link_status != 0;
	return rc;
}
