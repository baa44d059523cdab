/* What drivers take, as their code and guides have it. The numbers are limits, the errors theirs. */
#include "nic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OUTER_IP RTE_ETH_RX_OFFLOAD_OUTER_IPV4_CKSUM
#define OUTER_UDP RTE_ETH_RX_OFFLOAD_OUTER_UDP_CKSUM
#define PLAIN (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM)

static const struct dialect dialects[] = {
	/* No rte_flow, no tunnel: a virtual device. */
	{.name = "none"},
	/* Takes whatever there is. */
	{
		.name = "any", .flows = true, .port_by_rule = true, .ports = 16, .again = 0,
		.deletes_ports = true, .marks = ANSWER_AGREE, .most_mark = 0xffffffff, .level = 2,
		.rss = true, .passthru = true, .strip = true, .vlan = true,
		.rx_offloads = PLAIN | OUTER_IP | OUTER_UDP,
	},
	/* Ports by rules, except that 4789 may be "added" and never deleted; 24 bits, the top reserved. */
	{
		.name = "mlx5", .flows = true, .port_by_rule = true, .knows_4789 = true,
		.marks = ANSWER_AGREE, .most_mark = 0xffffef, .level = 2, .rss = true, .strip = true,
		.vlan = true, .needs_fate = true, .rx_offloads = PLAIN,
	},
	/* A port table that counts; inner IPv4 in the pattern; no RSS below the outer headers. */
	{
		.name = "ice", .flows = true, .ports = 4, .again = 0, .counts_ports = true,
		.deletes_ports = true, .marks = ANSWER_ASSUME, .most_mark = 0xffffffff, .level = 0,
		.rss = true, .passthru = true, .needs_inner_ipv4 = true, .rx_offloads = PLAIN | OUTER_IP,
	},
	/* Marks only if it agreed before; a port twice is an error. */
	{
		.name = "sfc", .flows = true, .ports = 16, .again = -EEXIST, .deletes_ports = true,
		.marks = ANSWER_AGREE, .most_mark = 0xffff, .level = 0, .rss = true, .vlan = true,
		.needs_fate = true, .rx_offloads = PLAIN | OUTER_IP | OUTER_UDP,
	},
	/* One port; rules outlive a stop. */
	{
		.name = "keeping", .flows = true, .ports = 1, .again = -EINVAL, .deletes_ports = true,
		.marks = ANSWER_ASSUME, .most_mark = 0xff, .level = 2, .rss = true, .passthru = true,
		.keeps_rules = true, .rx_offloads = PLAIN,
	},
	/* A parser that learns ports, and rules, but delivers no mark. */
	{
		.name = "markless", .flows = true, .ports = 16, .again = -EINVAL, .deletes_ports = true,
		.marks = ANSWER_REFUSE, .level = 0, .rss = true, .rx_offloads = PLAIN | OUTER_IP,
	},
};

const struct dialect *dialect_of_environment(void)
{
	const char *name = getenv("NICMODEL");
	for (size_t place = 0; name != NULL && place < RTE_DIM(dialects); place++)
		if (strcmp(dialects[place].name, name) == 0)
			return &dialects[place];
	return &dialects[0];
}
