/* Finds the headers of a packet, as deep as a NIC looks: one tag, IPv4, UDP, VXLAN, inner IPv4. */
#include "nic.h"

#include <string.h>

static uint16_t be16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

/* The offset behind an IPv4 header that is whole, or 0. */
static size_t behind_ipv4(const uint8_t *bytes, size_t len, size_t at)
{
	if (at + 20 > len || bytes[at] >> 4 != 4)
		return 0;
	size_t header = (size_t)(bytes[at] & 0xf) * 4;
	return header >= 20 && at + header <= len ? at + header : 0;
}

void parse(const uint8_t *bytes, size_t len, knows_port knows, const void *nic,
	   struct layers *layers)
{
	for (unsigned int layer = 0; layer < LAYERS; layer++)
		layers->at[layer] = NOWHERE;
	if (len < 14)
		return;
	layers->at[LAYER_ETH] = 0;
	size_t at = 14;
	uint16_t type = be16(bytes + 12);
	if (type == 0x8100 && len >= 18) {
		layers->at[LAYER_VLAN] = 14;
		type = be16(bytes + 16);
		at = 18;
	}
	size_t udp = type == 0x0800 ? behind_ipv4(bytes, len, at) : 0;
	if (udp == 0)
		return;
	layers->at[LAYER_IPV4] = (uint16_t)at;
	/* Of a fragment, the first one included, a NIC sees no more than this. */
	if ((be16(bytes + at + 6) & 0x3fff) != 0 || bytes[at + 9] != 17 || udp + 8 > len)
		return;
	layers->at[LAYER_UDP] = (uint16_t)udp;
	/* The I flag; a NIC looks at no more of the flags. */
	size_t vxlan = udp + 8, inner = vxlan + 8;
	if (!knows(nic, be16(bytes + udp + 2)) || inner > len || (bytes[vxlan] & 0x08) == 0)
		return;
	layers->at[LAYER_VXLAN] = (uint16_t)vxlan;
	if (inner + 14 > len)
		return;
	layers->at[LAYER_INNER_ETH] = (uint16_t)inner;
	type = be16(bytes + inner + 12);
	if (type == 0x0800 && behind_ipv4(bytes, len, inner + 14) != 0)
		layers->at[LAYER_INNER_IPV4] = (uint16_t)(inner + 14);
}
