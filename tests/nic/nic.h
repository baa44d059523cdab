/*
 * A NIC for tests: what the parser, the flow table and the drivers of real ones do with VXLAN, as
 * far as a switch can tell. It is held against the behaviour of drivers, not against the switch, and
 * shares no code with it.
 *
 *   packet --parse--> layers --rules--> mark, count, strip --receive--> mbuf as a driver gives it
 *                                ^
 *   rte_flow --dialect--> rule --+
 *
 * Two fronts: interpose.c stands before DPDK's functions in a process that preloads it, so that any
 * virtual device becomes such a NIC; pmd.c is a driver of its own.
 *
 * Environment:
 *   NICMODEL            whose dialect: see dialect.c; without it the NIC has no offload
 *   NICMODEL_DEVICES    only devices whose names begin so, separated by commas; all if unset
 *   NICMODEL_DRIVER     the name that its driver has, to who stands before it
 *   NICMODEL_RULES      room for as many rules; 1024 if unset
 *   NICMODEL_LIES       what it does wrong, separated by commas: see lies.c
 *   NICMODEL_LIE_EVERY  of how many packets one is lied about; 1 if unset
 *   NICMODEL_LOOP       what becomes of what it sends: see interpose.c; as with the device if unset
 *   NICMODEL_STUCK      if set, no rule is destroyed alone: it is in use
 *   NICMODEL_JOURNAL    a file that each call is added to, one line each
 */
#ifndef NIC_H
#define NIC_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_ethdev.h>
#include <rte_flow.h>
#include <rte_mbuf.h>

/* ---- parse.c: where the headers of a packet are ---- */

enum layer {
	LAYER_ETH,
	LAYER_VLAN,
	LAYER_IPV4,
	LAYER_UDP,
	LAYER_VXLAN,
	LAYER_INNER_ETH,
	LAYER_INNER_IPV4,
	LAYERS
};

#define NOWHERE 0xffff

struct layers {
	/* Offset of each header, or NOWHERE. */
	uint16_t at[LAYERS];
};

/* Whether a NIC looks for VXLAN behind a UDP port. */
typedef bool (*knows_port)(const void *nic, uint16_t udp_port);

void parse(const uint8_t *bytes, size_t len, knows_port knows, const void *nic,
	   struct layers *layers);

/* ---- checksum.c ---- */

/* Adds bytes to a sum, the first of them as the first of a word; and the 16 bits of it. */
uint32_t sum_bytes(uint32_t sum, const uint8_t *bytes, size_t len);
uint16_t fold(uint32_t sum);

enum verdict { VERDICT_UNKNOWN, VERDICT_GOOD, VERDICT_BAD };

enum verdict ipv4_verdict(const uint8_t *ip, size_t len);
/* Of UDP or TCP behind an IPv4 header that is no fragment. A zero UDP checksum is unknown. */
enum verdict l4_verdict(const uint8_t *ip, size_t len);

/* ---- dialect.c: what drivers take ---- */

enum answer { ANSWER_ASSUME, ANSWER_AGREE, ANSWER_REFUSE };

struct dialect {
	const char *name;
	/* Whether it knows rte_flow at all. */
	bool flows;
	/* Rules may name the UDP port, which teaches the parser too. */
	bool port_by_rule;
	/* 4789 is known from the start. */
	bool knows_4789;
	/* VXLAN ports that can be added, and what a second add of the same port returns. */
	unsigned int ports;
	int again;
	/* Counts adds, so that as many deletes are needed. */
	bool counts_ports;
	bool deletes_ports;
	/* What it says of marks before it is configured. */
	enum answer marks;
	/* The largest mark; 0: none. */
	uint32_t most_mark;
	/* The deepest RSS level that a rule may ask for. */
	uint32_t level;
	bool rss, passthru, strip, vlan;
	/* A rule must say where packets go. */
	bool needs_fate;
	/* The pattern must go on to an inner IPv4 header. */
	bool needs_inner_ipv4;
	/* Rules outlive a stop. */
	bool keeps_rules;
	uint64_t rx_offloads;
};

/* The one that the environment names. */
const struct dialect *dialect_of_environment(void);

/* ---- rules.c: the flow table ---- */

/* Bytes of a header that a rule can speak of. */
#define HEADER 24
#define QUEUES 64

struct rte_flow {
	struct rte_flow *next;
	/* Layers that have to be there, and those whose bytes count. */
	bool has[LAYERS];
	uint8_t spec[LAYERS][HEADER], mask[LAYERS][HEADER];
	bool marks, counts, strips, passes;
	uint32_t mark;
	uint64_t hits, bytes;
	/* RSS, if there are queues; of the inner headers at level 2. */
	uint32_t level, queues;
	uint64_t rss_types;
	uint16_t queue[QUEUES];
};

struct nic {
	pthread_mutex_t lock;
	const struct dialect *dialect;
	/* Its number as a port of DPDK. */
	uint16_t port;
	bool configured;
	/* The lpbk_mode that it was configured with. */
	uint32_t loopback;
	struct {
		uint16_t udp_port;
		unsigned int adds;
	} ports[16];
	struct rte_flow *rules;
	unsigned int count, room;
	/* The mark of the rule that was removed last. */
	uint32_t last_mark;
	uint64_t packets;
};

int rule_read(const struct nic *nic, const struct rte_flow_attr *attr,
	      const struct rte_flow_item items[], const struct rte_flow_action actions[],
	      struct rte_flow *rule, struct rte_flow_error *error);
bool rule_matches(const struct rte_flow *rule, const uint8_t *bytes, size_t len,
		  const struct layers *layers);

/* ---- nic.c: calls, as a driver takes them. They lock. ---- */

void nic_init(struct nic *nic, uint16_t port, const struct dialect *dialect);
bool nic_knows_port(const void *nic, uint16_t udp_port);
int nic_negotiate(struct nic *nic, uint64_t *features);
int nic_port_add(struct nic *nic, const struct rte_eth_udp_tunnel *tunnel);
int nic_port_del(struct nic *nic, const struct rte_eth_udp_tunnel *tunnel);
int nic_validate(struct nic *nic, const struct rte_flow_attr *attr,
		 const struct rte_flow_item items[], const struct rte_flow_action actions[],
		 struct rte_flow_error *error);
struct rte_flow *nic_create(struct nic *nic, const struct rte_flow_attr *attr,
			    const struct rte_flow_item items[],
			    const struct rte_flow_action actions[], struct rte_flow_error *error);
/* A handle that is none of a rule ends the process, as it does in some drivers. */
int nic_destroy(struct nic *nic, struct rte_flow *rule, struct rte_flow_error *error);
int nic_flush(struct nic *nic, struct rte_flow_error *error);
int nic_query(struct nic *nic, struct rte_flow *rule, const struct rte_flow_action *action,
	      void *data, struct rte_flow_error *error);
void nic_started(struct nic *nic);
void nic_stopped(struct nic *nic);
__attribute__((format(printf, 2, 3))) void journal(const struct nic *nic, const char *format, ...);

/* ---- receive.c: what a driver says of a packet ---- */

/* Returns the rule that a packet matched, or NULL. The caller has the lock. */
struct rte_flow *nic_receive(struct nic *nic, struct rte_mbuf *mbuf);

/* ---- lies.c ---- */

/* Whether the NIC leaves the outer headers of this packet, which it says are off. */
bool leaves_headers(const struct nic *nic);
/* Makes what was said of a packet wrong. */
void lie(struct nic *nic, struct rte_mbuf *mbuf, const struct rte_flow *rule);

#endif
