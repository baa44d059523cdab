//! How a frame of the self-test is known when it comes back.

/// Bytes of an [`Id`] in a frame.
const LEN: usize = 16;
/// What it begins with.
const MAGIC: [u8; 8] = *b"selftest";

/// Stands in the payload of a frame. Different for each frame of a test, and from one test to the
/// next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id {
    /// The test.
    pub(super) run: u32,
    /// The frame, in the order in which they are sent.
    pub(super) place: u32,
}

impl Id {
    /// As it stands in a frame.
    pub(super) fn bytes(self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&self.run.to_be_bytes());
        bytes[12..].copy_from_slice(&self.place.to_be_bytes());
        bytes
    }

    /// The place of the frame in test `run` that came back as `bytes`; `None` for anybody else's.
    /// Wherever it stands: headers may have been taken off.
    pub(super) fn find(run: u32, bytes: &[u8]) -> Option<usize> {
        let place = |window: &[u8]| {
            let rest = window
                .strip_prefix(&MAGIC)?
                .strip_prefix(&run.to_be_bytes())?;
            let place = u32::from_be_bytes(rest.try_into().ok()?);
            usize::try_from(place).ok()
        };
        bytes.windows(LEN).find_map(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_known_wherever_its_id_stands_and_no_other_is() {
        let id = Id { run: 7, place: 300 };
        for before in 0..40 {
            let mut frame = vec![0x73; before];
            frame.extend(id.bytes());
            frame.extend([0; 9]);
            assert_eq!(Id::find(7, &frame), Some(300), "{before}");
            assert_eq!(Id::find(8, &frame), None);
            assert_eq!(Id::find(7, &frame[..before + LEN - 1]), None);
        }
        assert_eq!(Id::find(7, &[]), None);
    }
}
