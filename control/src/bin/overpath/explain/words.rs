//! What can be said behind `explain`.

use super::behind::BehindWords;
use super::next::NextWords;
use crate::frame;
use control::api::messages::{Method, Question};
use control::config::Name;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// What is to be explained.
#[derive(Debug, clap::Args)]
pub(crate) struct ExplainWords {
    #[command(flatten)]
    frame: FrameWords,
    #[command(flatten)]
    behind: BehindWords,
    #[command(flatten)]
    next: NextWords,
}

impl ExplainWords {
    pub(crate) fn method(&self) -> Result<Method, String> {
        let frame = || self.frame.question().map(Method::Explain);
        let next = || self.next.method(self.frame.port);
        let other = self.behind.method().or_else(next);
        other.map_or_else(frame, Ok)
    }
}

/// A frame, and where it comes in.
#[derive(Debug, clap::Args)]
struct FrameWords {
    /// The port that it comes in by
    #[arg(required_unless_present_any = ["behind", "next"], conflicts_with = "behind")]
    port: Option<Name>,
    /// The frame in hex, spaces and colons at will; - reads it from standard input
    #[arg(required_unless_present_any = ["pcap", "behind", "next"])]
    #[arg(conflicts_with_all = ["pcap", "next"])]
    hex: Vec<String>,
    /// Take the frame out of a capture of Ethernet, pcap or pcapng
    #[arg(long, value_name = "FILE", conflicts_with_all = ["behind", "next"])]
    pcap: Option<PathBuf>,
    /// Which frame of the capture
    #[arg(long, value_name = "N", conflicts_with = "hex", default_value = "1")]
    frame: NonZeroUsize,
}

impl FrameWords {
    fn question(&self) -> Result<Question, String> {
        let port = self.port.ok_or("say which port the frame comes in by")?;
        let frame = match &self.pcap {
            Some(path) => frame::of_capture(path, self.frame.get())?,
            None => frame::of_words(&self.hex)?,
        };
        let ask_workers = true;
        Ok(Question {
            port,
            frame,
            ask_workers,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Arguments;
    use clap::Parser;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split(' '))
    }

    #[test]
    fn a_frame_is_said_in_hex_or_taken_out_of_a_capture() {
        let question = |line: &str| parse(line).unwrap().method();
        for line in [
            "overpath explain uplink 02:ff 0001",
            "overpath ex uplink 02 ff 00 01 --json",
        ] {
            let Ok(Method::Explain(question)) = question(line) else {
                panic!("{line}");
            };
            assert_eq!(question.port.as_str(), "uplink");
            assert_eq!(question.frame.as_slice(), [2, 0xff, 0, 1]);
        }
        assert!(question("overpath explain uplink 02f").is_err());
        assert!(question("overpath explain uplink --pcap /nowhere --frame 2").is_err());
        for line in [
            "overpath explain",
            "overpath explain uplink",
            "overpath explain up/link 00",
            "overpath explain uplink 00 --pcap /nowhere",
            "overpath explain uplink 00 --frame 2",
            "overpath explain uplink --pcap /nowhere --frame 0",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn what_is_behind_a_number_is_asked_for_instead_of_a_frame() {
        let method = |line: &str| parse(line).unwrap().method();
        let entry = "0:17".parse().unwrap();
        let line = "overpath explain --entry 0:17";
        assert_eq!(method(line), Ok(Method::ExplainEntry(entry)));
        let reason = fastpath::drop::DropReason::TxFull;
        let line = "overpath explain --drop tx_full --json";
        assert_eq!(method(line), Ok(Method::ExplainDrop(reason)));
        let mac = "02:00:00:00:00:01".parse().unwrap();
        let line = "overpath explain --fdb 02:00:00:00:00:01 -w";
        assert_eq!(method(line), Ok(Method::ExplainFdb(mac)));
        for line in [
            "overpath explain --entry 17",
            "overpath explain --drop full",
            "overpath explain --fdb 02:00",
            "overpath explain --entry 0:17 --drop tx_full",
            "overpath explain lan --entry 0:17",
            "overpath explain lan 00 --drop tx_full",
            "overpath explain --entry 0:17 --pcap /nowhere",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        let hint = parse("overpath explain --drop tx_ful").unwrap_err();
        assert!(hint.to_string().contains("'tx_full'"), "{hint}");
    }
}
