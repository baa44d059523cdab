/* One NIC: its ports and its rules, and who asked for what. */
#include "nic.h"

#include <errno.h>
#include <rte_errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void journal(const struct nic *nic, const char *format, ...)
{
	const char *path = getenv("NICMODEL_JOURNAL");
	FILE *file = path != NULL ? fopen(path, "a") : NULL;
	if (file == NULL)
		return;
	va_list arguments;
	fprintf(file, "%u ", nic->port);
	va_start(arguments, format);
	vfprintf(file, format, arguments);
	va_end(arguments);
	fputc('\n', file);
	fclose(file);
}

void nic_init(struct nic *nic, uint16_t port, const struct dialect *dialect)
{
	const char *room = getenv("NICMODEL_RULES");
	memset(nic, 0, sizeof(*nic));
	pthread_mutex_init(&nic->lock, NULL);
	nic->port = port;
	nic->dialect = dialect;
	nic->room = room != NULL ? (unsigned int)atoi(room) : 1024;
}

static bool named_by_rule(const struct nic *nic, uint16_t udp_port)
{
	for (const struct rte_flow *rule = nic->rules; rule != NULL; rule = rule->next) {
		const uint8_t *spec = rule->spec[LAYER_UDP], *mask = rule->mask[LAYER_UDP];
		if (mask[2] == 0xff && mask[3] == 0xff && (spec[2] << 8 | spec[3]) == udp_port)
			return true;
	}
	return false;
}

bool nic_knows_port(const void *of, uint16_t udp_port)
{
	const struct nic *nic = of;
	if (nic->dialect->knows_4789 && udp_port == 4789)
		return true;
	for (size_t place = 0; place < nic->dialect->ports; place++)
		if (nic->ports[place].adds > 0 && nic->ports[place].udp_port == udp_port)
			return true;
	return nic->dialect->port_by_rule && named_by_rule(nic, udp_port);
}

int nic_negotiate(struct nic *nic, uint64_t *features)
{
	int rc = 0;
	uint64_t asked = *features;
	pthread_mutex_lock(&nic->lock);
	if (nic->configured)
		rc = -EBUSY;
	else if (nic->dialect->marks == ANSWER_ASSUME)
		rc = -ENOTSUP;
	else if (nic->dialect->marks == ANSWER_REFUSE)
		*features &= ~RTE_ETH_RX_METADATA_USER_MARK;
	pthread_mutex_unlock(&nic->lock);
	journal(nic, "negotiate %#x: %d", (unsigned int)asked, rc);
	return rc;
}

static int add(struct nic *nic, uint16_t udp_port)
{
	const struct dialect *dialect = nic->dialect;
	if (dialect->ports == 0)
		return dialect->knows_4789 && udp_port == 4789 ? 0 : -ENOTSUP;
	size_t free = dialect->ports;
	for (size_t place = 0; place < dialect->ports; place++) {
		if (nic->ports[place].adds == 0) {
			free = RTE_MIN(free, place);
		} else if (nic->ports[place].udp_port == udp_port) {
			nic->ports[place].adds += dialect->counts_ports;
			return dialect->again;
		}
	}
	if (free == dialect->ports)
		return -ENOSPC;
	nic->ports[free].udp_port = udp_port;
	nic->ports[free].adds = 1;
	return 0;
}

int nic_port_add(struct nic *nic, const struct rte_eth_udp_tunnel *tunnel)
{
	pthread_mutex_lock(&nic->lock);
	int rc = tunnel->prot_type == RTE_ETH_TUNNEL_TYPE_VXLAN ? add(nic, tunnel->udp_port) : -EINVAL;
	pthread_mutex_unlock(&nic->lock);
	journal(nic, "udp_add %u: %d", tunnel->udp_port, rc);
	return rc;
}

static int del(struct nic *nic, uint16_t udp_port)
{
	if (!nic->dialect->deletes_ports)
		return -ENOTSUP;
	for (size_t place = 0; place < nic->dialect->ports; place++) {
		if (nic->ports[place].adds > 0 && nic->ports[place].udp_port == udp_port) {
			nic->ports[place].adds--;
			return 0;
		}
	}
	return -EINVAL;
}

int nic_port_del(struct nic *nic, const struct rte_eth_udp_tunnel *tunnel)
{
	pthread_mutex_lock(&nic->lock);
	int rc = tunnel->prot_type == RTE_ETH_TUNNEL_TYPE_VXLAN ? del(nic, tunnel->udp_port) : -EINVAL;
	pthread_mutex_unlock(&nic->lock);
	journal(nic, "udp_del %u: %d", tunnel->udp_port, rc);
	return rc;
}

int nic_validate(struct nic *nic, const struct rte_flow_attr *attr,
		 const struct rte_flow_item items[], const struct rte_flow_action actions[],
		 struct rte_flow_error *error)
{
	struct rte_flow rule;
	pthread_mutex_lock(&nic->lock);
	int rc = rule_read(nic, attr, items, actions, &rule, error);
	pthread_mutex_unlock(&nic->lock);
	journal(nic, "validate: %d", rc);
	return rc;
}

struct rte_flow *nic_create(struct nic *nic, const struct rte_flow_attr *attr,
			    const struct rte_flow_item items[],
			    const struct rte_flow_action actions[], struct rte_flow_error *error)
{
	struct rte_flow *rule = malloc(sizeof(*rule)), **last = &nic->rules;
	if (rule == NULL)
		abort();
	pthread_mutex_lock(&nic->lock);
	int rc = rule_read(nic, attr, items, actions, rule, error);
	if (rc == 0 && nic->count >= nic->room)
		rc = rte_flow_error_set(error, ENOSPC, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
					"no room for another rule");
	if (rc == 0) {
		while (*last != NULL)
			last = &(*last)->next;
		*last = rule;
		nic->count++;
	}
	pthread_mutex_unlock(&nic->lock);
	journal(nic, "create %#x: %d", rule->mark, rc);
	if (rc == 0)
		return rule;
	free(rule);
	rte_errno = -rc;
	return NULL;
}

/* Where the list refers to a rule, which has to be in it. */
static struct rte_flow **find(struct nic *nic, const struct rte_flow *rule, const char *call)
{
	struct rte_flow **at = &nic->rules;
	while (*at != NULL && *at != rule)
		at = &(*at)->next;
	if (*at == NULL) {
		fprintf(stderr, "NIC model, port %u: %s of a handle that is none\n", nic->port, call);
		abort();
	}
	return at;
}

static void drop(struct nic *nic, struct rte_flow **at)
{
	struct rte_flow *rule = *at;
	*at = rule->next;
	nic->last_mark = rule->mark;
	nic->count--;
	free(rule);
}

int nic_destroy(struct nic *nic, struct rte_flow *rule, struct rte_flow_error *error)
{
	pthread_mutex_lock(&nic->lock);
	struct rte_flow **at = find(nic, rule, "destroy");
	uint32_t mark = rule->mark;
	/* For a test of a rule that cannot be taken back. */
	bool stuck = getenv("NICMODEL_STUCK") != NULL;
	if (!stuck)
		drop(nic, at);
	pthread_mutex_unlock(&nic->lock);
	journal(nic, "destroy %#x: %d", mark, stuck ? -EBUSY : 0);
	return stuck ? rte_flow_error_set(error, EBUSY, RTE_FLOW_ERROR_TYPE_HANDLE, NULL, "rule in use")
		     : 0;
}

static void drop_all(struct nic *nic)
{
	while (nic->rules != NULL)
		drop(nic, &nic->rules);
}

int nic_flush(struct nic *nic, struct rte_flow_error *error)
{
	if (!nic->dialect->flows)
		return rte_flow_error_set(error, ENOSYS, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
					  rte_strerror(ENOSYS));
	pthread_mutex_lock(&nic->lock);
	unsigned int count = nic->count;
	drop_all(nic);
	pthread_mutex_unlock(&nic->lock);
	journal(nic, "flush of %u", count);
	return 0;
}

int nic_query(struct nic *nic, struct rte_flow *rule, const struct rte_flow_action *action,
	      void *data, struct rte_flow_error *error)
{
	struct rte_flow_query_count *count = data;
	int rc = 0;
	pthread_mutex_lock(&nic->lock);
	find(nic, rule, "query");
	if (action->type != RTE_FLOW_ACTION_TYPE_COUNT || !rule->counts) {
		rc = rte_flow_error_set(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION, action,
					"the rule has no counter");
	} else {
		count->hits_set = 1;
		count->bytes_set = 1;
		count->hits = rule->hits;
		count->bytes = rule->bytes;
	}
	pthread_mutex_unlock(&nic->lock);
	return rc;
}

void nic_started(struct nic *nic) { journal(nic, "start"); }

void nic_stopped(struct nic *nic)
{
	pthread_mutex_lock(&nic->lock);
	unsigned int count = nic->count;
	if (!nic->dialect->keeps_rules)
		drop_all(nic);
	pthread_mutex_unlock(&nic->lock);
	journal(nic, "stop with %u rules", count);
}
