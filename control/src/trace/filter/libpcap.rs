//! The compiler: libpcap's, in builds that have it.

use super::{ExpressionError, Word};
use fastpath::trace::filter::Instruction;

/// Compiles an expression that consists of `words`, all of them known.
#[cfg(feature = "libpcap")]
pub(super) fn compile(
    expression: &str,
    words: &[Word<'_>],
) -> Result<Vec<Instruction>, ExpressionError> {
    let compiler = Compiler::new().map_err(ExpressionError::whole)?;
    compiler.compile(expression, true).map_err(|message| {
        super::locate::locate(expression, words, &message, |text| {
            compiler.compile(text, false).map(drop)
        })
    })
}

/// There is none.
#[cfg(not(feature = "libpcap"))]
pub(super) fn compile(_: &str, _: &[Word<'_>]) -> Result<Vec<Instruction>, ExpressionError> {
    let problem = "this build has no libpcap and compiles no filters";
    Err(ExpressionError::whole(problem))
}

/// For Ethernet frames, of which 65535 bytes are looked at.
#[cfg(feature = "libpcap")]
pub(super) struct Compiler(pcap::Capture<pcap::Dead>);

#[cfg(feature = "libpcap")]
impl Compiler {
    /// Errors are libpcap's words.
    pub(super) fn new() -> Result<Self, String> {
        let dead = pcap::Capture::dead(pcap::Linktype::ETHERNET);
        dead.map(Compiler).map_err(said)
    }

    /// Errors are libpcap's words.
    pub(super) fn compile(
        &self,
        expression: &str,
        optimize: bool,
    ) -> Result<Vec<Instruction>, String> {
        let program = self.0.compile(expression, optimize).map_err(said)?;
        // The crate shows an instruction only as text: its four numbers.
        let instruction = |shown: &pcap::BpfInstruction| shown.to_string().parse();
        let program: Result<_, _> = program.get_instructions().iter().map(instruction).collect();
        program.map_err(|error: fastpath::trace::filter::InstructionError| error.to_string())
    }
}

/// Less what comes before each message.
#[cfg(feature = "libpcap")]
fn said(error: pcap::Error) -> String {
    let text = match error {
        pcap::Error::PcapError(text) => text,
        other => other.to_string(),
    };
    text.trim_start_matches("can't parse filter expression: ")
        .to_owned()
}
