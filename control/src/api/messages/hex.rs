//! Bytes as they travel: two hexadecimal digits each.

use crate::config::Name;
use serde_json::{Value, json};
use std::fmt;
use std::str::FromStr;

/// Any number of bytes. As text in lower case, without anything between.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bytes(pub Vec<u8>);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The text is no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not hex at byte {at}")]
pub struct BytesError {
    /// The place of the byte whose digits are wrong or missing, from 0.
    pub at: usize,
}

impl FromStr for Bytes {
    type Err = BytesError;

    /// White space and colons may stand anywhere.
    fn from_str(text: &str) -> Result<Self, BytesError> {
        let digits = text.chars().filter(|c| !c.is_whitespace() && *c != ':');
        let (mut bytes, mut high) = (Vec::new(), None);
        for digit in digits {
            let at = bytes.len();
            let digit = digit.to_digit(16).ok_or(BytesError { at })? as u8;
            match high.take() {
                None => high = Some(digit),
                Some(high) => bytes.push(high << 4 | digit),
            }
        }
        match high {
            Some(_) => Err(BytesError { at: bytes.len() }),
            None => Ok(Bytes(bytes)),
        }
    }
}

/// A frame to be explained, from its first MAC, without frame check sequence: 1 to [`Frame::MAX`]
/// bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Frame(Bytes);

/// This is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It is not even bytes.
    #[error(transparent)]
    Hex(#[from] BytesError),
    /// It has no bytes.
    #[error("is too short: it is empty")]
    Empty,
    /// It has more than [`Frame::MAX`] bytes.
    #[error("is too long: it has {0} bytes")]
    Long(usize),
}

impl Frame {
    /// Bytes of the longest frame: more than any MTU in use.
    pub const MAX: usize = 9216;
    /// What a frame is, in words.
    pub const ALLOWED: &'static str = "1 to 9216 bytes in hex";

    /// The frame of these bytes.
    ///
    /// # Errors
    /// If there is none, or if there are too many.
    pub fn new(bytes: Vec<u8>) -> Result<Self, FrameError> {
        match bytes.len() {
            0 => Err(FrameError::Empty),
            len if len > Self::MAX => Err(FrameError::Long(len)),
            _ => Ok(Frame(Bytes(bytes))),
        }
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.0.0
    }
}

impl FromStr for Frame {
    type Err = FrameError;

    fn from_str(text: &str) -> Result<Self, FrameError> {
        let Bytes(bytes) = text.parse()?;
        Frame::new(bytes)
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a client wants explained: what would become of a frame, were it received now.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The port that it comes in by.
    pub port: Name,
    /// The frame.
    pub frame: Frame,
    /// Whether the workers that poll the port are asked what would decide it.
    pub ask_workers: bool,
}

impl Question {
    /// As parameters. That workers are asked goes without saying.
    pub(super) fn params(&self) -> Value {
        let (port, frame) = (self.port.as_str(), self.frame.to_string());
        if self.ask_workers {
            json!({"port": port, "frame": frame})
        } else {
            json!({"port": port, "frame": frame, "ask_workers": false})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_stands_between_bytes_does_not_count() {
        for text in ["02ff00", "02:FF:00", " 02 ff\n00\t", "0 2ff0:0"] {
            let bytes: Bytes = text.parse().unwrap();
            assert_eq!(bytes.0, [2, 0xff, 0], "{text:?}");
        }
    }

    #[test]
    fn what_is_no_hex_is_named_by_its_byte() {
        for (text, at) in [("0g", 0), ("02fx", 1), ("02ff0", 2), ("é", 0), ("0x02", 0)] {
            assert_eq!(text.parse::<Bytes>(), Err(BytesError { at }), "{text}");
        }
    }

    #[test]
    fn a_frame_has_some_bytes_and_not_too_many() {
        let (max, one) = (Frame::MAX, Frame::new(vec![7]));
        assert_eq!(one.unwrap().as_slice(), [7]);
        assert!(Frame::new(vec![0; max]).is_ok());
        assert_eq!(Frame::new(Vec::new()), Err(FrameError::Empty));
        assert_eq!(" : ".parse::<Frame>(), Err(FrameError::Empty));
        let long = "00".repeat(max + 1).parse::<Frame>();
        assert_eq!(long, Err(FrameError::Long(max + 1)));
        assert!(Frame::ALLOWED.contains(&format!("1 to {max} ")));
    }

    proptest! {
        #[test]
        fn bytes_round_trip(bytes: Vec<u8>) {
            let bytes = Bytes(bytes);
            prop_assert_eq!(bytes.to_string().parse(), Ok(bytes));
        }
    }
}
