/*
 * Stands before functions of DPDK in a process that preloads it (LD_PRELOAD), and makes NICs of its
 * virtual devices. Public headers only. What is asked of other devices goes on to DPDK.
 *
 * Packets are looked at in a receive callback, so each stays in the queue that it came by.
 *
 * A device that gives back what it sends (net_ring) may be a NIC that does so only while it is told to, and
 * whose wire leads nowhere. NICMODEL_LOOP is one of:
 *
 *   mode       it is told by an lpbk_mode
 *   refuse     the same, and it cannot be configured so
 *   queues     the same, and its queues cannot be set up so
 *   stall      the same, and it cannot be started so
 *   deaf       the same, and nothing comes back even then
 *   once       the same, and the first start after it looped fails
 *   peer       the same, and at the end of its wire is who sends back what it gets
 */
#define _GNU_SOURCE
#include "nic.h"

#include <dlfcn.h>
#include <errno.h>
#include <rte_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The compiler of the shared library hides the rest. */
#define FRONT __attribute__((visibility("default")))
/* A call to what this one stands before. */
#define NEXT(name) ((__typeof__(&name))next(#name))

static struct nic nics[RTE_MAX_ETHPORTS];
static const struct rte_eth_rxtx_callback *hooks[RTE_MAX_ETHPORTS][QUEUES];

static void *next(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);
	if (found == NULL) {
		fprintf(stderr, "NIC model: DPDK has no %s\n", name);
		abort();
	}
	return found;
}

static bool is_chosen(uint16_t port)
{
	const char *names = getenv("NICMODEL_DEVICES");
	char name[RTE_ETH_NAME_MAX_LEN];
	if (names == NULL)
		return true;
	if (rte_eth_dev_get_name_by_port(port, name) != 0)
		return false;
	while (*names != '\0') {
		size_t word = strcspn(names, ",");
		if (word > 0 && strncmp(names, name, word) == 0)
			return true;
		names += word + (names[word] == ',');
	}
	return false;
}

/* The NIC of a port, or NULL if it is none. Ports are configured and closed by one thread each. */
static struct nic *nic_of(uint16_t port)
{
	if (port >= RTE_MAX_ETHPORTS || !rte_eth_dev_is_valid_port(port) || !is_chosen(port))
		return NULL;
	if (nics[port].dialect == NULL)
		nic_init(&nics[port], port, dialect_of_environment());
	return &nics[port];
}

static bool loops(const char *how)
{
	const char *said = getenv("NICMODEL_LOOP");
	return said != NULL && strcmp(said, how) == 0;
}

/* Whether what comes in has left by a wire. */
static bool is_lost(const struct nic *nic)
{
	if (getenv("NICMODEL_LOOP") == NULL || loops("peer"))
		return false;
	return nic->loopback == 0 || loops("deaf");
}

static uint16_t on_receive(uint16_t port, uint16_t queue, struct rte_mbuf *mbufs[], uint16_t count,
			   uint16_t room, void *of)
{
	struct nic *nic = of;
	(void)port, (void)queue, (void)room;
	if (is_lost(nic)) {
		rte_pktmbuf_free_bulk(mbufs, count);
		return 0;
	}
	pthread_mutex_lock(&nic->lock);
	for (uint16_t place = 0; place < count; place++)
		nic_receive(nic, mbufs[place]);
	pthread_mutex_unlock(&nic->lock);
	return count;
}

FRONT int rte_eth_rx_metadata_negotiate(uint16_t port, uint64_t *features)
{
	struct nic *nic = nic_of(port);
	return nic != NULL ? nic_negotiate(nic, features)
			   : NEXT(rte_eth_rx_metadata_negotiate)(port, features);
}

FRONT int rte_eth_dev_info_get(uint16_t port, struct rte_eth_dev_info *info)
{
	int rc = NEXT(rte_eth_dev_info_get)(port, info);
	const struct nic *nic = rc == 0 ? nic_of(port) : NULL;
	const char *driver = getenv("NICMODEL_DRIVER");
	if (nic != NULL && driver != NULL)
		info->driver_name = driver;
	if (nic != NULL) {
		info->rx_offload_capa |= nic->dialect->rx_offloads;
		/* Something that has nothing to do with rules. */
		info->dev_capa |= RTE_ETH_DEV_CAPA_RUNTIME_TX_QUEUE_SETUP;
		if (nic->dialect->keeps_rules)
			info->dev_capa |= RTE_ETH_DEV_CAPA_FLOW_RULE_KEEP;
	}
	return rc;
}

FRONT int rte_eth_dev_configure(uint16_t port, uint16_t rx, uint16_t tx,
				const struct rte_eth_conf *conf)
{
	struct nic *nic = nic_of(port);
	bool refused = nic != NULL && conf->lpbk_mode != 0 && loops("refuse");
	int rc = refused ? -EINVAL : NEXT(rte_eth_dev_configure)(port, rx, tx, conf);
	if (nic == NULL)
		return rc;
	if (nic->loopback != conf->lpbk_mode)
		journal(nic, "loopback %u: %d", conf->lpbk_mode, rc);
	if (rc == 0)
		nic->loopback = conf->lpbk_mode;
	nic->configured = true;
	journal(nic, "configure: %d", rc);
	return rc;
}

FRONT int rte_eth_rx_queue_setup(uint16_t port, uint16_t queue, uint16_t count, unsigned int socket,
				 const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	const struct nic *nic = nic_of(port);
	if (nic != NULL && nic->loopback != 0 && loops("queues"))
		return -EINVAL;
	return NEXT(rte_eth_rx_queue_setup)(port, queue, count, socket, conf, pool);
}

/* Whether this is the first start of any NIC without a loop after one with it. */
static bool stalls_once(const struct nic *nic)
{
	static bool looped, stalled;
	if (!loops("once"))
		return false;
	if (nic->loopback != 0) {
		looped = true;
		return false;
	}
	if (!looped || stalled)
		return false;
	stalled = true;
	return true;
}

FRONT int rte_eth_dev_start(uint16_t port)
{
	struct nic *nic = nic_of(port);
	struct rte_eth_dev_info info;
	bool stalled = nic != NULL && nic->loopback != 0 && loops("stall");
	stalled = stalled || (nic != NULL && stalls_once(nic));
	int rc = stalled ? -EIO : NEXT(rte_eth_dev_start)(port);
	if (nic == NULL || rc != 0 || rte_eth_dev_info_get(port, &info) != 0)
		return rc;
	for (uint16_t queue = 0; queue < info.nb_rx_queues && queue < QUEUES; queue++)
		hooks[port][queue] = rte_eth_add_rx_callback(port, queue, on_receive, nic);
	nic_started(nic);
	return rc;
}

FRONT int rte_eth_dev_stop(uint16_t port)
{
	struct nic *nic = nic_of(port);
	int rc = NEXT(rte_eth_dev_stop)(port);
	if (nic == NULL || rc != 0)
		return rc;
	/* DPDK keeps them for the next start. */
	for (uint16_t queue = 0; queue < QUEUES; queue++) {
		if (hooks[port][queue] != NULL)
			rte_eth_remove_rx_callback(port, queue, hooks[port][queue]);
		hooks[port][queue] = NULL;
	}
	nic_stopped(nic);
	return rc;
}

/* A member of a bond takes the address of the bond; net_ring knows no such call. */
FRONT int rte_eth_dev_default_mac_addr_set(uint16_t port, struct rte_ether_addr *mac)
{
	int rc = NEXT(rte_eth_dev_default_mac_addr_set)(port, mac);
	return rc == -ENOTSUP && nic_of(port) != NULL ? 0 : rc;
}

FRONT int rte_eth_dev_close(uint16_t port)
{
	struct nic *nic = nic_of(port);
	int rc = NEXT(rte_eth_dev_close)(port);
	if (nic != NULL)
		nic->dialect = NULL;
	return rc;
}

FRONT int rte_eth_dev_udp_tunnel_port_add(uint16_t port, struct rte_eth_udp_tunnel *tunnel)
{
	struct nic *nic = nic_of(port);
	return nic != NULL ? nic_port_add(nic, tunnel)
			   : NEXT(rte_eth_dev_udp_tunnel_port_add)(port, tunnel);
}

FRONT int rte_eth_dev_udp_tunnel_port_delete(uint16_t port, struct rte_eth_udp_tunnel *tunnel)
{
	struct nic *nic = nic_of(port);
	return nic != NULL ? nic_port_del(nic, tunnel)
			   : NEXT(rte_eth_dev_udp_tunnel_port_delete)(port, tunnel);
}

FRONT int rte_flow_validate(uint16_t port, const struct rte_flow_attr *attr,
			    const struct rte_flow_item items[],
			    const struct rte_flow_action actions[], struct rte_flow_error *error)
{
	struct nic *nic = nic_of(port);
	return nic != NULL ? nic_validate(nic, attr, items, actions, error)
			   : NEXT(rte_flow_validate)(port, attr, items, actions, error);
}

FRONT struct rte_flow *rte_flow_create(uint16_t port, const struct rte_flow_attr *attr,
				       const struct rte_flow_item items[],
				       const struct rte_flow_action actions[],
				       struct rte_flow_error *error)
{
	struct nic *nic = nic_of(port);
	return nic != NULL ? nic_create(nic, attr, items, actions, error)
			   : NEXT(rte_flow_create)(port, attr, items, actions, error);
}

FRONT int rte_flow_destroy(uint16_t port, struct rte_flow *rule, struct rte_flow_error *error)
{
	struct nic *nic = nic_of(port);
	return nic != NULL ? nic_destroy(nic, rule, error)
			   : NEXT(rte_flow_destroy)(port, rule, error);
}

FRONT int rte_flow_flush(uint16_t port, struct rte_flow_error *error)
{
	struct nic *nic = nic_of(port);
	return nic != NULL ? nic_flush(nic, error) : NEXT(rte_flow_flush)(port, error);
}

FRONT int rte_flow_query(uint16_t port, struct rte_flow *rule, const struct rte_flow_action *action,
			 void *data, struct rte_flow_error *error)
{
	struct nic *nic = nic_of(port);
	return nic != NULL ? nic_query(nic, rule, action, data, error)
			   : NEXT(rte_flow_query)(port, rule, action, data, error);
}
