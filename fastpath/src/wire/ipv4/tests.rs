use super::*;
use crate::wire::samples::VXLAN_UDP;
use proptest::prelude::*;

const REPR: Repr = Repr {
    src: Ipv4Addr::new(192, 0, 2, 1),
    dst: Ipv4Addr::new(192, 0, 2, 2),
    protocol: Protocol::UDP,
    payload_len: 67,
    ttl: 64,
    dscp: Dscp::from_tos(0),
    ecn: Ecn::NotEct,
    ident: 0x8051,
    dont_fragment: false,
    more_fragments: false,
    fragment_offset: 0,
};

fn sample() -> [u8; 87] {
    VXLAN_UDP[14..].try_into().unwrap()
}

fn parse(bytes: &[u8]) -> Result<Repr, Error> {
    Repr::parse(&Ipv4::new(bytes).unwrap())
}

fn repr() -> impl Strategy<Value = Repr> {
    let head = (
        any::<[u8; 4]>(),
        any::<[u8; 4]>(),
        any::<u8>(),
        any::<u8>(),
        any::<u8>(),
    );
    let fragment = (any::<u16>(), any::<bool>(), any::<bool>(), 0u16..=0x1fff);
    (head, fragment, 0u16..=2000).prop_map(|(head, fragment, payload_len)| Repr {
        src: head.0.into(),
        dst: head.1.into(),
        protocol: Protocol(head.2),
        payload_len,
        ttl: head.3,
        dscp: Dscp::from_tos(head.4),
        ecn: Ecn::from_tos(head.4),
        ident: fragment.0,
        dont_fragment: fragment.1,
        more_fragments: fragment.2,
        fragment_offset: fragment.3,
    })
}

#[test]
fn every_field_is_read() {
    let bytes = sample();
    let view = Ipv4::new(&bytes).unwrap();
    assert_eq!((view.version(), view.header_len()), (4, 20));
    assert_eq!((view.total_len(), view.checksum()), (87, 0x7641));
    assert!(!view.is_fragment() && view.verify_checksum());
    assert_eq!(view.payload(), &bytes[20..]);
    assert_eq!(parse(&bytes), Ok(REPR));
    // The same with all other bits set.
    let ones = Ipv4::new([0xff; 20]).unwrap();
    assert_eq!(
        (ones.version(), ones.header_len(), ones.tos()),
        (15, 60, 0xff)
    );
    assert_eq!((ones.dscp().get(), ones.ecn()), (63, Ecn::Ce));
    assert!(ones.dont_fragment() && ones.more_fragments() && ones.is_fragment());
    assert_eq!(
        (ones.fragment_offset(), ones.protocol()),
        (0x1fff, Protocol(255))
    );
    assert!(!ones.verify_checksum());
}

#[test]
fn every_byte_is_written() {
    for dirt in [0x00, 0xa5, 0xff] {
        let mut bytes = [dirt; HEADER_LEN];
        REPR.emit(&mut Ipv4::new(&mut bytes).unwrap());
        assert_eq!(bytes, sample()[..HEADER_LEN]);
    }
}

#[test]
fn fragments_are_told_by_flag_or_offset() {
    for (word, fragment) in [
        (0u16, false),
        (0x4000, false),
        (0x8000, false),
        (0x2000, true),
        (1, true),
        (0x1000, true),
    ] {
        let mut bytes = sample();
        bytes[6..8].copy_from_slice(&word.to_be_bytes());
        assert_eq!(
            Ipv4::new(&bytes).unwrap().is_fragment(),
            fragment,
            "{word:#x}"
        );
    }
}

#[test]
fn impossible_lengths_are_refused() {
    let bytes = sample();
    for len in 0..HEADER_LEN {
        assert!(Ipv4::new(&bytes[..len]).is_none(), "{len}");
    }
    let with = |header_len: u8, total_len: u16| {
        let mut bytes = bytes;
        let mut view = Ipv4::new(&mut bytes).unwrap();
        view.set_header_len(header_len);
        view.set_total_len(total_len);
        assert!(Ipv4::new(&bytes).unwrap().payload().len() <= 87);
        parse(&bytes).map(|repr| repr.payload_len)
    };
    for header_len in [0, 4, 8, 12, 16] {
        assert_eq!(with(header_len, 87), Err(Error::HeaderLen));
    }
    assert_eq!(
        (with(20, 87), with(60, 87), with(60, 60)),
        (Ok(67), Ok(27), Ok(0))
    );
    assert_eq!(with(20, 86), Ok(66), "trailing bytes are padding");
    assert_eq!(
        (with(20, 19), with(60, 59)),
        (Err(Error::TotalLenLess), Err(Error::TotalLenLess))
    );
    assert_eq!(with(20, 0), Err(Error::TotalLenLess));
    assert_eq!(with(20, 88), Err(Error::TotalLenBeyond));
    let view = Ipv4::new(&bytes[..20]).unwrap();
    assert_eq!(
        (view.check(86), view.check(87)),
        (Err(Error::TotalLenBeyond), Ok(()))
    );
    let mut short = sample();
    Ipv4::new(&mut short).unwrap().set_header_len(24);
    assert_eq!(parse(&short[..23]), Err(Error::TooShort));
    assert!(!Ipv4::new(&short[..23]).unwrap().verify_checksum());
}

#[test]
fn only_version_4_is_read() {
    for version in (0..16).filter(|version| *version != 4) {
        let mut bytes = sample();
        Ipv4::new(&mut bytes).unwrap().set_version(version);
        assert_eq!(parse(&bytes), Err(Error::Version));
    }
}

proptest! {
    #[test]
    fn reprs_round_trip(repr in repr(), dirt: u8) {
        let mut bytes = vec![dirt; HEADER_LEN + usize::from(repr.payload_len)];
        repr.emit(&mut Ipv4::new(&mut bytes).unwrap());
        prop_assert_eq!(parse(&bytes), Ok(repr));
        prop_assert!(Ipv4::new(&bytes).unwrap().verify_checksum());
    }

    #[test]
    fn noise_that_parses_survives(noise: [u8; 80], header_len in 5u8..16, total_len in 0u16..90) {
        let mut noise = noise;
        noise[0] = 0x40 | header_len;
        Ipv4::new(&mut noise).unwrap().set_total_len(total_len);
        let Ok(repr) = parse(&noise) else {
            prop_assert!(total_len > 80 || total_len < u16::from(header_len) * 4);
            return Ok(());
        };
        let mut bytes = noise;
        repr.emit(&mut Ipv4::new(&mut bytes).unwrap());
        prop_assert_eq!(parse(&bytes), Ok(repr));
    }

    #[test]
    fn ecn_is_set_with_its_checksum(repr in repr(), ecn in 0u8..4, wrong: u16) {
        let mut bytes = [0; HEADER_LEN];
        let mut view = Ipv4::new(&mut bytes).unwrap();
        repr.emit(&mut view);
        view.set_ecn(Ecn::from_tos(ecn));
        prop_assert_eq!((view.dscp(), view.ecn()), (repr.dscp, Ecn::from_tos(ecn)));
        prop_assert!(view.verify_checksum());
        let right = view.checksum();
        prop_assume!(wrong != right && wrong % 0xffff != right % 0xffff);
        view.set_checksum(wrong);
        view.set_ecn(repr.ecn);
        prop_assert!(!view.verify_checksum());
    }

    #[test]
    fn options_count_in_the_checksum(noise: [u8; 60], header_len in 5u8..16) {
        let mut bytes = noise;
        bytes[0] = 0x40 | header_len;
        Ipv4::new(&mut bytes).unwrap().fill_checksum();
        prop_assert!(Ipv4::new(&bytes).unwrap().verify_checksum());
        bytes[usize::from(header_len) * 4 - 1] ^= 1;
        prop_assert!(!Ipv4::new(&bytes).unwrap().verify_checksum());
    }
}
