//! What is captured, in words.

use crate::dash_w::{DashW, file};
use control::api::messages::{Capture, Subject};
use control::config::Name;
use fastpath::drop::DropReason;
use std::num::{NonZeroU16, NonZeroU64};

/// What is captured, and where it goes.
#[derive(Debug, clap::Args)]
pub(crate) struct CaptureWords {
    /// port NAME, bridge NAME, tunnel NAME, drops, drops REASON, all, or a NAME that is only one of
    /// these; then, if not all packets are wanted, a filter as tcpdump takes it
    #[arg(required = true, value_name = "WHAT [FILTER]")]
    words: Vec<String>,
    /// The file to write, - for standard output; without it, what reads from the pipe
    #[arg(id = "watch", short = 'w', long = "write", value_name = "FILE", value_parser = file())]
    to: Option<DashW>,
    /// End after so many packets
    #[arg(short, long)]
    count: Option<NonZeroU64>,
    /// Keep the first bytes of each packet, so many
    #[arg(long, value_name = "BYTES", default_value = "65535")]
    snap: NonZeroU16,
}

impl CaptureWords {
    /// What to ask the daemon for.
    ///
    /// # Errors
    /// What is wrong with the words.
    pub(crate) fn capture(&self) -> Result<Capture, String> {
        if let Some(DashW::Every(_)) = self.to {
            return Err("--watch is for what is shown; say -w FILE behind capture".to_owned());
        }
        let (of, filter) = subject(&self.words)?;
        Ok(Capture {
            of,
            filter: filter.join(" "),
            snap: self.snap,
            count: self.count,
        })
    }
}

/// Whose packets words such as `port lan udp` are about, and the words behind that.
///
/// # Errors
/// If they are about nobody's.
fn subject(words: &[String]) -> Result<(Subject, &[String]), String> {
    let (first, rest) = words.split_first().ok_or("say what is to be captured")?;
    let named = |of: fn(Name) -> Subject| match rest.split_first() {
        None => Err(format!(
            "{first}: say which one; a thing of that name is said with its kind"
        )),
        Some((text, rest)) => Ok((of(name(text)?), rest)),
    };
    match first.as_str() {
        "port" => named(Subject::Port),
        "bridge" => named(Subject::Bridge),
        "tunnel" => named(Subject::Tunnel),
        "all" => Ok((Subject::All, rest)),
        "drops" => {
            // No word of a filter is the name of a reason.
            let reason = rest.first().and_then(|word| DropReason::named(word));
            if let (None, Some(word)) = (reason, rest.first().filter(|word| word.contains('_'))) {
                return Err(format!(
                    "{word} is neither a reason for drops nor a word of a filter"
                ));
            }
            let filter = rest.get(usize::from(reason.is_some())..);
            Ok((Subject::Drops(reason), filter.unwrap_or_default()))
        }
        text => Ok((Subject::Named(name(text)?), rest)),
    }
}

fn name(text: &str) -> Result<Name, String> {
    let allowed = Name::ALLOWED;
    text.parse()
        .map_err(|_| format!("{text:?} is no name; allowed: {allowed}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Arguments;
    use clap::Parser;
    use control::api::messages::Method;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split(' '))
    }

    fn words(line: &str) -> Result<(Subject, String), String> {
        let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        subject(&words).map(|(of, filter)| (of, filter.join(" ")))
    }

    #[test]
    fn the_first_words_say_whose_packets_and_the_others_which() {
        let name = |text: &str| text.parse().unwrap();
        for (line, of, filter) in [
            ("port lan", Subject::Port(name("lan")), ""),
            ("port port arp", Subject::Port(name("port")), "arp"),
            (
                "bridge br10 udp port 53",
                Subject::Bridge(name("br10")),
                "udp port 53",
            ),
            ("tunnel vx10", Subject::Tunnel(name("vx10")), ""),
            ("lan port 53", Subject::Named(name("lan")), "port 53"),
            ("drops", Subject::Drops(None), ""),
            ("drops udp", Subject::Drops(None), "udp"),
            (
                "drops tx_full",
                Subject::Drops(Some(DropReason::TxFull)),
                "",
            ),
            (
                "drops tx_full udp or arp",
                Subject::Drops(Some(DropReason::TxFull)),
                "udp or arp",
            ),
        ] {
            assert_eq!(words(line), Ok((of, filter.to_owned())), "{line}");
        }
        for line in ["port", "tunnel", "port a/b", "a/b udp", "drops tx_ful"] {
            assert!(words(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_capture_is_written_to_a_file_and_not_watched() {
        let asked = |line: &str| parse(line).unwrap().method();
        let Ok(Method::CaptureStart(capture)) =
            asked("overpath capture port lan udp port 53 -w /x -c 9 --snap 96")
        else {
            panic!("another method");
        };
        assert_eq!(capture.of.to_string(), "port lan");
        assert_eq!(capture.filter, "udp port 53");
        let limits = (capture.snap.get(), capture.count.map(|count| count.get()));
        assert_eq!(limits, (96, Some(9)));
        for line in [
            "overpath capture lan -w /x",
            "overpath cap --write=/x lan tcp",
            "overpath capture -w/x lan",
        ] {
            let arguments = parse(line).unwrap();
            assert!(arguments.method().is_ok(), "{line}");
            assert_eq!(arguments.watch, Some(DashW::Into("/x".into())), "{line}");
        }
        for line in [
            "overpath -w 5 capture lan",
            "overpath --watch=1 capture lan",
        ] {
            assert!(asked(line).is_err(), "{line}");
        }
        for line in [
            "overpath capture",
            "overpath capture lan -w",
            "overpath capture lan --watch",
            "overpath capture lan -c 0",
            "overpath capture lan --snap 0",
            "overpath stats --write /x",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
