use super::*;
use crate::offload::model::bare;
use nix::errno::Errno;
use proptest::prelude::*;

fn needed(ports: &[u16]) -> Needed {
    ports.iter().copied().collect()
}

fn set(ports: &[u16]) -> BTreeSet<u16> {
    ports.iter().copied().collect()
}

fn known(ports: &[u16]) -> Parser {
    Parser::told_before(ports.iter().copied())
}

#[test]
fn where_there_is_room_all_are_told() {
    let i40e = Driver::of("net_i40e");
    let wanted = Parser::default().wanted(i40e, &needed(&[4789, 8472]), &set(&[]));
    assert_eq!(wanted, set(&[4789, 8472]));
}

#[test]
fn where_there_is_room_for_one_the_ports_own_comes_first_and_else_what_is_there() {
    let bnxt = Driver::of("net_bnxt");
    for (there, own, wanted) in [
        (&[][..], &[][..], 4789),
        (&[], &[8472], 8472),
        (&[8472], &[], 8472),
        (&[8472], &[4789], 4789),
        (&[8472], &[4789, 8472], 8472),
    ] {
        let result = known(there).wanted(bnxt, &needed(&[4789, 8472]), &set(own));
        assert_eq!(result, set(&[wanted]), "{there:?} {own:?}");
    }
    assert_eq!(
        known(&[8472]).wanted(bnxt, &needed(&[4789]), &set(&[])),
        set(&[4789])
    );
}

#[test]
fn what_the_parser_knows_or_never_learns_is_not_told() {
    let mlx5 = Driver::of("mlx5_pci");
    let parser = Parser::default();
    assert_eq!(
        parser.wanted(mlx5, &needed(&[4789, 8472]), &set(&[8472])),
        set(&[])
    );
    assert_eq!(parser.reason(mlx5, 4789), None);
    let reason = parser.reason(mlx5, 8472).unwrap();
    assert_eq!(reason, "the parser knows UDP port 4789 and no other");
    assert_eq!(parser.count(mlx5), 1);

    // One that was refused for good leaves room for another.
    let bnxt = Driver::of("net_bnxt");
    let mut parser = Parser::default();
    assert!(parser.added(bnxt, 4789, Err(bare(Errno::EINVAL)), 0));
    assert_eq!(
        parser.wanted(bnxt, &needed(&[4789, 8472]), &set(&[4789])),
        set(&[8472])
    );
    parser.prune(&needed(&[4789]));
    assert_eq!(parser.all().count(), 1);
    parser.prune(&needed(&[8472]));
    assert_eq!(parser.all().count(), 0);
}

#[test]
fn what_becomes_of_a_port_that_is_told() {
    let ice = Driver::of("net_ice");
    for (errno, here, again, knows) in [
        (None, true, false, true),
        (Some(Errno::EACCES), true, true, false),
        (Some(Errno::EBUSY), true, true, false),
        (Some(Errno::ENOTSUP), true, false, false),
        (Some(Errno::ENODEV), false, false, false),
    ] {
        let mut parser = Parser::default();
        let answer = errno.map_or(Ok(()), |errno| Err(bare(errno)));
        assert_eq!(parser.added(ice, 4789, answer, 50), here, "{errno:?}");
        assert_eq!(parser.knows(ice, 4789), knows, "{errno:?}");
        let retry = parser.all().find_map(|(_, told)| match told {
            Told::Refused { again, .. } => *again,
            _ => None,
        });
        assert_eq!(retry.map(|it| it.due()), again.then_some(150), "{errno:?}");
        assert_eq!(parser.reason(ice, 4789).is_none(), knows);
    }
    let mut parser = Parser::default();
    let enic = Driver::of("net_enic");
    parser.added(enic, 4789, Err(bare(Errno::EINVAL)), 0);
    assert!(parser.knows(enic, 4789));
}

#[test]
fn what_becomes_of_a_port_that_is_taken_back() {
    for (errno, here, told) in [
        (None, true, None),
        (Some(Errno::ENOTSUP), true, Some(Told::Kept)),
        (Some(Errno::ENODEV), false, None),
        (
            Some(Errno::EAGAIN),
            true,
            Some(Told::Known {
                leaving: Some(Retry::after(None, 7)),
            }),
        ),
    ] {
        let mut parser = known(&[4789]);
        let answer = errno.map_or(Ok(()), |errno| Err(bare(errno)));
        assert_eq!(parser.removed(4789, answer, 7), here, "{errno:?}");
        assert_eq!(
            parser.all().next().map(|(_, told)| told.clone()),
            told,
            "{errno:?}"
        );
    }
    // One that was perhaps not there is not, if the driver says so, which may be wrong.
    for (errno, told) in [
        (Errno::EINVAL, Some(Told::Denied)),
        (
            Errno::EBUSY,
            Some(Told::Doubtful(Some(Retry::after(None, 7)))),
        ),
    ] {
        let mut parser = known(&[4789]);
        parser.doubt();
        assert!(!parser.knows(Driver::of("net_ice"), 4789));
        assert!(parser.removed(4789, Err(bare(errno)), 7));
        let denied = told == Some(Told::Denied);
        assert_eq!(parser.taken().count(), usize::from(!denied), "{errno}");
        assert_eq!(
            parser.all().next().map(|(_, told)| told.clone()),
            told,
            "{errno}"
        );
    }
}

#[test]
fn what_it_refused_it_may_know_and_is_told_anew_when_it_has_recovered() {
    let ice = Driver::of("net_ice");
    // It would not forget it, and has it still: so it takes it no second time.
    let mut parser = known(&[4789]);
    parser.doubt();
    assert!(parser.removed(4789, Err(bare(Errno::EINVAL)), 7));
    assert!(parser.added(ice, 4789, Err(bare(Errno::EINVAL)), 7));
    assert!(!parser.knows(ice, 4789));
    parser.doubt();
    let all: Vec<_> = parser
        .all()
        .map(|(port, told)| (port, told.clone()))
        .collect();
    assert_eq!(all, [(4789, Told::Doubtful(None))]);
}

#[test]
fn what_it_may_know_from_before_is_told_anew_unless_it_was_already() {
    let ice = Driver::of("net_ice");
    let parser = known(&[4789]).or_still([4789, 8472]);
    assert!(parser.knows(ice, 4789) && !parser.knows(ice, 8472));
    assert_eq!(parser.taken().collect::<Vec<_>>(), [4789, 8472]);
}

#[test]
fn what_cannot_be_forgotten_takes_room() {
    let bnxt = Driver::of("net_bnxt");
    let mut parser = known(&[8472]);
    parser.removed(8472, Err(bare(Errno::ENOTSUP)), 0);
    assert_eq!(
        parser.wanted(bnxt, &needed(&[4789]), &set(&[4789])),
        set(&[])
    );
    assert_eq!(
        parser.wanted(bnxt, &needed(&[4789, 8472]), &set(&[4789])),
        set(&[8472])
    );
    assert!(parser.knows(bnxt, 8472));
}

proptest! {
    #[test]
    fn never_more_than_there_is_room_for_and_only_what_is_needed(
        ports in prop::collection::btree_set(1u16..12, 0..10),
        own in prop::collection::btree_set(1u16..12, 0..10),
        there in prop::collection::btree_set(1u16..12, 0..10),
        driver in prop::sample::select(vec!["net_nfp_pf", "net_bnxt", "net_ice", "mlx5_pci"]),
    ) {
        let driver = Driver::of(driver);
        let needed: Needed = ports.iter().copied().collect();
        let parser = Parser::told_before(there.into_iter().take(driver.room()));
        let wanted = parser.wanted(driver, &needed, &own);
        prop_assert_eq!(wanted.len(), driver.room().min(ports.len()));
        prop_assert!(wanted.is_subset(&ports));
        let (first, all): (BTreeSet<_>, _) = (&own & &ports, &wanted & &own);
        prop_assert!(all == first || all.len() == wanted.len());
        // What comes of it wants nothing else.
        let then = Parser::told_before(wanted.iter().copied());
        prop_assert_eq!(then.wanted(driver, &needed, &own), wanted);
    }
}
