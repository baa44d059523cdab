//! What becomes of packets that a rule names, as actions of rte_flow.

use crate::offload::{Delivery, Rule};
use arrayvec::ArrayVec;
use dpdk_sys as sys;
use std::ptr::{from_ref, null};
use sys::rte_flow_action_type as kind;

/// Mark, decapsulation, count, delivery. Drivers that mind the order want this one.
const STEPS: usize = 4;

/// What the hash for a queue is made of. Never zero: that is addresses alone to some drivers, and
/// all packets between two tunnel end points would share a queue.
const RSS_TYPES: u64 = sys::K_ETH_RSS_IP | sys::K_ETH_RSS_UDP | sys::K_ETH_RSS_TCP;

/// The actions of a rule, and what they refer to.
#[derive(Debug)]
pub(super) struct Steps {
    kinds: ArrayVec<kind::Type, STEPS>,
    mark: sys::rte_flow_action_mark,
    count: sys::rte_flow_action_count,
    /// Refers to `queues`.
    rss: sys::rte_flow_action_rss,
    queues: Vec<u16>,
}

impl Steps {
    pub(super) fn of(rule: &Rule) -> Self {
        let mut kinds = ArrayVec::new();
        kinds.push(kind::RTE_FLOW_ACTION_TYPE_MARK);
        if rule.strip.is_some() {
            kinds.push(kind::RTE_FLOW_ACTION_TYPE_VXLAN_DECAP);
        }
        if rule.count {
            kinds.push(kind::RTE_FLOW_ACTION_TYPE_COUNT);
        }
        let delivery = match rule.delivery {
            Delivery::InnerRss | Delivery::Rss => Some(kind::RTE_FLOW_ACTION_TYPE_RSS),
            Delivery::PassOn => Some(kind::RTE_FLOW_ACTION_TYPE_PASSTHRU),
            Delivery::Plain => None,
        };
        kinds.extend(delivery);
        let queues: Vec<u16> = (0..rule.queues).collect();
        Steps {
            kinds,
            mark: sys::rte_flow_action_mark {
                id: rule.mark.get(),
            },
            count: sys::rte_flow_action_count::default(),
            rss: sys::rte_flow_action_rss {
                func: sys::rte_eth_hash_function::RTE_ETH_HASH_FUNCTION_DEFAULT,
                level: match rule.delivery {
                    Delivery::InnerRss => 2,
                    _ => 0,
                },
                types: RSS_TYPES,
                key_len: 0,
                queue_num: u32::from(rule.queues),
                key: null(),
                queue: queues.as_ptr(),
            },
            queues,
        }
    }

    /// The actions and their end. They refer to `self`, and are read no longer than it lives.
    pub(super) fn actions(&self) -> ArrayVec<sys::rte_flow_action, { STEPS + 1 }> {
        debug_assert_eq!(self.rss.queue_num as usize, self.queues.len());
        let action = |step: &kind::Type| sys::rte_flow_action {
            type_: *step,
            conf: match *step {
                kind::RTE_FLOW_ACTION_TYPE_MARK => from_ref(&self.mark).cast(),
                kind::RTE_FLOW_ACTION_TYPE_COUNT => from_ref(&self.count).cast(),
                kind::RTE_FLOW_ACTION_TYPE_RSS => from_ref(&self.rss).cast(),
                _ => null(),
            },
        };
        let end = [kind::RTE_FLOW_ACTION_TYPE_END];
        self.kinds.iter().chain(&end).map(action).collect()
    }

    /// The action alone that a rule's count is asked for by, and its end.
    pub(super) fn count(conf: &sys::rte_flow_action_count) -> [sys::rte_flow_action; 2] {
        [
            sys::rte_flow_action {
                type_: kind::RTE_FLOW_ACTION_TYPE_COUNT,
                conf: from_ref(conf).cast(),
            },
            sys::rte_flow_action {
                type_: kind::RTE_FLOW_ACTION_TYPE_END,
                conf: null(),
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dpdk::flow::samples::rule;

    fn kinds(rule: &Rule) -> Vec<kind::Type> {
        let steps = Steps::of(rule);
        steps.actions().iter().map(|action| action.type_).collect()
    }

    #[test]
    fn a_rule_marks_strips_counts_and_delivers_in_this_order() {
        let mut rule = rule();
        rule.strip = Some([192, 0, 2, 9].into());
        rule.count = true;
        assert_eq!(
            kinds(&rule),
            [
                kind::RTE_FLOW_ACTION_TYPE_MARK,
                kind::RTE_FLOW_ACTION_TYPE_VXLAN_DECAP,
                kind::RTE_FLOW_ACTION_TYPE_COUNT,
                kind::RTE_FLOW_ACTION_TYPE_RSS,
                kind::RTE_FLOW_ACTION_TYPE_END,
            ]
        );
        rule.strip = None;
        rule.count = false;
        for (delivery, last) in [
            (Delivery::InnerRss, Some(kind::RTE_FLOW_ACTION_TYPE_RSS)),
            (Delivery::Rss, Some(kind::RTE_FLOW_ACTION_TYPE_RSS)),
            (Delivery::PassOn, Some(kind::RTE_FLOW_ACTION_TYPE_PASSTHRU)),
            (Delivery::Plain, None),
        ] {
            rule.delivery = delivery;
            let wanted: Vec<_> = [Some(kind::RTE_FLOW_ACTION_TYPE_MARK), last]
                .into_iter()
                .flatten()
                .chain([kind::RTE_FLOW_ACTION_TYPE_END])
                .collect();
            assert_eq!(kinds(&rule), wanted, "{delivery:?}");
        }
    }

    #[test]
    fn the_hash_is_of_all_that_tells_flows_apart_over_the_queues_of_the_rule() {
        let mut rule = rule();
        rule.queues = 3;
        for (delivery, level) in [(Delivery::InnerRss, 2), (Delivery::Rss, 0)] {
            rule.delivery = delivery;
            let steps = Steps::of(&rule);
            assert_eq!((steps.rss.level, steps.rss.queue_num), (level, 3));
            assert_eq!((steps.rss.key_len, steps.rss.key), (0, null()));
            for types in [sys::K_ETH_RSS_IP, sys::K_ETH_RSS_UDP, sys::K_ETH_RSS_TCP] {
                assert_eq!(steps.rss.types & types, types);
            }
            assert_eq!(steps.queues, [0, 1, 2]);
            assert_eq!(steps.rss.queue, steps.queues.as_ptr());
        }
    }

    #[test]
    fn the_actions_refer_to_what_they_need() {
        let mut rule = rule();
        rule.count = true;
        let steps = Steps::of(&rule);
        let actions = steps.actions();
        assert_eq!(steps.mark.id, rule.mark.get());
        assert_eq!(actions[0].conf, from_ref(&steps.mark).cast());
        assert_eq!(actions[1].conf, from_ref(&steps.count).cast());
        assert_eq!(actions[2].conf, from_ref(&steps.rss).cast());
        assert!(actions[3].conf.is_null());
    }
}
