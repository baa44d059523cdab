//! What is to be seen of frames of TCP.

/// An Ethernet header, and the MTU.
const LONGEST: usize = 14 + 1500;

/// How much payload of TCP a frame has behind `front` bytes; `None` if it is none of TCP.
pub(crate) fn payload(frame: &[u8], front: usize) -> Option<usize> {
    let inner = &frame[front..];
    let word = |at: usize| usize::from(u16::from_be_bytes([inner[at], inner[at + 1]]));
    let (ip, tcp, end) = match word(12) {
        0x0800 => (
            inner[23],
            14 + usize::from(inner[14] & 15) * 4,
            14 + word(16),
        ),
        0x86dd => (inner[20], 54, 54 + word(18)),
        _ => return None,
    };
    let data = || tcp + usize::from(inner[tcp + 12] >> 4) * 4;
    (ip == 6).then(|| {
        assert_eq!(end, inner.len(), "{frame:02x?}");
        end - data()
    })
}

/// That no frame is longer than the MTU and no segment longer than was asked for, and that there are as
/// many whole segments as come of so many bytes in long packets.
pub(crate) fn assert_cut(frames: &[Vec<u8>], front: usize, segment: u16, bytes: u32) {
    let longest = frames.iter().map(Vec::len).max();
    assert!(longest <= Some(LONGEST), "{longest:?}");
    let payloads: Vec<_> = frames
        .iter()
        .filter_map(|frame| payload(frame, front))
        .collect();
    let segment = usize::from(segment);
    assert_eq!(payloads.iter().max(), Some(&segment));
    let whole = payloads
        .iter()
        .filter(|payload| **payload == segment)
        .count();
    assert!(
        whole * segment > bytes as usize / 2,
        "{whole} of {}",
        payloads.len()
    );
}
