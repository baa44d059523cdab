//! Long requests and answers, which are read and made into text by a thread beside: it takes tens of
//! milliseconds for ten megabytes, in which the api thread serves others.

use super::messages::{Method, Reply};
use super::rpc::{self, Call, Refusal};
use serde_json::value::RawValue;

/// Items that are made into text in much less than a millisecond.
const FEW: usize = 256;
/// And bytes.
const SHORT: usize = 1 << 16;

/// Whether [`is_long`] may be true of what answers it.
pub(super) fn may_be_long(method: &Method) -> bool {
    matches!(
        method,
        Method::PortShow
            | Method::NeighShow
            | Method::RouteShow
            | Method::BridgeShow
            | Method::AddrShow
            | Method::DropsShow(_)
            | Method::VxlanShow
            | Method::StatsShow
            | Method::CacheShow(_)
            | Method::ConfigDiff(_)
            | Method::ConfigExport
    )
}

/// Whether it takes long to make a text of it. Lists that are given by pages are not among them.
pub(super) fn is_long(reply: &Reply) -> bool {
    match reply {
        Reply::Ports(all) => all.len() > FEW,
        Reply::Neighbours(all) => all.len() > FEW,
        Reply::Routes(all) => all.len() > FEW,
        Reply::Bridges(all) => all.len() > FEW,
        Reply::Addresses(all) => all.len() > FEW,
        Reply::Drops(all) => all.len() > FEW,
        Reply::Tunnels(all) => {
            all.iter()
                .map(|tunnel| 1 + tunnel.remotes.len())
                .sum::<usize>()
                > FEW
        }
        Reply::Offload(all) => {
            let nics = all.iter().flat_map(|port| &port.nics);
            let rows = nics.map(|nic| 1 + nic.tunnels.len()).sum::<usize>();
            all.len() + rows > FEW
        }
        Reply::Stats(stats) => {
            let lists = [
                stats.queues.len(),
                stats.bridges.len(),
                stats.tunnels.len(),
                stats.vnis.len(),
                stats.links.len(),
                stats.remotes.len(),
            ];
            lists.iter().sum::<usize>() > FEW
        }
        Reply::Caches(caches) => caches.entries.len() > FEW,
        Reply::Differing(differing) => differing.steps.len() > FEW,
        Reply::Exported(exported) => exported.text.len() > SHORT,
        _ => false,
    }
}

/// What a line asks for, without its `\n`. `None` if there is nobody any more to read it.
pub(super) async fn parse(line: Vec<u8>) -> Option<Result<Call, Refusal>> {
    if line.len() <= SHORT {
        return Some(rpc::parse(&line));
    }
    let read = tokio::task::spawn_blocking(move || rpc::parse(&line));
    read.await.ok()
}

/// The line that answers request `id`. `None` if it cannot be made.
pub(super) async fn line(id: &RawValue, reply: Reply) -> Option<Vec<u8>> {
    let id = id.to_owned();
    let text = tokio::task::spawn_blocking(move || rpc::answer(Some(&id), Ok(reply)));
    text.await.ok()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    /// While the thread beside has something else to do, what is short is read, and what is long waits
    /// for it.
    #[test]
    fn a_long_request_is_read_beside() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .max_blocking_threads(1)
            .build()
            .unwrap();
        let request = |bytes: usize| {
            let request = r#"{"jsonrpc":"2.0","method":"version","id":7}"#;
            let blanks = " ".repeat(bytes - request.len());
            (request.to_owned() + &blanks).into_bytes()
        };
        runtime.block_on(async {
            let (go_on, wait) = std::sync::mpsc::channel::<()>();
            let occupied = tokio::task::spawn_blocking(move || wait.recv());
            let short = parse(request(SHORT)).await.unwrap().unwrap();
            assert_eq!(short.method, Method::Version);
            let mut long = Box::pin(parse(request(SHORT + 1)));
            let early = timeout(Duration::from_millis(50), &mut long).await;
            assert!(early.is_err(), "it was read here");
            drop(go_on);
            let long = long.await.unwrap().unwrap();
            assert_eq!(long.id.unwrap().get(), "7");
            assert!(occupied.await.unwrap().is_err());
        });
    }

    #[test]
    fn what_may_be_long_is_known_before_it_is_asked() {
        for (method, reply) in [
            (Method::PortShow, Reply::Ports(Vec::new())),
            (Method::NeighShow, Reply::Neighbours(Vec::new())),
            (Method::RouteShow, Reply::Routes(Vec::new())),
            (Method::BridgeShow, Reply::Bridges(Vec::new())),
            (Method::AddrShow, Reply::Addresses(Vec::new())),
            (Method::VxlanShow, Reply::Tunnels(Vec::new())),
            (Method::DropsShow(None), Reply::Drops(Vec::new())),
            (Method::StatsShow, Reply::Stats(Box::default())),
        ] {
            assert!(may_be_long(&method) && !is_long(&reply), "{method:?}");
        }
        assert!(!may_be_long(&Method::Version) && !may_be_long(&Method::ConfigConfirm));
    }
}
