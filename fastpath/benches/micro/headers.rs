//! Reading a frame: the key of the cache, and the hash for a tunnel's source port.

use crate::support::frames::Case;
use crate::support::switch::{port, snapshot};
use divan::{Bencher, black_box};
use fastpath::parse::parse;
use fastpath::wire::{Flow, flow_hash};

/// `Bridge` is a plain frame, `Decap` one in VXLAN.
#[divan::bench(name = "parse", args = [Case::Bridge, Case::Decap])]
fn parse_frame(bencher: Bencher<'_, '_>, case: Case) {
    let udp_ports = snapshot().udp_ports;
    let (ingress, frames) = (port(case.ports().0), case.frames());
    let mut frames = frames.iter().cycle();
    bencher.bench_local(|| {
        let frame = black_box(frames.next().unwrap());
        parse(ingress, frame, frame.len(), &udp_ports)
    });
}

#[divan::bench(name = "flow_hash")]
fn hash(bencher: Bencher<'_, '_>) {
    let frames = Case::Encap.frames();
    let mut frames = frames.iter().cycle();
    bencher.bench_local(|| flow_hash(black_box(frames.next().unwrap())));
}

/// The hash, with what else a tunnel's header takes from the frame.
#[divan::bench]
fn flow(bencher: Bencher<'_, '_>) {
    let frames = Case::Encap.frames();
    let mut frames = frames.iter().cycle();
    bencher.bench_local(|| Flow::of(black_box(frames.next().unwrap())));
}
