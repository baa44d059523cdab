//! Routes by example, and against a naive oracle.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn address(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

fn link(number: usize) -> LinkId {
    LinkId::new(number).unwrap()
}

/// Links that are up, by number, with an address of ours on each.
fn connected(links: &[(usize, &str)]) -> Routes {
    let mut routes = Routes::new();
    for (number, own) in links {
        routes.claim(prefix(own).address());
        routes.connect(link(*number), prefix(own));
    }
    routes
}

fn on_link(routes: &Routes, to: &str) -> Option<(usize, Ipv4Addr)> {
    let there = routes.on_link(address(to))?;
    Some((there.link.index(), there.own))
}

#[test]
fn the_longest_prefix_wins() {
    let mut routes = connected(&[
        (1, "10.0.0.1/8"),
        (3, "10.1.0.2/16"),
        (2, "10.1.0.1/16"),
        (1, "10.2.0.1/16"),
    ]);
    let first = on_link(&routes, "10.9.9.9");
    assert_eq!(first, Some((1, address("10.0.0.1"))));
    let longer = on_link(&routes, "10.2.9.9");
    assert_eq!(longer, Some((1, address("10.2.0.1"))));
    let of_two = on_link(&routes, "10.1.9.9");
    assert_eq!(of_two, Some((2, address("10.1.0.1"))), "the first link");
    routes.disconnect(link(2), prefix("10.1.0.1/16"));
    let other = on_link(&routes, "10.1.9.9");
    assert_eq!(other, Some((3, address("10.1.0.2"))));
    routes.disconnect(link(3), prefix("10.1.0.2/16"));
    assert_eq!(on_link(&routes, "10.1.9.9"), first);
    assert_eq!(on_link(&routes, "192.0.2.1"), None);
}

#[test]
fn what_no_host_can_have_is_nowhere() {
    let mut routes = connected(&[(1, "10.0.0.1/24"), (2, "10.0.1.0/31")]);
    routes.claim(address("10.0.0.2"));
    routes
        .add(prefix("0.0.0.0/0"), &[address("10.0.0.9")])
        .unwrap();
    for no in [
        "10.0.0.0",
        "10.0.0.255",
        "10.0.0.1",
        "10.0.0.2",
        "10.0.1.0",
        "224.0.0.1",
        "127.0.0.1",
        "255.255.255.255",
    ] {
        assert_eq!(routes.on_link(address(no)), None, "{no}");
        assert!(routes.resolve(address(no)).is_empty(), "{no}");
    }
    assert!(routes.on_link(address("10.0.1.1")).is_some());
    routes.disclaim(address("10.0.0.2"));
    assert!(routes.on_link(address("10.0.0.2")).is_some());
}

#[test]
fn routes_that_make_no_sense_are_refused() {
    let mut routes = Routes::new();
    let to = prefix("10.0.0.0/8");
    let one = address("192.0.2.1");
    assert_eq!(routes.add(to, &[]), Err(RouteError::Count));
    assert_eq!(routes.add(to, &[one; 9]), Err(RouteError::Count));
    assert_eq!(routes.add(to, &[one, one]), Err(RouteError::Twice(one)));
    for bad in ["0.0.0.0", "224.0.0.1", "127.0.0.1"].map(address) {
        assert_eq!(routes.add(to, &[one, bad]), Err(RouteError::Gateway(bad)));
    }
    assert_eq!(routes.iter().count(), 0);
    for n in 0..Routes::MAX as u32 {
        let to = Prefix::new(Ipv4Addr::from_bits(0x0b00_0000 + n), 32).unwrap();
        assert_eq!(routes.add(to, &[one]), Ok(()));
    }
    assert_eq!(routes.add(to, &[one]), Err(RouteError::Full));
    let there = prefix("11.0.0.0/32");
    assert_eq!(
        routes.add(there, &[address("192.0.2.2")]),
        Ok(()),
        "a change"
    );
    assert!(routes.del(there) && !routes.del(there));
    assert_eq!(routes.add(to, &[one]), Ok(()));
    let last = routes.iter().last().unwrap();
    assert_eq!((last.to, &last.via[..]), (to, &[one][..]));
}

/// Links and routes at random, in a space so small that they meet.
#[derive(Clone, Debug)]
struct World {
    /// By link: an address of ours, and whether the link is up.
    links: Vec<(Prefix, bool)>,
    routes: Vec<(Prefix, Vec<Ipv4Addr>)>,
}

/// 10.0.0.0 to 10.0.0.63.
fn near() -> impl Strategy<Value = Ipv4Addr> {
    (0..64u8).prop_map(|n| [10, 0, 0, n].into())
}

fn short() -> impl Strategy<Value = Prefix> {
    (near(), prop_oneof![Just(0u8), 24..=32u8]).prop_map(|(at, len)| Prefix::new(at, len).unwrap())
}

fn world() -> impl Strategy<Value = World> {
    let links = vec((short(), any::<bool>()), 0..4);
    let routes = vec((short(), vec(near(), 1..4)), 0..6);
    (links, routes).prop_map(|(links, routes)| World { links, routes })
}

impl World {
    fn routes(&self) -> Routes {
        let mut routes = Routes::new();
        for (number, (own, up)) in self.links.iter().enumerate() {
            routes.claim(own.address());
            routes.connect(link(number), *own);
            if !up {
                routes.disconnect(link(number), *own);
            }
        }
        for (to, via) in &self.routes {
            routes.add(*to, via).ok();
        }
        routes
    }

    fn on_link(&self, to: Ipv4Addr) -> Option<(usize, Ipv4Addr)> {
        let links = self.links.iter().enumerate();
        let up = links.filter(|(_, (own, up))| *up && own.contains(to));
        let (number, (own, _)) =
            up.max_by_key(|(number, (own, _))| (own.length(), usize::MAX - number))?;
        let ours = self.links.iter().any(|(own, _)| own.address() == to);
        let host = Prefix::new(to, own.length()).unwrap().is_host();
        (host && !ours).then_some((number, own.address()))
    }

    /// Every way there is, the best first: by length, and what is connected before what is not.
    fn resolve(&self, to: Ipv4Addr) -> Vec<Ipv4Addr> {
        if self.links.iter().any(|(own, _)| own.address() == to) || !is_unicast(to) {
            return vec![];
        }
        let mut ways = Vec::new();
        for (own, up) in &self.links {
            if *up && own.contains(to) {
                let here = self.on_link(to).map(|_| to);
                ways.push((own.length(), 1, Vec::from_iter(here)));
            }
        }
        for (at, (route, via)) in self.routes.iter().enumerate() {
            let same = |other: &(Prefix, Vec<_>)| {
                other.0.network() == route.network() && other.0.length() == route.length()
            };
            let distinct =
                |via: &[Ipv4Addr]| via.iter().collect::<BTreeSet<_>>().len() == via.len();
            let later = &self.routes[at + 1..];
            if !distinct(via) || later.iter().any(|other| same(other) && distinct(&other.1)) {
                continue;
            }
            let live = via.iter().filter(|via| self.on_link(**via).is_some());
            let live: Vec<_> = live.copied().collect();
            if route.contains(to) && !live.is_empty() {
                ways.push((route.length(), 0, live));
            }
        }
        let best = ways
            .into_iter()
            .max_by_key(|(length, connected, _)| (*length, *connected));
        best.map(|(_, _, via)| via).unwrap_or_default()
    }
}

proptest! {
    #[test]
    fn routes_are_those_of_the_oracle(world in world(), to in vec(near(), 8)) {
        let routes = world.routes();
        for to in to {
            let there = routes.on_link(to).map(|there| (there.link.index(), there.own));
            prop_assert_eq!(there, world.on_link(to));
            prop_assert_eq!(routes.resolve(to).to_vec(), world.resolve(to));
        }
    }

    /// What is not in the affected prefixes does not change when a link comes or goes.
    #[test]
    fn what_a_change_affects(world in world(), change in 0..4usize) {
        let mut after = world.clone();
        if let Some((own, up)) = after.links.get_mut(change) {
            *up = !*up;
            let affected = world.routes().affected(*own);
            for n in 0..64 {
                let to = Ipv4Addr::new(10, 0, 0, n);
                if !affected.iter().any(|prefix| prefix.contains(to)) {
                    prop_assert_eq!(world.resolve(to), after.resolve(to));
                }
            }
        }
    }
}
