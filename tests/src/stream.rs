//! A stream of TCP from one host to another, of which every byte is compared.

use crate::command::{self, Background};
use crate::netns::Netns;
use crate::{Result, wait};

const PORT: &str = "5001";

/// Says how many bytes came, and their digest.
const RECEIVE: &str = "\
import hashlib, socket, sys
address, port = sys.argv[1:]
family = socket.AF_INET6 if ':' in address else socket.AF_INET
server = socket.create_server((address, int(port)), family=family)
print('listening', flush=True)
stream, _ = server.accept()
digest, count = hashlib.sha256(), 0
while data := stream.recv(1 << 16):
    digest.update(data)
    count += len(data)
print('received', count, digest.hexdigest(), flush=True)
";

/// Says what it has sent: bytes without a pattern, so that a piece in a wrong place is found.
const SEND: &str = "\
import hashlib, random, socket, sys
address, port, count = sys.argv[1:]
data = random.Random(int(count)).randbytes(int(count))
stream = socket.create_connection((address, int(port)))
stream.sendall(data)
stream.shutdown(socket.SHUT_WR)
stream.recv(1)
print('received', count, hashlib.sha256(data).hexdigest())
";

/// Sends so many bytes to an address that is the receiver's.
///
/// # Errors
/// If they do not all arrive, in their order, as they were sent.
pub fn send(from: &Netns, to: &Netns, address: &str, bytes: u32) -> Result {
    let dir = tempfile::tempdir()?;
    let mut receiver = to.command("python3");
    receiver.args(["-c", RECEIVE, address, PORT]);
    let receiver = Background::start(&mut receiver, dir.path(), "receiver")?;
    wait::until_true("a receiver to listen", || {
        Ok(receiver.stdout().contains("listening"))
    })?;
    let mut sender = from.command("timeout");
    let limit = wait::LONG.as_secs().to_string();
    sender.args([&limit, "python3", "-c", SEND, address, PORT]);
    let sent = command::run(sender.arg(bytes.to_string()))?;
    wait::until_true("what was sent to be received", || {
        Ok(receiver.stdout().contains("received"))
    })?;
    let received = receiver.stdout();
    if received.lines().last() != sent.lines().last() {
        return Err(format!("sent: {sent:?}, got: {received:?}").into());
    }
    Ok(())
}
