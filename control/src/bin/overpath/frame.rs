//! The frame that `overpath explain` is about: in hex, or out of a capture.

use control::api::messages::{Frame, FrameError};
use std::io::Read;
use std::path::Path;

/// The frame of words such as `02ff00000000 02:00:00:00:00:01 88b5`; `-` reads it from standard
/// input.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn of_words(words: &[String]) -> Result<Frame, String> {
    let mut text = words.join(" ");
    if text == "-" {
        text.clear();
        // A digit is a byte, and there may be as much between two of them.
        let most = 8 * Frame::MAX as u64;
        let read = std::io::stdin().take(most).read_to_string(&mut text);
        read.map_err(|error| format!("cannot read the frame from standard input: {error}"))?;
    }
    text.parse().map_err(|error| wrong(&error))
}

fn wrong(error: &FrameError) -> String {
    format!("the frame {error}; allowed: {}", Frame::ALLOWED)
}

/// Frame number `number`, from 1, of a capture in the format pcap or pcapng.
///
/// # Errors
/// What is wrong with the file, or the frame.
#[cfg(feature = "libpcap")]
pub(crate) fn of_capture(path: &Path, number: usize) -> Result<Frame, String> {
    use pcap::{Capture, Error, Linktype};
    let fault = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let said = |error: Error| match error {
        Error::PcapError(text) => fault(&text.trim_start_matches(&fault(&""))),
        other => fault(&other),
    };
    let mut capture = Capture::from_file(path).map_err(said)?;
    if capture.get_datalink() != Linktype::ETHERNET {
        return Err(fault(&"is no capture of Ethernet frames"));
    }
    let mut count = 0;
    loop {
        let packet = match capture.next_packet() {
            Ok(packet) => packet,
            Err(Error::NoMorePackets) => {
                return Err(fault(&format_args!(
                    "there is no frame {number}, but {count}"
                )));
            }
            Err(error) => return Err(said(error)),
        };
        count += 1;
        if count < number {
            continue;
        }
        if packet.header.caplen < packet.header.len {
            let (kept, len) = (packet.header.caplen, packet.header.len);
            let problem = format_args!("frame {number} is cut: {kept} of {len} bytes are there");
            return Err(fault(&problem));
        }
        return Frame::new(packet.data.to_vec()).map_err(|error| wrong(&error));
    }
}

/// There is no reader.
#[cfg(not(feature = "libpcap"))]
pub(crate) fn of_capture(_: &Path, _: usize) -> Result<Frame, String> {
    Err("this build has no libpcap and reads no captures: give the frame in hex".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Result<Frame, String> {
        of_words(&text.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_frame_may_be_said_in_several_words() {
        let frame = words("02:ff 0000 00 01").unwrap();
        assert_eq!(frame.as_slice(), [2, 0xff, 0, 0, 0, 1]);
    }

    #[test]
    fn what_is_no_frame_is_refused_with_what_is_allowed() {
        let allowed = format!("; allowed: {}", Frame::ALLOWED);
        for (text, problem) in [
            ("02 fg", "the frame is not hex at byte 1"),
            ("", "the frame is too short: it is empty"),
            (
                &"00".repeat(9217),
                "the frame is too long: it has 9217 bytes",
            ),
        ] {
            assert_eq!(words(text), Err(format!("{problem}{allowed}")));
        }
    }

    #[cfg(feature = "libpcap")]
    mod captures {
        use super::*;
        use control::trace::pcapng::{Packet, Writer};

        /// Two frames, the second of which is cut.
        fn file() -> tempfile::NamedTempFile {
            let mut writer = Writer::new(Vec::new(), "a test", 65_535).unwrap();
            let interface = writer.interface("uplink", "heap0").unwrap();
            for (first, len) in [(1, 60), (2, 61)] {
                let packet = Packet {
                    interface,
                    time: 0,
                    direction: None,
                    queue: None,
                    len,
                    bytes: &[first; 60],
                    lost: 0,
                    comment: "",
                };
                writer.packet(&packet).unwrap();
            }
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), writer.into_inner()).unwrap();
            file
        }

        #[test]
        fn a_frame_of_a_capture_is_found_by_its_number() {
            let file = file();
            let frame = of_capture(file.path(), 1).unwrap();
            assert_eq!(frame.as_slice(), [1; 60]);
            let refused = |number| of_capture(file.path(), number).unwrap_err();
            let cut = ": frame 2 is cut: 60 of 61 bytes are there";
            assert!(refused(2).ends_with(cut), "{}", refused(2));
            assert!(refused(3).ends_with(": there is no frame 3, but 2"));
        }

        #[test]
        fn the_classic_format_is_read_too() {
            // Microseconds, version 2.4, 65535 bytes of Ethernet; one frame of two bytes.
            let words: [u32; 6] = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 1];
            let packet: [u32; 4] = [0, 0, 2, 2];
            let mut bytes: Vec<u8> = Vec::new();
            for word in words.iter().chain(&packet) {
                bytes.extend(word.to_le_bytes());
            }
            bytes.extend([7, 8]);
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), &bytes).unwrap();
            assert_eq!(of_capture(file.path(), 1).unwrap().as_slice(), [7, 8]);
            // Link type 101: IP without Ethernet.
            bytes[20] = 101;
            std::fs::write(file.path(), &bytes).unwrap();
            let refused = of_capture(file.path(), 1).unwrap_err();
            assert!(
                refused.ends_with(": is no capture of Ethernet frames"),
                "{refused}"
            );
        }

        #[test]
        fn what_is_no_capture_is_named() {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), "nonsense of some length").unwrap();
            for path in [file.path(), Path::new("/nowhere/at/all")] {
                let refused = of_capture(path, 1).unwrap_err();
                let name = path.display().to_string();
                assert_eq!(refused.matches(&name).count(), 1, "{refused}");
            }
        }
    }
}
