/*
 * net_nicmodel: a driver of DPDK for a NIC that receives what it sends. Needs headers that DPDK does
 * not install, of the release that is installed.
 *
 * Rules take effect when a packet comes in, not when it is taken out of its queue, as in hardware: a
 * packet may still have the mark of a rule that is gone.
 *
 * An MTU from 1401 on has it report what a device reports on its own: see `reports`.
 */
#include "driver.h"

#include <bus_vdev_driver.h>
#include <ethdev_driver.h>
#include <ethdev_vdev.h>
#include <rte_flow_driver.h>
#include <rte_malloc.h>
#include <rte_ring.h>
#include <rte_version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TX_OFFLOADS                                                                                \
	(RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM |                           \
	 RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_TSO | \
	 RTE_ETH_TX_OFFLOAD_OUTER_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_VXLAN_TNL_TSO)

/* With room for headers of packets to be cut a queue is no longer than this, as with mlx5. */
#define CUT_DESCRIPTORS 4096

#define RSS_TYPES (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP)

struct pmd {
	struct nic nic;
	struct rte_ring *queues[QUEUES];
	/* For segments of what is cut. */
	struct rte_mempool *pool;
	uint64_t rss_types;
	/* Guarded by the NIC's lock. */
	uint64_t received, bytes, missed, wrong;
};

static const enum rte_eth_event_type reports[] = {
	RTE_ETH_EVENT_ERR_RECOVERING,
	RTE_ETH_EVENT_RECOVERY_SUCCESS,
	RTE_ETH_EVENT_RECOVERY_FAILED,
	RTE_ETH_EVENT_INTR_RESET,
	RTE_ETH_EVENT_INTR_RMV,
};

static struct nic *nic_of(struct rte_eth_dev *dev)
{
	struct pmd *pmd = dev->data->dev_private;
	return &pmd->nic;
}

/* ---- packets ---- */

static uint16_t receive(void *queue, struct rte_mbuf **mbufs, uint16_t count)
{
	return (uint16_t)rte_ring_dequeue_burst(*(struct rte_ring **)queue, (void **)mbufs, count,
						NULL);
}

static void take(void *of, struct rte_mbuf *mbuf)
{
	struct rte_eth_dev *dev = of;
	struct pmd *pmd = dev->data->dev_private;
	mbuf->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	mbuf->packet_type = 0;
	mbuf->port = dev->data->port_id;
	const struct rte_flow *rule = nic_receive(&pmd->nic, mbuf);
	uint16_t queue = spread(&pmd->nic, rule, mbuf, dev->data->nb_rx_queues, pmd->rss_types);
	uint32_t len = rte_pktmbuf_pkt_len(mbuf);
	if (rte_ring_enqueue(pmd->queues[queue], mbuf) != 0) {
		rte_pktmbuf_free(mbuf);
		pmd->missed++;
		return;
	}
	pmd->received++;
	pmd->bytes += len;
}

static uint16_t transmit(void *of, struct rte_mbuf **mbufs, uint16_t count)
{
	struct rte_eth_dev *dev = of;
	struct pmd *pmd = dev->data->dev_private;
	pthread_mutex_lock(&pmd->nic.lock);
	for (uint16_t place = 0; place < count; place++) {
		const char *why;
		uint64_t offloads = dev->data->dev_conf.txmode.offloads;
		if (!send_packet(mbufs[place], offloads, pmd->pool, take, dev, &why)) {
			journal(&pmd->nic, "wrong: %s", why);
			pmd->wrong++;
		}
	}
	pthread_mutex_unlock(&pmd->nic.lock);
	return count;
}

/* ---- the device ---- */

static int configure(struct rte_eth_dev *dev)
{
	struct pmd *pmd = dev->data->dev_private;
	const struct rte_eth_conf *conf = &dev->data->dev_conf;
	pmd->rss_types = conf->rxmode.mq_mode & RTE_ETH_MQ_RX_RSS_FLAG
				 ? conf->rx_adv_conf.rss_conf.rss_hf
				 : 0;
	pmd->nic.configured = true;
	journal(&pmd->nic, "configure: 0");
	return 0;
}

static int set_up_rx(struct rte_eth_dev *dev, uint16_t queue, uint16_t count, unsigned int socket,
		     const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	struct pmd *pmd = dev->data->dev_private;
	char name[RTE_RING_NAMESIZE];
	(void)conf;
	pmd->pool = pool;
	snprintf(name, sizeof(name), "nic_%u_%u", dev->data->port_id, queue);
	rte_ring_free(pmd->queues[queue]);
	pmd->queues[queue] =
		rte_ring_create(name, rte_align32pow2(count + 1u), (int)socket, RING_F_SC_DEQ);
	dev->data->rx_queues[queue] = &pmd->queues[queue];
	return pmd->queues[queue] != NULL ? 0 : -ENOMEM;
}

static int set_up_tx(struct rte_eth_dev *dev, uint16_t queue, uint16_t count, unsigned int socket,
		     const struct rte_eth_txconf *conf)
{
	(void)socket;
	uint64_t offloads = conf->offloads | dev->data->dev_conf.txmode.offloads;
	if (offloads & RTE_ETH_TX_OFFLOAD_TCP_TSO && count > CUT_DESCRIPTORS)
		return -ENOMEM;
	dev->data->tx_queues[queue] = dev;
	return 0;
}

static int start(struct rte_eth_dev *dev)
{
	dev->data->dev_link.link_status = RTE_ETH_LINK_UP;
	dev->data->dev_link.link_speed = RTE_ETH_SPEED_NUM_100G;
	dev->data->dev_link.link_duplex = RTE_ETH_LINK_FULL_DUPLEX;
	nic_started(nic_of(dev));
	return 0;
}

static int stop(struct rte_eth_dev *dev)
{
	dev->data->dev_link.link_status = RTE_ETH_LINK_DOWN;
	nic_stopped(nic_of(dev));
	return 0;
}

static int close_device(struct rte_eth_dev *dev)
{
	struct pmd *pmd = dev->data->dev_private;
	/* A part of the private data, which DPDK frees. */
	dev->data->mac_addrs = NULL;
	for (size_t queue = 0; queue < QUEUES; queue++)
		rte_ring_free(pmd->queues[queue]);
	return 0;
}

static int info(struct rte_eth_dev *dev, struct rte_eth_dev_info *info)
{
	const struct dialect *dialect = nic_of(dev)->dialect;
	info->max_rx_queues = QUEUES;
	info->max_tx_queues = QUEUES;
	info->max_mac_addrs = 1;
	info->min_mtu = 68;
	info->max_mtu = 9600;
	info->max_rx_pktlen = 9618;
	info->flow_type_rss_offloads = RSS_TYPES;
	info->hash_key_size = 40;
	info->rx_offload_capa = dialect->rx_offloads;
	info->tx_offload_capa = TX_OFFLOADS;
	/* Something that has nothing to do with rules. */
	info->dev_capa |= RTE_ETH_DEV_CAPA_RUNTIME_TX_QUEUE_SETUP;
	if (dialect->keeps_rules)
		info->dev_capa |= RTE_ETH_DEV_CAPA_FLOW_RULE_KEEP;
	return 0;
}

#if RTE_VERSION >= RTE_VERSION_NUM(25, 11, 0, 0)
static int stats(struct rte_eth_dev *dev, struct rte_eth_stats *stats, struct eth_queue_stats *queues)
{
	(void)queues;
#else
static int stats(struct rte_eth_dev *dev, struct rte_eth_stats *stats)
{
#endif
	struct pmd *pmd = dev->data->dev_private;
	pthread_mutex_lock(&pmd->nic.lock);
	stats->ipackets = stats->opackets = pmd->received;
	stats->ibytes = stats->obytes = pmd->bytes;
	stats->imissed = pmd->missed;
	stats->oerrors = pmd->wrong;
	pthread_mutex_unlock(&pmd->nic.lock);
	return 0;
}

static int succeed(struct rte_eth_dev *dev)
{
	(void)dev;
	return 0;
}

static int link_update(struct rte_eth_dev *dev, int wait)
{
	(void)dev, (void)wait;
	return 0;
}

static int set_mac(struct rte_eth_dev *dev, struct rte_ether_addr *mac)
{
	(void)dev, (void)mac;
	return 0;
}

static int set_mtu(struct rte_eth_dev *dev, uint16_t mtu)
{
	if (mtu <= 1400 || mtu > 1400 + RTE_DIM(reports))
		return 0;
	enum rte_eth_event_type event = reports[mtu - 1401];
	/* A device that was set up again has no rules. */
	if (event == RTE_ETH_EVENT_RECOVERY_SUCCESS)
		nic_stopped(nic_of(dev));
	rte_eth_dev_callback_process(dev, event, NULL);
	return 0;
}

static int rss_get(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf)
{
	const struct pmd *pmd = dev->data->dev_private;
	conf->rss_hf = pmd->rss_types;
	return 0;
}

/* ---- what it is told of tunnels ---- */

static int negotiate(struct rte_eth_dev *dev, uint64_t *features)
{
	return nic_negotiate(nic_of(dev), features);
}

static int port_add(struct rte_eth_dev *dev, struct rte_eth_udp_tunnel *tunnel)
{
	return nic_port_add(nic_of(dev), tunnel);
}

static int port_del(struct rte_eth_dev *dev, struct rte_eth_udp_tunnel *tunnel)
{
	return nic_port_del(nic_of(dev), tunnel);
}

static int validate(struct rte_eth_dev *dev, const struct rte_flow_attr *attr,
		    const struct rte_flow_item items[], const struct rte_flow_action actions[],
		    struct rte_flow_error *error)
{
	return nic_validate(nic_of(dev), attr, items, actions, error);
}

static struct rte_flow *create(struct rte_eth_dev *dev, const struct rte_flow_attr *attr,
			       const struct rte_flow_item items[],
			       const struct rte_flow_action actions[], struct rte_flow_error *error)
{
	return nic_create(nic_of(dev), attr, items, actions, error);
}

static int destroy(struct rte_eth_dev *dev, struct rte_flow *rule, struct rte_flow_error *error)
{
	return nic_destroy(nic_of(dev), rule, error);
}

static int flush(struct rte_eth_dev *dev, struct rte_flow_error *error)
{
	return nic_flush(nic_of(dev), error);
}

static int query(struct rte_eth_dev *dev, struct rte_flow *rule,
		 const struct rte_flow_action *action, void *data, struct rte_flow_error *error)
{
	return nic_query(nic_of(dev), rule, action, data, error);
}

static const struct rte_flow_ops flow_ops = {
	.validate = validate,
	.create = create,
	.destroy = destroy,
	.flush = flush,
	.query = query,
};

static int flow_ops_get(struct rte_eth_dev *dev, const struct rte_flow_ops **ops)
{
	(void)dev;
	*ops = &flow_ops;
	return 0;
}

/* ---- the driver ---- */

static const struct eth_dev_ops ops = {
	.dev_configure = configure,
	.dev_start = start,
	.dev_stop = stop,
	.dev_close = close_device,
	.dev_infos_get = info,
	.rx_queue_setup = set_up_rx,
	.tx_queue_setup = set_up_tx,
	.link_update = link_update,
	.promiscuous_enable = succeed,
	.promiscuous_disable = succeed,
	.allmulticast_enable = succeed,
	.allmulticast_disable = succeed,
	.mac_addr_set = set_mac,
	.mtu_set = set_mtu,
	.stats_get = stats,
	.rss_hash_conf_get = rss_get,
	.rx_metadata_negotiate = negotiate,
	.udp_tunnel_port_add = port_add,
	.udp_tunnel_port_del = port_del,
	.flow_ops_get = flow_ops_get,
};

static struct rte_ether_addr mac = {.addr_bytes = {2, 0, 0, 0, 0, 0xaa}};

static int probe(struct rte_vdev_device *vdev)
{
	struct rte_eth_dev *dev;
	if (rte_eal_process_type() != RTE_PROC_PRIMARY)
		return -ENOTSUP;
	dev = rte_eth_vdev_allocate(vdev, sizeof(struct pmd));
	if (dev == NULL)
		return -ENOMEM;
	nic_init(nic_of(dev), dev->data->port_id, dialect_of_environment());
	dev->data->mac_addrs = &mac;
	dev->data->promiscuous = 1;
	dev->data->dev_flags |= RTE_ETH_DEV_INTR_RMV;
	dev->dev_ops = &ops;
	dev->rx_pkt_burst = receive;
	dev->tx_pkt_burst = transmit;
	rte_eth_dev_probing_finish(dev);
	return 0;
}

static int remove_device(struct rte_vdev_device *vdev)
{
	struct rte_eth_dev *dev = rte_eth_dev_allocated(rte_vdev_device_name(vdev));
	if (dev == NULL)
		return 0;
	close_device(dev);
	return rte_eth_dev_release_port(dev);
}

static struct rte_vdev_driver driver = {.probe = probe, .remove = remove_device};

/* Devices are found by the alias, whatever the driver is called. */
RTE_INIT(register_driver)
{
	const char *name = getenv("NICMODEL_DRIVER");
	driver.driver.name = name != NULL ? name : "net_nicmodel";
	driver.driver.alias = "net_nicmodel";
	rte_vdev_register(&driver);
}
