//! Frames that the Linux VXLAN driver sent over a veth pair, as tcpdump caught them.

/// UDP over IPv4 in VXLAN: `hello udp` from 10.0.0.1 to 10.0.0.2.
pub(crate) const VXLAN_UDP: [u8; 101] = hex(
    "020000000a02020000000a010800450000578051000040117641c0000201c0000202\
     8fd212b50043b8fe0800000000000a00020000000b02020000000b010800\
     45000025637f40004011c3460a0000010a0000028c732329001112d668656c6c6f20756470",
);

/// An ARP reply of 10.0.0.2, without its Ethernet header.
pub(super) const ARP_REPLY: [u8; 28] =
    hex("0001080006040002020000000b020a000002020000000b010a000001");

/// `hello udp6` from fd00::1 to fd00::2 in VXLAN over IPv4.
pub(super) const VXLAN_UDP6: [u8; 122] = hex(
    "020000000a02020000000a0108004500006c805200004011762bc0000201c0000202\
     d8ff12b500582d750800000000000a00020000000b02020000000b0186dd\
     60033dfd00121140fd000000000000000000000000000001fd000000000000000000000000000002\
     aaf5232900120e1a68656c6c6f2075647036",
);

/// The message of `ping -s 8`.
pub(super) const ECHO_REQUEST: [u8; 16] = hex("0800ad453ea900010001020304050607");

/// The first segment of a connection to port 9000.
pub(super) const TCP_SYN: [u8; 40] =
    hex("c0f4232862926c8600000000a002faf0b9c90000020405b40402080ae35de8ac000000000103030a");

const fn hex<const N: usize>(text: &str) -> [u8; N] {
    let text = text.as_bytes();
    assert!(text.len() == 2 * N);
    let mut bytes = [0; N];
    let mut at = 0;
    while at < N {
        bytes[at] = digit(text[2 * at]) << 4 | digit(text[2 * at + 1]);
        at += 1;
    }
    bytes
}

const fn digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => panic!("not a hexadecimal digit"),
    }
}
