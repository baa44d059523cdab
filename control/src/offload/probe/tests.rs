use super::*;
use crate::offload::model::{Call, Model, ModelNic, Profile, target};
use fastpath::wire::VlanId;

/// What a NIC says, and how many calls that took.
fn ask(model: &Model, target: Target, widths: &[Width]) -> (Result<Ability, NicError>, usize) {
    let mut nic = model.start();
    model.chip().log();
    let facts = nic.facts();
    let mut probe = Probe {
        driver: Driver::of(&facts.driver),
        facts: &facts,
        nic: &mut nic,
        target,
        nobodys: nobodys(&Targets::new()),
        widths,
        left: Vec::new(),
    };
    let answer = probe.run();
    let left = probe.left.len();
    let mut chip = model.chip();
    assert!(chip.is_gone() || left == chip.rules().len());
    let calls = chip.log().len();
    chip.stop();
    assert!(calls <= CALLS);
    (answer, calls)
}

/// A NIC that takes one pattern and one delivery.
fn takes(pattern: &'static [Pattern], delivery: &'static [Delivery]) -> Model {
    let profile = Profile {
        driver: "net_ring",
        has_rules: true,
        patterns: pattern,
        deliveries: delivery,
        marks: Some(0xffff),
        own_ports: true,
        room: 1,
        ..Profile::NONE
    };
    Model::new(profile, 4)
}

const ONE: [(Pattern, &[Pattern]); 4] = [
    (Pattern::Tunnel, &[Pattern::Tunnel]),
    (Pattern::InnerEthernet, &[Pattern::InnerEthernet]),
    (Pattern::InnerIpv4, &[Pattern::InnerIpv4]),
    (Pattern::VniOnly, &[Pattern::VniOnly]),
];
const WAY: [(Delivery, &[Delivery]); 4] = [
    (Delivery::InnerRss, &[Delivery::InnerRss]),
    (Delivery::Rss, &[Delivery::Rss]),
    (Delivery::PassOn, &[Delivery::PassOn]),
    (Delivery::Plain, &[Delivery::Plain]),
];

#[test]
fn whichever_shape_a_nic_takes_is_found() {
    for (pattern, patterns) in ONE {
        for (delivery, deliveries) in WAY {
            let model = takes(patterns, deliveries);
            let shape = ask(&model, target(4789, 1), &Width::ALL)
                .0
                .unwrap()
                .unwrap();
            assert_eq!((shape.pattern, shape.delivery), (pattern, delivery));
            assert_eq!((shape.width, shape.count), (Width::Bits16, false));
        }
    }
}

#[test]
fn of_several_shapes_the_most_exact_is_taken() {
    let model = takes(
        &[Pattern::VniOnly, Pattern::InnerIpv4, Pattern::InnerEthernet],
        &[Delivery::Plain, Delivery::PassOn, Delivery::Rss],
    );
    let shape = ask(&model, target(4789, 1), &Width::ALL)
        .0
        .unwrap()
        .unwrap();
    assert_eq!(
        (shape.pattern, shape.delivery),
        (Pattern::InnerEthernet, Delivery::Rss)
    );
}

#[test]
fn marks_are_as_wide_as_the_nic_and_the_port_let_them_be() {
    for (most, widths, width) in [
        (0xff_ffef, &Width::ALL[..], Width::Bits24),
        (u32::MAX, &Width::ALL[..], Width::Bits24),
        (0xff_ffee, &Width::ALL[..], Width::Bits16),
        (0xffef, &Width::ALL[..], Width::Bits16),
        (0xffee, &Width::ALL[..], Width::Bits8),
        (u32::MAX, &Width::ALL[1..], Width::Bits16),
        (u32::MAX, &Width::ALL[2..], Width::Bits8),
    ] {
        let model = takes(&[Pattern::Tunnel], &[Delivery::Plain]);
        model.chip().profile().marks = Some(most);
        let shape = ask(&model, target(4789, 1), widths).0.unwrap().unwrap();
        assert_eq!(shape.width, width, "{most:x} {widths:?}");
    }
    let model = takes(&[Pattern::Tunnel], &[Delivery::Plain]);
    model.chip().profile().marks = Some(0xee);
    let answer = ask(&model, target(4789, 1), &Width::ALL).0.unwrap();
    assert!(answer.unwrap_err().contains("mark id is too large"));
}

#[test]
fn rules_count_where_they_can() {
    let model = takes(&[Pattern::Tunnel], &[Delivery::Plain]);
    model.chip().profile().counts = true;
    let shape = ask(&model, target(4789, 1), &Width::ALL)
        .0
        .unwrap()
        .unwrap();
    assert!(shape.count);
    assert_eq!(
        shape.to_string(),
        "eth / ipv4 / udp / vxlan -> mark / count"
    );
}

#[test]
fn where_marks_are_not_delivered_nothing_is_asked() {
    let model = takes(&[Pattern::Tunnel], &[Delivery::Plain]);
    model.chip().profile().delivery = MarkDelivery::Refused;
    let (answer, calls) = ask(&model, target(4789, 1), &Width::ALL);
    assert_eq!(
        answer.unwrap(),
        Err("net_ring delivers no marks".to_owned())
    );
    assert_eq!(calls, 0);
}

#[test]
fn a_driver_without_rules_is_asked_once() {
    let model = Model::new(Profile::VIRTIO, 1);
    let (answer, calls) = ask(&model, target(4789, 1), &Width::ALL);
    assert_eq!(answer.unwrap(), Err("the driver has no rules".to_owned()));
    assert_eq!(calls, 1);
}

#[test]
fn the_reason_is_what_the_driver_said_each_answer_once() {
    let model = Model::new(Profile::I40E, 1);
    let (answer, calls) = ask(&model, target(4789, 1), &Width::ALL);
    assert_eq!(
        answer.unwrap().unwrap_err(),
        "eth / ipv4 / udp / vxlan: outer items with a spec are not supported (Invalid argument); \
         eth / ipv4 / udp / vxlan / eth: the first action has to be PF or VF (Invalid argument); \
         vxlan: a tunnel without addresses is not supported (Invalid argument)"
    );
    assert_eq!(calls, 16);
}

#[test]
fn a_driver_that_likes_what_it_cannot_do_is_found_out() {
    let model = takes(&[Pattern::Tunnel, Pattern::InnerEthernet], &[Delivery::Rss]);
    model.chip().fail_creates(Some(Errno::EINVAL));
    let (answer, calls) = ask(&model, target(4789, 1), &Width::ALL);
    let reason = answer.unwrap().unwrap_err();
    assert!(
        reason.contains("eth / ipv4 / udp / vxlan: Invalid argument"),
        "{reason}"
    );
    // All shapes, and for the two that it likes the width, the count and the rule.
    assert_eq!(calls, 16 + 2 * 4);

    let model = takes(&[Pattern::Tunnel], WAYS);
    model.chip().fail_creates(Some(Errno::EINVAL));
    let (answer, calls) = ask(&model, target(4789, 1), &Width::ALL);
    assert!(answer.unwrap().is_err());
    assert_eq!(calls, SENTINELS * 5);
}

const WAYS: &[Delivery] = &DELIVERIES;

#[test]
fn the_rule_that_is_tried_is_nobodys_and_goes_again() {
    let model = Model::new(Profile::MLX5, 4);
    let wanted = Target {
        vlan: VlanId::new(5),
        ..target(8472, 1)
    };
    let mut nic = model.start();
    let facts = nic.facts();
    let mut probe = Probe {
        driver: Driver::of(&facts.driver),
        facts: &facts,
        nic: &mut nic,
        target: wanted,
        nobodys: nobodys(&Targets::from([wanted])),
        widths: &Width::ALL,
        left: Vec::new(),
    };
    probe.run().unwrap().unwrap();
    let log = model.chip().log();
    let [.., Call::Create(created), Call::Destroy(destroyed)] = log[..] else {
        panic!("{log:?}");
    };
    assert_eq!(created, destroyed);
    assert_eq!(created.end_point.vni.get(), 0xff_fffe);
    assert_eq!(
        (created.vlan, created.end_point.udp_port),
        (wanted.vlan, 8472)
    );
    assert_eq!(Mark::received(Width::Bits24, created.mark.get()), None);
}

#[test]
fn errors_that_are_no_answer_are_told_apart() {
    for nth in 0..6 {
        for (errno, answered) in [
            (Errno::EBUSY, false),
            (Errno::EAGAIN, false),
            (Errno::ENOMEM, false),
            (Errno::ENOSPC, false),
            (Errno::ENODEV, false),
            (Errno::EIO, false),
            (Errno::EINVAL, true),
            (Errno::ENOTSUP, true),
            (Errno::EPERM, true),
        ] {
            let model = takes(&[Pattern::Tunnel], &[Delivery::InnerRss]);
            model.chip().fail(nth, errno);
            // The last call takes the rule away: that it failed is no answer either.
            let expected = answered || (nth == 5 && errno != Errno::EIO && errno != Errno::ENODEV);
            let (answer, _) = ask(&model, target(4789, 1), &Width::ALL);
            assert_eq!(answer.is_ok(), expected, "{nth} {errno}");
        }
    }
}

#[test]
fn outer_headers_come_off_only_by_exact_rules() {
    let remote = Target {
        remote: Some([198, 51, 100, 1].into()),
        ..target(4789, 1)
    };
    let model = Model::new(Profile::MLX5, 4);
    let shape = ask(&model, remote, &Width::ALL).0.unwrap().unwrap();
    assert_eq!(
        (shape.pattern, shape.delivery),
        (Pattern::Whole, Delivery::Rss)
    );
    // One that cannot say it, and does it; and one of which nobody knows.
    let tagged = Target {
        vlan: VlanId::new(5),
        ..remote
    };
    for (driver, target, strips) in [
        ("mlx5_pci", remote, true),
        ("net_bnxt", remote, false),
        ("net_bnxt", tagged, true),
    ] {
        let model = Model::new(Profile::MLX5, 4);
        model.chip().profile().driver = driver;
        model.chip().profile().patterns = &[Pattern::Tunnel];
        let shape = ask(&model, target, &Width::ALL).0.unwrap();
        let pattern = shape.map(|shape| shape.pattern);
        assert_eq!(pattern.ok(), strips.then_some(Pattern::Tunnel), "{driver}");
    }
    let model = Model::new(Profile::ICE, 4);
    model.chip().profile().patterns = &[Pattern::Whole];
    let answer = ask(&model, remote, &Width::ALL).0.unwrap();
    assert!(
        answer
            .unwrap_err()
            .contains("decapsulation is not supported")
    );
}

#[test]
fn a_rule_without_a_udp_port_is_not_asked_for_where_it_means_another() {
    let model = takes(&[Pattern::VniOnly], &[Delivery::Plain]);
    model.chip().profile().driver = "mlx5_pci";
    assert!(ask(&model, target(4789, 1), &Width::ALL).0.unwrap().is_ok());
    let reason = ask(&model, target(8472, 1), &Width::ALL)
        .0
        .unwrap()
        .unwrap_err();
    assert!(!reason.contains("vxlan: the UDP port"), "{reason}");
}

#[test]
fn a_question_is_about_what_may_be_answered_differently() {
    let one = target(4789, 1);
    let tagged = Target {
        vlan: VlanId::new(5),
        ..one
    };
    assert_eq!(Ask::about(&one), Ask::about(&target(4789, 2)));
    assert_ne!(Ask::about(&one), Ask::about(&target(8472, 1)));
    assert_ne!(Ask::about(&one), Ask::about(&tagged));
    fn is_a_nic<N: Nic>() {}
    is_a_nic::<ModelNic>();
}
