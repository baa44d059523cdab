/* Internet checksums, RFC 1071. */
#include "nic.h"

uint32_t sum_bytes(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t at = 0; at < len; at++)
		sum += (uint32_t)bytes[at] << (at % 2 == 0 ? 8 : 0);
	return sum;
}

uint16_t fold(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static bool is_zero(uint32_t sum) { return fold(sum) == 0xffff; }

enum verdict ipv4_verdict(const uint8_t *ip, size_t len)
{
	size_t header = (size_t)(ip[0] & 0xf) * 4;
	if (header > len)
		return VERDICT_UNKNOWN;
	return is_zero(sum_bytes(0, ip, header)) ? VERDICT_GOOD : VERDICT_BAD;
}

enum verdict l4_verdict(const uint8_t *ip, size_t len)
{
	size_t header = (size_t)(ip[0] & 0xf) * 4;
	size_t total = (size_t)(ip[2] << 8 | ip[3]);
	uint8_t protocol = ip[9];
	bool fragment = ((ip[6] << 8 | ip[7]) & 0x3fff) != 0;
	if (fragment || total > len || total < header + 8 || (protocol != 17 && protocol != 6))
		return VERDICT_UNKNOWN;
	const uint8_t *l4 = ip + header;
	if (protocol == 17 && l4[6] == 0 && l4[7] == 0)
		return VERDICT_UNKNOWN;
	uint32_t pseudo = sum_bytes(protocol + (uint32_t)(total - header), ip + 12, 8);
	return is_zero(sum_bytes(pseudo, l4, total - header)) ? VERDICT_GOOD : VERDICT_BAD;
}
