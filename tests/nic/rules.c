/* Reads a rule as a driver of some dialect does, and matches packets against it. */
#include "nic.h"

#include <errno.h>
#include <string.h>

#define REFUSE(code, type, cause, text) \
	rte_flow_error_set(error, code, RTE_FLOW_ERROR_TYPE_##type, cause, text)

struct shape {
	enum rte_flow_item_type type;
	size_t size;
};

/* The struct of each layer, and how much of it is a header as on the wire. */
static const struct shape shapes[LAYERS] = {
	[LAYER_ETH] = {RTE_FLOW_ITEM_TYPE_ETH, 14},
	[LAYER_VLAN] = {RTE_FLOW_ITEM_TYPE_VLAN, 4},
	[LAYER_IPV4] = {RTE_FLOW_ITEM_TYPE_IPV4, 20},
	[LAYER_UDP] = {RTE_FLOW_ITEM_TYPE_UDP, 8},
	[LAYER_VXLAN] = {RTE_FLOW_ITEM_TYPE_VXLAN, 8},
	[LAYER_INNER_ETH] = {RTE_FLOW_ITEM_TYPE_ETH, 14},
	[LAYER_INNER_IPV4] = {RTE_FLOW_ITEM_TYPE_IPV4, 20},
};

static int read_item(const struct rte_flow_item *item, unsigned int layer, struct rte_flow *rule,
		     struct rte_flow_error *error)
{
	rule->has[layer] = true;
	if (item->last != NULL)
		return REFUSE(ENOTSUP, ITEM_LAST, item, "ranges are not supported");
	if (item->spec == NULL)
		return item->mask == NULL ? 0 : REFUSE(EINVAL, ITEM_SPEC, item, "mask without spec");
	if (item->mask == NULL)
		return REFUSE(ENOTSUP, ITEM_MASK, item, "default masks are not supported");
	memcpy(rule->spec[layer], item->spec, shapes[layer].size);
	memcpy(rule->mask[layer], item->mask, shapes[layer].size);
	for (size_t at = 0; at < HEADER; at++)
		if ((rule->spec[layer][at] & ~rule->mask[layer][at]) != 0)
			return REFUSE(EINVAL, ITEM_SPEC, item, "spec outside of mask");
	return 0;
}

static int read_items(const struct dialect *dialect, const struct rte_flow_item items[],
		      struct rte_flow *rule, struct rte_flow_error *error)
{
	unsigned int layer = 0;
	for (; items->type != RTE_FLOW_ITEM_TYPE_END; items++) {
		if (items->type == RTE_FLOW_ITEM_TYPE_VOID)
			continue;
		if (layer == LAYER_VLAN && items->type != RTE_FLOW_ITEM_TYPE_VLAN)
			layer++;
		if (layer == LAYERS || items->type != shapes[layer].type)
			return REFUSE(ENOTSUP, ITEM, items, "item not supported here");
		if (layer == LAYER_VLAN && !dialect->vlan)
			return REFUSE(ENOTSUP, ITEM, items, "VLAN not supported");
		int rc = read_item(items, layer++, rule, error);
		if (rc != 0)
			return rc;
	}
	if (!rule->has[LAYER_VXLAN])
		return REFUSE(ENOTSUP, ITEM, items, "no VXLAN item");
	if (dialect->needs_inner_ipv4 && !rule->has[LAYER_INNER_IPV4])
		return REFUSE(EINVAL, ITEM, items, "Invalid input set: inner IPv4 is required");
	return 0;
}

static int read_rss(const struct dialect *dialect, const struct rte_flow_action *action,
		    struct rte_flow *rule, struct rte_flow_error *error)
{
	const struct rte_flow_action_rss *rss = action->conf;
	if (!dialect->rss || rss == NULL || rss->queue_num == 0 || rss->queue_num > QUEUES)
		return REFUSE(ENOTSUP, ACTION_CONF, action, "RSS not supported like this");
	if (rss->level > dialect->level)
		return REFUSE(ENOTSUP, ACTION_CONF, action, "RSS level is not supported");
	if (rss->key_len != 0 && rss->key == NULL)
		return REFUSE(EINVAL, ACTION_CONF, action, "no RSS key");
	rule->level = rss->level;
	rule->rss_types = rss->types;
	rule->queues = rss->queue_num;
	memcpy(rule->queue, rss->queue, rss->queue_num * sizeof(*rss->queue));
	return 0;
}

static int read_action(const struct dialect *dialect, const struct rte_flow_action *action,
		       struct rte_flow *rule, struct rte_flow_error *error)
{
	const struct rte_flow_action_mark *mark = action->conf;
	switch (action->type) {
	case RTE_FLOW_ACTION_TYPE_VOID:
		return 0;
	case RTE_FLOW_ACTION_TYPE_MARK:
		if (dialect->most_mark == 0)
			return REFUSE(ENOTSUP, ACTION, action, "marks were not agreed on");
		if (mark == NULL || mark->id > dialect->most_mark)
			return REFUSE(EINVAL, ACTION_CONF, action, "mark is out of range");
		rule->marks = true;
		rule->mark = mark->id;
		return 0;
	case RTE_FLOW_ACTION_TYPE_COUNT:
		rule->counts = true;
		return 0;
	case RTE_FLOW_ACTION_TYPE_VXLAN_DECAP:
		rule->strips = true;
		return dialect->strip ? 0 : REFUSE(ENOTSUP, ACTION, action, "no decapsulation");
	case RTE_FLOW_ACTION_TYPE_PASSTHRU:
		rule->passes = true;
		return dialect->passthru ? 0 : REFUSE(ENOTSUP, ACTION, action, "no passthru");
	case RTE_FLOW_ACTION_TYPE_RSS:
		return read_rss(dialect, action, rule, error);
	default:
		return REFUSE(ENOTSUP, ACTION, action, "action not supported");
	}
}

int rule_read(const struct nic *nic, const struct rte_flow_attr *attr,
	      const struct rte_flow_item items[], const struct rte_flow_action actions[],
	      struct rte_flow *rule, struct rte_flow_error *error)
{
	const struct dialect *dialect = nic->dialect;
	memset(rule, 0, sizeof(*rule));
	if (!dialect->flows)
		return REFUSE(ENOSYS, UNSPECIFIED, NULL, rte_strerror(ENOSYS));
	if (attr->group != 0)
		return REFUSE(ENOTSUP, ATTR_GROUP, attr, "groups are not supported");
	if (!attr->ingress || attr->egress || attr->transfer)
		return REFUSE(ENOTSUP, ATTR_INGRESS, attr, "only ingress is supported");
	int rc = read_items(dialect, items, rule, error);
	for (; rc == 0 && actions->type != RTE_FLOW_ACTION_TYPE_END; actions++)
		rc = read_action(dialect, actions, rule, error);
	if (rc != 0)
		return rc;
	if (rule->passes && rule->queues != 0)
		return REFUSE(EINVAL, ACTION, actions, "two fates");
	if (dialect->needs_fate && rule->queues == 0)
		return REFUSE(EINVAL, ACTION, actions, "no fate action is found");
	return 0;
}

bool rule_matches(const struct rte_flow *rule, const uint8_t *bytes, size_t len,
		  const struct layers *layers)
{
	for (unsigned int layer = 0; layer < LAYERS; layer++) {
		size_t at = layers->at[layer];
		/* A rule that does not speak of tags is one of packets without. */
		if (layer == LAYER_VLAN && !rule->has[layer] && at != NOWHERE)
			return false;
		if (!rule->has[layer])
			continue;
		if (at == NOWHERE || at + shapes[layer].size > len)
			return false;
		for (size_t place = 0; place < shapes[layer].size; place++)
			if (((bytes[at + place] ^ rule->spec[layer][place]) &
			     rule->mask[layer][place]) != 0)
				return false;
	}
	return true;
}
